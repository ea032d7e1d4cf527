"""Pairs of a source and a listener whose responses are wanted, as one struct of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.errors import ParameterError, SceneError

Floats = NDArray[np.float64]

NEAREST = 0.1  # metres; a source closer than this is as loud as at this distance
_OUTSIDE = 1e-3  # metres by which a point may lie beyond a wall


@dataclass(frozen=True, eq=False)
class SoundPaths:
    """``P`` pairs of source and listener. Pairs may lie in different rooms.

    Attributes:
        rooms: the rooms, all for one sample rate.
        room_index: room of each pair ``(P,)``.
        sources: positions ``(P, 3)`` in metres, in the frame of the room.
        listeners: positions ``(P, 3)`` in metres.
        rotations: matrices ``(P, 3, 3)`` from the listener's head to the world.
        keys: random stream ``(P,)`` uint64 of each late tail; equal keys give equal noise, whatever the batch.
        directivity: radiation pattern of each source, names of :data:`auris.scene.DIRECTIVITIES`.
        facings: unit vectors ``(P, 3)`` along which the sources look.

    Raises:
        ParameterError: shapes do not fit together, or a value is not finite.
        SceneError: a source or listener lies outside its room.
    """

    rooms: tuple[ShoeboxAcoustics, ...]
    room_index: NDArray[np.int64]
    sources: Floats
    listeners: Floats
    rotations: Floats
    keys: NDArray[np.uint64]
    directivity: tuple[str, ...]
    facings: Floats

    def __post_init__(self) -> None:
        count = len(self.directivity)
        shapes: dict[str, tuple[tuple[int, ...], type]] = {
            "room_index": ((count,), np.int64),
            "sources": ((count, 3), np.float64),
            "listeners": ((count, 3), np.float64),
            "rotations": ((count, 3, 3), np.float64),
            "keys": ((count,), np.uint64),
            "facings": ((count, 3), np.float64),
        }
        for name, (shape, dtype) in shapes.items():
            array: NDArray[Any] = np.ascontiguousarray(getattr(self, name), dtype=dtype)
            if array.shape != shape:
                raise ParameterError(f"{name} must have shape {shape} for {count} sound paths, got {array.shape}")
            if dtype is np.float64 and not np.isfinite(array).all():
                raise ParameterError(f"{name} must be finite numbers")
            object.__setattr__(self, name, array)
        if count and not (self.room_index.min() >= 0 and self.room_index.max() < len(self.rooms)):
            raise ParameterError(f"room_index must lie between 0 and {len(self.rooms) - 1} for {len(self.rooms)} rooms")
        if len({room.centres.size for room in self.rooms}) > 1:
            raise ParameterError("the rooms have different numbers of bands; make all of them for one sample rate")
        self._check_inside()

    def _check_inside(self) -> None:
        if not self.rooms:
            return
        size = np.array([room.dimensions for room in self.rooms])[self.room_index]
        for who, points in (("source", self.sources), ("listener", self.listeners)):
            if points.size and (points.min() < -_OUTSIDE or (points - size).max() > _OUTSIDE):
                path = int(np.argmax(((points < -_OUTSIDE) | (points > size + _OUTSIDE)).any(axis=1)))
                where = np.round(points[path], 3).tolist()
                raise SceneError(
                    f"the {who} of sound path {path} is at {where}, outside its room of {size[path].tolist()} metres"
                )

    def __len__(self) -> int:
        return len(self.directivity)

    @classmethod
    def in_room(
        cls,
        room: ShoeboxAcoustics,
        sources: ArrayLike,
        listeners: ArrayLike,
        *,
        rotations: ArrayLike | None = None,
        keys: ArrayLike | None = None,
        directivity: str | Sequence[str] = "omni",
        facings: ArrayLike = (1.0, 0.0, 0.0),
    ) -> SoundPaths:
        """Return paths within one room; every argument may be one for all or one per path.

        Args:
            room: the room.
            sources: positions ``(3,)`` or ``(P, 3)``.
            listeners: positions ``(3,)`` or ``(P, 3)``.
            rotations: matrices ``(3, 3)`` or ``(P, 3, 3)``; None looks along x.
            keys: random streams; None numbers the paths from 0.
            directivity: one pattern or one per path.
            facings: unit vectors ``(3,)`` or ``(P, 3)``.
        """
        where, heard = np.atleast_2d(np.asarray(sources, dtype=float)), np.atleast_2d(np.asarray(listeners, dtype=float))
        count = max(len(where), len(heard))
        turns = np.eye(3) if rotations is None else np.asarray(rotations, dtype=float)
        return cls(
            rooms=(room,),
            room_index=np.zeros(count, dtype=np.int64),
            sources=np.broadcast_to(where, (count, 3)),
            listeners=np.broadcast_to(heard, (count, 3)),
            rotations=np.broadcast_to(turns, (count, 3, 3)),
            keys=np.arange(count, dtype=np.uint64) if keys is None else np.broadcast_to(np.asarray(keys, np.uint64), (count,)),
            directivity=(directivity,) * count if isinstance(directivity, str) else tuple(directivity),
            facings=np.broadcast_to(np.asarray(facings, dtype=float), (count, 3)),
        )
