from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_scene_sets import LABELS, RATE, write_small_scenes
from torch.utils.data import DataLoader

from auris.audio import Audio
from auris.data.datasets import MadeSet, MadeStream
from auris.data.made_batches import ListenerBatches, SeldBatches
from auris.data.made_examples import MadeExample
from auris.data.seld_targets import decode, encode_scene
from auris.errors import FormatError, LayoutError, ParameterError, SceneError
from auris.geometry import Static
from auris.models import accdoa, create
from auris.scene import Event, Scene, Source

ITEMS = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sets") / "out"
    return write_small_scenes(out, ITEMS, form="shards", shard_items=4)


def example(seconds: float, *, labels: tuple[str, ...] = ("dog",), gain_db: float = 0.0) -> MadeExample:
    """A recording whose samples count up, and a dog that barks in the second second."""
    samples = np.arange(round(seconds * RATE), dtype=np.float32) / RATE
    event = Event(1.0, 2.0)
    scene = Scene(seconds, tuple(Source(label, Static((0.0, 2.0, 0.0)), (event,)) for label in labels))
    foa = Audio(np.tile(samples, (4, 1)), RATE, "foa")
    return MadeExample("one", 0, {"foa": foa}, scene, facts={"gain_db": {"foa": gain_db}})


def test_the_nano_listener_trains_on_a_made_set(made: Path) -> None:
    torch.manual_seed(0)
    model = create("seld_crnn", labels=LABELS, head="precedence")
    loss = accdoa.MultiAccdoaLoss(tracks=model.config.tracks)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    stream = MadeStream(made, layouts="foa", seed=1, batch=3)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    totals = []
    for waveforms, targets in DataLoader(stream, batch_size=3, collate_fn=ListenerBatches.of(model)):
        assert waveforms.shape == (3, 4, RATE)
        assert targets.shape == (3, 10, 3, len(LABELS), 5)
        total = loss(model(waveforms), targets).total
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(total.item())
    assert len(totals) == 2
    assert all(map(math.isfinite, totals))
    assert any(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_recordings_are_cut_into_windows_with_their_labels() -> None:
    batches = ListenerBatches(("cat", "dog"), sample_rate=RATE, seconds=1.5)
    waves, targets = batches([example(3.0), example(2.0)])
    starts = [wave[0, 0].item() for wave in waves]
    assert starts == pytest.approx([0.0, 1.5, 0.0, 0.5])  # what is left of two seconds is one more window
    active = [
        [round(start + i / 10 + 0.05, 2) for i in range(15) if target[i, 0, 1, 0]]
        for start, target in zip(starts, targets, strict=True)
    ]
    seconds = [round(1.05 + i / 10, 2) for i in range(10)]
    assert active == [seconds[:5], seconds[5:], seconds[:5], seconds]
    assert targets[0, 12, 0, 1].tolist() == pytest.approx([1, 0, 1, 0, 2])
    assert not targets[..., 0, :].any()


def test_whole_recordings_are_padded_to_the_longest() -> None:
    waves, targets = ListenerBatches(("dog",), sample_rate=RATE)([example(2.05), example(3.0)])
    assert waves.shape == (2, 4, 3 * RATE)
    assert targets.shape[:2] == (2, 30)
    assert not waves[0, :, round(2.05 * RATE) :].any()
    assert targets[:, :, 0, 0, 0].sum(dim=1).tolist() == [10, 10]


def test_levels_are_those_of_the_scene_again() -> None:
    stored, calibrated = (
        ListenerBatches(("dog",), sample_rate=RATE, levels=levels)([example(2.0, gain_db=-20.0)])[0]
        for levels in ("stored", "calibrated")
    )
    assert torch.allclose(calibrated, 10 * stored)


@pytest.mark.parametrize("form", ["accdoa", "adpit", "tracks"])
def test_targets_of_pseldnets_are_those_of_the_scene(made: Path, form: str) -> None:
    examples = list(MadeSet(made, layouts="foa"))[:3]
    waves, targets = SeldBatches(LABELS, form, sample_rate=RATE)(examples)  # type: ignore[arg-type]
    assert waves.shape == (3, 4, RATE)
    for number, one in enumerate(examples):
        expected = encode_scene(one.scene, form, vocabulary=LABELS).targets  # type: ignore[arg-type]
        for part, wanted in zip(targets, expected, strict=True):
            assert torch.equal(part[number], wanted)


def test_labels_do_where_there_is_no_scene(made: Path) -> None:
    with_scene = MadeSet(made, layouts="foa")[1]
    without = replace(with_scene, scene=None)
    _, expected = SeldBatches(LABELS, "adpit", sample_rate=RATE)([with_scene])
    _, found = SeldBatches(LABELS, "adpit", sample_rate=RATE)([without])
    one, other = (decode(type(t)(*(part[0] for part in t))) for t in (expected, found))
    assert (one.frame.tolist(), one.class_index.tolist()) == (other.frame.tolist(), other.class_index.tolist())
    assert np.abs(one.vectors - other.vectors).max() < 0.02  # label files hold whole degrees
    (_, a), (_, b) = (ListenerBatches(LABELS, sample_rate=RATE)([x]) for x in (with_scene, without))
    assert torch.equal(a[..., 0], b[..., 0])
    assert (a - b).abs().max() < 0.02


def test_what_does_not_fit_is_named() -> None:
    batches = ListenerBatches(("cat",), sample_rate=RATE)
    with pytest.raises(SceneError, match="example 'one': unknown class 'dog'"):
        batches([example(2.0)])
    with pytest.raises(ParameterError, match="example 'one': unknown class 'dog'"):
        SeldBatches(("cat",), "accdoa", sample_rate=RATE)([example(2.0)])
    with pytest.raises(FormatError, match="'one' has 24000 Hz, but 8000 Hz were asked for"):
        ListenerBatches(("dog",), sample_rate=8000)([example(2.0)])
    with pytest.raises(LayoutError, match="no recording 'binaural'; say which of: foa"):
        ListenerBatches(("dog",), layout="binaural")([example(2.0)])
    with pytest.raises(SceneError, match="neither a scene nor labels"):
        SeldBatches(("dog",), "accdoa", sample_rate=RATE)([replace(example(2.0), scene=None)])
    with pytest.raises(ParameterError, match="whole label frames"):
        ListenerBatches(("dog",), sample_rate=RATE, seconds=0.25)([example(2.0)])
