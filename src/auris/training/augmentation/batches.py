"""What augmentation works on: signals, their targets, and how many sources overlap in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from auris.data.seld_targets import Targets
from auris.errors import ParameterError


class AugmentedBatch(NamedTuple):
    """A batch with its labels.

    Attributes:
        signals: waveforms ``(B, channels, samples)`` or features ``(B, channels, frames, bands)``.
        targets: what sounds where, of the same ``B`` items.
        overlap: int64 ``(B,)``: how many sources sound at once at most, at least 1.
    """

    signals: Tensor
    targets: Targets
    overlap: Tensor


def check_batch(signals: Tensor, targets: Targets, overlap: Tensor) -> None:
    """Refuse parts of unequal numbers of items.

    Raises:
        ParameterError: they differ.
    """
    sizes = [len(signals), *{len(part) for part in targets}, len(overlap)]
    if len(set(sizes)) != 1 or overlap.ndim != 1:
        raise ParameterError(f"signals, targets and overlap must have as many items each, got {sizes}")


def label_frames(targets: Targets) -> int:
    """Return the number of label frames of targets."""
    return int(targets[0].shape[1])


def join_targets(parts: Sequence[Targets]) -> Targets:
    """Return the targets of several batches of one kind as one batch."""
    return _made_like(parts[0], [torch.cat(tensors) for tensors in zip(*parts, strict=True)])


def take(targets: Targets, items: Tensor | slice) -> Targets:
    """Return some items of targets."""
    return _made_like(targets, [part[items] for part in targets])


def put(targets: Targets, items: Tensor, replacement: Targets) -> Targets:
    """Return targets with some items replaced."""
    return _made_like(targets, [part.index_copy(0, items, new) for part, new in zip(targets, replacement, strict=True)])


def keep_frames(targets: Targets, kept: Tensor) -> Targets:
    """Return targets that are silent in every label frame where the mask ``kept`` ``(B, T)`` is false."""
    return _made_like(targets, [part * kept.to(part).reshape(*kept.shape, *[1] * (part.ndim - 2)) for part in targets])


def _made_like(targets: Targets, parts: list[Tensor]) -> Targets:
    return type(targets)(*parts)
