"""From frame outputs to events: thresholds with hysteresis, unified duplicates, tracks through time, a scene.

The steps follow the field's post-processing of multi-ACCDOA (DCASE baselines, PSELDNets): activities are smoothed by a
median over time; a class begins to sound where its activity passes a threshold and goes on until it falls below a share
of it; tracks of one class that point almost the same way are one sound; sounds in successive frames are joined when
they are near each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as label_runs
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.optimize import linear_sum_assignment

from auris.errors import ParameterError, unknown_name
from auris.geometry import Static, Waypoints, angle_between
from auris.scene import Event, Scene, Source

Floats = NDArray[np.floating]
UNKNOWN_DISTANCE = 1.0  # metres; where a scene places what a network gives a direction only
_SHORTEST_SCENE = 1e-3  # seconds


@dataclass(frozen=True)
class DetectionSettings:
    """How outputs become events.

    Attributes:
        threshold: activity (0..1) at which a class begins to sound; one number, or one per class.
        release: share of the threshold below which it ends.
        smoothing: frames of the median filter over activities; odd.
        unify_deg: tracks of one class closer than this are one sound (degrees).
        link_deg: most a sound may seem to move between frames (degrees).
        longest_gap: frames a sound may vanish and still be the same event.
        shortest: frames below which an event is dropped.
        still_deg: a sound whose direction strays less than this (root mean square) is reported at rest (degrees).
    """

    threshold: float | tuple[float, ...] = 0.5
    release: float = 0.6
    smoothing: int = 3
    unify_deg: float = 18.0
    link_deg: float = 35.0
    longest_gap: int = 3
    shortest: int = 2
    still_deg: float = 6.0

    def __post_init__(self) -> None:
        levels = np.atleast_1d(np.asarray(self.threshold, dtype=float))
        if not np.all((levels > 0) & (levels < 1)):
            raise ParameterError(f"activity thresholds must lie between 0 and 1, got {self.threshold!r}")
        if not 0 < self.release <= 1 or self.smoothing < 1 or self.smoothing % 2 == 0:
            raise ParameterError(f"release must lie in (0, 1] and smoothing be odd, got {self.release!r}, {self.smoothing!r}")

    def thresholds(self, classes: int) -> NDArray[np.float64]:
        """Return the threshold of each of a number of classes.

        Raises:
            ParameterError: there are as many thresholds as for another number of classes.
        """
        levels = np.asarray(self.threshold, dtype=np.float64)
        if levels.ndim and len(levels) != classes:
            raise ParameterError(f"there are {len(levels)} thresholds for {classes} classes; give one number, or one per class")
        return np.broadcast_to(levels, (classes,))


@dataclass(frozen=True)
class Detection:
    """One sound in one frame: unit vector, distance in metres (NaN where it is not known), activity 0..1."""

    frame: int
    direction: Floats
    distance: float
    activity: float


def class_thresholds(
    threshold: float | Sequence[float] | Mapping[str, float], labels: Sequence[str], *, settings: DetectionSettings
) -> DetectionSettings:
    """Return settings with other thresholds.

    Args:
        threshold: one for all classes, one per class in the order of ``labels``, or some by class name; classes that are not
            named keep theirs.
        labels: class names.
        settings: what to change.

    Raises:
        ParameterError: a class is unknown, or a threshold is not between 0 and 1.
    """
    if isinstance(threshold, Mapping):
        for name in threshold:
            if name not in labels:
                raise ParameterError(unknown_name("class", name, labels))
        old = settings.thresholds(len(labels))
        threshold = [float(threshold.get(name, level)) for name, level in zip(labels, old, strict=True)]
    changed = replace(settings, threshold=tuple(map(float, threshold)) if isinstance(threshold, Sequence) else float(threshold))
    changed.thresholds(len(labels))
    return changed


def active_classes(outputs: Floats, settings: DetectionSettings) -> NDArray[np.bool_]:
    """Return which classes sound in which frames, ``(frames, classes)``, for outputs ``(frames, tracks, classes, 4)``."""
    return _active_classes(smoothed_activity(outputs, settings), settings)


def _active_classes(activity: Floats, settings: DetectionSettings) -> NDArray[np.bool_]:
    """The same for activities ``(frames, tracks, classes)``."""
    loudest, threshold = activity.max(axis=1), settings.thresholds(activity.shape[2])
    begins, lasts = loudest > threshold, loudest > threshold * settings.release
    return np.stack([_hysteresis(begins[:, c], lasts[:, c]) for c in range(activity.shape[2])], axis=1)


def smoothed_activity(outputs: Floats, settings: DetectionSettings) -> Floats:
    """Return activities ``(frames, tracks, classes)`` after the median filter."""
    activity = np.linalg.norm(outputs[..., :3], axis=-1)
    return np.asarray(median_filter(activity, size=(settings.smoothing, 1, 1), mode="nearest"))


def frame_detections(outputs: Floats, settings: DetectionSettings) -> list[list[Detection]]:
    """Return the sounds of each class in time order, duplicates unified: one list per class."""
    activity = smoothed_activity(outputs, settings)
    active = _active_classes(activity, settings)
    cosine = np.cos(np.radians(settings.unify_deg))
    found: list[list[Detection]] = [[] for _ in range(outputs.shape[2])]
    for frame, label in zip(*np.nonzero(active), strict=True):
        weights = activity[frame, :, label]
        # A track far below the loudest one of its class is silent, not a duplicate.
        tracks = np.nonzero(weights >= 0.5 * weights.max())[0]
        vectors = outputs[frame, tracks, label, :3]
        units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        for group in _groups(units @ units.T > cosine):
            mean = units[group].mean(axis=0)
            direction = mean / max(float(np.linalg.norm(mean)), 1e-9)
            distance = float(outputs[frame, tracks[group], label, 3].mean())
            found[label].append(Detection(int(frame), direction, distance, float(weights[tracks[group]].max())))
    return found


def scene_of(
    outputs: Floats,
    labels: Sequence[str],
    *,
    frame_seconds: float,
    duration: float,
    settings: DetectionSettings | None = None,
) -> Scene:
    """Return what was heard as a scene seen from the listener at the origin.

    Every source has one event with a confidence (its mean activity) and either rests or moves along sampled points. Where the
    network says no distance (NaN), sources are placed at :data:`UNKNOWN_DISTANCE`, which is no measurement: only their
    directions mean something (:attr:`auris.models.listening.Hearing.says_distance` tells).

    Args:
        outputs: ``(frames, tracks, classes, 4)``.
        labels: class names.
        frame_seconds: length of a frame.
        duration: length of the recording in seconds; events end there at the latest.
        settings: None takes the defaults.
    """
    chosen = settings or DetectionSettings()
    sources: list[Source] = []
    for label, detections in zip(labels, frame_detections(outputs, chosen), strict=True):
        chains = [c for c in linked(detections, chosen) if c[-1].frame - c[0].frame + 1 >= chosen.shortest]
        sources += [_source(label, chain, frame_seconds, duration, chosen) for chain in chains]
    sources.sort(key=lambda source: (source.events[0].onset, source.label))
    return Scene(max(duration, _SHORTEST_SCENE), tuple(sources))


def linked(detections: Sequence[Detection], settings: DetectionSettings) -> list[list[Detection]]:
    """Join the detections of one class into sounds: nearest directions first, short gaps bridged."""
    done: list[list[Detection]] = []
    running: list[list[Detection]] = []
    by_frame: dict[int, list[Detection]] = {}
    for detection in detections:
        by_frame.setdefault(detection.frame, []).append(detection)
    for frame in sorted(by_frame):
        now = by_frame[frame]
        done += [chain for chain in running if frame - chain[-1].frame > settings.longest_gap + 1]
        running = [chain for chain in running if frame - chain[-1].frame <= settings.longest_gap + 1]
        free = set(range(len(now)))
        if running:
            cost = angle_between(
                np.stack([c[-1].direction for c in running])[:, None], np.stack([d.direction for d in now])[None]
            )
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if cost[row, column] <= np.radians(settings.link_deg):
                    running[row].append(now[column])
                    free.discard(int(column))
        running += [[now[index]] for index in sorted(free)]
    return done + running


def _source(
    label: str, chain: Sequence[Detection], frame_seconds: float, duration: float, settings: DetectionSettings
) -> Source:
    """A chain of detections as a source with one event."""
    onset = chain[0].frame * frame_seconds
    offset = max(min((chain[-1].frame + 1) * frame_seconds, duration), onset + 1e-3)
    units = np.stack([d.direction for d in chain])
    centre = units.mean(axis=0)
    centre = centre / max(float(np.linalg.norm(centre)), 1e-9)
    distances = np.asarray([d.distance for d in chain])
    distances = np.where(np.isnan(distances), UNKNOWN_DISTANCE, distances)
    confidence = float(np.clip(np.mean([d.activity for d in chain]), 0.0, 1.0))
    event = Event(onset, offset, level_db=None, confidence=round(confidence, 4))
    stray = float(np.sqrt(np.mean(angle_between(units, centre) ** 2)))
    path: Static | Waypoints
    if len(chain) < 4 or stray < np.radians(settings.still_deg):
        path = Static(_point(centre * np.median(distances)))
    else:
        times = tuple((d.frame + 0.5) * frame_seconds for d in chain)
        path = Waypoints(times, tuple(_point(p) for p in _smooth_path(units, distances)), (0.0, 0.0, 0.0))
    return Source(label, path, (event,))


def _smooth_path(units: Floats, distances: Floats, *, reach: int = 2) -> Floats:
    """Moving averages of directions and distances over ``2 reach + 1`` detections."""
    size = 2 * reach + 1
    means = uniform_filter1d(units, size, axis=0, mode="nearest")
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    return np.asarray(means * uniform_filter1d(distances, size, mode="nearest")[:, None])


def _point(vector: Floats) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 4) for value in vector)
    return (x, y, z)


def _hysteresis(begins: NDArray[np.bool_], lasts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Runs of ``lasts`` that hold at least one ``begins``."""
    numbers, _ = label_runs(lasts)
    kept = np.unique(numbers[begins & lasts])
    return np.asarray(np.isin(numbers, kept[kept > 0]))


def _groups(near: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Connected groups of a symmetric relation between a few tracks."""
    left = list(range(len(near)))
    groups = []
    while left:
        group = {left.pop(0)}
        while more := {j for i in group for j in left if near[i, j]}:
            group |= more
            left = [j for j in left if j not in more]
        groups.append(np.asarray(sorted(group)))
    return groups
