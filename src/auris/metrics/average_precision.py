"""How well scores rank the items of a class: average precision, area under the ROC curve, d-prime.

Average precision is the step sum over distinct thresholds, ``sum_k (R_k - R_(k-1)) P_k``, without interpolation: items of equal
score come in together. That is what scikit-learn computes, and what AudioSet results are reported in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from auris.errors import ParameterError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_CHUNK = 4_000_000  # numbers of resampled items held at a time


def average_precision(scores: ArrayLike, truth: ArrayLike) -> Floats:
    """Return the average precision of each class.

    Args:
        scores: ``(items, classes)``, any numbers that rank (logits or probabilities).
        truth: ``(items, classes)``, whether an item holds the class.

    Returns:
        ``(classes,)``; 0 for a class that no item holds.

    Raises:
        ParameterError: the shapes differ, a score is not finite, or the truth is not 0 and 1.

    >>> average_precision([[0.9], [0.8], [0.1]], [[1], [0], [1]]).round(4).tolist()
    [0.8333]
    """
    ranked, held = checked_scores(scores, truth)
    return np.asarray(resampled_average_precision(ranked, held, np.ones((len(ranked), 1), np.uint8))[0])


def resampled_average_precision(scores: Floats, truth: Bools, counts: NDArray[np.integer]) -> Floats:
    """Return the average precision of each class on several resamplings of the items.

    Args:
        scores: ``(items, classes)``.
        truth: ``(items, classes)``.
        counts: ``(items, resamplings)``, how often each item occurs in each.

    Returns:
        ``(resamplings, classes)``; 0 where no item of the class occurs.
    """
    resamplings = counts.shape[1]
    result = np.zeros((resamplings, scores.shape[1]))
    step = max(1, _CHUNK // max(len(scores), 1))
    for begin in range(0, resamplings, step):
        part = counts[:, begin : begin + step].astype(np.float32)  # exact: counts stay far below 2^24
        for index in range(scores.shape[1]):
            result[begin : begin + step, index] = _precision_of_class(scores[:, index], truth[:, index], part)
    return result


def _precision_of_class(scores: Floats, truth: Bools, counts: NDArray[np.float32]) -> Floats:
    """Average precision of one class on each resampling: at every positive, the share of positives ranked as high or higher."""
    if not truth.any():
        return np.zeros(counts.shape[1])
    order = np.argsort(-scores)
    falling, held = scores[order], truth[order]
    ranks = np.flatnonzero(held)
    # Items of one score come in together: each positive is met at the end of its tie.
    ends = np.searchsorted(-falling, -falling[ranks], side="right")
    distinct, which = np.unique(ends, return_inverse=True)
    # What comes behind the last positive does not matter.
    segments = np.add.reduceat(counts[order[: distinct[-1]]], np.concatenate([[0], distinct[:-1]]), axis=0)
    retrieved = np.cumsum(segments, axis=0, dtype=np.float64)[which]
    weight = counts[order[ranks]].astype(np.float64)
    found = np.cumsum(weight, axis=0)[np.searchsorted(ranks, ends) - 1]
    total = weight.sum(axis=0)
    precision = np.divide(found, retrieved, out=np.zeros_like(found), where=retrieved > 0)
    return np.asarray(np.divide((weight * precision).sum(axis=0), total, out=np.zeros_like(total), where=total > 0))


def roc_area(scores: ArrayLike, truth: ArrayLike) -> Floats:
    """Return the area under the ROC curve of each class: how often a positive ranks above a negative, ties counting half.

    Args:
        scores: ``(items, classes)``.
        truth: ``(items, classes)``.

    Returns:
        ``(classes,)``; NaN where all items hold the class, or none does.

    Raises:
        ParameterError: as for :func:`average_precision`.

    >>> roc_area([[0.9], [0.8], [0.1]], [[1], [0], [1]]).tolist()
    [0.5]
    """
    ranked, held = checked_scores(scores, truth)
    areas = np.full(ranked.shape[1], np.nan)
    for index in range(ranked.shape[1]):
        yes, no = np.sort(ranked[held[:, index], index]), np.sort(ranked[~held[:, index], index])
        if len(yes) and len(no):
            below, upto = np.searchsorted(no, yes, side="left"), np.searchsorted(no, yes, side="right")
            areas[index] = (below.sum() + upto.sum()) / (2 * len(yes) * len(no))
    return areas


def d_prime(area: ArrayLike) -> Floats:
    """Return d' for areas under the ROC curve: how far apart two normal distributions of unit variance would be.

    ``sqrt(2) Phi^-1(area)``; infinite for a perfect ranking, NaN where the area is.
    """
    return np.asarray(np.sqrt(2.0) * ndtri(np.asarray(area, dtype=float)))


def checked_scores(scores: ArrayLike, truth: ArrayLike) -> tuple[Floats, Bools]:
    """Return scores as floats and truth as booleans.

    Raises:
        ParameterError: the shapes differ, a score is not finite, or the truth is not 0 and 1.
    """
    ranked, held = np.asarray(scores, dtype=float), np.asarray(truth)
    if ranked.ndim != 2 or ranked.shape != held.shape:
        raise ParameterError(f"scores and truth must both be (items, classes), got {ranked.shape} and {held.shape}")
    if not np.isfinite(ranked).all():
        item, index = np.argwhere(~np.isfinite(ranked))[0]
        raise ParameterError(f"scores must be finite numbers, got {ranked[item, index]} for item {item}, class {index}")
    if held.dtype != bool and not np.isin(held, (0, 1)).all():
        raise ParameterError("the truth of events must be 0 or 1; soft labels, as mixup makes them, cannot be scored")
    return ranked, held.astype(bool)
