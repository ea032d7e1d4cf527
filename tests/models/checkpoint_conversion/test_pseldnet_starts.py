"""Starts of trainings: AudioSet checkpoints made with the published names and shapes, and PSELDNets."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from auris.errors import CheckpointError
from auris.models import save_pretrained
from auris.models.checkpoint_conversion import initialise
from auris.models.pseldnet.config import Adaptation, PseldNetConfig
from auris.models.pseldnet.network import PseldNet

LABELS = ("dog", "speech", "rain")


def network(seed=0, labels=LABELS, **config):
    torch.manual_seed(seed)
    return PseldNet(PseldNetConfig(labels=labels, **config))


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def trunk_of(model, part="body.encoder."):
    """Random values under the trunk's published names and shapes."""
    names = {name.removeprefix(part): value for name, value in model.state_dict().items() if name.startswith(part)}
    return {name: torch.rand(value.shape).to(value.dtype) for name, value in names.items()}


def batch_norm(bands=64):
    tensors = {f"bn0.{part}": torch.rand(bands) for part in ("weight", "bias", "running_mean", "running_var")}
    return tensors | {"bn0.num_batches_tracked": torch.tensor(7)}


def saved(path, tensors, container="state_dict", prefix=""):
    named = {prefix + name: value for name, value in tensors.items()}
    torch.save({container: named} if container else named, path)
    return path


def published(model, *, head="tscam_conv.", trunk="encoder."):
    """A network's weights as PSELDNets publishes them."""
    renamed = {"body.encoder.": trunk, "body.decoder.": "decoder.", "body.heads.vectors.": head}
    tensors = {}
    for own, value in model.state_dict().items():
        start = next((start for start in renamed if own.startswith(start)), "")
        tensors["net." + renamed.get(start, "") + own.removeprefix(start)] = value.clone()
    return tensors


