"""Scores of whole clips with one source: what sounds, where and how far, as BAT, Spatial-AST and DSpAST report them.

A place is three class numbers (frame ``bat`` of :mod:`auris.geometry.frames`): half metres, whole degrees counter-clockwise
from the right, whole degrees from straight down. The published four (arXiv:2402.01591, arXiv:2509.13927):

* **mAP**: mean over classes of the average precision of the clip's scores; a class that no clip holds counts 0;
* **MAE**: mean angle between the true and the heard direction, degrees;
* **ER20**: share of clips whose angle exceeds 20 degrees;
* **DER**: share of clips whose distance class is off by more than one, that is by 1 m or more.

Beyond those: every class by itself, mirrored answers (:mod:`auris.metrics.mirror_confusion`), errors against distance and
reverberation, and bootstrap intervals over clips.

>>> sounds, places = [[1, 0], [0, 1]], ([4, 2], [90, 180], [90, 90])
>>> evaluate_clips([[2.0, -1.0], [0.0, 1.0]], sounds, heard=([5, 6], [270, 180], [90, 90]), true=places).values()["er20"]
0.5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import ParameterError
from auris.geometry.directions import angle_between, unit_vector
from auris.geometry.frames import BAT_AZIMUTH_CLASSES, BAT_DISTANCE_CLASSES, BAT_ELEVATION_CLASSES
from auris.metrics.average_precision import average_precision, checked_scores, d_prime, resampled_average_precision, roc_area
from auris.metrics.bootstrap import BootstrapInterval, bootstrap_interval, recentred, resampled_means, resampling_counts
from auris.metrics.mirror_confusion import PLANES, MirrorConfusion, Plane, mirror_confusion

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Places = Sequence[ArrayLike]

ANGLE_THRESHOLD_DEG = 20.0
DISTANCE_TOLERANCE = 1  # classes
METRES_PER_CLASS = 0.5
DISTANCE_EDGES = (0.0, 1.25, 2.25, 3.25, 4.25, 6.25, 10.25)  # metres: between the classes of 1 and 1.5 m, and so on
T60_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, np.inf)  # seconds

_PLACE_CLASSES = {"distance": BAT_DISTANCE_CLASSES, "azimuth": BAT_AZIMUTH_CLASSES, "elevation": BAT_ELEVATION_CLASSES}
# Angles between whole degrees hit 20 exactly, and then rounding decides in the published code. Here 20 is no error.
_ROUNDING = 1e-9


def place_vectors(azimuth: ArrayLike, elevation: ArrayLike) -> Floats:
    """Return unit vectors ``(items, 3)``, x front, y left, z up, of azimuth and elevation classes."""
    turned = np.radians(np.asarray(azimuth, dtype=float) - 90.0)
    return unit_vector(turned, np.radians(np.asarray(elevation, dtype=float) - 90.0))


def angular_error_deg(heard_azimuth: ArrayLike, heard_elevation: ArrayLike, azimuth: ArrayLike, elevation: ArrayLike) -> Floats:
    """Return the angle in degrees between directions given as azimuth and elevation classes, arrays of equal shape.

    >>> angular_error_deg([90, 0], [90, 179], [91, 180], [90, 179]).round(6).tolist()
    [1.0, 2.0]
    """
    return np.asarray(
        np.degrees(angle_between(place_vectors(heard_azimuth, heard_elevation), place_vectors(azimuth, elevation)))
    )


@dataclass(frozen=True)
class ErrorBin:
    """Errors of the clips whose distance or reverberation time lies in one range.

    Attributes:
        low, high: of the range, which holds ``low`` and not ``high``; metres or seconds.
        clips: how many.
        mae, er20, der: scores of these clips; ``mae`` in degrees.
    """

    low: float
    high: float
    clips: int
    mae: BootstrapInterval
    er20: BootstrapInterval
    der: BootstrapInterval


@dataclass(frozen=True, eq=False)
class ClipEvaluation:
    """Clips that were scored.

    Attributes:
        labels: class names.
        scores: ``(clips, classes)``.
        events: ``(clips, classes)``, whether a clip holds the class.
        heard: ``(3, clips)``: distance, azimuth and elevation classes heard.
        true: ``(3, clips)``: those of the truth.
        t60: ``(clips,)`` seconds, NaN where it is not known.
        resamplings: of the bootstrap.
        seed: of the bootstrap.
    """

    labels: tuple[str, ...]
    scores: Floats
    events: Bools
    heard: Ints
    true: Ints
    t60: Floats
    resamplings: int = 1000
    seed: int = 0

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def angle_errors_deg(self) -> Floats:
        """Angle of each clip between where it was heard and where it was."""
        return angular_error_deg(self.heard[1], self.heard[2], self.true[1], self.true[2])

    @cached_property
    def direction_missed(self) -> Bools:
        """Whether the angle of each clip exceeds 20 degrees."""
        return np.asarray(self.angle_errors_deg > ANGLE_THRESHOLD_DEG + _ROUNDING)

    @cached_property
    def distance_missed(self) -> Bools:
        """Whether the distance class of each clip is off by more than one."""
        return np.asarray(np.abs(self.heard[0] - self.true[0]) > DISTANCE_TOLERANCE)

    @cached_property
    def distance_errors(self) -> Floats:
        """Metres between the centres of the distance classes."""
        return np.asarray(METRES_PER_CLASS * np.abs(self.heard[0] - self.true[0]))

    @cached_property
    def precisions(self) -> Floats:
        """Average precision of each class; 0 for one that no clip holds."""
        return average_precision(self.scores, self.events)

    @cached_property
    def mirrored(self) -> dict[Plane, MirrorConfusion]:
        """Answers that are mirror images of the truth, for each plane."""
        said, truth = place_vectors(*self.heard[1:]), place_vectors(*self.true[1:])
        return {plane: mirror_confusion(said, truth, plane, tolerance_deg=ANGLE_THRESHOLD_DEG) for plane in PLANES}

    @property
    def present(self) -> Bools:
        """Whether some clip holds each class."""
        return np.asarray(self.events.any(axis=0))

    def values(self) -> dict[str, float]:
        """Return every score by name, all but ``mae`` and ``distance_error`` as shares.

        ``map``, ``er20``, ``mae`` (degrees) and ``der`` as published; ``map_present`` is the mean over the classes that some
        clip holds; ``distance_error`` is in metres; ``front_back``, ``left_right`` and ``up_down`` are the shares confused.
        """
        present = self.present
        return {
            "map": float(self.precisions.mean()),
            "er20": float(self.direction_missed.mean()),
            "mae": float(self.angle_errors_deg.mean()),
            "der": float(self.distance_missed.mean()),
            "map_present": float(self.precisions[present].mean()) if present.any() else np.nan,
            "distance_error": float(self.distance_errors.mean()),
            **{plane: mirrored.confused for plane, mirrored in self.mirrored.items()},
        }

    def intervals(self, *, confidence: float = 0.95) -> dict[str, BootstrapInterval]:
        """Return a bootstrap interval over clips for each score of :meth:`values`.

        Raises:
            ParameterError: an impossible confidence.
        """
        counts = resampling_counts(len(self), resamplings=self.resamplings, seed=self.seed)
        resampled = {name: resampled_means(items, counts) for name, items in self._item_scores().items()}
        values = self.values()
        precisions = resampled_average_precision(self.scores[:, self.present], self.events[:, self.present], counts)
        if self.present.any():
            resampled["map_present"] = recentred(values["map_present"], precisions.mean(axis=1))
        resampled["map"] = recentred(values["map"], precisions.sum(axis=1) / len(self.labels))
        return {
            name: bootstrap_interval(value, resampled.get(name, np.nan), confidence=confidence)
            for name, value in values.items()
        }

    def _item_scores(self) -> dict[str, Floats]:
        """What the scores are means of; NaN where a clip does not count."""
        scores = {
            "er20": self.direction_missed.astype(float),
            "mae": self.angle_errors_deg,
            "der": self.distance_missed.astype(float),
            "distance_error": self.distance_errors,
        }
        for plane, mirrored in self.mirrored.items():
            scores[plane] = np.where(mirrored.counted, mirrored.items_confused, np.nan)
        return scores

    def by_distance(self, edges: Sequence[float] = DISTANCE_EDGES) -> tuple[ErrorBin, ...]:
        """Return errors against the true distance, in ranges of metres; those without clips are left out."""
        return self._binned(METRES_PER_CLASS * self.true[0], edges)

    def by_t60(self, edges: Sequence[float] = T60_EDGES) -> tuple[ErrorBin, ...]:
        """Return errors against the reverberation time, in ranges of seconds; clips without one are left out."""
        return self._binned(self.t60, edges)

    def _binned(self, values: NDArray[Any], edges: Sequence[float]) -> tuple[ErrorBin, ...]:
        items = self._item_scores()
        bins = []
        for low, high in pairwise(edges):
            inside = (values >= low) & (values < high)
            if not inside.any():
                continue
            counts = resampling_counts(int(inside.sum()), resamplings=self.resamplings, seed=self.seed)
            three = []
            for name in ("mae", "er20", "der"):
                some = items[name][inside]
                three.append(bootstrap_interval(float(some.mean()), resampled_means(some, counts)))
            bins.append(ErrorBin(low, high, int(inside.sum()), *three))
        return tuple(bins)

    def by_class(self) -> list[dict[str, Any]]:
        """Return for each class its name, clips, average precision, ROC area, d', and the errors of its clips.

        What is not defined is NaN, also the average precision of a class that no clip holds.
        """
        areas = roc_area(self.scores, self.events)
        primes = d_prime(areas)
        rows = []
        for index, label in enumerate(self.labels):
            clips = self.events[:, index]
            row = {"label": label, "clips": int(clips.sum()), "ap": float(self.precisions[index]) if clips.any() else np.nan}
            row |= {"roc_area": float(areas[index]), "d_prime": float(primes[index])}
            errors = {"mae": self.angle_errors_deg, "er20": self.direction_missed, "der": self.distance_missed}
            row |= {name: float(values[clips].mean()) if clips.any() else np.nan for name, values in errors.items()}
            rows.append(row)
        return rows


def evaluate_clips(
    scores: ArrayLike,
    events: ArrayLike,
    *,
    heard: Places,
    true: Places,
    labels: Sequence[str] | None = None,
    t60: ArrayLike | None = None,
    resamplings: int = 1000,
    seed: int = 0,
) -> ClipEvaluation:
    """Score clips.

    Args:
        scores: ``(clips, classes)``, any numbers that rank (logits or probabilities).
        events: ``(clips, classes)``, whether a clip holds the class: 0 or 1.
        heard: distance, azimuth and elevation classes that were heard, each ``(clips,)``.
        true: those of the truth.
        labels: class names; None numbers them.
        t60: reverberation times ``(clips,)`` in seconds, NaN where they are not known.
        resamplings: of the bootstrap intervals.
        seed: of the bootstrap intervals.

    Raises:
        ParameterError: there are no clips, lengths differ, a score is not finite, or a class number is out of range.
    """
    ranked, held = checked_scores(scores, events)
    clips, classes = ranked.shape
    if not clips or not classes:
        raise ParameterError(f"there is nothing to score: {clips} clips, {classes} classes")
    names = tuple(labels) if labels is not None else tuple(map(str, range(classes)))
    if len(names) != classes:
        raise ParameterError(f"{len(names)} class names were given, but the scores have {classes} classes")
    times = np.full(clips, np.nan) if t60 is None else np.asarray(t60, dtype=float)
    if times.shape != (clips,):
        raise ParameterError(f"t60 must have one value for each of {clips} clips, got shape {times.shape}")
    sides = _checked_places("heard", heard, clips), _checked_places("true", true, clips)
    return ClipEvaluation(names, ranked, held, *sides, times, resamplings, seed)


def _checked_places(side: str, places: Places, clips: int) -> Ints:
    """Class numbers as one array ``(3, clips)``."""
    if len(places) != len(_PLACE_CLASSES):
        raise ParameterError(f"{side} places are distance, azimuth and elevation classes, got {len(places)} arrays")
    checked = []
    for (name, classes), values in zip(_PLACE_CLASSES.items(), places, strict=True):
        array = np.asarray(values)
        if array.shape != (clips,):
            raise ParameterError(f"{side} {name} must have one class for each of {clips} clips, got shape {array.shape}")
        if not np.array_equal(array, np.rint(array)) or array.min() < 0 or array.max() >= classes:
            bad = array[(array != np.rint(array)) | (array < 0) | (array >= classes)][0]
            raise ParameterError(f"{side} {name} classes are whole numbers from 0 to {classes - 1}, got {bad}")
        checked.append(array.astype(np.int64))
    return np.stack(checked)
