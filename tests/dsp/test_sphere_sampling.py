"""Grids, quadrature and interpolation on the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from auris.dsp.ambisonics import spherical_harmonics
from auris.dsp.sphere_sampling import SphereInterpolation, as_unit_vectors, fibonacci_grid, quadrature_weights, ring_grid
from auris.errors import ParameterError
from auris.geometry.directions import unit_vector

queries = np.random.default_rng(3).standard_normal((300, 3))
queries /= np.linalg.norm(queries, axis=1, keepdims=True)
ring = unit_vector(np.radians(np.arange(0, 360, 10)), 0.0)


@settings(max_examples=10, deadline=None)
@given(st.floats(3.0, 60.0))
def test_ring_grid_is_its_own_mirror_image_and_as_dense_as_asked(spacing) -> None:
    grid = ring_grid(spacing)
    tree = cKDTree(grid)
    for mirror in ([-1, 1, 1], [1, -1, 1], [1, 1, -1]):
        assert tree.query(grid * mirror)[0].max() < 1e-12
    assert np.degrees(tree.query(queries)[0].max()) < 0.8 * spacing


@pytest.mark.parametrize("grid", [ring_grid(10.0), fibonacci_grid(500), as_unit_vectors(queries)])
def test_quadrature_integrates_smooth_functions(grid) -> None:
    weights = quadrature_weights(grid)
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() > 0
    mean = weights @ spherical_harmonics(grid, 3)
    np.testing.assert_allclose(mean, [1.0, *15 * [0.0]], atol=2e-2)


@pytest.mark.parametrize(
    "grid",
    [ring, ring[:1], ring[:3], np.concatenate([ring_grid(20.0), ring_grid(20.0)[:5]])],
    ids=["ring", "one", "three", "repeated"],
)
def test_quadrature_of_grids_without_a_voronoi_diagram(grid) -> None:
    weights = quadrature_weights(grid)
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() >= 0
    if len(grid) == 36:
        np.testing.assert_allclose(weights, 1 / 36, rtol=0.1)


@pytest.mark.parametrize("grid", [ring_grid(12.0), fibonacci_grid(300), ring_grid(30.0)[1:]], ids=["rings", "spiral", "hole"])
def test_barycentric_weights_reproduce_the_direction(grid) -> None:
    corners, weights = SphereInterpolation.of(grid).weights(queries)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    blend = np.einsum("qk,qkj->qj", weights, grid[corners])
    np.testing.assert_allclose(blend / np.linalg.norm(blend, axis=1, keepdims=True), queries, atol=1e-9)


def test_weights_are_one_at_grid_points_and_continuous() -> None:
    grid = ring_grid(12.0)
    interpolation = SphereInterpolation.of(grid)
    corners, weights = interpolation.weights(grid)
    np.testing.assert_allclose(np.sum(weights * (corners == np.arange(len(grid))[:, None]), axis=1), 1.0, atol=1e-9)
    path = unit_vector(np.linspace(0, 2, 4000), np.linspace(-1, 1, 4000))
    dense = np.zeros((len(path), len(grid)))
    for k, (index, weight) in enumerate(zip(*interpolation.weights(path), strict=True)):
        np.add.at(dense[k], index, weight)
    assert np.abs(np.diff(dense, axis=0)).max() < 0.02


@pytest.mark.parametrize(
    "grid", [ring, ring[:1], ring[:2], ring_grid(15.0)[ring_grid(15.0)[:, 2] >= 0]], ids=["ring", "one", "two", "half"]
)
def test_grids_that_do_not_surround_the_listener_use_their_nearest_points(grid) -> None:
    interpolation = SphereInterpolation.of(grid)
    corners, weights = interpolation.weights(np.concatenate([queries, grid]))
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    at_grid = corners[len(queries) :][np.arange(len(grid)), np.argmax(weights[len(queries) :], axis=1)]
    np.testing.assert_array_equal(at_grid, np.arange(len(grid)))


def test_bad_input_is_refused() -> None:
    for vectors in (np.zeros(3), [np.nan, 0, 1], [1.0, 2.0], 3.0):
        with pytest.raises(ParameterError, match=r"directions|shape"):
            as_unit_vectors(vectors)
    for spacing in (0.1, 90.0, np.nan):
        with pytest.raises(ParameterError, match="spacing"):
            ring_grid(spacing)
    with pytest.raises(ParameterError, match="Fibonacci"):
        fibonacci_grid(0)
