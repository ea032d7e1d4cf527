"""Losses of an autoencoder of several channels: spectra, what lies between the channels, and how wide the latents are.

Spectra are compared for every channel and for the sum and difference of every pair, so that what is quiet in both channels but
loud in their difference counts, too. They know nothing of phase, and time differences between the microphones are phase alone:
therefore the phase between channels is compared by itself (without it, small autoencoders lose directions altogether).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from auris.errors import ParameterError

_SILENCE = 1e-8  # power of a bin below which nothing is told apart


@dataclass(frozen=True)
class AutoencoderLossRecipe:
    """Weights of the parts of the loss; 0 leaves a part out.

    Attributes:
        windows: samples of the spectra that are compared; hops are a quarter.
        spectral: weight of the distance of spectra.
        phase: of the distance of phases between channels.
        kl: of the divergence of the latents from a standard normal distribution.
        adversarial: of deceiving the discriminator.
        features: of the distance between what the discriminator's layers see.
    """

    windows: tuple[int, ...] = (2048, 1024, 512, 256, 128, 64)
    spectral: float = 1.0
    phase: float = 1.0
    kl: float = 1e-4
    adversarial: float = 0.1
    features: float = 5.0

    def __post_init__(self) -> None:
        if not self.windows or any(window < 8 or window % 4 for window in self.windows):
            raise ParameterError(f"windows are samples, at least 8 and a multiple of 4 each, got {self.windows}")
        for part in fields(self)[1:]:
            if not getattr(self, part.name) >= 0:
                raise ParameterError(f"the weight {part.name} must be at least 0, got {getattr(self, part.name)!r}")
        if self.spectral == 0:
            raise ParameterError("spectral must exceed 0: nothing else tells how loud a sound is")


class Views(nn.Module):
    """Spectra of a wave: of its channels, and of the sums and differences of their pairs.

    Args:
        window: samples; a Hann window, every quarter of it.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.register_buffer("taper", torch.hann_window(window), persistent=False)

    taper: Tensor

    def spectra(self, wave: Tensor) -> Tensor:
        """Return the complex spectra ``(batch, channels, bins, frames)`` of ``(batch, channels, samples)``.

        Their power is that of the wave, whatever the window.
        """
        batch, channels = wave.shape[:2]
        found = torch.stft(
            wave.flatten(0, 1), self.window, self.window // 4, window=self.taper, center=True, pad_mode="constant",
            normalized=False, return_complex=True,
        )  # fmt: skip
        scaled: Tensor = found / self.taper.square().sum().sqrt()
        return scaled.reshape(batch, channels, *scaled.shape[1:])

    @staticmethod
    def with_pairs(spectra: Tensor) -> Tensor:
        """Return spectra with the half sums and half differences of all pairs of channels behind them."""
        pairs = list(pairs_of(spectra.shape[1]))
        joined = [(spectra[:, a] + sign * spectra[:, b]) / 2 for a, b in pairs for sign in (1, -1)]
        return torch.cat([spectra, torch.stack(joined, dim=1)], dim=1) if joined else spectra


def pairs_of(channels: int) -> Iterator[tuple[int, int]]:
    """Return all pairs of channels."""
    return itertools.combinations(range(channels), 2)


class ReconstructionLoss(nn.Module):
    """How far a wave is from what it should be.

    Args:
        windows: samples of the spectra that are compared.
    """

    def __init__(self, windows: Sequence[int]) -> None:
        super().__init__()
        self.views = nn.ModuleList(Views(window) for window in windows)

    def forward(self, made: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distance of the spectra, and of the phases between channels; means over all windows.

        Args:
            made: waves ``(batch, channels, samples)``.
            wanted: of the same shape.
        """
        spectral, phase = [], []
        for view in self.views:
            assert isinstance(view, Views)
            there, asked = view.spectra(made), view.spectra(wanted)
            spectral.append(spectral_distance(view.with_pairs(there), view.with_pairs(asked)))
            phase.append(phase_distance(there, asked))
        return torch.stack(spectral).mean(), torch.stack(phase).mean()


def spectral_distance(made: Tensor, wanted: Tensor) -> Tensor:
    """Return the distance of magnitudes: relative, and of their logarithms (Yamamoto et al., arXiv:1910.11480).

    Args:
        made: complex spectra ``(batch, views, bins, frames)``.
        wanted: of the same shape.
    """
    there, asked = _magnitude(made), _magnitude(wanted)
    relative = (asked - there).square().sum((-2, -1)).sqrt() / asked.square().sum((-2, -1)).sqrt()
    return relative.clamp(max=10.0).mean() + (asked.log() - there.log()).abs().mean()


def phase_distance(made: Tensor, wanted: Tensor) -> Tensor:
    """Return how far the phases between channels are from what they should be: 0 for equal ones, 2 for opposite ones.

    Each bin counts by the root of the power that the channels share in what is wanted; silence counts nothing.

    Args:
        made: complex spectra ``(batch, channels, bins, frames)``.
        wanted: of the same shape.
    """
    distances = []
    for a, b in pairs_of(made.shape[1]):
        there, asked = made[:, a] * made[:, b].conj(), wanted[:, a] * wanted[:, b].conj()
        shared = asked.abs()
        along = (there * asked.conj()).real / (there.abs() * shared).clamp(min=_SILENCE**2)
        weight = (shared - _SILENCE).clamp(min=0).sqrt()
        distances.append((weight * (1 - along)).sum() / weight.sum().clamp(min=_SILENCE))
    return torch.stack(distances).mean() if distances else made.real.sum() * 0


def divergence(mean: Tensor, deviation: Tensor) -> Tensor:
    """Return the divergence of latents from a standard normal distribution as stable-audio-open counts it (arXiv:2407.14358).

    Args:
        mean: of the latents ``(batch, channels, frames)``.
        deviation: their standard deviation.
    """
    variance = deviation.square()
    return (mean.square() + variance - variance.log() - 1).sum(dim=1).mean()


def _magnitude(spectra: Tensor) -> Tensor:
    return (spectra.real.square() + spectra.imag.square()).clamp(min=_SILENCE).sqrt()
