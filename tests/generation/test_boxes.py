"""Boxes in images as directions and distances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.attributes import SceneAttributes, SoundAttributes
from auris.errors import ParameterError
from auris.generation.boxes import Box, placed_by_boxes
from auris.generation.plan import Plan

PLAN = Plan("a dog and a cat", SceneAttributes((SoundAttributes("dog"), SoundAttributes("cat"))))


@pytest.mark.parametrize(("text", "direction"), [("0,0,2,5", 1.01), ("300,0,500,5", 3.0), ("600, 10, 800, 20.5", 4.5)])
def test_the_middle_is_the_direction(text: str, direction: float) -> None:
    width = 400 if text.startswith("0") else 800
    assert Box.parse(text).direction(width) == pytest.approx(direction)


@given(st.integers(2, 4000), st.data())
def test_directions_lie_in_the_front_half_and_mirror(width: int, data: st.DataObject) -> None:
    x0 = data.draw(st.integers(0, width - 1))
    x1 = data.draw(st.integers(x0 + 1, width))
    direction = Box(x0, 0, x1, 1).direction(width)
    assert 1 <= direction <= 5
    assert Box(width - x1, 0, width - x0, 1).direction(width) == pytest.approx(6 - direction)


def test_what_fills_the_image_is_near() -> None:
    assert [Box(0, 0, side, side).distance(100, 100) for side in (80, 30, 10)] == ["near", "moderate", "far"]


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "5,0,5,9", "9,0,5,9", "0,9,5,9", "-1,0,5,9", "nan,0,1,1", "1;2;3;4"]
)
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="a box is"):
        Box.parse(text)


def test_boxes_lie_in_the_image() -> None:
    box = Box(0, 0, 100, 50)
    for width in (99, 0, -5, float("nan"), True):
        with pytest.raises(ParameterError, match=r"image"):
            box.direction(width)
    with pytest.raises(ParameterError, match="height is 40"):
        box.distance(200, 40)


def test_sounds_go_to_their_boxes() -> None:
    plan = placed_by_boxes(PLAN, [Box(0, 0, 100, 100), Box(300, 0, 400, 300)], width=400, height=300)
    assert plan.attributes.sounds == (
        SoundAttributes("dog", 1.5, distance="moderate"),
        SoundAttributes("cat", 4.5, distance="near"),
    )
    assert len(plan.notes) == 2
    assert placed_by_boxes(PLAN, [Box(0, 0, 100, 100)], width=400).attributes.sounds[0] == SoundAttributes("dog", 1.5)


def test_a_moving_sound_begins_at_its_box() -> None:
    plan = Plan("x", SceneAttributes((SoundAttributes("dog", None, 5, "fast"),)))
    assert placed_by_boxes(plan, [Box(0, 0, 100, 100)], width=400).attributes.sounds[0] == SoundAttributes(
        "dog", 1.5, 5, "fast"
    )


def test_contradictions_are_refused() -> None:
    left = Plan("x", SceneAttributes((SoundAttributes("dog", 1),)))
    with pytest.raises(ParameterError, match=r"dog: it is said to be at 1 \(left\), but its box lies at 4.5 \(right\)"):
        placed_by_boxes(left, [Box(300, 0, 400, 100)], width=400)
    with pytest.raises(ParameterError, match=r"3 boxes for 2 sounds \(dog, cat\)"):
        placed_by_boxes(PLAN, [Box(0, 0, 1, 1)] * 3, width=400)
