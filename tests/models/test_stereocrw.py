"""The delay estimator: its network, what it says of swapped channels and of levels, and what it refuses."""

import numpy as np
import pytest
import torch

from auris.errors import CheckpointError, ParameterError
from auris.models import create, from_pretrained, save_pretrained
from auris.models.checkpoint_conversion import convert
from auris.models.stereocrw import StereoCrw, StereoCrwConfig, voted

SMALL = {"patch": 1024, "patches": 17, "spectra": 8, "longest": 3e-4, "channels": (2, 2, 2, 2), "embedding": 8}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return StereoCrw(StereoCrwConfig(**SMALL, magnitudes=0.3, pooling="none", direct=16)).eval()


def segments(delay, model, count=4, seed=0):
    """Noise whose right channel comes later by whole samples."""
    rng = np.random.default_rng(seed)
    sound = rng.standard_normal((count, model.config.segment + 16)).astype(np.float32) * 0.1
    length = model.config.segment
    return np.stack([sound[:, 8 : 8 + length], sound[:, 8 - delay : 8 - delay + length]], axis=1)


@pytest.mark.parametrize("delay", [-3, 0, 2])
def test_before_any_training_sums_of_spectra_find_delays(model, delay):
    found = model.estimate(segments(delay, model)) * 16_000
    assert found == pytest.approx([delay] * 4, abs=0.8)


def test_swapped_channels_change_the_sign(model):
    sounds = segments(2, model)
    with torch.inference_mode():
        similarities = model.similarities(*model.embed(torch.from_numpy(sounds[0]).unfold(-1, 1024, 1)))
    forth, back = model.delays(similarities), model.delays(similarities.mT)
    assert float((forth + back).abs().max()) < 0.7 / 16_000
    np.testing.assert_allclose(model.estimate(sounds[:, ::-1]), -model.estimate(sounds), atol=0.5 / 16_000)


def test_the_level_says_nothing(model):
    sounds = segments(2, model)
    np.testing.assert_allclose(model.estimate(sounds * np.float32(1e-3)), model.estimate(sounds), atol=2e-8)


def test_fewer_patches_lie_in_the_middle(model):
    sounds = segments(1, model)
    fewer = model.estimate(sounds, patches=11)
    np.testing.assert_allclose(fewer, model.estimate(sounds[:, :, 3:-3], patches=11), atol=1e-9)
    with pytest.raises(ParameterError, match="more than 8"):
        model.estimate(sounds, patches=8)


def test_segments_of_another_shape_are_refused(model):
    with pytest.raises(ParameterError, match="at least 1040"):
        model.estimate(np.zeros((1, 2, 1039), np.float32))
    with pytest.raises(ParameterError):
        model.estimate(np.zeros((1, 1, 2000), np.float32))


def test_features_are_the_delays_averaged_to_256(model):
    features = model.upstream_features(segments(2, model))
    assert features.shape == (4, 256)
    np.testing.assert_allclose(features.mean(axis=1), model.estimate(segments(2, model)), atol=1e-6)


def test_the_vote_leaves_out_who_disagrees():
    delays = torch.tensor([1.0, 1.01, 0.99, 1.0, 5.0, -4.0]) * 1e-4
    assert float(voted(delays, near=3e-6)) == pytest.approx(1e-4, abs=1e-7)
    assert float(voted(torch.full((5,), 2e-4), near=3e-6)) == pytest.approx(2e-4)


def test_a_model_folder_round_trips(model, tmp_path):
    save_pretrained(model, tmp_path / "m", card="# m\n")
    loaded = from_pretrained(tmp_path / "m")
    assert loaded.config == model.config
    np.testing.assert_array_equal(loaded.estimate(segments(1, model)), model.estimate(segments(1, model)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": [8, 8, 8]},
        {"patches": 16, "longest": 5e-4},
        {"temperature": 0.0},
        {"magnitudes": 2.0},
        {"n_fft": 100},
        {"patch": 100},
        {"spectra": 0},
    ],
)
def test_configurations_that_make_no_network_are_refused(wrong):
    with pytest.raises(ParameterError):
        create("stereocrw", **{**SMALL, **wrong})


@pytest.fixture(scope="module")
def published():
    """Weights in the shape of the public checkpoint, which Lightning would wrap."""
    state = StereoCrw(StereoCrwConfig()).state_dict()
    return {f"module.{name}": value for name, value in state.items()}


def test_the_public_checkpoint_becomes_a_model_folder(published, tmp_path):
    file = tmp_path / "FreeMusic-StereoCRW-1024.pth.tar"
    torch.save({"epoch": 3, "state_dict": published, "optimizer": {"lr": 1e-4}}, file)
    made = convert(file, tmp_path / "crw")
    assert made["published"] == "StereoCRW"
    assert made["layout"] == "stereo"
    model = from_pretrained(tmp_path / "crw")
    assert model.config == StereoCrwConfig()
    assert torch.equal(model.net.fc.weight, published["module.net.fc.weight"])
    assert "auris score itd" in (tmp_path / "crw" / "README.md").read_text()


def test_other_weights_are_refused_by_name(published, tmp_path):
    file = tmp_path / "other.pth"
    for change, said in (
        ({"module.net.fc.bias": None}, "missing net.fc.bias"),
        ({"module.net.extra": torch.zeros(3)}, "unknown net.extra"),
        ({"module.net.conv1.weight": torch.zeros(64, 3, 7, 7)}, "needed"),
    ):
        torch.save({"state_dict": {k: v for k, v in {**published, **change}.items() if v is not None}}, file)
        with pytest.raises(CheckpointError, match=said):
            convert(file, tmp_path / "m")
    torch.save({"state_dict": published}, file)
    with pytest.raises(ParameterError, match="leave out labels"):
        convert(file, tmp_path / "m", labels=["dog"])
