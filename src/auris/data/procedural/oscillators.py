"""Periodic sources without aliasing: glottal pulses, saw and pulse trains with band-limited steps, sums of harmonics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.data.procedural.noise import RATE, Signal, slow_curve


def cycles(frequency: Signal) -> Signal:
    """Phase in cycles of an instantaneous frequency ``(n,)`` in hertz."""
    return np.cumsum(frequency) / RATE


def band_limited_step(position: Signal, increment: Signal) -> Signal:
    """Residual of a two-sample polynomial band-limited unit step at the wrap of ``position`` (0..1, in cycles)."""
    residual = np.zeros_like(position)
    after, before = position < increment, position > 1 - increment
    t = position[after] / increment[after]
    residual[after] = 2 * t - t * t - 1
    t = (position[before] - 1) / increment[before]
    residual[before] = t * t + 2 * t + 1
    return residual


def saw(frequency: Signal, *, start: float = 0.0) -> Signal:
    """Rising saw wave of instantaneous ``frequency`` ``(n,)``, amplitude 1."""
    phase = (cycles(frequency) + start) % 1.0
    return 2 * phase - 1 - band_limited_step(phase, np.maximum(frequency / RATE, 1e-6))


def glottal_source(frequency: Signal, *, open_quotient: float = 0.6) -> Signal:
    """Derivative of the glottal flow (Klatt and Klatt 1990, the KLGLOTT88 pulse), ``(n,)``.

    The flow is ``t^2 (1 - t)`` while the folds are open; its derivative jumps when they close, and the jump is
    band-limited. The spectrum falls by about 6 dB per octave, so that with the radiation of the lips included a vowel
    has its natural tilt.
    """
    phase = cycles(frequency) % 1.0
    t = np.minimum(phase / open_quotient, 1.0)
    flow = np.where(phase < open_quotient, 2 * t - 3 * t * t, 0.0)
    closing = (phase - open_quotient) % 1.0
    # The derivative is -1 at closure and 0 after it: an upward step of 1, i.e. half of band_limited_step's 2.
    return flow + 0.5 * band_limited_step(closing, np.maximum(frequency / RATE, 1e-6))


def harmonics(frequency: Signal, amplitudes: ArrayLike) -> Signal:
    """Sum of harmonics ``1, 2, ...`` of an instantaneous ``frequency`` ``(n,)``; those above 20 kHz are silent.

    Built by the recursion ``sin((k+1)x) = 2 cos(x) sin(kx) - sin((k-1)x)``: one sine and one cosine in all.
    """
    phase = 2 * np.pi * cycles(frequency)
    previous, current, twice = np.zeros_like(phase), np.sin(phase), 2 * np.cos(phase)
    highest = float(frequency.max(initial=1.0))
    out = np.zeros_like(phase)
    for k, amplitude in enumerate(np.asarray(amplitudes, dtype=float), start=1):
        if k * highest >= 20_000:
            break
        out += amplitude * current
        previous, current = current, twice * current - previous
    return out


def pulse_train(positions: ArrayLike, gains: ArrayLike, length: int) -> Signal:
    """Unit impulses at fractional sample ``positions``, split linearly between two samples, ``(length,)``."""
    at = np.asarray(positions, dtype=float)
    gain = np.broadcast_to(np.asarray(gains, dtype=float), at.shape)
    inside = (at >= 0) & (at < length - 1)
    whole = at[inside].astype(np.intp)
    part = at[inside] - whole
    out = np.bincount(whole, gain[inside] * (1 - part), minlength=length)
    return np.asarray(out + np.bincount(whole + 1, gain[inside] * part, minlength=length))[:length]


def firing_positions(frequency: Signal) -> NDArray[np.float64]:
    """Fractional sample positions at which the phase of ``frequency`` ``(n,)`` completes a cycle."""
    phase = cycles(frequency)
    whole = np.arange(np.ceil(phase[0]), np.floor(phase[-1]) + 1)
    return np.interp(whole, phase, np.arange(len(phase)))


def wavering(rng: np.random.Generator, length: int, *, rate: float, depth: float) -> Signal:
    """A factor ``(length,)`` around 1 that wanders smoothly by about ``depth``; the jitter of anything alive."""
    return np.asarray(np.exp(depth * slow_curve(rng, length, rate)))


def glide(length: int, times: Sequence[float], frequencies: Sequence[float]) -> Signal:
    """Frequency ``(length,)`` through ``frequencies`` at ``times`` (0..1 of the length), straight in pitch."""
    return np.asarray(np.exp(np.interp(np.linspace(0, 1, max(length, 1)), times, np.log(frequencies))))
