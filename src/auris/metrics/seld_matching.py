"""Which prediction answers which reference: one-to-one within a clip, a frame and a class, by the smallest total angle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from auris.geometry.directions import Floats
from auris.geometry.frames import fold_to_front
from auris.io.frame_labels import FrameLabels, Indices

AngleKind = Literal["polar", "cartesian", "folded_azimuth"]
_FLOOR = 1e-10  # in the squared length that the DCASE code divides by


@dataclass(frozen=True, eq=False)
class ClipRows:
    """Rows of many clips: labels, and the number of the clip of each row."""

    labels: FrameLabels
    clip: Indices


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows that share a clip, a frame and a class; struct of arrays of length ``G``, plus the matches within the groups.

    Attributes:
        clip, frame, class_index: what the rows of a group share.
        references, predictions: how many rows of each kind.
        match_group: group of each match ``(M,)``.
        match_reference, match_prediction: row of each match's reference and prediction.
        match_slot: place of the reference among the references of its group, in the order of the file.
    """

    clip: Indices
    frame: Indices
    class_index: Indices
    references: Indices
    predictions: Indices
    match_group: Indices
    match_reference: Indices
    match_prediction: Indices
    match_slot: Indices


def angle_deg(reference: FrameLabels, prediction: FrameLabels, kind: AngleKind) -> Floats:
    """Return the angular error row by row, degrees, by the formula that ``kind`` names (:class:`SeldRules`)."""
    if kind == "folded_azimuth":
        # Rounded because files hold whole degrees, and an error of exactly 20 degrees must stay that.
        folded = [np.round(np.degrees(fold_to_front(rows.azimuth)), 9) for rows in (reference, prediction)]
        return np.asarray(np.abs(folded[0] - folded[1]))
    cosine: Floats
    if kind == "cartesian":
        a, b = reference.vectors, prediction.vectors
        cosine = np.sum(a * b, axis=-1) / (np.sum(a * a, axis=-1) + _FLOOR) ** 0.5 / (np.sum(b * b, axis=-1) + _FLOOR) ** 0.5
    else:
        up, other = np.nan_to_num(reference.elevation), np.nan_to_num(prediction.elevation)
        cosine = np.sin(up) * np.sin(other)
        cosine += np.cos(up) * np.cos(other) * np.cos(np.abs(reference.azimuth - prediction.azimuth))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def match_rows(reference: ClipRows, prediction: ClipRows, kind: AngleKind) -> Groups:
    """Group the rows of two tables and match references to predictions within each group."""
    keys, unique = _keys(reference, prediction)
    order, starts, counts = zip(*(_sorted_groups(key, len(unique.clip)) for key in keys), strict=True)
    both = np.nonzero((counts[0] > 0) & (counts[1] > 0))[0]
    # All pairs of all groups at once: pair p of a group joins reference p // n and prediction p % n.
    pair_counts = counts[0][both] * counts[1][both]
    group = np.repeat(both, pair_counts)
    inside = np.arange(len(group)) - np.repeat(np.cumsum(pair_counts) - pair_counts, pair_counts)
    slot, other = np.divmod(inside, counts[1][group])
    rows = order[0][starts[0][group] + slot], order[1][starts[1][group] + other]
    angle = angle_deg(reference.labels.rows(rows[0]), prediction.labels.rows(rows[1]), kind)
    chosen = _assigned(angle, both, counts[0], counts[1], pair_counts)
    return Groups(
        unique.clip,
        unique.frame,
        unique.class_index,
        counts[0],
        counts[1],
        group[chosen],
        rows[0][chosen],
        rows[1][chosen],
        slot[chosen],
    )


def _assigned(angle: Floats, both: Indices, references: Indices, predictions: Indices, pair_counts: Indices) -> NDArray[Any]:
    """Positions of the chosen pairs; only groups with several rows need an assignment."""
    single = np.repeat(pair_counts == 1, pair_counts)
    ends = np.cumsum(pair_counts)
    picked = [np.nonzero(single)[0]]
    for index in np.nonzero(pair_counts > 1)[0]:
        shape = references[both[index]], predictions[both[index]]
        first = ends[index] - pair_counts[index]
        rows, columns = linear_sum_assignment(angle[first : ends[index]].reshape(shape))
        picked.append(first + rows * shape[1] + columns)
    return np.concatenate(picked)


@dataclass(frozen=True, eq=False)
class _Unique:
    clip: Indices
    frame: Indices
    class_index: Indices


def _keys(reference: ClipRows, prediction: ClipRows) -> tuple[tuple[Indices, Indices], _Unique]:
    """Number the groups (sorted by clip, frame, class); return each row's group number."""
    clip = np.concatenate([reference.clip, prediction.clip])
    frame = np.concatenate([reference.labels.frame, prediction.labels.frame])
    label = np.concatenate([reference.labels.class_index, prediction.labels.class_index])
    frames, labels = (int(values.max(initial=0)) + 1 for values in (frame, label))
    unique, inverse = np.unique((clip * frames + frame) * labels + label, return_inverse=True)
    rest, of_label = np.divmod(unique, labels)
    of_clip, of_frame = np.divmod(rest, frames)
    split = len(reference.clip)
    return (inverse[:split], inverse[split:]), _Unique(of_clip, of_frame, of_label)


def _sorted_groups(key: Indices, groups: int) -> tuple[Indices, Indices, Indices]:
    """Rows ordered by group (file order within), where each group starts, and how many rows it has."""
    counts = np.bincount(key, minlength=groups)
    return np.argsort(key, kind="stable"), np.cumsum(counts) - counts, counts
