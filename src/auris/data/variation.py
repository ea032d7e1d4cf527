"""Variations of a recording: a little faster or slower, brighter or darker, drawn from a seed.

Recordings are few; a listener trained on them sees more of a class when each is also heard at other speeds and through
other microphones. Seed 0 is the recording itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.errors import ParameterError

MAX_SPEED_CHANGE = 0.1
MAX_TILT_DB = 2.0  # per octave about 1 kHz
MAX_BELL_DB = 6.0


@dataclass(frozen=True)
class Variation:
    """One variation.

    Attributes:
        speed: factor of playing speed, and with it of pitch.
        tilt_db: spectral tilt in decibels per octave about 1 kHz.
        bell_db: gain of a broad bell (one octave), as of another microphone or a turned head.
        bell_hz: its centre.
        polarity: +1 or -1.
    """

    speed: float = 1.0
    tilt_db: float = 0.0
    bell_db: float = 0.0
    bell_hz: float = 1000.0
    polarity: int = 1

    def __post_init__(self) -> None:
        if not (0.25 <= self.speed <= 4 and self.bell_hz > 0 and self.polarity in (-1, 1)):
            raise ParameterError(f"a variation needs a speed of 0.25 to 4, a bell above 0 Hz, polarity ±1; got {self}")

    @classmethod
    def of(cls, seed: int) -> Variation:
        """Return variation ``seed``; 0 changes nothing."""
        if seed == 0:
            return cls()
        rng = seeding.generator(seed, "variation")
        return cls(
            speed=float(np.exp(rng.uniform(-1, 1) * np.log1p(MAX_SPEED_CHANGE))),
            tilt_db=float(rng.uniform(-1, 1) * MAX_TILT_DB),
            bell_db=float(rng.uniform(-1, 1) * MAX_BELL_DB),
            bell_hz=float(np.exp(rng.uniform(np.log(200), np.log(6000)))),
            polarity=int(rng.choice((-1, 1))),
        )

    def filtered(self, samples: NDArray[np.float32], sample_rate: float) -> NDArray[np.float32]:
        """Return ``(samples,)`` with tilt, bell and polarity applied (zero phase); speed is the resampler's business."""
        if self.tilt_db == 0 and self.bell_db == 0:
            return samples if self.polarity == 1 else -samples
        from scipy.fft import irfft, next_fast_len, rfft

        size = next_fast_len(len(samples) + round(0.02 * sample_rate), real=True)
        octaves = np.log2(np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 50.0) / 1000)
        bell = self.bell_db * np.exp(-0.5 * ((octaves - np.log2(self.bell_hz / 1000)) / 0.5) ** 2)
        gain = self.polarity * 10 ** ((self.tilt_db * octaves + bell) / 20)
        return np.asarray(irfft(rfft(samples, size) * gain, size)[: len(samples)], dtype=np.float32)
