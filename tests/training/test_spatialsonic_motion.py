"""Ways of BEWO-1M's sources, told of whole clips and of parts of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_sonic import record, still

from auris.models.generating import SoundRequest
from auris.training.spatialsonic_motion import SourceMotion, Window, direction_of, motions

FRAMES = 12_000
WHOLE = Window()


def told(window: Window = WHOLE, *, begins: Any = "centred", directions: Any = "classes", **changes: Any) -> SoundRequest:
    found = motions(record("a", **changes), directions=directions, begins=begins)
    assert found is not None
    return found[0].request(window, frames=FRAMES, description="a dog")


def test_a_whole_clip_is_told_as_published() -> None:
    moving = told()
    assert (moving.start, moving.end, moving.share) == (1.0, 5.0, 0.5)
    jumping = told(raw_speed=("instantly",), change_step=(0.3,), speed_ratio=(0.4,))
    assert (jumping.start, jumping.end, jumping.share) == (1.0, 5.0, -0.3)
    resting = told(raw_speed=("still",), raw_end=(1,), end=((8.0, 10.0, 1.5, 0.2),), end_angle=(180.0,))
    assert (resting.start, resting.end, resting.share) == (1.0, 1.0, 0.0)


def test_angles_say_more_than_classes() -> None:
    near = told(directions="angles", start_angle=(66.9,), raw_start=(3,))
    assert near.start == pytest.approx(5 - 66.9 / 45)
    assert told(start_angle=(66.9,), raw_start=(3,)).start == 3.0


@pytest.mark.parametrize(
    ("window", "start", "end", "share"),
    [
        (Window(0.0, 0.25), 1.0, 1.0, 0.0),  # before it begins
        (Window(0.75, 1.0), 5.0, 5.0, 0.0),  # after it has ended
        (Window(0.25, 0.75), 1.0, 5.0, 1.0),  # all of it, and nothing else
        (Window(0.0, 0.5), 1.0, 3.0, 0.5),  # its first half: straight ahead, on a line through the middle of the microphones
    ],
)
def test_a_part_of_a_clip_has_the_part_of_the_movement_that_falls_into_it(
    window: Window, start: float, end: float, share: float
) -> None:
    ahead = {"start": ((8.0, 12.0, 1.5, 0.2),), "end": ((12.0, 12.0, 1.5, 0.2),)}
    found = told(window, **ahead)
    assert (found.start, found.share) == (pytest.approx(start), pytest.approx(share))
    assert found.end == pytest.approx(end)


def test_a_jump_is_told_where_it_happens() -> None:
    jump = {"raw_speed": ("instantly",), "change_step": (0.6,)}
    assert told(Window(0.5, 1.0), **jump).share == pytest.approx(-0.2)
    before, after = told(Window(0.0, 0.5), **jump), told(Window(0.7, 1.0), **jump)
    assert (before.start, before.end, before.share) == (1.0, 1.0, 0.0)
    assert (after.start, after.end, after.share) == (5.0, 5.0, 0.0)


def test_recorded_movements_begin_where_the_record_says() -> None:
    early = told(Window(0.0, 0.5), begins="recorded", move_start_time=(0,))
    assert (early.start, early.end, early.share) == (1.0, 5.0, 1.0)
    late = told(Window(0.0, 0.5), begins="recorded", move_start_time=(FRAMES,))  # so late that it would not end in the clip
    assert (late.start, late.end, late.share) == (1.0, 1.0, 0.0)


def test_distances_are_metres_from_the_middle_of_the_microphones() -> None:
    found = told(end=((13.0, 10.0, 1.5, 0.2),))
    assert (found.distance, found.end_distance) == (2.0, 3.0)


def test_more_sources_than_a_generator_takes_are_not_told() -> None:
    lists = ("meta", "start", "end", "change_step", "raw_start", "raw_end", "start_angle", "end_angle", "raw_speed",
             "speed_ratio", "move_start_time", "raw_audio_path")  # fmt: skip
    one = still("a", 2)
    assert motions(record("a", **{name: getattr(one, name) * 4 for name in lists}), directions="classes", begins="centred")
    crowd = record("a", **{name: getattr(one, name) * 5 for name in lists})
    assert motions(crowd, directions="classes", begins="centred") is None


@settings(max_examples=40)
@given(
    begin=st.floats(0, 0.9),
    length=st.floats(0.05, 1),
    takes=st.floats(0.01, 1),
    place=st.tuples(st.floats(-5, 5), st.floats(0.1, 5)),
    other=st.tuples(st.floats(-5, 5), st.floats(0.1, 5)),
)
def test_parts_join_without_jumps(
    begin: float, length: float, takes: float, place: tuple[float, float], other: tuple[float, float]
) -> None:
    motion = SourceMotion(place, other, (direction_of(*place), direction_of(*other)), takes, None, 0.0)
    middle = min(begin + length, 1.0)
    if middle <= begin:
        return
    first = motion.request(Window(0.0, middle), frames=FRAMES, description="a")
    second = motion.request(Window(middle, 1.0), frames=FRAMES, description="a") if middle < 1 else None
    whole = motion.request(WHOLE, frames=FRAMES, description="a")
    assert first.start == pytest.approx(whole.start)
    if second is not None:
        assert second.start == pytest.approx(first.end, abs=1e-5)
    assert 0 <= first.share <= 1
