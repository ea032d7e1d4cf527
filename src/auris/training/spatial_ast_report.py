"""The card of a network of whole clips trained here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auris.metrics.spatial_ast import ClipEvaluation
from auris.training.machine import machine_name
from auris.training.spatial_ast_recipe import SpatialAstRecipe

_TITLES = {"spatial_ast": "Spatial-AST (arXiv:2402.01591)", "dspast": "DSpAST (arXiv:2509.13927)"}
_ROWS = (
    ("mAP", "map", "{:.1%}"),
    ("ER20: directions off by more than 20°", "er20", "{:.1%}"),
    ("MAE: mean angle", "mae", "{:.1f}°"),
    ("DER: distances off by 1 m or more", "der", "{:.1%}"),
    ("front heard behind, or behind in front", "front_back", "{:.1%}"),
)


def model_card(recipe: SpatialAstRecipe, model: Any, reached: Mapping[str, Any], scored: ClipEvaluation | None) -> str:
    """Return the text of a model's README.md.

    Args:
        recipe: what it was trained by.
        model: the network.
        reached: ``steps``, ``epochs`` and ``minutes``.
        scored: how well it hears; None while nothing was measured.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return _CARD.format(
        name=recipe.name,
        network=_TITLES[recipe.model.architecture],
        parameters=f"{parameters / 1e6:.2f} million",
        seconds=f"{model.clip_seconds:g}",
        rate=model.sample_rate,
        labels=", ".join(recipe.labels),
        data=_data(recipe),
        initial=_initial(recipe),
        steps=reached["steps"],
        epochs=f"{reached['epochs']:.4g}",
        minutes=f"{reached['minutes']:.0f}",
        machine=machine_name(),
        batch=recipe.trainer.step_examples,
        note=f"\n{recipe.note}\n" if recipe.note else "",
        measured=_measured(recipe, scored) if scored else "Nothing yet.",
    )


def _data(recipe: SpatialAstRecipe) -> str:
    data = recipe.data
    clips = f"AudioSet clips (`{data.lists.train}`)"
    if data.sounds is not None:
        clips = f"recordings of folds {', '.join(map(str, data.sounds.folds))}"
        clips += f", {data.sounds.procedural:.0%} procedural sounds" if data.sounds.procedural else ""
    if data.banks is None:
        return f"{clips}, convolved with binaural responses of rooms (`{Path(data.reverb).name}`)"
    bank = data.banks.train
    return (
        f"{clips}, convolved with {bank.rooms * bank.places_per_room} simulated binaural responses of {bank.rooms} rooms "
        f"and {bank.population().count} heads"
    )


def _initial(recipe: SpatialAstRecipe) -> str:
    initial = recipe.initial
    if initial.audiomae:
        return f"those of AudioMAE (`{Path(initial.audiomae).name}`)"
    return f"those of `{Path(initial.checkpoint).name}`" if initial.checkpoint else "random ones"


def _measured(recipe: SpatialAstRecipe, scored: ClipEvaluation) -> str:
    intervals = scored.intervals()
    lines = ["| score | | 95 % interval |", "|---|---|---|"]
    for title, name, form in _ROWS:
        value = intervals[name]
        lines.append(f"| {title} | {form.format(value.value)} | {form.format(value.low)} to {form.format(value.high)} |")
    clips = "held-out clips" if recipe.data.sounds is None else "recordings of folds never trained on"
    return "\n".join([f"{len(scored)} {clips}, one source each, in rooms never trained in:", "", *lines])


_CARD = """---
library_name: auris
tags: [sound-event-localization-and-detection, spatial-audio, binaural]
---
# {name}

{network}: hears what sounds in a binaural clip, how far away and from where.

    auris listen recording.wav --model {name}

- Network: {parameters} parameters; `config.json` says all of it.
- Input: two ears; any sample rate and length (resampled to {rate} Hz, heard in windows of {seconds} s).
- Output: classes, azimuth and elevation in degrees, distance in half metres up to 10 m; one place for a window.
- Classes: {labels}.

## Training

Data: {data}. Weights began as {initial}. {steps} steps ({epochs} epochs, {minutes} minutes on {machine}) of {batch} examples.
{note}
## Measured

{measured}

## Licence

Weights: that of the sounds and responses they were trained with. Recipe: `recipe.yaml` of the run, for `auris train`.
"""
