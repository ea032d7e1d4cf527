"""Beliefs over distances: what they cost, and what is read from them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from auris.models import distance_belief

METRES = distance_belief.distances(torch.zeros(1, dtype=torch.float64))


@given(st.floats(0.35, 12.0))
def test_the_best_belief_about_a_distance_is_the_one_centred_on_it(metres: float) -> None:
    beliefs = torch.stack(
        [distance_belief.around(torch.tensor(m, dtype=torch.float64)) * 8 for m in (metres / 2, metres, metres * 2)]
    )
    costs = distance_belief.errors(beliefs[None], torch.tensor([[metres]], dtype=torch.float64))[0, :, 0]
    assert int(costs.argmin()) == 1


@given(st.floats(0.35, 12.0))
def test_what_is_believed_is_read_back(metres: float) -> None:
    belief = 40 * distance_belief.around(torch.tensor(metres, dtype=torch.float64))
    assert float(distance_belief.likeliest(belief.softmax(-1))) == pytest.approx(metres, abs=0.8)
    assert float(distance_belief.mean(belief)) == pytest.approx(metres, rel=0.15)


def test_of_two_distances_one_is_named_not_one_in_the_middle() -> None:
    weights = torch.zeros(len(METRES), dtype=torch.float64)
    near, far = (int((METRES - metres).abs().argmin()) for metres in (1.0, 8.0))
    weights[near], weights[far] = 0.6, 0.4
    assert float(distance_belief.likeliest(weights)) == pytest.approx(1.0, abs=0.76)
    assert 1.5 < float(distance_belief.mean(weights.log().clamp(min=-50))) < 3


def test_distances_outside_the_steps_are_taken_for_the_last_ones() -> None:
    belief = torch.zeros(1, 1, distance_belief.STEPS, dtype=torch.float64)
    belief[..., -1] = 5
    far, farther = (distance_belief.errors(belief, torch.tensor([[m]], dtype=torch.float64)) for m in (float(METRES[-1]), 40.0))
    assert torch.equal(far, farther)
