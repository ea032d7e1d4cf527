"""Directions from first wavefronts: what the untrained head already gets right, and what it owes to physics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from auris.errors import ParameterError
from auris.geometry import angle_between, unit_vector
from auris.models import create
from auris.models.precedence_head import Directness
from auris.scene import Event, Listener, Room, Scene, Source, Static

RATE = 24_000
DIRECTIONS = [(0.0, 0.0), (90.0, 0.0), (-135.0, 20.0), (45.0, -30.0)]


def network(**config: object) -> torch.nn.Module:
    torch.manual_seed(0)
    model = create("seld_crnn", labels=["a", "b"], head="precedence", **config).eval()
    with torch.no_grad():  # only the cues speak
        model.head.plain.place.weight.zero_()
        model.head.plain.place.bias.zero_()
    return model


def bursts(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise that begins anew three times a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.random.default_rng(seed).standard_normal(len(time)) * np.exp(-12 * (time % 0.33))


def plane_wave(signal: np.ndarray, direction: np.ndarray) -> np.ndarray:
    x, y, z = direction
    return np.stack([signal, y * signal, z * signal, x * signal]).astype(np.float32)


def said(model: torch.nn.Module, wave: np.ndarray) -> np.ndarray:
    """Mean direction of the first class."""
    with torch.no_grad():
        outputs: Tensor = model(torch.tensor(wave)[None])
    mean = torch.nn.functional.normalize(outputs[0, 5:-5, 0, 0, :3], dim=-1).mean(dim=0).numpy()
    return np.asarray(mean / np.linalg.norm(mean))


@pytest.mark.parametrize(("azimuth", "elevation"), DIRECTIONS)
def test_untrained_it_points_at_a_plane_wave(azimuth: float, elevation: float) -> None:
    true = unit_vector(np.radians(azimuth), np.radians(elevation))
    assert np.degrees(angle_between(said(network(), plane_wave(bursts(2.0), true)), true)) < 0.5


@pytest.mark.parametrize("azimuth", [0.0, 120.0])
def test_the_first_wavefront_outweighs_a_stronger_reflection(azimuth: float) -> None:
    true = unit_vector(np.radians(azimuth), 0.0)
    aside = unit_vector(np.radians(azimuth + 90), 0.0)
    delay = round(0.06 * RATE)
    late = np.pad(bursts(3.0), (delay, 0))[:-delay]
    wave = plane_wave(bursts(3.0), true) + 1.2 * plane_wave(late, aside)
    assert np.degrees(angle_between(said(network(), wave), true)) < 35  # by energy alone it would be 55


def test_untrained_it_finds_a_source_in_a_room() -> None:
    import auris

    position = (2.0, 1.4, 1.6)
    room = Room((6.0, 5.0, 3.0), t60=0.4)
    source = Source("dog", Static(position), (Event(0.0, 4.0),))
    scene = Scene(4.0, (source,), room=room, listener=Listener(Static((3.6, 2.4, 1.5))))
    heard = auris.simulate(scene, layout="foa", sample_rate=RATE).mixture.samples
    offset = np.subtract(position, (3.6, 2.4, 1.5))
    assert np.degrees(angle_between(said(network(), heard), offset / np.linalg.norm(offset))) < 15


def test_turning_the_field_turns_what_is_said() -> None:
    model = network()
    rng = np.random.default_rng(1)
    wave = sum(plane_wave(bursts(2.0, seed), unit_vector(*rng.uniform(-1, 1, 2))) for seed in range(3))
    assert isinstance(wave, np.ndarray)
    turned = wave[[0, 3, 2, 1]] * np.array([1, 1, 1, -1], dtype=np.float32)[:, None]  # a quarter turn to the left
    # The encoder is not equivariant; made blind, it leaves the head alone with the cues.
    with torch.no_grad():
        model.head.mask.weight.zero_()
        model.head.mask.bias.zero_()
    x, y, z = said(model, wave)
    np.testing.assert_allclose(said(model, turned), [-y, x, z], atol=1e-4)


def test_directness_rises_with_onsets_and_falls_with_diffuseness() -> None:
    levels = torch.full((1, 4, 10, 8), -40.0)
    levels[:, :, 5:] += 12.0
    cues = torch.full((1, 3, 10, 8), 0.4)
    cues[..., 4:] = 0.02
    weights = Directness()(levels, cues)[0, 0]
    assert weights[5, 0] > weights[4, 0] + 2
    assert weights[5, 0] > weights[6, 0] + 2
    assert (weights[:, :4] > weights[:, 4:] + 2).all()


def test_silence_and_training_are_finite() -> None:
    model = network().train()
    outputs = model(torch.zeros(2, 4, RATE))
    outputs.square().sum().backward()
    assert torch.isfinite(outputs).all()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(g).all() for g in gradients)


def test_two_ears_have_no_intensity() -> None:
    with pytest.raises(ParameterError, match="binaural"):
        create("seld_crnn", labels=["a"], layout="binaural", head="precedence")


def test_the_baseline_encoder_has_the_frames_of_ours() -> None:
    model = create("seld_crnn", labels=["a", "b"], encoder="dcase2024", widths=[64, 64, 64]).eval()
    assert model(torch.zeros(1, 4, 2 * RATE)).shape == (1, 20, 3, 2, 4)
    with pytest.raises(ParameterError, match="3 numbers"):
        create("seld_crnn", labels=["a"], encoder="dcase2024")
