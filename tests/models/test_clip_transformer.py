"""What Spatial-AST and DSpAST share, and what each does on its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from auris.errors import LayoutError, ParameterError
from auris.models import create, from_pretrained, save_pretrained
from auris.models.clip_outputs import SpatialClasses
from auris.models.clip_transformer import ClipTransformer, TrainingMasks
from auris.models.dspast import Dspast, DspastConfig, MapAttention
from auris.models.spatial_ast import SpatialAst, SpatialAstConfig

LABELS = ("dog", "speech", "bell")
SMALL: dict[str, Any] = {
    "labels": LABELS,
    "clip_seconds": 0.5,
    "hop": 640,
    "bands": 32,
    "frames": 32,
    "patch": 8,
    "width": 32,
    "depth": 2,
    "heads": 2,
}
SAMPLES = 16_000
VARIANTS = {"published": {}, "ours": {"maps": "scaled", "stem": "convolutions"}}
NETWORKS = pytest.mark.parametrize("kind", ["spatial_ast", "dspast"])
BOTH = pytest.mark.parametrize("variant", list(VARIANTS))


def network(kind: str, variant: str = "published", **changes: Any) -> ClipTransformer:
    torch.manual_seed(0)
    extra = {"branch_width": 16} if kind == "dspast" else {}
    model: ClipTransformer = create(kind, **SMALL | VARIANTS[variant] | extra | changes)
    return model


def sharp(model: ClipTransformer) -> ClipTransformer:
    """Let the heads speak up, which start as good as silent."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "head" in name and name.endswith("weight"):
                parameter.normal_()
    return model.eval()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def truth(items: int) -> SpatialClasses:
    return SpatialClasses(*(torch.arange(items) % classes for classes in (21, 360, 180)))


@NETWORKS
@BOTH
def test_waveform_in_four_answers_out(kind: str, variant: str) -> None:
    model = network(kind, variant).eval()
    outputs = model(noise(2, 2, SAMPLES))
    assert [tuple(part.shape) for part in outputs] == [(2, 3), (2, 21), (2, 360), (2, 180)]
    width = 48 if kind == "dspast" else 32
    assert model.tokens(model.features(noise(2, 2, SAMPLES))).shape == (2, 3 + 4 * 4, width)
    assert (model.labels, model.layout.name, model.sample_rate, model.clip_seconds) == (LABELS, "binaural", 32_000, 0.5)


@NETWORKS
@BOTH
def test_items_of_a_batch_do_not_meet(kind: str, variant: str) -> None:
    model, sounds = sharp(network(kind, variant)), noise(3, 2, SAMPLES)
    for together, alone in zip(model(sounds), model(sounds[1:2]), strict=True):
        torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


@NETWORKS
def test_it_tells_the_ears_apart(kind: str) -> None:
    model, sound = sharp(network(kind, "ours")), noise(1, 2, SAMPLES)
    there, here = model(sound).azimuth, model(sound.flip(1)).azimuth
    assert (there - here).norm() > 1e-3 * there.norm()


@NETWORKS
def test_a_shorter_clip_is_heard_with_silence_after_it(kind: str) -> None:
    model, short = network(kind).eval(), noise(1, 2, 5000)
    assert torch.equal(model.features(short), model.features(functional.pad(short, (0, SAMPLES - 5000))))


