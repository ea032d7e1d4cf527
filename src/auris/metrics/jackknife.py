"""Jackknife intervals: how sure a score is, from leaving out one recording at a time.

With the score ``s`` of all ``n`` recordings and the scores ``s_i`` without recording ``i``: bias ``(n - 1)(mean(s_i) - s)``,
standard error ``sqrt((n - 1) mean((s_i - mean(s_i))^2))``, and the interval is the bias-corrected score plus or minus Student's
t times the error (Efron and Stein 1981; used by DCASE since 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from auris.errors import ParameterError


@dataclass(frozen=True)
class JackknifeInterval:
    """A score and how sure it is.

    Attributes:
        value: score of all recordings.
        estimate: the same without the bias.
        bias: estimated bias of ``value``.
        standard_error: of the estimate.
        low, high: ends of the interval around the estimate.
    """

    value: float
    estimate: float
    bias: float
    standard_error: float
    low: float
    high: float


def jackknife(value: float, left_out: ArrayLike, *, confidence: float = 0.95) -> JackknifeInterval:
    """Return the interval of a score.

    Args:
        value: score of all recordings.
        left_out: scores ``(n,)`` without each recording in turn.
        confidence: probability, between 0 and 1.

    Raises:
        ParameterError: fewer than two recordings, or an impossible confidence.

    >>> jackknife(2.0, [2.5, 2.0, 1.5]).estimate
    2.0
    """
    scores = np.asarray(left_out, dtype=float)
    if scores.ndim != 1 or len(scores) < 2:
        raise ParameterError(f"a jackknife interval needs at least 2 recordings, got {scores.shape}")
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence must lie between 0 and 1, got {confidence!r}")
    others = len(scores) - 1
    mean = float(np.mean(scores))
    bias = others * (mean - value)
    error = float(np.sqrt(others * np.mean((scores - mean) ** 2)))
    reach = float(stats.t.ppf(0.5 + confidence / 2, others)) * error
    estimate = value - bias
    return JackknifeInterval(value, estimate, bias, error, estimate - reach, estimate + reach)
