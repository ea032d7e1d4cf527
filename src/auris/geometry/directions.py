"""Directions, angles and orientations in the one internal frame.

x points to the front, y to the left, z up (right-handed). Azimuth runs counter-clockwise seen from above, 0 in front,
+pi/2 on the left, in [-pi, pi). Elevation runs from -pi/2 (below) to +pi/2 (above). Angles are radians. Every other
convention is a converter in :mod:`auris.geometry.frames`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from auris.errors import ParameterError

Floats = NDArray[np.float64]


def wrap_angle(angle: ArrayLike) -> Floats:
    """Wrap radians to [-pi, pi)."""
    return np.asarray((np.asarray(angle, dtype=float) + np.pi) % (2 * np.pi) - np.pi)


def unit_vector(azimuth: ArrayLike, elevation: ArrayLike) -> Floats:
    """Return unit vectors of shape ``(..., 3)`` from azimuth and elevation in radians.

    >>> unit_vector(0.0, 0.0).tolist()
    [1.0, 0.0, 0.0]
    """
    azimuth, elevation = np.broadcast_arrays(np.asarray(azimuth, dtype=float), np.asarray(elevation, dtype=float))
    cos_elevation = np.cos(elevation)
    return np.stack([cos_elevation * np.cos(azimuth), cos_elevation * np.sin(azimuth), np.sin(elevation)], axis=-1)


def angles(vectors: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return azimuth, elevation (radians) and length (metres) of vectors of shape ``(..., 3)``.

    A zero vector has azimuth 0 and elevation 0.
    """
    v = np.asarray(vectors, dtype=float)
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    return wrap_angle(np.arctan2(y, x)), np.arctan2(z, np.hypot(x, y)), np.linalg.norm(v, axis=-1)


def angle_between(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return the angle in radians between vectors of shape ``(..., 3)``; exact for tiny and for opposite angles."""
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    return np.asarray(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def great_circle(first: ArrayLike, second: ArrayLike, fraction: ArrayLike) -> Floats:
    """Interpolate between unit vectors along the great circle (constant angular speed, never along the chord).

    Opposite vectors have no unique path; the one through the axis least aligned with them is taken.

    Args:
        first: unit vectors ``(..., 3)``.
        second: unit vectors ``(..., 3)``.
        fraction: 0 at ``first``, 1 at ``second``, shape ``(...)``.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    t = np.asarray(fraction, dtype=float)[..., None]
    omega = angle_between(a, b)[..., None]
    normal = b - np.sum(a * b, axis=-1, keepdims=True) * a
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    axis = np.eye(3)[np.argmin(np.abs(a), axis=-1)]
    spare = axis - np.sum(a * axis, axis=-1, keepdims=True) * a
    spare = spare / np.linalg.norm(spare, axis=-1, keepdims=True)
    tangent = np.where(length > 1e-12, normal / np.maximum(length, 1e-12), spare)
    return np.asarray(np.cos(t * omega) * a + np.sin(t * omega) * tangent)


@dataclass(frozen=True)
class Direction:
    """Where something is heard: azimuth and elevation in radians.

    Raises:
        ParameterError: a value is not finite, or the elevation lies outside [-pi/2, pi/2].
    """

    azimuth: float
    elevation: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.azimuth) and math.isfinite(self.elevation)):
            raise ParameterError(f"a direction needs finite angles in radians, got {self.azimuth!r}, {self.elevation!r}")
        if abs(self.elevation) > math.pi / 2 + 1e-9:
            raise ParameterError(f"elevation must lie in [-pi/2, pi/2] radians, got {self.elevation:.4g}; degrees?")
        object.__setattr__(self, "azimuth", float(wrap_angle(self.azimuth)))

    @classmethod
    def from_degrees(cls, azimuth_deg: float, elevation_deg: float = 0.0) -> Direction:
        """Build from degrees."""
        return cls(math.radians(azimuth_deg), math.radians(elevation_deg))

    @classmethod
    def from_vector(cls, vector: ArrayLike) -> Direction:
        """Build from a vector ``(3,)`` of any length above zero."""
        azimuth, elevation, length = angles(vector)
        if not length > 0:
            raise ParameterError("a zero vector has no direction")
        return cls(float(azimuth), float(elevation))

    @property
    def vector(self) -> Floats:
        """Unit vector ``(3,)``."""
        return unit_vector(self.azimuth, self.elevation)

    @property
    def azimuth_deg(self) -> float:
        """Azimuth in degrees, [-180, 180)."""
        return math.degrees(self.azimuth)

    @property
    def elevation_deg(self) -> float:
        """Elevation in degrees, [-90, 90]."""
        return math.degrees(self.elevation)

    def angle_to(self, other: Direction) -> float:
        """Return the great-circle angle to another direction, radians."""
        return float(angle_between(self.vector, other.vector))


def rotation_from_yaw_pitch_roll(yaw: ArrayLike, pitch: ArrayLike = 0.0, roll: ArrayLike = 0.0) -> Rotation:
    """Return the rotation from the body's frame to the world.

    Roll acts first, then pitch, then yaw. Positive yaw turns left (counter-clockwise from above), positive pitch lifts
    the front, positive roll lowers the right side (all radians).
    """
    yaw, pitch, roll = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (yaw, pitch, roll)))
    # A right-handed turn about +y would lower the front, hence the sign.
    return Rotation.from_euler("ZYX", np.stack([yaw, -pitch, roll], axis=-1))


def yaw_pitch_roll(rotation: Rotation) -> tuple[Floats, Floats, Floats]:
    """Return yaw, pitch and roll in radians; the inverse of :func:`rotation_from_yaw_pitch_roll`."""
    euler = rotation.as_euler("ZYX")
    return np.asarray(euler[..., 0]), np.asarray(-euler[..., 1]), np.asarray(euler[..., 2])


@dataclass(frozen=True)
class Pose:
    """A position in metres and an orientation (yaw, pitch, roll in radians) at one moment."""

    position: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @property
    def rotation(self) -> Rotation:
        """Rotation from the body's frame to the world."""
        return rotation_from_yaw_pitch_roll(self.yaw, self.pitch, self.roll)

    def to_local(self, points: ArrayLike) -> Floats:
        """Return world points ``(..., 3)`` as seen from this pose."""
        offset = np.asarray(points, dtype=float) - np.asarray(self.position)
        return np.asarray(offset @ self.rotation.as_matrix(), dtype=float)

    def to_world(self, points: ArrayLike) -> Floats:
        """Return points ``(..., 3)`` given in this pose's frame in world coordinates."""
        turned = np.asarray(points, dtype=float) @ self.rotation.as_matrix().T
        return np.asarray(turned + np.asarray(self.position), dtype=float)
