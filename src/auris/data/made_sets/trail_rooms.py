"""Rooms with trails: paths, at several heights each, on which sources rest or move, as in the measured rooms of TAU-SRIR.

A *circular* trail runs around the listener at one horizontal distance, a *linear* one straight past the listener, along y. On
both a source moves with the constant angular speed that it has in the listener's horizontal plane (arXiv:2106.06999).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auris.data.made_sets.ranges import Range
from auris.data.made_sets.room_drawing import RoomRanges
from auris.data.paths import tidy_angle
from auris.errors import SceneError
from auris.geometry.trajectories import Orbit, Point, Static, Trajectory, Waypoints
from auris.scene import Room

KNOT_SPACING = 0.1  # seconds between the points of a straight way
_WIDEST = math.radians(75.0)  # how far to the side a linear trail goes, as the listener sees it
_TRIES = 200


@dataclass(frozen=True)
class Trail:
    """One trail.

    Attributes:
        kind: ``circular`` or ``linear``.
        distance: horizontal metres from the listener, of a linear trail at its nearest; negative behind the listener.
        heights: metres above the listener's ears, lowest first.
        reach: radians that a linear trail goes to either side.
    """

    kind: Literal["circular", "linear"]
    distance: float
    heights: tuple[float, ...]
    reach: float = math.pi

    def offset(self, azimuth: float, height: float) -> Point:
        """Return the place at an azimuth, which a linear trail counts from its nearest point, relative to the listener."""
        if self.kind == "circular":
            return self.distance * math.cos(azimuth), self.distance * math.sin(azimuth), height
        return self.distance, abs(self.distance) * math.tan(azimuth), height


@dataclass(frozen=True)
class TrailRoom:
    """A room, the listener's place in it, and its trails."""

    room: Room
    listener: Point
    trails: tuple[Trail, ...]


@dataclass(frozen=True)
class TrailRanges:
    """What such rooms are drawn from.

    Attributes:
        rooms: sizes and reverberation.
        listener_place: of length and width.
        listener_height: metres above the floor.
        trails: number of trails in a room.
        heights: number of heights of a trail, evenly spread.
        distance: horizontal metres of a trail.
        elevation_deg: that the heights span where floor and ceiling allow it.
        wall_margin: least metres between a trail and every wall.
        linear_share: of the rooms, those with linear trails.
    """

    rooms: RoomRanges
    listener_place: Range
    listener_height: Range
    trails: int
    heights: int
    distance: Range
    elevation_deg: Range
    wall_margin: float
    linear_share: float

    def draw(self, generator: np.random.Generator) -> TrailRoom:
        """Return a room in which all trails keep their distance from the walls.

        Raises:
            SceneError: hardly any room of these ranges has space for them.
        """
        kind: Literal["circular", "linear"] = "linear" if generator.random() < self.linear_share else "circular"
        for _ in range(_TRIES):
            room = self.rooms.draw(generator)
            length, width, height = room.dimensions
            x, y = (float(generator.uniform(*self.listener_place)) * side for side in (length, width))
            z = min(float(generator.uniform(*self.listener_height)), height - self.wall_margin)
            listener = (round(x, 4), round(y, 4), round(z, 4))
            space_x = min(x, length - x) - self.wall_margin
            space_y = min(y, width - y) - self.wall_margin
            most = min(space_x, space_y) if kind == "circular" else space_x
            if min(most, space_y) < self.distance[0]:
                continue
            furthest = min(most, self.distance[1])
            metres = [round(float(generator.uniform(self.distance[0], furthest)), 3) for _ in range(self.trails)]
            trails = [self._trail(kind, m, space_y, room=room, listener=listener, generator=generator) for m in metres]
            return TrailRoom(room, listener, tuple(trails))
        raise SceneError(
            f"no room has space for {kind} trails at {list(self.distance)} m from the listener, {self.wall_margin:g} m from "
            "every wall; ask for larger rooms, nearer trails or a smaller wall_margin"
        )

    def _trail(
        self,
        kind: Literal["circular", "linear"],
        metres: float,
        space_y: float,
        *,
        room: Room,
        listener: Point,
        generator: np.random.Generator,
    ) -> Trail:
        lowest, highest = (metres * math.tan(math.radians(angle)) for angle in self.elevation_deg)
        lowest = max(lowest, self.wall_margin - listener[2])
        highest = max(min(highest, room.dimensions[2] - self.wall_margin - listener[2]), lowest)
        heights = tuple(round(float(h), 3) for h in np.linspace(lowest, highest, self.heights))
        if kind == "circular":
            return Trail(kind, metres, heights)
        side = 1.0 if generator.random() < 0.5 else -1.0
        return Trail(kind, side * metres, heights, min(math.atan(space_y / metres), _WIDEST))


def resting_place(room: TrailRoom, generator: np.random.Generator) -> Static:
    """Return a place drawn from all trails of a room."""
    trail, height = _drawn(room, generator)
    azimuth = float(generator.uniform(-trail.reach, trail.reach))
    return Static(_placed(room, trail.offset(azimuth, height)))


def moving_way(
    room: TrailRoom, onset: float, offset: float, speeds_deg: Sequence[float], generator: np.random.Generator
) -> tuple[Trajectory, float]:
    """Return a way along a trail during an event, and its angular speed in degrees per second.

    The speed is one of ``speeds_deg``, each equally likely, either way. Where a linear trail is too short for it, the next
    lower one is taken, and below the lowest the one that the whole trail takes.
    """
    trail, height = _drawn(room, generator)
    speed, sign = float(speeds_deg[int(generator.integers(len(speeds_deg)))]), float(generator.choice((-1.0, 1.0)))
    seconds = offset - onset
    if trail.kind == "circular":
        rate = tidy_angle(sign * speed)
        start = float(generator.uniform(-math.pi, math.pi)) - rate * onset  # the orbit begins with the scene
        return Orbit(_placed(room, trail.offset(start, height)), room.listener, rate), speed
    longest = math.degrees(2 * trail.reach) / seconds
    fitting = [s for s in speeds_deg if s <= min(speed, longest)]
    speed = max(fitting, default=longest)
    arc = math.radians(speed) * seconds
    first = float(generator.uniform(-trail.reach, trail.reach - arc)) if arc < 2 * trail.reach else -trail.reach
    count = max(2, math.ceil(seconds / KNOT_SPACING) + 1)
    times = np.linspace(onset, offset, count)
    azimuths = first + np.linspace(0, arc, count)
    points = tuple(_placed(room, trail.offset(sign * float(a), height)) for a in azimuths)
    return Waypoints(tuple(np.round(times, 6).tolist()), points), speed


def _drawn(room: TrailRoom, generator: np.random.Generator) -> tuple[Trail, float]:
    trail = room.trails[int(generator.integers(len(room.trails)))]
    return trail, trail.heights[int(generator.integers(len(trail.heights)))]


def _placed(room: TrailRoom, offset: Point) -> Point:
    x, y, z = (round(base + part, 4) for base, part in zip(room.listener, offset, strict=True))
    return x, y, z
