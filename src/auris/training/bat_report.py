"""The card of a model that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auris.training.bat_recipe import BatRecipe


def card(recipe: BatRecipe, reached: Mapping[str, Any], rates: Mapping[str, float]) -> str:
    """Return the README of a model folder."""
    rows = "".join(f"| {name} | {100 * rate:.1f} % |\n" for name, rate in rates.items())
    return f"# {recipe.name}\n\n{recipe.note}\n\nSteps: {reached['steps']}.\n\n{rows}"
