"""Rooms with trails: everything inside the walls, angular speeds as asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.made_sets.room_drawing import RoomRanges
from auris.data.made_sets.trail_rooms import TrailRanges, TrailRoom, moving_way, resting_place
from auris.errors import SceneError
from auris.geometry import angles

SPEEDS = (10.0, 20.0, 40.0)


def ranges(**changes: Any) -> TrailRanges:
    given_: dict[str, Any] = {
        "rooms": RoomRanges((5.0, 12.0), (5.0, 10.0), (2.5, 5.0), (0.3, 0.9), (0.2, 0.8)),
        "listener_place": (0.4, 0.6),
        "listener_height": (1.2, 1.7),
        "trails": 2,
        "heights": 9,
        "distance": (1.0, 4.0),
        "elevation_deg": (-45.0, 45.0),
        "wall_margin": 0.3,
        "linear_share": 0.0,
    }
    return TrailRanges(**{**given_, **changes})


def seen(room: TrailRoom, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return angles(points - np.asarray(room.listener))


@given(st.integers(0, 10_000), st.sampled_from([0.0, 1.0]))
def test_all_of_every_trail_keeps_its_distance_from_the_walls(seed: int, linear: float) -> None:
    room = ranges(linear_share=linear).draw(np.random.default_rng(seed))
    low, high = np.full(3, 0.3 - 1e-3), np.asarray(room.room.dimensions) - 0.3 + 1e-3
    for trail in room.trails:
        assert len(trail.heights) == 9
        for azimuth in np.linspace(-trail.reach, trail.reach, 50):
            for height in trail.heights:
                point = np.asarray(room.listener) + trail.offset(float(azimuth), height)
                assert np.all((point >= low) & (point <= high))


@given(st.integers(0, 10_000), st.floats(0.0, 30.0), st.floats(3.1, 12.0))
def test_on_a_circle_sources_turn_at_the_speed_asked_for(seed: int, onset: float, seconds: float) -> None:
    rng = np.random.default_rng(seed)
    room = ranges().draw(rng)
    way, speed = moving_way(room, onset, onset + seconds, SPEEDS, rng)
    assert speed in SPEEDS
    times = onset + np.array([0.0, 0.1])
    azimuth, elevation, distance = seen(room, way.at(times))
    turned = np.degrees(np.abs((azimuth[1] - azimuth[0] + np.pi) % (2 * np.pi) - np.pi))
    assert turned == pytest.approx(speed * 0.1, abs=0.05)
    assert elevation[0] == pytest.approx(elevation[1], abs=1e-6)
    assert distance[0] == pytest.approx(distance[1], abs=1e-6)


@given(st.integers(0, 10_000), st.floats(3.1, 40.0))
def test_on_a_line_the_speed_is_lowered_where_the_trail_is_short(seed: int, seconds: float) -> None:
    rng = np.random.default_rng(seed)
    room = ranges(linear_share=1.0).draw(rng)
    way, speed = moving_way(room, 2.0, 2.0 + seconds, SPEEDS, rng)
    points = way.at(np.linspace(2.0, 2.0 + seconds, 101))
    x, y, z = (points - np.asarray(room.listener)).T
    assert np.ptp(x) < 1e-3
    assert np.ptp(z) < 1e-3
    azimuth = np.unwrap(np.arctan2(y, np.abs(x)))
    assert np.degrees(abs(azimuth[-1] - azimuth[0])) == pytest.approx(speed * seconds, abs=0.2)
    assert speed in SPEEDS or min(np.degrees(2 * trail.reach) for trail in room.trails) / seconds < 10.0 + 1e-6


def test_sources_rest_on_trails() -> None:
    rng = np.random.default_rng(0)
    room = ranges().draw(rng)
    distances = {round(trail.distance, 3) for trail in room.trails}
    for _ in range(50):
        offset = resting_place(room, rng).at(0.0) - np.asarray(room.listener)
        assert any(abs(np.hypot(offset[0], offset[1]) - d) < 1e-3 for d in distances)


def test_both_kinds_of_trails_come_in_the_share_asked_for() -> None:
    kinds = [ranges(linear_share=0.3).draw(np.random.default_rng(seed)).trails[0].kind for seed in range(300)]
    assert kinds.count("linear") / 300 == pytest.approx(0.3, abs=0.08)


def test_rooms_without_space_are_refused() -> None:
    with pytest.raises(SceneError, match="no room has space for circular trails at"):
        ranges(distance=(7.0, 8.0)).draw(np.random.default_rng(0))
