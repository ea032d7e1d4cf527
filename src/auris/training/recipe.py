"""Recipes: everything that makes a trained model, in one YAML file.

A recipe is read strictly: an unknown key stops with the nearest known one. Paths are relative to the recipe's folder.
Values can be changed without touching the file, ``["trainer.max_steps=20", "optimiser.rate=3e-4"]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from auris.data.simulated import MixSettings
from auris.data.stems import StemSettings
from auris.errors import FormatError, ParameterError
from auris.io.scene_files import read_plain
from auris.models.configuration import dataclass_from, plain_of


@dataclass(frozen=True)
class ModelRecipe:
    """Which network: an architecture of :data:`auris.models.ARCHITECTURES` and fields of its configuration."""

    architecture: str = "seld_crnn"
    config: dict[str, Any] = field(default_factory=dict)


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
    """

    times: int = 1
    longest: int = 3
    bands: int = 1
    widest: int = 8


@dataclass(frozen=True)
class OptimiserRecipe:
    """AdamW with a linear warm-up and a cosine over the whole budget."""

    rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 50
    clip: float = 2.0


@dataclass(frozen=True)
class TrainerRecipe:
    """How long, and what is kept.

    Attributes:
        out: run folder: checkpoint, logs, and the model under ``model``.
        batch: examples in a step.
        max_steps: steps at which training ends.
        max_minutes: minutes at which it ends, whichever comes first; None for no limit. Resuming counts on.
        save_minutes: minutes between checkpoints.
        validate_steps: steps between validations.
        threads: threads of PyTorch.
        accelerator: ``auto`` takes a GPU if there is one.
    """

    out: str = "../runs/seld"
    batch: int = 32
    max_steps: int = 5000
    max_minutes: float | None = None
    save_minutes: float = 4.0
    validate_steps: int = 200
    threads: int = 1
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"

    def __post_init__(self) -> None:
        if min(self.batch, self.max_steps, self.validate_steps, self.threads) < 1:
            raise ParameterError("batch, max_steps, validate_steps and threads must be at least 1")


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

    name: str
    labels: tuple[str, ...]
    seed: int = 0
    note: str = ""
    model: ModelRecipe = field(default_factory=ModelRecipe)
    stems: StemSettings = field(default_factory=StemSettings)
    pool: PoolRecipe = field(default_factory=PoolRecipe)
    mix: MixSettings = field(default_factory=MixSettings)
    loss: LossRecipe = field(default_factory=LossRecipe)
    masks: MaskRecipe = field(default_factory=MaskRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    trainer: TrainerRecipe = field(default_factory=TrainerRecipe)
    validation: ValidationRecipe = field(default_factory=ValidationRecipe)

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        return yaml.safe_dump(plain_of(self), sort_keys=False, default_flow_style=None, width=120)


def read_recipe(path: str | Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML file.
        overrides: changes as ``key.key=value``, with values as in YAML; paths in them are relative to the working folder.

    Raises:
        FormatError: the file is missing or not YAML.
        ParameterError: a key is unknown or a value refused; the text names the file.
    """
    file = Path(path)
    plain = read_plain(file)
    if not isinstance(plain, dict):
        raise FormatError(f"{file}: a recipe is a mapping of names to values, this is {type(plain).__name__}")
    recipe = _with_paths_from(_recipe_of(plain, str(file)), file.resolve().parent)
    if not overrides:
        return recipe
    changed = plain_of(recipe)
    for text in overrides:
        _change(changed, text)
    return _with_paths_from(_recipe_of(changed, f"{file} with {' '.join(overrides)}"), Path.cwd())


def _recipe_of(plain: object, where: str) -> Recipe:
    recipe: Recipe = dataclass_from(Recipe, plain, where=where)
    return recipe


def _change(plain: dict[str, Any], text: str) -> None:
    """Apply one ``key.key=value``; whether the key exists is found out when the recipe is built."""
    key, equals, value = text.partition("=")
    *parents, last = key.strip().split(".")
    if not equals or not last:
        raise ParameterError(f"a change of a recipe reads key.key=value, got {text!r}")
    place: Any = plain
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise ParameterError(f"{key!r}: a value in this path holds no further keys")
    try:
        place[last] = _scalar(value)
    except yaml.YAMLError:
        raise ParameterError(f"the value in {text!r} is not valid YAML") from None


def _scalar(text: str) -> Any:
    """A YAML value; numbers such as 3e-4, which YAML 1.1 takes for text, become numbers."""
    value = yaml.safe_load(text)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _with_paths_from(recipe: Recipe, folder: Path) -> Recipe:
    """Make the paths of a recipe absolute."""

    def absolute(path: str) -> str:
        return str((folder / path).resolve())

    bank, stems = recipe.stems.bank, recipe.stems
    return replace(
        recipe,
        stems=replace(
            stems,
            bank=replace(bank, sounds=None if bank.sounds is None else absolute(bank.sounds)),
            hrtf=tuple(absolute(file) for file in stems.hrtf),
        ),
        pool=replace(recipe.pool, folder=absolute(recipe.pool.folder)),
        trainer=replace(recipe.trainer, out=absolute(recipe.trainer.out)),
    )
