"""Any scene survives being written down; anything else is refused with the place and the nearest known key."""

import json
import math

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auris.errors import SceneError
from auris.geometry import Orbit, Static, Turning, Waypoints
from auris.scene import DIRECTIVITIES, FORMAT_VERSION, Background, Event, Listener, Room, Scene, Sound, Source

DURATION = 20.0
ROOM = (8.0, 6.0, 4.0)


def decimals(low, high, places=3):
    return st.integers(math.ceil(low * 10**places), math.floor(high * 10**places)).map(lambda n: n / 10**places)


inside = st.tuples(*[decimals(0.5, size - 0.5) for size in ROOM])
angle = decimals(-3, 3)


@st.composite
def moves(draw):
    times = sorted(draw(st.lists(decimals(0, DURATION, 1), min_size=1, max_size=4, unique=True)))
    return Waypoints(tuple(times), tuple(draw(inside) for _ in times))


@st.composite
def arcs(draw):
    """Around a centre in the middle of the room, close enough to stay inside."""
    centre = tuple(size / 2 for size in ROOM)
    off = st.tuples(decimals(0.5, 1.0), decimals(-1, 1), decimals(-0.5, 0.5))
    points = [tuple(c + o for c, o in zip(centre, draw(off), strict=True)) for _ in range(3)]
    return draw(st.sampled_from([Waypoints((0.0, 1.0, 5.5), tuple(points), centre), Orbit(points[0], centre, draw(angle))]))


@st.composite
def turnings(draw):
    count = draw(st.integers(1, 3))
    return Turning(tuple(float(i) for i in range(count)), *[tuple(draw(angle) for _ in range(count)) for _ in range(3)])


sounds = st.one_of(
    st.none(),
    st.builds(Sound, file=st.text(min_size=1, max_size=12), start=decimals(0, 5)),
    st.builds(Sound, synthesis=st.sampled_from(["rain", "speech"]), seed=st.integers(0, 2**40)),
)


@st.composite
def events(draw):
    times = sorted(draw(st.lists(decimals(0, DURATION, 2), min_size=2, max_size=6, unique=True)))
    return tuple(
        Event(a, b, draw(sounds), draw(st.one_of(st.none(), decimals(-80, 0))), draw(st.one_of(st.none(), decimals(0, 1))))
        for a, b in zip(times[::2], times[1::2], strict=False)
    )


paths = st.one_of(st.builds(Static, inside), moves(), arcs())
sources = st.builds(
    Source,
    st.text(min_size=1, max_size=10).filter(str.strip),
    paths,
    events(),
    st.sampled_from(DIRECTIVITIES),
    st.one_of(st.none(), inside),
)
absorption = st.one_of(decimals(0, 1), st.tuples(*[decimals(0, 1)] * 6))
rooms = st.one_of(
    st.none(),
    st.builds(Room, st.just(ROOM), t60=st.one_of(decimals(0.1, 3), st.lists(decimals(0.1, 3), min_size=6, max_size=7))),
    st.builds(Room, st.just(ROOM), absorption=absorption, scattering=decimals(0, 1), air_absorption=st.booleans()),
    st.builds(
        Room, st.just(ROOM), materials=st.sampled_from(["brick", ("a", "b", "c", "d", "e", "f")]), humidity=decimals(0, 100)
    ),
)
backgrounds = st.builds(
    Background, st.one_of(st.none(), decimals(0, 60)), st.one_of(st.none(), decimals(0, 60)), st.sampled_from(["white", "pink"])
)
scenes = st.builds(
    Scene,
    st.just(DURATION),
    st.lists(sources, max_size=3).map(tuple),
    st.builds(Listener, paths, turnings()),
    rooms,
    backgrounds,
    st.integers(0, 2**62),
    st.text(max_size=12),
)


def same(first, second):
    """Equal, but for angles that went through degrees."""
    times = np.linspace(0, DURATION, 9)
    for name in ("duration", "room", "background", "seed", "name"):
        assert getattr(first, name) == getattr(second, name)
    np.testing.assert_allclose(first.listener.path.at(times), second.listener.path.at(times), atol=1e-9)
    np.testing.assert_allclose(
        first.listener.turning.at(times).as_matrix(), second.listener.turning.at(times).as_matrix(), atol=1e-9
    )
    for a, b in zip(first.sources, second.sources, strict=True):
        assert (a.label, a.events, a.directivity, a.facing) == (b.label, b.events, b.directivity, b.facing)
        np.testing.assert_allclose(a.path.at(times), b.path.at(times), atol=1e-9)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scene=scenes)
