from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from auris.errors import ParameterError
from auris.training.loop import Task
from auris.training.parameter_groups import parameter_groups
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Linear(2, 3)
        self.blocks = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
        self.head = nn.Linear(3, 1)


class TinyTask(Task):
    """The loop's part of a training, with nothing to learn from."""

    def losses(self, batch: Any) -> Any:
        raise NotImplementedError


def task(optimiser: OptimiserRecipe, *, model: nn.Module | None = None, epoch_steps: int = 10, **trainer: Any) -> TinyTask:
    settings = TrainerRecipe(**{"epochs": 10, **trainer})
    return TinyTask(model or Transformer(), optimiser=optimiser, trainer=settings, seed=0, epoch_steps=epoch_steps)


def test_by_default_there_is_one_group_in_the_order_of_the_parameters() -> None:
    model = Transformer()
    model.head.bias.requires_grad_(False)
    (group,) = parameter_groups(model.named_parameters(), OptimiserRecipe(weight_decay=0.3))
    assert [id(p) for p in group["params"]] == [id(p) for p in model.parameters() if p.requires_grad]
    assert (group["rate_scale"], group["weight_decay"]) == (1.0, 0.3)


def test_biases_do_not_decay_when_only_matrices_do() -> None:
    groups = parameter_groups(Transformer().named_parameters(), OptimiserRecipe(weight_decay=0.3, decayed="matrices"))
    assert {(p.ndim, group["weight_decay"]) for group in groups for p in group["params"]} == {(1, 0.0), (2, 0.3)}


def test_layer_decay_needs_blocks() -> None:
    with pytest.raises(ParameterError, match="needs a network of transformer blocks"):
        task(OptimiserRecipe(layer_decay=0.5), model=nn.Linear(2, 2)).configure_optimizers()


def test_deeper_layers_learn_slower_and_every_group_follows_the_schedule() -> None:
    made = task(OptimiserRecipe(rate=1.0, layer_decay=0.5, schedule="constant", warmup_steps=0))
    optimiser = made.configure_optimizers()
    made.optimizers = lambda use_pl_optimizer=False: optimiser  # type: ignore[assignment,misc]
    made.on_train_batch_start()
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    model = made.model
    layers = (model.patch_embed, *model.blocks, model.head)
    assert [rate[id(layer.weight)] for layer in layers] == [0.125, 0.25, 0.5, 1.0]
    assert [rate[id(layer.bias)] for layer in layers] == [0.125, 0.25, 0.5, 1.0]


def test_a_checkpoint_from_before_there_were_groups_goes_on() -> None:
    made = task(OptimiserRecipe(rate=1.0, schedule="constant", warmup_steps=0))
    optimiser = made.configure_optimizers()
    state = optimiser.state_dict()
    for group in state["param_groups"]:
        del group["rate_scale"]
    made.saved_optimiser = state
    optimiser = made.configure_optimizers()
    made.optimizers = lambda use_pl_optimizer=False: optimiser  # type: ignore[assignment,misc]
    made.on_train_batch_start()
    assert [group["lr"] for group in optimiser.param_groups] == [1.0]


def rates(made: TinyTask) -> list[float]:
    found = []
    for step in range(made.total_steps):
        made.batches = step * made.budget.accumulate
        found.append(made.rate())
    return found


@pytest.mark.parametrize("accumulate", [1, 3])
def test_half_a_cosine_rises_over_epochs_and_falls_to_its_least(accumulate: int) -> None:
    recipe = OptimiserRecipe(rate=2.0, schedule="half_cosine", warmup_epochs=2, min_rate=0.5)
    found = rates(task(recipe, accumulate=accumulate))
    assert found[:21:5] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert found[60] == pytest.approx(1.25)
    assert 0.5 < found[-1] < 0.501
    assert max(found) == found[20]


