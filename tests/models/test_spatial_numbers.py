"""Delays, level differences and coherence of two channels: measured right, applied right."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.signal import butter, lfilter

from auris.models.scene_diffusion.spatial_numbers import SpatialAnalysis, SpatialNumbers
from auris.models.scene_diffusion.vocoder import FourierFrames

RATE, BLOCK, BLOCKS = 16_000, 12, 4
FRAMES = FourierFrames(n_fft=1024, hop=256)
SPACE = SpatialAnalysis(
    sample_rate=RATE, n_fft=1024, block=BLOCK, edges=(500.0, 1500.0, 4000.0), longest_delay=0.00052, floor=1e-8
)
LENGTH = BLOCK * BLOCKS * 256


def noise(seed: int, length: int = LENGTH) -> torch.Tensor:
    return torch.from_numpy(0.05 * np.random.default_rng(seed).standard_normal(length)).float()


def spectra(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = FRAMES(torch.stack([left, right])[None])
    return result


def numbers(delay: float = 0.0, level: float = 0.0, angle: float = 0.0, blocks: int = BLOCKS) -> SpatialNumbers:
    full = torch.full((1, blocks, 4), 1.0)
    return SpatialNumbers(torch.full((1, blocks), delay), level * full, angle * full)


@examples(max_examples=6)
@given(delay=st.floats(-0.0005, 0.0005), level=st.floats(-12, 12), angle=st.floats(0.0, 1.2), seed=st.integers(0, 100))
def test_what_is_applied_is_measured(delay: float, level: float, angle: float, seed: int) -> None:
    applied = SPACE.placed(FRAMES(noise(seed)[None]), FRAMES(noise(seed + 1000)[None]), numbers(delay, level, angle))
    measured = SPACE.measure(FRAMES(FRAMES.inverse(applied)))
    assert torch.allclose(measured.delays, torch.tensor(delay), atol=1.5e-5)
    assert torch.allclose(measured.levels.mean(1), torch.tensor(level), atol=0.8)
    assert torch.allclose(measured.angles.mean(1), torch.tensor(angle), atol=0.15)


def test_the_mean_power_of_the_channels_stays() -> None:
    mono, other = FRAMES(noise(1)[None]), FRAMES(noise(2)[None])
    stereo = SPACE.placed(mono, other, numbers(0.0003, 9.0, 0.9))
    assert float(stereo.abs().square().mean() / mono.abs().square().mean()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("samples", [-8, -3, 0, 5])
def test_a_whole_delay_is_found_to_a_microsecond(samples: int) -> None:
    sound = noise(3, LENGTH + 16)
    left, right = sound[8 : 8 + LENGTH], sound[8 - samples : 8 - samples + LENGTH]  # the right one is later
    measured = SPACE.measure(spectra(left, right))
    assert torch.allclose(measured.delays, torch.tensor(samples / RATE), atol=1.5e-6)
    assert float(measured.angles.max()) < 0.2


def test_a_low_pitched_sound_is_delayed_too() -> None:
    sound = torch.from_numpy(lfilter(*butter(4, 400, fs=RATE), noise(8, LENGTH + 16).numpy())).float()
    left, right = sound[8 : 8 + LENGTH], sound[3 : 3 + LENGTH]
    assert torch.allclose(SPACE.measure(spectra(left, right)).delays, torch.tensor(5 / RATE), atol=2e-5)


@pytest.mark.parametrize("silent", [slice(3072, 2 * 3072), slice(3072, 19 * 3072)], ids=["a block", "3.5 s"])
def test_silent_blocks_take_the_numbers_of_their_neighbours(silent: slice) -> None:
    sound = noise(4, 20 * 3072)
    sound[silent] = 0
    stereo = SPACE.placed(FRAMES(sound[None]), FRAMES(sound[None]), numbers(0.0004, 6.0, blocks=20))
    waves = FRAMES.inverse(stereo)
    waves[..., silent.start + 1024 : silent.stop - 1024] = 0
    measured = SPACE.measure(FRAMES(waves))
    assert torch.allclose(measured.delays, torch.tensor(0.0004), atol=2e-5)
    assert torch.allclose(measured.levels, torch.tensor(6.0), atol=0.7)


def test_silence_has_numbers_that_are_zero() -> None:
    measured = SPACE.measure(torch.zeros(2, 2, BLOCK * BLOCKS, 513, dtype=torch.complex64))
    for part in (measured.delays, measured.levels, measured.angles):
        assert torch.equal(part, torch.zeros_like(part))


def test_independent_channels_are_at_right_angles() -> None:
    measured = SPACE.measure(spectra(noise(5), noise(6)), delays=torch.zeros(1, BLOCKS))
    assert torch.allclose(measured.angles[..., 1:], torch.tensor(math.pi / 2), atol=0.3)


def test_known_delays_are_kept() -> None:
    known = torch.linspace(-4e-4, 4e-4, BLOCKS)[None]
    assert torch.equal(SPACE.measure(spectra(noise(7), noise(7)), delays=known).delays, known)


def test_a_moving_delay_makes_no_clicks() -> None:
    blocks = 8
    time = torch.arange(blocks * BLOCK * 256) / RATE
    tone = torch.sin(2 * math.pi * 1000 * time)[None]
    moving = SpatialNumbers(torch.linspace(-5e-4, 5e-4, blocks)[None], torch.zeros(1, blocks, 4), torch.zeros(1, blocks, 4))
    waves = FRAMES.inverse(SPACE.placed(FRAMES(tone), FRAMES(tone), moving))[0, :, 1024:-1024]
    power = FRAMES(waves[..., : waves.shape[-1] // 256 * 256]).abs().square()[:, 4:-4]
    beside = power[..., 128:].sum(-1) / power.sum(-1)  # above 2 kHz there is nothing to be heard
    assert float(beside.max()) < 1e-5
    assert float(waves.abs().max()) < 1.05