def test_any_scene_survives_json_and_yaml(scene):
    plain = scene.to_dict()
    same(Scene.from_dict(json.loads(json.dumps(plain))), scene)
    same(Scene.from_dict(yaml.safe_load(yaml.safe_dump(plain))), scene)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scene=scenes)
def test_writing_down_twice_changes_nothing(scene):
    once = Scene.from_dict(scene.to_dict())
    assert Scene.from_dict(once.to_dict()).to_dict().keys() == once.to_dict().keys()
    same(Scene.from_dict(once.to_dict()), once)


def plain_scene(**changes):
    """A good scene, but for the changes."""
    changes = {"listener": {"position": [1, 1, 1]}, **changes}
    source = {"label": "dog", "position": [2, 1, 1], "onset": 0, "offset": 1}
    return {"duration": 2.0, "sources": [source | changes.pop("source", {})], **changes}


def test_the_short_form_reads():
    assert Scene.from_dict(plain_scene(room={"dimensions": [5, 4, 3], "t60": 0.5})).room == Room((5, 4, 3), t60=0.5)
    scene = Scene.from_dict(plain_scene(source={"sound": "bark.wav", "level_db": -20}))
    (source,) = scene.sources
    assert source.path == Static((2, 1, 1))
    assert source.events == (Event(0, 1, Sound("bark.wav"), -20),)
    assert Scene.from_dict({"duration": 1}) == Scene(1)


def test_a_direction_is_seen_by_the_listener():
    listener = {"position": [1, 1, 1], "orientation": {"yaw_deg": 90}}
    place = {"direction": {"azimuth_deg": 0, "elevation_deg": 0, "distance": 2}}
    scene = Scene.from_dict(
        {"duration": 2, "listener": listener, "sources": [{"label": "dog", "onset": 0, "offset": 1, **place}]}
    )
    np.testing.assert_allclose(scene.sources[0].path.position, (1, 3, 1), atol=1e-12)
    (track,) = scene.tracks([0])
    np.testing.assert_allclose([track.azimuth[0], track.distance[0]], [0, 2], atol=1e-12)


def test_directions_through_time_run_along_great_circles():
    points = [{"time": 0, "azimuth_deg": 0, "distance": 2}, {"time": 4, "azimuth_deg": 90, "distance": 2}]
    scene = Scene.from_dict({"duration": 4, "sources": [{"label": "car", "directions": points, "onset": 0, "offset": 4}]})
    (track,) = scene.tracks([2.0])
    np.testing.assert_allclose([np.degrees(track.azimuth[0]), track.distance[0]], [45, 2], atol=1e-9)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "scene must be a mapping"),
        (None, "scene must be a mapping"),
        ({}, "the key 'duration'"),
        ({"duration": 1, "sorces": []}, "scene: unknown key 'sorces', did you mean 'sources'"),
        ({"duration": 1, "sources": {}}, None),
        ({"duration": 1, "sources": "dog"}, "'sources' must be a list"),
        ({"duration": 1, "sources": ["dog"]}, "source 0 must be a mapping"),
        ({"duration": "1"}, "scene duration must be a number"),
        (plain_scene(source={"labl": "x"}), "source 0: unknown key 'labl', did you mean 'label'"),
        (plain_scene(source={"path": {"position": [0, 0, 0]}}), "say once where it is"),
        (plain_scene(source={"events": []}), "give 'events', or onset and offset"),
        (plain_scene(source={"position": [1, 2]}), "position must be three finite numbers"),
        (plain_scene(source={"onset": 3}), "must end after it begins"),
        (plain_scene(source={"sound": {"fil": "a.wav"}}), "source 0 event 0 sound: unknown key 'fil', did you mean 'file'"),
        (plain_scene(room={"dimension": [5, 4, 3]}), "room: unknown key 'dimension', did you mean 'dimensions'"),
        (plain_scene(room={"t60": 0.5}), "room: missing 1 required positional argument: 'dimensions'"),
        (plain_scene(listener={"positon": [0, 0, 0]}), "listener: unknown key 'positon', did you mean 'position'"),
        (plain_scene(listener={"position": [0, 0, 0], "path": {"position": [0, 0, 0]}}), "either 'path' or 'position'"),
        (plain_scene(listener={"orientation": {"yaw": 0}}), "an orientation has the keys"),
        (plain_scene(background={"diffuse_snr": 3}), "background: unknown key 'diffuse_snr', did you mean 'diffuse_snr_db'"),
        ({"duration": 1, "sources": [{"label": "d", "onset": 0, "offset": 1}]}, "say once where it is"),
        ({"duration": 1, "sources": [{"position": [1, 0, 0], "onset": 0, "offset": 1}]}, "the key 'label'"),
        ({"duration": 1, "sources": [{"label": "d", "position": [1, 0, 0], "events": {}}]}, "'events' must be a list"),
    ],
)
def test_anything_else_is_refused_with_its_place(plain, message):
    if message is None:
        assert Scene.from_dict(plain).sources == ()
        return
    with pytest.raises(SceneError, match=message):
        Scene.from_dict(plain)


