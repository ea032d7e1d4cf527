"""Training the generator of scenes: stems, tokens, losses, a run that is stopped and goes on, and its recipe."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from auris.errors import CheckpointError, FormatError, ParameterError
from auris.metrics.itd import gcc_phat_itd
from auris.models import from_pretrained
from auris.models.scene_diffusion.codec import CodecConfig, StereoCodec
from auris.models.scene_diffusion.network import ROOMS, Conditions
from auris.training.generator import GeneratorTask, build_model, describe, dropped, train, validate
from auris.training.generator_data import TokenBatch, TokenStems, direct_delays, encoded, token_stems
from auris.training.generator_recipe import ConditionDropsRecipe, GeneratorRecipe, PlacedStemsRecipe
from auris.training.generator_stems import PATH_RATE, made_stems, read_stems
from auris.training.recipe import read_recipe
from auris.training.run_folder import RunFolder

TINY = """
task: generator
name: tiny
labels: [dog, rain]
model: {width: 16, depth: 1, heads: 1, window: 6, steps: 2, codec: {components: 8, iterations: 1}}
stems:
  folder: stems
  bank: {procedural: 1.0}
  scenes: {duration: 1.6, sample_rate: 16000, size_shares: [1, 0, 0, 0]}
  moving: 0.5
  shard_size: 4
  shards: 1
  held_out_shards: 1
