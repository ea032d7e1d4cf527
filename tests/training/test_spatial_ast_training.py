from __future__ import annotations

import csv
import math
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_clips import write_recipe

from auris.cli import main
from auris.errors import CheckpointError, FormatError
from auris.models import from_pretrained
from auris.models.clip_outputs import ClipOutputs
from auris.training.recipe import read_recipe
from auris.training.run_folder import RunFolder
from auris.training.spatial_ast import SpatialAstTask, build_model, describe, initialised, train, validate
from auris.training.spatial_ast_data import ClipMaterial
from auris.training.spatial_ast_recipe import SpatialAstRecipe

pytestmark = pytest.mark.filterwarnings("ignore")  # of other people


def read(file: Path, *overrides: str) -> SpatialAstRecipe:
    recipe = read_recipe(file, overrides=overrides)
    assert isinstance(recipe, SpatialAstRecipe)
    return recipe


def logged(run: Path, name: str) -> dict[int, float]:
    """A logged number by step, over all sittings."""
    found: dict[int, float] = {}
    for log in sorted((run / "logs").glob("*/metrics.csv")):
        for row in csv.DictReader(log.read_text().splitlines()):
            if row.get(name):
                found[int(row["step"])] = float(row[name])
    return found


def task_of(recipe: SpatialAstRecipe, folder: Path) -> tuple[SpatialAstTask, Any]:
    """A training, and its first batch."""
    material = ClipMaterial(recipe)
    task = SpatialAstTask(build_model(recipe), recipe, epoch_steps=material.epoch_steps, out=RunFolder(folder), pairs=None)
    return task, next(iter(material.train_loader(task)))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The file of a recipe that was trained in one sitting, an epoch and a half, and what its run said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = write_recipe(tmp_path_factory.mktemp("tiny"), architecture="dspast")
        return file, train(read(file))


def test_a_run_leaves_a_model_its_scores_and_logs(uninterrupted: tuple[Path, dict[str, Any]]) -> None:
    file, reached = uninterrupted
    run = file.parent / "run"
    assert (reached["steps"], reached["epochs"], reached["initial"]) == (6, 1.5, "at random")
    assert {f"validation/{name}" for name in ("map", "er20", "mae", "der", "front_back")} <= set(reached)
    model = from_pretrained(run / "model")
    assert model.labels == ("Low", "High")
    assert isinstance(model(torch.zeros(1, 2, 4000)), ClipOutputs)
    card = (run / "model" / "README.md").read_text()
    assert "DSpAST (arXiv:2509.13927)" in card
    assert "| mAP |" in card
    assert sorted(logged(run, "train/total")) == list(range(6))
    assert len(logged(run, "validation/map")) == len(logged(run, "validation/mae")) == 2  # the half epoch counts
    assert len(list((run / "tensorboard").rglob("events.*"))) == 1


