"""Random signals: noise with a drawn spectrum, slow random curves, envelopes, and grains scattered in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, next_fast_len, rfft

Signal = NDArray[np.float64]
RATE = 48_000  # every sound is made at this rate and then resampled, so it is the same sound at any rate

_GRID = np.geomspace(10.0, RATE / 2, 400)
_LOG_GRID = np.log(_GRID)

Curve = Sequence[tuple[float, float]]  # (hertz, decibels), joined by lines over log frequency


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between ``low`` and ``high``, every octave alike."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def shaped(signal: Signal, curve: Curve) -> Signal:
    """Filter ``(n,)`` by the magnitude ``curve`` (zero phase)."""
    size = next_fast_len(len(signal) + RATE // 50, real=True)
    return np.asarray(irfft(rfft(signal, size) * gain_curve(curve, size), size)[: len(signal)])


def gain_curve(curve: Curve, size: int) -> Signal:
    """Amplitude of ``curve`` at the bins of a real FFT of ``size`` samples; constant beyond its ends, 0 at DC."""
    frequencies, levels = np.asarray(curve, dtype=float).T
    # Logarithms and powers on a grid of 400 points only; the bins are many.
    coarse = 10 ** (np.interp(_LOG_GRID, np.log(frequencies), levels) / 20)
    gains = np.interp(np.arange(size // 2 + 1) * (RATE / size), _GRID, coarse)
    gains[0] = 0.0
    return np.asarray(gains)


def coloured_noise(rng: np.random.Generator, length: int, curve: Curve) -> Signal:
    """Gaussian noise ``(length,)`` with the spectrum ``curve`` and unit RMS."""
    # Drawn in the frequency domain: one transform instead of two, and no edge effects.
    size = next_fast_len(length + RATE // 50, real=True)
    draws = rng.standard_normal(2 * (size // 2 + 1), dtype=np.float32).view(np.complex64)
    noise = irfft(draws * gain_curve(curve, size).astype(np.float32), size)[:length].astype(float)
    return np.asarray(noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12))


def slow_curve(rng: np.random.Generator, length: int, rate: float) -> Signal:
    """A smooth random curve ``(length,)`` that changes ``rate`` times a second, about unit variance.

    Knots are normal draws joined by smooth steps; no overshoot.
    """
    knots = rng.standard_normal(int(np.ceil(length / RATE * rate)) + 2)
    # Forty points per knot joined by lines are smooth enough, and much quicker than one evaluation per sample.
    step = max(1, int(RATE / (40 * rate)))
    at = np.arange(length // step + 2) * (step * rate / RATE) + rng.uniform(0, 0.9)
    index = np.minimum(at.astype(int), len(knots) - 2)
    part = np.minimum(at - index, 1.0)
    points = 1.16 * (knots[index] + part * part * (3 - 2 * part) * (knots[index + 1] - knots[index]))
    lines = points[:-1, None] + np.diff(points)[:, None] * (np.arange(step) / step)
    return np.asarray(lines.reshape(-1)[:length])


def envelope(length: int, times: ArrayLike, levels: ArrayLike) -> Signal:
    """Straight lines through ``levels`` at ``times`` (seconds), as ``(length,)``."""
    moments = np.arange(length) / RATE
    return np.asarray(np.interp(moments, np.asarray(times, dtype=float), np.asarray(levels, dtype=float)))


def hump(length: int, attack: float, release: float) -> Signal:
    """Raised-cosine rise over ``attack`` seconds, one, raised-cosine fall over ``release`` seconds."""
    rise, fall = (max(1, min(round(s * RATE), length // 2)) for s in (attack, release))
    shape = np.ones(length)
    shape[:rise] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise)
    shape[length - fall :] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 0.5) / fall)
    return shape


def poisson_times(rng: np.random.Generator, length: int, rate: float) -> NDArray[np.intp]:
    """Sorted sample positions of a Poisson process of ``rate`` events per second; at least one."""
    count = max(1, int(rng.poisson(rate * length / RATE)))
    return np.sort(rng.integers(0, max(length, 1), count))


def add(target: Signal, grain: Signal, start: int, gain: float = 1.0) -> None:
    """Add ``grain`` to ``target`` from sample ``start`` on; what falls outside is dropped."""
    first, last = max(start, 0), min(start + len(grain), len(target))
    if first < last:
        target[first:last] += gain * grain[first - start : last - start]


def decay_noise(rng: np.random.Generator, length: int, curve: Curve, t60: float) -> Signal:
    """Noise ``(length,)`` of spectrum ``curve`` that falls by 60 dB in ``t60`` seconds, about unit peak."""
    fall = 10 ** (-3 * np.arange(length) / (t60 * RATE))
    return coloured_noise(rng, length, curve) * fall * 0.4
