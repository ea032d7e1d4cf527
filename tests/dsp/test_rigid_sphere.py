"""The rigid sphere: known limits, causality, convergence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from auris.channels import tetrahedral
from auris.dsp.directional_responses import arrival_delays
from auris.dsp.rigid_sphere import mode_strengths, pressure_on_sphere, rigid_sphere
from auris.dsp.sphere_sampling import ring_grid
from auris.errors import ParameterError

RATE = 24_000
TETRA = np.asarray(tetrahedral().positions)


@pytest.fixture(scope="module")
def tetra():
    return rigid_sphere(TETRA, RATE)


def test_pressure_is_one_at_dc_and_doubles_facing_a_large_sphere() -> None:
    cosines = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(pressure_on_sphere(cosines, [0.0, 1e-4]), 1.0, atol=3e-4)
    assert np.abs(pressure_on_sphere([1.0], [400.0]))[0, 0] == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("ka", [0.05, 0.3, 1.0, 5.0, 20.0, 120.0, 900.0])
def test_series_is_finite_and_agrees_with_many_more_terms(ka) -> None:
    cosines = np.linspace(-1, 1, 9)
    ours = pressure_on_sphere(cosines, [ka])[:, 0]
    n = np.arange(int(1.2 * ka) + 60)
    slope = special.spherical_jn(n, ka, True) - 1j * special.spherical_yn(n, ka, True)
    good = np.isfinite(slope.imag)
    terms = np.where(good, (2 * n + 1) * 1j ** ((n - 1) % 4) / np.where(good, slope * ka**2, 1.0), 0.0)
    direct = special.eval_legendre(n[None], cosines[:, None]) @ terms
    np.testing.assert_allclose(ours, direct, atol=1e-9)


def test_low_frequencies_are_delayed_by_three_halves_of_the_free_path() -> None:
    ka = 1e-3  # Kuhn 1977: a rigid sphere stretches the low-frequency path to 3 a cos(angle) / 2
    cosines = np.linspace(-1, 1, 11)
    np.testing.assert_allclose(np.angle(pressure_on_sphere(cosines, [ka]))[:, 0] / ka, 1.5 * cosines, atol=1e-3)


def test_modes_add_up_to_the_pressure_at_the_surface() -> None:
    ka, order = np.array([0.5, 2.0, 6.0]), 25
    cosines = np.linspace(-1, 1, 7)
    legendre = special.eval_legendre(np.arange(order + 1)[:, None], cosines[None])
    weights = (2 * np.arange(order + 1) + 1) / (4 * np.pi)
    series = (weights[:, None] * legendre).T @ mode_strengths(ka, order, sphere="rigid")
    np.testing.assert_allclose(series, pressure_on_sphere(cosines, ka), atol=1e-9)
    free = (weights[:, None] * legendre).T @ mode_strengths(ka, order, sphere="open")
    np.testing.assert_allclose(free, np.exp(1j * np.outer(cosines, ka)), atol=1e-9)


def test_mode_strengths_at_zero_and_bad_input() -> None:
    for sphere in ("open", "rigid"):
        np.testing.assert_allclose(mode_strengths([0.0], 2, sphere=sphere)[:, 0], [4 * np.pi, 0, 0], atol=1e-9)
    with pytest.raises(ParameterError, match="unknown sphere"):
        mode_strengths([1.0], 2, sphere="soft")
    with pytest.raises(ParameterError, match="at least 0"):
        mode_strengths([-1.0], 2, sphere="open")


def test_filters_follow_the_series_in_magnitude_and_phase(tetra) -> None:
    frequency = np.array([200.0, 1_000.0, 3_000.0, 8_000.0, 10_000.0])
    cosines = tetra.directions @ (TETRA / 0.042).T
    exact = pressure_on_sphere(cosines.ravel(), 2 * np.pi * frequency * 0.042 / 343.2).reshape(*cosines.shape, -1)
    turn = np.exp(-2j * np.pi * np.outer(np.arange(tetra.taps) - tetra.latency, frequency) / RATE)
    np.testing.assert_allclose(tetra.filters @ turn, exact, atol=1.2e-2)
    np.testing.assert_allclose((tetra.filters @ turn)[..., :3], exact[..., :3], atol=1e-3)


def test_nothing_arrives_before_the_nearest_point_of_the_sphere(tetra) -> None:
    earliest = tetra.latency - 0.042 / 343.2 * RATE
    energy = np.cumsum(np.sum(tetra.filters.astype(float) ** 2, axis=(0, 1)))
    assert energy[int(earliest) - 4] < 1e-2 * energy[-1]
    assert energy[int(earliest) - 12] < 1e-4 * energy[-1]
    assert np.abs(tetra.filters[..., 0]).max() < 1e-4
    assert tetra.delays.min() > earliest - 1.0


def test_facing_capsule_hears_the_front_of_the_wave_first(tetra) -> None:
    delays = tetra.delays[tetra.nearest(TETRA)]
    assert np.all(np.argmin(delays, axis=1) == np.arange(4))


@pytest.mark.parametrize("radius", [0.0005, 0.0875, 0.3])
def test_any_radius(radius) -> None:
    small = rigid_sphere([[radius, 0, 0], [0, radius, 0]], 16_000, spacing_deg=20.0)
    assert np.all(np.isfinite(small.filters))
    gain = small.filters.sum(axis=-1)
    np.testing.assert_allclose(gain, 1.0, atol=0.02)


def test_a_tiny_sphere_only_delays() -> None:
    tiny = rigid_sphere([[0.001, 0, 0]], RATE, spacing_deg=20.0)
    delays = arrival_delays(tiny.filters)[:, 0]
    np.testing.assert_allclose(delays, tiny.latency - 1.5 * 0.001 / 343.2 * RATE * tiny.directions[:, 0], atol=0.01)


def test_rotating_array_and_wave_together_changes_nothing() -> None:
    ring = ring_grid(30.0)
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    first, second = rigid_sphere(TETRA, RATE, spacing_deg=30.0), rigid_sphere(TETRA @ turn.T, RATE, spacing_deg=30.0)
    np.testing.assert_allclose(second.filters[second.nearest(ring @ turn.T)], first.filters, atol=1e-6)


def test_capsules_off_the_sphere_are_refused() -> None:
    for positions in ([[0.04, 0, 0], [0, 0.05, 0]], [[0.0, 0, 0]], np.zeros((0, 3)), [0.04, 0, 0], [[np.nan, 0, 0]]):
        with pytest.raises(ParameterError):
            rigid_sphere(positions, RATE)
