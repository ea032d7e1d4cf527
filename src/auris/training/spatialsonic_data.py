"""Examples of a generator's training: a stretch of a clip, and what is told of it.

An example is a function of the clip's number and a seed: where the stretch begins, whether the caption keeps its directions,
how azimuths are written and what is left out follow from them, whoever draws it and whenever.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from auris import seeding
from auris.dsp.resampling import resample
from auris.errors import FormatError, LayoutError
from auris.io.audio_files import probe, read_window
from auris.models.generating import GenerationRequest
from auris.models.spatialsonic.azimuth_matrix import AzimuthTrack
from auris.models.spatialsonic.conditioning import Drop
from auris.models.spatialsonic.config import Spread
from auris.training.sampling import EpochBatches, epoch_steps
from auris.training.spatialsonic_captions import without_directions
from auris.training.spatialsonic_clips import ListedClip, held_out_clips, listed_clips
from auris.training.spatialsonic_latents import KeptLatents
from auris.training.spatialsonic_motion import Window
from auris.training.spatialsonic_recipe import ConditionRecipe, SpatialSonicRecipe

if TYPE_CHECKING:
    from auris.training.loop import Task

Float32 = NDArray[np.float32]
Address = tuple[int, int]  # of a clip, and the seed of everything that is drawn for it
_TRIES = 20
_LOG = logging.getLogger("auris.training")


class SonicBatch:
    """Examples.

    Attributes:
        sound: waves ``(batch, channels, samples)``, or means and deviations of latents ``(batch, 2 * latents, frames)``.
        encoded: whether it is latents.
        prompts: of each example.
        tracks: of each example, where its sounds are.
        seconds: ``(batch, 2)``: where in its clip an example begins, and how long the clip is.
        drops: of each example, what is left out.
        numbers: of the clips.
    """

    def __init__(self, examples: Sequence[Example], *, encoded: bool) -> None:
        self.sound = torch.stack([example.sound for example in examples])
        self.encoded = encoded
        self.prompts = tuple(example.prompt for example in examples)
        self.tracks = tuple(example.tracks for example in examples)
        self.seconds = torch.tensor([example.seconds for example in examples], dtype=torch.float32)
        self.drops = tuple(example.drop for example in examples)
        self.numbers = tuple(example.number for example in examples)

    def __len__(self) -> int:
        return len(self.prompts)

    def to(self, device: Any, **_: Any) -> SonicBatch:
        """Move what is computed with to a device, in place."""
        self.sound, self.seconds = (part.to(device, non_blocking=True) for part in (self.sound, self.seconds))
        return self

    def pin_memory(self) -> SonicBatch:
        """Let it be moved to a GPU while that computes."""
        self.sound, self.seconds = self.sound.pin_memory(), self.seconds.pin_memory()
        return self


class Example(NamedTuple):
    """One example; see :class:`SonicBatch`."""

    sound: Tensor
    prompt: str
    tracks: tuple[AzimuthTrack, ...]
    seconds: tuple[float, float]
    drop: Drop
    number: int


@dataclass(frozen=True)
class Chances:
    """What is drawn for an example besides its place, each 0 to 1."""

    crop: float
    plain: float
    coarse: float
    drop: float

    @classmethod
    def of(cls, seed: int) -> Chances:
        """Draw them."""
        return cls(*(float(value) for value in seeding.generator(seed, "chances").random(4)))

    def spread_of(self, conditions: ConditionRecipe) -> Spread:
        """Return how azimuths are written."""
        return "coarse" if self.coarse < conditions.coarse else "fine"

    def drop_of(self, conditions: ConditionRecipe) -> Drop:
        """Return what is left out."""
        shares: tuple[tuple[Drop, float], ...] = (
            ("all", conditions.drop_all),
            ("text", conditions.drop_text),
            ("position", conditions.drop_position),
        )
        begin = 0.0
        for name, share in shares:
            begin += share
            if self.drop < begin:
                return name
        return "nothing"


class SonicClips(Dataset[SonicBatch]):
    """Examples of clips, in batches: ``dataset[addresses]``.

    Args:
        clips: listed.
        recipe: how they are cut and what is told.
        conditions: what is told and left out.
        kept: latents on disk, in the place of audio.
    """

    def __init__(
        self,
        clips: Sequence[ListedClip],
        recipe: SpatialSonicRecipe,
        *,
        conditions: ConditionRecipe,
        kept: KeptLatents | None = None,
    ) -> None:
        self.clips, self.recipe, self.conditions, self.kept = clips, recipe, conditions, kept
        self._told: set[int] = set()

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, addresses: Sequence[Address]) -> SonicBatch:
        return SonicBatch([self.example(*address) for address in addresses], encoded=self.kept is not None)

    def example(self, number: int, seed: int) -> Example:
        """Return an example of a clip, or of another one where its file is damaged and may be skipped.

        Raises:
            FormatError: files are damaged; the text names one.
        """
        rng = seeding.generator(seed, "instead")
        chances, clip = Chances.of(seed), number
        for _ in range(_TRIES):
            try:
                place = 0.0 if self.recipe.data.crop_seconds is None else chances.crop
                heard = self._heard(self.clips[clip], place)
                return self._example(self.clips[clip], heard, chances, number=number, seed=seed)
            except (FormatError, LayoutError) as error:
                if self.recipe.data.unreadable == "refuse":
                    raise
                if clip not in self._told:
                    _LOG.warning("skipped: %s", error)
                self._told.add(clip)
            clip = int(rng.integers(len(self.clips)))
        raise FormatError(f"the files of {_TRIES} clips in a row cannot be used; they are named in the log")

    def request(self, number: int, *, seconds: float) -> GenerationRequest:
        """Return what a generator is asked for so that it writes something like a clip."""
        clip = self.clips[number]
        frames = probe(clip.audio).frames
        sounds = tuple(source.request(Window(), frames=frames, description=clip.caption) for source in clip.sources)
        return GenerationRequest(self._prompt(clip, Chances.of(number), number), sounds, seconds)

    def _example(self, clip: ListedClip, heard: _Heard, chances: Chances, *, number: int, seed: int) -> Example:
        spread = chances.spread_of(self.conditions)
        window = heard.window(self.recipe) if self.recipe.data.cropped_movement == "cut" else Window()
        asked = (source.request(window, frames=heard.frames, description=clip.caption) for source in clip.sources)
        tracks = tuple(AzimuthTrack.of(sound, spread=spread) for sound in asked)
        prompt = self._prompt(clip, chances, seed)
        return Example(heard.sound, prompt, tracks, (heard.start, heard.total), chances.drop_of(self.conditions), number)

    def _prompt(self, clip: ListedClip, chances: Chances, seed: int) -> str:
        plain = chances.plain < self.conditions.plain_captions
        return without_directions(clip.caption, seed=seeding.derive(seed, "words")) if plain else clip.caption

    def _heard(self, clip: ListedClip, place: float) -> _Heard:
        config, wanted = self.recipe.model.config, self.recipe.clip_samples
        if self.kept is None:
            found = stretch(clip.audio, place=place, samples=wanted, sample_rate=config.sample_rate, channels=config.channels)
            return _Heard(torch.from_numpy(found.wave), found.start, found.total, found.frames)
        header = probe(clip.audio)
        sound, begin = self.kept.part(clip, frames=wanted // config.vae.hop, place=place)
        return _Heard(sound, begin * config.vae.hop / config.sample_rate, header.duration, header.frames)


class _Heard(NamedTuple):
    """A wave or its latents, as :class:`Stretch`."""

    sound: Tensor
    start: float
    total: float
    frames: int

    def window(self, recipe: SpatialSonicRecipe) -> Window:
        """Return which part of its clip it is."""
        end = self.start + recipe.clip_samples / recipe.model.config.sample_rate
        return Window(min(self.start / self.total, 1.0), min(end / self.total, 1.0))


class Stretch(NamedTuple):
    """A part of a file.

    Attributes:
        wave: ``(channels, samples)``.
        start: where it begins, seconds.
        total: length of the file, seconds.
        frames: samples of the file, at its own rate.
    """

    wave: Float32
    start: float
    total: float
    frames: int


def stretch(file: Path, *, place: float, samples: int, sample_rate: int, channels: int) -> Stretch:
    """Read a part of a file at a sample rate; what the file lacks at its end is silence.

    Args:
        file: of audio.
        place: where the part begins among all places where it may, 0 to 1.
        samples: of the part.
        sample_rate: hertz.
        channels: that the file must have.

    Raises:
        FormatError: the file is missing or damaged.
        LayoutError: it has other channels.
    """
    header = probe(file)
    if header.channels != channels:
        raise LayoutError(f"{file}: {header.channels} channels, but the model's layout has {channels}")
    length = min(round(samples * header.sample_rate / sample_rate), header.frames)
    first = int(place * (header.frames - length + 1))
    wave = resample(read_window(file, start=first, samples=length), header.sample_rate, sample_rate)
    return Stretch(fitted(wave, samples), first / header.sample_rate, header.duration, header.frames)


def fitted(wave: Float32, samples: int) -> Float32:
    """Return a wave of so many samples, cut at its end or filled up with silence."""
    missing = max(samples - wave.shape[1], 0)
    return np.ascontiguousarray(np.pad(wave, ((0, 0), (0, missing)))[:, :samples])


class SonicMaterial:
    """The clips of a recipe.

    Args:
        recipe: which.
        kept: latents on disk; what they lack is encoded. None where there are none.

    Raises:
        FormatError: they are not there; the text says which.
    """

    def __init__(self, recipe: SpatialSonicRecipe, *, kept: KeptLatents | None = None) -> None:
        self.recipe, trainer = recipe, recipe.trainer
        train, held_out = listed_clips(recipe.data, "train"), held_out_clips(recipe.data, seed=recipe.seed)
        if kept is not None:
            kept.encode((*train, *held_out))
        self.train = SonicClips(train, recipe, conditions=recipe.conditions, kept=kept)
        whole = replace(recipe.conditions, drop_all=0.0, drop_text=0.0, drop_position=0.0)
        self.held_out = SonicClips(held_out, recipe, conditions=whole, kept=kept)
        sizes = {"batch": trainer.batch, "accumulate": trainer.accumulate, "devices": trainer.devices}
        self.epoch_steps = epoch_steps(len(self.train), **sizes)

    def train_loader(self, task: Task) -> Any:
        """Return a loader of the batches from ``task.batches`` on to the next validation, whenever it is iterated."""
        return self._loader(self.train, SeededBatches(len(self.train), task))

    def validation_loader(self, task: Task | None = None) -> Any:
        """Return a loader of the held-out clips of a task's process, or of all; always the same examples."""
        return self._loader(self.held_out, HeldOutTurns(len(self.held_out), self.recipe.trainer.batch, task))

    def _loader(self, clips: SonicClips, sampler: Sampler[Any]) -> Any:
        workers = self.recipe.data.workers
        return DataLoader(clips, batch_size=None, sampler=sampler, num_workers=workers, pin_memory=torch.cuda.is_available())

    def batch(self, count: int) -> SonicBatch:
        """Return some examples as one batch, for a trial."""
        return self.train[[(number % len(self.train), number) for number in range(count)]]

    def sizes(self) -> dict[str, Any]:
        """Return how much there is."""
        return {"clips": len(self.train), "held_out_clips": len(self.held_out)}


class SeededBatches(EpochBatches):
    """Batches of clips, each with a seed of its own."""

    def __iter__(self) -> Iterator[list[Any]]:
        """Yield the addresses of one batch after the other."""
        for first, indices in self.numbered():
            seeds = (seeding.derive(self.task.seed, "clip", first + row) for row in range(len(indices)))
            yield list(zip(indices.tolist(), seeds, strict=True))


class HeldOutTurns(Sampler[list[Address]]):
    """The held-out clips of this process, of several that take turns, in batches; their seeds never change.

    All processes have equally many batches: some hear again what another one hears.
    """

    def __init__(self, count: int, size: int, task: Task | None) -> None:
        self.count, self.size, self.task = count, size, task

    def _numbers(self) -> list[int]:
        world, rank = (1, 0) if self.task is None else self.task.place
        each = -(-self.count // world)
        return [number % self.count for number in range(rank * each, (rank + 1) * each)]

    def __iter__(self) -> Iterator[list[Address]]:
        numbers = self._numbers()
        for begin in range(0, len(numbers), self.size):
            yield [(number, number) for number in numbers[begin : begin + self.size]]

    def __len__(self) -> int:
        return math.ceil(len(self._numbers()) / self.size)
