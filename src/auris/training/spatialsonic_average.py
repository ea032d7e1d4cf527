"""The moving average of a generator's weights in training: kept with the checkpoint, and put in their place for a while.

Where the weights are divided between processes (FSDP), so is the average.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from auris.models.diffusion.objective import WeightAverage
from auris.training.sharding import gathered
from auris.training.spatialsonic_recipe import ObjectiveRecipe


class TrainingAverage:
    """The average of what is trained of a model.

    Args:
        model: on the device where it is trained, divided already if it is to be.
        objective: how fast the average follows.
        saved: of an earlier sitting; None begins with the present weights.
    """

    def __init__(self, model: nn.Module, objective: ObjectiveRecipe, *, saved: Mapping[str, Any] | None = None) -> None:
        self.model = model
        self.average = WeightAverage(model, beta=objective.average, power=objective.average_power)
        if saved is not None:
            own = self.average.weights()
            there = {name: _divided_as(value, own[name]) for name, value in saved["average"].items() if name in own}
            self.average.load_state({**saved, "average": there})
        self._own: dict[str, Tensor] | None = None

    def update(self) -> None:
        """Count the present weights; after every step."""
        self.average.update(self.model)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, with whole tensors."""
        state: dict[str, Any] = gathered(self.average.state())
        return state

    @torch.no_grad()
    def put(self) -> None:
        """Give the model the average, until :meth:`take_back`; nothing where it has it already."""
        if self._own is None:
            self._own = {name: value.detach().clone() for name, value in self._trained().items()}
            self._copy(self.average.weights())

    @torch.no_grad()
    def take_back(self) -> None:
        """Give the model its own weights back."""
        if self._own is not None:
            self._copy(self._own)
            self._own = None

    def _copy(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self._trained().items():
            parameter.copy_(values[name])  # in place: FSDP holds on to the memory, not to the tensor

    def _trained(self) -> dict[str, nn.Parameter]:
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}


def _divided_as(value: Tensor, like: Tensor) -> Tensor:
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
