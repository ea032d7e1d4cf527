from __future__ import annotations

from pathlib import Path

import pytest

from auris.errors import ParameterError
from auris.models import create
from auris.models.pretrained import weights_unset
from auris.training.recipe import SpatialAstRecipe, read_recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FILES = {
    f"{folder}/{file.stem}": file
    for folder in ("spatial_ast", "dspast")
    for file in sorted((RECIPES / folder).glob("[!_]*.yaml"))
}
# Spec of the published trainings: list, weighted draws, clips per epoch, epochs, warm-up, batch, rate of its steps, losses.
SPATIAL_AST = (256, 1e-3, (1250, 1, 2), "AudioMAE")
PUBLISHED = {
    "spatial_ast/20k": ("balanced", "uniform", None, 50, 5, *SPATIAL_AST),
    "spatial_ast/2m": ("unbalanced", "weighted", 190_000, 100, 10, *SPATIAL_AST),
    "dspast/stage1": ("unbalanced", "weighted", 186_175, 100, 10, 128, 5e-4, (1, 0, 0), "AudioMAE"),
    "dspast/stage2": ("unbalanced", "weighted", 18_617, 50, 10, 128, 5e-4, (100, 2, 1), "dspast-stage1"),
    "dspast/stage3": ("balanced", "uniform", None, 50, 10, 128, 5e-4, (100, 2, 1), "dspast-stage2"),
}
PARAMETERS = {"spatial_ast": 85_963_194, "dspast": 86_085_127}  # trained, with 355 classes


@pytest.fixture(scope="module")
def recipes() -> dict[str, SpatialAstRecipe]:
    return {name: read_recipe(file) for name, file in FILES.items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_values_are_those_of_the_published_training(recipes: dict[str, SpatialAstRecipe], name: str) -> None:
    recipe, wanted = recipes[name], PUBLISHED[name]
    data, optimiser, loss, trainer = recipe.data, recipe.optimiser, recipe.loss, recipe.trainer
    begin = recipe.initial.audiomae or Path(str(recipe.initial.checkpoint)).parent.name
    found = (
        Path(data.lists.train).stem,
        data.sampling,
        data.epoch_items,
        trainer.epochs,
        optimiser.warmup_epochs,
        trainer.step_examples,
        optimiser.rate_for(trainer.step_examples),
        (loss.events, loss.distance, loss.direction),
        begin,
    )
    assert found == wanted
    assert (optimiser.weight_decay, optimiser.decayed, optimiser.layer_decay) == (5e-4, "matrices", 0.75)
    assert (optimiser.schedule, optimiser.min_rate, optimiser.clip) == ("half_cosine", 1e-6, None)
    assert (loss.smoothing_deg, loss.distance_smoothing, recipe.validation.select) == (0, 0, "last")
    items, masks = data.items, recipe.masks
    assert (items.mixup, items.mix, items.gain, items.roll, items.level_dbfs) == (0.5, "shared_response", "beta", "none", -14)
    assert (items.sample_rate, items.clip_seconds, items.response_seconds) == (32_000, 10.0, 2.0)
    assert masks is not None
    assert (masks.frequency, masks.time, masks.patch_time, masks.patch_frequency) == (48, 192, 0.25, 0.25)
    assert data.lists.weights == ("metadata/weights/unbalanced_weight.csv" if data.sampling == "weighted" else None)


def test_each_stage_begins_where_the_one_before_ends(recipes: dict[str, SpatialAstRecipe]) -> None:
    for stage in (2, 3):
        before = Path(recipes[f"dspast/stage{stage - 1}"].trainer.out) / "model"
        assert recipes[f"dspast/stage{stage}"].initial.checkpoint == str(before)


@pytest.mark.parametrize("name", FILES)
def test_every_recipe_makes_its_network_and_round_trips(
    recipes: dict[str, SpatialAstRecipe], name: str, tmp_path: Path
) -> None:
    recipe = recipes[name]
    with weights_unset():  # nothing of the size of a network is reserved
        model = create(recipe.model.architecture, labels=list(recipe.labels), **recipe.model.config)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert trained == (PARAMETERS[recipe.model.architecture] if name in PUBLISHED else trained)
    assert Path(recipe.trainer.out).is_absolute()
    assert Path(recipe.data.reverb).is_absolute()
    written = tmp_path / "written.yaml"
    written.write_text(recipe.to_yaml())
    assert read_recipe(written) == recipe


def test_names_and_run_folders_are_their_own(recipes: dict[str, SpatialAstRecipe]) -> None:
    assert set(PUBLISHED) <= set(recipes)
    assert len({recipe.name for recipe in recipes.values()}) == len(recipes)
    assert len({recipe.trainer.out for recipe in recipes.values()}) == len(recipes)


MINIMAL = "{task: spatial_ast, name: a, data: {audioset: clips}}"


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text)
    return file


