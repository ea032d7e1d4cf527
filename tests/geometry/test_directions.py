"""Angles, great circles and poses: identities that hold everywhere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.geometry import (
    Direction,
    Pose,
    angle_between,
    angles,
    great_circle,
    rotation_from_yaw_pitch_roll,
    unit_vector,
    wrap_angle,
    yaw_pitch_roll,
)

azimuths = st.floats(-math.pi, math.pi, exclude_max=True)
elevations = st.floats(-math.pi / 2, math.pi / 2)
units = st.builds(unit_vector, azimuths, elevations)
FRACTIONS = np.linspace(0, 1, 41)


@given(angle=st.floats(-1e4, 1e4))
def test_wrapping_keeps_the_direction(angle):
    wrapped = wrap_angle(angle)
    assert -math.pi <= wrapped < math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-9)


@given(azimuth=azimuths, elevation=st.floats(-1.57, 1.57), length=st.floats(1e-3, 1e3))
def test_angles_undo_unit_vectors(azimuth, elevation, length):
    found = angles(length * unit_vector(azimuth, elevation))
    np.testing.assert_allclose(found[1:], (elevation, length), rtol=1e-9, atol=1e-9)
    assert wrap_angle(found[0] - azimuth) == pytest.approx(0, abs=1e-9)


def test_the_frame_is_x_front_y_left_z_up():
    np.testing.assert_allclose(unit_vector(0, 0), [1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(unit_vector(math.pi / 2, 0), [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(unit_vector(0, math.pi / 2), [0, 0, 1], atol=1e-15)


@pytest.mark.parametrize("vector", [[0, 0, 0], [0.0, -0.0, 0.0]])
def test_a_zero_vector_has_angles_but_no_direction(vector):
    assert [float(a) for a in angles(vector)] == [0, 0, 0]
    with pytest.raises(ParameterError, match="zero vector"):
        Direction.from_vector(vector)


@given(first=units, second=units)
def test_angle_between_is_a_distance(first, second):
    angle = angle_between(first, second)
    assert 0 <= angle <= math.pi + 1e-12
    assert angle == pytest.approx(angle_between(second, first), abs=1e-12)
    assert angle_between(first, first) == pytest.approx(0, abs=1e-12)
    assert angle_between(first, -first) == pytest.approx(math.pi, abs=1e-12)
    assert math.cos(angle) == pytest.approx(float(first @ second), abs=1e-12)


@pytest.mark.parametrize("tiny", [1e-12, 1e-9, 1e-6])
def test_tiny_angles_are_not_lost(tiny):
    assert angle_between([1, 0, 0], unit_vector(tiny, 0)) == pytest.approx(tiny, rel=1e-6)


@given(first=units, second=units)
def test_a_great_circle_keeps_unit_length_and_constant_speed(first, second):
    path = great_circle(first, second, FRACTIONS)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1, atol=1e-9)
    np.testing.assert_allclose(path[0], first, atol=1e-9)
    np.testing.assert_allclose(path[-1], second, atol=1e-7)
    steps = angle_between(path[:-1], path[1:])
    np.testing.assert_allclose(steps, angle_between(first, second) / (len(FRACTIONS) - 1), atol=1e-7)


@given(first=units)
def test_opposite_ends_are_joined_over_the_sphere(first):
    path = great_circle(first, -first, FRACTIONS)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1, atol=1e-9)
    assert angle_between(path[20], first) == pytest.approx(math.pi / 2, abs=1e-9)


def test_the_chord_is_never_taken():
    half = great_circle(unit_vector(0, 0), unit_vector(3.0, 0), 0.5)
    np.testing.assert_allclose(half, unit_vector(1.5, 0), atol=1e-12)
    quarter = great_circle(unit_vector(0, 0), unit_vector(2.8, 0), 0.25)
    assert angle_between([1, 0, 0], quarter) == pytest.approx(0.7)


@given(yaw=azimuths, pitch=st.floats(-1.5, 1.5), roll=st.floats(-3.1, 3.1))
def test_yaw_pitch_roll_round_trip(yaw, pitch, roll):
    back = yaw_pitch_roll(rotation_from_yaw_pitch_roll(yaw, pitch, roll))
    np.testing.assert_allclose(wrap_angle(np.asarray(back) - (yaw, pitch, roll)), 0, atol=1e-6)


@given(angle=st.floats(0.01, 1.5))
def test_signs_of_yaw_pitch_and_roll(angle):
    turn = lambda **kinds: rotation_from_yaw_pitch_roll(**{"yaw": 0.0, **kinds})  # noqa: E731
    assert turn(yaw=angle).apply([1, 0, 0])[1] > 0  # left
    assert turn(pitch=angle).apply([1, 0, 0])[2] > 0  # front up
    assert turn(roll=angle).apply([0, -1, 0])[2] < 0  # right side down


@given(
    position=st.tuples(*[st.floats(-50, 50)] * 3),
    turn=st.tuples(azimuths, st.floats(-1.5, 1.5), azimuths),
    point=st.tuples(*[st.floats(-50, 50)] * 3),
)
def test_local_and_world_undo_each_other(position, turn, point):
    pose = Pose(position, *turn)
    local = pose.to_local(point)
    np.testing.assert_allclose(pose.to_world(local), point, atol=1e-9)
    assert np.linalg.norm(local) == pytest.approx(np.linalg.norm(np.subtract(point, position)), abs=1e-9)


def test_what_lies_left_in_the_world_lies_in_front_of_one_who_turned_left():
    np.testing.assert_allclose(Pose((1, 0, 0), yaw=math.pi / 2).to_local([1, 3, 0]), [3, 0, 0], atol=1e-12)


@given(azimuth_deg=st.floats(-720, 720), elevation_deg=st.floats(-90, 90))
def test_directions_from_degrees(azimuth_deg, elevation_deg):
    direction = Direction.from_degrees(azimuth_deg, elevation_deg)
    assert -180 <= direction.azimuth_deg < 180 + 1e-9
    assert direction.elevation_deg == pytest.approx(elevation_deg)
    assert direction.angle_to(Direction.from_vector(2 * direction.vector)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("azimuth", "elevation"), [(math.nan, 0), (0, math.inf), (0, 1.6), (0, 45)])
def test_impossible_directions_are_refused(azimuth, elevation):
    with pytest.raises(ParameterError, match=r"elevation|finite"):
        Direction(azimuth, elevation)
