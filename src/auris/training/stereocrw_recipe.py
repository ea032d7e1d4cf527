"""Recipes of estimators of the delay between two channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError
from auris.models.configuration import plain_of
from auris.models.stereocrw import StereoCrwConfig
from auris.training.stereocrw_pairs import PairSettings
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe


@dataclass(frozen=True)
class DelayLossRecipe:
    """What is learnt.

    Attributes:
        delay: weight of the expected delay's error in samples, beside the cross entropy of where a patch is found.
        patches: of each channel in training; fewer than the model's cost as much less.
    """

    delay: float = 0.3
    patches: int = 24

    def __post_init__(self) -> None:
        if self.delay < 0 or self.patches < 2:
            raise ParameterError(f"loss.delay is at least 0 and loss.patches at least 2, got {self}")


@dataclass(frozen=True)
class DelayValidationRecipe:
    """Pairs the model never trains on, of other recordings in other rooms.

    Attributes:
        folds: folds of the recordings.
        pairs: of each kind (free air, rooms, rooms with much noise), by which the best weights are chosen.
        measured: pairs of each kind, in further rooms, on which the chosen weights are measured.
        seed: of rooms, places and draws.
    """

    folds: tuple[int, ...] = (4,)
    pairs: int = 96
    measured: int = 200
    seed: int = 90_000

    def __post_init__(self) -> None:
        if min(self.pairs, self.measured) < 1:
            raise ParameterError(f"validation.pairs and measured must be at least 1, got {self.pairs} and {self.measured}")


@dataclass(frozen=True)
class StereoCrwRecipe:
    """An estimator trained on simulated pairs of known delay.

    Attributes:
        name: of the model.
        seed: of all draws.
        note: for the card.
        model: the network.
        sounds: recordings to hear.
        pairs: how they are heard.
        loss: what is learnt.
        optimiser: AdamW.
        trainer: length and folder.
        validation: what is measured.
    """

    task: ClassVar[str] = "stereocrw"
    names: ClassVar[tuple[str, ...]] = ()
    paths: ClassVar[tuple[str, ...]] = ("sounds.sounds", "trainer.out")

    name: str
    seed: int = 0
    note: str = ""
    model: StereoCrwConfig = field(default_factory=StereoCrwConfig)
    sounds: BankSettings = field(default_factory=BankSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    loss: DelayLossRecipe = field(default_factory=DelayLossRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    trainer: TrainerRecipe = field(default_factory=lambda: TrainerRecipe(out="../runs/stereocrw"))
    validation: DelayValidationRecipe = field(default_factory=DelayValidationRecipe)

    def __post_init__(self) -> None:
        if self.loss.patches <= self.model.lags:
            raise ParameterError(f"loss.patches must exceed the model's longest delay of {self.model.lags} strides")
        if self.pairs.longest > self.model.longest:
            raise ParameterError(
                f"microphones {self.pairs.spacing:g} m apart have delays of {1e3 * self.pairs.longest:.2f} ms, "
                f"model.longest is {1e3 * self.model.longest:.2f} ms"
            )

    @classmethod
    def completed(cls, plain: Mapping[str, Any]) -> dict[str, Any]:
        """Return a plain recipe with what goes without saying; here there is nothing."""
        return dict(plain)

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        return yaml.safe_dump({"task": self.task, **plain_of(self)}, sort_keys=False)
