"""Convolutional trunks: lengths, pools, names, and the way from steps to label frames."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.models.backbones.convolutional import Cnn8, Cnn14, ConvolutionalTrunk, StepReadout


def small(widths=(4, 6, 8), pools=((2, 2), (2, 2), (2, 4))):
    torch.manual_seed(1)
    return ConvolutionalTrunk(7, widths=widths, pools=pools)


def run(trunk, features):
    x = trunk.embed(features)
    for stage in trunk.stages:
        x = stage(x)
    return trunk.finish(x)


def noise(frames, *, batch=2):
    return torch.randn(batch, 7, frames, 64, generator=torch.Generator().manual_seed(frames))


@given(frames=st.integers(1, 1100), pools=st.sampled_from([(2, 2, 2), (1, 2, 2), (5, 1, 1), (1, 5, 2), (3, 3, 1), (1, 1, 1)]))
@settings(max_examples=25)
def test_every_length_has_its_label_frames(frames, pools):
    trunk = small(widths=(1, 1, 1), pools=tuple((pool, 4) for pool in pools))
    with torch.no_grad():
        outputs = trunk.readout(3)(run(trunk, noise(frames, batch=1)))
    assert outputs.shape == (1, max(1, frames // 10), 3)


@pytest.mark.parametrize(("make", "width", "bands"), [(Cnn14, 2048, 1), (Cnn8, 256, 4)])
def test_ten_seconds_are_125_steps(make, width, bands):
    with torch.device("meta"):
        trunk = make(7)
        x = trunk.embed(torch.zeros(1, 7, 1001, 64))
        assert x.shape == (1, 7, 1001, 64)
        for stage in trunk.stages:
            x = stage(x)
        assert x.shape == (1, width, 125, bands)
        assert trunk.readout(39)(trunk.finish(x)).shape == (1, 100, 39)
    assert trunk.stitch_widths == (None, *trunk.widths[:-1])


def test_clips_of_a_batch_do_not_hear_each_other():
    trunk, features = small().eval(), noise(301)
    torch.testing.assert_close(run(trunk, features)[1:], run(trunk, features[1:]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("frames", [96, 101])
def test_features_are_left_as_they_are(frames):
    trunk, features = small().train(), noise(frames)
    before = features.clone()
    run(trunk, features).sum().backward()
    assert torch.equal(features, before)


def test_training_normalises_by_the_batch():
    trunk, features = small(), noise(101) + 3.0
    trained = run(trunk.train(), features)
    assert not torch.allclose(trained, run(trunk.eval(), features))


def test_every_parameter_learns():
    trunk = small()
    readout = trunk.readout(3)
    outputs = readout(run(trunk, noise(101)))
    (outputs * torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, parameter in [*trunk.named_parameters(), *readout.named_parameters()]:
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax() > 0, name


def test_what_follows_a_clip_does_not_change_its_beginning():
    trunk, features = small().eval(), noise(1001, batch=1)
    torch.testing.assert_close(run(trunk, features[:, :, :501])[:, :50], run(trunk, features)[:, :50], rtol=0, atol=1e-5)


def test_label_frames_are_means_of_their_ten_frames():
    readout = StepReadout(1, 1, frames_per_step=8)
    torch.nn.init.ones_(readout.weight)
    torch.nn.init.zeros_(readout.bias)
    steps = torch.arange(5.0)[None, :, None]
    with torch.no_grad():
        # 8 frames of step 0 and 2 of step 1; 6 of 1 and 4 of 2; 4 and 6; 2 and 8
        torch.testing.assert_close(readout(steps).flatten(), torch.tensor([0.2, 1.4, 2.6, 3.8]))


@pytest.mark.parametrize(
    ("widths", "pools"), [((), ()), ((4,), ((2, 2), (2, 2))), ((4, 0), ((2, 2), (2, 2))), ((4,), ((0, 2),)), ((4,), ((16, 2),))]
)
def test_impossible_blocks_are_refused(widths, pools):
    with pytest.raises(ParameterError, match=r"width and a pool|at most the 10 frames"):
        ConvolutionalTrunk(7, widths=widths, pools=pools)


def test_too_few_bands_are_refused():
    with pytest.raises(ParameterError, match="averages 64 bands into one, got only 32"), torch.device("meta"):
        Cnn14(7).embed(torch.zeros(1, 7, 101, 32))
