"""What a listener network sees: mel spectra and, per mel band, where the sound comes from.

The front ends are modules without weights that take waveforms, so that a saved model needs nothing but audio. Spatial
cues are averaged over each mel band with the energy of its bins, hence a band speaks for its loudest part:

* ambisonics: the intensity vector Re(W* [Y, Z, X]) over the energy density |W|^2 + (|X|^2 + |Y|^2 + |Z|^2) / 3, the
  definition of the DCASE baselines (about 3/4 of the direction cosines for a plane wave, 0 in a diffuse field);
* binaural: the interaural coherence, whose real and imaginary part are the cosine and sine of the interaural phase
  difference, the level difference, and the same coherence steered to a set of delays. Steering says nothing new, but it
  says it alike in all bands: a peak at 0.4 ms is a peak at 0.4 ms at every frequency.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from auris.dsp.stft import Stft
from auris.errors import LayoutError, ParameterError

POWER_FLOOR = 1e-10  # relative to white noise at full scale
_ITD_LIMIT = 0.8e-3  # seconds; a little more than the widest heads have


def mel_filterbank(bins: int, bands: int, *, sample_rate: float, low: float = 20.0) -> Tensor:
    """Return ``(bins, bands)`` triangles on the HTK mel scale from ``low`` Hz to half the sample rate, each of sum 1.

    Raises:
        ParameterError: a band is so narrow that no bin falls into it.
    """
    frequencies = torch.linspace(0, sample_rate / 2, bins, dtype=torch.float64)
    edges = torch.linspace(_mel(low), _mel(sample_rate / 2), bands + 2, dtype=torch.float64)
    corners = 700 * (10 ** (edges / 2595) - 1)
    rising = (frequencies[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies[:, None]) / (corners[2:] - corners[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0)
    areas = triangles.sum(dim=0)
    if not bool((areas > 0).all()):
        raise ParameterError(f"{bands} mel bands are too many for {bins} bins at {sample_rate:g} Hz: some hold no bin")
    return (triangles / areas).to(torch.float32)


def mel_centres(bands: int, *, sample_rate: float, low: float = 20.0) -> Tensor:
    """Return the centre frequencies of :func:`mel_filterbank` in hertz, ``(bands,)``."""
    edges = torch.linspace(_mel(low), _mel(sample_rate / 2), bands + 2)
    return 700 * (10 ** (edges[1:-1] / 2595) - 1)


def _mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)


def decibels(power: Tensor) -> Tensor:
    """Return 10 log10 of a power, floored at -100 dB."""
    return 10 * torch.log10(power.clamp(min=POWER_FLOOR))


class AmbisonicFeatures(nn.Module):
    """Log-mel spectra and intensity vector of first-order ambisonics (ACN/SN3D: W, Y, Z, X).

    Shape:
        - Input: ``(batch, 4, samples)``
        - Output: ``(batch, 7, samples // hop, bands)``: W, Y, Z, X in dB, then the intensity along y, z, x

    Raises:
        LayoutError: the input has another number of channels.
    """

    inputs, channels, levels = 4, 7, 4
    bank: Tensor

    def __init__(self, *, sample_rate: int, n_fft: int, window: int, hop: int, bands: int) -> None:
        super().__init__()
        self.stft = Stft(n_fft=n_fft, window=window, hop=hop)
        self.register_buffer("bank", mel_filterbank(self.stft.bins, bands, sample_rate=sample_rate), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return features ``(batch, 7, frames, bands)``."""
        _check_channels(waveform, self.inputs, "first-order ambisonics")
        return torch.cat([self._features(part) for part in _cache_sized(waveform)])

    def _features(self, waveform: Tensor) -> Tensor:
        real, imaginary = torch.view_as_real(self.stft(waveform)).unbind(-1)
        power = (real.square() + imaginary.square()) @ self.bank
        intensity = (real[:, :1] * real[:, 1:] + imaginary[:, :1] * imaginary[:, 1:]) @ self.bank
        energy = power[:, :1] + power[:, 1:].mean(dim=1, keepdim=True)
        return torch.cat([decibels(power), intensity / (energy + POWER_FLOOR)], dim=1)


class BinauralFeatures(nn.Module):
    """Log-mel spectra, level difference and interaural coherence of two ears.

    Shape:
        - Input: ``(batch, 2, samples)``, left then right
        - Output: ``(batch, 5 + delays, samples // hop, bands)``: left and right in dB, left minus right in tens of dB,
          cosine and sine of the phase difference times coherence, then the coherence steered to each lead of the left ear

    Raises:
        LayoutError: the input has another number of channels.
    """

    inputs, levels = 2, 2
    bank: Tensor
    steering: Tensor

    def __init__(self, *, sample_rate: int, n_fft: int, window: int, hop: int, bands: int, delays: int = 9) -> None:
        super().__init__()
        self.stft = Stft(n_fft=n_fft, window=window, hop=hop)
        self.channels = 5 + delays
        self.register_buffer("bank", mel_filterbank(self.stft.bins, bands, sample_rate=sample_rate), persistent=False)
        lags = torch.linspace(-_ITD_LIMIT, _ITD_LIMIT, delays)
        phase = 2 * math.pi * mel_centres(bands, sample_rate=sample_rate) * lags[:, None]
        self.register_buffer("steering", torch.stack([phase.cos(), phase.sin()]), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return features ``(batch, 5 + delays, frames, bands)``."""
        _check_channels(waveform, self.inputs, "binaural audio")
        return torch.cat([self._features(part) for part in _cache_sized(waveform)])

    def _features(self, waveform: Tensor) -> Tensor:
        real, imaginary = torch.view_as_real(self.stft(waveform)).unbind(-1)
        power = (real.square() + imaginary.square()) @ self.bank
        cross_real = (real[:, 0] * real[:, 1] + imaginary[:, 0] * imaginary[:, 1]) @ self.bank
        cross_imaginary = (imaginary[:, 0] * real[:, 1] - real[:, 0] * imaginary[:, 1]) @ self.bank
        scale = torch.rsqrt(power.prod(dim=1) + POWER_FLOOR**2)
        cosine, sine = (cross_real * scale)[:, None], (cross_imaginary * scale)[:, None]
        turned = cosine * self.steering[0][:, None] + sine * self.steering[1][:, None]
        levels = decibels(power)
        difference = (levels[:, :1] - levels[:, 1:]) / 10
        return torch.cat([levels, difference, cosine, sine, turned], dim=1)


def _cache_sized(waveform: Tensor) -> tuple[Tensor, ...]:
    """Split a batch on a processor into single recordings: their spectra stay in its cache, four times the speed."""
    return torch.split(waveform, 1 if waveform.device.type == "cpu" else len(waveform))


def _check_channels(waveform: Tensor, needed: int, what: str) -> None:
    if waveform.ndim != 3 or waveform.shape[1] != needed:
        raise LayoutError(f"{what} must have shape (batch, {needed}, samples), got {tuple(waveform.shape)}")
