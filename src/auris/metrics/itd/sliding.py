"""Whitened cross spectra of windows one sample apart, each made from the one before it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft


def sliding_phase_spectra(segment: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Return ``L conj(R) / |L conj(R)|`` of every window of a stereo segment.

    A window's spectrum, of twice its length, is the former one less the sample that leaves, plus the one that enters, turned
    by a sample: a few products a frequency, where a transform costs many times that.

    Args:
        segment: ``(2, samples)``, at least a window long.
        window: samples; the windows are not tapered.

    Returns:
        Real and imaginary parts ``(2, samples - window + 1, window + 1)``; 0 where a channel of a window holds only zeros.
    """
    sounds = segment.astype(np.float64)
    start = fft.rfft(sounds[:, :window], 2 * window)
    windows = segment.shape[1] - window + 1
    turn = np.exp(2j * np.pi * np.arange(window + 1) / (2 * window))
    loud = np.cumsum(np.pad(segment != 0, [(0, 0), (1, 0)]), axis=1)
    sounding = np.asarray((loud[:, window:] > loud[:, :windows]).all(axis=0))
    phases = np.empty((2, windows, window + 1), np.float32)
    _slide(sounds, np.stack([start.real, start.imag]), np.stack([turn.real, turn.imag]), sounding, phases)
    return phases


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _slide(
    sounds: NDArray[np.float64],
    spectra: NDArray[np.float64],
    turn: NDArray[np.float64],
    sounding: NDArray[np.bool_],
    phases: NDArray[np.float32],
) -> None:
    window = turn.shape[1] - 1
    re, im = spectra[0], spectra[1]
    cos, sin = turn[0], turn[1]
    for row in range(phases.shape[1]):
        if row:
            for channel in range(2):
                out, new = sounds[channel, row - 1], sounds[channel, row + window - 1]
                for parity in range(2):
                    # The sample that enters stands half way round the circle: + at even frequencies, - at odd ones.
                    change = -out + new if parity == 0 else -out - new
                    for k in range(parity, window + 1, 2):
                        a, b = re[channel, k] + change, im[channel, k]
                        re[channel, k] = a * cos[k] - b * sin[k]
                        im[channel, k] = a * sin[k] + b * cos[k]
        for k in range(window + 1):
            a = re[0, k] * re[1, k] + im[0, k] * im[1, k]
            b = im[0, k] * re[1, k] - re[0, k] * im[1, k]
            scale = 1 / (np.sqrt(a * a + b * b) + 1e-20) if sounding[row] else 0.0
            phases[0, row, k] = a * scale
            phases[1, row, k] = b * scale
