"""Reading what people write about where sounds are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.attributes import SoundAttributes
from auris.data.language.parsing import parse

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
        ("two dogs on the left, and the dogs move to the right", [Sound("two dogs", 1), Sound("the dogs", None, 5, None)]),
    ],
)
def test_several_sounds(text: str, sounds: list[Sound]) -> None:
    assert list(parse(text).sounds) == sounds


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
