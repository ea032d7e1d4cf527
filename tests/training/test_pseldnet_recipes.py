from __future__ import annotations

from pathlib import Path

import pytest

from auris.errors import FormatError, ParameterError
from auris.models import create
from auris.models.configuration import plain_of
from auris.models.pretrained import weights_unset
from auris.models.pseldnet.adaptation import trainable_parameters
from auris.training.augmentation import preset
from auris.training.recipe import PseldRecipe, read_recipe

FOLDER = Path(__file__).resolve().parents[2] / "recipes" / "pseldnets"
FILES = {str(file.relative_to(FOLDER).with_suffix("")): file for file in sorted(FOLDER.rglob("[!_]*.yaml"))}

# Spec of the published experiments: initial weights, batch, learning rate, epochs between its steps, epochs, augmentation.
MACCDOA = "mACCDOA-HTSAT"
EXPERIMENTS = {
    **{f"synthetic/accdoa_{trunk}": (None, 40, 1e-4, 20, 25, "augmix") for trunk in ("htsat", "passt", "cnn14_conformer")},
    **{f"synthetic/maccdoa_{trunk}": (None, 32, 1e-4, 20, 25, "augmix") for trunk in ("htsat", "passt", "cnn14_conformer")},
    **{f"synthetic/einv2_{trunk}": (None, 17, 5e-5, 6, 8, "augmix") for trunk in ("htsat", "passt")},
    **{f"synthetic/einv2_agg_{trunk}": (None, 17, 5e-5, 6, 8, "augmix") for trunk in ("htsat", "passt")},
    **{f"synthetic/seddoa_agg_{trunk}": (None, 40, 1e-4, 10, 15, "augmix") for trunk in ("htsat", "passt", "cnn14_conformer")},
    **{
        f"{folder}/{initial}{suffix}": (checkpoint, 32, rate, step, epochs, augmentation)
        for folder, rate, step, epochs, mixed in (
            ("dcase2021", 3e-4, 60, 70, "augmix1"),
            ("starss23", 1e-4, 55, 70, "augmix1"),
            ("l3das22", 1e-4, 50, 60, "augmix"),
        )
        for initial, checkpoint in (("maccdoa", None), ("finetune_maccdoa", MACCDOA))
        for suffix, augmentation in (("", "none"), (f"_{mixed}", mixed))
    },
    "l3das22/finetune_maccdoa_ov1": (MACCDOA, 32, 5e-5, 50, 60, "none"),
    "l3das22/finetune_maccdoa_ov1_adapterbit": (MACCDOA, 32, 3e-4, 50, 60, "none"),
    "l3das22/finetune_maccdoa_ov1mono": (MACCDOA, 32, 5e-5, 50, 60, "mono"),
    "l3das22/finetune_maccdoa_ov1mono_adapterbit": (MACCDOA, 32, 1e-3, 50, 60, "mono"),
}
OWN = {"starss23/maccdoa_synth", "starss23/finetune_maccdoa_synth", "simulated/maccdoa_cnn8_gru"}
OUTPUTS = {"accdoa": "accdoa", "maccdoa": "multi_accdoa", "einv2": "einv2", "seddoa": "seddoa", "finetune": "multi_accdoa"}
# Numbers in the published networks, with 170 classes.
PARAMETERS = {
    "synthetic/accdoa_htsat": 29_895_062,
    "synthetic/maccdoa_htsat": 34_596_242,
    "synthetic/maccdoa_passt": 52_257_146,
    "synthetic/maccdoa_cnn14_conformer": 179_406_906,
    "synthetic/einv2_htsat": 57_481_271,
    "synthetic/seddoa_agg_htsat": 29_936_543,
    "l3das22/finetune_maccdoa_ov1_adapterbit": 32_451_542,
}


def test_there_is_a_recipe_for_every_experiment() -> None:
    assert set(FILES) == set(EXPERIMENTS) | OWN


@pytest.fixture(scope="module")
def recipes() -> dict[str, PseldRecipe]:
    return {name: read_recipe(file) for name, file in FILES.items()}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_values_are_those_of_the_published_experiment(recipes: dict[str, PseldRecipe], name: str) -> None:
    recipe = recipes[name]
    checkpoint, batch, rate, step, epochs, augmentation = EXPERIMENTS[name]
    folder, _, experiment = name.partition("/")
    if checkpoint is None:
        backbone = {"htsat": "HTSAT", "passt": "PaSST", "cnn14": "CNN14"}[recipe.model.backbone]
        assert recipe.initial.audioset == f"{backbone}-AudioSet"
    assert (recipe.initial.checkpoint, recipe.trainer.batch, recipe.trainer.epochs) == (checkpoint, batch, epochs)
    assert checkpoint is None or recipe.initial.head == "random"
    optimiser = recipe.optimiser
    assert (optimiser.rate, optimiser.schedule, optimiser.decay, optimiser.decay_epochs) == (rate, "step", 0.1, step)
    assert (optimiser.clip, optimiser.weight_decay, optimiser.warmup_steps) == (1.0, 0.01, 0)
    assert (recipe.augmentation, recipe.seed, recipe.selection.score) == (augmentation, 2024, "pseldnets")
    assert recipe.augmentation_settings == preset(augmentation)
    assert recipe.model.output == OUTPUTS[experiment.split("_")[0]]
    assert recipe.loss.kind_for(recipe.model.output) == (
        "aggregated" if "agg" in name else recipe.loss.kind_for(recipe.model.output)
    )
    assert recipe.data is not None
    assert recipe.data.name == {"synthetic": "pseldnets"}.get(folder, folder)
    assert recipe.data.partition == ("ov1" if "ov1" in name else "default")
    assert recipe.model.sample_rate == (32_000 if folder == "l3das22" else 24_000)
    assert recipe.model.adaptation.method == ("adapter" if "adapterbit" in name else "none")
    assert (recipe.data.chunk_seconds, recipe.data.hop_seconds) == (10.0, 10.0)
    assert len(recipe.model.labels) == {"synthetic": 170, "dcase2021": 12, "starss23": 13, "l3das22": 14}[folder]


