"""The direct sound: how one wave from a point arrives at a receiver, and the engine of scenes without a room.

Amplitude is ``1/d`` and arrival ``d/c`` after emission. Microphones in free air each have their own distance; ambisonics
and tables of directional responses (heads, rigid arrays) take the wave at the listener's centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from auris.acoustics.air import speed_of_sound
from auris.acoustics.bands import amplitude_partition, octave_centres
from auris.acoustics.directivity import gain as directivity_gain
from auris.acoustics.paths import NEAREST, SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver, Receiver
from auris.dsp.ambisonics import spherical_harmonics
from auris.dsp.convolution import fast_length
from auris.dsp.delay_line import band_limit
from auris.errors import ParameterError

Float32 = NDArray[np.float32]
Floats = NDArray[np.float64]

RINGING = 256  # samples kept after the last arrival: the band-limited pulse rings


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Direct sound at K moments.

    Attributes:
        distances: metres, ``(C, K)`` for microphones in free air, ``(1, K)`` where all channels share one arrival.
        gains: ``(C, K)``; with directional responses ``(1, K)``, before their filters.
        directions: unit vectors ``(K, 3)`` towards the source in the listener's frame.
    """

    distances: Floats
    gains: Floats
    directions: Floats


def arrivals(receiver: Receiver, sources: Floats, listeners: Floats, rotations: Floats) -> Arrivals:
    """Return how sound from ``sources`` ``(K, 3)`` arrives at ``listeners`` ``(K, 3)`` turned by ``rotations`` ``(K, 3, 3)``.

    A source at the very place of the listener counts as straight ahead.
    """
    offset = np.einsum("kji,kj->ki", rotations, sources - listeners)
    if isinstance(receiver, OpenArrayReceiver):
        positions = np.asarray(receiver.positions, dtype=float)
        distances = np.linalg.norm(offset[None] - positions[:, None], axis=-1)
        return Arrivals(distances, 1 / np.maximum(distances, NEAREST), normalised(offset))
    distance = np.linalg.norm(offset, axis=-1)[None]
    gains = 1 / np.maximum(distance, NEAREST)
    directions = normalised(offset)
    if isinstance(receiver, AmbisonicReceiver):
        gains = gains * spherical_harmonics(directions, receiver.order).T
    return Arrivals(distance, gains, directions)


def normalised(vectors: Floats) -> Floats:
    """Return unit vectors ``(..., 3)``; a zero vector becomes straight ahead."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 1e-9, vectors / np.maximum(length, 1e-9), [1.0, 0.0, 0.0])


def radiation(directivity: str, facings: Floats, towards: Floats, bands: int) -> Floats:
    """Return the gain ``(bands, K)`` of a source that faces ``facings`` ``(K, 3)`` towards unit vectors ``(K, 3)``."""
    return directivity_gain(directivity, np.sum(facings * towards, axis=-1), bands)


@dataclass(frozen=True, eq=False)
class OpenPaths(SoundPaths):
    """Pairs of source and listener without a room of four walls; ``rooms`` is empty and ``room_index`` means nothing."""

    def __post_init__(self) -> None:
        for name in ("sources", "listeners", "rotations", "facings"):
            if not np.all(np.isfinite(getattr(self, name))):
                raise ParameterError(f"{name} must be finite numbers")

    @classmethod
    def between(
        cls,
        sources: ArrayLike,
        listeners: ArrayLike = (0.0, 0.0, 0.0),
        *,
        rotations: ArrayLike | None = None,
        directivity: str = "omni",
        facings: ArrayLike = (1.0, 0.0, 0.0),
    ) -> OpenPaths:
        """Return paths from ``sources`` ``(P, 3)`` to ``listeners``; arguments may be one for all or one per path.

        Args:
            sources: positions in metres.
            listeners: positions in metres.
            rotations: matrices from the listener's head to the world; None looks along x.
            directivity: pattern of every source.
            facings: unit vectors along which the sources look.
        """
        where, heard = np.atleast_2d(np.asarray(sources, dtype=float)), np.atleast_2d(np.asarray(listeners, dtype=float))
        count = max(len(where), len(heard))
        return cls(
            rooms=(),
            room_index=np.zeros(count, dtype=np.int64),
            sources=np.broadcast_to(where, (count, 3)),
            listeners=np.broadcast_to(heard, (count, 3)),
            rotations=np.broadcast_to(np.eye(3) if rotations is None else np.asarray(rotations, dtype=float), (count, 3, 3)),
            keys=np.arange(count, dtype=np.uint64),
            directivity=(directivity,) * count,
            facings=np.broadcast_to(np.asarray(facings, dtype=float), (count, 3)),
        )


class FreeFieldEngine:
    """Direct sound only, in air of 20 °C that takes nothing away.

    Attributes:
        receiver: what listens.
        sample_rate: samples per second.
    """

    def __init__(self, receiver: Receiver, sample_rate: int) -> None:
        self.receiver = receiver
        self.sample_rate = sample_rate
        self.speed_of_sound = speed_of_sound()
        self._centres = octave_centres(sample_rate)

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return self.receiver.channels

    def responses(self, paths: SoundPaths, *, length: int | None = None) -> Float32:
        """Return the direct sound of each path as ``(P, C, T)``; rooms in ``paths`` are not looked at.

        Args:
            paths: sources, listeners, orientations, directivities.
            length: samples; None holds the latest arrival.
        """
        direct = arrivals(self.receiver, paths.sources, paths.listeners, paths.rotations)
        samples = direct.distances * (self.sample_rate / self.speed_of_sound)
        taps = self.receiver.responses.taps if isinstance(self.receiver, DirectionalReceiver) else 0
        whole = int(np.ceil(samples.max(initial=0))) + taps + RINGING
        wanted = whole if length is None else length
        size = fast_length(whole + RINGING)
        frequency = np.asarray(np.fft.rfftfreq(size), dtype=np.float64)
        colour = self._colours(paths, frequency)
        out = np.zeros((paths.sources.shape[0], self.channels, wanted), np.float32)
        for p in range(out.shape[0]):
            spectrum = direct.gains[:, p, None] * np.exp(-2j * np.pi * frequency * samples[:, p, None]) * colour[p]
            if isinstance(self.receiver, DirectionalReceiver):
                spectrum = spectrum * filter_spectra(self.receiver, direct.directions[p], size)
            # What rings before the emission comes out at the end of the transform and is dropped.
            response = fft.irfft(spectrum, n=size)[:, : min(wanted, whole)]
            out[p, :, : response.shape[1]] = response
        return out

    def _colours(self, paths: SoundPaths, frequency: Floats) -> Floats:
        """Band limit times directivity, ``(P, F)``."""
        weights = amplitude_partition(frequency * self.sample_rate, self._centres)
        towards = normalised(paths.listeners - paths.sources)
        bands = self._centres.size
        rows = [
            weights.T @ radiation(pattern, paths.facings[p : p + 1], towards[p : p + 1], bands)[:, 0]
            for p, pattern in enumerate(paths.directivity)
        ]
        return np.reshape(rows, (len(rows), frequency.size)) * band_limit(frequency)


def filter_spectra(receiver: DirectionalReceiver, directions: Floats, size: int) -> NDArray[np.complex128]:
    """Return spectra ``(..., C, F)`` of the receiver's filters for directions ``(..., 3)``, their latency taken out."""
    responses = receiver.responses
    advance = np.exp(2j * np.pi * np.fft.rfftfreq(size) * responses.latency)
    return np.asarray(fft.rfft(responses.interpolated(directions).astype(float), n=size) * advance)
