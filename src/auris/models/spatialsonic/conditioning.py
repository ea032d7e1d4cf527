"""What SpatialSonic's transformer is conditioned with: tokens in their order, and one vector of the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from auris.errors import ParameterError, unknown_name

_WAVES = 256

Drop = Literal["nothing", "text", "position", "all"]
"""What of a clip's conditions is left out: training does it to some, guidance to compare."""


class Conditions(NamedTuple):
    """Conditions of a batch of clips.

    Attributes:
        context: (batch, tokens, width): the prompt, one token for where the clip begins in its recording, one for how long that
            is, and the positions.
        globals: (batch, 2 * width): the same two tokens, side by side.
    """

    context: Tensor
    globals: Tensor


class SecondsConditioner(nn.Module):
    """Two lengths of time to one token each; the names of its weights are those of diffusers' ``StableAudioProjectionModel``.

    Args:
        width: of the tokens.
        most: longer times than this, seconds, are taken for it.
    """

    def __init__(self, width: int, *, most: float) -> None:
        super().__init__()
        self.start_number_conditioner = _NumberConditioner(width, most=most)
        self.end_number_conditioner = _NumberConditioner(width, most=most)

    def forward(self, start: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens (batch, 1, width) of seconds (batch,): where a clip begins in its recording, and how long that is."""
        return self.start_number_conditioner(start), self.end_number_conditioner(total)


class _NumberConditioner(nn.Module):
    def __init__(self, width: int, *, most: float) -> None:
        super().__init__()
        self.most = most
        self.time_positional_embedding = nn.Sequential(_Waves(), nn.Linear(_WAVES + 1, width))

    def forward(self, number: Tensor) -> Tensor:
        out: Tensor = self.time_positional_embedding(number.clamp(0, self.most) / self.most)
        return out[:, None]


class _Waves(nn.Module):
    """A number, and sines and cosines of it of learnt rates."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(_WAVES // 2))

    def forward(self, number: Tensor) -> Tensor:
        angles = 2 * math.pi * number[:, None] * self.weights
        return torch.cat([number[:, None], angles.sin(), angles.cos()], dim=1)


def assembled(prompt: Tensor, start: Tensor, total: Tensor, position: Tensor | None, drops: Sequence[Drop]) -> Conditions:
    """Put conditions in their order, and zero in the place of those that are dropped.

    What is dropped keeps its tokens: the transformer's attention has no mask, and a zero token takes a share of it too. As
    published, the null condition is all tokens at zero, and the global vector stays.

    Args:
        prompt: (batch, tokens, width).
        start: (batch, 1, width).
        total: (batch, 1, width).
        position: (batch, tokens, width), computed without words where ``text`` is dropped; None where there is none.
        drops: of each clip.
    """
    device = prompt.device
    parts = [prompt * _kept(drops, "text", device), start, total]
    if position is not None:
        parts.append(position * _kept(drops, "position", device))
    context = torch.cat(parts, dim=1) * _kept(drops, "all", device)
    return Conditions(context, torch.cat([start, total], dim=2).flatten(1))


def words_kept(prompt: Tensor, drops: Sequence[Drop]) -> Tensor:
    """Return the prompt as positions may see it: zero where the text is dropped."""
    return prompt * _kept(drops, "text", prompt.device)


def checked_drops(drops: Sequence[Drop] | None, *, clips: int) -> Sequence[Drop]:
    """Return what is dropped of each clip; None drops nothing.

    Raises:
        ParameterError: there is not one for each clip, or one is unknown.
    """
    if drops is None:
        return ["nothing" for _ in range(clips)]
    if len(drops) != clips:
        raise ParameterError(f"what is dropped is said of every clip, got {len(drops)} for {clips}")
    for drop in drops:
        if drop not in get_args(Drop):
            raise ParameterError(unknown_name("drop", drop, get_args(Drop)))
    return drops


def _kept(drops: Sequence[Drop], what: Drop, device: torch.device) -> Tensor:
    return torch.tensor([drop != what for drop in drops], dtype=torch.float32, device=device)[:, None, None]
