"""Generators that need no weights: noise with the time differences that are asked for, or with others."""

from dataclasses import dataclass, field

import numpy as np

from auris.audio import Audio
from auris.channels import ChannelLayout, stereo
from auris.generation.verification import Ears
from auris.metrics.itd import itd_of_direction

RATE = 16_000
NO_LISTENER = Ears(stereo(), None, time_differences=True)


@dataclass
class NoisyGenerator:
    """Writes a stereo pair; of seeds in ``wrong`` the channels are exchanged, of seeds in ``silent`` nothing is heard."""

    name: str = "noisy"
    labels: tuple[str, ...] | None = ("dog", "rain")
    longest: float = 5.0
    wrong: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()
    sample_rate: int = RATE
    layout: ChannelLayout = field(default_factory=stereo)
    asked: list = field(default_factory=list)

    def generate(self, request, *, seed, steps=None, guidance=None, guidance_position=None, report=None):
        self.asked.append((request, seed, steps, guidance, guidance_position))
        samples = np.arange(round(request.seconds * RATE))
        pair = np.zeros((2, samples.size))
        for number, sound in enumerate(request.sounds):
            delay = 0.5 * RATE * itd_of_direction(sound.direction(samples / samples.size))
            noise = np.random.default_rng([seed, number]).standard_normal(samples.size)
            pair += 0.1 * np.stack([np.interp(samples + sign * delay, samples, noise) for sign in (1, -1)])
        if seed in self.wrong:
            pair = pair[::-1]
        if report is not None:
            report(1, 1)
        return Audio(pair * (seed not in self.silent), RATE, self.layout)


@dataclass
class MonoNoisyGenerator(NoisyGenerator):
    """Writes sounds without space as well."""

    name: str = "noisy-mono"

    def mono(self, descriptions, *, seconds, seed, steps=None, guidance=None, report=None):
        loudness = 0.0 if seed in self.silent else 0.1
        return [
            loudness * np.random.default_rng([seed, number]).standard_normal(round(seconds * RATE)).astype(np.float32)
            for number, _ in enumerate(descriptions)
        ]
