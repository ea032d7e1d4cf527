"""Recipes of language models that hear."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest

from auris.cli import main
from auris.errors import ParameterError
from auris.io.spatial_qa_records import STAGES
from auris.models.bat_config import LoraSettings
from auris.models.projectors import ProjectorConfig
from auris.training.bat import describe
from auris.training.recipe import BatRecipe, read_recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "bat"
STAGE_NAMES = ("stage1", "stage2", "stage3")


@pytest.fixture(autouse=True)
def nothing_on_this_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIS_MODELS", str(tmp_path / "none"))


def stage(name: str, *changes: str) -> BatRecipe:
    recipe: BatRecipe = read_recipe(RECIPES / f"{name}.yaml", overrides=changes)
    return recipe


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_values_are_those_of_the_published_script(name: str) -> None:
    recipe = stage(name)
    optimiser, trainer, plan = recipe.optimiser, recipe.trainer, recipe.model
    assert (optimiser.rate, optimiser.weight_decay, optimiser.betas, optimiser.clip) == (1e-4, 0.0, (0.9, 0.999), None)
    assert (optimiser.schedule, optimiser.warmup_steps, optimiser.end_step) == ("linear", 20_000, 200_000)
    assert (trainer.step_examples, trainer.epochs, trainer.max_steps, trainer.validate_steps) == (64, 5, 200_000, 2000)
    assert (plan.encoder, plan.hearing, plan.language_model) == ("Spatial-AST", "frozen", "meta-llama/Llama-2-7b-hf")
    assert plan.lora == LoraSettings()
    assert plan.projector == ProjectorConfig()
    assert (recipe.seed, recipe.keep) == (42, "lowest_loss")
    assert (plan.writing.beams, plan.writing.longest) == (4, 200)


def test_stages_are_chained_and_cumulative() -> None:
    recipes = [stage(name) for name in STAGE_NAMES]
    assert [recipe.data.stage for recipe in recipes if recipe.data] == [known.folder for known in STAGES]
    assert recipes[0].initial is None
    for before, after in itertools.pairwise(recipes):
        assert after.initial == str(Path(before.trainer.out) / "model")


@pytest.mark.parametrize("file", sorted(RECIPES.glob("[!_]*.yaml")), ids=lambda file: file.stem)
def test_every_recipe_reads_back_what_it_writes(file: Path, tmp_path: Path) -> None:
    recipe = read_recipe(file)
    assert Path(recipe.trainer.out).is_absolute()
    written = tmp_path / "written.yaml"
    written.write_text(recipe.to_yaml())
    assert read_recipe(written) == recipe


def test_a_dry_run_tells_of_llama_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(RECIPES / "stage1.yaml"), "--dry-run", "--json"]) == 0
    said = capsys.readouterr().out
    assert "13.5 GB" in said
    assert "Spatial-AST" in said
    told = describe(stage("stage1"))
    assert told["trained_parameters"] == 69_367_296 + 4_194_304  # published projector and adapters
    assert told["language_model_parameters"] == 6_738_415_616
    assert "not on this disk" in told["missing"]


def test_a_dry_run_of_a_missing_language_model_says_how_to_get_it(tmp_path: Path) -> None:
    told = describe(stage("stage1", "model.encoder=spatial-ast-nano"))
    assert "hf download meta-llama/Llama-2-7b-hf" in told["missing"]
    assert describe(stage("stage1", "model.encoder=spatial-ast-nano", "model.language_model=no/such"))["missing"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("model.precision=4bit", "for answering"),
        ("model.lora=null", "keeps float32 weights"),
        ("model.language_model=null", "name it in model.language_model"),
        ("data.unreadable=ignore", "must be one of"),
        ("data.validation_count=0", "at least 1"),
        ("curriculum=[{begins: 0.0, weights: {DOA: 1.0}}]", "chain recipes"),
        ("optimiser.end_step=100", "behind warmup_steps"),
        ("optimiser={schedule: cosine}", "for schedule linear"),
        ("optimiser.betas=[0.9, 1.0]", "two numbers"),
        ("trainer.devices=2", "strategy=ddp or fsdp"),
        ("trainer.strategy=fsdp", r"set trainer\.devices"),
        ("keep=best", "must be one of"),
    ],
)
def test_wrong_changes_are_explained(change: str, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        stage("stage1", change)


def test_a_recipe_of_scenes_needs_no_data(tmp_path: Path) -> None:
    file = tmp_path / "scenes.yaml"
    file.write_text("{task: bat, name: a, curriculum: [{begins: 0.0, weights: {DOA: 1}}]}")
    recipe = read_recipe(file)
    assert recipe.data is None
    assert dataclasses.replace(recipe, curriculum=recipe.curriculum).stage(0.5).weights == {"DOA": 1}
