"""Frames and back, phases from magnitudes, decorrelated copies."""

from __future__ import annotations

import math

import pytest
import torch

from auris.errors import ParameterError
from auris.models.scene_diffusion.vocoder import Decorrelator, FourierFrames, GriffinLim

FRAMES = FourierFrames(n_fft=1024, hop=256)
LENGTH = 64 * 256


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(seed: int = 0, batch: int = 1) -> torch.Tensor:
    return 0.1 * torch.randn(batch, LENGTH, generator=generator(seed))


def tone(pitch: float) -> torch.Tensor:
    return 0.1 * torch.sin(2 * math.pi * pitch * torch.arange(LENGTH) / 16_000)[None]


def test_frames_come_back_to_the_last_sample() -> None:
    wave = noise(batch=3).reshape(3, 1, -1)
    spectra = FRAMES(wave)
    assert spectra.shape == (3, 1, 64, 513)
    assert torch.allclose(FRAMES.inverse(spectra), wave, atol=1e-5)


def test_white_noise_of_unit_variance_has_unit_power() -> None:
    assert float(FRAMES(10 * noise(batch=4))[:, 4:-4].abs().square().mean()) == pytest.approx(1.0, abs=0.03)


def test_frames_that_overlap_too_little_are_refused() -> None:
    with pytest.raises(ParameterError, match="three quarters"):
        FourierFrames(n_fft=1024, hop=512)


@pytest.mark.parametrize("wave", [tone(440.0), tone(440.0) + tone(1330.0), noise(1)], ids=["tone", "two tones", "noise"])
def test_phases_fit_the_magnitudes(wave: torch.Tensor) -> None:
    magnitudes = FRAMES(wave).abs()
    found = FRAMES(GriffinLim(FRAMES, iterations=16)(magnitudes, generator=generator())).abs()
    assert float((found - magnitudes).norm() / magnitudes.norm()) < 0.2


def test_more_steps_fit_better_and_equal_seeds_sound_equal() -> None:
    magnitudes = FRAMES(noise(2)).abs()
    waves = [GriffinLim(FRAMES, iterations=steps)(magnitudes, generator=generator(5)) for steps in (2, 16, 16)]
    errors = [float((FRAMES(wave).abs() - magnitudes).norm()) for wave in waves]
    assert errors[1] < 0.6 * errors[0]
    assert torch.equal(waves[1], waves[2])


def test_silence_stays_silent() -> None:
    wave = GriffinLim(FRAMES, iterations=3)(torch.zeros(2, 8, 513), generator=generator())
    assert torch.equal(wave, torch.zeros(2, 8 * 256))


def test_a_copy_has_the_same_spectrum_and_little_in_common() -> None:
    wave = noise(3)
    spectra = FRAMES(wave)
    copy = Decorrelator(FRAMES, sample_rate=16_000)(wave, spectra, generator=generator(1))
    assert float(copy.abs().square().mean() / spectra.abs().square().mean()) == pytest.approx(1.0, abs=0.05)
    together = (copy * spectra.conj()).sum().abs() / (copy.abs().norm() * spectra.abs().norm())
    assert float(together) < 0.3


def test_a_copy_of_silence_is_silent_and_finite() -> None:
    wave = torch.zeros(1, LENGTH)
    copy = Decorrelator(FRAMES, sample_rate=16_000)(wave, FRAMES(wave), generator=generator())
    assert float(copy.abs().max()) == 0.0