@pytest.mark.parametrize("name", FILES)
def test_every_recipe_makes_its_network_and_round_trips(recipes: dict[str, PseldRecipe], name: str, tmp_path: Path) -> None:
    recipe = recipes[name]
    with weights_unset():  # nothing of the size of a network is reserved
        model = create("pseldnet", **plain_of(recipe.model))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert parameters == PARAMETERS.get(name, parameters)
    assert trainable_parameters(model) == (5_001_142 if "adapterbit" in name else parameters)
    assert name.rpartition("/")[2].replace("_", "-") in recipe.name or name in OWN | set(FILES)
    assert Path(recipe.trainer.out).is_absolute()
    written = tmp_path / "written.yaml"
    written.write_text(recipe.to_yaml())
    assert read_recipe(written) == recipe


def test_names_and_run_folders_are_their_own(recipes: dict[str, PseldRecipe]) -> None:
    assert len({recipe.name for recipe in recipes.values()}) == len(recipes)
    assert len({recipe.trainer.out for recipe in recipes.values()}) == len(recipes)


MINIMAL = "{task: pseldnet, name: a, model: {labels: [dog]}, data: {name: auris, root: r}}"


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text)
    return file


def test_a_recipe_needs_little_and_changes_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, MINIMAL)
    recipe = read_recipe(
        file, overrides=["initial.checkpoint=w.ckpt", "augmentation={rotation: swaps48}", "optimiser.rate=3e-4"]
    )
    assert recipe.initial.checkpoint == str(tmp_path / "w.ckpt")
    assert recipe.augmentation_settings.rotation == "swaps48"
    assert recipe.optimiser.rate == 3e-4
    assert recipe.trainer.total_steps(epoch_steps=7) == 25 * 7
    assert recipe.data.partition == "safe"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("model.backbon=passt", "did you mean 'backbone'"),
        ("model.backbone=pasta", "backbone must be one of"),
        ("data.name=aurs", "did you mean 'auris'"),
        ("data.partition=dev", "unknown partition of auris"),
        ("data=null", "give one of them"),
        ("loss.kind=pit", "does not fit output 'multi_accdoa', which takes adpit"),
        ("augmentation=augmixx", "augmentation must be one of"),
        ("augmentation.copies=3", "would stay alike"),
        ("initial={audioset: a, checkpoint: b}", "not with both"),
        ("trainer.devices=2", "trainer.strategy=ddp"),
        ("trainer.epochs=0", "epochs must be at least 1"),
        ("optimiser.rate=0", "must exceed 0"),
        ("optimiser.decay_epochs=0", "at least 1"),
        ("task=pseldnets", "did you mean 'pseldnet'"),
        ("data.also={name: auris, root: x, partition: y}", "unknown partition"),
    ],
)
def test_wrong_changes_are_explained(tmp_path: Path, change: str, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        read_recipe(written(tmp_path, MINIMAL), overrides=[change])


def test_a_network_of_another_rate_than_its_data_is_refused(tmp_path: Path) -> None:
    text = "{task: pseldnet, name: a, model: {sample_rate: 24000}, data: {name: l3das22, root: r}}"
    with pytest.raises(ParameterError, match="l3das22 has 32000 Hz, but the network hears 24000 Hz"):
        read_recipe(written(tmp_path, text))


def test_one_recipe_may_stand_upon_another(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    lower = tmp_path / "lower.yaml"
    lower.write_text(
        "{task: pseldnet, name: low, model: {labels: [dog], output: accdoa}, data: {name: auris, root: r}, seed: 1}"
    )
    upper = written(tmp_path / "inner", "{base: ../lower.yaml, name: high, model: {backbone: passt}, trainer: {out: o}}")
    recipe = read_recipe(upper)
    assert (recipe.name, recipe.model.backbone, recipe.model.output, recipe.seed) == ("high", "passt", "accdoa", 1)
    assert recipe.data.root == str(tmp_path / "r")  # relative to the file that says it
    assert recipe.trainer.out == str(tmp_path / "inner" / "o")
    lower.write_text("{base: inner/recipe.yaml}")
    with pytest.raises(FormatError, match="stands upon itself"):
        read_recipe(upper)
