"""Recipes of the generator of scenes: which sounds in which places it learns from, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import Any, ClassVar

import yaml

from auris.data.made_sets.bewo_settings import BewoSettings
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError
from auris.models.configuration import plain_of
from auris.models.pretrained import SHIPPED
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe


def _scenes() -> BewoSettings:
    return BewoSettings(duration=6.0, sample_rate=16_000)


@dataclass(frozen=True)
class PlacedStemsRecipe:
    """Single sounds heard by a pair of microphones, simulated once and kept on disk.

    Attributes:
        folder: where they are kept; recipes with the same stems share them.
        bank: which sounds.
        scenes: rooms, places and movements (:class:`auris.data.made_sets.bewo_settings.BewoSettings`); its ``duration`` is the
            length of a stem, its ``level_db`` the level of all stems while they sound.
        moving: share of stems that move.
        places: how many stems are made of a sound, each in a place of its own; more of them cost less.
        shard_size: stems in a file.
        shards: files to train on.
        held_out_folds: folds of the recordings that are never trained on; they are for validation.
        held_out_shards: files to validate with.
        seed: of every draw.
    """

    folder: str = "../runs/generator-stems"
    bank: BankSettings = field(default_factory=lambda: BankSettings(folds=(1, 2, 3), procedural=0.0))
    scenes: BewoSettings = field(default_factory=_scenes)
    moving: float = 0.35
    places: int = 2
    shard_size: int = 48
    shards: int = 80
    held_out_folds: tuple[int, ...] = (4,)
    held_out_shards: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.moving <= 1:
            raise ParameterError(f"stems.moving is a share from 0 to 1, got {self.moving}")
        if min(self.places, self.shard_size, self.shards, self.held_out_shards) < 1:
            raise ParameterError("stems.places, shard_size, shards and held_out_shards must be at least 1")
        if set(self.bank.folds or ()) & set(self.held_out_folds):
            raise ParameterError(f"stems.bank.folds and held_out_folds share no fold, got {self.bank.folds} and these")

    @property
    def held_out(self) -> PlacedStemsRecipe:
        """The stems to validate with: other recordings in other places, played as they were recorded."""
        bank = replace(self.bank, folds=self.held_out_folds, variations=1)
        return replace(self, bank=bank, shards=self.held_out_shards, held_out_folds=(), seed=self.seed + 1)

    def digest(self, labels: Sequence[str]) -> str:
        """Return a short name for what decides about the sound of the stems."""
        told = (repr(self.bank), asdict(self.scenes), self.moving, self.places, self.shard_size, self.seed, tuple(labels))
        return blake2b(repr(told).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class ConditionDropsRecipe:
    """Shares of training examples that are not told what they are told (Both Ears Wide Open, arXiv:2410.10676, drops all).

    Attributes:
        text: what they are, but where.
        position: where they are, but what.
        both: neither.
    """

    text: float = 0.1
    position: float = 0.1
    both: float = 0.1

    def __post_init__(self) -> None:
        if min(self.text, self.position, self.both) < 0 or self.text + self.position + self.both > 1:
            raise ParameterError(f"shares of dropped conditions are at least 0, and at most 1 together; got {self}")


@dataclass(frozen=True)
class AverageRecipe:
    """The moving average of the weights, which is the model that is kept (:class:`auris.models.diffusion.WeightAverage`)."""

    beta: float = 0.999
    power: float = 0.75


@dataclass(frozen=True)
class GeneratorValidationRecipe:
    """What is heard and measured at a validation.

    Attributes:
        batches: of held-out stems whose loss is averaged.
        samples: clips that are written, one class and direction after the other; 0 for none.
        seconds: length of each.
        steps: of the sampler.
        seed: of validation noise and clips.
    """

    batches: int = 8
    samples: int = 12
    seconds: float = 5.0
    steps: int = 20
    seed: int = 90_000

    def __post_init__(self) -> None:
        if self.batches < 1 or self.samples < 0 or self.steps < 1 or not self.seconds > 0:
            raise ParameterError("validation.batches and steps are at least 1, samples at least 0, seconds more than 0")


@dataclass(frozen=True)
class GeneratorRecipe:
    """One generator of scenes, with its training.

    Attributes:
        name: of the model.
        labels: classes it learns to write.
        seed: of every draw in training.
        note: for the card.
        model: fields of :class:`auris.models.scene_diffusion.config.SceneDiffusionConfig` but the labels.
        stems: what it learns from.
        codec_stems: stems that the codec is fitted to, at most.
        space_weight: of the numbers of space in a token against those of content, in the loss.
        drops: of conditions.
        average: of weights.
        optimiser: learning rate.
        trainer: budget; an epoch is ``validate_steps``.
        validation: what is logged.
    """

    task: ClassVar[str] = "generator"
    names: ClassVar[tuple[str, ...]] = SHIPPED
    paths: ClassVar[tuple[str, ...]] = ("stems.folder", "stems.bank.sounds", "trainer.out")

    name: str
    labels: tuple[str, ...]
    seed: int = 0
    note: str = ""
    model: dict[str, Any] = field(default_factory=dict)
    stems: PlacedStemsRecipe = field(default_factory=PlacedStemsRecipe)
    codec_stems: int = 1000
    space_weight: float = 1.0
    drops: ConditionDropsRecipe = field(default_factory=ConditionDropsRecipe)
    average: AverageRecipe = field(default_factory=AverageRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    trainer: TrainerRecipe = field(default_factory=lambda: TrainerRecipe(max_steps=6000))
    validation: GeneratorValidationRecipe = field(default_factory=GeneratorValidationRecipe)

    def __post_init__(self) -> None:
        if "labels" in self.model:
            raise ParameterError("labels belong to the recipe, not to model")
        if self.codec_stems < 1 or not self.space_weight >= 0:
            raise ParameterError("codec_stems must be at least 1, space_weight at least 0")

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        return yaml.safe_dump({"task": self.task, **plain_of(self)}, sort_keys=False, default_flow_style=None, width=120)

    @staticmethod
    def completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a plain recipe with what follows from its other values: nothing."""
        return plain
