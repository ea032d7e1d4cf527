import numpy as np
import pytest
import torch

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets, encode, overlap
from auris.dsp.ambisonics import encode as encode_wave
from auris.errors import ParameterError
from auris.io.frame_labels import FrameLabels
from auris.training.augmentation.spatialisation import draw_directions, spatialise_targets, spatialise_waveforms

LABELS = FrameLabels([1, 2, 4], [0, 0, 1], azimuth=[0.1, 0.1, 2.0], elevation=[0.2, 0.2, 0.0])


def batch_of(form, labels, copies=3):
    targets = encode(labels, form, classes=2, frames=5).targets
    return type(targets)(*(part.expand(copies, *part.shape) for part in targets))


def test_a_mono_sound_becomes_a_plane_wave():
    directions = draw_directions(6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(directions.norm(dim=-1), torch.ones(6))
    waveforms = torch.randn(6, 4, 50)
    found = spatialise_waveforms(waveforms, directions)
    assert found.dtype == torch.float32
    for item in range(6):
        np.testing.assert_allclose(found[item], encode_wave(waveforms[item, 0].numpy(), directions[item].numpy()), atol=1e-6)


@pytest.mark.parametrize("form", ["accdoa", "adpit", "tracks"])
def test_labels_have_the_direction_wherever_something_sounds(form):
    directions = draw_directions(3, generator=torch.Generator().manual_seed(1))
    before = batch_of(form, LABELS)
    found = spatialise_targets(before, directions)
    for item in range(3):
        azimuth, elevation = (
            float(v) for v in (torch.atan2(directions[item, 1], directions[item, 0]), directions[item, 2].asin())
        )
        turned = FrameLabels([1, 2, 4], [0, 0, 1], azimuth=[azimuth] * 3, elevation=[elevation] * 3)
        for part, wanted in zip(found, batch_of(form, turned, 1), strict=True):
            torch.testing.assert_close(part[item], wanted[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("form", ["accdoa", "adpit", "tracks"])
def test_two_at_once_are_refused(form):
    two = FrameLabels([1, 1], [0, 1], azimuth=[0.1, 1.0], elevation=[0.0, 0.0])
    targets = batch_of(form, two, 1)
    assert overlap(targets) == 2
    with pytest.raises(ParameterError, match="these labels have 2 sources at once; train on single-source"):
        spatialise_targets(targets, torch.tensor([[1.0, 0.0, 0.0]]))


def test_silence_and_empty_batches_pass():
    silent = AccdoaTargets(torch.zeros(2, 5, 3, 4))
    assert (spatialise_targets(silent, torch.eye(3)[:2]).vectors == 0).all()
    assert spatialise_targets(AdpitTargets(torch.zeros(0, 5, 6, 4, 2)), torch.zeros(0, 3)).slots.shape == (0, 5, 6, 4, 2)
    tracks = TrackTargets(torch.zeros(2, 5, 3, 4), torch.zeros(2, 5, 3, 3))
    assert (spatialise_targets(tracks, torch.eye(3)[:2]).doa == 0).all()
