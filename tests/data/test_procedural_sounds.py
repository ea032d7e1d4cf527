import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.procedural import PROCEDURAL_SOUNDS, synthesise
from auris.data.procedural.noise import RATE, coloured_noise, poisson_times, slow_curve
from auris.data.procedural.oscillators import firing_positions, glottal_source, harmonics, saw
from auris.data.procedural.resonances import formant_filter, modal_strike
from auris.dsp.loudness import active_rms, frame_power
from auris.dsp.resampling import resample
from auris.errors import ParameterError
from auris.vocabulary import SOUNDS


def spectrum_share(x: np.ndarray, rate: int, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(x)) ** 2
    f = np.fft.rfftfreq(len(x), 1 / rate)
    return float(power[(f >= low) & (f < high)].sum() / power.sum())


def level_range(x: np.ndarray, rate: int) -> float:
    """Decibels between the loudest 20-ms frame and the 20th percentile."""
    level = 10 * np.log10(frame_power(x, rate // 50, rate // 50) + 1e-12)
    return float(level.max() - np.percentile(level, 20))


@pytest.mark.parametrize("name", PROCEDURAL_SOUNDS)
def test_every_sound_is_sound(name: str) -> None:
    x = synthesise(name, seed=3, duration=2.0, sample_rate=24_000)
    assert x.dtype == np.float32
    assert x.shape == (48_000,)
    assert np.isfinite(x).all()
    assert 0.01 < np.abs(x).max() <= 0.951
    assert 0.005 < active_rms(x, 24_000) <= 0.1001
    assert abs(x.mean()) < 0.02 * np.abs(x).max()
    assert np.array_equal(x, synthesise(name, seed=3, duration=2.0, sample_rate=24_000))
    other = synthesise(name, seed=4, duration=2.0, sample_rate=24_000)
    assert abs(np.corrcoef(x, other)[0, 1]) < 0.5


def test_all_trained_classes_have_a_synthesis() -> None:
    assert set(SOUNDS) <= set(PROCEDURAL_SOUNDS)
    assert {"bell", "alarm", "footsteps", "knock", "door", "glass"} <= set(PROCEDURAL_SOUNDS)


@pytest.mark.parametrize("name", ["alarm", "speech", "chainsaw", "glass", "rooster"])
@pytest.mark.parametrize("rate", [8_000, 22_050, 96_000])
def test_the_same_sound_at_any_rate_without_aliasing(name: str, rate: int) -> None:
    reference = synthesise(name, seed=1, duration=1.0, sample_rate=48_000)
    x = synthesise(name, seed=1, duration=1.0, sample_rate=rate)
    common = min(rate, 16_000)
    a, b = resample(reference, 48_000, common), resample(x, rate, common)
    n = min(len(a), len(b)) - 200
    gain = float(a[200:n] @ b[200:n] / (b[200:n] @ b[200:n]))
    assert np.sqrt(np.mean((a[200:n] - gain * b[200:n]) ** 2)) < 0.02 * np.sqrt(np.mean(a[200:n] ** 2))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(PROCEDURAL_SOUNDS), st.integers(0, 2**40), st.floats(0.01, 3.0), st.sampled_from([8_000, 16_000, 44_100])
)
def test_any_seed_length_and_rate_give_a_safe_signal(name: str, seed: int, duration: float, rate: int) -> None:
    x = synthesise(name, seed=seed, duration=duration, sample_rate=rate)
    assert len(x) == max(1, int(duration * rate + 0.5))
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 0.951
    if duration > 0.5:
        assert active_rms(x, rate) > 1e-3


@pytest.mark.parametrize(
    ("name", "low", "high", "least"),
    [
        ("speech", 80, 4_000, 0.85),
        ("crying_baby", 300, 5_000, 0.8),
        ("dog", 250, 3_000, 0.7),
        ("rooster", 400, 5_000, 0.8),
        ("helicopter", 20, 1_500, 0.7),
        ("sea_waves", 40, 4_000, 0.75),
        ("music", 40, 3_000, 0.8),
        ("footsteps", 20, 3_000, 0.6),
        ("knock", 50, 2_500, 0.85),
        ("glass", 1_000, 12_000, 0.7),
    ],
)
def test_energy_lies_where_the_class_has_it(name: str, low: float, high: float, least: float) -> None:
    shares = [spectrum_share(synthesise(name, seed=s, duration=3.0, sample_rate=24_000), 24_000, low, high) for s in range(6)]
    assert np.median(shares) > least


def test_steady_sounds_are_steady_and_calls_have_gaps() -> None:
    def median_range(name: str) -> float:
        return float(
            np.median([level_range(synthesise(name, seed=s, duration=4.0, sample_rate=16_000), 16_000) for s in range(5)])
        )

    assert max(median_range(name) for name in ("rain", "helicopter")) < 12
    assert min(median_range(name) for name in ("dog", "clock_tick", "knock", "sneezing", "footsteps")) > 20


def test_individuals_differ_in_pitch() -> None:
    def pitch(seed: int) -> float:
        x = synthesise("speech", seed=seed, duration=3.0, sample_rate=16_000)
        lags = np.arange(40, 230)
        spectrum = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
        return float(16_000 / lags[np.argmax(np.fft.irfft(spectrum)[lags])])

    pitches = [pitch(seed) for seed in range(12)]
    assert min(pitches) < 140
    assert max(pitches) > 170
    assert all(70 < p < 400 for p in pitches)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "doge"}, "did you mean 'dog'"),
        ({"duration": 0.0}, "duration"),
        ({"duration": float("nan")}, "duration"),
        ({"duration": 1e9}, "duration"),
        ({"sample_rate": 10}, "sample rate"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_requests_are_explained(arguments: dict[str, object], message: str) -> None:
    request = {"name": "dog", "seed": 0, "duration": 1.0, "sample_rate": 16_000} | arguments
    name = request.pop("name")
    with pytest.raises(ParameterError, match=message):
        synthesise(name, **request)  # type: ignore[arg-type]


def test_oscillators_are_band_limited() -> None:
    f = np.full(RATE, 1_111.0)
    for wave in (saw(f), glottal_source(f)):
        power = np.abs(np.fft.rfft(wave * np.hanning(RATE))) ** 2
        bins = np.arange(len(power))
        nearest = np.round(bins / 1_111.0) * 1_111.0
        alias = power[(np.abs(bins - nearest) > 20) & (bins < 12_000) & (bins > 50)].max()
        assert 10 * np.log10(alias / power.max()) < -50


def test_harmonics_have_the_amplitudes_asked_for() -> None:
    wave = harmonics(np.full(RATE, 500.0), (1.0, 0.0, 0.5))
    amplitude = np.abs(np.fft.rfft(wave)) / (RATE / 2)
    assert amplitude[[500, 1000, 1500]] == pytest.approx([1.0, 0.0, 0.5], abs=1e-6)
    assert np.abs(harmonics(np.full(RATE, 9_000.0), (0.0, 0.0, 1.0))).max() == 0


def test_modes_ring_at_their_frequency_for_their_time() -> None:
    ring = modal_strike([1_000.0], [0.5], [1.0], length=RATE)
    assert np.argmax(np.abs(np.fft.rfft(ring))) == pytest.approx(1_000, abs=1)
    assert ring[0] == 0.0
    early, late = (np.abs(ring[round(t * RATE) : round(t * RATE) + 480]).max() for t in (0.1, 0.3))
    assert 20 * np.log10(early / late) == pytest.approx(60 * 0.2 / 0.5, abs=0.2)


def test_formants_shape_white_noise() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE)
    out = formant_filter(noise, np.array([[700.0, 700.0], [2_400.0, 2_400.0]]), (80.0, 100.0))
    assert out.shape == noise.shape
    power = np.convolve(np.abs(np.fft.rfft(out)) ** 2, np.ones(60) / 60, "same")
    assert power[700] > 10 * power[1_500] < power[2_400]


def test_random_building_blocks_have_their_statistics() -> None:
    rng = np.random.default_rng(0)
    noise = coloured_noise(rng, RATE, ((100, 0), (1_000, -20)))
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1.0)
    curve = slow_curve(rng, 60 * RATE, 5.0)
    assert 0.8 < curve.std() < 1.25
    assert np.abs(np.diff(curve)).max() < 5 * 5.0 / RATE * 2
    assert len(poisson_times(rng, 100 * RATE, 20.0)) == pytest.approx(2_000, rel=0.1)
    assert len(firing_positions(np.full(RATE, 50.0))) == pytest.approx(50, abs=1)