def test_half_a_cosine_follows_the_clock_where_minutes_are_the_limit() -> None:
    made = task(OptimiserRecipe(rate=2.0, schedule="half_cosine", warmup_epochs=1, min_rate=0.0), epochs=1000, max_minutes=1.0)
    made.batches, made.elapsed = 20, 60.0
    assert made.rate() == pytest.approx(0.0, abs=1e-12)
    made.elapsed = 30.0
    assert made.rate() == pytest.approx(1.0, abs=0.01)


def test_the_rate_grows_with_the_batch() -> None:
    recipe = OptimiserRecipe(rate=1e-3, rate_batch=256, schedule="constant", warmup_steps=0)
    assert task(recipe, batch=32, devices=4, strategy="ddp").rate() == pytest.approx(5e-4)
    assert task(recipe, batch=32, accumulate=16).rate() == pytest.approx(2e-3)


@pytest.mark.parametrize("clip", [None, 0.5])
def test_long_gradients_are_shortened_only_if_wished(clip: float | None) -> None:
    made = task(OptimiserRecipe(clip=clip))
    for parameter in made.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    made.configure_gradient_clipping(None)
    norm = math.sqrt(sum(float((p.grad**2).sum()) for p in made.parameters() if p.grad is not None))
    count = sum(p.numel() for p in made.parameters())
    assert norm == pytest.approx(3 * math.sqrt(count) if clip is None else clip, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"layer_decay": 0}, "above 0"),
        ({"layer_decay": 1.5}, "up to 1"),
        ({"clip": 0}, "must exceed 0"),
        ({"rate_batch": 0}, "at least 1, or null"),
        ({"warmup_epochs": 3}, "rises over warmup_steps"),
        ({"schedule": "half_cosine", "min_rate": 1.0}, "falls from rate to min_rate"),
        ({"schedule": "half_cosine", "warmup_epochs": -1}, "at least 0"),
        ({"inverse_steps": 0}, "inverse_steps exceeds 0"),
        ({"inverse_power": -1}, "at least 0"),
        ({"inverse_warmup": 1.0}, r"in \[0, 1\)"),
        ({"rate_factors": {"head": 0}}, "factor of head must be a number above 0"),
        ({"rate_factors": {"head": "fast"}}, "must be a number above 0"),
    ],
)
def test_wrong_values_are_explained(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        OptimiserRecipe(**change)


def test_no_other_parameter_is_touched() -> None:
    groups = parameter_groups(Transformer().named_parameters(), OptimiserRecipe(layer_decay=0.5, decayed="matrices"))
    assert sum(len(group["params"]) for group in groups) == len(list(Transformer().parameters()))


def test_parts_of_the_network_learn_faster_by_their_names() -> None:
    model = Transformer()
    with torch.no_grad():
        model.head.bias.fill_(0.5)
        model.blocks[0].bias[:1] = 0.5
    recipe = OptimiserRecipe(rate_factors={"head": 10, "blocks": 2}, layer_decay=0.5)
    groups = parameter_groups(model.named_parameters(), recipe)
    scale = {id(p): group["rate_scale"] for group in groups for p in group["params"]}
    assert [scale[id(layer.bias)] for layer in (model.patch_embed, *model.blocks, model.head)] == [0.125, 0.5, 1.0, 10.0]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_a_factor_for_what_is_not_there_is_refused() -> None:
    with pytest.raises(ParameterError, match="nothing is trained in a module called 'position'"):
        parameter_groups(Transformer().named_parameters(), OptimiserRecipe(rate_factors={"position": 10}))


def test_the_inverse_schedule_rises_and_falls_as_published() -> None:
    recipe = OptimiserRecipe(rate=2e-5, schedule="inverse", warmup_steps=0)
    found = rates(task(recipe, epoch_steps=100, epochs=1))
    wanted = [2e-5 * (1 - 0.99 ** (n + 1)) * (1 + n / 1e6) ** -0.5 for n in range(100)]
    assert found == pytest.approx(wanted)
