"""Which clips an epoch has: all of them in random order, or drawn by weight."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

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
