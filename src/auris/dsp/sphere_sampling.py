"""Grids on the sphere, their quadrature weights, and interpolation weights between their points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError, SphericalVoronoi, cKDTree

from auris.errors import ParameterError
from auris.geometry.directions import Floats, unit_vector

Indices = NDArray[np.intp]

# A grid surrounds the listener when every face of its hull keeps this distance from the centre.
_MIN_FACE_DISTANCE = 0.05
_MAX_GRID_POINTS = 200_000


def as_unit_vectors(vectors: ArrayLike, name: str = "directions") -> Floats:
    """Return ``vectors`` ``(..., 3)`` scaled to length 1.

    Raises:
        ParameterError: the last axis is not 3, or a vector is zero or not finite.
    """
    points = np.asarray(vectors, dtype=float)
    if points.ndim < 1 or points.shape[-1] != 3:
        raise ParameterError(f"{name} must have shape (..., 3), got {points.shape}")
    length = np.linalg.norm(points, axis=-1, keepdims=True)
    if not np.all(np.isfinite(length)) or np.any(length < 1e-12):
        raise ParameterError(f"{name} must be finite vectors of non-zero length")
    return np.asarray(points / length)


def ring_grid(spacing_deg: float) -> Floats:
    """Return unit vectors ``(D, 3)`` on rings of constant elevation, neighbours about ``spacing_deg`` degrees apart.

    The grid holds both poles and the horizontal ring, and is its own mirror image in left/right, front/back and up/down.

    Raises:
        ParameterError: the spacing is not between 0.5 and 60 degrees.
    """
    if not 0.5 <= spacing_deg <= 60.0:
        raise ParameterError(f"grid spacing must be 0.5 to 60 degrees, got {spacing_deg!r}")
    rings = 2 * int(np.ceil(90.0 / spacing_deg))
    points = [np.array([[0.0, 0.0, -1.0]])]
    for elevation in np.linspace(-np.pi / 2, np.pi / 2, rings + 1)[1:-1]:
        count = 4 * int(np.ceil(90.0 * np.cos(elevation) / spacing_deg - 1e-9))
        points.append(unit_vector(2 * np.pi * np.arange(count) / count, elevation))
    return np.concatenate([*points, np.array([[0.0, 0.0, 1.0]])])


def fibonacci_grid(count: int) -> Floats:
    """Return ``count`` nearly equal-area unit vectors ``(count, 3)`` on a Fibonacci spiral."""
    if not 1 <= count <= _MAX_GRID_POINTS:
        raise ParameterError(f"a Fibonacci grid has 1 to {_MAX_GRID_POINTS} points, got {count!r}")
    z = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    return unit_vector(np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count), np.arcsin(z))


def quadrature_weights(vectors: ArrayLike) -> Floats:
    """Return the share of the sphere ``(D,)`` (sum 1) nearest to each unit vector: the area of its Voronoi cell.

    Grids without a proper Voronoi diagram (a single ring, fewer than four points, repeated points) get the share of
    a dense Fibonacci grid instead; a repeated point then counts once.
    """
    points = as_unit_vectors(vectors)
    try:
        areas = SphericalVoronoi(points, threshold=1e-9).calculate_areas()
        if np.all(np.isfinite(areas)) and np.all(areas >= 0):
            return np.asarray(areas / areas.sum(), dtype=float)
    except (ValueError, QhullError):
        pass
    owner = cKDTree(points).query(fibonacci_grid(min(100 * len(points) + 2_000, 100_000)))[1]
    counts = np.bincount(owner, minlength=len(points))
    return np.asarray(counts / counts.sum(), dtype=float)


@dataclass(frozen=True, eq=False)
class SphereInterpolation:
    """Interpolation weights between the points of a grid.

    Inside the triangles of the grid's convex hull the weights are barycentric: continuous everywhere, 1 at a grid
    point. A grid that does not surround the listener (a horizontal ring, a hemisphere) falls back to inverse squared
    angles of the three nearest points.
    """

    tree: cKDTree
    triangles: Indices | None  # (T, 3) indices of grid points
    inverses: Floats | None  # (T, 3, 3), maps a direction to its barycentric weights
    centres: cKDTree | None

    @classmethod
    def of(cls, vectors: Floats) -> SphereInterpolation:
        """Prepare interpolation between unit vectors ``(D, 3)``."""
        tree = cKDTree(vectors)
        try:
            hull = ConvexHull(vectors)
        except (ValueError, QhullError):
            return cls(tree, None, None, None)
        if np.max(hull.equations[:, 3]) > -_MIN_FACE_DISTANCE:
            return cls(tree, None, None, None)
        corners = vectors[hull.simplices]
        flat = np.abs(np.linalg.det(corners)) < 1e-12
        triangles, corners = hull.simplices[~flat], corners[~flat]
        centres = corners.mean(axis=1)
        centres /= np.linalg.norm(centres, axis=-1, keepdims=True)
        inverses = np.linalg.inv(np.swapaxes(corners, -1, -2))
        return cls(tree, np.asarray(triangles, dtype=np.intp), inverses, cKDTree(centres))

    def weights(self, vectors: Floats) -> tuple[Indices, Floats]:
        """Return indices ``(Q, K)`` of grid points and weights ``(Q, K)`` (sum 1) for unit vectors ``(Q, 3)``."""
        if self.triangles is None or self.inverses is None or self.centres is None:
            return self._nearest_weights(vectors)
        near = np.reshape(self.centres.query(vectors, k=min(8, len(self.triangles)))[1], (len(vectors), -1))
        chosen, weights = self._best(vectors, near)
        for index in np.flatnonzero(weights.min(axis=-1) < -1e-9):  # long thin triangles, as over a gap in the grid
            everything = np.arange(len(self.triangles))[None]
            chosen[index : index + 1], weights[index : index + 1] = self._best(vectors[index : index + 1], everything)
        weights = np.maximum(weights, 0.0)
        return self.triangles[chosen], weights / weights.sum(axis=-1, keepdims=True)

    def _best(self, vectors: Floats, candidates: Indices) -> tuple[Indices, Floats]:
        """Of the candidate triangles ``(Q, K)``, the one that holds each vector: its index ``(Q,)`` and weights."""
        weights = np.einsum("qkij,qj->qki", cast(Floats, self.inverses)[candidates], vectors)
        best = np.argmax(weights.min(axis=-1), axis=-1)
        rows = np.arange(len(vectors))
        return candidates[rows, best], weights[rows, best]

    def _nearest_weights(self, vectors: Floats) -> tuple[Indices, Floats]:
        count = min(3, self.tree.n)
        distance, index = self.tree.query(vectors, k=count)
        distance, index = np.reshape(distance, (-1, count)), np.reshape(index, (-1, count))
        weights = 1.0 / np.maximum(distance, 1e-9) ** 2
        return index.astype(np.intp), weights / weights.sum(axis=-1, keepdims=True)
