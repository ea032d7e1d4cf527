"""Sound paths as the flat arrays that the compiled loops read."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.directivity import diffuse_power, omnidirectional_part
from auris.acoustics.horizon import Horizons
from auris.acoustics.image_blocks import PathArrays
from auris.acoustics.late import TailArrays
from auris.acoustics.noise_pool import OVERLAP
from auris.acoustics.paths import SoundPaths
from auris.acoustics.shoebox import ShoeboxAcoustics

Floats = NDArray[np.float64]


def path_arrays(paths: SoundPaths, horizons: Horizons) -> PathArrays:
    """Return what the image loops need; times of ``horizons`` become distances."""
    speed = np.array([room.speed_of_sound for room in paths.rooms])
    per_path = speed[paths.room_index]
    return PathArrays(
        room=paths.room_index,
        source=paths.sources,
        listener=paths.listeners,
        rotation=paths.rotations,
        facing=paths.facings,
        omni=_by_directivity(paths, omnidirectional_part),
        reach=horizons.end * per_path,
        fade_start=horizons.start * per_path,
        size=np.array([room.dimensions for room in paths.rooms]),
        walls=np.sqrt(1.0 - np.array([room.absorption for room in paths.rooms])),
        air=np.array([room.air for room in paths.rooms]),
        speed=speed,
    )


def tail_arrays(paths: SoundPaths, horizons: Horizons, sample_rate: int) -> TailArrays:
    """Return what the tail loops need; times become samples."""
    start = np.round(horizons.start * sample_rate).astype(np.int64)
    rooms = paths.rooms
    density = np.array([4.0 * math.pi * room.speed_of_sound / (room.volume * sample_rate) for room in rooms])
    block = np.array([_node_spacing(room, sample_rate) for room in rooms])
    return TailArrays(
        room=paths.room_index,
        start=start,
        end=np.maximum(np.round(horizons.end * sample_rate).astype(np.int64), start + 1),
        block=block[paths.room_index],
        keys=paths.keys,
        rotation=paths.rotations,
        level=density[paths.room_index][:, None] * _by_directivity(paths, diffuse_power),
        rates=np.array([room.rates for room in rooms]) / sample_rate,
    )


def _node_spacing(room: ShoeboxAcoustics, sample_rate: int) -> int:
    """Samples between the nodes of the tail's envelope, a power of two; it falls by about 3 dB from one to the next."""
    samples = room.shortest_t60 * sample_rate / 20.0
    return int(2 ** math.floor(math.log2(min(max(samples, 16.0), OVERLAP))))


def _by_directivity(paths: SoundPaths, values: Callable[[str, int], Floats]) -> Floats:
    bands = len(paths.rooms[0].centres)
    if set(paths.directivity) == {"omni"}:
        return np.ones((len(paths), bands))
    table = {name: values(name, bands) for name in set(paths.directivity)}
    return np.array([table[name] for name in paths.directivity])
