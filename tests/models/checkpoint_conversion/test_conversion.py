"""Published checkpoints to model folders. Files are made from the names and shapes of the reference fixtures."""

import functools
import json
import math
import pickle
import sys
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from auris.dsp.features.mel import mel_filterbank
from auris.errors import CheckpointError, FormatError
from auris.models import describe, from_pretrained
from auris.models.checkpoint_conversion import convert, pseldnets
from auris.models.checkpoint_conversion.families import family_of, unwrapped
from auris.models.checkpoint_conversion.reading import read_tensors
from auris.models.pretrained import weights_unset
from auris.models.pseldnet.config import Adaptation, PseldNetConfig
from auris.models.pseldnet.network import PseldNet
from auris.vocabulary import DCASE2021, DCASE2022

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
sys.path.insert(0, str(REFERENCE))

import fill  # noqa: E402

SMALL = "pseld_accdoa_crnn_gru"


@functools.cache
def _filled(fixture):
    return {name: torch.from_numpy(array) for name, array in fill.weights(fixture).items()}


def weights(fixture=SMALL):
    return dict(_filled(fixture))


def front_end(rate=24_000):
    return {
        "af_extractor.stft_extractor.window": torch.hann_window(1024),
        "af_extractor.mel_scale.fb": mel_filterbank(513, 64, sample_rate=rate, norm="area"),
    }


def constants(fixture):
    """The tensors that the published constructors compute, stated from their description."""
    found = {}
    for name, tensor in fill.manifest(fixture)["tensors"].items():
        if tensor["rule"] != "keep":
            continue
        if name.endswith("relative_position_index"):
            found[name] = window_offsets()
        elif name.endswith("attn_mask"):
            found[name] = shift_mask(side=8 * math.isqrt(tensor["shape"][0]))
        else:
            found[name] = sinusoids(*tensor["shape"][1:])[None]
    return found


def window_offsets():
    place = np.array([(row, column) for row in range(8) for column in range(8)])
    offset = place[:, None] - place[None] + 7
    return torch.from_numpy(offset[..., 0] * 15 + offset[..., 1])


