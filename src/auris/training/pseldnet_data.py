"""What PSELDNets train and are scored on: chunks of a data set, or scenes simulated on the fly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Dataset

from auris.data.seld_sets.catalogue import SPLITS, dataset
from auris.data.seld_sets.chunks import ChunkSettings, SeldChunks, SeldExample
from auris.data.seld_sets.clips import Clip, find_classes, find_clips
from auris.data.seld_targets import TargetFormat, Targets
from auris.errors import FormatError, ParameterError
from auris.io.frame_labels import FrameLabels
from auris.models.pseldnet.config import OutputFormat
from auris.training.loop import Task
from auris.training.pseldnet_recipe import PseldRecipe
from auris.training.sampling import EpochBatches, epoch_steps

TARGET_OF: Mapping[OutputFormat, TargetFormat] = {
    "accdoa": "accdoa",
    "multi_accdoa": "adpit",
    "einv2": "tracks",
    "seddoa": "tracks",
}


class Batch(NamedTuple):
    """Examples to train on: waveforms ``(B, channels, samples)``, targets, and sources at once of each ``(B,)``."""

    waveforms: Tensor
    targets: Targets
    overlap: Tensor


class ScoredChunk(NamedTuple):
    """A chunk to score: its waveform, the clip it belongs to, and the label frame of the clip with which it begins."""

    waveform: Tensor
    targets: Targets
    clip: str
    begin_frame: int


@dataclass(frozen=True, eq=False)
class ScoredClips:
    """Clips to score.

    Attributes:
        chunks: their chunks, clip after clip.
        reference: labels by clip.
        frames: label frames by clip.
    """

    chunks: Dataset[ScoredChunk]
    reference: Mapping[str, FrameLabels]
    frames: Mapping[str, int]


class Material(Protocol):
    """Where examples come from."""

    epoch_steps: int

    def train_loader(self, task: Task) -> Any:
        """Return a loader that gives the batches from ``task.batches`` on to the end of the epoch, whenever it is iterated."""

    def scored(self, split: str) -> ScoredClips | None:
        """Return the clips of a split (``valid``, ``test``); None where there are none of their own."""

    def providing(self) -> AbstractContextManager[None]:
        """Return a context in which training data are there, or are being made."""

    def sizes(self) -> dict[str, Any]:
        """Return how much there is."""


class DatasetMaterial:
    """Chunks of a data set on disk.

    Raises:
        FormatError: the data set is not there or cannot be used; the text says how to check it.
    """

    def __init__(self, recipe: PseldRecipe) -> None:
        assert recipe.data is not None
        self.recipe, self.data = recipe, recipe.data
        self.settings = ChunkSettings(
            format=TARGET_OF[recipe.model.output],
            sample_rate=recipe.model.sample_rate,
            seconds=self.data.chunk_seconds,
            hop_seconds=self.data.hop_seconds,
            rule=self.data.label_rule,
        )
        sources = [self.data, *([self.data.also] if self.data.also else [])]
        self.train: ConcatDataset[SeldExample] = ConcatDataset(
            [self._chunks(source, self._clips(source, "train")) for source in sources]
        )
        trainer = recipe.trainer
        self.epoch_steps = epoch_steps(
            len(self.train), batch=trainer.batch, accumulate=trainer.accumulate, devices=trainer.devices
        )

    def _clips(self, source: Any, split: str) -> list[Clip]:
        entry = dataset(source.name)
        recording = next((name for name in _RECORDINGS[self.recipe.model.layout] if name in entry.recordings), None)
        if recording is None:
            raise ParameterError(f"{entry.name} has no recordings for the layout {self.recipe.model.layout!r}")
        try:
            if not entry.classes and (found := find_classes(entry, source.root)) != self.recipe.model.labels:
                raise FormatError(
                    f"{source.root} has other classes ({len(found)}) than the recipe ({len(self.recipe.model.labels)})"
                )
            return find_clips(entry, source.root, f"{source.partition}/{split}", recording=recording)
        except FormatError as error:
            hint = f"see what is there with: auris data check {entry.name} {source.root}"
            raise FormatError(f"{error}; set data.root=FOLDER, or {hint}") from None

    def _chunks(self, source: Any, clips: Sequence[Clip], **changes: Any) -> SeldChunks:
        return SeldChunks(clips, self.recipe.model.labels, replace(self.settings, **changes))

    def train_loader(self, task: Task) -> Any:
        """Return the loader of training batches."""
        return DataLoader(
            self.train,
            batch_sampler=EpochBatches(len(self.train), task),
            num_workers=self.data.workers,
            collate_fn=_batch_of,
            pin_memory=torch.cuda.is_available(),
        )

    def scored(self, split: str) -> ScoredClips | None:
        """Return the clips of a split; a test split without labels, or equal to the validation split, counts as none."""
        partition = dataset(self.data.name).partitions[self.data.partition]
        if getattr(partition, split) is None or (split == "test" and partition.selects_on_test):
            return None
        clips = [clip for clip in self._clips(self.data, split) if clip.labels is not None]
        if not clips:
            return None
        limit = self.recipe.selection.clips
        chunks = self._chunks(self.data, clips[:limit], purpose="test", hop_seconds=self.data.chunk_seconds)
        labels, rule = self.recipe.model.labels, self.data.label_rule
        return ScoredClips(
            chunks=_Scored(chunks),
            reference={clip.name: clip.read_labels(labels, rule=rule) for clip in chunks.clips},
            frames={clip.name: chunks.frame_count(index) for index, clip in enumerate(chunks.clips)},
        )

    def providing(self) -> AbstractContextManager[None]:
        """Return an empty context: the data are there."""
        return nullcontext()

    def sizes(self) -> dict[str, Any]:
        """Return clips, chunks and hours of every split."""
        sizes: dict[str, Any] = {}
        partition = dataset(self.data.name).partitions[self.data.partition]
        for split in SPLITS:
            if getattr(partition, split) is not None:
                clips = self._clips(self.data, split)
                sizes[f"{split}_clips"] = len(clips)
                sizes[f"{split}_hours"] = round(sum(clip.duration for clip in clips) / 3600, 2)
        return sizes | {"train_chunks": len(self.train)}


class _Scored(Dataset[ScoredChunk]):
    """Chunks without what only training needs."""

    def __init__(self, chunks: SeldChunks) -> None:
        self.chunks = chunks

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, index: int) -> ScoredChunk:
        example = self.chunks[index]
        return ScoredChunk(example.waveform, example.targets, example.clip, example.begin_frame)


def _batch_of(examples: Sequence[Any]) -> Batch:
    targets = [torch.stack(parts) for parts in zip(*(example.targets for example in examples), strict=True)]
    return Batch(
        torch.stack([example.waveform for example in examples]),
        type(examples[0].targets)(*targets),
        torch.tensor([example.overlap for example in examples]),
    )


def scored_batch(chunks: Sequence[ScoredChunk]) -> tuple[Tensor, Targets, list[str], list[int]]:
    """Return chunks as one batch: waveforms, targets, clips, first frames."""
    targets = [torch.stack(parts) for parts in zip(*(chunk.targets for chunk in chunks), strict=True)]
    return (
        torch.stack([chunk.waveform for chunk in chunks]),
        type(chunks[0].targets)(*targets),
        [chunk.clip for chunk in chunks],
        [chunk.begin_frame for chunk in chunks],
    )


_RECORDINGS = {"foa": ("foa",), "mic": ("mic", "tetra"), "mono": ("mono", "sum")}
