"""The loop that every training shares: budget, learning rate, checkpoints, resuming, interruptions.

What a step does is a function of the recipe, the weights and the number of the batch alone: data are addressed by that
number, and every source of chance (drop-out, augmentation) begins each batch from a seed made of it. So a run that was killed
goes on from its last checkpoint as if nothing had happened, to the last bit on a CPU.
"""

from __future__ import annotations

import logging
import math
import signal
import sys
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from auris import seeding
from auris.errors import AurisError, CheckpointError, MissingDependency
from auris.training.learning_rate import learning_rate
from auris.training.parameter_groups import parameter_groups
from auris.training.run_folder import RunFolder
from auris.training.sharding import clipped_gradients, distributed_state, gathered, model_strategy
from auris.training.stop_signals import StopWish, stop_signals
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe

try:
    import lightning.pytorch as lightning
    from lightning.pytorch.callbacks import Callback, LearningRateMonitor, RichProgressBar
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
except ImportError:
    raise MissingDependency("lightning", "train") from None


_LOG = logging.getLogger("auris.training")


class Interrupted(KeyboardInterrupt):
    """Training was stopped from outside (Ctrl-C, SIGTERM) after its checkpoint was written.

    Attributes:
        status: exit status by the custom of shells, 130 for Ctrl-C.
    """

    def __init__(self, text: str, signal_number: int) -> None:
        super().__init__(text)
        self.status = 128 + signal_number


class _Stop(Exception):  # noqa: N818 - it carries a wish, not a fault
    """Ends the loop between two steps; Lightning would answer a KeyboardInterrupt by ending the process."""


class Progress(NamedTuple):
    """How far a training is, over all sittings; what a checkpoint keeps beside weights and optimiser."""

    batches: int = 0
    elapsed: float = 0.0
    validated: int = 0
    best: float = math.inf