def shift_mask(side):
    region = np.zeros((side, side))
    parts = (slice(0, -8), slice(-8, -4), slice(-4, None))
    for number, (rows, columns) in enumerate((rows, columns) for rows in parts for columns in parts):
        region[rows, columns] = number
    windows = region.reshape(side // 8, 8, side // 8, 8).swapaxes(1, 2).reshape(-1, 64)
    return torch.from_numpy(np.where(windows[:, :, None] == windows[:, None], 0.0, -100.0)).float()


def sinusoids(rows, width):
    angle = np.arange(rows)[:, None] * np.exp(np.arange(0, width, 2) * -(math.log(10_000) / width))
    return torch.from_numpy(np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(rows, width)).float()


def lightning(path, tensors, *, prefix="net."):
    """Write a checkpoint as the published ones are."""
    path.parent.mkdir(exist_ok=True)
    named = {name if name.startswith("af_extractor.") else prefix + name: value for name, value in tensors.items()}
    torch.save({"epoch": 3, "state_dict": named}, path)
    return path


@pytest.fixture
def file(tmp_path):
    return lightning(tmp_path / "files" / "small.ckpt", weights() | front_end())


@pytest.mark.parametrize(
    ("fixture", "prefix"),
    [("pseld_accdoa_htsat", "net._orig_mod."), (SMALL, "net.")],
    ids=["pseld_accdoa_htsat", "pseld_accdoa_crnn_gru"],
)
def test_a_published_checkpoint_gives_the_published_output(tmp_path, fixture, prefix):
    tensors = weights(fixture) | constants(fixture) | front_end()
    made = convert(lightning(tmp_path / "files" / "x.ckpt", tensors, prefix=prefix), tmp_path / "model")
    model = from_pretrained(tmp_path / "model")
    with torch.inference_mode():
        vectors = model.raw(torch.from_numpy(fill.clip("a"))[None]).vectors
    expected = fill.expected(fixture)["a/accdoa"]
    np.testing.assert_allclose(vectors.numpy().reshape(expected.shape), expected, atol=2e-5)
    assert made["parameters"] == fill.manifest(fixture)["model"]["params"]
    assert model.labels == DCASE2022.labels


SETTINGS = {
    "pseld_accdoa_htsat": {"backbone": "htsat", "output": "accdoa"},
    "pseld_maccdoa_htsat": {"backbone": "htsat", "output": "multi_accdoa"},
    "pseld_einv2_htsat": {"backbone": "htsat", "output": "einv2"},
    "pseld_seddoa_htsat": {"backbone": "htsat", "output": "seddoa"},
    "pseld_maccdoa_passt": {"backbone": "passt", "output": "multi_accdoa"},
    "pseld_maccdoa_crnn": {"backbone": "cnn14", "output": "multi_accdoa", "decoder": "conformer"},
    "pseld_accdoa_crnn_gru": {"backbone": "cnn8", "output": "accdoa", "decoder": "gru", "decoder_layers": 2},
    "pseld_maccdoa_htsat_adapterbit": {"output": "multi_accdoa", "adaptation": Adaptation(method="adapter")},
    "pseld_maccdoa_htsat_lora": {"output": "multi_accdoa", "adaptation": Adaptation(method="lora", rank=16)},
    "pseld_einv2_passt": {"backbone": "passt", "output": "einv2"},
}


@pytest.mark.parametrize("fixture", list(SETTINGS))
def test_every_published_network_is_recognised_by_names_and_shapes(fixture):
    tensors = on_meta(fixture)
    assert family_of(tensors, file="x") == "pseldnets"
    recognised = pseldnets.recognise(tensors, labels=None, sample_rate=None, file="x")
    config = recognised.config
    assert config == PseldNetConfig(labels=config.labels, **SETTINGS[fixture])
    assert any("holds them twice" in note for note in recognised.notes) == fixture.endswith("lora")
    assert len(config.labels) == (170 if fixture == "pseld_maccdoa_htsat" else 13)
    with weights_unset():
        model = PseldNet(config)
    assert pseldnets.weights(tensors, model, file="x").keys() == model.state_dict().keys()
    assert sum(p.numel() for p in model.parameters()) == fill.manifest(fixture)["model"]["params"]


def test_the_networks_that_nobody_published_are_recognised_too():
    """EINV2 on a CNN has names of its own; ours are turned into them and back."""
    with weights_unset():
        model = PseldNet(PseldNetConfig(labels=DCASE2021.labels, backbone="cnn8", output="einv2", decoder="gru"))
    parts = {
        "body.sed_encoder.": "sed_convs.",
        "body.doa_encoder.": "doa_convs.",
        **{f"body.stitches.{k}.": f"stitch.{k}." for k in range(3)},
        **{f"body.tracks.{k}.stitch.": f"stitch.{3 + k}." for k in range(3)},
        **{f"body.tracks.{k}.{kind}_decoder.": f"{kind}_track{k + 1}." for k in range(3) for kind in ("sed", "doa")},
        **{f"body.tracks.{k}.{kind}_head.": f"fc_{kind}_track{k + 1}." for k in range(3) for kind in ("sed", "doa")},
    }
    tensors = {}
    for own, value in model.state_dict().items():
        start = next((start for start in parts if own.startswith(start)), "")
        tensors[parts.get(start, "") + own.removeprefix(start)] = value
    config = pseldnets.recognise(tensors, labels=None, sample_rate=None, file="x").config
    assert config == model.config
    assert pseldnets.weights(tensors, model, file="x").keys() == model.state_dict().keys()


@pytest.mark.parametrize("container", [".ckpt", ".pth", "legacy", ".safetensors"])
def test_every_container_is_read(tmp_path, container):
    path = tmp_path / f"x{container.removeprefix('legacy')}"
    if container == ".safetensors":
        save_file(weights(), path)
    elif container == "legacy":
        torch.save({"model": weights()}, path, _use_new_zipfile_serialization=False)
    else:
        torch.save({"state_dict": weights()} if container == ".ckpt" else weights(), path)
    assert convert(path, tmp_path / "model")["model"] == "ACCDOA-CNN8-GRU with 13 classes"


def test_what_was_made_is_said(tmp_path, file):
    made = convert(file, tmp_path / "new" / "model")
    assert made["folder"] == str(tmp_path / "new" / "model")
    assert (made["labels"], made["classes"], made["sample_rate"]) == ("list", 13, 24_000)
    assert made["published"] is None
    assert json.dumps(made)
    card = describe(tmp_path / "new" / "model")["card"]
    assert "small.ckpt" in card
    assert "those of DCASE 2022-2025, and were assumed" in card
    assert "Licence" in card


def heads(classes, outputs_each):
    changed = weights()
    changed["fc.weight"] = torch.zeros(classes * outputs_each, 256)
    changed["fc.bias"] = torch.zeros(classes * outputs_each)
    return changed | front_end()


def test_classes_are_named_by_a_list_a_file_or_numbers(tmp_path):
    numbered = lightning(tmp_path / "files" / "a.ckpt", heads(170, 9))
    assert convert(numbered, tmp_path / "numbered")["labels"] == "numbered"
    assert from_pretrained(tmp_path / "numbered").labels[:2] == ("class_000", "class_001")
    assert "cls_indices_train.tsv" in describe(tmp_path / "numbered")["card"]
    table = tmp_path / "cls_indices_train.tsv"
    table.write_text("".join(f"{n}\t/m/{n:05d}\tSound {n}\t10\t99.5\n" for n in range(170)))
    convert(numbered, tmp_path / "table", labels=table)
    assert from_pretrained(tmp_path / "table").labels[169] == "Sound 169"
    twelve = lightning(tmp_path / "files" / "b.ckpt", heads(12, 9))
    convert(twelve, tmp_path / "vocabulary", labels="dcase2021")
    assert from_pretrained(tmp_path / "vocabulary").labels == DCASE2021.labels
    convert(twelve, tmp_path / "names", labels=[f"s{n}" for n in range(12)])
    assert from_pretrained(tmp_path / "names").config.output == "multi_accdoa"
    with pytest.raises(CheckpointError, match="12 of multi_accdoa; 13 were given"):
        convert(twelve, tmp_path / "wrong", labels=DCASE2022)


def test_a_head_of_two_meanings_asks_for_the_classes(tmp_path):
    file = lightning(tmp_path / "files" / "x.ckpt", heads(6, 9))
    with pytest.raises(CheckpointError, match="18 of accdoa or 6 of multi_accdoa; give the class names"):
        convert(file, tmp_path / "model")
    convert(file, tmp_path / "six", labels=list("abcdef"))
    convert(file, tmp_path / "eighteen", labels=list("abcdefghijklmnopqr"))
    assert from_pretrained(tmp_path / "six").config.output == "multi_accdoa"
    assert from_pretrained(tmp_path / "eighteen").config.output == "accdoa"
    with pytest.raises(CheckpointError, match="no number of classes"):
        convert(lightning(tmp_path / "files" / "y.ckpt", heads(1, 40)), tmp_path / "model")


def test_the_sample_rate_is_read_from_the_mel_bands_or_asked_for(tmp_path):
    tensors = heads(14, 3)
    bands = lightning(tmp_path / "files" / "bands.ckpt", tensors | front_end(32_000))
    assert convert(bands, tmp_path / "a")["sample_rate"] == 32_000
    with pytest.raises(CheckpointError, match="mel bands are not those of auris at 24000 Hz"):
        convert(bands, tmp_path / "b", sample_rate=24_000)
    plain = {name: value for name, value in tensors.items() if not name.startswith("af_")}
    silent = lightning(tmp_path / "files" / "silent.ckpt", plain)
    with pytest.raises(CheckpointError, match=r"L3DAS22.*give the sample rate"):
        convert(silent, tmp_path / "c")
    assert convert(silent, tmp_path / "d", sample_rate=32_000)["sample_rate"] == 32_000
    assert not (tmp_path / "b").exists()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_code_is_named_and_does_not_run(tmp_path, kind):
    sprung, path = tmp_path / "sprung", tmp_path / "x.ckpt"
    evil = {"state_dict": weights(), "callbacks": Trap(sprung), "more": eval}
    if kind == "pickle":
        path.write_bytes(pickle.dumps(evil, protocol=4))
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=kind == "zip")
    expected = "a Python pickle, which may hold code" if kind == "pickle" else r"holds code \(builtins\.eval.*\), refused"
    with pytest.raises(CheckpointError, match=expected):
        convert(path, tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["x.ckpt"]


def test_settings_of_training_scripts_do_not_disturb(tmp_path, monkeypatch):
    """Lightning, argparse and numpy leave objects beside the weights; none of their packages is imported."""
    kind = type("ModelCheckpoint", (), {"__module__": "pytorch_lightning.callbacks.model_checkpoint"})
    module = type(sys)("pytorch_lightning.callbacks.model_checkpoint")
    module.ModelCheckpoint = kind
    with monkeypatch.context() as patched:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks", module.__name__):
            patched.setitem(sys.modules, name, module)
        beside = {kind: {"best": 1.0}, "args": Namespace(lr=np.float64(1e-3), out=Path("x"))}
        torch.save({"state_dict": weights(), "callbacks": beside}, tmp_path / "x.ckpt")
    assert convert(tmp_path / "x.ckpt", tmp_path / "model")["classes"] == 13


def _cut(path, keep):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])


