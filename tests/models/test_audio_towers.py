"""What a language model reads of a listener."""

import pytest
import small_bats as bats
import torch

from auris.errors import CheckpointError
from auris.models import create
from auris.models.audio_towers import audio_tower
from auris.models.dspast import Dspast, DspastConfig
from auris.models.pretrained import weights_unset
from auris.models.spatial_ast import SpatialAst, SpatialAstConfig

LABELS = ("dog", "rain", "clock")


def clips(seed=0, count=2, samples=8000):
    return torch.randn(count, 2, samples, generator=torch.Generator().manual_seed(seed))


def small_dspast():
    config = {**bats.ears().config.__dict__, "labels": LABELS, "width": 48}
    torch.manual_seed(1)
    return Dspast(DspastConfig(**config, branch_width=24)).eval()


@pytest.mark.parametrize(("listener", "width"), [(bats.ears, 48), (small_dspast, 72)], ids=["spatial_ast", "dspast"])
def test_of_networks_of_clips_all_tokens_of_the_last_block_are_read(listener, width):
    listener = listener()
    tower = audio_tower(listener)
    with torch.inference_mode():
        tokens = tower(clips())
        assert torch.equal(tokens, listener.tokens(listener.features(clips())))
        shorter = tower(clips(samples=5000))
    assert tokens.shape == (2, 3 + 7 * 2, width) == (2, 17, tower.width)
    assert shorter.shape == tokens.shape
    assert (tower.layout.name, tower.sample_rate, tower.clip_seconds) == ("binaural", 8000, 1.0)


@pytest.mark.parametrize(
    ("build", "settings"), [(SpatialAst, SpatialAstConfig), (Dspast, DspastConfig)], ids=["spatial_ast", "dspast"]
)
def test_the_published_sizes_give_515_tokens_of_768_numbers(build, settings):
    with weights_unset():
        whole = build(settings(labels=LABELS))
    tower = audio_tower(whole)
    assert (tower.width, tower.sample_rate, tower.clip_seconds) == (768, 32_000, 10.0)
    one = audio_tower(build(settings(labels=LABELS, depth=1)).eval())
    with torch.inference_mode():
        assert one(clips(samples=320_000, count=1)).shape == (1, 515, 768)


def frames(head, layout="binaural", **config):
    torch.manual_seed(2)
    sizes = {"widths": (8, 8, 8, 8, 8), "hidden": 8, "bands": 32}
    return create("seld_crnn", labels=LABELS, layout=layout, head=head, **(sizes | config)).eval()


KINDS = pytest.mark.parametrize(
    ("head", "layout"), [("ears", "binaural"), ("linear", "binaural"), ("linear", "foa"), ("precedence", "foa")]
)


@KINDS
def test_of_networks_of_frames_there_is_a_token_for_each_class(head, layout):
    listener = frames(head, layout)
    tower = audio_tower(listener)
    generator = torch.Generator().manual_seed(3)
    sound = torch.randn(3, listener.layout.channels, 2 * listener.sample_rate, generator=generator)
    with torch.inference_mode():
        tokens = tower(sound)
        alone = torch.cat([tower(clip) for clip in sound.split(1)])
        silent = tower(torch.zeros_like(sound))
    assert tokens.shape == (3, len(LABELS), tower.width)
    assert silent.isfinite().all()
    assert tokens.isfinite().all()
    torch.testing.assert_close(tokens, alone, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(tokens, silent)
    assert torch.equal(tokens[:, :, -len(LABELS) :], torch.eye(len(LABELS)).expand(3, -1, -1))


def test_asking_for_its_width_teaches_a_network_nothing():
    listener = frames("ears").train()
    before = {name: value.clone() for name, value in listener.state_dict().items()}
    audio_tower(listener)
    assert listener.training
    assert all(torch.equal(value, before[name]) for name, value in listener.state_dict().items())


def test_what_is_no_listener_is_refused():
    with pytest.raises(CheckpointError, match="cannot hear with a Linear; give a spatial_ast, dspast or seld_crnn"):
        audio_tower(torch.nn.Linear(2, 2))
