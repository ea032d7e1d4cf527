"""What a sound passes through: vocal tracts whose formants move, and bodies that ring in modes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.data.procedural.noise import RATE, Signal

_WINDOW = 1024  # 21 ms: a formant hardly moves within it
_HOP = _WINDOW // 2


def formant_filter(signal: Signal, centres: NDArray[np.float64], bandwidths: ArrayLike) -> Signal:
    """Pass a source through a cascade of resonances that move in time (overlap-added short-time filtering).

    Args:
        signal: ``(n,)``.
        centres: resonance frequencies in hertz, ``(formants, knots)``, at equally spaced moments over the signal.
        bandwidths: hertz, one per formant.

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
    filtered = np.fft.irfft(np.fft.rfft(blocks, 2 * _WINDOW) * response[: len(blocks)], axis=1)
    pieces = filtered.reshape(len(blocks), 4, _HOP)
    out = np.zeros((len(blocks) + 3, _HOP))
    for part in range(4):
        out[part : part + len(blocks)] += pieces[:, part]
    return out.reshape(-1)[_HOP : _HOP + len(signal)]


def _cascade(tracks: NDArray[np.float64], bandwidths: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Transfer functions ``(frames, bins)`` of all-pole resonators in series, unit gain at low frequencies."""
    z = np.exp(-1j * np.pi * np.arange(_WINDOW + 1) / _WINDOW)
    response = np.ones((tracks.shape[1], _WINDOW + 1), complex)
    for centre, bandwidth in zip(tracks, bandwidths, strict=True):
        radius = np.exp(-np.pi * bandwidth / RATE)
        lean = (-2 * radius * np.cos(2 * np.pi * centre / RATE))[:, None]
        response *= (1 + lean + radius**2) / (1 + lean * z + radius**2 * z * z)
    return response


def resonator(centre: float, bandwidth: float) -> tuple[list[float], list[float]]:
    """Coefficients ``(b, a)`` of one two-pole resonance with about unit gain at its peak."""
    radius = float(np.exp(-np.pi * bandwidth / RATE))
    angle = 2 * np.pi * centre / RATE
    return [(1 - radius) * 2 * float(np.sin(angle)) + 1e-6], [1.0, -2 * radius * float(np.cos(angle)), radius**2]


def modal_strike(
    frequencies: ArrayLike, t60s: ArrayLike, amplitudes: ArrayLike, *, length: int, phases: Sequence[float] | None = None
) -> Signal:
    """A struck body: decaying sinusoids ``(length,)``, summed.

    Modes above 20 kHz are left out. Phase 0 begins at zero, so a strike has no click of its own.
    """
    t = np.arange(length) / RATE
    out = np.zeros(length)
    turns = phases if phases is not None else np.zeros(len(np.atleast_1d(np.asarray(frequencies))))
    for f, t60, a, p in zip(
        np.atleast_1d(np.asarray(frequencies, dtype=float)),
        np.atleast_1d(np.asarray(t60s, dtype=float)),
        np.atleast_1d(np.asarray(amplitudes, dtype=float)),
        turns,
        strict=True,
    ):
        if f < 20_000:
            # Beyond 80 dB of decay there is nothing left to compute.
            n = min(length, int(t60 * 4 / 3 * RATE) + 1)
            out[:n] += a * np.exp(-6.9078 * t[:n] / t60) * np.sin(2 * np.pi * f * t[:n] + p)
    return out
