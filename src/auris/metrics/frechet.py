"""Fréchet distance between clouds of points with fewer points than dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auris.errors import ParameterError


def frechet_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return the squared Fréchet distance of the Gaussians of two clouds of points.

    With ``A`` and ``B`` the centred points over the root of their number less one, the trace of the root of the product of
    both covariances is the nuclear norm of ``A Bᵀ``: exact also where the covariances are singular, and as quick as the
    number of points is small.

    Args:
        first: ``(n, dimensions)``, at least two points.
        second: ``(m, dimensions)``.

    Raises:
        ParameterError: the shapes do not fit, there are fewer than two points, or some are no numbers.

    >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]]))
    1.0
    """
    clouds = [np.asarray(points, dtype=np.float64) for points in (first, second)]
    if any(points.ndim != 2 for points in clouds) or clouds[0].shape[1] != clouds[1].shape[1]:
        raise ParameterError(f"two clouds (points, dimensions) of equal dimensions are needed, got {[p.shape for p in clouds]}")
    if min(map(len, clouds)) < 2:
        raise ParameterError(f"a Fréchet distance needs two points on each side, got {len(clouds[0])} and {len(clouds[1])}")
    if not all(np.isfinite(points).all() for points in clouds):
        raise ParameterError("a point of a cloud is not a finite number; leave silent clips out")
    means = [points.mean(axis=0) for points in clouds]
    roots = [(points - mean) / np.sqrt(len(points) - 1) for points, mean in zip(clouds, means, strict=True)]
    nuclear = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(float(np.square(root).sum()) for root in roots)
    return max(0.0, float(np.square(means[0] - means[1]).sum() + spread - 2 * nuclear))
