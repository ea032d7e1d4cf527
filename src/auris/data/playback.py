"""How a recording is prepared and played: one channel, no infrasound, clean edges, clean repetition."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi

from auris.dsp.loudness import rms, scaled_to
from auris.errors import ParameterError, SceneError
from auris.scene import Sound

Samples = NDArray[np.float32]

FADE_IN, FADE_OUT = 0.005, 0.02  # seconds
CROSS_FADE = 0.05  # seconds
MIN_PERIOD = 1.0  # seconds; a bark of 0.2 s repeats once a second, not five times
_CUTOFF = 25.0  # hertz


def mono(channels: NDArray[Any]) -> Samples:
    """Return one channel ``(samples,)`` of ``(channels, samples)``.

    The mean of the channels; where they cancel each other (more than 6 dB below the strongest one: a side signal, a
    wrongly wired pair), the strongest channel.
    """
    array = np.asarray(channels, dtype=np.float32)
    if len(array) == 1:
        return np.asarray(array[0])
    mean: Samples = array.mean(axis=0)
    levels = [rms(channel) for channel in array]
    return mean if rms(mean) > 0.5 * max(levels) else np.asarray(array[int(np.argmax(levels))])


def high_passed(samples: Samples, sample_rate: float) -> Samples:
    """Remove what lies below 25 Hz (12 dB per octave); starts settled, so a constant offset makes no step."""
    if not len(samples):
        return samples
    sections, settled = _high_pass(float(sample_rate))
    filtered, _ = sosfilt(sections, samples, zi=settled * float(samples[0]))
    return np.asarray(filtered, dtype=np.float32)


@lru_cache(maxsize=32)
def _high_pass(sample_rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sections = butter(2, _CUTOFF, "highpass", fs=sample_rate, output="sos")
    return sections, sosfilt_zi(sections)


def faded(samples: Samples, sample_rate: float) -> Samples:
    """Return a copy that rises over 5 ms and falls over 20 ms (raised cosines); half of it each, if it is shorter."""
    out = np.array(samples, dtype=np.float32)
    rise, fall = (min(round(s * sample_rate), len(out) // 2) for s in (FADE_IN, FADE_OUT))
    if rise:
        out[:rise] *= (0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise)).astype(np.float32)
    if fall:
        out[-fall:] *= (0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 0.5) / fall)).astype(np.float32)
    return out


def repeated(samples: Samples, length: int, sample_rate: float) -> Samples:
    """Return ``length`` samples of a sound, repeated when it is shorter.

    A sound of a second or more is joined to itself by an equal-power cross-fade of 50 ms; a shorter one, its edges faded,
    begins anew every second.
    """
    if len(samples) >= length:
        return samples[:length]
    period = round(MIN_PERIOD * sample_rate)
    if len(samples) < period:
        once = np.pad(faded(samples, sample_rate), (0, period - len(samples)))
        return np.tile(once, -(-length // period))[:length]
    cross = round(CROSS_FADE * sample_rate)
    quarter = 0.5 * np.pi * (np.arange(cross) + 0.5) / cross
    # One period whose beginning already holds the end of the one before.
    loop = samples[: len(samples) - cross].copy()
    loop[:cross] = samples[:cross] * np.sin(quarter) + samples[-cross:] * np.cos(quarter)
    rounds = -(-(length - len(loop)) // len(loop))
    return np.concatenate([samples[: len(loop)], *([loop] * rounds)])[:length].astype(np.float32)


def at_unit_level(samples: Samples, sound: Sound, sample_rate: int) -> Samples:
    """Return what is played of a sound, scaled to an active RMS of 1.

    Raises:
        SceneError: it is silent; the message names the sound.
    """
    try:
        return scaled_to(samples, sample_rate, level_db=0.0)
    except ParameterError:
        raise SceneError(f"{sound.file or sound.synthesis}: silent from {sound.start:g} s on; choose another start") from None


def check_duration(duration: float) -> None:
    """Check a length in seconds.

    Raises:
        ParameterError: it is not above 0, or infinite.
    """
    if not 0 < duration < math.inf:
        raise ParameterError(f"duration must be above 0 seconds, got {duration!r}")
