"""Where things are and how they move in a sampled scene: placement, straight walks, orbits around the listener.

Candidates are drawn in blocks and tested together: inside the walls by the margin, within the distance, elevation and
angular-speed limits at all times, as the listener has them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auris.data.scene_presets import ScenePreset
from auris.data.timeline import Impossible
from auris.geometry.directions import Floats, angle_between, angles, unit_vector
from auris.geometry.trajectories import Orbit, Point, Static, Trajectory, Waypoints
from auris.scene import Listener, Room

_CANDIDATES, _BLOCKS, _STARTS_PER_BLOCK = 64, 24, 3
_GOALS, _LEG_POINTS = 32, 48
_SHORTEST_LEG = 0.3  # metres
_STEP = 0.05  # seconds between the moments at which a path is tested
_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class PathLimits:
    """The box in which everything stays: the room less its margin, or all of space."""

    low: Floats
    high: Floats
    times: Floats

    @classmethod
    def of(cls, ranges: ScenePreset, room: Room | None) -> PathLimits:
        """Return the limits for a drawn room; raises :class:`Impossible` when the margin leaves nothing of it."""
        times = np.linspace(0, ranges.duration, max(2, math.ceil(ranges.duration / _STEP) + 1))
        if room is None:
            return cls(np.full(3, -np.inf), np.full(3, np.inf), times)
        margin = max(ranges.wall_margin, 1e-3)
        low, high = np.full(3, margin), np.asarray(room.dimensions) - margin
        if np.any(high <= low):
            raise Impossible(
                f"a wall_margin of {ranges.wall_margin:g} m leaves no space in a room of {list(room.dimensions)} m"
            )
        return cls(low, high, times)

    def hold(self, points: Floats) -> NDArray[np.bool_]:
        """Tell for points ``(..., 3)`` whether they lie in the box."""
        return np.asarray(np.all((points >= self.low) & (points <= self.high), axis=-1))


def listener_path(ranges: ScenePreset, limits: PathLimits, rng: np.random.Generator) -> Trajectory:
    """Return where the listener is: at a random place of the room (the origin of a free field), or on a walk."""
    if not np.all(np.isfinite(limits.low)):
        start = np.zeros(3)
    else:
        heights = max(ranges.listener_height[0], limits.low[2]), min(ranges.listener_height[1], limits.high[2])
        if heights[0] > heights[1]:
            raise Impossible(
                f"listener_height {ranges.listener_height} m does not fit between floor and ceiling with wall_margin {ranges.wall_margin:g} m"
            )
        start = np.array([*rng.uniform(limits.low[:2], limits.high[:2]), rng.uniform(*heights)])
    if rng.random() >= ranges.listener_moving_probability:
        return Static(_point(start))
    walk = _walk(ranges, limits, start, None, rng)
    if walk is None:
        raise Impossible("the listener finds no walk in the room; ask for a larger room or a smaller wall_margin")
    return walk


def place_sources(
    ranges: ScenePreset, limits: PathLimits, listener: Listener, count: int, rng: np.random.Generator
) -> list[Trajectory]:
    """Return the paths of ``count`` sources.

    Raises:
        Impossible: no candidate satisfies the limits; the text names the ranges.
    """
    paths: list[Trajectory] = []
    bearings: list[Floats] = []
    for _ in range(count):
        moving = rng.random() < ranges.moving_probability
        # An orbit has a fixed centre, so around a walking listener sources walk or rest.
        kinds = [k for k in ranges.motions if k == "walk" or not listener.path.moves] if moving else []
        kind = kinds[int(rng.integers(len(kinds)))] if kinds else "rest"
        starts = _starts(ranges, limits, listener, bearings, rng)
        candidates = (_path(kind, ranges, limits, start, listener.path, rng) for start in starts)
        path = next((p for p in candidates if p is not None), None)
        if path is None:
            raise Impossible(_no_place(ranges, kind, others=len(bearings)))
        paths.append(path)
        bearings.append(path.at(0.0) - listener.path.at(0.0))
    return paths


def _path(
    kind: str, ranges: ScenePreset, limits: PathLimits, start: Floats, listener: Trajectory, rng: np.random.Generator
) -> Trajectory | None:
    """One path of a kind from ``start``; None when it does not fit."""
    if kind == "walk":
        return _walk(ranges, limits, start, listener, rng)
    if kind == "orbit":
        speed = tidy_angle(rng.uniform(*ranges.angular_speed_deg) * float(rng.choice((-1.0, 1.0))))
        for turn in (speed, -speed):
            orbit = Orbit(_point(start), _point(listener.at(0.0)), turn)
            if limits.hold(orbit.at(limits.times)).all():
                return orbit
        return None
    fits = not listener.moves or _in_range(start - listener.at(limits.times), ranges).all()
    return Static(_point(start)) if fits else None


def _starts(
    ranges: ScenePreset, limits: PathLimits, listener: Listener, bearings: list[Floats], rng: np.random.Generator
) -> Iterator[Floats]:
    """Yield places that are allowed at the beginning of the scene, a bounded number of them."""
    ears, head = listener.path.at(0.0), listener.turning.at(0.0)
    for _ in range(_BLOCKS):
        azimuth, elevation = (
            np.radians(rng.uniform(*span, _CANDIDATES)) for span in (ranges.azimuth_deg, ranges.elevation_deg)
        )
        # One distance for the whole block: many directions get their chance at it, so far places are not crowded out by
        # the near ones, which fit the room more easily.
        offsets = head.apply(unit_vector(azimuth, elevation) * rng.uniform(*ranges.distance))
        allowed = limits.hold(ears + offsets)
        for bearing in bearings:
            allowed &= angle_between(offsets, bearing) >= math.radians(ranges.min_separation_deg)
        yield from (ears + offsets[allowed])[:_STARTS_PER_BLOCK]


def _walk(
    ranges: ScenePreset, limits: PathLimits, start: Floats, listener: Trajectory | None, rng: np.random.Generator
) -> Waypoints | None:
    """Straight legs at constant speed and height until the scene ends; None when a leg finds no goal.

    ``listener`` is None for the listener's own walk, which only the walls limit.
    """
    speed = float(rng.uniform(*ranges.speed))
    times, points = [0.0], [start]
    while times[-1] < limits.times[-1]:
        goals = _goals(ranges, limits, points[-1], listener, times[-1], rng)
        lengths = np.linalg.norm(goals - points[-1], axis=1)
        fits = limits.hold(goals) & (lengths >= _SHORTEST_LEG)
        if listener is not None:
            fits &= _leg_fits(ranges, points[-1], goals, times[-1], lengths / speed, listener)
        if not fits.any():
            return None
        chosen = int(np.argmax(fits))
        times.append(times[-1] + float(lengths[chosen]) / speed)
        points.append(goals[chosen])
    return Waypoints(tuple(times), tuple(_point(p) for p in points))


def _goals(
    ranges: ScenePreset, limits: PathLimits, start: Floats, listener: Trajectory | None, time: float, rng: np.random.Generator
) -> Floats:
    """Candidate ends of a leg ``(candidates, 3)`` at the walker's height: all over the room, or near the listener."""
    goals = np.repeat(start[None], _GOALS, axis=0)
    if np.all(np.isfinite(limits.low)):
        goals[:, :2] = rng.uniform(limits.low[:2], limits.high[:2], (_GOALS, 2))
        return goals
    centre = start if listener is None else listener.at(time)
    radius, angle = ranges.distance[1] * np.sqrt(rng.random(_GOALS)), rng.uniform(0, 2 * np.pi, _GOALS)
    goals[:, :2] = centre[:2] + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return goals


