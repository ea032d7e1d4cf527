"""Real spherical harmonics of many directions by recurrence, for the compiled loops (ACN order, SN3D normalisation).

:func:`auris.dsp.ambisonics.spherical_harmonics` gives the same numbers one by one; this one is for the inner loop.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import compiled

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


class HarmonicTables(NamedTuple):
    """Coefficients of the part of a harmonic that depends on the height ``z``, normalisation included.

    ``Q[m, m] = diagonal[m]`` and ``Q[n, m] = up[n, m] z Q[n - 1, m] - back[n, m] Q[n - 2, m]``.
    """

    diagonal: Floats
    up: Floats
    back: Floats


def harmonic_tables(order: int) -> HarmonicTables:
    """Return the coefficients up to ``order``."""
    size = order + 1
    norm = np.zeros((size, size))
    for n in range(size):
        for m in range(n + 1):
            norm[n, m] = math.sqrt((2.0 - (m == 0)) * math.factorial(n - m) / math.factorial(n + m))
    diagonal = np.array([norm[m, m] * math.prod(range(2 * m - 1, 0, -2)) for m in range(size)])
    up, back = np.zeros((size, size)), np.zeros((size, size))
    for m in range(size):
        for n in range(m + 1, size):
            up[n, m] = (2 * n - 1) / (n - m) * norm[n, m] / norm[n - 1, m]
            if n > m + 1:
                back[n, m] = (n + m - 1) / (n - m) * norm[n, m] / norm[n - 2, m]
    return HarmonicTables(diagonal, up, back)


@compiled
def fill_harmonics(count: int, vector: Floats, tables: HarmonicTables, harmonics: Singles) -> None:
    """Write the harmonics ``harmonics[channel, i]`` of ``count`` unit vectors ``vector[axis, i]``."""
    x, y, z = vector[0], vector[1], vector[2]
    cosine, sine = np.ones(count), np.zeros(count)  # real and imaginary part of (x + i y)**m
    two_below, below = np.empty(count), np.empty(count)
    size = tables.diagonal.shape[0]
    for m in range(size):
        for i in range(count):
            below[i] = tables.diagonal[m]
            two_below[i] = 0.0
        for n in range(m, size):
            if n > m:
                up, back = tables.up[n, m], tables.back[n, m]
                for i in range(count):
                    now = up * z[i] * below[i] - back * two_below[i]
                    two_below[i] = below[i]
                    below[i] = now
            centre = n * n + n
            for i in range(count):
                harmonics[centre + m, i] = below[i] * cosine[i]
            if m > 0:
                for i in range(count):
                    harmonics[centre - m, i] = below[i] * sine[i]
        for i in range(count):
            real = cosine[i] * x[i] - sine[i] * y[i]
            sine[i] = sine[i] * x[i] + cosine[i] * y[i]
            cosine[i] = real
