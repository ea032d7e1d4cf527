"""Stems for a training: rendered by another process while it runs, mixed into batches that are addressed by number."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path

from torch import Tensor
from torch.utils.data import IterableDataset

from auris.data.reverb_bank import simulated_rooms
from auris.data.simulated import StemMixtures, StemPool
from auris.data.spatial_clips.clip_banks import FolderBank
from auris.data.spatial_clips.frame_examples import ClipExamples
from auris.data.spatial_clips.placed_clips import PlacedClips
from auris.data.stems import StemSettings, render_shards
from auris.errors import AurisError, ParameterError
from auris.training.listener_recipe import PoolRecipe, Recipe
from auris.training.loop import Task


def stem_pool(stems: StemSettings, labels: Sequence[str], pool: PoolRecipe) -> StemPool:
    """Return the stems of a recipe rendered so far; recipes with the same stems share them."""
    found = StemPool(Path(pool.folder) / f"{stems.layout}-{stems.digest(labels)}", pool.shards)
    found.refresh()
    return found


def clip_examples(recipe: Recipe, frame_seconds: float, slots: int) -> tuple[ClipExamples, float] | None:
    """Return the whole clips of a recipe and their share, or None; rooms that are missing are simulated first.

    Raises:
        FormatError: there are no recordings, or the rooms on disk were simulated with other settings.
        ParameterError: stems are not of two ears, or of another sample rate.
    """
    wanted, stems = recipe.clips, recipe.stems
    if wanted is None or not wanted.share:
        return None
    if stems.bank.sounds is None:
        raise ParameterError("clips are made of recordings: set stems.bank.sounds=FOLDER, or clips=null")
    heard = (stems.layout, stems.sample_rate)
    if heard != (wanted.bank.layout, wanted.bank.sample_rate) or stems.layout != "binaural":
        raise ParameterError(
            f"clips are heard by two ears, at the sample rate of the stems; got stems of {stems.layout} "
            f"at {stems.sample_rate} Hz and clips.bank of {wanted.bank.layout} at {wanted.bank.sample_rate} Hz"
        )
    bank = FolderBank(
        stems.bank.sounds,
        folds=stems.bank.folds,
        labels=recipe.labels,
        seconds=stems.seconds,
        sample_rate=stems.sample_rate,
        variations=stems.bank.variations,
        procedural=stems.bank.procedural,
    )
    rooms = simulated_rooms(wanted.bank, wanted.reverb, "train")
    clips = PlacedClips(bank, rooms, wanted.drawn, sample_rate=stems.sample_rate, seconds=stems.seconds)
    return ClipExamples(clips, frame_seconds=frame_seconds, slots=slots), wanted.share


class SimulatedEpoch(IterableDataset[tuple[Tensor, Tensor]]):
    """The batches of the present epoch that are still to train on; several processes take turns."""

    def __init__(self, dataset: StemMixtures, task: Task) -> None:
        super().__init__()
        self.dataset, self.task = dataset, task

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield waveforms and targets."""
        world, rank = self.task.place
        first, stream = self.task.batches, iter(self.dataset)
        for number in range(first, first + self.task.remaining_batches):
            self.dataset.position = number * world + rank
            yield next(stream)


@contextmanager
def rendering(stems: StemSettings, labels: Sequence[str], recipe: PoolRecipe, pool: StemPool) -> Iterator[None]:
    """Render missing stems in another process; wait until there are enough to begin."""
    if pool.refresh() >= recipe.shards or os.environ.get("LOCAL_RANK", "0") != "0":  # one process of several renders
        _wait(pool, recipe)
        yield
        return
    context = multiprocessing.get_context("spawn")
    arguments = (stems, tuple(labels), pool.folder, recipe.shards)
    worker = context.Process(target=_render_politely, args=arguments, daemon=True)
    worker.start()
    try:
        _wait(pool, recipe, worker)
        yield
    finally:
        worker.terminate()
        worker.join()


def _wait(pool: StemPool, recipe: PoolRecipe, worker: SpawnProcess | None = None) -> None:
    """Wait until there are enough stems to begin."""
    while pool.refresh() < min(recipe.first, recipe.shards):
        if worker is not None and worker.exitcode is not None:
            raise AurisError(f"rendering stems failed with exit code {worker.exitcode}; its message stands above")
        time.sleep(0.5)


def _render_politely(stems: StemSettings, labels: tuple[str, ...], folder: Path, count: int) -> None:
    os.nice(5)  # training goes first
    parent = multiprocessing.parent_process()
    # A killed training must not leave a renderer behind.
    render_shards(stems, labels, folder, count=count, wanted=lambda: parent is None or parent.is_alive())
