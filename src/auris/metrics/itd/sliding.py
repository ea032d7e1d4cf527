"""Whitened cross spectra of windows one sample apart, each made from the one before it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft


def sliding_phase_spectra(
    segment: NDArray[np.float32], window: int, *, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return ``L conj(R) / |L conj(R)|`` of every window of a stereo segment.

    A window's spectrum, of twice its length, is the former one less the sample that leaves, plus the one that enters, turned
    by a sample: a few products a frequency, where a transform costs many times that.

    Args:
        segment: ``(2, samples)``, at least a window long.
        window: samples; the windows are not tapered.
        out: where to write; new memory of this size costs as much as what is written.

    Returns:
        Real and imaginary parts ``(2, samples - window + 1, window + 1)``, at the frequencies of :func:`frequency_order`; 0
        where a channel of a window holds only zeros.
    """
    sounds = segment.astype(np.float64)
    order = frequency_order(window)
    start = fft.rfft(sounds[:, :window], 2 * window)[:, order]
    windows = segment.shape[1] - window + 1
    turn = np.exp(2j * np.pi * order / (2 * window))
    loud = np.cumsum(np.pad(segment != 0, [(0, 0), (1, 0)]), axis=1)
    sounding = np.asarray((loud[:, window:] > loud[:, :windows]).all(axis=0))
    phases = np.empty((2, windows, window + 1), np.float32) if out is None else out
    _slide(sounds, np.stack([start.real, start.imag]), np.stack([turn.real, turn.imag]), sounding, phases)
    return phases


def frequency_order(window: int) -> NDArray[np.int64]:
    """Return the frequencies ``(window + 1,)`` of a transform of two windows: the even ones, then the odd ones.

    What a new sample changes has one sign at even frequencies and the other at odd ones; side by side they need no test.
    """
    return np.concatenate([np.arange(0, window + 1, 2), np.arange(1, window + 1, 2)])


_BLOCK = 384  # frequencies at a time, so that all that is read again stays in the processor's first cache
_compiled = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")


@_compiled
def _slide(
    sounds: NDArray[np.float64],
    spectra: NDArray[np.float64],
    turn: NDArray[np.float64],
    sounding: NDArray[np.bool_],
    phases: NDArray[np.float32],
) -> None:
    window = turn.shape[1] - 1
    even = window // 2 + 1
    for half in range(2):
        first, last = (0, even) if half == 0 else (even, window + 1)
        # The sample that enters stands half way round the circle: + at even frequencies, - at odd ones.
        sign = 1.0 if half == 0 else -1.0
        for begin in range(first, last, _BLOCK):
            end = min(begin + _BLOCK, last)
            cos, sin = turn[0][begin:end], turn[1][begin:end]
            a, b = spectra[0, 0][begin:end], spectra[1, 0][begin:end]  # left, real and imaginary
            c, d = spectra[0, 1][begin:end], spectra[1, 1][begin:end]  # right
            for row in range(phases.shape[1]):
                if row:
                    _advance(a, b, cos, sin, sign * sounds[0, row + window - 1] - sounds[0, row - 1])
                    _advance(c, d, cos, sin, sign * sounds[1, row + window - 1] - sounds[1, row - 1])
                if sounding[row]:
                    _whiten(a, b, c, d, phases[0, row][begin:end], phases[1, row][begin:end])
                else:
                    phases[:, row, begin:end] = 0


# Rows are handed over one by one: only of these the compiler knows that their numbers are neighbours.
@_compiled
def _advance(
    re: NDArray[np.float64], im: NDArray[np.float64], cos: NDArray[np.float64], sin: NDArray[np.float64], change: float
) -> None:
    for k in range(len(re)):
        a, b = re[k] + change, im[k]
        re[k] = a * cos[k] - b * sin[k]
        im[k] = a * sin[k] + b * cos[k]


@_compiled
def _whiten(  # noqa: PLR0917 - a compiled loop over six rows
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    d: NDArray[np.float64],
    real: NDArray[np.float32],
    imaginary: NDArray[np.float32],
) -> None:
    for k in range(len(real)):
        x = a[k] * c[k] + b[k] * d[k]
        y = b[k] * c[k] - a[k] * d[k]
        scale = 1 / (np.sqrt(x * x + y * y) + 1e-20)
        real[k] = x * scale
        imaginary[k] = y * scale
