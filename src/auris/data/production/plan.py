"""What a set would cost: items, hours, bytes and time, from a few items that are made and thrown away."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from auris.data.production.maker import Maker
from auris.data.production.workers import one_thread

_SAMPLES = 8  # items that are tried at most
_PATIENCE = 10.0  # seconds after which no more of them are begun
_FIRST_PATIENCE = 60.0  # the same after the first, which by itself does not tell what starting costs


@dataclass(frozen=True)
class SetPlan:
    """What a set would hold and cost.

    Attributes:
        items: number of items.
        hours: hours of audio.
        bytes: about how large it is.
        seconds_per_item: what an item takes to make, in seconds.
        start_seconds: what a process needs before that: compiling, reading the sounds.
        workers: processes for which ``wall_seconds`` holds.
        wall_seconds: about how long it takes.
        tried: items that were made for this.
        balance: expected share of each class.
    """

    items: int
    hours: float
    bytes: int
    seconds_per_item: float
    start_seconds: float
    workers: int
    wall_seconds: float
    tried: int
    balance: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


def plan_set(maker: Maker, *, workers: int = 1) -> SetPlan:
    """Make a few items, write nothing, and return what the set would hold and cost.

    The first item also pays for what every process does once; where there is time, others are made to tell the two apart.

    Raises:
        AurisError: the first item cannot be made.
    """
    times: list[float] = []
    sizes: list[int] = []
    with one_thread():
        for index in _spread(len(maker)):
            began = time.perf_counter()
            sizes.append(sum(len(file.content) for file in maker.make(index).files))
            times.append(time.perf_counter() - began)
            if sum(times) > (_PATIENCE if len(times) > 1 else _FIRST_PATIENCE):
                break
    later = times[1:] or times
    each = sum(later) / len(later)
    start = max(times[0] - each, 0.0)
    return SetPlan(
        items=len(maker),
        hours=maker.seconds / 3600,
        bytes=round(sum(sizes) / len(sizes) * len(maker)),
        seconds_per_item=each,
        start_seconds=start,
        workers=workers,
        wall_seconds=start + each * -(-len(maker) // workers),
        tried=len(times),
        balance=dict(maker.balance()),
    )


def _spread(items: int) -> list[int]:
    """Items to try, far apart, because a set may have several kinds of items one after the other.

    >>> _spread(100)
    [0, 50, 25, 75, 12, 62, 37, 87]
    """
    shares = (int(f"{number:03b}"[::-1], 2) / _SAMPLES for number in range(_SAMPLES))
    return list(dict.fromkeys(int(share * items) for share in shares))
