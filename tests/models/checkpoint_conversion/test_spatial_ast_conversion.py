"""Checkpoints of Spatial-AST and DSpAST to model folders: published names and shapes, in files like the published ones."""

import argparse
import json
import os

import binaural_files as files
import fill
import numpy as np
import pytest
import torch

from auris.dsp.features.mel import mel_filterbank
from auris.errors import CheckpointError
from auris.models import describe, from_pretrained
from auris.models.checkpoint_conversion import convert, initialise, spatial_ast
from auris.models.checkpoint_conversion.families import family_of
from auris.models.checkpoint_conversion.reading import read_tensors
from auris.models.pretrained import weights_unset

BOTH = pytest.mark.parametrize("kind", files.KINDS)


def filled(fixture, depth):
    """The published tensors of a fixture, with the first blocks only."""
    tensors = fill.manifest(fixture)["tensors"]
    kept = {name: t for name, t in tensors.items() if not name.startswith("blocks.") or int(name.split(".")[1]) < depth}
    found = {name: torch.from_numpy(fill.fill(name, t["shape"], t["rule"])) for name, t in kept.items() if t["rule"] != "keep"}
    scales = {"distance_head": 21, "azimuth_head": 360, "elevation_head": 180}
    for head, classes in scales.items() if fixture == "dspast" else ():
        found |= {f"{head}.s": torch.tensor([2**0.5 * np.log(classes)]).float(), f"{head}.pi": torch.tensor([np.pi])}
    assert (found | files.front_end()).keys() == kept.keys()
    return found | files.front_end()


def waveform():
    return torch.from_numpy(10 * fill.waveform(101, 2, 64_000))[None]


@pytest.fixture
def small(tmp_path):
    """A small network's file, as its training would have left it."""
    return files.saved(tmp_path / "files" / "finetuned.pth", files.published(files.network("spatial_ast")))


@pytest.mark.parametrize(("fixture", "name"), [("spatial_ast", "finetuned.pth"), ("dspast", "DSpAST-stage2")])
def test_a_published_file_answers_as_its_weights_do(tmp_path, fixture, name):
    tensors = filled(fixture, depth=1)
    made = convert(files.saved(tmp_path / "files" / name, tensors), tmp_path / "model")
    model = from_pretrained(tmp_path / "model")
    direct = files.network(fixture, labels=model.labels, width=768, heads=12, depth=1, **extra(fixture, branch_width=256))
    direct.load_state_dict({name: value for name, value in tensors.items() if name in direct.state_dict()})
    with torch.inference_mode():
        outputs, expected = model(waveform()), direct.eval()(waveform())
    for ours, theirs in zip(outputs, expected, strict=True):  # memory of another alignment is multiplied in another order
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    assert all(torch.equal(value, tensors[name]) for name, value in model.state_dict().items())
    assert model.config == direct.config
    assert made["model"] == f"{files.TITLES[fixture]} with 355 classes"
    assert (made["labels"], made["classes"], made["sample_rate"]) == ("numbered", 355, 32_000)
    assert made["published"] is None
    assert json.dumps(made)
    if fixture == "dspast":
        assert torch.equal(model.azimuth_head.s, tensors["azimuth_head.s"])


def extra(kind, **config):
    return config if kind == "dspast" else {}


@BOTH
def test_the_published_names_and_shapes_are_all_there_is(kind):
    tensors = fill.manifest(kind)["tensors"]
    empty = {name: torch.empty(t["shape"], device="meta") for name, t in tensors.items()} | files.front_end()
    assert len(empty) == {"spatial_ast": 174, "dspast": 226}[kind]
    assert family_of(empty, file="x") == kind
    recognised = spatial_ast.recognise(empty, labels=None, sample_rate=None, file="x")
    with weights_unset():
        model = recognised.network(recognised.config)
    build, settings = files.NETWORKS[kind]
    assert isinstance(model, build)
    assert recognised.config == settings(labels=recognised.config.labels)
    weights = spatial_ast.weights(empty, model, file="x")
    assert weights.keys() == model.state_dict().keys()
    # What is left out: two kernels and the mel matrix, and for DSpAST three unused normalisations of three buffers, three pi.
    assert len(empty) - len(weights) == {"spatial_ast": 3, "dspast": 3 + 9 + 3}[kind]


