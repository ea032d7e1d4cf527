"""A small diffusion transformer over the tokens of one sound, told what it is, where it is, and in what room.

Time, class and room set the gains and offsets of every block (adaLN-zero, arXiv:2212.09748). The place is given for each
token, beside the noised token itself, so a sound that moves is no special case. Attention knows distances between tokens only
(rotary positions, arXiv:2104.09864). Class and place are dropped on their own in training, so that they can be guided on
their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.models.generating import RoomSize

ROOMS: tuple[RoomSize, ...] = get_args(RoomSize)
TRACK_CHANNELS = 4
_TIME_WAVES = 64
_SLOWEST = 100.0  # tokens; rotary positions turn no slower


@dataclass(frozen=True, eq=False)
class Conditions:
    """What is asked of each of B sounds.

    Attributes:
        classes: (B,) numbers of the labels; the number of labels stands for none said.
        tracks: (B, T, 4) places as :func:`track_of` writes them; zeros stand for none said.
        rooms: (B,) numbers in :data:`ROOMS`; their number stands for none said.
    """

    classes: Tensor
    tracks: Tensor
    rooms: Tensor

    def to(self, device: torch.device | str) -> Conditions:
        """Return the conditions on a device."""
        return Conditions(self.classes.to(device), self.tracks.to(device), self.rooms.to(device))

    def without_class(self, none: int, where: Tensor | None = None) -> Conditions:
        """Return the conditions without class.

        Args:
            none: number that says so, that of the labels.
            where: (B,) of which sounds; None for all.
        """
        gone = torch.ones_like(self.classes, dtype=torch.bool) if where is None else where
        return replace(self, classes=self.classes.masked_fill(gone, none))

    def without_place(self, where: Tensor | None = None) -> Conditions:
        """Return the conditions without place and room, for all sounds or for those where ``where`` (B,) is true."""
        gone = torch.ones_like(self.classes, dtype=torch.bool) if where is None else where
        tracks = self.tracks.masked_fill(gone[:, None, None], 0.0)
        return replace(self, tracks=tracks, rooms=self.rooms.masked_fill(gone, len(ROOMS)))

    @staticmethod
    def stacked(parts: list[Conditions]) -> Conditions:
        """Return several conditions as those of one batch."""
        columns = [(part.classes, part.tracks, part.rooms) for part in parts]
        return Conditions(*(torch.cat(column) for column in zip(*columns, strict=True)))


class _Modulation(NamedTuple):
    """What time, class and room do to the two halves of a block, each (B, 1, width)."""

    shift: Tensor
    scale: Tensor
    gate: Tensor
    shift_2: Tensor
    scale_2: Tensor
    gate_2: Tensor


def track_of(azimuth: Tensor, distance: Tensor) -> Tensor:
    """Return a place as the network is told it: presence, sine and cosine of the azimuth, logarithm of the distance.

    Args:
        azimuth: (...,) radians, counter-clockwise, 0 in front.
        distance: (...,) metres.

    Returns:
        (..., 4) float32; none of it is far above 1.
    """
    parts = (torch.ones_like(azimuth), azimuth.sin(), azimuth.cos(), distance.clamp_min(0.05).log() / 2)
    return torch.stack(parts, dim=-1).float()


class SceneDiffusion(nn.Module):
    """Predicts the velocity of noised tokens (arXiv:2202.00512).

    Args:
        tokens: numbers in a token.
        classes: number of classes.
        width: of the transformer.
        depth: blocks.
        heads: of the attention.
        dropout: share of units dropped in training.
    """

    def __init__(self, tokens: int, classes: int, *, width: int, depth: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.classes = classes
        self.enter = nn.Linear(tokens + TRACK_CHANNELS, width)
        self.time = nn.Sequential(nn.Linear(2 * _TIME_WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.what = nn.Embedding(classes + 1, width)
        self.room = nn.Embedding(len(ROOMS) + 1, width)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(depth))
        self.last = nn.Linear(width, 2 * width)
        self.leave = nn.Linear(width, tokens)
        # Every block begins as the identity, and the network as the answer zero.
        for layer in (self.last, self.leave, *(block.modulation for block in self.blocks)):
            assert isinstance(layer, nn.Linear)
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for table in (self.what, self.room):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, noised: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        """Return velocities.

        Args:
            noised: (B, T, tokens) of about unit variance.
            t: (B,) times, 0 clean to 1 noise alone.
            conditions: of B sounds, with T places each.

        Returns:
            (B, T, tokens).
        """
        told = self.time(_waves(t)) + self.what(conditions.classes) + self.room(conditions.rooms)
        told = functional.silu(told)[:, None]
        hidden = self.enter(torch.cat([noised, conditions.tracks.to(noised)], dim=-1))
        turns = _turns(hidden.shape[1], self.blocks[0].head_width, hidden)  # type: ignore[arg-type]
        for block in self.blocks:
            hidden = block(hidden, told, turns)
        shift, scale = self.last(told).chunk(2, dim=-1)
        velocities: Tensor = self.leave(_normal(hidden) * (1 + scale) + shift)
        return velocities


class _Block(nn.Module):
    """Attention, then a perceptron of each token, both led by what is told."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.head_width, self.dropout = heads, width // heads, dropout
        self.modulation = nn.Linear(width, 6 * width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )

    def forward(self, hidden: Tensor, told: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        led = _Modulation(*self.modulation(told).chunk(6, dim=-1))
        hidden = hidden + led.gate * self.attention(_normal(hidden) * (1 + led.scale) + led.shift, turns)
        changed: Tensor = hidden + led.gate_2 * self.perceptron(_normal(hidden) * (1 + led.scale_2) + led.shift_2)
        return changed

    def attention(self, hidden: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        batch, count, width = hidden.shape
        split = self.query_key_value(hidden).view(batch, count, 3, self.heads, self.head_width)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(
            _turned(query, turns), _turned(key, turns), value, dropout_p=self.dropout if self.training else 0.0
        )
        out: Tensor = self.joined(heard.transpose(1, 2).reshape(batch, count, width))
        return out


def _normal(hidden: Tensor) -> Tensor:
    return functional.layer_norm(hidden, hidden.shape[-1:], eps=1e-6)


def _waves(t: Tensor) -> Tensor:
    """Times as sines and cosines from slow to fast, (B, 2 * _TIME_WAVES)."""
    speeds = torch.exp(torch.linspace(0.0, math.log(1000.0), _TIME_WAVES, device=t.device))
    angles = t.float()[:, None] * speeds
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def _turns(count: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines by which halves of queries and keys turn, (count, width / 2)."""
    speeds = torch.exp(-torch.arange(width // 2, device=like.device) / (width // 2) * math.log(_SLOWEST))
    angles = torch.arange(count, device=like.device)[:, None] * speeds
    return angles.cos().to(like), angles.sin().to(like)


def _turned(vectors: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    cosine, sine = turns
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
