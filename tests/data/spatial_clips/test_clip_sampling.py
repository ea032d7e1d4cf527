import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.spatial_clips import EpochSampler, Shard, epoch_order
from auris.errors import ParameterError

WEIGHTS = np.array([1.0, 0.0, 3.0, 6.0, 2.0])


def test_an_epoch_without_weights_has_every_clip_once():
    orders = [epoch_order(50, seed=1, epoch=epoch) for epoch in (0, 1, 0)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert orders[0].tolist() == orders[2].tolist() != orders[1].tolist()
    assert sorted(epoch_order(50, seed=1, epoch=0, length=10)) != list(range(10))


def test_without_replacement_no_clip_comes_twice_and_heavy_ones_come_first():
    first = np.zeros(5)
    for epoch in range(4000):
        order = epoch_order(5, seed=0, epoch=epoch, weights=WEIGHTS, length=2)
        assert len(set(order)) == 2
        first[order[0]] += 1
    np.testing.assert_allclose(first / 4000, WEIGHTS / 12, atol=0.03)


def test_with_replacement_shares_are_those_of_the_weights():
    order = epoch_order(5, seed=0, epoch=3, weights=WEIGHTS, length=20_000, replacement="with")
    np.testing.assert_allclose(np.bincount(order, minlength=5) / 20_000, WEIGHTS / 12, atol=0.015)
    even = epoch_order(5, seed=0, epoch=3, length=20_000, replacement="with")
    np.testing.assert_allclose(np.bincount(even) / 20_000, 0.2, atol=0.015)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 9))
def test_processes_share_one_order(clips, world, epoch):
    alone = EpochSampler(clips, seed=4)
    alone.set_epoch(epoch)
    everything = list(alone)
    parts = []
    for rank in range(world):
        sampler = EpochSampler(clips, seed=4, shard=Shard(rank, world))
        sampler.set_epoch(epoch)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler) == clips // world
    together = [address for row in zip(*parts, strict=True) for address in row]
    assert together == everything[: len(together)]
    assert len(everything) - len(together) < world


def test_an_epoch_goes_on_where_it_stopped():
    sampler = EpochSampler(20, seed=0, weights=np.arange(1.0, 21.0), length=12)
    sampler.set_epoch(5)
    whole = list(sampler)
    sampler.set_epoch(5, position=7)
    assert list(sampler) == whole[7:]
    sampler.set_epoch(6)
    assert list(sampler) != whole
    assert len({seed for _, seed in whole}) == 12


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"length": 6}, "6 clips without replacement needs as many"),
        ({"weights": WEIGHTS, "length": 5}, "there are 4"),
        ({"weights": WEIGHTS[:3]}, "weights of shape"),
        ({"replacement": "maybe"}, "unknown replacement"),
    ],
)
def test_impossible_epochs_are_refused(settings, text):
    with pytest.raises(ParameterError, match=text):
        EpochSampler(5, **settings)


def test_a_rank_lies_below_the_number_of_processes():
    with pytest.raises(ParameterError, match="got 2 of 2"):
        Shard(2, 2)
