"""What training a diffusion model needs: targets, times, and the average of the weights."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from auris.errors import CheckpointError, ParameterError
from auris.models import diffusion


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.sampled_from([(), (3,), (2, 5)]))
def test_clean_latents_and_noise_follow_from_what_is_mixed_and_its_velocity(times, shape):
    clean, noise = torch.randn(2, len(times), *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t = torch.tensor(times, dtype=torch.float64)
    mixed, velocity = diffusion.noised(clean, noise, t), diffusion.velocity_target(clean, noise, t)
    torch.testing.assert_close(diffusion.clean_from_velocity(mixed, velocity, t), clean)
    # The velocity is how what is mixed changes with the angle pi t / 2.
    step = 1e-6
    moved = diffusion.noised(clean, noise, t + step * 2 / math.pi)
    torch.testing.assert_close((moved - mixed) / step, velocity, atol=1e-5, rtol=0)


def test_the_ends_are_clean_and_noise_alone():
    clean, noise = torch.randn(2, 2, 3)
    assert torch.allclose(diffusion.noised(clean, noise, torch.zeros(2)), clean)
    assert torch.allclose(diffusion.noised(clean, noise, torch.ones(2)), noise, atol=1e-6)
    assert diffusion.noised(clean.bfloat16(), noise.bfloat16(), torch.ones(2)).dtype == torch.bfloat16


def test_times_are_spread_evenly_and_now_and_then_one():
    times = diffusion.TrainingTimes(3).draw(1024)
    assert times.dtype == torch.float32
    ones = times == 1
    assert abs(ones.float().mean().item() - 0.01) < 0.003
    counts = torch.histc(times[~ones], bins=16, min=0, max=1)
    assert counts.min() >= 58  # 63.4 each; independent draws leave some at 45
    assert not torch.equal(times, diffusion.TrainingTimes(4).draw(1024))
    assert (diffusion.TrainingTimes(3, share_at_one=1).draw(7) == 1).all()
    assert (diffusion.TrainingTimes(3, share_at_one=0).draw(4096) < 1).all()
    with pytest.raises(ParameterError, match="share of 0 to 1"):
        diffusion.TrainingTimes(3, share_at_one=1.1)


def test_times_go_on_where_they_were():
    whole = diffusion.TrainingTimes(5).draw(50)
    first = diffusion.TrainingTimes(5)
    parts = [first.draw(7), first.draw(13)]
    second = diffusion.TrainingTimes(5)
    second.draw(99)
    second.load_state(first.state())
    assert torch.equal(torch.cat([*parts, second.draw(30)]), whole)


def linear(fill):
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1, bias=False))
    for parameter in model.parameters():
        nn.init.constant_(parameter, fill)
    model[1].weight.requires_grad_(False)
    return model


def test_the_average_follows_the_weights_as_published():
    model = linear(0.0)
    average = diffusion.WeightAverage(model, beta=0.9)
    by_hand = 0.0
    for update in range(60):
        nn.init.constant_(model[0].weight, float(update % 7))
        decay = min(0.9, 1 - (1 + update) ** -0.75)
        assert average.decay == pytest.approx(decay)
        by_hand = decay * by_hand + (1 - decay) * (update % 7)
        average.update(model)
    assert average.decay == 0.9
    weights = average.weights()
    assert weights.keys() == {"0.weight", "0.bias"}  # frozen weights are the model's own
    torch.testing.assert_close(weights["0.weight"], torch.full((3, 2), by_hand))
    assert diffusion.WeightAverage(model).decay == 0


def test_the_average_of_half_precision_is_single():
    model = linear(1.0).bfloat16()
    average = diffusion.WeightAverage(model)
    for update in range(200):
        nn.init.constant_(model[0].weight, 1.0 if update % 2 else 1.0078125)
        average.update(model)
    assert average.weights()["0.weight"].dtype == torch.float32
    torch.testing.assert_close(average.weights()["0.weight"], torch.full((3, 2), 1.0039), atol=2e-3, rtol=0)
    with average.applied_to(model):
        assert model[0].weight.dtype == torch.bfloat16


def test_the_average_is_lent_and_given_back():
    model = linear(0.0)
    average = diffusion.WeightAverage(model)
    nn.init.constant_(model[0].weight, 1.0)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    own = model[0].weight
    with pytest.raises(RuntimeError, match="stop"), average.applied_to(model):  # noqa: PT012 - what is lent is looked at
        assert model[0].weight.sum() == 0
        raise RuntimeError("stop")
    assert model[0].weight is own is optimiser.param_groups[0]["params"][0]
    assert own.sum() == 6


def test_the_average_goes_on_after_a_restart(tmp_path):
    generator = torch.Generator().manual_seed(0)
    model = linear(0.0)
    straight = diffusion.WeightAverage(model)

    def train(average, steps):
        for _ in range(steps):
            nn.init.normal_(model[0].weight, generator=generator)
            average.update(model)

    train(straight, 10)
    torch.save(straight.state(), tmp_path / "average.pt")
    at_ten = generator.get_state()
    train(straight, 5)
    resumed = diffusion.WeightAverage(linear(7.0))
    resumed.load_state(torch.load(tmp_path / "average.pt", weights_only=True))
    generator.set_state(at_ten)
    train(resumed, 5)
    assert torch.equal(resumed.weights()["0.weight"], straight.weights()["0.weight"])
    assert resumed.decay == straight.decay


def test_what_does_not_fit_the_average_is_refused():
    average = diffusion.WeightAverage(linear(0.0))
    with pytest.raises(ParameterError, match=r"other weights are trained than were averaged: 1\.weight"):
        average.update(linear(0.0).requires_grad_(True))
    state = average.state()
    with pytest.raises(CheckpointError, match=r"of another model: 0\.bias"):
        average.load_state(state | {"average": {"0.weight": torch.zeros(3, 2)}})
    with pytest.raises(CheckpointError, match=r"0\.bias is \(2,\)"):
        average.load_state(state | {"average": state["average"] | {"0.bias": torch.zeros(2)}})
    with pytest.raises(ParameterError, match="no trained weights"):
        diffusion.WeightAverage(linear(0.0).requires_grad_(False))
    with pytest.raises(ParameterError, match="beta"):
        diffusion.WeightAverage(linear(0.0), beta=1.0)
