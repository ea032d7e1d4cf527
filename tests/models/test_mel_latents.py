"""Mel levels and their principal components."""

from __future__ import annotations

import pytest
import torch

from auris.errors import ParameterError
from auris.models.scene_diffusion.mel_latents import MelLatents, MelLevels

MEL = MelLevels(sample_rate=16_000, bins=513, mels=80, floor_db=-80.0)


def examples(count: int = 40, rank: int = 5, seed: int = 0) -> torch.Tensor:
    """Levels ``(count, 24, 8)`` whose blocks of 4 frames span few dimensions."""
    random = torch.Generator().manual_seed(seed)
    basis = torch.randn(rank, 32, generator=torch.Generator().manual_seed(7))
    return (10 * torch.randn(count, 6, rank, generator=random) @ basis - 40).reshape(count, 24, 8)


def test_white_noise_at_full_scale_has_0_db_in_every_band() -> None:
    levels = MEL(torch.ones(3, 513))
    assert torch.allclose(levels, torch.zeros(3, 80), atol=0.05)


def test_silence_rests_on_the_floor_and_comes_back_as_silence() -> None:
    levels = MEL(torch.zeros(2, 4, 513))
    assert torch.allclose(levels, torch.full((2, 4, 80), -80.0), atol=1e-4)
    assert float(MEL.power(levels).max()) < 1e-12
    assert float(MEL.power(levels + 1.0).max()) < 10**-8  # an error of a decibel is heard below the floor only


def test_spectra_of_levels_have_these_levels() -> None:
    random = torch.Generator().manual_seed(1)
    tilted = torch.exp(torch.randn(1, 6, 513, generator=random) - torch.arange(513) / 60) * 1e-2
    levels = MEL(tilted)
    back = MEL.power(levels)
    assert float(back.min()) >= 0
    assert float((MEL(back) - levels).abs().mean()) < 0.3


def test_components_of_few_dimensions_lose_nothing_and_have_unit_variance() -> None:
    code = MelLatents(mels=8, block=4, components=6)
    assert code.fit(examples().split(7)) == pytest.approx(1.0, abs=1e-4)
    latents = code(examples())
    assert latents.shape == (40, 6, 6)
    assert torch.allclose(code.levels(latents), examples(), atol=0.05)
    assert torch.allclose(latents[..., :5].reshape(-1, 5).square().mean(0), torch.ones(5), atol=0.01)


def test_more_components_lose_less() -> None:
    levels = examples(rank=20)
    errors = []
    for count in (2, 8, 16):
        code = MelLatents(mels=8, block=4, components=count)
        code.fit([levels])
        errors.append(float((code.levels(code(levels)) - levels).square().mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 4 * errors[2]


def test_the_fit_does_not_depend_on_the_batches() -> None:
    codes = [MelLatents(mels=8, block=4, components=5) for _ in range(2)]
    for code, size in zip(codes, (3, 40), strict=True):
        code.fit(examples().split(size))
    first, second = (code(examples(seed=3)) for code in codes)
    assert torch.allclose(first, second, atol=1e-3)


def test_too_few_examples_and_too_many_components_are_refused() -> None:
    with pytest.raises(ParameterError, match="need as many blocks"):
        MelLatents(mels=8, block=4, components=32).fit([examples(count=2)])
    with pytest.raises(ParameterError, match="1 to 32 components"):
        MelLatents(mels=8, block=4, components=33)
