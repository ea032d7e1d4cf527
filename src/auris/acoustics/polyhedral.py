"""Rooms of any outline: a floor plan of straight walls, raised to a height (extra ``peers``: pyroomacoustics).

pyroomacoustics finds the image sources that the listener sees; from there on they are rendered here, for any receiver and
without the 40 samples of delay and the high-pass of its own responses. The late tail is that of a rectangular room with the
same volume, height and wall area, and is coherent between channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auris.acoustics.bands import amplitude_partition, per_band
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.free_field import RINGING, arrivals, filter_spectra
from auris.acoustics.horizon import hybrid_horizons
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import DirectionalReceiver, Receiver
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.dsp.convolution import fast_length
from auris.dsp.delay_line import band_limit
from auris.errors import MissingDependency, ParameterError, SceneError
from auris.scene import Room

Float32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_IMAGES = 300  # about as many before the hand-over to the tail as the shoebox engine's default
_AT_ONCE = 64  # images whose spectra are in memory together


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
            raise SceneError(
                f"a room needs a floor of 0.25 m² and a height of 0.5 to 100 m, got {self.area:g} and {self.height:g}"
            )
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
    """Responses in a polyhedral room.

    Every path costs a search for visible images, milliseconds to seconds and growing steeply with ``max_order`` and the
    number of walls: this engine is for single scenes, not for large runs. Where the listener does not see the source, the
    direct sound is missing (there is no diffraction).

    Args:
        room: the room.
        receiver: what stands at the listener's place.
        sample_rate: 8000 to 96000 hertz.
        max_order: reflections that an image may have.

    Raises:
        MissingDependency: pyroomacoustics is not installed.
        SceneError: the outline cannot be a room.
    """

    def __init__(self, room: PolyhedralRoom, receiver: Receiver, sample_rate: int, *, max_order: int = 7) -> None:
        if not 0 <= max_order <= 12:
            raise ParameterError(f"max_order must lie between 0 and 12, got {max_order!r}")
        _pyroomacoustics()
        self.room = room
        self.receiver = receiver
        self.sample_rate = sample_rate
        self.max_order = max_order
        self._acoustics = _equivalent_acoustics(room, sample_rate)
        self._tail = ShoeboxEngine(receiver, sample_rate)

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return self.receiver.channels

    def responses(self, paths: SoundPaths, *, length: int | None = None) -> Float32:
        """Return responses ``(P, C, T)``; T is the reverberation time when ``length`` is None.

        Raises:
            SceneError: a position lies outside the room, or a source is not omnidirectional.
        """
        if any(name != "omni" for name in paths.directivity):
            raise SceneError("a polyhedral room has omnidirectional sources only; use directivity 'omni'")
        wanted = int(np.ceil(self._acoustics.longest_t60 * self.sample_rate)) if length is None else length
        boxed = self._in_box(paths)
        horizons = hybrid_horizons(boxed, _IMAGES)
        out = np.array(self._tail.late(boxed, length=wanted))
        for p in range(len(paths)):
            images, orders = self._visible_images(paths.sources[p], paths.listeners[p])
            distance = np.linalg.norm(images - paths.listeners[p], axis=1)
            arrival = distance / self._acoustics.speed_of_sound
            gone = np.clip((arrival - horizons.start[p]) / (horizons.end[p] - horizons.start[p]), 0, 1)
            heard = np.flatnonzero(gone < 1)
            gains = self._wall_gains(orders[heard], distance[heard]) * np.cos(0.5 * np.pi * gone[heard])
            early = self._early(images[heard], gains, paths.listeners[p], paths.rotations[p])
            count = min(wanted, early.shape[1])
            out[p, :, :count] += early[:, :count]
        return out

    def _in_box(self, paths: SoundPaths) -> SoundPaths:
        """The same paths in the equivalent box, as far apart as they are, as far as its diagonal allows."""
        diagonal = 0.9 * self._acoustics.dimensions
        longest = np.linalg.norm(diagonal)
        apart = np.minimum(np.linalg.norm(paths.sources - paths.listeners, axis=1), longest)
        corner = 0.05 * self._acoustics.dimensions
        placed = corner + apart[:, None] * (diagonal / longest)
        return SoundPaths.in_room(self._acoustics, placed, corner, rotations=paths.rotations, keys=paths.keys)

    def _visible_images(self, source: Floats, listener: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Positions ``(K, 3)`` and orders ``(K,)`` of the images that the listener sees."""
        pra = _pyroomacoustics()
        wall = pra.Material(0.5)  # gains are made here; only geometry is asked for
        outline = np.asarray(self.room.corners, dtype=float).T
        hall = pra.Room.from_corners(outline, fs=self.sample_rate, max_order=self.max_order, materials=wall)
        hall.extrude(self.room.height, materials=wall)
        for who, place in (("source", source), ("listener", listener)):
            if not hall.is_inside(place):
                raise SceneError(f"the {who} at {np.round(place, 3).tolist()} is outside the polyhedral room or on its walls")
        hall.add_source(source)
        hall.add_microphone(listener)
        hall.image_source_model()
        seen = np.asarray(hall.visibility[0])[0].astype(bool)
        found = hall.sources[0]
        return np.asarray(found.images.T[seen], dtype=float), np.asarray(found.orders[seen], dtype=np.intp)

    def _wall_gains(self, orders: NDArray[np.intp], distance: Floats) -> Floats:
        """Amplitude ``(B, K)`` that walls and air leave of each image."""
        walls = (1 - self._acoustics.absorption[0])[:, None] ** (0.5 * orders)
        return np.asarray(walls * np.exp(-0.5 * self._acoustics.air[:, None] * distance))

    def _early(self, images: Floats, gains: Floats, listener: Floats, rotation: Floats) -> Float32:
        """Sum the images as they arrive at the receiver, ``(C, T)``."""
        count = len(images)
        direct = arrivals(
            self.receiver, images, np.broadcast_to(listener, (count, 3)), np.broadcast_to(rotation, (count, 3, 3))
        )
        samples = direct.distances * (self.sample_rate / self._acoustics.speed_of_sound)
        taps = self.receiver.responses.taps if isinstance(self.receiver, DirectionalReceiver) else 0
        length = int(np.ceil(samples.max(initial=0))) + taps + RINGING
        size = fast_length(length + RINGING)
        frequency = np.asarray(fft.rfftfreq(size), dtype=np.float64)
        bands = amplitude_partition(frequency * self.sample_rate, self._acoustics.centres) * band_limit(frequency)
        spectrum = np.zeros((self.channels, frequency.size), dtype=complex)
        for first in range(0, count, _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            waves = np.exp(-2j * np.pi * frequency * samples[:, part, None]) * direct.gains[:, part, None]
            waves = waves * (gains[:, part].T @ bands)
            if isinstance(self.receiver, DirectionalReceiver):
                waves = waves * filter_spectra(self.receiver, direct.directions[part], size).swapaxes(0, 1)
            spectrum += waves.sum(axis=1)
        return np.asarray(fft.irfft(spectrum, n=size)[:, :length], dtype=np.float32)


def _equivalent_acoustics(room: PolyhedralRoom, sample_rate: int) -> ShoeboxAcoustics:
    """The numbers of the rectangular room whose tail stands for this one's, with this one's surfaces."""
    plain = Room(
        room.equivalent_box(), absorption=0.5, scattering=room.scattering, temperature=room.temperature, humidity=room.humidity
    )
    numbers = ShoeboxAcoustics.from_room(plain, sample_rate)
    surfaces = per_band(np.atleast_1d(np.asarray(room.absorption, dtype=float)).tolist(), numbers.centres.size)
    return ShoeboxAcoustics(
        numbers.dimensions,
        np.broadcast_to(surfaces, (6, surfaces.size)),
        numbers.air,
        numbers.scattering,
        numbers.speed_of_sound,
        numbers.centres,
    )


def _pyroomacoustics() -> Any:
    try:
        import pyroomacoustics
    except ImportError:
        raise MissingDependency("pyroomacoustics", "peers") from None
    return pyroomacoustics
