"""Rooms of any outline: a floor plan of straight walls, raised to a height (extra ``peers``: pyroomacoustics).

Image sources come from pyroomacoustics, which also tells which of them the listener sees; its responses are 40 samples late,
which is taken out, and its high-pass is switched off. The late tail is this package's own, of a rectangular room with the
same volume, height and wall area: it keeps the coherence between channels that a traced tail lacks.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.horizon import hybrid_horizons
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver, Receiver, receiver_for
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.channels import ChannelLayout
from auris.dsp.ambisonics import rotation_matrix
from auris.errors import LayoutError, MissingDependency, ParameterError, SceneError
from auris.scene import Room

Float32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_IMAGES = 300  # about as many before the hand-over to the tail as the shoebox engine's default
_SETTINGS = threading.Lock()  # pyroomacoustics keeps its settings in globals


@dataclass(frozen=True)
class PolyhedralRoom:
    """A room with vertical walls over a polygon.

    Attributes:
        corners: of the floor, ``(x, y)`` in metres, counter-clockwise or clockwise, without crossings.
        height: metres.
        absorption: energy absorption of all surfaces, one number or one per octave from 125 Hz up.
        scattering: 0 to 1, of the late tail.
        temperature: degrees Celsius.
        humidity: relative humidity in per cent.
    """

    corners: tuple[tuple[float, float], ...]
    height: float
    absorption: float | tuple[float, ...]
    scattering: float = 0.5
    temperature: float = 20.0
    humidity: float = 50.0

    def __post_init__(self) -> None:
        points = np.asarray(self.corners, dtype=float)
        if points.ndim != 2 or points.shape[0] < 3 or points.shape[1] != 2 or not np.all(np.isfinite(points)):
            raise SceneError(f"a floor needs at least three corners (x, y) in metres, got {self.corners!r}")
        if self.area < 0.25 or not 0.5 <= self.height <= 100:
            raise SceneError(f"a room needs a floor of 0.25 m² and a height of 0.5 to 100 m, got {self.area:g} and {self.height:g}")
        values = np.atleast_1d(np.asarray(self.absorption, dtype=float))
        if values.ndim != 1 or not np.all((values > 0) & (values < 1)):
            raise SceneError(f"absorption must lie between 0 and 1, both excluded, got {self.absorption!r}")

    @property
    def area(self) -> float:
        """Floor area in square metres."""
        x, y = np.asarray(self.corners, dtype=float).T
        return float(abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2)

    @property
    def perimeter(self) -> float:
        """Length of the walls in metres."""
        points = np.asarray(self.corners, dtype=float)
        return float(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum())

    def equivalent_box(self) -> tuple[float, float, float]:
        """Return the rectangular room with the same height, floor area and (where one exists) wall length."""
        half = self.perimeter / 2
        root = math.sqrt(max(half**2 / 4 - self.area, 0.0))
        long = half / 2 + root if root > 0 else math.sqrt(self.area)
        return (long, self.area / long, self.height)


class PolyhedralEngine:
    """Responses in a polyhedral room for microphones in free air and first-order ambisonics.

    Every path costs a search for visible images, milliseconds to seconds and growing steeply with ``max_order`` and the
    number of walls: this engine is for single scenes, not for large runs.
    """

    def __init__(
        self, room: PolyhedralRoom, layout: ChannelLayout | str, sample_rate: int, *, max_order: int = 5
    ) -> None:
        kind = ChannelLayout.parse(layout)
        self.receiver = _supported(receiver_for(kind, sample_rate), kind)
        if not 0 <= max_order <= 12:
            raise ParameterError(f"max_order must lie between 0 and 12, got {max_order!r}")
        _pyroomacoustics()
        self.room = room
        self.sample_rate = sample_rate
        self.max_order = max_order
        self._acoustics = ShoeboxAcoustics.from_room(self._box(sample_rate), sample_rate)
        self._tail = ShoeboxEngine(self.receiver, sample_rate)

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return self.receiver.channels

    def responses(self, paths: SoundPaths, *, length: int | None = None) -> Float32:
        """Return responses ``(P, C, T)``; T is the reverberation time when ``length`` is None.

        Raises:
            SceneError: a position lies outside the room, or a source is not omnidirectional.
        """
        wanted = int(np.ceil(self._acoustics.longest_t60 * self.sample_rate)) if length is None else length
        if any(name != "omni" for name in paths.directivity):
            raise SceneError("the polyhedral engine has omnidirectional sources only; use directivity 'omni'")
        boxed = self._in_box(paths)
        horizons = hybrid_horizons(boxed, _IMAGES)
        out = np.array(self._tail.late(boxed, length=wanted))
        for p in range(len(paths)):
            early = self._early(paths.sources[p], paths.listeners[p], paths.rotations[p])[:, :wanted]
            times = np.arange(early.shape[1]) / self.sample_rate
            gone = np.clip((times - horizons.start[p]) / (horizons.end[p] - horizons.start[p]), 0, 1)
            out[p, :, : early.shape[1]] += early * np.cos(0.5 * np.pi * gone).astype(np.float32)
        return out

    def _box(self, sample_rate: int) -> Room:
        """The rectangular room whose tail stands for this one's."""
        room = self.room
        return Room(
            room.equivalent_box(),
            absorption=float(np.mean(room.absorption)),
            scattering=room.scattering,
            temperature=room.temperature,
            humidity=room.humidity,
        )

    def _in_box(self, paths: SoundPaths) -> SoundPaths:
        """The same paths with source and listener as far apart as they are, as far as the box has room."""
        size = self._acoustics.dimensions
        apart = np.linalg.norm(paths.sources - paths.listeners, axis=1)
        start = 0.05 * size
        diagonal = 0.9 * size / np.linalg.norm(0.9 * size)
        reach = np.minimum(apart, np.linalg.norm(0.9 * size))
        return SoundPaths.in_room(
            self._acoustics,
            start + reach[:, None] * diagonal,
            start,
            rotations=paths.rotations,
            keys=paths.keys,
        )