class Task(lightning.LightningModule, ABC):
    """A network in training. A kind of training says :meth:`losses` and :meth:`validation_step`.

    Args:
        model: the network.
        optimiser: its optimiser.
        trainer: its budget.
        seed: of every draw in training.
        epoch_steps: optimiser steps of an epoch.
        validate_steps: optimiser steps between validations; None for those of an epoch.
    """

    def __init__(
        self,
        model: Any,
        *,
        optimiser: OptimiserRecipe,
        trainer: TrainerRecipe,
        seed: int,
        epoch_steps: int,
        validate_steps: int | None = None,
    ) -> None:
        super().__init__()
        self.model, self.optimiser, self.budget, self.seed = model, optimiser, trainer, seed
        self.epoch_batches = epoch_steps * trainer.accumulate
        self.lap_batches = (validate_steps or epoch_steps) * trainer.accumulate
        self.total_steps = trainer.total_steps(epoch_steps)
        self.batches, self.elapsed = 0, 0.0  # trained over all sittings
        self.validated, self.best = 0, math.inf  # batches at the last validation; the lowest score so far
        self.saved_optimiser: dict[str, Any] | None = None
        self._tick = time.monotonic()
        self._loss: Tensor | float = math.nan

    @abstractmethod
    def losses(self, batch: Any) -> Any:
        """Return the losses of one batch: a named tuple of tensors with ``total``."""

    def note(self, out: RunFolder) -> None:
        """Leave something beside a checkpoint; called whenever one is written."""

    @property
    def place(self) -> tuple[int, int]:
        """Number of processes that train together, and the number of this one."""
        return (self.trainer.world_size, self.trainer.global_rank) if self._trainer is not None else (1, 0)

    @property
    def steps(self) -> int:
        """Optimiser steps made."""
        return self.batches // self.budget.accumulate

    @property
    def epoch(self) -> int:
        """Epochs that are over."""
        return self.batches // self.epoch_batches

    @property
    def reached(self) -> dict[str, Any]:
        """What cards and reports say of a training: ``steps``, ``epochs`` and ``minutes``."""
        epochs = round(self.batches / self.epoch_batches, 2)
        return {"steps": self.steps, "epochs": epochs, "minutes": round(self.elapsed / 60, 1)}

    @property
    def remaining_batches(self) -> int:
        """Batches until the next validation, or the end of the training."""
        total = self.total_steps * self.budget.accumulate - self.batches
        return max(0, min(self.lap_batches - self.batches % self.lap_batches, total))

    @property
    def progress(self) -> float:
        """Share of the budget that is spent, 0 to 1."""
        return self.progress_at(self.batches)

    def progress_at(self, batches: int) -> float:
        """Return the share of the budget that is spent after so many batches, which may be fetched ahead of their time."""
        spent = self.elapsed / (60 * self.budget.max_minutes) if self.budget.max_minutes else 0.0
        return min(1.0, max(spent, batches // self.budget.accumulate / self.total_steps))

    def training_step(self, batch: Any, _: int) -> Tensor:
        """Return the loss of one batch."""
        losses = self.losses(batch)
        self.log_losses("train", losses)
        total: Tensor = losses.total
        self._loss = total.detach()
        return total

    def log_losses(self, stage: str, losses: Any) -> None:
        """Log the parts of a loss."""
        named = {f"{stage}/{name}": value.detach() for name, value in losses._asdict().items()}
        self.log_dict(named, prog_bar=stage == "train", batch_size=self.budget.batch, sync_dist=self.place[0] > 1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW over what is trained; the rate is set before each step."""
        sharded = self.budget.strategy == "fsdp"
        optimiser = torch.optim.AdamW(
            parameter_groups(self.named_parameters(), self.optimiser),
            lr=self.optimiser.rate,
            betas=self.optimiser.betas,
            foreach=False if sharded else None,  # not for whole and divided parameters at once
        )
        if self.saved_optimiser is not None:
            optimiser.load_state_dict(distributed_state(self.saved_optimiser, optimiser))
        return optimiser

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return learning_rate(
            self.optimiser,
            step=self.steps,
            steps=self.total_steps,
            epoch_steps=self.epoch_batches / self.budget.accumulate,
            progress=self.progress,
            most=self.optimiser.rate_for(self.budget.step_examples),
        )

    def on_train_start(self) -> None:
        """Start the clock."""
        self._tick = time.monotonic()

    def on_train_batch_start(self, *_: Any) -> None:
        """Set the learning rate, and begin the draws of this batch."""
        optimiser = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimiser, torch.optim.Optimizer)
        for group in optimiser.param_groups:
            group["lr"] = self.rate() * group.get("rate_scale", 1.0)
        torch.manual_seed(seeding.derive(self.seed, "batch", self.batches, "rank", self.place[1]))

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Shorten long gradients; stop before ones that are not numbers reach the weights."""
        longest = math.inf if self.optimiser.clip is None else self.optimiser.clip
        if not math.isfinite(clipped_gradients(list(self.parameters()), longest, strategy=self.budget.strategy)):
            raise AurisError(
                f"the gradient is not finite at step {self.steps} (loss {float(self._loss):.4g}, rate {self.rate():.3g}); "
                "the checkpoint holds the weights before it. Try a lower optimiser.rate or trainer.precision=32"
            )

    def advance(self) -> None:
        """Count a batch, and its time."""
        now = time.monotonic()
        self.batches, self.elapsed = self.batches + 1, self.elapsed + now - self._tick
        self._tick = now

    def kept_weights(self) -> dict[str, Tensor]:
        """Return the weights that a checkpoint keeps: all of them."""
        return dict(self.state_dict())

    def state(self) -> dict[str, Any]:
        """Return everything a checkpoint keeps; all processes ask for it at once, as each may hold a part of it."""
        optimiser = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimiser, torch.optim.Optimizer)
        return {
            "state_dict": gathered(self.kept_weights()),
            "optimizer_states": [gathered(optimiser.state_dict())],
            "progress": Progress(self.batches, self.elapsed, self.validated, self.best)._asdict(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: it keeps other weights than this training.
        """
        wanted, there = self.kept_weights().keys(), saved["state_dict"].keys()
        if wanted != there:
            raise CheckpointError(f"the checkpoint keeps other weights: {', '.join(sorted(wanted ^ there)[:3])} …")
        self.load_state_dict(saved["state_dict"], strict=False)
        (self.saved_optimiser,) = saved["optimizer_states"]
        progress = Progress(**saved["progress"])
        self.batches, self.elapsed = int(progress.batches), float(progress.elapsed)
        self.validated, self.best = int(progress.validated), float(progress.best)


class _Keeper(Callback):
    """Counts batches, ends the training when its budget is spent, and writes checkpoints.

    Every few minutes, before and after every validation, at the end, and when somebody asks to stop.
    """

    def __init__(self, out: RunFolder, minutes: float, wish: StopWish) -> None:
        self.out, self.seconds, self.wish, self.last = out, 60 * minutes, wish, time.monotonic()
        self.kept: tuple[int, int] | None = None

    def on_train_batch_end(self, trainer: Any, task: Any, *_: Any) -> None:
        task.advance()
        if task.batches % task.budget.accumulate:
            return
        late = time.monotonic() - self.last >= self.seconds
        spent, stop, keep = (
            trainer.strategy.reduce_boolean_decision(here, all=False)
            for here in (task.progress >= 1, self.wish.signal is not None, late)
        )
        trainer.should_stop = trainer.should_stop or spent
        if stop or (keep and not spent):
            self.keep(trainer, task)
        if stop:
            raise _Stop

    def on_validation_batch_end(self, trainer: Any, *_: Any) -> None:
        # The checkpoint of the last step stands; validation begins again when training is resumed.
        if trainer.world_size == 1 and self.wish.signal is not None:  # several processes have unequal numbers of batches
            raise _Stop

    def on_validation_start(self, trainer: Any, task: Any) -> None:
        if trainer.state.fn == "fit":
            self.keep(trainer, task)

    def on_validation_end(self, trainer: Any, task: Any) -> None:
        task.validated = task.batches
        if trainer.state.fn == "fit":
            self.keep(trainer, task)

    def on_train_end(self, trainer: Any, task: Any) -> None:
        self.keep(trainer, task)

    def keep(self, trainer: Any, task: Task) -> None:
        self.last = time.monotonic()
        if self.kept == (task.batches, task.validated):
            return
        self.kept = (task.batches, task.validated)
        state = task.state()
        if trainer.is_global_zero:
            self.out.write_checkpoint(state)
            task.note(self.out)


class _Bar(RichProgressBar):
    """A bar on standard error that knows where in the epoch a resumed training begins."""

    def __init__(self) -> None:
        super().__init__(console_kwargs={"stderr": True})
        self._batches = 0

    @property
    def total_train_batches(self) -> int:
        return self._batches

    def on_train_epoch_start(self, trainer: Any, task: Any) -> None:
        self._batches = task.remaining_batches
        super().on_train_epoch_start(trainer, task)


def trainer_of(recipe: TrainerRecipe, out: RunFolder, *, callbacks: Sequence[Callback], sitting: str) -> Any:
    """Return the Lightning trainer; each sitting logs to a folder of its own, so that resuming deletes nothing."""
    folder = out.path
    shown = [_Bar()] if sys.stderr.isatty() else []
    return lightning.Trainer(
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        strategy=model_strategy(recipe),
        precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
        accumulate_grad_batches=recipe.accumulate,
        sync_batchnorm=recipe.sync_batch_norm,
        max_epochs=-1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=bool(shown),
        log_every_n_steps=recipe.log_steps,
        default_root_dir=folder,
        logger=[
            CSVLogger(folder, name="logs", version=sitting),
            TensorBoardLogger(folder, name="tensorboard", version=sitting),
        ],
        callbacks=[*callbacks, *shown, LearningRateMonitor("step")],
    )


def fit(
    task: Task,
    out: RunFolder,
    *,
    train: Any,
    validation: Any,
) -> None:
    """Train until the budget is spent.

    Args:
        task: what to train, restored if it was trained before.
        out: where checkpoints go.
        train: loader of the batches from number ``task.batches`` to the end of the epoch, each time it is iterated.
        validation: loader, or list of loaders, of validation batches.

    Raises:
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    quiet = logging.getLogger("lightning.pytorch")
    level = quiet.level
    with stop_signals() as wish, warnings.catch_warnings():
        for text in _EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=text)
        quiet.setLevel(logging.WARNING)
        keeper = _Keeper(out, task.budget.save_minutes, wish)
        trainer = trainer_of(task.budget, out, callbacks=[keeper], sitting=out.sitting(task.steps))
        trainer.fit_loop.epoch_loop.on_load_checkpoint({"_batches_that_stepped": task.steps})  # where the logs go on
        try:
            if task.validated < task.batches and task.batches % task.lap_batches == 0:
                trainer.validate(task, validation, verbose=False)  # the last sitting ended before it
            if task.progress < 1:
                trainer.fit(task, train, validation, weights_only=True)
        except _Stop:
            text = f"stopped after {task.steps} of {task.total_steps} steps; the same command goes on from {out.checkpoint}"
            raise Interrupted(text, wish.signal or signal.SIGINT) from None
        except SystemExit:  # Lightning's answer to a KeyboardInterrupt
            raise KeyboardInterrupt from None
        finally:
            quiet.setLevel(level)


_EXPECTED_WARNINGS = (
    ".*does not have many workers.*",
    ".*GPU available but not used.*",
    ".*is smaller than the logging interval.*",
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
    ".*Checkpoint directory.*",
    ".*module\\(s\\) in eval mode at the start of training.*",  # frozen ears
    ".*Experiment logs directory.*",
    ".*Trying to infer the `batch_size`.*",
    ".*It is recommended to use `self.log.*",  # what is logged of a validation is the same in all processes
)