codec_stems: 4
optimiser: {schedule: constant}
trainer: {out: run, batch: 2, max_steps: 4, validate_steps: 2, save_minutes: 0.0}
validation: {batches: 1, samples: 2, steps: 2, seconds: 1.0}
"""


@pytest.fixture(autouse=True)
def _other_peoples_warnings() -> object:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield


def written(folder: Path) -> Path:
    file = folder / "tiny.yaml"
    file.write_text(TINY)
    return file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A recipe that was stopped after two steps, and what its run said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = written(tmp_path_factory.mktemp("generator"))
        return file, train(read_recipe(file, overrides=["trainer.max_steps=2"]))


def test_a_run_that_was_stopped_goes_on_to_the_last_bit(run: tuple[Path, dict[str, object]]) -> None:
    file, done = run
    assert done["steps"] == 2
    assert 0 <= float(done["validation/direction"]) <= 1  # type: ignore[arg-type]
    more = train(read_recipe(file))
    assert more["steps"] == 4
    again = train(read_recipe(file))  # nothing is left to train
    assert (again["steps"], again["validation/direction"]) == (4, more["validation/direction"])
    whole = file.parent / "whole"
    train(read_recipe(file, overrides=[f"trainer.out={whole}"]))  # without a break, from the same stems
    model = from_pretrained(whole / "model")
    for name, value in from_pretrained(file.parent / "run" / "model").state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    one, other = (torch.load(file.parent / out / "last.ckpt", weights_only=True) for out in ("run", "whole"))
    assert one["average"]["updates"] == other["average"]["updates"] == 4
    for name, value in one["state_dict"].items():
        assert torch.equal(value, other["state_dict"][name]), name


def test_a_run_leaves_clips_a_card_and_losses(run: tuple[Path, dict[str, object]]) -> None:
    folder = run[0].parent / "run"
    clips = sorted((folder / "samples" / "step-000002").glob("*.wav"))
    assert [clip.name for clip in clips] == ["00-dog-left.wav", "01-rain-front_left.wav"]
    samples, rate = soundfile.read(clips[0])
    assert samples.shape == (16_000, 2)
    assert rate == 16_000
    card = (folder / "model" / "README.md").read_text()
    assert "procedural synthesis" in card
    assert "interaural time difference" in card
    log = (folder / "logs" / "from-step-0" / "metrics.csv").read_text()
    for column in ("train/content", "train/space", "validation/total", "validation/direction", "validation/itd_error_ms"):
        assert column in log
    again = validate(read_recipe(run[0]))
    assert again["clips"] == 2


def test_the_kept_model_is_the_average(run: tuple[Path, dict[str, object]]) -> None:
    folder = run[0].parent / "run"
    kept = from_pretrained(folder / "model").state_dict()
    average = torch.load(folder / "last.ckpt", weights_only=True)["average"]["average"]
    for name, value in average.items():
        torch.testing.assert_close(kept[f"network.{name}"], value)


def test_a_run_folder_of_another_network_is_refused(run: tuple[Path, dict[str, object]]) -> None:
    with pytest.raises(CheckpointError, match="another network"):
        train(read_recipe(run[0], overrides=["model.width=32"]))


def test_a_dry_run_tells_sizes_and_makes_nothing(tmp_path: Path) -> None:
    said = describe(read_recipe(written(tmp_path)))
    assert said["token_width"] == 17
    assert said["stems_ready"] == 0
    assert said["stems_planned"] == 4
    assert list(tmp_path.iterdir()) == [tmp_path / "tiny.yaml"]


def test_stems_are_heard_where_their_tracks_say(run: tuple[Path, dict[str, object]]) -> None:
    recipe = read_recipe(run[0])
    (file,) = made_stems(recipe.stems, recipe.labels)
    stems = read_stems(file)
    assert stems.classes.tolist() == [0, 0, 1, 1]
    assert set(stems.rooms.tolist()) == {ROOMS.index("outdoors")}
    delays = direct_delays(stems.azimuths, stems.distances)
    for wave, delay in zip(stems.waveforms, delays, strict=True):
        track = gcc_phat_itd(wave, 16_000)
        wanted = delay[np.minimum((track.times * PATH_RATE).astype(int), len(delay) - 1)]
        assert np.nanmedian(np.abs(track.itd - wanted)) < 4e-5


def test_stems_are_made_again_only_where_they_are_missing(run: tuple[Path, dict[str, object]]) -> None:
    recipe = read_recipe(run[0])
    (file,) = made_stems(recipe.stems, recipe.labels)
    before, content = file.stat().st_mtime_ns, read_stems(file)
    assert made_stems(recipe.stems, recipe.labels) == [file]
    assert file.stat().st_mtime_ns == before
    other = run[0].parent / "elsewhere"
    (again,) = made_stems(read_recipe(run[0], overrides=[f"stems.folder={other}"]).stems, recipe.labels)
    for name, value in vars(read_stems(again)).items():
        assert np.array_equal(value, getattr(content, name)), name
    again.write_bytes(again.read_bytes()[:100])
    with pytest.raises(FormatError, match="damaged"):
        read_stems(again)


def test_tokens_know_the_delay_of_geometry_and_are_mirrored_with_their_tracks(run: tuple[Path, dict[str, object]]) -> None:
    recipe = read_recipe(run[0])
    stems = token_stems(recipe, CodecConfig(components=8, iterations=1), window=6)
    crops = [stems.crops(number, 4) for number in range(12)]
    numbers = [stems.codec.numbers(crop.latents) for crop in crops]
    sines = torch.cat([crop.tracks[..., 1].flatten() for crop in crops])
    delays = torch.cat([one.delays.flatten() for one in numbers])
    assert float(torch.corrcoef(torch.stack([sines, delays]))[0, 1]) > 0.98
    assert (sines > 0).any()
    assert (sines < 0).any()
    assert torch.equal(stems.crops(3, 4).latents, crops[3].latents)
    assert not torch.equal(crops[3].latents, crops[4].latents)
    with pytest.raises(ParameterError, match=r"stems\.scenes\.duration"):
        token_stems(recipe, CodecConfig(components=8, iterations=1), window=20)


@pytest.fixture(scope="module")
def learnable() -> tuple[GeneratorRecipe, TokenStems]:
    """Tokens that say what and where, without simulation."""
    recipe = GeneratorRecipe(
        "small",
        ("a", "b"),
        model={"width": 32, "depth": 2, "heads": 2, "window": 6, "codec": {"components": 8, "iterations": 1}},
        stems=PlacedStemsRecipe(),
    )
    codec = StereoCodec(CodecConfig(components=8, iterations=1))
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(64) % 2
    azimuth = (torch.rand(64, 1, generator=generator) - 0.5) * math.pi
    tracks = torch.stack([azimuth * 0 + 1, azimuth.sin(), azimuth.cos(), azimuth * 0], dim=-1).expand(64, 8, 4)
    latents = 0.1 * torch.randn(64, 8, codec.width, generator=generator)
    latents[..., :8] += torch.where(classes == 0, 1.0, -1.0)[:, None, None]
    latents[..., 8] += 1.4 * tracks[..., 1]
    return recipe, TokenStems(TokenBatch(latents, classes, tracks, torch.zeros(64, dtype=torch.long)), codec, window=6, seed=1)


def test_the_loss_falls_and_what_is_written_follows_the_conditions(
    learnable: tuple[GeneratorRecipe, TokenStems], tmp_path: Path
) -> None:
    recipe, stems = learnable
    task = GeneratorTask(build_model(recipe, stems.codec), recipe, out=RunFolder(tmp_path))
    optimiser = torch.optim.AdamW(task.model.network.parameters(), lr=4e-3)
    torch.manual_seed(0)
    losses = []
    for number in range(150):
        loss = task.losses(stems.crops(number, 32)).total
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert np.mean(losses[-20:]) < 0.3 * np.mean(losses[:10])
    model = task.model.eval()
    conditions = Conditions(torch.tensor([0, 1, 0, 1]), stems.whole.tracks[:4, :6], torch.zeros(4, dtype=torch.long))
    sampling = {"steps": 8, "guidance": 1.0, "guidance_position": 1.0, "report": None}
    with torch.inference_mode():
        latents = model._latents(conditions, 3, **sampling)
    assert torch.sign(latents[..., :8].mean(dim=(1, 2))).tolist() == [1, -1, 1, -1]
    np.testing.assert_allclose(latents[..., 8].mean(dim=1), 1.4 * conditions.tracks[:, 0, 1], atol=0.4)


def test_shares_of_conditions_are_dropped() -> None:
    count = 2000
    conditions = Conditions(torch.zeros(count, dtype=torch.long), torch.ones(count, 3, 4), torch.ones(count, dtype=torch.long))
    told = dropped(conditions, torch.arange(count) / count, ConditionDropsRecipe(0.1, 0.2, 0.3), classes=5)
    no_class, no_place = told.classes == 5, ~told.tracks.any(dim=-1).any(dim=-1)
    assert torch.equal(no_place, told.rooms == len(ROOMS))
    shares = [float((a & b).float().mean()) for a, b in ((no_class, ~no_place), (~no_class, no_place), (no_class, no_place))]
    assert shares == pytest.approx([0.1, 0.2, 0.3], abs=1e-3)


def test_encoding_keeps_what_the_stems_say(run: tuple[Path, dict[str, object]]) -> None:
    recipe = read_recipe(run[0])
    (file,) = made_stems(recipe.stems, recipe.labels)
    stems = read_stems(file)
    codec = StereoCodec(CodecConfig(components=8, iterations=1))
    arrays = encoded(stems, codec)
    tokens = stems.audio.shape[2] // codec.token_samples
    assert arrays["latents"].shape == (4, tokens, 17)
    assert arrays["tracks"].shape == (4, tokens, 4)
    assert np.array_equal(arrays["classes"], stems.classes)
    silent = read_stems(file)
    object.__setattr__(silent, "audio", np.zeros_like(silent.audio))
    assert np.isfinite(encoded(silent, codec)["latents"]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stems.moving=2", "moving"),
        ("stems.shards=0", "at least 1"),
        ("stems={bank: {folds: [1, 4], procedural: 0.0}}", "share no fold"),
        ("drops.text=0.95", "at most 1 together"),
        ("model.labels=[dog]", "belong to the recipe"),
        ("codec_stems=0", "codec_stems"),
        ("validation.steps=0", "validation"),
        ("stems.shard=3", "unknown key"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        read_recipe(written(tmp_path), overrides=[change])


def test_the_codec_and_the_stems_must_have_one_sample_rate(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path), overrides=["model.codec.sample_rate=12000", f"stems.folder={tmp_path / 'other'}"])
    with pytest.raises(ParameterError, match=r"16000 Hz.*12000 Hz"):
        train(recipe)
