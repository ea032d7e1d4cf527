"""Which examples make which batch: a function of the batch's number, so that a killed run goes on where it stopped."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from auris.data.spatial_clips.sampling import epoch_order

if TYPE_CHECKING:
    from auris.training.loop import Task

Indices = NDArray[np.int64]


def epoch_steps(examples: int, *, batch: int, accumulate: int, devices: int) -> int:
    """Return the optimiser steps in which every example is seen at least once.

    >>> epoch_steps(10, batch=2, accumulate=2, devices=1)
    3
    """
    return math.ceil(examples / (batch * accumulate * devices))


class EpochBatches(Sampler[list[int]]):
    """The batches of the present epoch that are still to train on, as indices.

    Every epoch is a shuffle of its own, drawn from the seed and the number of the epoch; what lacks for whole batches is taken
    from its beginning. Batch ``n`` is a function of ``n``, so that a killed run goes on where it stopped.

    Args:
        count: number of examples.
        task: the training, which knows how many batches an epoch has.
        weights: how often each example is drawn against the others, none of them twice in an epoch while there are enough
            (:func:`auris.data.spatial_clips.sampling.epoch_order`); None shuffles them.
    """

    def __init__(self, count: int, task: Task, *, weights: NDArray[np.float64] | None = None) -> None:
        self.count, self.task, self.weights = count, task, weights
        self._kept: tuple[tuple[int, int], Indices] | None = None

    def __iter__(self) -> Iterator[list[Any]]:
        """Yield the indices of one batch after the other."""
        for _, indices in self.numbered():
            yield indices.tolist()

    def numbered(self) -> Iterator[tuple[int, Indices]]:
        """Yield batches with the number of their first example, counted over all processes since training began."""
        world, rank = self.task.place
        batch, per_epoch = self.task.budget.batch, self.task.epoch_batches
        first = self.task.batches
        for number in range(first, first + self.task.remaining_batches):
            epoch, row = divmod(number, per_epoch)
            begin = (row * world + rank) * batch
            order = self._order(epoch, per_epoch * batch * world)
            yield (number * world + rank) * batch, order[begin : begin + batch]

    def _order(self, epoch: int, size: int) -> Indices:
        if self._kept is None or self._kept[0] != (epoch, size):
            usable = self.count if self.weights is None else int(np.count_nonzero(self.weights))
            again = self.weights is not None and size > usable
            order = epoch_order(
                self.count,
                seed=self.task.seed,
                epoch=epoch,
                weights=self.weights,
                length=size if again else min(size, usable),
                replacement="with" if again else "without",
            )
            self._kept = ((epoch, size), np.resize(order, size))
        return self._kept[1]


class Turns(Sampler[int]):
    """The indices of this process, of several that take turns."""

    def __init__(self, count: int, task: Task) -> None:
        self.count, self.task = count, task

    def __iter__(self) -> Iterator[int]:
        """Yield indices."""
        world, rank = self.task.place
        yield from range(rank, self.count, world)

    def __len__(self) -> int:
        world, rank = self.task.place
        return len(range(rank, self.count, world))
