"""Weights to start a training from: AudioSet checkpoints, published PSELDNets, or networks trained here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from auris.errors import CheckpointError
from auris.models.checkpoint_conversion import audioset, pseldnets
from auris.models.checkpoint_conversion.families import TITLES, Family, family_of, unwrapped
from auris.models.checkpoint_conversion.reading import read_tensors
from auris.models.pretrained import WEIGHTS, refuse_bad_numbers
from auris.models.pseldnet.network import PseldNet

_ADAPTATION = (".adapter.", ".lora_A", ".lora_B")


@dataclass(frozen=True)
class InitialisationReport:
    """What was taken from a file.

    Attributes:
        family: of the file.
        loaded: names in the model that were set.
        kept: names in the model that stay as they were (random).
        skipped: names in the file that were not used.
        reasons: why, for each of them.
    """

    family: Family
    loaded: tuple[str, ...]
    kept: tuple[str, ...]
    skipped: tuple[str, ...]
    reasons: Mapping[str, str]

    def __str__(self) -> str:
        parts = sorted({name.split(".weight")[0].split(".bias")[0].split(".lora_")[0] for name in self.kept})
        left = f"; random: {', '.join(parts[:4])}{' …' if len(parts) > 4 else ''}" if parts else ""
        return f"{len(self.loaded)} tensors of {TITLES[self.family]}, {len(self.skipped)} not used{left}"


def initialise(model: PseldNet, file: str | Path, *, head: Literal["random", "keep"] = "random") -> InitialisationReport:
    """Set a network's weights to those of a file, in place; what the file lacks stays as it is.

    Files may be the AudioSet checkpoints of the backbone, PSELDNets as published, checkpoints of trainings here, or model
    folders. The whole trunk must be in the file, with the model's shapes. Decoders behind a trunk come along, unlike in the
    published fine-tunings, which began them at random (for CNN14-Conformer; they never meant to).

    Args:
        model: a network of any output format and adaptation.
        file: a checkpoint, or a model folder.
        head: ``random`` leaves the heads that know the classes as they are, as all published fine-tunings do (the direction
            heads of EINV2 and SEDDOA, which know none, come along); ``keep`` takes every head that has the model's shape.

    Raises:
        CheckpointError: the file cannot be read (:func:`~auris.models.checkpoint_conversion.reading.read_tensors`), is of
            another backbone, or lacks part of the trunk.
    """
    path = Path(file)
    tensors = unwrapped(read_tensors(path / WEIGHTS if path.is_dir() else path))
    refuse_bad_numbers(tensors, where=str(path))
    family = family_of(tensors, file=path)
    wanted = model.state_dict()
    if family in audioset.BACKBONES:
        _check_backbone(audioset.BACKBONES[family], model, path)
        found = audioset.mapped(tensors, family, wanted)
    else:
        found = _of_pseldnet(tensors, family, model, path)
        _choose_heads(found, model, wanted, head=head)
    usable = _fitting(found, wanted, path, model)
    with torch.no_grad():
        for name, value in usable.items():
            wanted[name].copy_(value)
    return InitialisationReport(
        family=family,
        loaded=tuple(name for name in wanted if name in usable),
        kept=tuple(name for name in wanted if name not in usable),
        skipped=tuple(found.reasons),
        reasons=found.reasons,
    )


def _check_backbone(backbone: str, model: PseldNet, path: Path) -> None:
    if backbone != model.config.backbone:
        raise CheckpointError(f"{path}: weights of a {backbone} trunk, the model has {model.config.backbone}")


def _of_pseldnet(tensors: Mapping[str, Tensor], family: Family, model: PseldNet, path: Path) -> audioset.Mapped:
    """Return the weights of a PSELDNet under our names."""
    if family == "auris":
        return audioset.Mapped(weights=dict(tensors))
    _check_backbone(pseldnets.backbone_of(tensors, file=path), model, path)
    found = audioset.Mapped()
    for name, own in pseldnets.own_names_of_file(tensors, file=path).items():
        if pseldnets.is_constant(name):
            found.reasons[name] = "computed, not learned"
        else:
            found.weights[own] = tensors[name]
    return found


def _choose_heads(found: audioset.Mapped, model: PseldNet, wanted: Mapping[str, Any], *, head: str) -> None:
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


def _fitting(found: audioset.Mapped, wanted: Mapping[str, Tensor], path: Path, model: PseldNet) -> dict[str, Tensor]:
    """Return what can be copied; refuse a file that lacks part of the trunk or has it in another shape."""
    usable, problems = {}, []
    for name, value in found.weights.items():
        if name not in wanted:
            adaptation = any(part in name for part in _ADAPTATION)
            found.reasons[name] = "an adaptation that the model has not" if adaptation else "a part that the model has not"
        elif value.shape != wanted[name].shape:
            problems.append(f"{name} is {tuple(value.shape)}, needed {tuple(wanted[name].shape)}")
        else:
            usable[name] = value
    trunk = [name for name in wanted if "encoder." in name and not any(part in name for part in _ADAPTATION)]
    problems += [f"missing {name}" for name in trunk if name not in usable and name not in found.weights]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        described = pseldnets.describe(model.config)
        raise CheckpointError(f"{path}: cannot start {described}: {'; '.join(sorted(problems)[:3])}{more}")
    return usable
