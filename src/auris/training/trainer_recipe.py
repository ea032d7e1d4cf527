"""The parts of a recipe that every training shares: optimiser, length, hardware, what is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from auris.errors import ParameterError

DEFAULT_EPOCHS = 25


@dataclass(frozen=True)
class OptimiserRecipe:
    """AdamW and its learning rate.

    Attributes:
        rate: learning rate.
        rate_batch: examples of a step, over all devices, for which ``rate`` is meant; with more or fewer it is that many times
            as high or low. None takes ``rate`` as it is.
        weight_decay: of all parameters.
        decayed: ``all`` parameters, or those of two and more dimensions (``matrices``): no biases, no normalisations.
        layer_decay: factor of the rate from one transformer block to the one before it, down to the patch embedding; what is
            not in the blocks has the whole rate. 1 for the same rate everywhere.
        warmup_steps: steps in which the rate rises from zero.
        warmup_epochs: the same for ``half_cosine``, in epochs.
        clip: largest norm of the gradient; longer ones are shortened. None shortens none.
        betas: how long AdamW remembers gradients and their squares.
        schedule: ``cosine`` falls over the whole budget to a hundredth; ``half_cosine`` falls, once it is warm, to
            ``min_rate``; ``linear`` falls, once it is warm, to zero at ``end_step``, and stays there; ``step`` multiplies by
            ``decay`` every ``decay_epochs``; ``inverse`` falls as ``(1 + step / inverse_steps) ** -inverse_power``, and rises
            before as ``1 - inverse_warmup ** (step + 1)``; ``constant`` stays.
        min_rate: lowest rate of ``half_cosine``.
        end_step: step at which the rate of ``linear`` is zero; None for the last one of the budget.
        decay: factor of the ``step`` schedule.
        decay_epochs: epochs between its steps.
        inverse_steps: of ``inverse``: the larger, the later it falls (``inv_gamma`` elsewhere).
        inverse_power: how steeply it falls.
        inverse_warmup: how slowly it rises, 0 to below 1.
        rate_factors: share of the rate, above 1 for more, of parts of the network, by the names of their modules:
            ``{position: 10}`` lets everything in the module ``position`` learn ten times as fast.
    """

    rate: float = 1e-3
    rate_batch: int | None = None
    weight_decay: float = 0.01
    decayed: Literal["all", "matrices"] = "all"
    layer_decay: float = 1.0
    warmup_steps: int = 50
    warmup_epochs: float = 0.0
    clip: float | None = 2.0
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Literal["cosine", "half_cosine", "linear", "step", "inverse", "constant"] = "cosine"
    min_rate: float = 1e-6
    end_step: int | None = None
    decay: float = 0.1
    decay_epochs: int = 20
    inverse_steps: float = 1e6
    inverse_power: float = 0.5
    inverse_warmup: float = 0.99
    rate_factors: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.rate > 0 and (self.clip is None or self.clip > 0) and self.decay > 0):
            raise ParameterError(f"rate, clip and decay must exceed 0, got {self.rate}, {self.clip} and {self.decay}")
        if self.weight_decay < 0 or self.warmup_steps < 0 or self.decay_epochs < 1:
            raise ParameterError("weight_decay and warmup_steps must be at least 0, decay_epochs at least 1")
        if not 0 < self.layer_decay <= 1:
            raise ParameterError(f"layer_decay is a factor above 0, up to 1 (one rate everywhere), got {self.layer_decay}")
        if self.rate_batch is not None and self.rate_batch < 1:
            raise ParameterError(f"rate_batch must be at least 1, or null for a rate that stays, got {self.rate_batch}")
        if min(self.warmup_epochs, self.min_rate) < 0:
            raise ParameterError(f"warmup_epochs and min_rate must be at least 0, got {self.warmup_epochs}, {self.min_rate}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ParameterError(f"betas are two numbers in [0, 1), got {self.betas!r}")
        for name, factor in self.rate_factors.items():
            if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor < math.inf:
                raise ParameterError(f"rate_factors: the factor of {name} must be a number above 0, got {factor!r}")
        self._check_schedule()

    def _check_schedule(self) -> None:
        if self.warmup_epochs and self.schedule != "half_cosine":
            raise ParameterError(f"warmup_epochs is for schedule half_cosine; {self.schedule} rises over warmup_steps")
        if self.end_step is not None and (self.schedule != "linear" or self.end_step <= self.warmup_steps):
            raise ParameterError(f"end_step is for schedule linear, and lies behind warmup_steps; got {self}")
        if self.schedule == "half_cosine" and self.min_rate > self.rate:
            raise ParameterError(f"half_cosine falls from rate to min_rate, got {self.rate} and {self.min_rate}")
        if self.inverse_steps <= 0 or self.inverse_power < 0 or not 0 <= self.inverse_warmup < 1:
            raise ParameterError(
                "inverse_steps exceeds 0, inverse_power is at least 0, inverse_warmup lies in [0, 1); got "
                f"{self.inverse_steps}, {self.inverse_power} and {self.inverse_warmup}"
            )

    def rate_for(self, batch: int) -> float:
        """Return the learning rate of steps of ``batch`` examples.

        >>> OptimiserRecipe(rate=1e-3, rate_batch=256).rate_for(128)
        0.0005
        """
        return self.rate if self.rate_batch is None else self.rate * batch / self.rate_batch


@dataclass(frozen=True)
class TrainerRecipe:
    """How long, on what, and what is kept.

    Attributes:
        out: run folder: checkpoint, logs, and the model under ``model``.
        batch: examples in a batch, on each device.
        epochs: passes over the training data, or stretches of ``validate_steps`` where data has no end; None with no
            ``max_steps`` either means 25.
        max_steps: optimiser steps at which training ends; None for no limit but ``epochs``.
        max_minutes: minutes at which it ends, whichever comes first; None for no limit. Resuming counts on.
        save_minutes: minutes between checkpoints; 0 saves after every step.
        validate_steps: steps between validations, where the data have no end; a data set is validated after every pass.
        log_steps: steps between lines of the log.
        threads: threads of PyTorch.
        accelerator: ``auto`` takes a GPU if there is one.
        devices: processes that train together, one per device; the batch is ``devices`` times as large.
        strategy: ``ddp`` with several devices; each holds the whole network. ``fsdp``, for language models that hear
            (:mod:`auris.training.sharding`): each holds a part of every block of the language model.
        precision: ``bf16`` computes the network in bfloat16; features, losses and weights stay in float32.
        accumulate: batches whose gradients are averaged before a step.
        sync_batch_norm: whether batch statistics are taken over all devices (GPU only).
        compile: whether the network is compiled (``torch.compile``): slow to begin, faster after.
    """

    out: str = "../runs/seld"
    batch: int = 32
    epochs: int | None = None
    max_steps: int | None = None
    max_minutes: float | None = None
    save_minutes: float = 4.0
    validate_steps: int = 200
    log_steps: int = 10
    threads: int = 1
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = 1
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    precision: Literal["32", "bf16"] | Literal[32] = "32"
    accumulate: int = 1
    sync_batch_norm: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        names = ("batch", "epochs", "max_steps", "validate_steps", "log_steps", "threads", "devices", "accumulate")
        for name in names:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"trainer.{name} must be at least 1, got {value}")
        if self.devices > 1 and self.strategy == "auto":
            raise ParameterError(f"{self.devices} devices train together by trainer.strategy=ddp or fsdp, got 'auto'")
        if self.devices == 1 and self.strategy == "fsdp":
            raise ParameterError("trainer.strategy=fsdp divides a language model between devices; set trainer.devices")

    @property
    def step_examples(self) -> int:
        """Examples of an optimiser step, over all devices."""
        return self.batch * self.accumulate * self.devices

    def total_steps(self, epoch_steps: int) -> int:
        """Return the optimiser steps of the whole training, of epochs of ``epoch_steps``."""
        epochs = self.epochs or (DEFAULT_EPOCHS if self.max_steps is None else None)
        limits = [self.max_steps, None if epochs is None else epochs * epoch_steps]
        return min(limit for limit in limits if limit is not None)
