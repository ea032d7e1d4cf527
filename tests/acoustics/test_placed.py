"""Sounds that fill a part of a scene."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest

from auris.acoustics.placed import Placed, PlacedSounds
from auris.acoustics.renderer import render
from auris.channels import mono
from auris.geometry import Static, Waypoints
from auris.scene import Event, Listener, Room, Scene, Source

RATE = 16_000
SOUNDS = PlacedSounds([Placed(2, np.ones((1, 3), np.float32)), Placed(8, np.full((1, 5), 2, np.float32))], 10, RATE, mono())


def test_they_are_laid_out_to_the_length_of_the_scene() -> None:
    assert len(SOUNDS) == 2
    np.testing.assert_array_equal(SOUNDS[0].samples[0], [0, 0, 1, 1, 1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(SOUNDS[-1].samples[0], [0, 0, 0, 0, 0, 0, 0, 0, 2, 2])
    assert [audio.length for audio in SOUNDS] == [audio.length for audio in SOUNDS[:]] == [10, 10]
    with pytest.raises(IndexError):
        SOUNDS[2]


def test_they_travel_to_other_processes() -> None:
    again = pickle.loads(pickle.dumps(SOUNDS))
    np.testing.assert_array_equal(again[1].samples, SOUNDS[1].samples)


def scene(duration: float, count: int) -> tuple[Scene, np.ndarray]:
    walk = Waypoints((0.0, duration), ((1.5, 1.0, 1.4), (4.5, 1.2, 1.6)))
    paths = [Static((1.2, 3.1, 1.3)) if k % 2 else walk for k in range(count)]
    sources = tuple(Source("a", path, (Event(1.0, 1.2),)) for path in paths)
    dry = np.zeros((count, round(duration * RATE)), np.float32)
    dry[:, RATE : RATE + 3200] = 0.1 * np.random.default_rng(0).standard_normal(3200)
    return Scene(duration, sources, Listener(Static((3.0, 2.2, 1.5))), Room((6.0, 4.5, 2.8), t60=0.3)), dry


def test_an_event_costs_its_own_memory_not_that_of_the_scene() -> None:
    asked, dry = scene(30.0, 8)
    render(*scene(2.0, 2), layout="foa", sample_rate=RATE)  # tables
    tracemalloc.start()
    rendering = render(asked, dry, layout="foa", sample_rate=RATE)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    mixture = rendering.mixture.samples.nbytes
    assert held < 1.3 * mixture
    assert peak < 2 * mixture + 10e6
    assert rendering.stems[3].length == rendering.dry[3].length == 30 * RATE


def test_the_dry_sound_is_a_copy() -> None:
    asked, dry = scene(2.0, 1)
    rendering = render(asked, dry, layout="mono", sample_rate=RATE)
    kept = dry.copy()
    dry[:] = 5
    np.testing.assert_array_equal(rendering.dry[0].samples, kept)
