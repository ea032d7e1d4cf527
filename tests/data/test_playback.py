import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.playback import faded, high_passed, mono, repeated
from auris.data.variation import Variation
from auris.errors import ParameterError

RATE = 16_000


def largest_step(x: np.ndarray) -> float:
    return float(np.abs(np.diff(x)).max())


def test_stereo_is_averaged() -> None:
    x = np.random.default_rng(0).standard_normal((2, 1000))
    assert mono(x) == pytest.approx(x.mean(axis=0), abs=1e-6)


def test_channels_that_cancel_fall_back_to_the_strongest() -> None:
    x = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    assert mono(np.stack([x, -0.9 * x])) == pytest.approx(x)
    assert np.array_equal(mono(x[None]), x)


def test_infrasound_and_offset_are_removed_and_speech_is_kept() -> None:
    t = np.arange(4 * RATE) / RATE
    rumble, voice = np.sin(2 * np.pi * 4 * t), np.sin(2 * np.pi * 200 * t)
    out = high_passed((0.5 + rumble + voice).astype(np.float32), RATE)[RATE:]
    amplitude = np.abs(np.fft.rfft(out)) / (len(out) / 2)
    assert amplitude[[0, 12, 600]] == pytest.approx([0.0, 0.0, 1.0], abs=0.03)
    assert np.abs(high_passed(np.full(RATE, 0.7, np.float32), RATE)).max() < 1e-5
    assert len(high_passed(np.zeros(0, np.float32), RATE)) == 0


@given(st.integers(0, 2000))
def test_fades_begin_and_end_near_zero(length: int) -> None:
    x = np.ones(length, np.float32)
    y = faded(x, RATE)
    assert len(y) == length
    assert np.all(x == 1)
    if length > 800:
        assert y[0] < 1e-3
        assert y[-1] < 1e-3
        assert largest_step(y) < 0.03
        assert np.all(y[100:-330] == 1)


@settings(max_examples=60)
@given(st.integers(1, 40_000), st.integers(1, 100_000))
def test_repetition_has_the_length_asked_for(length: int, wanted: int) -> None:
    y = repeated(np.ones(length, np.float32), wanted, RATE)
    assert y.shape == (wanted,)
    assert y.dtype == np.float32


def test_a_sustained_sound_repeats_without_click_or_gap() -> None:
    t = np.arange(int(1.3 * RATE)) / RATE
    y = repeated(np.sin(2 * np.pi * 217.3 * t + 0.4).astype(np.float32), 6 * RATE, RATE)
    natural = 2 * np.pi * 217.3 / RATE
    assert largest_step(y) < 1.6 * natural
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    frames = repeated(noise, 9 * RATE, RATE)[: 9 * RATE].reshape(-1, RATE // 50)
    level = 10 * np.log10(np.mean(frames**2, axis=1))
    assert level.std() < 0.6
    assert np.abs(level).max() < 2.5


def test_a_short_sound_repeats_once_per_second_with_rests() -> None:
    y = repeated(np.ones(RATE // 5, np.float32), 3 * RATE, RATE)
    for second in range(3):
        assert np.all(y[second * RATE + 200 : second * RATE + RATE // 5 - 400] == 1)
        assert np.all(y[second * RATE + RATE // 5 : (second + 1) * RATE] == 0)
    assert largest_step(y) < 0.03


def test_variation_zero_is_the_recording() -> None:
    x = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    assert Variation.of(0) == Variation()
    assert Variation.of(0).filtered(x, RATE) is x


@given(st.integers(1, 2**31))
def test_variations_stay_within_their_bounds(seed: int) -> None:
    v = Variation.of(seed)
    assert v == Variation.of(seed)
    assert 1 / 1.1 - 1e-9 <= v.speed <= 1.1 + 1e-9
    assert abs(v.tilt_db) <= 2
    assert abs(v.bell_db) <= 6


def test_a_tilt_is_a_tilt() -> None:
    impulse = np.zeros(RATE, np.float32)
    impulse[RATE // 2] = 1
    gain = 20 * np.log10(np.abs(np.fft.rfft(Variation(tilt_db=2.0).filtered(impulse, RATE))))
    assert gain[[500, 1000, 2000, 4000]] == pytest.approx([-2, 0, 2, 4], abs=0.1)
    bell = 20 * np.log10(np.abs(np.fft.rfft(Variation(bell_db=5.0, bell_hz=2000, polarity=-1).filtered(impulse, RATE))))
    assert bell[[200, 2000]] == pytest.approx([0, 5], abs=0.1)


def test_impossible_variations_are_refused() -> None:
    with pytest.raises(ParameterError, match="speed"):
        Variation(speed=0.0)
