import numpy as np
import pytest

from auris.data.spatial_clips import epoch_order
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
        epoch_order(5, seed=0, epoch=0, **settings)
