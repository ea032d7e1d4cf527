"""Where it is heard, as numbers: the delay between two microphones, their level differences and how alike they are.

Parametric stereo (spec of the Both Ears Wide Open re-implementation, 11.3; after Breebaart et al., 2005): for each block of
frames one delay between the ears, and in each band a level difference and an angle. The cosine of the angle is the coherence
of the channels once the delay is taken out; half of it turns a sound away from its decorrelated copy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

_STEPS_PER_SAMPLE = 8  # of the delays tried
_LOUDEST_DIFFERENCE = 20.0  # dB
_LARGEST_GAIN = 12.0  # dB
_REACH = 0.4  # blocks: how far the numbers of a block colour those of its neighbours, unless these are silent
_FARTHEST = 1e-16  # nearness of the farthest blocks
_SILENT = 1e-20  # weight of a silent block


@dataclass(frozen=True, eq=False)
class SpatialNumbers:
    """Space, block by block.

    Attributes:
        delays: ``(B, blocks)`` seconds by which the left channel leads.
        levels: ``(B, blocks, bands)`` dB, left over right.
        angles: ``(B, blocks, bands)`` radians, 0 for channels that are alike, pi / 2 for independent ones.
    """

    delays: Tensor
    levels: Tensor
    angles: Tensor


class SpatialAnalysis(nn.Module):
    """Measures and applies spatial numbers on spectra.

    Args:
        sample_rate: hertz.
        n_fft: length of the transform.
        block: frames in a block.
        edges: hertz, between the bands.
        longest_delay: seconds, the largest delay that is looked for.
        floor: power that a bin must have to say anything.
    """

    steering: Tensor
    lags: Tensor
    bands: Tensor
    spread: Tensor
    frequencies: Tensor

    def __init__(
        self, *, sample_rate: int, n_fft: int, block: int, edges: tuple[float, ...], longest_delay: float, floor: float
    ) -> None:
        super().__init__()
        self.block, self.floor = block, floor
        frequencies = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
        count = math.ceil(longest_delay * sample_rate * _STEPS_PER_SAMPLE)
        lags = torch.arange(-count, count + 1, dtype=torch.float64) / (sample_rate * _STEPS_PER_SAMPLE)
        turns = 2 * math.pi * torch.outer(frequencies, lags)
        corners = torch.tensor([0.0, *edges, sample_rate / 2 + 1], dtype=torch.float64)
        inside = (frequencies[:, None] >= corners[:-1]) & (frequencies[:, None] < corners[1:])
        tables = {
            "frequencies": frequencies,
            "lags": lags,
            "steering": torch.stack([turns.cos(), turns.sin()]),
            "bands": inside,
            "spread": _between_bands(frequencies, corners),
        }
        for name, table in tables.items():
            self.register_buffer(name, table.float(), persistent=False)

    @property
    def band_count(self) -> int:
        """Bands of the level differences and angles."""
        return self.bands.shape[1]

    def measure(self, spectra: Tensor, *, delays: Tensor | None = None) -> SpatialNumbers:
        """Return the numbers of ``(B, 2, blocks * block, bins)`` complex spectra.

        Silent blocks take the numbers of their neighbours; all silent, they are zero.

        Args:
            spectra: left and right.
            delays: ``(B, blocks)`` seconds, where they are known; otherwise they are measured.
        """
        left, right = (self._blocks(spectra[:, ear]) for ear in (0, 1))
        left_power, right_power = (ear.abs().square().sum(dim=2) for ear in (left, right))  # (B, blocks, bins)
        cross = (left * right.conj()).sum(dim=2)
        if delays is None:
            delays = self._delays(cross, left_power, right_power)
        turned = cross * torch.polar(torch.ones(()).to(left_power), -2 * math.pi * delays[..., None] * self.frequencies)
        powers = [part @ self.bands for part in (left_power, right_power, turned.real)]
        heard = powers[0] + powers[1]
        weight = heard / (heard + self.block * self.floor * self.bands.sum(dim=0))
        filled_left, filled_right, filled_cross = (_filled(part / heard.clamp(min=1e-20), weight) for part in powers)
        return SpatialNumbers(delays, *_differences(filled_left, filled_right, filled_cross))

    def _blocks(self, spectra: Tensor) -> Tensor:
        return spectra.reshape(spectra.shape[0], -1, self.block, spectra.shape[-1])

    def _delays(self, cross: Tensor, left_power: Tensor, right_power: Tensor) -> Tensor:
        """Return the delay at which the channels are most alike over all frequencies (generalised cross-correlation)."""
        alike = cross / ((left_power * right_power).sqrt() + self.block * self.floor)
        summed = alike.real @ self.steering[0] + alike.imag @ self.steering[1]
        best = summed[..., 1:-1].argmax(dim=-1) + 1
        before, peak, after = (summed.gather(-1, (best + step)[..., None])[..., 0] for step in (-1, 0, 1))
        bend = (before - 2 * peak + after).clamp(max=-1e-9)
        shift = (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
        step = self.lags[1] - self.lags[0]
        weight = (peak.clamp(min=0) / cross.shape[-1]).square()
        found = (self.lags[best] + shift * step).masked_fill(weight < _SILENT, 0.0)
        return _filled(found[..., None], weight[..., None])[..., 0]

    def placed(self, mono: Tensor, other: Tensor, numbers: SpatialNumbers) -> Tensor:
        """Return spectra ``(B, 2, frames, bins)`` with these numbers.

        Args:
            mono: ``(B, frames, bins)`` complex spectra of the sound.
            other: the same of its decorrelated copy.
            numbers: one per block; they change evenly from the middle of a block to that of the next.
        """
        half = torch.exp(1j * math.pi * self._per_frame(numbers.delays[..., None]) * self.frequencies)
        angle = self._per_frame(numbers.angles) @ self.spread / 2
        shared, apart = angle.cos() * mono, angle.sin() * other
        pair = torch.stack([shared + apart, shared - apart], dim=1)
        gains = self._per_frame(self._gains(pair, numbers.levels).flatten(0, 1)) @ self.spread
        return pair * (10 ** (gains / 20)).reshape(pair.shape) * torch.stack([half, half.conj()], dim=1)

    def _gains(self, pair: Tensor, levels: Tensor) -> Tensor:
        """Return by how many decibels each channel must be louder for these level differences, ``(B, 2, blocks, bands)``.

        In a band of few tones a sound and its copy are not independent, so their sum and their difference are not equally loud.
        """
        blocks = pair.abs().square().reshape(*pair.shape[:2], -1, self.block, pair.shape[-1])
        powers = blocks.sum(dim=3) @ self.bands + self.block * self.floor * 1e-3
        ratio = 10 ** (levels / 10)
        wanted = torch.stack([2 * ratio, 2 * torch.ones_like(ratio)], dim=1) / (1 + ratio)[:, None]
        apart = 10 * torch.log10(powers.mean(dim=1, keepdim=True) / powers)
        return 10 * torch.log10(wanted) + apart.clamp(-_LARGEST_GAIN, _LARGEST_GAIN)

    def _per_frame(self, numbers: Tensor) -> Tensor:
        """Return numbers ``(B, blocks, n)`` for every frame ``(B, blocks * block, n)``."""
        blocks = numbers.shape[1]
        place = ((torch.arange(blocks * self.block, device=numbers.device) + 0.5) / self.block - 0.5).clamp(0, blocks - 1)
        lower = place.floor().long()
        share = (place - lower)[:, None]
        return numbers[:, lower] * (1 - share) + numbers[:, (lower + 1).clamp(max=blocks - 1)] * share


def _differences(left: Tensor, right: Tensor, cross: Tensor) -> tuple[Tensor, Tensor]:
    silent = left + right < 1e-9
    levels = 10 * torch.log10((left + 1e-9) / (right + 1e-9)).clamp(-_LOUDEST_DIFFERENCE / 10, _LOUDEST_DIFFERENCE / 10)
    alike = cross / (left * right).sqrt().clamp(min=1e-12)
    return levels.masked_fill(silent, 0.0), alike.clamp(-1, 1).arccos().masked_fill(silent, 0.0)


def _filled(values: Tensor, weights: Tensor) -> Tensor:
    """Return values ``(B, blocks, n)`` in which blocks of little weight follow their neighbours, however far these are."""
    steps = torch.arange(values.shape[1], device=values.device, dtype=values.dtype)
    nearness = torch.exp(-(steps[:, None] - steps).abs() / _REACH).clamp(min=_FARTHEST)
    weights = weights + _SILENT
    sums = torch.einsum("ij,bjn->bin", nearness, values * weights)
    return sums / torch.einsum("ij,bjn->bin", nearness, weights)


def _between_bands(frequencies: Tensor, corners: Tensor) -> Tensor:
    """Return ``(bands, bins)``: how much each band says about a bin, fading from the middle of one to that of the next."""
    octave = (corners[1:-1].log2().diff().mean() if corners.numel() > 3 else torch.ones(())) / 6
    places = frequencies.clamp(min=1.0).log2()
    rising = [torch.ones_like(places)]
    rising += [((places - edge.log2()) / (2 * octave) + 0.5).clamp(0, 1) for edge in corners[1:-1]]
    rising.append(torch.zeros_like(places))
    return torch.stack([a - b for a, b in pairwise(rising)])
