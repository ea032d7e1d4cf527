"""Starts of the small listeners: other small listeners, whichever of their parts fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from auris.errors import CheckpointError
from auris.models.checkpoint_conversion.families import TITLES, Family
from auris.models.checkpoint_conversion.start import Start

_OF_CLASSES = ("head.plain.", "head.activity.", "head.place.", "head.mask.", "head.colour")


def describe(model: Any) -> str:
    """Return the network in a few words."""
    return f"a {model.config.encoder} listener for {model.layout.name}"


def start(tensors: Mapping[str, Tensor], family: Family, model: Any, *, head: Literal["random", "keep"], file: Path) -> Start:
    """Return what a file gives a small listener: all of its encoder, and of the head what has the model's names and shapes.

    Raises:
        CheckpointError: the file is of another kind of network.
    """
    wanted = model.state_dict()
    if family != "auris" or not any(name.startswith("encoder.convolutions.") for name in tensors):
        raise CheckpointError(f"{file}: weights of {TITLES[family]}, which share nothing with {describe(model)}")
    found = Start(needed=frozenset(name for name in wanted if name.startswith("encoder.")))
    for name, value in tensors.items():
        if head == "random" and name.startswith(_OF_CLASSES):
            found.reasons[name] = "knows the classes; the model's begin at random"
        elif name in wanted and (value.shape == wanted[name].shape or name in found.needed):
            found.weights[name] = value.clone()
        else:
            found.reasons[name] = "the model has no such part, or one of another size"
    return found
