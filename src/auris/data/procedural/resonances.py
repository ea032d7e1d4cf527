"""What a sound passes through: vocal tracts whose formants move, and bodies that ring in modes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, rfft
from scipy.signal import lfilter

from auris.data.procedural.noise import RATE, Signal

_WINDOW = 1024  # 21 ms: a formant hardly moves within it
_HOP = _WINDOW // 2


def formant_filter(signal: Signal, centres: NDArray[np.float64], bandwidths: ArrayLike, *, leak: float = 0.0) -> Signal:
    """Pass a source through a cascade of resonances that move in time (overlap-added short-time filtering).

    Args:
        signal: ``(n,)``.
        centres: resonance frequencies in hertz, ``(formants, knots)``, at equally spaced moments over the signal.
        bandwidths: hertz, one per formant.
        leak: share of the source that passes unfiltered; stands for the many formants above those given.

    Returns:
        ``(n,)``.
    """
    frames = int(np.ceil(len(signal) / _HOP)) + 1
    knots = np.linspace(0, 1, centres.shape[1])
    moments = np.linspace(0, 1, frames)
    tracks = np.stack([np.interp(moments, knots, row) for row in np.atleast_2d(centres)])
    response = _cascade(tracks, np.asarray(bandwidths, dtype=float))
    padded = np.zeros((frames + 1) * _HOP)
    padded[_HOP : _HOP + len(signal)] = signal
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    blocks = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP] * window
    # Twice the window: the resonances may ring for another window without wrapping around.
    filtered = irfft(rfft(blocks.astype(np.float32), 2 * _WINDOW) * response[: len(blocks)], axis=1)
    pieces = filtered.reshape(len(blocks), 4, _HOP)
    out = np.zeros((len(blocks) + 3, _HOP))
    for part in range(4):
        out[part : part + len(blocks)] += pieces[:, part]
    return out.reshape(-1)[_HOP : _HOP + len(signal)] + leak * signal


def _cascade(tracks: NDArray[np.float64], bandwidths: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Transfer functions ``(frames, bins)`` of all-pole resonators in series, unit gain at low frequencies."""
    z = np.exp(-1j * np.pi * np.arange(_WINDOW + 1) / _WINDOW).astype(np.complex64)
    gain = np.ones((tracks.shape[1], 1), np.float32)
    poles = np.ones((tracks.shape[1], _WINDOW + 1), np.complex64)
    for centre, bandwidth in zip(tracks, bandwidths, strict=True):
        radius = float(np.exp(-np.pi * bandwidth / RATE))
        lean = (-2 * radius * np.cos(2 * np.pi * centre / RATE)).astype(np.float32)[:, None]
        gain *= 1 + lean + radius**2
        poles *= lean * z + (1 + radius**2 * z * z).astype(np.complex64)
    return np.asarray(gain / poles)


def resonator(centre: float, bandwidth: float) -> tuple[list[float], list[float]]:
    """Coefficients ``(b, a)`` of one two-pole resonance with about unit gain at its peak."""
    radius = float(np.exp(-np.pi * bandwidth / RATE))
    angle = 2 * np.pi * centre / RATE
    return [(1 - radius) * 2 * float(np.sin(angle)) + 1e-6], [1.0, -2 * radius * float(np.cos(angle)), radius**2]


def modal_strike(frequencies: ArrayLike, t60s: ArrayLike, amplitudes: ArrayLike, *, length: int) -> Signal:
    """A struck body: decaying sinusoids ``(length,)``, summed.

    Modes above 20 kHz are left out. Each begins at phase 0, so a strike has no click of its own. A mode is the impulse
    response of a two-pole filter, which is several times quicker than sines and exponentials.
    """
    out = np.zeros(length)
    modes = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=float)) for v in (frequencies, t60s, amplitudes)))
    for frequency, t60, amplitude in zip(*modes, strict=True):
        if frequency < 20_000:
            # Beyond 80 dB of decay there is nothing left to compute.
            blow = np.zeros(min(length, int(t60 * 4 / 3 * RATE) + 2))
            blow[0] = amplitude
            radius, angle = 10 ** (-3 / (t60 * RATE)), 2 * np.pi * frequency / RATE
            ring = [0.0, radius * np.sin(angle)], [1.0, -2 * radius * np.cos(angle), radius * radius]
            out[: len(blow)] += lfilter(*ring, blow)
    return out
