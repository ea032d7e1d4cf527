"""Samplers: from noise to latents in a given number of evaluations of a denoiser.

All work on latents of any shape in the form "clean plus sigma times noise", and are exact functions of their arguments and
of the generator. A step goes from one level of noise to the next; ``h`` is the logarithm of their ratio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from auris.errors import AurisError, ParameterError, unknown_name
from auris.models.diffusion.denoising import Denoiser

Sampler = Literal["dpmpp_3m_sde", "dpmpp_2m_sde", "ddim"]
Randomness = torch.Generator | Sequence[torch.Generator]
"""One generator, or one for each member of the batch: then a member is the same whatever else is in the batch."""

Report = Callable[[int, int], None]
"""Called after every step with the number of steps done and that of all."""


def unit_noise(shape: Sequence[int], generator: Randomness, *, device: torch.device | str = "cpu") -> Tensor:
    """Return normal noise of unit variance, float32.

    It is drawn where the generator lives: one on the CPU gives the same noise on every device.

    Args:
        shape: (B, ...).
        generator: one, or B of them.
        device: where the noise is put.

    Raises:
        ParameterError: there are generators, but not one for each member.
    """
    if isinstance(generator, torch.Generator):
        return torch.randn(tuple(shape), generator=generator, device=generator.device).to(device)
    if len(generator) != shape[0]:
        raise ParameterError(f"give one generator or one for each of {shape[0]} members, got {len(generator)}")
    return torch.cat([unit_noise((1, *shape[1:]), one, device=device) for one in generator])


def sample(
    denoise: Denoiser,
    noise: Tensor,
    sigmas: Sequence[float],
    *,
    method: Sampler = "dpmpp_3m_sde",
    generator: Randomness | None = None,
    step_noise: Sequence[Tensor] | None = None,
    eta: float = 1.0,
    report: Report | None = None,
) -> Tensor:
    """Turn noise into latents.

    Args:
        denoise: of :func:`auris.models.diffusion.denoising.denoiser`.
        noise: (B, ...) of unit variance; where the sampler starts, times the first level.
        sigmas: of :mod:`auris.models.diffusion.schedules`: falling levels, of which the last may be 0.
        method: ``dpmpp_3m_sde`` and ``dpmpp_2m_sde`` are DPM-Solver++ (arXiv:2211.01095) of order 3 and 2; ``ddim``
            (arXiv:2010.02502) is order 1.
        generator: draws the noise that is added at every step; needed where ``eta`` is above 0 and there is no ``step_noise``.
        step_noise: this noise itself, one tensor like ``noise`` and of unit variance for every step that does not end at 0.
        eta: how much fresh noise replaces the old: 0 none (the same noise always gives the same latents), 1 as published.
        report: of progress.

    Returns:
        (B, ...) latents like ``noise``.

    Raises:
        AurisError: the latents are not finite, most likely because half precision was too narrow for them.
        ParameterError: the method is unknown, the levels do not fall, or there is no or too little noise for the steps.
    """
    if method not in _STEPPERS:
        raise ParameterError(unknown_name("sampler", method, _STEPPERS))
    if len(sigmas) < 2 or not all(high > low >= 0 for high, low in pairwise(sigmas)):
        raise ParameterError(
            f"a sampler goes through at least 2 falling levels of noise, of which the last may be 0, got {sigmas}"
        )
    if not 0 <= eta < math.inf or (method == "ddim" and eta > 1):
        raise ParameterError(f"eta is at least 0, with ddim at most 1, got {eta:g}")
    noisy_steps = sum(low > 0 for low in sigmas[1:]) if eta > 0 else 0
    fresh = _fresh_noise(noise, generator, step_noise, steps=noisy_steps)
    stepper = _STEPPERS[method](eta)
    latents = noise * sigmas[0]
    for done, (sigma, following) in enumerate(pairwise(sigmas), start=1):
        latents, added = stepper.step(latents, denoise(latents, sigma), sigma, following)
        if added > 0:
            latents = latents + added * next(fresh)
        if report is not None:
            report(done, len(sigmas) - 1)
    if not latents.isfinite().all():
        raise AurisError("the sampler arrived at NaN or infinite latents; compute in float32, or guide less")
    return latents


def _fresh_noise(like: Tensor, generator: Randomness | None, given: Sequence[Tensor] | None, *, steps: int) -> Iterator[Tensor]:
    """The noise of every step but the last."""
    if given is not None:
        if len(given) < steps:
            raise ParameterError(f"{steps} steps add noise, step_noise has {len(given)} tensors")
        return (noise.to(like) for noise in given)
    if generator is None:
        if steps:
            raise ParameterError("with eta above 0 the steps add noise: give a generator (or step_noise)")
        return iter(())
    return (unit_noise(like.shape, generator, device=like.device).to(like.dtype) for _ in range(steps))


class _Ddim:
    """Order 1: the noise that is left is scaled, and a part of it exchanged."""

    def __init__(self, eta: float) -> None:
        self.eta = eta

    def step(self, latents: Tensor, clean: Tensor, sigma: float, following: float) -> tuple[Tensor, float]:
        added = self.eta * following / sigma * math.sqrt(sigma**2 - following**2)
        kept = math.sqrt(following**2 - added**2)
        return clean + (latents - clean) * (kept / sigma), added


class _DpmSolver:
    """DPM-Solver++ with noise: exact for the linear part, estimates of clean latents extrapolated from those before."""

    def __init__(self, eta: float) -> None:
        self.eta = eta
        self.before: list[tuple[float, Tensor]] = []  # of earlier steps, latest first: h and clean latents

    def step(self, latents: Tensor, clean: Tensor, sigma: float, following: float) -> tuple[Tensor, float]:
        if following == 0:
            return clean, 0.0
        h = math.log(sigma / following)
        reach = h * (1 + self.eta)
        moved = torch.lerp(clean, latents, math.exp(-reach)) + self.correction(clean, h, reach)
        self.before = [(h, clean), *self.before[:1]]
        return moved, following * math.sqrt(-math.expm1(-2 * h * self.eta))

    def correction(self, clean: Tensor, h: float, reach: float) -> Tensor | float:
        raise NotImplementedError


class _DpmSolver2(_DpmSolver):
    """Order 2, by the midpoint rule."""

    def correction(self, clean: Tensor, h: float, reach: float) -> Tensor | float:
        if not self.before:
            return 0.0
        last_h, last = self.before[0]
        return (-math.expm1(-reach) / 2 * h / last_h) * (clean - last)


class _DpmSolver3(_DpmSolver):
    """Order 3: order 2 in its second step."""

    def correction(self, clean: Tensor, h: float, reach: float) -> Tensor | float:
        if not self.before:
            return 0.0
        phi_2 = math.expm1(-reach) / reach + 1
        last_h, last = self.before[0]
        r0 = last_h / h
        slope = (clean - last) / r0
        if len(self.before) == 1:
            return phi_2 * slope
        earlier_h, earlier = self.before[1]
        bend = (slope - (last - earlier) / (earlier_h / h)) / (r0 + earlier_h / h)
        return phi_2 * (slope + bend * r0) - (phi_2 / reach - 0.5) * bend


_STEPPERS: dict[str, Callable[[float], _Ddim | _DpmSolver]] = {
    "dpmpp_3m_sde": _DpmSolver3,
    "dpmpp_2m_sde": _DpmSolver2,
    "ddim": _Ddim,
}
