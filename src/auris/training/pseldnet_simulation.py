"""Scenes simulated on the fly for any PSELDNet: their targets in any format, whole scenes to score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from auris.data.seld_targets import (
    SLOTS,
    TRACKS,
    AccdoaTargets,
    AdpitTargets,
    TargetFormat,
    Targets,
    TrackTargets,
    encode,
    overlap,
)
from auris.data.simulated import RenderedScene, StemMixtures
from auris.io.frame_labels import HOP, FrameLabels, scene_to_rows
from auris.training.listener_recipe import Recipe
from auris.training.loop import Task
from auris.training.pseldnet_data import TARGET_OF, Batch, ScoredChunk, ScoredClips
from auris.training.pseldnet_recipe import PseldRecipe
from auris.training.simulation import SimulatedEpoch, rendering, stem_pool


def targets_from_slots(slots: Tensor, form: TargetFormat) -> Targets:
    """Return simulated targets in another format.

    Args:
        slots: ``(..., T, S, C, 5)``: activity, x, y, z, distance (:mod:`auris.data.simulated`); the events of a class fill its
            slots from the first on.
        form: what to make of it. ``accdoa`` keeps the first event of a class, ``adpit`` three of a class, ``tracks`` three of
            all classes.
    """
    active, vectors = slots[..., 0], slots[..., 0, None] * slots[..., 1:4]  # (..., T, S, C), (..., T, S, C, 3)
    if form == "accdoa":
        return AccdoaTargets(vectors[..., 0, :, :].transpose(-1, -2).contiguous())
    if form == "adpit":
        count = active.sum(dim=-2, keepdim=True)  # (..., T, 1, C)
        out = slots.new_zeros(*active.shape[:-2], SLOTS, active.shape[-1], 4)
        for events, first in ((1, 0), (2, 1), (3, 3)):
            held = count == events if events < 3 else count >= events
            for slot in range(min(events, active.shape[-2])):
                rows = torch.cat([active[..., slot, :, None], vectors[..., slot, :, :]], dim=-1)
                out[..., first + slot, :, :] = rows * held[..., 0, :, None]
        return AdpitTargets(out.transpose(-1, -2).contiguous())
    classes = active.shape[-1]
    flat, directions = active.flatten(-2), vectors.flatten(-3, -2)  # (..., T, S * C)
    rank = flat.cumsum(dim=-1) * flat  # 1 for the first event of a frame
    places = torch.arange(flat.shape[-1], device=flat.device) % classes
    sed = slots.new_zeros(*flat.shape[:-1], TRACKS, classes)
    doa = slots.new_zeros(*flat.shape[:-1], TRACKS, 3)
    for track in range(TRACKS):
        mine = (rank == track + 1).to(slots)  # (..., T, S * C), one at most
        sed[..., track, :] = sed[..., track, :].index_add(-1, places, mine)
        doa[..., track, :] = (mine[..., None] * directions).sum(dim=-2)
    return TrackTargets(sed, doa)


class SimulatedMaterial:
    """Stems mixed on the fly; whole rendered scenes for validation.

    Raises:
        FormatError: the sounds are missing.
    """

    def __init__(self, recipe: PseldRecipe) -> None:
        assert recipe.simulation is not None
        self.recipe, self.simulation = recipe, recipe.simulation
        self.form = TARGET_OF[recipe.model.output]
        self.epoch_steps = recipe.trainer.validate_steps
        self.pool = stem_pool(self.simulation.stems, recipe.model.labels, self.simulation.pool)
        self.dataset = StemMixtures(
            self.pool,
            self.simulation.stems,
            classes=len(recipe.model.labels),
            batch=recipe.trainer.batch,
            frame_seconds=HOP,
            mix=self.simulation.mix,
            seed=recipe.seed,
        )

    def train_loader(self, task: Task) -> Any:
        """Return the loader of training batches."""
        return DataLoader(_AsBatches(SimulatedEpoch(self.dataset, task), self.form), batch_size=None)

    def scored(self, split: str) -> ScoredClips | None:
        """Render the validation scenes; there are no others."""
        if split != "valid":
            return None
        from auris.training.report import open_scenes

        scenes = open_scenes(self._as_listener())
        named = {f"{kind}/{number}": scene for kind, some in scenes.items() for number, scene in enumerate(some)}
        labels = self.recipe.model.labels
        reference = {name: scene_to_rows(rendered.scene, labels) for name, rendered in named.items()}
        frames = {name: math.ceil(round(rendered.audio.duration / HOP, 6)) for name, rendered in named.items()}
        length = round(self.simulation.stems.seconds / HOP)
        return ScoredClips(_SceneChunks(named, reference, self.form, len(labels), length), reference, frames)

    def _as_listener(self) -> Recipe:
        return Recipe(
            self.recipe.name,
            self.recipe.model.labels,
            seed=self.recipe.seed,
            stems=self.simulation.stems,
            pool=self.simulation.pool,
            mix=self.simulation.mix,
            validation=self.simulation.validation,
        )

    def providing(self) -> AbstractContextManager[None]:
        """Return a context in which another process renders the stems that lack."""
        return rendering(self.simulation.stems, self.recipe.model.labels, self.simulation.pool, self.pool)

    def sizes(self) -> dict[str, Any]:
        """Return how many stems there are."""
        size = self.simulation.stems.shard_size
        return {
            "stems_folder": str(self.pool.folder),
            "stems_ready": len(self.pool.shards) * size,
            "stems_planned": self.simulation.pool.shards * size,
        }


class _AsBatches(IterableDataset[Batch]):
    """Simulated batches with targets in another format."""

    def __init__(self, batches: SimulatedEpoch, form: TargetFormat) -> None:
        super().__init__()
        self.batches, self.form = batches, form

    def __iter__(self) -> Iterator[Batch]:
        for waveforms, slots in self.batches:
            targets = targets_from_slots(slots, self.form)
            tags = [overlap(type(targets)(*(part[item] for part in targets))) for item in range(len(waveforms))]
            yield Batch(waveforms, targets, torch.tensor(tags))


class _SceneChunks(Dataset[ScoredChunk]):
    """Rendered scenes in chunks of equal length, the last one padded with silence."""

    def __init__(
        self,
        scenes: dict[str, RenderedScene],
        reference: dict[str, FrameLabels],
        form: TargetFormat,
        classes: int,
        frames: int,
    ) -> None:
        self.scenes, self.reference, self.form, self.classes, self.frames = scenes, reference, form, classes, frames
        self.places = [
            (name, begin)
            for name, rendered in scenes.items()
            for begin in range(0, max(1, math.ceil(round(rendered.audio.duration / HOP, 6))), frames)
        ]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> ScoredChunk:
        name, begin = self.places[index]
        audio = self.scenes[name].audio
        length, first = round(self.frames * HOP * audio.sample_rate), round(begin * HOP * audio.sample_rate)
        samples = audio.samples[:, first : first + length]
        padded = np.pad(samples, [(0, 0), (0, length - samples.shape[1])])
        targets, _ = encode(self.reference[name], self.form, classes=self.classes, frames=self.frames, begin=begin)
        return ScoredChunk(torch.from_numpy(padded), targets, name, begin)
