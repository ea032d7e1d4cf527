"""What is heard, as numbers: log-mel levels in blocks of frames, and their principal components.

A fixed linear code of blocks makes learning what sounds cheap (a diffusion model of 4 M parameters writes recognisable sounds
after minutes on one core), and its error is known: what is lost is the variance of the components left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from auris.dsp.features.mel import mel_filterbank
from auris.errors import ParameterError

_INVERSION_STEPS = 24


class MelLevels(nn.Module):
    """Power spectra to mel levels in decibels and back, with a floor that silence rests on.

    The floor's power is added before the logarithm and taken off after it, so silence has one level, and a level that is a
    little wrong there becomes a sound below the floor, not a noise.

    Args:
        sample_rate: hertz.
        bins: frequencies of a spectrum.
        mels: bands, 20 Hz to half the sample rate, HTK scale, the mean power of each.
        floor_db: dB re white noise at full scale.
    """

    bank: Tensor

    def __init__(self, *, sample_rate: int, bins: int, mels: int, floor_db: float) -> None:
        super().__init__()
        self.floor_db = floor_db
        self.register_buffer("bank", mel_filterbank(bins, mels, sample_rate=sample_rate), persistent=False)

    def forward(self, power: Tensor) -> Tensor:
        """Return levels ``(..., frames, mels)`` in dB of power spectra ``(..., frames, bins)``."""
        return 10 * torch.log10(power @ self.bank + 10 ** (self.floor_db / 10))

    def mel_power(self, levels: Tensor) -> Tensor:
        """Return the mean power in each band ``(..., frames, mels)``."""
        floor = 10 ** (self.floor_db / 10)
        return (10 ** (levels.clamp(max=60) / 10) - floor).clamp(min=0)

    def power(self, levels: Tensor) -> Tensor:
        """Return spectra ``(..., frames, bins)``, not negative, whose bands have these levels (Richardson and Lucy's steps)."""
        wanted = self.mel_power(levels)
        spread = self.bank.T / self.bank.sum(dim=1).clamp(min=1e-9)  # (mels, bins), sums to 1 over the bands
        power = wanted @ spread
        for _ in range(_INVERSION_STEPS):
            power = power * ((wanted / (power @ self.bank).clamp(min=1e-20)) @ spread)
        return power


class MelLatents(nn.Module):
    """Blocks of mel levels as principal components of unit variance.

    Args:
        mels: bands.
        block: frames in a block.
        components: numbers per block.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, *, mels: int, block: int, components: int) -> None:
        super().__init__()
        if not 0 < components <= mels * block:
            raise ParameterError(f"a block of {block} x {mels} levels has 1 to {block * mels} components, got {components}")
        self.mels, self.block, self.components = mels, block, components
        self.register_buffer("mean", torch.zeros(mels))
        self.register_buffer("basis", torch.eye(block * mels)[:, :components].clone())
        self.register_buffer("scale", torch.ones(components))

    def forward(self, levels: Tensor) -> Tensor:
        """Return latents ``(B, blocks, components)`` of levels ``(B, blocks * block, mels)``."""
        blocks = (levels - self.mean).reshape(levels.shape[0], -1, self.block * self.mels)
        return (blocks @ self.basis) / self.scale

    def levels(self, latents: Tensor) -> Tensor:
        """Return levels ``(B, blocks * block, mels)`` of latents, the inverse of calling it but for what was left out."""
        blocks = (latents * self.scale) @ self.basis.T
        return blocks.reshape(latents.shape[0], -1, self.mels) + self.mean

    @torch.no_grad()
    def fit(self, levels: Iterable[Tensor]) -> float:
        """Take the components from examples.

        Args:
            levels: batches ``(B, blocks * block, mels)``; at least as many blocks as components in all.

        Returns:
            The share of the variance that the components hold.

        Raises:
            ParameterError: there are too few examples.
        """
        size = self.block * self.mels
        count, total, products = 0, torch.zeros(size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.float64)
        for batch in levels:
            blocks = batch.reshape(-1, size).double().cpu()
            count, total, products = count + blocks.shape[0], total + blocks.sum(0), products + blocks.T @ blocks
        if count < self.components:
            raise ParameterError(f"{self.components} components need as many blocks of sound or more, got {count}")
        mean = (total / count).reshape(self.block, self.mels).mean(dim=0)  # the same for every frame: blocks begin anywhere
        offset = mean.repeat(self.block)
        centred = products / count - torch.outer(offset, total / count) - torch.outer(total / count, offset)
        values, vectors = torch.linalg.eigh(centred + torch.outer(offset, offset))
        kept = vectors.flip(1)[:, : self.components]
        # The sign of a component means nothing; louder is positive.
        kept = kept * torch.where(kept.sum(dim=0) < 0, -1.0, 1.0)
        largest = values.flip(0)[: self.components].clamp(min=1e-6)
        self.mean.copy_(mean)
        self.basis.copy_(kept)
        self.scale.copy_(largest.sqrt())
        share = float(largest.sum() / values.clamp(min=0).sum().clamp(min=1e-12))
        return share if math.isfinite(share) else 0.0
