"""Octave bands from 125 Hz up, and how they share a spectrum.

The lowest band is a shelf down to 0 Hz, the highest a shelf up to half the sample rate. Between two centres the bands
cross over as a raised cosine in log-frequency.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import ParameterError

Floats = NDArray[np.float64]

LOWEST_CENTRE = 125.0
MAX_BANDS = 8  # up to 16 kHz; above, air leaves no reverberation worth a band


def octave_centres(sample_rate: float) -> Floats:
    """Return the octave centres 125, 250, … hertz that lie at or below half of ``sample_rate``, at most eight.

    Raises:
        ParameterError: the sample rate lies outside 8 to 96 kHz.

    >>> octave_centres(16000).tolist()
    [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]
    """
    if not 8_000 <= sample_rate <= 96_000:
        raise ParameterError(f"room acoustics are made for sample rates of 8000 to 96000 Hz, got {sample_rate!r}")
    centres = LOWEST_CENTRE * 2.0 ** np.arange(MAX_BANDS)
    return np.asarray(centres[centres <= sample_rate / 2])


def amplitude_partition(frequencies: ArrayLike, centres: ArrayLike) -> Floats:
    """Return band weights ``(B, F)`` that add to 1 at every frequency in hertz: bands of one signal, put together again."""
    f, bands = np.asarray(frequencies, dtype=float), np.asarray(centres, dtype=float)
    octave = np.clip(np.log2(np.maximum(f, 1e-3) / bands[0]), 0, len(bands) - 1)
    distance = np.minimum(np.abs(octave - np.arange(len(bands))[:, None]), 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * distance))


def power_partition(frequencies: ArrayLike, centres: ArrayLike) -> Floats:
    """Return band weights ``(B, F)`` whose squares add to 1: bands of independent noises."""
    return np.sqrt(amplitude_partition(frequencies, centres))


def per_band(values: float | Sequence[float], count: int) -> Floats:
    """Return one value per band: a single number for all, a list from 125 Hz up with its last value held.

    >>> per_band([1.0, 0.5], 4).tolist()
    [1.0, 0.5, 0.5, 0.5]
    """
    given = np.atleast_1d(np.asarray(values, dtype=float))[:count]
    return np.concatenate([given, np.full(count - len(given), given[-1])])
