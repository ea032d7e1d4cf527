"""From a network that predicts velocities to one that removes noise, and guidance by conditions.

Guidance (arXiv:2207.12598) compares what the network predicts with and without a condition and goes further that way.
All is computed in one batch: a guided network is asked about the same latents several times, so whoever guides gives the
velocity function conditions of as many parts, stacked in the order that is named below.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from auris.errors import ParameterError
from auris.models.diffusion.schedules import time_of_sigma

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Noised latents (B, ...) of unit variance and times (B,) to velocities (B, ...)."""

Denoiser = Callable[[Tensor, float], Tensor]
"""Clean latents plus noise of level sigma (B, ...), and that sigma, to an estimate of the clean latents."""


def denoiser(velocity: Velocity) -> Denoiser:
    """Return the denoiser of a network that predicts velocities.

    ``D(x, sigma) = x / (sigma^2 + 1) - sigma / sqrt(sigma^2 + 1) * v(x / sqrt(sigma^2 + 1), t)`` (arXiv:2202.00512).

    Args:
        velocity: the network, conditions included.
    """

    def denoise(noised: Tensor, sigma: float) -> Tensor:
        length = math.hypot(sigma, 1)
        t = torch.full((len(noised),), time_of_sigma(sigma), dtype=noised.dtype, device=noised.device)
        return noised / length**2 - sigma / length * velocity(noised / length, t).to(noised.dtype)

    return denoise


def guided(velocity: Velocity, *, scale: float, rescale: float = 0.0, channel_axis: int = 1) -> Velocity:
    """Return a network guided by one condition: ``without + scale * (with - without)``.

    Args:
        velocity: is asked about two copies of the batch: the first is with the condition, the second without.
        scale: 1 is no guidance, 0 no condition.
        rescale: share, 0 to 1, of each frame's result that is brought back to the deviation over channels of the conditional
            prediction (arXiv:2305.08891); 0 as published with SpatialSonic.
        channel_axis: of the latents; needed for ``rescale`` alone.

    Raises:
        ParameterError: a number is not finite, or the share is not 0 to 1.
    """
    _refuse_bad_scales(rescale, scale=scale)

    def together(noised: Tensor, t: Tensor) -> Tensor:
        given, without = _asked(velocity, noised, t, copies=2)
        return _rescaled(without + scale * (given - without), given, rescale, channel_axis)

    return together


def guided_twice(velocity: Velocity, *, text: float, position: float, rescale: float = 0.0, channel_axis: int = 1) -> Velocity:
    """Return a network guided by two conditions, as in arXiv:2211.09800: what is heard, and then where.

    ``nothing + text * (text alone - nothing) + position * (both - text alone)``; equal scales are guidance by both as one
    condition. It needs a network that was trained with the position dropped alone, and with both dropped.

    Args:
        velocity: is asked about three copies of the batch: with both conditions, with the text alone, with nothing.
        text: scale of the text.
        position: scale of the position.
        rescale: as for :func:`guided`.
        channel_axis: as for :func:`guided`.

    Raises:
        ParameterError: as :func:`guided`.
    """
    _refuse_bad_scales(rescale, text=text, position=position)

    def together(noised: Tensor, t: Tensor) -> Tensor:
        both, words, nothing = _asked(velocity, noised, t, copies=3)
        return _rescaled(nothing + text * (words - nothing) + position * (both - words), both, rescale, channel_axis)

    return together


def _asked(velocity: Velocity, noised: Tensor, t: Tensor, *, copies: int) -> tuple[Tensor, ...]:
    repeated = noised.repeat(copies, *[1] * (noised.ndim - 1))
    return velocity(repeated, t.repeat(copies)).to(noised.dtype).chunk(copies)  # differences want the latents' precision


def _rescaled(result: Tensor, conditional: Tensor, share: float, axis: int) -> Tensor:
    if share == 0:
        return result
    deviation = conditional.std(dim=axis, keepdim=True) / result.std(dim=axis, keepdim=True).clamp_min(1e-12)
    return result * (share * deviation + (1 - share))


def _refuse_bad_scales(rescale: float, **scales: float) -> None:
    for name, scale in scales.items():
        if not math.isfinite(scale):
            raise ParameterError(f"the guidance scale {name} is a finite number, got {scale}")
    if not 0 <= rescale <= 1:
        raise ParameterError(f"rescale is a share of 0 to 1, got {rescale}")