@NETWORKS
@pytest.mark.parametrize(
    ("shape", "error", "text"),
    [
        ((1, 1, SAMPLES), LayoutError, "one channel says nothing of direction; auris simulate"),
        ((1, 4, SAMPLES), LayoutError, "needs binaural audio of 2"),
        ((2, SAMPLES), LayoutError, r"must be \(batch, 2, samples\)"),
        ((1, 2, SAMPLES + 1), ParameterError, "0.5 s.* hear recordings of any length in windows"),
        ((1, 2, 0), ParameterError, "hears 1 to 16000 samples"),
    ],
)
def test_what_it_cannot_hear_is_refused_with_the_way_out(kind: str, shape: tuple, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        network(kind)(torch.zeros(shape))


@NETWORKS
def test_features_of_another_network_are_refused(kind: str) -> None:
    model = network(kind)
    with pytest.raises(ParameterError, match=r"sees features \(batch"):
        model.from_features(torch.zeros(1, 5, 32, 32))


@NETWORKS
def test_positions_are_real_without_a_checkpoint(kind: str) -> None:
    table = network(kind).pos_embed
    assert table.shape == (1, 17, 32)
    assert not table[0, 0].any()
    assert torch.cdist(table, table)[0].fill_diagonal_(1.0).min() > 0.1
    assert "pos_embed" in network(kind).state_dict()


@NETWORKS
@BOTH
def test_gradient_reaches_everything_that_is_learned(kind: str, variant: str) -> None:
    model = network(kind, variant, drop_path=0.0).train()
    outputs = model.from_features(model.features(noise(4, 2, SAMPLES)), TrainingMasks(4, 4))
    model.update_scales(outputs, truth(4))
    loss = outputs.events.square().mean()
    for scores, targets in zip(model.logits(outputs)[1:], truth(4), strict=True):
        loss = loss + functional.cross_entropy(scores, targets)
    loss.backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    # The gains of maps in front of a batch normalisation of one map may have none to speak of, but numbers they have.
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    assert all(parameter.grad.abs().max() > 0 for name, parameter in model.named_parameters() if ".fc.0" not in name)


@NETWORKS
@BOTH
def test_it_starts_quiet(kind: str, variant: str) -> None:
    model = network(kind, variant).eval()
    assert model(noise(2, 2, SAMPLES)).events.abs().max() < 0.01


@NETWORKS
@BOTH
def test_a_few_steps_fit_a_batch(kind: str, variant: str) -> None:
    model = network(kind, variant, drop_path=0.0).train()
    features, targets = model.features(noise(4, 2, SAMPLES) * torch.tensor([1.0, 3.0, 0.3, 0.1])[:, None, None]), truth(4)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        outputs = model.from_features(features)
        model.update_scales(outputs, targets)
        loss = functional.cross_entropy(model.logits(outputs).distance, targets.distance)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[1]


@NETWORKS
def test_a_saved_model_says_the_same(kind: str, tmp_path: Any) -> None:
    model = sharp(network(kind, "ours"))
    save_pretrained(model, tmp_path / "model", card="")
    loaded, sound = from_pretrained(tmp_path / "model"), noise(1, 2, SAMPLES)
    assert loaded.config == model.config
    for wanted, found in zip(model(sound), loaded(sound), strict=True):
        torch.testing.assert_close(wanted, found, rtol=1e-5, atol=1e-5)


@NETWORKS
def test_stochastic_depth_grows_from_nothing(kind: str) -> None:
    rates = [block.drop_path.probability for block in network(kind, depth=3).blocks]
    assert rates == pytest.approx([0, 0.05, 0.1])


def test_scaled_maps_are_all_of_one_size() -> None:
    model = network("dspast", "ours").train()
    maps = model.features(noise(8, 2, SAMPLES))
    assert maps.mean(dim=(0, 2, 3)).abs().max() < 0.1
    assert 0.5 < float(maps.std(dim=(0, 2, 3)).min()) < float(maps.std(dim=(0, 2, 3)).max()) < 1.5


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_three_branches_in_one_batch_are_three_passes(variant: str) -> None:
    model = sharp(network("dspast", variant))
    assert isinstance(model, Dspast)
    features = model.features(noise(2, 2, SAMPLES))
    passes = [
        model.pre_head1(model._through_blocks(features, [(model.conv_downsample1, model.cls_tokens1)], None)),
        model.pre_head2(model._through_blocks(features, [(model.conv_downsample2, model.cls_tokens2)], None)),
        model.pre_head3(model._through_blocks(features, [(model.conv_downsample3, model.cls_tokens3)], None)),
    ]
    torch.testing.assert_close(model.tokens(features), torch.cat(passes, dim=-1), rtol=1e-4, atol=1e-5)


@BOTH
def test_branches_answer_for_themselves_alone(variant: str) -> None:
    model = network("dspast", variant, drop_path=0.0).train()
    assert isinstance(model, Dspast)
    model.from_features(model.features(noise(2, 2, SAMPLES))).events.square().sum().backward()
    assert model.cls_tokens3.grad is not None
    assert model.cls_tokens3.grad.abs().max() > 0
    for tokens in (model.cls_tokens1, model.cls_tokens2):
        assert tokens.grad is not None
        assert not tokens.grad.any()


@BOTH
def test_dspast_trains_on_single_items(variant: str) -> None:
    model = network("dspast", variant).train()
    outputs = model(noise(1, 2, SAMPLES))
    model.update_scales(outputs, truth(1))
    model.logits(outputs).distance.logsumexp(1).sum().backward()
    assert model.distance_head.s.isfinite().all()


def test_a_single_item_leaves_the_statistics_of_map_attention() -> None:
    attention, maps = MapAttention(6).train(), torch.randn(1, 6, 8, 8)
    assert attention(maps).shape == maps.shape
    assert torch.equal(attention.bn.running_var, torch.ones(6))
    attention(torch.randn(2, 6, 8, 8))
    assert not torch.equal(attention.bn.running_var, torch.ones(6))


def test_scales_turn_cosines_into_logits() -> None:
    model = sharp(network("dspast"))
    outputs = model(noise(2, 2, SAMPLES))
    assert outputs.azimuth.abs().max() <= 1 + 1e-6
    torch.testing.assert_close(model.logits(outputs).azimuth, outputs.azimuth * model.azimuth_head.s)
    assert torch.equal(model.logits(outputs).events, outputs.events)


def test_stripes_are_blanked_alike_in_the_whole_batch_and_no_wider_than_asked() -> None:
    torch.manual_seed(0)
    widest = [0, 0]
    for _ in range(200):
        hidden = TrainingMasks(frequency=8, time=20).striped(torch.ones(2, 3, 64, 32)) == 0
        assert hidden.eq(hidden[:1, :1]).all()
        times, bands = hidden[0, 0].all(dim=1), hidden[0, 0].all(dim=0)
        assert torch.equal(hidden[0, 0], times[:, None] | bands)
        for axis, stripe in enumerate((times, bands)):
            assert stripe.int().diff().abs().sum() <= 2  # one stretch
            widest[axis] = max(widest[axis], int(stripe.sum()))
    assert 15 <= widest[0] < 20
    assert 6 <= widest[1] < 8


@NETWORKS
def test_masks_leave_part_of_the_patches(kind: str) -> None:
    model = network(kind).train()
    tokens = model.tokens(model.features(noise(2, 2, SAMPLES)), TrainingMasks(0, 0, patch_time=0.25, patch_frequency=0.5))
    assert tokens.shape[1] == 3 + 3 * 2


def test_no_masks_change_nothing() -> None:
    model = sharp(network("spatial_ast"))
    features = model.features(noise(1, 2, SAMPLES))
    nothing = TrainingMasks(0, 0, patch_time=0.0, patch_frequency=0.0)
    assert torch.equal(model.tokens(features), model.tokens(features, nothing))


@pytest.mark.parametrize("masks", [{"time": -1}, {"patch_time": 1.0}, {"patch_frequency": -0.1}])
def test_masks_that_leave_nothing_are_refused(masks: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="shares of patches"):
        TrainingMasks(**masks)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"labels": ()}, "class labels, each once"),
        ({"labels": ("a", "a")}, "class labels, each once"),
        ({"frames": 30}, "multiples of patch=8"),
        ({"clip_seconds": 1.0}, "1 s are 51 frames"),
        ({"clip_seconds": 0.0}, "must be positive"),
        ({"width": 30}, "multiple of 4"),
        ({"heads": 3}, "heads=3"),
        ({"drop_path": 1.0}, "below 1"),
        ({"stem": "convolutions", "patch": 16, "width": 12, "heads": 1}, "power of two"),
    ],
)
def test_configurations_that_make_no_network_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        replace(SpatialAstConfig(**SMALL), **changes)


