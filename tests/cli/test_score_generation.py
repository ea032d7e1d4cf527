"""``auris score generation``: models on drawn prompts, and folders of clips."""

import json

import numpy as np
import pytest
import torch

from auris.audio import Audio
from auris.channels import stereo
from auris.cli import main
from auris.io.audio_files import write_audio
from auris.models import create, save_pretrained


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    torch.manual_seed(0)
    small = {"widths": (8, 8, 8, 8, 8), "hidden": 8, "sample_rate": 16_000, "window": 640, "hop": 320}
    folder = tmp_path_factory.mktemp("listener")
    save_pretrained(create("seld_crnn", labels=("dog", "rain", "speech"), layout="stereo", **small), folder, card="# test\n")
    return folder


def test_a_model_and_its_controls_make_a_table(listener, capsys):
    options = ["--prompts", "3", "--seconds", "1", "--controls", "--listener", str(listener)]
    assert main(["score", "generation", "--model", "place", *options, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert [row["name"] for row in scores] == ["place", "place, prompts exchanged"]
    assert scores[0]["direction_itd"]["value"] is not None
    assert scores[0]["realtime"] > 0
    assert main(["score", "generation", "--model", "place", *options]) == 0
    assert "ITD" in capsys.readouterr().out


def test_folders_are_compared_in_pairs(listener, tmp_path, capsys):
    for side, seed in (("real", 0), ("made", 1)):
        for number in range(3):
            noise = np.random.default_rng(seed + 10 * number).normal(scale=0.1, size=(2, 16_000)).astype(np.float32)
            write_audio(tmp_path / side / f"{number}.wav", Audio(noise, 16_000, stereo()))
    sides = ["--prediction", str(tmp_path / "made"), "--reference", str(tmp_path / "real"), "--listener", str(listener)]
    assert main(["score", "generation", *sides, "--layout", "stereo", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["scores"]
    assert (row["name"], row["clips"], row["direction_itd"], row["realtime"]) == ("made", 3, None, None)
    assert row["frechet"] > 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "--model"),
        (["--model", "place", "--prediction", "x"], 2, "--model"),
        (["--prediction", "x"], 2, "--reference"),
        (["--prediction", "nowhere", "--reference", "nowhere"], 1, "no such folder"),
        (["--model", "no-such-model"], 1, "no-such-model"),
    ],
)
def test_wrong_use_is_said(arguments, status, said, capsys):
    assert main(["score", "generation", *arguments]) == status
    assert said in capsys.readouterr().err
