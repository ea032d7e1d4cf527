"""Scenes that a language model learns from: drawn, rendered, and heard by its ears.

Scene ``n`` is a pure function of the recipe and ``n``. Frozen ears hear every scene once: their tokens are kept on disk, so
that an epoch costs the language model alone; a hearing that was stopped goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris import seeding
from auris.audio import Audio
from auris.data.language.questions import HeardSource, said_label
from auris.data.reverb_bank import simulated_rooms
from auris.data.spatial_clips.clip_banks import FolderBank
from auris.data.spatial_clips.placed_clips import PlacedClip, PlacedClips
from auris.data.spatial_clips.rendering import render
from auris.errors import FormatError, ParameterError
from auris.geometry.trajectories import as_point
from auris.io.atomic import atomic_write
from auris.training.bat_questions import Sounds
from auris.training.bat_recipe import ScenesRecipe

Split = Literal["train", "held_out"]
Float16 = NDArray[np.float16]
_SHARD = 128
_LOG = logging.getLogger("auris.training")


class Heard(NamedTuple):
    """What is known of scenes.

    Attributes:
        tokens: of the encoder, ``(scenes, tokens, width)`` in half precision.
        sources: what there is to ask about, of each scene.
    """

    tokens: Float16
    sources: tuple[tuple[HeardSource, ...], ...]

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.sources)

    def sources_of(self, number: int) -> tuple[HeardSource, ...]:
        """Return what there is to ask about in a scene."""
        return self.sources[number]

    def sounds(self, numbers: Sequence[int]) -> Sounds:
        """Return what was heard in scenes."""
        return Sounds(torch.from_numpy(self.tokens[list(numbers)].astype(np.float32)), None)


@dataclass(frozen=True)
class SceneSource:
    """Scenes of one split.

    Attributes:
        recipe: what is drawn.
        labels: classes.
        sample_rate: of the encoder, hertz.
        seconds: of a scene.
        split: to train or to validate with: other recordings, other rooms.
        seed: of the draws.
    """

    recipe: ScenesRecipe
    labels: tuple[str, ...]
    sample_rate: int
    seconds: float
    split: Split
    seed: int

    @property
    def count(self) -> int:
        """Number of scenes."""
        return self.recipe.count if self.split == "train" else self.recipe.held_out_count

    @cached_property
    def _clips(self) -> PlacedClips:
        recipe, training = self.recipe, self.split == "train"
        bank = FolderBank(
            recipe.sounds,
            folds=recipe.folds if training else recipe.held_out_folds,
            labels=self.labels,
            seconds=self.seconds,
            sample_rate=self.sample_rate,
            variations=recipe.variations if training else 4,
            procedural=recipe.procedural if training else 0.0,
        )
        if recipe.bank.sample_rate != self.sample_rate:
            raise ParameterError(
                f"the encoder hears at {self.sample_rate} Hz; set scenes.bank.sample_rate to it, got {recipe.bank.sample_rate}"
            )
        rooms = recipe.bank if training else replace(recipe.bank, rooms=recipe.held_out_rooms)
        responses = simulated_rooms(rooms, recipe.reverb, "train" if training else "eval")
        drawn = recipe.drawn if training else replace(recipe.drawn, mirror=0.0)
        return PlacedClips(bank, responses, drawn, sample_rate=self.sample_rate, seconds=self.seconds)

    def drawn(self, number: int) -> PlacedClip:
        """Return scene ``number``."""
        return self._clips.draw(seeding.generator(self.seed, "bat-scene", self.split, number))

    def heard_sources(self, scene: PlacedClip) -> tuple[HeardSource, ...]:
        """Return what there is to ask about in a scene."""
        return tuple(
            HeardSource(tuple(said_label(self.labels[n]) for n in np.flatnonzero(classes)), as_point(place, "position"))
            for classes, place in zip(scene.classes, scene.positions, strict=True)
        )

    def audio(self, number: int) -> Audio:
        """Return what is heard in scene ``number``."""
        return Audio(rendered(self.drawn(number)).numpy(), self.sample_rate, self.recipe.bank.layout)


class RenderedScenes:
    """Scenes for ears that learn: rendered whenever they are asked about, in whichever process asks."""

    def __init__(self, source: SceneSource) -> None:
        self.source = source
        self._drawn = lru_cache(maxsize=1)(source.drawn)  # a scene is asked about, then heard

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __len__(self) -> int:
        return self.source.count

    def sources_of(self, number: int) -> tuple[HeardSource, ...]:
        """Return what there is to ask about in a scene."""
        return self.source.heard_sources(self._drawn(number))

    def sounds(self, numbers: Sequence[int]) -> Sounds:
        """Return what is to be heard in scenes."""
        return Sounds(None, torch.stack([rendered(self._drawn(number)) for number in numbers]))


def rendered(scene: PlacedClip) -> Tensor:
    """Return what is heard in a scene, ``(channels, samples)``."""
    return render(torch.from_numpy(scene.dry)[None], torch.from_numpy(scene.responses)[None])[0]


def hear(
    source: SceneSource,
    tower: Any,
    folder: str | Path,
    *,
    ears: str,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> Heard:
    """Return what frozen ears hear in all scenes of a split; what was heard before is read.

    Args:
        source: the scenes.
        tower: of the model (:mod:`auris.models.audio_towers`).
        folder: where tokens are kept, in a folder of their own for these scenes and ears.
        ears: a short name of the ears' weights (:func:`ears_digest`).
        report: called with scenes heard and scenes in all.

    Raises:
        FormatError: sounds or rooms are missing, or what was kept is damaged.
    """
    own = Path(folder) / f"{source.split}-{_digest(source, ears)}"
    parts = []
    for begin in range(0, source.count, _SHARD):
        numbers = range(begin, min(begin + _SHARD, source.count))
        parts.append(_shard(own / f"{begin:07d}.npz", source, tower, numbers))
        report(numbers.stop, source.count)
    return Heard(np.concatenate([part.tokens for part in parts]), tuple(scene for part in parts for scene in part.sources))


def _shard(file: Path, source: SceneSource, tower: Any, numbers: Sequence[int]) -> Heard:
    if not file.is_file():
        _write(file, source, tower, numbers)
    try:
        with np.load(file, allow_pickle=False) as kept:
            tokens, places, classes, ends = (kept[name] for name in ("tokens", "places", "classes", "ends"))
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"{file}: cannot be read ({error}); delete it, and its scenes are heard again") from None
    sources = []
    for begin, end in zip([0, *ends[:-1]], ends, strict=True):
        labels = [tuple(said_label(source.labels[n]) for n in np.flatnonzero(row)) for row in classes[begin:end]]
        points = [as_point(place, "position") for place in places[begin:end]]
        sources.append(tuple(HeardSource(names, point) for names, point in zip(labels, points, strict=True)))
    return Heard(tokens, tuple(sources))


def _write(file: Path, source: SceneSource, tower: Any, numbers: Sequence[int]) -> None:
    scenes = [source.drawn(number) for number in numbers]
    device = next(tower.parameters()).device
    heard = []
    with torch.inference_mode():
        for begin in range(0, len(scenes), 16):
            waves = torch.stack([rendered(scene) for scene in scenes[begin : begin + 16]])
            heard.append(tower(waves.to(device)).cpu().to(torch.float16).numpy())
    with atomic_write(file) as temporary, open(temporary, "wb") as stream:
        np.savez(
            stream,
            tokens=np.concatenate(heard),
            places=np.concatenate([scene.positions for scene in scenes]),
            classes=np.concatenate([scene.classes for scene in scenes]),
            ends=np.cumsum([len(scene.positions) for scene in scenes]),
        )


def _digest(source: SceneSource, ears: str) -> str:
    """A short name for all that decides on the tokens but the number of scenes, where folders lie, and how many there are."""
    recipe = source.recipe
    bank = recipe.bank.digest()
    split = (recipe.folds, recipe.variations, recipe.procedural) if source.split == "train" else recipe.held_out_folds
    rooms = recipe.bank.rooms if source.split == "train" else recipe.held_out_rooms
    parts = (ears, bank, split, rooms, recipe.drawn, source.labels, source.sample_rate, source.seconds, source.seed)
    return blake2b(repr(parts).encode(), digest_size=6).hexdigest()


def ears_digest(tower: Any) -> str:
    """Return a short name of the weights of ears."""
    digest = blake2b(digest_size=6)
    for name, value in sorted(tower.state_dict().items()):
        digest.update(name.encode() + np.ascontiguousarray(value.detach().cpu().float().numpy()).tobytes())
    return digest.hexdigest()
