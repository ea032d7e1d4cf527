"""Labels on a grid of frames: the common form of every SELD label file, and scenes to and from it.

A frame covers ``[k * hop, (k + 1) * hop)`` seconds and is labelled by what is true **at its centre**: a source is active in
it when its event covers the centre, and its direction and distance are those at the centre. An event too short to cover any
centre is labelled in the frame that holds its middle, so that no event is lost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from auris.errors import FormatError, ParameterError, unknown_name
from auris.geometry import Static, Trajectory, Waypoints, angle_between, angles, unit_vector, wrap_angle
from auris.geometry.directions import Floats
from auris.scene import Event, Scene, Source

Indices = NDArray[np.int64]

HOP = 0.1  # seconds; the frame of every DCASE and L3DAS challenge
_COLUMNS = ("frame", "class_index", "track", "azimuth", "elevation", "distance", "onscreen")
NEAREST = 0.005  # metres; a distance that a file rounded to 0 cm


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """One row per frame and sounding source, as arrays of one length ``N``; without arguments, no rows.

    Attributes:
        frame: frame numbers from 0.
        class_index: class numbers from 0.
        track: number that tells sources apart, equal through time for one source; left out, 0.
        azimuth: radians, brought to [-pi, pi).
        elevation: radians; NaN, or left out, where the format has none.
        distance: metres; NaN, or left out, where the format has none.
        onscreen: 1 where the source is in view, 0 where not, -1, or left out, where the format does not say.
        hop: seconds per frame.
        labels: class names by class number; empty where they are not known.

    Raises:
        ParameterError: the arrays differ in length, a number is negative, or an azimuth is not finite.
    """

    frame: Indices
    class_index: Indices
    track: Indices
    azimuth: Floats
    elevation: Floats
    distance: Floats
    onscreen: Indices
    hop: float
    labels: tuple[str, ...]

    def __init__(
        self,
        frame: ArrayLike = (),
        class_index: ArrayLike = (),
        *,
        azimuth: ArrayLike = (),
        elevation: ArrayLike | None = None,
        distance: ArrayLike | None = None,
        track: ArrayLike | None = None,
        onscreen: ArrayLike | None = None,
        hop: float = HOP,
        labels: Sequence[str] = (),
    ) -> None:
        count = np.size(frame)
        given = (frame, class_index, track, azimuth, elevation, distance, onscreen)
        for name, value, absent in zip(_COLUMNS, given, (0, 0, 0, 0, np.nan, np.nan, -1), strict=True):
            dtype: Any = np.float64 if name in ("azimuth", "elevation", "distance") else np.int64
            column = np.full(count, absent, dtype=dtype) if value is None else np.asarray(value, dtype=dtype)
            if column.shape != (count,):
                raise ParameterError(f"every column needs one value per row ({count}), but {name} has shape {column.shape}")
            object.__setattr__(self, name, column)
        for name in ("frame", "class_index"):
            if count and getattr(self, name).min() < 0:
                raise ParameterError(f"{name} numbers count from 0, got {getattr(self, name).min()}")
        if not np.all(np.isfinite(self.azimuth)):
            raise ParameterError("azimuths must be finite radians")
        if not hop > 0:
            raise ParameterError(f"a frame must last more than 0 seconds, got {hop!r}")
        object.__setattr__(self, "azimuth", wrap_angle(self.azimuth))
        object.__setattr__(self, "hop", float(hop))
        object.__setattr__(self, "labels", tuple(labels))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def vectors(self) -> Floats:
        """Unit vectors ``(N, 3)``; a missing elevation counts as level."""
        return unit_vector(self.azimuth, np.nan_to_num(self.elevation))

    @property
    def positions(self) -> Floats:
        """Positions ``(N, 3)`` in metres relative to the listener; NaN without a distance."""
        return np.asarray(self.vectors * self.distance[:, None])

    def rows(self, chosen: ArrayLike) -> FrameLabels:
        """Return some rows, by mask or by index."""
        index = np.asarray(chosen)
        return self._with_columns({name: getattr(self, name)[index] for name in _COLUMNS})

    def _with_columns(self, columns: Mapping[str, NDArray[Any]]) -> FrameLabels:
        changed: dict[str, Any] = dict(columns)
        return replace(self, **changed)

    def sorted(self) -> FrameLabels:
        """Return the rows by frame, then track, then class."""
        return self.rows(np.lexsort((self.class_index, self.track, self.frame)))


def join_labels(parts: Sequence[FrameLabels]) -> FrameLabels:
    """Return the rows of several tables below each other; hop and class names are those of the first."""
    if not parts:
        return FrameLabels()
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return parts[0]._with_columns(columns)


def renumbered(rows: FrameLabels, vocabulary: Sequence[str]) -> FrameLabels:
    """Return the same labels with class numbers of another vocabulary.

    Raises:
        ParameterError: the labels have no class names, or a class that occurs is not in ``vocabulary``.
    """
    numbers = {name: index for index, name in enumerate(vocabulary)}
    used = sorted(set(rows.class_index.tolist()))
    if used and used[-1] >= len(rows.labels):
        raise ParameterError(f"class number {used[-1]} has no name: these labels name {len(rows.labels)} classes")
    missing = [rows.labels[index] for index in used if rows.labels[index] not in numbers]
    if missing:
        raise ParameterError(f"the vocabulary lacks {', '.join(map(repr, missing))}")
    table = np.array([numbers.get(name, -1) for name in rows.labels] or [-1])
    return replace(rows, class_index=table[rows.class_index], labels=tuple(vocabulary))


def scene_to_rows(scene: Scene, vocabulary: Sequence[str], *, hop: float = HOP) -> FrameLabels:
    """Return a scene as labels per frame, as heard by its (possibly moving and turning) listener.

    Args:
        scene: the scene.
        vocabulary: class names; a class's number is its position.
        hop: seconds per frame.

    Returns:
        Rows sorted by frame; ``track`` is the number of the source in the scene.

    Raises:
        ParameterError: a source's label is not in the vocabulary, or ``hop`` is not positive.
    """
    if not (hop > 0 and math.isfinite(hop)):
        raise ParameterError(f"a frame must last more than 0 seconds, got {hop!r}")
    names = tuple(vocabulary)
    numbers = {name: index for index, name in enumerate(names)}
    parts = [FrameLabels(hop=hop, labels=names)]
    for track, source in enumerate(scene.sources):
        if source.label not in numbers:
            raise ParameterError(unknown_name("class", source.label, names))
        frames = _active_frames(source, scene.duration, hop)
        local = scene.relative_positions(source.path, (frames + 0.5) * hop) if len(frames) else np.zeros((0, 3))
        azimuth, elevation, distance = angles(local)
        label, number = np.full(len(frames), numbers[source.label]), np.full(len(frames), track)
        parts.append(FrameLabels(frames, label, azimuth=azimuth, elevation=elevation, distance=distance, track=number))
    return join_labels(parts).sorted()


def _active_frames(source: Source, duration: float, hop: float) -> Indices:
    """Frames whose centre an event covers; at least one per event."""
    count = max(math.ceil(duration / hop - 1e-9), 1)
    frames: set[int] = set()
    for event in source.events:
        first, last = (math.ceil(time / hop - 0.5 - 1e-9) for time in (event.onset, event.offset))
        if last <= first:
            first = math.floor((event.onset + event.offset) / 2 / hop)
            last = first + 1
        frames.update(range(min(first, count - 1), min(last, count)))
    return np.array(sorted(frames), dtype=np.int64)


def rows_to_scene(
    rows: FrameLabels, vocabulary: Sequence[str] = (), *, duration: float | None = None, distance: float = 1.0
) -> Scene:
    """Return labels as a scene around a listener at the origin.

    Each class and track is one source. Its events are the stretches of neighbouring frames; its path goes through the labelled
    points at the frames' centres, along great circles around the listener. Rows that repeat a class and track within a frame
    (predictions often number every row 0) are told apart by following the nearest direction.

    Args:
        rows: labels.
        vocabulary: class names; left out, those of ``rows``.
        duration: seconds of the scene; None ends it with the last frame.
        distance: metres, where the labels have none.

    Raises:
        FormatError: a class number has no name, or the labels go on after ``duration``.
    """
    names = tuple(vocabulary) or rows.labels
    if len(rows) and rows.class_index.max() >= len(names):
        raise FormatError(f"class number {rows.class_index.max()} has no name: the vocabulary has {len(names)} classes")
    end = (int(rows.frame.max()) + 1) * rows.hop if len(rows) else rows.hop
    length = end if duration is None else float(duration)
    if len(rows) and rows.frame.max() * rows.hop >= length:
        raise FormatError(f"labels go on until {end:g} s, but the scene was said to last {length:g} s")
    far = np.where(np.isnan(rows.distance), distance, np.maximum(rows.distance, NEAREST))
    whole = replace(rows, distance=far)
    keys = np.stack([whole.class_index, whole.track], axis=1)
    sources = []
    for key in np.unique(keys, axis=0):
        own = whole.rows(np.all(keys == key, axis=1))
        sources += [_source(chain, names[int(key[0])], length) for chain in _chains(own)]
    sources.sort(key=lambda source: (source.events[0].onset, source.label))
    return Scene(round(length, 9), tuple(sources))


def _source(rows: FrameLabels, label: str, duration: float) -> Source:
    """One source from rows with rising frame numbers."""
    breaks = np.nonzero(np.diff(rows.frame) > 1)[0] + 1
    events = tuple(
        Event(round(int(part[0]) * rows.hop, 9), min(round((int(part[-1]) + 1) * rows.hop, 9), duration))
        for part in np.split(rows.frame, breaks)
    )
    points = [(float(x), float(y), float(z)) for x, y, z in rows.positions]
    times = tuple(float(t) for t in (rows.frame + 0.5) * rows.hop)
    path: Trajectory = Static(points[0])
    if any(point != points[0] for point in points):
        path = Waypoints(times, tuple(points), around=(0.0, 0.0, 0.0))
    return Source(label, path, events)


def _chains(rows: FrameLabels) -> list[FrameLabels]:
    """Split the rows of one class and track so that no frame occurs twice, following the nearest direction."""
    order = np.argsort(rows.frame, kind="stable")
    rows = rows.rows(order)
    if np.all(np.diff(rows.frame) > 0):
        return [rows]
    units = rows.vectors
    chains: list[list[int]] = []
    for start, stop in _runs(rows.frame):
        fresh = list(range(start, stop))
        if chains:
            gaps = angle_between(units[[chain[-1] for chain in chains]][:, None], units[start:stop][None])
            # One that stopped long ago is the worse continuation of two equally near ones.
            gaps = gaps + 1e-3 * (rows.frame[start] - rows.frame[[chain[-1] for chain in chains]])[:, None]
            for old, new in zip(*linear_sum_assignment(gaps), strict=True):
                chains[old].append(start + int(new))
                fresh.remove(start + int(new))
        chains += [[index] for index in fresh]
    return [rows.rows(np.array(chain)) for chain in chains]


def _runs(values: Indices) -> list[tuple[int, int]]:
    """First and last-plus-one position of each run of equal values."""
    edges = np.concatenate([[0], np.nonzero(np.diff(values))[0] + 1, [len(values)]])
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def round_half_away(values: ArrayLike) -> Indices:
    """Round to whole numbers, halves away from zero.

    >>> round_half_away(np.array([0.5, -0.5, 1.4999])).tolist()
    [1, -1, 1]
    """
    # Angles that came from whole half degrees must not lose their half to the 16th digit.
    steady = np.round(np.asarray(values, dtype=float), 9)
    return np.asarray(np.sign(steady) * np.floor(np.abs(steady) + 0.5)).astype(np.int64)
