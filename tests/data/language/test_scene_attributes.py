"""Attributes: what a scene is said to be, and the plain form that language models answer in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.attributes import (
    DISTANCES,
    SIZES,
    SPEEDS,
    SceneAttributes,
    SoundAttributes,
    attributes_from_plain,
    attributes_of,
    attributes_to_plain,
    direction_word,
    round_direction,
    speed_word,
)
from auris.errors import AurisError, ParameterError, SceneError
from auris.geometry.trajectories import Orbit, Static, Turning, Waypoints
from auris.scene import Event, Listener, Room, Scene, Source

directions = st.none() | st.integers(1, 5).map(float) | st.integers(10, 50).map(lambda tenths: tenths / 10)


@st.composite
def sounds(draw: st.DrawFn) -> SoundAttributes:
    label = draw(st.sampled_from(["dog", "rain", "sea_waves", "theremin", "a red car honking"]))
    if draw(st.booleans()):
        start, distance = draw(directions), draw(st.sampled_from([None, *DISTANCES]))
        return SoundAttributes(label, start, start, "still", distance, distance)
    speed = draw(st.sampled_from([None, *SPEEDS[1:]]))
    near, far = (draw(st.sampled_from([None, *DISTANCES])) for _ in range(2))
    return SoundAttributes(label, draw(directions), draw(directions), speed, near, far)


scenes = st.builds(SceneAttributes, st.lists(sounds(), min_size=1, max_size=4).map(tuple), st.sampled_from([None, *SIZES]))


@given(scenes)
def test_plain_form_round_trips(attributes: SceneAttributes) -> None:
    assert attributes_from_plain(attributes_to_plain(attributes)) == attributes


def test_plain_form_is_that_of_the_induction() -> None:
    attributes = SceneAttributes(
        (SoundAttributes("a dog", 1.0, 5.0, "fast", "near", "far"), SoundAttributes("rain", 2.7)), "large"
    )
    assert attributes_to_plain(attributes) == {
        "sound": 1,
        "size": 2,
        "objects": {
            "a dog": {"init_direction": 1, "init_dis": 3, "moving": 1, "end_direction": 5, "end_dis": 1, "speed": 3},
            "rain": {"init_direction": 2.7, "moving": 0},
        },
    }


@pytest.mark.parametrize(
    ("plain", "named"),
    [
        ([], "mapping"),
        ({"sound": 1, "sise": 2, "objects": {}}, "size"),
        ({"sound": 0, "objects": {"dog": {"moving": 0}}}, "sound"),
        ({"objects": {"dog": {}}}, "moving"),
        ({"objects": {"dog": {"moving": 2}}}, "0 or 1"),
        ({"objects": {"dog": {"moving": 0, "init_direction": 6}}}, "init_direction"),
        ({"objects": {"dog": {"moving": 0, "init_direction": "left"}}}, "init_direction"),
        ({"objects": {"dog": {"moving": 0, "init_direction": float("nan")}}}, "init_direction"),
        ({"objects": {"dog": {"moving": 0, "init_dis": 4}}}, "1 far, 2 moderate, 3 near"),
        ({"objects": {"dog": {"moving": 1, "speed": 0}}}, "speed"),
        ({"objects": {"dog": {"moving": 0, "init_direction": 1, "end_direction": 5}}}, "moving 1"),
        ({"size": 2.5, "objects": {}}, "size"),
        ({"objects": ["dog"]}, "objects"),
        ({"objects": {"": {"moving": 0}}}, "description"),
    ],
)
def test_other_forms_are_refused_by_name(plain: object, named: str) -> None:
    with pytest.raises(ParameterError, match=named):
        attributes_from_plain(plain)


@pytest.mark.parametrize(
    "values",
    [
        {"description": ""},
        {"description": "dog", "start": 0.5},
        {"description": "dog", "speed": "quick"},
        {"description": "dog", "distance": "close"},
        {"description": "dog", "start": 1.0, "end": 2.0},
        {"description": "dog", "distance": "near", "end_distance": "far"},
    ],
)
def test_impossible_sounds_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        SoundAttributes(**values)  # type: ignore[arg-type]


@given(st.floats(1, 5))
def test_rounding_is_to_the_nearest_word_and_symmetric(direction: float) -> None:
    assert abs(round_direction(direction) - direction) <= 0.5
    assert round_direction(6 - direction) == 6 - round_direction(direction)
    assert direction_word(direction) == direction_word(round_direction(direction))


def test_filling_says_everything() -> None:
    filled = SceneAttributes((SoundAttributes("dog", speed=None), SoundAttributes("rain", 1.0))).filled()
    assert filled.size == "moderate"
    assert filled.sounds[0] == SoundAttributes("dog", 3.0, 3.0, "moderate", "moderate", "moderate")
    assert filled.sounds[1] == SoundAttributes("rain", 1.0, 1.0, "still", "moderate", "moderate")


def _scene(path: object, *, room: Room | None = None, at: tuple[float, float, float] = (0, 0, 0), yaw: float = 0.0) -> Scene:
    source = Source("dog", path, (Event(0, 10),))  # type: ignore[arg-type]
    return Scene(10.0, (source,), Listener(Static(at), Turning(yaw=(yaw,))), room)


@pytest.mark.parametrize(("azimuth_deg", "direction"), [(90, 1), (45, 2), (0, 3), (-45, 4), (-90, 5), (13.5, 2.7)])
def test_direction_is_five_minus_the_angle_over_45(azimuth_deg: float, direction: float) -> None:
    azimuth = math.radians(azimuth_deg)
    scene = _scene(Static((4 * math.cos(azimuth), 4 * math.sin(azimuth), 0)))
    (sound,) = attributes_of(scene).sounds
    bewo_angle = azimuth_deg + 90  # 0 right, 90 front, 180 left
    assert sound.start == pytest.approx(direction)
    assert sound.start == pytest.approx(5 - bewo_angle / 45)
    assert not sound.moving


def test_directions_follow_the_head() -> None:
    (sound,) = attributes_of(_scene(Static((0, 5, 0)), yaw=math.pi / 2)).sounds
    assert sound.start == pytest.approx(3.0)


def test_what_is_behind_is_refused_or_folded() -> None:
    scene = _scene(Static((-3, 3, 0)))
    with pytest.raises(SceneError, match="behind"):
        attributes_of(scene)
    assert attributes_of(scene, behind="fold").sounds[0].start == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("seconds", "speed"), [(9.0, "slow"), (6.0, "moderate"), (3.0, "fast"), (0.001, "instantly"), (0.1, "instantly")]
)
def test_speed_is_the_share_of_the_clip_that_the_way_takes(seconds: float, speed: str) -> None:
    path = Waypoints((0.5, 0.5 + seconds), ((2, 2, 0), (2, -2, 0)))
    (sound,) = attributes_of(_scene(path)).sounds
    assert (sound.start, sound.end, sound.speed) == (2.0, 4.0, speed)
    assert speed_word(seconds / 10) == speed


def test_a_slight_sway_is_no_movement_but_an_approach_is() -> None:
    sway = Waypoints((0, 10), ((4, 0, 0), (4, 0.4, 0)))
    approach = Waypoints((1, 9), ((30, 0, 0), (5, 0, 0)))
    assert not attributes_of(_scene(sway)).sounds[0].moving
    (sound,) = attributes_of(_scene(approach)).sounds
    assert (sound.start, sound.end, sound.distance, sound.end_distance) == (3.0, 3.0, "moderate", "near")
    assert sound.speed == "slow"


def test_an_orbit_moves_all_the_time() -> None:
    path = Orbit((0, 3, 0), (0, 0, 0), -math.pi / 10)
    (sound,) = attributes_of(_scene(path)).sounds
    assert (sound.start, sound.end, sound.speed) == (1.0, 5.0, "slow")


@pytest.mark.parametrize(("side", "size"), [(4.0, "small"), (7.0, "moderate"), (15.0, "large")])
def test_size_and_distance_are_those_of_the_room(side: float, size: str) -> None:
    room = Room((side, side, 3.0), absorption=0.3)
    middle = (side / 2, side / 2, 1.5)
    for share, word in ((0.25, "near"), (0.5, "moderate"), (0.8, "far")):
        scene = _scene(Static((side / 2 * (1 + share), side / 2, 1.5)), room=room, at=middle)
        attributes = attributes_of(scene)
        assert attributes.size == size
        assert attributes.sounds[0].distance == word


def test_outdoors_has_a_reach_of_its_own() -> None:
    scene = _scene(Static((20, 0, 0)))
    assert attributes_of(scene).size == "outdoors"
    assert attributes_of(scene).sounds[0].distance == "moderate"
    assert attributes_of(scene, reach=25.0).sounds[0].distance == "far"


def test_errors_are_of_the_library() -> None:
    with pytest.raises(AurisError):
        SceneAttributes(size="huge")  # type: ignore[arg-type]
    assert np.isfinite(SoundAttributes("dog", np.float64(2.0)).start)  # type: ignore[arg-type]
