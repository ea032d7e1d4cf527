"""Head and array response sets: interpolation, resampling, truncation, covariance, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from auris.dsp.directional_responses import DirectionalResponses, arrival_delays
from auris.dsp.hrtf import structural_head
from auris.dsp.sphere_sampling import fibonacci_grid, ring_grid
from auris.errors import ParameterError
from auris.geometry.directions import unit_vector

RATE = 24_000
queries = fibonacci_grid(97)


@pytest.fixture(scope="module")
def head() -> DirectionalResponses:
    return structural_head(RATE)


def pulse(delay: float, taps: int = 96) -> np.ndarray:
    frequency = np.arange(513) / 1024
    spectrum = np.exp(-2j * np.pi * frequency * delay) * np.cos(np.pi / 2 * np.clip((2 * frequency - 0.7) / 0.3, 0, 1)) ** 2
    return np.fft.irfft(spectrum, 1024)[:taps]


def two_capsules(directions: np.ndarray, radius: float = 0.05) -> DirectionalResponses:
    """Free-field pair on the y axis: pure delays, so everything is known exactly."""
    shift = radius / 343.2 * RATE * directions[:, 1]
    filters = np.stack([[pulse(40 - s), pulse(40 + s)] for s in shift])
    return DirectionalResponses(directions, filters.astype(np.float32), RATE, 40.0, "pair")


@pytest.mark.parametrize("delay", [8.0, 20.25, 33.7, 60.5])
def test_arrival_delay_of_a_pulse(delay) -> None:
    assert arrival_delays(pulse(delay).astype(np.float32)) == pytest.approx(delay, abs=0.02)


def test_arrival_delay_of_silence_is_zero() -> None:
    np.testing.assert_array_equal(arrival_delays(np.zeros((2, 3, 64), np.float32)), 0.0)


def test_interpolation_is_exact_at_measured_directions(head) -> None:
    np.testing.assert_allclose(head.interpolated(head.directions[::7]), head.filters[::7], atol=2e-5)


def test_interpolation_shifts_delays_instead_of_blending_pulses() -> None:
    coarse = two_capsules(ring_grid(20.0))
    exact = two_capsules(queries)
    error = np.linalg.norm(coarse.interpolated(queries) - exact.filters) / np.linalg.norm(exact.filters)
    nearest = np.linalg.norm(coarse.filters[coarse.nearest(queries)] - exact.filters) / np.linalg.norm(exact.filters)
    assert error < 0.06
    assert nearest > 6 * error


def test_interpolated_head_is_close_to_the_computed_one_between_grid_points(head) -> None:
    coarse = structural_head(RATE, spacing_deg=10.0)
    error = np.linalg.norm(coarse.interpolated(head.directions) - head.filters) / np.linalg.norm(head.filters)
    assert error < 0.07


def test_interpolation_keeps_shape_and_moves_smoothly(head) -> None:
    path = unit_vector(np.linspace(-np.pi, np.pi, 720), 0.2)
    filters = head.interpolated(path.reshape(2, 360, 3))
    assert filters.shape == (2, 360, 2, head.taps)
    flat = filters.reshape(720, -1)
    steps = np.linalg.norm(np.diff(flat, axis=0), axis=1) / np.linalg.norm(flat[1:], axis=1)
    assert steps.max() < 0.12  # half a degree per step


def test_nearest_finds_the_direction_itself(head) -> None:
    np.testing.assert_array_equal(head.nearest(3.0 * head.directions), np.arange(len(head.directions)))
    assert head.nearest(np.ones((2, 5, 3))).shape == (2, 5)


def test_horizontal_ring_still_interpolates_along_the_ring() -> None:
    ring = unit_vector(np.radians(np.arange(0, 360, 10)), 0.0)
    between = unit_vector(np.radians(np.arange(5, 360, 10)), 0.0)
    error = two_capsules(ring).interpolated(between) - two_capsules(between).filters
    assert np.linalg.norm(error) < 0.1 * np.linalg.norm(two_capsules(between).filters)


def test_densified_sets_cover_the_sphere(head) -> None:
    dense = head.densified(4.0)
    assert len(dense.directions) > 2000
    assert dense.latency == head.latency
    np.testing.assert_allclose(dense.weights.sum(), 1.0)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_resampling_keeps_gain_and_arrival(head, rate) -> None:
    other = head.resampled(rate)
    assert other.sample_rate == rate
    for band in (300.0, 2_000.0, 5_000.0):
        gains = []
        for responses in (head, other):
            turn = np.exp(-2j * np.pi * band / responses.sample_rate * (np.arange(responses.taps) - responses.latency))
            gains.append(responses.filters[::50] @ turn)
        np.testing.assert_allclose(gains[1], gains[0], atol=3e-3 * np.abs(gains[0]).max())
    assert head.resampled(RATE) is head


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_a_larger_head_hears_later_and_darker(head, scale) -> None:
    left, ahead = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    sized = head.scaled(scale)

    def delay(responses, vector):
        arrivals = responses.delays[responses.nearest(vector)]
        return arrivals[1] - arrivals[0]

    assert sized.sample_rate == head.sample_rate
    assert delay(sized, left) == pytest.approx(scale * delay(head, left), abs=0.3)
    assert delay(sized, ahead) == pytest.approx(0, abs=0.1)
    spectra = [np.abs(np.fft.rfft(r.filters[r.nearest(left)][1], 4096)) for r in (head, sized)]
    at = np.arange(100, 800)  # a notch at f moves to f / scale
    assert np.interp(at / scale, np.arange(2049), spectra[1]) == pytest.approx(spectra[0][at], rel=0.15)
    assert head.scaled(1) is head
    with pytest.raises(ParameterError, match=r"0\.5 to 2"):
        head.scaled(3)


def test_truncation_drops_silence_first_and_keeps_the_latency_consistent() -> None:
    late = DirectionalResponses([[1.0, 0, 0]], np.stack([pulse(200, 512)] * 2)[None].astype(np.float32), RATE, 200.0, "late")
    short = late.truncated(64)
    assert short.taps == 64
    assert short.delays[0, 0] == pytest.approx(short.latency, abs=0.05)
    with pytest.raises(ParameterError, match="cannot hold"):
        late.truncated(20)


def test_truncation_loses_little_and_ends_at_zero(head) -> None:
    short = head.truncated(96)
    lost = head.filters[..., :96] - short.filters
    assert np.sum(lost**2) < 1e-4 * np.sum(head.filters**2)
    assert np.abs(short.filters[..., -1]).max() < 1e-3


def test_diffuse_covariance_of_a_free_field_pair_is_the_sinc() -> None:
    radius = 0.08
    covariance = two_capsules(ring_grid(6.0), radius).diffuse_covariance(256)
    frequency = np.arange(129) * RATE / 256
    assert covariance.shape == (129, 2, 2)
    np.testing.assert_allclose(covariance, covariance.conj().transpose(0, 2, 1), atol=1e-12)
    coherence = (covariance[:, 0, 1] / covariance[:, 0, 0])[frequency < 7_000]
    np.testing.assert_allclose(coherence.real, np.sinc(4 * radius * frequency[frequency < 7_000] / 343.2), atol=0.01)
    np.testing.assert_allclose(coherence.imag, 0.0, atol=0.01)
    with pytest.raises(ParameterError, match="n_fft"):
        two_capsules(queries).diffuse_covariance(64)


def test_impossible_sets_are_refused() -> None:
    good = {
        "directions": np.eye(3),
        "filters": np.ones((3, 2, 16), np.float32),
        "sample_rate": RATE,
        "latency": 4.0,
        "name": "x",
    }
    bad = {
        "directions": [np.zeros((3, 3)), np.eye(3)[:2], np.ones(3)],
        "filters": [np.ones((3, 16)), np.full((3, 2, 16), np.nan), np.ones((3, 2, 0)), np.ones((3, 2, 16), int)],
        "sample_rate": [0, 44_100.5],
        "latency": [-1.0, 16.0, np.nan],
    }
    DirectionalResponses(**good)
    for field, values in bad.items():
        for value in values:
            with pytest.raises(ParameterError):
                DirectionalResponses(**{**good, field: value})


def test_sets_are_frozen(head) -> None:
    with pytest.raises(ValueError, match="read-only"):
        head.filters[0, 0, 0] = 1.0