def test_a_recipe_needs_little_and_changes_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, MINIMAL)
    recipe = read_recipe(file, overrides=["data.reverb=rooms", "initial.checkpoint=w.pth", "model.config.clip_seconds=5.0"])
    assert recipe.model.architecture == "spatial_ast"
    assert recipe.data.audioset == str(tmp_path / "clips")
    assert recipe.data.reverb == str(tmp_path / "rooms")
    assert recipe.initial.checkpoint == str(tmp_path / "w.pth")
    assert recipe.data.items.clip_seconds == 5.0  # examples are as long as the network hears
    assert len(recipe.labels) == 355
    assert read_recipe(file, overrides=["initial.checkpoint=DSpAST-1"]).initial.checkpoint == "DSpAST-1"


@pytest.mark.parametrize("name", ["spatial-ast-nano", "DSpAST-2"])
def test_weights_may_begin_with_what_ships_or_was_published_by_name(name: str) -> None:
    recipe = read_recipe(RECIPES / "spatial_ast" / "nano.yaml", overrides=[f"initial.checkpoint={name}"])
    assert recipe.initial.checkpoint == name


def test_classes_are_those_of_the_data(tmp_path: Path) -> None:
    file = written(tmp_path, MINIMAL)
    table = tmp_path / "clips" / "metadata" / "class_labels_indices_subset.csv"
    table.parent.mkdir(parents=True)
    table.write_text('index,mid,display_name\n7,/m/a,"Dog, big"\n8,/m/b,Cat\n')
    assert read_recipe(file).labels == ("Dog, big", "Cat")
    for name in ("rain", "dog"):
        (tmp_path / "sounds" / name).mkdir(parents=True)
    sounds = ["data={sounds: {folder: " + str(tmp_path / "sounds") + "}}"]
    other = written(tmp_path, "{task: spatial_ast, name: a}")
    assert read_recipe(other, overrides=sounds).labels == ("dog", "rain")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("model.architecture=spatialast", "did you mean 'spatial_ast'"),
        ("model.architecture=seld_crnn", "unknown network of whole clips"),
        ("data.audioset=null", "give one of them"),
        ("data.sounds={folder: s}", "give one of them"),
        ("data={sounds: {folder: s, folds: [1, 4]}}", "share some"),
        ("data={sounds: {folder: s, procedural: 2}}", "share from 0 to 1"),
        ("data.epoch_items=0", "at least 1"),
        ("data.sampling=weights", "must be one of"),
        ("data.items.mixup=2", "from 0 to 1"),
        ("data.items={clip_seconds: 5.0}", "the network hears clip_seconds 10.0, but data.items has 5.0"),
        ("data.lists.trian=x", "did you mean 'train'"),
        ("initial={audiomae: a, checkpoint: b}", "not with both"),
        ("loss={events: 0, distance: 0, direction: 0}", "not all 0"),
        ("loss.events=-1", "at least 0"),
        ("loss.smoothing_deg=-1", "at least 0"),
        ("masks.patch_time=1.0", r"lie in \[0, 1\)"),
        ("optimiser.layer_decay=2", "up to 1"),
        ("validation.select=best", "must be one of"),
        ("validation.per_clip=0", "at least 1"),
        ("task=spatialast", "did you mean 'spatial_ast'"),
    ],
)
def test_wrong_changes_are_explained(tmp_path: Path, change: str, text: str) -> None:
    file = written(tmp_path, MINIMAL.replace("data:", "model: {config: {clip_seconds: 10.0}}, data:"))
    with pytest.raises(ParameterError, match=text):
        read_recipe(file, overrides=[change])
