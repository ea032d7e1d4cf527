"""Delays between two microphones in free air, and the direction that they tell: five classes from left to right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.channels import STEREO_SPACING
from auris.errors import ParameterError

SPEED_OF_SOUND = 343.0
"""Metres a second, as BEWO-1M and its evaluation have it."""


def itd_of_direction(direction: ArrayLike, *, spacing: float = STEREO_SPACING) -> NDArray[np.float64]:
    """Return the delay of a distant source in seconds, positive on the left.

    Args:
        direction: 1 left, 3 front, 5 right, and anything between.
        spacing: of the microphones, metres.

    Raises:
        ParameterError: a direction lies beyond 1 to 5, or the spacing is not above 0.

    >>> (itd_of_direction([1, 3, 5]) * 1e3).round(3).tolist()
    [0.496, 0.0, -0.496]
    """
    values = np.asarray(direction, dtype=np.float64)
    if not ((values >= 1) & (values <= 5)).all():
        raise ParameterError(f"a direction lies between 1 (left) and 5 (right), got {direction!r}")
    return np.asarray(_checked(spacing) / SPEED_OF_SOUND * np.sin(np.pi / 4 * (3 - values)))


def direction_of_itd(itd: ArrayLike, *, spacing: float = STEREO_SPACING) -> NDArray[np.float64]:
    """Return the direction that delays tell, 1 left to 5 right; longer delays than the spacing allows are those of the sides.

    Args:
        itd: seconds, positive on the left; NaN stays NaN.
        spacing: of the microphones, metres.

    Raises:
        ParameterError: the spacing is not above 0.

    >>> direction_of_itd([0.496e-3, 0.0, -0.35e-3]).round(1).tolist()
    [1.0, 3.0, 4.0]
    """
    sine = np.asarray(itd, dtype=np.float64) * SPEED_OF_SOUND / _checked(spacing)
    return np.asarray(3 - np.arcsin(np.clip(sine, -1, 1)) * 4 / np.pi)


def direction_class(itd: ArrayLike, *, spacing: float = STEREO_SPACING) -> NDArray[np.int64]:
    """Return the nearest of the five classes, 1 left to 5 right; 0 for NaN.

    >>> direction_class([0.45e-3, 0.2e-3, 0.0, np.nan]).tolist()
    [1, 2, 3, 0]
    """
    directions = np.floor(direction_of_itd(itd, spacing=spacing) + 0.5)
    return np.nan_to_num(directions, nan=0.0).astype(np.int64)


def _checked(spacing: float) -> float:
    if not 0 < spacing < 100:
        raise ParameterError(f"the spacing of two microphones is some centimetres to metres, got {spacing!r} m")
    return spacing
