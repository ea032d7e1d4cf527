"""Plans: read strictly, written for people, and the same again; what engines are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.attributes import DISTANCES, SIZES, SPEEDS, SceneAttributes, SoundAttributes
from auris.errors import FormatError, ParameterError
from auris.generation.plan import Plan, label_for, metres, plan_with, read_plan, request_of, write_plan
from auris.generation.unsaid import completed

DOG = SoundAttributes("dog", 1.0, 5.0, "fast", "near", "far")

directions = st.none() | st.integers(1, 5).map(float) | st.floats(1, 5)
texts = st.text(min_size=1).filter(lambda text: bool(text.strip()))


@st.composite
def sounds(draw: st.DrawFn) -> SoundAttributes:
    if draw(st.booleans()):
        return SoundAttributes(draw(texts), draw(directions), None, "still", draw(st.sampled_from([None, *DISTANCES])))
    near, far = (draw(st.sampled_from([None, *DISTANCES])) for _ in range(2))
    return SoundAttributes(
        draw(texts), draw(directions), draw(directions), draw(st.sampled_from([None, *SPEEDS[1:]])), near, far
    )


plans = st.builds(
    Plan,
    texts,
    st.builds(SceneAttributes, st.lists(sounds(), min_size=1, max_size=4).map(tuple), st.sampled_from([None, *SIZES])),
    st.floats(0.01, 600),
    texts,
    st.lists(texts, max_size=2).map(tuple),
)


@given(plans)
def test_a_plan_is_the_same_after_its_file(plan: Plan) -> None:
    assert Plan.from_dict(plan.to_dict()) == plan
    assert Plan.from_dict(yaml.safe_load(plan.to_yaml())) == plan


@given(plans)
def test_every_plan_can_be_asked_for(plan: Plan) -> None:
    request = request_of(plan)
    assert [sound.description for sound in request.sounds] == [sound.description for sound in plan.attributes.sounds]
    for asked, said in zip(request.sounds, plan.attributes.sounds, strict=True):
        assert said.start in (None, asked.start)
        assert said.end in (None, asked.end)
        assert (asked.share == 0) == (not said.moving)
    assert None not in [value for sound in completed(plan.attributes).sounds for value in vars(sound).values()]


@pytest.mark.parametrize("name", ["plan.yaml", "plan.json"])
def test_files_are_read_back(tmp_path: Path, name: str) -> None:
    plan = Plan("Ein Hund – läuft", SceneAttributes((DOG,), "small"), 5.0, "gpt-4o", ("a note",))
    write_plan(tmp_path / name, plan)
    assert read_plan(tmp_path / name) == plan
    assert "läuft" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_file_is_easily_read_by_people() -> None:
    text = Plan("a dog runs", SceneAttributes((DOG, SoundAttributes("rain", 2.5)), "small")).to_yaml()
    assert "- {what: dog, from: left, to: right, speed: fast, distance: near, to_distance: far}\n" in text
    assert "- {what: rain, from: 2.5}\n" in text
    assert "room: small\nby: grammar\n" in text


def test_what_people_write_is_understood() -> None:
    plan = Plan.from_dict(
        {
            "sounds": [
                "rain",
                {"what": "dog", "from": "front-left", "to": "30 degrees right"},
                {"what": "cat", "from": 2, "speed": 0},
                {"what": "car", "to": "4.5", "speed": 3},
            ]
        }
    )
    rain, dog, cat, car = plan.attributes.sounds
    assert rain == SoundAttributes("rain")
    assert dog == SoundAttributes("dog", 2.0, 3.6667, None)
    assert cat == SoundAttributes("cat", 2.0)
    assert car == SoundAttributes("car", None, 4.5, "fast")
    assert plan.by == "file"
    assert all(word in plan.prompt.lower() for word in ("rain", "dog", "cat", "car"))


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        ({"what": "dog", "form": 1}, "sound 1: unknown key 'form', did you mean 'from'"),
        ({"from": 1}, "sound 1: 'what'"),
        ({"what": " "}, "sound 1: 'what'"),
        ({"what": "dog", "from": "lefft"}, r"sound 1 \(dog\): 'from': got 'lefft', did you mean 'left'"),
        ({"what": "dog", "to": "behind"}, r"'to': only the front half"),
        ({"what": "dog", "from": 6}, "'from': got 6"),
        ({"what": "dog", "from": True}, "'from': got True"),
        ({"what": "dog", "from": float("nan")}, "'from': got nan"),
        ({"what": "dog", "from": "30 degrees"}, "to the left or right"),
        ({"what": "dog", "from": "100 degrees left"}, "0 .front. to 90"),
        ({"what": "dog", "speed": "quick"}, "'speed': got 'quick'"),
        ({"what": "dog", "speed": 1.5}, "0 still, 1 slow"),
        ({"what": "dog", "distance": "close"}, "'distance': unknown distance 'close'"),
        ({"what": "dog", "from": 1, "to": 5, "speed": "still"}, "'speed' is still, but 'to' is 5"),
        ({"what": "dog", "distance": "near", "to_distance": "far", "speed": 0}, "'to_distance' is 'far'"),
        (3, "sound 1 must be a mapping"),
    ],
)
def test_mistakes_are_named(sound: Any, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        Plan.from_dict({"sounds": [sound]})


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"sounds": []}, "nothing sounds"),
        ({"sounds": ["a", "b", "c", "d", "e"]}, r"5 sounds \(a, b, c, d, e\) are more than the 4"),
        ({"sounds": "dog"}, "'sounds' must be a list"),
        ({}, "'sounds' must be a list"),
        ({"sounds": ["dog"], "seconds": 0}, "seconds must be above 0"),
        ({"sounds": ["dog"], "seconds": 601}, "at most 600, got 601"),
        ({"sounds": ["dog"], "seconds": "long"}, "got 'long'"),
        ({"sounds": ["dog"], "room": "tiny"}, "'room': unknown size 'tiny'"),
        ({"sounds": ["dog"], "prompt": ""}, "prompt"),
        ({"sounds": ["dog"], "notes": "x"}, "'notes'"),
        ({"sounds": ["dog"], "sound": 1}, "did you mean 'sounds'"),
        (["dog"], "must be a mapping"),
    ],
)
def test_impossible_plans_are_refused(record: Any, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        Plan.from_dict(record)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("sounds: [{what: dog, from: up}]")
    with pytest.raises(ParameterError, match=r"plan\.yaml: sound 1 \(dog\): 'from'"):
        read_plan(tmp_path / "plan.yaml")
    with pytest.raises(FormatError, match="no such file"):
        read_plan(tmp_path / "none.yaml")


def test_words_become_numbers() -> None:
    (dog,) = request_of(Plan("x", SceneAttributes((DOG,), "small"), 5.0)).sounds
    assert (dog.start, dog.end, dog.share) == (1.0, 5.0, 0.3)
    assert (dog.distance, dog.end_distance) == (metres("near", "small"), metres("far", "small")) == (0.5, 1.6)
    shares = {
        speed: request_of(Plan("x", SceneAttributes((SoundAttributes("dog", 1, 5, speed),)))).sounds[0].share
        for speed in SPEEDS[1:]
    }
    assert shares == {"slow": 0.9, "moderate": 0.6, "fast": 0.3, "instantly": -0.5}


@pytest.mark.parametrize(
    ("sound", "filled"),
    [
        (SoundAttributes("dog"), SoundAttributes("dog", 3, 3, "still", "moderate", "moderate")),
        (SoundAttributes("dog", None, 1, None), SoundAttributes("dog", 3, 1, "moderate", "moderate", "moderate")),
        (SoundAttributes("dog", None, 3, None), SoundAttributes("dog", 1, 3, "moderate", "moderate", "moderate")),
        (SoundAttributes("dog", 1, None, "fast"), SoundAttributes("dog", 1, 5, "fast", "moderate", "moderate")),
        (SoundAttributes("dog", 3, None, "slow"), SoundAttributes("dog", 3, 5, "slow", "moderate", "moderate")),
        (SoundAttributes("dog", 1, None, None, None, "near"), SoundAttributes("dog", 1, 1, "moderate", "far", "near")),
        (SoundAttributes("dog", None, None, None, "near", "far"), SoundAttributes("dog", 3, 3, "moderate", "near", "far")),
        (SoundAttributes("dog", None, None, None), SoundAttributes("dog", 3, 3, "moderate", "moderate", "moderate")),
    ],
)
def test_what_is_not_said_is_filled_in(sound: SoundAttributes, filled: SoundAttributes) -> None:
    assert completed(SceneAttributes((sound,))) == SceneAttributes((filled,), "outdoors")


def test_what_is_filled_in_is_told() -> None:
    plan = Plan("x", SceneAttributes((SoundAttributes("dog", 1, None, None), SoundAttributes("rain", 2, distance="far"))))
    assert plan.assumed == ("dog: ends on the right, moves at a moderate speed, at a moderate distance", "the place: outdoors")
    assert Plan("x", SceneAttributes((DOG,), "small")).assumed == ()


# ── attributes beside the prompt ─────────────────────────────────────────────────────────────────────────────────────


def test_attributes_beside_a_prompt() -> None:
    (dog,) = plan_with("a dog barks nearby", from_direction=1.25, to_direction=4.5, speed=3).attributes.sounds
    assert dog == SoundAttributes("dog", 1.25, 4.5, "fast", "near", "near")
    (still,) = plan_with("a dog barks", from_direction="front left").attributes.sounds
    assert still == SoundAttributes("dog", 2)
    (default,) = plan_with("a dog barks", from_direction=1, to_direction=5).attributes.sounds
    assert default.speed == "moderate"
    assert plan_with("a dog barks", from_direction=1).by == "attributes"


def test_several_sounds_take_several_values() -> None:
    plan = plan_with("a dog barks while rain falls", from_direction=[1, 5], to_direction=[4, 5], speed=[1, 0])
    assert plan.attributes.sounds == (SoundAttributes("dog", 1, 4, "slow"), SoundAttributes("rain", 5))
    twice = plan_with("a dog barks", from_direction=[1, 5])
    assert [sound.start for sound in twice.attributes.sounds] == [1, 5]
    assert "2 times" in twice.notes[0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"from_direction": [1, 2, 3]}, "given for 3 sounds, but the prompt names 2"),
        ({"from_direction": [1, 2], "to_direction": [1]}, "from_direction has 2 values, but to_direction 1"),
        ({"from_direction": [1, 2], "to_direction": [5, 2], "speed": [0, 0]}, "speed is still, but it goes from 1 to 5"),
        ({"from_direction": [1, 2], "speed": [2, 0]}, "where it goes, is not given"),
        ({"from_direction": [0.5, 2]}, "dog: from_direction: got 0.5"),
        ({"from_direction": [5, 2]}, "the prompt says that it begins on the left, but on the right is given"),
        ({"from_direction": [1, 2], "speed": [7, 0]}, "dog: speed: got 7"),
    ],
)
def test_contradictions_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        plan_with("a dog barks on the left while rain falls", **given)


@pytest.mark.parametrize(
    ("description", "label"),
    [
        ("a puppy yapping", "dog"),
        ("two dogs barking", "dog"),
        ("female_speech", "speech"),
        ("a man shouts a speech", "speech"),
        ("it's raining", "rain"),
        ("a person sneezing", "sneezing"),
        ("a child laughing", None),
        ("footsteps", None),
        ("zebra", None),
    ],
)
def test_classes_of_descriptions(description: str, label: str | None) -> None:
    labels = ("dog", "speech", "rain", "sneezing")
    if label is None:
        with pytest.raises(ParameterError, match=f"unknown sound '{description}'.*Accepted: dog"):
            label_for(description, labels)
    else:
        assert label_for(description, labels) == label
