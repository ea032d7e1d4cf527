"""Starts of Spatial-AST and DSpAST: AudioMAE, published stages, and networks trained here."""

import binaural_files as files
import pytest
import torch

from auris.errors import CheckpointError
from auris.models import create, save_pretrained
from auris.models.checkpoint_conversion import initialise
from auris.models.pseldnet.config import PseldNetConfig
from auris.models.pseldnet.network import PseldNet

BOTH = pytest.mark.parametrize("kind", files.KINDS)
PLACES = ("distance_head.", "azimuth_head.", "elevation_head.")


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(model, tensors, names):
    after = model.state_dict()
    return all(torch.equal(after[name], tensors[name]) for name in names)


@BOTH
def test_audiomae_gives_patches_positions_and_blocks(tmp_path, kind):
    model = files.network(kind)
    before, tensors = state(model), files.audiomae(model)
    report = initialise(model, files.saved(tmp_path / "files" / "pretrained.pth", tensors))
    trunk = {name for name in before if name.startswith(("patch_embed.", "pos_embed", "blocks."))}
    assert set(report.loaded) == trunk
    assert set(report.kept) == before.keys() - trunk
    assert same(model, tensors, report.loaded)
    assert same(model, before, report.kept)
    assert report.reasons == {
        "cls_token": "AudioMAE's class token; the model has its own",
        "mask_token": "for AudioMAE's training only",
        "norm.weight": "the last normalisation of AudioMAE, which the model has not",
        "norm.bias": "the last normalisation of AudioMAE, which the model has not",
        "decoder_embed.weight": "the decoder of AudioMAE",
        "decoder_blocks.0.norm1.weight": "the decoder of AudioMAE",
    }
    assert report.skipped == tuple(report.reasons)
    assert "tensors of AudioMAE, 6 not used; as they were: azimuth_head" in str(report)
    assert torch.isfinite(model.eval()(torch.randn(1, 2, 32_000)).azimuth).all()


def test_a_fine_tuned_audiomae_gives_no_head(tmp_path):
    """Even where it has as many classes by chance."""
    model = files.network("spatial_ast")
    tensors = files.audiomae(model) | {"head.weight": torch.ones(3, 64), "head.bias": torch.ones(3)}
    tensors |= {"fc_norm.weight": torch.full((64,), 7.0)}
    report = initialise(model, files.saved(tmp_path / "files" / "x.pth", tensors), head="keep")
    assert report.reasons["head.weight"] == "the model's classes begin at random"
    assert report.reasons["fc_norm.weight"] == "a part that the model has not"
    assert not torch.equal(model.head.bias, torch.ones(3))


def test_what_does_not_fit_around_the_blocks_is_left_and_said(tmp_path):
    """Patches of three channels, as of pictures, and positions of another grid."""
    model = files.network("dspast")
    before = state(model)
    tensors = files.audiomae(model, patch=(3, 16, 16), rows=197)
    report = initialise(model, files.saved(tmp_path / "files" / "x.pth", tensors))
    assert report.reasons["patch_embed.proj.weight"] == "for patches of another size"
    assert report.reasons["pos_embed"] == "of another size; the model has its own"
    assert same(model, before, ["pos_embed", "patch_embed.proj.weight"])
    assert same(model, tensors, [name for name in before if name.startswith("blocks.")])


def test_a_stem_of_convolutions_takes_the_blocks_alone(tmp_path):
    model = files.network("spatial_ast", stem="convolutions", maps="scaled")
    report = initialise(model, files.saved(tmp_path / "files" / "x.pth", files.audiomae(model)))
    assert {name.split(".")[0] for name in report.loaded} == {"blocks", "pos_embed"}
    assert report.reasons["patch_embed.proj.weight"] == "a part that the model has not"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda t: t.pop("blocks.1.attn.qkv.weight"),
            "cannot start Spatial-AST with 3 classes: missing blocks.1.attn.qkv.weight$",
        ),
        (lambda t: t.update({"blocks.0.norm1.bias": torch.zeros(96)}), r"blocks.0.norm1.bias is \(96,\), needed \(64,\)"),
        (lambda t: t["blocks.1.mlp.fc1.bias"].fill_(torch.nan), "blocks.1.mlp.fc1.bias holds NaN"),
    ],
)
def test_half_a_trunk_is_refused_and_changes_nothing(tmp_path, change, sentence):
    model = files.network("spatial_ast")
    before, tensors = state(model), files.audiomae(model)
    change(tensors)
    with pytest.raises(CheckpointError, match=sentence):
        initialise(model, files.saved(tmp_path / "files" / "x.pth", tensors))
    assert same(model, before, before)


@BOTH
def test_a_stage_goes_on_from_the_stage_before_with_its_heads(tmp_path, kind):
    trained = files.network(kind, seed=1)
    if kind == "dspast":
        trained.azimuth_head.s.fill_(11.5)
    file = files.saved(tmp_path / "files" / "DSpAST-stage1", files.published(trained))
    model = files.network(kind)
    report = initialise(model, file, head="keep")
    assert report.kept == ()
    assert same(model, trained.state_dict(), model.state_dict())
    assert set(report.reasons.values()) == {"computed, not learned", "never used"} - (
        {"never used"} if kind != "dspast" else set()
    )


