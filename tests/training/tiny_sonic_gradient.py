"""A program: the gradient of the first step of a generator that two processes train, written to files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from auris import seeding
from auris.training.loop import trainer_of
from auris.training.recipe import read_recipe
from auris.training.run_folder import RunFolder
from auris.training.sharding import gathered
from auris.training.spatialsonic import SpatialSonicTask, model_and_material


class Recorder(SpatialSonicTask):
    """Writes down gradients, and what is left behind after the step."""

    result: Path
    turn: tuple[int, int] | None = None

    @property
    def place(self) -> tuple[int, int]:
        return super().place if self.turn is None else self.turn

    def on_train_batch_start(self, *arguments: Any) -> None:
        super().on_train_batch_start(*arguments)
        self.model.eval()  # no dropout

    def configure_gradient_clipping(self, *arguments: Any, **_: Any) -> None:
        super().configure_gradient_clipping(*arguments)
        trained = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        held = sum((p.to_local() if isinstance(p, DTensor) else p).numel() for p in trained.values())
        facts = {"held": torch.tensor(held), "all": torch.tensor(sum(p.numel() for p in trained.values()))}
        found = {name: gathered(p.grad) for name, p in trained.items()}
        torch.save(found | facts, self.result.with_suffix(f".{self.trainer.global_rank}.pt"))

    def on_train_batch_end(self, *_: Any) -> None:
        """Validate with the average, and write the model, as a training does."""
        self.advance()
        self.on_validation_epoch_start()
        for number, batch in enumerate(self.material.validation_loader(self)):
            with torch.no_grad():
                self.validation_step(batch, number)
        self.log_dict = lambda *_, **__: None  # type: ignore[method-assign,assignment]
        self.on_validation_epoch_end()
        state = self.state()
        kept = {"state_dict": state["state_dict"], "average": state["average"]["average"], "loss": self.scores["loss"]}
        torch.save(kept, self.result.with_suffix(f".state.{self.trainer.global_rank}.pt"))


def recorder(file: Path, *overrides: str) -> Recorder:
    """Return what is trained."""
    recipe = read_recipe(file, overrides=overrides)
    model, material = model_and_material(recipe)
    return Recorder(model, recipe, out=RunFolder(Path(recipe.trainer.out)), material=material)


def record(file: Path, result: Path, *overrides: str) -> None:
    """Write what the first step finds; each process adds its number to the name of the file."""
    task = recorder(file, *overrides)
    task.result = result
    trainer = trainer_of(task.budget, task.out, callbacks=[], sitting="gradient")
    trainer.fit_loop.epoch_loop.max_steps = 1
    trainer.fit(task, task.material.train_loader(task))
    assert trainer.world_size == 2


def mean_gradient(file: Path, *overrides: str) -> dict[str, torch.Tensor]:
    """Return the mean of the gradients that two processes would have, found one after the other."""
    task = recorder(file, *overrides)
    task.eval()
    for rank in (0, 1):
        task.turn, task._times = (2, rank), None
        batch = next(iter(task.material.train_loader(task)))
        torch.manual_seed(seeding.derive(task.seed, "batch", 0, "rank", rank))  # as before a batch of the training
        (task.losses(batch).total / 2).backward()
    return {name: p.grad for name, p in task.model.named_parameters() if p.grad is not None}


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
