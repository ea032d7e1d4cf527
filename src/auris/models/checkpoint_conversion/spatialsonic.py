"""Checkpoints of SpatialSonic (Both Ears Wide Open, arXiv:2410.10676), and of stable-audio-open, which it was trained from.

A file holds the autoencoder, the transformer and the conditioners under the names of stable-audio-tools; the prompt encoder
lies elsewhere. Training scripts put ``diffusion.`` in front, and beside it a moving average and the networks of losses, which
are left out. Nothing is copied on the way: the weights of the new folder are written from where the file is mapped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auris.errors import CheckpointError, ParameterError
from auris.io.atomic import write_text
from auris.models.checkpoint_conversion.misfits import refuse_misfits
from auris.models.checkpoint_conversion.spatialsonic_names import (
    CONDITIONERS,
    DIT,
    POSITION,
    ROTATION,
    VAE,
    Source,
    rotation,
    sources,
)
from auris.models.configuration import plain_of
from auris.models.pretrained import CARD, CONFIG, FORMAT_VERSION, refuse_bad_numbers, weights_unset, write_weights
from auris.models.published import PUBLISHED, PublishedModel
from auris.models.spatialsonic.config import DitConfig, PositionConfig, SpatialSonicConfig, VaeConfig

_LEFT_OUT = ("diffusion_ema.", "losses.", "autoencoder_ema.")
_LAYOUTS = {1: "mono", 2: "stereo", 4: "foa"}
_HEAD_WIDTH, _ROTATED = 64, 32
_OTHER_LAYERS = 3  # of a coder, besides its blocks: a convolution before, an activation and a convolution behind


@dataclass(frozen=True, eq=False)
class SpatialSonicWeights:
    """What a file holds.

    Attributes:
        config: of the model.
        tensors: its weights under our names; views of the file's.
        notes: what the file does not say and was assumed, one sentence each.
    """

    config: SpatialSonicConfig
    tensors: Mapping[str, Tensor]
    notes: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """How many numbers."""
        return sum(value.numel() for value in self.tensors.values())

    def __str__(self) -> str:
        what = "stable-audio-open or SpatialSonic without positions"
        if self.config.position is not None:
            what = f"SpatialSonic with positions of up to {self.config.position.sounds} sounds"
        dit = self.config.dit
        return f"{what} (transformer of {dit.depth} layers, {dit.width} wide; latents of {self.config.vae.latents} numbers)"


def recognise(
    tensors: Mapping[str, Tensor], *, sample_rate: int | None, prompt_encoder: str | Path | None, file: object
) -> SpatialSonicWeights:
    """Tell sizes from an unwrapped checkpoint, and hold its names and shapes against what such a model has.

    Args:
        tensors: of :func:`auris.models.checkpoint_conversion.families.unwrapped`.
        sample_rate: of its training, hertz; None is the published one.
        prompt_encoder: a T5: name on the Hugging Face Hub, or a folder; None is the published one.
        file: for messages.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape, of which the first three are named; or holds NaN;
            or the prompt encoder does not fit.
        MissingDependency: the extra ``generation`` is not installed.
    """
    from auris.models.spatialsonic.network import SpatialSonic

    found = _published_names(tensors)
    named, of_prompts = _prompt_encoder(prompt_encoder, _width(found, file), file=file)
    try:
        config = _sizes(found, sample_rate=sample_rate, prompt_encoder=named, file=file)
    except ParameterError as error:
        raise CheckpointError(f"{file}: {error}") from None
    with weights_unset():
        ours = SpatialSonic(config).state_dict()
    table = sources(config, ours)
    wanted = {name: torch.empty(source.shape(ours), device="meta") for name, source in table.items()}
    _drop_rotation(found, config, file=file)
    refuse_misfits(found, wanted, needed=wanted.keys(), opening=f"{file}: looks like SpatialSonic, but does not fit it")
    refuse_bad_numbers(found, where=str(file))
    return SpatialSonicWeights(config, _renamed(found, table, ours), (*of_prompts, *_notes(config, sample_rate)))


def _published_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as published: those of the transformer have lost what other networks are wrapped in."""
    kept = {name: value for name, value in tensors.items() if not name.startswith(_LEFT_OUT)}
    return {name if name.startswith((VAE, CONDITIONERS)) else DIT + name: value for name, value in kept.items()}


