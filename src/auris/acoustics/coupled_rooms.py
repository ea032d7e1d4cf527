"""Reverberation in rooms whose doorways stand open: energy leaves through them, and some of it returns.

The diffuse energy densities of the rooms obey one linear equation (Cremer and Müller, *Principles and Applications of Room
Acoustics*, 1982; Kuttruff, *Room Acoustics*)::

    dE_i/dt = -w_i E_i - sum_j c S_ij / (4 V_i) (E_i - E_j)

with the areas S of the doorways, the volumes V, and what walls and air of room i take, w_i. Its solution is a sum of
exponentials, computed once per house. The w_i are solved so that each room has its T60 with the doorways open: T30 of the
decay that is heard in the room in which the sound was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.acoustics.decay import reverberation_time
from auris.acoustics.floorplan import FloorPlan
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.scene import Room

Floats = NDArray[np.float64]

_STEPS = 60
_CLOSE = 1e-4
_NEPERS = 6.0 * np.log(10.0)  # of energy in 60 dB
_LEAST_LOSS = 1e-3  # 1/s
_MOST_LOSS = 2.0  # times the loss that would give a room its T60 with the doorways closed


@dataclass(frozen=True, eq=False)
class CoupledRooms:
    """The rooms of a house and what passes between them.

    Attributes:
        rooms: each as a rectangular room by itself, with its T60.
        losses: what walls and air take of the energy of each room, ``(R, B)`` in 1/s.
        openings: area of the doorways between rooms, ``(R, R)`` in m².
    """

    rooms: tuple[ShoeboxAcoustics, ...]
    losses: Floats
    openings: Floats

    @classmethod
    def of(cls, plan: FloorPlan, sample_rate: float) -> CoupledRooms:
        """Return the rooms of a plan.

        A T60 that walls cannot make beside what the doorways do (longer than what leaves through them allows, or much
        shorter than what comes back from the neighbours) is met as nearly as can be; :attr:`t60` tells what is heard.

        Raises:
            SceneError: a T60 could not even be had with the doorways closed.
        """
        rooms = tuple(
            ShoeboxAcoustics.from_room(
                Room((float(room.sides[0]), float(room.sides[1]), plan.height), t60=room.t60, scattering=room.scattering),
                sample_rate,
            )
            for room in plan.rooms
        )
        openings = np.zeros((len(rooms), len(rooms)))
        for door in plan.doorways:
            openings[door.rooms] += plan.doorway_height
        openings += openings.T
        return cls(rooms, _solved_losses(rooms, openings), openings)

    @cached_property
    def volumes(self) -> Floats:
        """Cubic metres ``(R,)``."""
        return np.array([room.volume for room in self.rooms])

    @cached_property
    def modes(self) -> tuple[Floats, Floats]:
        """Decay rates ``(B, M)`` in 1/s and shapes ``(B, R, M)`` of the exponentials; the shapes are orthogonal."""
        return _modes(self.losses, _exchange(self.rooms, self.openings), self.volumes)

    @cached_property
    def t60(self) -> Floats:
        """Reverberation time ``(R, B)`` in seconds in each room, of sound made in it."""
        return _reverberation_times(*self.modes)

    def energy(self, times: ArrayLike) -> Floats:
        """Return the reverberant energy per second of an omnidirectional response, ``(R, R, B, T)``.

        Indices are the room of the source, the room of the listener, the band, and the moment after the emission in
        seconds. For a source with amplitude 1 at 1 m it begins at ``4 pi c / V`` in the source's room, and at 0 elsewhere.
        """
        rates, shapes = self.modes
        falling = np.exp(-rates[:, :, None] * np.asarray(times, dtype=float))
        passed = np.einsum("bim,bjm,bmt->ijbt", shapes, shapes, falling)
        scale = 4 * np.pi * self.rooms[0].speed_of_sound / np.sqrt(np.outer(self.volumes, self.volumes))
        return np.asarray(np.maximum(passed, 0.0) * scale[:, :, None, None])


def _exchange(rooms: tuple[ShoeboxAcoustics, ...], openings: Floats) -> Floats:
    """Rates ``(R, R)`` in 1/s at which the energy of the first room passes to the second, times the first one's volume."""
    return np.asarray(rooms[0].speed_of_sound / 4 * openings)


def _modes(losses: Floats, exchange: Floats, volumes: Floats) -> tuple[Floats, Floats]:
    root = np.sqrt(volumes)
    symmetric = exchange / np.outer(root, root) - np.diag(exchange.sum(axis=1) / volumes)
    values, shapes = np.linalg.eigh(symmetric[None] - losses.T[:, :, None] * np.eye(len(volumes)))
    return -values, shapes


def _reverberation_times(rates: Floats, shapes: Floats) -> Floats:
    shares = shapes**2
    times = [[reverberation_time(rates[b], shares[b, r]) for b in range(len(rates))] for r in range(shapes.shape[1])]
    return np.array(times)


def _solved_losses(rooms: tuple[ShoeboxAcoustics, ...], openings: Floats) -> Floats:
    """Losses ``(R, B)`` for which every room's T30 is its own; each step moves a room's loss by what its rate lacks."""
    wanted = np.array([room.t60() for room in rooms])
    least = np.array([room.speed_of_sound * room.air for room in rooms]) + _LEAST_LOSS
    most = _MOST_LOSS * _NEPERS / wanted
    volumes, exchange = np.array([room.volume for room in rooms]), _exchange(rooms, openings)
    losses = np.clip(_NEPERS / wanted - exchange.sum(axis=1)[:, None] / volumes[:, None] / 2, least, most)
    for _ in range(_STEPS):
        heard = _reverberation_times(*_modes(losses, exchange, volumes))
        if np.max(np.abs(heard / wanted - 1)) < _CLOSE:
            break
        losses = np.clip(losses + _NEPERS * (1 / wanted - 1 / heard), least, most)
    return np.asarray(losses)
