"""Weights to start a training from: AudioSet checkpoints, published networks, or networks trained here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from auris.errors import ParameterError
from auris.models.checkpoint_conversion import binaural_starts, crnn_starts, pseldnet_starts
from auris.models.checkpoint_conversion.families import TITLES, Family, family_of, unwrapped
from auris.models.checkpoint_conversion.misfits import refuse_misfits
from auris.models.checkpoint_conversion.reading import read_tensors
from auris.models.checkpoint_conversion.start import Start
from auris.models.pretrained import WEIGHTS, refuse_bad_numbers

Heads = Literal["random", "keep"]


class _Starts(Protocol):
    """One module for every kind of network that can start from a file."""

    def describe(self, model: Any) -> str: ...

    def start(self, tensors: Mapping[str, Tensor], family: Family, model: Any, *, head: Heads, file: Path) -> Start: ...


_STARTS: dict[str, _Starts] = {
    "pseldnet": pseldnet_starts,
    "spatial_ast": binaural_starts,
    "dspast": binaural_starts,
    "seld_crnn": crnn_starts,
}


@dataclass(frozen=True)
class InitialisationReport:
    """What was taken from a file.

    Attributes:
        family: of the file.
        loaded: names in the model that were set.
        kept: names in the model that stay as they were: random in a new network, but for tables such as positions.
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
        left = f"; as they were: {', '.join(parts[:4])}{' …' if len(parts) > 4 else ''}" if parts else ""
        return f"{len(self.loaded)} tensors of {TITLES[self.family]}, {len(self.skipped)} not used{left}"


def initialise(model: Any, file: str | Path, *, head: Heads = "random") -> InitialisationReport:
    """Set a network's weights to those of a file, in place; what the file lacks stays as it is.

    Files may be the AudioSet checkpoints of a PSELDNet's backbone, AudioMAE for Spatial-AST and DSpAST, these networks as
    published, checkpoints of trainings here, or model folders. The whole trunk must be in the file, with the model's shapes.
    Decoders behind a trunk come along, unlike in the published fine-tunings of PSELDNets, which began them at random (for
    CNN14-Conformer; they never meant to).

    Args:
        model: a PseldNet of any output format and adaptation, a SpatialAst, a Dspast or a SeldCrnn.
        file: a checkpoint, or a model folder.
        head: ``random`` leaves the heads that know the classes as they are, as all published fine-tunings of PSELDNets do
            (heads for directions and distance, which know none, come along); ``keep`` takes every head that has the
            model's shape, as the stages of DSpAST do.

    Raises:
        CheckpointError: the file cannot be read (:func:`~auris.models.checkpoint_conversion.reading.read_tensors`), is of
            another backbone, or lacks part of the trunk.
        ParameterError: there are no initial weights for networks of this architecture.
    """
    starts = _STARTS.get(model.architecture)
    if starts is None:
        known = ", ".join(_STARTS)
        raise ParameterError(f"initial weights are for networks of the architectures {known}, not {model.architecture}")
    path = Path(file)
    tensors = unwrapped(read_tensors(path / WEIGHTS if path.is_dir() else path))
    family = family_of(tensors, file=path)
    found = starts.start(tensors, family, model, head=head, file=path)
    wanted = model.state_dict()
    opening = f"{path}: cannot start {starts.describe(model)}"
    refuse_misfits(found.weights, wanted, needed=found.needed, opening=opening)
    refuse_bad_numbers(found.weights, where=str(path))
    with torch.no_grad():
        for name, value in found.weights.items():
            wanted[name].copy_(value)
    return InitialisationReport(
        family=family,
        loaded=tuple(name for name in wanted if name in found.weights),
        kept=tuple(name for name in wanted if name not in found.weights),
        skipped=tuple(found.reasons),
        reasons=found.reasons,
    )
