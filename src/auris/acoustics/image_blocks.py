"""Compiled loops that list the image sources of a path in blocks and weigh each of them per octave band.

The lattice of images is separable: along each axis a table holds the coordinates and the product of wall reflections.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import LANES, compiled

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]

BLOCK = 256  # images handled together
DISTANCE_STEP = 0.25  # metres between the entries of the distance table
TOUCHING = 1e-9  # metres; a distance that can still be divided by


class PathArrays(NamedTuple):
    """What the loops need to know of paths and rooms.

    Shapes: ``room``, ``reach``, ``fade_start`` ``(P,)``; ``source``, ``listener``, ``facing`` ``(P, 3)``; ``rotation``
    ``(P, 3, 3)``; ``omni`` ``(P, B)``; ``size`` ``(R, 3)``; ``walls`` ``(R, 6, B)`` amplitude factors; ``air`` ``(R, B)``;
    ``speed`` ``(R,)``. ``reach`` and ``fade_start`` are distances in metres; without a fade they are equal.
    """

    room: Whole
    source: Floats
    listener: Floats
    rotation: Floats
    facing: Floats
    omni: Floats
    reach: Floats
    fade_start: Floats
    size: Floats
    walls: Floats
    air: Floats
    speed: Floats


class Lattice(NamedTuple):
    """Tables of one path: centre index and coordinate per axis, wall gain per axis and band, gain over distance."""

    centre: Whole
    coordinate: Floats
    wall_gain: Singles
    distance_gain: Singles


class Block(NamedTuple):
    """Up to :data:`BLOCK` images: position from the listener (world), lattice indices, distance, weight per band."""

    x: Floats
    y: Floats
    z: Floats
    jx: Whole
    jy: Whole
    jz: Whole
    distance: Floats
    weight: Singles


@compiled
def new_block() -> Block:
    """Return an empty block."""
    return Block(
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK),
        np.zeros((BLOCK, LANES), np.float32),
    )


@compiled
def new_lattice(paths: PathArrays, p: int) -> Lattice:
    """Return the tables of path ``p``."""
    room = paths.room[p]
    reach = paths.reach[p]
    centre = np.empty(3, np.int64)
    for axis in range(3):
        centre[axis] = math.ceil(reach / paths.size[room, axis]) + 1
    longest = 2 * max(centre[0], centre[1], centre[2]) + 1
    coordinate = np.empty((3, longest))
    wall_gain = np.empty((3, longest, LANES), np.float32)
    bands = paths.walls.shape[2]
    for axis in range(3):
        middle = centre[axis]
        length = paths.size[room, axis]
        start = paths.source[p, axis]
        for step in range(-middle, middle + 1):
            image = step * length + (start if step % 2 == 0 else length - start)
            coordinate[axis, middle + step] = image - paths.listener[p, axis]
        for b in range(bands):
            up, down = 1.0, 1.0
            wall_gain[axis, middle, b] = 1.0
            for step in range(1, middle + 1):
                upper = step % 2  # a walk upwards meets the far wall first, then the near one, in turn
                up *= paths.walls[room, 2 * axis + upper, b]
                down *= paths.walls[room, 2 * axis + 1 - upper, b]
                wall_gain[axis, middle + step, b] = up
                wall_gain[axis, middle - step, b] = down
    return Lattice(centre, coordinate, wall_gain, _distance_gain(paths, p))


@compiled
def _distance_gain(paths: PathArrays, p: int) -> Singles:
    """Air and fade per band at multiples of :data:`DISTANCE_STEP`; the fade is a quarter cosine."""
    air = paths.air[paths.room[p]]
    reach, start = paths.reach[p], paths.fade_start[p]
    entries = int(reach / DISTANCE_STEP) + 3
    table = np.empty((entries, LANES), np.float32)
    for b in range(air.shape[0]):
        step = math.exp(-0.5 * air[b] * DISTANCE_STEP)
        gain = 1.0
        for k in range(entries):
            table[k, b] = gain
            gain *= step
    for k in range(entries):
        beyond = k * DISTANCE_STEP - start
        if beyond > 0.0 and reach > start:
            fade = math.cos(0.5 * math.pi * min(beyond / (reach - start), 1.0))
            for b in range(air.shape[0]):
                table[k, b] *= fade
    return table


@compiled
def next_images(cursor: Whole, lattice: Lattice, reach: float, direct: int, block: Block) -> int:
    """Fill ``block`` with the next images inside the sphere of radius ``reach`` and return how many.

    ``cursor`` holds the lattice indices (y, z, x) to go on from, zeros at first. ``direct`` 0 leaves the source itself out.
    """
    count = 0
    limit = reach * reach
    columns, rows, layers = 2 * lattice.centre[0] + 1, 2 * lattice.centre[1] + 1, 2 * lattice.centre[2] + 1
    iy, iz, ix = cursor[0], cursor[1], cursor[2]
    while iy < rows:
        y = lattice.coordinate[1, iy]
        while iz < layers:
            z = lattice.coordinate[2, iz]
            aside = y * y + z * z
            keep_source = direct != 0 or iy != lattice.centre[1] or iz != lattice.centre[2]
            while aside < limit and ix < columns:
                x = lattice.coordinate[0, ix]
                if aside + x * x < limit and (keep_source or ix != lattice.centre[0]):
                    if count == BLOCK:
                        cursor[0], cursor[1], cursor[2] = iy, iz, ix
                        return count
                    block.x[count], block.y[count], block.z[count] = x, y, z
                    block.jx[count], block.jy[count], block.jz[count] = ix, iy, iz
                    count += 1
                ix += 1
            ix = 0
            iz += 1
        iz = 0
        iy += 1
    cursor[0], cursor[1], cursor[2] = iy, iz, ix
    return count


@compiled
def weigh_images(count: int, paths: PathArrays, p: int, lattice: Lattice, block: Block) -> None:
    """Set distance, and weight per band: walls, air, fade and directivity, but not yet 1/distance."""
    bands = paths.air.shape[1]
    per_step = 1.0 / DISTANCE_STEP
    fx, fy, fz = paths.facing[p, 0], paths.facing[p, 1], paths.facing[p, 2]
    cx, cy, cz = lattice.centre[0], lattice.centre[1], lattice.centre[2]
    plain = True
    for b in range(bands):
        plain = plain and paths.omni[p, b] == 1.0
    for i in range(count):
        x, y, z = block.x[i], block.y[i], block.z[i]
        block.distance[i] = max(math.sqrt(x * x + y * y + z * z), TOUCHING)
    for i in range(count):
        jx, jy, jz = block.jx[i], block.jy[i], block.jz[i]
        place = block.distance[i] * per_step
        k = int(place)
        part = np.float32(place - k)
        for b in range(bands):
            near = lattice.distance_gain[k, b]
            over_distance = near + part * (lattice.distance_gain[k + 1, b] - near)
            walls = lattice.wall_gain[0, jx, b] * lattice.wall_gain[1, jy, b] * lattice.wall_gain[2, jz, b]
            block.weight[i, b] = over_distance * walls
    if plain:
        return
    for i in range(count):
        # The mirrored source sends towards the listener; undo the mirrors to know the angle off its own axis.
        towards = fx * block.x[i] * (1 - 2 * ((block.jx[i] - cx) % 2))
        towards += fy * block.y[i] * (1 - 2 * ((block.jy[i] - cy) % 2))
        towards += fz * block.z[i] * (1 - 2 * ((block.jz[i] - cz) % 2))
        cosine = -towards / block.distance[i]
        for b in range(bands):
            block.weight[i, b] *= paths.omni[p, b] + (1.0 - paths.omni[p, b]) * cosine
