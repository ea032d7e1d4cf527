"""From spectral magnitudes to sound: phases by the fast Griffin-Lim algorithm, and a decorrelated copy.

Sources: Griffin and Lim (1984); the acceleration is Perraudin, Balazs and Soendergaard (WASPAA 2013).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from auris.errors import ParameterError

_MOMENTUM = 0.99
_SMEAR = 0.02  # seconds that the decorrelated copy is spread over


class FourierFrames(nn.Module):
    """Spectra of frames centred at every hop, and back.

    Args:
        n_fft: length of the transform and its Hann window, samples.
        hop: samples between frames; at most a quarter of ``n_fft``.

    Shape:
        - Waveforms: ``(..., frames * hop)``
        - Spectra: ``(..., frames, n_fft // 2 + 1)`` complex; white noise of unit variance has unit power in every bin
    """

    window: Tensor

    def __init__(self, *, n_fft: int, hop: int) -> None:
        super().__init__()
        if not 0 < 4 * hop <= n_fft:
            raise ParameterError(f"frames must overlap by three quarters or more, got n_fft={n_fft}, hop={hop}")
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.gain = math.sqrt(float(self.window.square().sum()))

    def forward(self, waveform: Tensor) -> Tensor:
        """Return spectra."""
        flat = nn.functional.pad(waveform.reshape(-1, waveform.shape[-1]), (self.n_fft // 2, self.n_fft // 2 - self.hop))
        spectra = torch.stft(flat, self.n_fft, self.hop, window=self.window, center=False, return_complex=True)
        return (spectra / self.gain).transpose(-1, -2).reshape(*waveform.shape[:-1], -1, self.n_fft // 2 + 1)

    def inverse(self, spectra: Tensor) -> Tensor:
        """Return the waveforms whose spectra come nearest."""
        flat = (spectra * self.gain).reshape(-1, *spectra.shape[-2:]).transpose(-1, -2)
        length = spectra.shape[-2] * self.hop
        waveform = torch.istft(flat, self.n_fft, self.hop, window=self.window, center=True, length=length)
        return waveform.reshape(*spectra.shape[:-2], length)


class GriffinLim(nn.Module):
    """Finds phases under which overlapping frames agree.

    Args:
        frames: the transform.
        iterations: steps; each is one inverse transform and one transform.
    """

    def __init__(self, frames: FourierFrames, *, iterations: int) -> None:
        super().__init__()
        self.frames, self.iterations = frames, iterations

    @torch.no_grad()
    def forward(self, magnitudes: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return waveforms ``(B, frames * hop)`` of magnitudes ``(B, frames, bins)``.

        Args:
            magnitudes: not negative.
            generator: draws the phases it starts from.
        """
        turns = torch.rand(magnitudes.shape, generator=generator).to(magnitudes)
        spectra = torch.polar(magnitudes, 2 * math.pi * turns)
        previous = torch.zeros_like(spectra)
        for _ in range(self.iterations):
            consistent = self.frames(self.frames.inverse(spectra))
            ahead = consistent + _MOMENTUM * (consistent - previous)
            spectra = ahead * (magnitudes / ahead.abs().clamp(min=1e-12))
            previous = consistent
        waveform: Tensor = self.frames.inverse(spectra)
        return waveform


class Decorrelator(nn.Module):
    """Makes a copy of a sound with the same spectrum over time, but other phases: as late reflections are to direct sound."""

    def __init__(self, frames: FourierFrames, *, sample_rate: int) -> None:
        super().__init__()
        self.frames, self.taps = frames, int(_SMEAR * sample_rate)

    @torch.no_grad()
    def forward(self, waveform: Tensor, spectra: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return the copy's spectra.

        Args:
            waveform: ``(B, frames * hop)``.
            spectra: its own, ``(B, frames, bins)``, whose magnitudes the copy gets.
            generator: draws the filter.
        """
        size = waveform.shape[-1] + 2 * self.taps
        noise = torch.randn(self.taps, generator=generator) * torch.hann_window(self.taps + 1)[1:]
        response = torch.fft.rfft(noise.to(waveform), size)
        delay = torch.arange(response.shape[-1], device=waveform.device) * (math.pi * self.taps / size)  # to the middle
        response = response * torch.polar(torch.ones_like(delay), delay)
        smeared = torch.fft.irfft(torch.fft.rfft(waveform, size) * response, size)[..., : waveform.shape[-1]]
        copy: Tensor = self.frames(smeared)
        return copy * (_smoothed(spectra.abs().square()) / _smoothed(copy.abs().square()).clamp(min=1e-20)).sqrt()


def _smoothed(power: Tensor, *, bins: int = 33) -> Tensor:
    """Return power spectra ``(B, frames, bins)`` averaged over neighbouring bins."""
    return nn.functional.avg_pool1d(power, bins, stride=1, padding=bins // 2, count_include_pad=False)
