"""A head that reads directions the way listeners do: from first wavefronts, before the room has answered.

In a room the direct sound leads, and reflections blur every cue that follows. The intensity of a band therefore points at
a source where its level rises and where the field is not diffuse (the precedence effect; Blauert, Spatial Hearing, 1997,
section 3.1). The head weighs each band and moment by how direct it sounds, lets the encoder say which bands belong to
which class, and adds up the cues over short, middle and long surroundings. What it adds up is turned when the scene is
turned; only the share of each sum is learned, not the direction itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.models.accdoa import MultiAccdoaHead

_STEEPEST = 20.0  # decibels from frame to frame; more says nothing more


class Directness(nn.Module):
    """How direct each band and moment sounds, as the logarithm of a weight.

    A fixed rule, rising level times a field that is not diffuse, and a small correction that is learned on top of it.

    Shape:
        - levels: ``(batch, levels, frames, bands)`` in dB
        - cues: ``(batch, kinds, frames, bands)``
        - Output: ``(batch, 1, frames, bands)``
    """

    def __init__(self, units: int = 8) -> None:
        super().__init__()
        last = nn.Conv2d(units, 1, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.correction = nn.Sequential(nn.Conv2d(3, units, (7, 3), padding=(3, 1)), nn.ReLU(), last)

    def forward(self, levels: Tensor, cues: Tensor) -> Tensor:
        """Return log weights."""
        level = levels.mean(dim=1, keepdim=True)
        rise = functional.pad((level[:, :, 1:] - level[:, :, :-1]).clamp(0, _STEEPEST), (0, 0, 1, 0))
        length = cues.square().sum(dim=1, keepdim=True).sqrt()
        rule = (rise + 0.3).log() + (length.square() + 1e-3).log()
        seen = torch.cat([(level - level.mean(dim=2, keepdim=True)) / 20, rise / 5, length], dim=1)
        weights: Tensor = rule + self.correction(seen).clamp(-6, 6)
        return weights


class PrecedenceHead(nn.Module):
    """Multi-ACCDOA with distance whose directions are weighted sums of spatial cues.

    Shape:
        - Input: ``(batch, frames, width)`` of the encoder and features ``(batch, channels, frames * per label, bands)``
        - Output: ``(batch, frames, tracks, classes, 4)``

    Args:
        width: of the encoder's frames.
        classes: number of classes.
        bands: mel bands of the features.
        levels: channels of the features that are levels in dB; the cues follow, along y, z, x.
        frames_per_label: feature frames in a label frame.
        tracks: tracks of each class.
        reaches: label frames before and after that each sum takes in.
        units: of the readout.
    """

    def __init__(
        self,
        width: int,
        *,
        classes: int,
        bands: int,
        levels: int,
        frames_per_label: int,
        tracks: int = 3,
        reaches: Sequence[int] = (1, 4, 12),
        units: int = 32,
    ) -> None:
        super().__init__()
        self.levels, self.bands, self.frames_per_label, self.reaches = levels, bands, frames_per_label, tuple(reaches)
        self.plain = MultiAccdoaHead(width, classes=classes, tracks=tracks)
        nn.init.normal_(self.plain.place.weight, std=0.01)  # at first, the cues alone say where
        self.directness = Directness()
        self.mask = nn.Linear(width, classes * bands)
        shares = nn.Linear(units, len(self.reaches) + 1)
        nn.init.normal_(shares.weight, std=0.01)
        # The same readout for all classes: it learns acoustics, not vocabulary.
        self.readout = nn.Sequential(nn.Linear(2 * len(self.reaches), units), nn.ReLU(), shares)

    def forward(self, hidden: Tensor, features: Tensor) -> Tensor:
        """Return vectors of length 0..1 and distances in metres."""
        masks = self.mask(hidden).unflatten(-1, (-1, self.bands)).clamp(-8, 8).exp()
        sums = masks @ self.weighted_cues(features)  # (B, T, C, y z x weight)
        vectors, clarity, weights = [], [], []
        for reach in self.reaches:
            around = sum_around(sums, reach)
            length = around[..., :3].norm(dim=-1, keepdim=True)
            vectors.append(around[..., [2, 0, 1]] / (length + 1e-9))
            clarity.append(length / (around[..., 3:] + 1e-9))
            weights.append((around[..., 3:] + 1e-6).log() / 5)
        shares, distance = self.readout(torch.cat(clarity + weights, dim=-1)).split((len(self.reaches), 1), dim=-1)
        strengths = functional.softplus(shares)[..., None, :]
        direction = (strengths @ torch.stack(vectors, dim=-2)).squeeze(-2)
        outputs: Tensor = self.plain(hidden, torch.cat([direction, distance], dim=-1))
        return outputs

    def weighted_cues(self, features: Tensor) -> Tensor:
        """Return sums over each label frame ``(B, T, bands, 4)``: weighted cues along y, z, x, and their weight."""
        levels, cues = features[:, : self.levels], features[:, self.levels :]
        weight = self.directness(levels, cues).exp()
        weighted = torch.cat([cues * weight, weight], dim=1)
        batch, kinds, frames, bands = weighted.shape
        sums = weighted.reshape(batch, kinds, frames // self.frames_per_label, self.frames_per_label, bands).sum(dim=3)
        return sums.permute(0, 2, 3, 1)


def sum_around(sums: Tensor, reach: int) -> Tensor:
    """Means over ``reach`` frames before and after, of ``(B, T, C, kinds)``."""
    if not reach:
        return sums
    flat = sums.flatten(2).transpose(1, 2)
    wide = functional.avg_pool1d(flat, 2 * reach + 1, stride=1, padding=reach, count_include_pad=True)
    return wide.transpose(1, 2).reshape(sums.shape)
