from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from auris.training.sampling import EpochBatches, Turns


def task(*, batches: int = 0, world: int = 1, rank: int = 0, epoch_batches: int = 4) -> Any:
    """What samplers ask a training for, in its third batch of the second epoch for ``batches`` 6."""
    remaining = epoch_batches - batches % epoch_batches
    return SimpleNamespace(
        place=(world, rank),
        budget=SimpleNamespace(batch=3),
        epoch_batches=epoch_batches,
        batches=batches,
        remaining_batches=remaining,
        seed=5,
    )


WEIGHTS = {"shuffled": None, "weighted": np.arange(24.0) + 1}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_a_resumed_epoch_goes_on_with_the_batches_it_lacked(weights: Any) -> None:
    whole = list(EpochBatches(24, task(batches=4), weights=weights))
    assert list(EpochBatches(24, task(batches=6), weights=weights)) == whole[2:]
    assert list(EpochBatches(24, task(batches=0), weights=weights)) != whole


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_processes_share_an_epoch(weights: Any) -> None:
    parts = [list(EpochBatches(24, task(world=2, rank=rank), weights=weights)) for rank in (0, 1)]
    drawn = [index for part in parts for batch in part for index in batch]
    assert sorted(drawn) == list(range(24))


def test_examples_are_counted_over_all_processes_and_epochs() -> None:
    numbers = [
        number + np.arange(len(indices))
        for batches in (0, 4)
        for rank in (0, 1)
        for number, indices in EpochBatches(24, task(batches=batches, world=2, rank=rank)).numbered()
    ]
    assert sorted(np.concatenate(numbers).tolist()) == list(range(48))


def test_a_short_set_is_repeated_and_a_long_one_cut() -> None:
    short = [index for batch in EpochBatches(5, task()) for index in batch]
    assert sorted(short)[-1] == 4
    assert len(short) == 12
    long = [index for batch in EpochBatches(1000, task()) for index in batch]
    assert len(set(long)) == 12


def test_weights_are_frequencies() -> None:
    weights = np.array([0.0, 1.0, 2.0, 3.0])
    batches = EpochBatches(4, task(epoch_batches=2000), weights=weights)
    drawn = [index for batch in batches for index in batch]
    assert np.bincount(drawn, minlength=4) / 6000 == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6], abs=0.03)


def test_nothing_is_drawn_twice_while_there_is_enough() -> None:
    weights = np.array([5.0, 0.0, 1.0, 1e-3])
    assert sorted(next(iter(EpochBatches(4, task(epoch_batches=1), weights=weights)))) == [0, 2, 3]


def test_processes_take_turns() -> None:
    assert [list(Turns(5, task(world=2, rank=rank))) for rank in (0, 1)] == [[0, 2, 4], [1, 3]]
    assert len(Turns(5, task(world=2, rank=1))) == 2
