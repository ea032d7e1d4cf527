"""Which prediction answers which reference: one-to-one within a clip, a frame and a class, by the smallest total angle."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from auris.geometry.directions import Floats
from auris.geometry.frames import fold_to_front
from auris.io.frame_labels import Indices
from auris.metrics.seld_rows import ClipRows

AngleKind = Literal["polar", "cartesian", "folded_azimuth"]
_FLOOR = 1e-10  # in the squared length that the DCASE code divides by
_TRIED = 24  # assignments of a group; of more, scipy finds the best
_TIE_DEG = 1e-6  # totals that are nearer to each other than this are left to scipy, as the DCASE code does


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows that share a clip, a frame and a class; struct of arrays of length ``G``, plus the matches within the groups.

    Groups are sorted by clip, then frame, then class.

    Attributes:
        clip, frame, class_index: what the rows of a group share.
        references, predictions: how many rows of each kind.
        match_group: group of each match ``(M,)``.
        match_reference, match_prediction: row of each match's reference and prediction.
        match_slot: place of the reference among the references of its group, in the order of the file.
        match_angle_deg: angular error of each match, degrees.
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
    match_angle_deg: Floats


def match_rows(reference: ClipRows, prediction: ClipRows, kind: AngleKind) -> Groups:
    """Group the rows of two tables and match references to predictions within each group; angles by ``kind``."""
    clip, frame, label = (
        np.concatenate([getattr(rows, name) for rows in (reference, prediction)]) for name in ("clip", "frame", "class_index")
    )
    frames, labels = (int(values.max(initial=0)) + 1 for values in (frame, label))
    # One stable sort puts the references of each group before its predictions, both in the order of their files.
    order, starts = group_equal((clip * frames + frame) * labels + label)
    split = len(reference)
    first = order[starts]
    sizes = np.diff(starts, append=len(order))
    references = np.add.reduceat(order < split, starts, dtype=np.int64) if len(starts) else sizes
    predictions = sizes - references
    both = np.nonzero((references > 0) & (predictions > 0))[0]
    # All pairs of all groups at once: pair p of a group joins reference p // n and prediction p % n.
    pairs = references[both] * predictions[both]
    group, inside = np.repeat(both, pairs), _count_within(pairs)
    slot, other = np.divmod(inside, predictions[group])
    rows = order[starts[group] + slot], order[starts[group] + references[group] + other] - split
    here, there = (
        _direction_terms(side, kind).take(row, axis=1) for side, row in zip((reference, prediction), rows, strict=True)
    )
    angle = _angle_deg(here, there, kind)
    chosen = _assigned(angle, references[both], predictions[both])
    return Groups(
        clip[first],
        frame[first],
        label[first],
        references,
        predictions,
        group[chosen],
        rows[0][chosen],
        rows[1][chosen],
        slot[chosen],
        angle[chosen],
    )


def group_equal(keys: Indices) -> tuple[Indices, Indices]:
    """Return the stable order that puts equal keys together, and where in it each run of equal keys begins."""
    order = np.argsort(keys, kind="stable")
    return order, run_starts(keys[order])


def run_starts(keys: Indices) -> Indices:
    """Return where each run of equal keys begins; equal keys stand together."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([[0], np.nonzero(keys[1:] != keys[:-1])[0] + 1])


def _count_within(counts: Indices) -> Indices:
    """0, 1, … for each group of a run of groups with these sizes."""
    return np.asarray(np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts))


def _direction_terms(rows: ClipRows, kind: AngleKind) -> Floats:
    """What :func:`_angle_deg` needs of each row, ``(terms, N)``: computed once per row, not once per pair."""
    if kind == "folded_azimuth":
        # Rounded because files hold whole degrees, and an error of exactly 20 degrees must stay that.
        return np.asarray(np.round(np.degrees(fold_to_front(rows.azimuth)), 9)[None])
    if kind == "polar":
        return np.stack([rows.azimuth, np.sin(rows.elevation), np.cos(rows.elevation)])
    x, y, z = rows.vectors.T
    return np.stack([x, y, z, np.sqrt(x * x + y * y + z * z + _FLOOR)])


def _angle_deg(reference: Floats, prediction: Floats, kind: AngleKind) -> Floats:
    """Angular error pair by pair, degrees, by the formula that ``kind`` names (:class:`SeldRules`)."""
    if kind == "folded_azimuth":
        return np.asarray(np.abs(reference[0] - prediction[0]))
    if kind == "polar":
        turn, up, level = reference
        other_turn, other_up, other_level = prediction
        cosine = up * other_up + level * other_level * np.cos(np.abs(turn - other_turn))
    else:
        cosine = reference[0] * prediction[0] + reference[1] * prediction[1] + reference[2] * prediction[2]
        cosine = cosine / reference[3] / prediction[3]
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _assigned(angle: Floats, references: Indices, predictions: Indices) -> Indices:
    """Positions of the chosen pairs; ``angle`` has ``references * predictions`` entries group after group."""
    sizes = references * predictions
    begin = np.cumsum(sizes) - sizes
    picked = [begin[sizes == 1]]
    shape_of = references * (int(predictions.max(initial=0)) + 1) + predictions
    for shape in np.unique(shape_of[sizes > 1]):
        groups = np.nonzero(shape_of == shape)[0]
        rows, columns = int(references[groups[0]]), int(predictions[groups[0]])
        table = angle[begin[groups][:, None] + np.arange(rows * columns)]
        best = _best_assignments(table, rows, columns)
        picked.append((begin[groups][:, None] + best).ravel())
    return np.concatenate(picked)


def _best_assignments(table: Floats, rows: int, columns: int) -> Indices:
    """Positions ``(G, min(rows, columns))`` in each of ``G`` cost matrices ``(G, rows * columns)``."""
    if math.perm(max(rows, columns), min(rows, columns)) > _TRIED:
        return np.array([_scipy_assignment(costs, rows, columns) for costs in table])
    possible = _all_assignments(rows, columns)
    totals = table[:, possible].sum(axis=-1)
    chosen: Indices = possible[np.argmin(totals, axis=1)]
    lowest = np.partition(totals, 1, axis=1)[:, :2]
    for index in np.nonzero(lowest[:, 1] - lowest[:, 0] < _TIE_DEG)[0]:
        chosen[index] = _scipy_assignment(table[index], rows, columns)
    return chosen


def _scipy_assignment(costs: Floats, rows: int, columns: int) -> Indices:
    row, column = linear_sum_assignment(costs.reshape(rows, columns))
    return np.asarray(row * columns + column)


@cache
def _all_assignments(rows: int, columns: int) -> Indices:
    """Every one-to-one assignment of the fewer to the more, as positions ``(assignments, min(rows, columns))``."""
    if rows <= columns:
        choices = np.array(list(itertools.permutations(range(columns), rows)))
        return np.asarray(np.arange(rows) * columns + choices)
    choices = np.array(list(itertools.permutations(range(rows), columns)))
    return np.asarray(choices * columns + np.arange(columns))
