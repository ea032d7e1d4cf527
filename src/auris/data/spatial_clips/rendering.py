"""Dry clips become what two ears hear: a convolution of a whole batch, on any device."""

from __future__ import annotations

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from auris.errors import ParameterError


def render(dry: Tensor, responses: Tensor) -> Tensor:
    """Convolve sources with their responses and add them up.

    Args:
        dry: ``(batch, sources, samples)``.
        responses: ``(batch, sources, channels, taps)``, on the same device.

    Returns:
        float32 ``(batch, channels, samples)``: as long as the dry clips, what rings on is cut.

    Raises:
        ParameterError: the shapes do not fit together.
    """
    if dry.ndim != 3 or responses.ndim != 4 or dry.shape[:2] != responses.shape[:2] or not responses.shape[3]:
        raise ParameterError(
            "rendering needs dry clips (batch, sources, samples) and responses (batch, sources, channels, taps), "
            f"got {tuple(dry.shape)} and {tuple(responses.shape)}"
        )
    samples = dry.shape[-1]
    # Half precision would leave an echo of its rounding in every silence, whatever the network runs in.
    with torch.autocast(dry.device.type, enabled=False):
        length = int(next_fast_len(samples + responses.shape[-1] - 1, real=True))
        signals = torch.fft.rfft(dry.float(), n=length)
        filters = torch.fft.rfft(responses.float(), n=length)
        # Nearly always there is one source; the sum over sources is then a copy that nobody needs.
        heard = filters[:, 0] * signals if dry.shape[1] == 1 else torch.einsum("bsf,bscf->bcf", signals, filters)
        sounds: Tensor = torch.fft.irfft(heard, n=length)[..., :samples]
    return sounds
