import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.activity import ActivitySettings, active_segments
from auris.errors import ParameterError

RATE = 16_000


def noise(seconds: float, level_db: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * 10 ** (level_db / 20)


def with_bursts(floor_db: float, bursts: list[tuple[float, float]], seconds: float = 6.0) -> np.ndarray:
    x = noise(seconds, floor_db)
    for start, end in bursts:
        piece = x[int(start * RATE) : int(end * RATE)]
        piece += noise(1.3, -20, seed=1)[: len(piece)]
    return x


@pytest.mark.parametrize("floor_db", [-200.0, -80.0, -50.0])
def test_bursts_are_found_above_any_floor(floor_db: float) -> None:
    segments = active_segments(with_bursts(floor_db, [(1.0, 1.5), (3.2, 4.4)]), RATE)
    assert [s.start for s in segments] == pytest.approx([0.98, 3.18], abs=0.025)
    assert [s.end for s in segments] == pytest.approx([1.56, 4.46], abs=0.035)


def test_short_pauses_belong_to_the_sound() -> None:
    x = with_bursts(-90, [(0.5, 0.8), (1.5, 1.8), (4.5, 5.0)])
    assert len(active_segments(x, RATE)) == 2
    assert len(active_segments(x, RATE, settings=ActivitySettings(max_gap=0.2))) == 3


def test_a_steady_sound_is_active_throughout() -> None:
    (segment,) = active_segments(noise(3.0, -40), RATE)
    assert (segment.start, segment.end) == (0.0, 3.0)


def test_silence_has_no_activity() -> None:
    assert active_segments(np.zeros(RATE), RATE) == ()
    assert active_segments(noise(1.0, -90), RATE) == ()
    assert active_segments(np.zeros(0), RATE) == ()


def test_a_single_click_is_not_lost_in_long_silence() -> None:
    x = np.zeros(10 * RATE)
    x[5 * RATE : 5 * RATE + 200] = 0.5
    (segment,) = active_segments(x, RATE)
    assert segment.start < 5.0 < segment.end
    assert segment.duration < 0.2


def test_only_one_channel_is_accepted() -> None:
    with pytest.raises(ParameterError, match=r"\(2, 10\)"):
        active_segments(np.zeros((2, 10)), RATE)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 5.8), max_size=5), st.floats(-60, 20), st.integers(0, 5))
def test_segments_are_ordered_apart_and_independent_of_gain(starts: list[float], gain_db: float, seed: int) -> None:
    x = with_bursts(-100 if seed % 2 else -60, [(s, min(s + 0.2, 6.0)) for s in starts]).astype(np.float32)
    segments = active_segments(x, RATE, settings=ActivitySettings(silence_db=-150))
    for s in segments:
        assert 0 <= s.start < s.end <= 6.0
    for first, second in itertools.pairwise(segments):
        assert second.start > first.end
    louder = active_segments(x * 10 ** (gain_db / 20), RATE, settings=ActivitySettings(silence_db=-250))
    assert len(louder) == len(segments)
