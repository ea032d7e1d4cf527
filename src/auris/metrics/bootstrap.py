"""Bootstrap intervals: how sure a score is, from drawing the items anew with replacement.

The percentile interval of Efron (1979): the score is computed on many resamplings, each of as many items as there are, and the
middle 95 % of what comes out is the interval. Unlike the jackknife (:mod:`auris.metrics.jackknife`) it suits scores that jump,
such as shares of items beyond a threshold. A score of ranks is higher on resamplings than on the items themselves, because
repeated items rank side by side; :func:`recentred` takes that bias out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import ParameterError
from auris.seeding import generator


@dataclass(frozen=True)
class BootstrapInterval:
    """A score and between which values it lies.

    Attributes:
        value: score of the items as they are.
        low, high: ends of the interval; NaN where the score is not defined.
    """

    value: float
    low: float
    high: float


def resampling_counts(items: int, *, resamplings: int = 1000, seed: int = 0) -> NDArray[np.uint16]:
    """Return how often each item occurs in each resampling, ``(items, resamplings)``; every column adds up to ``items``.

    Raises:
        ParameterError: there are no items, or no resamplings are asked for.
    """
    if items < 1 or resamplings < 1:
        raise ParameterError(f"a bootstrap needs items and resamplings, got {items} and {resamplings}")
    rng = generator(seed, "bootstrap", items)
    counts = np.empty((items, resamplings), np.uint16)
    for column in range(resamplings):
        counts[:, column] = np.bincount(rng.integers(items, size=items), minlength=items)
    return counts


def bootstrap_interval(value: float, resampled: ArrayLike, *, confidence: float = 0.95) -> BootstrapInterval:
    """Return the percentile interval of a score.

    Args:
        value: score of all items.
        resampled: scores ``(resamplings,)``; those that are not defined (NaN) are left out.
        confidence: probability, between 0 and 1.

    Raises:
        ParameterError: an impossible confidence.

    >>> bootstrap_interval(0.5, [0.4, 0.5, 0.6], confidence=0.9)
    BootstrapInterval(value=0.5, low=0.41, high=0.59)
    """
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence must lie between 0 and 1, got {confidence!r}")
    scores = np.asarray(resampled, dtype=float)
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return BootstrapInterval(value, np.nan, np.nan)
    low, high = np.quantile(scores, [(1 - confidence) / 2, (1 + confidence) / 2])
    return BootstrapInterval(value, round(float(low), 12), round(float(high), 12))


def recentred(value: float, resampled: ArrayLike) -> NDArray[np.float64]:
    """Return resampled scores moved so that their mean is the score of the items themselves."""
    scores = np.asarray(resampled, dtype=float)
    return np.asarray(scores + (value - scores.mean()))


def resampled_means(values: ArrayLike, counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the mean of some of the items on each resampling.

    Args:
        values: ``(items,)``; NaN where an item has none, and does not count.
        counts: ``(items, resamplings)`` of :func:`resampling_counts`.

    Returns:
        ``(resamplings,)``; NaN where no item counts.
    """
    numbers = np.asarray(values, dtype=float)
    known = np.isfinite(numbers)
    weights = counts[known].astype(np.float64)
    total = weights.sum(axis=0)
    return np.asarray(np.divide(numbers[known] @ weights, total, out=np.full(len(total), np.nan), where=total > 0))
