"""Interaural time difference by generalised cross-correlation with phase transform (Knapp & Carter 1976).

Of every frame, windows at a hop of 64 samples are transformed, and their whitened cross spectra are added before the peak is
sought: one peak of many windows is surer than the mean of many peaks. Three things differ from the published measurement
(:mod:`auris.metrics.itd.upstream`), each because of a defect that it shows: quiet frames have no value instead of the largest
delay; frequencies without energy do not vote, so that narrow-band sounds are read right; and the peak is that of the
correlation itself, not of its magnitude, at a resolution far below a sample.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auris.dsp.resampling import resample
from auris.errors import ParameterError
from auris.metrics.itd.tracks import FRAME_RATE, EnergyGate, ItdTrack, checked_pair, frame_levels, frame_starts

SAMPLE_RATE = 16_000
WINDOW = 3840
"""Samples of a window, 0.24 s, as in the published measurement."""
HOP = 64
_WINDOWS = 9  # of a frame
SEGMENT = WINDOW + (_WINDOWS - 1) * HOP
"""Samples of a frame: 512 more than a window, as published."""
_STEPS = 8  # points of the correlation in a sample, before the parabola
_FLOOR = 1e-3  # of the largest power of the cross spectrum, where a frequency has half its vote
_SHORTEST = 512  # samples: 32 ms


def gcc_phat_itd(
    samples: NDArray[np.floating], sample_rate: int, *, longest: float = 1e-3, gate: EnergyGate | None = None
) -> ItdTrack:
    """Return the interaural time difference of a clip over time, ten frames a second.

    Args:
        samples: ``(2, samples)``, the left channel first.
        sample_rate: hertz; resampled to 16 kHz.
        longest: delay in seconds beyond which none is sought. The pair of BEWO-1M has 0.5 ms, a human head 0.8 ms.
        gate: which frames are loud enough; by default those within 40 dB of the loudest.

    Returns:
        The track; NaN where the clip is too quiet. A clip shorter than a frame (0.27 s) has shorter windows.

    Raises:
        ParameterError: there are not two channels, the clip is shorter than 32 ms, or ``longest`` is not a sensible delay.
    """
    _check_longest(longest)
    pair = resample(checked_pair(samples), sample_rate, SAMPLE_RATE)
    length = pair.shape[1]
    if length < _SHORTEST:
        raise ParameterError(f"the clip has {length / SAMPLE_RATE:.3f} s, an interaural time difference needs 0.032 s")
    window = min(WINDOW, length - (_WINDOWS - 1) * HOP) if length > (_WINDOWS - 1) * HOP + _SHORTEST // 2 else length
    windows = _WINDOWS if window < length else 1
    segment = window + (windows - 1) * HOP
    starts = frame_starts(length, sample_rate=SAMPLE_RATE, segment=segment, window=window)
    frames = np.lib.stride_tricks.sliding_window_view(pair, segment, axis=1)[:, starts]
    active = (gate or EnergyGate()).active(frame_levels(frames))
    itd = np.full(len(starts), np.nan)
    for chosen in _blocks(np.flatnonzero(active)):
        itd[chosen] = _delays(frames[:, chosen], window=window, longest=longest)
    return ItdTrack(np.arange(len(starts)) / FRAME_RATE, itd)


def gcc_phat_delays(segments: NDArray[np.floating], *, longest: float = 1e-3) -> NDArray[np.float64]:
    """Return the delay of each of some stretches of sound, however loud.

    Args:
        segments: ``(frames, 2, samples)`` at 16 kHz, at least 1024 samples.
        longest: delay in seconds beyond which none is sought.

    Returns:
        Seconds ``(frames,)``, positive when the left channel leads; 0 for silence.

    Raises:
        ParameterError: the shape or ``longest`` does not fit.
    """
    _check_longest(longest)
    if segments.ndim != 3 or segments.shape[1] != 2 or segments.shape[2] < 1024:
        raise ParameterError(f"segments must have shape (frames, 2, 1024 samples or more), got {segments.shape}")
    window = segments.shape[2] - (_WINDOWS - 1) * HOP
    frames = np.ascontiguousarray(np.swapaxes(segments, 0, 1), dtype=np.float32)
    found = np.zeros(len(segments))
    for chosen in _blocks(np.arange(len(segments))):
        found[chosen] = _delays(frames[:, chosen], window=window, longest=longest)
    return found


def _check_longest(longest: float) -> None:
    if not 1 / SAMPLE_RATE <= longest <= 0.01:
        raise ParameterError(f"the longest delay must lie between {1 / SAMPLE_RATE:g} and 0.01 s, got {longest!r}")


def _blocks(indices: NDArray[np.int64], most: int = 16) -> list[NDArray[np.int64]]:
    """Divide frames so that the spectra of a block stay in the processor's cache."""
    return [indices[start : start + most] for start in range(0, len(indices), most)]


def _delays(frames: NDArray[np.float32], *, window: int, longest: float) -> NDArray[np.float64]:
    """Return the delays in seconds of frames ``(2, frames, segment)``."""
    size = fft.next_fast_len(2 * window, real=True)
    taper = _taper(window)
    windows = np.lib.stride_tricks.sliding_window_view(frames, window, axis=-1)[:, :, ::HOP]
    left, right = fft.rfft(windows * taper, size)
    cross = left.conj() * right
    power = np.abs(cross)
    # A window's own largest power: what is quiet in it does not vote, and a loud window does not outvote the others.
    floor = _FLOOR * power.max(axis=-1, keepdims=True) + np.float32(1e-30)
    whitened = (cross / (power + floor)).sum(axis=1)
    lags = int(np.ceil(longest * SAMPLE_RATE * _STEPS))
    cosines, sines = _waves(size, lags)
    # The correlation at lag n is Re(P e^{jwn}): an even and an odd part, each of one sign of the lag.
    even, odd = whitened.real @ cosines, whitened.imag @ sines
    correlation = np.concatenate([(even + odd)[:, :0:-1], even - odd], axis=1)
    return _peaks(correlation.astype(np.float64)) / (_STEPS * SAMPLE_RATE)


def _peaks(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the peaks of correlations ``(frames, 2 n + 1)`` lie, counted from their middle."""
    rows = np.arange(len(correlation))
    best = correlation.argmax(axis=1)
    inner = np.clip(best, 1, correlation.shape[1] - 2)
    before, here, after = (correlation[rows, inner + step] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.divide(0.5 * (before - after), bend, out=np.zeros(len(rows)), where=(bend < 0) & (best == inner))
    return np.asarray(best + shift - correlation.shape[1] // 2)


@lru_cache(maxsize=4)
def _taper(window: int) -> NDArray[np.float32]:
    """A Hann window, so that a tone does not leak into frequencies where nothing sounds."""
    return np.hanning(window + 2)[1:-1].astype(np.float32)


@lru_cache(maxsize=4)
def _waves(size: int, lags: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines and sines ``(bins, lags + 1)`` of the inverse transform at fractions of a sample."""
    angle = np.outer(np.arange(size // 2 + 1), np.arange(lags + 1)) * (2 * np.pi / (size * _STEPS))
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
