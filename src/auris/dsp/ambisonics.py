"""Ambisonics: spherical harmonics, conventions, encoding, rotation and simple decoding.

Inside auris every ambisonic signal is ACN order (index n² + n + m) with SN3D normalisation (AmbiX), orders 0 to 7, no
Condon-Shortley phase: channel 0 is the pressure, channels 1 to 3 the direction cosines y, z, x.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.spatial.transform import Rotation

from auris.audio import Audio
from auris.channels import MAX_ORDER, ambisonics
from auris.dsp.sphere_sampling import as_unit_vectors
from auris.errors import LayoutError, ParameterError, unknown_name
from auris.geometry.directions import Floats, unit_vector

Convention = Literal["sn3d", "n3d", "orthonormal", "fuma", "wxyz"]
"""Ways to write ambisonics. ACN order: ``sn3d`` (AmbiX), ``n3d`` (W is 1), ``orthonormal`` (integrates to 1 over the
sphere). ``fuma``: Furse-Malham order W X Y Z R S T U V K L M N O P Q with maximum-1 weights and W down 3 dB, up to order
3. ``wxyz``: first order only, W X Y Z with W 1 and direction cosines."""

# Furse-Malham, in the order of its channels: which ACN channel, and its weight over SN3D.
_FUMA_ACN = np.array([0, 3, 1, 2, 6, 7, 5, 8, 4, 12, 13, 11, 14, 10, 15, 9])
_FUMA_WEIGHT = np.sqrt([1 / 2, 1, 1, 1, 1, *4 * [4 / 3], 1, 45 / 32, 45 / 32, 9 / 5, 9 / 5, 8 / 5, 8 / 5])
_BLOCK = 65_536  # samples encoded at once when the source moves


def channel_degrees(order: int) -> NDArray[np.int_]:
    """Return the degree n ``((order+1)²,)`` of each channel.

    >>> channel_degrees(2).tolist()
    [0, 1, 1, 1, 2, 2, 2, 2, 2]
    """
    _check_order(order)
    return np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)


def order_of(channels: int) -> int:
    """Return the ambisonic order of a channel count; raises :class:`ParameterError` unless it is 1, 4, 9, ... 64."""
    order = math.isqrt(max(channels, 0)) - 1
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


def convert(coefficients: ArrayLike, *, source: Convention, target: Convention, axis: int = -2) -> NDArray[np.floating]:
    """Return ambisonic signals or coefficients in another convention.

    Args:
        coefficients: real array with the channels on ``axis`` (signals are ``(..., C, T)``).
        source: convention of the input, see :data:`Convention`.
        target: convention of the output.
        axis: where the channels are.

    Raises:
        ParameterError: unknown convention, impossible channel count, or an order that the convention does not define.
    """
    array = np.asarray(coefficients)
    array = array if array.dtype.kind == "f" else array.astype(float)
    channels = np.moveaxis(array, axis, -1)
    order = order_of(channels.shape[-1])
    acn_in, weight_in = _layout_of(source, order)
    acn_out, weight_out = _layout_of(target, order)
    place_in = np.argsort(acn_in)[acn_out]
    weight = (weight_out / weight_in[place_in]).astype(array.dtype)
    return np.moveaxis(channels[..., place_in] * weight, -1, axis)


def _layout_of(convention: Convention, order: int) -> tuple[NDArray[np.intp], Floats]:
    """ACN index and weight over SN3D of each channel of a convention."""
    n = channel_degrees(order)
    acn = np.arange(len(n))
    if convention == "sn3d":
        return acn, np.ones(len(n))
    if convention == "n3d":
        return acn, np.sqrt(2.0 * n + 1.0)
    if convention == "orthonormal":
        return acn, np.sqrt((2.0 * n + 1.0) / (4.0 * np.pi))
    if convention not in ("fuma", "wxyz"):
        raise ParameterError(unknown_name("ambisonic convention", convention, get_args(Convention)))
    highest = 3 if convention == "fuma" else 1
    if order > highest:
        raise ParameterError(f"{convention!r} is defined up to order {highest}, these signals have order {order}; use 'sn3d'")
    weight = _FUMA_WEIGHT[: len(n)] if convention == "fuma" else np.ones(len(n))
    return _FUMA_ACN[: len(n)].astype(np.intp), np.asarray(weight)


def encode(signal: ArrayLike, direction: ArrayLike, *, order: int = 1) -> NDArray[np.float32]:
    """Encode a mono signal ``(N,)`` as a plane wave, float32 ``((order+1)², N)``.

    Args:
        signal: samples at the listener.
        direction: towards the source: one vector ``(3,)``, or one per sample ``(N, 3)`` for a moving source.
        order: ambisonic order.
    """
    samples = np.asarray(signal, dtype=np.float32)
    vectors = np.asarray(direction, dtype=float)
    if samples.ndim != 1 or vectors.shape not in ((3,), (len(samples), 3)):
        raise ParameterError(
            f"encode needs a mono signal (N,) and a direction (3,) or (N, 3), got {samples.shape} and {vectors.shape}"
        )
    if vectors.ndim == 1:
        return np.asarray(spherical_harmonics(vectors, order)[:, None] * samples, dtype=np.float32)
    out = np.empty(((order + 1) ** 2, len(samples)), dtype=np.float32)
    for start in range(0, len(samples), _BLOCK):
        block = slice(start, start + _BLOCK)
        out[:, block] = spherical_harmonics(vectors[block], order).T * samples[block]
    return out


def rotate(audio: Audio, rotation: Rotation) -> Audio:
    """Return ambisonic audio with the sound field turned: a source at direction u moves to ``rotation.apply(u)``.

    Raises:
        LayoutError: the audio is not ambisonic.
    """
    matrix = rotation_matrix(rotation, _order(audio, "rotation"))
    if matrix.ndim != 2:
        raise ParameterError("rotate() takes one rotation; for a stack, multiply by rotation_matrix() yourself")
    return Audio(matrix.astype(np.float32) @ audio.samples, audio.sample_rate, audio.layout)


def truncate(audio: Audio, order: int) -> Audio:
    """Return ambisonic audio with the channels up to ``order`` only.

    Raises:
        LayoutError: the audio is not ambisonic.
        ParameterError: it has a lower order than that, or the order is not 1 to 7.
    """
    have = _order(audio, "truncation")
    layout = ambisonics(order)
    if order > have:
        raise ParameterError(f"this audio has ambisonic order {have}; a higher order ({order}) cannot be made from it")
    return Audio(audio.samples[: layout.channels], audio.sample_rate, layout)


def max_re_weights(order: int) -> Floats:
    """Return one weight per degree ``(order+1,)`` that points the energy vector as sharply as the order allows.

    Legendre polynomials at cos(137.9° / (order + 1.51)) (Zotter and Frank, Ambisonics, 2019, eq. 4.11). Spread them over
    channels with ``weights[channel_degrees(order)]``.
    """
    _check_order(order)
    return np.asarray(special.eval_legendre(np.arange(order + 1), np.cos(np.radians(137.9) / (order + 1.51))))


def virtual_microphone(signals: ArrayLike, direction: ArrayLike, *, omni: float = 0.5) -> NDArray[np.floating]:
    """Return the signal ``(..., T)`` of a first-order microphone at the listener, from signals ``(..., C >= 4, T)``.

    Args:
        signals: ACN/SN3D; channels above the first order are not used.
        direction: ``(3,)`` where it looks.
        omni: share of pressure: 1 omnidirectional, 0.5 cardioid, 0.25 hypercardioid, 0 figure of eight.
    """
    pressure, velocity = _first_order(signals)
    if not 0.0 <= omni <= 1.0:
        raise ParameterError(f"omni is the share of pressure, 0 (figure of eight) to 1 (omnidirectional), got {omni!r}")
    along = np.tensordot(as_unit_vectors(direction).astype(velocity.dtype), velocity, axes=(0, -2))
    return np.asarray(omni * pressure + (1.0 - omni) * along, dtype=velocity.dtype)


def sideways_cardioids(signals: ArrayLike) -> NDArray[np.floating]:
    """Return left and right cardioids ``(..., 2, T)`` facing sideways: (W + Y) / 2 and (W - Y) / 2.

    The stereo of DCASE 2025, which writes W ± Y, is twice this.
    """
    views = [virtual_microphone(signals, (0.0, side, 0.0)) for side in (1.0, -1.0)]
    return np.stack(views, axis=-2)


def intensity(signals: ArrayLike) -> NDArray[np.floating]:
    """Return the pseudo-intensity ``(..., 3, T)``, W times (X, Y, Z): for a plane wave it points to the source."""
    pressure, velocity = _first_order(signals)
    return np.asarray(pressure[..., None, :] * velocity)


def diffuseness(signals: ArrayLike) -> NDArray[np.floating]:
    """Return 1 minus mean intensity over mean energy ``(...)``: 0 for one plane wave, 1 for an isotropic field or silence."""
    pressure, velocity = _first_order(signals)
    energy = 0.5 * np.mean(pressure**2 + np.sum(velocity**2, axis=-2), axis=-1)
    flow = np.linalg.norm(np.mean(pressure[..., None, :] * velocity, axis=-1), axis=-1)
    return np.asarray(1.0 - flow / np.maximum(energy, np.finfo(energy.dtype).tiny))


def energy_vector(gains: ArrayLike, directions: ArrayLike) -> Floats:
    """Return the energy vector ``(..., 3)`` of loudspeaker gains ``(..., L)`` at directions ``(L, 3)``; length 1 is a point."""
    energy = np.square(np.asarray(gains, dtype=float))
    total = np.maximum(energy.sum(axis=-1, keepdims=True), np.finfo(float).tiny)
    return np.asarray(energy @ as_unit_vectors(directions) / total)


def _first_order(signals: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Pressure ``(..., T)`` and velocity ``(..., 3, T)`` in the order x, y, z."""
    array = np.asarray(signals)
    array = array if array.dtype.kind == "f" else array.astype(float)
    if array.ndim < 2 or array.shape[-2] < 4:
        raise ParameterError(f"this needs ambisonic signals (..., C, T) of at least 4 channels, got {array.shape}")
    order_of(array.shape[-2])
    return array[..., 0, :], array[..., [3, 1, 2], :]


def _order(audio: Audio, what: str) -> int:
    audio.require("ambisonics", what=what)
    if audio.layout.order is None:
        raise LayoutError(f"{what} needs audio of a known ambisonic order")
    return audio.layout.order


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
