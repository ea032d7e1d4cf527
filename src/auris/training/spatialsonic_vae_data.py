"""What an autoencoder trains on: stretches of clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from auris import seeding
from auris.errors import FormatError, LayoutError
from auris.training.sampling import epoch_steps
from auris.training.spatialsonic_clips import ListedClip, held_out_clips, listed_clips
from auris.training.spatialsonic_data import Address, HeldOutTurns, SeededBatches, stretch
from auris.training.spatialsonic_vae_recipe import SpatialSonicVaeRecipe

if TYPE_CHECKING:
    from auris.training.loop import Task

_TRIES = 20
_LOG = logging.getLogger("auris.training")


class WaveBatch:
    """Stretches of clips.

    Attributes:
        waves: ``(batch, channels, samples)``.
        numbers: of the clips.
    """

    def __init__(self, waves: Sequence[Tensor], numbers: Sequence[int]) -> None:
        self.waves, self.numbers = torch.stack(list(waves)), tuple(numbers)

    def to(self, device: Any, **_: Any) -> WaveBatch:
        """Move the waves to a device, in place."""
        self.waves = self.waves.to(device, non_blocking=True)
        return self

    def pin_memory(self) -> WaveBatch:
        """Let them be moved to a GPU while that computes."""
        self.waves = self.waves.pin_memory()
        return self


class WaveClips(Dataset[WaveBatch]):
    """Stretches of clips, in batches: ``dataset[addresses]``; each begins where its seed says.

    Args:
        clips: listed.
        recipe: how long stretches are.
    """

    def __init__(self, clips: Sequence[ListedClip], recipe: SpatialSonicVaeRecipe) -> None:
        self.clips, self.recipe = clips, recipe
        self._told: set[int] = set()

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, addresses: Sequence[Address]) -> WaveBatch:
        return WaveBatch([self._wave(*address) for address in addresses], [number for number, _ in addresses])

    def _wave(self, number: int, seed: int) -> Tensor:
        """A stretch of a clip, or of another one where its file is damaged and may be skipped."""
        recipe, rng = self.recipe, seeding.generator(seed, "stretch")
        place = float(rng.random())
        for _ in range(_TRIES):
            try:
                found = stretch(
                    self.clips[number].audio,
                    place=place,
                    samples=recipe.clip_samples,
                    sample_rate=recipe.sample_rate,
                    channels=recipe.channels,
                )
                return torch.from_numpy(found.wave)
            except (FormatError, LayoutError) as error:
                if recipe.data.unreadable == "refuse":
                    raise
                if number not in self._told:
                    _LOG.warning("skipped: %s", error)
                self._told.add(number)
            number = int(rng.integers(len(self.clips)))
        raise FormatError(f"the files of {_TRIES} clips in a row cannot be used; they are named in the log")


class VaeMaterial:
    """The clips of a recipe.

    Raises:
        FormatError: they are not there; the text says which.
    """

    def __init__(self, recipe: SpatialSonicVaeRecipe) -> None:
        self.recipe, trainer = recipe, recipe.trainer
        self.train = WaveClips(listed_clips(recipe.data, "train"), recipe)
        self.held_out = WaveClips(held_out_clips(recipe.data, seed=recipe.seed), recipe)
        sizes = {"batch": trainer.batch, "accumulate": trainer.accumulate, "devices": trainer.devices}
        self.epoch_steps = epoch_steps(len(self.train), **sizes)

    def train_loader(self, task: Task) -> Any:
        """Return a loader of the batches from ``task.batches`` on to the next validation, whenever it is iterated."""
        return self._loader(self.train, SeededBatches(len(self.train), task))

    def validation_loader(self, task: Task | None = None) -> Any:
        """Return a loader of the held-out clips of a task's process, or of all; always the same stretches."""
        return self._loader(self.held_out, HeldOutTurns(len(self.held_out), self.recipe.trainer.batch, task))

    def _loader(self, clips: WaveClips, sampler: Sampler[Any]) -> Any:
        workers = self.recipe.data.workers
        return DataLoader(clips, batch_size=None, sampler=sampler, num_workers=workers, pin_memory=torch.cuda.is_available())
