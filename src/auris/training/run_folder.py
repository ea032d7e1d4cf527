"""The folder of one training run: recipe, checkpoint, logs, model."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from auris.errors import CheckpointError
from auris.io.atomic import atomic_write, write_text


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps what it needs to go on, and what it makes.

    Attributes:
        path: the folder; made when something is written.
    """

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The last state of training."""
        return self.path / "last.ckpt"

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.path / "model"

    @property
    def recipe(self) -> Path:
        """The recipe with every value written out."""
        return self.path / "recipe.yaml"

    def claim(self, text: str, *, network: Any) -> dict[str, Any] | None:
        """Note the recipe; return the checkpoint to resume from, if there is one.

        Args:
            text: the recipe.
            network: function from a plain recipe to those of its values that a checkpoint depends on.

        Raises:
            CheckpointError: the folder holds a run of another network, or its checkpoint is damaged.
        """
        saved = self.read_checkpoint()
        if saved is not None and self.recipe.is_file():
            before = yaml.safe_load(self.recipe.read_text(encoding="utf-8"))
            if network(before) != network(yaml.safe_load(text)):
                raise CheckpointError(
                    f"{self.path} holds a run of another network; choose another folder with trainer.out=FOLDER"
                )
        write_text(self.recipe, text)
        return saved

    def read_checkpoint(self) -> dict[str, Any] | None:
        """Return what the checkpoint holds, None where there is none.

        Raises:
            CheckpointError: it cannot be read.
        """
        if not self.checkpoint.is_file():
            return None
        try:
            saved = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
            if {"state_dict", "optimizer_states", "progress"} <= set(saved):
                return dict(saved)
            reason = "it is of another program or version"
        except (OSError, RuntimeError, EOFError, ValueError, TypeError, pickle.UnpicklingError) as error:
            reason = str(error).strip().split("\n")[0]
        raise CheckpointError(f"{self.checkpoint} cannot be resumed ({reason}); delete it or choose another trainer.out")

    def write_checkpoint(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint, whole or not at all."""
        with atomic_write(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def sitting(self, steps: int) -> str:
        """Return a name for the logs of a sitting that begins after ``steps``, not used before."""
        name, count = f"from-step-{steps}", 1
        while (self.path / "logs" / name).exists():
            count += 1
            name = f"from-step-{steps}-{count}"
        return name
