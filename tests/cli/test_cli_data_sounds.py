"""``auris data sounds``: the table, the document, and what --strict says to a script."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris.cli import main
from auris.cli.data_sounds import KINDS
from auris.data.sound_catalogues import KINDS as CATALOGUES

RATE = 8_000


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    for label, level in (("dog", 0.5), ("rain", 0.05)):
        for number in range(3):
            path = tmp_path / label / f"fold{number + 1}-{number + 1}-{100 + number}-A.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, level * np.sin(np.arange(RATE) / 3), RATE)
    (tmp_path / "ATTRIBUTION.csv").write_text("file,author,licence\ndog/fold1-1-100-A.wav,Anna,CC0\n")
    return tmp_path


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def test_the_kinds_of_the_command_line_are_those_of_the_library() -> None:
    assert set(KINDS) == {*CATALOGUES, "auto"}


def test_a_table_tells_what_there_is(sounds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "sounds", sounds, "--strict") == 0
    printed = capsys.readouterr()
    assert "class_folders" in printed.out
    assert "unknown (2), CC0 (1)" in " ".join(printed.out.split())
    assert "6 clips of 2 classes" in printed.err


def test_a_document_holds_all_of_it(sounds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "sounds", sounds, "--json", "--workers", 2, "--labels", "barking=dog") == 0
    document = json.loads(capsys.readouterr().out)
    (barking,) = document["classes"]
    assert barking["label"] == "barking"
    assert (barking["clips"], barking["recordings"]) == (3, 3)
    assert barking["active_seconds"] == pytest.approx(3.0, abs=0.01)
    assert barking["level_db"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.1)
    assert sum(barking["parts"].values()) == 3
    assert document["licences"] == {"unknown": 2, "CC0": 1}
    assert document["skipped"] == {}


def test_strict_fails_for_what_cannot_be_used(sounds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(sounds / "dog" / "silent.wav", np.zeros(RATE), RATE)
    (sounds / "dog" / "text.wav").write_text("no sound")
    assert run("data", "sounds", sounds) == 0
    printed = capsys.readouterr()
    assert "2 files skipped" in printed.err
    assert run("data", "sounds", sounds, "--strict", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["skipped"]["dog/silent.wav"] == "silent"
    assert "dog/text.wav" in document["skipped"]
    assert document["classes"][0]["clips"] == 3


def test_what_is_no_folder_of_sounds_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "sounds", tmp_path) == 1
    assert "it is empty. Looked for: ESC-50" in capsys.readouterr().err
    assert run("data", "sounds", tmp_path, "--kind", "esc50") == 1
    with pytest.raises(SystemExit) as caught:
        run("data", "sounds", tmp_path, "--kind", "esc51")
    assert caught.value.code == 2
