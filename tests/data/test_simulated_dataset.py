from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_scene_sets import LABELS, SMALL
from torch.utils.data import DataLoader

from auris import seeding
from auris.acoustics.renderer import render
from auris.data.datasets import SimulatedDataset
from auris.data.dry import dry_signals
from auris.data.made_batches import ListenerBatches
from auris.data.made_examples import MadeExample
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import ProceduralBank
from auris.data.stems import BankSettings
from auris.dsp.hrtf import structural_head
from auris.errors import LayoutError, ParameterError

RATE = 8000
SYNTHESISED = BankSettings(procedural=1.0)


def dataset(**settings: object) -> SimulatedDataset:
    return SimulatedDataset(SMALL, SYNTHESISED, **{"scenes": 6, "sample_rate": RATE, "seed": 3, **settings})  # type: ignore[arg-type]


def sound(example: MadeExample) -> bytes:
    return b"".join(audio.samples.tobytes() for audio in example.audio.values())


def sounds(examples: list[MadeExample]) -> list[bytes]:
    return [sound(example) for example in examples]


def test_a_scene_is_what_auris_simulates() -> None:
    examples = dataset(layouts=("foa", "mono"))
    scene = sample_scene(SMALL, ProceduralBank(), seeding.derive(3, "scene", 4))
    expected = render(scene, dry_signals(scene, ProceduralBank(), RATE), layout="foa", sample_rate=RATE).mixture
    assert examples.scene(4) == examples[4].scene == scene
    assert np.array_equal(examples[4].audio["foa"].samples, expected.samples)
    assert list(examples[4].audio) == ["foa", "mono"]
    assert examples[4].labels is not None
    assert examples[4].labels.labels == LABELS
    assert (len(examples), examples[-1].index, examples[-1].name) == (6, 5, "scene_00005")
    with pytest.raises(IndexError):
        examples[6]


def test_scenes_are_the_same_in_every_epoch_or_fresh() -> None:
    same, fresh = dataset(), dataset(draw="fresh")
    first = sound(same[0]), sound(fresh[0])
    for one in (same, fresh):
        one.set_epoch(1)
    assert sound(same[0]) == first[0]
    assert sound(fresh[0]) != first[1]
    fresh.set_epoch(0)
    assert sound(fresh[0]) == first[1]
    assert sound(dataset(seed=4)[0]) != first[0]


def test_workers_render_the_same_and_learn_of_the_epoch() -> None:
    examples = dataset(draw="fresh")
    loader = DataLoader(examples, batch_size=2, num_workers=2, collate_fn=sounds, persistent_workers=True)
    for epoch in (0, 1):
        examples.set_epoch(epoch)
        assert [one for batch in loader for one in batch] == [sound(example) for example in examples]


def test_nothing_is_opened_before_it_is_needed_and_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = dataset()
    alone = len(pickle.dumps(examples))
    assert sound(examples[0])
    assert len(pickle.dumps(examples)) == alone
    assert sound(pickle.loads(pickle.dumps(examples))[1]) == sound(examples[1])
    assert not list(tmp_path.iterdir())


def test_recordings_are_heard_by_heads_in_turn(recordings: Path) -> None:
    heads = [structural_head(16_000, head_radius=radius) for radius in (0.08, 0.095)]
    settings = {
        "sounds": BankSettings(str(recordings), procedural=0.0),
        "layouts": "binaural",
        "sample_rate": 16_000,
        "scenes": 2,
    }
    choice = replace(SMALL, labels=("dog", "rain"))
    ears = SimulatedDataset(choice, **settings, heads=heads)  # type: ignore[arg-type]
    other = SimulatedDataset(choice, **settings, heads=heads[::-1])  # type: ignore[arg-type]
    assert ears[0].scene == other[0].scene
    assert sound(ears[0]) != sound(other[0])
    assert {event.sound.file.split("/")[0] for _, event in ears[0].scene.events()} <= {"dog", "rain"}  # type: ignore[union-attr]


def test_batches_of_scenes() -> None:
    batches = ListenerBatches(LABELS, sample_rate=RATE, seconds=0.5)
    waves, targets = next(iter(DataLoader(dataset(), batch_size=3, collate_fn=batches)))
    assert waves.shape == (6, 4, RATE // 2)
    assert targets.shape == (6, 5, 3, len(LABELS), 5)
    assert targets[..., 0].any()


def test_bad_arguments() -> None:
    with pytest.raises(ParameterError, match="at least 1 scene"):
        dataset(scenes=0)
    with pytest.raises(ParameterError, match="unknown draw 'new'"):
        dataset(draw="new")
    with pytest.raises(ParameterError, match="unknown"):
        SimulatedDataset("staticc", scenes=1)
    with pytest.raises(LayoutError, match="unknown layout"):
        dataset(layouts=("foaa",))
    with pytest.raises(ParameterError, match="epoch is a whole number"):
        dataset().set_epoch(-1)
