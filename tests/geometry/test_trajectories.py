"""Paths through time: they hit their points, move as said, rest outside, and survive being written down."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import SceneError
from auris.geometry import Orbit, Static, Turning, Waypoints, angle_between, trajectory_from_dict

number = st.floats(-20, 20).map(lambda x: round(x, 4))
point = st.tuples(number, number, number)


@st.composite
def waypoints(draw, around=None):
    times = sorted(draw(st.lists(st.integers(0, 500), min_size=1, max_size=5, unique=True)))
    far = point.filter(lambda p: around is None or math.dist(p, around) > 0.05)
    positions = draw(st.lists(far, min_size=len(times), max_size=len(times)))
    return Waypoints(tuple(t / 10 for t in times), tuple(positions), around)


CENTRE = (0.5, -0.25, 1.0)
paths = st.one_of(
    st.builds(Static, point),
    waypoints(),
    waypoints(around=CENTRE),
    st.builds(Orbit, point, point, st.floats(-6, 6).map(lambda x: round(x, 4))),
)


@given(path=paths)
def test_a_path_survives_being_written_down(path):
    back = trajectory_from_dict(path.to_dict())
    times = np.linspace(-1, 60, 33)
    assert type(back) is type(path)
    np.testing.assert_allclose(back.at(times), path.at(times), atol=1e-9)
    assert back.moves == path.moves


@given(path=paths)
def test_shapes_and_finiteness(path):
    assert path.at(1.0).shape == (3,)
    assert path.at(np.zeros((2, 5))).shape == (2, 5, 3)
    assert np.all(np.isfinite(path.at(np.linspace(-5, 100, 50))))


@given(path=paths)
def test_a_path_that_does_not_move_stays(path):
    if not path.moves:
        spread = np.ptp(path.at(np.linspace(0, 60, 50)), axis=0)
        np.testing.assert_allclose(spread, 0, atol=1e-9)


@given(path=st.one_of(waypoints(), waypoints(around=CENTRE)))
def test_waypoints_hit_their_knots_and_rest_outside(path):
    np.testing.assert_allclose(path.at(path.times), path.positions, atol=1e-7)
    np.testing.assert_allclose(path.at(path.times[0] - 3), path.positions[0], atol=1e-7)
    np.testing.assert_allclose(path.at(path.times[-1] + 3), path.positions[-1], atol=1e-7)


@given(path=waypoints())
def test_straight_legs_have_constant_speed(path):
    for start, stop in itertools.pairwise(path.times):
        legs = np.diff(path.at(np.linspace(start, stop, 9)), axis=0)
        np.testing.assert_allclose(legs, np.broadcast_to(legs[0], legs.shape), atol=1e-9)


@given(path=waypoints(around=CENTRE))
def test_legs_around_a_centre_turn_evenly_and_never_cut_the_corner(path):
    for start, stop in itertools.pairwise(path.times):
        local = path.at(np.linspace(start, stop, 9)) - np.asarray(CENTRE)
        distance = np.linalg.norm(local, axis=1)
        np.testing.assert_allclose(np.diff(distance, n=2), 0, atol=1e-7)
        turns = angle_between(local[:-1], local[1:])
        np.testing.assert_allclose(turns, turns[0], atol=1e-6)
        assert distance.min() >= min(distance[0], distance[-1]) - 1e-7


@given(start=point, centre=point, speed=st.floats(-6, 6))
def test_an_orbit_keeps_distance_and_height(start, centre, speed):
    orbit = Orbit(start, centre, speed)
    local = orbit.at(np.linspace(0, 20, 101)) - np.asarray(centre)
    np.testing.assert_allclose(np.linalg.norm(local, axis=1), math.dist(start, centre), atol=1e-9)
    np.testing.assert_allclose(local[:, 2], start[2] - centre[2], atol=1e-12)
    np.testing.assert_allclose(orbit.at(-3.0), start, atol=1e-12)


def test_an_orbit_with_positive_speed_runs_counter_clockwise():
    np.testing.assert_allclose(Orbit((1, 0, 0), (0, 0, 0), math.pi / 2).at(1.0), [0, 1, 0], atol=1e-12)


@given(yaw=st.lists(st.floats(-3, 3), min_size=2, max_size=4))
def test_turning_hits_its_knots_and_rests_outside(yaw):
    times = tuple(float(t) for t in range(len(yaw)))
    turning = Turning(times, tuple(yaw))
    ahead = turning.at(np.asarray(times)).apply([1, 0, 0])
    np.testing.assert_allclose(ahead, [[math.cos(y), math.sin(y), 0] for y in yaw], atol=1e-9)
    np.testing.assert_allclose(turning.at(-5.0).apply([1, 0, 0]), ahead[0], atol=1e-9)
    np.testing.assert_allclose(turning.at(99.0).apply([1, 0, 0]), ahead[-1], atol=1e-9)


@given(
    yaw=st.lists(st.floats(-3, 3), min_size=1, max_size=4),
    pitch=st.floats(-1.5, 1.5),
    roll=st.floats(-3, 3),
)
def test_turning_survives_being_written_down(yaw, pitch, roll):
    turning = Turning(tuple(float(t) for t in range(len(yaw))), tuple(yaw), (pitch,), (roll,))
    back = Turning.from_dict(turning.to_dict())
    times = np.linspace(0, 4, 9)
    np.testing.assert_allclose(back.at(times).as_matrix(), turning.at(times).as_matrix(), atol=1e-9)


def test_turning_is_even_between_knots():
    turning = Turning((0.0, 2.0), (0.0, 1.0))
    np.testing.assert_allclose(turning.at(0.5).apply([1, 0, 0]), [math.cos(0.25), math.sin(0.25), 0], atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Static((0, 0)), "position must be three finite numbers"),
        (lambda: Static((0, 0, math.nan)), "position must be three finite numbers"),
        (lambda: Static("here"), "position must be three finite numbers"),
        (lambda: Waypoints((), ()), "waypoint times must be a rising list"),
        (lambda: Waypoints((1, 0), ((0, 0, 0), (1, 0, 0))), "waypoint times must be a rising list"),
        (lambda: Waypoints((0, 1), ((0, 0, 0),)), "2 waypoint times but 1 positions"),
        (lambda: Waypoints((0, 1), ((0, 0, 0), (0, 1))), "waypoint 1 must be three finite numbers"),
        (lambda: Waypoints((0,), ((1, 1, 1),), around=(1, 1, 1)), "lies on the centre"),
        (lambda: Orbit((1, 0, 0), (0, 0, 0), math.inf), "angular speed must be finite"),
        (lambda: Turning((0.0, 1.0), (0.0, 1.0, 2.0)), "yaw needs one finite angle per time"),
        (lambda: Turning((0.0, 0.0)), "orientation times must be a rising list"),
        (lambda: trajectory_from_dict({"positon": [0, 0, 0]}), "cannot tell the kind of path"),
        (lambda: Turning.from_dict({"yaw": 3}), "an orientation has the keys"),
    ],
)
def test_bad_paths_are_refused_by_name(make, message):
    with pytest.raises(SceneError, match=message):
        make()
