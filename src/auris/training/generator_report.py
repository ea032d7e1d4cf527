"""What a generator writes at a validation, where that is heard, and the card of the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from auris.audio import Audio
from auris.dsp.loudness import from_decibels
from auris.geometry.frames import FIVE_WAY_WORDS
from auris.io.audio_files import write_audio
from auris.metrics.itd import gcc_phat_itd, itd_of_direction
from auris.metrics.itd.directions import direction_class
from auris.models.generating import SoundRequest
from auris.models.scene_diffusion.generator import PEAK_DB, SceneGenerator
from auris.training.generator_recipe import GeneratorRecipe, GeneratorValidationRecipe
from auris.training.machine import machine_name


def sampled(model: SceneGenerator, recipe: GeneratorValidationRecipe, folder: Path) -> dict[str, float]:
    """Let a generator write one sound of each class after the other, from left to right, and measure where they are heard.

    Args:
        model: the generator.
        recipe: how many, how long, and how well.
        folder: where the clips go, as WAV files that say what was asked for.

    Returns:
        ``direction``: the share of clips whose interaural time difference is of the direction that was asked for, one of five;
        ``itd_error_ms``: how far it is off, on average; nothing where no clip is asked for.
    """
    asked = [
        SoundRequest(model.labels[number % len(model.labels)], direction, direction)
        for number in range(recipe.samples)
        for direction in [float(1 + number % len(FIVE_WAY_WORDS))]
    ]
    if not asked:
        return {}
    stems = model.stems(asked, seconds=recipe.seconds, seed=recipe.seed, steps=recipe.steps)
    heard = []
    for number, (sound, stem) in enumerate(zip(asked, stems, strict=True)):
        place = FIVE_WAY_WORDS[int(sound.start) - 1].replace(" ", "_")
        loudest = max(float(np.abs(stem).max()), 1e-9)
        audio = Audio(stem * np.float32(from_decibels(PEAK_DB) / loudest), model.sample_rate, model.layout)
        write_audio(folder / f"{number:02d}-{sound.description}-{place}.wav", audio)
        heard.append(gcc_phat_itd(stem, model.sample_rate).median)
    wanted = np.array([sound.start for sound in asked])
    errors = np.nan_to_num(np.abs(np.array(heard) - itd_of_direction(wanted)), nan=1e-3)  # silence is wrong
    return {
        "direction": float(np.mean(direction_class(heard) == wanted)),
        "itd_error_ms": float(1e3 * errors.mean()),
    }


def model_card(
    recipe: GeneratorRecipe, model: SceneGenerator, reached: Mapping[str, Any], measured: Mapping[str, float]
) -> str:
    """Return the text of a model's README.md.

    Args:
        recipe: what it was trained by.
        model: the generator.
        reached: ``steps``, ``epochs`` and ``minutes``.
        measured: of :func:`sampled`; empty while nothing was measured.
    """
    stems, config = recipe.stems, model.config
    return _CARD.format(
        name=recipe.name,
        parameters=f"{sum(parameter.numel() for parameter in model.parameters()) / 1e6:.2f} million",
        width=config.width,
        depth=config.depth,
        rate=model.sample_rate,
        longest=f"{model.longest:g}",
        window=f"{config.window * model.codec.token_seconds:.1f}",
        steps_of_sampler=config.steps,
        guidance=f"{config.guidance:g}",
        guidance_position=f"{config.guidance_position:g}",
        labels=", ".join(recipe.labels),
        stems=stems.shards * stems.shard_size,
        seconds=f"{stems.scenes.duration:g}",
        moving=f"{stems.moving:.0%}",
        sounds=_sounds(recipe),
        steps=reached["steps"],
        batch=recipe.trainer.step_examples,
        minutes=f"{reached['minutes']:.0f}",
        machine=machine_name(),
        note=f"\n{recipe.note}\n" if recipe.note else "",
        measured=_measured(recipe, measured) if measured else "Nothing yet.",
    )


def _sounds(recipe: GeneratorRecipe) -> str:
    bank = recipe.stems.bank
    if bank.sounds is None:
        return "procedural synthesis"
    folds = f"recordings of folds {', '.join(map(str, bank.folds))}" if bank.folds else "recordings"
    return folds + (f" and procedural synthesis ({bank.procedural:.0%})" if bank.procedural else "")


def _measured(recipe: GeneratorRecipe, measured: Mapping[str, float]) -> str:
    return (
        f"{recipe.validation.samples} clips of {recipe.validation.seconds:g} s, each of one still sound outdoors, in "
        f"{recipe.validation.steps} steps:\n{measured['direction']:.0%} have the interaural time difference (GCC-PHAT) of the "
        f"direction that was asked for, one of five;\nit is off by {measured['itd_error_ms']:.3f} ms on average."
    )


_CARD = """---
library_name: auris
tags: [text-to-audio, spatial-audio, stereo]
---
# {name}

Writes sounds where they are asked for, still or moving, as a pair of microphones 0.17 m apart hears them.

    auris generate "a dog barks on the left, then runs to the right" --out dog.wav --model {name}

- Output: 2 channels at {rate} Hz, up to {longest} s; up to four sounds, outdoors or in a large, moderate or small room.
- Classes: {labels}.
- Network: a diffusion transformer of {parameters} parameters (width {width}, {depth} blocks) over tokens of 0.19 s that hold
  content (principal components of mel levels) and space (delay, level differences, coherence); it sees {window} s at once.
- Sampling: {steps_of_sampler} steps, guidance {guidance} by the class and {guidance_position} by the place unless asked
  otherwise.

## Data

{stems} stems of {seconds} s, {moving} of them moving, simulated in shoebox rooms and outdoors as for BEWO-1M
(arXiv:2410.10676). Sounds: {sounds}. {steps} steps of {batch} crops, {minutes} minutes on {machine}.
{note}
## Measured

{measured}

## Licence

Weights: that of the sounds they were trained with. Recipe: `recipe.yaml` of the run, for `auris train`.
"""
