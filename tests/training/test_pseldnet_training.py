from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pseldnet import RATE, WHERE, TinyCnn, write_recipe

from auris.audio import Audio
from auris.channels import ambisonics
from auris.cli import main
from auris.errors import AurisError, CheckpointError, FormatError
from auris.models import from_pretrained
from auris.models.listening import hear
from auris.training import pseldnet
from auris.training.pseldnet import PseldTask, build_model, describe, material_of, train
from auris.training.recipe import PseldRecipe, read_recipe
from auris.training.run_folder import RunFolder

# Everything that draws at random in training is on: augmentation of waveforms and features, dropout.
DRAWN = ["augmentation=augment", "model.decoder=transformer"]


@pytest.fixture(autouse=True, scope="module")
def _tiny_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WHERE, TinyCnn)
        yield


@pytest.fixture(autouse=True)
def _other_peoples_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield


def read(file: Path, *overrides: str) -> PseldRecipe:
    recipe = read_recipe(file, overrides=overrides)
    assert isinstance(recipe, PseldRecipe)
    return recipe


def logged_losses(run: Path) -> dict[int, float]:
    """Training loss by step, over all sittings."""
    losses: dict[int, float] = {}
    for log in sorted((run / "logs").glob("*/metrics.csv")):
        for row in csv.DictReader(log.read_text().splitlines()):
            if row.get("train/total"):
                losses[int(row["step"])] = float(row["train/total"])
    return losses


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """The file of a recipe that was trained for ten steps in one sitting (two epochs and a half), and what its run said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = write_recipe(tmp_path_factory.mktemp("tiny"))
        return file, train(read(file, "trainer.max_steps=10", *DRAWN))


def test_a_run_leaves_a_model_that_listens(uninterrupted: tuple[Path, dict[str, object]]) -> None:
    file, reached = uninterrupted
    run = file.parent / "run"
    assert reached["steps"] == 10
    assert {f"{clips}/{rules}/seld" for clips in ("validation", "test") for rules in ("official", "pseldnets")} <= set(reached)
    model = from_pretrained(run / "model")
    assert model.labels == ("low", "high")
    card = (run / "model" / "README.md").read_text()
    assert "| validation | official |" in card
    assert "| test | pseldnets |" in card
    noise = np.random.default_rng(0).standard_normal((4, 3 * RATE)).astype(np.float32)
    assert hear(model, Audio(0.1 * noise, RATE, ambisonics(1))).duration == 3.0
    assert len(list((run / "tensorboard").rglob("events.*"))) == 1
    assert sorted(logged_losses(run)) == list(range(10))


def test_the_best_epoch_is_kept(uninterrupted: tuple[Path, dict[str, object]]) -> None:
    file, reached = uninterrupted
    log = next((file.parent / "run" / "logs").glob("*/metrics.csv"))
    scores = [
        float(row["validation/official/seld"])
        for row in csv.DictReader(log.read_text().splitlines())
        if row["validation/official/seld"]
    ]
    assert len(scores) == 3  # the half epoch at the end counts
    assert reached["validation/official/seld"] == pytest.approx(min(scores), abs=1e-4)


def test_a_killed_run_goes_on_as_if_nothing_had_happened(uninterrupted: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    file, _ = uninterrupted
    out = tmp_path / "run"
    arguments = [str(file), *DRAWN, f"trainer.out={out}"]
    program = str(Path(__file__).with_name("tiny_pseldnet.py"))
    command = [sys.executable, program, *arguments, "trainer.max_steps=100000"]
    killed = subprocess.run(command, capture_output=True, env=environment(), check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    reached = train(read(file, *DRAWN, f"trainer.out={out}", "trainer.max_steps=10"))
    assert reached["steps"] == 10
    assert reached["initial"] == "checkpoint of this run"
    (begun,) = [int(log.name.rpartition("-")[2]) for log in (out / "logs").iterdir() if log.name != "from-step-0"]
    assert begun == 5  # in the middle of the second epoch
    alone, resumed = logged_losses(file.parent / "run"), logged_losses(out)
    assert [resumed[step] for step in range(begun, 10)] == [alone[step] for step in range(begun, 10)]  # to the last bit


def environment() -> dict[str, str]:
    source = Path(__file__).resolve().parents[2] / "src"
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")]),
    }


def wait_for(file: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not file.is_file() and time.monotonic() < end:
        time.sleep(0.01)


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write_recipe(tmp_path)
    before = signal.getsignal(signal.SIGINT)

    def press() -> None:
        wait_for(tmp_path / "run" / "last.ckpt")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    status = main(["train", str(file), "trainer.max_steps=100000"])
    thread.join()
    assert status == 130
    assert "the same command goes on from" in capfd.readouterr().err
    saved = RunFolder(tmp_path / "run").read_checkpoint()
    assert saved is not None
    assert saved["progress"]["batches"] > 0
    assert signal.getsignal(signal.SIGINT) is before


def test_a_loss_that_is_no_number_stops_before_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = PseldTask.losses

    def failing(task: PseldTask, batch: object) -> object:
        losses = real(task, batch)  # type: ignore[arg-type]
        return losses._replace(total=losses.total * (math.nan if task.batches == 2 else 1.0))

    monkeypatch.setattr(PseldTask, "losses", failing)
    with pytest.raises(AurisError, match=r"not finite at step 2 \(loss nan.*lower optimiser.rate"):
        train(read(write_recipe(tmp_path)))
    saved = RunFolder(tmp_path / "run").read_checkpoint()
    assert saved is not None
    assert saved["progress"]["batches"] == 2
    assert all(bool(torch.isfinite(value).all()) for value in saved["state_dict"].values())


def test_a_missing_data_set_names_the_check(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"nowhere.*auris data check auris"):
        describe(read(write_recipe(tmp_path), f"data.root={tmp_path / 'nowhere'}"))


def test_missing_initial_weights_say_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIS_MODELS", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    file = write_recipe(tmp_path)
    with pytest.raises(CheckpointError, match=r"fetch .*Cnn14_mAP=0\.431\.pth from"):
        train(read(file, "initial.audioset=CNN14-AudioSet"))
    with pytest.raises(CheckpointError, match="no such file"):
        train(read(file, "initial.checkpoint=nowhere.ckpt"))


def test_a_run_folder_of_another_network_is_refused(uninterrupted: tuple[Path, dict[str, object]]) -> None:
    with pytest.raises(CheckpointError, match="another network"):
        train(read(uninterrupted[0], "model.decoder=gru"))


def test_fine_tuning_starts_from_a_model_trained_here(uninterrupted: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    file, _ = uninterrupted
    before = from_pretrained(file.parent / "run" / "model").state_dict()
    recipe = read(file, *DRAWN, f"initial.checkpoint={file.parent / 'run' / 'model'}", f"trainer.out={tmp_path}")
    for head, same in (("keep", True), ("random", False)):
        model = build_model(recipe)
        pseldnet.initialised(
            model, read(file, *DRAWN, f"initial.checkpoint={file.parent / 'run' / 'model'}", f"initial.head={head}").initial
        )
        after = model.state_dict()
        assert torch.equal(after["body.encoder.conv_block1.conv1.weight"], before["body.encoder.conv_block1.conv1.weight"])
        assert torch.equal(after["body.heads.vectors.weight"], before["body.heads.vectors.weight"]) is same


@pytest.mark.parametrize("output", ["accdoa", "multi_accdoa", "einv2", "seddoa"])
def test_a_dry_run_tells_sizes_and_trains_nothing(tmp_path: Path, output: str) -> None:
    said = describe(read(write_recipe(tmp_path, output=output)))
    assert said["input_shape"] == [2, 4, 2 * RATE]
    assert (said["train_clips"], said["train_chunks"], said["steps_per_epoch"]) == (4, 8, 4)
    assert said["parameters"] == said["trained_parameters"] > 1e3
    assert said["seconds_of_one_batch"] > 0
    assert not (tmp_path / "run").exists()


def test_options_of_the_command_stand_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(write_recipe(tmp_path))
    for arguments in ([file, "--dry-run", "--json", "trainer.batch=1"], ["--json", file, "trainer.batch=1", "--dry-run"]):
        assert main(["train", *arguments]) == 0
        assert json.loads(capsys.readouterr().out)["steps_per_epoch"] == 8


@pytest.mark.parametrize("output", ["accdoa", "multi_accdoa", "einv2", "seddoa"])
def test_learning_reduces_the_loss(tmp_path: Path, output: str) -> None:
    recipe = read(write_recipe(tmp_path, output=output), "trainer.batch=4")
    material = material_of(recipe)
    task = PseldTask(build_model(recipe), recipe, epoch_steps=4, out=RunFolder(tmp_path), clips=None)
    batch = next(iter(material.train_loader(task)))
    optimiser = torch.optim.AdamW(task.parameters(), lr=1e-2)
    history = []
    for _ in range(10):
        loss = task.losses(batch).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(float(loss.detach()))
    assert history[-1] < 0.8 * history[0]


def test_accumulated_batches_and_bfloat16_train(tmp_path: Path) -> None:
    recipe = read(
        write_recipe(tmp_path), "trainer.accumulate=2", "trainer.precision=bf16", "trainer.max_steps=3", "data.workers=1"
    )
    reached = train(recipe)
    assert (reached["steps"], reached["epochs"]) == (3, 1.5)
    assert all(math.isfinite(loss) for loss in logged_losses(tmp_path / "run").values())
    assert from_pretrained(tmp_path / "run" / "model").body.heads["vectors"].weight.dtype == torch.float32


def test_mono_spatialisation_trains_on_the_first_channel_alone(tmp_path: Path) -> None:
    recipe = read(write_recipe(tmp_path), "augmentation=mono")
    task = PseldTask(build_model(recipe), recipe, epoch_steps=4, out=RunFolder(tmp_path), clips=None)
    batch = next(iter(material_of(recipe).train_loader(task)))
    other = batch._replace(waveforms=torch.cat([batch.waveforms[:, :1], torch.randn_like(batch.waveforms[:, 1:])], dim=1))
    torch.testing.assert_close(task.losses(batch).total, task.losses(other).total)
