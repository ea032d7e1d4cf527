"""Sample-rate conversion: a thin, exact-length wrapper around soxr.

The length rule is part of the contract: ``N`` samples at ``a`` hertz become ``round(N * b / a)`` at ``b`` hertz, and
sample 0 stays at time 0 (soxr's filters are linear-phase and already aligned).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.errors import ParameterError

Quality = Literal["fast", "high", "best"]
_RECIPES: dict[Quality, str] = {"fast": "LQ", "high": "HQ", "best": "VHQ"}


def resampled_length(samples: int, source_rate: float, target_rate: float) -> int:
    """Return how many samples :func:`resample` gives for ``samples`` samples."""
    return math.floor(samples * target_rate / source_rate + 0.5)


def resample(
    samples: NDArray[Any], source_rate: float, target_rate: float, *, quality: Quality = "high"
) -> NDArray[np.float32]:
    """Convert ``samples`` from one rate to another, band-limited below half of the lower rate.

    Args:
        samples: ``(samples,)`` or ``(channels, samples)``, real.
        source_rate: hertz; need not be whole (a speed change is a rate change).
        target_rate: hertz.
        quality: ``high`` (100 dB, the default), ``best`` (130 dB) or ``fast`` (16 bit, twice as quick).

    Returns:
        float32 of the same number of axes; the input itself when the rates are equal and it is float32 already.

    Raises:
        ParameterError: a rate is not above zero, the quality is unknown, or the array has another number of axes.
    """
    array = np.asarray(samples)
    if array.ndim not in (1, 2):
        raise ParameterError(f"samples must have shape (samples,) or (channels, samples), got {array.shape}")
    for name, rate in (("source", source_rate), ("target", target_rate)):
        if not (math.isfinite(rate) and rate > 0):
            raise ParameterError(f"the {name} rate must be above 0 Hz, got {rate!r}")
    if quality not in _RECIPES:
        raise ParameterError(f"resampling quality must be one of {', '.join(_RECIPES)}, got {quality!r}")
    array = array.astype(np.float32, copy=False)
    if source_rate == target_rate:
        return array
    length = resampled_length(array.shape[-1], source_rate, target_rate)
    if array.size == 0 or length == 0:
        return np.zeros((*array.shape[:-1], length), np.float32)
    import soxr

    frames = np.ascontiguousarray(array.T)
    converted = soxr.resample(frames, source_rate, target_rate, quality=_RECIPES[quality]).T
    return _with_length(converted, length)


def resample_audio(audio: Audio, sample_rate: int, *, quality: Quality = "high") -> Audio:
    """Return ``audio`` at another sample rate; the layout stays."""
    if audio.sample_rate == sample_rate:
        return audio
    return Audio(resample(audio.samples, audio.sample_rate, sample_rate, quality=quality), sample_rate, audio.layout)


def _with_length(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Cut or zero-pad the last axis; soxr's own rounding differs by a sample at some ratios."""
    short = length - samples.shape[-1]
    if short > 0:
        samples = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, short)])
    return np.ascontiguousarray(samples[..., :length], dtype=np.float32)