def _zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/model.pth", "x")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder; give the checkpoint file"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(b"<!DOCTYPE html><html>virus scan warning"), "a web page, not a checkpoint"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid"), "git lfs pull"),
        (lambda path: path.write_bytes(b"\x1f\x8b" + bytes(600)), "gzip archive; unpack it"),
        (lambda path: path.write_bytes(bytes(5000)), "not a checkpoint; accepted: a PyTorch"),
        (lambda path: path.write_text("epoch,loss\n1,2\n"), "not a checkpoint"),
        (lambda path: _cut(path, 0.5), "truncated or damaged, its end is missing"),
        (lambda path: _cut(path, 0.999), "truncated or damaged, its end is missing"),
        (_zip, "a zip archive of weights/model.pth, not a checkpoint"),
        (lambda path: path.write_bytes(pickle.dumps([1, 2])), "a Python pickle"),
        (lambda path: path.write_bytes(pickle.dumps([1, 2], protocol=2)), "damaged or truncated"),
        (lambda path: torch.save(torch.zeros(3), path), "holds a Tensor, no named weights"),
        (lambda path: torch.save({"epoch": 1, "loss": 2.0}, path), "holds no weights, only 'epoch', 'loss'"),
        (lambda path: torch.save({}, path), "holds no weights, only nothing"),
    ],
)
def test_files_that_are_no_checkpoint_are_refused_in_words(tmp_path, file, damage, sentence):
    damage(file)
    with pytest.raises(CheckpointError, match=sentence):
        convert(file, tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["files"]


@pytest.mark.parametrize("legacy", [False, True])
def test_any_truncation_is_refused(tmp_path, legacy):
    path = tmp_path / "x.pth"
    torch.save({"a.weight": torch.zeros(3, 3)}, path, _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    for length in range(1, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_tensors(path)


def test_truncated_safetensors_are_refused(tmp_path):
    save_file(weights(), tmp_path / "x.safetensors")
    _cut(tmp_path / "x.safetensors", 0.9)
    with pytest.raises(CheckpointError, match="damaged safetensors"):
        convert(tmp_path / "x.safetensors", tmp_path / "model")


def _drop(tensors, name):
    del tensors[name]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: _drop(t, "convs.conv_block2.bn1.bias"), "does not fit it: missing convs.conv_block2.bn1.bias$"),
        (lambda t: t.update(extra=torch.zeros(2)), "unknown extra$"),
        (lambda t: t.update({f"x.{n}": torch.zeros(1) for n in range(5)}), "unknown x.0; unknown x.1; unknown x.2 and 2 more"),
        (
            lambda t: t.update({"convs.conv_block1.conv1.weight": torch.zeros(32, 4, 3, 3)}),
            r"conv1.weight is \(32, 4, 3, 3\), needed \(32, 7, 3, 3\)",
        ),
        (lambda t: t.update({"scalar.3.bias": torch.full((64,), torch.nan)}), "scalar.3.bias holds NaN"),
        (lambda t: t.update({"fc.bias": torch.tensor([*[0.0] * 38, torch.inf])}), "holds NaN or infinite"),
        (lambda t: _drop(t, "fc.weight"), "without a head"),
        (lambda t: t.update({"scalar.7.weight": torch.ones(64)}), "8 feature channels; known are"),
        (lambda t: t.update({"af_extractor.stft_extractor.window": torch.ones(1024)}), "analysis window is not"),
        (lambda t: t.update({"af_extractor.mel_scale.fb": torch.rand(513, 64)}), "mel bands are not those of auris"),
        (lambda t: t.update({"convs.conv_block5.conv1.weight": torch.ones(1)}), "without a known trunk"),
    ],
)
def test_weights_that_do_not_fit_are_named_and_leave_nothing(tmp_path, change, sentence):
    tensors = weights() | front_end()
    change(tensors)
    file = lightning(tmp_path / "files" / "x.ckpt", tensors)
    with pytest.raises(CheckpointError, match=sentence):
        convert(file, tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["files"]


def on_meta(fixture):
    tensors = fill.manifest(fixture)["tensors"]
    return {name: torch.empty(t["shape"], device="meta") for name, t in tensors.items() if t["rule"] != "keep"}


def small_conformer():
    """CNN8 with a conformer, under published names: its table of sinusoids is an eighth of the published one."""
    with weights_unset():
        model = PseldNet(PseldNetConfig(labels=DCASE2022.labels, backbone="cnn8", output="accdoa", decoder="conformer"))
    names = {"body.encoder.": "convs.", "body.decoder.": "decoder.", "body.heads.vectors.": "fc."}
    tensors = {}
    for own, value in model.state_dict().items():
        start = next((start for start in names if own.startswith(start)), "")
        tensors[names.get(start, "") + own.removeprefix(start)] = value
    return tensors | {"decoder.decoder.layers.0.sequential.1.module.positional_encoding.pe": sinusoids(10_000, 256)[None]}


@pytest.mark.parametrize("suffix", ["relative_position_index", "attn_mask", "positional_encoding.pe"])
def test_constants_must_be_ours(suffix):
    htsat = "pseld_accdoa_htsat"
    tensors = small_conformer() if suffix.endswith("pe") else on_meta(htsat) | constants(htsat)
    with weights_unset():
        model = PseldNet(pseldnets.recognise(tensors, labels=None, sample_rate=None, file="x").config)
    assert not any(name.endswith(suffix) for name in pseldnets.weights(tensors, model, file="x"))
    name = next(name for name in tensors if name.endswith(suffix))
    tensors[name] = tensors[name].flip(-1)
    with pytest.raises(CheckpointError, match=f"the constant {name} is not what auris computes"):
        pseldnets.weights(tensors, model, file="x")


def test_a_folder_in_use_is_left_alone(tmp_path, file):
    target = tmp_path / "model"
    target.mkdir()
    (target / "notes.txt").write_text("mine")
    with pytest.raises(FormatError, match="already and not empty"):
        convert(file, target)
    with pytest.raises(FormatError, match="is a file"):
        convert(file, target / "notes.txt")
    assert [p.name for p in target.iterdir()] == ["notes.txt"]
    (target / "notes.txt").unlink()
    convert(file, target)
    assert len(list(target.iterdir())) == 3


def test_a_failing_disk_leaves_nothing(tmp_path, file, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(FormatError, match="No space left on device"):
        convert(file, tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["files"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            ["sed_model.bn0.weight", "sed_model.layers.0.blocks.0.attn.relative_position_bias_table"],
            "HTS-AT trained on AudioSet",
        ),
        (["time_new_pos_embed", "blocks.0.attn.qkv.weight", "head.1.weight"], "PaSST trained on AudioSet.*initial.audioset"),
        (["bn0.weight", "conv_block6.conv1.weight", "fc_audioset.weight"], "CNN14 .*no listener"),
        (
            ["actor_critic.pol_net.visual_encoder.cnn.0.weight"],
            "active audio-visual separation, which auris cannot convert yet",
        ),
        (["pretransform.model.encoder.layers.0.bias", "model.model.x"], "SpatialSonic"),
        (["encoder_projector.query", "llm.base_model.x"], "BAT"),
        (["layer1.weight", "layer2.weight"], r"of no family that auris knows \(it begins with layer1.weight, layer2.weight\)"),
    ],
)
def test_other_families_are_told_apart(tmp_path, names, sentence):
    torch.save({"model": {name: torch.zeros(1) for name in names}}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=sentence):
        convert(tmp_path / "x.pth", tmp_path / "model")


def test_a_network_of_ours_is_recognised(tmp_path, file):
    convert(file, tmp_path / "model")
    with pytest.raises(CheckpointError, match="is an auris network already"):
        convert(tmp_path / "model" / "model.safetensors", tmp_path / "again")
    assert "scalar.0.weight" in unwrapped(read_tensors(tmp_path / "model" / "model.safetensors"))
