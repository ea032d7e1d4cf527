"""Training SpatialSonic's diffusion model and its autoencoder, from nothing to folders that write."""

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

import numpy as np
import pytest
import torch
from tiny_sonic import RECIPE, VAE_RECIPE, write_recipe

from auris.errors import CheckpointError, ParameterError
from auris.io.audio_files import read_audio
from auris.models import from_pretrained
from auris.training import spatialsonic, spatialsonic_vae
from auris.training.recipe import read_recipe
from auris.training.run_folder import RunFolder
from auris.training.spatialsonic import SpatialSonicTask, describe, model_and_material, train, validate

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers


def task_of(file: Path, *changes: str) -> SpatialSonicTask:
    recipe = read_recipe(file, overrides=changes)
    model, material = model_and_material(recipe)
    return SpatialSonicTask(model, recipe, out=RunFolder(Path(recipe.trainer.out)), material=material)


def logged(folder: Path, name: str) -> list[float]:
    texts = [file.read_text() for file in sorted((folder / "logs").glob("*/metrics.csv"))]
    rows = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    return [float(row[name]) for row in rows if row.get(name)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    file = write_recipe(tmp_path_factory.mktemp("uninterrupted"))
    return file, train(read_recipe(file))


def test_a_training_learns_and_tells(uninterrupted: tuple[Path, dict[str, Any]]) -> None:
    file, reached = uninterrupted
    run = file.parent / "run"
    assert (reached["steps"], reached["epochs"]) == (12, 6.0)
    losses, held_out = logged(run, "train/total"), logged(run, "validation/loss")
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    assert held_out[-1] < held_out[0]
    assert reached["validation/loss"] == pytest.approx(held_out[-1], abs=1e-3)
    card = (Path(reached["model"]) / "README.md").read_text()
    assert "12 steps of 4 clips" in card
    assert "never trained" in card  # its autoencoder


def test_samples_are_written_and_listened_to(uninterrupted: tuple[Path, dict[str, Any]]) -> None:
    file, reached = uninterrupted
    run = file.parent / "run"
    for steps in (6, 12):
        audio = read_audio(run / "samples" / f"step-{steps:07d}" / "00.wav")
        assert (audio.channels, audio.sample_rate, audio.layout.kind) == (2, 8000, "stereo")
    table = (run / "samples.md").read_text()
    assert "# Samples after 12 steps" in table
    assert table.count("| samples/step-0000012/") == 2
    errors = logged(run, "validation/direction_error_deg")
    assert all(0 <= error <= 180 for error in errors)
    assert len(errors) == 2
    assert reached["validation/direction_error_deg"] == pytest.approx(errors[-1], abs=1e-3)


def test_the_model_folder_holds_the_average_and_writes(uninterrupted: tuple[Path, dict[str, Any]]) -> None:
    file, reached = uninterrupted
    saved = RunFolder(file.parent / "run").read_checkpoint()
    assert saved is not None
    model = from_pretrained(reached["model"])
    weights, average = dict(model.named_parameters()), saved["average"]["average"]
    assert saved["average"]["updates"] == 12
    assert set(saved["state_dict"]) == {f"model.{name}" for name in average}
    assert not any(name.startswith("vae.") for name in average)
    for name, value in average.items():
        assert torch.equal(weights[name], value), name
    assert any(not torch.equal(saved["state_dict"][f"model.{name}"], value) for name, value in average.items())
    from auris.models.generating import GenerationRequest, SoundRequest

    request = GenerationRequest("Rain falls.", (SoundRequest("rain", 1.0, 1.0),), 0.5)
    audio = model.generate(request, seed=1, guidance_position=3.0)  # trained to tell words and directions apart
    assert audio.duration == pytest.approx(0.5, abs=0.02)


@pytest.mark.slow
def test_a_run_that_was_killed_ends_with_the_weights_of_one_that_was_not(
    uninterrupted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    file, reached = uninterrupted
    out = tmp_path / "run"
    source = Path(__file__).resolve().parents[2] / "src"
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(Path(__file__).with_name("tiny_sonic.py")), str(file), f"trainer.out={out}"]
    killed = subprocess.run(command, capture_output=True, env=known, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    again = train(read_recipe(file, overrides=[f"trainer.out={out}"]))
    assert again["validation/loss"] == reached["validation/loss"]
    alone, resumed = (RunFolder(folder).read_checkpoint() for folder in (file.parent / "run", out))
    assert alone is not None
    assert resumed is not None
    assert {log.name for log in (out / "logs").iterdir()} == {"from-step-0", "from-step-4"}
    for name, value in alone["state_dict"].items():
        assert torch.equal(resumed["state_dict"][name], value), name
    assert alone["average"]["updates"] == resumed["average"]["updates"]
    for name, value in alone["average"]["average"].items():
        assert torch.equal(resumed["average"]["average"][name], value), name


def test_validation_measures_what_was_trained(uninterrupted: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file, reached = uninterrupted
    said = validate(read_recipe(file))
    assert said["clips"] == 3
    assert said["loss"] == pytest.approx(reached["validation/loss"], abs=1e-3)
    with pytest.raises(CheckpointError, match="nothing is trained yet"):
        validate(read_recipe(file, overrides=[f"trainer.out={tmp_path}"]))


def test_a_training_goes_on_from_a_model_with_or_without_positions(
    uninterrupted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    file, reached = uninterrupted
    former = from_pretrained(reached["model"]).state_dict()
    changes = [f"initial={reached['model']}", f"trainer.out={tmp_path / 'next'}", "seed=9"]
    same = task_of(file, *changes).model.state_dict()
    assert all(torch.equal(same[name], value) for name, value in former.items())
    plain = RECIPE.replace(", rate_factors: {position: 10}", "").replace("    drops: separate\n", "    position: null\n")
    plain = plain.replace(
        "{plain_captions: 0.5, coarse: 0.5, drop_all: 0.1, drop_text: 0.1, drop_position: 0.1}", "{drop_all: 0.1}"
    )
    other = tmp_path / "plain.yaml"
    other.write_text(plain.replace("folder: set", f"folder: {file.parent / 'set'}"))
    model = task_of(other, *changes[:2]).model
    assert model.position is None
    assert torch.equal(model.dit.proj_in.weight, former["dit.proj_in.weight"])
    from auris.models import save_pretrained

    save_pretrained(model, tmp_path / "plain", card="# plain\n")
    joined = task_of(file, f"initial={tmp_path / 'plain'}").model  # as from stable-audio-open: positions begin at random
    assert torch.equal(joined.dit.proj_in.weight, former["dit.proj_in.weight"])
    with pytest.raises(CheckpointError, match="do not fit"):
        task_of(file, f"initial={reached['model']}", "model.config.dit.depth=2")
    with pytest.raises(CheckpointError, match="no such file"):
        task_of(file, "initial=nowhere")


def test_positions_learn_ten_times_as_fast_by_what_they_are(tmp_path: Path) -> None:
    task = task_of(write_recipe(tmp_path))
    inside = {id(parameter) for parameter in task.model.position.parameters() if parameter.requires_grad}
    outside = next(iter(task.model.dit.transformer_blocks[0].norm1.parameters()))
    twin = next(p for p in task.model.position.parameters() if p.shape == outside.shape)
    with torch.no_grad():
        twin.copy_(outside)  # equal in value and shape, and yet another parameter
    optimiser = task.configure_optimizers()
    scales = {id(p): group["rate_scale"] for group in optimiser.param_groups for p in group["params"]}
    assert {identity for identity, scale in scales.items() if scale == 10} == inside
    assert scales[id(outside)] == 1
    assert len(scales) == sum(parameter.requires_grad for parameter in task.model.parameters())
    with pytest.raises(ParameterError, match="nothing is trained in a module called 'positon'"):
        task_of(tmp_path / "tiny.yaml", "optimiser.rate_factors.positon=2").configure_optimizers()


def test_everything_that_is_trained_has_a_gradient_whatever_is_dropped(tmp_path: Path) -> None:
    """Processes that train together wait for every one of them."""
    file = write_recipe(tmp_path)
    for drop in ("drop_all=0.0", "drop_all=0.8"):
        task = task_of(file, f"conditions.{drop}")
        torch.autograd.backward(task.losses(task.material.batch(2)).total)
        assert all((p.grad is not None) == p.requires_grad for p in task.model.parameters())
        assert not any(p.requires_grad for p in task.model.vae.parameters())


def test_what_is_dropped_is_not_heard_of(tmp_path: Path) -> None:
    task = task_of(write_recipe(tmp_path))
    batch = task.material.batch(2)
    clean = task.latents(batch)
    noise, t = torch.randn_like(clean), torch.full((2,), 0.5)
    task.eval()
    with torch.no_grad():
        batch.drops = ("all", "nothing")
        before = task.errors(batch, clean, noise=noise, t=t)
        batch.prompts = ("A dog barks on the right.",) * 2
        after = task.errors(batch, clean, noise=noise, t=t)
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_times_belong_to_batches(tmp_path: Path) -> None:
    task = task_of(write_recipe(tmp_path))
    there = [task.times(4)]
    for number in (1, 2):
        task.batches = number
        there.append(task.times(4))
    task.batches = 1
    assert torch.equal(task.times(4), there[1])
    spread = torch.cat(there).sort().values
    assert spread[0] < 0.25
    assert spread[-1] > 0.75


def test_latents_that_are_kept_train_as_the_autoencoder_would(tmp_path: Path) -> None:
    file = write_recipe(tmp_path)
    flags, there = ("data.crop_seconds=null", "model.latents=mean"), f"data.latents={tmp_path / 'kept'}"
    kept, live = task_of(file, there, *flags), task_of(file, *flags)
    batches = [task.material.batch(3) for task in (kept, live)]
    assert batches[0].encoded
    assert not batches[1].encoded
    found, wanted = (task.latents(batch) for task, batch in zip((kept, live), batches, strict=True))
    assert found.shape == wanted.shape == (3, 4, 93)
    torch.testing.assert_close(found[..., :80], wanted[..., :80], atol=2e-3, rtol=2e-3)  # half precision; not at the cut
    drawing = task_of(file, there, "data.crop_seconds=null")
    assert (drawing.latents(batches[0]) - found).std() > 0.1
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.npy")}
    assert len(before) == 11
    torch.autograd.backward(task_of(file, there, *flags).losses(batches[0]).total)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.npy")}  # encoded once


def test_bfloat16_and_accumulation(tmp_path: Path) -> None:
    changes = ["trainer.precision=bf16", "trainer.accumulate=2", "trainer.epochs=2", "keep=lowest_loss", "samples.count=0"]
    reached = train(read_recipe(write_recipe(tmp_path), overrides=changes))
    assert reached["steps"] == 2
    assert all(math.isfinite(loss) for loss in logged(tmp_path / "run", "train/total"))
    assert next(from_pretrained(reached["model"]).dit.parameters()).dtype == torch.float32


def test_a_dry_run_tells_sizes_and_trains_nothing(tmp_path: Path) -> None:
    file = write_recipe(tmp_path)
    told = describe(read_recipe(file))
    assert (told["clips"], told["steps_per_epoch"], told["total_steps"]) == (8, 2, 12)
    assert told["trained_parameters"] < told["parameters"]
    assert told["latent_shape"] == [4, 46]
    assert told["seconds_to_learn_an_example"] > 0
    away = describe(read_recipe(file, overrides=["data.folder=nowhere"]))
    assert away["data"].startswith("not there")
    assert not (tmp_path / "run").exists()


def test_a_dry_run_of_the_published_model_counts_it_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    told = describe(read_recipe(Path(__file__).resolve().parents[2] / "recipes" / "bewo" / "mix.yaml"))
    assert told["parameters"] == pytest.approx(1242.8e6, rel=0.01)  # transformer, autoencoder, positions, numbers
    assert "a GPU" in told["missing"]


# ── the autoencoder ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def trained_vae(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    file = write_recipe(tmp_path_factory.mktemp("vae"), text=VAE_RECIPE)
    return file, spatialsonic_vae.train(read_recipe(file))


def test_an_autoencoder_learns_and_tells(trained_vae: tuple[Path, dict[str, Any]]) -> None:
    file, reached = trained_vae
    run = file.parent / "vae-run"
    spectral = logged(run, "train/spectral")
    assert len(spectral) == 12
    assert np.mean(spectral[-4:]) < np.mean(spectral[:4])
    adversarial = logged(run, "train/adversarial")
    assert adversarial[:6] == [0.0] * 6  # the discriminator has a say from the middle on
    assert all(adversarial[6:])
    assert set(reached) >= {"validation/itd_error_us", "validation/ild_error_db", "validation/phase"}
    assert {path.name for path in (run / "samples" / "step-0000012").iterdir()} == {"00-made.wav", "00-original.wav"}
    assert "AutoencoderOobleck" in (Path(reached["vae"]) / "README.md").read_text()
    assert spatialsonic_vae.validate(read_recipe(file))["clips"] == 3


def test_a_diffusion_model_trains_on_the_latents_of_a_trained_autoencoder(
    trained_vae: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    from diffusers import AutoencoderOobleck

    _, reached = trained_vae
    vae = AutoencoderOobleck.from_pretrained(reached["vae"])
    model = task_of(write_recipe(tmp_path), f"model.vae={reached['vae']}").model
    assert all(torch.equal(model.vae.state_dict()[name], value) for name, value in vae.state_dict().items())
    with pytest.raises(CheckpointError, match="do not fit"):
        task_of(tmp_path / "tiny.yaml", f"model.vae={reached['vae']}", "model.config.vae.latents=8")
    with pytest.raises(CheckpointError, match=r"set model\.vae"):
        task_of(tmp_path / "tiny.yaml", "model.vae=nowhere")


def test_a_checkpoint_of_an_autoencoder_keeps_what_judges_it_too(trained_vae: tuple[Path, dict[str, Any]]) -> None:
    file, _ = trained_vae
    saved = RunFolder(file.parent / "vae-run").read_checkpoint()
    assert saved is not None
    assert saved["progress"]["batches"] == 12
    assert {name.split(".")[0] for name in saved["state_dict"]} == {"model", "discriminator"}
    with pytest.raises(CheckpointError, match="another network"):
        spatialsonic_vae.train(read_recipe(file, overrides=["vae.latents=8"]))


def test_four_channels_have_an_autoencoder_too(tmp_path: Path) -> None:
    file = write_recipe(tmp_path, text=VAE_RECIPE)
    told = spatialsonic_vae.describe(read_recipe(file, overrides=["layout=foa", "data.folder=nowhere"]))
    assert told["clip_shape"] == [4, 3968]
    assert told["discriminator_parameters"] > 0


def test_the_command_knows_the_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from auris.cli import main

    file = write_recipe(tmp_path, text=VAE_RECIPE)
    assert main(["train", str(file), "--dry-run", "--json"]) == 0
    assert '"samples_of_a_latent_frame": 128' in capsys.readouterr().out
    assert spatialsonic.__all__ == ["SpatialSonicTask", "describe", "train", "validate"]
