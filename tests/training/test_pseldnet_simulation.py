from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pseldnet import WHERE, TinyCnn

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TargetFormat, TrackTargets, decode, encode
from auris.data.stems import render_shards
from auris.errors import ParameterError
from auris.io.frame_labels import FrameLabels
from auris.models import from_pretrained
from auris.training.pseldnet import describe, train
from auris.training.pseldnet_simulation import targets_from_slots
from auris.training.recipe import read_recipe

TINY = """
task: pseldnet
name: tiny
model: {labels: [dog, rain], backbone: cnn8, decoder: gru, output: OUTPUT}
simulation:
  stems: {layout: foa, preset: static, seconds: 1.0, shard_size: 4, noises: 1, bank: {procedural: 1.0}}
  pool: {folder: stems, shards: 1, first: 1}
  validation: {preset: static, scenes: 1}
trainer: {out: run, batch: 2, max_steps: 3, validate_steps: 2, log_steps: 1, accelerator: cpu}
"""


def written(folder: Path, output: str = "multi_accdoa") -> Path:
    file = folder / "tiny.yaml"
    file.write_text(TINY.replace("OUTPUT", output))
    return file


@pytest.mark.filterwarnings("ignore")
def test_a_pseldnet_trains_on_simulated_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WHERE, TinyCnn)
    recipe = read_recipe(written(tmp_path))
    said = describe(recipe)  # before there are stems
    assert (said["stems_ready"], said["stems_planned"], said["target_shapes"]) == (0, 4, [[2, 10, 6, 4, 2]])
    render_shards(recipe.simulation.stems, recipe.model.labels, Path(said["stems_folder"]), count=1)
    reached = train(recipe)
    assert (reached["steps"], reached["epochs"]) == (3, 1.5)
    assert "validation/official/seld" in reached
    assert from_pretrained(tmp_path / "run" / "model").labels == ("dog", "rain")


@pytest.mark.parametrize("form", ["accdoa", "adpit", "tracks"])
def test_simulated_targets_say_the_same_in_every_format(form: TargetFormat) -> None:
    # Four frames: nothing; one source; two of one class; three of two classes.
    frame, label = np.array([1, 2, 2, 3, 3, 3]), np.array([0, 1, 1, 0, 1, 1])
    azimuth, elevation = np.radians([10.0, 20, 60, -90, 100, 170]), np.radians([0.0, 10, -10, 45, 0, 0])
    rows = FrameLabels(frame, label, azimuth=azimuth, elevation=elevation, track=np.array([0, 0, 1, 0, 1, 2]))
    slots = torch.zeros(4, 3, 2, 5)
    filled = np.zeros((4, 2), dtype=int)
    for time, kind, vector in zip(frame, label, rows.vectors, strict=True):
        slots[time, filled[time, kind], kind] = torch.tensor([1.0, *vector, 2.0])
        filled[time, kind] += 1
    made = targets_from_slots(slots[None], form)
    one = type(made)(*(part[0] for part in made))
    if form == "accdoa":  # the first of a class stays here, the last one in label files
        kept = rows.rows([0, 1, 3, 4])
        assert isinstance(one, AccdoaTargets)
        torch.testing.assert_close(one, encode(kept, form, classes=2, frames=4).targets)
        return
    if form == "adpit":
        assert isinstance(one, AdpitTargets)
        torch.testing.assert_close(one, encode(rows, form, classes=2, frames=4).targets)
        return
    assert isinstance(one, TrackTargets)
    heard = decode(one)
    wanted = sorted(map(tuple, np.column_stack([rows.frame, rows.class_index, np.degrees(rows.azimuth).round()])))
    assert sorted(map(tuple, np.column_stack([heard.frame, heard.class_index, np.degrees(heard.azimuth).round()]))) == wanted


@pytest.mark.parametrize("change", ["simulation.stems.layout=binaural", "model.sample_rate=16000"])
def test_stems_must_be_what_the_network_hears(tmp_path: Path, change: str) -> None:
    with pytest.raises(ParameterError, match="but the stems are"):
        read_recipe(written(tmp_path), overrides=[change])
