"""Recipes of listeners that train on scenes simulated on the fly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import yaml

from auris.data.reverb_bank import ReverbBankSettings
from auris.data.reverb_listeners import BUILT_IN
from auris.data.simulated import MixSettings
from auris.data.spatial_clips.placed_clips import PlacedClipSettings
from auris.data.stems import StemSettings
from auris.errors import ParameterError
from auris.models.configuration import plain_of
from auris.models.pretrained import SHIPPED
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe


@dataclass(frozen=True)
class ModelRecipe:
    """Which network: an architecture of :data:`auris.models.ARCHITECTURES` and fields of its configuration."""

    architecture: str = "seld_crnn"
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StartRecipe:
    """Where weights begin: at random, or with those of another listener.

    Attributes:
        checkpoint: listener of the same encoder: a shipped one by name, or a model folder; of its head comes along what fits.
        head: ``random`` begins anew what knows the classes; ``keep`` takes it where the classes are as many.
    """

    checkpoint: str | None = None
    head: Literal["keep", "random"] = "keep"


@dataclass(frozen=True)
class PoolRecipe:
    """Stems to mix from.

    Attributes:
        folder: where they are kept; made by every run with the same settings only once.
        shards: how many shards are rendered in all.
        first: how many must be there before training begins (at most all).
    """

    folder: str = "../runs/stems"
    shards: int = 40
    first: int = 4

    def __post_init__(self) -> None:
        if min(self.shards, self.first) < 1:
            raise ParameterError(f"shards and first must be at least 1, got {self.shards} and {self.first}")


@dataclass(frozen=True)
class ClipsRecipe:
    """Examples with sounds that last, each at its own place, as SpatialSoundQA makes them (arXiv:2402.01591); for two ears.

    Attributes:
        share: of all examples; the others are mixed from stems.
        reverb: folder of room responses.
        bank: what to simulate there where it is missing.
        drawn: how many sounds an example has, how long and how loud they are.
    """

    share: float = 0.5
    reverb: str = "../runs/reverb"
    bank: ReverbBankSettings = field(default_factory=ReverbBankSettings)
    drawn: PlacedClipSettings = field(default_factory=PlacedClipSettings)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ParameterError(f"clips.share is a share from 0 to 1, got {self.share!r}")


@dataclass(frozen=True)
class LossRecipe:
    """Weights of :class:`auris.models.accdoa.MultiAccdoaLoss`."""

    direction: float = 2.0
    distance: float = 0.5


@dataclass(frozen=True)
class MaskRecipe:
    """Stretches of the features that are blanked in training (SpecAugment, arXiv:1904.08779).

    Attributes:
        times: stretches of time per example.
        longest: most label frames in one.
        bands: stretches of mel bands per example.
        widest: most bands in one.
        equaliser_db: levels are also changed by a random smooth curve over bands, at most this far up or down
            (FilterAugment, arXiv:2110.03282).
    """

    times: int = 1
    longest: int = 3
    bands: int = 1
    widest: int = 8
    equaliser_db: float = 0.0


@dataclass(frozen=True)
class ValidationRecipe:
    """Whole scenes the model never trains on.

    Attributes:
        preset: scenes to draw (:data:`auris.data.scene_sampler.PRESETS`).
        folds: folds of the recordings.
        scenes: scenes with recordings, and as many with procedural sounds.
        seed: of the scenes; rooms, places and procedural sounds differ from training through it.
    """

    preset: str = "training"
    folds: tuple[int, ...] = (4,)
    scenes: int = 24
    seed: int = 90_000


@dataclass(frozen=True)
class Recipe:
    """One published experiment: its name, classes and seed, a note for the card, and the parts described above."""

    task: ClassVar[str] = "listener"
    names: ClassVar[tuple[str, ...]] = (*SHIPPED, BUILT_IN)
    paths: ClassVar[tuple[str, ...]] = (
        *("stems.bank.sounds", "stems.hrtf", "pool.folder", "clips.reverb", "clips.bank.hrtf"),
        *("initial.checkpoint", "trainer.out"),
    )

    name: str
    labels: tuple[str, ...]
    seed: int = 0
    note: str = ""
    model: ModelRecipe = field(default_factory=ModelRecipe)
    stems: StemSettings = field(default_factory=StemSettings)
    pool: PoolRecipe = field(default_factory=PoolRecipe)
    mix: MixSettings = field(default_factory=MixSettings)
    clips: ClipsRecipe | None = None
    initial: StartRecipe = field(default_factory=StartRecipe)
    loss: LossRecipe = field(default_factory=LossRecipe)
    masks: MaskRecipe = field(default_factory=MaskRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    trainer: TrainerRecipe = field(default_factory=lambda: TrainerRecipe(max_steps=5000))
    validation: ValidationRecipe = field(default_factory=ValidationRecipe)

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        return yaml.safe_dump(plain_of(self), sort_keys=False, default_flow_style=None, width=120)

    @staticmethod
    def completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a plain recipe with what follows from its other values: nothing."""
        return plain
