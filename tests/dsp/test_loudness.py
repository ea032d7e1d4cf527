import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import freqz

from auris.dsp.loudness import (
    active_rms,
    frame_power,
    from_decibels,
    integrated_loudness,
    k_weighting,
    rms,
    scaled_to,
    to_decibels,
)
from auris.errors import ParameterError


def tone(rate: int, seconds: float = 5.0, amplitude: float = 1.0, frequency: float = 997.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


@given(st.floats(-150, 60))
def test_decibels_round_trip(level: float) -> None:
    assert to_decibels(from_decibels(level)) == pytest.approx(level, abs=1e-9)


def test_rms_of_known_signals() -> None:
    assert rms(np.ones(7)) == 1.0
    assert rms(tone(48_000)) == pytest.approx(np.sqrt(0.5), rel=1e-4)
    assert rms(np.zeros(0)) == 0.0
    assert to_decibels(0.0) == -200.0


def test_frame_power_is_the_mean_of_each_frame() -> None:
    x = np.arange(10.0)
    assert frame_power(x, 4, 3) == pytest.approx([np.mean(x[i : i + 4] ** 2) for i in (0, 3, 6, 9)])


def test_pauses_do_not_lower_the_active_level() -> None:
    x = tone(16_000, 1.0)
    with_pauses = np.concatenate([np.zeros(16_000), x, 1e-4 * np.ones(32_000)])
    assert active_rms(with_pauses, 16_000) == pytest.approx(rms(x), rel=1e-3)
    assert rms(with_pauses) < 0.6 * rms(x)


@given(st.floats(1e-3, 1e3), st.sampled_from([8_000, 24_000, 48_000]))
def test_active_level_follows_gain(gain: float, rate: int) -> None:
    x = np.random.default_rng(1).standard_normal(rate // 2)
    assert active_rms(gain * x, rate) == pytest.approx(gain * active_rms(x, rate), rel=1e-9)


def test_scaling_reaches_the_level_and_refuses_silence() -> None:
    x = np.random.default_rng(2).standard_normal(8_000) * 0.01
    assert active_rms(scaled_to(x, 16_000, level_db=-23.0), 16_000) == pytest.approx(10 ** (-23 / 20), rel=1e-5)
    with pytest.raises(ParameterError, match="silent"):
        scaled_to(np.zeros(100), 16_000)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_reference_tone_of_bs1770(rate: int) -> None:
    # BS.1770-4, Annex 1: a 0 dBFS 997-Hz sine in one channel reads -3.01 LKFS.
    assert integrated_loudness(tone(rate), rate) == pytest.approx(-3.01, abs=0.05)
    assert integrated_loudness(tone(rate, amplitude=0.1), rate) == pytest.approx(-23.01, abs=0.05)


def test_two_channels_add_power() -> None:
    x = tone(48_000)
    assert integrated_loudness(np.stack([x, x]), 48_000) == pytest.approx(0.0, abs=0.02)


def test_k_weighting_coefficients_of_the_standard() -> None:
    (b1, a1), (b2, a2) = k_weighting(48_000)
    assert b1 == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-9)
    assert a1 == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-9)
    assert b2 == pytest.approx([1.0, -2.0, 1.0])
    assert a2 == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-9)
    for rate in (24_000, 44_100):
        _, h = freqz(*k_weighting(rate)[0], worN=[997.0], fs=rate)
        _, reference = freqz(b1, a1, worN=[997.0], fs=48_000)
        assert abs(h[0]) == pytest.approx(abs(reference[0]), rel=2e-3)


def test_gates_ignore_silence_and_quiet_passages() -> None:
    loud = tone(48_000, 10, 0.1)
    quiet = tone(48_000, 10, 0.001)
    assert integrated_loudness(np.concatenate([loud, quiet, np.zeros(96_000)]), 48_000) == pytest.approx(-23.01, abs=0.15)
    assert integrated_loudness(np.zeros(48_000), 48_000) == float("-inf")


def test_less_than_a_block_has_no_loudness() -> None:
    with pytest.raises(ParameterError, match=r"0\.4 s"):
        integrated_loudness(np.ones(100), 48_000)
