"""``auris score itd``: pairs of clips, what is said of those that cannot be compared, and records as the truth."""

import json

import numpy as np
import pytest
import soundfile

from auris.cli import main
from auris.io.bewo import record_from_plain, write_annotations
from auris.models import create, save_pretrained

RATE = 16_000


def run(*arguments):
    return main(["score", "itd", *(str(argument) for argument in arguments)])


def write(path, delay, *, seconds=1.0, rate=RATE, channels=2):
    """Write noise whose right channel comes later by whole samples."""
    sound = np.random.default_rng(0).standard_normal(int(seconds * rate) + 32) * 0.1
    sides = [sound[16:-16], sound[16 - delay : len(sound) - 16 - delay]][:channels]
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.stack(sides, axis=1), rate)


@pytest.fixture
def folders(tmp_path):
    """Three clips; one is a sample off, one on the other side."""
    for name, true, said in (("a", 6, 6), ("b", 4, 5), ("c", 5, -5)):
        write(tmp_path / "ref" / f"{name}.wav", true)
        write(tmp_path / "pred" / f"{name}.wav", said)
    return tmp_path, ("--reference", tmp_path / "ref", "--prediction", tmp_path / "pred")


def test_the_table_and_json_say_the_same(folders, capsys):
    _, arguments = folders
    assert run(*arguments) == 0
    table = capsys.readouterr().out
    assert run(*arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    scores = {name: score["value"] for name, score in found["scores"].items()}
    assert scores["frame_mae_ms"] == pytest.approx(11 / 3 / 16, abs=1e-3)
    assert scores["direction_accuracy"] == pytest.approx(2 / 3)
    assert scores["trajectory_correlation"] is None
    assert f"{scores['frame_mae_ms']:.4f}" in table
    assert "66.7" in table
    assert [clip["name"] for clip in found["clips"]] == ["a", "b", "c"]


def test_clips_that_cannot_be_compared_are_named(folders, capsys):
    folder, arguments = folders
    write(folder / "pred" / "b.wav", 0, channels=1)
    write(folder / "pred" / "c.wav", 0, seconds=0.01)
    write(folder / "pred" / "d.wav", 0)
    write(folder / "ref" / "e.wav", 0)
    soundfile.write(folder / "ref" / "f.wav", np.zeros((RATE, 2)), RATE)
    write(folder / "pred" / "f.wav", 2, rate=44_100)
    assert run(*arguments, "--json") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["missing"] == ["e"]
    assert found["unused"] == 1
    assert set(found["left_out"]) == {"b", "c"}
    assert found["clips_silent"] == ["f"]
    assert found["clips_compared"] == 1
    assert "left out: b:" in captured.err
    assert "1 channel; a time difference needs two" in captured.err
    assert "needs 0.032 s" in captured.err
    assert "without a prediction, in no score: e" in captured.err


def test_the_published_figure_has_its_own_name(folders, capsys, tmp_path):
    folder, arguments = folders
    for name in ("b", "c"):
        (folder / "ref" / f"{name}.wav").unlink()
    write(folder / "pred" / "a.wav", 2)
    assert run(*arguments, "--estimator", "upstream", "--json") == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores == {"upstream_gcc_mse_x1000": pytest.approx(1000 * (4 / 16) ** 2, rel=1e-3)}


@pytest.fixture
def network(tmp_path):
    config = {"patch": 1024, "patches": 17, "spectra": 8, "longest": 5e-4, "channels": [2, 2, 2, 2], "embedding": 8}
    model = create("stereocrw", **config, magnitudes=0.3, pooling="none", direct=16)
    save_pretrained(model, tmp_path / "net", card="# net\n")
    return tmp_path / "net"


def test_a_network_measures_as_well(folders, network, capsys):
    folder, arguments = folders
    assert run(*arguments, "--estimator", "stereocrw", "--model", network, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["clips_compared"] == 3
    assert found["clips"][0]["frame_mae_ms"] == 0
    (folder / "ref" / "c.wav").unlink()
    assert run(*arguments, "--estimator", "upstream", "--model", network, "--json") == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert set(scores) == {"upstream_gcc_mse_x1000", "upstream_crw_mse_x1000", "upstream_fsad_x1000"}


def test_records_are_the_truth(tmp_path, capsys):
    place = {"room_size": [20.0, 20.0, 4.0], "micro_pos": [[9.915, 10.085], [10.0, 10.0], [1.5, 1.5]], "RT60": 0.3}
    lists = {
        "meta": "set&clip",
        "start": [5.0, 10.0, 1.5, 0.5],
        "end": [5.0, 10.0, 1.5, 0.5],
        "change_step": 0.0,
        "raw_start": 1.0,
        "raw_end": 1.0,
        "start_angle": 180.0,
        "end_angle": 180.0,
        "raw_speed": "still",
        "speed_ratio": 0.0,
        "move_start_time": 0,
        "raw_audio_path": "clip.wav",
    }
    records = [
        record_from_plain(
            {"audio_name": name, "caption": "a dog", **place, **{key: [value] * count for key, value in lists.items()}}
        )
        for name, count in (("a", 1), ("two", 2))
    ]
    write_annotations(tmp_path / "BEWO_SS_Annotation_v1" / "truth.jsonl", records)
    (tmp_path / "manifest.jsonl").write_text('{"index": 0}\n')  # as made sets have it
    for name in ("a", "two"):
        write(tmp_path / "pred" / f"{name}.wav", 8)
    assert run("--truth", tmp_path, "--prediction", tmp_path / "pred", "--json") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["clips"][0]["frame_mae_ms"] == pytest.approx(0.5 - 0.4956, abs=1e-3)
    assert found["scores"]["direction_accuracy"]["value"] == 1
    assert "2 sources" in captured.err
    assert run("--truth", tmp_path, "--prediction", tmp_path / "pred", "--estimator", "upstream") == 2


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        (["--prediction", "nowhere"], 1, "no such folder"),
        (["--gate", "loud"], 2, "--gate takes decibels"),
        (["--patches", "30"], 2, "of --estimator stereocrw"),
        (["--estimator", "stereocrw", "--model", "nano-binaural"], 2, "needs an estimator of delays"),
        (["--estimator", "stereocrw", "--model", "nothing"], 1, "no model called"),
    ],
)
def test_wrong_use_is_told(folders, capsys, change, status, said):
    assert run(*folders[1], *change) == status
    assert said in capsys.readouterr().err


def test_folders_without_a_pair_are_told_apart(folders, capsys, tmp_path):
    folder, arguments = folders
    (tmp_path / "empty").mkdir()
    assert run(*arguments[:3], tmp_path / "empty") == 1
    assert "holds no audio files" in capsys.readouterr().err
    write(tmp_path / "other" / "z.wav", 0)
    assert run(*arguments[:3], tmp_path / "other") == 1
    assert "none of the 3 clips is there" in capsys.readouterr().err
    write(folder / "pred" / "a.flac", 0)
    assert run(*arguments) == 1
    assert "have the same name" in capsys.readouterr().err
