"""The mirror images of a source in a rectangular room, as a plain list (Allen and Berkley, 1979).

The engine enumerates the same images inside its compiled loops; this list is for references, tests and drawings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import ParameterError, SceneError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageSources:
    """Images of one source.

    Attributes:
        positions: where they are, ``(I, 3)`` metres.
        hits: reflections at each wall ``(I, 6)``, in the order of :data:`auris.scene.WALLS`.
        mirrored: whether each axis is mirrored ``(I, 3)``.
    """

    positions: Floats
    hits: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    @property
    def order(self) -> NDArray[np.int64]:
        """Total number of reflections ``(I,)``."""
        return np.asarray(self.hits.sum(axis=1))

    def amplitude(self, absorption: ArrayLike) -> Floats:
        """Return the product of the walls' reflection factors ``sqrt(1 - absorption)``.

        Args:
            absorption: energy absorption ``(6,)`` or ``(6, B)``.

        Returns:
            ``(I,)`` or ``(I, B)``; the distance is not in it.
        """
        reflection = np.sqrt(1.0 - np.asarray(absorption, dtype=float))
        exponents = self.hits.reshape(*self.hits.shape, *([1] * (reflection.ndim - 1)))
        return np.asarray(np.prod(reflection[None] ** exponents, axis=1))


def image_sources(
    dimensions: ArrayLike, source: ArrayLike, listener: ArrayLike, *, max_order: int | None = None, radius: float | None = None
) -> ImageSources:
    """Return the images up to a number of reflections, or within a distance of the listener; by distance.

    Args:
        dimensions: room size ``(3,)`` in metres.
        source: position ``(3,)``.
        listener: position ``(3,)``.
        max_order: most reflections in total.
        radius: largest distance from the listener in metres. Exactly one of the two is given.

    Raises:
        ParameterError: both or neither of ``max_order`` and ``radius`` are given, or one is negative.
        SceneError: a point lies outside the room.
    """
    size, start, ear = (np.asarray(value, dtype=float) for value in (dimensions, source, listener))
    limit = max_order if max_order is not None else radius
    if limit is None or (max_order is not None and radius is not None) or limit < 0:
        raise ParameterError(f"give either max_order or radius, at least 0; got max_order={max_order!r}, radius={radius!r}")
    for who, point in (("source", start), ("listener", ear)):
        if np.any(point < 0) or np.any(point > size):
            raise SceneError(f"the {who} at {point.tolist()} lies outside the room of {size.tolist()} metres")
    reach = [max_order] * 3 if max_order is not None else [int(np.ceil(limit / side)) + 1 for side in size]
    grids = np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij")
    cell = np.stack([grid.ravel() for grid in grids], axis=1)
    mirrored = cell % 2 == 1
    positions = cell * size + np.where(mirrored, size - start, start)
    distance = np.linalg.norm(positions - ear, axis=1)
    chosen = np.abs(cell).sum(axis=1) <= limit if max_order is not None else distance < limit
    order = np.flatnonzero(chosen)[np.argsort(distance[chosen], kind="stable")]
    near, far = np.abs(cell) // 2, (np.abs(cell) + 1) // 2  # of a walk that meets the far wall first
    hits = np.where(cell[..., None] >= 0, np.stack([near, far], -1), np.stack([far, near], -1)).reshape(-1, 6)
    return ImageSources(positions[order], hits[order].astype(np.int64), mirrored[order])
