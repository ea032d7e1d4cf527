"""Diffusion: levels of noise, denoising, guidance and samplers, on data whose best denoiser is known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import AurisError, ParameterError
from auris.models import diffusion

METHODS = pytest.mark.parametrize("method", ["dpmpp_3m_sde", "dpmpp_2m_sde", "ddim"])
DEVIATION = 0.5


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian_velocity(noised, t):
    """The best velocity for normal data of a known mean and deviation."""
    alpha, sigma = (share.reshape(-1, *[1] * (noised.ndim - 1)) for share in diffusion.alpha_and_sigma(t))
    variance = alpha**2 * DEVIATION**2 + sigma**2
    clean = 1 + alpha * DEVIATION**2 / variance * (noised - alpha)
    return alpha * (noised - alpha * clean) / sigma - sigma * clean


@given(st.integers(1, 60), st.floats(1e-3, 1), st.floats(2, 2000), st.floats(0.3, 7))
def test_levels_fall_to_zero_between_what_was_asked(steps, lowest, highest, rho):
    sigmas = diffusion.polyexponential_sigmas(steps, sigma_min=lowest, sigma_max=highest, rho=rho)
    assert len(sigmas) == steps + 1
    assert sigmas[0] == pytest.approx(highest)
    assert steps == 1 or sigmas[-2] == pytest.approx(lowest)
    assert sigmas[-1] == 0
    assert list(sigmas) == sorted(sigmas, reverse=True)
    times = [diffusion.time_of_sigma(sigma) for sigma in diffusion.cosine_sigmas(steps, sigma_max=highest)]
    assert times == pytest.approx([times[0] * (steps - step) / steps for step in range(steps + 1)])


@given(st.floats(0, 0.99))
def test_time_and_level_are_each_other_s_inverse(t):
    assert diffusion.time_of_sigma(diffusion.sigma_of_time(t)) == pytest.approx(t, abs=1e-12)
    alpha, sigma = diffusion.alpha_and_sigma(torch.tensor([t], dtype=torch.float64))
    assert (alpha**2 + sigma**2).item() == pytest.approx(1)
    assert (sigma / alpha).item() == pytest.approx(diffusion.sigma_of_time(t), abs=1e-12)


@pytest.mark.parametrize(
    "levels",
    [
        lambda: diffusion.polyexponential_sigmas(0),
        lambda: diffusion.polyexponential_sigmas(5, sigma_min=3, sigma_max=3),
        lambda: diffusion.polyexponential_sigmas(5, sigma_min=0),
        lambda: diffusion.polyexponential_sigmas(5, rho=math.nan),
        lambda: diffusion.cosine_sigmas(-1),
        lambda: diffusion.cosine_sigmas(5, sigma_max=math.inf),
    ],
)
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(ParameterError):
        levels()


@pytest.mark.parametrize("shape", [(3,), (3, 5), (3, 4, 6), (3, 2, 3, 4)])
@pytest.mark.parametrize("t", [0.02, 0.4, 0.999])
def test_a_true_velocity_is_denoised_to_the_clean_latents(shape, t):
    clean, noise = torch.randn(2, *shape, generator=seeded(), dtype=torch.float64)
    times = torch.full(shape[:1], t, dtype=torch.float64)
    velocity = diffusion.velocity_target(clean, noise, times)
    sigma = diffusion.sigma_of_time(t)

    def network(scaled, at):
        torch.testing.assert_close(at, times)
        torch.testing.assert_close(scaled, diffusion.noised(clean, noise, times))
        return velocity

    torch.testing.assert_close(diffusion.denoiser(network)(clean + sigma * noise, sigma), clean)


@METHODS
@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("levels", [diffusion.polyexponential_sigmas, diffusion.cosine_sigmas])
def test_samples_are_distributed_like_the_data(method, eta, levels):
    noise = torch.randn(4000, 2, generator=seeded(1))
    steps = 250 if method == "ddim" and eta else 60
    latents = diffusion.sample(
        diffusion.denoiser(gaussian_velocity), noise, levels(steps), method=method, generator=seeded(2), eta=eta
    )
    assert latents.mean().item() == pytest.approx(1, abs=0.03)
    assert latents.std().item() == pytest.approx(DEVIATION, rel=0.06)


def test_higher_orders_are_closer_to_the_exact_flow():
    """Without fresh noise normal data goes on straight lines: from mean + a to mean + a * deviation / sigma."""
    noise = torch.randn(50, 3, generator=seeded(), dtype=torch.float64)
    exact = 1 + noise * DEVIATION
    sigmas = diffusion.polyexponential_sigmas(40, sigma_min=1e-3, sigma_max=1e4)
    errors = [
        (diffusion.sample(diffusion.denoiser(gaussian_velocity), noise, sigmas, method=method, eta=0) - exact).abs().max()
        for method in ("ddim", "dpmpp_2m_sde", "dpmpp_3m_sde")
    ]
    assert errors[0] > 6 * errors[1]
    assert errors[1] > 1.5 * errors[2]


@METHODS
def test_the_same_generator_gives_the_same_latents_alone_and_in_a_batch(method):
    sigmas = diffusion.cosine_sigmas(9)
    denoise = diffusion.denoiser(gaussian_velocity)

    def drawn(seeds):
        generators = [seeded(seed) for seed in seeds]
        noise = diffusion.unit_noise((len(seeds), 4, 7), generators)
        return diffusion.sample(denoise, noise, sigmas, method=method, generator=generators)

    together = drawn([5, 6, 7])
    assert torch.equal(together, drawn([5, 6, 7]))
    assert torch.equal(together[1:2], drawn([6]))
    one = diffusion.sample(denoise, torch.ones(1, 4, 7), sigmas, method=method, generator=seeded(3))
    assert torch.equal(one, diffusion.sample(denoise, torch.ones(1, 4, 7), sigmas, method=method, generator=seeded(3)))
    assert not torch.equal(one, diffusion.sample(denoise, torch.ones(1, 4, 7), sigmas, method=method, generator=seeded(4)))


@METHODS
def test_given_step_noise_is_what_the_generator_would_have_drawn(method):
    sigmas, noise = diffusion.polyexponential_sigmas(7), torch.randn(2, 3, generator=seeded())
    generator = seeded(8)
    steps = [diffusion.unit_noise(noise.shape, generator) for _ in range(6)]
    denoise = diffusion.denoiser(gaussian_velocity)
    drawn = diffusion.sample(denoise, noise, sigmas, method=method, generator=seeded(8))
    assert torch.equal(drawn, diffusion.sample(denoise, noise, sigmas, method=method, step_noise=steps))
    with pytest.raises(ParameterError, match="6 steps add noise, step_noise has 5"):
        diffusion.sample(denoise, noise, sigmas, method=method, step_noise=steps[1:])


@METHODS
def test_levels_may_end_above_zero_and_progress_is_reported(method):
    said = []
    noise = torch.randn(2, 3, generator=seeded())
    diffusion.sample(
        lambda noised, _: torch.zeros_like(noised),
        noise,
        (4.0, 2.0, 1.0),
        method=method,
        eta=0,
        report=lambda *x: said.append(x),
    )
    assert said == [(1, 2), (2, 2)]
    half = diffusion.sample(lambda noised, _: torch.zeros_like(noised), noise, (4.0, 2.0, 1.0), method=method, eta=0)
    torch.testing.assert_close(half, noise)  # nothing is there, so that what is left is noise of the last level


def test_fresh_noise_keeps_the_level_of_noise():
    def nothing(noised, _sigma):
        return torch.zeros_like(noised)

    noise = torch.randn(100_000, generator=seeded())
    for method in ("dpmpp_3m_sde", "dpmpp_2m_sde", "ddim"):
        for eta in (0.3, 1.0):
            left = diffusion.sample(nothing, noise, (9.0, 4.0, 2.0), method=method, eta=eta, generator=seeded(1))
            assert left.std().item() == pytest.approx(2, rel=0.02)


def two_halves(with_condition, without):
    """A network that answers the one for the first half of a batch, the other for the second."""

    def velocity(noised, t):
        assert torch.equal(noised[: len(noised) // 2], noised[len(noised) // 2 :])
        assert len(t) == len(noised)
        return torch.cat([with_condition, without])

    return velocity


def test_guidance_goes_on_from_without_to_with_a_condition():
    given_, without = torch.randn(2, 3, 4, 5, generator=seeded())
    x, t = torch.randn(3, 4, 5, generator=seeded(1)), torch.full((3,), 0.5)
    network = two_halves(given_, without)
    for scale, wanted in [(1, given_), (0, without), (3, 3 * given_ - 2 * without)]:
        torch.testing.assert_close(diffusion.guided(network, scale=scale)(x, t), wanted)
    strong = diffusion.guided(network, scale=7.5, rescale=1)(x, t)
    torch.testing.assert_close(strong.std(dim=1), given_.std(dim=1))
    last = diffusion.guided(network, scale=7.5, rescale=1, channel_axis=-1)(x, t)
    torch.testing.assert_close(last.std(dim=-1), given_.std(dim=-1))
    half = diffusion.guided(network, scale=7.5, rescale=0.5)(x, t)
    torch.testing.assert_close(half, (strong + diffusion.guided(network, scale=7.5)(x, t)) / 2)


def test_guidance_in_half_precision_is_put_together_in_single():
    answers = torch.randn(2, 3, 4, generator=seeded()).bfloat16()
    guided = diffusion.guided(two_halves(*answers), scale=7.5)(torch.zeros(3, 4), torch.zeros(3))
    assert guided.dtype == torch.float32
    given_, without = answers.float()
    torch.testing.assert_close(guided, without + 7.5 * (given_ - without))


def test_guidance_by_text_and_position_has_two_scales():
    both, words, nothing = torch.randn(3, 2, 4, 5, generator=seeded())
    x, t = torch.zeros(2, 4, 5), torch.zeros(2)

    def guided(text, position, rescale=0.0):
        network = diffusion.guided_twice(
            lambda *_: torch.cat([both, words, nothing]), text=text, position=position, rescale=rescale
        )
        return network(x, t)

    torch.testing.assert_close(guided(1, 1), both)
    torch.testing.assert_close(guided(1, 0), words)
    torch.testing.assert_close(guided(0, 0), nothing)
    torch.testing.assert_close(guided(4, 4), nothing + 4 * (both - nothing))
    torch.testing.assert_close(guided(3, 5), nothing + 3 * (words - nothing) + 5 * (both - words))
    torch.testing.assert_close(guided(3, 5, rescale=1).std(dim=1), both.std(dim=1))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"method": "euler"}, "unknown sampler 'euler'"),
        ({"sigmas": (1.0,)}, "falling levels"),
        ({"sigmas": (1.0, 1.0, 0.0)}, "falling levels"),
        ({"sigmas": (1.0, -1.0)}, "falling levels"),
        ({"sigmas": (1.0, math.nan, 0.0)}, "falling levels"),
        ({"eta": -1.0}, "eta is at least 0"),
        ({"eta": 1.5, "method": "ddim"}, "with ddim at most 1"),
        ({"generator": None}, "give a generator"),
        ({"generator": [seeded()]}, "one for each of 2 members, got 1"),
    ],
)
def test_what_cannot_be_sampled_is_refused(change, sentence):
    arguments = {"sigmas": (4.0, 2.0, 0.0), "generator": seeded()} | change
    with pytest.raises(ParameterError, match=sentence):
        diffusion.sample(lambda noised, _: noised, torch.zeros(2, 3), arguments.pop("sigmas"), **arguments)


def test_a_network_that_fails_is_not_passed_on_in_silence():
    with pytest.raises(AurisError, match="NaN or infinite"):
        diffusion.sample(lambda noised, _: noised * torch.inf, torch.ones(2, 3), (4.0, 0.0), eta=0)


@pytest.mark.parametrize("scales", [{"scale": math.nan}, {"scale": 2, "rescale": 1.5}, {"scale": math.inf}])
def test_scales_that_are_none_are_refused(scales):
    with pytest.raises(ParameterError, match="scale"):
        diffusion.guided(gaussian_velocity, **scales)
