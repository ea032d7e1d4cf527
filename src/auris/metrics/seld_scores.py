"""From counts to SELD scores. Counts add up over clips, so a score of many clips is a score of summed counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.geometry.directions import Floats
from auris.metrics.seld_rules import Average, SeldRules, average_of


@dataclass(frozen=True, eq=False)
class SeldCounts:
    """What was counted, per class.

    Arrays have shape ``(..., classes)``, where the leading axis, if any, runs over clips; substitutions, deletions and
    insertions are counted over classes and have shape ``(...)``.

    Attributes:
        right: matches within every threshold (true positives).
        mislocated: matches beyond a threshold.
        missed: references without a match (false negatives).
        false_alarms: predictions without a match (false positives).
        references: references to be found.
        matched: all matches, right or mislocated.
        angle_sum_deg: summed angular error of all matches.
        distance_sum: summed distance error of all matches, metres.
        relative_distance_sum: summed distance error as a share of the true distance.
        onscreen_right: matches with the true onscreen flag.
        substitutions, deletions, insertions: of the error rate.
    """

    right: Floats
    mislocated: Floats
    missed: Floats
    false_alarms: Floats
    references: Floats
    matched: Floats
    angle_sum_deg: Floats
    distance_sum: Floats
    relative_distance_sum: Floats
    onscreen_right: Floats
    substitutions: Floats
    deletions: Floats
    insertions: Floats

    @classmethod
    def joined(cls, parts: Sequence[SeldCounts]) -> SeldCounts:
        """Return the counts of several groups of clips as one; there is at least one group."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def total(self) -> SeldCounts:
        """Return the sum over clips."""
        return SeldCounts(**{f.name: np.sum(getattr(self, f.name), axis=0) for f in fields(self)})

    def clips(self, chosen: Sequence[int] | NDArray[Any]) -> SeldCounts:
        """Return the counts of some clips, by mask or by index."""
        index = np.asarray(chosen)
        return SeldCounts(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def clip(self, index: int) -> SeldCounts:
        """Return the counts of one clip."""
        return SeldCounts(**{f.name: np.asarray(getattr(self, f.name)[index]) for f in fields(self)})

    def leave_one_out(self) -> list[SeldCounts]:
        """Return for each clip the sum over all others."""
        sums = {f.name: (whole := getattr(self, f.name)).sum(axis=0) - whole for f in fields(self)}
        # A float sum minus its only part may leave a speck behind, which must not look like an error.
        for name in ("angle_sum_deg", "distance_sum", "relative_distance_sum"):
            sums[name] = np.where(sums["matched"] > 0, np.maximum(sums[name], 0.0), 0.0)
        every = SeldCounts(**sums)
        return [every.clip(index) for index in range(len(self.substitutions))]

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers."""
        return {f.name: getattr(self, f.name).tolist() for f in fields(self)}


@dataclass(frozen=True, eq=False)
class ClassScores:
    """The scores of each class, arrays ``(classes,)``; NaN where a class has none. Meanings as in :class:`SeldScore`."""

    f: Floats
    localisation_error_deg: Floats
    localisation_recall: Floats
    distance_error: Floats
    relative_distance_error: Floats
    onscreen_accuracy: Floats
    seld: Floats


@dataclass(frozen=True, eq=False)
class SeldScore:
    """The scores of a set of clips. NaN stands for a score that the rules do not define or nothing was matched for.

    Attributes:
        rules: what they were taken by.
        average: over classes (macro) or over all events (micro).
        error_rate: substitutions, deletions and insertions per reference.
        f: location-dependent F-score.
        precision, recall: of L3DAS22.
        localisation_error_deg: mean angular error of matches of the right class.
        localisation_recall: share of references that were matched.
        distance_error: mean absolute distance error of matches, metres.
        relative_distance_error: the same as a share of the true distance.
        onscreen_accuracy: share of matches with the true onscreen flag.
        seld: the year's one number, 0 for perfect.
        per_class: the same class by class; None where the rules do not count classes apart.
        counts: what was counted, summed over clips.
    """

    rules: SeldRules
    average: Average
    counts: SeldCounts
    error_rate: float = np.nan
    f: float = np.nan
    precision: float = np.nan
    recall: float = np.nan
    localisation_error_deg: float = np.nan
    localisation_recall: float = np.nan
    distance_error: float = np.nan
    relative_distance_error: float = np.nan
    onscreen_accuracy: float = np.nan
    seld: float = np.nan
    per_class: ClassScores | None = None

    def values(self) -> dict[str, float]:
        """Return the scores that the rules report, by name."""
        return {name: float(getattr(self, name)) for name in self.rules.reports}

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary: the rules' name, the average, each reported score, then per class and counts."""
        classes = None
        if self.per_class is not None:
            known = {f.name for f in fields(ClassScores)}
            classes = {name: getattr(self.per_class, name).tolist() for name in self.rules.reports if name in known}
        head = {"rules": self.rules.name, "average": self.average}
        return {**head, **self.values(), "per_class": classes, "counts": self.counts.to_dict()}


def score_of(counts: SeldCounts, rules: SeldRules, average: Average | str | None = None) -> SeldScore:
    """Return the scores of counts (summed over clips).

    Args:
        counts: arrays of shape ``(classes,)``.
        rules: what they were counted by.
        average: ``"macro"`` (mean over the classes that the rules name), ``"macro_present"`` (over those the references have),
            ``"micro"`` (over all events), or None for the official one.

    Raises:
        ParameterError: the rules do not know the average.
    """
    chosen = average_of(rules, average)
    if rules.counting == "l3das22":
        return _l3das22_score(counts, rules, chosen)
    errors = counts.substitutions + counts.deletions + counts.insertions
    error_rate = float(errors / (counts.references.sum() + rules.epsilon))
    per_class = _class_scores(counts, rules, error_rate)
    if chosen == "micro":
        summed = SeldCounts(**{f.name: np.atleast_1d(np.sum(getattr(counts, f.name))) for f in fields(counts)})
        means = {name: value.item() for name, value in vars(_class_scores(summed, rules, error_rate)).items()}
    else:
        classes = _in_mean(counts, rules, chosen)
        means = {name: _mean(value[classes]) for name, value in vars(per_class).items()}
        if chosen == "macro" and not classes.any():
            # What PSELDNets reports when no class was ever matched.
            means |= {"f": -1.0, "localisation_recall": -1.0, "localisation_error_deg": 180.0, "seld": 1.0}
    return SeldScore(rules, chosen, counts, error_rate=error_rate, per_class=per_class, **means)


def _in_mean(counts: SeldCounts, rules: SeldRules, average: Average) -> NDArray[np.bool_]:
    if average == "macro_present":
        return np.asarray(counts.references > 0)
    return np.asarray(counts.matched > 0) if rules.macro_classes == "matched" else np.ones(counts.matched.shape, dtype=bool)


def _class_scores(counts: SeldCounts, rules: SeldRules, error_rate: float) -> ClassScores:
    eps = rules.epsilon
    cost = 0.5 * (counts.false_alarms + counts.missed) + rules.mislocated_weight * counts.mislocated
    f = counts.right / (counts.right + cost + eps)
    recall = counts.matched / (counts.matched + counts.missed + eps)
    per_match = counts.matched + eps
    none = np.where(counts.matched > 0, 0.0, np.nan)
    angle = np.where(counts.matched > 0, counts.angle_sum_deg / per_match, rules.unmatched_angle_deg)
    missing = np.full(f.shape, np.nan)
    scored = rules.distance == "scored"
    distance, relative, onscreen = (
        (total / per_match + none) if scored else missing
        for total in (counts.distance_sum, counts.relative_distance_sum, counts.onscreen_right)
    )
    if scored:
        seld = _row_means([1 - f, angle / 180, relative])
    else:
        seld = _row_means([np.full(f.shape, error_rate), 1 - f, angle / 180, 1 - recall])
    return ClassScores(f, angle, recall, distance, relative, onscreen, seld)


def _l3das22_score(counts: SeldCounts, rules: SeldRules, average: Average) -> SeldScore:
    right, eps = float(counts.right.sum()), rules.epsilon
    precision = right / (right + float(counts.false_alarms.sum()) + eps)
    recall = right / (right + float(counts.missed.sum()) + eps)
    f = 2 * precision * recall / (precision + recall + eps)
    return SeldScore(rules, average, counts, f=f, precision=precision, recall=recall)


def _mean(values: Floats) -> float:
    """Mean of the numbers, NaN for none."""
    finite = values[~np.isnan(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _row_means(terms: list[Floats]) -> Floats:
    """Mean over terms, leaving out NaN."""
    table = np.stack(np.broadcast_arrays(*terms))
    known = ~np.isnan(table)
    return np.asarray(np.where(known, table, 0.0).sum(axis=0) / known.sum(axis=0))
