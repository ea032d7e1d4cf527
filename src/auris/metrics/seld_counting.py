"""The three ways SELD systems have been counted: per second (2021 to 2023), per frame (2024, 2025), and L3DAS22's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.geometry.directions import Floats
from auris.io.frame_labels import Indices
from auris.metrics.seld_matching import Groups, group_equal, match_rows, run_starts
from auris.metrics.seld_rows import ClipRows
from auris.metrics.seld_rules import BLOCK, SeldRules
from auris.metrics.seld_scores import SeldCounts


def count(reference: ClipRows, prediction: ClipRows, rules: SeldRules, *, clips: int, classes: int) -> SeldCounts:
    """Count matches, misses and false alarms.

    Args:
        reference: what was there; rows of all clips.
        prediction: what was said to be there.
        rules: how to count.
        clips: number of clips.
        classes: number of classes.

    Returns:
        Counts ``(clips, classes)``; of L3DAS22 ``(clips, 1)``, because its rule counts over classes.
    """
    if rules.counting == "l3das22":
        return _count_pairs(reference, prediction, rules, clips)
    groups = match_rows(reference, prediction, rules.angle)
    if rules.counting == "segments":
        return _count_segments(groups, rules, clips=clips, classes=classes)
    tally = _Tally(groups.clip, groups.frame, groups.class_index, clips=clips, classes=classes)
    return _count_frames(groups, _errors(reference, prediction, groups, rules), rules, tally)


@dataclass(frozen=True, eq=False)
class _Errors:
    """Errors of every match beside the angle: metres, share of the true distance; and whether the onscreen flag is right."""

    distance: Floats
    relative: Floats
    onscreen: Floats


def _errors(reference: ClipRows, prediction: ClipRows, groups: Groups, rules: SeldRules) -> _Errors:
    true, said = groups.match_reference, groups.match_prediction
    distance: Floats = np.zeros(len(true))
    relative = distance
    if rules.distance == "scored":
        far = reference.distance[true]
        # Rounded because files hold centimetres, and an error of exactly 100 % must stay that.
        distance = np.asarray(np.round(np.abs(far - prediction.distance[said]), 9))
        relative = distance / (far + rules.epsilon)
    seen, shown = reference.onscreen[true], prediction.onscreen[said]
    return _Errors(distance, relative, np.where((seen < 0) | (shown < 0), np.nan, seen == shown))


class _Tally:
    """Sums per clip and class, and per clip, of things that have a clip, a unit of time and a class, sorted in this order."""

    def __init__(self, clip: Indices, unit: Indices, class_index: Indices, *, clips: int, classes: int) -> None:
        self.clip, self.unit, self.shape = clip, unit, (clips, classes)
        self.cell = clip * classes + class_index

    def sums(self, weights: NDArray[Any], of: Indices | slice = slice(None)) -> Floats:
        """Sum weights per clip and class; ``of`` says which thing each weight belongs to, left out: one for each."""
        cells = np.bincount(self.cell[of], weights, minlength=self.shape[0] * self.shape[1])
        return np.asarray(cells.reshape(self.shape), dtype=float)

    def error_kinds(self, false: Floats, missed: Floats) -> dict[str, Floats]:
        """Substitutions, deletions and insertions: per unit of time, misses and false alarms of all classes cancel."""
        starts = run_starts(self.clip * (int(self.unit.max(initial=0)) + 1) + self.unit)
        said, lost = (np.add.reduceat(values, starts) if len(starts) else values for values in (false, missed))
        parts = np.minimum(said, lost), np.maximum(lost - said, 0), np.maximum(said - lost, 0)
        sums = (np.bincount(self.clip[starts], part, minlength=self.shape[0]).astype(float) for part in parts)
        return dict(zip(("substitutions", "deletions", "insertions"), sums, strict=True))


def _count_frames(groups: Groups, errors: _Errors, rules: SeldRules, tally: _Tally) -> SeldCounts:
    wrong = (groups.match_angle_deg > rules.angle_threshold_deg) | (errors.distance > rules.distance_threshold)
    wrong |= errors.relative > rules.relative_distance_threshold
    if rules.onscreen == "required":
        wrong |= errors.onscreen == 0
    size = len(groups.clip)
    matched = np.minimum(groups.references, groups.predictions)
    mislocated = np.bincount(groups.match_group, wrong, minlength=size).astype(float)
    false = np.maximum(groups.predictions - groups.references, 0).astype(float)
    missed = np.maximum(groups.references - groups.predictions, 0).astype(float)
    of = groups.match_group
    return SeldCounts(
        right=tally.sums(matched - mislocated),
        mislocated=tally.sums(mislocated),
        missed=tally.sums(missed),
        false_alarms=tally.sums(false),
        references=tally.sums(groups.references),
        matched=tally.sums(matched),
        angle_sum_deg=tally.sums(groups.match_angle_deg, of),
        distance_sum=tally.sums(errors.distance, of),
        relative_distance_sum=tally.sums(errors.relative, of),
        onscreen_right=tally.sums(errors.onscreen, of),
        **tally.error_kinds(false + mislocated, missed),
    )


def _count_segments(groups: Groups, rules: SeldRules, *, clips: int, classes: int) -> SeldCounts:
    """Per second and class: how many at most at once, and the mean error of each reference slot that was ever matched."""
    blocks = int(groups.frame.max(initial=0)) // BLOCK + 1
    order, starts = group_equal((groups.clip * blocks + groups.frame // BLOCK) * classes + groups.class_index)
    cells, first = len(starts), order[starts]
    cell = np.empty(len(order), dtype=np.int64)
    cell[order] = np.repeat(np.arange(cells), np.diff(starts, append=len(order)))
    tally = _Tally(groups.clip[first], groups.frame[first] // BLOCK, groups.class_index[first], clips=clips, classes=classes)
    references, predictions = (
        (np.maximum.reduceat(counts[order], starts) if cells else counts).astype(float)
        for counts in (groups.references, groups.predictions)
    )
    # A slot is a place among the references of a frame; its error is the mean over the frames of the second.
    slots = int(groups.match_slot.max(initial=0)) + 1
    place = cell[groups.match_group] * slots + groups.match_slot
    times = np.bincount(place, minlength=cells * slots)
    there = np.nonzero(times)[0]
    slot_error = np.bincount(place, groups.match_angle_deg, minlength=cells * slots)[there] / times[there]
    matched, mislocated, angle = (
        np.bincount(there // slots, weights, minlength=cells).astype(float)
        for weights in (np.ones(len(there)), slot_error > rules.angle_threshold_deg, slot_error)
    )
    both = (references > 0) & (predictions > 0)
    met = matched > 0
    false = np.where(references == 0, predictions, np.where(met, np.maximum(predictions - references, 0), 0.0))
    missed = np.where(predictions == 0, references, np.where(met, np.maximum(references - predictions, 0), 0.0))
    # Both there but never in the same frame: the published code counts as many misses as there were predictions.
    missed = np.where(both & ~met, predictions, missed)
    none = np.zeros((clips, classes))
    return SeldCounts(
        right=tally.sums(matched - mislocated),
        mislocated=tally.sums(mislocated),
        missed=tally.sums(missed),
        false_alarms=tally.sums(false),
        references=tally.sums(references),
        matched=tally.sums(matched),
        angle_sum_deg=tally.sums(angle),
        distance_sum=none,
        relative_distance_sum=none,
        onscreen_right=none,
        **tally.error_kinds(false + mislocated, missed),
    )


def _count_pairs(reference: ClipRows, prediction: ClipRows, rules: SeldRules, clips: int) -> SeldCounts:
    """L3DAS22: rows of a frame that lie within the radius of one of the same class on the other side, fewer side counts."""
    near = _near_rows(reference, prediction, rules.distance_threshold)
    sides = []
    for rows, close in ((reference, near[0]), (prediction, near[1])):
        frames = max(int(r.frame.max(initial=0)) for r in (reference, prediction)) + 1
        key = rows.clip * frames + rows.frame
        size = clips * frames
        sides.append((np.bincount(key, minlength=size), np.bincount(key, close, minlength=size)))
    (true, true_near), (said, said_near) = sides
    right = np.minimum(true_near, said_near)

    def sums(per_frame: NDArray[Any]) -> Floats:
        return np.asarray(per_frame.reshape(clips, -1).sum(axis=1, keepdims=True), dtype=float)

    none, zero = np.zeros((clips, 1)), np.zeros(clips)
    return SeldCounts(
        right=sums(right),
        mislocated=none,
        missed=sums(true - right),
        false_alarms=sums(said - right),
        references=sums(true),
        matched=sums(right),
        angle_sum_deg=none,
        distance_sum=none,
        relative_distance_sum=none,
        onscreen_right=none,
        substitutions=zero,
        deletions=zero,
        insertions=zero,
    )


def _near_rows(reference: ClipRows, prediction: ClipRows, radius: float) -> tuple[Floats, Floats]:
    """Which rows have one of the other table, of the same clip, frame and class, nearer than ``radius``."""
    here, there = (r.positions for r in (reference, prediction))
    close = np.zeros(len(here)), np.zeros(len(there))
    key = [_row_key(r, reference, prediction) for r in (reference, prediction)]
    order = np.argsort(key[1], kind="stable")
    first, last = (np.searchsorted(key[1][order], key[0], side=side) for side in ("left", "right"))
    counts = last - first
    own = np.repeat(np.arange(len(here)), counts)
    other = order[np.repeat(first, counts) + np.arange(len(own)) - np.repeat(np.cumsum(counts) - counts, counts)]
    # Rounded because the radius is strict and files hold few digits: exactly 2 m is too far.
    near = np.round(np.linalg.norm(here[own] - there[other], axis=-1), 9) < radius
    close[0][own[near]] = 1
    close[1][other[near]] = 1
    return close


def _row_key(rows: ClipRows, *both: ClipRows) -> Indices:
    frames, labels = (max(int(getattr(r, n).max(initial=0)) for r in both) + 1 for n in ("frame", "class_index"))
    return np.asarray((rows.clip * frames + rows.frame) * labels + rows.class_index)
