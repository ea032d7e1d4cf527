from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.dsp.features import AmbisonicFeatures, BinauralFeatures, mel_centres, mel_filterbank
from auris.dsp.hrtf import structural_head
from auris.errors import LayoutError, ParameterError
from auris.geometry import unit_vector

SIZES = {"sample_rate": 24_000, "n_fft": 1024, "window": 960, "hop": 480, "bands": 64}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def plane_wave(azimuth: float, elevation: float, signal: torch.Tensor) -> torch.Tensor:
    x, y, z = unit_vector(azimuth, elevation)
    return torch.stack([signal, signal * y, signal * z, signal * x])[None]


def test_each_mel_band_averages_and_peaks_at_its_centre() -> None:
    bank = mel_filterbank(513, 64, sample_rate=24_000)
    assert torch.allclose(bank.sum(dim=0), torch.ones(64), atol=1e-6)
    centres = mel_centres(64, sample_rate=24_000)
    spacing = 12_000 / 512
    assert torch.all((bank.argmax(dim=0) * spacing - centres).abs() <= spacing)
    assert torch.all(centres.diff() > 0)


def test_more_bands_than_bins_are_refused() -> None:
    with pytest.raises(ParameterError, match="too many"):
        mel_filterbank(65, 128, sample_rate=24_000)


@settings(max_examples=15, deadline=None)
@given(azimuth=st.floats(-math.pi, math.pi), elevation=st.floats(-1.5, 1.5))
def test_the_intensity_of_a_plane_wave_points_to_its_source(azimuth: float, elevation: float) -> None:
    features = AmbisonicFeatures(**SIZES)(plane_wave(azimuth, elevation, noise(12_000)))[0]
    y, z, x = features[4:, 2:-2].mean(dim=(1, 2)).tolist()
    assert np.allclose(np.array([x, y, z]) / 0.75, unit_vector(azimuth, elevation), atol=0.01)


def test_a_diffuse_field_has_no_direction() -> None:
    field = noise(1, 4, 96_000)
    field[:, 1:] *= math.sqrt(1 / 3)
    assert float(AmbisonicFeatures(**SIZES)(field)[0, 4:].mean(dim=(1, 2)).abs().max()) < 0.02


def test_direction_does_not_depend_on_level_and_levels_are_decibels() -> None:
    front_end = AmbisonicFeatures(**SIZES)
    wave = plane_wave(1.0, 0.3, noise(12_000))
    loud, quiet = front_end(wave), front_end(wave * 0.1)
    assert torch.allclose(loud[:, 4:], quiet[:, 4:], atol=1e-3)
    assert torch.allclose(loud[:, :1] - quiet[:, :1], torch.tensor(20.0), atol=0.05)


@pytest.mark.parametrize("front_end", [AmbisonicFeatures(**SIZES), BinauralFeatures(**SIZES)])
def test_silence_is_finite_and_at_the_floor(front_end: torch.nn.Module) -> None:
    features = front_end(torch.zeros(1, front_end.inputs, 4800))
    assert features.shape == (1, front_end.channels, 10, 64)
    assert torch.all(features[:, 0] == -100)
    assert torch.all(features[:, 4 if front_end.inputs == 4 else 2 :] == 0)


@pytest.mark.parametrize("front_end", [AmbisonicFeatures(**SIZES), BinauralFeatures(**SIZES)])
def test_a_batch_is_heard_item_by_item(front_end: torch.nn.Module) -> None:
    batch = noise(3, front_end.inputs, 9600)
    together = front_end(batch)
    assert torch.equal(together[1:2], front_end(batch[1:2]))


@pytest.mark.parametrize(("front_end", "channels"), [(AmbisonicFeatures(**SIZES), 2), (BinauralFeatures(**SIZES), 4)])
def test_another_channel_count_is_refused(front_end: torch.nn.Module, channels: int) -> None:
    with pytest.raises(LayoutError, match=rf"got \(1, {channels}, 4800\)"):
        front_end(torch.zeros(1, channels, 4800))


@pytest.mark.parametrize("azimuth_deg", [80.0, 30.0, -45.0])
def test_ears_show_side_and_delay_of_a_head(azimuth_deg: float) -> None:
    head = structural_head(24_000)
    left, right = head.interpolated(unit_vector(math.radians(azimuth_deg), 0.0)[None])[0]
    signal = noise(24_000).numpy()
    ears = torch.tensor(np.stack([np.convolve(signal, left), np.convolve(signal, right)]), dtype=torch.float32)[None]
    features = BinauralFeatures(**SIZES)(ears)[0]
    high, low = slice(45, 64), slice(4, 24)
    assert math.copysign(1, azimuth_deg) == torch.sign(features[2, 5:-5, high].mean())
    # The steered coherence peaks at the lead of the left ear.
    steered = features[5:, 5:-5, low].mean(dim=(1, 2))
    assert math.copysign(1, azimuth_deg) == math.copysign(1, int(steered.argmax()) - 4)


def test_exchanged_ears_mirror_the_features() -> None:
    front_end, ears = BinauralFeatures(**SIZES), noise(1, 2, 24_000).cumsum(dim=1)
    one, other = front_end(ears)[0], front_end(ears.flip(1))[0]
    assert torch.allclose(one[:2], other[:2].flip(0), atol=1e-4)
    assert torch.allclose(one[2], -other[2], atol=1e-5)
    assert torch.allclose(one[4], -other[4], atol=1e-5)
    assert torch.allclose(one[5:], other[5:].flip(0), atol=1e-4)
