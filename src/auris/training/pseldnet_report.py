"""The card of a PSELDNet trained here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auris.data.seld_sets.catalogue import dataset
from auris.training.machine import machine_name
from auris.training.pseldnet_recipe import PseldRecipe

_COLUMNS = (
    ("ER20", "error_rate", "{:.3f}"),
    ("F20", "f", "{:.1%}"),
    ("LE_CD", "localisation_error_deg", "{:.1f}°"),
    ("LR_CD", "localisation_recall", "{:.1%}"),
    ("SELD", "seld", "{:.3f}"),
)


def model_card(recipe: PseldRecipe, model: Any, reached: Mapping[str, Any], scores: Mapping[str, Mapping[str, float]]) -> str:
    """Return the text of a model's README.md.

    Args:
        recipe: what it was trained by.
        model: the network.
        reached: ``steps``, ``epochs`` and ``minutes``.
        scores: by set of clips (``validation``, ``test``), as :func:`auris.training.pseldnet_scoring.scores_of` makes them.
    """
    config = recipe.model
    parts = [config.backbone, *([config.decoder] if config.decoder != "none" else []), config.output]
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return _CARD.format(
        name=recipe.name,
        network=" · ".join(parts),
        adaptation="" if config.adaptation.method == "none" else f", adapted by {config.adaptation.method}",
        parameters=f"{parameters / 1e6:.2f} million",
        layout=config.layout,
        channels=model.layout.channels,
        rate=config.sample_rate,
        labels=", ".join(config.labels),
        data=_data(recipe),
        initial=_initial(recipe),
        steps=reached["steps"],
        epochs=f"{reached['epochs']:.4g}",
        minutes=f"{reached['minutes']:.0f}",
        machine=machine_name(),
        batch=recipe.trainer.step_examples,
        augmentation=recipe.augmentation if isinstance(recipe.augmentation, str) else "of its own",
        note=f"\n{recipe.note}\n" if recipe.note else "",
        table=_table(scores) if scores else "Nothing yet.",
        year=recipe.selection.year,
        chosen=_chosen(recipe),
        licence=_licence(recipe),
    )


def _table(scores: Mapping[str, Mapping[str, float]]) -> str:
    lines = ["| clips | average | " + " | ".join(title for title, _, _ in _COLUMNS) + " |", "|---" * (len(_COLUMNS) + 2) + "|"]
    for name, values in scores.items():
        for rules in ("official", "pseldnets"):
            cells = (form.format(values[f"{rules}/{key}"]) for _, key, form in _COLUMNS)
            lines.append(f"| {name} | {rules} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _data(recipe: PseldRecipe) -> str:
    if recipe.data is None:
        assert recipe.simulation is not None
        stems = recipe.simulation.pool.shards * recipe.simulation.stems.shard_size
        return f"scenes mixed on the fly from {stems} rendered single sources of the preset `{recipe.simulation.stems.preset}`"
    also = f", with {dataset(recipe.data.also.name).title}" if recipe.data.also else ""
    return f"{dataset(recipe.data.name).title}, partition `{recipe.data.partition}`{also}"


def _initial(recipe: PseldRecipe) -> str:
    if recipe.initial.audioset:
        return f"those of AudioSet (`{recipe.initial.audioset.rsplit('/', 1)[-1]}`)"
    return f"those of `{recipe.initial.checkpoint.rsplit('/', 1)[-1]}`" if recipe.initial.checkpoint else "random ones"


def _chosen(recipe: PseldRecipe) -> str:
    text = f"The model of the epoch with the lowest SELD score ({recipe.selection.score}) on the validation clips."
    if recipe.data is not None and dataset(recipe.data.name).partitions[recipe.data.partition].selects_on_test:
        return f"{text} These are the test clips, as in the published experiment: the numbers are too good."
    return text


def _licence(recipe: PseldRecipe) -> str:
    if recipe.data is None:
        return "Weights: that of the sounds they were trained with."
    return f"Weights: see the licence of the data ({dataset(recipe.data.name).licence})."


_CARD = """---
library_name: auris
tags: [sound-event-localization-and-detection, spatial-audio]
---
# {name}

A PSELDNet (arXiv:2411.06399): hears who sounds, when and from where, ten times a second.

    auris listen recording.wav --model {name}

- Network: {network}{adaptation}, {parameters} parameters; `config.json` says all of it.
- Input: layout `{layout}` ({channels} channels); any sample rate and length (resampled to {rate} Hz, heard in blocks).
- Output: directions and activities; no distance.
- Classes: {labels}.

## Training

Data: {data}. Weights began as {initial}. {steps} steps ({epochs} epochs, {minutes} minutes on {machine}) of {batch} examples,
augmentation `{augmentation}`.
{note}
## Measured

`official`: average by the rules of DCASE {year}. `pseldnets`: as its authors count, who leave out classes that were never
localised.

{table}

{chosen}

## Licence

{licence} Recipe: `recipe.yaml` of the run, for `auris train`.
"""
