"""PSELDNets as networks: formats, clips of any length, normalisation, two trunks, configurations."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from auris.channels import ambisonics, mono, tetrahedral
from auris.errors import LayoutError, ParameterError
from auris.models import create
from auris.models.pretrained import from_pretrained, save_pretrained
from auris.models.pseldnet.config import PseldNetConfig
from auris.models.pseldnet.network import PseldNet
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, TrackOutputs
from auris.models.pseldnet.stitch import CrossStitch

LABELS = ("dog", "rain", "speech", "piano")
CLASSES = len(LABELS)
SECOND = 24_000


def small(**settings: object) -> PseldNet:
    """A network on the smallest trunk."""
    torch.manual_seed(0)
    model: PseldNet = create("pseldnet", labels=LABELS, backbone="cnn8", **settings).eval()
    return model


@pytest.fixture(scope="module")
def htsat() -> PseldNet:
    torch.manual_seed(0)
    return PseldNet(PseldNetConfig(labels=LABELS, output="seddoa")).eval()


@pytest.mark.parametrize(
    ("output", "shapes", "tracks"),
    [
        ("accdoa", [(2, 7, 3, CLASSES)], 1),
        ("multi_accdoa", [(2, 7, 3, 3, CLASSES)], 3),
        ("seddoa", [(2, 7, 3, CLASSES), (2, 7, 3, 3)], 3),
        ("einv2", [(2, 7, 3, CLASSES), (2, 7, 3, 3)], 3),
    ],
)
@torch.no_grad()
def test_every_format_is_heard_alike(output: str, shapes: list[tuple[int, ...]], tracks: int) -> None:
    model = small(output=output)
    waveform = torch.randn(2, 4, 15_601)  # 6.5 label frames
    assert [tuple(part.shape) for part in model.raw(waveform)] == shapes
    heard = model(waveform)
    assert heard.shape == (2, 7, tracks, CLASSES, 4)
    assert bool(heard[..., 3].isnan().all())
    assert bool((heard[..., :3].norm(dim=-1) <= math.sqrt(3)).all())


@pytest.mark.parametrize(
    ("output", "order"), [("accdoa", "axis, class"), ("multi_accdoa", "track, axis, class"), ("seddoa", "track, class or axis")]
)
@torch.no_grad()
def test_outputs_lie_as_in_the_published_heads(output: str, order: str) -> None:
    model = small(output=output)
    for head in model.body.readouts():
        head.weight.zero_()
        head.bias.copy_(torch.linspace(-1, 1, len(head.bias)))
    heads = [head.bias for head in model.body.readouts()]
    outputs = model.raw(torch.randn(1, 4, SECOND))
    sizes = {"axis": 3, "class": CLASSES, "track": 3}
    if output == "seddoa":
        assert torch.allclose(outputs.sed[0, 0], heads[0].reshape(3, CLASSES))
        assert torch.allclose(outputs.doa[0, 0], heads[1].tanh().reshape(3, 3))
    else:
        shape = [sizes[name] for name in order.split(", ")]
        assert torch.allclose(outputs.vectors[0, 0], heads[0].tanh().reshape(shape))


def test_accdoa_vectors_are_turned_to_the_listeners_view() -> None:
    single, multi = torch.rand(1, 2, 3, CLASSES), torch.rand(1, 2, 3, 3, CLASSES)
    assert torch.equal(Accdoa(single).activity_vectors()[0, 1, 0, 2], single[0, 1, :, 2])
    assert torch.equal(MultiAccdoa(multi).activity_vectors()[0, 1, 2, 3], multi[0, 1, 2, :, 3])


def test_a_track_points_its_likeliest_class_in_its_direction() -> None:
    sed = torch.full((1, 1, 3, CLASSES), -5.0)
    sed[0, 0, 0, 2], sed[0, 0, 1, 1] = 1.5, 0.0
    doa = torch.tensor([[0.2, 0.0, 0.0], [0.0, -0.3, 0.4], [0.0, 0.0, 0.0]]).reshape(1, 1, 3, 3)
    vectors = TrackOutputs(sed, doa).activity_vectors()[0, 0]
    assert vectors[0, 2].tolist() == pytest.approx([1 / (1 + math.exp(-1.5)), 0, 0])
    assert vectors[1, 1].tolist() == pytest.approx([0, -0.3, 0.4])
    assert int((vectors.abs().sum(-1) > 0).sum()) == 2  # the third track has no direction, all other classes are silent


@torch.no_grad()
def test_a_short_clip_is_heard_as_ten_seconds_that_end_in_silence(htsat: PseldNet) -> None:
    clips = torch.randn(2, 4, 2 * SECOND + 1)
    whole = functional.pad(clips, (0, 8 * SECOND - 1))
    short, long = htsat.raw(clips), htsat.raw(whole)
    assert (short.sed.shape[1], long.sed.shape[1]) == (21, 100)
    assert all(torch.equal(part, other[:, :21]) for part, other in zip(short, long, strict=True))
    assert htsat(clips[:1, :, :1]).shape[1] == 1


@pytest.mark.parametrize(("samples", "text"), [(0, "got 0"), (10 * SECOND + 1, "1 to 240000 samples.*got 240001.*in blocks")])
def test_other_lengths_are_refused(htsat: PseldNet, samples: int, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        htsat(torch.zeros(1, 4, samples))


@torch.no_grad()
def test_cnns_hear_any_length() -> None:
    model = small()
    assert [model(torch.randn(1, 4, samples)).shape[1] for samples in (1, 2400, 2401, 5 * SECOND, 12 * SECOND)] == [
        1,
        1,
        2,
        50,
        120,
    ]
    with pytest.raises(ParameterError, match="any number of samples at a time, got 0"):
        model(torch.zeros(1, 4, 0))


@pytest.mark.parametrize("shape", [(1, 2, SECOND), (4, SECOND)])
def test_a_wrong_channel_count_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(LayoutError, match=r"foa audio must be \(batch, 4, samples\), got"):
        small()(torch.zeros(shape))


def test_features_of_another_front_end_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"sees features \(batch, 7, frames, 64\), got \(1, 4, 101, 64\)"):
        small().from_features(torch.zeros(1, 4, 101, 64))


@torch.no_grad()
def test_items_of_a_batch_do_not_mix_and_nothing_given_is_changed(htsat: PseldNet) -> None:
    clips = torch.randn(2, 4, 10 * SECOND)
    features = htsat.features(clips)
    before = features.clone()
    both = htsat.from_features(features)
    assert torch.equal(features, before)
    alone = htsat.from_features(features[1:])
    assert all(torch.allclose(part[1], other[0], atol=2e-5) for part, other in zip(both, alone, strict=True))


@torch.no_grad()
def test_double_precision_agrees(htsat: PseldNet) -> None:
    features = htsat.features(torch.randn(1, 4, 10 * SECOND))
    single, exact = htsat.from_features(features), copy.deepcopy(htsat).double().from_features(features.double())
    assert exact.sed.dtype == torch.float64
    assert all(torch.allclose(part.double(), other, atol=2e-5) for part, other in zip(single, exact, strict=True))


@torch.no_grad()
def test_each_feature_channel_and_band_is_normalised_for_itself() -> None:
    model = small().train()
    features = torch.randn(4, 7, 101, 64) * torch.arange(1.0, 8.0)[:, None, None] + torch.arange(64.0)
    seen = []
    model.body.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.from_features(features)
    assert torch.allclose(seen[0].mean(dim=(0, 2)), torch.zeros(7, 64), atol=1e-4)
    assert torch.allclose(seen[0].std(dim=(0, 2)), torch.ones(7, 64), atol=1e-2)
    assert torch.allclose(model.scalar[3].running_mean, 0.1 * features[:, 3].mean(dim=(0, 1)), atol=1e-4)


@torch.no_grad()
def test_without_exchange_one_trunk_hears_levels_only() -> None:
    model = small(output="einv2")
    features = torch.randn(1, 7, 101, 64)
    other = features.clone()
    other[:, 4:] = torch.randn(1, 3, 101, 64)
    mixed = [model.from_features(part).sed for part in (features, other)]
    assert not torch.allclose(*mixed, atol=1e-4)
    for stitch in [*model.body.stitches, *(track.stitch for track in model.body.tracks)]:
        stitch.weight.copy_(torch.eye(2).expand_as(stitch.weight))
    apart = [model.from_features(part) for part in (features, other)]
    assert torch.allclose(apart[0].sed, apart[1].sed, atol=1e-5)
    assert not torch.allclose(apart[0].doa, apart[1].doa, atol=1e-4)


def test_two_trunks_learn_in_all_their_parts() -> None:
    model = small(output="einv2", decoder="gru").train()
    sed, doa = model.from_features(torch.randn(2, 7, 101, 64))
    (sed.square().mean() + doa.square().mean()).backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in model.parameters())


@torch.no_grad()
def test_a_stitch_mixes_channel_by_channel() -> None:
    first, second = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    for order in ("sequential", "symmetric"):
        stitch = CrossStitch(3, order=order)
        assert bool(((stitch.weight >= 0.1) & (stitch.weight <= 0.9)).all())
        found = stitch(first, second)
        for channel, ((a, b), (c, d)) in enumerate(stitch.weight):
            mixed = a * first[..., channel] + b * second[..., channel]
            other = mixed if order == "sequential" else first[..., channel]
            assert torch.allclose(found[0][..., channel], mixed, atol=1e-6)
            assert torch.allclose(found[1][..., channel], c * other + d * second[..., channel], atol=1e-6)
        maps = CrossStitch(3, channel_axis=1, order=order)
        maps.weight = stitch.weight
        turned = maps(first.movedim(-1, 1)[..., None], second.movedim(-1, 1)[..., None])
        assert all(torch.allclose(t[..., 0].movedim(1, -1), f, atol=1e-6) for t, f in zip(turned, found, strict=True))


@pytest.mark.parametrize(
    ("settings", "layout", "channels"),
    [
        ({}, ambisonics(1), 7),
        ({"layout": "mic", "features": "logmel_gcc"}, tetrahedral(), 10),
        ({"layout": "mic", "features": "salsa_lite"}, tetrahedral(), 7),
        ({"layout": "mono", "features": "logmel"}, mono(), 1),
        ({"features": "logmel", "sample_rate": 32_000}, ambisonics(1), 4),
    ],
)
@torch.no_grad()
def test_every_front_end_fits(settings: dict[str, object], layout: object, channels: int) -> None:
    model = small(**settings)
    assert model.layout == layout
    assert len(model.scalar) == channels
    waveform = torch.randn(1, model.layout.channels, model.sample_rate)
    assert model.features(waveform).shape[1] == channels
    assert model(waveform).shape == (1, 10, 3, CLASSES, 4)


@torch.no_grad()
def test_a_saved_network_hears_the_same(tmp_path: Path) -> None:
    model = small(output="accdoa", decoder="gru", detection={"threshold": 0.3}, adaptation={"method": "lora", "rank": 4})
    save_pretrained(model, tmp_path, card="A test.")
    again = from_pretrained(tmp_path)
    assert again.config == model.config
    waveform = torch.randn(1, 4, SECOND)
    assert torch.equal(again(waveform)[..., :3], model(waveform)[..., :3])
    assert (again.labels, again.frame_seconds, again.block_seconds, again.sample_rate) == (LABELS, 0.1, 10.0, SECOND)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ({"labels": []}, "needs class labels"),
        ({"labels": ["a", "a"]}, "each once"),
        ({"backbone": "htsta"}, "backbone must be one of 'htsat'"),
        ({"decoder": "gru"}, "htsat takes no decoder"),
        ({"decoder_layers": 0}, "at least 1"),
        ({"layout": "mic"}, "'logmel_iv' need layout foa, got 'mic'"),
        ({"layout": "mic", "features": "salsa_lite"}, "no mel bands, which htsat needs"),
        ({"sample_rate": 22_050}, "multiple of 100"),
        ({"sample_rate": 4000}, "at least 8000 Hz"),
        ({"drop_path": 1.0}, "below 1"),
        ({"adaptation": {"method": "lora", "rank": 0}}, "rank of at least 1, got 0"),
        ({"adaptation": {"ratio": 0}}, "must be positive"),
        ({"adaptation": {"places": ["mlp", "mlp"]}}, "each once"),
        ({"adaptation": {"places": ["head"]}}, "places must be"),
        ({"adaptation": {"scale": "big"}}, "scale must be"),
        ({"backbone": "cnn8", "adaptation": {"method": "adapter"}}, "blocks of htsat only"),
    ],
)
def test_impossible_configurations_are_refused(bad: dict[str, object], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        create("pseldnet", **{"labels": ["a"], **bad})


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ({"output": "acdoa"}, "did you mean 'accdoa'"),
        ({"features": "mfcc"}, "unknown features 'mfcc'"),
        ({"layout": "binaural"}, "unknown layout 'binaural'"),
        ({"stitch": "both"}, "unknown stitch 'both'"),
    ],
)
def test_names_are_checked_when_a_configuration_is_written_in_python(bad: dict[str, str], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        PseldNetConfig(labels=("a",), **bad)
