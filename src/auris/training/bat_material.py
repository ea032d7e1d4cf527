"""What a language model that hears trains on and is validated with: simulated scenes, or questions of a data set."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.utils.data import DataLoader, Sampler

from auris import seeding
from auris.models.bat import Bat
from auris.training.bat_data import RenderedQuestions, counts_by_type, held_out_questions, training_questions
from auris.training.bat_questions import DrawnQuestions, HeldOutQuestions, QuestionBatch, Scenes, validation_questions
from auris.training.bat_recipe import BatRecipe
from auris.training.bat_scenes import RenderedScenes, SceneSource, ears_digest, hear
from auris.training.sampling import EpochBatches, epoch_steps

if TYPE_CHECKING:
    from auris.training.loop import Task

_VALIDATION_BATCH = 64
_LOG = logging.getLogger("auris.training")


class Material(Protocol):
    """What is trained on and validated with.

    Attributes:
        epoch_steps: optimiser steps of an epoch: all of a data set once, or as many as lie between two validations.
    """

    epoch_steps: int

    def train_loader(self, task: Task) -> Any:
        """Return a loader of the batches from ``task.batches`` on to the next validation, whenever it is iterated."""
        ...

    def validation_loader(self, task: Task | None = None) -> Any:
        """Return a loader of the questions that a task's process validates with, or of all; ever the same."""
        ...

    def batch(self, count: int) -> QuestionBatch:
        """Return some questions as one batch, for a trial."""
        ...

    def sizes(self) -> dict[str, Any]:
        """Return how much there is."""
        ...


def material_of(recipe: BatRecipe, model: Bat) -> Material:
    """Return what a recipe trains on. Scenes are heard here if the ears of the model are frozen.

    Raises:
        FormatError: sounds, clips, responses or questions are missing.
    """
    return SceneMaterial(recipe, model) if recipe.data is None else DataMaterial(recipe, model)


class SceneMaterial:
    """Questions about simulated scenes."""

    def __init__(self, recipe: BatRecipe, model: Bat) -> None:
        self.recipe = recipe
        self.epoch_steps = recipe.trainer.validate_steps
        sources = scene_sources(recipe, model)
        if recipe.model.hearing == "trained":
            self.scenes, self.held_out = (RenderedScenes(source) for source in sources)
        else:
            ears, folder = ears_digest(model.tower), recipe.scenes.heard
            self.scenes, self.held_out = (
                hear(source, model.tower.eval(), folder, ears=ears, report=_told) for source in sources
            )
        self.questions = validation_questions(self.held_out, margins=recipe.margins, wording="held_out", seed=recipe.seed)

    scenes: Scenes
    held_out: Scenes

    def train_loader(self, task: Task) -> Any:
        """See :class:`Material`."""
        return _loader(DrawnQuestions(self.recipe, self.scenes), _DrawnBatches(task), workers=self._workers)

    def validation_loader(self, task: Task | None = None) -> Any:
        """See :class:`Material`."""
        turns = ValidationTurns(len(self.questions), _VALIDATION_BATCH, task)
        return _loader(HeldOutQuestions(self.held_out, self.questions), turns, workers=self._workers)

    @property
    def _workers(self) -> int:
        return self.recipe.scenes.workers if self.recipe.model.hearing == "trained" else 0  # the others need not render

    def batch(self, count: int) -> QuestionBatch:
        """See :class:`Material`."""
        numbers = [number % len(self.questions) for number in range(count)]
        return HeldOutQuestions(self.held_out, self.questions)[numbers]

    def sizes(self) -> dict[str, Any]:
        """See :class:`Material`."""
        return {"scenes": len(self.scenes), "held_out_scenes": len(self.held_out), "held_out_questions": len(self.questions)}


def scene_sources(recipe: BatRecipe, model: Bat) -> tuple[SceneSource, SceneSource]:
    """Return the scenes to train and to validate with."""
    listener: Any = model.tower.listener
    seconds, labels = recipe.scenes.seconds or model.clip_seconds, recipe.labels or tuple(listener.labels)
    train, held_out = (
        SceneSource(recipe.scenes, labels, model.sample_rate, seconds, split, recipe.seed) for split in ("train", "held_out")
    )
    return train, held_out