@pytest.fixture(scope="module")
def htsat(tmp_path_factory):
    """HTS-AT as published: one channel, its own front end and head."""
    tensors = trunk_of(network()) | batch_norm()
    tensors["patch_embed.proj.weight"] = torch.rand(96, 1, 4, 4)
    tensors["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(64, 64, dtype=torch.long)
    tensors |= {"tscam_conv.weight": torch.zeros(527, 768, 2, 3), "head.weight": torch.zeros(527, 527)}
    tensors |= {"spectrogram_extractor.stft.conv_real.weight": torch.zeros(4), "logmel_extractor.melW": torch.zeros(4)}
    return saved(tmp_path_factory.mktemp("audioset") / "htsat.ckpt", tensors, prefix="sed_model."), tensors


def test_hts_at_fills_the_trunk_and_every_normalisation(htsat):
    file, source = htsat
    model = network(output="accdoa")
    before = state(model)
    report = initialise(model, file)
    after = model.state_dict()
    first = after["body.encoder.patch_embed.proj.weight"]
    assert torch.equal(first, source["patch_embed.proj.weight"].repeat(1, 7, 1, 1) / 7)
    spectrogram = torch.randn(1, 1, 8, 8)
    alone = functional.conv2d(spectrogram, source["patch_embed.proj.weight"], stride=4)
    torch.testing.assert_close(functional.conv2d(spectrogram.repeat(1, 7, 1, 1), first, stride=4), alone, rtol=1e-4, atol=1e-5)
    for index in range(7):
        for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            assert torch.equal(after[f"scalar.{index}.{part}"], source[f"bn0.{part}"])
    for name in ("layers.2.blocks.5.attn.qkv.weight", "layers.0.downsample.reduction.weight", "norm.bias"):
        assert torch.equal(after["body.encoder." + name], source[name])
    assert report.kept == ("body.heads.vectors.weight", "body.heads.vectors.bias")
    assert all(torch.equal(after[name], before[name]) for name in report.kept)
    assert set(report.loaded) | set(report.kept) == set(after)
    assert report.reasons["layers.0.blocks.0.attn.relative_position_index"] == "computed, not learned"
    assert report.reasons["tscam_conv.weight"] == "head for the classes of AudioSet"
    assert report.reasons["logmel_extractor.melW"] == "front end of AudioSet"
    assert report.skipped == tuple(report.reasons)
    assert "HTS-AT trained on AudioSet, 5 not used; as they were: body.heads.vectors" in str(report)


def test_both_trunks_of_einv2_start_from_the_same_file(htsat):
    file, source = htsat
    model = network(output="einv2", labels=("a",))
    report = initialise(model, file)
    after = model.state_dict()
    for part, channels in (("body.sed_encoder.", 4), ("body.doa_encoder.", 7)):
        first = source["patch_embed.proj.weight"].repeat(1, channels, 1, 1) / channels
        assert torch.equal(after[part + "patch_embed.proj.weight"], first)
        assert torch.equal(after[part + "layers.3.blocks.1.mlp.fc2.weight"], source["layers.3.blocks.1.mlp.fc2.weight"])
    assert {name.rsplit(".", 2)[0] for name in report.kept if "stitches" in name} == {"body.stitches"}


@pytest.mark.parametrize("method", ["adapter", "lora"])
def test_adaptations_stay_as_they_start(htsat, method):
    model = network(adaptation=Adaptation(method=method))
    report = initialise(model, htsat[0])
    assert all("adapter" in name or "lora" in name or "heads" in name for name in report.kept)
    assert len(report.kept) > 10


def test_passt_gives_its_tokens_and_resized_embeddings(tmp_path):
    model = network(backbone="passt", output="accdoa")
    source = trunk_of(model)
    source["patch_embed.proj.weight"] = torch.rand(768, 1, 16, 16)
    source["time_new_pos_embed"] = torch.linspace(0, 98, 99).expand(1, 768, 1, 99).clone()
    source["freq_new_pos_embed"] = torch.arange(12.0)[:, None].expand(1, 768, 12, 1).clone()
    source |= {"head.1.weight": torch.zeros(527, 768), "head_dist.weight": torch.zeros(527, 768)}
    before = state(model)
    report = initialise(model, saved(tmp_path / "passt.ckpt", source, container=""))
    after = model.state_dict()
    assert after["body.encoder.freq_new_pos_embed"][0, 0, :, 0].tolist() == [3, 4, 5, 6, 7, 8]
    steps = after["body.encoder.time_new_pos_embed"][0, 5, 0]
    # Half-pixel centres: step k of 100 stands at (k + 0.5) * 0.99 - 0.5 of the 99.
    expected = ((torch.arange(100) + 0.5) * 0.99 - 0.5).clamp(0, 98)
    torch.testing.assert_close(steps, expected, rtol=0, atol=1e-4)
    assert torch.equal(after["body.encoder.patch_embed.proj.weight"][:, 3:4], source["patch_embed.proj.weight"] / 7)
    for name in ("cls_token", "dist_token", "new_pos_embed", "head.0.weight", "blocks.6.mlp.fc1.bias", "norm.weight"):
        assert torch.equal(after["body.encoder." + name], source[name])
    assert all(torch.equal(after[name], before[name]) for name in after if name.startswith("scalar."))
    assert set(report.reasons) == {"head.1.weight", "head_dist.weight"}


def test_cnn14_fills_the_blocks(tmp_path):
    model = network(backbone="cnn14", output="accdoa")
    source = trunk_of(model) | batch_norm()
    source["conv_block1.conv1.weight"] = torch.rand(64, 1, 3, 3)
    source |= {"fc1.weight": torch.zeros(4, 4), "fc_audioset.weight": torch.zeros(4, 4), "logmel_extractor.melW": torch.ones(2)}
    initialise(model, saved(tmp_path / "Cnn14.pth", source, container="model"))
    after = model.state_dict()
    assert torch.equal(
        after["body.encoder.conv_block1.conv1.weight"], source["conv_block1.conv1.weight"].repeat(1, 7, 1, 1) / 7
    )
    assert torch.equal(after["body.encoder.conv_block6.bn2.running_var"], source["conv_block6.bn2.running_var"])
    assert torch.equal(after["scalar.6.running_mean"], source["bn0.running_mean"])


def test_a_file_of_another_backbone_or_half_a_trunk_is_refused(tmp_path, htsat):
    small = network(backbone="cnn8", output="accdoa", decoder="gru")
    with pytest.raises(CheckpointError, match="weights of a htsat trunk, the model has cnn8"):
        initialise(small, htsat[0])
    half = published(small, trunk="convs.", head="fc.")
    del half["net.convs.conv_block3.bn1.weight"]
    before = state(small)
    with pytest.raises(CheckpointError, match=r"cannot start ACCDOA-CNN8-GRU .*: missing body.encoder.conv_block3.bn1.weight$"):
        initialise(small, saved(tmp_path / "half.ckpt", half))
    half["net.convs.conv_block3.bn1.weight"] = torch.zeros(7)
    with pytest.raises(CheckpointError, match=r"conv_block3.bn1.weight is \(7,\), needed \(128,\)"):
        initialise(small, saved(tmp_path / "other.ckpt", half))
    half["net.convs.conv_block3.bn1.weight"] = torch.full((128,), torch.nan)
    with pytest.raises(CheckpointError, match="holds NaN"):
        initialise(small, saved(tmp_path / "nan.ckpt", half))
    assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())


