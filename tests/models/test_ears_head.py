"""Two ears: what the head keeps apart, and how front and back are decided."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auris.errors import ParameterError
from auris.models import create, distance_belief
from auris.models.accdoa import MultiAccdoaLoss
from auris.models.ears_head import resolved


def network(**config: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return create("seld_crnn", labels=["a", "b"], layout="binaural", head="ears", delays=0, **config).eval()


def test_it_says_a_place_in_front_and_the_odds_of_it_and_listeners_see_one_direction() -> None:
    model, wave = network(), 0.05 * torch.randn(2, 2, 24_000)
    with torch.no_grad():
        said, heard = model.from_features(model.features(wave)), model(wave)
    assert said.shape == (2, 10, 3, 2, 5 + distance_belief.STEPS)
    assert bool((said[..., 0] >= 0).all())
    assert heard.shape == (2, 10, 3, 2, 4)
    assert torch.equal(heard[..., 0].abs(), said[..., 0])
    assert torch.equal(heard[..., 1:3], said[..., 1:3])
    assert bool(((heard[..., 3] >= 0.3) & (heard[..., 3] < 13.5)).all())


def empty(frames: int, tracks: int = 3) -> torch.Tensor:
    return torch.zeros(1, frames, tracks, 1, 5 + distance_belief.STEPS)


def sure_of(metres: float) -> torch.Tensor:
    steps = distance_belief.distances(torch.zeros(1))
    return 20.0 * torch.nn.functional.one_hot((steps - metres).abs().argmin(), len(steps))


def test_front_and_back_are_decided_together_by_those_who_are_sure() -> None:
    said = empty(30, 1)
    said[..., 0], said[..., 1], said[..., 3] = 0.6, 0.3, 2.0
    said[..., 4] = -3.0
    said[:, 14, ..., 4] = 1.0  # one frame doubts
    heard = resolved(said)
    assert bool((heard[..., 0] == -0.6).all())
    assert bool((heard[..., 1] == 0.3).all())
    said[:, :15, ..., :3] = 0.0  # silent frames have no say
    said[:, :14, ..., 4] = 50.0
    assert bool((resolved(said)[:, 15:, ..., 0] == -0.6).all())


def test_a_distance_is_where_most_of_the_belief_of_a_second_lies_close_together() -> None:
    said = empty(40, 1)
    said[..., 1] = 0.9
    said[..., 5:] = sure_of(2.0)
    said[:, 20, ..., 5:] = sure_of(9.0)  # one frame sees something else
    metres = resolved(said)[..., 3]
    assert bool(((metres - 2.0).abs() < 0.75).all())
    said[:, 20:, ..., 5:] = sure_of(9.0)  # the sound went there
    metres = resolved(said)[..., 3]
    assert bool(((metres[:, :10] - 2.0).abs() < 0.75).all())
    assert bool(((metres[:, 31:] - 9.0).abs() < 0.75).all())


def noise(low: float, high: float, rms: float) -> torch.Tensor:
    """Five seconds of noise between two frequencies, alike in both ears."""
    spectrum = torch.fft.rfft(torch.randn(1, 1, 120_000, generator=torch.Generator().manual_seed(1)))
    hertz = torch.fft.rfftfreq(120_000, 1 / 24_000)
    wave = torch.fft.irfft(spectrum * ((hertz > low) & (hertz < high)), n=120_000)
    return (rms * wave / wave.square().mean().sqrt()).expand(-1, 2, -1)


def test_a_level_is_that_of_all_frequencies_together_wherever_they_are() -> None:
    model = network()
    powers = [
        float(model.head.power(model.features(noise(*band, 0.1))).mean()) for band in ((100, 800), (1500, 3000), (4e3, 9e3))
    ]
    assert max(powers) < 1.15 * min(powers)


def test_a_level_does_not_depend_on_how_much_of_a_steady_sound_is_heard() -> None:
    model, power = network(), torch.full((1, 300, 1), 0.01)
    levels = model.head.level(power, 50)
    assert levels.shape == (1, 300, 2, 1)
    assert torch.allclose(levels, levels[0, 0, 0, 0].expand_as(levels), atol=1e-4)
    assert torch.allclose(levels[:, :40], model.head.level(power[:, :40], 50), atol=1e-4)
    assert float((model.head.level(4 * power, 3) - model.head.level(power, 3)).mean()) == pytest.approx(6.02 / 6, abs=1e-3)


def targets(direction: tuple[float, float, float]) -> torch.Tensor:
    wanted = torch.zeros(1, 4, 3, 1, 5)
    wanted[:, :, 0, 0] = torch.tensor([1.0, *direction, 2.0])
    return wanted


def said_in_front(odds: float) -> torch.Tensor:
    outputs = empty(4)
    outputs[..., 0], outputs[..., 1], outputs[..., 4], outputs[..., 5:] = 0.8, 0.6, odds, sure_of(2.0)
    return outputs


@pytest.mark.parametrize("ahead", [0.8, -0.8])
def test_the_loss_holds_the_place_to_its_half_and_the_odds_to_the_truth(ahead: float) -> None:
    loss, wanted = MultiAccdoaLoss(), targets((ahead, 0.6, 0.0))
    sure_right, unsure, sure_wrong = (loss(said_in_front(odds * np.sign(ahead)), wanted) for odds in (6.0, 0.0, -6.0))
    assert float(sure_right.direction) < 0.01
    assert float(unsure.direction) == pytest.approx(0.8 * np.log(2), abs=1e-5)
    assert float(sure_wrong.direction) > 4
    assert float(sure_right.distance) == pytest.approx(float(sure_wrong.distance))


def test_the_loss_holds_the_belief_to_the_distance() -> None:
    loss, wanted = MultiAccdoaLoss(), targets((0.8, 0.6, 0.0))
    near, right, far = said_in_front(6.0), said_in_front(6.0), said_in_front(6.0)
    near[..., 5:], far[..., 5:] = sure_of(0.5), sure_of(8.0)
    errors = [float(loss(outputs, wanted).distance) for outputs in (near, right, far)]
    assert errors[1] < min(errors[0], errors[2])


def test_beside_the_head_front_and_back_do_not_matter() -> None:
    loss, outputs = MultiAccdoaLoss(), said_in_front(5.0)
    outputs[..., :3] = torch.tensor([0.0, 1.0, 0.0])
    assert float(loss(outputs, targets((0.0, 1.0, 0.0))).direction) == pytest.approx(0, abs=1e-6)


def test_every_weight_learns() -> None:
    model = network()
    outputs = model.from_features(model.features(0.05 * torch.randn(2, 2, 9600)))
    wanted = torch.zeros(*outputs.shape[:-1], 5)
    wanted[:, :, 0, 0] = torch.tensor([1.0, -0.6, 0.8, 0.0, 3.0])
    MultiAccdoaLoss()(outputs, wanted).total.backward()
    lacking = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert lacking == []


def test_other_layouts_are_refused() -> None:
    with pytest.raises(ParameterError, match="two ears"):
        create("seld_crnn", labels=["a"], layout="foa", head="ears")
