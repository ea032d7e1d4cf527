"""Diffusion over latents of any shape: levels of noise, denoising and guidance, samplers, and what training needs."""

from auris.models.diffusion.denoising import Denoiser, Velocity, denoiser, guided, guided_twice
from auris.models.diffusion.objective import TrainingTimes, WeightAverage, clean_from_velocity, noised, velocity_target
from auris.models.diffusion.samplers import Randomness, Report, Sampler, sample, unit_noise
from auris.models.diffusion.schedules import (
    alpha_and_sigma,
    cosine_sigmas,
    polyexponential_sigmas,
    sigma_of_time,
    time_of_sigma,
)

__all__ = [
    "Denoiser",
    "Randomness",
    "Report",
    "Sampler",
    "TrainingTimes",
    "Velocity",
    "WeightAverage",
    "alpha_and_sigma",
    "clean_from_velocity",
    "cosine_sigmas",
    "denoiser",
    "guided",
    "guided_twice",
    "noised",
    "polyexponential_sigmas",
    "sample",
    "sigma_of_time",
    "time_of_sigma",
    "unit_noise",
    "velocity_target",
]
