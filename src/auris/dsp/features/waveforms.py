"""What the front ends ask of waveforms."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from auris.errors import LayoutError, ParameterError


def checked(waveform: Tensor, channels: int, what: str) -> Tensor:
    """Return the waveform in single precision at least.

    Raises:
        LayoutError: its shape is not ``(batch, channels, samples)``.
        ParameterError: its samples are whole numbers.
    """
    if waveform.ndim != 3 or waveform.shape[1] != channels:
        raise LayoutError(f"{what} must have shape (batch, {channels}, samples), got {tuple(waveform.shape)}")
    if not waveform.is_floating_point():
        raise ParameterError(f"samples must be floating-point numbers with full scale at 1, got {waveform.dtype}")
    return waveform.to(torch.promote_types(waveform.dtype, torch.float32))


def full_precision(waveform: Tensor) -> AbstractContextManager[object]:
    """Return a context without autocast: eight bits of mantissa are too few for power spectra."""
    kind = waveform.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()