class DataMaterial:
    """Questions of a data set; its clips are rendered as they are needed."""

    def __init__(self, recipe: BatRecipe, model: Bat) -> None:
        assert recipe.data is not None
        self.recipe, self.data, trainer = recipe, recipe.data, recipe.trainer
        records = training_questions(self.data), held_out_questions(self.data, seed=recipe.seed)
        self.train, self.held_out = (
            RenderedQuestions(some, self.data, layout=model.layout, sample_rate=model.sample_rate, seconds=model.clip_seconds)
            for some in records
        )
        sizes = {"batch": trainer.batch, "accumulate": trainer.accumulate, "devices": trainer.devices}
        self.epoch_steps = epoch_steps(len(self.train), **sizes)

    def train_loader(self, task: Task) -> Any:
        """See :class:`Material`."""
        return _loader(self.train, _Addresses(len(self.train), task), workers=self.data.workers)

    def validation_loader(self, task: Task | None = None) -> Any:
        """See :class:`Material`."""
        turns = _SeededTurns(len(self.held_out), self.recipe.trainer.batch, task)
        return _loader(self.held_out, turns, workers=self.data.workers)

    def batch(self, count: int) -> QuestionBatch:
        """See :class:`Material`."""
        return self.train[[(number % len(self.train), number) for number in range(count)]]

    def sizes(self) -> dict[str, Any]:
        """See :class:`Material`."""
        counts = {f"questions {kind}": count for kind, count in counts_by_type(self.train.records)}
        return {"questions": len(self.train), "held_out_questions": len(self.held_out), **counts}


def _loader(data: Any, sampler: Sampler[Any], *, workers: int) -> Any:
    """A loader of whole batches, each made in one process."""
    return DataLoader(data, batch_size=None, sampler=sampler, num_workers=workers, pin_memory=torch.cuda.is_available())


class _DrawnBatches(Sampler[tuple[int, float]]):
    """Numbers of the batches of this process until the next validation, and how much of the budget is spent by then."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __iter__(self) -> Iterator[tuple[int, float]]:
        world, rank = self.task.place
        first = self.task.batches
        for number in range(first, first + self.task.remaining_batches):
            yield number * world + rank, self.task.progress_at(number)


class _Addresses(EpochBatches):
    """Batches of questions, each with a seed that decides what is asked instead if its files are damaged."""

    def __iter__(self) -> Iterator[list[Any]]:
        """Yield the addresses of one batch after the other."""
        for first, indices in self.numbered():
            seeds = (seeding.derive(self.task.seed, "question", first + row) for row in range(len(indices)))
            yield list(zip(indices.tolist(), seeds, strict=True))


class ValidationTurns(Sampler[list[Any]]):
    """The numbers of the questions of this process, of several that take turns, in batches.

    All processes have equally many batches: some ask again what another one has asked.
    """

    def __init__(self, count: int, size: int, task: Task | None) -> None:
        self.count, self.size, self.task = count, size, task

    def __iter__(self) -> Iterator[list[Any]]:
        """Yield numbers."""
        world, rank = self._place
        own = [(rank + world * row) % self.count for row in range(math.ceil(self.count / world))]
        for begin in range(0, len(own), self.size):
            yield own[begin : begin + self.size]

    def __len__(self) -> int:
        return math.ceil(math.ceil(self.count / self._place[0]) / self.size)

    @property
    def _place(self) -> tuple[int, int]:
        return (1, 0) if self.task is None else self.task.place


class _SeededTurns(ValidationTurns):
    def __iter__(self) -> Iterator[list[Any]]:
        for numbers in super().__iter__():
            yield [(number, seeding.derive(number, "validation")) for number in numbers]


def _told(done: int, count: int) -> None:
    if done == count or done % 1024 == 0:
        _LOG.warning("heard %d of %d scenes", done, count)
