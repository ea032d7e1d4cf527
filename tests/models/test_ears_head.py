"""Two ears: what the head keeps apart, and how front and back are decided."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auris.errors import ParameterError
from auris.models import create
from auris.models.accdoa import MultiAccdoaLoss
from auris.models.ears_head import resolved


def network(**config: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return create("seld_crnn", labels=["a", "b"], layout="binaural", head="ears", delays=0, **config).eval()


def test_it_says_a_place_in_front_and_the_odds_of_it_and_listeners_see_one_direction() -> None:
    model, wave = network(), 0.05 * torch.randn(2, 2, 24_000)
    with torch.no_grad():
        said, heard = model.from_features(model.features(wave)), model(wave)
    assert said.shape == (2, 10, 3, 2, 5)
    assert bool((said[..., 0] >= 0).all())
    assert heard.shape == (2, 10, 3, 2, 4)
    assert torch.equal(heard[..., 0].abs(), said[..., 0])
    assert torch.equal(heard[..., 1:], said[..., 1:4])


def test_front_and_back_are_decided_together_by_those_who_are_sure() -> None:
    said = torch.zeros(1, 30, 1, 1, 5)
    said[..., 0], said[..., 1], said[..., 3] = 0.6, 0.3, 2.0
    said[..., 4] = -3.0
    said[:, 14, ..., 4] = 1.0  # one frame doubts
    heard = resolved(said)
    assert bool((heard[..., 0] == -0.6).all())
    assert bool((heard[..., 1] == 0.3).all())
    said[:, :15, ..., :3] = 0.0  # silent frames have no say
    said[:, :14, ..., 4] = 50.0
    assert bool((resolved(said)[:, 15:, ..., 0] == -0.6).all())


def targets(direction: tuple[float, float, float]) -> torch.Tensor:
    wanted = torch.zeros(1, 4, 3, 1, 5)
    wanted[:, :, 0, 0] = torch.tensor([1.0, *direction, 2.0])
    return wanted


def said_in_front(odds: float) -> torch.Tensor:
    outputs = torch.zeros(1, 4, 3, 1, 5)
    outputs[..., 0], outputs[..., 1], outputs[..., 3], outputs[..., 4] = 0.8, 0.6, 2.0, odds
    return outputs


@pytest.mark.parametrize("ahead", [0.8, -0.8])
def test_the_loss_holds_the_place_to_its_half_and_the_odds_to_the_truth(ahead: float) -> None:
    loss, wanted = MultiAccdoaLoss(), targets((ahead, 0.6, 0.0))
    sure_right, unsure, sure_wrong = (loss(said_in_front(odds * np.sign(ahead)), wanted) for odds in (6.0, 0.0, -6.0))
    assert float(sure_right.direction) < 0.01
    assert float(unsure.direction) == pytest.approx(0.8 * np.log(2), abs=1e-5)
    assert float(sure_wrong.direction) > 4
    assert float(sure_right.distance) == pytest.approx(0, abs=1e-6)


def test_beside_the_head_front_and_back_do_not_matter() -> None:
    loss, outputs = MultiAccdoaLoss(), said_in_front(5.0)
    outputs[..., :3] = torch.tensor([0.0, 1.0, 0.0])
    assert float(loss(outputs, targets((0.0, 1.0, 0.0))).direction) == pytest.approx(0, abs=1e-6)


def test_every_weight_learns() -> None:
    model = network()
    outputs = model.from_features(model.features(0.05 * torch.randn(2, 2, 9600)))
    wanted = torch.zeros(*outputs.shape)
    wanted[:, :, 0, 0] = torch.tensor([1.0, -0.6, 0.8, 0.0, 3.0])
    MultiAccdoaLoss()(outputs, wanted).total.backward()
    lacking = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert lacking == []


def test_other_layouts_are_refused() -> None:
    with pytest.raises(ParameterError, match="two ears"):
        create("seld_crnn", labels=["a"], layout="foa", head="ears")