@pytest.mark.parametrize(
    "plain",
    [
        plain_scene(source={"direction": {"distance": -1}}),
        plain_scene(source={"position": None}),
        plain_scene(source={"onset": None}),
        plain_scene(source={"sound": 3}),
        plain_scene(source={"sound": {"file": 3}}),
        plain_scene(source={"label": None}),
        plain_scene(source={"facing": 3}),
        plain_scene(seed="x"),
        plain_scene(room="hall"),
        plain_scene(room={"dimensions": 3, "t60": 1}),
        plain_scene(room={"dimensions": [5, 4, 3], "t60": [[1]]}),
        plain_scene(room={"dimensions": [5, 4, 3], "materials": 3}),
        plain_scene(room={"dimensions": [5, 4, 3], "absorption": ["a"] * 6}),
        plain_scene(room={"dimensions": [5, 4, 3], "absorption": {"other": "a"}}),
        plain_scene(room={"dimensions": [5, 4, 3], "t60": 0.5, "air_absorption": "maybe"}),
        plain_scene(listener=3),
        plain_scene(listener={"path": 3}),
        plain_scene(listener={"path": {"start": [1, 0, 0], "centre": [0, 0, 0], "angular_speed_deg": "fast"}}),
        plain_scene(listener={"orientation": 3}),
        plain_scene(listener={"orientation": {"yaw_deg": "left"}}),
        plain_scene(listener={"orientation": {"yaw_deg": [[1]]}}),
        plain_scene(listener={"orientation": {"yaw_deg": None}}),
        plain_scene(background={"colour": ["pink"]}),
        {"duration": 1, "sources": [{"label": "d", "directions": 3, "onset": 0, "offset": 1}]},
        {"duration": 1, "sources": [{"label": "d", "directions": [], "onset": 0, "offset": 1}]},
        {"duration": 1, "sources": [{"label": "d", "directions": [{"time": "x"}], "onset": 0, "offset": 1}]},
        {"duration": 1, "sources": [{"label": "d", "times": 0, "positions": [[1, 0, 0]], "onset": 0, "offset": 1}]},
        {"duration": 1, "sources": [{"label": "d", "times": [0], "positions": 3, "onset": 0, "offset": 1}]},
        {"duration": 1, "sources": [{"label": "d", "position": [1, 0, 0], "events": [{"onset": 0}]}]},
        {"duration": 1, "sources": [{1: 2}]},
    ],
)
def test_nonsense_never_escapes_as_another_error(plain):
    with pytest.raises(SceneError):
        Scene.from_dict(plain)


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, "1", None])
def test_other_versions_are_refused(version):
    with pytest.raises(SceneError, match=f"version {version!r} is not known here .*reads 1 to {FORMAT_VERSION}.*update auris"):
        Scene.from_dict({"version": version, "duration": 1})


def test_a_file_has_the_lowest_version_that_holds_its_scene():
    plain = Scene(1.0, background=Background(diffuse_snr_db=10.0)).to_dict()
    assert plain["version"] == 1
    for background in (
        Background(sensor_snr_db=3.0, snr_channel="left"),
        Background(ambience="hall/a", ambience_snr_db=6.0, ambience_start=1.5, snr_channel="mean"),
    ):
        later = Scene(1.0, background=background).to_dict()
        assert later["version"] == 2
        assert Scene.from_dict(later).background == background
    assert Scene.from_dict({"version": 1, "duration": 1.0}) == Scene.from_dict({"version": 2, "duration": 1.0})
