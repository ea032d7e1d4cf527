"""``auris models``: list, show, convert, export."""

import json
import sys
from pathlib import Path

import pytest
import torch

from auris.cli import main
from auris.models import from_pretrained
from auris.models.pseldnet.config import PseldNetConfig
from auris.models.pseldnet.network import PseldNet
from auris.models.published import PUBLISHED
from auris.vocabulary import DCASE2021

sys.path.append(str(Path(__file__).parents[1] / "models" / "checkpoint_conversion"))

import binaural_files


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("AURIS_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small network under the names of PSELDNets."""
    torch.manual_seed(0)
    model = PseldNet(PseldNetConfig(labels=DCASE2021.labels, backbone="cnn8", decoder="gru"))
    names = {"body.encoder.": "convs.", "body.decoder.": "decoder.", "body.heads.vectors.": "fc."}
    tensors = {}
    for own, value in model.state_dict().items():
        start = next((start for start in names if own.startswith(start)), "")
        tensors["net." + names.get(start, "") + own.removeprefix(start)] = value
    file = tmp_path_factory.mktemp("published") / "x.ckpt"
    torch.save({"state_dict": tensors}, file)
    return file


def test_list_prints_shipped_and_published_models(capsys):
    assert main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert "nano-foa" in out
    for model in PUBLISHED:
        row = next(line for line in out.splitlines() if line.split()[:1] == [model.name])
        assert row.split()[-1] == "no"
        assert model.layout in row
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 100
    assert "…" not in out


def test_list_as_json_says_what_is_on_this_disk(capsys, tmp_path):
    file = tmp_path / "models" / "finetuned.pth"
    file.parent.mkdir()
    file.write_bytes(b"x")
    assert main(["models", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [model["name"] for model in found["published"]] == [model.name for model in PUBLISHED]
    here = {model["name"]: model["on_disk"] for model in found["published"]}
    assert here["Spatial-AST"] == str(file)
    assert here["BAT"] is None
    assert main(["models", "list"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "Spatial-AST" in line)
    assert row.split()[-1] == "yes"


def test_show_tells_how_to_get_and_use_a_published_model(capsys):
    assert main(["models", "show", "maccdoa-htsat"]) == 0
    out = capsys.readouterr().out
    assert "hf download Jinbo-HU/PSELDNets model/mACCDOA-HTSAT-0.567.ckpt --repo-type dataset" in out
    assert "--to mACCDOA-HTSAT --labels cls_indices_train.tsv" in out
    assert "none stated" in out
    assert main(["models", "show", "HTSAT-AudioSet"]) == 0
    assert "initial.audioset=" in capsys.readouterr().out
    assert main(["models", "show", "DSpAST-2"]) == 0
    out = capsys.readouterr().out
    assert "hf download kwilk90/DSpAST DSpAST-stage2 --local-dir" in out
    assert "DSpAST-stage2 --to DSpAST-2 --labels class_labels_indices_subset.csv" in out
    assert "initial.checkpoint=" in out
    assert main(["models", "show", "AudioMAE"]) == 0
    assert "initial.audiomae=" in capsys.readouterr().out
    assert main(["models", "show", "BEWO-nl"]) == 0
    out = capsys.readouterr().out
    assert "hf download spw2000/bewo-1m BEWO_nl.ckpt --local-dir" in out
    assert "hf download t5-base" in out
    assert "BEWO_nl.ckpt --to BEWO-nl\n" in out
    assert "--model BEWO-nl --out dog.wav" in out
    assert main(["models", "show", "AV-policy"]) == 0
    out = capsys.readouterr().out
    assert "box.com (the link is in the repository of its authors)" in out
    assert "cannot convert it yet" in out


def test_show_tells_how_a_model_is_put_together_and_what_memory_it_takes(capsys):
    assert main(["models", "show", "bat"]) == 0
    out = capsys.readouterr().out
    for sentence in (
        "hf download zhisheng01/SpatialAudio BAT/model.pt --repo-type dataset --local-dir",
        "hf download meta-llama/Llama-2-7b-hf",
        "27.6 GB in float32, 14.1 GB in float16, 7.6 GB in 8bit, 4.5 GB in 4bit",
        "BAT/model.pt --to BAT --encoder Spatial-AST",
        'auris ask recording.wav "Is the dog on the left?" --model BAT',
        "meta-llama/Llama-2-7b-hf (Llama 2 Community Licence)",
    ):
        assert sentence in out
    assert main(["models", "show", "BAT", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["language_model"]["parameters"] == 6_738_415_616
    assert known["memory"]["4bit"] < 4.6e9


def test_show_as_json(capsys):
    assert main(["models", "show", "mACCDOA-PaSST", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 52_257_146


def test_show_prints_the_card_of_a_folder(capsys, checkpoint):
    assert main(["models", "convert", str(checkpoint), "--to", "ears"]) == 0
    capsys.readouterr()
    assert main(["models", "show", "ears"]) == 0
    assert "converted from `x.ckpt`" in capsys.readouterr().out


def test_an_unknown_name_is_met_with_the_closest(capsys):
    assert main(["models", "show", "maccdoa-hsat"]) == 1
    assert "did you mean 'mACCDOA-HTSAT'?" in capsys.readouterr().err


def test_convert_writes_a_model_and_says_what_it_assumed(capsys, checkpoint, tmp_path):
    assert main(["models", "convert", str(checkpoint), "--to", "a"]) == 0
    printed = capsys.readouterr()
    assert "mACCDOA-CNN8-GRU with 12 classes" in printed.out
    assert "were assumed to be" in printed.err
    assert from_pretrained(tmp_path / "a").labels == DCASE2021.labels
    assert (
        main(["models", "convert", str(checkpoint), "--to", "b", "--labels", "dcase2021", "--sample-rate", "32000", "--json"])
        == 0
    )
    made = json.loads(capsys.readouterr().out)
    assert (made["labels"], made["sample_rate"], made["notes"]) == ("given", 32_000, [])


def test_convert_takes_a_stage_of_dspast_as_it_is_called(capsys, tmp_path):
    """The training script's dictionary with its settings, in a file without a suffix."""
    binaural_files.saved(
        tmp_path / "DSpAST-stage3", binaural_files.published(binaural_files.network("dspast", labels=("a", "b")))
    )
    (tmp_path / "classes.csv").write_text('index,mid,display_name\n0,/m/1,"Rain, heavy"\n1,/m/2,Dog\n')
    assert main(["models", "convert", "DSpAST-stage3", "--to", "ears", "--labels", "classes.csv"]) == 0
    assert "DSpAST with 2 classes" in capsys.readouterr().out
    assert from_pretrained("ears").labels == ("Rain, heavy", "Dog")
    assert main(["models", "show", "ears"]) == 0
    assert "distance in half metres" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.ckpt", "--to", "m"], "none.ckpt: no such file"),
        ([".", "--to", "m"], "is a folder"),
        (["x.ckpt", "--to", "m", "--labels", "dcase2022"], "12 of multi_accdoa; 13 were given"),
        (["x.ckpt", "--to", "m", "--labels", "none.tsv"], "none.tsv: no such file"),
        (["x.ckpt", "--to", "m", "--labels", "dcase"], "unknown vocabulary 'dcase', did you mean 'dcase202"),
        (["x.ckpt", "--to", "m", "--sample-rate", "11"], "sample rate must be at least 8000"),
        (["x.ckpt", "--to", "x.ckpt"], "is a file"),
    ],
)
def test_failures_exit_1_with_one_sentence_and_leave_nothing(capsys, checkpoint, tmp_path, arguments, sentence):
    (tmp_path / "x.ckpt").symlink_to(checkpoint)
    assert main(["models", "convert", *arguments]) == 1
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert sentence in error
    assert [path.name for path in tmp_path.iterdir()] == ["x.ckpt"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["liste"],
        ["show"],
        ["convert", "x.ckpt"],
        ["convert", "--to", "m"],
        ["convert", "x", "--to", "m", "--sample-rate", "high"],
        ["export", "x"],
    ],
)
def test_wrong_use_exits_2(arguments):
    with pytest.raises(SystemExit) as stop:
        main(["models", *arguments])
    assert stop.value.code == 2


def test_export_writes_a_file_or_names_what_is_missing(capsys, tmp_path):
    assert main(["models", "export", "nobody", "--onnx", "x.onnx"]) == 1
    assert "no model called 'nobody'" in capsys.readouterr().err
    status = main(["models", "export", "nano-binaural", "--onnx", "x.onnx", "--json"])
    printed = capsys.readouterr()
    if status == 0:
        made = json.loads(printed.out)
        assert made == {"file": "x.onnx", "bytes": (tmp_path / "x.onnx").stat().st_size}
    else:
        assert 'pip install "auris[export]"' in printed.err
        assert list(tmp_path.iterdir()) == []
