"""Front ends of Spatial-AST and DSpAST: what differs between two ears, as maps over time and mel bands.

:class:`InterauralPhase` are the four maps of Spatial-AST (arXiv:2402.01591), :class:`InterauralCues` the six of DSpAST
(arXiv:2509.13927). Their levels are 10 log10 of mel *magnitudes*, half of what is usually called decibels, floored at -100.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auris.dsp.features.mel import decibels, mel_filterbank
from auris.dsp.features.waveforms import checked, full_precision
from auris.dsp.stft import Stft

_SMALLEST = torch.finfo(torch.float32).tiny
_LARGEST_RATIO = 1e15  # of levels; the variance of larger ones leaves single precision


class InterauralPhase(nn.Module):
    """Levels of both ears and cosine and sine of the phase at the right ear minus that at the left.

    The phase of every bin counts alike within a band, whatever its energy. A sound that reaches the right ear ``d`` samples
    later has the sine ``-sin(2 pi k d / n_fft)`` in bin ``k``.

    Args:
        sample_rate: hertz.
        n_fft: length of the transform and its periodic Hann window, samples.
        hop: samples between frames; the signal is mirrored at its ends.
        bands: mel bands on Slaney's scale, with unit area.
        low: where they begin, hertz.
        high: where they end, hertz.
        scale: ``published`` sums phases with the weights of the mel bands, which puts them within about 0.03; ``mean`` takes
            true means over a band.

    Shape:
        - Input: ``(batch, 2, samples)``, left then right
        - Output: ``(batch, 4, 1 + samples // hop, bands)``: left level, right level, cosine, sine

    Raises:
        LayoutError: the input has another number of channels.
        ParameterError: it is too short to be mirrored at its ends, or not of floating-point numbers.

    >>> InterauralPhase()(torch.zeros(1, 2, 32_000)).shape
    torch.Size([1, 4, 101, 128])
    """

    inputs, levels, channels = 2, 2, 4
    bank: Tensor
    phase_bank: Tensor

    def __init__(
        self,
        *,
        sample_rate: int = 32_000,
        n_fft: int = 1024,
        hop: int = 320,
        bands: int = 128,
        low: float = 50.0,
        high: float = 14_000.0,
        scale: Literal["published", "mean"] = "published",
    ) -> None:
        super().__init__()
        self.bands, self.scale = bands, scale
        self.stft = Stft(n_fft=n_fft, window=n_fft, hop=hop, padding="reflect", frames="centres", scale="none")
        bank = mel_filterbank(self.stft.bins, bands, sample_rate=sample_rate, low=low, high=high, scale="slaney", norm="area")
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("phase_bank", bank if scale == "published" else bank / bank.sum(dim=0), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return maps ``(batch, channels, frames, bands)``."""
        waveform = checked(waveform, self.inputs, "binaural audio")
        with full_precision(waveform):
            return torch.cat([self._recording(part) for part in self.stft.recordings(waveform)])

    def _recording(self, waveform: Tensor) -> Tensor:
        return torch.cat([self._maps(*parts) for parts in self.stft.runs(waveform)], dim=-2)

    def _maps(self, real: Tensor, imaginary: Tensor) -> Tensor:
        levels, real, imaginary = self._levels_and_units(real, imaginary)
        return torch.cat([levels, self._phases(real, imaginary)], dim=1)

    def _levels_and_units(self, real: Tensor, imaginary: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Levels, and the spectra scaled to length 1; an exact zero stays one."""
        # The root of an exact zero has no slope.
        magnitude = (real.square() + imaginary.square() + _SMALLEST).sqrt()
        return decibels(magnitude @ self.bank.to(magnitude.dtype)), real / magnitude, imaginary / magnitude

    def _phases(self, real: Tensor, imaginary: Tensor) -> Tensor:
        phases = torch.cat(_right_over_left(_or_angle_zero(real, imaginary), imaginary), dim=1)
        return phases @ self.phase_bank.to(phases.dtype)


class InterauralCues(InterauralPhase):
    """The maps of :class:`InterauralPhase` with, between levels and phases, the correlation and the level ratio of the ears.

    The correlation is that of the whitened spectra (GCC-PHAT); its lags, in samples and as many as there are bands, take
    their place: a sound that reaches the right ear ``d`` samples later peaks in column ``bands / 2 - d``.

    The level ratio left over right is the exponential of the levels' difference, a number with a very long tail (bounded here
    at 1e15, so that the variance of a batch stays finite). With ``scale="mean"`` it is the difference itself.

    Args:
        sample_rate: hertz.
        n_fft: length of the transform and its periodic Hann window, samples.
        hop: samples between frames; the signal is mirrored at its ends.
        bands: mel bands on Slaney's scale, with unit area; also the number of lags.
        low: where they begin, hertz.
        high: where they end, hertz.
        scale: as in :class:`InterauralPhase`, and of the level ratio.

    Shape:
        - Input: ``(batch, 2, samples)``, left then right
        - Output: ``(batch, 6, 1 + samples // hop, bands)``: left level, right level, correlation, level ratio, cosine, sine

    Raises:
        LayoutError: the input has another number of channels.
        ParameterError: it is too short to be mirrored at its ends, or not of floating-point numbers.
    """

    channels = 6

    def _maps(self, real: Tensor, imaginary: Tensor) -> Tensor:
        levels, real, imaginary = self._levels_and_units(real, imaginary)
        correlation, phases = self._correlation(real, imaginary), self._phases(real, imaginary)
        return torch.cat([levels, correlation, self._level_ratio(levels), phases], dim=1)

    def _correlation(self, real: Tensor, imaginary: Tensor) -> Tensor:
        real, imaginary = _right_over_left(real, imaginary)
        whitened = torch.complex(_or_angle_zero(real, imaginary), -imaginary)
        lags, half = torch.fft.irfft(whitened, n=self.stft.n_fft), self.bands // 2
        return torch.cat([lags[..., -half:], lags[..., : self.bands - half]], dim=-1)

    def _level_ratio(self, levels: Tensor) -> Tensor:
        left, right = levels[:, :1], levels[:, 1:]
        if self.scale == "mean":
            return left - right
        return (left.exp() / (right.exp() + 1e-16)).clamp(max=_LARGEST_RATIO)


def _right_over_left(real: Tensor, imaginary: Tensor) -> tuple[Tensor, Tensor]:
    """The quotient of unit numbers ``(batch, 2, ...)``, real and imaginary part ``(batch, 1, ...)``."""
    left, right = (real[:, :1], imaginary[:, :1]), (real[:, 1:], imaginary[:, 1:])
    return left[0] * right[0] + left[1] * right[1], left[0] * right[1] - left[1] * right[0]


def _or_angle_zero(real: Tensor, imaginary: Tensor) -> Tensor:
    """Real parts of unit numbers, 1 instead of zero, whose angle is 0; or -1: that of a negative zero is pi, as published."""
    return torch.where((real == 0) & (imaginary == 0), torch.ones_like(real).copysign(real), real)
