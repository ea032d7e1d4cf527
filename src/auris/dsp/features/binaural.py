"""Front end for two ears.

The interaural coherence of a band, averaged with the energy of its bins, has the cosine and sine of the interaural phase
difference as real and imaginary part. Steered to a set of delays it says nothing new, but it says it alike in all bands:
a peak at 0.4 ms is a peak at 0.4 ms at every frequency.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from auris.dsp.features.mel import POWER_FLOOR, decibels, mel_centres, mel_filterbank
from auris.dsp.features.waveforms import checked, full_precision
from auris.dsp.stft import Stft

_ITD_LIMIT = 0.8e-3  # seconds; a little more than the widest heads have


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
        self.bands = bands
        self.stft = Stft(n_fft=n_fft, window=window, hop=hop)
        self.channels = 5 + delays
        self.register_buffer("bank", mel_filterbank(self.stft.bins, bands, sample_rate=sample_rate), persistent=False)
        lags = torch.linspace(-_ITD_LIMIT, _ITD_LIMIT, delays)
        phase = 2 * math.pi * mel_centres(bands, sample_rate=sample_rate) * lags[:, None]
        self.register_buffer("steering", torch.stack([phase.cos(), phase.sin()]), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return features ``(batch, 5 + delays, frames, bands)``."""
        waveform = checked(waveform, self.inputs, "binaural audio")
        with full_precision(waveform):
            return torch.cat([self._features(part) for part in self.stft.recordings(waveform)])

    def _features(self, waveform: Tensor) -> Tensor:
        real, imaginary = self.stft.parts(waveform)
        bank, steering = self.bank.to(real.dtype), self.steering.to(real.dtype)
        power = (real.square() + imaginary.square()) @ bank
        cross_real = (real[:, 0] * real[:, 1] + imaginary[:, 0] * imaginary[:, 1]) @ bank
        cross_imaginary = (imaginary[:, 0] * real[:, 1] - real[:, 0] * imaginary[:, 1]) @ bank
        scale = torch.rsqrt(power.prod(dim=1) + POWER_FLOOR**2)
        cosine, sine = (cross_real * scale)[:, None], (cross_imaginary * scale)[:, None]
        turned = cosine * steering[0][:, None] + sine * steering[1][:, None]
        levels = decibels(power)
        difference = (levels[:, :1] - levels[:, 1:]) / 10
        return torch.cat([levels, difference, cosine, sine, turned], dim=1)
