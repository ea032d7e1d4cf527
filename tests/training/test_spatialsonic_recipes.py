"""Recipes of SpatialSonic and of its autoencoder: published values, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_sonic import RECIPE, VAE_RECIPE

from auris.errors import ParameterError
from auris.models.spatialsonic import SpatialSonicConfig
from auris.training.learning_rate import learning_rate
from auris.training.recipe import SpatialSonicRecipe, read_recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "bewo"


def read(name: str, *changes: str) -> Any:
    return read_recipe(RECIPES / f"{name}.yaml", overrides=changes)


@pytest.mark.parametrize("name", ["nl", "attri", "mix"])
def test_values_are_those_of_the_released_configuration(name: str) -> None:
    recipe: SpatialSonicRecipe = read(name)
    optimiser, trainer, conditions = recipe.optimiser, recipe.trainer, recipe.conditions
    assert (optimiser.rate, optimiser.weight_decay, optimiser.betas, optimiser.clip) == (2e-5, 1e-3, (0.9, 0.999), None)
    assert (optimiser.schedule, optimiser.inverse_steps, optimiser.inverse_power) == ("inverse", 1e6, 0.5)
    assert (optimiser.inverse_warmup, trainer.step_examples, trainer.max_steps) == (0.99, 128, 500_000)
    assert (conditions.drop_all, conditions.separate, conditions.coarse) == (0.1, False, 1.0)
    assert (recipe.objective.average, recipe.objective.average_power, recipe.objective.share_at_one) == (0.9999, 0.75, 0.01)
    assert recipe.clip_samples == 107 * 2048  # 220 500 samples make 107 latent frames
    config = recipe.model.config
    if name == "nl":
        assert config == SpatialSonicConfig(position=None)
        assert (optimiser.rate_factors, conditions.plain_captions) == ({}, 0.0)
    else:
        assert config == SpatialSonicConfig()
        assert (optimiser.rate_factors, conditions.plain_captions) == ({"position": 10}, {"attri": 1.0, "mix": 0.5}[name])


@pytest.mark.parametrize("step", [0, 1, 99, 100_000, 440_000])
def test_the_rate_is_that_of_the_published_schedule(step: int) -> None:
    rate = learning_rate(read("mix").optimiser, step=step, steps=500_000, epoch_steps=1000, progress=0.0)
    assert rate == pytest.approx(2e-5 * (1 - 0.99 ** (step + 1)) * (1 + step / 1e6) ** -0.5)


@pytest.mark.parametrize("file", sorted(RECIPES.glob("[!_]*.yaml")), ids=lambda file: file.stem)
def test_every_recipe_reads_back_what_it_writes(file: Path, tmp_path: Path) -> None:
    recipe = read_recipe(file)
    assert Path(recipe.trainer.out).is_absolute()
    written = tmp_path / "written.yaml"
    written.write_text(recipe.to_yaml())
    assert read_recipe(written) == recipe


def test_the_smoke_recipes_share_their_clips() -> None:
    diffusion, vae = read("smoke"), read("smoke-vae")
    assert (diffusion.data.folder, diffusion.data.made) == (vae.data.folder, vae.data.made)
    assert (diffusion.model.config.vae, diffusion.model.config.sample_rate) == (vae.vae, vae.sample_rate)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("conditions.drop_text=0.1", "set it to 'separate'"),
        ("model.config.drops=separate", "conditions drop all at once alone"),
        ("conditions.drop_all=1.1", "a share from 0 to 1"),
        ("model.config.position=null", "nothing else says them"),
        ("data.subsets=[SS, XX]", "one of 'SS', 'SD'"),
        ("data.subsets=[]", "names at least one"),
        ("data.crop_seconds=20.0", "more than model.config.longest"),
        ("data.validation_clips=0", "or null for all"),
        ("model.config.prompt_encoder=text_encoder", "stored with the model"),
        ("model.small_prompt_encoder={words: 400}", "stored with the model"),
        ("objective.average=1.0", "average in"),
        ("samples.steps=0", "steps at least 1"),
        ("optimiser.inverse_warmup=1.0", "inverse_warmup lies in"),
        ("optimiser.rate_factors={position: 0}", "a number above 0"),
        ("trainer.compile=true", "is not compiled"),
        ("data.movement_begins=late", "must be one of"),
        ("keep=best", "must be one of"),
    ],
)
def test_wrong_changes_are_explained(change: str, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        read("mix", change)


def test_a_model_without_positions_has_no_rate_and_no_drops_for_them() -> None:
    with pytest.raises(ParameterError, match="has no such part"):
        read("nl", "optimiser.rate_factors={position: 10}")
    with pytest.raises(ParameterError, match="has none to drop"):
        read("nl", "conditions.drop_position=0.1")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("data.crop_seconds=null", "stretches of one length"),
        ("loss.windows=[131072]", "raise data.crop_seconds"),
        ("data.latents=kept", "learns from waves"),
        ("loss.spectral=0", "spectral must exceed 0"),
        ("loss.windows=[10]", "multiple of 4"),
        ("discriminator.begins=1.0", "share of the budget"),
        ("layout=quadro", "quadro"),
        ("trainer.strategy=fsdp", "trainer.devices"),
        ("vae.strides=[3, 2, 2, 2, 2]", "strides are even"),
    ],
)
def test_wrong_autoencoders_are_explained(change: str, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        read("vae", change)


@pytest.mark.parametrize("text", [RECIPE, VAE_RECIPE], ids=["diffusion", "autoencoder"])
def test_the_recipes_of_the_tests_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "tiny.yaml").write_text(text)
    assert read_recipe(tmp_path / "tiny.yaml").seed == 3
