"""Fractional delays by eight taps of a Kaiser-Bessel kernel whose spectrum is divided out afterwards.

Every arrival is spread over eight samples; the filterbank then divides by the kernel's transform (a type-1 non-uniform
FFT). Eight taps reach what a windowed sinc needs about eighty for: -100 dB at half, -74 dB at 0.8 of the band.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import LANES, compiled
from auris.dsp.delay_line import TAPS, band_limit, kernel_response, tap_polynomials

assert TAPS == LANES  # an arrival is one vector instruction wide

LEAD = TAPS // 2 - 1  # samples by which the first tap precedes the arrival

Floats = NDArray[np.float64]


def compensation(length: int) -> Floats:
    """Return the gain ``(length // 2 + 1,)`` that undoes the kernel in a spectrum, tapered to zero at its end."""
    frequency = np.fft.rfftfreq(length)
    return np.asarray(band_limit(frequency) / kernel_response(frequency))


class TapPolynomials(NamedTuple):
    """The first four taps as polynomials of ``u = 2 fraction - 1``: coefficients ``(4, 5)`` of even and odd powers.

    Tap ``7 - j`` is tap ``j`` mirrored, so its even half is the same and its odd half has the other sign.
    """

    even: NDArray[np.float32]
    odd: NDArray[np.float32]


@lru_cache(maxsize=1)
def half_polynomials() -> TapPolynomials:
    """Return the polynomials of the first half of the kernel's taps, by even and odd powers."""
    first = tap_polynomials()[: TAPS // 2]
    return TapPolynomials(np.ascontiguousarray(first[:, 0::2]), np.ascontiguousarray(first[:, 1::2]))


@compiled
def fill_taps(count: int, phase: NDArray[np.float32], polynomials: TapPolynomials, taps: NDArray[np.float32]) -> None:
    """Write the eight taps ``taps[:count]`` of arrivals whose fractions are ``(phase + 1) / 2``."""
    even, odd = polynomials.even, polynomials.odd
    for j in range(TAPS // 2):
        e0, e1, e2, e3, e4 = even[j, 0], even[j, 1], even[j, 2], even[j, 3], even[j, 4]
        o0, o1, o2, o3, o4 = odd[j, 0], odd[j, 1], odd[j, 2], odd[j, 3], odd[j, 4]
        for i in range(count):
            u = phase[i]
            v = u * u
            symmetric = (((e4 * v + e3) * v + e2) * v + e1) * v + e0
            skew = u * ((((o4 * v + o3) * v + o2) * v + o1) * v + o0)
            taps[i, j] = symmetric + skew
            taps[i, TAPS - 1 - j] = symmetric - skew
