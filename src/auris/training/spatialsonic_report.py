"""The cards of a diffusion model and of an autoencoder that were trained here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auris.training.machine import machine_name
from auris.training.spatialsonic_recipe import ClipDataRecipe, SpatialSonicRecipe
from auris.training.spatialsonic_vae_recipe import SpatialSonicVaeRecipe

_SCORES = {
    "loss": "Mean squared error of the velocity on held-out clips: {:.4f}.",
    "direction_error_deg": (
        "Mean error of the direction of {samples} written clips (those of one sound), by the time difference of the channels: "
        "{:.1f}°."
    ),
}
_RECONSTRUCTION = {
    "spectral": "Distance of spectra of channels, sums and differences: {:.3f}.",
    "phase": "Distance of the phases between channels (0 equal, 2 opposite): {:.3f}.",
    "itd_error_us": "Error of the time difference between the channels: {:.1f} µs.",
    "ild_error_db": "Error of their level difference: {:.2f} dB.",
}


def model_card(recipe: SpatialSonicRecipe, reached: Mapping[str, Any], scores: Mapping[str, float]) -> str:
    """Return the text of a model's README.md.

    Args:
        recipe: what it was trained by.
        reached: ``steps``, ``epochs`` and ``minutes``.
        scores: of the last validation.
    """
    config, conditions = recipe.model.config, recipe.conditions
    measured = [_SCORES[name].format(value, samples=recipe.samples.count) for name, value in scores.items()]
    encoder = "a small T5 drawn at random" if recipe.model.small_prompt_encoder else f"`{config.prompt_encoder}`"
    positions = "prompts alone" if config.position is None else "prompts and directions"
    return _CARD.format(
        name=recipe.name,
        parts=f"a transformer of {config.dit.depth} blocks of width {config.dit.width} under {positions}, "
        f"prompts read by {encoder}",
        form=f"{config.layout}, {config.sample_rate} Hz, up to {config.longest:g} s",
        autoencoder=_autoencoder(recipe),
        initial=f" It went on from `{Path(recipe.initial).name}`." if recipe.initial else "",
        data=_data(recipe.data),
        plain=f"{100 * conditions.plain_captions:.0f} %",
        drops=f"{100 * conditions.drop_all:.0f} % all, {100 * conditions.drop_text:.0f} % words alone, "
        f"{100 * conditions.drop_position:.0f} % directions alone",
        steps=reached["steps"],
        batch=recipe.trainer.step_examples,
        minutes=f"{reached['minutes']:.0f}",
        machine=machine_name(),
        note=f"\n{recipe.note}\n" if recipe.note else "",
        measured="\n".join(f"- {line}" for line in measured) or "Nothing yet.",
    )


def _autoencoder(recipe: SpatialSonicRecipe) -> str:
    if recipe.model.vae is not None:
        return f"`{Path(recipe.model.vae).parent.name}`, frozen"
    return "that of the model it went on from, frozen" if recipe.initial else "**never trained: what is written is noise**"


def autoencoder_card(recipe: SpatialSonicVaeRecipe, reached: Mapping[str, Any], scores: Mapping[str, float]) -> str:
    """Return the text of an autoencoder's README.md; arguments as for :func:`model_card`."""
    sizes = recipe.vae
    judge = "none" if recipe.discriminator is None else f"one of windows {', '.join(map(str, recipe.discriminator.windows))}"
    measured = [_RECONSTRUCTION[name].format(value) for name, value in scores.items()]
    return _VAE_CARD.format(
        name=recipe.name,
        form=f"{recipe.layout}, {recipe.sample_rate} Hz",
        latents=f"{sizes.latents} channels, a frame every {sizes.hop} samples",
        loss=recipe.loss,
        judge=judge,
        data=_data(recipe.data),
        initial=f" It went on from `{Path(recipe.initial).name}`." if recipe.initial else "",
        steps=reached["steps"],
        batch=recipe.trainer.step_examples,
        minutes=f"{reached['minutes']:.0f}",
        machine=machine_name(),
        note=f"\n{recipe.note}\n" if recipe.note else "",
        measured="\n".join(f"- {line}" for line in measured) or "Nothing yet.",
    )


def _data(data: ClipDataRecipe) -> str:
    subsets = ", ".join(data.subsets)
    cut = "whole clips" if data.crop_seconds is None else f"stretches of {data.crop_seconds:g} s"
    made = data.made
    origin = "clips in the form of BEWO-1M" if made is None else f"{made.items} clips simulated by `auris data make bewo`"
    return f"{cut} of {origin} ({subsets})"


_CARD = """---
library_name: auris
tags: [text-to-audio, spatial-audio]
---
# {name}

Writes sound from words and directions.

    auris generate "a dog barks on the left" --model {name} --out dog.wav

- Made of: {parts}. `config.json` says all of it.
- Writes: {form}.
- Autoencoder: {autoencoder}.

## Training

By latent diffusion as SpatialSonic (arXiv:2410.10676) is.{initial} Data: {data}; captions without their words for directions:
{plain}. Left out in training: {drops}. {steps} steps of {batch} clips ({minutes} minutes on {machine}); the weights are a
moving average.
{note}
## Measured

{measured}

## Limits

It knows the front half of the horizon, up to four sounds, and the words of its captions. Everything it heard was simulated with
two microphones in free air: there is no head between the channels.

## Licence

That of the clips it was trained with and of the model it went on from. Recipe: `recipe.yaml` of the run, for `auris train`.
"""
_VAE_CARD = """---
library_name: diffusers
tags: [audio, autoencoder, spatial-audio]
---
# {name}

An autoencoder of waveforms (`diffusers.AutoencoderOobleck`): {form} to {latents}. Name this folder in `model.vae` of a recipe
of the task `spatialsonic`.

## Training

On {data}.{initial} {steps} steps of {batch} stretches ({minutes} minutes on {machine}); the weights are a moving average.
Discriminator: {judge}. Weights of the loss: `{loss}`.
{note}
## Measured on held-out clips

{measured}

## Licence

That of the clips it was trained with and of what it went on from. Recipe: `recipe.yaml` of the run, for `auris train`.
"""
