"""A head for two ears: gathers what each band says of the direction, and keeps front and back apart.

Delay and level difference place a sound on a cone around the axis through the ears; only the colouring by head and pinna
tells front from back (Blauert, Spatial Hearing, 1997, sections 2.3 and 2.4). Two things follow. What a cue means depends on its band,
so every band has a small readout of its own, and evidence is added up over bands and time like logarithms of
likelihoods, weighted by how direct the moment sounds and by the bands in which the class is heard. And a
network that must name one direction while it doubts between two names one in the middle, which is neither: here the
direction is said as it is in front, beside the odds that the sound is really behind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.models.accdoa import MultiAccdoaHead
from auris.models.precedence_head import Directness, sum_around

_SHAPE_BANDS = 9  # over which levels are smoothed to see the shape of a spectrum
_STEADY = 10  # label frames before and after over which front and back are decided


class EarsHead(nn.Module):
    """Multi-ACCDOA with distance from two ears, with a fifth number: the log odds that a sound is in front.

    Shape:
        - Input: ``(batch, frames, width)`` of the encoder, and features ``(batch, channels, frames * per label, bands)``:
          levels of the ears in dB, their difference, cosine and sine of the phase difference times coherence, more
        - Output: ``(batch, frames, tracks, classes, 5)``: a vector in the front half, distance, log odds

    Args:
        width: of the encoder's frames.
        classes: number of classes.
        bands: mel bands of the features.
        frames_per_label: feature frames in a label frame.
        tracks: tracks of each class.
        reaches: label frames before and after that each sum takes in.
        evidence: numbers that each band says.
        units: of the readout.
    """

    cues = 6  # cosine, sine, level difference, spectral shape of either ear, level

    def __init__(
        self,
        width: int,
        *,
        classes: int,
        bands: int,
        frames_per_label: int,
        tracks: int = 3,
        reaches: Sequence[int] = (1, 4, 16),
        evidence: int = 32,
        units: int = 96,
    ) -> None:
        super().__init__()
        self.bands, self.classes, self.frames_per_label, self.reaches = bands, classes, frames_per_label, tuple(reaches)
        self.plain = MultiAccdoaHead(width, classes=classes, tracks=tracks)
        nn.init.normal_(self.plain.place.weight, std=0.01)  # at first, the cues alone say where
        self.directness = Directness()
        self.mask = nn.Linear(width, classes * bands)
        hidden = 24
        self.first = nn.Parameter(torch.randn(bands, self.cues, hidden) * math.sqrt(2 / self.cues))
        self.first_bias = nn.Parameter(torch.zeros(bands, 1, hidden))
        self.second = nn.Parameter(torch.randn(bands, hidden, evidence) * math.sqrt(2 / hidden))
        # The same readout for all classes: it learns acoustics, not vocabulary.
        inputs = len(self.reaches) * (evidence + 1)
        self.readout = nn.Sequential(nn.Linear(inputs, units), nn.ReLU(), nn.Linear(units, units // 2), nn.ReLU())
        self.place = nn.Linear(units // 2, 5)

    def forward(self, hidden: Tensor, features: Tensor) -> Tensor:
        """Return vectors of length 0..1 in the front half, distances in metres, and log odds of front against back."""
        masks = self.mask(hidden).unflatten(-1, (-1, self.bands)).clamp(-8, 8).exp()
        evidence, weight = self.evidence(features)
        sums = masks @ torch.cat([evidence * weight[..., None], weight[..., None]], dim=-1)  # (B, T, C, evidence + 1)
        parts = []
        for reach in self.reaches:
            around = sum_around(sums, reach)
            total = around[..., -1:] + 1e-9
            parts += [around[..., :-1] / total, total.log() / 5]
        place = self.place(self.readout(torch.cat(parts, dim=-1)))
        outputs = self.plain(hidden, place[..., :4])
        vectors, distance = outputs[..., :3], outputs[..., 3:]
        # In front, whatever the readout says; a rectifier would lose the gradient behind.
        vectors = torch.cat([vectors[..., :1].abs(), vectors[..., 1:]], dim=-1)
        odds = place[:, :, None, :, 4:].expand_as(distance)
        return torch.cat([vectors, distance, odds], dim=-1)

    def evidence(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each band says in each label frame ``(B, T, bands, evidence)``, and its weight ``(B, T, bands)``."""
        levels, difference, phase = features[:, :2], features[:, 2:3], features[:, 3:5]
        weight = self.directness(levels, phase).exp()
        smooth = functional.avg_pool2d(
            levels, (1, _SHAPE_BANDS), stride=1, padding=(0, _SHAPE_BANDS // 2), count_include_pad=False
        )
        loudness = levels.mean(dim=1, keepdim=True)
        cues = torch.cat([phase, difference, (levels - smooth) / 10, (loudness + 40) / 30], dim=1)
        batch, kinds, frames, bands = cues.shape
        split = (batch, -1, frames // self.frames_per_label, self.frames_per_label, bands)
        total = weight.reshape(split).sum(dim=3)
        means = (cues * weight).reshape(split).sum(dim=3) / (total + 1e-9)
        per_band = means.permute(3, 0, 2, 1).reshape(bands, -1, kinds)  # (bands, B * T, kinds)
        said = functional.relu(torch.baddbmm(self.first_bias, per_band, self.first)) @ self.second
        return said.reshape(bands, batch, -1, said.shape[-1]).permute(1, 2, 0, 3), total[:, 0]


def resolved(outputs: Tensor) -> Tensor:
    """Return ``(B, T, K, C, 4)`` for outputs with odds ``(B, T, K, C, 5)``: each vector in the half that is more likely.

    Front or back is decided over a second before and after, so that a sound does not jump.
    """
    activity = outputs[..., :3].norm(dim=-1, keepdim=True) + 1e-3
    weighted = torch.cat([outputs[..., 4:] * activity, activity], dim=-1)
    around = sum_around(weighted.flatten(3), _STEADY).reshape(weighted.shape)
    front = torch.where(around[..., :1] >= 0, 1.0, -1.0)
    return torch.cat([outputs[..., :1] * front, outputs[..., 1:4]], dim=-1)
