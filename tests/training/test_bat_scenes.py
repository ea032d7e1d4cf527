"""Scenes that are drawn, rendered and heard once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tiny_bat import write_ears, write_language_model

from auris.data.language.question_grammar import templates_of
from auris.models import from_pretrained
from auris.training.bat import BatTask, build_model, describe, train
from auris.training.bat_material import SceneMaterial
from auris.training.recipe import BatRecipe, read_recipe
from auris.training.run_folder import RunFolder

RECIPE = """
task: bat
name: tiny-scenes
model:
  encoder: ears
  small: {words: 300, width: 16, layers: 1, heads: 2, inner: 16, context: 200}
  projector: {kind: mlp, inner: 8}
  prompt: "{question}:"
  writing: {beams: 1, longest: 6}
scenes:
  sounds: sounds
  folds: [1]
  held_out_folds: [2]
  variations: 2
  reverb: rooms
  bank: {rooms: 1, places_per_room: 4, places_per_listener: 4, sample_rate: 8000, heads: 1, t60: [0.2, 0.3], length: [3, 4],
         width: [3, 4]}
  held_out_rooms: 1
  drawn: {sources: [0.5, 0.5], response_seconds: 0.2}
  count: 12
  held_out_count: 6
  heard: heard
curriculum:
  - {begins: 0.0, weights: {CLASSIFICATION: 1.0, DOA: 1.0}}
  - {begins: 0.5, weights: {MIXUP_DISTANCE_BOTH: 1.0}}
margins: {plane_deg: 0.0, distance: 0.0}
trainer: {out: run, batch: 2, max_steps: 4, validate_steps: 2, accelerator: cpu}
"""


def read(folder: Path, *changes: str) -> BatRecipe:
    recipe: BatRecipe = read_recipe(folder / "recipe.yaml", overrides=changes)
    return recipe


@pytest.fixture(autouse=True)
def few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auris.training.bat_building._TEXTS", 200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    for label in ("low", "high"):
        for fold in (1, 2):
            file = root / "sounds" / label / f"fold{fold}-1-{fold}00-A.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, 0.1 * rng.standard_normal(12_000), 8000)
    write_ears(root / "ears")
    (root / "recipe.yaml").write_text(RECIPE)
    return root


@pytest.mark.filterwarnings("ignore")  # of other people
def test_frozen_ears_hear_scenes_once(folder: Path) -> None:
    told = describe(read(folder))
    assert "12 scenes to be simulated" in told["data"]
    assert not (folder / "heard").exists()  # a dry run neither simulates nor hears
    reached = train(read(folder))
    assert (reached["steps"], reached["epochs"]) == (4, 2.0)
    files = {file: file.stat().st_mtime_ns for file in (folder / "heard").rglob("*.npz")}
    assert len(files) == 2
    train(read(folder, f"trainer.out={folder / 'again'}"))
    assert {file: file.stat().st_mtime_ns for file in (folder / "heard").rglob("*.npz")} == files
    first, second = (RunFolder(folder / name).read_checkpoint() for name in ("run", "again"))
    assert first is not None
    assert second is not None
    assert all(torch.equal(value, second["state_dict"][name]) for name, value in first["state_dict"].items())
    assert "in sentences that training never has" in (folder / "run/model/README.md").read_text()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [0, 1])
def test_ears_that_learn_hear_the_same_scenes_as_they_are_asked_about(folder: Path, workers: int) -> None:
    frozen, learning = (
        read(folder, f"model.hearing={hearing}", f"scenes.workers={workers}") for hearing in ("frozen", "trained")
    )
    model = build_model(frozen)
    cached, rendered = (SceneMaterial(recipe, model) for recipe in (frozen, learning))
    assert cached.questions == rendered.questions
    task = BatTask(model, learning, out=RunFolder(folder / "none"), epoch_steps=2)
    task.eval()
    batches = list(zip(cached.train_loader(task), rendered.train_loader(task), strict=True))
    assert len(batches) == 2
    for kept, fresh in batches:
        assert kept.questions == fresh.questions
        assert kept.answers == fresh.answers
        assert fresh.tokens is None
        torch.testing.assert_close(task.heard(fresh), kept.tokens, rtol=5e-3, atol=5e-3)  # kept in half precision


@pytest.mark.filterwarnings("ignore")
def test_stages_of_the_curriculum_begin_at_their_share_of_the_budget(folder: Path) -> None:
    recipe = read(folder)
    model = build_model(recipe)
    material = SceneMaterial(recipe, model)
    task = BatTask(model, recipe, out=RunFolder(folder / "none"), epoch_steps=2)
    kinds = []
    for task.batches in (0, 2):
        kinds.append({kind for batch in material.train_loader(task) for kind in batch.types})
    assert kinds[0] <= {"CLASSIFICATION", "DOA"}
    assert kinds[1] == {"MIXUP_DISTANCE_BOTH"}
    assert {question.asked.form for _, question in material.questions} <= {
        form for form in {question.asked.form for _, question in material.questions} if templates_of(form, "held_out")
    }


@pytest.mark.filterwarnings("ignore")
def test_ears_learn_from_scenes(folder: Path) -> None:
    reached = train(read(folder, "model.hearing=trained", f"trainer.out={folder / 'learning'}"))
    before, after = from_pretrained(folder / "ears").state_dict(), from_pretrained(reached["model"]).tower.state_dict()
    assert not torch.equal(after["listener.bn.running_mean"], before["bn.running_mean"])


def test_a_named_language_model_is_not_copied_but_one_trained_whole_is(folder: Path) -> None:
    write_language_model(folder / "writer")
    recipe = read(folder, f"model.language_model={folder / 'writer'}")
    assert build_model(recipe).config.language_model == "language_model"
    adapted = read(folder, f"model.language_model={folder / 'writer'}", "model.lora={rank: 2}")
    assert build_model(adapted).config.language_model == str(folder / "writer")
