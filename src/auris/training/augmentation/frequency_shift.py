"""Moving the content of features up or down by a few mel bands, all channels alike."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from auris.errors import ParameterError, unknown_name

ShiftDirection = Literal["down", "up", "both"]


def draw_shifts(
    batch: int,
    *,
    largest: int = 14,
    direction: ShiftDirection = "both",
    probability: float = 0.5,
    generator: torch.Generator,
) -> Tensor:
    """Draw a number of bands for each item.

    Args:
        batch: number of items.
        largest: most bands.
        direction: ``"both"`` goes up as often as down.
        probability: of moving an item at all.
        generator: source of randomness.

    Returns:
        int64 ``(batch,)`` on the generator's device; positive is up.

    Raises:
        ParameterError: no such direction.
    """
    if direction not in get_args(ShiftDirection):
        raise ParameterError(unknown_name("direction", direction, get_args(ShiftDirection)))
    device = generator.device
    moved = torch.rand(batch, generator=generator, device=device) < probability
    bands = torch.randint(largest + 1, (batch,), generator=generator, device=device)
    if direction == "both":
        sign = torch.randint(2, (batch,), generator=generator, device=device) * 2 - 1
    else:
        sign = torch.ones_like(bands) if direction == "up" else -torch.ones_like(bands)
    return torch.where(moved, bands * sign, 0)


def shift_bands(features: Tensor, shifts: Tensor) -> Tensor:
    """Move the content of each item; what leaves is lost, and the other end is filled with the content's mirror image.

    Args:
        features: ``(B, channels, frames, bands)``.
        shifts: whole numbers of bands ``(B,)``, fewer than there are; positive is up.

    Raises:
        ParameterError: nothing would be left.
    """
    bands = features.shape[-1]
    largest = int(shifts.abs().max()) if shifts.numel() else 0
    if largest >= bands:
        raise ParameterError(f"content can move by fewer than the {bands} bands there are, got {largest}")
    source = (torch.arange(bands, device=shifts.device) - shifts[:, None]).abs()
    source = torch.where(source >= bands, 2 * (bands - 1) - source, source).to(features.device)
    return features.gather(-1, source[:, None, None, :].expand(features.shape))
