"""Files that cannot be used are found out by name and reason; the others play."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris import seeding
from auris.data.sound_bank import SoundBank
from auris.data.sound_measurement import read_header
from auris.errors import SceneError
from auris.scene import Sound

RATE = 8_000


def noise(seconds: float = 1.0) -> np.ndarray:
    return 0.1 * seeding.generator(0, "noise").standard_normal(int(seconds * RATE))


def encoded(samples: np.ndarray, container: str, subtype: str | None = None) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format=container, subtype=subtype)
    return stream.getvalue()


WAV, FLAC, OGG, AIFF = (encoded(noise(), container) for container in ("WAV", "FLAC", "OGG", "AIFF"))
NAN = encoded(np.full(RATE, np.nan, np.float32), "WAV", "FLOAT")


def header(channels: int, rate: int) -> bytes:
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    data = np.zeros(800, np.int16).tobytes()
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


PROBLEMS = {
    "empty.wav": (b"", "empty file"),
    "text.wav": (b"this is no sound", "cannot be read as audio"),
    "page.wav": (b"<!DOCTYPE html><html>not found</html>", "begins like a page of HTML"),
    "video.wav": (b"\0\0\0\x20ftypisom" + b"\0" * 100, "begins like an MP4 file"),
    "pointer.flac": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    "header.wav": (WAV[:30], "cannot be read as audio"),
    "truncated.wav": (WAV[: len(WAV) // 2], "truncated (7978 of 16000 bytes of samples are there)"),
    "truncated.aiff": (AIFF[: len(AIFF) // 2], "truncated (8027 of 16054 bytes are there)"),
    "truncated.ogg": (OGG[: len(OGG) // 2], "truncated (it"),
    "truncated.flac": (FLAC[: len(FLAC) // 2], "cannot be read as audio"),
    "channels.wav": (header(0, 8_000), "cannot be read as audio (Channel count is zero)"),
    "slow.wav": (header(1, 50), "cannot be played (1 channels at 50 Hz)"),
    "short.wav": (encoded(noise(0.02), "WAV"), "too short (20 ms, at least 50 ms)"),
    "nothing.wav": (encoded(noise(0), "WAV"), "too short (0 ms"),
    "silent.wav": (encoded(np.zeros(RATE), "WAV"), "silent"),
    "constant.wav": (encoded(np.full(RATE, 0.3), "WAV"), "silent"),
    "nan.wav": (NAN, "holds NaN or infinite samples"),
    "sound.m4a": (b"\0\0\0\x20ftypM4A ", "its format cannot be decoded; convert it to WAV or FLAC"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dog").mkdir()
    for name, (content, _) in PROBLEMS.items():
        (tmp_path / "dog" / name).write_bytes(content)
    for name, content in {"good.wav": WAV, "good.flac": FLAC, "good.ogg": OGG}.items():
        (tmp_path / "dog" / name).write_bytes(content)
    (tmp_path / "dog" / "away.wav").symlink_to(tmp_path / "nowhere.wav")
    return tmp_path


def test_every_problem_is_named_and_the_rest_plays(folder: Path) -> None:
    bank = SoundBank(folder)
    skipped = bank.check(workers=2).skipped
    for name, (_, reason) in PROBLEMS.items():
        assert reason in skipped[f"dog/{name}"], name
    assert "cannot be opened (No such file" in skipped["dog/away.wav"]
    assert set(skipped) == {f"dog/{name}" for name in (*PROBLEMS, "away.wav")}
    files = {bank.pick("dog", seeding.generator(n, "pick"), duration=0.1).file for n in range(60)}
    assert files == {"dog/good.wav", "dog/good.flac", "dog/good.ogg"}
    assert all(name in str(bank.report) for name in PROBLEMS)


def test_problems_are_the_same_from_the_cache_and_when_picked(folder: Path) -> None:
    checked = SoundBank(folder).check()
    again = SoundBank(folder)
    picked = SoundBank(folder)
    for clip in picked.clips["dog"]:
        picked.segments(clip.file)
    assert again.check().skipped == checked.skipped == picked.report.skipped


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "AIFF"])
def test_whole_files_are_not_called_truncated(container: str, tmp_path: Path) -> None:
    for seconds in (0.06, 0.5, 7.3):
        (tmp_path / f"a.{container}").write_bytes(encoded(noise(seconds), container))
        found = read_header(tmp_path / f"a.{container}")
        assert found.problem is None
        assert found.duration == pytest.approx(seconds, abs=1 / RATE)


def test_a_length_left_open_by_a_pipe_is_no_truncation(tmp_path: Path) -> None:
    place = WAV.index(b"data") + 4
    streamed = WAV[:4] + b"\xff" * 4 + WAV[8:place] + b"\xff" * 4 + WAV[place + 4 :]
    (tmp_path / "piped.wav").write_bytes(streamed)
    assert read_header(tmp_path / "piped.wav").problem is None


def test_names_that_lie_are_remarked_but_play(tmp_path: Path) -> None:
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "lossless.wav").write_bytes(FLAC)
    (tmp_path / "dog" / "LOUD.WAV").write_bytes(WAV)
    bank = SoundBank(tmp_path)
    assert bank.report.remarks == {"dog/lossless.wav": "holds FLAC, though its name ends in .wav"}
    assert not bank.check().skipped
    assert len(bank.clips["dog"]) == 2


def test_a_file_that_may_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dog").mkdir()
    for name in ("a.wav", "b.wav"):
        (tmp_path / "dog" / name).write_bytes(WAV)
    real = open

    def locked(path: object, *args: object, **options: object) -> object:
        if str(path).endswith("a.wav"):  # permissions do not bind a superuser, who runs many a test
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.open", locked)
    bank = SoundBank(tmp_path)
    bank.check()
    assert bank.report.skipped == {"dog/a.wav": "cannot be opened (Permission denied)"}
    monkeypatch.undo()
    assert not SoundBank(tmp_path).report.skipped


def test_a_class_folder_that_may_not_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for label in ("dog", "cat"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.wav").write_bytes(WAV)
    real = os.scandir

    def locked(path: object) -> object:
        if str(path).rstrip("/").endswith("cat"):
            raise PermissionError(13, "Permission denied")
        return real(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", locked)
    bank = SoundBank(tmp_path)
    assert bank.report.skipped == {"cat": "cannot be listed (Permission denied)"}
    assert bank.report.absent == ("cat",)


def test_a_file_that_vanishes_is_reported_when_it_is_played(tmp_path: Path) -> None:
    (tmp_path / "dog").mkdir()
    for name in ("a.wav", "b.wav"):
        (tmp_path / "dog" / name).write_bytes(WAV)
    bank = SoundBank(tmp_path)
    (tmp_path / "dog" / "a.wav").unlink()
    assert {bank.pick("dog", seeding.generator(n, "pick")).file for n in range(20)} == {"dog/b.wav"}
    assert "no such file" in bank.report.skipped["dog/a.wav"]
    with pytest.raises(SceneError, match="no such file"):
        bank.dry(Sound("dog/a.wav"), RATE, 0.1)


def test_links_that_lead_back_end(tmp_path: Path) -> None:
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "a.wav").write_bytes(WAV)
    (tmp_path / "dog" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert [clip.file for clip in SoundBank(tmp_path, kind="class_folders").clips["dog"]] == ["dog/a.wav"]
