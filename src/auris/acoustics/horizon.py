"""Until when image sources are exact, and where the statistical tail takes over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.paths import SoundPaths

Floats = NDArray[np.float64]

_SHORTEST, _LONGEST = 0.030, 0.150  # seconds


class Horizons(NamedTuple):
    """Seconds after the emission ``(P,)``: the cross-fade's start and end. Equal where nothing is faded."""

    start: Floats
    end: Floats


def hybrid_horizons(paths: SoundPaths, images: int) -> Horizons:
    """Return hand-overs at which about ``images`` images have arrived, so that echo density and cost are the same in any room.

    The direct sound always arrives before the cross-fade begins, also in long rooms.
    """
    speed = np.array([room.speed_of_sound for room in paths.rooms])
    volume = np.array([room.volume for room in paths.rooms])
    usual = np.clip(np.cbrt(3.0 * volume * images / (4.0 * np.pi)) / speed, _SHORTEST, _LONGEST)[paths.room_index]
    difference = paths.sources - paths.listeners
    direct = np.sqrt(np.einsum("pi,pi->p", difference, difference)) / speed[paths.room_index]
    start = np.maximum(usual / 2.0, direct + 1e-3)
    return Horizons(start, np.maximum(usual, 1.5 * start))


def image_horizons(paths: SoundPaths, seconds: float | None) -> Horizons:
    """Return ends without fade: ``seconds``, or the longest reverberation time of each path's room."""
    ends = np.array([room.longest_t60 if seconds is None else seconds for room in paths.rooms])[paths.room_index]
    return Horizons(ends, ends)
