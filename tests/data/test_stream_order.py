from __future__ import annotations

from itertools import chain, islice, pairwise, zip_longest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.stream_order import ordered, share_of_rank, share_of_worker

SIZES = st.lists(st.integers(0, 7), max_size=8)


def everything(sizes: list[int], **settings: int) -> list[tuple[int, int]]:
    chosen = {"order": "shuffled", "buffer": 5, "seed": 1, "epoch": 0, **settings}
    return list(ordered(len(sizes), lambda group: [(group, i) for i in range(sizes[group])], **chosen))


@given(sizes=SIZES, buffer=st.integers(1, 60), seed=st.integers(0, 99))
def test_every_member_is_given_once_in_every_order(sizes: list[int], buffer: int, seed: int) -> None:
    stored = [(group, i) for group, size in enumerate(sizes) for i in range(size)]
    assert sorted(everything(sizes, buffer=buffer, seed=seed)) == stored
    assert everything(sizes, order="stored") == stored


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    sizes = [10] * 10
    orders = [everything(sizes), everything(sizes, epoch=1), everything(sizes, seed=2)]
    assert everything(sizes) == orders[0]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]


def test_a_buffer_mixes_shards_and_a_large_one_mixes_all() -> None:
    sizes, places = [50] * 40, np.zeros((60, 2000))
    for seed in range(60):
        places[seed] = [group * 50 + i for group, i in everything(sizes, buffer=5000, seed=seed)]
    assert abs(np.corrcoef(np.arange(2000), places.mean(axis=0))[0, 1]) < 0.1
    groups = [group for group, _ in everything(sizes, buffer=200)]
    changes = sum(one != other for one, other in pairwise(groups))
    assert changes > 1200  # of 1999; 39 with shards one after the other


@given(sizes=SIZES, ranks=st.integers(1, 4), workers=st.integers(1, 4), batch=st.integers(1, 4), start=st.integers(0, 9))
def test_processes_share_a_stream_whatever_their_number(
    sizes: list[int], ranks: int, workers: int, batch: int, start: int
) -> None:
    whole = everything(sizes)
    parts = [list(share_of_rank(iter(whole), rank=r, ranks=ranks, batch=batch, tail="keep")) for r in range(ranks)]
    assert sorted(chain.from_iterable(parts)) == sorted(whole)
    for part in parts:
        rest = part[start:]
        shares = [list(share_of_worker(iter(rest), worker=w, workers=workers, batch=batch)) for w in range(workers)]
        # A loader asks its workers in turn for a batch; what it gives is what one process would.
        batches = [[share[i : i + batch] for i in range(0, len(share), batch)] for share in shares]
        given = [one for turn in zip_longest(*batches, fillvalue=[]) for one in turn]
        assert list(chain.from_iterable(given)) == rest


@given(sizes=SIZES, ranks=st.integers(1, 4), batch=st.integers(1, 4))
def test_without_the_tail_all_ranks_get_as_many_and_each_step_is_one_large_batch(
    sizes: list[int], ranks: int, batch: int
) -> None:
    whole = everything(sizes)
    parts = [list(share_of_rank(iter(whole), rank=r, ranks=ranks, batch=batch, tail="drop")) for r in range(ranks)]
    assert {len(part) for part in parts} == {len(whole) // (ranks * batch) * batch}
    for step in range(len(parts[0]) // batch):
        together = chain.from_iterable(part[step * batch : (step + 1) * batch] for part in parts)
        assert list(together) == whole[step * ranks * batch : (step + 1) * ranks * batch]


def test_members_are_asked_for_when_their_turn_comes() -> None:
    asked: list[int] = []

    def members(group: int) -> list[int]:
        asked.append(group)
        return [group] * 10

    stream = ordered(1000, members, order="shuffled", buffer=20, seed=0, epoch=0)
    assert len(list(islice(stream, 30))) == 30
    assert len(asked) <= 6


@pytest.mark.parametrize("buffer", [1, 3])
def test_a_small_buffer_keeps_members_near(buffer: int) -> None:
    given = [i for _, i in everything([100], buffer=buffer)]
    assert max(place - i for place, i in enumerate(given)) < 60
    assert min(place - i for place, i in enumerate(given)) >= -buffer
