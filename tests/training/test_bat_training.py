"""Training a language model that hears, from nothing to a folder that answers."""

from __future__ import annotations

import csv
import io
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_bat import write_recipe

from auris.errors import CheckpointError
from auris.models import from_pretrained
from auris.training.bat import BatTask, build_model, describe, train, validate
from auris.training.bat_material import DataMaterial
from auris.training.recipe import BatRecipe, read_recipe
from auris.training.run_folder import RunFolder


def read(file: Path, *changes: str) -> BatRecipe:
    recipe: BatRecipe = read_recipe(file, overrides=changes)
    return recipe


def task_of(recipe: BatRecipe) -> tuple[BatTask, DataMaterial]:
    model = build_model(recipe)
    material = DataMaterial(recipe, model)
    return BatTask(model, recipe, out=RunFolder(Path(recipe.trainer.out)), epoch_steps=material.epoch_steps), material


def logged(folder: Path, name: str) -> list[float]:
    texts = [file.read_text() for file in sorted((folder / "logs").glob("*/metrics.csv"))]
    rows = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    return [float(row[name]) for row in rows if row.get(name)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[bool]]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    file, modes = write_recipe(folder), []

    class Watched(BatTask):
        def losses(self, batch: Any) -> Any:
            if self.trainer.training:
                modes.append(
                    self.model.language_model.training and self.model.projector.training and not self.model.tower.training
                )
            return super().losses(batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auris.training.bat.BatTask", Watched)
        return file, train(read(file)), modes


def test_a_training_learns_and_tells(uninterrupted: tuple[Path, dict[str, Any], list[bool]]) -> None:
    file, reached, _ = uninterrupted
    assert (reached["steps"], reached["epochs"]) == (12, 3.0)
    assert set(reached) >= {"right/classification", "right/doa"}
    losses = logged(file.parent / "run", "train/total")
    assert losses[-1] < losses[0]
    shown = (file.parent / "run" / "answers.md").read_text()
    assert "What do you hear?" in shown
    assert "| DOA | Where is it? | left, front, below; 1m |" in shown
    card = (Path(reached["model"]) / "README.md").read_text()
    assert "LoRA of rank 2" in card
    assert "12 steps of 4 questions" in card


def test_a_validation_leaves_the_model_in_training(uninterrupted: tuple[Path, dict[str, Any], list[bool]]) -> None:
    """The published code goes on without dropout after its first validation."""
    _, _, modes = uninterrupted
    assert len(modes) == 12
    assert all(modes)


def test_checkpoints_hold_what_is_trained_and_nothing_else(uninterrupted: tuple[Path, dict[str, Any], list[bool]]) -> None:
    file, _, _ = uninterrupted
    saved = RunFolder(file.parent / "run").read_checkpoint()
    assert saved is not None
    names = set(saved["state_dict"])
    assert all(name.startswith("model.projector.") or "lora_" in name for name in names)
    assert sum("lora_" in name for name in names) == 8  # two blocks, two layers, A and B
    model = from_pretrained(file.parent / "run" / "model")
    assert not (file.parent / "run" / "model" / "language_model").exists()
    for name, value in model.state_dict().items():
        if f"model.{name}" in names:
            torch.testing.assert_close(value, saved["state_dict"][f"model.{name}"], rtol=0, atol=0, msg=name)


def test_ears_and_language_model_stay_as_they_were(uninterrupted: tuple[Path, dict[str, Any], list[bool]]) -> None:
    file, _, _ = uninterrupted
    before, after = build_model(read(file)).state_dict(), from_pretrained(file.parent / "run" / "model").state_dict()
    frozen = [name for name in before if not name.startswith("projector.") and "lora_" not in name]
    assert any("running_mean" in name for name in frozen)
    assert any("embed_tokens" in name for name in frozen)
    for name in frozen:
        assert torch.equal(before[name], after[name]), name
    assert not all(torch.equal(before[name], after[name]) for name in before if "lora_B" in name)


def test_a_run_that_was_killed_ends_with_the_weights_of_one_that_was_not(
    uninterrupted: tuple[Path, dict[str, Any], list[bool]], tmp_path: Path
) -> None:
    file, _, _ = uninterrupted
    out = tmp_path / "run"
    source = Path(__file__).resolve().parents[2] / "src"
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(Path(__file__).with_name("tiny_bat.py")), str(file), f"trainer.out={out}"]
    killed = subprocess.run(command, capture_output=True, env=known, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert train(read(file, f"trainer.out={out}"))["steps"] == 12
    alone, resumed = (RunFolder(folder).read_checkpoint() for folder in (file.parent / "run", out))
    assert alone is not None
    assert resumed is not None
    assert {log.name for log in (out / "logs").iterdir()} == {"from-step-0", "from-step-4"}
    for name, value in alone["state_dict"].items():
        assert torch.equal(resumed["state_dict"][name], value), name


def test_validation_answers_with_what_was_trained(
    uninterrupted: tuple[Path, dict[str, Any], list[bool]], tmp_path: Path
) -> None:
    file, reached, _ = uninterrupted
    said = validate(read(file))
    assert said["questions"] == 6
    assert said["right/doa"] == reached["right/doa"]
    with pytest.raises(CheckpointError, match="nothing is trained yet"):
        validate(read(file, f"trainer.out={tmp_path}"))


def test_the_next_stage_begins_with_the_projector_and_the_adapters_of_the_one_before(
    uninterrupted: tuple[Path, dict[str, Any], list[bool]], tmp_path: Path
) -> None:
    file, reached, _ = uninterrupted
    changes = [f"initial={reached['model']}", "data.stage=stage3-mixup", f"trainer.out={tmp_path}", "seed=9"]
    recipe = read(file, *changes)
    task, material = task_of(recipe)
    former = from_pretrained(reached["model"]).state_dict()
    assert all(torch.equal(value, former[name]) for name, value in task.model.state_dict().items())
    assert {name for name, p in task.model.named_parameters() if p.requires_grad} == {
        name for name in former if name.startswith("projector.") or "lora_" in name
    }
    kinds = set(material.train[[(number, 0) for number in range(len(material.train))]].types)
    assert kinds == {"CLASSIFICATION", "DOA", "MIXUP_SINGLE_DOA", "MIXUP_DIRECTION"}
    float(task.losses(material.batch(3)).total.detach())
    with pytest.raises(CheckpointError, match="another lora"):
        build_model(read(file, *changes, "model.lora.rank=4"))
    with pytest.raises(CheckpointError, match="not a model that answers"):
        build_model(read(file, f"initial={file.parent / 'ears'}"))
    (tmp_path / "model.pt").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="auris models convert"):
        build_model(read(file, f"initial={tmp_path / 'model.pt'}"))


