"""In which order a stream gives its examples, and to whom.

The order is a list of numbers, made without reading an example: so it costs next to nothing to go on in its middle, memory does
not grow with the size of what is shuffled, and every process can know all of it and take its own part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Literal, TypeVar

from auris import seeding

Order = Literal["shuffled", "stored"]
Tail = Literal["keep", "drop"]
Handle = TypeVar("Handle")
_DRAWS = 4096  # places in the buffer drawn at once


def ordered(
    groups: int, members: Callable[[int], Sequence[Handle]], *, order: Order, buffer: int, seed: int, epoch: int
) -> Iterator[Handle]:
    """Yield the members of all groups, each once.

    Args:
        groups: number of groups (shards, or single items).
        members: gives the members of a group, when its turn comes.
        order: ``shuffled`` takes groups in random order and every next member from a random place of a buffer, which the one
            that follows refills; ``stored`` goes from the first to the last.
        buffer: size of the buffer.
        seed: of the order.
        epoch: every epoch has an order of its own.
    """
    if order == "stored":
        for number in range(groups):
            yield from members(number)
        return
    rng = seeding.generator(seed, "stream", epoch)
    waiting: list[Handle] = []
    places: list[int] = []
    for number in rng.permutation(groups):
        for member in members(int(number)):
            if len(waiting) < buffer:
                waiting.append(member)
                continue
            if not places:
                places = rng.integers(buffer, size=_DRAWS).tolist()
            place = places.pop()
            yield waiting[place]
            waiting[place] = member
    for place in rng.permutation(len(waiting)):
        yield waiting[place]


def share_of_rank(members: Iterator[Handle], *, rank: int, ranks: int, batch: int, tail: Tail) -> Iterator[Handle]:
    """Yield what one of several training processes gets: of every ``ranks * batch`` members, ``batch`` that follow each other.

    Args:
        members: all of them, in order.
        rank: number of the process.
        ranks: number of processes.
        batch: members that stay together.
        tail: ``keep`` deals out the last, incomplete round as well, so that every member is given once and processes may get
            unequal numbers of batches; ``drop`` leaves it out, so that they get equal numbers.
    """
    while dealt := list(islice(members, ranks * batch)):
        if tail == "drop" and len(dealt) < ranks * batch:
            return
        yield from dealt[rank * batch : (rank + 1) * batch]


def share_of_worker(members: Iterator[Handle], *, worker: int, workers: int, batch: int) -> Iterator[Handle]:
    """Yield what one worker of a loader gets: every ``workers``-th batch, as the loader asks them in turn."""
    number = 0
    while dealt := list(islice(members, batch)):
        if number % workers == worker:
            yield from dealt
        number += 1
