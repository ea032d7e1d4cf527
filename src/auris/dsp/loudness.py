"""How strong a signal is: RMS, RMS while active, integrated loudness (ITU-R BS.1770-4), and scaling to a level.

Levels are decibels relative to full scale: a constant of 1.0 has 0 dB, a sine of amplitude 1 has -3.01 dB.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from auris.errors import ParameterError

SILENCE_DB = -200.0
ACTIVE_FRAME = 0.02  # seconds
ACTIVE_RANGE_DB = 30.0  # frames weaker than this below the strongest one are pauses
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0  # LUFS, LU (BS.1770-4)


def to_decibels(amplitude: float | NDArray[Any]) -> NDArray[np.float64]:
    """Return ``20 log10`` of an amplitude, :data:`SILENCE_DB` for zero."""
    return np.asarray(20 * np.log10(np.maximum(np.asarray(amplitude, dtype=float), 10 ** (SILENCE_DB / 20))))


def from_decibels(level_db: float) -> float:
    """Return the amplitude of a level; the inverse of :func:`to_decibels`."""
    return float(10 ** (level_db / 20))


def rms(samples: NDArray[Any]) -> float:
    """Return the root mean square over everything; 0 for an empty array."""
    array = np.asarray(samples, dtype=float)
    return float(np.sqrt(np.mean(array**2))) if array.size else 0.0


def frame_power(samples: NDArray[Any], frame: int, hop: int) -> NDArray[np.float64]:
    """Return the mean power of frames of ``frame`` samples every ``hop`` samples; the last frames may be shorter.

    Args:
        samples: ``(samples,)``.
        frame: samples per frame.
        hop: samples between the beginnings of frames.
    """
    total = np.concatenate([[0.0], np.cumsum(np.asarray(samples, dtype=float) ** 2)])
    starts = np.arange(0, max(len(samples), 1), hop)
    stops = np.minimum(starts + frame, len(samples))
    return np.asarray((total[stops] - total[starts]) / np.maximum(stops - starts, 1))


def active_rms(samples: NDArray[Any], sample_rate: float) -> float:
    """Return the RMS over the frames in which something sounds.

    Frames last 20 ms; those more than 30 dB below the strongest one are pauses and do not count, so that a sentence
    with gaps or a single bark in two seconds has the level one hears.

    Args:
        samples: ``(samples,)``.
        sample_rate: hertz.

    Returns:
        Amplitude; 0 for silence or an empty array.
    """
    frame = max(1, round(ACTIVE_FRAME * sample_rate))
    power = frame_power(samples, frame, frame)
    strongest = float(power.max(initial=0.0))
    if strongest <= 0:
        return 0.0
    return float(np.sqrt(power[power >= strongest * 10 ** (-ACTIVE_RANGE_DB / 10)].mean()))


def scaled_to(samples: NDArray[Any], sample_rate: float, *, level_db: float = 0.0) -> NDArray[np.float32]:
    """Return ``samples`` scaled so that their active RMS is ``level_db`` dB re full scale.

    Raises:
        ParameterError: the signal is silent, so no gain can do it.
    """
    level = active_rms(samples, sample_rate)
    if level < 10 ** (SILENCE_DB / 20):
        raise ParameterError("a silent signal cannot be scaled to a level; check the recording or its start")
    return np.asarray(np.asarray(samples) * (from_decibels(level_db) / level), dtype=np.float32)


def integrated_loudness(samples: NDArray[Any], sample_rate: float) -> float:
    """Return the programme loudness in LUFS after ITU-R BS.1770-4 (K-weighting, 400-ms blocks, two gates).

    Channels count alike (weight 1), as for mono, stereo and binaural signals.

    Args:
        samples: ``(samples,)`` or ``(channels, samples)``, at least 0.4 s.
        sample_rate: hertz.

    Returns:
        LUFS; ``-inf`` when no block is louder than -70 LUFS.

    Raises:
        ParameterError: the signal is shorter than one block.
    """
    channels = np.atleast_2d(np.asarray(samples, dtype=float))
    block = round(0.4 * sample_rate)
    if channels.shape[-1] < block:
        raise ParameterError(f"loudness needs at least 0.4 s, got {channels.shape[-1] / sample_rate:.3g} s")
    for b, a in k_weighting(sample_rate):
        channels = lfilter(b, a, channels, axis=-1)
    total = np.concatenate([[0.0], np.cumsum(np.sum(channels**2, axis=0))])
    starts = np.arange(0, channels.shape[-1] - block + 1, max(1, round(0.1 * sample_rate)))
    power = (total[starts + block] - total[starts]) / block
    power = power[_lufs(power) > _ABSOLUTE_GATE]
    if not power.size:
        return float("-inf")
    power = power[_lufs(power) > _lufs(power.mean()) + _RELATIVE_GATE]
    return float(_lufs(power.mean()))


def _lufs(power: Any) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-30)))


def k_weighting(sample_rate: float) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Return the two biquads ``(b, a)`` of BS.1770-4 at any sample rate.

    The standard lists coefficients for 48 kHz only; these are the analogue prototypes behind them (a 4-dB high shelf at
    1682 Hz and a high-pass at 38 Hz), warped to the rate.
    """
    gain, quality = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    k = np.tan(np.pi * 1681.974450955533 / sample_rate)
    middle = gain**0.4996667741545416
    norm = 1 + k / quality + k * k
    shelf_b = np.array([gain + middle * k / quality + k * k, 2 * (k * k - gain), gain - middle * k / quality + k * k])
    shelf = (shelf_b / norm, np.array([1, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm]))
    quality = 0.5003270373238773
    k = np.tan(np.pi * 38.13547087602444 / sample_rate)
    norm = 1 + k / quality + k * k
    high_pass = (np.array([1.0, -2.0, 1.0]), np.array([1, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm]))
    return shelf, high_pass
