import math

import pytest

from auris.geometry import Static, Waypoints
from auris.metrics.event_pairs import pair_events
from auris.scene import Event, Scene, Source


def source(label, azimuth_deg, onset, offset, distance=2.0):
    azimuth = math.radians(azimuth_deg)
    position = (distance * math.cos(azimuth), distance * math.sin(azimuth), 0.0)
    return Source(label, Static(position), (Event(onset, offset),))


def test_a_scene_answers_itself():
    scene = Scene(6, (source("dog", 10, 0, 2), source("dog", 90, 3, 5), source("rain", -40, 1, 6)))
    for pair in pair_events(scene, scene):
        assert pair.true == pair.heard
        assert pair.angle == pytest.approx(0, abs=1e-12)


def test_misses_and_false_alarms_stand_alone():
    pairs = pair_events(Scene(4, (source("dog", 0, 0, 1),)), Scene(4, (source("cat", 0, 0, 1),)))
    assert [(pair.true is None, pair.heard is None) for pair in pairs] in (
        [(False, True), (True, False)],
        [(True, False), (False, True)],
    )
    assert all(math.isnan(pair.angle) for pair in pairs)


def test_overlapping_events_of_one_class_go_to_the_nearer_direction():
    reference = Scene(4, (source("dog", 60, 0, 2), source("dog", -60, 0, 2)))
    heard = Scene(4, (source("dog", -50, 0, 2), source("dog", 50, 0, 2)))
    assert [math.degrees(pair.angle) for pair in pair_events(reference, heard)] == pytest.approx([10, 10])


def test_error_is_the_mean_over_a_path():
    moving = Source("dog", Waypoints((0.0, 4.0), ((2.0, 0.0, 0.0), (0.0, 2.0, 0.0)), around=(0, 0, 0)), (Event(0, 4),))
    (pair,) = pair_events(Scene(4, (moving,)), Scene(4, (source("dog", 0, 0, 4),)))
    assert math.degrees(pair.angle) == pytest.approx(45, abs=1)
    assert pair.distance_error == pytest.approx(0, abs=1e-9)
