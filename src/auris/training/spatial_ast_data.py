"""What networks of whole clips train on and are scored on: single sounds, each put into a room as it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed
from torch.utils.data import DataLoader

from auris import seeding
from auris.data.reverb_bank import simulated_rooms
from auris.data.spatial_clips.clip_banks import AudioSetBank, ClipBank, FolderBank
from auris.data.spatial_clips.evaluation import EvaluationClips, evaluation_pairs
from auris.data.spatial_clips.items import SpatialBatch, SpatialClips, collate
from auris.errors import FormatError
from auris.io.mp3d_reverb import ReverbBank, read_reverb_bank
from auris.io.spatial_sound_qa import read_clips, read_label_csv, read_sample_weights, sample_weights
from auris.models.clip_outputs import ClipOutputs, SpatialClasses
from auris.training.clip_scoring import ClipAnswers, ClipTruth, answers_from_outputs, joined_answers
from auris.training.sampling import EpochBatches, Turns, epoch_steps
from auris.training.spatial_ast_recipe import SpatialAstRecipe

if TYPE_CHECKING:
    from auris.training.loop import Task

Split = Literal["train", "eval"]


class ClipMaterial:
    """The clips and rooms of a recipe.

    Raises:
        FormatError: they are not there; the text says which.
    """

    def __init__(self, recipe: SpatialAstRecipe) -> None:
        self.recipe, self.data = recipe, recipe.data
        self.clips = SpatialClips(open_clips(recipe, "train"), open_rooms(recipe, "train"), self.data.items)
        self.epoch_steps = steps_of_epoch(recipe, len(self.clips))

    def train_loader(self, task: Task) -> Any:
        """Return a loader that gives the batches from ``task.batches`` on to the end of the epoch, whenever it is iterated."""
        return DataLoader(
            self.clips,
            batch_sampler=_Addresses(len(self.clips), task, weights=self.weights()),
            num_workers=self.data.workers,
            collate_fn=collate,
            pin_memory=torch.cuda.is_available(),
        )

    def weights(self) -> NDArray[np.float64] | None:
        """Return how often each clip is drawn against the others; None for all alike.

        Raises:
            FormatError: the file of weights has another number of them.
        """
        if self.data.sampling == "uniform":
            return None
        bank, file = self.clips.clips, self.data.lists.weights
        if file is None or self.data.audioset is None:
            return sample_weights([bank.classes(index) for index in range(len(bank))])
        return read_sample_weights(self.data.list_file(file), clips=len(bank))

    def scored(self) -> ScoredPairs:
        """Return the clips that the best model is chosen by."""
        return ScoredPairs(self.recipe)

    def batch(self, count: int) -> SpatialBatch:
        """Return the first clips as one batch, for a trial."""
        return collate([self.clips[number % len(self.clips), number] for number in range(count)])

    def sizes(self) -> dict[str, Any]:
        """Return how much there is."""
        return {"train_clips": len(self.clips), "train_responses": len(self.clips.responses)}


class _Addresses(EpochBatches):
    """Batches of clips, each with the seed that decides on its place and all else about it."""

    def __iter__(self) -> Iterator[list[Any]]:
        """Yield the addresses of one batch after the other."""
        for first, indices in self.numbered():
            seeds = (seeding.derive(self.task.seed, "item", first + row) for row in range(len(indices)))
            yield list(zip(indices.tolist(), seeds, strict=True))


def steps_of_epoch(recipe: SpatialAstRecipe, clips: int) -> int:
    """Return the optimiser steps of an epoch over ``clips`` clips, or over as many as the recipe says."""
    trainer = recipe.trainer
    return epoch_steps(
        recipe.data.epoch_items or clips, batch=trainer.batch, accumulate=trainer.accumulate, devices=trainer.devices
    )


def open_clips(recipe: SpatialAstRecipe, split: Split) -> ClipBank:
    """Return the dry clips to train on or to be scored.

    Raises:
        FormatError: they are not there, or have other classes than the recipe.
    """
    data, items = recipe.data, recipe.data.items
    if data.sounds is not None:
        training = split == "train"
        return FolderBank(
            data.sounds.folder,
            folds=data.sounds.folds if training else data.sounds.validation_folds,
            labels=recipe.labels,
            seconds=items.clip_seconds,
            sample_rate=items.sample_rate,
            variations=data.sounds.variations if training else 1,
            procedural=data.sounds.procedural if training else 0.0,
        )
    assert data.audioset is not None
    try:
        classes = read_label_csv(data.list_file(data.lists.classes))
        listed = data.list_file(data.lists.train if split == "train" else data.lists.validation)
        entries = read_clips(listed, data.audioset, classes)
    except FormatError as error:
        raise FormatError(f"{error}; set data.audioset=FOLDER, and data.lists for other names in it") from None
    if classes.names != recipe.labels:
        numbers = f"({len(classes.names)}) than the recipe ({len(recipe.labels)})"
        raise FormatError(f"{data.lists.classes} has other classes {numbers}")
    return AudioSetBank(entries, classes, sample_rate=items.sample_rate)


def open_rooms(recipe: SpatialAstRecipe, split: Split) -> ReverbBank:
    """Return the responses to train with or to be scored with; those that the recipe says are simulated are made first.

    Raises:
        FormatError: they are not there, or those on disk were simulated with other settings.
    """
    root, banks = recipe.data.reverb, recipe.data.banks
    if banks is not None:
        return simulated_rooms(banks.train if split == "train" else banks.validation, root, split)
    try:
        return read_reverb_bank(root, f"{split}_reverberation.json")
    except FormatError as error:
        raise FormatError(f"{error}; set data.reverb=FOLDER, or simulate responses with auris data make reverb-bank") from None


class ScoredPairs(EvaluationClips):
    """Clips to be scored, each in its rooms: always the same pairs.

    Attributes:
        truth: what there is to hear, named by number.
    """

    def __init__(self, recipe: SpatialAstRecipe) -> None:
        chosen = recipe.validation
        clips, rooms = open_clips(recipe, "eval"), open_rooms(recipe, "eval")
        pairs = evaluation_pairs(clips, rooms, chosen.seed, per_clip=chosen.per_clip)
        if chosen.clips is not None and chosen.clips < len(pairs):
            kept = seeding.generator(chosen.seed, "scored").permutation(len(pairs))[: chosen.clips]
            pairs = tuple(pairs[number] for number in sorted(kept))
        super().__init__(clips, rooms, recipe.data.items, pairs=pairs)
        self.first_epoch = chosen.first_epoch
        self.batch_size = chosen.batch or recipe.trainer.batch
        self.workers = recipe.data.workers
        self.truth = self._truth()

    def _truth(self) -> ClipTruth:
        labels = self.clips.labels
        events = np.zeros((len(self), len(labels)), dtype=bool)
        for row, pair in enumerate(self.pairs):
            events[row, list(self.clips.classes(pair.clip))] = True
        places = [pair.response for pair in self.pairs]
        times = [self.responses.entries[place].t60 for place in places]
        return ClipTruth(
            events,
            SpatialClasses(*self.responses.classes[places].T),
            labels,
            np.array([np.nan if t60 is None else t60 for t60 in times]),
            clips=tuple(map(str, range(len(self)))),
        )

    def loader(self, task: Task | None = None) -> Any:
        """Return the loader of all pairs, or of those of a task's process; of none before ``validation.first_epoch``."""
        sampler: Any = None if task is None else _LateTurns(len(self), task, self.first_epoch)
        return DataLoader(self, self.batch_size, sampler=sampler, num_workers=self.workers, collate_fn=collate, drop_last=False)


