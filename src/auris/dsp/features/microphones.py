"""Front ends for open microphone arrays: time differences of arrival between microphones."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn

from auris.dsp.features.mel import decibels, mel_filterbank
from auris.dsp.features.waveforms import checked, full_precision
from auris.dsp.stft import Stft
from auris.errors import ParameterError

SPEED_OF_SOUND = 343.0  # m/s, as in the published definition
_TINY_POWER = 1e-24  # under every signal, and with a slope of its root that single precision holds


class LogMelGcc(nn.Module):
    """Log-mel spectra and GCC-PHAT of every pair of microphones (DCASE baselines; PSELDNets, arXiv 2411.06399).

    The cross-spectrum of microphones ``m < n`` is whitened; its transform at ``bands`` lags around 0 peaks where
    microphone ``n`` is later than ``m`` by so many samples. Silence has no peak. The mel bank is Slaney's, from 0 Hz.

    Args:
        sample_rate: hertz.
        inputs: microphones.
        n_fft: length of the transform and its window, samples.
        hop: samples between frames; None means 10 ms.
        bands: mel bands, and lags from ``-bands // 2``.
        dynamic_range: levels are raised to so many dB below the loudest of their channel in the recording, as librosa
            does; None leaves them.

    Shape:
        - Input: ``(batch, inputs, samples)``
        - Output: ``(batch, inputs + pairs, samples // hop, bands)``: levels in dB, then pairs 01, 02, ..., 12, ...

    Raises:
        LayoutError: the input has another number of channels.
        ParameterError: it is shorter than a hop.

    >>> LogMelGcc(sample_rate=24_000)(torch.zeros(1, 4, 24_000)).shape
    torch.Size([1, 10, 100, 64])
    """

    bank: Tensor
    lags: Tensor

    def __init__(
        self,
        *,
        sample_rate: int,
        inputs: int = 4,
        n_fft: int = 1024,
        hop: int | None = None,
        bands: int = 64,
        dynamic_range: float | None = 80.0,
    ) -> None:
        super().__init__()
        self.inputs = self.levels = inputs
        self.bands, self.dynamic_range = bands, dynamic_range
        self.stft = Stft(n_fft=n_fft, window=n_fft, hop=hop or sample_rate // 100, scale="none")
        self.pairs = list(combinations(range(inputs), 2))
        self.channels = inputs + len(self.pairs)
        bank = mel_filterbank(self.stft.bins, bands, sample_rate=sample_rate, low=0.0, scale="slaney", norm="area")
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("lags", _lag_table(n_fft, bands), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return features ``(batch, inputs + pairs, frames, bands)``."""
        waveform = checked(waveform, self.inputs, f"audio of {self.inputs} microphones", shortest=self.stft.hop)
        with full_precision(waveform):
            return torch.cat([self._recording(part) for part in self.stft.recordings(waveform)])

    def _recording(self, waveform: Tensor) -> Tensor:
        features = torch.cat([self._features(*parts) for parts in self.stft.runs(waveform)], dim=-2)
        if self.dynamic_range is None:
            return features
        levels, correlations = features[:, : self.inputs], features[:, self.inputs :]
        floor = levels.amax(dim=(-2, -1), keepdim=True) - self.dynamic_range
        return torch.cat([torch.maximum(levels, floor), correlations], dim=1)

    def _features(self, real: Tensor, imaginary: Tensor) -> Tensor:
        power = real.square() + imaginary.square()
        whitening = torch.rsqrt(power + _TINY_POWER)
        real, imaginary = real * whitening, imaginary * whitening
        cosines, sines = self.lags.to(real.dtype)
        first, second = [m for m, _ in self.pairs], [n for _, n in self.pairs]
        same = real[:, first] * real[:, second] + imaginary[:, first] * imaginary[:, second]
        across = real[:, first] * imaginary[:, second] - imaginary[:, first] * real[:, second]
        return torch.cat([decibels(power @ self.bank.to(real.dtype)), same @ cosines - across @ sines], dim=1)


def _lag_table(n_fft: int, lags: int) -> Tensor:
    """Return cosines and sines ``(2, bins, lags)`` of the inverse transform of a real signal."""
    bins = torch.arange(n_fft // 2 + 1)
    # Every frequency stands for itself and its mirror image, but the first and, at even lengths, the last.
    weights = torch.where((bins == 0) | (2 * bins == n_fft), 1.0, 2.0).double() / n_fft
    steps = torch.outer(bins, torch.arange(lags) - lags // 2) % n_fft
    angles = 2 * math.pi / n_fft * steps.double()
    return (torch.stack([angles.cos(), angles.sin()]) * weights[:, None]).float()


class SalsaLite(nn.Module):
    """Spectra in dB and path differences to the first microphone (SALSA-Lite, arXiv 2111.08192).

    The phase difference of a bin over its wave number says how much nearer than the first a microphone is to the source,
    in metres. Above ``highest_phase`` it is ambiguous for the array, and 0 is said.

    Args:
        sample_rate: hertz.
        inputs: microphones.
        n_fft: length of the transform and its window, samples.
        hop: samples between frames; None means 10 ms.
        lowest: first frequency, hertz.
        highest_phase: where phases end, hertz: the speed of sound over twice the widest distance of two microphones.
        highest: where spectra end, hertz.
        phase_end: phases end at ``highest_phase``, or, as in the DCASE 2022 baseline and PSELDNets, ``lowest`` above it.

    Shape:
        - Input: ``(batch, inputs, samples)``
        - Output: ``(batch, 2 * inputs - 1, samples // hop, bands)``, ``bands`` being the bins from ``lowest`` to ``highest``

    Raises:
        LayoutError: the input has another number of channels.
        ParameterError: the frequencies are not in order, or the input is shorter than a hop.

    >>> SalsaLite(sample_rate=24_000)(torch.zeros(1, 4, 24_000)).shape
    torch.Size([1, 7, 100, 382])
    """

    metres: Tensor

    def __init__(
        self,
        *,
        sample_rate: int,
        inputs: int = 4,
        n_fft: int = 1024,
        hop: int | None = None,
        lowest: float = 50.0,
        highest_phase: float = 2000.0,
        highest: float = 9000.0,
        phase_end: Literal["exact", "dcase2022"] = "exact",
    ) -> None:
        super().__init__()
        self.inputs = self.levels = inputs
        self.channels = 2 * inputs - 1
        self.stft = Stft(n_fft=n_fft, window=n_fft, hop=hop or sample_rate // 100, scale="none")
        first = max(1, math.floor(lowest * n_fft / sample_rate))
        last_phase, last = (math.floor(frequency * n_fft / sample_rate) for frequency in (highest_phase, highest))
        if not first < last_phase <= last <= self.stft.bins:
            raise ParameterError(
                "SALSA-Lite needs 0 <= lowest < highest_phase <= highest <= sample_rate / 2 with bins between, got "
                f"{lowest:g}, {highest_phase:g} and {highest:g} Hz at {sample_rate} Hz and {n_fft} samples"
            )
        self.cut = slice(first, last)
        self.bands = last - first
        metres = SPEED_OF_SOUND * n_fft / (2 * math.pi * sample_rate * torch.arange(first, last))
        metres[last_phase - (first if phase_end == "exact" else 0) :] = 0
        self.register_buffer("metres", metres, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return features ``(batch, 2 * inputs - 1, frames, bands)``."""
        waveform = checked(waveform, self.inputs, f"audio of {self.inputs} microphones", shortest=self.stft.hop)
        with full_precision(waveform):
            return torch.cat([self._recording(part) for part in self.stft.recordings(waveform)])

    def _recording(self, waveform: Tensor) -> Tensor:
        return torch.cat([self._features(*parts) for parts in self.stft.runs(waveform)], dim=-2)

    def _features(self, real: Tensor, imaginary: Tensor) -> Tensor:
        real, imaginary = real[..., self.cut], imaginary[..., self.cut]
        same = real[:, :1] * real[:, 1:] + imaginary[:, :1] * imaginary[:, 1:]
        across = real[:, :1] * imaginary[:, 1:] - imaginary[:, :1] * real[:, 1:]
        # Exact zeros have no angle, and its slope would be NaN.
        silent = (same == 0) & (across == 0)
        phase = torch.atan2(across, torch.where(silent, 1.0, same))
        return torch.cat([decibels(real.square() + imaginary.square()), phase * self.metres.to(real.dtype)], dim=1)
