"""What is in a set, as numbers: gathered from its manifest in one pass, without opening the files of its items."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.data.production.manifest import ManifestItem

Floats = NDArray[np.float64]

# A number that is no part of a word, as in mono.12.npy but not in hoa2.flac.
_COUNTING = re.compile(r"(?<![^\W_])\d+(?![^\W_])")
_QUANTILES = (5, 50, 95)
_COLUMNS = (
    *("durations", "azimuths_deg", "elevations_deg", "distances", "levels_db"),
    *("t60", "volumes", "drr_db", "snr_db"),
)


@dataclass(frozen=True)
class ClassShare:
    """How much of a set one class is.

    Attributes:
        label: name of the class.
        events: how often it sounds.
        seconds: how long, over all events.
    """

    label: str
    events: int
    seconds: float


@dataclass
class FileKind:
    """Files of one kind.

    Attributes:
        patterns: where they lie, with ``*`` for numbers.
        items: how many items have some.
        files: how many there are.
        bytes: size of all of them.
    """

    patterns: set[str] = field(default_factory=set)
    items: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, eq=False)
class SetStatistics:
    """A set in numbers; what its items have no facts about is empty.

    Attributes:
        items: number of items.
        seconds: of audio, as far as items say.
        kinds: files by field, with ``*`` for what only counts them.
        splits: items by split.
        classes: shares by class, the largest first.
        recordings: files that are played, each once, sorted.
        durations: seconds of each event.
        moving: whether the source of each event, or its listener, moves.
        azimuths_deg: of each event at its beginning; counter-clockwise, 0 in front.
        elevations_deg: of each event at its beginning.
        distances: of each event at its beginning, metres.
        levels_db: of each event at 1 m, dB re full scale.
        overlap: seconds during which 0, 1, 2, … sources sound.
        t60: of each room, seconds.
        volumes: of each room, cubic metres.
        drr_db: direct-to-reverberant ratio of each source.
        snr_db: of each item's diffuse noise.
        free_field: items without a room.
        texts: captions, or questions with answers.
    """

    items: int
    seconds: float
    kinds: Mapping[str, FileKind]
    splits: Mapping[str, int]
    classes: tuple[ClassShare, ...]
    recordings: tuple[str, ...]
    durations: Floats
    moving: NDArray[np.bool_]
    azimuths_deg: Floats
    elevations_deg: Floats
    distances: Floats
    levels_db: Floats
    overlap: Floats
    t60: Floats
    volumes: Floats
    drr_db: Floats
    snr_db: Floats
    free_field: int
    texts: int

    @property
    def hours(self) -> float:
        """Hours of audio."""
        return self.seconds / 3600

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.durations)

    def quantiles(self) -> dict[str, tuple[float, float, float]]:
        """Return 5 %, median and 95 % of everything that was measured, by what it is and its unit."""
        measured = {
            "Length of an event (s)": self.durations,
            "Distance (m)": self.distances,
            "Elevation (°)": self.elevations_deg,
            "Reverberation time (s)": self.t60,
            "Room volume (m³)": self.volumes,
            "Direct to reverberant (dB)": self.drr_db,
        }
        found = {name: np.percentile(values, _QUANTILES).tolist() for name, values in measured.items() if len(values)}
        return {name: (low, middle, high) for name, (low, middle, high) in found.items()}


@dataclass
class _Gathered:
    """Numbers as they come, item by item; eight bytes each, so that a million items are no burden."""

    items: int = 0
    seconds: float = 0.0
    free_field: int = 0
    texts: int = 0
    kinds: dict[str, FileKind] = field(default_factory=dict)
    splits: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, float] = field(default_factory=dict)
    recordings: set[str] = field(default_factory=set)
    overlap: list[float] = field(default_factory=list)
    moving: bytearray = field(default_factory=bytearray)
    columns: dict[str, array[float]] = field(default_factory=lambda: {name: array("d") for name in _COLUMNS})


def statistics_of(items: Iterable[ManifestItem]) -> SetStatistics:
    """Return what items say together (:mod:`auris.data.production.facts`); unknown facts are passed over."""
    gathered = _Gathered()
    for item in items:
        gathered.items += 1
        _add_files(gathered, item)
        _add_facts(gathered, item.facts)
    shares = [ClassShare(label, count, gathered.lengths[label]) for label, count in gathered.events.items()]
    return SetStatistics(
        items=gathered.items,
        seconds=gathered.seconds,
        kinds=dict(sorted(gathered.kinds.items())),
        splits=dict(sorted(gathered.splits.items())),
        classes=tuple(sorted(shares, key=lambda share: (-share.seconds, share.label))),
        recordings=tuple(sorted(gathered.recordings)),
        moving=np.frombuffer(bytes(gathered.moving), dtype=np.bool_),
        overlap=np.asarray(gathered.overlap, dtype=np.float64),
        free_field=gathered.free_field,
        texts=gathered.texts,
        **{name: np.asarray(values, dtype=np.float64) for name, values in gathered.columns.items()},
    )


def _add_files(gathered: _Gathered, item: ManifestItem) -> None:
    kinds = [_COUNTING.sub("*", file.field.replace(item.name, "*")) for file in item.files]
    for kind in set(kinds):
        gathered.kinds.setdefault(kind, FileKind()).items += 1
    for file, kind in zip(item.files, kinds, strict=True):
        found = gathered.kinds[kind]
        found.patterns.add(re.sub(r"\d+", "*", file.path))
        found.files += 1
        found.bytes += file.bytes


def _add_facts(gathered: _Gathered, facts: Mapping[str, Any]) -> None:
    gathered.seconds += float(facts.get("seconds") or 0.0)
    if facts.get("split"):
        gathered.splits[str(facts["split"])] += 1
    gathered.recordings.update(map(str, facts.get("recordings") or ()))
    for event in facts.get("events") or ():
        _add_event(gathered, event)
    _add_overlap(gathered.overlap, facts.get("overlap") or ())
    gathered.texts += _texts(facts.get("text"))
    if "room" in facts:
        gathered.free_field += facts["room"] is None
        room = facts["room"] or {}
        _add(gathered, "t60", room.get("t60"))
        _add(gathered, "volumes", room.get("volume"))
    for ratio in facts.get("drr_db") or ():
        _add(gathered, "drr_db", ratio)
    _add(gathered, "snr_db", (facts.get("background") or {}).get("diffuse_snr_db"))


def _add_event(gathered: _Gathered, event: Mapping[str, Any]) -> None:
    label, seconds = str(event["label"]), float(event["offset"]) - float(event["onset"])
    gathered.events[label] += 1
    gathered.lengths[label] = gathered.lengths.get(label, 0.0) + seconds
    if event.get("file"):
        gathered.recordings.add(str(event["file"]))
    gathered.moving.append(bool(event.get("moving")))
    _add(gathered, "durations", seconds)
    _add(gathered, "levels_db", event.get("level_db"))
    for name, key in (("azimuths_deg", "azimuth_deg"), ("elevations_deg", "elevation_deg"), ("distances", "distance")):
        value = event.get(key)
        _add(gathered, name, value[0] if isinstance(value, Sequence) and value else value)


def _add(gathered: _Gathered, name: str, value: Any) -> None:
    if isinstance(value, int | float):
        gathered.columns[name].append(float(value))


def _add_overlap(total: list[float], seconds: Sequence[float]) -> None:
    total += [0.0] * (len(seconds) - len(total))
    for count, value in enumerate(seconds):
        total[count] += float(value)


def _texts(text: object) -> int:
    """How many captions or questions an item has: one text, or a list of them."""
    if text is None:
        return 0
    return 1 if isinstance(text, str | Mapping) else len(text) if isinstance(text, Sequence) else 0
