from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris.errors import FormatError
from auris.training.recipe import read_recipe
from auris.training.spatial_ast import describe, train
from auris.training.spatial_ast_data import ClipMaterial

RECIPE = """
task: spatial_ast
name: tiny
model:
  config: {sample_rate: 8000, clip_seconds: 1.0, n_fft: 256, hop: 160, bands: 16, low: 50, high: 4000, frames: 64, patch: 8,
           width: 16, depth: 1, heads: 2, maps: scaled, stem: convolutions}
data:
  sounds: {folder: sounds, folds: [1], validation_folds: [2], variations: 2}
  reverb: rooms
  banks:
    train: {rooms: 1, places_per_room: 2, sample_rate: 8000, heads: 1, t60: [0.2, 0.3], length: [3, 4], width: [3, 4]}
    validation: {rooms: 1, places_per_room: 2, sample_rate: 8000, heads: 1, t60: [0.2, 0.3], length: [3, 4], width: [3, 4]}
  items: {response_seconds: 0.2}
  epoch_items: 6
trainer: {out: run, batch: 2, max_steps: 3, accelerator: cpu}
validation: {per_clip: 3, clips: 5}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for label in ("dog", "rain"):
        for fold in (1, 2):
            file = tmp_path / "sounds" / label / f"fold{fold}-1-{fold}00-A.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, 0.1 * rng.standard_normal(12_000), 8000)
    file = tmp_path / "recipe.yaml"
    file.write_text(RECIPE)
    return file


@pytest.mark.filterwarnings("ignore")  # of other people
def test_rooms_that_are_missing_are_simulated_once(recipe: Path) -> None:
    plain = read_recipe(recipe)
    assert plain.labels == ("dog", "rain")
    assert "not there" in describe(plain)["data"]  # a dry run simulates nothing
    assert not (recipe.parent / "rooms").exists()
    reached = train(plain)
    assert reached["steps"] == 3
    card = (recipe.parent / "run" / "model" / "README.md").read_text()
    assert "2 simulated binaural responses of 1 rooms and 1 heads" in card
    responses = sorted((recipe.parent / "rooms").rglob("*.npy"))
    assert len(responses) == 4
    times = [file.stat().st_mtime_ns for file in responses]
    material = ClipMaterial(plain)
    pairs = material.scored()
    assert [file.stat().st_mtime_ns for file in responses] == times
    assert len(pairs) == 5
    assert {pair.clip for pair in pairs.pairs} == {0, 1}  # few pairs are still of all classes
    assert np.isfinite(pairs.truth.t60).all()
    assert [pair == other for pair, other in zip(pairs.pairs, material.scored().pairs, strict=True)] == [True] * 5


def test_rooms_that_nobody_simulates_are_missed(recipe: Path) -> None:
    with pytest.raises(FormatError, match=r"set data\.reverb=FOLDER, or simulate responses with auris data make reverb-bank"):
        train(read_recipe(recipe, overrides=["data.banks=null"]))
