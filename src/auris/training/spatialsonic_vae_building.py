"""The autoencoder of a recipe before its training, where it is written to, and what its training will take."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import torch

from auris.errors import CheckpointError, FormatError, MissingDependency
from auris.io.atomic import atomic_write, write_text
from auris.models.pretrained import CARD, CONFIG, WEIGHTS, assign_weights, read_weights
from auris.training.machine import peak_megabytes
from auris.training.run_folder import RunFolder
from auris.training.spatialsonic_building import initial_folder, read_autoencoder, sizes_of
from auris.training.spatialsonic_vae_data import VaeMaterial, WaveBatch
from auris.training.spatialsonic_vae_recipe import SpatialSonicVaeRecipe

__all__ = ["build_autoencoder", "describe", "read_autoencoder", "save_autoencoder"]

DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"
_TIMED_EXAMPLES = 2  # of a dry run without a GPU
_LOG = logging.getLogger("auris.training")


def build_autoencoder(recipe: SpatialSonicVaeRecipe) -> Any:
    """Return the autoencoder that a recipe trains: new, or one to go on from.

    Raises:
        CheckpointError: what it goes on from is not there or does not fit.
        MissingDependency: diffusers is not installed.
    """
    try:
        from diffusers import AutoencoderOobleck
    except ImportError:
        raise MissingDependency("diffusers", "generation") from None
    torch.manual_seed(recipe.seed)
    sizes = recipe.vae
    kind: Any = AutoencoderOobleck
    model = kind(
        encoder_hidden_size=2 * sizes.latents,
        downsampling_ratios=list(sizes.strides),
        channel_multiples=list(sizes.multiples),
        decoder_channels=sizes.width,
        decoder_input_channels=sizes.latents,
        audio_channels=recipe.channels,
        sampling_rate=recipe.sample_rate,
    )
    if recipe.initial is not None:
        assign_weights(model, _initial_weights(recipe.initial), where=recipe.initial)
    return model


def _initial_weights(name: str) -> dict[str, torch.Tensor]:
    """The weights of an autoencoder of diffusers, or of that of a SpatialSonic."""
    if (Path(name) / CONFIG).is_file() and not (Path(name) / WEIGHTS).is_file():
        return dict(read_autoencoder(name).state_dict())
    tensors = read_weights(initial_folder(name))
    return {key.removeprefix("vae."): value for key, value in tensors.items() if key.startswith("vae.")}


def save_autoencoder(model: Any, folder: Path, *, card: str) -> None:
    """Write a folder that diffusers reads, and ``model.vae`` of a recipe: weights, configuration and card.

    Raises:
        FormatError: it cannot be written.
    """
    from safetensors.torch import save_file

    plain = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_write(folder / DIFFUSERS_WEIGHTS) as temporary:
        save_file(plain, temporary, metadata={"format": "pt"})
    write_text(folder / CONFIG, model.to_json_string())
    write_text(folder / CARD, card)


def describe(recipe: SpatialSonicVaeRecipe) -> dict[str, Any]:
    """Return sizes, and what an example costs, without training; noise stands in for clips that are not there."""
    from auris.training.spatialsonic_vae import SpatialSonicVaeTask

    torch.set_num_threads(recipe.trainer.threads)
    head = {"recipe": recipe.name, "layout": recipe.layout, "initial": recipe.initial or "at random"}
    tail = {"max_minutes": recipe.trainer.max_minutes, "out": recipe.trainer.out}
    material = _material_there_is(recipe)
    try:
        model = build_autoencoder(recipe)
    except CheckpointError as error:
        return {**head, **_data(recipe, material), **tail, "missing": str(error)}
    steps = material.epoch_steps if material else 1
    task = SpatialSonicVaeTask(model, recipe, out=RunFolder(Path(recipe.trainer.out)), epoch_steps=steps)
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    task.to("cuda" if on_gpu else "cpu")
    count = recipe.trainer.batch if on_gpu else min(recipe.trainer.batch, _TIMED_EXAMPLES)
    begin = time.perf_counter()
    addresses = [(number % len(material.train), number) for number in range(count)] if material else []
    batch = material.train[addresses] if material else _noise(recipe, count)
    read = time.perf_counter()
    torch.autograd.backward(task.losses(batch.to(task.device)).total)
    seconds = time.perf_counter() - read
    judge = 0 if task.discriminator is None else sum(p.numel() for p in task.discriminator.parameters())
    return {
        **head,
        **sizes_of(model),
        "discriminator_parameters": judge,
        "samples_of_a_latent_frame": recipe.vae.hop,
        "clip_shape": [recipe.channels, recipe.clip_samples],
        "peak_megabytes": peak_megabytes(on_gpu=on_gpu),
        "seconds_to_read_an_example": round((read - begin) / count, 4),
        "seconds_to_learn_an_example": round(seconds / count, 4),
        **_data(recipe, material),
        **tail,
    }


def _material_there_is(recipe: SpatialSonicVaeRecipe) -> VaeMaterial | None:
    try:
        return VaeMaterial(recipe)
    except FormatError as error:
        _LOG.warning("%s", error)
        return None


def _data(recipe: SpatialSonicVaeRecipe, material: VaeMaterial | None) -> dict[str, Any]:
    if material is None:
        made = recipe.data.made
        there = "not there: an example of noise was learnt" if made is None else f"{made.items} clips to be made first"
        return {"data": there, "steps_per_epoch": "not known"}
    total = recipe.trainer.total_steps(material.epoch_steps)
    counts = {"clips": len(material.train), "held_out_clips": len(material.held_out)}
    return {**counts, "steps_per_epoch": material.epoch_steps, "total_steps": total}


def _noise(recipe: SpatialSonicVaeRecipe, count: int) -> WaveBatch:
    return WaveBatch([0.05 * torch.randn(recipe.channels, recipe.clip_samples) for _ in range(count)], range(count))
