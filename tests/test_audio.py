import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.audio import Audio
from auris.errors import LayoutError, ParameterError


def noise(channels=2, samples=800, rate=8000, layout="binaural"):
    return Audio(np.random.default_rng(0).normal(size=(channels, samples)).astype(np.float32), rate, layout)


def test_samples_are_float32_shared_and_read_only():
    samples = np.zeros((4, 100), dtype=np.float32)
    audio = Audio(samples, 24000, "foa")
    assert np.shares_memory(audio.samples, samples)
    with pytest.raises(ValueError, match="read-only"):
        audio.samples[0, 0] = 1
    samples[0, 0] = 1  # the caller's own array stays writable
    assert (audio.channels, audio.length, audio.layout.name) == (4, 100, "foa")


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int16, np.uint8])
def test_other_numbers_become_float32(dtype):
    assert Audio(np.ones((1, 5), dtype=dtype), 16000, "mono").samples.dtype == np.float32


def test_one_axis_is_one_channel():
    assert Audio(np.zeros(50), 16000, "mono").samples.shape == (1, 50)


@given(start=st.floats(-1, 2), stop=st.floats(-1, 2))
def test_parts_share_memory_and_have_the_right_length(start, stop):
    audio = noise(samples=8000)
    part = audio.between(start, stop)
    expected = max(min(max(stop, 0), 1) - min(max(start, 0), 1), 0)
    assert part.duration == pytest.approx(expected, abs=1.01 / 8000)
    assert part.length == 0 or np.shares_memory(part.samples, audio.samples)


@given(gain=st.floats(-60, 20))
def test_scaling_is_in_decibels(gain):
    audio = noise()
    ratio = np.mean(np.square(audio.scaled(gain).samples)) / np.mean(np.square(audio.samples))
    assert 10 * np.log10(ratio) == pytest.approx(gain, abs=1e-3)


@pytest.mark.parametrize(
    ("samples", "rate", "layout", "kind", "message"),
    [
        (np.zeros((3, 10)), 16000, "foa", LayoutError, "layout foa has 4 channels, the samples have 3"),
        (np.zeros((10, 2)), 16000, "binaural", LayoutError, "has 2 channels, the samples have 10"),
        (np.zeros((1, 1, 10)), 16000, "mono", ParameterError, r"shape \(channels, samples\)"),
        (np.array([[0, np.nan]]), 16000, "mono", ParameterError, "1 samples are NaN or infinite"),
        (np.array([[0, np.inf]]), 16000, "mono", ParameterError, "NaN or infinite"),
        (np.array([["a"]]), 16000, "mono", ParameterError, "real numbers"),
        (np.zeros((1, 10), dtype=complex), 16000, "mono", ParameterError, "real numbers"),
        (np.zeros((1, 10)), 44100.5, "mono", ParameterError, "sample rate must be a whole number"),
        (np.zeros((1, 10)), 0, "mono", ParameterError, "sample rate"),
        (np.zeros((1, 10)), 16000, "monoo", LayoutError, "did you mean 'mono'"),
    ],
)
def test_impossible_audio_is_refused(samples, rate, layout, kind, message):
    with pytest.raises(kind, match=message):
        Audio(samples, rate, layout)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), "16000", None])
def test_a_rate_that_is_no_number_is_refused(rate):
    with pytest.raises(ParameterError, match="sample rate"):
        Audio(np.zeros(10), rate, "mono")


def test_the_wrong_layout_is_refused_by_name():
    noise().require("binaural", what="the test")
    with pytest.raises(LayoutError, match="the test needs ambisonics audio, but this audio is binaural"):
        noise().require("ambisonics", what="the test")


def test_it_says_what_it_is():
    assert repr(noise()) == "Audio(binaural, 0.10 s, 8000 Hz)"
