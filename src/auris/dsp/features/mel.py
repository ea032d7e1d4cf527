"""Mel bands: triangles over the bins of a spectrum, their centres, and levels in decibels."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from auris.dsp.features.waveforms import checked, full_precision
from auris.dsp.stft import Stft
from auris.errors import ParameterError

MelScale = Literal["htk", "slaney"]
POWER_FLOOR = 1e-10  # relative to white noise at full scale


def mel_filterbank(
    bins: int,
    bands: int,
    *,
    sample_rate: float,
    low: float = 20.0,
    high: float | None = None,
    scale: MelScale = "htk",
    norm: Literal["sum", "area"] = "sum",
) -> Tensor:
    """Return ``(bins, bands)`` triangles, evenly spaced in mel.

    Args:
        bins: frequencies from 0 to half the sample rate, both included.
        bands: number of triangles.
        sample_rate: hertz.
        low: where the first triangle begins, hertz.
        high: where the last one ends, hertz; None is half the sample rate.
        scale: the formula of HTK, or that of Slaney's Auditory Toolbox, linear up to 1 kHz.
        norm: each triangle sums to 1 over the bins, or has the area 1 over frequency in hertz (Slaney).

    Raises:
        ParameterError: a band is so narrow that no bin falls into it, or the limits lie outside the spectrum.
    """
    frequencies = torch.linspace(0, sample_rate / 2, bins, dtype=torch.float64)
    high = sample_rate / 2 if high is None else high
    if not 0 <= low < high <= sample_rate / 2:
        raise ParameterError(f"mel bands need 0 <= low < high <= {sample_rate / 2:g} Hz, got {low:g} and {high:g} Hz")
    corners = _corners(bands, low=low, high=high, scale=scale, dtype=torch.float64)
    rising = (frequencies[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies[:, None]) / (corners[2:] - corners[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0)
    sums = triangles.sum(dim=0)
    if not bool((sums > 0).all()):
        raise ParameterError(f"{bands} mel bands are too many for {bins} bins at {sample_rate:g} Hz: some hold no bin")
    areas = sums if norm == "sum" else (corners[2:] - corners[:-2]) / 2
    return (triangles / areas).to(torch.float32)


def mel_centres(bands: int, *, sample_rate: float, low: float = 20.0, scale: MelScale = "htk") -> Tensor:
    """Return the centre frequencies of :func:`mel_filterbank` in hertz, ``(bands,)``."""
    return _corners(bands, low=low, high=sample_rate / 2, scale=scale, dtype=torch.float32)[1:-1]


def mel_widths(bands: int, *, sample_rate: float, low: float = 20.0, scale: MelScale = "htk") -> Tensor:
    """Return the share of each band of :func:`mel_filterbank` in the spectrum, ``(bands,)``, 1 in all.

    The mean power in a band (``norm="sum"``) times its share is what it contributes to the power of the whole.
    """
    corners = _corners(bands, low=low, high=sample_rate / 2, scale=scale, dtype=torch.float64)
    widths = corners[2:] - corners[:-2]
    return (widths / widths.sum()).to(torch.float32)


def _corners(bands: int, *, low: float, high: float, scale: MelScale, dtype: torch.dtype) -> Tensor:
    """Return where triangles begin, peak and end, hertz ``(bands + 2,)``."""
    if scale == "htk":
        first, last = (2595 * math.log10(1 + frequency / 700) for frequency in (low, high))
        return 700 * (10 ** (torch.linspace(first, last, bands + 2, dtype=dtype) / 2595) - 1)
    first, last = (_slaney_mel(frequency) for frequency in (low, high))
    edges = torch.linspace(first, last, bands + 2, dtype=dtype)
    return torch.where(edges < 15, edges * 200 / 3, 1000 * 6.4 ** ((edges - 15) / 27))


def _slaney_mel(frequency: float) -> float:
    return frequency * 3 / 200 if frequency < 1000 else 15 + 27 * math.log(frequency / 1000) / math.log(6.4)


def decibels(power: Tensor) -> Tensor:
    """Return 10 log10 of a power, floored at -100 dB."""
    return 10 * torch.log10(power.clamp(min=POWER_FLOOR))


class LogMel(nn.Module):
    """Log-mel spectra of every channel (PSELDNets, arXiv 2411.06399): mirrored ends, unscaled periodic Hann window.

    Args:
        sample_rate: hertz.
        inputs: channels of audio.
        n_fft: length of the transform and its window, samples.
        hop: samples between frames; None means 10 ms.
        bands: mel bands from 20 Hz, HTK scale, unit area.

    Shape:
        - Input: ``(batch, inputs, samples)``
        - Output: ``(batch, inputs, 1 + samples // hop, bands)`` in dB
    """

    bank: Tensor

    def __init__(
        self, *, sample_rate: int, inputs: int = 4, n_fft: int = 1024, hop: int | None = None, bands: int = 64
    ) -> None:
        super().__init__()
        self.inputs = self.channels = self.levels = inputs
        self.bands = bands
        self.stft = Stft(
            n_fft=n_fft, window=n_fft, hop=hop or sample_rate // 100, padding="reflect", frames="centres", scale="none"
        )
        bank = mel_filterbank(self.stft.bins, bands, sample_rate=sample_rate, norm="area")
        self.register_buffer("bank", bank, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return levels ``(batch, inputs, frames, bands)``."""
        waveform = checked(waveform, self.inputs, "audio")
        with full_precision(waveform):
            return torch.cat([self._recording(part) for part in self.stft.recordings(waveform)])

    def _recording(self, waveform: Tensor) -> Tensor:
        return torch.cat([self._features(*parts) for parts in self.stft.runs(waveform)], dim=-2)

    def _features(self, real: Tensor, imaginary: Tensor) -> Tensor:
        return decibels((real.square() + imaginary.square()) @ self.bank.to(real.dtype))
