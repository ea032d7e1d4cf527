"""The model of a diffusion recipe before its training: autoencoder, transformer, conditioners, prompt encoder."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from auris.errors import CheckpointError, MissingDependency
from auris.models.pretrained import WEIGHTS, assign_weights, read_config, read_weights
from auris.models.spatialsonic.config import TEXT_ENCODER, SpatialSonicConfig
from auris.models.spatialsonic.network import SpatialSonic
from auris.models.spatialsonic.prompt_encoder import PromptEncoder, load_prompt_encoder
from auris.training.initial_weights import found_weights
from auris.training.spatialsonic_recipe import SpatialSonicRecipe

PARTS = ("vae", "dit", "numbers", "position")
_LOG = logging.getLogger("auris.training")


def build_model(recipe: SpatialSonicRecipe, *, captions: Iterable[str]) -> SpatialSonic:
    """Return the model that a recipe trains; its autoencoder is frozen.

    Args:
        recipe: what it is made of and goes on from.
        captions: that a small prompt encoder is made for.

    Raises:
        CheckpointError: a model to go on from, the autoencoder or the prompt encoder is not there or does not fit.
        MissingDependency: diffusers or transformers is not installed.
    """
    torch.manual_seed(recipe.seed)
    config = recipe.model.config
    initial = None if recipe.initial is None else initial_folder(recipe.initial)
    model = SpatialSonic(config, prompt_encoder=_prompt_encoder(recipe, initial, captions))
    if initial is not None:
        begin_with(model, initial)
    if recipe.model.vae is not None:
        assign_weights(model.vae, read_autoencoder(recipe.model.vae).state_dict(), where=recipe.model.vae)
    if initial is None and recipe.model.vae is None:
        _LOG.warning("the autoencoder is new: the model learns, but what it writes is noise; name a trained one in model.vae")
    model.vae.requires_grad_(False)
    return model


def initial_folder(name: str) -> Path:
    """Return the model folder that a training goes on from.

    Raises:
        CheckpointError: it is not there, or no SpatialSonic.
    """
    folder = found_weights(name, keys="initial")
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder}: a published checkpoint; make a model folder of it first: auris models convert {folder}"
        )
    found = read_config(folder)["architecture"]
    if found != SpatialSonic.architecture:
        raise CheckpointError(f"{folder}: a {found}, not a {SpatialSonic.architecture}; set initial to a folder of one")
    return folder


def begin_with(model: SpatialSonic, folder: Path) -> None:
    """Give a model the parts that a folder has; positions may be lacking on either side, as in stable-audio-open.

    Raises:
        CheckpointError: another part is lacking, or one does not fit.
    """
    tensors = read_weights(folder)
    where = str(folder / WEIGHTS)
    for name in PARTS:
        part: nn.Module | None = getattr(model, name)
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        if name == "position" and (part is None or not own):
            if part is not None:
                _LOG.info("%s has no positions: these begin at random", folder)
            continue
        assert part is not None
        assign_weights(part, own, where=f"{where}, {name}")


def read_autoencoder(folder: str | Path) -> Any:
    """Return a trained autoencoder: a folder of diffusers, such as the ``vae`` that a run of ``spatialsonic_vae`` leaves.

    Raises:
        CheckpointError: it is not there, damaged, or none.
    """
    try:
        from diffusers import AutoencoderOobleck
    except ImportError:
        raise MissingDependency("diffusers", "generation") from None
    place = Path(folder)
    if not (place / "config.json").is_file():
        raise CheckpointError(f"{place}: no autoencoder; train one (recipes/bewo/vae.yaml) and set model.vae to its vae folder")
    kind: Any = AutoencoderOobleck
    try:
        return kind.from_pretrained(place, local_files_only=True, low_cpu_mem_usage=False)
    except Exception as error:  # diffusers raises OSError, ValueError, and those of safetensors
        raise CheckpointError(f"{place}: not an autoencoder of diffusers ({str(error).strip().splitlines()[0]})") from None


def _prompt_encoder(recipe: SpatialSonicRecipe, initial: Path | None, captions: Iterable[str]) -> PromptEncoder | None:
    """The small encoder of a recipe, that of the model it goes on from, or None for the one that its name is looked up by."""
    config, small = recipe.model.config, recipe.model.small_prompt_encoder
    if small is None:
        return None
    if initial is not None and (initial / TEXT_ENCODER).is_dir():
        return load_prompt_encoder(initial / TEXT_ENCODER, tokens=config.prompt_tokens)
    from transformers import T5Config, T5EncoderModel

    from auris.models.language_models import new_tokenizer

    tokenizer = new_tokenizer(captions, words=small.words)
    tokenizer.pad_token = tokenizer.eos_token
    if config.condition_width % small.heads:
        raise CheckpointError(f"condition_width ({config.condition_width}) is no multiple of the prompt encoder's heads")
    sizes = T5Config(
        vocab_size=len(tokenizer),
        d_model=config.condition_width,
        d_kv=config.condition_width // small.heads,
        d_ff=2 * config.condition_width,
        num_layers=small.layers,
        num_heads=small.heads,
        dropout_rate=0.0,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return PromptEncoder(T5EncoderModel(sizes), tokenizer, tokens=config.prompt_tokens)


def sizes_of(model: nn.Module) -> dict[str, Any]:
    """Return how many weights a model has and learns, and how much memory they take in training."""
    parameters, trained = (sum(p.numel() for p in model.parameters() if p.requires_grad >= only) for only in (False, True))
    # Weights, and for what is trained a gradient, AdamW's two moments and the moving average, 4 bytes each.
    return {
        "parameters": parameters,
        "trained_parameters": trained,
        "state_megabytes": round(4e-6 * (parameters + 4 * trained), 1),
    }


def outline(config: SpatialSonicConfig) -> dict[str, Any]:
    """Return the sizes of a model without reserving memory for it."""
    with torch.device("meta"):
        model = SpatialSonic(config)
    model.vae.requires_grad_(False)
    return sizes_of(model)
