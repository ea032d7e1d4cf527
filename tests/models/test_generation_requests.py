"""What is asked of models that write sound: values that are checked, and movements through a clip."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.geometry.frames import FRAMES
from auris.models.generating import GenerationRequest, SoundRequest

DIRECTIONS = st.floats(1, 5)


@given(DIRECTIONS, DIRECTIONS, st.floats(-1, 1).filter(lambda share: abs(share) > 1e-6))
def test_a_movement_goes_from_its_start_to_its_end_and_never_back(start, end, share):
    sound = SoundRequest("dog", start, end, share)
    path = sound.direction(np.linspace(0, 1, 101))
    assert path[-1] == pytest.approx(end)
    assert path[0] == pytest.approx(start)
    assert np.all(np.diff(path) * (end - start) >= -1e-12)


def test_a_movement_takes_its_share_in_the_middle_of_the_clip_and_a_jump_no_time():
    moving, jumping = SoundRequest("dog", 1, 5, 0.4), SoundRequest("dog", 1, 5, -0.4)
    assert moving.direction([0.3, 0.5, 0.7]).tolist() == pytest.approx([1, 3, 5])
    assert jumping.direction([0.39, 0.41]).tolist() == [1, 5]
    assert SoundRequest("dog", 2, 2).direction([0, 1]).tolist() == [2, 2]


def test_directions_are_those_of_the_five_way_frame():
    front_left = FRAMES["five_way"].to_internal([SoundRequest("dog", 2, 2).start])
    assert math.degrees(math.atan2(front_left[1], front_left[0])) == pytest.approx(45)


def test_the_distance_stays_unless_it_is_said_to_change():
    assert SoundRequest("dog", 2, 2, distance=3).end_distance == 3
    assert SoundRequest("dog", 2, 2, share=0.5, distance=3, end_distance=1).end_distance == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"description": " "}, "empty"),
        ({"start": 0.9}, "1 \\(left\\) over 3 \\(front\\) to 5"),
        ({"end": 6}, "end of 'dog' is 6"),
        ({"start": math.nan}, "start must be a finite number"),
        ({"start": "left"}, "start must be a finite number"),
        ({"start": True}, "start must be a finite number"),
        ({"share": 1.5}, "0 \\(still\\) to 1"),
        ({"share": -2}, "got -2"),
        ({"distance": 0.0}, "more than 0 m"),
        ({"distance": -1}, "more than 0 m"),
        ({"end": 4}, "is still .* begins at 2 .* ends at 4"),
        ({"end_distance": 4}, "is still"),
    ],
)
def test_a_sound_refuses_what_it_cannot_be(values, said):
    with pytest.raises(ParameterError, match=said):
        SoundRequest(**({"description": "dog", "start": 2, "end": 2} | values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": None}, "prompt is empty"),
        ({"seconds": 0}, "more than 0 s"),
        ({"seconds": math.inf}, "seconds must be a finite number"),
        ({"sounds": (SoundRequest("dog", 1, 1),) * 5}, "at most 4 sounds at a time, got 5"),
        ({"sounds": ("dog",)}, "sounds are SoundRequest"),
        ({"room": "big"}, "unknown room 'big'"),
    ],
)
def test_a_request_refuses_what_cannot_be_written(values, said):
    with pytest.raises(ParameterError, match=said):
        GenerationRequest(**({"prompt": "a dog", "sounds": (), "seconds": 5} | values))
