"""A program: the gradient of the first step of a recipe, written to a file; with several devices it starts its own companions.

Running statistics are used in place of the batch's, which differ from process to process without a GPU.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from tiny_pseldnet import TinyCnn

from auris.models.pseldnet import network
from auris.training.loop import trainer_of
from auris.training.pseldnet import PseldTask, build_model, material_of
from auris.training.recipe import read_recipe
from auris.training.run_folder import RunFolder


class Recorder(PseldTask):
    """Writes down the gradient instead of using it."""

    result: Path

    def on_train_batch_start(self, *arguments: Any) -> None:
        super().on_train_batch_start(*arguments)
        self.model.eval()

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        if self.trainer.is_global_zero:
            torch.save({name: p.grad for name, p in self.model.named_parameters()}, self.result)


def record(file: Path, result: Path, *overrides: str) -> None:
    """Write the gradient of the first step."""
    recipe = read_recipe(file, overrides=overrides)
    material, out = material_of(recipe), RunFolder(Path(recipe.trainer.out))
    task = Recorder(build_model(recipe), recipe, epoch_steps=material.epoch_steps, out=out, clips=None)
    task.result = result
    trainer = trainer_of(recipe.trainer, out, callbacks=[], sitting="gradient")
    trainer.fit_loop.epoch_loop.max_steps = 1
    trainer.fit(task, material.train_loader(task))
    assert trainer.world_size == recipe.trainer.devices


if __name__ == "__main__":
    network.Cnn8 = TinyCnn  # type: ignore[misc,assignment]
    record(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
