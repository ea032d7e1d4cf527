"""A head for two ears: gathers the cues of all bands for every class, and keeps front and back apart.

Delay and level difference place a sound on a cone around the axis through the ears; only the colouring by head and pinna
tells front from back (Blauert, Spatial Hearing, 1997, sections 2.3 and 2.4). Two things follow. What colouring means depends
on the cone, so that the cues of all bands must be seen together: they are averaged over time, weighted by how direct each
moment sounds and by the bands in which the class is heard, and read as one spectrum. And a network that must
name one direction while it doubts between two names one in the middle, which is neither: here the direction is said as if in
front, beside the odds that the sound is really there and not behind.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.dsp.features.mel import decibels
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
        reaches: label frames before and after that each average takes in.
        units: of the readout.
        dropout: share of bands that the readout does not see in training.
    """

    kinds = 6  # cosine, sine, level difference, spectral shape of either ear, level against the whole

    def __init__(
        self,
        width: int,
        *,
        classes: int,
        bands: int,
        frames_per_label: int,
        tracks: int = 3,
        reaches: Sequence[int] = (3, 16),
        units: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.bands, self.frames_per_label, self.reaches = bands, frames_per_label, tuple(reaches)
        self.plain = MultiAccdoaHead(width, classes=classes, tracks=tracks)
        nn.init.normal_(self.plain.place.weight, std=0.01)  # at first, the cues alone say where
        self.directness = Directness()
        self.mask = nn.Linear(width, classes * bands)
        inputs = len(self.reaches) * (bands * self.kinds + 1)
        self.spectra = nn.Linear(inputs, units)
        # What a class sounds like without a head; all else the readout learns for all classes alike.
        self.colour = nn.Parameter(torch.zeros(classes, units))
        self.hide = nn.Dropout(dropout)
        self.readout = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Linear(units, units // 2), nn.ReLU())
        self.place = nn.Linear(units // 2, 5)

    def forward(self, hidden: Tensor, features: Tensor) -> Tensor:
        """Return vectors of length 0..1 in the front half, distances in metres, and log odds of front against back."""
        masks = self.mask(hidden).unflatten(-1, (-1, self.bands)).clamp(-8, 8).exp()
        cues, weight = self.cues(features)
        weights = masks * weight[:, :, None]  # (B, T, C, bands)
        weighted = weights[:, :, :, None] * cues[:, :, None]  # (B, T, C, kinds, bands)
        power = self.power(features)
        seen = self.hide(weights.new_ones(len(weights), 1, 1, 1, self.bands))
        parts = []
        for reach in self.reaches:
            total = _sums(weights, reach)
            means = _sums(weighted, reach) / (total[:, :, :, None] + 1e-9)
            level = (decibels(_sums(power, reach)) + 40) / 20
            parts += [(means * seen).flatten(3), level[:, :, None].expand(-1, -1, means.shape[2], -1)]
        place = self.place(self.readout(self.spectra(torch.cat(parts, dim=-1)) + self.colour))
        outputs = self.plain(hidden, place[..., :4])
        # In front, whatever the readout says; a rectifier would lose the gradient behind.
        odds = place[:, :, None, :, 4:].expand_as(outputs[..., :1])
        return torch.cat([outputs[..., :1].abs(), outputs[..., 1:], odds], dim=-1)

    def cues(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cues of each band in each label frame ``(B, T, kinds, bands)``, and their weight ``(B, T, bands)``."""
        levels, difference, phase = features[:, :2], features[:, 2:3], features[:, 3:5]
        weight = self.directness(levels, phase).exp()
        side = _SHAPE_BANDS // 2
        smooth = functional.avg_pool2d(levels, (1, _SHAPE_BANDS), stride=1, padding=(0, side), count_include_pad=False)
        loudness = levels.mean(dim=1, keepdim=True)
        against = (loudness - loudness.mean(dim=-1, keepdim=True)) / 20
        cues = torch.cat([phase, difference, (levels - smooth) / 10, against], dim=1)
        split = (len(cues), -1, cues.shape[2] // self.frames_per_label, self.frames_per_label, self.bands)
        total = weight.reshape(split).sum(dim=3)
        means = (cues * weight).reshape(split).sum(dim=3) / (total + 1e-9)
        return means.transpose(1, 2), total[:, 0]

    def power(self, features: Tensor) -> Tensor:
        """Return the mean power of both ears and all bands in each label frame ``(B, T, 1)``: how near a sound may be."""
        power = (10 ** (features[:, :2] / 10)).mean(dim=(1, 3))
        return power.reshape(len(power), -1, self.frames_per_label).mean(dim=2)[:, :, None]


def _sums(values: Tensor, reach: int) -> Tensor:
    """Means over ``reach`` frames before and after, of ``(B, T, …)``, by running sums: long reaches cost no more."""
    frames = values.shape[1]
    running = functional.pad(values.flatten(2).cumsum(dim=1), (0, 0, 1, 0))
    where = torch.arange(frames, device=values.device)
    ends, begins = (where + reach + 1).clamp(max=frames), (where - reach).clamp(min=0)
    return ((running[:, ends] - running[:, begins]) / (2 * reach + 1)).reshape(values.shape)


def resolved(outputs: Tensor) -> Tensor:
    """Return ``(B, T, K, C, 4)`` for outputs with odds ``(B, T, K, C, 5)``: each vector in the half that is more likely.

    Front or back is decided over a second before and after, so that a sound does not jump.
    """
    activity = outputs[..., :3].norm(dim=-1, keepdim=True) + 1e-3
    weighted = torch.cat([outputs[..., 4:] * activity, activity], dim=-1)
    around = sum_around(weighted.flatten(3), _STEADY).reshape(weighted.shape)
    front = torch.where(around[..., :1] >= 0, 1.0, -1.0)
    return torch.cat([outputs[..., :1] * front, outputs[..., 1:4]], dim=-1)
