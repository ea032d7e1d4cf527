"""BEWO-1M as published: a line of JSON for each stereo clip, and trees of audio and annotations (arXiv:2410.10676).

Positions are metres in a box whose x axis runs to the right and whose y axis runs to the front; the two microphones stand along
x, column 0 on the left. Angles are degrees, 0 right, 90 front, 180 left; direction classes run from 1 (left) to 5 (right).

The trees, below any folder and at any depth (unpacked archives double their folders)::

    BEWO_SS_Audio_v1/audiocaps_single_train/<audio_name>.wav        SS, SD, DS and Mix: one still, one moving, two still, mixed
    BEWO_SS_Annotation_v1/audiocaps_single_train.jsonl              one per folder of audio, of the same name

Published archives are not always whole, and their paths to raw audio lead to the authors' disks: clips are found by the stem of
their file, and those that are not there are counted and named.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.atomic import write_text

Subset = Literal["SS", "SD", "DS", "Mix"]
Split = Literal["train", "val", "test"]
SUBSETS: tuple[Subset, ...] = ("SS", "SD", "DS", "Mix")
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SPEEDS = ("still", "slow", "moderate", "fast", "instantly")
AUDIO_SUFFIXES = (".wav", ".flac")

_KINDS: Mapping[Subset, str] = {"SS": "single", "SD": "move", "DS": "double", "Mix": "mix"}
_FOLDER = re.compile(r"BEWO_(SS|SD|DS|Mix)_(Audio|Annotation)_v\d+", re.IGNORECASE)


@dataclass(frozen=True)
class BewoRecord:
    """One clip's line. Lists have one entry per source.

    Attributes:
        audio_name: stem of its file.
        meta: ``"<data set>&<clip>"`` of each source.
        caption: what is heard, in words.
        room_size: x, y, z of the box in metres; outdoors it is a huge one.
        micro_pos: ``((x1, x2), (y1, y2), (z1, z2))`` of the left and the right microphone.
        start: x, y, z and ratio of each source at the beginning; the ratio is its distance from the middle of the microphones
            over that of the nearest of the four walls.
        end: the same at the end.
        RT60: reverberation time in seconds.
        change_step: fraction of the clip at which a source that moves ``instantly`` jumps; 0 for others.
        raw_start: direction class 1 to 5 at the beginning.
        raw_end: at the end.
        start_angle: degrees at the beginning.
        end_angle: at the end.
        raw_speed: one of :data:`SPEEDS`.
        speed_ratio: fraction of the clip that the movement takes; 0 for what is still.
        move_start_time: where the movement begins. The published unit is not documented; auris writes samples of the file.
        raw_audio_path: files that the clip was made from.
        extra: other fields of the line, kept as they are.
    """

    audio_name: str
    meta: tuple[str, ...]
    caption: str
    room_size: tuple[float, float, float]
    micro_pos: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    start: tuple[tuple[float, float, float, float], ...]
    end: tuple[tuple[float, float, float, float], ...]
    RT60: float
    change_step: tuple[float, ...]
    raw_start: tuple[float, ...]
    raw_end: tuple[float, ...]
    start_angle: tuple[float, ...]
    end_angle: tuple[float, ...]
    raw_speed: tuple[str, ...]
    speed_ratio: tuple[float, ...]
    move_start_time: tuple[int, ...]
    raw_audio_path: tuple[str, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sources(self) -> int:
        """Number of sources."""
        return len(self.start)

    def itd(self, source: int, *, at: Literal["start", "end"] = "start", speed_of_sound: float = 343.0) -> float:
        """Return the interaural time difference in seconds: positive when the left microphone hears the source first."""
        point = (self.start if at == "start" else self.end)[source][:3]
        left, right = zip(*self.micro_pos, strict=True)
        return (math.dist(point, right) - math.dist(point, left)) / speed_of_sound


def azimuth_deg(source: Sequence[float], centre: Sequence[float]) -> float:
    """Return the angle of a source as the records have it: degrees from the right, 90 in front."""
    return math.degrees(math.atan2(source[1] - centre[1], source[0] - centre[0]))


def distance_ratio(source: Sequence[float], centre: Sequence[float], room_size: Sequence[float]) -> float:
    """Return the distance of a source over that of the nearest of the four walls from the microphones' middle."""
    walls = (centre[0], room_size[0] - centre[0], centre[1], room_size[1] - centre[1])
    return math.dist(source[:3], centre) / min(walls)


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_PER_SOURCE = ("meta", "start", "end", "change_step", "raw_start", "raw_end", "start_angle", "end_angle", "raw_speed",
               "speed_ratio", "move_start_time", "raw_audio_path")  # fmt: skip
