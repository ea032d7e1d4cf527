"""The list of images: against a published simulator, and against mirrors held up by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.acoustics.image_sources import image_sources
from auris.errors import ParameterError, SceneError

FOLDER = Path(__file__).resolve().parents[1] / "reference" / "shoebox_rir"
ROOMS = json.loads((FOLDER / "expected.json").read_text())["rooms"]
STORED = np.load(FOLDER / "expected.npz")


def in_one_order(positions):
    return np.lexsort(np.round(positions, 3).T)


@pytest.mark.parametrize("name", ["r0_direct", "r1_tetra", "r3_walls"], ids=lambda name: f"shoebox_rir/{name}")
def test_images_are_those_of_the_reference(name):
    room = ROOMS[name]
    images = image_sources(room["dim_m"], room["source"], np.mean(room["mics"], axis=0), max_order=room["max_order"])
    ours, theirs = in_one_order(images.positions), in_one_order(STORED[f"{name}/image_positions"].astype(float))
    assert len(ours) == room["n_images"]
    assert images.positions[ours] == pytest.approx(STORED[f"{name}/image_positions"][theirs], abs=1e-4)
    assert np.array_equal(images.order[ours], STORED[f"{name}/image_orders"][theirs])
    absorption = np.broadcast_to(room["absorption_energy"], 6)
    assert images.amplitude(absorption)[ours] == pytest.approx(STORED[f"{name}/image_damping"][theirs], abs=1e-5)


def test_amplitudes_per_band_are_those_of_the_reference_shoebox_rir():
    room = ROOMS["r5_bands"]
    images = image_sources(room["dim_m"], room["source"], np.mean(room["mics"], axis=0), max_order=room["max_order"])
    theirs = in_one_order(STORED["r5_bands/image_positions"].astype(float))
    walls = room["absorption_energy"]
    absorption = np.array([walls["other"]] * 4 + [walls["floor"], walls["other"]])
    ours = images.amplitude(absorption)[in_one_order(images.positions)]
    assert ours == pytest.approx(STORED["r5_bands/damping_per_band"].T[theirs], abs=1e-5)


@given(st.integers(0, 6))
@settings(deadline=None)
def test_number_of_images_up_to_an_order(order):
    images = image_sources((5, 4, 3), (1, 1, 1), (2, 2, 2), max_order=order)
    assert len(images.order) == (2 * order + 1) * (2 * order**2 + 2 * order + 3) // 3


@given(st.tuples(*[st.floats(0.1, 0.9)] * 3), st.tuples(*[st.floats(0.1, 0.9)] * 3))
@settings(max_examples=30, deadline=None)
def test_first_order_images_are_mirrors(source, listener):
    size = np.array([5.0, 4.0, 3.0])
    start, ear = size * source, size * listener
    images = image_sources(size, start, ear, max_order=1)
    for wall in range(6):
        (index,) = np.flatnonzero(images.hits[:, wall] == 1)
        mirrored = start.copy()
        axis, side = divmod(wall, 2)
        mirrored[axis] = 2 * side * size[axis] - start[axis]
        assert images.positions[index] == pytest.approx(mirrored)
        assert images.mirrored[index].tolist() == [a == axis for a in range(3)]


def test_source_and_listener_can_be_swapped():
    one = image_sources((5, 4, 3), (1, 3, 1.2), (4, 0.7, 2.2), radius=20)
    two = image_sources((5, 4, 3), (4, 0.7, 2.2), (1, 3, 1.2), radius=20)
    distances = [
        np.linalg.norm(one.positions - [4, 0.7, 2.2], axis=1),
        np.linalg.norm(two.positions - [1, 3, 1.2], axis=1),
    ]
    assert distances[0] == pytest.approx(distances[1])


def test_images_fill_space_evenly():
    images = image_sources((5, 4, 3), (1, 3, 1.2), (4, 0.7, 2.2), radius=60)
    assert len(images.order) == pytest.approx(4 / 3 * np.pi * 60**3 / 60, rel=0.01)


@pytest.mark.parametrize("limits", [{}, {"max_order": 1, "radius": 3.0}, {"max_order": -1}])
def test_exactly_one_limit(limits):
    with pytest.raises(ParameterError, match="either max_order or radius"):
        image_sources((5, 4, 3), (1, 1, 1), (2, 2, 2), **limits)


def test_points_outside_are_refused():
    with pytest.raises(SceneError, match=r"listener at .* outside the room"):
        image_sources((5, 4, 3), (1, 1, 1), (2, 5, 2), max_order=1)
