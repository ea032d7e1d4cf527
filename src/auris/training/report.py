"""Measuring a listener on whole scenes, and the card that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auris.data.simulated import RenderedScene
from auris.training.recipe import Recipe


def open_scenes(recipe: Recipe) -> list[RenderedScene]:
    return []


def measure(model: Any, scenes: Sequence[RenderedScene]) -> dict[str, Any]:
    return {}


def model_card(recipe: Recipe, model: Any, reached: dict[str, Any]) -> str:
    return str(reached)
