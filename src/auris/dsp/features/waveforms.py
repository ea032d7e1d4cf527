"""What the front ends ask of waveforms."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from auris.errors import LayoutError, ParameterError


def checked(waveform: Tensor, channels: int, what: str, *, shortest: int = 1) -> Tensor:
    """Return the waveform in single precision at least.

    Args:
        waveform: what a front end was given.
        channels: what it needs.
        what: the audio it needs, for messages.
        shortest: samples that make a frame.

    Raises:
        LayoutError: its shape is not ``(batch, channels, samples)``.
        ParameterError: its samples are whole numbers, too few or none.
    """
    if waveform.ndim != 3 or waveform.shape[1] != channels:
        raise LayoutError(f"{what} must have shape (batch, {channels}, samples), got {tuple(waveform.shape)}")
    if not waveform.is_floating_point():
        raise ParameterError(f"samples must be floating-point numbers with full scale at 1, got {waveform.dtype}")
    if not waveform.shape[0] or waveform.shape[2] < shortest:
        raise ParameterError(f"there must be a recording of {shortest} samples or more, got {tuple(waveform.shape)}")
    return waveform.to(torch.promote_types(waveform.dtype, torch.float32))


def full_precision(waveform: Tensor) -> AbstractContextManager[object]:
    """Return a context without autocast: eight bits of mantissa are too few for power spectra."""
    kind = waveform.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()
