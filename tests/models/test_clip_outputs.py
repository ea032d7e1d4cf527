from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.geometry import unit_vector
from auris.geometry.frames import FRAMES
from auris.models.clip_outputs import ClipOutputs, SpatialClasses, classes_of, decoded, places

CLASSES = st.builds(SpatialClasses, st.integers(0, 20), st.integers(0, 359), st.integers(0, 179))


@given(classes=CLASSES)
def test_places_and_classes_return_to_each_other(classes: SpatialClasses) -> None:
    assert tuple(int(number) for number in classes_of(*places(classes))) == classes


@given(azimuth=st.floats(-3.1, 3.1), elevation=st.floats(-1.56, 1.55), distance=st.floats(0.3, 10.0))
def test_classes_are_those_of_the_frame_of_bat(azimuth: float, elevation: float, distance: float) -> None:
    halves = 2 * distance, math.degrees(azimuth), math.degrees(elevation)
    if min(abs(value % 1 - 0.5) for value in halves) < 1e-6:
        return  # the frame computes from points, which may round the other way
    wanted = FRAMES["bat"].from_internal(unit_vector(azimuth, elevation) * distance)
    assert [int(number) for number in classes_of(azimuth, elevation, distance)] == wanted.tolist()


@pytest.mark.parametrize(
    ("classes", "place"),
    [
        ((2, 90, 90), (0, 0, 1.0)),  # front
        ((3, 180, 90), (90, 0, 1.5)),  # left
        ((4, 0, 90), (-90, 0, 2.0)),  # right
        ((20, 270, 135), (-180, 45, 10.0)),  # behind, above
        ((0, 100, 0), (10, -90, 0.125)),  # near, straight down
    ],
)
def test_places_known_by_heart(classes: tuple[int, int, int], place: tuple[float, float, float]) -> None:
    azimuth, elevation, distance = places(SpatialClasses(*(np.array(number) for number in classes)))
    assert (np.degrees(azimuth), np.degrees(elevation), distance) == pytest.approx(place)


def test_straight_up_and_far_away_take_the_nearest_class() -> None:
    assert [int(number) for number in classes_of(0.0, math.pi / 2, 40.0)] == [20, 90, 179]
    assert [int(number) for number in classes_of(0.0, -math.pi / 2, 0.0)] == [0, 90, 0]


def test_halves_are_rounded_to_even_as_published() -> None:
    assert classes_of([0, 0, 0], [0, 0, 0], [0.25, 0.75, 1.25]).distance.tolist() == [0, 2, 2]


def test_the_likeliest_classes_are_decoded() -> None:
    outputs = ClipOutputs(*(torch.zeros(2, classes) for classes in (5, 21, 360, 180)))
    outputs.distance[0, 7] = outputs.azimuth[0, 359] = outputs.elevation[0, 3] = 1
    assert [int(numbers[0]) for numbers in decoded(outputs)] == [7, 359, 3]
    azimuth, elevation, distance = places(decoded(outputs))
    assert azimuth.shape == elevation.shape == distance.shape == (2,)
    assert np.degrees(azimuth[0]) == pytest.approx(-91)
    assert distance[0] == 3.5


def test_what_is_no_class_is_refused() -> None:
    with pytest.raises(ParameterError, match="BAT classes"):
        places(SpatialClasses(np.array(21), np.array(0), np.array(0)))
