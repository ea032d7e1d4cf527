from __future__ import annotations

import math
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from auris.errors import CheckpointError, ParameterError
from auris.models import from_pretrained
from auris.training.recipe import MaskRecipe, Recipe, read_recipe
from auris.training.seld import SeldTask, build_dataset, build_model, describe, equalised, masked, train

TINY = """
name: tiny
labels: [dog, rain]
model: {config: {widths: [4, 4, 4, 4, 4], hidden: 4, recurrent_layers: 1}}
stems: {layout: LAYOUT, preset: static, seconds: 1.0, shard_size: 4, noises: 1, heads: 1, bank: {procedural: 1.0}}
pool: {folder: stems, shards: 1, first: 1}
optimiser: {schedule: constant}
trainer: {out: run, batch: 2, max_steps: 4, validate_steps: 2, save_minutes: 0.0}
validation: {preset: static, scenes: 1}
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    return written(tmp_path)


def written(folder: Path) -> Path:
    file = folder / "tiny.yaml"
    file.write_text(TINY.replace("LAYOUT", "foa"))
    return file


@pytest.fixture(autouse=True)
def _other_peoples_warnings() -> object:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A recipe that was stopped after two steps, and what its run said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = written(tmp_path_factory.mktemp("tiny"))
        return file, train(read_recipe(file, overrides=["trainer.max_steps=2"]))


def test_a_tiny_recipe_trains_resumes_and_leaves_a_model(run: tuple[Path, dict[str, object]]) -> None:
    file, done = run
    folder = file.parent / "run"
    assert done["steps"] == 2
    first = from_pretrained(folder / "model").state_dict()["head.place.weight"]

    more = train(read_recipe(file))  # as after a kill: the checkpoint of step 2 is all that is left
    assert more["steps"] == 4
    model = from_pretrained(folder / "model")
    assert not torch.equal(model.state_dict()["head.place.weight"], first)
    card = (folder / "model" / "README.md").read_text()
    assert "4 steps of 2 examples" in card
    assert "| procedural |" in card
    assert "procedural/f20" in more
    for sitting in ("from-step-0", "from-step-2"):
        assert (folder / "logs" / sitting / "metrics.csv").read_text().count("\n") > 1

    whole = file.parent / "whole"
    train(read_recipe(file, overrides=[f"trainer.out={whole}"]))  # without a break, from the same stems
    for name, value in from_pretrained(whole / "model").state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_a_run_folder_of_another_network_is_refused(run: tuple[Path, dict[str, object]]) -> None:
    with pytest.raises(CheckpointError, match="another network"):
        train(read_recipe(run[0], overrides=["model.config.hidden=8"]))


def test_a_damaged_checkpoint_is_refused(run: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    other = tmp_path / "run"
    shutil.copytree(run[0].parent / "run", other)
    checkpoint = other / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        train(read_recipe(run[0], overrides=[f"trainer.out={other}"]))


@pytest.mark.parametrize("layout", ["foa", "binaural"])
def test_a_dry_run_tells_sizes_and_trains_nothing(recipe_file: Path, tmp_path: Path, layout: str) -> None:
    said = describe(read_recipe(recipe_file, overrides=[f"stems.layout={layout}"]))
    assert said["output_shape"] == [2, 10, 3, 2, 4]
    assert said["stems_ready"] == 0
    assert said["stems_planned"] == 4
    assert not (tmp_path / "run").exists()


CLIPS = [
    *("stems.layout=binaural", "stems.bank={sounds: sounds, folds: [1], procedural: 0.5}", "trainer.max_steps=1"),
    "clips={share: 0.5, reverb: rooms, bank: {rooms: 1, places_per_room: 2, heads: 1, sample_rate: 24000, t60: [0.2, 0.2]}}",
]


def test_whole_clips_in_rooms_take_their_share_of_the_examples(recipe_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(recipe_file.parent)
    for label in ("dog", "rain"):
        (recipe_file.parent / "sounds" / label).mkdir(parents=True)
        noise = np.random.default_rng(len(label)).uniform(-0.5, 0.5, 24_000)
        for fold in (1, 4):
            soundfile.write(recipe_file.parent / "sounds" / label / f"fold{fold}-a.wav", noise, 24_000)
    assert train(read_recipe(recipe_file, overrides=CLIPS))["steps"] == 1
    assert (recipe_file.parent / "rooms" / "train_reverberation.json").is_file()


@pytest.mark.parametrize("change", ["stems.layout=foa", "clips.bank.sample_rate=32000", "clips.bank.layout=mono"])
def test_clips_that_nobody_could_hear_are_refused_before_rooms_are_simulated(recipe_file: Path, change: str) -> None:
    recipe = read_recipe(recipe_file, overrides=[*CLIPS, change])
    with pytest.raises(ParameterError, match="two ears, at the sample rate of the stems"):
        build_dataset(recipe, build_model(recipe))


def test_masks_blank_stretches_and_leave_the_rest() -> None:
    torch.manual_seed(0)
    features = torch.randn(16, 7, 250, 64)
    changed = (masked(features, MaskRecipe(times=1, longest=3, bands=1, widest=8), 5) != features).any(dim=1)
    assert 0 < float(changed.float().mean()) < 0.25
    whole_frames = changed.all(dim=2).sum(dim=1)
    whole_bands = changed.all(dim=1).sum(dim=1)
    assert int(whole_frames.max()) <= 15
    assert int(whole_bands.max()) <= 8
    assert torch.equal(masked(features, MaskRecipe(times=0, bands=0), 5), features)


def test_the_equaliser_changes_levels_alike_and_leaves_cues() -> None:
    torch.manual_seed(0)
    features = torch.randn(16, 7, 50, 64)
    curve = equalised(features, 6.0, 4) - features
    assert float(curve[:, 4:].abs().max()) == 0
    assert torch.allclose(curve[:, :4], curve[:, :1, :1].expand(-1, 4, 50, -1), atol=1e-5)
    assert 2 < float(curve.abs().max()) <= 6.001
    assert float(curve[:, 0, 0].diff(dim=-1).abs().max()) < 1  # smooth
    assert torch.equal(equalised(features, 0.0, 4), features)


def test_learning_reduces_the_loss_on_one_batch(recipe_file: Path) -> None:
    recipe: Recipe = read_recipe(recipe_file)
    task = SeldTask(build_model(recipe), recipe)
    torch.manual_seed(1)
    wave = torch.randn(4, 4, 24_000) * 0.1
    targets = torch.zeros(4, 10, 3, 2, 5)
    for item in range(4):
        angle = item * math.pi / 2
        wave[item, 1:] = torch.tensor([math.sin(angle), 0.0, math.cos(angle)])[:, None] * wave[item, 0]
        targets[item, :, 0, item % 2] = torch.tensor([1.0, math.cos(angle), math.sin(angle), 0.0, 1.0 + item])
    optimiser = torch.optim.AdamW(task.parameters(), lr=0.02)
    features = task.model.features(wave)
    history = []
    for _ in range(60):
        losses = task.loss(task.model.from_features(features), targets)
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
        history.append(float(losses.total.detach()))
    assert history[-1] < 0.4 * history[0]
