"""Starts of Spatial-AST and DSpAST: AudioMAE, either of them as published, or trained here.

AudioMAE (arXiv:2207.06405) has the same patches and blocks, for other features: both published trainings begin with them,
with its table of positions, and with nothing else. The stages of DSpAST begin with the stage before, heads included.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from auris.errors import CheckpointError
from auris.models.checkpoint_conversion import spatial_ast
from auris.models.checkpoint_conversion.families import TITLES, Family
from auris.models.checkpoint_conversion.start import Start

_TRUNK = ("patch_embed.", "pos_embed", "blocks.")
_PLACE_HEADS = ("distance_head.", "azimuth_head.", "elevation_head.")
# What the Spatial-AST inside BAT is without, besides the heads for places.
_HEAD_NORMS = ("dis_norm.", "doa_norm.", "fc_norm.")
_OF_AUDIOMAE = {
    "decoder_": "the decoder of AudioMAE",
    "mask_token": "for AudioMAE's training only",
    "cls_token": "AudioMAE's class token; the model has its own",
    "norm.": "the last normalisation of AudioMAE, which the model has not",
    "head.": "the model's classes begin at random",
}


def describe(model: Any) -> str:
    """Return the network in the words of its authors."""
    return spatial_ast.describe(model.config)


def start(tensors: Mapping[str, Tensor], family: Family, model: Any, *, head: Literal["random", "keep"], file: Path) -> Start:
    """Return what a file gives a Spatial-AST or DSpAST.

    A file of the same network must hold all of it but the heads; AudioMAE, and the other of the two networks, all of the
    blocks.

    Raises:
        CheckpointError: the file is of a network that shares nothing with these two.
    """
    wanted = model.state_dict()
    theirs = _network_of(tensors, family)
    if theirs is None:
        raise CheckpointError(f"{file}: weights of {TITLES[family]}, which share nothing with {describe(model)}")
    found = Start()
    for name, published in tensors.items():
        value = spatial_ast.as_ours(name, published)
        if reason := spatial_ast.why_unused(name):
            found.reasons[name] = reason
        elif theirs == model.architecture:
            _take(found, name, value, wanted, head=head)
        else:
            _take_trunk(found, name, value, wanted, stranger=theirs)
    found.needed = _needed(wanted, family, same=theirs == model.architecture)
    return found


def _network_of(tensors: Mapping[str, Tensor], family: Family) -> str | None:
    if family == "audiomae":
        return "audiomae"
    if "cls_tokens1" in tensors:
        return "dspast"
    return "spatial_ast" if "cls_tokens" in tensors else None


def _take(found: Start, name: str, value: Tensor, wanted: Mapping[str, Tensor], *, head: str) -> None:
    """Take a tensor of the same network, or say why not."""
    if name not in wanted:
        found.reasons[name] = "a part that the model has not"
        return
    fits = value.shape == wanted[name].shape
    if name.startswith("head.") and head == "random":
        found.reasons[name] = "the head begins at random"
    elif name.startswith(("head.", *_PLACE_HEADS)) and not fits:
        found.reasons[name] = "a head for other classes"
    elif name == "pos_embed" and not fits:
        found.reasons[name] = "positions of another grid; the model has its own"
    else:
        found.weights[name] = value


def _take_trunk(found: Start, name: str, value: Tensor, wanted: Mapping[str, Tensor], *, stranger: str) -> None:
    """Take a tensor of the patches, positions and blocks that all of these networks share, or say why not."""
    if not name.startswith(_TRUNK):
        words = (why for beginning, why in _OF_AUDIOMAE.items() if name.startswith(beginning))
        found.reasons[name] = next(words, "a part that the model has not") if stranger == "audiomae" else "of the other network"
    elif name not in wanted:
        found.reasons[name] = "a part that the model has not"
    elif value.shape != wanted[name].shape and not name.startswith("blocks."):
        found.reasons[name] = "of another size; the model has its own" if name == "pos_embed" else "for patches of another size"
    else:
        found.weights[name] = value


def _needed(wanted: Mapping[str, Tensor], family: Family, *, same: bool) -> frozenset[str]:
    if not same:
        return frozenset(name for name in wanted if name.startswith("blocks."))
    own = ("head.", *_PLACE_HEADS, "pos_embed", *(_HEAD_NORMS if family == "spatial_ast_body" else ()))
    return frozenset(name for name in wanted if not name.startswith(own))
