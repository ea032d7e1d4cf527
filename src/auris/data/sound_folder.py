"""A folder of recordings, one sub-folder per class: what is in it, what is wrong with it, and how it is split.

``folder/class/**/file``: the first level names the class, anything below is searched. A recording that cannot be used is
reported by name and skipped. Splits never separate two takes of one source recording.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import soundfile

from auris.errors import FormatError, ParameterError, unknown_name

Split = Literal["train", "validation", "test"]
SPLIT_SHARES: dict[Split, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}
MIN_DURATION = 0.05  # seconds
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64", ".sph"})
_FOLD = re.compile(r"^fold(\d+)[-_]", re.IGNORECASE)
_ESC50 = re.compile(r"^(?:fold\d+[-_])?\d+-(\d+)-[A-Z](?:-\d+)?$")


@dataclass(frozen=True)
class Clip:
    """One recording of a bank, as its header describes it.

    Attributes:
        file: path relative to the bank's folder, with forward slashes.
        label: class.
        duration: seconds.
        recording: the source recording it was cut from; clips that share it never fall into different splits.
        fold: number in a file name such as ``fold3-...``, otherwise None.
    """

    file: str
    label: str
    duration: float
    recording: str
    fold: int | None


@dataclass
class BankReport:
    """What was found and what was skipped while reading a folder of sounds.

    Attributes:
        clips: usable recordings by class.
        skipped: reason by file, for every audio file that cannot be used.
        absent: classes that have a folder but no usable recording in the chosen split.
    """

    clips: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{sum(self.clips.values())} recordings of {len(self.clips)} classes, {len(self.skipped)} skipped"]
        lines += [f"  skipped {file}: {reason}" for file, reason in sorted(self.skipped.items())]
        lines += [f"  no recording of {label} in this split" for label in self.absent]
        return "\n".join(lines)


def fold_of(file: str) -> int | None:
    """Return N of a file name that begins with ``foldN-``, otherwise None.

    >>> fold_of("dog/fold4-4-199261-A.ogg")
    4
    """
    match = _FOLD.match(PurePosixPath(file).name)
    return int(match[1]) if match else None


def recording_of(file: str) -> str:
    """Return the name of the source recording a clip was cut from.

    Names in the manner of ESC-50, ``{fold}-{recording}-{take}[-{class}]``, give the middle number. Any other name gives
    itself, without a single capital letter at its end that counts takes or, in a name that begins with ``foldN-``, without
    the number at its end that counts cuts.

    >>> recording_of("dog/fold1-1-100032-A.ogg"), recording_of("1-17150-A-12.wav"), recording_of("dog/rex-B.wav")
    ('100032', '17150', 'rex')
    """
    stem = PurePosixPath(file).stem
    if match := _ESC50.match(stem):
        return match[1]
    return re.sub(r"(?<=.)[-_]([A-Z]|\d+)$" if _FOLD.match(stem) else r"(?<=.)[-_][A-Z]$", "", stem)


def split_of(recording: str) -> Split:
    """Return the split of a source recording: a pure function of its name, so new files never move old ones."""
    place = int.from_bytes(hashlib.blake2b(recording.encode(), digest_size=8).digest(), "little") / 2**64
    for name, share in SPLIT_SHARES.items():
        if place < share:
            return name
        place -= share
    return "test"


def scan(
    folder: Path,
    *,
    labels: Sequence[str] | None,
    split: Split | None,
    folds: Sequence[int] | None,
    recording: Callable[[str], str] = recording_of,
) -> tuple[dict[str, list[Clip]], BankReport]:
    """Read the headers of all recordings in ``folder``.

    Args:
        folder: holds one folder per class.
        labels: classes to read; None reads all.
        split: keep the recordings that :func:`split_of` puts there.
        folds: keep the files of these folds.
        recording: names the source recording of a file (relative path).

    Returns:
        Clips by class, sorted by file name, and the report.

    Raises:
        FormatError: the folder is missing, is a file, or holds nothing usable.
        ParameterError: a label is unknown, a split unknown, or both ``split`` and ``folds`` are given.
    """
    _check_choice(split, folds)
    names = _class_folders(folder)
    for label in labels or ():
        if label not in names:
            raise ParameterError(unknown_name(f"class (folder of {folder})", label, names))
    report = BankReport()
    found: dict[str, list[Clip]] = {}
    for label in sorted(labels or names):
        files = _audio_files(folder / label)
        clips = [clip for file in files if (clip := _probe(folder, file, label, recording, report))]
        kept = [c for c in clips if (split is None or split_of(c.recording) == split) and (folds is None or c.fold in folds)]
        if kept:
            found[label] = kept
    report.clips = {label: len(clips) for label, clips in found.items()}
    report.absent = tuple(label for label in sorted(labels or names) if label not in found)
    if not found:
        which = f" in split {split!r}" if split else f" in folds {sorted(folds)}" if folds else ""
        first = next(iter(sorted(report.skipped.items())), None)
        reason = f"; first problem: {first[0]} ({first[1]})" if first else ""
        raise FormatError(f"{folder}: no usable recording{which} among the classes {', '.join(sorted(names))}{reason}")
    return found, report


def _check_choice(split: str | None, folds: Sequence[int] | None) -> None:
    if split is not None and folds is not None:
        raise ParameterError("give either split (by hash of the recording) or folds (by file name), not both")
    if split is not None and split not in SPLIT_SHARES:
        raise ParameterError(unknown_name("split", split, SPLIT_SHARES))
    if folds is not None and not folds:
        raise ParameterError("folds must name at least one fold, e.g. folds=(1, 2, 3)")


def _class_folders(folder: Path) -> list[str]:
    if not folder.exists():
        raise FormatError(f"{folder}: no such folder; a sound bank is a folder with one folder of recordings per class")
    if not folder.is_dir():
        raise FormatError(f"{folder}: a file, not a folder; a sound bank is a folder with one folder of recordings per class")
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
    if not names:
        loose = any(p.suffix.lower() in AUDIO_SUFFIXES for p in folder.iterdir())
        hint = "it holds recordings directly; move them into one folder per class" if loose else "it is empty"
        raise FormatError(f"{folder}: no class folders, {hint}")
    return names


def _audio_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES and not p.name.startswith("."))


def _probe(folder: Path, path: Path, label: str, recording: Callable[[str], str], report: BankReport) -> Clip | None:
    """Return the clip of a header, or None with the reason noted in the report."""
    file = path.relative_to(folder).as_posix()
    try:
        header = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        report.skipped[file] = f"cannot be read as audio ({str(getattr(error, 'error_string', error)).rstrip('.')})"
        return None
    duration = header.frames / header.samplerate if header.samplerate else 0.0
    if duration < MIN_DURATION:
        report.skipped[file] = f"too short ({duration * 1000:.0f} ms, at least {MIN_DURATION * 1000:.0f} ms)"
        return None
    return Clip(file, label, duration, recording(file), fold_of(file))
