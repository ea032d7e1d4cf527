"""A program: the gradient of the first step of a language model that is divided between two processes, written to files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from auris.training.bat import BatTask, build_model
from auris.training.bat_material import DataMaterial
from auris.training.loop import trainer_of
from auris.training.recipe import read_recipe
from auris.training.run_folder import RunFolder
from auris.training.sharding import distributed_state, gathered


class Recorder(BatTask):
    """Writes down gradients, and how much of the language model a process holds."""

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
        found = {name: gathered(p.grad) for name, p in self.model.named_parameters() if p.grad is not None}
        blocks = [p for name, p in self.model.named_parameters() if ".layers." in name and "lora" not in name]
        held = sum((p.to_local() if isinstance(p, DTensor) else p).numel() for p in blocks)
        facts = {"held": torch.tensor(held), "all": torch.tensor(sum(p.numel() for p in blocks))}
        torch.save(found | facts, self.result.with_suffix(f".{self.trainer.global_rank}.pt"))

    def on_train_batch_end(self, *_: Any) -> None:
        """Put the state of the optimiser through a checkpoint, and write the model."""
        state = self.state()
        optimiser = self.optimizers(use_pl_optimizer=False)
        (kept,) = state["optimizer_states"]
        optimiser.load_state_dict(distributed_state(kept, optimiser))
        for number, values in gathered(optimiser.state_dict())["state"].items():
            for name, value in values.items():
                assert torch.equal(value, kept["state"][number][name])
        self._keep_model()
        torch.save(state["state_dict"], self.result.with_suffix(f".state.{self.trainer.global_rank}.pt"))


def task_and_material(file: Path, *overrides: str) -> tuple[Recorder, DataMaterial]:
    """Return what is trained and on what."""
    recipe = read_recipe(file, overrides=overrides)
    model = build_model(recipe)
    material = DataMaterial(recipe, model)
    return Recorder(model, recipe, out=RunFolder(Path(recipe.trainer.out)), epoch_steps=material.epoch_steps), material


def record(file: Path, result: Path, *overrides: str) -> None:
    """Write what the first step finds; each process adds its number to the name of the file."""
    task, material = task_and_material(file, *overrides)
    task.result = result
    trainer = trainer_of(task.budget, task.out, callbacks=[], sitting="gradient")
    trainer.fit_loop.epoch_loop.max_steps = 1
    trainer.fit(task, material.train_loader(task))
    assert trainer.world_size == 2


def mean_gradient(file: Path, *overrides: str) -> dict[str, torch.Tensor]:
    """Return the mean of the gradients that two processes would have, found one after the other."""
    task, material = task_and_material(file, *overrides)
    task.eval()
    for rank in (0, 1):
        task.turn = (2, rank)
        (task.losses(next(iter(material.train_loader(task)))).total / 2).backward()
    return {name: p.grad for name, p in task.model.named_parameters() if p.grad is not None}


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
