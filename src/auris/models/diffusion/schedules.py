"""Noise levels: of time in training, and in the order a sampler goes through them.

Training mixes clean latents and noise as ``alpha(t) * clean + sigma(t) * noise`` with ``alpha = cos(pi t / 2)`` and
``sigma = sin(pi t / 2)``, ``t`` from 0 (clean) to 1 (noise alone). Samplers speak of the ratio of both, ``tan(pi t / 2)``,
here always called sigma: the level of the noise beside latents that are not scaled down.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from auris.errors import ParameterError


def alpha_and_sigma(t: Tensor) -> tuple[Tensor, Tensor]:
    """Return the shares of clean latents and of noise at times ``t``, whose squares add to one (arXiv:2202.00512)."""
    angle = t * (math.pi / 2)
    return angle.cos(), angle.sin()


def sigma_of_time(t: float) -> float:
    """Return the level of noise at a time of 0 to below 1.

    >>> round(sigma_of_time(0.5), 6)
    1.0
    """
    return math.tan(math.pi / 2 * t)


def time_of_sigma(sigma: float) -> float:
    """Return the time of a level of noise, 0 to 1.

    >>> round(time_of_sigma(1.0), 6), time_of_sigma(math.inf)
    (0.5, 1.0)
    """
    return 2 / math.pi * math.atan(sigma)


def polyexponential_sigmas(
    steps: int, *, sigma_min: float = 0.03, sigma_max: float = 1000.0, rho: float = 1.0
) -> tuple[float, ...]:
    """Return levels of noise that fall evenly in their logarithm, then 0.

    The defaults are those of SpatialSonic (arXiv:2410.10676), which takes 250 steps; stable-audio-open takes 100 from 500
    to 0.3.

    Args:
        steps: evaluations of the network.
        sigma_min: last level above 0.
        sigma_max: first level.
        rho: 1 is even; more spends the steps at low levels.

    Returns:
        ``steps + 1`` levels, falling, the last of them 0.

    Raises:
        ParameterError: no step, or levels that do not fall.

    >>> [round(sigma, 3) for sigma in polyexponential_sigmas(3, sigma_min=0.1, sigma_max=10)]
    [10.0, 1.0, 0.1, 0.0]
    """
    _refuse_bad_steps(steps)
    if not 0 < sigma_min < sigma_max < math.inf or not 0 < rho < math.inf:
        raise ParameterError(
            f"levels of noise fall from sigma_max to sigma_min > 0, got {sigma_max:g}, {sigma_min:g}, rho {rho:g}"
        )
    ramp = torch.linspace(1, 0, steps, dtype=torch.float64) ** rho
    return (*(sigma_min * (sigma_max / sigma_min) ** ramp).tolist(), 0.0)


def cosine_sigmas(steps: int, *, sigma_max: float = 100.0) -> tuple[float, ...]:
    """Return levels of noise that are even in time: a good choice for few steps of a small network.

    Args:
        steps: evaluations of the network.
        sigma_max: first level; the time of it is close to 1.

    Returns:
        ``steps + 1`` levels, falling, the last of them 0.

    Raises:
        ParameterError: no step, or a level that is not above 0.

    >>> [round(sigma, 2) for sigma in cosine_sigmas(4)]
    [100.0, 2.36, 0.99, 0.41, 0.0]
    """
    _refuse_bad_steps(steps)
    if not 0 < sigma_max < math.inf:
        raise ParameterError(f"sigma_max is above 0, got {sigma_max:g}")
    first = time_of_sigma(sigma_max)
    return tuple(sigma_of_time(first * (steps - step) / steps) for step in range(steps + 1))


def _refuse_bad_steps(steps: int) -> None:
    if steps < 1:
        raise ParameterError(f"a sampler takes at least 1 step, got {steps}")
