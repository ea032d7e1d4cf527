from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.dsp.features import AmbisonicFeatures, LogMel, LogMelIntensity, mel_centres, mel_filterbank
from auris.errors import LayoutError, ParameterError
from auris.geometry import unit_vector

FRONT_END = LogMelIntensity(sample_rate=24_000)
SECOND = 24_000
few = settings(max_examples=8)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def plane_wave(azimuth: float, elevation: float, samples: int = SECOND // 4) -> torch.Tensor:
    x, y, z = unit_vector(azimuth, elevation)
    signal = noise(samples)
    return torch.stack([signal, signal * y, signal * z, signal * x])[None]


@few
@given(azimuth=st.floats(-math.pi, math.pi), elevation=st.floats(-1.5, 1.5))
def test_the_intensity_of_a_plane_wave_points_to_its_source(azimuth: float, elevation: float) -> None:
    y, z, x = FRONT_END(plane_wave(azimuth, elevation))[0, 4:]
    # Every band of one recording is the same direction times the sum of its triangle.
    scale = FRONT_END.bank.sum(dim=0)
    for found, cosine in zip((x, y, z), unit_vector(azimuth, elevation), strict=True):
        assert torch.allclose(found, cosine * scale.expand_as(found), atol=3e-5)


@few
@given(seed=st.integers(0, 99), azimuth=st.floats(-math.pi, math.pi))
def test_turning_the_field_turns_the_intensity_and_leaves_w_and_z(seed: int, azimuth: float) -> None:
    field = noise(1, 4, 6000, seed=seed)
    cosine, sine = math.cos(azimuth), math.sin(azimuth)
    w, y, z, x = field.unbind(1)
    before = FRONT_END(field)[0]
    after = FRONT_END(torch.stack([w, y * cosine + x * sine, z, x * cosine - y * sine], dim=1))[0]
    assert torch.allclose(after[[0, 2, 5]], before[[0, 2, 5]], atol=1e-4)
    assert torch.allclose(after[4], before[4] * cosine + before[6] * sine, atol=1e-5)
    assert torch.allclose(after[6], before[6] * cosine - before[4] * sine, atol=1e-5)


@pytest.mark.parametrize("order", [(2, 1, 3), (3, 2, 1), (2, 3, 1)])
def test_exchanged_axes_exchange_levels_and_intensities(order: tuple[int, int, int]) -> None:
    field = noise(1, 4, 6000)
    before = FRONT_END(field)[0]
    after = FRONT_END(field[:, [0, *order]])[0]
    assert torch.allclose(after[1:4], before[list(order)], atol=1e-5)
    assert torch.allclose(after[4:], before[[3 + axis for axis in order]], atol=1e-6)


def test_an_inverted_axis_inverts_its_intensity_only() -> None:
    field = noise(1, 4, 6000)
    before = FRONT_END(field)[0]
    after = FRONT_END(field * torch.tensor([1.0, 1.0, -1.0, 1.0])[:, None])[0]
    assert torch.equal(after[:4], before[:4])
    assert torch.equal(after[5], -before[5])
    assert torch.equal(after[[4, 6]], before[[4, 6]])


@few
@given(gain_db=st.floats(-20, 20))
def test_a_gain_shifts_levels_and_keeps_directions(gain_db: float) -> None:
    field = noise(1, 4, 6000)
    before, after = FRONT_END(field)[0], FRONT_END(field * 10 ** (gain_db / 20))[0]
    assert torch.allclose(after[:4] - before[:4], torch.tensor(gain_db), atol=1e-3)
    assert torch.allclose(after[4:], before[4:], atol=1e-4)


def test_silence_has_the_lowest_level_and_no_direction() -> None:
    features = FRONT_END(torch.zeros(2, 4, 2400))
    assert torch.all(features[:, :4] == -100)
    assert torch.all(features[:, 4:] == 0)


@pytest.mark.parametrize("samples", [513, 600, 1023, 2399, 2401])
def test_short_and_odd_lengths_have_a_frame_for_each_centre(samples: int) -> None:
    features = FRONT_END(noise(1, 4, samples))
    assert features.shape == (1, 7, 1 + samples // 240, 64)
    assert torch.isfinite(features).all()


def test_a_signal_too_short_to_be_mirrored_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"more than 512 samples.*got 512.*append silence"):
        FRONT_END(torch.zeros(1, 4, 512))


@pytest.mark.parametrize("shape", [(1, 3, 2400), (4, 2400), (1, 1, 4, 2400)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(LayoutError, match=r"shape \(batch, 4, samples\), got"):
        FRONT_END(torch.zeros(shape))


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"full scale at 1, got torch\.int16"):
        FRONT_END(torch.zeros(1, 4, 2400, dtype=torch.int16))


def test_doubles_stay_doubles_and_agree() -> None:
    field = noise(1, 4, 6000)
    single, double = FRONT_END(field), FRONT_END(field.double())
    assert double.dtype == torch.float64
    assert torch.allclose(single[:, :4].double(), double[:, :4], atol=1e-3)
    assert torch.allclose(single[:, 4:].double(), double[:, 4:], atol=1e-5)


@pytest.mark.parametrize(
    "front_end", [FRONT_END, AmbisonicFeatures(sample_rate=24_000, n_fft=512, window=480, hop=240, bands=32)]
)
def test_halves_and_autocast_are_computed_in_single_precision(front_end: torch.nn.Module) -> None:
    field = noise(1, 4, 2400).bfloat16()
    wanted = front_end(field.float())
    assert torch.equal(front_end(field), wanted)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(front_end(field.float()), wanted)


def test_a_batch_is_heard_item_by_item_and_nothing_is_changed() -> None:
    batch = noise(3, 4, 6000)
    before = batch.clone()
    together = FRONT_END(batch)
    assert torch.equal(together[1:2], FRONT_END(batch[1:2]))
    assert torch.equal(batch, before)


def test_a_gradient_reaches_the_waveform_through_silence_too() -> None:
    field = noise(1, 4, 4800)
    field[..., 2400:] = 0
    field.requires_grad_()
    FRONT_END(field)[:, 4:].sum().backward()
    assert field.grad is not None
    assert torch.isfinite(field.grad).all()
    assert float(field.grad[..., :2400].abs().max()) > 0


def test_the_slope_of_features_is_that_of_their_values() -> None:
    front_end = LogMelIntensity(sample_rate=8000, n_fft=64, hop=32, bands=8)
    field = noise(1, 4, 100).double().requires_grad_()
    assert torch.autograd.gradcheck(front_end, field, fast_mode=True)


def test_levels_alone_are_those_of_any_number_of_channels() -> None:
    field = noise(1, 4, 6000)
    assert torch.equal(LogMel(sample_rate=24_000)(field), FRONT_END(field)[:, :4])
    assert torch.allclose(LogMel(sample_rate=24_000, inputs=1)(field[:, 2:3]), FRONT_END(field)[:, 2:3], atol=1e-5)


def test_triangles_have_area_one_and_slaney_spacing_is_linear_below_a_kilohertz() -> None:
    spacing = 12_000 / 4096
    bank = mel_filterbank(4097, 32, sample_rate=24_000, norm="area")
    assert torch.allclose(bank.sum(dim=0) * spacing, torch.ones(32), atol=1e-3)
    centres = mel_centres(64, sample_rate=24_000, low=0, scale="slaney")
    assert torch.allclose(centres[:18].diff(), centres[0].expand(17), rtol=1e-4)
    assert torch.allclose(centres[30:].log().diff(), centres[30:].log().diff()[0].expand(33), atol=1e-4)
