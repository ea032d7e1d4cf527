"""Paths through time: where a source or a listener is at any moment.

Three kinds share one method, ``at(times) -> positions``. All are frozen, compare by value and round-trip through plain
dictionaries. Before its first and after its last point a path rests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation, Slerp

from auris.errors import SceneError
from auris.geometry.directions import Floats, great_circle, rotation_from_yaw_pitch_roll

Point = tuple[float, float, float]


def as_point(value: object, name: str) -> Point:
    """Return ``value`` as three finite floats, or raise :class:`SceneError` naming ``name``."""
    try:
        point = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        point = np.empty(0)
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise SceneError(f"{name} must be three finite numbers [x, y, z] in metres, got {value!r}")
    return (float(point[0]), float(point[1]), float(point[2]))


def as_times(values: object, name: str) -> tuple[float, ...]:
    """Return strictly rising finite seconds, or raise :class:`SceneError` naming ``name``."""
    try:
        times = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        times = np.empty(0)
    if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise SceneError(f"{name} must be a rising list of seconds, got {values!r}")
    return tuple(float(t) for t in times)


def _segments(times: Sequence[float], at: Floats) -> tuple[np.ndarray[Any, np.dtype[np.intp]], Floats]:
    """Index of the segment that holds each moment, and how far along it the moment lies (0..1)."""
    knots = np.asarray(times)
    index = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, max(len(knots) - 2, 0))
    span = np.diff(knots)[index] if len(knots) > 1 else np.ones(at.shape)
    return index, np.clip((at - knots[index]) / span, 0.0, 1.0)


@dataclass(frozen=True)
class Static:
    """A point that stays where it is."""

    position: Point

    def __post_init__(self) -> None:
        object.__setattr__(self, "position", as_point(self.position, "position"))

    def at(self, times: ArrayLike) -> Floats:
        """Return positions ``(..., 3)`` in metres at ``times`` in seconds."""
        return np.broadcast_to(np.asarray(self.position), (*np.shape(times), 3)).copy()

    @property
    def moves(self) -> bool:
        """Whether the path ever leaves its first point."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        return {"position": list(self.position)}


@dataclass(frozen=True)
class Waypoints:
    """Points at given times, joined by straight lines, or by great circles around a centre.

    ``around=None`` joins them as one walks through a room. With a centre (usually the listener), direction moves along
    the great circle at constant angular speed and distance changes linearly; a sampled trajectory of labels (azimuth,
    elevation and distance per frame) is this kind with many points.
    """

    times: tuple[float, ...]
    positions: tuple[Point, ...]
    around: Point | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", as_times(self.times, "waypoint times"))
        if not isinstance(self.positions, Sequence | np.ndarray):
            raise SceneError(f"waypoint positions must be a list of [x, y, z] in metres, got {self.positions!r}")
        points = tuple(as_point(p, f"waypoint {i}") for i, p in enumerate(self.positions))
        object.__setattr__(self, "positions", points)
        if len(points) != len(self.times):
            raise SceneError(f"{len(self.times)} waypoint times but {len(points)} positions; give one position per time")
        if self.around is not None:
            object.__setattr__(self, "around", as_point(self.around, "around"))
            if np.any(np.linalg.norm(np.asarray(points) - np.asarray(self.around), axis=1) < 1e-9):
                raise SceneError("a waypoint lies on the centre it should turn around; move it or leave 'around' out")

    def at(self, times: ArrayLike) -> Floats:
        """Return positions ``(..., 3)`` in metres at ``times`` in seconds."""
        index, fraction = _segments(self.times, np.asarray(times, dtype=float))
        points = np.asarray(self.positions)
        first, second = points[index], points[np.minimum(index + 1, len(points) - 1)]
        if self.around is None:
            return np.asarray(first + fraction[..., None] * (second - first))
        centre = np.asarray(self.around)
        near, far = np.linalg.norm(first - centre, axis=-1), np.linalg.norm(second - centre, axis=-1)
        turned = great_circle((first - centre) / near[..., None], (second - centre) / far[..., None], fraction)
        return np.asarray(centre + turned * (near + fraction * (far - near))[..., None])

    @property
    def moves(self) -> bool:
        """Whether the path ever leaves its first point."""
        return any(p != self.positions[0] for p in self.positions)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        plain: dict[str, Any] = {"times": list(self.times), "positions": [list(p) for p in self.positions]}
        return plain if self.around is None else {**plain, "around": list(self.around)}


