"""Reading what people write about where sounds are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.attributes import SoundAttributes
from auris.data.language.parsing import parse, parse_with_remarks
from auris.data.language.prompt_wording import seconds_said

Sound = SoundAttributes


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("a dog barks on the left", [Sound("dog", 1)]),
        ("On the left, a dog barks.", [Sound("dog", 1)]),
        ("A DOG BARKING LEFT", [Sound("dog", 1)]),
        ("A dog barks at front-left of the scene", [Sound("dog", 2)]),
        ("dog barking, front left", [Sound("dog", 2)]),
        ("a dog barks to the left of the front", [Sound("dog", 2)]),
        ("a dog barks ahead on the right", [Sound("dog", 4)]),
        ("a dog barks straight ahead", [Sound("dog", 3)]),
        ("a dog barks right in front of you", [Sound("dog", 3)]),
        ("a dog is barking in the centre", [Sound("dog", 3)]),
        ("a dog barks on the right-hand side", [Sound("dog", 5)]),
        ("a dog barks from the right", [Sound("dog", 5)]),
        ("the barking of a dog comes from the front right", [Sound("dog", 4)]),
        ("there is a dog barking located at the front right of the scene", [Sound("dog", 4)]),
        ("a dog barks 30 degrees to the right", [Sound("dog", 3.6667)]),
        ("a dog barks at about 45° left", [Sound("dog", 2)]),
        ("a dog barks far left", [Sound("dog", 1)]),
        ("a distant dog barks on the left", [Sound("dog", 1, distance="far")]),
        ("a dog barks close by", [Sound("dog", distance="near")]),
        ("a dog barks", [Sound("dog")]),
        ("a dog moves towards left", [Sound("dog", None, 1, None)]),
        ("a dog barking, moving from left to right", [Sound("dog", 1, 5, None)]),
        ("a dog barks while it moves from left to right slowly", [Sound("dog", 1, 5, "slow")]),
        ("a hound howls and quickly runs from the left to the front", [Sound("a hound howls", 1, 3, "fast")]),
        ("a dog barks, moving from front right to front left at a moderate speed", [Sound("dog", 4, 2, "moderate")]),
        ("a dog barks on the left, then suddenly on the right", [Sound("dog", 1, 5, "instantly")]),
        ("a dog barks on the left then instantly jumps to the right", [Sound("dog", 1, 5, "instantly")]),
        ("the dog starts on the left and ends up on the right", [Sound("dog", 1, 5, None)]),
        ("a dog barks on the left and moves to the right", [Sound("dog", 1, 5, None)]),
        ("a dog moves away from the left", [Sound("dog", 1, None, None)]),
        ("a car drives by from right to left very fast", [Sound("a car drives", 5, 1, "fast")]),
        ("a plane flies overhead from left to right", [Sound("a plane flies", 1, 5, None)]),
        ("a big truck idles nearby on the left", [Sound("a big truck idles", 1, distance="near")]),
    ],
)
def test_one_sound(text: str, sounds: list[Sound]) -> None:
    assert list(parse(text).sounds) == sounds


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("a dog barks on the left while rain falls on the right", [Sound("dog", 1), Sound("rain", 5)]),
        ("a dog barks on the left and rain falls on the right", [Sound("dog", 1), Sound("rain", 5)]),
        ("as a dog barks on the left, rain falls on the right", [Sound("dog", 1), Sound("rain", 5)]),
        ("a dog barks on the left, then rain falls on the right", [Sound("dog", 1), Sound("rain", 5)]),
        ("a dog barks on the left; on the right, rain falls", [Sound("dog", 1), Sound("rain", 5)]),
        ("A dog barks on the left. Rain falls.", [Sound("dog", 1), Sound("rain")]),
        ("a dog barks and rain falls on the right", [Sound("dog"), Sound("rain", 5)]),
        ("a dog barking on the left with rain on the right", [Sound("dog", 1), Sound("rain", 5)]),
        ("a hound on the left, a cat on the right", [Sound("a hound", 1), Sound("cat", 5)]),
        ("a man and a woman argue on the left", [Sound("a man and a woman argue", 1)]),
        (
            "a dog barks on the left, a cat meows in front and rain falls while a bell rings on the right",
            [Sound("dog", 1), Sound("cat", 3), Sound("rain"), Sound("bell", 5)],
        ),
        ("two dogs on the left, and the dogs move to the right", [Sound("two dogs", 1, 5, None)]),
        ("a dog and a cat on the left", [Sound("dog", 1), Sound("cat", 1)]),
        ("soft rain everywhere, a dog barking to the right", [Sound("soft rain"), Sound("dog", 5)]),
        ("two dogs barking, one on the left and one on the right", [Sound("dogs barking", 1), Sound("dogs barking", 5)]),
        ("a dog barks on the left and another on the right", [Sound("dog", 1), Sound("dog", 5)]),
        ("a dog barks to my right and a second dog barks to my left", [Sound("dog", 5), Sound("dog", 1)]),
        ("Left: dog barking. Right: rain.", [Sound("dog", 1), Sound("rain", 5)]),
        ("dog barking left cat meowing right", [Sound("dog", 1), Sound("cat", 5)]),
        ("a clock ticking to the left of a crackling fire", [Sound("clock_tick", 1), Sound("crackling_fire")]),
        (
            "a dog on the left and a cat on the right, both nearby",
            [Sound("dog", 1, distance="near"), Sound("cat", 5, distance="near")],
        ),
        ("dog (left), cat (right)", [Sound("dog", 1), Sound("cat", 5)]),
        ("on my left a fire crackles, on my right someone is speaking", [Sound("crackling_fire", 1), Sound("speech", 5)]),
        ("a cat meows to the left. A dog answers from the right.", [Sound("cat", 1), Sound("a dog answers", 5)]),
    ],
)
def test_several_sounds(text: str, sounds: list[Sound]) -> None:
    assert list(parse(text).sounds) == sounds


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("a car zooms by, left to right", Sound("a car", 1, 5, "fast")),
        ("police siren moving quickly right-to-left", Sound("police siren", 5, 1, "fast")),
        ("a man talking, panning from left to right", Sound("male_speech", 1, 5, None)),
        ("footsteps walking slowly from my left ear to my right ear", Sound("footsteps walking", 1, 5, "slow")),
        ("a dog barking, starting left ending right", Sound("dog", 1, 5, None)),
        ("a dog starts barking on my left, then the barking jumps to my right", Sound("dog", 1, 5, "instantly")),
        ("an airplane takes off on the left and flies away to the right", Sound("an airplane takes off", 1, 5, None)),
        ("a bike approaches from the left, passes in front and disappears to the right", Sound("a bike", 1, 5, None)),
        ("a bike approaches from the left", Sound("a bike", 1, None, None, None, "near")),
        ("a bike drives from the right into the distance on the left", Sound("a bike drives", 5, 1, None, None, "far")),
        ("the dog is on the left. it barks. then it runs quickly to the right.", Sound("dog", 1, 5, "fast")),
        ("a chainsaw starts up on the right, then stops", Sound("a chainsaw starts up", 5)),
        ("a siren gets closer from the right", Sound("siren", 5, None, None, None, "near")),
        ("a lion roaring to the far left, moving closer", Sound("a lion roaring", 1, None, None, None, "near")),
        ("the chainsaw moves left", Sound("chainsaw", None, 1, None)),
        ("a car drives off to the right", Sound("a car drives", None, 5, None)),
        ("a ball bouncing from left to right", Sound("a ball bouncing", 1, 5, None)),
        ("a motorbike racing away from left to the far right", Sound("a motorbike", 1, 5, "fast")),
        ("from the left, we hear a helicopter which slowly flies to the right", Sound("a helicopter flies", 1, 5, "slow")),
        ("a helicopter circling", Sound("helicopter", None, None, None)),
        ("Two people chatting to my left", Sound("two people chatting", 1)),
        ("a baby crying in front of me, slightly to the left", Sound("crying_baby", 2)),
        ("a dog barks in front of me, on the right", Sound("dog", 4)),
        ("The rooster crows, centre-left", Sound("rooster", 2)),
        ("a dog barks left of centre", Sound("dog", 2)),
        ("a dog barks at nine o'clock", Sound("dog", 1)),
        ("a dog barks at 2 o'clock", Sound("dog", 4.3333)),
        ("a rooster crows at direction 2.5", Sound("rooster", 2.5)),
        ("a dog barks at 0 degrees", Sound("dog", 3)),
        ("a man speaks softly into my left ear", Sound("male_speech", 1)),
        ("someone talking right next to my left ear", Sound("speech", 1, distance="near")),
        ("a guitar panned hard left", Sound("guitar", 1)),
        ("a dog barks behind a door on the left", Sound("dog", 1)),
        ("Put a chainsaw at 45 degrees to the left", Sound("chainsaw", 2)),
        ("I want to hear waves crashing on my right side", Sound("waves crashing", 5)),
        ("Please make a 5 second clip of a dog barking on the left", Sound("dog", 1)),
        ("audio of a child laughing at the front-right", Sound("a child laughing", 4)),
    ],
)
def test_as_people_ask_for_it(text: str, sound: Sound) -> None:
    assert parse(text).sounds == (sound,)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a dog barks behind me", "behind"),
        ("a dog barks at 5 o'clock", "behind"),
        ("a dog barks 120 degrees to the left", "behind"),
        ("a dog barks on the left and on the right", "places"),
        ("birds sing on both sides", "places"),
        ("a dog on the right moves from the left to the front", "places"),
        ("a plane flies overhead from left to right", "height"),
        ("birds chirping top left", "height"),
        ("a bee buzzing around my head", "around"),
        ("a dog runs from left to right and back", "way"),
        ("a dog moves back and forth between left and right", "way"),
        ("a dog barks at 30 degrees", "side"),
        ("outdoors, a dog barks in a small room", "sizes"),
        ("a dog moves slowly and quickly from left to right", "speeds"),
    ],
)
def test_what_attributes_cannot_hold_is_told(text: str, kind: str) -> None:
    attributes, remarks = parse_with_remarks(text)
    assert [remark.kind for remark in remarks] == [kind]
    assert len(attributes.sounds) == 1


def test_plain_prompts_need_no_remark() -> None:
    for text in ("a dog barks in front of me, slightly to the left", "a dog barks on the left, then runs to the right"):
        assert parse_with_remarks(text)[1] == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("a 5-second clip of rain", 5.0),
        ("ten seconds of rain", 10.0),
        ("rain on the left for 7.5 seconds", 7.5),
        ("a half minute of rain", None),
        ("rain every five seconds", None),
        ("a clock strikes ten", None),
        ("a one minute recording of rain", 60.0),
    ],
)
def test_lengths_that_are_asked_for(text: str, seconds: float | None) -> None:
    assert seconds_said(text) == seconds


@pytest.mark.parametrize("text", ["a dog barks behind you", "a dog barks at the back left", "a dog barks in the rear"])
def test_what_is_behind_is_not_guessed(text: str) -> None:
    assert parse(text).sounds == (Sound("dog"),)


@pytest.mark.parametrize(
    "text", ["a front door slams", "someone takes a left turn", "a left-handed drummer plays", "right now a dog barks"]
)
def test_words_for_sides_that_are_no_directions(text: str) -> None:
    (sound,) = parse(text).sounds
    assert sound.start is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("a dog barks outdoors", "outdoors"),
        ("In an open field, a dog barks on the left", "outdoors"),
        ("in a large hall a dog barks", "large"),
        ("a dog barks in a very small room", "small"),
        ("a dog barks in a medium-sized room", "moderate"),
        ("a small dog barks in a room", None),
        ("music plays in a large concert hall", "large"),
        ("inside a small wooden room a dog barks", "small"),
        ("a dog barks in the forest", "outdoors"),
        ("someone talks in a cathedral", "large"),
    ],
)
def test_size_of_the_place(text: str, size: str | None) -> None:
    attributes = parse(text)
    assert attributes.size == size
    assert len(attributes.sounds) == 1


def test_labels_give_the_descriptions() -> None:
    assert parse("the hound barks on the left", labels=("dog", "cat")).sounds == (Sound("dog", 1),)
    assert parse("a church bell tolling on the left", labels=("church_bells",)).sounds == (Sound("church_bells", 1),)
    assert parse("a dog barks", labels=("dog_bark",)).sounds == (Sound("dog_bark"),)
    assert parse("a person makes a noise", labels=("dog", "cat")).sounds == (Sound("a person makes a noise"),)


def test_distances_of_a_way() -> None:
    text = "a dog barks, moving from far away on the left to close by on the right"
    assert parse(text).sounds == (Sound("dog", 1, 5, None, "far", "near"),)
    assert parse("a dog moves from left to right in the distance").sounds == (Sound("dog", 1, 5, None, "far", "far"),)


@given(st.text(max_size=120))
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "dog",
                ",",
                "left",
                "right",
                "to",
                "from",
                "the",
                "and",
                "while",
                "moves",
                "far",
                "away",
                "in",
                "front",
                "of",
                ".",
                "room",
                "large",
            ]
        ),
        max_size=25,
    )
)
def test_any_order_of_words_is_read_without_an_error(words: list[str]) -> None:
    parse(" ".join(words))


def test_nothing_said_is_nothing_read() -> None:
    assert parse("").sounds == ()
    assert parse("on the left").sounds == ()
