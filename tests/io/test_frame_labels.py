"""Scenes as frames and back: what is labelled when, and nothing lost."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.errors import FormatError, ParameterError
from auris.geometry import Orbit, Static, Turning, Waypoints, angle_between
from auris.io.frame_labels import FrameLabels, join_labels, renumbered, round_half_away, rows_to_scene, scene_to_rows
from auris.scene import Event, Listener, Scene, Source

VOCABULARY = ("cat", "dog", "rain")


def dog(*events, path=None):
    return Source("dog", path or Static((1.0, 1.0, 0.0)), events)


def frames_of(*events, duration=3.0):
    return scene_to_rows(Scene(duration, (dog(*events),)), VOCABULARY).frame.tolist()


@pytest.mark.parametrize(
    ("event", "frames"),
    [
        (Event(0.0, 0.3), [0, 1, 2]),
        (Event(0.04, 0.26), [0, 1, 2]),  # both outer centres, 0.05 and 0.25, are covered
        (Event(0.06, 0.24), [1]),
        (Event(0.05, 0.15), [0]),  # from the onset to before the offset
        (Event(0.11, 0.14), [1]),  # covers no centre: the frame of its middle
        (Event(2.95, 3.0), [29]),
    ],
)
def test_a_frame_is_active_when_its_centre_is(event, frames):
    assert frames_of(event) == frames


def test_a_scene_shorter_than_a_frame_has_one():
    assert frames_of(Event(0, 0.02), duration=0.02) == [0]


def test_neighbouring_events_share_no_frame_twice():
    assert frames_of(Event(0.0, 0.12), Event(0.13, 0.14), Event(0.15, 0.3)) == [0, 1, 2]


def test_other_hops():
    rows = scene_to_rows(Scene(1.0, (dog(Event(0.2, 0.7)),)), VOCABULARY, hop=0.02)
    assert rows.hop == 0.02
    assert (rows.frame.min(), rows.frame.max(), len(rows)) == (10, 34, 25)


def test_directions_are_those_at_the_centre_of_the_frame():
    orbit = Orbit((2.0, 0.0, 0.0), (0.0, 0.0, 0.0), math.radians(90))
    rows = scene_to_rows(Scene(1.0, (dog(Event(0, 1), path=orbit),)), VOCABULARY)
    np.testing.assert_allclose(np.degrees(rows.azimuth), 90 * (np.arange(10) + 0.5) / 10, atol=1e-9)
    np.testing.assert_allclose(rows.distance, 2, atol=1e-12)


def test_labels_are_what_a_turning_listener_hears():
    listener = Listener(Static((1.0, 0.0, 0.0)), Turning(yaw=(math.pi / 2,)))
    rows = scene_to_rows(Scene(1.0, (dog(Event(0, 1)),), listener=listener), VOCABULARY)
    np.testing.assert_allclose(rows.positions, np.broadcast_to([1, 0, 0], (10, 3)), atol=1e-12)


def test_rows_are_sorted_and_tracks_number_the_sources():
    scene = Scene(1.0, (dog(Event(0.5, 1)), Source("cat", Static((1, 0, 0)), (Event(0, 1),)), dog(Event(0, 0.2))))
    rows = scene_to_rows(scene, VOCABULARY)
    assert np.all(np.diff(rows.frame) >= 0)
    assert sorted(set(zip(rows.track.tolist(), rows.class_index.tolist(), strict=True))) == [(0, 1), (1, 0), (2, 1)]
    assert rows.labels == VOCABULARY


moving = st.builds(
    lambda a, b: Waypoints((0.0, 2.0), (tuple(a), tuple(b)), around=(0, 0, 0)),
    *[st.tuples(st.floats(0.5, 3), st.floats(-3, 3), st.floats(-1, 1))] * 2,
)
times = st.lists(st.integers(0, 20), min_size=2, max_size=6, unique=True).map(sorted)


@st.composite
def sources(draw):
    edges = draw(times)
    events = tuple(Event(a / 10, b / 10) for a, b in zip(edges[::2], edges[1::2], strict=False))
    path = draw(st.one_of(moving, st.just(Static((0.0, -2.0, 0.5)))))
    return Source(draw(st.sampled_from(VOCABULARY)), path, events)


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(sources(), max_size=4))
def test_rows_of_a_scene_of_rows_are_the_rows(parts):
    rows = scene_to_rows(Scene(2.0, tuple(parts)), VOCABULARY)
    again = scene_to_rows(rows_to_scene(rows, VOCABULARY, duration=2.0), VOCABULARY)
    assert len(again) == len(rows)
    # Sources are numbered anew, so compare without the number.
    columns = [np.column_stack([r.frame, r.class_index, r.positions.round(6)]) for r in (rows, again)]
    np.testing.assert_allclose(*[c[np.lexsort(c.T[::-1])] for c in columns], atol=1e-5)


def test_a_gap_makes_two_events_of_one_source():
    rows = FrameLabels([0, 1, 2, 7, 8], [1] * 5, azimuth=[0.5] * 5, elevation=[0] * 5, distance=[2] * 5)
    (source,) = rows_to_scene(rows, VOCABULARY).sources
    assert [(e.onset, e.offset) for e in source.events] == [(0.0, 0.3), (0.7, 0.9)]
    assert isinstance(source.path, Static)


def test_rows_without_numbers_are_told_apart_by_direction():
    """Two sources of one class on track 0 that swap their places in the file."""
    frames = np.repeat(np.arange(20), 2)
    left, right = np.linspace(0.5, 1.5, 20), np.linspace(-0.5, -1.5, 20)
    swapped = [(a, b) if k % 3 else (b, a) for k, (a, b) in enumerate(zip(left, right, strict=True))]
    rows = FrameLabels(frames, np.ones(40), azimuth=np.ravel(swapped), elevation=np.zeros(40), distance=np.full(40, 2.0))
    found = rows_to_scene(rows, VOCABULARY).sources
    assert len(found) == 2
    for source in found:
        centres = (np.arange(20) + 0.5) / 10
        steps = angle_between(source.path.at(centres)[:-1], source.path.at(centres)[1:])
        assert steps.max() < 0.1


def test_a_missing_distance_is_said_and_zero_is_near():
    rows = FrameLabels([0, 1], [0, 0], azimuth=[0.0, 0.1])
    np.testing.assert_allclose(np.linalg.norm(rows_to_scene(rows, VOCABULARY, distance=3.0).sources[0].path.at(0.0)), 3)
    at_zero = FrameLabels([0, 1], [0, 0], azimuth=[0.0, 0.1], elevation=[0, 0], distance=[0, 0])
    assert 0 < np.linalg.norm(rows_to_scene(at_zero, VOCABULARY).sources[0].path.at(0.0)) < 0.01


def test_no_rows_are_silence():
    assert rows_to_scene(FrameLabels(), VOCABULARY).sources == ()
    assert rows_to_scene(FrameLabels(), VOCABULARY, duration=5).duration == 5
    assert len(scene_to_rows(Scene(5), VOCABULARY)) == 0
    assert len(join_labels([])) == 0


def test_classes_can_be_renumbered_by_name():
    rows = scene_to_rows(Scene(1.0, (dog(Event(0, 1)),)), VOCABULARY)
    assert set(renumbered(rows, ["rain", "dog"]).class_index) == {1}
    with pytest.raises(ParameterError, match="the vocabulary lacks 'dog'"):
        renumbered(rows, ["rain"])


@given(value=st.integers(-1000, 1000))
def test_halves_round_away_from_zero(value):
    assert round_half_away(value + 0.5) == (value + 1 if value >= 0 else value)
    assert round_half_away(value) == value
    assert round_half_away(np.degrees(np.radians(value + 0.5))) == round_half_away(value + 0.5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FrameLabels([0, 1], [0], azimuth=[0, 0]), ParameterError, r"one value per row \(2\), but class_index"),
        (lambda: FrameLabels([-1], [0], azimuth=[0]), ParameterError, "frame numbers count from 0, got -1"),
        (lambda: FrameLabels([0], [0], azimuth=[math.nan]), ParameterError, "azimuths must be finite"),
        (lambda: FrameLabels([0], [0], azimuth=[0], hop=0), ParameterError, "more than 0 seconds"),
        (lambda: scene_to_rows(Scene(1), VOCABULARY, hop=math.inf), ParameterError, "more than 0 seconds"),
        (
            lambda: scene_to_rows(Scene(1, (dog(Event(0, 1)),)), ["dogs"]),
            ParameterError,
            "unknown class 'dog', did you mean 'dogs'",
        ),
        (lambda: rows_to_scene(FrameLabels([0], [3], azimuth=[0]), VOCABULARY), FormatError, "class number 3 has no name"),
        (lambda: rows_to_scene(FrameLabels([30], [0], azimuth=[0]), VOCABULARY, duration=2), FormatError, "until 3.1 s"),
    ],
)
def test_impossible_labels_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
