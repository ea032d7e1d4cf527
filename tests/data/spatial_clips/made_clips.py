"""Clips of noise, in a module of their own so that they can be sent to other processes."""

from dataclasses import dataclass

import numpy as np

from auris.errors import FormatError

RATE = 8000


@dataclass
class NoiseClips:
    """Clips of noise, each of its own class; clips named in ``damaged`` cannot be read."""

    count: int = 6
    samples: int = 6000
    damaged: tuple[int, ...] = ()

    @property
    def labels(self):
        return tuple(f"class {number}" for number in range(self.count))

    def __len__(self):
        return self.count

    def name(self, index):
        return f"clip{index}.wav"

    def classes(self, index):
        return (index,)

    def dry(self, index, rng):
        if index in self.damaged:
            raise FormatError(f"{self.name(index)}: no such clip")
        return np.random.default_rng(index).standard_normal(self.samples).astype(np.float32), RATE