@BOTH
def test_other_classes_begin_at_random_and_places_come_along(tmp_path, kind):
    trained = files.network(kind, seed=1)
    file = files.saved(tmp_path / "files" / "x", files.published(trained))
    for model in (files.network(kind), files.network(kind, labels=("a", "b"))):
        before = state(model)
        report = initialise(model, file)
        assert report.kept == ("head.weight", "head.bias")
        assert report.reasons["head.weight"] == "the head begins at random"
        assert same(model, before, report.kept)
        assert same(model, trained.state_dict(), [name for name in before if name.startswith(PLACES)])
    other = initialise(files.network(kind, labels=("a", "b")), file, head="keep")
    assert other.reasons["head.weight"] == "a head for other classes"


@BOTH
@pytest.mark.parametrize("nano", [False, True])
def test_networks_of_ours_are_a_start_too(tmp_path, kind, nano):
    config = {"maps": "scaled", "stem": "convolutions", "heads": 4} if nano else {}
    trained = files.network(kind, seed=1, **config)
    save_pretrained(trained, tmp_path / "model", card="x")
    weights = {f"model.{name}": value for name, value in trained.state_dict().items()}
    torch.save({"state_dict": weights, "epoch": 3}, tmp_path / "run.ckpt")
    for file in ("model", "run.ckpt"):
        model = files.network(kind, **config)
        assert initialise(model, tmp_path / file, head="keep").kept == ()
        assert same(model, trained.state_dict(), model.state_dict())


def test_a_network_of_another_stem_or_size_is_refused(tmp_path):
    save_pretrained(files.network("spatial_ast"), tmp_path / "model", card="x")
    with pytest.raises(CheckpointError, match=r"conv_downsample.0.weight is .*, needed .* and \d+ more"):
        initialise(files.network("spatial_ast", stem="convolutions"), tmp_path / "model")
    with pytest.raises(CheckpointError, match=r"is \(.*\), needed \("):
        initialise(files.network("spatial_ast", width=128), tmp_path / "model")


def test_positions_of_another_grid_are_the_models_own(tmp_path):
    save_pretrained(files.network("spatial_ast", seed=1), tmp_path / "model", card="x")
    model = files.network("spatial_ast", clip_seconds=5.0, frames=512)
    report = initialise(model, tmp_path / "model", head="keep")
    assert report.kept == ("pos_embed",)
    assert report.reasons == {"pos_embed": "positions of another grid; the model has its own"}


def test_the_two_networks_share_their_trunk(tmp_path):
    for theirs, ours in (files.KINDS, files.KINDS[::-1]):
        trained, model = files.network(theirs, seed=1), files.network(ours)
        report = initialise(model, files.saved(tmp_path / "files" / "x.pth", files.published(trained)))
        assert {name.split(".")[0] for name in report.loaded} == {"patch_embed", "pos_embed", "blocks"}
        assert same(model, trained.state_dict(), report.loaded)
        assert report.reasons["head.weight"] == "of the other network"


def test_the_body_inside_bat_is_a_start(tmp_path):
    trained = files.network("spatial_ast", seed=1)
    missing = (*PLACES, "dis_norm.", "doa_norm.", "fc_norm.")
    tensors = {name: value for name, value in files.published(trained).items() if not name.startswith(missing)}
    model = files.network("spatial_ast")
    report = initialise(model, files.saved(tmp_path / "files" / "x.pth", tensors), head="keep")
    assert set(report.kept) == {name for name in model.state_dict() if name.startswith(missing)}
    assert "conv_downsample.1.running_var" in report.loaded
    del tensors["cls_tokens"], tensors["conv_downsample.1.bias"]
    with pytest.raises(CheckpointError, match="of no family that auris knows"):
        initialise(model, files.saved(tmp_path / "files" / "x.pth", tensors))


def test_networks_that_share_nothing_are_refused(tmp_path):
    pseldnet = PseldNet(PseldNetConfig(labels=("a",), backbone="cnn8", output="accdoa", decoder="gru"))
    save_pretrained(pseldnet, tmp_path / "pseldnet", card="x")
    ears = files.network("dspast")
    save_pretrained(ears, tmp_path / "ears", card="x")
    with pytest.raises(CheckpointError, match="share nothing with DSpAST with 3 classes"):
        initialise(ears, tmp_path / "pseldnet")
    with pytest.raises(CheckpointError, match="share nothing with ACCDOA-CNN8-GRU"):
        initialise(pseldnet, tmp_path / "ears")
    mae = files.saved(tmp_path / "files" / "pretrained.pth", files.audiomae(ears))
    with pytest.raises(CheckpointError, match="weights of AudioMAE, which share nothing"):
        initialise(pseldnet, mae)
    with pytest.raises(CheckpointError, match="share nothing with a strided listener for binaural"):
        initialise(create("seld_crnn", labels=["a"], layout="binaural"), mae)
