"""Short-time Fourier transform with its window kept beside the weights.

Frame ``t`` is centred at sample ``t * hop``; beyond its ends a signal counts as silent. Spectra are scaled so that white
noise of unit variance has unit power in every bin, whatever the window.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from auris.errors import ParameterError


class Stft(nn.Module):
    """Spectra of waveforms.

    Args:
        n_fft: length of the transform in samples.
        window: length of the periodic Hann window in samples, at most ``n_fft``.
        hop: samples from one frame to the next.

    Shape:
        - Input: ``(..., samples)`` real
        - Output: ``(..., frames, n_fft // 2 + 1)`` complex, with ``frames = samples // hop``

    Raises:
        ParameterError: the sizes contradict each other.

    >>> Stft(n_fft=512, window=400, hop=160)(torch.zeros(2, 4, 16000)).shape
    torch.Size([2, 4, 100, 257])
    """

    window: Tensor

    def __init__(self, *, n_fft: int, window: int, hop: int) -> None:
        super().__init__()
        if not 0 < hop <= window <= n_fft:
            raise ParameterError(f"an STFT needs 0 < hop <= window <= n_fft, got hop={hop}, window={window}, n_fft={n_fft}")
        self.n_fft, self.hop = n_fft, hop
        hann = torch.hann_window(window)
        # Not saved with the weights: it follows from the configuration.
        self.register_buffer("window", hann / math.sqrt(float(hann.square().sum())), persistent=False)

    @property
    def bins(self) -> int:
        """Number of frequencies."""
        return self.n_fft // 2 + 1

    def forward(self, waveform: Tensor) -> Tensor:
        """Return complex spectra ``(..., frames, bins)``."""
        flat = waveform.reshape(-1, waveform.shape[-1])
        spectra = torch.stft(
            flat,
            self.n_fft,
            self.hop,
            self.window.shape[0],
            self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        frames = waveform.shape[-1] // self.hop
        return spectra.transpose(-1, -2)[:, :frames].reshape(*waveform.shape[:-1], frames, self.bins)
