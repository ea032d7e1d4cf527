"""Starts of a PSELDNet: AudioSet checkpoints of its backbone, PSELDNets as published, or trained here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from torch import Tensor

from auris.errors import CheckpointError
from auris.models.checkpoint_conversion import audioset, pseldnets
from auris.models.checkpoint_conversion.families import TITLES, Family
from auris.models.checkpoint_conversion.start import Start
from auris.models.pseldnet.network import PseldNet

_ADAPTATION = (".adapter.", ".lora_A", ".lora_B")


def describe(model: PseldNet) -> str:
    """Return the network in the words of its authors."""
    return pseldnets.describe(model.config)


def start(
    tensors: Mapping[str, Tensor], family: Family, model: PseldNet, *, head: Literal["random", "keep"], file: Path
) -> Start:
    """Return what a file gives a PSELDNet; the whole trunk is needed.

    Raises:
        CheckpointError: the file is of another backbone, or of a network that shares no trunk with PSELDNets.
    """
    wanted = model.state_dict()
    if family in audioset.BACKBONES:
        _check_backbone(audioset.BACKBONES[family], model, file)
        found = audioset.mapped(tensors, family, wanted)
    else:
        found = _of_pseldnet(tensors, family, model, file)
        _choose_heads(found, wanted, head=head)
    for name in found.weights.keys() - wanted.keys():
        adaptation = any(part in name for part in _ADAPTATION)
        found.reasons[name] = "an adaptation that the model has not" if adaptation else "a part that the model has not"
        del found.weights[name]
    trunk = (name for name in wanted if "encoder." in name)
    found.needed = frozenset(name for name in trunk if not any(part in name for part in _ADAPTATION))
    return found


def _check_backbone(backbone: str, model: PseldNet, file: Path) -> None:
    if backbone != model.config.backbone:
        raise CheckpointError(f"{file}: weights of a {backbone} trunk, the model has {model.config.backbone}")


def _of_pseldnet(tensors: Mapping[str, Tensor], family: Family, model: PseldNet, file: Path) -> Start:
    """Return the weights of a PSELDNet under our names."""
    if "scalar.0.weight" not in tensors:
        raise CheckpointError(f"{file}: weights of {TITLES[family]}, which share nothing with {describe(model)}")
    if family == "auris":
        return Start(weights=dict(tensors))
    _check_backbone(pseldnets.backbone_of(tensors, file=file), model, file)
    found = Start()
    for name, own in pseldnets.own_names_of_file(tensors, file=file).items():
        if pseldnets.is_constant(name):
            found.reasons[name] = "computed, not learned"
        else:
            found.weights[own] = tensors[name]
    return found


def _choose_heads(found: Start, wanted: Mapping[str, Tensor], *, head: Literal["random", "keep"]) -> None:
    """Drop the heads that are not to be taken, and say why."""
    for name in [name for name in found.weights if _is_head(name)]:
        fits = name in wanted and wanted[name].shape == found.weights[name].shape
        if head == "keep" and not fits:
            found.reasons[name] = "a head for other classes or another output format"
        elif head == "random" and (_knows_classes(name) or not fits):
            found.reasons[name] = "the head begins at random"
        if name in found.reasons:
            del found.weights[name]


def _is_head(own: str) -> bool:
    return own.startswith("body.heads.") or "_head." in own


def _knows_classes(own: str) -> bool:
    return own.startswith("body.heads.vectors.") or ".sed" in own