@BOTH
def test_the_card_says_what_it_is_and_what_was_assumed(tmp_path, kind):
    file = files.saved(tmp_path / "files" / "DSpAST-stage2", files.published(files.network(kind)))
    convert(file, tmp_path / "model")
    card = describe(tmp_path / "model")["card"]
    assert {"spatial_ast": "arXiv:2402.01591", "dspast": "arXiv:2509.13927"}[kind] in card
    for sentence in ("converted from `DSpAST-stage2`", "layout `binaural` at 32000 Hz", "distance in half metres", "Licence"):
        assert sentence in card
    assert "class_labels_indices_subset.csv" in card


def test_classes_are_named_by_the_table_of_the_data(tmp_path):
    labels = tuple(f"Sound {number}, of a kind" for number in range(355))
    rows = [f'{number},/m/{number:05d},"{label}"' for number, label in enumerate(labels)]
    table = tmp_path / "class_labels_indices_subset.csv"
    table.write_text("\n".join(["index,mid,display_name", *rows]) + "\n")
    file = files.saved(tmp_path / "files" / "x", files.published(files.network("dspast", labels=labels)))
    made = convert(file, tmp_path / "model", labels=table)
    assert (made["labels"], made["notes"]) == ("given", [])
    assert from_pretrained(tmp_path / "model").labels == labels
    with pytest.raises(CheckpointError, match="has 355 classes, 2 class names were given"):
        convert(file, tmp_path / "other", labels=["a", "b"])


def test_settings_beside_the_weights_are_read_without_their_class(small, tmp_path, monkeypatch):
    """The training's argparse.Namespace is neither built nor filled: a stand-in takes its place."""

    class Forbidden:
        def __new__(cls, *_args, **_options):
            raise AssertionError("a Namespace was built")

        def __setstate__(self, state):
            raise AssertionError("a Namespace was filled")

    monkeypatch.setattr(argparse, "Namespace", Forbidden)
    assert convert(small, tmp_path / "model")["model"] == "Spatial-AST with 3 classes"


class Command:
    """Runs when it is unpickled."""

    def __init__(self, text):
        self.text = text

    def __reduce__(self):
        return os.system, (self.text,)


class Namespace(Command):
    """Called like the innocent one."""