def test_ears_that_learn_are_kept_whole_and_their_heads_are_left_alone(tmp_path: Path) -> None:
    recipe = read(write_recipe(tmp_path), "model.hearing=trained", "trainer.max_steps=2", "trainer.validate_steps=2")
    before = build_model(recipe).tower.state_dict()
    reached = train(recipe)
    saved = RunFolder(tmp_path / "run").read_checkpoint()
    assert saved is not None
    assert any("running_mean" in name for name in saved["state_dict"])
    after = from_pretrained(reached["model"]).tower.state_dict()
    assert torch.equal(before["listener.head.weight"], after["listener.head.weight"])
    changed = {name for name, value in before.items() if not torch.equal(after[name], value)}
    assert {"listener.cls_tokens", "listener.bn.running_mean"} <= {
        name.replace("cls_tokens1", "cls_tokens") for name in changed
    }
    again = build_model(read(tmp_path / "tiny.yaml", f"initial={reached['model']}", f"trainer.out={tmp_path / 'next'}"))
    assert all(torch.equal(value, after[name]) for name, value in again.tower.state_dict().items())  # ears go on, too


def test_a_small_language_model_is_trained_whole_in_bfloat16_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auris.training.bat_building._TEXTS", 200)
    small = "{words: 300, width: 16, layers: 1, heads: 2, inner: 16, context: 160}"
    changes = ["model.lora=null", "model.language_model=null", f"model.small={small}", "trainer.accumulate=2"]
    recipe = read(write_recipe(tmp_path), *changes, "trainer.precision=bf16", "trainer.max_steps=2", "keep=lowest_loss")
    reached = train(recipe)
    assert reached["epochs"] == 1.0
    assert all(math.isfinite(loss) for loss in logged(tmp_path / "run", "train/total"))
    model = from_pretrained(reached["model"])
    assert next(model.language_model.parameters()).dtype == torch.float32
    again = build_model(read(tmp_path / "tiny.yaml", *changes, f"initial={reached['model']}"))
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in again.state_dict().items())


@pytest.mark.parametrize("changes", [(), ("model.lora=null",), ("model.hearing=trained",)], ids=["adapters", "whole", "ears"])
def test_everything_that_is_trained_has_a_gradient(tmp_path: Path, changes: tuple[str, ...]) -> None:
    """Processes that train together wait for every one of them."""
    task, material = task_of(read(write_recipe(tmp_path), *changes))
    torch.autograd.backward(task.losses(material.batch(2)).total)
    assert all((p.grad is not None) == p.requires_grad for p in task.model.parameters())


def test_frozen_ears_hear_exactly_whatever_the_language_model_computes_in(tmp_path: Path) -> None:
    task, material = task_of(read(write_recipe(tmp_path)))
    batch = material.batch(2)
    plain = task.heard(batch)
    assert not plain.requires_grad
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(task.heard(batch), plain, rtol=0, atol=0)


def test_a_dry_run_tells_sizes_and_trains_nothing(tmp_path: Path) -> None:
    file = write_recipe(tmp_path)
    told = describe(read(file))
    assert (told["questions"], told["steps_per_epoch"], told["total_steps"]) == (16, 4, 12)
    assert told["trained_parameters"] < told["parameters"]
    assert told["seconds_to_learn_an_example"] > 0
    away = describe(read(file, "data.audioset=nowhere"))
    assert away["data"].startswith("not there")
    assert not (tmp_path / "run").exists()