def test_a_killed_run_goes_on_as_if_nothing_had_happened(uninterrupted: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file, _ = uninterrupted
    out = tmp_path / "run"
    source = Path(__file__).resolve().parents[2] / "src"
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(Path(__file__).with_name("tiny_clips.py")), str(file), f"trainer.out={out}"]
    killed = subprocess.run(command, capture_output=True, env=known, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    reached = train(read(file, f"trainer.out={out}"))
    assert (reached["steps"], reached["initial"]) == (6, "checkpoint of this run")
    alone, resumed = (RunFolder(folder).read_checkpoint() for folder in (file.parent / "run", out))
    assert alone is not None
    assert resumed is not None
    assert {log.name for log in (out / "logs").iterdir()} == {"from-step-0", "from-step-4"}
    for name, value in alone["state_dict"].items():  # scales and running statistics, too
        assert torch.equal(resumed["state_dict"][name], value), name
    assert float(alone["state_dict"]["model.azimuth_head.s"]) != pytest.approx(math.sqrt(2) * math.log(359), abs=1e-3)


def test_validation_scores_what_was_trained(uninterrupted: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file, reached = uninterrupted
    said = validate(read(file))
    assert said["model"] == reached["model"]
    assert said["pairs"] == 4
    assert said["map"].startswith(f"{reached['validation/map']:.4f} (")
    with pytest.raises(CheckpointError, match="nothing is trained yet"):
        validate(read(file, f"trainer.out={tmp_path}"))
    other = validate(read(file, f"trainer.out={tmp_path}", f"initial.checkpoint={file.parent / 'run' / 'model'}"))
    assert other["mae"] == said["mae"]


def test_the_command_scores_instead_of_training(
    uninterrupted: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(uninterrupted[0]), "--validate", "--json"]) == 0
    assert '"pairs": 4' in capsys.readouterr().out
    listener = Path(__file__).resolve().parents[2] / "recipes" / "nano-foa.yaml"
    assert main(["train", str(listener), "--validate"]) == 1
    assert "this one is of listener" in capsys.readouterr().err


def test_the_next_stage_begins_with_everything_of_the_one_before(uninterrupted: tuple[Path, dict[str, Any]]) -> None:
    model = f"{uninterrupted[0].parent / 'run' / 'model'}"
    recipe = read(uninterrupted[0], f"initial.checkpoint={model}", "seed=4")
    fresh = build_model(recipe)
    initialised(fresh, recipe.initial)
    before = from_pretrained(model).state_dict()
    assert all(torch.equal(value, before[name]) for name, value in fresh.state_dict().items())


def test_missing_weights_and_other_networks_are_refused(uninterrupted: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file, _ = uninterrupted
    with pytest.raises(CheckpointError, match=r"no such file; set initial\.audiomae"):
        train(read(file, "initial.audiomae=nowhere.pth", f"trainer.out={tmp_path}"))
    with pytest.raises(CheckpointError, match="another network"):
        train(read(file, "model.config.depth=1"))


def test_nothing_is_scored_before_its_first_epoch(tmp_path: Path) -> None:
    train(read(write_recipe(tmp_path), "trainer.max_steps=9", "validation.first_epoch=2"))
    assert list(logged(tmp_path / "run", "validation/map")) == [7, 8]  # after the second epoch, and at the end


def test_accumulated_batches_and_bfloat16_train(tmp_path: Path) -> None:
    file = write_recipe(tmp_path, architecture="dspast")
    reached = train(read(file, "trainer.accumulate=2", "trainer.precision=bf16", "trainer.max_steps=2", "data.workers=1"))
    assert (reached["steps"], reached["epochs"]) == (2, 1.0)
    assert all(math.isfinite(loss) for loss in logged(tmp_path / "run", "train/total").values())
    assert from_pretrained(tmp_path / "run" / "model").head.weight.dtype == torch.float32


def test_features_are_exact_whatever_the_network_computes_in(tmp_path: Path) -> None:
    task, batch = task_of(read(write_recipe(tmp_path)), tmp_path)
    task.eval()
    plain = task.features(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(task.features(batch), plain, rtol=0, atol=0)


def test_events_alone_leave_places_without_a_gradient_but_not_their_scale(tmp_path: Path) -> None:
    recipe = read(write_recipe(tmp_path, architecture="dspast"), "loss={events: 1, distance: 0, direction: 0}", "masks=null")
    task, batch = task_of(recipe, tmp_path)
    before = task.model.distance_head.s.clone()
    task.losses(batch).total.backward()
    assert float(task.model.distance_head.W.grad.abs().max()) == 0
    assert float(task.model.head.weight.grad.abs().max()) > 0
    assert not torch.equal(task.model.distance_head.s, before)


def test_masks_are_drawn_in_training_alone(tmp_path: Path) -> None:
    task, batch = task_of(read(write_recipe(tmp_path), "model.config.drop_path=0"), tmp_path)
    task.eval()  # statistics and depth stay; masks are the recipe's, not the mode's
    first, second = (float(task.losses(batch).total) for _ in range(2))
    assert first != second
    torch.manual_seed(1)
    third = float(task.losses(batch).total)
    torch.manual_seed(1)
    assert float(task.losses(batch).total) == third


@pytest.mark.parametrize("data", ["there", "missing"])
def test_a_dry_run_tells_sizes_and_trains_nothing(tmp_path: Path, data: str) -> None:
    file = write_recipe(tmp_path)
    changes = [] if data == "there" else ["data.audioset=nowhere", "data.epoch_items=100"]
    said = describe(read(file, *changes))
    assert said["clip_shape"] == [1, 8000]
    assert said["steps_per_epoch"] == (4 if data == "there" else 50)
    assert said["classes"] == (2 if data == "there" else 355)
    assert said["parameters"] == said["trained_parameters"] > 1e4
    assert said["seconds_to_learn_an_example"] > 0
    assert not (tmp_path / "run").exists()


def test_missing_data_say_what_to_set(tmp_path: Path) -> None:
    file = write_recipe(tmp_path)
    with pytest.raises(FormatError, match=r"nowhere.*set data\.audioset=FOLDER"):
        train(read(file, f"data.audioset={tmp_path / 'nowhere'}"))
    with pytest.raises(FormatError, match=r"nowhere.*set data\.reverb=FOLDER"):
        train(read(file, f"data.reverb={tmp_path / 'nowhere'}"))
    (tmp_path / "audioset" / "few.csv").write_text("1.0\n2.0\n")
    with pytest.raises(FormatError, match=r"few\.csv"):
        train(read(file, "data.lists.weights=few.csv"))
