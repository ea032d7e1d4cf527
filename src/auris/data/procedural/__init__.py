"""Procedural sounds: seeded synthesis of sound classes, so that scenes can be made without a single recording.

Every sound is built at 48 kHz from physical or perceptual models and then resampled, hence free of aliasing and the same
sound at any rate. A seed draws the individual: the speaker's tract, the dog's size, the engine's revs.

>>> synthesise("rain", seed=1, duration=0.5, sample_rate=16_000).shape
(8000,)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.data.procedural import engines, impacts, tones, voices, weather
from auris.data.procedural.noise import RATE, Signal
from auris.dsp.loudness import active_rms
from auris.dsp.resampling import resample, resampled_length
from auris.errors import ParameterError, unknown_name

_LEVEL = 0.1  # active RMS: -20 dB re full scale
_PEAK = 0.95
_MAX_DURATION = 3600.0

_SYNTHESES: dict[str, Callable[[np.random.Generator, int], Signal]] = {
    "alarm": tones.alarm,
    "bell": impacts.bell,
    "chainsaw": engines.chainsaw,
    "clapping": impacts.clapping,
    "clock_tick": impacts.clock_tick,
    "crackling_fire": weather.crackling_fire,
    "crying_baby": voices.crying_baby,
    "cutlery": impacts.cutlery,
    "dog": voices.dog,
    "door": impacts.door,
    "footsteps": impacts.footsteps,
    "glass": impacts.glass,
    "helicopter": engines.helicopter,
    "knock": impacts.knock,
    "music": tones.music,
    "rain": weather.rain,
    "rooster": voices.rooster,
    "sea_waves": weather.sea_waves,
    "sneezing": voices.sneezing,
    "speech": voices.speech,
    "telephone": tones.telephone,
}

PROCEDURAL_SOUNDS: tuple[str, ...] = tuple(_SYNTHESES)


def synthesise(name: str, *, seed: int, duration: float, sample_rate: int) -> NDArray[np.float32]:
    """Return one variation of a sound, from its first sample to its last.

    Args:
        name: one of :data:`PROCEDURAL_SOUNDS`.
        seed: which variation; the same seed gives the same samples.
        duration: seconds, above 0 and at most an hour.
        sample_rate: hertz.

    Returns:
        float32 ``(round(duration * sample_rate),)``, active RMS -20 dB re full scale or the peak at 0.95, whichever is
        lower; never silent.

    Raises:
        ParameterError: the name is unknown, or a number impossible.
    """
    if name not in _SYNTHESES:
        raise ParameterError(unknown_name("procedural sound", name, PROCEDURAL_SOUNDS))
    if not (math.isfinite(duration) and 0 < duration <= _MAX_DURATION):
        raise ParameterError(f"duration must lie between 0 and {_MAX_DURATION:g} seconds, got {duration!r}")
    if int(sample_rate) != sample_rate or not 1_000 <= sample_rate <= 384_000:
        raise ParameterError(f"sample rate must be a whole number of 1000 to 384000 Hz, got {sample_rate!r}")
    # A shorter request would leave the models no time to sound; the beginning of the longer one is returned.
    length = max(round(duration * RATE), RATE // 2)
    signal = _SYNTHESES[name](seeding.generator(seed, "procedural", name), length)
    wanted = max(1, resampled_length(1, 1, duration * sample_rate))
    made = resample(signal.astype(np.float32), RATE, sample_rate)[:wanted]
    return _levelled(np.pad(made, (0, wanted - len(made))), sample_rate)


def _levelled(signal: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    peak, level = float(np.abs(signal).max()), active_rms(signal, sample_rate)
    gain = min(_LEVEL / max(level, 1e-12), _PEAK / max(peak, 1e-12))
    return np.asarray(signal * np.float32(gain))
