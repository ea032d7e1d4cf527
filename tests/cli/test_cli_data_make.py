import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris.cli import data_make, data_sounds, main
from auris.data.production import presets
from auris.io.mp3d_reverb import read_reverb_bank

sys.path.append(str(Path(__file__).parents[1] / "data" / "production"))

import tiny_sets

BANK = ["reverb-bank", "layout=mono", "places_per_room=2", "sample_rate=8000", "t60=[0.1,0.2]"]


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """A kind of set that is made in no time."""
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny_sets.tiny_preset())


@pytest.fixture
def sounds(tmp_path):
    """A folder of two classes, one file of which is no sound."""
    for name in ("dog", "cat"):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        noise = np.random.default_rng(0).uniform(-0.3, 0.3, 16_000)
        soundfile.write(tmp_path / "sounds" / name / "1.wav", noise, 16_000)
    (tmp_path / "sounds" / "cat" / "2.wav").write_bytes(b"nothing")
    return tmp_path / "sounds"


def make(*arguments):
    return main(["data", "make", *map(str, arguments)])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def made(capsys, *arguments):
    assert make(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_names_on_the_command_line_are_those_of_the_library():
    assert list(data_make.PRESETS) == [name for name in presets.PRESETS if name != "tiny"]
    assert data_sounds.KINDS  # named in the help of --sounds-kind


def test_a_set_is_planned_made_checked_and_repaired(tmp_path, capsys):
    arguments = ["tiny", "--out", tmp_path / "set", "seconds=36", "--hours", "0.1", "--seed", "5"]
    plan = made(capsys, *arguments, "--dry-run")
    assert (plan["items"], plan["hours"], plan["balance"]) == (10, 0.1, {"a": 0.5, "b": 0.5})
    assert not (tmp_path / "set").exists()
    report = made(capsys, *arguments)
    assert (report["made"], report["finished"], report["seconds"]) == (10, True, 360.0)
    assert main(["data", "check", str(tmp_path / "set")]) == 0
    (tmp_path / "set" / "foa" / "clip_003.raw").write_bytes(b"x")
    capsys.readouterr()
    assert main(["data", "check", str(tmp_path / "set"), "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["kind"], finding["path"]) == ("truncated", "foa/clip_003.raw")
    assert main(["data", "check", str(tmp_path / "set")]) == 1
    captured = capsys.readouterr()
    assert "1 bytes, 3003 expected" in captured.out
    assert "--resume" in captured.err
    assert made(capsys, *arguments, "--resume")["made"] == 1
    assert main(["data", "check", str(tmp_path / "set")]) == 0


def test_parts_of_shards(tmp_path, capsys):
    arguments = ["tiny", "--out", tmp_path / "set", "--scenes", "7", "--format", "shards", "--shard-items", "2"]
    report = made(capsys, *arguments, "--shard", "2/2")
    assert (report["made"], report["missing"], report["finished"]) == (3, 4, False)
    assert make(*arguments, "--shard", "1/2") == 0
    assert "finished" in capsys.readouterr().out
    assert len(list((tmp_path / "set" / "shards").iterdir())) == 4


def test_settings_from_a_file_and_changes_anywhere(tmp_path, capsys):
    (tmp_path / "settings.yaml").write_text("seconds: 4\nname: file\nsounds: {procedural: 0.5}\n")
    report = made(
        capsys, "tiny", "--out", tmp_path / "set", "--settings", tmp_path / "settings.yaml", "name=line", "--scenes", "1"
    )
    assert report["seconds"] == 4
    assert (tmp_path / "set" / "foa" / "line_000.raw").is_file()
    settings = json.loads((tmp_path / "set" / "set.json").read_text())["settings"]
    assert settings["sounds"] == {"procedural": 0.5}


def test_fields_are_printed_with_their_meaning(capsys):
    document = made(capsys, "tiny", "--fields")
    fields = {field["name"]: field for field in document["fields"]}
    assert fields["loudness"] == {"name": "loudness", "default": [0.5, 1.0], "text": "range from which the level is drawn."}
    assert "sounds.procedural" in fields
    assert make("tiny", "--fields") == 0
    assert "[0.5, 1.0]" in capsys.readouterr().out


def test_a_failing_item_is_named(tmp_path, capsys, monkeypatch):
    (tmp_path / "fail-1").touch()
    monkeypatch.setattr(tiny_sets.TinyMaker.__init__, "__kwdefaults__", {"trouble": tmp_path})
    assert make("tiny", "--out", tmp_path / "set", "--scenes", "3") == 1
    captured = capsys.readouterr()
    assert "item 1: item 1 has no room" in captured.err
    assert "the same command with --resume goes on" in captured.err
    assert "not finished, 1 items are missing" in captured.out


def test_an_interrupt_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(self, index):
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny_sets.TinyMaker, "make", interrupted)
    assert make("tiny", "--out", tmp_path / "set", "--scenes", "3") == 130
    assert "with --resume goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["bwo", "--out", "x", "--scenes", "1"], 1, "unknown kind of set 'bwo', did you mean 'bewo'?"),
        (["tiny", "--scenes", "1"], 2, "--out DIR says where"),
        (["tiny", "--out", "x"], 2, "--hours H or --scenes N says how large"),
        (["tiny", "--out", "x", "--scenes", "0"], 2, "--scenes is at least 1"),
        (["tiny", "--out", "x", "--hours", "-1"], 2, "--hours is above 0"),
        (["reverb-bank", "--out", "x", "--hours", "1"], 2, "give --scenes N"),
        (["tiny", "--out", "x", "--scenes", "1", "secnds=3"], 1, "did you mean 'seconds'?"),
        (["tiny", "--out", "x", "--scenes", "1", "seconds=-3"], 1, "seconds must be above 0, got -3"),
        (["tiny", "--out", "x", "--scenes", "1", "sounds.kid=a"], 1, "did you mean 'kind'?"),
        (["tiny", "--out", "x", "--scenes", "1", "--workers", "0"], 1, "at least 1"),
        (["reverb-bank", "--out", "x", "--scenes", "1", "--sounds", "y"], 2, "no recordings are heard in reverb-bank"),
        (["tiny", "--out", "x", "--scenes", "1", "--sounds", "/nowhere"], 1, "/nowhere"),
    ],
)
def test_wrong_use_is_told(arguments, status, text, tmp_path, capsys):
    assert make(*arguments) == status
    captured = capsys.readouterr()
    assert text in captured.err
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--shard", "3/2"], ["--shard", "1"], ["--bogus", "a=1"], ["--folds", "a"]])
def test_arguments_that_cannot_be_read_are_told(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        make("tiny", "--out", "x", *arguments)
    assert left.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_recordings_that_cannot_be_used_are_named_and_refused_when_strict(tmp_path, sounds, capsys):
    arguments = ["tiny", "--out", tmp_path / "set", "--scenes", "2", "--sounds", sounds]
    assert make(*arguments, "--strict") == 1
    captured = capsys.readouterr()
    assert "2.wav" in captured.err
    assert "1 recordings cannot be used; nothing is made (--strict)" in captured.err
    assert not (tmp_path / "set").exists()
    assert make(*arguments) == 0
    assert "1 recordings cannot be used; they are left out" in capsys.readouterr().err


def test_a_bank_of_rooms(tmp_path, capsys):
    bank = tmp_path / "bank"
    plan = made(capsys, *BANK, "--rooms", "3", "--dry-run")
    assert plan["items"] == 3
    assert made(capsys, *BANK, "--rooms", "3", "--out", bank)["made"] == 3
    assert len(read_reverb_bank(bank, "train", kind="mono")) == 6
    assert made(capsys, *BANK, "--rooms", "2", "--split", "eval", "--out", tmp_path / "other")["made"] == 2
    assert len(read_reverb_bank(tmp_path / "other", "eval", kind="mono")) == 4


def test_rooms_that_cannot_be_are_told(tmp_path, capsys):
    assert make(*BANK, "--rooms", "1", "--out", tmp_path / "bank", "distance=[30,40]") == 1
    assert "no place for listener and source" in capsys.readouterr().err
    assert make("reverb-bank", "hrtf=[nothing.sofa]", "--rooms", "1", "--out", tmp_path / "bank") == 1
    assert "nothing.sofa: no such SOFA file" in capsys.readouterr().err


def test_who_gives_recordings_hears_only_these(tmp_path, capsys):
    (tmp_path / "sounds" / "gong").mkdir(parents=True)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
    soundfile.write(tmp_path / "sounds" / "gong" / "a.wav", noise, 8000)
    wanted = ["data", "make", "custom", "base=anechoic", "scene.duration=1", "--scenes", "1", "--dry-run", "--json"]
    balances = []
    for more in ([], ["sounds.procedural=0.5"]):
        assert main([*wanted, "--sounds", str(tmp_path / "sounds"), *more]) == 0
        balances.append(json.loads(capsys.readouterr().out)["balance"])
    assert set(balances[0]) == {"gong"}
    assert {"gong", "dog"} <= set(balances[1])
