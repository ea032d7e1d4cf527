"""What was measured is kept beside the sounds, trusted only while it is true, and never in the way."""

import json
import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris import seeding
from auris.data import measured_sounds, sound_folder
from auris.data.activity import ActivitySettings
from auris.data.sound_bank import SoundBank
from auris.data.sound_cache import cache_folder

RATE = 8_000
CACHE = Path(".auris") / "sounds-class_folders.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        path = tmp_path / "sounds" / "dog" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        silence = np.zeros(RATE // 2)
        burst = 0.1 * (number + 1) * np.sin(np.arange(RATE) / 3)
        soundfile.write(path, np.concatenate([silence, burst, silence]), RATE)
    soundfile.write(tmp_path / "sounds" / "dog" / "silent.wav", np.zeros(RATE), RATE)
    return tmp_path / "sounds"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many headers are read and files measured from now on."""
    counts = {"headers": 0, "contents": 0}
    read, measured = sound_folder.read_header, measured_sounds.measured

    def header(path):
        counts["headers"] += 1
        return read(path)

    def content(path, name, *, activity):
        counts["contents"] += 1
        return measured(path, name, activity=activity)

    monkeypatch.setattr(sound_folder, "read_header", header)
    monkeypatch.setattr(measured_sounds, "measured", content)
    return counts


def test_nothing_is_measured_twice(folder: Path, counted: dict[str, int]) -> None:
    first = SoundBank(folder)
    first.check()
    assert counted == {"headers": 7, "contents": 7}
    again = SoundBank(folder)
    again.check()
    assert counted == {"headers": 7, "contents": 7}
    assert (folder / CACHE).is_file()
    assert again.clips == first.clips
    assert again.report == first.report
    for clip in first.clips["dog"]:
        assert again.content(clip.file) == first.content(clip.file)


def test_levels_and_activity_are_those_of_the_sound(folder: Path) -> None:
    SoundBank(folder).check()
    content = SoundBank(folder).content("dog/4.wav")
    assert content.level_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.3)
    assert content.loudness == pytest.approx(content.level_db, abs=3.0)
    assert content.active_seconds == pytest.approx(1.08, abs=0.05)
    lines = [json.loads(line) for line in (folder / CACHE).read_text().splitlines()]
    assert lines[0]["format"] == "auris-sounds"
    assert {line["file"] for line in lines[1:]} == {f"dog/{name}.wav" for name in (*range(6), "silent")}
    by_file = {line["file"]: line for line in lines[1:]}
    assert by_file["dog/silent.wav"]["content"]["problem"] == "silent"
    assert by_file["dog/4.wav"]["duration"] == 2.0
    assert not list(folder.glob(".auris/*.tmp"))
    assert len(list((folder / ".auris").iterdir())) == 1


def test_a_changed_file_is_measured_again(folder: Path, counted: dict[str, int]) -> None:
    SoundBank(folder).check()
    soundfile.write(folder / "dog" / "silent.wav", 0.3 * np.sin(np.arange(2 * RATE) / 3), RATE)
    bank = SoundBank(folder)
    assert not bank.check().skipped
    assert counted == {"headers": 8, "contents": 8}
    # The same size, written a moment later.
    status = (folder / "dog" / "0.wav").stat()
    soundfile.write(folder / "dog" / "0.wav", np.zeros(2 * RATE), RATE)
    os.utime(folder / "dog" / "0.wav", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert (folder / "dog" / "0.wav").stat().st_size == status.st_size
    assert SoundBank(folder).check().skipped == {"dog/0.wav": "silent"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "not json\n" + text,
        lambda text: text[: len(text) * 2 // 3],
        lambda text: text.replace('"duration"', '"length"'),
        lambda text: text.replace('"version": 1', '"version": 0'),
        lambda text: text.replace('"segments"', '"pieces"'),
        lambda text: text.replace("[[", '[["x", '),
        lambda text: text.splitlines()[0] + "\n[]\n7\n",
        lambda text: "\udcff\x00",
    ],
)
def test_a_damaged_cache_is_written_anew(damage, folder: Path, counted: dict[str, int]) -> None:
    report = SoundBank(folder).check()
    whole = (folder / CACHE).read_text()
    (folder / CACHE).write_text(damage(whole), errors="surrogateescape")
    assert SoundBank(folder).check() == report
    assert (folder / CACHE).read_text() == whole
    assert counted["contents"] > 7


def test_a_folder_that_cannot_be_written_to_is_remembered_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: dict[str, int]
) -> None:
    monkeypatch.setenv("AURIS_CACHE", str(tmp_path / "cache"))
    folder.chmod(0o555)
    try:
        bank = SoundBank(folder)
        bank.check()
        assert not (folder / ".auris").exists()
        (file,) = (tmp_path / "cache" / "sounds").iterdir()
        (note,) = bank.report.notes
        assert "cannot be written to" in note
        assert str(file) in note
        SoundBank(folder).check()
        assert counted == {"headers": 7, "contents": 7}
    finally:
        folder.chmod(0o755)


def test_a_cache_that_was_made_before_the_folder_was_locked_is_read(folder: Path, counted: dict[str, int]) -> None:
    SoundBank(folder).check()
    (folder / ".auris").chmod(0o555)
    folder.chmod(0o555)
    try:
        SoundBank(folder).check()
        assert counted == {"headers": 7, "contents": 7}
    finally:
        (folder / ".auris").chmod(0o755)
        folder.chmod(0o755)


def test_without_any_place_for_a_cache_everything_still_works(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AURIS_CACHE", str(tmp_path / "file"))
    folder.chmod(0o555)
    try:
        assert SoundBank(folder).check().skipped == {"dog/silent.wav": "silent"}
    finally:
        folder.chmod(0o755)


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIS_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("AURIS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/auris")


def test_the_cache_is_no_class(folder: Path) -> None:
    SoundBank(folder).check()
    soundfile.write(folder / ".auris" / "stray.wav", np.zeros(RATE), RATE)
    (folder / "dog" / ".auris").mkdir()
    soundfile.write(folder / "dog" / ".auris" / "stray.wav", np.zeros(RATE), RATE)
    bank = SoundBank(folder)
    assert bank.labels == ("dog",)
    assert len(bank.clips["dog"]) == 7


def test_other_ideas_of_silence_are_not_mixed_up(folder: Path) -> None:
    SoundBank(folder).check()
    strict = SoundBank(folder, activity=ActivitySettings(silence_db=-1.0))
    assert set(strict.check().skipped) == {f"dog/{name}.wav" for name in (*range(6), "silent")}
    assert set(SoundBank(folder).check().skipped) == {"dog/silent.wav"}


def test_picks_do_not_depend_on_the_cache(folder: Path) -> None:
    def picks(bank: SoundBank) -> list[object]:
        return [bank.pick("dog", seeding.generator(n, "pick"), duration=0.3) for n in range(30)]

    fresh = picks(SoundBank(folder))
    SoundBank(folder).check()
    known = SoundBank(folder)
    assert picks(known) == fresh
    assert picks(pickle.loads(pickle.dumps(known))) == fresh
    assert len(pickle.dumps(known)) < 10_000


def test_files_that_are_gone_are_forgotten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_folder, "_WORTH_THREADS", 1)
    SoundBank(folder).check()
    (folder / "dog" / "0.wav").unlink()
    soundfile.write(folder / "dog" / "new.wav", np.zeros(RATE), RATE)
    SoundBank(folder)
    text = (folder / CACHE).read_text()
    assert "dog/0.wav" not in text
    assert "dog/new.wav" in text


def _check(folder: str) -> dict[str, str]:
    return SoundBank(folder).check().skipped


def test_processes_share_one_cache(folder: Path) -> None:
    with multiprocessing.Pool(4) as pool:
        reports = pool.map(_check, [str(folder)] * 8, chunksize=1)
    assert reports == [{"dog/silent.wav": "silent"}] * 8
    lines = (folder / CACHE).read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 8
    assert [path.name for path in (folder / ".auris").iterdir()] == [CACHE.name]


def test_what_is_picked_is_written_when_it_was_worth_the_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = SoundBank(folder)
    bank.pick("dog", seeding.generator(0, "pick"))
    assert not (folder / CACHE).exists()
    monkeypatch.setattr("auris.data.sound_cache._WORTH", 0.0)
    for number in range(20):
        bank.pick("dog", seeding.generator(number, "pick"))
    assert "segments" in (folder / CACHE).read_text()


def test_what_was_measured_before_an_interruption_is_kept(folder: Path, counted: dict[str, int]) -> None:
    def interrupted(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SoundBank(folder).check(progress=interrupted)
    assert (folder / CACHE).read_text().count('"content"') == 3
    counted["contents"] = 0
    assert SoundBank(folder).check().skipped == {"dog/silent.wav": "silent"}
    assert counted["contents"] == 4
