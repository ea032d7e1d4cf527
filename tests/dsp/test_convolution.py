"""Static and changing convolution against direct references."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from auris.dsp.convolution import convolve, convolve_crossfaded, convolve_sum, fast_length
from auris.errors import ParameterError


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def exact(x: np.ndarray, h: np.ndarray) -> np.ndarray:
    return fftconvolve(x.astype(float)[:, None, :], h.astype(float), axes=-1)


def relative_error(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((got - wanted) ** 2) / np.mean(wanted**2)))


@settings(max_examples=60, deadline=None)
@given(samples=st.integers(1, 6000), taps=st.integers(1, 3000), channels=st.integers(1, 4), sources=st.integers(1, 3))
def test_any_shape_equals_the_reference(samples: int, taps: int, channels: int, sources: int) -> None:
    x, h = noise(sources, samples, seed=samples), noise(sources, channels, taps, seed=taps)
    wanted = exact(x, h)
    assert relative_error(convolve(x, h), wanted) < 2e-6
    assert relative_error(convolve_sum(x, h), wanted.sum(0)) < 2e-6


def test_many_blocks_of_a_long_signal() -> None:
    x, h = noise(1, 400_000), noise(1, 2, 9_000, seed=1)
    assert relative_error(convolve(x, h), exact(x, h)) < 2e-6


def test_length_cuts_or_pads() -> None:
    x, h = noise(2, 1000), noise(2, 3, 100, seed=1)
    full = convolve(x, h)
    np.testing.assert_allclose(convolve(x, h, length=700), full[..., :700], atol=1e-4)
    padded = convolve(x, h, length=3000)
    assert padded.shape == (2, 3, 3000)
    assert not padded[..., 1099:].any()


def test_silence_stays_digital_silence() -> None:
    x = np.zeros((1, 300_000), np.float32)
    x[0, 200_000] = 1
    out = convolve(x, noise(1, 2, 500))
    assert not out[..., :100_000].any()
    np.testing.assert_allclose(out[0, :, 200_000:200_500], noise(1, 2, 500)[0], atol=1e-5)


def test_scratch_memory_does_not_grow_with_the_signal() -> None:
    x, h = np.ones((1, 8_000_000), np.float32), noise(1, 2, 4000)
    tracemalloc.start()
    out = convolve(x, h)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < out.nbytes + 30e6


def test_no_sources_and_no_samples() -> None:
    assert convolve_sum(np.zeros((0, 10)), np.zeros((0, 2, 5)), length=10).shape == (2, 10)
    assert convolve(np.zeros((1, 0)), np.ones((1, 2, 5)), length=4).shape == (1, 2, 4)


@pytest.mark.parametrize(("x", "h"), [((5,), (1, 2, 3)), ((2, 5), (1, 2, 3)), ((1, 5), (2, 3)), ((1, 5), (1, 2, 0))])
def test_shapes_that_do_not_fit(x: tuple[int, ...], h: tuple[int, ...]) -> None:
    with pytest.raises(ParameterError, match="signals"):
        convolve(np.zeros(x), np.zeros(h))


@given(st.integers(2, 10_000_000))
def test_fast_lengths_are_close_even_and_smooth(minimum: int) -> None:
    size = fast_length(minimum)
    assert minimum <= size <= max(2, 1.35 * minimum + 1)
    odd = size
    while odd % 2 == 0:
        odd //= 2
    assert size % 2 == 0
    assert odd in (1, 3, 5, 9, 15)


@settings(max_examples=25, deadline=None)
@given(
    hop=st.integers(1, 700), samples=st.integers(1, 4000), taps=st.integers(1, 900), fade=st.sampled_from(["input", "output"])
)
def test_equal_keyframes_are_static_convolution(hop: int, samples: int, taps: int, fade: str) -> None:
    x, h = noise(samples, seed=hop), noise(1, 2, taps, seed=taps)
    got = convolve_crossfaded(x, h, hop=hop, fade=fade)  # type: ignore[arg-type]
    assert relative_error(got, exact(x[None], h)[0]) < 3e-6


def gains(count: int) -> np.ndarray:
    """One-tap keyframes whose gain is the keyframe's number."""
    return np.arange(count, dtype=np.float32)[:, None, None]


def test_keyframe_k_holds_at_sample_k_hop() -> None:
    got = convolve_crossfaded(np.ones(2000), gains(21), hop=100, fade="input")[0]
    np.testing.assert_allclose(got[::100], np.arange(20), atol=1e-5)
    assert np.all(np.diff(got) > -1e-4)


def test_windows_stand_on_the_side_that_moves() -> None:
    """A click at sample 500 through a delay of 400 and a gain that switches from 1 to 2 at sample 700."""
    x = np.zeros(1000, np.float32)
    x[500] = 1
    h = np.zeros((11, 1, 401), np.float32)
    h[:, 0, 400] = np.where(np.arange(11) < 7, 1, 2)
    assert convolve_crossfaded(x, h, hop=100, fade="input", length=1000)[0, 900] == pytest.approx(1, abs=1e-5)
    assert convolve_crossfaded(x, h, hop=100, fade="output", length=1000)[0, 900] == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize("fade", ["input", "output"])
def test_a_function_is_asked_only_where_there_is_sound(fade: str) -> None:
    x = np.zeros(100_000, np.float32)
    x[50_000:50_400] = noise(400)
    asked: list[int] = []

    def keyframes(indices: np.ndarray) -> np.ndarray:
        asked.extend(indices.tolist())
        return np.ones((len(indices), 1, 30), np.float32)

    got = convolve_crossfaded(x, keyframes, hop=100, taps=30, fade=fade)  # type: ignore[arg-type]
    assert set(asked) <= set(range(498, 507))
    assert relative_error(got, exact(x[None], np.ones((1, 1, 30)))[0]) < 3e-6


def test_bad_arguments_say_what_is_accepted() -> None:
    with pytest.raises(ParameterError, match="hop"):
        convolve_crossfaded(np.ones(10), np.ones((1, 1, 1)), hop=0, fade="input")
    with pytest.raises(ParameterError, match="'input'"):
        convolve_crossfaded(np.ones(10), np.ones((1, 1, 1)), hop=5, fade="both")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="taps"):
        convolve_crossfaded(np.ones(10), lambda k: np.ones((len(k), 1, 1), np.float32), hop=5, fade="input")
    with pytest.raises(ParameterError, match="keyframes"):
        convolve_crossfaded(np.ones(10), np.ones((2, 3)), hop=5, fade="input")
