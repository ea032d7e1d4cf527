from __future__ import annotations

import pytest
import torch

from auris.errors import LayoutError, ParameterError
from auris.models import create

SMALL = {"widths": (4, 4, 4, 4, 4), "hidden": 4}


@pytest.mark.parametrize(("layout", "channels"), [("foa", 4), ("binaural", 2), ("stereo", 2)])
@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (2400, 1), (2401, 2), (120_000, 50)])
@pytest.mark.parametrize("head", ["linear", "masked"])
def test_every_started_label_frame_is_heard(layout: str, channels: int, samples: int, frames: int, head: str) -> None:
    model = create("seld_crnn", labels=("a", "b"), layout=layout, head=head, **SMALL).eval()
    assert model(torch.randn(2, channels, samples)).shape == (2, frames, 3, 2, 4)


@pytest.mark.parametrize("head", ["linear", "masked"])
def test_the_shipped_size_is_small(head: str) -> None:
    for layout in ("foa", "binaural"):
        model = create("seld_crnn", labels=[str(i) for i in range(12)], layout=layout, head=head)
        assert 4 * sum(p.numel() for p in model.parameters()) < 6e6


def test_items_of_a_batch_do_not_mix_in_evaluation() -> None:
    model = create("seld_crnn", labels=("a",), **SMALL).eval()
    batch = torch.randn(3, 4, 12_000)
    assert torch.allclose(model(batch)[1], model(batch[1:2])[0], atol=1e-5)


def test_the_first_and_the_last_moment_reach_every_frame() -> None:
    model = create("seld_crnn", labels=("a",), **SMALL).eval()
    waveform = torch.randn(1, 4, 24_000, requires_grad=True)
    model(waveform)[0, 5].sum().backward()
    assert float(waveform.grad[..., :2400].abs().sum()) > 0
    assert float(waveform.grad[..., -2400:].abs().sum()) > 0


def test_a_wrong_channel_count_is_refused() -> None:
    with pytest.raises(LayoutError, match="first-order ambisonics"):
        create("seld_crnn", labels=("a",), **SMALL)(torch.zeros(1, 2, 24_000))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ({"labels": []}, "needs class labels"),
        ({"labels": ["a", "a"]}, "each once"),
        ({"labels": ["a"], "layout": "tetra"}, "layout must be one of 'foa', 'binaural', 'stereo'"),
        ({"labels": ["a"], "bands": 60}, "multiple of 32"),
        ({"labels": ["a"], "widhts": [1]}, "did you mean 'widths'"),
        ({"labels": ["a"], "hidden": "many"}, "hidden must be whole number"),
        ({"labels": ["a"], "hop": 2000}, "hop <= window"),
        ({"labels": ["a"], "hidden": -3}, "makes no network"),
        ({}, "labels missing"),
    ],
)
def test_impossible_configurations_are_refused(bad: dict[str, object], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        create("seld_crnn", **bad)


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(ParameterError, match="did you mean 'seld_crnn'"):
        create("seld_crn", labels=("a",))


def test_cues_of_a_label_frame_are_those_of_its_loud_moments() -> None:
    model = create("seld_crnn", labels=("a",), **SMALL)
    features = torch.full((1, 7, 10, 64), -80.0)
    features[:, 4:] = 0.0
    features[:, :4, 7], features[:, 4, 7], features[:, 4, 6] = 0.0, 0.5, -0.9
    cues = model.cues(features)
    assert cues.shape == (1, 2, 64, 3)
    assert torch.allclose(cues[0, 1, :, 0], torch.tensor(0.5), atol=1e-3)
    assert float(cues[0, 0].abs().max()) == 0.0
