from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from auris.channels import tetrahedral
from auris.dsp.features import LogMelGcc, SalsaLite
from auris.errors import LayoutError, ParameterError
from auris.geometry import unit_vector

GCC = LogMelGcc(sample_rate=24_000)
SALSA = SalsaLite(sample_rate=24_000)
PAIRS = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def delayed(signal: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """Return the signal once for each delay, which may be fractional; it wraps around."""
    turns = torch.fft.rfftfreq(len(signal)) * samples[:, None]
    return torch.fft.irfft(torch.fft.rfft(signal) * torch.polar(torch.ones_like(turns), -2 * math.pi * turns), n=len(signal))


def test_the_correlation_of_a_pair_peaks_at_its_delay() -> None:
    delays = torch.tensor([0.0, 5.0, -3.0, 9.0])
    found = GCC(delayed(noise(12_000), delays)[None])[0, 4:, 3:-3].mean(dim=1)
    assert found.shape == (6, 64)
    peaks = (found.argmax(dim=1) - 32).tolist()
    assert peaks == [int(delays[n] - delays[m]) for m, n in PAIRS]
    assert float(found.amax(dim=1).min()) > 0.7


def test_exchanged_microphones_mirror_the_correlation() -> None:
    two = LogMelGcc(sample_rate=24_000, inputs=2)
    pair = delayed(noise(6000), torch.tensor([0.0, 4.0]))[None] + 0.02 * noise(1, 2, 6000, seed=1)
    one, other = two(pair)[0], two(pair.flip(1))[0]
    assert torch.allclose(one[:2], other[:2].flip(0), atol=1e-5)
    assert torch.allclose(one[2, :, 1:], other[2, :, 1:].flip(-1), atol=1e-5)


def test_correlations_are_those_of_the_inverse_transform() -> None:
    microphones = noise(1, 4, 4800)
    spectra = torch.fft.rfft(torch.nn.functional.pad(microphones, (512, 512)).unfold(-1, 1024, 240) * torch.hann_window(1024))
    spectra = (spectra / spectra.abs())[0, :, :20]
    cross = torch.stack([spectra[m].conj() * spectra[n] for m, n in PAIRS])
    wanted = torch.fft.fftshift(torch.fft.irfft(cross), dim=-1)[..., 480:544]
    assert torch.allclose(GCC(microphones)[0, 4:], wanted, atol=1e-5)


def test_levels_are_raised_to_so_many_decibels_below_the_loudest() -> None:
    microphones = noise(1, 4, 7200) * torch.cat([torch.ones(3600), torch.full((3600,), 1e-7)])
    whole = LogMelGcc(sample_rate=24_000, dynamic_range=None)(microphones)[:, :4]
    raised = LogMelGcc(sample_rate=24_000, dynamic_range=60.0)(microphones)[:, :4]
    assert float(whole.amax() - whole.amin()) > 80
    assert torch.equal(raised, torch.maximum(whole, whole.amax(dim=(-2, -1), keepdim=True) - 60))


@pytest.mark.parametrize("azimuth_deg", [0.0, 60.0, -130.0])
def test_a_plane_wave_tells_how_much_nearer_each_microphone_is(azimuth_deg: float) -> None:
    positions = torch.tensor(np.asarray(tetrahedral().positions), dtype=torch.float32)
    nearer = positions @ torch.tensor(unit_vector(math.radians(azimuth_deg), 0.2), dtype=torch.float32)
    ears = delayed(noise(12_000), -nearer / 343 * 24_000)[None]
    found = SALSA(ears)[0, 4:, 5:-5, 10:70].median(dim=2).values.median(dim=1).values
    assert torch.allclose(found, nearer[1:] - nearer[0], atol=2e-3)


def test_phases_end_where_the_array_is_ambiguous() -> None:
    microphones = noise(1, 4, 4800)
    exact, published = SALSA(microphones)[0], SalsaLite(sample_rate=24_000, phase_end="dcase2022")(microphones)[0]
    assert torch.all(exact[4:, :, 83:] == 0)
    assert torch.all(exact[4:, 1:-1, 82] != 0)
    assert torch.equal(published[4:, :, :83], exact[4:, :, :83])
    assert torch.all(published[4:, :, 85:] == 0)
    assert torch.equal(published[:4], exact[:4])


@pytest.mark.parametrize("front_end", [GCC, SALSA])
def test_silence_says_nothing_and_has_a_gradient(front_end: torch.nn.Module) -> None:
    silence = torch.zeros(1, 4, 2400, requires_grad=True)
    features = front_end(silence)
    assert torch.all(features[:, :4] == -100)
    assert torch.all(features[:, 4:] == 0)
    features.sum().backward()
    assert torch.isfinite(silence.grad).all()


@pytest.mark.parametrize("front_end", [GCC, SALSA])
@pytest.mark.parametrize("samples", [240, 1001])
def test_frames_are_whole_hops_of_any_length(front_end: torch.nn.Module, samples: int) -> None:
    features = front_end(noise(1, 4, samples))
    assert features.shape == (1, front_end.channels, samples // 240, front_end.bands)
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("front_end", [GCC, SALSA])
def test_a_batch_is_heard_item_by_item_in_any_precision(front_end: torch.nn.Module) -> None:
    batch = noise(2, 4, 2400)
    before, together = batch.clone(), front_end(batch)
    assert torch.equal(together[1:], front_end(batch[1:]))
    assert torch.equal(batch, before)
    assert front_end(batch.double()).dtype == torch.float64
    assert torch.allclose(front_end(batch.double()).float()[:, :4], together[:, :4], atol=0.05)
    assert torch.equal(front_end(batch.bfloat16()), front_end(batch.bfloat16().float()))


@pytest.mark.parametrize("front_end", [GCC, SALSA])
@pytest.mark.parametrize("shape", [(1, 4, 239), (1, 4, 0), (0, 4, 2400)])
def test_no_audio_or_less_than_a_hop_is_refused(front_end: torch.nn.Module, shape: tuple[int, ...]) -> None:
    with pytest.raises(ParameterError, match=r"a recording of 240 samples or more, got \("):
        front_end(torch.zeros(shape))


@pytest.mark.parametrize("front_end", [GCC, SALSA])
def test_another_channel_count_is_refused(front_end: torch.nn.Module) -> None:
    with pytest.raises(LayoutError, match=r"audio of 4 microphones must have shape \(batch, 4, samples\)"):
        front_end(torch.zeros(1, 3, 2400))


@pytest.mark.parametrize("limits", [{"lowest": 3000.0}, {"highest": 1000.0}, {"highest": 13_000.0}])
def test_frequencies_out_of_order_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="lowest < highest_phase <= highest"):
        SalsaLite(sample_rate=24_000, **limits)