def _renamed(found: Mapping[str, Tensor], table: Mapping[str, Source], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under our names; the activations that two names share in SpatialSonic become two."""
    made: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, source in table.items():
        for target, part in source.split(found[name], ours):
            made[target] = part.clone() if part.data_ptr() in places else part
            places.add(part.data_ptr())
    return made


def _size(found: Mapping[str, Tensor], name: str, axis: int, dimensions: int, *, file: object) -> int:
    if name not in found:
        raise CheckpointError(
            f"{file}: damaged, or not the diffusion model of SpatialSonic or stable-audio-open: missing {name}"
        )
    shape = tuple(found[name].shape)
    if len(shape) != dimensions or 0 in shape:
        raise CheckpointError(f"{file}: {name} is {shape}, which is no weight of SpatialSonic")
    return shape[axis]


def _width(found: Mapping[str, Tensor], file: object) -> int:
    """Width of the tokens that condition the transformer."""
    return _size(found, f"{CONDITIONERS}seconds_start.embedder.embedding.1.weight", 0, 2, file=file)


def _sizes(found: Mapping[str, Tensor], *, sample_rate: int | None, prompt_encoder: str, file: object) -> SpatialSonicConfig:
    channels = _size(found, f"{VAE}encoder.layers.0.weight_v", 1, 3, file=file)
    if channels not in _LAYOUTS:
        raise CheckpointError(f"{file}: its autoencoder has {channels} channels; accepted: 1 (mono), 2 (stereo), 4 (foa)")
    facts: dict[str, Any] = {} if sample_rate is None else {"sample_rate": sample_rate}
    position = None
    if any(name.startswith(POSITION) for name in found):
        position = PositionConfig(layers=_count(found, POSITION + r"cross_a2t\.transformer_blocks"))
    return SpatialSonicConfig(
        layout=_LAYOUTS[channels],
        vae=_vae_sizes(found, file=file),
        dit=_dit_sizes(found, file=file),
        condition_width=_width(found, file),
        prompt_encoder=prompt_encoder,
        position=position,
        **facts,
    )


def _vae_sizes(found: Mapping[str, Tensor], *, file: object) -> VaeConfig:
    blocks = _count(found, VAE + r"encoder\.layers") - _OTHER_LAYERS
    if blocks < 1:
        raise CheckpointError(f"{file}: the encoder of its autoencoder has no blocks; damaged, or of another kind")
    latents = _size(found, f"{VAE}decoder.layers.0.weight_v", 1, 3, file=file)
    width = _size(found, f"{VAE}encoder.layers.0.weight_v", 0, 3, file=file)
    if width != 2 * latents:
        raise CheckpointError(
            f"{file}: its encoder is {width} wide for {latents} latents; auris needs twice as many, as published (128 and 64)"
        )
    down = [f"{VAE}encoder.layers.{1 + block}.layers.4.weight_v" for block in range(blocks)]
    return VaeConfig(
        latents=latents,
        width=_size(found, f"{VAE}decoder.layers.{blocks + 1}.alpha", 0, 1, file=file),
        multiples=tuple(max(1, _size(found, name, 0, 3, file=file) // width) for name in down),
        strides=tuple(_size(found, name, 2, 3, file=file) // 2 for name in down),
    )


def _dit_sizes(found: Mapping[str, Tensor], *, file: object) -> DitConfig:
    """Sizes of the transformer; that of its heads shows in the table of rotations if they are wider than published."""
    rotated = 2 * len(found[ROTATION]) if ROTATION in found and found[ROTATION].ndim == 1 else _ROTATED
    head_width = _HEAD_WIDTH if rotated == _ROTATED else 2 * rotated
    width = _size(found, f"{DIT}to_timestep_embed.2.weight", 0, 2, file=file)
    return DitConfig(depth=_count(found, DIT + r"transformer\.layers"), heads=width // head_width, head_width=head_width)


def _count(names: Iterable[str], before: str) -> int:
    """How many parts of a kind a file has, by their highest number; never more than it has weights."""
    pattern, names = re.compile(rf"{before}\.(\d+)\."), tuple(names)
    numbers = [int(found[1]) for name in names if (found := pattern.match(name))]
    return min(1 + max(numbers, default=-1), len(names))


def _drop_rotation(found: dict[str, Tensor], config: SpatialSonicConfig, *, file: object) -> None:
    table = found.pop(ROTATION, None)
    wanted = rotation(config.dit.rotated)
    if table is not None and not (table.shape == wanted.shape and torch.allclose(table.float(), wanted, rtol=1e-2, atol=1e-6)):
        raise CheckpointError(
            f"{file}: {ROTATION} is not the table of SpatialSonic; its transformer counts time in another way"
        )


def _prompt_encoder(given: str | Path | None, width: int, *, file: object) -> tuple[str, tuple[str, ...]]:
    """The prompt encoder as the configuration names it, and what the user has to do about it."""
    from auris.models.spatialsonic.prompt_encoder import refuse_unfit_encoder

    name = SpatialSonicConfig.prompt_encoder if given is None else str(given)
    is_folder = Path(name).is_dir()
    if not is_folder and not _is_fetched(name, file=file):
        advice = f"hf download {name}, or name its folder with --prompt-encoder"
        return name, (f"Prompts are read by {name}, which is not on this disk: {advice}.",)
    try:
        refuse_unfit_encoder(name, width=width)
    except CheckpointError as error:
        if given is not None:
            raise CheckpointError(f"{file}: {error}") from None
        return name, (f"The published prompt encoder does not fit ({error}); name the right one with --prompt-encoder.",)
    return str(Path(name).resolve()) if is_folder else name, ()


def _is_fetched(name: str, *, file: object) -> bool:
    from huggingface_hub import try_to_load_from_cache

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except ValueError:
        raise CheckpointError(
            f"{file}: there is no prompt encoder {name!r}; give a folder, or a name on the Hugging Face Hub such as t5-base"
        ) from None


def _notes(config: SpatialSonicConfig, sample_rate: int | None) -> tuple[str, ...]:
    notes = []
    if sample_rate is None:
        notes.append(f"The file does not say its sample rate: {config.sample_rate} Hz, as published.")
    if config.position is None:
        notes.append(
            "The file has no positions, and does not say whether it is BEWO_nl or stable-audio-open itself. It is taken as "
            f"BEWO_nl: up to {config.longest:g} s, {config.sampling.steps} steps. For stable-audio-open set longest to 47.5 in "
            "config.json, and in its sampling steps to 100, guidance to 7, sigma_max to 500, sigma_min to 0.3."
        )
    if config.layout == "foa":
        notes.append("The file has four channels, taken as ambisonics of first order (ACN, SN3D).")
    return tuple(notes)


def write_model(weights: SpatialSonicWeights, folder: Path, *, card: str) -> None:
    """Write a model folder: weights as they are stored in the file, configuration and card.

    Raises:
        FormatError: the folder cannot be written.
    """
    write_weights(weights.tensors, folder, architecture="spatialsonic")
    model = {"format": FORMAT_VERSION, "architecture": "spatialsonic", "config": plain_of(weights.config)}
    write_text(folder / CONFIG, json.dumps(model, indent=2) + "\n")
    write_text(folder / CARD, card)


def published_as(weights: SpatialSonicWeights, file: Path) -> PublishedModel | None:
    """Return the published model that a file says it is: by its name and how many numbers are in it; no checksum is known."""
    known = (model for model in PUBLISHED if model.task == "generate" and model.parameters == weights.parameters)
    return next((model for model in known if model.file == file.name), None)


def card(name: str, file: Path, weights: SpatialSonicWeights, published: PublishedModel | None) -> str:
    """Return the README of a converted model."""
    config = weights.config
    known = "not a file of the catalogue (`auris models list`): trained further, renamed, or by others"
    origin = f"by its name and size the one published by {published.system}: {published.host}" if published else known
    licence = f"{published.licence} by its authors" if published else "that of whoever trained it"
    said = "the directions of up to four sounds" if config.position is not None else "no directions besides those in the prompt"
    remark = f"- {published.remark}\n" if published else ""
    return f"""---
library_name: auris
tags: [text-to-audio, spatial-audio]
---
# {name}

{weights}, converted from `{file.name}`. Both Ears Wide Open: arXiv:2410.10676; stable-audio-open: arXiv:2407.14358.

    auris generate "a dog barks on the left" --model {name} --out dog.wav

- Input: a prompt in English, and {said}.
- Output: layout `{config.layout}` at {config.sample_rate} Hz, up to {config.longest:g} s.
- Parameters: {weights.parameters / 1e6:.2f} million, without the prompt encoder.
- Prompt encoder, which lies elsewhere: `{config.prompt_encoder}` (the published one is t5-base, Apache 2.0).

## Origin

- File: `{file.name}`, {origin}.
- Licence of the weights: {licence}. All of them are derived from stable-audio-open-1.0, whose weights are under the
  Stability AI Community Licence; it must be accepted where that model is published.
{remark}
## What the file did not say

{"".join(f"- {note}" + chr(10) for note in weights.notes)}"""
