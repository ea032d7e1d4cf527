"""Levels of noise and samplers against k-diffusion, as SpatialSonic calls it (see the manifest.json)."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "reference"))

import fill

from auris.models import diffusion

FIXTURE = "dpmpp_3m_sde"
SHAPE = (2, 8, 21)


@pytest.mark.parametrize("fixture", [FIXTURE])
@pytest.mark.parametrize(
    ("name", "steps", "sigma_min", "sigma_max"),
    [("sigmas_12", 12, 0.03, 1000), ("sigmas_bewo250", 250, 0.03, 1000), ("sigmas_sao100", 100, 0.3, 500)],
)
def test_levels(fixture, name, steps, sigma_min, sigma_max):
    sigmas = diffusion.polyexponential_sigmas(steps, sigma_min=sigma_min, sigma_max=sigma_max)
    np.testing.assert_allclose(sigmas, fill.expected(fixture)[name], rtol=1e-6)


def normal_velocity(noised, t):
    """The best velocity for normal data of deviation 0.5, by the formula of the manifest."""
    alpha, sigma = (share[:, None, None] for share in diffusion.alpha_and_sigma(t))
    clean = alpha * 0.25 / (alpha**2 * 0.25 + sigma**2) * noised
    return alpha * (noised - alpha * clean) / sigma - sigma * clean


@pytest.mark.parametrize("fixture", [FIXTURE])
@pytest.mark.parametrize("eta", [0, 1])
@pytest.mark.parametrize("order", [2, 3])
def test_samplers(fixture, order, eta):
    noise, *steps = (
        torch.from_numpy(2 * fill.fill(f"sampler/{name}", SHAPE, "embed"))
        for name in ("init", *(f"step{i}" for i in range(11)))
    )
    latents = diffusion.sample(
        diffusion.denoiser(normal_velocity),
        noise,
        diffusion.polyexponential_sigmas(12),
        method=f"dpmpp_{order}m_sde",
        step_noise=steps,
        eta=eta,
    )
    np.testing.assert_allclose(latents, fill.expected(fixture)[f"analytic_{order}m_eta{eta}"], atol=1e-5)
