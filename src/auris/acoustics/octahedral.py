"""A grid of directions in which the nearest node is found by rounding: the sphere folded onto a square.

A unit vector is scaled onto an octahedron, whose lower half is folded outwards, and rounded there. The six axes are nodes,
and the grid is symmetric left to right, front to back and up to down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import compiled

Floats = NDArray[np.float64]


def node_directions(cells: int) -> Floats:
    """Return the unit vectors ``((cells + 1)**2, 3)`` of a grid with an even number of ``cells`` along each side."""
    side = np.arange(cells + 1) / (cells / 2) - 1.0
    across, along = np.meshgrid(side, side)
    height = 1.0 - np.abs(across) - np.abs(along)
    below = height < 0
    x = np.where(below, (1.0 - np.abs(along)) * np.where(across >= 0, 1.0, -1.0), across)
    y = np.where(below, (1.0 - np.abs(across)) * np.where(along >= 0, 1.0, -1.0), along)
    vectors = np.stack([x, y, height], axis=-1).reshape(-1, 3)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@compiled
def nearest_node(x: float, y: float, z: float, cells: int) -> int:
    """Return the index of the node nearest to a vector of any length above zero."""
    scale = 1.0 / (abs(x) + abs(y) + abs(z))
    across, along = x * scale, y * scale
    if z < 0.0:
        fold = (1.0 - abs(along)) if across >= 0.0 else abs(along) - 1.0
        along = (1.0 - abs(across)) if along >= 0.0 else abs(across) - 1.0
        across = fold
    half = cells // 2
    column = int(abs(across) * half + 0.5)  # away from the axis where two are equally near, so that mirrors stay mirrors
    row = int(abs(along) * half + 0.5)
    return (half + (row if along > 0.0 else -row)) * (cells + 1) + half + (column if across > 0.0 else -column)
