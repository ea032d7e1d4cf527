"""Recipes: everything that makes a trained model, in one YAML file.

``task`` says which kind: ``listener`` (:class:`auris.training.listener_recipe.Recipe`; the default), ``pseldnet``
(:class:`auris.training.pseldnet_recipe.PseldRecipe`) or ``spatial_ast``, which DSpAST is, too
(:class:`auris.training.spatial_ast_recipe.SpatialAstRecipe`), ``bat``, ``spatialsonic``
(:class:`auris.training.spatialsonic_recipe.SpatialSonicRecipe`), ``spatialsonic_vae``, ``stereocrw``
(:class:`auris.training.stereocrw_recipe.StereoCrwRecipe`), ``generator``. A recipe is read strictly: an unknown key stops with
the nearest known one. Paths are relative to the recipe's folder; ``base`` names a file that the recipe changes
(:mod:`auris.training.recipe_files`). Values can be changed without touching the file,
``["trainer.max_steps=20", "optimiser.rate=3e-4"]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from auris.errors import ParameterError, unknown_name
from auris.io.plain_overrides import changes, merged, with_numbers
from auris.models.configuration import dataclass_from, plain_of
from auris.training.bat_recipe import BatRecipe
from auris.training.generator_recipe import GeneratorRecipe
from auris.training.listener_recipe import (
    LossRecipe,
    MaskRecipe,
    ModelRecipe,
    PoolRecipe,
    Recipe,
    ValidationRecipe,
)
from auris.training.pseldnet_recipe import PseldRecipe
from auris.training.recipe_files import read_chain, with_absolute_paths
from auris.training.spatial_ast_recipe import SpatialAstRecipe
from auris.training.spatialsonic_recipe import SpatialSonicRecipe
from auris.training.spatialsonic_vae_recipe import SpatialSonicVaeRecipe
from auris.training.stereocrw_recipe import StereoCrwRecipe
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe

__all__ = [
    "BatRecipe",
    "GeneratorRecipe",
    "LossRecipe",
    "MaskRecipe",
    "ModelRecipe",
    "OptimiserRecipe",
    "PoolRecipe",
    "PseldRecipe",
    "Recipe",
    "SpatialAstRecipe",
    "SpatialSonicRecipe",
    "SpatialSonicVaeRecipe",
    "StereoCrwRecipe",
    "TrainerRecipe",
    "ValidationRecipe",
    "read_recipe",
]

Kind = (
    type[Recipe]
    | type[PseldRecipe]
    | type[SpatialAstRecipe]
    | type[BatRecipe]
    | type[SpatialSonicRecipe]
    | type[SpatialSonicVaeRecipe]
    | type[StereoCrwRecipe]
    | type[GeneratorRecipe]
)
TASKS: Mapping[str, Kind] = {
    "listener": Recipe,
    "pseldnet": PseldRecipe,
    "spatial_ast": SpatialAstRecipe,
    "bat": BatRecipe,
    "spatialsonic": SpatialSonicRecipe,
    "spatialsonic_vae": SpatialSonicVaeRecipe,
    "stereocrw": StereoCrwRecipe,
    "generator": GeneratorRecipe,
}


def read_recipe(path: str | Path, *, overrides: Sequence[str] = ()) -> Any:
    """Read a recipe.

    Args:
        path: YAML file.
        overrides: changes as ``key.key=value``, with values as in YAML; paths in them are relative to the working folder.

    Returns:
        a :class:`Recipe`, :class:`PseldRecipe` or :class:`SpatialAstRecipe`, as its ``task`` says.

    Raises:
        FormatError: the file, or one it is based on, is missing or not YAML.
        ParameterError: a key is unknown or a value refused; the text names the file.
    """
    file, chain = Path(path), read_chain(path)
    changed = changes(overrides)
    said = [part["task"] for part in (*(part for _, part in chain), changed) if "task" in part]
    kind = _kind(said[-1] if said else "listener", file)
    absolute = partial(with_absolute_paths, paths=kind.paths, names=kind.names)
    plain: dict[str, Any] = {}
    for source, part in chain:
        plain = merged(plain, absolute(with_numbers(part), folder=source.resolve().parent))
    where = str(file)
    if overrides:
        plain = merged(plain, absolute(changed, folder=Path.cwd()))
        where = f"{file} with {' '.join(overrides)}"
    recipe = _build(kind, plain, where)
    return _build(kind, absolute(plain_of(recipe), folder=file.resolve().parent), where)  # the paths that nobody gave


def _kind(name: object, file: Path) -> Kind:
    if not isinstance(name, str) or name not in TASKS:
        raise ParameterError(f"{file}: {unknown_name('task', name, TASKS)}")
    return TASKS[name]


def _build(kind: Kind, plain: Mapping[str, Any], where: str) -> Any:
    rest = {key: value for key, value in plain.items() if key != "task"}
    return dataclass_from(kind, kind.completed(rest), where=where)