def _leg_fits(
    ranges: ScenePreset, start: Floats, goals: Floats, time: float, spans: Floats, listener: Trajectory
) -> NDArray[np.bool_]:
    """Tell for each goal whether distance, elevation and angular speed keep their limits all along the leg."""
    fraction = np.linspace(0, 1, _LEG_POINTS)
    moments = time + spans[:, None] * fraction
    offsets = start + fraction[:, None] * (goals - start)[:, None] - listener.at(moments)
    turned = angle_between(offsets[:, 1:], offsets[:, :-1]).max(axis=1)
    fast = turned > math.radians(ranges.angular_speed_deg[1]) * spans / (_LEG_POINTS - 1)
    return np.asarray(_in_range(offsets, ranges).all(axis=1) & ~fast)


def _in_range(offsets: Floats, ranges: ScenePreset) -> NDArray[np.bool_]:
    """Tell for offsets from the listener ``(..., 3)`` whether distance and elevation are in the preset's ranges."""
    _, elevation, distance = angles(offsets)
    low, high = np.radians(ranges.elevation_deg)
    near = (distance >= ranges.distance[0] - _SLACK) & (distance <= ranges.distance[1] + _SLACK)
    return np.asarray(near & (elevation >= low - _SLACK) & (elevation <= high + _SLACK))


def tidy_angle(angle_deg: float) -> float:
    """Return radians that survive being written in degrees and read again; scene files keep angles in degrees."""
    angle = math.radians(angle_deg)
    for _ in range(8):
        again = math.radians(math.degrees(angle))
        if again == angle:
            break
        angle = again
    return angle


def _point(place: Floats) -> Point:
    return float(place[0]), float(place[1]), float(place[2])


def _no_place(ranges: ScenePreset, kind: str, *, others: int) -> str:
    what = {"rest": "place", "walk": "walk", "orbit": "orbit"}[kind]
    limits = [
        f"distance {list(ranges.distance)} m",
        f"azimuth_deg {list(ranges.azimuth_deg)}",
        f"elevation_deg {list(ranges.elevation_deg)}",
    ]
    if kind != "rest":
        limits += [f"angular_speed_deg {list(ranges.angular_speed_deg)}"]
    if kind == "walk":
        limits += [f"speed {list(ranges.speed)} m/s"]
    if ranges.min_separation_deg > 0 and others:
        limits += [f"min_separation_deg {ranges.min_separation_deg:g} from {others} other sources"]
    if ranges.t60 is not None:
        limits += [f"wall_margin {ranges.wall_margin:g} m in the room"]
    return f"a source finds no {what} with {', '.join(limits)}"
