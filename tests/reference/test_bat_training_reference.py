"""Training against numbers of the published code (fixture ``bat_metrics``; its manifest says what was run)."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from fill import fill, waveform

from auris.channels import binaural
from auris.io.spatial_qa_records import QaRecord, QuestionType
from auris.models import create
from auris.models.clip_outputs import ClipOutputs
from auris.training.bat_data import RenderedQuestions
from auris.training.bat_recipe import QuestionDataRecipe
from auris.training.clip_losses import ClipTargets, clip_losses
from auris.training.loop import Task
from auris.training.parameter_groups import parameter_groups
from auris.training.run_folder import RunFolder
from auris.training.spatial_ast import SpatialAstTask
from auris.training.spatial_ast_recipe import ClipDataRecipe, ClipLossRecipe, ClipModelRecipe, SpatialAstRecipe
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe

FOLDER = Path(__file__).parent / "bat_metrics"
EXPECTED = json.loads((FOLDER / "manifest.json").read_text())["expected"]
ARRAYS = dict(np.load(FOLDER / "expected.npz"))


@pytest.mark.parametrize("architecture", ["spatial_ast", "dspast"])
def test_bat_metrics_layer_decay(architecture: str) -> None:
    model = create(architecture, labels=["a", "b"], width=48, heads=2)
    recipe = OptimiserRecipe(layer_decay=0.75, weight_decay=5e-4, decayed="matrices")
    groups = parameter_groups(model.named_parameters(), recipe)
    found = {id(p): (group["rate_scale"], group["weight_decay"]) for group in groups for p in group["params"]}
    named = dict(model.named_parameters())
    for name, (scale, decay) in EXPECTED["layer_decay"][architecture].items():
        assert found[id(named[name])] == (pytest.approx(scale, rel=1e-6), decay), name


class Schedule(Task):
    def losses(self, batch: Any) -> Any:
        raise NotImplementedError


def test_bat_metrics_schedule() -> None:
    said = EXPECTED["schedule"]["args"]
    recipe = OptimiserRecipe(
        rate=said["lr"], schedule="half_cosine", min_rate=said["min_lr"], warmup_epochs=said["warmup_epochs"]
    )
    trainer = TrainerRecipe(epochs=said["epochs"])
    task = Schedule(torch.nn.Linear(1, 1), optimiser=recipe, trainer=trainer, seed=0, epoch_steps=100)
    for epoch, rate in zip(EXPECTED["schedule"]["epoch"], EXPECTED["schedule"]["lr"], strict=True):
        task.batches = round(epoch * 100)
        assert task.rate() == pytest.approx(rate, rel=1e-5, abs=1e-12)


def first_rows() -> tuple[ClipOutputs, ClipTargets]:
    def given(name: str) -> torch.Tensor:
        return torch.from_numpy(ARRAYS[name])

    places = (given(f"loss.{name}_logits") for name in ("distance", "azimuth", "elevation"))
    truth = given("eval.truth")[:, :8].long()
    return ClipOutputs(given("eval.logits")[:8], *places), ClipTargets(given("eval.target")[:8], *truth)


def test_bat_metrics_loss() -> None:
    losses = clip_losses(*first_rows(), ClipLossRecipe())
    for ours, theirs in {"events": "bce", "distance": "distance", "azimuth": "azimuth", "elevation": "elevation"}.items():
        assert float(getattr(losses, ours)) == pytest.approx(EXPECTED["loss_spatial_ast"][theirs], rel=1e-5)
    assert float(losses.total) == pytest.approx(EXPECTED["loss_spatial_ast"]["total"], rel=1e-5)


def test_bat_metrics_adacos_through_the_task() -> None:
    """The scale is set before the loss, from the batch that the loss is of."""
    model = create("dspast", labels=["a", "b"], width=48, depth=1, heads=2)
    labels = torch.from_numpy(ARRAYS["adacos.labels"]).long()
    with torch.no_grad():
        model.distance_head.W.copy_(torch.from_numpy(fill("distance_head.W", (21, 256), "fan_in")))
    first = torch.from_numpy(fill("adacos.emb", (16, 256), "embed"))
    recipe = SpatialAstRecipe("tiny", ClipDataRecipe(audioset="none"), labels=("a", "b"), model=ClipModelRecipe("dspast"))
    task = SpatialAstTask(model, recipe, epoch_steps=1, out=RunFolder(Path("none")), pairs=None)
    task.features = lambda _: torch.empty(0)  # type: ignore[method-assign]
    batch = SimpleNamespace(
        labels=torch.zeros(16, 2), distance=labels, azimuth=torch.zeros_like(labels), elevation=torch.zeros_like(labels)
    )
    for step, (scale, loss) in enumerate(EXPECTED["adacos"]["steps [s after update, loss with the new s]"]):
        embeddings = first if step == 0 else first + 5.6 * model.distance_head.W.detach()[labels]
        other = torch.nn.functional.normalize(torch.ones(16, 360))
        task.network = lambda *_, e=embeddings, o=other: ClipOutputs(torch.zeros(16, 2), model.distance_head(e), o, o[:, :180])
        losses = task.losses(batch)  # type: ignore[arg-type]
        assert float(model.distance_head.s) == pytest.approx(scale, rel=1e-5)
        assert float(losses.distance.detach()) == pytest.approx(loss, rel=1e-5)


def test_bat_metrics_llm_schedule() -> None:
    """Linear warm-up, then linear to zero at a fixed step, whatever the budget."""
    said = EXPECTED["llm_schedule"]
    recipe = OptimiserRecipe(rate=1e-4, schedule="linear", warmup_steps=said["warmup_steps"], end_step=said["total_steps"])
    trainer = TrainerRecipe(max_steps=300_000)
    task = Schedule(torch.nn.Linear(1, 1), optimiser=recipe, trainer=trainer, seed=0, epoch_steps=2000)
    for step, factor in zip(said["step"], said["factor"], strict=True):
        task.batches = step
        assert task.rate() == pytest.approx(1e-4 * factor, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("name", "sources"), [("render.one", "a"), ("render.two", "ab")])
def test_bat_metrics_rendering_of_questions(tmp_path: Path, name: str, sources: str) -> None:
    (tmp_path / "audio" / "f").mkdir(parents=True)
    (tmp_path / "reverb" / "binaural" / "s").mkdir(parents=True)
    soundfile.write(tmp_path / "audio/f/a.wav", waveform(31, 2, 170_000).T, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "audio/f/b.wav", waveform(32, 1, 500_000).T, 44_100, subtype="FLOAT")
    np.save(tmp_path / "reverb/binaural/s/a.npy", waveform(41, 2, 3_000) * np.exp(-np.arange(3_000) / 500))
    np.save(tmp_path / "reverb/binaural/s/b.npy", waveform(42, 2, 80_000) * np.exp(-np.arange(80_000) / 4_000))
    second = ("f/b", "s/b.npy") if len(sources) == 2 else (None, None)
    kind: QuestionType = "MIXUP_DIRECTION" if len(sources) == 2 else "DOA"
    record = QaRecord("f/a", "s/a.npy", *second, 0, kind, "Where?", "Yes")
    data = QuestionDataRecipe(str(tmp_path / "audio"), str(tmp_path / "reverb"))
    found = RenderedQuestions((record,), data, layout=binaural(), sample_rate=32_000, seconds=10.0).waveform(record)
    assert list(found.shape) == EXPECTED["render"]["shape"]
    np.testing.assert_allclose(found[:, ::200], ARRAYS[name], rtol=0, atol=1e-5 * np.abs(ARRAYS[name]).max())
    norm = EXPECTED["render"]["l2"][len(sources) - 1]
    assert float(np.linalg.norm(found.astype(float))) == pytest.approx(norm, rel=2e-4)  # it was summed up in float32
