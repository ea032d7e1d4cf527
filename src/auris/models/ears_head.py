"""A head for two ears: gathers the cues of all bands for every class, and keeps front and back apart.

Delay and level difference place a sound on a cone around the axis through the ears; only the colouring by head and pinna
tells front from back (Blauert, Spatial Hearing, 1997, sections 2.3 and 2.4). Two things follow. What colouring means depends
on the cone, so that the cues of all bands must be seen together: they are averaged over time, weighted by how direct each
moment sounds and by the bands in which the class is heard, and read as one spectrum. And a network that must
name one direction while it doubts between two names one in the middle, which is neither: here the direction is said as if in
front, beside the odds that the sound is really there and not behind. The same goes for distances, of which loudness and
reverberation say little: a belief over all of them is said, and read where most of it lies close together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.dsp.features.mel import decibels
from auris.models import distance_belief
from auris.models.accdoa import MultiAccdoaHead
from auris.models.precedence_head import Directness, sum_around

_SHAPE_BANDS = 9  # over which levels are smoothed to see the shape of a spectrum
_WHOLE = 50  # label frames before and after: five seconds, over which gaps between barks no longer matter
_USUAL_DB, _SPREAD_DB = -18.0, 6.0  # levels are said in spreads above the usual one
_STEADY = 10  # label frames before and after over which front and back, and distances, are decided


class EarsHead(nn.Module):
    """Multi-ACCDOA with distance from two ears, with the log odds that a sound is in front, and a belief over distances.

    Shape:
        - Input: ``(batch, frames, width)`` of the encoder, and features ``(batch, channels, frames * per label, bands)``:
          levels of the ears in dB, their difference, cosine and sine of the phase difference times coherence, more
        - Output: ``(batch, frames, tracks, classes, 5 + steps)``: a vector in the front half, the mean distance, log odds, and
          the logits of a belief over distances (:mod:`auris.models.distance_belief`)

    Args:
        width: of the encoder's frames.
        classes: number of classes.
        bands: mel bands of the features.
        frames_per_label: feature frames in a label frame.
        tracks: tracks of each class.
        widths: share of each band in the spectrum (:func:`auris.dsp.features.mel.mel_widths`); None takes them for equal.
        reaches: label frames before and after that each average takes in.
        units: of the readout.
        dropout: share of bands that the readout does not see in training.
    """

    widths: Tensor
    kinds = 6  # cosine, sine, level difference, spectral shape of either ear, level against the whole

    def __init__(
        self,
        width: int,
        *,
        classes: int,
        bands: int,
        frames_per_label: int,
        tracks: int = 3,
        widths: Tensor | None = None,
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
        self.far = nn.Linear(units // 2 + len(self.reaches) + 1, distance_belief.STEPS)
        self.heard_far = nn.Linear(width, distance_belief.STEPS)
        self.register_buffer("widths", torch.full((bands,), 1 / bands) if widths is None else widths, persistent=False)

    def forward(self, hidden: Tensor, features: Tensor) -> Tensor:
        """Return what a sound's place may be, as the class says."""
        return self.said(hidden, features)[0]

    def said(self, hidden: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and what it was read from: ``(batch, frames, classes, units // 2)``."""
        masks = self.mask(hidden).unflatten(-1, (-1, self.bands)).clamp(-8, 8).exp()
        cues, weight = self.cues(features)
        weights = masks * weight[:, :, None]  # (B, T, C, bands)
        weighted = weights[:, :, :, None] * cues[:, :, None]  # (B, T, C, kinds, bands)
        power = self.power(features)
        seen = self.hide(weights.new_ones(len(weights), 1, 1, 1, self.bands))
        spectra, levels = [], []
        for reach in self.reaches:
            means = _means(weighted, reach) / (_means(weights, reach)[:, :, :, None] + 1e-9)
            spectra.append((means * seen).flatten(3))
            levels.append(self.level(power, reach))
        read = self.readout(self.spectra(torch.cat([*spectra, *levels], dim=-1)) + self.colour)
        place = self.place(read)
        outputs = self.plain(hidden, place[..., :4])
        # In front, whatever the readout says; a rectifier would lose the gradient behind.
        odds = place[:, :, None, :, 4:].expand_as(outputs[..., :1])
        # Absolute levels skip the readout: among hundreds of relative cues they would be lost.
        levels.append(self.level(power, _WHOLE))
        common = self.far(torch.cat([read, *levels], dim=-1)) + self.heard_far(hidden)[:, :, None]
        belief = common[:, :, None] + distance_belief.around(outputs[..., 3])
        mean = distance_belief.mean(belief)[..., None]
        return torch.cat([outputs[..., :1].abs(), outputs[..., 1:3], mean, odds, belief], dim=-1), read

    def level(self, power: Tensor, reach: int) -> Tensor:
        """Return the level around each label frame, the same for all classes: ``(B, T, C, 1)``."""
        level = (decibels(_means(power, reach)) - _USUAL_DB) / _SPREAD_DB
        return level[:, :, None].expand(-1, -1, len(self.colour), -1)

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
        """Return the power of both ears over all frequencies in each label frame ``(B, T, 1)``: how near a sound may be."""
        power = (10 ** (features[:, :2] / 10)).mean(dim=1) @ self.widths
        return power.reshape(len(power), -1, self.frames_per_label).mean(dim=2)[:, :, None]


def _means(values: Tensor, reach: int) -> Tensor:
    """Means over ``reach`` frames before and after, as far as there are, by running sums: long reaches cost no more."""
    frames = values.shape[1]
    running = functional.pad(values.flatten(2).cumsum(dim=1), (0, 0, 1, 0))
    where = torch.arange(frames, device=values.device)
    ends, begins = (where + reach + 1).clamp(max=frames), (where - reach).clamp(min=0)
    means = (running[:, ends] - running[:, begins]) / (ends - begins)[:, None]
    return means.reshape(values.shape)


def resolved(outputs: Tensor) -> Tensor:
    """Return ``(B, T, K, C, 4)`` for what :class:`EarsHead` says: vectors in the likelier half, likeliest distances.

    Both are decided over a second before and after, so that a sound does not jump.
    """
    activity = outputs[..., :3].norm(dim=-1, keepdim=True) + 1e-3
    beliefs = torch.cat([outputs[..., 4:5], outputs[..., 5:].softmax(dim=-1)], dim=-1)
    around = sum_around((beliefs * activity).flatten(3), _STEADY).reshape(beliefs.shape)
    front = torch.where(around[..., :1] >= 0, 1.0, -1.0)
    distance = distance_belief.likeliest(around[..., 1:])[..., None]
    return torch.cat([outputs[..., :1] * front, outputs[..., 1:3], distance], dim=-1)
