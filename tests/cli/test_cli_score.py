"""``auris score seld``: which recordings count, and what is said about those that cannot."""

import json
import math

import pytest

from auris.cli import main
from auris.geometry import Static
from auris.io.dcase import write_dcase
from auris.io.frame_labels import scene_to_rows
from auris.scene import Event, Scene, Source

VOCABULARY = ("dog", "rain")


def run(*arguments):
    return main([str(argument) for argument in arguments])


def scene(azimuth_deg, offset):
    azimuth = math.radians(azimuth_deg)
    return Scene(4, (Source("dog", Static((math.cos(azimuth), math.sin(azimuth), 0.0)), (Event(0, offset),)),))


@pytest.fixture
def folders(tmp_path):
    """Four recordings; one is heard 30 degrees off, one a second short."""
    for index, (heard, offset) in enumerate([(0, 4), (30, 4), (3, 3), (5, 4)]):
        name = f"mix{index}.csv"
        write_dcase(tmp_path / "ref" / name, scene_to_rows(scene(0, 4), VOCABULARY), year=2023)
        rows = scene_to_rows(scene(heard, offset), VOCABULARY)
        write_dcase(tmp_path / "pred" / name, rows, year=2023, content="prediction")
    sides = ["score", "seld", "--reference", tmp_path / "ref", "--prediction", tmp_path / "pred"]
    return tmp_path, [*sides, "--year", "2023", "--classes", "2", "--average", "micro"]


def test_the_table_and_json_say_the_same(folders, capsys):
    _, arguments = folders
    assert run(*arguments) == 0
    table = capsys.readouterr().out
    assert run(*arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recordings"] == ["mix0", "mix1", "mix2", "mix3"]
    assert found["uncounted"] == []
    assert f"{found['f']:.2f}" in table
    # 16 seconds: 11 right, 4 mislocated, 1 missed.
    assert found["f"] == pytest.approx(11 / (11 + 4 + 0.5))


def test_missing_predictions_are_named_and_nothing_is_printed(folders, capsys):
    tmp_path, arguments = folders
    for name in ("mix1", "mix3"):
        (tmp_path / "pred" / f"{name}.csv").unlink()
    assert run(*arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2 of 4 recordings have no prediction: mix1, mix3. Write an empty file" in captured.err
    assert str(tmp_path / "pred") in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_as_published_they_are_left_out_and_still_named(folders, capsys):
    tmp_path, arguments = folders
    (tmp_path / "pred" / "mix1.csv").unlink()
    assert run(*arguments, "--parity", "upstream", "--json") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["recordings"] == ["mix0", "mix2", "mix3"]
    assert found["uncounted"] == ["mix1"]
    assert "not counted, because they have no prediction: mix1" in captured.err


def test_predictions_of_nothing_are_named(folders, capsys):
    tmp_path, arguments = folders
    (tmp_path / "pred" / "mix9.csv").write_text("")
    assert run(*arguments) == 1
    assert "1 predictions have no reference: mix9" in capsys.readouterr().err


def test_an_empty_file_is_silence(folders, capsys):
    tmp_path, arguments = folders
    (tmp_path / "pred" / "mix0.csv").write_text("")
    assert run(*arguments, "--json") == 0
    assert json.loads(capsys.readouterr().out)["f"] == pytest.approx(7 / (7 + 4 + 0.5 * 5))


def test_intervals_hold_the_scores(folders, capsys):
    _, arguments = folders
    assert run(*arguments, "--intervals") == 0
    assert "from" in capsys.readouterr().out
    assert run(*arguments, "--intervals", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["intervals"]) == {"error_rate", "f", "localisation_error_deg", "localisation_recall", "seld"}
    each = found["intervals"]["f"]
    assert each["low"] < each["estimate"] < each["high"]
    assert each["value"] == found["f"]


def test_one_recording_has_no_interval(folders, capsys):
    tmp_path, arguments = folders
    files = ["--reference", tmp_path / "ref" / "mix0.csv", "--prediction", tmp_path / "pred" / "mix0.csv"]
    rest = arguments[6:]
    assert run("score", "seld", *files, *rest) == 0
    assert run("score", "seld", *files, *rest, "--intervals") == 1
    assert "at least 2 recordings" in capsys.readouterr().err


def test_a_file_against_a_folder_is_wrong_use(folders, capsys):
    tmp_path, arguments = folders
    arguments = [tmp_path / "ref" / "mix0.csv" if part == tmp_path / "ref" else part for part in arguments]
    assert run(*arguments) == 2
    assert "must both be files, or both be folders" in capsys.readouterr().err
