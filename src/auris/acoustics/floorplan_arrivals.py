"""The single sounds that reach a listener in another room: around doorways, through walls, and by one reflection.

For a source and a listener in different rooms there arrive

- the shortest path of :mod:`~auris.acoustics.floorplan_paths`, each of its bends as a half-plane in the shadow
  (:func:`bend_loss_db`),
- its first reflection at each wall, floor and ceiling of the listener's room and of the source's room, as if it came from
  (or went to) the place where the path passes into that room,
- what the walls on the straight line let through (:func:`wall_loss_db`).

Amplitudes are 1/length. Every loss depends on the path alone, not on its direction, so levels are the same both ways.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.acoustics.floorplan import EAR_HEIGHT, FloorPlan
from auris.acoustics.floorplan_paths import Geodesics
from auris.acoustics.shoebox import ShoeboxAcoustics

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

WALL_LOSS_DB = 30.0  # of a light partition, at WALL_FREQUENCY
WALL_FREQUENCY = 500.0
_WALL_SLOPE_DB = 5.0  # per octave; partitions fall a little short of the mass law's 6
_LEAST_WALL_LOSS_DB = 15.0
_NO_LESS = 0.5  # metres; nothing arrives as from closer by
_ON_WALL = 1e-6


class RoomArrivals(NamedTuple):
    """Sounds of ``P`` pairs, at most ``K`` each.

    Attributes:
        distance: metres travelled ``(P, K)``.
        gain: amplitude per octave band ``(P, K, B)``, zero where there is no such sound.
        direction: unit vectors ``(P, K, 3)`` towards where they come from.
    """

    distance: Floats
    gain: Floats
    direction: Floats


def bend_loss_db(detour: ArrayLike, frequency: ArrayLike, *, speed: float) -> Floats:
    """Return what bending around an edge takes, in decibels, by Kurze and Anderson (Applied Acoustics 4, 35, 1971).

    Args:
        detour: metres by which the way around the edge is longer than the straight one.
        frequency: hertz; broadcast against the detour.
        speed: of sound, in m/s.

    >>> round(bend_loss_db(0.0, 1000.0, speed=343.2).item(), 2)
    5.0
    """
    fresnel = 2 * np.asarray(detour, dtype=float) * np.asarray(frequency, dtype=float) / speed
    x = np.sqrt(2 * np.pi * np.maximum(fresnel, 1e-9))
    return np.asarray(5 + 20 * np.log10(x / np.tanh(x)))


def wall_loss_db(frequency: ArrayLike) -> Floats:
    """Return what one inner wall takes of what goes through it, in decibels: 30 at 500 Hz, 5 more per octave."""
    octaves = np.log2(np.asarray(frequency, dtype=float) / WALL_FREQUENCY)
    return np.maximum(WALL_LOSS_DB + _WALL_SLOPE_DB * octaves, _LEAST_WALL_LOSS_DB)


def room_arrivals(
    plan: FloorPlan, rooms: tuple[ShoeboxAcoustics, ...], paths: Geodesics, sources: Whole, listeners: Whole
) -> RoomArrivals:
    """Return the arrivals of pairs ``(P,)`` of points of ``paths`` that lie in different rooms.

    Where no doorways lead from one to the other there is only what comes through the walls.
    """
    bending = _path_gain(rooms[0], paths, sources, listeners)
    length = paths.length[sources, listeners]
    towards = _level(paths.arrival[sources, listeners])
    parts = [(length[:, None], bending[:, None], towards[:, None])]
    here = _reflections(plan, rooms, paths, sources, listeners)
    there = _reflections(plan, rooms, paths, listeners, sources)
    parts.append(here)
    parts.append((there[0], there[1], np.broadcast_to(towards[:, None], (*there[0].shape, 3))))
    parts.append(_through_walls(rooms[0], paths, sources, listeners))
    joined = [np.concatenate([np.asarray(part[field]) for part in parts], axis=1) for field in range(3)]
    reached = np.isfinite(joined[0])
    distance = np.where(reached, joined[0], 1.0)
    return RoomArrivals(distance, np.where(reached[..., None], joined[1], 0.0), joined[2])


def _path_gain(air: ShoeboxAcoustics, paths: Geodesics, sources: Whole, listeners: Whole) -> Floats:
    """Amplitude ``(P, B)`` of the shortest paths."""
    length, bends = paths.length[sources, listeners], paths.corners[sources, listeners]
    return _spread(air, length) * _losses(air, paths.detours[sources, listeners], bends)


def _losses(air: ShoeboxAcoustics, detours: Floats, bends: Whole) -> Floats:
    """Amplitude ``(P, B)`` that the first ``bends`` of ``detours`` ``(P, most)`` leave."""
    loss = bend_loss_db(detours[:, :, None], air.centres, speed=air.speed_of_sound)
    counted = np.arange(detours.shape[1]) < bends[:, None]
    return np.asarray(10 ** (-np.sum(loss * counted[:, :, None], axis=1) / 20))


def _spread(air: ShoeboxAcoustics, length: Floats) -> Floats:
    """Amplitude ``(..., B)`` after ``length`` metres of air; none where there is no way."""
    metres = np.where(np.isfinite(length), length, 0.0)[..., None]
    gain = np.exp(-0.5 * air.air * metres) / np.maximum(metres, _NO_LESS)
    return np.where(np.isfinite(length)[..., None], gain, 0.0)


def _reflections(
    plan: FloorPlan, rooms: tuple[ShoeboxAcoustics, ...], paths: Geodesics, sources: Whole, listeners: Whole
) -> tuple[Floats, Floats, Floats]:
    """First reflections in the listeners' rooms: length ``(P, 6)``, amplitude ``(P, 6, B)``, direction ``(P, 6, 3)``."""
    air = rooms[0]
    place = _raised(paths.points[listeners])
    entry, approach = _raised(paths.entry[sources, listeners]), _raised(paths.approach[sources, listeners])
    until = paths.until_entry[sources, listeners]
    bends = paths.corners[sources, listeners] - paths.bends_at_entry[sources, listeners]
    before = _losses(air, paths.detours[sources, listeners], bends)
    room = plan.room_of(paths.points[listeners])
    low = np.array([[*part.low, 0.0] for part in plan.rooms])[room]
    high = np.array([[*part.high, plan.height] for part in plan.rooms])[room]
    reflection = np.sqrt(1 - np.array([numbers.absorption for numbers in rooms]))[room]  # (P, 6, B)
    lengths, gains, directions = [], [], []
    for wall in range(6):
        axis, plane = wall // 2, (low if wall % 2 == 0 else high)[:, wall // 2]
        image, seen_from = place.copy(), entry.copy()
        image[:, axis] = 2 * plane - place[:, axis]
        seen_from[:, axis] = 2 * plane - entry[:, axis]
        run = np.linalg.norm(image - entry, axis=1)
        detour = np.linalg.norm(entry - approach, axis=1) + run - np.linalg.norm(image - approach, axis=1)
        turn = 10 ** (-bend_loss_db(np.maximum(detour, 0.0)[:, None], air.centres, speed=air.speed_of_sound) / 20)
        # A wall that the doorway itself lies in reflects nothing of what comes through it.
        length = np.where(np.abs(entry[:, axis] - plane) < _ON_WALL, np.inf, until + run)
        lengths.append(length)
        gains.append(_spread(air, length) * before * turn * reflection[:, wall])
        directions.append((seen_from - place) / np.linalg.norm(seen_from - place, axis=1, keepdims=True))
    return np.stack(lengths, axis=1), np.stack(gains, axis=1), np.stack(directions, axis=1)


def _through_walls(air: ShoeboxAcoustics, paths: Geodesics, sources: Whole, listeners: Whole) -> tuple[Floats, Floats, Floats]:
    """What comes straight through the walls; nothing where none is in between."""
    offset = paths.points[sources] - paths.points[listeners]
    walls = paths.walls[sources, listeners]
    length = np.where(walls > 0, np.linalg.norm(offset, axis=1), np.inf)
    gain = _spread(air, length) * 10 ** (-walls[:, None] * wall_loss_db(air.centres) / 20)
    direction = _level(offset / np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-9))
    return length[:, None], gain[:, None], direction[:, None]


def _raised(points: Floats) -> Floats:
    """Points ``(P, 2)`` at ear height."""
    return np.concatenate([points, np.full((len(points), 1), EAR_HEIGHT)], axis=1)


def _level(directions: Floats) -> Floats:
    """Horizontal directions ``(P, 2)`` as vectors ``(P, 3)``; straight ahead where there is none."""
    level = np.concatenate([directions, np.zeros((len(directions), 1))], axis=1)
    level[~np.any(level, axis=1)] = [1.0, 0.0, 0.0]
    return level
