"""Dry clips and responses that are small enough to be checked by hand."""

import numpy as np
import pytest
from made_clips import NoiseClips

from auris.io.mp3d_reverb import ReverbPlace, ReverbScene, read_reverb_bank, write_reverb_bank


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
