"""Hiding parts of features: stretches of time with their labels, stretches of bands, and small rectangles.

SpecAugment (arXiv:1904.08779) as PSELDNets uses it, and cut-out ("random crop"). Where something is hidden stands a fill
(:func:`fill_of`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from auris.data.seld_targets import Targets
from auris.errors import ParameterError, unknown_name
from auris.training.augmentation.batches import keep_frames, label_frames

Fill = Literal["zero", "mean", "silence"]

_SILENCE_DB = -100.0  # log-mel of no sound (power 1e-10)


class Stretches(NamedTuple):
    """Beginnings and lengths, int64 ``(..., M)``, of ``M`` stretches on each of ``...`` axes of some length."""

    start: Tensor
    length: Tensor

    def hidden(self, size: int, *, device: torch.device) -> Tensor:
        """Return which places of axes of ``size`` lie in each stretch, bool ``(..., M, size)``."""
        places = torch.arange(size, device=device)
        start, length = (part.to(device)[..., None] for part in self)
        return (places >= start) & (places < start + length)


class SpecAugmentPlan(NamedTuple):
    """What SpecAugment hides: ``times`` in label frames ``(B, M)``, ``bands`` ``(B, channels, M)``."""

    times: Stretches
    bands: Stretches


class CutoutPlan(NamedTuple):
    """Rectangles ``(B, channels, M)``: their feature frames and their bands."""

    frames: Stretches
    bands: Stretches


def place(length_share: Tensor, start_share: Tensor, *, longest: int, size: int) -> Stretches:
    """Turn uniform numbers in [0, 1) into stretches of 0 to ``longest - 1`` places that fit into an axis of ``size``."""
    length = length_share * min(longest, size)
    # Rounded down only at the end, as in the published code.
    return Stretches((start_share * (size - length)).long(), length.long())


def draw_stretches(shape: tuple[int, ...], *, longest: int, size: int, generator: torch.Generator) -> Stretches:
    """Draw stretches of 0 to ``longest - 1`` places anywhere on an axis of ``size``; ``shape`` ends with their number."""
    shares = [torch.rand(shape, generator=generator, device=generator.device) for _ in range(2)]
    return place(*shares, longest=longest, size=size)


def spec_augment(
    features: Tensor, targets: Targets, plan: SpecAugmentPlan, *, fill: Tensor | float, frames_per_label: int = 10
) -> tuple[Tensor, Targets]:
    """Hide stretches of time in features and targets alike, and stretches of bands per channel.

    Args:
        features: ``(B, channels, frames, bands)``.
        targets: silent afterwards in the hidden label frames.
        plan: what to hide.
        fill: what stands there instead; a number, or anything that broadcasts against ``features``.
        frames_per_label: feature frames of a label frame; a remainder at the end is never hidden.
    """
    frames, bands = features.shape[-2:]
    device = features.device
    silent = plan.times.hidden(label_frames(targets), device=device).any(dim=-2)
    in_time = silent.repeat_interleave(frames_per_label, dim=1)[:, :frames]
    in_time = torch.nn.functional.pad(in_time, (0, frames - in_time.shape[1]))
    hidden = plan.bands.hidden(bands, device=device).any(dim=-2)[:, :, None, :] | in_time[:, None, :, None]
    return _covered(features, hidden, fill), keep_frames(targets, ~silent)


def cutout(features: Tensor, plan: CutoutPlan, *, fill: Tensor | float) -> Tensor:
    """Hide rectangles, other ones in each channel.

    Args:
        features: ``(B, channels, frames, bands)``.
        plan: what to hide.
        fill: what stands there instead; a number, or anything that broadcasts against ``features``.
    """
    frames, bands = features.shape[-2:]
    rows, columns = (axis.hidden(size, device=features.device) for axis, size in zip(plan, (frames, bands), strict=True))
    hidden = torch.zeros(features.shape, dtype=torch.bool, device=features.device)
    for one in range(rows.shape[-2]):
        hidden |= rows[..., one, :, None] & columns[..., one, None, :]
    return _covered(features, hidden, fill)


def fill_of(features: Tensor, fill: Fill, *, level_channels: int = 4) -> Tensor:
    """Return what to put in hidden places, to broadcast against ``features``.

    Args:
        features: ``(B, channels, frames, bands)``.
        fill: ``"zero"``; ``"mean"``: of each channel of each item; ``"silence"``: -100 dB in the channels that are levels in
            decibels, 0 in all others.
        level_channels: how many of the first channels are levels.

    Raises:
        ParameterError: no such fill.
    """
    if fill not in get_args(Fill):
        raise ParameterError(unknown_name("fill", fill, get_args(Fill)))
    if fill == "mean":
        return features.mean(dim=(-2, -1), keepdim=True)
    value = features.new_zeros(features.shape[1], 1, 1)
    if fill == "silence":
        value[:level_channels] = _SILENCE_DB
    return value


def _covered(features: Tensor, hidden: Tensor, fill: Tensor | float) -> Tensor:
    return torch.where(hidden, torch.as_tensor(fill, dtype=features.dtype, device=features.device), features)