def test_an_unknown_front_end_is_refused() -> None:
    with pytest.raises(ParameterError, match="maps must be one of"):
        create("spatial_ast", **SMALL, maps="scale")


def test_published_sizes_are_the_defaults() -> None:
    assert SpatialAstConfig(labels=LABELS).grid == (64, 8)
    assert DspastConfig(labels=LABELS).branch_width == 256
    assert SpatialAst.config_class is SpatialAstConfig


def test_it_starts_as_published() -> None:
    model = network("spatial_ast", width=64, labels=tuple(f"class {number}" for number in range(100)))
    assert isinstance(model, SpatialAst)
    attention = model.blocks[0].attn
    assert float(attention.qkv.weight.std().detach()) == pytest.approx(0.02, rel=0.05)
    assert not attention.qkv.bias.any()
    assert float(model.patch_embed.proj.weight.abs().max().detach()) == pytest.approx((6 / (64 + 64)) ** 0.5, rel=0.01)
    for head in (model.head, model.distance_head, model.azimuth_head, model.elevation_head):
        assert float(head.weight.std().detach()) == pytest.approx(2e-5, rel=0.1)
    assert not model.head.bias.any()
    assert model.azimuth_head.bias.any()
    assert float(model.cls_tokens.std().detach()) == pytest.approx(0.02, rel=0.3)
