"""Where things are and how they move in a sampled scene: placement, straight walks, orbits around the listener.

Candidates are drawn in blocks and tested together: inside the walls by the margin, within the distance, elevation and
angular-speed limits at all times, as the listener has them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

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

Kind = Literal["rest", "walk", "orbit"]


class PathSampler:
    """Draws paths within a preset's ranges, in a room or in a free field."""

    def __init__(self, ranges: ScenePreset, room: Room | None) -> None:
        """Set the limits; raises :class:`Impossible` when the wall margin leaves nothing of the room."""
        self._ranges = ranges
        self._times = np.linspace(0, ranges.duration, max(2, math.ceil(ranges.duration / _STEP) + 1))
        self._bounded = room is not None
        self._low, self._high = np.full(3, -np.inf), np.full(3, np.inf)
        if room is not None:
            margin = max(ranges.wall_margin, 1e-3)
            self._low, self._high = np.full(3, margin), np.asarray(room.dimensions) - margin
            if np.any(self._high <= self._low):
                raise Impossible(f"a wall_margin of {ranges.wall_margin:g} m leaves no space in rooms as small as these")

    def listener_path(self, rng: np.random.Generator) -> Trajectory:
        """Return where the listener is: a random place of the room (the origin of a free field), or a walk from there."""
        start = np.zeros(3)
        if self._bounded:
            lowest, highest = self._ranges.listener_height
            heights = max(lowest, self._low[2]), min(highest, self._high[2])
            if heights[0] > heights[1]:
                raise Impossible(
                    f"listener_height {list(self._ranges.listener_height)} m does not fit between floor and ceiling "
                    f"with a wall_margin of {self._ranges.wall_margin:g} m"
                )
            start = np.array([*rng.uniform(self._low[:2], self._high[:2]), rng.uniform(*heights)])
        if rng.random() >= self._ranges.listener_moving_probability:
            return Static(_point(start))
        walk = self._walk(start, None, rng)
        if walk is None:
            raise Impossible("the listener finds no walk in the room; ask for a larger room or a smaller wall_margin")
        return walk

    def source_paths(self, listener: Listener, count: int, rng: np.random.Generator) -> list[Trajectory]:
        """Return the paths of ``count`` sources.

        Raises:
            Impossible: no candidate satisfies the limits; the text names the ranges.
        """
        paths: list[Trajectory] = []
        bearings: list[Floats] = []
        for _ in range(count):
            kind = self._kind(listener, rng)
            starts = self._starts(listener, bearings, rng)
            candidates = (self._path(kind, start, listener.path, rng) for start in starts)
            path = next((p for p in candidates if p is not None), None)
            if path is None:
                raise Impossible(self._no_place(kind, others=len(bearings)))
            paths.append(path)
            bearings.append(path.at(0.0) - listener.path.at(0.0))
        return paths

    def _kind(self, listener: Listener, rng: np.random.Generator) -> Kind:
        if rng.random() >= self._ranges.moving_probability:
            return "rest"
        # An orbit has a fixed centre, so around a walking listener sources walk or rest.
        kinds = [kind for kind in self._ranges.motions if kind == "walk" or not listener.path.moves]
        return kinds[int(rng.integers(len(kinds)))] if kinds else "rest"

    def _starts(self, listener: Listener, bearings: list[Floats], rng: np.random.Generator) -> Iterator[Floats]:
        """Yield places that are allowed at the beginning of the scene, a bounded number of them."""
        ranges = self._ranges
        ears, head = listener.path.at(0.0), listener.turning.at(0.0)
        for _ in range(_BLOCKS):
            azimuth = np.radians(rng.uniform(*ranges.azimuth_deg, _CANDIDATES))
            elevation = np.radians(rng.uniform(*ranges.elevation_deg, _CANDIDATES))
            # One distance for the whole block: many directions get their chance at it, so far places are not crowded out
            # by the near ones, which fit the room more easily.
            offsets = head.apply(unit_vector(azimuth, elevation) * rng.uniform(*ranges.distance))
            allowed = self._inside(ears + offsets)
            for bearing in bearings:
                allowed &= angle_between(offsets, bearing) >= math.radians(ranges.min_separation_deg)
            yield from (ears + offsets[allowed])[:_STARTS_PER_BLOCK]

    def _path(self, kind: Kind, start: Floats, listener: Trajectory, rng: np.random.Generator) -> Trajectory | None:
        """One path of a kind from ``start``; None when it does not fit."""
        if kind == "walk":
            return self._walk(start, listener, rng)
        if kind == "rest":
            fits = not listener.moves or self._in_range(start - listener.at(self._times)).all()
            return Static(_point(start)) if fits else None
        speed = tidy_angle(rng.uniform(*self._ranges.angular_speed_deg) * float(rng.choice((-1.0, 1.0))))
        for turn in (speed, -speed):
            orbit = Orbit(_point(start), _point(listener.at(0.0)), turn)
            if self._inside(orbit.at(self._times)).all():
                return orbit
        return None

    def _walk(self, start: Floats, listener: Trajectory | None, rng: np.random.Generator) -> Waypoints | None:
        """Straight legs at constant speed and height until the scene ends; None when a leg finds no goal.

        ``listener`` is None for the listener's own walk, which only the walls limit.
        """
        speed = float(rng.uniform(*self._ranges.speed))
        times, points = [0.0], [start]
        while times[-1] < self._times[-1]:
            centre = points[-1] if listener is None else listener.at(times[-1])
            goals = self._goals(points[-1], centre, rng)
            lengths = np.linalg.norm(goals - points[-1], axis=1)
            fits = self._inside(goals) & (lengths >= _SHORTEST_LEG)
            if listener is not None:
                moments = times[-1] + lengths[:, None] / speed * np.linspace(0, 1, _LEG_POINTS)
                fits &= self._leg_fits(points[-1], goals, moments, listener)
            if not fits.any():
                return None
            chosen = int(np.argmax(fits))
            times.append(times[-1] + float(lengths[chosen]) / speed)
            points.append(goals[chosen])
        return Waypoints(tuple(times), tuple(_point(p) for p in points))

    def _goals(self, start: Floats, centre: Floats, rng: np.random.Generator) -> Floats:
        """Candidate ends of a leg ``(candidates, 3)`` at the walker's height: all over the room, or around ``centre``."""
        goals = np.repeat(start[None], _GOALS, axis=0)
        if self._bounded:
            goals[:, :2] = rng.uniform(self._low[:2], self._high[:2], (_GOALS, 2))
            return goals
        radius, angle = self._ranges.distance[1] * np.sqrt(rng.random(_GOALS)), rng.uniform(0, 2 * np.pi, _GOALS)
        goals[:, :2] = centre[:2] + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return goals

    def _leg_fits(self, start: Floats, goals: Floats, moments: Floats, listener: Trajectory) -> NDArray[np.bool_]:
        """Tell for each goal whether distance, elevation and angular speed keep their limits all along the leg."""
        fraction = np.linspace(0, 1, _LEG_POINTS)
        offsets = start + fraction[:, None] * (goals - start)[:, None] - listener.at(moments)
        turned = angle_between(offsets[:, 1:], offsets[:, :-1])
        fast = np.any(turned > math.radians(self._ranges.angular_speed_deg[1]) * np.diff(moments, axis=1), axis=1)
        return np.asarray(self._in_range(offsets).all(axis=1) & ~fast)

    def _inside(self, points: Floats) -> NDArray[np.bool_]:
        """Tell for points ``(..., 3)`` whether they keep the margin from every wall."""
        return np.asarray(np.all((points >= self._low) & (points <= self._high), axis=-1))

    def _in_range(self, offsets: Floats) -> NDArray[np.bool_]:
        """Tell for offsets from the listener ``(..., 3)`` whether distance and elevation are in the preset's ranges."""
        _, elevation, distance = angles(offsets)
        low, high = np.radians(self._ranges.elevation_deg)
        nearest, farthest = self._ranges.distance
        near = (distance >= nearest - _SLACK) & (distance <= farthest + _SLACK)
        return np.asarray(near & (elevation >= low - _SLACK) & (elevation <= high + _SLACK))

    def _no_place(self, kind: Kind, *, others: int) -> str:
        ranges = self._ranges
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
        if self._bounded:
            limits += [f"wall_margin {ranges.wall_margin:g} m in the room"]
        return f"a source finds no {what} with {', '.join(limits)}"


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