_FIELDS = tuple(entry.name for entry in fields(BewoRecord) if entry.name != "extra")


def record_to_plain(record: BewoRecord) -> dict[str, Any]:
    """Return a record as plain JSON, its fields in the published order."""
    return {**{name: _plain(getattr(record, name)) for name in _FIELDS}, **record.extra}


def record_from_plain(plain: object, *, where: str = "a record") -> BewoRecord:
    """Return the record of a line.

    Raises:
        FormatError: a field is missing, or is not what it must be; the text begins with ``where``.
    """
    if not isinstance(plain, Mapping):
        raise FormatError(f"{where}: a line holds one object, got {type(plain).__name__}")
    missing = [name for name in _FIELDS if name not in plain]
    if missing:
        raise FormatError(f"{where}: lacks {', '.join(missing)}; it has {', '.join(map(str, plain)) or 'no fields'}")
    values = {name: _CHECKS[name](plain[name], f"{where}: {name}") for name in _FIELDS}
    counts = {name: len(values[name]) for name in _PER_SOURCE}
    if len(set(counts.values())) > 1 or not counts["start"]:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise FormatError(f"{where}: every list has one entry per source, and there is at least one; got {told}")
    return BewoRecord(**values, extra={key: value for key, value in plain.items() if key not in _FIELDS})


