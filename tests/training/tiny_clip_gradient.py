"""A program: what the first step of a recipe of whole clips finds, written to files; with several devices it starts others.

Running statistics are used in place of the batch's, which differ from process to process without a GPU, and nothing is masked.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from auris.training.loop import trainer_of
from auris.training.recipe import read_recipe
from auris.training.run_folder import RunFolder
from auris.training.spatial_ast import SpatialAstTask, build_model
from auris.training.spatial_ast_data import ClipMaterial


class Recorder(SpatialAstTask):
    """Writes down gradients, and the scales of the cosines, instead of using them."""

    result: Path

    def on_train_batch_start(self, *arguments: Any) -> None:
        super().on_train_batch_start(*arguments)
        self.model.eval()

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        gradients = {name: p.grad for name, p in self.model.named_parameters()}
        scales = {name: value for name, value in self.model.named_buffers() if name.endswith("head.s")}
        torch.save(gradients | scales, self.result.with_suffix(f".{self.trainer.global_rank}.pt"))


def record(file: Path, result: Path, *overrides: str) -> None:
    """Write what the first step finds; each process adds its number to the name of the file."""
    recipe = read_recipe(file, overrides=["masks=null", *overrides])
    material, out = ClipMaterial(recipe), RunFolder(Path(recipe.trainer.out))
    task = Recorder(build_model(recipe), recipe, epoch_steps=material.epoch_steps, out=out, pairs=None)
    task.result = result
    trainer = trainer_of(recipe.trainer, out, callbacks=[], sitting="gradient")
    trainer.fit_loop.epoch_loop.max_steps = 1
    trainer.fit(task, material.train_loader(task))
    assert trainer.world_size == recipe.trainer.devices


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
