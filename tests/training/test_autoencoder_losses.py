"""Losses of an autoencoder of several channels, and the discriminator that judges it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auris.training.autoencoder_losses import AutoencoderLossRecipe, ReconstructionLoss, Views, divergence, pairs_of
from auris.training.spatialsonic_discriminator import Discriminator, DiscriminatorRecipe


def noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def later(wave: Tensor, samples: int) -> Tensor:
    """The same wave with its second channel some samples later."""
    return torch.stack([wave[:, 0], torch.roll(wave[:, 1], samples, dims=-1)], dim=1)


@pytest.fixture(scope="module")
def loss() -> ReconstructionLoss:
    return ReconstructionLoss((512, 128))


def test_nothing_is_lost_where_nothing_differs(loss: ReconstructionLoss) -> None:
    wave = noise(2, 2, 4000)
    spectral, phase = loss(wave, wave)
    assert float(spectral) == 0
    assert float(phase) == pytest.approx(0, abs=1e-6)
    assert [float(part) for part in loss(torch.zeros_like(wave), torch.zeros_like(wave))] == [0, 0]


def test_a_time_difference_is_heard_by_the_phase_alone_where_channels_differ_otherwise(loss: ReconstructionLoss) -> None:
    """Of two independent channels, sums and differences are as loud whatever their delay."""
    wave = noise(2, 2, 8000)
    delayed = later(wave, 3)
    spectral, phase = loss(delayed, wave)
    assert float(phase) > 0.5
    same, shifted = torch.roll(wave, 3, dims=-1), loss(torch.roll(wave, 3, dims=-1), wave)
    assert float(shifted[1]) < 0.1 < float(phase)  # both channels later: nothing between them has changed
    assert float(spectral) < 1.0
    assert same.shape == wave.shape


def test_phases_do_not_ask_for_level_and_spectra_do(loss: ReconstructionLoss) -> None:
    wave = noise(2, 2, 4000)
    spectral, phase = loss(0.5 * wave, wave)
    assert float(phase) == pytest.approx(0, abs=1e-6)
    assert float(spectral) == pytest.approx(0.5 + 0.693, abs=0.02)  # relative distance, and that of logarithms


def test_differences_count_where_both_channels_are_alike(loss: ReconstructionLoss) -> None:
    mono = noise(1, 1, 4000).expand(1, 2, 4000)
    side = torch.cat([noise(1, 1, 4000, seed=1), -noise(1, 1, 4000, seed=1)], dim=1)
    wide = mono + 0.01 * side
    assert float(loss(wide, mono)[0]) > 1.0  # there is no difference in what is wanted


def test_a_spectrum_has_the_power_of_its_wave() -> None:
    tone = 0.3 * torch.sin(torch.arange(8000) * 0.7)[None, None]
    for window in (512, 64):
        power = Views(window).spectra(tone).abs().square()
        both_sides = 2 * power.sum(dim=2)[..., 10:-10].mean()
        assert float(both_sides) / window == pytest.approx(0.3**2 / 2, rel=0.02)


@pytest.mark.parametrize(("channels", "views"), [(1, 1), (2, 4), (4, 16)])
def test_all_pairs_of_channels_are_compared(channels: int, views: int) -> None:
    wave = noise(2, channels, 2000)
    assert Views.with_pairs(Views(64).spectra(wave)).shape[1] == views
    assert len(list(pairs_of(channels))) == (views - channels) // 2
    made = (0.9 * wave).requires_grad_()
    torch.autograd.backward(sum(ReconstructionLoss((64,))(made, wave)))
    assert made.grad is not None
    assert bool(made.grad.isfinite().all())


def test_gradients_of_silence_are_numbers(loss: ReconstructionLoss) -> None:
    for wanted in (noise(1, 2, 2000), torch.zeros(1, 2, 2000)):
        made = torch.zeros(1, 2, 2000, requires_grad=True)
        torch.autograd.backward(sum(loss(made, wanted)))
        assert made.grad is not None
        assert bool(made.grad.isfinite().all())


def test_latents_of_a_standard_normal_distribution_cost_nothing() -> None:
    assert float(divergence(torch.zeros(2, 3, 5), torch.ones(2, 3, 5))) == 0
    assert float(divergence(torch.full((2, 3, 5), 2.0), torch.ones(2, 3, 5))) == pytest.approx(3 * 4)


def test_each_learns_from_its_own_loss_alone() -> None:
    torch.manual_seed(0)
    judge = Discriminator(DiscriminatorRecipe(windows=(128, 64), width=4), channels=2)
    real, made = noise(2, 2, 2000), noise(2, 2, 2000, seed=1).requires_grad_()
    verdict, features = judge.judgement(made, real)
    torch.autograd.backward(verdict + features)
    assert made.grad is not None
    assert made.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in judge.parameters())
    made.grad = None
    torch.autograd.backward(judge.own_loss(made, real))
    assert made.grad is None
    assert all(parameter.grad is not None for parameter in judge.parameters())


def test_a_discriminator_learns_to_tell() -> None:
    torch.manual_seed(0)
    judge = Discriminator(DiscriminatorRecipe(windows=(64,), width=4), channels=2)
    optimiser = torch.optim.Adam(judge.parameters(), 1e-2)
    tone = torch.sin(torch.arange(1000) * 0.3).expand(2, 2, 1000)
    first = None
    for step in range(40):
        optimiser.zero_grad()
        loss = judge.own_loss(noise(2, 2, 1000, seed=step), 0.1 * tone)
        first = first or float(loss.detach())
        torch.autograd.backward(loss)
        optimiser.step()
    assert float(loss.detach()) < 0.6 * first


def test_equal_features_are_at_no_distance() -> None:
    judge = Discriminator(DiscriminatorRecipe(windows=(64,), width=4), channels=1)
    wave = noise(1, 1, 1000)
    assert float(judge.judgement(wave, wave)[1]) == 0
    assert AutoencoderLossRecipe().adversarial == 0.1
