"""The variable delay line against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.dsp.delay_line import band_limit, kernel, kernel_response, read_delayed
from auris.errors import ParameterError

RATE = 24_000
SAMPLES = 24_000
TIME = np.arange(SAMPLES)
INNER = slice(3000, -3000)


def tone(frequency: float, at: np.ndarray = TIME) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * at / RATE)


def error_db(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((got[INNER] - wanted[INNER]) ** 2) / np.mean(wanted[INNER] ** 2)))


@pytest.mark.parametrize(("frequency", "limit"), [(100, -80), (1000, -80), (4000, -80), (6000, -80), (9600, -64)])
@pytest.mark.parametrize("delay", [0.0, 10.5, 123.27, 1500.0001])
def test_a_constant_delay_is_exact(frequency: float, limit: float, delay: float) -> None:
    got = read_delayed(tone(frequency), [[delay]], [[1.0]], spacing=64, length=SAMPLES)[0]
    assert error_db(got, tone(frequency, TIME - delay)) < limit


@pytest.mark.parametrize("speed", [-20.0, -2.0, 0.5, 2.0, 20.0])
def test_doppler_tone_is_exact(speed: float) -> None:
    def delay(t: np.ndarray) -> np.ndarray:
        return (25 + speed * t / RATE) / 343.2 * RATE

    points = np.arange(0, SAMPLES + 64, 64)
    got = read_delayed(tone(4000), [delay(points)], [np.ones(points.size)], spacing=64, length=SAMPLES)[0]
    assert error_db(got, tone(4000, TIME - delay(TIME))) < -80


@settings(max_examples=20, deadline=None)
@given(start=st.integers(0, 400), count=st.integers(1, 400), length=st.integers(1, 900), delay=st.floats(0, 300))
def test_nothing_is_read_beyond_the_ends(start: int, count: int, length: int, delay: float) -> None:
    signal = np.ones(count, np.float32)
    got = read_delayed(signal, [[delay]], [[1.0]], spacing=17, length=length)[0]
    assert got.shape == (length,)
    assert np.all(np.isfinite(got))
    assert np.abs(got).max() < 1.3
    quiet = np.abs(np.arange(length) - delay - count / 2) > count / 2 + 400
    assert np.abs(got[quiet]).max(initial=0) < 1e-5


def test_gains_are_linear_between_points_and_hold_at_the_end() -> None:
    got = read_delayed(np.ones(2000), [[0.0, 0.0, 0.0]], [[0.0, 1.0, 3.0], [5.0, 5.0, 5.0]], spacing=400, length=1600)
    wanted = np.interp(np.arange(1600), [0, 400, 800], [0, 1, 3])
    np.testing.assert_allclose(got[0, 20:], wanted[20:], atol=2e-3)
    np.testing.assert_allclose(got[1, 20:], 5, atol=1e-2)


def test_each_channel_may_have_its_own_delay() -> None:
    signal = np.random.default_rng(0).standard_normal(5000)
    both = read_delayed(signal, [[3.25], [40.5]], [[1.0], [0.5]], spacing=64, length=5000)
    one = read_delayed(signal, [[40.5]], [[0.5]], spacing=64, length=5000)
    np.testing.assert_array_equal(both[1:], one)


def test_kernel_and_its_response_are_a_fourier_pair() -> None:
    x = np.linspace(-4, 4, 8001)
    for frequency in (0.0, 0.1, 0.3, 0.45):
        integral = np.trapezoid(kernel(x) * np.cos(2 * np.pi * frequency * x), x)
        assert integral == pytest.approx(kernel_response(frequency), rel=1e-4)
    assert band_limit([0.0, 0.45, 0.5]).tolist() == pytest.approx([1, 1, 0])


@pytest.mark.parametrize(
    ("delays", "gains", "match"),
    [
        ([[-1.0]], [[1.0]], "at least 0"),
        ([[np.nan]], [[1.0]], "finite"),
        ([1.0], [[1.0]], "delays"),
        ([[1.0, 2.0]], [[1.0]], "K"),
    ],
)
def test_bad_arguments(delays: list[list[float]], gains: list[list[float]], match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        read_delayed(np.ones(10), delays, gains, spacing=4, length=10)


def test_empty_signal_and_no_output() -> None:
    assert read_delayed([], [[0.0]], [[1.0]], spacing=4, length=3).tolist() == [[0, 0, 0]]
    assert read_delayed([1.0], [[0.0]], [[1.0]], spacing=4, length=0).shape == (1, 0)