def test_fine_tuning_takes_everything_but_the_head(tmp_path):
    trained = network(seed=1, backbone="cnn8", decoder="gru")
    file = saved(tmp_path / "x.ckpt", published(trained, trunk="convs.", head="fc."))
    model = network(backbone="cnn8", decoder="gru", labels=("a", "b"))
    report = initialise(model, file)
    after, source = model.state_dict(), trained.state_dict()
    assert all(torch.equal(after[name], source[name]) for name in after if not name.startswith("body.heads."))
    assert "body.decoder.decoder.weight_ih_l0" in report.loaded
    assert report.kept == ("body.heads.vectors.weight", "body.heads.vectors.bias")
    assert report.reasons["body.heads.vectors.weight"] == "the head begins at random"


@pytest.mark.parametrize("head", ["random", "keep"])
def test_a_head_of_the_same_classes_can_be_kept(tmp_path, head):
    trained = network(seed=1, backbone="cnn8", decoder="gru")
    file = saved(tmp_path / "x.ckpt", published(trained, trunk="convs.", head="fc."))
    model = network(backbone="cnn8", decoder="gru")
    report = initialise(model, file, head=head)
    kept = torch.equal(model.state_dict()["body.heads.vectors.weight"], trained.state_dict()["body.heads.vectors.weight"])
    assert kept == (head == "keep")
    assert report.kept == (() if kept else ("body.heads.vectors.weight", "body.heads.vectors.bias"))
    other = initialise(network(backbone="cnn8", decoder="gru", labels=("a",)), file, head=head)
    assert set(other.skipped) == {"body.heads.vectors.weight", "body.heads.vectors.bias"}


def test_direction_heads_come_along_as_they_know_no_classes(tmp_path):
    trained = network(seed=1, backbone="cnn8", output="seddoa")
    names = {"body.encoder.": "net.convs.", "body.heads.sed.": "net.sed_tscam_conv.", "body.heads.doa.": "net.doa_tscam_conv."}
    tensors = {}
    for own, value in trained.state_dict().items():
        start = next((start for start in names if own.startswith(start)), "")
        tensors[names.get(start, "net.") + own.removeprefix(start)] = value
    model = network(backbone="cnn8", output="seddoa", labels=("a", "b"))
    report = initialise(model, saved(tmp_path / "x.ckpt", tensors))
    assert report.kept == ("body.heads.sed.weight", "body.heads.sed.bias")
    assert torch.equal(model.state_dict()["body.heads.doa.weight"], trained.state_dict()["body.heads.doa.weight"])


def test_networks_of_ours_are_a_start_too(tmp_path):
    trained = network(seed=1, backbone="cnn8", decoder="gru")
    save_pretrained(trained, tmp_path / "model", card="x")
    save_file(trained.state_dict(), tmp_path / "x.safetensors")
    saved(tmp_path / "run.ckpt", trained.state_dict(), prefix="model.")
    for file in ("model", "x.safetensors", "run.ckpt"):
        model = network(backbone="cnn8", decoder="gru")
        report = initialise(model, tmp_path / file, head="keep")
        assert report.kept == ()
        assert all(torch.equal(value, trained.state_dict()[name]) for name, value in model.state_dict().items())


def test_parts_that_the_model_has_not_are_named(tmp_path):
    trained = network(seed=1, backbone="cnn8", decoder="gru")
    file = saved(tmp_path / "x.ckpt", published(trained, trunk="convs.", head="fc."))
    report = initialise(network(backbone="cnn8", decoder="none"), file)
    assert report.reasons["body.decoder.decoder.weight_ih_l0"] == "a part that the model has not"
