"""Which clips an epoch has: all of them in random order, or drawn by weight; shared by processes, and resumable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from auris import seeding
from auris.errors import ParameterError, unknown_name

Replacement = Literal["without", "with"]


def epoch_order(
    clips: int,
    *,
    seed: int,
    epoch: int,
    weights: NDArray[np.float64] | None = None,
    length: int | None = None,
    replacement: Replacement = "without",
) -> NDArray[np.int64]:
    """Return the clips of an epoch ``(length,)`` in their order: a pure function of its arguments.

    Args:
        clips: how many there are.
        seed: of the run.
        epoch: number of the epoch.
        weights: how often each clip is drawn, ``(clips,)``; None draws all alike.
        length: clips in an epoch; None takes as many as there are.
        replacement: ``without`` draws no clip twice in an epoch, as published, ``with`` may.

    Raises:
        ParameterError: shapes or names are wrong, or more clips are wanted than have a weight above 0.
    """
    if replacement not in get_args(Replacement):
        raise ParameterError(unknown_name("replacement", replacement, get_args(Replacement)))
    if weights is not None and weights.shape != (clips,):
        raise ParameterError(f"there are {clips} clips, but weights of shape {weights.shape}")
    rng = seeding.generator(seed, "epoch", epoch)
    count = clips if length is None else length
    usable = clips if weights is None else int(np.count_nonzero(weights))
    if replacement == "with":
        return _with_replacement(rng, clips, weights, count)
    if count > usable:
        raise ParameterError(
            f"an epoch of {count} clips without replacement needs as many with a weight above 0, there are {usable}; "
            "shorten the epoch or draw with replacement"
        )
    if weights is None:
        return rng.permutation(clips)[:count]
    # The largest of log(u) / w are a weighted draw without replacement, in the order of drawing (Efraimidis and Spirakis,
    # Information Processing Letters 97, 181, 2006).
    with np.errstate(divide="ignore"):
        keys = np.where(weights > 0, np.log(1.0 - rng.random(clips)) / weights, -np.inf)
    return np.argsort(-keys, kind="stable")[:count]


def _with_replacement(
    rng: np.random.Generator, clips: int, weights: NDArray[np.float64] | None, count: int
) -> NDArray[np.int64]:
    if weights is None:
        return rng.integers(clips, size=count)
    ends = np.cumsum(weights)
    places = np.searchsorted(ends, rng.random(count) * ends[-1], side="right")
    return np.asarray(np.minimum(places, clips - 1), dtype=np.int64)


@dataclass(frozen=True)
class Shard:
    """The share of one process.

    Attributes:
        rank: its number.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ParameterError(f"rank lies between 0 and the number of processes, got {self.rank} of {self.world}")


class EpochSampler(Sampler[tuple[int, int]]):
    """The addresses ``(clip, seed)`` of an epoch's items, for :class:`~auris.data.spatial_clips.items.SpatialClips`.

    Every process takes every ``world``-th place of the same order, all equally many; up to ``world`` - 1 clips at the end of
    an epoch are left out. The seed of an item depends on the run, the epoch and the place in it alone, not on the number of
    processes.
    """

    def __init__(
        self,
        clips: int,
        *,
        seed: int = 0,
        weights: NDArray[np.float64] | None = None,
        length: int | None = None,
        replacement: Replacement = "without",
        shard: Shard = Shard(),
    ) -> None:
        """See :func:`epoch_order`; what is wrong there is told here."""
        self._clips, self._seed, self._weights = clips, seed, weights
        self._length, self._replacement, self._shard = length, replacement, shard
        self._epoch, self._position = 0, 0
        epoch_order(clips, seed=seed, epoch=0, weights=weights, length=length, replacement=replacement)

    def set_epoch(self, epoch: int, *, position: int = 0) -> None:
        """Choose the epoch of the next iteration, and how many of this process's items in it are done already."""
        self._epoch, self._position = epoch, position

    def __len__(self) -> int:
        """Items of this process in an epoch."""
        return (self._clips if self._length is None else self._length) // self._shard.world

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = epoch_order(
            self._clips,
            seed=self._seed,
            epoch=self._epoch,
            weights=self._weights,
            length=self._length,
            replacement=self._replacement,
        )
        start, self._position = self._position, 0
        for index in range(start, len(self)):
            place = index * self._shard.world + self._shard.rank
            yield int(order[place]), seeding.derive(self._seed, "item", self._epoch, place)
