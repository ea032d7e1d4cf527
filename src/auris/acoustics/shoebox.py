"""The acoustics of a rectangular room: its description turned into numbers per octave band."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.acoustics.air import energy_attenuation, speed_of_sound
from auris.acoustics.bands import octave_centres, per_band
from auris.acoustics.decay import decay_rates, octant, reverberation_time, solve_wall_loss
from auris.acoustics.materials import absorption_of
from auris.errors import SceneError
from auris.scene import WALLS, Room

Floats = NDArray[np.float64]

_MOST_LOSS = -np.log(1e-3)  # an absorption of 0.999 on every wall
_LEAST_LOSS = 1e-4
_LONGEST_T60 = 120.0


@dataclass(frozen=True, eq=False)
class ShoeboxAcoustics:
    """A rectangular room in numbers, one column per octave band. Arrays are read-only.

    Attributes:
        dimensions: length, width, height ``(3,)`` in metres.
        absorption: energy absorption ``(6, B)`` of the walls in the order of :data:`auris.scene.WALLS`.
        air: energy attenuation ``(B,)`` in 1/m.
        scattering: 0 for mirror-like walls, 1 for a perfectly mixing room.
        speed_of_sound: metres per second.
        centres: band centres ``(B,)`` in hertz.
    """

    dimensions: Floats
    absorption: Floats
    air: Floats
    scattering: float
    speed_of_sound: float
    centres: Floats

    def __post_init__(self) -> None:
        for name in ("dimensions", "absorption", "air", "centres"):
            array = np.array(getattr(self, name), dtype=float)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        bands = len(self.centres)
        if self.dimensions.shape != (3,) or self.absorption.shape != (len(WALLS), bands) or self.air.shape != (bands,):
            raise SceneError(
                f"room arrays must have shapes (3,), (6, {bands}), ({bands},); "
                f"got {self.dimensions.shape}, {self.absorption.shape}, {self.air.shape}"
            )
        if self.absorption.min() < 0 or self.absorption.max() > 1 or not np.all(np.isfinite(self.rates)):
            raise SceneError("absorption must lie between 0 and 1")
        if self.rates.min() <= 0 or self.longest_t60 > _LONGEST_T60:
            raise SceneError("almost nothing absorbs sound in this room, it would ring for minutes; raise the absorption")

    @classmethod
    def from_room(cls, room: Room, sample_rate: float) -> ShoeboxAcoustics:
        """Return the numbers of a room at a sample rate.

        A ``t60`` is met by the rendered response, air included: the absorption is solved on the decay that the engine
        renders. One number holds for every band in which air leaves that much time; above, air ends the sound earlier.
        A list is met in every band that it names.

        Raises:
            SceneError: a T60 cannot be reached (the message gives the range), or a material is unknown.
        """
        return _from_room(room, float(sample_rate))

    @cached_property
    def rates(self) -> Floats:
        """Energy decay rates ``(B, Q)`` in 1/s by band and direction (:mod:`auris.acoustics.decay`)."""
        return decay_rates(self.dimensions, self.absorption, self.air, self.speed_of_sound, self.scattering)

    @cached_property
    def volume(self) -> float:
        """Volume in cubic metres."""
        return float(np.prod(self.dimensions))

    @cached_property
    def longest_t60(self) -> float:
        """Reverberation time in seconds of the band that rings longest."""
        return float(self.t60().max())

    @cached_property
    def shortest_t60(self) -> float:
        """Reverberation time in seconds of the band that dies first."""
        return float(self.t60().min())

    def t60(self) -> Floats:
        """Return the reverberation time ``(B,)`` in seconds: T30 of the rendered decay."""
        return self._t60.copy()

    @cached_property
    def _t60(self) -> Floats:
        _, weights = octant()
        return np.array([reverberation_time(band, weights) for band in self.rates])

    def energy_decay(self, times: ArrayLike) -> Floats:
        """Return the energy envelope ``(B, T)`` of the reverberation at ``times`` in seconds, 1 at the time of emission."""
        _, weights = octant()
        moments = np.atleast_1d(np.asarray(times, dtype=float))
        return np.asarray(np.exp(-self.rates[:, None, :] * moments[None, :, None]) @ weights)


@lru_cache(maxsize=512)
def _from_room(room: Room, sample_rate: float) -> ShoeboxAcoustics:
    centres = octave_centres(sample_rate)
    size = np.asarray(room.dimensions, dtype=float)
    speed = speed_of_sound(room.temperature)
    air = np.zeros(len(centres))
    if room.air_absorption:
        air = energy_attenuation(centres, temperature=room.temperature, humidity=room.humidity)
    if room.t60 is not None:
        absorption = _absorption_for_t60(room, centres, air, speed)
    elif room.materials is not None:
        names = [room.materials] * len(WALLS) if isinstance(room.materials, str) else room.materials
        absorption = np.stack([absorption_of(name, len(centres)) for name in names])
    else:
        per_wall = np.atleast_1d(np.asarray(room.absorption, dtype=float))
        absorption = np.broadcast_to(per_wall[:, None], (len(WALLS), len(centres)))
    return ShoeboxAcoustics(size, absorption, air, room.scattering, speed, centres)


def _absorption_for_t60(room: Room, centres: Floats, air: Floats, speed: float) -> Floats:
    """Absorption ``(6, B)``, equal on all walls, for which the rendered decay has the room's T60 in every band."""
    _, weights = octant()
    size = np.asarray(room.dimensions, dtype=float)
    unit = decay_rates(size, np.full((6, 1), 1.0 - np.exp(-1.0)), np.zeros(1), speed, room.scattering)[0]
    given = np.atleast_1d(np.asarray(room.t60, dtype=float))
    targets = per_band(given.tolist(), len(centres))
    losses = np.empty(len(centres))
    for band, (target, air_rate) in enumerate(zip(targets, speed * air, strict=True)):
        shortest = reverberation_time(_MOST_LOSS * unit + air_rate, weights)
        longest = reverberation_time(_LEAST_LOSS * unit + air_rate, weights)
        named = isinstance(room.t60, tuple) and band < len(given)
        if target < shortest or (target > longest and named):
            raise SceneError(
                f"a T60 of {target:g} s at {centres[band]:g} Hz cannot be reached in a room of {list(room.dimensions)} metres: "
                f"walls and air allow {shortest:.3g} to {longest:.3g} s; change t60 or the dimensions"
                + (", or set air_absorption to false" if target > longest and room.air_absorption else "")
            )
        losses[band] = _LEAST_LOSS if target > longest else solve_wall_loss(unit, air_rate, weights, target, _MOST_LOSS)
    return np.broadcast_to(1.0 - np.exp(-losses), (len(WALLS), len(centres)))
