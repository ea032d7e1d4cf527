"""Every named frame: what it calls the six directions, round trips, and what a lossy one keeps."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from auris.errors import ParameterError
from auris.geometry import angle_between, wrap_angle
from auris.geometry.frames import (
    FIVE_WAY_WORDS,
    FRAMES,
    convert,
    fold_to_front,
    habitat_rotation_deg_from_yaw,
    soundspaces1_heading_deg_from_yaw,
    yaw_from_habitat_rotation_deg,
    yaw_from_soundspaces1_heading_deg,
)

LOSSLESS = [name for name, frame in FRAMES.items() if not frame.lossy]
LOSSY = [name for name, frame in FRAMES.items() if frame.lossy]
FRONT, LEFT, UP = np.eye(3)
Q = math.pi / 2  # a quarter turn
coordinate = st.floats(-9, 9).map(lambda x: round(x, 6))
points = arrays(float, st.tuples(st.integers(1, 5), st.just(3)), elements=coordinate).filter(
    lambda p: np.all(np.linalg.norm(p, axis=-1) > 1e-3) and np.all(np.linalg.norm(p, axis=-1) < 10)
)


# What each frame calls front, left, back, right (2 m away) and up, as the sources of the frames say.
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("internal", [(2, 0, 0), (0, 2, 0), (-2, 0, 0), (0, -2, 0), (0, 0, 2)]),
        ("dcase_cartesian", [(2, 0, 0), (0, 2, 0), (-2, 0, 0), (0, -2, 0), (0, 0, 2)]),
        ("dcase", [(0, 0, 2), (90, 0, 2), (-180, 0, 2), (-90, 0, 2), (0, 90, 2)]),
        ("sofa", [(0, 0, 2), (90, 0, 2), (180, 0, 2), (270, 0, 2), (0, 90, 2)]),
        ("habitat", [(0, 0, -2), (-2, 0, 0), (0, 0, 2), (2, 0, 0), (0, 2, 0)]),
        ("soundspaces1", [(0, 2, 0), (-2, 0, 0), (0, -2, 0), (2, 0, 0), (0, 0, 2)]),
        ("pyroomacoustics", [(0, Q, 2), (Q, Q, 2), (-2 * Q, Q, 2), (-Q, Q, 2), (0, 0, 2)]),
        ("spaudiopy", [(0, Q, 2), (Q, Q, 2), (-2 * Q, Q, 2), (-Q, Q, 2), (0, 0, 2)]),
        ("bat", [(4, 90, 90), (4, 180, 90), (4, 270, 90), (4, 0, 90), (4, 90, 0)]),
        ("five_way", [(3,), (1,), (3,), (5,), (3,)]),
        ("clock", [(12,), (9,), (6,), (3,), (12,)]),
        ("dcase2025", [(0, 2), (90, 2), (0, 2), (-90, 2), (0, 2)]),
    ],
)
def test_the_principal_directions(name, wanted):
    given_points = 2 * np.stack([FRONT, LEFT, -FRONT, -LEFT, UP])
    found = FRAMES[name].from_internal(given_points)
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_every_frame_is_described_and_tells_what_it_loses():
    for name, frame in FRAMES.items():
        assert frame.name == name
        assert len(frame.description) > 20
        assert bool(frame.loss) == frame.lossy
        assert frame.from_internal(np.ones((4, 3))).shape == (4, len(frame.coordinates))


@pytest.mark.parametrize("name", LOSSLESS)
@given(points=points)
def test_a_lossless_frame_returns_every_point(name, points):
    frame = FRAMES[name]
    np.testing.assert_allclose(frame.to_internal(frame.from_internal(points)), points, atol=1e-9)


@pytest.mark.parametrize("name", LOSSY)
@given(points=points)
def test_a_lossy_frame_loses_only_once(name, points):
    frame = FRAMES[name]
    once = frame.from_internal(points)
    again = frame.from_internal(frame.to_internal(once))
    if name == "clock":  # 12 and just after 12 are neighbours
        np.testing.assert_allclose(wrap_angle(np.radians(30 * (again - once))), 0, atol=1e-9)
    else:
        np.testing.assert_allclose(again, once, atol=1e-9)


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(LOSSLESS, 2)))
def test_every_pair_of_lossless_frames(source, target):
    original = np.random.default_rng(7).normal(size=(50, 3)) * 3
    there = convert(FRAMES[source].from_internal(original), source=source, target=target)
    np.testing.assert_allclose(convert(there, source=target, target="internal"), original, atol=1e-9)


@given(azimuth=st.integers(-180, 179), elevation=st.integers(-89, 89))
def test_bat_azimuth_is_a_quarter_turn_on(azimuth, elevation):
    classes = convert([azimuth, elevation, 2.0], source="dcase", target="bat")
    assert classes.tolist() == [4, (azimuth + 90) % 360, elevation + 90]


@given(points=points)
def test_bat_classes_are_near_the_truth(points):
    back = FRAMES["bat"].to_internal(FRAMES["bat"].from_internal(points))
    far = np.abs(np.linalg.norm(back, axis=-1) - np.linalg.norm(points, axis=-1))
    assert np.all(far <= 0.25 + 1e-9)
    up = np.degrees(np.arcsin(points[:, 2] / np.linalg.norm(points, axis=-1)))
    assert np.all(angle_between(back, points)[up < 89.5] < math.radians(0.71))


def test_bat_halves_go_to_the_even_class():
    at = lambda metres: FRAMES["bat"].from_internal([metres, 0, 0])[0]  # noqa: E731
    assert [at(0.25), at(0.75), at(1.25), at(1.75)] == [0, 2, 2, 4]


def test_bat_straight_up_and_down_share_a_class():
    assert FRAMES["bat"].from_internal(UP)[2] == FRAMES["bat"].from_internal(-UP)[2] == 0


def test_bat_refuses_what_it_has_no_class_for():
    with pytest.raises(ParameterError, match=r"end at 10\.25 m, got 10\.3 m"):
        FRAMES["bat"].from_internal([10.3, 0, 0])
    for classes in ([21, 0, 0], [0, 360, 0], [0, 0, 180], [-1, 0, 0], [0, 0.5, 0]):
        with pytest.raises(ParameterError, match="whole numbers below"):
            FRAMES["bat"].to_internal(classes)


@given(azimuth_deg=st.floats(-90, 90))
def test_five_way_steps_are_45_degrees(azimuth_deg):
    (direction,) = convert([azimuth_deg, 0.0, 1.0], source="dcase", target="five_way")
    assert direction == pytest.approx(3 - azimuth_deg / 45, abs=1e-9)
    assert len(FIVE_WAY_WORDS) == 5


def test_five_way_refuses_directions_outside_one_to_five():
    for direction in (0.9, 5.1):
        with pytest.raises(ParameterError, match="between 1"):
            FRAMES["five_way"].to_internal([direction])


@given(hour=st.floats(0.01, 12))
def test_clock_runs_clockwise(hour):
    assert FRAMES["clock"].from_internal(FRAMES["clock"].to_internal([hour]))[0] == pytest.approx(hour, abs=1e-9)
    later = FRAMES["clock"].to_internal([hour + 0.01])
    assert np.cross(FRAMES["clock"].to_internal([hour]), later)[2] < 0


@given(azimuth=st.floats(-20, 20))
def test_folding_keeps_left_and_right_and_is_idempotent(azimuth):
    folded = fold_to_front(azimuth)
    assert abs(folded) <= math.pi / 2 + 1e-12
    assert math.sin(folded) == pytest.approx(math.sin(azimuth), abs=1e-9)
    assert fold_to_front(folded) == pytest.approx(folded)


@pytest.mark.parametrize("azimuth_deg", [-180.0, -1e-14, 0.0, 1e-14, 179.999, 360.0, 540.0])
def test_angles_stay_within_their_turn(azimuth_deg):
    point = FRAMES["dcase"].to_internal([azimuth_deg, 0.0, 1.0])
    assert -180 <= FRAMES["dcase"].from_internal(point)[0] < 180
    assert 0 <= FRAMES["sofa"].from_internal(point)[0] < 360
    assert 0 < FRAMES["clock"].from_internal(point)[0] <= 12


@given(heading=st.sampled_from([0, 90, 180, 270]))
def test_a_soundspaces1_heading_faces_its_mesh_direction(heading):
    yaw = yaw_from_soundspaces1_heading_deg(heading)
    facing = FRAMES["soundspaces1"].from_internal([math.cos(yaw), math.sin(yaw), 0])
    # Clockwise from +y: 90 faces +x.
    np.testing.assert_allclose(facing, [math.sin(math.radians(heading)), math.cos(math.radians(heading)), 0], atol=1e-12)
    assert soundspaces1_heading_deg_from_yaw(yaw) == pytest.approx(heading)


@pytest.mark.parametrize(("rotation", "facing"), [(0, (0, 0, -1)), (90, (-1, 0, 0)), (180, (0, 0, 1)), (270, (1, 0, 0))])
def test_a_habitat_rotation_faces_its_direction(rotation, facing):
    yaw = yaw_from_habitat_rotation_deg(rotation)
    np.testing.assert_allclose(FRAMES["habitat"].from_internal([math.cos(yaw), math.sin(yaw), 0]), facing, atol=1e-12)
    assert habitat_rotation_deg_from_yaw(yaw) == pytest.approx(rotation)
    # A SoundSpaces 1 response folder is named by minus the rotation.
    assert soundspaces1_heading_deg_from_yaw(yaw) == pytest.approx(-rotation % 360)


def test_unknown_frames_and_wrong_shapes_are_named():
    with pytest.raises(ParameterError, match="unknown frame 'sofaa', did you mean 'sofa'"):
        convert([0, 0, 1], source="sofaa", target="dcase")
    with pytest.raises(ParameterError, match="3 numbers on their last axis"):
        convert([0, 0], source="sofa", target="dcase")
    with pytest.raises(ParameterError, match=r"1 numbers on their last axis \(hour\)"):
        convert([12, 0], source="clock", target="dcase")