def looks_innocent(text):
    found = Namespace(text)
    Namespace.__module__ = "argparse"
    return found


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        lambda text: argparse.Namespace(lr=1e-3, output_dir=Command(text)),
        looks_innocent,
        lambda text: {"nested": [argparse.Namespace(inner=argparse.Namespace(x=Command(text)))]},
    ],
    ids=["inside", "disguised", "nested"],
)
def test_a_namespace_that_holds_code_is_refused(tmp_path, settings, legacy):
    sprung, file = tmp_path / "sprung", tmp_path / "DSpAST-stage1"
    tensors = files.published(files.network("dspast"))
    document = {"model": tensors, "args": settings(f"touch {sprung}")}
    torch.save(document, file, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=r"holds code \((posix|nt)\.system\), refused"):
        convert(file, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["DSpAST-stage1"]


def test_a_function_of_argparse_is_no_namespace(tmp_path):
    torch.save({"model": files.published(files.network("spatial_ast")), "args": argparse.FileType}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"holds code \(argparse\.FileType\), refused"):
        convert(tmp_path / "x.pth", tmp_path / "model")


@BOTH
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, kind, keep):
    file = files.saved(tmp_path / "files" / "x", files.published(files.network(kind)))
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        convert(file, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


REAL, IMAGINARY, MEL = files.FRONT_END


def _rectangular(tensors):
    tensors[REAL] = torch.from_numpy(np.cos(2 * np.pi * np.outer(np.arange(513), np.arange(1024)) / 1024))[:, None].float()


def _bands(tensors, **how):
    how = {"low": 50.0, "high": 14_000.0, "scale": "slaney", "norm": "area"} | how
    tensors[MEL] = mel_filterbank(513, 128, sample_rate=32_000, **how)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            _rectangular,
            r"conv_real.weight is not that of the spectrogram of auris .*Hann.*differs by up to 1, allowed is 1e-05",
        ),
        (lambda t: t.update({IMAGINARY: -t[IMAGINARY]}), "conv_imag.weight is not that of .*differs by up to 2"),
        (lambda t: t.update({REAL: t[REAL][:257, :, ::2]}), r"conv_real.weight is \(257, 1, 512\), needed \(513, 1, 1024\)"),
        (lambda t: t.update({REAL: t[REAL] * torch.nan}), "conv_real.weight is not that of .*differs by up to nan"),
        (
            lambda t: _bands(t, low=0.0),
            r"melW is not that of the 128 mel bands of auris \(Slaney's, 50 to 14000 Hz at 32000 Hz\)",
        ),
        (lambda t: _bands(t, high=16_000.0), "melW is not that of .*another front end"),
        (lambda t: _bands(t, scale="htk"), "melW is not that of"),
        (lambda t: _bands(t, norm="sum"), "melW is not that of"),
        (lambda t: t.pop(IMAGINARY), "missing spectrogram_extractor.conv_imag.weight"),
    ],
)
def test_another_front_end_is_refused(tmp_path, change, sentence):
    tensors = files.published(files.network("spatial_ast"))
    change(tensors)
    with pytest.raises(CheckpointError, match=sentence):
        convert(files.saved(tmp_path / "files" / "x.pth", tensors), tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_rounding_is_no_other_front_end(tmp_path):
    tensors = files.published(files.network("spatial_ast"))
    tensors[REAL], tensors[MEL] = tensors[REAL] + 1e-6, tensors[MEL] * (1 + 1e-6)
    convert(files.saved(tmp_path / "files" / "x.pth", tensors), tmp_path / "model")


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        (
            "spatial_ast",
            lambda t: t.pop("blocks.1.mlp.fc1.bias"),
            "Spatial-AST with 3 classes.*: missing blocks.1.mlp.fc1.bias$",
        ),
        ("spatial_ast", lambda t: t.pop("dis_norm.weight"), "does not fit it: missing dis_norm.weight$"),
        ("spatial_ast", lambda t: t.pop("head.weight"), "damaged or incomplete: missing head.weight"),
        ("spatial_ast", lambda t: t.pop("pos_embed"), "missing pos_embed$"),
        ("spatial_ast", lambda t: t.pop("elevation_head.bias"), "missing elevation_head.bias$"),
        ("spatial_ast", lambda t: t.update(extra=torch.zeros(2)), "unknown extra$"),
        ("spatial_ast", lambda t: t.update({"pos_embed": torch.zeros(1, 257, 64)}), r"pos_embed is \(1, 257, 64\), needed"),
        ("spatial_ast", lambda t: t.update({"azimuth_head.weight": torch.zeros(36, 64)}), r"is \(36, 64\), needed \(360, 64\)"),
        ("spatial_ast", lambda t: t.update({"patch_embed.proj.weight": torch.zeros(64)}), r"is \(64,\), which is no weight of"),
        ("spatial_ast", lambda t: t.update({"patch_embed.proj.weight": torch.zeros(65, 1, 16, 16)}), "tokens of 65 numbers"),
        (
            "spatial_ast",
            lambda t: t.update({"bn.running_var": torch.tensor([1.0, torch.inf])}),
            "bn.running_var holds NaN or inf",
        ),
        ("dspast", lambda t: t.pop("pre_head2.bias"), "DSpAST with 3 classes, but does not fit it: missing pre_head2.bias$"),
        ("dspast", lambda t: t.pop("azimuth_head.W"), "missing azimuth_head.W$"),
        ("dspast", lambda t: t.pop("azimuth_head.s"), "missing azimuth_head.s$"),
        ("dspast", lambda t: t.update({"conv_downsample2.0.bn3.bias": torch.zeros(6)}), "unknown conv_downsample2.0.bn3.bias$"),
        ("dspast", lambda t: t.update({"conv_downsample1.1.weight": torch.zeros(1, 4, 3, 3)}), r"needed \(1, 6, 3, 3\)"),
        ("dspast", lambda t: t["distance_head.W"].fill_(torch.nan), "distance_head.W holds NaN"),
    ],
)
def test_weights_that_do_not_fit_are_named_and_leave_nothing(tmp_path, kind, change, sentence):
    tensors = files.published(files.network(kind))
    change(tensors)
    with pytest.raises(CheckpointError, match=sentence):
        convert(files.saved(tmp_path / "files" / "x.pth", tensors), tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_what_is_never_used_may_be_broken(tmp_path):
    tensors = files.published(files.network("dspast"))
    tensors["conv_downsample1.0.bn2.running_var"].fill_(torch.inf)
    del tensors["azimuth_head.pi"]
    convert(files.saved(tmp_path / "files" / "x", tensors), tmp_path / "model")


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_trained_scale_is_kept_in_either_shape(tmp_path, shape):
    """The published update replaces the scale by a number without dimensions."""
    tensors = files.published(files.network("dspast"))
    tensors["distance_head.s"] = torch.full(shape, 12.5)
    file = files.saved(tmp_path / "files" / "DSpAST-stage3", tensors)
    convert(file, tmp_path / "model")
    assert from_pretrained(tmp_path / "model").distance_head.s.tolist() == [12.5]
    model = files.network("dspast")
    initialise(model, file)
    assert model.distance_head.s.tolist() == [12.5]


def test_the_sample_rate_is_that_of_the_mel_bands(small, tmp_path):
    assert convert(small, tmp_path / "model", sample_rate=32_000)["sample_rate"] == 32_000
    with pytest.raises(CheckpointError, match="mel bands are those of 32000 Hz; 16000 Hz was given, leave it out"):
        convert(small, tmp_path / "other", sample_rate=16_000)


def test_half_precision_becomes_single(tmp_path):
    tensors = {name: value.half() if name.startswith("blocks.") else value for name, value in small_tensors().items()}
    convert(files.saved(tmp_path / "files" / "x.pth", tensors), tmp_path / "model")
    assert from_pretrained(tmp_path / "model").blocks[0].mlp.fc1.weight.dtype == torch.float32


def small_tensors():
    return files.published(files.network("spatial_ast"))


def without(tensors, *beginnings):
    return {name: value for name, value in tensors.items() if not name.startswith(beginnings)}


SPATIAL_HEADS = ("distance_head", "azimuth_head", "elevation_head", "dis_norm", "doa_norm", "fc_norm")


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        (
            lambda: without(small_tensors(), *SPATIAL_HEADS),
            "the Spatial-AST inside BAT has no heads for distance and direction; convert the finetuned.pth.*initial.checkpoint",
        ),
        (
            lambda: files.audiomae(files.network("spatial_ast")),
            r"AudioMAE has learned to complete.*no listener.*set initial\.audiomae of a recipe",
        ),
        (lambda: files.network("spatial_ast").state_dict(), "is an auris network already"),
        (lambda: files.network("dspast", maps="scaled", stem="convolutions").state_dict(), "is an auris network already"),
    ],
    ids=["body", "audiomae", "ours", "ours, nano"],
)
def test_files_that_are_no_published_listener_are_told_what_they_are(tmp_path, tensors, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        convert(files.saved(tmp_path / "files" / "x.pth", tensors()), tmp_path / "model")


def test_only_the_weights_are_read(small):
    """Not the optimizer's tensors, not the scaler's."""
    assert read_tensors(small).keys() == small_tensors().keys()
