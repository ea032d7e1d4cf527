"""Diffuse and sensor noise: level, coherence, colour."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import csd, welch

from auris.acoustics.background import SILENT_SCENE_DB, diffuse_noise, render_background
from auris.acoustics.diffuse_field import diffuse_covariance
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver, Receiver, receiver_for
from auris.channels import ChannelLayout
from auris.scene import Background

RATE = 16_000
LONG = 30 * RATE
SIGNAL = np.sin(np.arange(4 * RATE) * 0.3).astype(np.float32)
ALWAYS = np.ones(SIGNAL.size, dtype=bool)
LAYOUTS = {4: "foa", 2: "binaural", 1: "mono"}
MONO = OpenArrayReceiver(np.zeros((1, 3)))


def power(x: np.ndarray) -> float:
    return float(np.mean(np.square(x, dtype=float)))


def background(
    noise: Background, receiver: Receiver = MONO, *, signal: np.ndarray = SIGNAL, seed: int = 0
) -> np.ndarray | None:
    active = np.zeros(signal.size, dtype=bool)
    active[: signal.size // 2] = True
    layout = LAYOUTS.get(receiver.channels, "mono")
    mixture = np.tile(signal, (receiver.channels, 1))
    return render_background(
        noise, receiver, layout=ChannelLayout.parse(layout), mixture=mixture, active=active, sample_rate=RATE, seed=seed
    )


@pytest.mark.parametrize("kind", ["diffuse_snr_db", "sensor_snr_db"])
@pytest.mark.parametrize("snr", [-10.0, 0.0, 25.0])
@pytest.mark.parametrize("colour", ["white", "pink"])
def test_snr_is_that_of_the_first_channel_while_sources_are_active(kind: str, snr: float, colour: str) -> None:
    noise = background(Background(**{kind: snr}, colour=colour), receiver_for(ChannelLayout.parse("foa"), RATE))
    assert noise is not None
    wanted = power(SIGNAL[: SIGNAL.size // 2])
    assert 10 * np.log10(wanted / power(noise[0])) == pytest.approx(snr, abs=1e-3)


def test_both_kinds_add() -> None:
    both = background(Background(diffuse_snr_db=10, sensor_snr_db=10))
    assert both is not None
    assert 10 * np.log10(power(SIGNAL) / power(both)) == pytest.approx(7, abs=0.3)


def test_no_noise_asked_for() -> None:
    assert background(Background()) is None


def test_a_silent_scene_has_a_stated_level() -> None:
    noise = background(Background(sensor_snr_db=10), signal=np.zeros(RATE, np.float32))
    assert noise is not None
    assert 10 * np.log10(power(noise)) == pytest.approx(SILENT_SCENE_DB - 10, abs=1e-3)


def coherence(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    frequency, cross = csd(first, second, RATE, nperseg=1024)
    own = np.sqrt(welch(first, RATE, nperseg=1024)[1] * welch(second, RATE, nperseg=1024)[1])
    return frequency, cross / own


@pytest.mark.parametrize("spacing", [0.05, 0.17, 0.5])
@pytest.mark.parametrize("colour", ["white", "pink"])
def test_microphones_in_free_air_have_sinc_coherence(spacing: float, colour: str) -> None:
    pair = OpenArrayReceiver(np.array([[0, spacing / 2, 0], [0, -spacing / 2, 0]]))
    noise = diffuse_noise(pair, LONG, colour=colour, sample_rate=RATE, seed=1)  # type: ignore[arg-type]
    frequency, measured = coherence(noise[0], noise[1])
    inside = (frequency > 100) & (frequency < 7000)
    wanted = np.sinc(2 * frequency * spacing / 343.2)
    assert np.sqrt(np.mean(np.abs(measured - wanted)[inside] ** 2)) < 0.06


def test_ambisonic_channels_are_orthogonal_with_sn3d_variances() -> None:
    noise = diffuse_noise(AmbisonicReceiver(3), LONG, colour="white", sample_rate=RATE, seed=1)
    covariance = noise.astype(float) @ noise.T / noise.shape[1]
    degree = np.repeat([0, 1, 2, 3], [1, 3, 5, 7])
    np.testing.assert_allclose(covariance / covariance[0, 0], np.diag(1 / (2 * degree + 1)), atol=0.01)


@pytest.mark.parametrize("name", ["binaural", "tetra"])
def test_heads_and_rigid_arrays_have_the_coherence_of_their_own_responses(name: str) -> None:
    receiver = receiver_for(ChannelLayout.parse(name), RATE)
    noise = diffuse_noise(receiver, LONG, colour="white", sample_rate=RATE, seed=2)
    frequency, measured = coherence(noise[0], noise[1])
    exact = diffuse_covariance(receiver, 1024, RATE)
    wanted = exact[:, 0, 1] / np.sqrt(exact[:, 0, 0].real * exact[:, 1, 1].real)
    inside = (frequency > 150) & (frequency < 7000)
    # csd conjugates its first argument.
    assert np.sqrt(np.mean(np.abs(measured - wanted.conj())[inside] ** 2)) < 0.08
    levels = welch(noise, RATE, nperseg=1024)[1][:, inside].mean(axis=1) * 1e3
    np.testing.assert_allclose(
        levels / levels[0], (exact[inside].real.mean(0).diagonal() / exact[inside].real.mean(0)[0, 0]), rtol=0.05
    )


def test_pink_noise_falls_three_decibels_per_octave() -> None:
    noise = diffuse_noise(MONO, LONG, colour="pink", sample_rate=RATE, seed=3)
    frequency, density = welch(noise[0], RATE, nperseg=4096)
    octaves = [density[(frequency > f / 1.4) & (frequency < f * 1.4)].mean() for f in (125, 250, 500, 1000, 2000, 4000)]
    np.testing.assert_allclose(np.diff(10 * np.log10(octaves)), -3.01, atol=0.3)


def test_sensor_noise_is_independent_between_channels() -> None:
    noise = background(Background(sensor_snr_db=0), receiver_for(ChannelLayout.parse("tetra"), RATE))
    assert noise is not None
    correlation = np.corrcoef(noise)
    np.testing.assert_allclose(correlation, np.eye(4), atol=0.03)


def test_the_seed_decides() -> None:
    first, again, other = (background(Background(diffuse_snr_db=5), seed=s) for s in (1, 1, 2))
    assert first is not None
    assert again is not None
    assert other is not None
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first[0], other[0])[0, 1]) < 0.1


@pytest.mark.parametrize("length", [1, 7, 300])
def test_very_short_noise(length: int) -> None:
    for name in ("mono", "foa", "binaural"):
        noise = diffuse_noise(receiver_for(ChannelLayout.parse(name), RATE), length, colour="pink", sample_rate=RATE, seed=0)
        assert noise.shape[1] == length
        assert np.all(np.isfinite(noise))
