import json
import sys
from pathlib import Path

import pytest

from auris.cli import main

sys.path.append(str(Path(__file__).parents[1] / "data" / "seld_sets"))

from fake_datasets import make_fake_dataset


@pytest.fixture
def starss(tmp_path):
    return make_fake_dataset(tmp_path / "starss", "starss23")


def test_a_whole_set_passes(starss, capsys):
    assert main(["data", "check", "starss23", str(starss)]) == 0
    out = capsys.readouterr().out
    assert "starss23, foa, all" in out
    assert "safe/train" in out


def test_a_broken_set_fails_and_names_files(starss, capsys):
    (starss / "metadata_dev" / "dev-test-tau" / "fold4_room2_mix001.csv").unlink()
    assert main(["data", "check", "starss23", str(starss)]) == 1
    out = capsys.readouterr().out
    assert "fold4_room2_mix001.wav" in out
    assert "no labels" in out
    assert main(["data", "check", "starss23", str(starss), "--split", "safe/train"]) == 0


def test_json_is_one_document(starss, capsys):
    (starss / "foa_dev" / "dev-test-tau" / "fold4_room2_mix001.wav").write_bytes(b"")
    assert main(["data", "check", "starss23", str(starss), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["clips"] == 8
    assert document["errors"] == 1
    (finding,) = document["findings"]
    assert finding["path"].endswith("fold4_room2_mix001.wav")
    assert "0 bytes" in finding["text"]


def test_the_list(capsys):
    assert main(["data", "list"]) == 0
    assert "l3das22" in capsys.readouterr().out
    assert main(["data", "list", "--json"]) == 0
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)["datasets"]]
    assert {"pseldnets", "dcase2021", "starss23", "l3das22", "auris"} <= set(names)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["stars23", "."], "did you mean 'starss23'"),
        (["starss23", "/nowhere"], "/nowhere: no such folder"),
        (["starss23", ".", "--split", "safe/trian"], "did you mean 'train'"),
        (["starss23", ".", "--recording", "fao"], "did you mean 'foa'"),
    ],
)
def test_wrong_arguments_are_told(arguments, text, capsys):
    assert main(["data", "check", *arguments]) == 1
    captured = capsys.readouterr()
    assert text in captured.err
    assert captured.out == ""


def test_an_action_is_needed(capsys):
    with pytest.raises(SystemExit) as left:
        main(["data"])
    assert left.value.code == 2
    assert "ACTION" in capsys.readouterr().err
