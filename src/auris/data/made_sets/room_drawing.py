"""Rooms and places in them, as the makers of scenes draw them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auris.data.made_sets.ranges import Range
from auris.errors import SceneError
from auris.geometry import angles
from auris.geometry.trajectories import Point
from auris.scene import Room

Floats = NDArray[np.float64]

ROOM_TRIES = 400
CANDIDATES = 256
_SABINE = 0.161  # seconds per metre
_MOST_ABSORPTION = 0.9


@dataclass(frozen=True)
class RoomRanges:
    """What rooms are drawn from, each range uniformly.

    Attributes:
        length: metres along x.
        width: metres along y.
        height: metres along z.
        t60: reverberation time in seconds.
        scattering: of the walls, 0 to 1.
    """

    length: Range
    width: Range
    height: Range
    t60: Range
    scattering: Range

    def draw(self, generator: np.random.Generator) -> Room:
        """Return a room that can have its reverberation time; one that cannot is drawn anew, size and time together.

        Raises:
            SceneError: hardly any room of these ranges can.
        """
        for _ in range(ROOM_TRIES):
            x, y, z = (float(generator.uniform(*span)) for span in (self.length, self.width, self.height))
            t60, scattering = float(generator.uniform(*self.t60)), float(generator.uniform(*self.scattering))
            # Sabine's formula: what is shorter would need walls that swallow more than 90 % of the sound.
            if t60 >= _SABINE * x * y * z / (_MOST_ABSORPTION * 2 * (x * y + y * z + z * x)):
                return Room((round(x, 3), round(y, 3), round(z, 3)), t60=round(t60, 4), scattering=round(scattering, 3))
        raise SceneError(
            f"no room of {list(self.length)} x {list(self.width)} x {list(self.height)} m has a t60 within {list(self.t60)} s; "
            "ask for smaller rooms or longer reverberation"
        )


def place_by_share(room: Room, share: Range, generator: np.random.Generator) -> Point:
    """Return a place whose coordinates are shares of the room's sides, each drawn by itself."""
    x, y, z = (round(side * float(generator.uniform(*share)), 4) for side in room.dimensions)
    return x, y, z


def free_place(
    room: Room,
    listener: Point,
    *,
    wall_margin: float,
    distance: Range,
    elevation_deg: Range,
    generator: np.random.Generator,
) -> Point | None:
    """Return a place drawn uniformly from those in the room that keep the limits; None where none was found.

    Args:
        room: the room.
        listener: where it is heard.
        wall_margin: least metres to every wall.
        distance: metres from the listener.
        elevation_deg: as the listener has it.
        generator: source of randomness.
    """
    low, high = np.full(3, wall_margin), np.asarray(room.dimensions) - wall_margin
    if np.any(high <= low):
        return None
    places = np.round(generator.uniform(low, high, (CANDIDATES, 3)), 4)
    _, elevation, metres = angles(places - np.asarray(listener))
    lowest, highest = (math.radians(angle) for angle in elevation_deg)
    fits = (metres >= distance[0]) & (metres <= distance[1]) & (elevation >= lowest) & (elevation <= highest)
    if not fits.any():
        return None
    x, y, z = places[int(np.argmax(fits))].tolist()
    return x, y, z
