"""The three ways SELD systems have been counted: per second (2021 to 2023), per frame (2024, 2025), and L3DAS22's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.geometry.directions import Floats
from auris.io.frame_labels import Indices
from auris.metrics.seld_matching import ClipRows, Groups, angle_deg, match_rows
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
    errors = _errors(reference, prediction, groups, rules)
    tally = _Tally(clips, classes)
    return (
        _count_frames(groups, errors, rules, tally)
        if rules.counting == "frames"
        else _count_segments(groups, errors, rules, tally)
    )


@dataclass(frozen=True, eq=False)
class _Errors:
    """The errors of every match: degrees, metres, share of the true distance; and whether the onscreen flag is right."""

    angle_deg: Floats
    distance: Floats
    relative: Floats
    onscreen: Floats


def _errors(reference: ClipRows, prediction: ClipRows, groups: Groups, rules: SeldRules) -> _Errors:
    true, said = reference.labels.rows(groups.match_reference), prediction.labels.rows(groups.match_prediction)
    distance: Floats = np.zeros(len(true))
    relative = distance
    if rules.distance == "scored":
        # Rounded because files hold centimetres, and an error of exactly 100 % must stay that.
        distance = np.asarray(np.round(np.abs(true.distance - said.distance), 9))
        relative = distance / (true.distance + rules.epsilon)
    unknown = (true.onscreen < 0) | (said.onscreen < 0)
    same = np.where(unknown, np.nan, true.onscreen == said.onscreen)
    return _Errors(angle_deg(true, said, rules.angle), distance, relative, same)


class _Tally:
    """Sums per clip and class, and per clip."""

    def __init__(self, clips: int, classes: int) -> None:
        self.clips, self.classes = clips, classes

    def per_class(self, clip: Indices, class_index: Indices, weights: Floats) -> Floats:
        cells = np.bincount(clip * self.classes + class_index, weights, minlength=self.clips * self.classes)
        return np.asarray(cells.reshape(self.clips, self.classes), dtype=float)

    def error_kinds(self, clip: Indices, unit: Indices, false: Floats, missed: Floats) -> dict[str, Floats]:
        """Substitutions, deletions and insertions: per unit of time, misses and false alarms of all classes cancel."""
        units = int(unit.max(initial=0)) + 1
        places, where = np.unique(clip * units + unit, return_inverse=True)
        said, lost = (np.bincount(where, weights, minlength=len(places)) for weights in (false, missed))
        parts = np.minimum(said, lost), np.maximum(lost - said, 0), np.maximum(said - lost, 0)
        sums = (np.bincount(places // units, part, minlength=self.clips).astype(float) for part in parts)
        return dict(zip(("substitutions", "deletions", "insertions"), sums, strict=True))


def _count_frames(groups: Groups, errors: _Errors, rules: SeldRules, tally: _Tally) -> SeldCounts:
    wrong = (errors.angle_deg > rules.angle_threshold_deg) | (errors.distance > rules.distance_threshold)
    wrong |= errors.relative > rules.relative_distance_threshold
    if rules.onscreen == "required":
        wrong |= errors.onscreen == 0
    size = len(groups.clip)
    matched = np.minimum(groups.references, groups.predictions).astype(float)
    mislocated = np.bincount(groups.match_group, wrong, minlength=size).astype(float)
    false = np.maximum(groups.predictions - groups.references, 0).astype(float)
    missed = np.maximum(groups.references - groups.predictions, 0).astype(float)

    def sums(weights: Floats) -> Floats:
        return tally.per_class(groups.clip, groups.class_index, weights)

    def match_sums(weights: Floats) -> Floats:
        return tally.per_class(groups.clip[groups.match_group], groups.class_index[groups.match_group], weights)

    return SeldCounts(
        right=sums(matched - mislocated),
        mislocated=sums(mislocated),
        missed=sums(missed),
        false_alarms=sums(false),
        references=sums(groups.references.astype(float)),
        matched=sums(matched),
        angle_sum_deg=match_sums(errors.angle_deg),
        distance_sum=match_sums(errors.distance),
        relative_distance_sum=match_sums(errors.relative),
        onscreen_right=match_sums(errors.onscreen),
        **tally.error_kinds(groups.clip, groups.frame, false + mislocated, missed),
    )


def _count_segments(groups: Groups, errors: _Errors, rules: SeldRules, tally: _Tally) -> SeldCounts:
    """Per second and class: how many at most at once, and the mean error of each reference slot that was ever matched."""
    blocks = int(groups.frame.max(initial=0)) // BLOCK + 1
    key = (groups.clip * blocks + groups.frame // BLOCK) * tally.classes + groups.class_index
    cells, cell = np.unique(key, return_inverse=True)
    references, predictions = np.zeros(len(cells)), np.zeros(len(cells))
    np.maximum.at(references, cell, groups.references)
    np.maximum.at(predictions, cell, groups.predictions)
    # A slot is a place among the references of a frame; its error is the mean over the frames of the second.
    slots = int(groups.match_slot.max(initial=0)) + 1
    places, place = np.unique(cell[groups.match_group] * slots + groups.match_slot, return_inverse=True)
    slot_cell = places // slots
    slot_error = np.bincount(place, errors.angle_deg, minlength=len(places)) / np.bincount(place, minlength=len(places))
    beyond = slot_error > rules.angle_threshold_deg
    matched, mislocated, angle = (
        np.bincount(slot_cell, weights, minlength=len(cells)).astype(float)
        for weights in (np.ones(len(places)), beyond, slot_error)
    )
    both = (references > 0) & (predictions > 0)
    met = matched > 0
    false = np.where(references == 0, predictions, np.where(met, np.maximum(predictions - references, 0), 0.0))
    missed = np.where(predictions == 0, references, np.where(met, np.maximum(references - predictions, 0), 0.0))
    # Both there but never in the same frame: the published code counts as many misses as there were predictions.
    missed = np.where(both & ~met, predictions, missed)
    place_of, label = np.divmod(cells, tally.classes)
    clip, block = np.divmod(place_of, blocks)

    def sums(weights: Floats) -> Floats:
        return tally.per_class(clip, label, weights)

    none = np.zeros((tally.clips, tally.classes))
    return SeldCounts(
        right=sums(matched - mislocated),
        mislocated=sums(mislocated),
        missed=sums(missed),
        false_alarms=sums(false),
        references=sums(references),
        matched=sums(matched),
        angle_sum_deg=sums(angle),
        distance_sum=none,
        relative_distance_sum=none,
        onscreen_right=none,
        **tally.error_kinds(clip, block, false + mislocated, missed),
    )


def _count_pairs(reference: ClipRows, prediction: ClipRows, rules: SeldRules, clips: int) -> SeldCounts:
    """L3DAS22: rows of a frame that lie within the radius of one of the same class on the other side, fewer side counts."""
    near = _near_rows(reference, prediction, rules.distance_threshold)
    sides = []
    for rows, close in ((reference, near[0]), (prediction, near[1])):
        frames = max(int(r.labels.frame.max(initial=0)) for r in (reference, prediction)) + 1
        key = rows.clip * frames + rows.labels.frame
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
    here, there = (r.labels.positions for r in (reference, prediction))
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
    frames, labels = (max(int(getattr(r.labels, n).max(initial=0)) for r in both) + 1 for n in ("frame", "class_index"))
    return np.asarray((rows.clip * frames + rows.labels.frame) * labels + rows.labels.class_index)
