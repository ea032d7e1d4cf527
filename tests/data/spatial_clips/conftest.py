"""Dry clips and responses that are small enough to be checked by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

from auris.errors import FormatError
from auris.io.mp3d_reverb import ReverbPlace, ReverbScene, read_reverb_bank, write_reverb_bank

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


@pytest.fixture
def noise_clips():
    return NoiseClips


@pytest.fixture(scope="session")
def rooms(tmp_path_factory):
    """Two rooms of three places. Response ``n`` is a click of height ``n + 1``, left; they differ in length."""
    root = tmp_path_factory.mktemp("rooms")

    def scene(room):
        places = tuple(ReverbPlace((0, 0, 0), (0.5 + 3 * room + n, 0.1, -1.0), t60=0.3) for n in range(3))
        responses = [np.zeros((2, 40 + 10 * n), np.float32) for n in range(3)]
        for n, response in enumerate(responses):
            response[:, 5] = 3 * room + n + 1, 0.5
        return ReverbScene(f"room{room}", places, lambda: responses)

    write_reverb_bank(root, "train", [scene(0), scene(1)])
    return read_reverb_bank(root, "train")
