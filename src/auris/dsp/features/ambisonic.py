"""Front ends for first-order ambisonics, two ways to say where a band comes from.

Both use the intensity Re(W* [Y, Z, X]) of a bin. :class:`AmbisonicFeatures` averages it over the band with the energy of
the bins, so that a band speaks for its loudest part; :class:`LogMelIntensity` reduces it to its direction first, so that
every bin has one vote, however weak.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auris.dsp.features.mel import POWER_FLOOR, LogMel, decibels, mel_filterbank
from auris.dsp.features.waveforms import checked, full_precision
from auris.dsp.stft import Stft

_WHAT = "first-order ambisonics"
_NORM_FLOOR, _SMALLEST = torch.finfo(torch.float32).eps, torch.finfo(torch.float32).tiny


class AmbisonicFeatures(nn.Module):
    """Log-mel spectra and intensity vector of first-order ambisonics (ACN/SN3D: W, Y, Z, X).

    The intensity of a band is divided by its energy density |W|^2 + (|X|^2 + |Y|^2 + |Z|^2) / 3, the definition of the
    DCASE baselines: about 3/4 of the direction cosines for a plane wave, 0 in a diffuse field.

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
        self.bands = bands
        self.stft = Stft(n_fft=n_fft, window=window, hop=hop)
        self.register_buffer("bank", mel_filterbank(self.stft.bins, bands, sample_rate=sample_rate), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return features ``(batch, 7, frames, bands)``."""
        waveform = checked(waveform, self.inputs, _WHAT)
        with full_precision(waveform):
            return torch.cat([self._features(part) for part in self.stft.recordings(waveform)])

    def _features(self, waveform: Tensor) -> Tensor:
        real, imaginary = self.stft.parts(waveform)
        bank = self.bank.to(real.dtype)
        power = (real.square() + imaginary.square()) @ bank
        intensity = (real[:, :1] * real[:, 1:] + imaginary[:, :1] * imaginary[:, 1:]) @ bank
        energy = power[:, :1] + power[:, 1:].mean(dim=1, keepdim=True)
        return torch.cat([decibels(power), intensity / (energy + POWER_FLOOR)], dim=1)


class LogMelIntensity(LogMel):
    """Log-mel spectra and mel-averaged direction of first-order ambisonics, as PSELDNets see them (arXiv 2411.06399).

    The intensity of each bin is scaled to length 1 before the mel bank, whose triangles have area 1 over hertz: a plane
    wave from the front has x near 0.042 at 24 kHz.

    Args:
        sample_rate: hertz; 24 kHz and, for L3DAS22, 32 kHz in the paper.
        n_fft: length of the transform and its window, samples.
        hop: samples between frames; None means 10 ms.
        bands: mel bands from 20 Hz, HTK scale, unit area.

    Shape:
        - Input: ``(batch, 4, samples)``, ACN/SN3D: W, Y, Z, X
        - Output: ``(batch, 7, 1 + samples // hop, bands)``: W, Y, Z, X in dB, then the intensity along y, z, x

    Raises:
        LayoutError: the input has another number of channels.
        ParameterError: it is too short to be mirrored at its ends, or not of floating-point numbers.

    >>> LogMelIntensity(sample_rate=24_000)(torch.zeros(1, 4, 24_000)).shape
    torch.Size([1, 7, 101, 64])
    """

    def __init__(self, *, sample_rate: int, n_fft: int = 1024, hop: int | None = None, bands: int = 64) -> None:
        super().__init__(sample_rate=sample_rate, inputs=4, n_fft=n_fft, hop=hop, bands=bands)
        self.channels = 7

    def _features(self, real: Tensor, imaginary: Tensor) -> Tensor:
        intensity = real[:, :1] * real[:, 1:] + imaginary[:, :1] * imaginary[:, 1:]
        # A norm layer would take four times as long; the root of an exact zero has no slope.
        length = (intensity.square().sum(dim=1, keepdim=True) + _SMALLEST).sqrt()
        direction = (intensity / (length + _NORM_FLOOR)) @ self.bank.to(real.dtype)
        return torch.cat([super()._features(real, imaginary), direction], dim=1)
