"""Ambisonics: spherical harmonics, conventions, encoding, rotation and simple decoding.

Inside auris every ambisonic signal is ACN order (index n² + n + m) with SN3D normalisation (AmbiX), orders 0 to 7, no
Condon-Shortley phase: channel 0 is the pressure, channels 1 to 3 the direction cosines y, z, x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.spatial.transform import Rotation

from auris.channels import MAX_ORDER
from auris.dsp.sphere_sampling import as_unit_vectors
from auris.errors import ParameterError
from auris.geometry.directions import Floats, unit_vector


def channel_degrees(order: int) -> NDArray[np.int_]:
    """Return the degree n ``((order+1)²,)`` of each channel.

    >>> channel_degrees(2).tolist()
    [0, 1, 1, 1, 2, 2, 2, 2, 2]
    """
    _check_order(order)
    return np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)


def order_of(channels: int) -> int:
    """Return the ambisonic order of a channel count; raises :class:`ParameterError` unless it is 1, 4, 9, ... 64."""
    order = round(np.sqrt(channels)) - 1
    if channels < 1 or (order + 1) ** 2 != channels or order > MAX_ORDER:
        raise ParameterError(f"ambisonics of order n has (n + 1)² channels (1, 4, 9, ... 64), got {channels}")
    return order


def spherical_harmonics(vectors: ArrayLike, order: int) -> Floats:
    """Return real spherical harmonics ``(..., (order+1)²)``, ACN/SN3D, towards directions ``(..., 3)``.

    >>> spherical_harmonics([0.0, 1.0, 0.0], 1).round(12).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    _check_order(order)
    unit = as_unit_vectors(vectors)
    polar = np.arctan2(np.hypot(unit[..., 0], unit[..., 1]), unit[..., 2])
    azimuth = np.arctan2(unit[..., 1], unit[..., 0])
    n = channel_degrees(order)
    m = np.concatenate([np.arange(-k, k + 1) for k in range(order + 1)])
    harmonics = special.sph_harm_y(n, np.abs(m), polar[..., None], azimuth[..., None])
    # SciPy's functions are complex, orthonormal and carry the Condon-Shortley sign (-1)^m.
    scale = np.where(m == 0, 1.0, np.sqrt(2.0) * (-1.0) ** np.abs(m)) * np.sqrt(4 * np.pi / (2 * n + 1))
    return np.asarray(scale * np.where(m < 0, harmonics.imag, harmonics.real))


def rotation_matrix(rotation: Rotation, order: int) -> Floats:
    """Return the matrix ``(C, C)`` (or ``(K, C, C)`` for stacked rotations) that turns ambisonic coefficients.

    A source at direction u moves to ``rotation.apply(u)``: ``spherical_harmonics(R u) = matrix @ spherical_harmonics(u)``.
    To undo a listener's rotation (body to world), use ``rotation.inv()``. The matrix is block diagonal, orthogonal per
    degree, the same for SN3D and N3D, and exact to rounding: a projection by a quadrature that integrates the products
    of harmonics exactly. For tensors, multiply by ``torch.from_numpy(matrix)``.
    """
    _check_order(order)
    points, weights = _projection_grid(order)
    n = channel_degrees(order)
    turned = np.asarray(rotation.as_matrix()) @ points.T
    # The projection integrates N3D harmonics; SN3D on both sides gives 1 / (2n + 1) in each block.
    outer = np.swapaxes(spherical_harmonics(np.swapaxes(turned, -1, -2), order), -1, -2)
    matrix = outer @ (weights[:, None] * spherical_harmonics(points, order)) * (2 * n + 1)
    return np.asarray(np.where(n[:, None] == n[None, :], matrix, 0.0))


def _projection_grid(order: int) -> tuple[Floats, Floats]:
    """Points and weights (sum 1) that integrate polynomials of degree ``2 order`` over the sphere exactly."""
    z, weight = np.polynomial.legendre.leggauss(order + 1)
    count = 2 * order + 2
    azimuth = 2 * np.pi * np.arange(count) / count
    points = unit_vector(*np.meshgrid(azimuth, np.arcsin(z))).reshape(-1, 3)
    return points, np.repeat(weight / (2.0 * count), count)


def _check_order(order: int) -> None:
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or not 0 <= order <= MAX_ORDER:
        raise ParameterError(f"ambisonic order must be a whole number from 0 to {MAX_ORDER}, got {order!r}")
