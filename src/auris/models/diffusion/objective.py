"""What training a diffusion model needs: targets, the times to train at, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from auris.errors import CheckpointError, ParameterError
from auris.models.diffusion.schedules import alpha_and_sigma


def noised(clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return what the network is given: ``alpha * clean + sigma * noise``.

    Args:
        clean: (B, ...) latents of about unit variance.
        noise: like it, of unit variance.
        t: (B,) times, 0 to 1.
    """
    alpha, sigma = _spread(t, clean)
    return alpha * clean + sigma * noise


def velocity_target(clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return what the network is to answer: ``v = alpha * noise - sigma * clean`` (arXiv:2202.00512).

    Args:
        clean: as for :func:`noised`.
        noise: as for :func:`noised`.
        t: as for :func:`noised`.
    """
    alpha, sigma = _spread(t, clean)
    return alpha * noise - sigma * clean


def clean_from_velocity(noised: Tensor, velocity: Tensor, t: Tensor) -> Tensor:
    """Return the clean latents that a velocity implies: ``alpha * noised - sigma * velocity``."""
    alpha, sigma = _spread(t, noised)
    return alpha * noised - sigma * velocity


def _spread(t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    alpha, sigma = alpha_and_sigma(t.reshape(-1, *[1] * (like.ndim - 1)))
    return alpha.to(like), sigma.to(like)


class TrainingTimes:
    """Times to train at: evenly spread over 0 to 1 by a scrambled Sobol sequence, and now and then exactly 1.

    At 1 there is noise alone, which is where samplers begin. Processes of one training take seeds of their own.

    Args:
        seed: of the sequence.
        share_at_one: how many of the times are 1; 0.01 as published with stable-audio-open.

    Raises:
        ParameterError: the share is not 0 to 1.
    """

    def __init__(self, seed: int, *, share_at_one: float = 0.01) -> None:
        if not 0 <= share_at_one <= 1:
            raise ParameterError(f"share_at_one is a share of 0 to 1, got {share_at_one}")
        # A second dimension of the same sequence tells which times become 1: their share is then exact too.
        self._sequence: Any = torch.quasirandom.SobolEngine(2, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
        self._share = share_at_one
        self._drawn = 0

    def draw(self, count: int, *, device: torch.device | str = "cpu") -> Tensor:
        """Return (count,) float32 times."""
        times, chance = self._sequence.draw(count, dtype=torch.float64).unbind(dim=1)
        self._drawn += count
        return torch.where(chance < self._share, 1.0, times).to(device, torch.float32)

    def state(self) -> dict[str, int]:
        """Return what :meth:`load_state` needs to go on where this is."""
        return {"drawn": self._drawn}

    def load_state(self, state: Mapping[str, int]) -> None:
        """Go on where another object of the same seed was."""
        self._sequence.reset()
        self._sequence.fast_forward(state["drawn"])
        self._drawn = state["drawn"]


class WeightAverage:
    """Exponential moving average of a model's trained weights: short at first, ever longer, up to ``beta``.

    After ``n`` updates the old average counts ``min(beta, 1 - (1 + n) ** -power)``, which makes it about a mean over the
    later part of the training so far. Weights that are not trained are left out; they are the model's own.

    Args:
        model: whose present weights are the first average.
        beta: the most that the old average counts; 0.9999 as published with stable-audio-open.
        power: of the schedule, 3/4 as published.

    Raises:
        ParameterError: a number is out of range, or the model has no trained weights.
    """

    def __init__(self, model: nn.Module, *, beta: float = 0.9999, power: float = 0.75) -> None:
        if not 0 <= beta < 1 or not power > 0:
            raise ParameterError(f"beta is 0 to below 1 and power above 0, got {beta} and {power}")
        self._beta, self._power = beta, power
        self._updates = 0
        self._average = {name: value.detach().float().clone() for name, value in _trained(model).items()}
        if not self._average:
            raise ParameterError("the model has no trained weights to average")

    @property
    def decay(self) -> float:
        """How much the old average counts in the next update."""
        return min(self._beta, 1 - math.pow(1 + self._updates, -self._power))

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take the model's present weights into the average; call it after every step of the optimiser."""
        present = _trained(model)
        if present.keys() != self._average.keys():
            raise ParameterError(f"other weights are trained than were averaged: {_difference(present, self._average)}")
        old = list(self._average.values())
        new = [value.detach().to(average) for value, average in zip(present.values(), old, strict=True)]
        torch._foreach_lerp_(old, new, 1 - self.decay)
        self._updates += 1

    def weights(self) -> dict[str, Tensor]:
        """Return the average, float32, by the names of the model's parameters; not copied."""
        return dict(self._average)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Let a model have the average instead of its own weights for a while, e.g. for validation."""
        parameters = _trained(model)
        own = {name: value.data for name, value in parameters.items()}
        try:
            for name, value in parameters.items():
                value.data = self._average[name].to(value)
            yield
        finally:
            for name, value in parameters.items():
                value.data = own[name]

    def state(self) -> dict[str, Any]:
        """Return what :meth:`load_state` needs: plain values and tensors, safe to save."""
        return {"updates": self._updates, "average": self.weights()}

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on with the average of an earlier run.

        Raises:
            CheckpointError: it is of another model.
        """
        average = state["average"]
        if average.keys() != self._average.keys():
            raise CheckpointError(f"the saved average is of another model: {_difference(average, self._average)}")
        for name, value in self._average.items():
            if value.shape != average[name].shape:
                raise CheckpointError(f"the saved average is of another model: {name} is {tuple(average[name].shape)}")
            value.copy_(average[name])
        self._updates = int(state["updates"])


def _trained(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    return ", ".join(sorted(found.keys() ^ wanted.keys())[:3])
