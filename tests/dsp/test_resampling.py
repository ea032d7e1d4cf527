import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.audio import Audio
from auris.dsp.resampling import resample, resample_audio, resampled_length
from auris.errors import ParameterError

RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RATES), st.sampled_from(RATES), st.integers(0, 3000), st.integers(1, 3))
def test_length_rule_holds_for_every_pair_of_rates(source: int, target: int, samples: int, channels: int) -> None:
    x = np.ones((channels, samples), np.float32)
    y = resample(x, source, target)
    assert y.shape == (channels, resampled_length(samples, source, target)) == (channels, int(samples * target / source + 0.5))
    assert y.dtype == np.float32


@pytest.mark.parametrize(("source", "target"), [(48_000, 16_000), (16_000, 48_000), (44_100, 24_000), (24_000, 44_100)])
def test_a_tone_keeps_its_frequency_phase_and_level(source: int, target: int) -> None:
    def tone(rate: int) -> np.ndarray:
        t = np.arange(rate) / rate
        return np.sin(2 * np.pi * 997 * t) * (0.5 - 0.5 * np.cos(2 * np.pi * t))

    error = resample(tone(source), source, target) - tone(target)
    assert np.abs(error).max() < 1e-5


def test_what_the_target_cannot_hold_is_removed() -> None:
    t = np.arange(48_000) / 48_000
    assert np.abs(resample(np.sin(2 * np.pi * 9_000 * t), 48_000, 16_000)[500:-500]).max() < 1e-4


def test_speed_changes_are_rate_changes() -> None:
    x = np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)
    y = resample(x, 24_000 * 1.07, 24_000)
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    assert np.argmax(spectrum) * 24_000 / len(y) == pytest.approx(440 * 1.07, abs=1.5)


def test_equal_rates_cost_nothing() -> None:
    x = np.zeros((2, 10), np.float32)
    assert resample(x, 24_000, 24_000) is x


def test_audio_keeps_its_layout() -> None:
    audio = Audio(np.zeros((2, 100)), 48_000, "binaural")
    converted = resample_audio(audio, 24_000)
    assert (converted.sample_rate, converted.length, converted.layout) == (24_000, 50, audio.layout)
    assert resample_audio(audio, 48_000) is audio


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((1, 1, 1)), 1, 1), "shape"),
        ((np.zeros(5), 0, 10), "source rate"),
        ((np.zeros(5), 10, float("nan")), "target rate"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[np.ndarray, float, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        resample(*arguments)


def test_unknown_quality_lists_the_known() -> None:
    with pytest.raises(ParameterError, match="fast, high, best"):
        resample(np.zeros(5), 10, 20, quality="superb")  # type: ignore[arg-type]
