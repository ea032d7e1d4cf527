"""Encoders of small listeners: features in, one vector per label frame out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvRecurrentEncoder(nn.Module):
    """Convolutions over time and mel bands, then a bidirectional GRU over label frames.

    Shape:
        - Input: ``(batch, channels, frames, bands)``, frames a multiple of ``frames_per_label``
        - Output: ``(batch, frames // frames_per_label, 2 * hidden)``
    """

    def __init__(
        self,
        channels: int,
        bands: int,
        *,
        frames_per_label: int,
        widths: Sequence[int],
        hidden: int,
        recurrent_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.width = 2 * hidden
        # Levels, cosines and decibels meet at the same size. Without weights, so that no gradient is needed behind the
        # first convolution, the largest.
        self.scale = nn.BatchNorm1d(channels * bands, affine=False)
        first, second, third, fourth, fifth = widths
        self.convolutions = nn.Sequential(
            *_convolution(channels, first, (3, 3), stride=(1, 2), padding=(1, 1)),
            *_convolution(first, second, (frames_per_label, 3), stride=(frames_per_label, 2), padding=(0, 1)),
            *_convolution(second, third, (3, 3)),
            nn.MaxPool2d((1, 2)),
            *_convolution(third, fourth, (3, 3)),
            nn.MaxPool2d((1, 2)),
            *_convolution(fourth, fifth, (3, 3)),
        )
        self.project = nn.Linear(fifth * bands // 16, 2 * hidden)
        self.recurrent = nn.GRU(
            2 * hidden,
            hidden,
            recurrent_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if recurrent_layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Return one vector per label frame."""
        maps = self.convolutions(_scaled(features, self.scale))
        sequence = functional.relu(self.project(self.dropout(maps.transpose(1, 2).flatten(2))))
        outputs: Tensor = self.dropout(sequence + self.recurrent(sequence)[0])
        return outputs


class BaselineEncoder(nn.Module):
    """The shape of the baseline of DCASE 2024 task 3: three convolutions, two GRU layers, two layers of self-attention.

    Three convolutions of 64 channels pool time by the label rate and mel bands by 4, 4 and 2; the two directions of the
    GRU gate each other (SELDnet, arXiv:1807.00129; with self-attention arXiv:2107.09388). Kept as the peer that ours is
    measured against.

    Shape:
        - Input: ``(batch, channels, frames, bands)``, frames a multiple of ``frames_per_label``
        - Output: ``(batch, frames // frames_per_label, hidden)``
    """

    def __init__(
        self,
        channels: int,
        bands: int,
        *,
        frames_per_label: int,
        widths: Sequence[int],
        hidden: int,
        recurrent_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.width = hidden
        # The baseline normalises by statistics of its data; here they are learned on the way.
        self.scale = nn.BatchNorm1d(channels * bands, affine=False)
        layers: list[nn.Module] = []
        inputs = channels
        for width, pool in zip(widths, ((frames_per_label, 4), (1, 4), (1, 2)), strict=True):
            layers += [*_convolution(inputs, width, (3, 3)), nn.MaxPool2d(pool), nn.Dropout2d(dropout)]
            inputs = width
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = nn.GRU(
            inputs * (bands // 32), hidden, recurrent_layers, batch_first=True, bidirectional=True, dropout=dropout
        )
        self.attention = nn.ModuleList(nn.MultiheadAttention(hidden, 8, dropout=dropout, batch_first=True) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(2))
        self.project = nn.Linear(hidden, hidden)

    def forward(self, features: Tensor) -> Tensor:
        """Return one vector per label frame."""
        maps = self.convolutions(_scaled(features, self.scale))
        forth, back = torch.tanh(self.recurrent(maps.transpose(1, 2).flatten(2))[0]).chunk(2, dim=-1)
        sequence = forth * back
        for attention, norm in zip(self.attention, self.norms, strict=True):
            sequence = norm(sequence + attention(sequence, sequence, sequence, need_weights=False)[0])
        return functional.relu(self.project(sequence))


def _scaled(features: Tensor, scale: nn.BatchNorm1d) -> Tensor:
    """Features with every band of every channel normalised by itself, channels last in memory."""
    batch, channels, frames, bands = features.shape
    flat: Tensor = scale(features.transpose(2, 3).reshape(batch, channels * bands, frames))
    return flat.reshape(batch, channels, bands, frames).transpose(2, 3).contiguous(memory_format=torch.channels_last)


def _convolution(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (1, 1),
) -> list[nn.Module]:
    """Convolution, normalisation, rectifier."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