def iterate_annotations(path: str | Path) -> Iterator[BewoRecord]:
    """Yield the records of a ``.jsonl`` file, one by one.

    Raises:
        FormatError: no such file, or a line is no record; file, line and field are named.
    """
    file = Path(path)
    try:
        with file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _record(line, f"{file}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def read_annotations(path: str | Path) -> tuple[BewoRecord, ...]:
    """Return the records of a ``.jsonl`` file; raises as :func:`iterate_annotations`."""
    return tuple(iterate_annotations(path))


def annotations_text(records: Iterable[BewoRecord]) -> str:
    """Return records as the text of a ``.jsonl`` file."""
    return "".join(json.dumps(record_to_plain(record), ensure_ascii=False, allow_nan=False) + "\n" for record in records)


def write_annotations(path: str | Path, records: Iterable[BewoRecord]) -> None:
    """Write a ``.jsonl`` file, whole or not at all.

    Raises:
        FormatError: it cannot be written.
    """
    write_text(path, annotations_text(records))


def _record(line: str, where: str) -> BewoRecord:
    try:
        plain = json.loads(line)
    except ValueError as error:
        raise FormatError(f"{where}: is not JSON ({error})") from None
    return record_from_plain(plain, where=where)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise FormatError(f"{where} must be text, got {value!r}")
    return value


def _name(value: object, where: str) -> str:
    if not _text(value, where):
        raise FormatError(f"{where} is empty")
    return str(value)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormatError(f"{where} must be a number, got {value!r}")
    return value


def _between(low: float, high: float) -> Any:
    def check(value: object, where: str) -> float:
        number = _number(value, where)
        if not low <= number <= high:
            raise FormatError(f"{where} must lie between {low:g} and {high:g}, got {value!r}")
        return number

    return check


def _whole(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FormatError(f"{where} must be a whole number of at least 0, got {value!r}")
    return value


def _speed(value: object, where: str) -> str:
    if value not in SPEEDS:
        raise FormatError(f"{where}: {unknown_name('speed', value, SPEEDS)}")
    return str(value)


def _each(check: Any, count: int | None = None) -> Any:
    """A check of a list whose entries are checked; with ``count``, of exactly so many."""

    def checked(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or count not in (None, len(value)):
            raise FormatError(f"{where} must be a list{f' of {count}' if count else ''}, got {value!r}")
        return tuple(check(item, f"{where}[{number}]") for number, item in enumerate(value))

    return checked


_CHECKS: Mapping[str, Any] = {
    "audio_name": _name,
    "meta": _each(_text),
    "caption": _text,
    "room_size": _each(_between(0.01, 1e5), 3),
    "micro_pos": _each(_each(_number, 2), 3),
    "start": _each(_each(_number, 4)),
    "end": _each(_each(_number, 4)),
    "RT60": _between(0, 1000),
    "change_step": _each(_between(0, 1)),
    "raw_start": _each(_between(1, 5)),
    "raw_end": _each(_between(1, 5)),
    "start_angle": _each(_between(-360, 360)),
    "end_angle": _each(_between(-360, 360)),
    "raw_speed": _each(_speed),
    "speed_ratio": _each(_between(0, 1)),
    "move_start_time": _each(_whole),
    "raw_audio_path": _each(_text),
}

# ── trees ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class BewoClip:
    """A clip with its audio.

    Attributes:
        subset: ``SS``, ``SD``, ``DS`` or ``Mix``.
        table: name of its annotation file, without suffix.
        audio: its file.
        record: its line.
    """

    subset: Subset
    table: str
    audio: Path
    record: BewoRecord


@dataclass(frozen=True)
class BewoTree:
    """What is there of the published trees.

    Attributes:
        root: the folder.
        clips: every clip whose audio is there.
        missing: names of the clips whose audio is not, by annotation file.
        unused: number of audio files without a line.
    """

    root: Path
    clips: tuple[BewoClip, ...]
    missing: Mapping[str, tuple[str, ...]]
    unused: int

    def __str__(self) -> str:
        lacking = sum(map(len, self.missing.values()))
        told = f"{len(self.clips)} clips, {lacking} without audio, {self.unused} audio files without annotation"
        named = [f"  {table}: {', '.join(names[:5])}{' …' * (len(names) > 5)}" for table, names in self.missing.items()]
        return "\n".join([told, *named])


def table_name(subset: Subset, split: Split, *, collection: str = "audiocaps") -> str:
    """Return the published name of an annotation file and its folder of audio; those of Mix are irregular.

    >>> table_name("SD", "train"), table_name("Mix", "val"), table_name("Mix", "test")
    ('audiocaps_move_train', 'audiocaps_val_mix', 'audiocaps_mix_test')
    """
    kind = _KINDS[subset]
    return f"{collection}_{split}_{kind}" if subset == "Mix" and split != "test" else f"{collection}_{kind}_{split}"


def split_of(table: str) -> Split | None:
    """Return the split that the name of an annotation file says; None for those that say none (``full_single``)."""
    return next((split for split in SPLITS if split in re.split(r"[_\W]+", table.lower())), None)


def open_bewo(root: str | Path, *, subsets: Sequence[Subset] | None = None, split: Split | None = None) -> BewoTree:
    """Index the published trees, or a set that auris made.

    Args:
        root: a folder above ``BEWO_<subset>_Audio_v1`` and ``BEWO_<subset>_Annotation_v1``, at any depth.
        subsets: which of them; None takes all there are.
        split: only files whose name says this split; None takes all.

    Raises:
        ParameterError: a subset or split is unknown.
        FormatError: there are no annotations, or a line is no record.
    """
    folder = Path(root)
    for kind, value, accepted in (*(("subset", s, SUBSETS) for s in subsets or ()), ("split", split or "train", SPLITS)):
        if value not in accepted:
            raise ParameterError(unknown_name(f"{kind} of BEWO-1M", value, accepted))
    wanted = subsets or SUBSETS
    tables = [(s, p) for s, p in _files(folder, "Annotation", (".jsonl",)) if s in wanted and split in (None, split_of(p.stem))]
    if not tables:
        raise FormatError(
            f"{folder}: no BEWO_{'|'.join(wanted)}_Annotation_v1/*.jsonl below it{f' for {split}' if split else ''}"
        )
    audio: dict[tuple[str, ...], Path] = {}
    found = {path for subset, path in _files(folder, "Audio", AUDIO_SUFFIXES) if subset in wanted}
    for path in sorted(found):
        audio.setdefault((path.stem,), path)
        audio.setdefault((path.parent.name, path.stem), path)
    clips: list[BewoClip] = []
    missing: dict[str, list[str]] = {}
    for subset, table in tables:
        for record in iterate_annotations(table):
            file = audio.get((table.stem, record.audio_name)) or audio.get((record.audio_name,))
            if file is None:
                missing.setdefault(table.stem, []).append(record.audio_name)
            else:
                clips.append(BewoClip(subset, table.stem, file, record))
    unused = len(found - {clip.audio for clip in clips})
    return BewoTree(folder, tuple(clips), {table: tuple(names) for table, names in missing.items()}, unused)


def _files(folder: Path, kind: str, suffixes: tuple[str, ...]) -> list[tuple[Subset, Path]]:
    """Files below folders of a kind, each with its subset, sorted."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes):
        for name in reversed((folder.name, *path.relative_to(folder).parts[:-1])):
            match = _FOLDER.fullmatch(name)
            if match and match[2].lower() == kind.lower():
                found.append((next(s for s in SUBSETS if s.lower() == match[1].lower()), path))
                break
    return found