class _LateTurns(Turns):
    """The indices of this process, once the first epochs are over."""

    def __init__(self, count: int, task: Task, first_epoch: int) -> None:
        super().__init__(count, task)
        self.first_epoch = first_epoch

    def __iter__(self) -> Iterator[int]:
        """Yield indices."""
        last = self.task.batches >= self.task.total_steps * self.task.budget.accumulate
        if self.task.epoch >= self.first_epoch or last:
            yield from super().__iter__()


class HeardClips:
    """What a network said of scored clips, batch by batch, as one of several processes that take turns.

    Args:
        labels: its classes.
        place: number of processes, and the number of this one.
    """

    def __init__(self, labels: tuple[str, ...], place: tuple[int, int] = (1, 0)) -> None:
        self.labels, self.place = labels, place
        self._parts: list[ClipAnswers] = []

    def add(self, outputs: ClipOutputs) -> None:
        """Note what was said of the next batch."""
        self._parts.append(answers_from_outputs(outputs, self.labels))

    def answers(self) -> ClipAnswers | None:
        """Return what all processes noted, by the number of the clip; None if nothing."""
        world, rank = self.place
        parts: list[ClipAnswers] = []
        if self._parts:
            own = joined_answers(self._parts)
            parts = [replace(own, clips=tuple(str(rank + world * row) for row in range(len(own))))]
        if world > 1:
            gathered: list[Any] = [None] * world
            distributed.all_gather_object(gathered, parts)
            parts = [part for some in gathered for part in some]
        return joined_answers(parts) if parts else None