@dataclass(frozen=True)
class Orbit:
    """Constant angular speed about the vertical axis through ``centre``, at constant distance and height.

    ``angular_speed`` is radians per second, positive counter-clockwise seen from above; motion begins at time 0.
    """

    start: Point
    centre: Point
    angular_speed: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", as_point(self.start, "orbit start"))
        object.__setattr__(self, "centre", as_point(self.centre, "orbit centre"))
        if not math.isfinite(self.angular_speed):
            raise SceneError(f"angular speed must be finite radians per second, got {self.angular_speed!r}")

    def at(self, times: ArrayLike) -> Floats:
        """Return positions ``(..., 3)`` in metres at ``times`` in seconds."""
        turn = np.maximum(np.asarray(times, dtype=float), 0.0) * self.angular_speed
        dx, dy = self.start[0] - self.centre[0], self.start[1] - self.centre[1]
        x = self.centre[0] + dx * np.cos(turn) - dy * np.sin(turn)
        y = self.centre[1] + dx * np.sin(turn) + dy * np.cos(turn)
        return np.stack([x, y, np.full_like(x, self.start[2])], axis=-1)

    @property
    def moves(self) -> bool:
        """Whether the path ever leaves its first point."""
        return self.angular_speed != 0 and self.start[:2] != self.centre[:2]

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary (angular speed in degrees per second)."""
        speed = math.degrees(self.angular_speed)
        return {"start": list(self.start), "centre": list(self.centre), "angular_speed_deg": speed}


Trajectory = Static | Waypoints | Orbit


def trajectory_from_dict(plain: Mapping[str, Any]) -> Trajectory:
    """Return the trajectory whose ``to_dict`` gave ``plain``; raises :class:`SceneError` for anything else."""
    if not isinstance(plain, Mapping):
        raise SceneError(f"a path must be a mapping of keys and values, got {plain!r}")
    keys = set(plain)
    if keys == {"position"}:
        return Static(plain["position"])
    if {"times", "positions"} <= keys <= {"times", "positions", "around"}:
        return Waypoints(plain["times"], plain["positions"], plain.get("around"))
    if keys == {"start", "centre", "angular_speed_deg"}:
        (speed,) = _angles_of(plain, "angular_speed_deg", count=1)
        return Orbit(plain["start"], plain["centre"], speed)
    raise SceneError(
        f"cannot tell the kind of path from the keys {sorted(keys)}; accepted: position | times, positions[, around] | "
        "start, centre, angular_speed_deg"
    )


def _angles_of(plain: Mapping[str, Any], key: str, *, count: int | None = None) -> tuple[float, ...]:
    """The angle or angles in degrees under a key, in radians; 0 where the key is left out."""
    try:
        values = np.atleast_1d(np.asarray(plain.get(key, 0.0), dtype=float))
    except (TypeError, ValueError):
        values = np.empty((0, 0))
    if values.ndim != 1 or count not in (None, len(values)):
        raise SceneError(f"{key} must be a number{'' if count else ', or a list of numbers'}, got {plain[key]!r}")
    return tuple(math.radians(value) for value in values)


@dataclass(frozen=True)
class Turning:
    """Orientation through time: yaw, pitch and roll (radians) at given times, joined by spherical interpolation."""

    times: tuple[float, ...] = (0.0,)
    yaw: tuple[float, ...] = (0.0,)
    pitch: tuple[float, ...] = (0.0,)
    roll: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", as_times(self.times, "orientation times"))
        for name in ("yaw", "pitch", "roll"):
            values = tuple(float(v) for v in np.atleast_1d(getattr(self, name)))
            values = values * len(self.times) if len(values) == 1 else values
            if len(values) != len(self.times) or not np.all(np.isfinite(values)):
                raise SceneError(f"{name} needs one finite angle per time ({len(self.times)}), got {getattr(self, name)!r}")
            object.__setattr__(self, name, values)

    def at(self, times: ArrayLike) -> Rotation:
        """Return the rotation body → world at ``times``; stacked when ``times`` has one axis."""
        knots = rotation_from_yaw_pitch_roll(self.yaw, self.pitch, self.roll)
        if len(self.times) == 1:
            return knots[np.zeros(np.shape(times), dtype=int)]
        return Slerp(self.times, knots)(np.clip(times, self.times[0], self.times[-1]))

    @property
    def moves(self) -> bool:
        """Whether the orientation ever changes."""
        return any(len(set(values)) > 1 for values in (self.yaw, self.pitch, self.roll))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary in degrees."""
        turn = {f"{k}_deg": [math.degrees(v) for v in getattr(self, k)] for k in ("yaw", "pitch", "roll")}
        return {"times": list(self.times), **turn}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Turning:
        """Inverse of :meth:`to_dict`; single numbers stand for constants, left-out angles for 0."""
        known = {"times", "yaw_deg", "pitch_deg", "roll_deg"}
        if not isinstance(plain, Mapping) or not set(plain) <= known:
            got = sorted(map(str, plain)) if isinstance(plain, Mapping) else repr(plain)
            raise SceneError(f"an orientation has the keys {sorted(known)}, got {got}")
        turn = {k: _angles_of(plain, f"{k}_deg") for k in ("yaw", "pitch", "roll")}
        return cls(as_times(np.atleast_1d(plain.get("times", 0.0)), "orientation times"), **turn)
