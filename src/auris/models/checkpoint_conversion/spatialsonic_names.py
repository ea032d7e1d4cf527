"""What the weights of SpatialSonic are called by its authors (stable-audio-tools), and here (diffusers)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from auris.models.spatialsonic.config import SpatialSonicConfig

Shape = tuple[int, ...]

DIT, VAE, CONDITIONERS = "model.model.", "pretransform.model.", "conditioner.conditioners."
POSITION = f"{CONDITIONERS}position."
ROTATION = f"{DIT}transformer.rotary_pos_emb.inv_freq"
"""A table that the transformer computes; in the files, and not here."""


@dataclass(frozen=True)
class Source:
    """Where a weight of a file goes.

    Attributes:
        targets: its names here; several share it, one after the other along the first axis.
        form: what is different in the file: ``column`` is (n, 1) for (n,), ``channels`` is (n,) for (1, n, 1).
    """

    targets: tuple[str, ...]
    form: Literal["same", "column", "channels"] = "same"

    def shape(self, ours: Mapping[str, Tensor]) -> Shape:
        """Return the shape in the file, given the weights here."""
        first, *others = (tuple(ours[target].shape) for target in self.targets)
        if self.form == "column":
            return (*first, 1)
        if self.form == "channels":
            return (first[1],)
        return (first[0] + sum(shape[0] for shape in others), *first[1:])

    def split(self, value: Tensor, ours: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Yield names here and their weights, which are views of the file's."""
        rows = [len(ours[target]) for target in self.targets] if self.form == "same" and value.ndim else []
        parts = torch.split(value, rows) if len(rows) > 1 else (value,)
        for target, part in zip(self.targets, parts, strict=True):
            yield target, part.reshape(ours[target].shape)


_PLAIN = {
    "to_timestep_embed.0.weight": "timestep_proj.0.weight",
    "to_timestep_embed.0.bias": "timestep_proj.0.bias",
    "to_timestep_embed.2.weight": "timestep_proj.2.weight",
    "to_timestep_embed.2.bias": "timestep_proj.2.bias",
    "to_cond_embed.0.weight": "cross_attention_proj.0.weight",
    "to_cond_embed.2.weight": "cross_attention_proj.2.weight",
    "to_global_embed.0.weight": "global_proj.0.weight",
    "to_global_embed.2.weight": "global_proj.2.weight",
    "preprocess_conv.weight": "preprocess_conv.weight",
    "postprocess_conv.weight": "postprocess_conv.weight",
    "transformer.project_in.weight": "proj_in.weight",
    "transformer.project_out.weight": "proj_out.weight",
}
_OF_A_LAYER = {
    "pre_norm.gamma": ("norm1.weight",),
    "pre_norm.beta": ("norm1.bias",),
    "self_attn.to_qkv.weight": ("attn1.to_q.weight", "attn1.to_k.weight", "attn1.to_v.weight"),
    "self_attn.to_out.weight": ("attn1.to_out.0.weight",),
    "cross_attend_norm.gamma": ("norm2.weight",),
    "cross_attend_norm.beta": ("norm2.bias",),
    "cross_attn.to_q.weight": ("attn2.to_q.weight",),
    "cross_attn.to_kv.weight": ("attn2.to_k.weight", "attn2.to_v.weight"),
    "cross_attn.to_out.weight": ("attn2.to_out.0.weight",),
    "ff_norm.gamma": ("norm3.weight",),
    "ff_norm.beta": ("norm3.bias",),
    "ff.ff.0.proj.weight": ("ff.net.0.proj.weight",),
    "ff.ff.0.proj.bias": ("ff.net.0.proj.bias",),
    "ff.ff.2.weight": ("ff.net.2.weight",),
    "ff.ff.2.bias": ("ff.net.2.bias",),
}
_NUMBERS = {"seconds_start": "start_number_conditioner", "seconds_total": "end_number_conditioner"}
_OF_A_NUMBER = ("0.weights", "1.weight", "1.bias")
_CONVOLUTION = ("weight_g", "weight_v", "bias")
_SNAKE = ("alpha", "beta")
_UNIT = {"0": "snake1", "1": "conv1", "2": "snake2", "3": "conv2"}
# Inside a block of the autoencoder: places there, and names here.
_ENCODER_BLOCK = {"0": "res_unit1", "1": "res_unit2", "2": "res_unit3", "3": "snake1", "4": "conv1"}
_DECODER_BLOCK = {"0": "snake1", "1": "conv_t1", "2": "res_unit1", "3": "res_unit2", "4": "res_unit3"}


def sources(config: SpatialSonicConfig, ours: Mapping[str, Tensor]) -> dict[str, Source]:
    """Return every weight of a file of this configuration, by its name there.

    Args:
        config: sizes.
        ours: ``state_dict`` of the network, whose conditioner of positions has the names of the file.
    """
    found = {f"{DIT}timestep_features.weight": Source(("dit.time_proj.weight",), "column")}
    found |= {DIT + name: Source((f"dit.{target}",)) for name, target in _PLAIN.items()}
    for layer in range(config.dit.depth):
        for name, targets in _OF_A_LAYER.items():
            here = tuple(f"dit.transformer_blocks.{layer}.{target}" for target in targets)
            found[f"{DIT}transformer.layers.{layer}.{name}"] = Source(here)
    for side, block in (("encoder", _ENCODER_BLOCK), ("decoder", _DECODER_BLOCK)):
        found |= dict(_coder(side, block, blocks=len(config.vae.strides)))
    for name, number in _NUMBERS.items():
        for part in _OF_A_NUMBER:
            source = Source((f"numbers.{number}.time_positional_embedding.{part}",))
            found[f"{CONDITIONERS}{name}.embedder.embedding.{part}"] = source
    found |= {CONDITIONERS + name: Source((name,)) for name in ours if name.startswith("position.")}
    return found


def _coder(side: str, block: Mapping[str, str], *, blocks: int) -> Iterator[tuple[str, Source]]:
    there, here = f"{VAE}{side}.layers", f"vae.{side}"
    yield from _convolution(f"{there}.0", f"{here}.conv1")
    for number in range(blocks):
        for place, name in block.items():
            layer, target = f"{there}.{number + 1}.layers.{place}", f"{here}.block.{number}.{name}"
            if name.startswith("res_unit"):
                for inner, part in _UNIT.items():
                    yield from _layer(f"{layer}.layers.{inner}", f"{target}.{part}")
            else:
                yield from _layer(layer, target)
    yield from _snake(f"{there}.{blocks + 1}", f"{here}.snake1")
    # What the decoder writes has no offset.
    parts = _CONVOLUTION[:2] if side == "decoder" else _CONVOLUTION
    yield from _convolution(f"{there}.{blocks + 2}", f"{here}.conv2", parts=parts)


def _layer(there: str, here: str) -> Iterator[tuple[str, Source]]:
    return _snake(there, here) if "snake" in here.rpartition(".")[2] else _convolution(there, here)


def _snake(there: str, here: str) -> Iterator[tuple[str, Source]]:
    for part in _SNAKE:
        yield f"{there}.{part}", Source((f"{here}.{part}",), "channels")


def _convolution(there: str, here: str, *, parts: tuple[str, ...] = _CONVOLUTION) -> Iterator[tuple[str, Source]]:
    for part in parts:
        yield f"{there}.{part}", Source((f"{here}.{part}",))


def rotation(rotated: int) -> Tensor:
    """Return the rates by which ``rotated`` numbers of an attention head turn (arXiv:2104.09864)."""
    return 10_000.0 ** -(torch.arange(0, rotated, 2, dtype=torch.float32) / rotated)
