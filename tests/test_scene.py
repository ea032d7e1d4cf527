"""Scenes refuse what contradicts itself or physics, and say where everything is as the listener hears it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import SceneError
from auris.geometry import Static, Turning, Waypoints
from auris.scene import Background, Event, Listener, Room, Scene, Sound, Source

EVENT = Event(0, 1)


def dog(position=(1.0, 0.0, 0.0), *events, **options):
    return Source("dog", Static(position), events or (EVENT,), **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Room((5, 4)), "room dimensions must be three finite numbers"),
        (lambda: Room((5, 4, 0.1), t60=0.5), "between 0.5 and 1000 metres"),
        (lambda: Room((5, 4, 3)), "exactly one of t60, absorption, materials; got none"),
        (lambda: Room((5, 4, 3), t60=0.5, absorption=0.2), "got t60 and absorption"),
        (lambda: Room((5, 4, 3), t60=0.01), "room t60 must lie between 0.05 and 30"),
        (lambda: Room((5, 4, 3), t60="long"), "room t60 must be a number"),
        (lambda: Room((5, 4, 3), t60=math.nan), "room t60 must lie between"),
        (lambda: Room((5, 4, 3), absorption=1.2), "room absorption must lie between 0 and 1"),
        (lambda: Room((5, 4, 3), absorption=(0.1, 0.2)), "one value or one per wall .* got 2"),
        (lambda: Room((5, 4, 3), materials={"flor": "carpet", "other": "brick"}), "unknown wall 'flor', did you mean 'floor'"),
        (lambda: Room((5, 4, 3), materials={"floor": "carpet"}), "nothing said for x0, x1, y0, y1, ceiling"),
        (lambda: Room((5, 4, 3), t60=0.5, temperature=100), "room temperature must lie between -30 and 60 °C"),
        (lambda: Room((5, 4, 3), t60=0.5, scattering=True), "room scattering must be a number, got True"),
        (Sound, "exactly one of the two"),
        (lambda: Sound(file="a.wav", synthesis="rain"), "exactly one of the two"),
        (lambda: Sound(file="a.wav", seed=-1), "seed is a whole number"),
        (lambda: Sound(file="a.wav", start=-1), "sound start must lie between 0"),
        (lambda: Event(1, 1), "must end after it begins"),
        (lambda: Event(-0.5, 1), "event onset must lie between 0"),
        (lambda: Event(0, math.inf), "must end after it begins"),
        (lambda: Event(0, 1, level_db=99), "event level_db must lie between -150 and 30 dB"),
        (lambda: Event(0, 1, confidence=1.5), "event confidence must lie between 0 and 1"),
        (lambda: Event("0", 1), "event onset must be a number, got '0'"),
        (lambda: Source("", Static((1, 0, 0)), (EVENT,)), "needs a class label"),
        (lambda: Source("dog", Static((1, 0, 0)), ()), "source 'dog' has no events"),
        (lambda: dog((1, 0, 0), Event(0, 2), Event(1, 3)), "two events of source 'dog' overlap at 1 s"),
        (lambda: dog(directivity="cardiod"), "unknown directivity 'cardiod', did you mean 'cardioid'"),
        (lambda: dog(facing=(0, 1)), "facing must be three finite numbers"),
        (lambda: Background(diffuse_snr_db=300), "background diffuse_snr_db must lie between -60 and 200 dB"),
        (lambda: Background(colour="brown"), "white or pink"),
        (lambda: Background(ambience="hall"), "ambience and ambience_snr_db belong together"),
        (lambda: Background(ambience_snr_db=3.0), "ambience and ambience_snr_db belong together"),
        (lambda: Background(ambience="hall", ambience_snr_db=3.0, ambience_start=-1.0), "ambience_start must lie between 0"),
        (lambda: Background(snr_channel=""), "background snr_channel is given by name"),
        (lambda: Scene(0), "scene duration must lie between"),
        (lambda: Scene(math.inf), "scene duration must lie between"),
        (lambda: Scene(1, seed=-3), "a scene's seed"),
        (lambda: Scene(0.5, (dog(),)), r"source 0 \(dog\) sounds until 1 s, the scene ends at 0.5 s"),
        (
            lambda: Scene(2, (dog(),), room=Room((5, 4, 3), t60=0.5)),
            r"the listener is at \[0.0, 0.0, 0.0\] at 0.00 s, outside the room",
        ),
    ],
)
def test_bad_parts_are_refused_by_name(make, message):
    with pytest.raises(SceneError, match=message):
        make()


def test_a_path_that_leaves_the_room_is_found():
    listener = Listener(Static((2, 2, 1)))
    path = Waypoints((0, 4), ((1, 1, 1), (9, 1, 1)))
    with pytest.raises(SceneError, match=r"source 0 \(car\) is at .* at 2\.\d\d s, outside the room"):
        Scene(4, (Source("car", path, (EVENT,)),), listener=listener, room=Room((5, 4, 3), t60=0.5))


def test_walls_by_name_and_by_the_rest():
    room = Room((5, 4, 3), materials={"floor": "carpet", "walls": "brick", "other": "plaster"})
    assert room.materials == ("brick", "brick", "brick", "brick", "carpet", "plaster")
    assert Room((5, 4, 3), absorption={"x1": 0.9, "other": 0.1}).absorption == (0.1, 0.9, 0.1, 0.1, 0.1, 0.1)


def test_events_are_sorted_and_labels_are_listed_once():
    scene = Scene(
        9, (dog((1, 0, 0), Event(5, 6), Event(1, 2)), dog((2, 0, 0)), Source("cat", Static((1, 1, 0)), (Event(0.5, 4),)))
    )
    assert [event.onset for _, event in scene.events()] == [0, 0.5, 1, 5]
    assert scene.labels == ("cat", "dog")


@given(azimuth=st.floats(-3.1, 3.1), elevation=st.floats(-1.5, 1.5), distance=st.floats(0.1, 50), yaw=st.floats(-3, 3))
def test_a_turned_listener_hears_directions_turned_back(azimuth, elevation, distance, yaw):
    position = distance * np.array(
        [math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth), math.sin(elevation)]
    )
    ears = (3.0, -2.0, 1.5)
    listener = Listener(Static(ears), Turning(yaw=(yaw,)))
    scene = Scene(2, (dog(tuple(position + ears)),), listener=listener)
    (track,) = scene.tracks([0.0, 0.5, 1.5])
    np.testing.assert_allclose(np.cos(track.azimuth - (azimuth - yaw)), 1, atol=1e-9)
    np.testing.assert_allclose(track.elevation, elevation, atol=1e-9)
    np.testing.assert_allclose(track.distance, distance, atol=1e-9)
    assert track.active.tolist() == [True, True, False]


def test_a_listener_who_walks_past_hears_the_source_pass():
    walk = Waypoints((0, 4), ((-2, 0, 0), (2, 0, 0)))
    scene = Scene(4, (dog((0, 2, 0)),), listener=Listener(walk))
    (track,) = scene.tracks([0, 2, 4])
    np.testing.assert_allclose(np.degrees(track.azimuth), [45, 90, 135], atol=1e-9)


def test_an_event_counts_from_its_onset_to_before_its_offset():
    scene = Scene(3, (dog((1, 0, 0), Event(0.3, 0.6)),))
    (track,) = scene.tracks(np.arange(10) / 10)
    assert np.nonzero(track.active)[0].tolist() == [3, 4, 5]


def test_scenes_are_values_and_copies_are_checked():
    scene = Scene(3, (dog(),), name="one")
    assert scene == Scene(3, (dog(),), name="one")
    assert scene.with_(name="two").name == "two"
    with pytest.raises(SceneError):
        scene.with_(duration=0.5)
