"""What a training of a diffusion model will take, told before it begins."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from auris.errors import CheckpointError, FormatError
from auris.models.spatialsonic.azimuth_matrix import AzimuthTrack
from auris.training.machine import peak_megabytes
from auris.training.run_folder import RunFolder
from auris.training.spatialsonic_building import build_model, outline, sizes_of
from auris.training.spatialsonic_clips import listed_clips
from auris.training.spatialsonic_data import Example, SonicBatch, SonicMaterial
from auris.training.spatialsonic_recipe import SpatialSonicRecipe

if TYPE_CHECKING:
    from auris.training.spatialsonic import SpatialSonicTask

_TIMED_EXAMPLES = 2  # of a dry run without a GPU, where a whole batch may take minutes
_LARGE = 400_000_000  # weights beyond which a machine without a GPU only counts them
_CAPTIONS = ("A dog barks on the left.", "Rain falls while a car passes from the right to the front.")
_LOG = logging.getLogger("auris.training")


def describe(recipe: SpatialSonicRecipe) -> dict[str, Any]:
    """Return sizes, memory, and what an example costs, without training.

    Noise stands in for clips that are not there; latents are not kept, clips are not made. Where a part of the model is not on
    this disk, or it is large and there is no GPU, only sizes are told.
    """
    torch.set_num_threads(recipe.trainer.threads)
    head = _head(recipe)
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    sizes = outline(recipe.model.config)
    tail = {"max_minutes": recipe.trainer.max_minutes, "out": recipe.trainer.out}
    material = _material_there_is(recipe)
    data = _data(recipe, material)
    if sizes["parameters"] > _LARGE and not on_gpu:
        return {**head, **sizes, **data, **tail, "missing": "a GPU: an example was not learnt"}
    try:
        model = build_model(recipe, captions=_captions(recipe, material))
    except CheckpointError as error:
        return {**head, **sizes, **data, **tail, "missing": str(error)}
    task = _task(recipe, model, material).to("cuda" if on_gpu else "cpu")
    count = recipe.trainer.batch if on_gpu else min(recipe.trainer.batch, _TIMED_EXAMPLES)
    begin = time.perf_counter()
    batch = material.batch(count) if material else _noise(recipe, count)
    read = time.perf_counter()
    try:
        loss: Any = task.losses(batch.to(task.device)).total
    except CheckpointError as error:  # of the prompt encoder, which is looked up when it is needed
        return {**head, **sizes, **data, **tail, "missing": str(error)}
    loss.backward()
    seconds = time.perf_counter() - read
    return {
        **head,
        **sizes_of(model),
        "peak_megabytes": peak_megabytes(on_gpu=on_gpu),
        "clip_shape": [recipe.model.config.channels, recipe.clip_samples],
        "latent_shape": [recipe.model.config.vae.latents, recipe.clip_samples // recipe.model.config.vae.hop],
        "seconds_to_read_an_example": round((read - begin) / count, 4),
        "seconds_to_learn_an_example": round(seconds / count, 4),
        **data,
        **tail,
    }


def _head(recipe: SpatialSonicRecipe) -> dict[str, Any]:
    config = recipe.model.config
    encoder = "a small one of its own" if recipe.model.small_prompt_encoder else config.prompt_encoder
    return {
        "recipe": recipe.name,
        "layout": config.layout,
        "prompt_encoder": encoder,
        "positions": "none" if config.position is None else "yes",
        "initial": recipe.initial or "at random",
        "autoencoder": recipe.model.vae or (recipe.initial and "of initial") or "at random: what is written will be noise",
    }


def _material_there_is(recipe: SpatialSonicRecipe) -> SonicMaterial | None:
    """The clips if they are on this disk; nothing is made."""
    from dataclasses import replace

    try:
        return SonicMaterial(replace(recipe, data=replace(recipe.data, made=None)))
    except FormatError as error:
        _LOG.warning("%s", error)
        return None


def _data(recipe: SpatialSonicRecipe, material: SonicMaterial | None) -> dict[str, Any]:
    if material is None:
        made = recipe.data.made
        there = "not there: an example of noise was learnt" if made is None else f"{made.items} clips to be made first"
        return {"data": there, "steps_per_epoch": "not known"}
    total = recipe.trainer.total_steps(material.epoch_steps)
    return {**material.sizes(), "steps_per_epoch": material.epoch_steps, "total_steps": total}


def _captions(recipe: SpatialSonicRecipe, material: SonicMaterial | None) -> list[str]:
    if recipe.model.small_prompt_encoder is None:
        return []
    return list(_CAPTIONS) if material is None else [clip.caption for clip in listed_clips(recipe.data, "train")]


def _task(recipe: SpatialSonicRecipe, model: Any, material: SonicMaterial | None) -> SpatialSonicTask:
    from auris.training.spatialsonic import SpatialSonicTask

    stand_in: Any = material or _NoClips()
    return SpatialSonicTask(model, recipe, out=RunFolder(Path(recipe.trainer.out)), material=stand_in)


class _NoClips:
    epoch_steps = 1


def _noise(recipe: SpatialSonicRecipe, count: int) -> SonicBatch:
    """Examples of noise."""
    channels, samples = recipe.model.config.channels, recipe.clip_samples
    seconds = (0.0, samples / recipe.model.config.sample_rate)
    rows = [
        Example(0.05 * torch.randn(channels, samples), _CAPTIONS[n % 2], (AzimuthTrack(1.0, 5.0, 0.5),), seconds, "nothing", n)
        for n in range(count)
    ]
    return SonicBatch(rows, encoded=False)
