"""The questions by which models of a recipe are scored: about scenes of recordings and rooms that training never heard."""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import numpy as np

from auris.data.language.question_grammar import Wording
from auris.errors import ParameterError, unknown_name
from auris.models.bat import Bat
from auris.training.bat_material import scene_sources
from auris.training.bat_questions import validation_questions
from auris.training.bat_recipe import BatRecipe
from auris.training.bat_scenes import Heard
from auris.training.qa_items import QaItem

Asking = Literal["both", "training", "held_out"]


def recipe_items(recipe: BatRecipe, model: Bat, *, wording: Asking = "both") -> tuple[QaItem, ...]:
    """Return one question of every type that can be asked without doubt about each held-out scene of a recipe.

    Args:
        recipe: whose scenes.
        model: a model of the recipe, whose ears say which classes there are and at which rate they hear.
        wording: ``training`` asks in sentences that training used, ``held_out`` in others that it never met
            (:func:`auris.data.language.question_grammar.said`), ``both`` in the one about every other scene.

    Raises:
        ParameterError: the wording is unknown, or the recipe has no simulated scenes.
        FormatError: its sounds or rooms are missing.
    """
    if wording not in get_args(Asking):
        raise ParameterError(unknown_name("wording", wording, get_args(Asking)))
    if recipe.data is not None:
        raise ParameterError(f"recipe {recipe.name} has questions of its own; give them with --questions and --audio")
    _, source = scene_sources(recipe, model)
    told = tuple(source.heard_sources(source.drawn(number)) for number in range(source.count))
    scenes = Heard(np.zeros(0, np.float16), told)  # what is asked depends on where sounds are, not on what was heard
    audio = [partial(source.audio, number) for number in range(source.count)]
    items = []
    ways: tuple[Wording, ...] = ("training", "held_out")
    for place, way in enumerate(ways):
        if wording in ("both", way):
            asked = validation_questions(scenes, margins=recipe.margins, wording=way, seed=recipe.seed)
            items += [
                (number, QaItem(audio[number], drawn.text, drawn.answer, drawn.type, f"{number}-{way}"))
                for number, drawn in asked
                if wording == way or number % len(ways) == place
            ]
    return tuple(item for _, item in sorted(items, key=lambda pair: pair[0]))
