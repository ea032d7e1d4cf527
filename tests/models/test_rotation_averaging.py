from __future__ import annotations

import numpy as np
import pytest
import torch

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError
from auris.geometry import angle_between, unit_vector
from auris.models import create
from auris.models.detections import DetectionSettings
from auris.models.listening import device_of, hear
from auris.models.rotation_averaging import RotationAveraged, averaged_over_rotations


class IntensityListener:
    """Hears one class where the intensity points, with an error that depends on the direction."""

    labels = ("noise",)
    layout = ChannelLayout.parse("foa")
    sample_rate, frame_seconds = 8000, 0.1
    detection = DetectionSettings()
    lean = torch.tensor([0.3, -0.2, 0.25])

    def __call__(self, waveform: torch.Tensor, /) -> torch.Tensor:
        frames = waveform.unfold(-1, 800, 800)
        intensity = (frames[:, :1] * frames[:, [3, 1, 2]]).mean(dim=-1).transpose(1, 2)
        vectors = torch.nn.functional.normalize(torch.nn.functional.normalize(intensity, dim=-1) + self.lean, dim=-1)
        return torch.cat([0.9 * vectors, torch.full_like(vectors[..., :1], torch.nan)], dim=-1)[:, :, None, None]


def plane_wave(azimuth_deg: float, elevation_deg: float) -> Audio:
    x, y, z = unit_vector(np.radians(azimuth_deg), np.radians(elevation_deg))
    noise = np.random.default_rng(0).standard_normal(8000)
    return Audio(np.stack([noise, y * noise, z * noise, x * noise]), 8000, "foa")


@pytest.mark.parametrize("direction", [(30, 20), (-140, -35), (75, 60)])
def test_an_error_that_does_not_turn_with_the_sound_averages_out(direction) -> None:
    wanted = unit_vector(*np.radians(direction))
    errors = []
    for model in (IntensityListener(), RotationAveraged(IntensityListener())):
        (source,) = hear(model, plane_wave(*direction)).sources
        errors.append(np.degrees(angle_between(source.path.at(0.5), wanted)))
    assert errors[1] < 0.5 * errors[0]


def test_averaging_does_not_change_what_turns_with_the_sound() -> None:
    model = IntensityListener()
    model.lean = torch.zeros(3)
    waveform = torch.tensor(plane_wave(20, 50).samples)[None]
    torch.testing.assert_close(RotationAveraged(model)(waveform), model(waveform), equal_nan=True)


@pytest.mark.parametrize("output", ["einv2", "seddoa"])
def test_tracks_in_any_order_are_averaged_with_their_like(output) -> None:
    class Shuffled(torch.nn.Module):
        """Two sounds, whose tracks change places with the sign of the sound field."""

        config = type("Config", (), {"output": output})()
        labels, layout = ("dog", "rain"), ChannelLayout.parse("foa")
        sample_rate, frame_seconds, detection = 10, 0.1, DetectionSettings()

        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            out = torch.zeros(*waveform.shape[::2], 3, 2, 4)
            first = (waveform[:, 3] < 0).long()
            index = torch.arange(waveform.shape[-1])
            out[:, index, first[0], 0, :3] = waveform[0, [3, 1, 2]].T
            out[:, index, 1 - first[0], 1, :3] = -waveform[0, [3, 1, 2]].T
            return out

    waveform = torch.rand(1, 4, 20) + 0.1
    torch.testing.assert_close(RotationAveraged(Shuffled())(waveform), Shuffled()(waveform))


@pytest.mark.parametrize("output", ["accdoa", "einv2"])
def test_outputs_of_a_pseldnet_are_averaged(output) -> None:
    model = create("pseldnet", labels=("dog", "rain"), backbone="cnn8", output=output).eval()
    waveform = 0.01 * torch.randn(1, 4, 240_000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        averaged = RotationAveraged(model)(waveform)
    assert averaged.shape == (1, 100, 1 if output == "accdoa" else 3, 2, 4)
    assert averaged[..., :3].isfinite().all()


def test_other_layouts_and_names_are_refused() -> None:
    with pytest.raises(LayoutError, match="first-order ambisonics"):
        RotationAveraged(create("seld_crnn", labels=("dog",), layout="binaural"))
    with pytest.raises(ParameterError, match="unknown test-time averaging 'rotations'"):
        averaged_over_rotations(IntensityListener(), "rotations")  # type: ignore[arg-type]
    model = IntensityListener()
    assert averaged_over_rotations(model, "none") is model


def test_it_computes_where_its_network_does() -> None:
    model = create("seld_crnn", labels=("dog",)).to("meta")
    assert device_of(RotationAveraged(model)).type == "meta"
