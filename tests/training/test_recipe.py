from __future__ import annotations

from pathlib import Path

import pytest

from auris.data.scene_presets import PRESETS
from auris.errors import FormatError, ParameterError
from auris.training.recipe import Recipe, read_recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", ["nano-foa", "nano-binaural"])
def test_shipped_recipes_are_valid_and_round_trip(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    assert recipe.name == name
    assert len(recipe.labels) == 12
    assert name.endswith(recipe.stems.layout)
    assert recipe.stems.preset in PRESETS
    assert not set(recipe.stems.bank.folds or ()) & set(recipe.validation.folds)
    assert read_recipe(written(tmp_path, recipe.to_yaml())) == recipe


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    text = "{name: a, labels: [dog], stems: {bank: {sounds: s}, hrtf: [k.sofa]}, pool: {folder: ../p}, trainer: {out: o}}"
    recipe = read_recipe(written(tmp_path, text))
    assert recipe.stems.bank.sounds == str(tmp_path / "s")
    assert recipe.stems.hrtf == (str(tmp_path / "k.sofa"),)
    assert recipe.pool.folder == str(tmp_path.parent / "p")
    assert recipe.trainer.out == str(tmp_path / "o")


def test_values_can_be_changed_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, "{name: a, labels: [dog]}")
    monkeypatch.chdir(tmp_path)
    changes = ["optimiser.rate=3e-4", "trainer.max_steps=20", "trainer.out=here", "labels=[cat, rain]", "model.config.hidden=8"]
    recipe = read_recipe(file, overrides=[*changes, "trainer.max_minutes=null"])
    assert recipe.optimiser.rate == 3e-4
    assert recipe.trainer.max_steps == 20
    assert recipe.trainer.max_minutes is None
    assert recipe.trainer.out == str(tmp_path / "here")
    assert recipe.labels == ("cat", "rain")
    assert recipe.model.config == {"hidden": 8}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("trainer.max_stpes=20", "did you mean 'max_steps'"),
        ("trainer.max_steps=many", "max_steps must be whole number or nothing, got 'many'"),
        ("trainer.max_steps=0", "at least 1"),
        ("trainer", "key.key=value"),
        ("=3", "key.key=value"),
        ("name.x=3", "name must be text, got"),
        ("labels=[a", "not valid YAML"),
        ("mix.shift=2", "shift must lie in"),
        ("stems.layout=tetra", "layout must be one of 'foa', 'binaural', 'stereo'"),
    ],
)
def test_wrong_changes_are_explained(tmp_path: Path, change: str, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        read_recipe(written(tmp_path, "{name: a, labels: [dog]}"), overrides=[change])


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ("[1, 2]", FormatError, "a recipe is a mapping"),
        ("{name: a", FormatError, "not valid YAML"),
        ("{name: a}", ParameterError, "labels missing"),
        ("{name: a, labels: [dog], optimizer: {}}", ParameterError, "did you mean 'optimiser'"),
        ("{name: a, labels: [dog], trainer: 3}", ParameterError, "trainer must be a mapping"),
        ("{name: a, labels: [1]}", ParameterError, "labels must be a list of texts"),
    ],
)
def test_wrong_recipes_are_explained_with_their_file(tmp_path: Path, content: str, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        read_recipe(written(tmp_path, content))
    assert "recipe.yaml" in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"nowhere\.yaml: no such file"):
        read_recipe(tmp_path / "nowhere.yaml")


def test_a_recipe_needs_little() -> None:
    assert Recipe("a", ("dog",)).to_yaml().startswith("name: a\n")
