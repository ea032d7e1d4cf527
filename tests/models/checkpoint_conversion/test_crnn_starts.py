"""Small listeners that start from others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from auris.errors import CheckpointError
from auris.models import create, save_pretrained
from auris.models.checkpoint_conversion.initialisation import initialise
from auris.training.initial_weights import found_weights

SMALL = {"widths": (8, 8, 8, 8, 8), "hidden": 8, "recurrent_layers": 1}


def network(seed: int, **config: object) -> torch.nn.Module:
    torch.manual_seed(seed)
    return create("seld_crnn", **({"labels": ["a", "b"], **SMALL} | config)).eval()


@pytest.fixture
def trained(tmp_path: Path) -> tuple[torch.nn.Module, Path]:
    model = network(1)
    save_pretrained(model, tmp_path / "model", card="")
    return model, tmp_path / "model"


def test_a_listener_of_the_same_classes_goes_on_as_it_was(trained: tuple[torch.nn.Module, Path]) -> None:
    old, folder = trained
    new, wave = network(2), 0.1 * torch.randn(1, 4, 9600)
    report = initialise(new, folder, head="keep")
    assert report.kept == report.skipped == ()
    assert torch.equal(new(wave), old(wave))


def test_new_classes_take_the_encoder_and_begin_their_head(trained: tuple[torch.nn.Module, Path]) -> None:
    old, folder = trained
    new = network(2, labels=["a", "b", "c"])
    report = initialise(new, folder, head="keep")
    assert torch.equal(new.encoder.project.weight, old.encoder.project.weight)
    assert report.kept == ("head.activity.weight", "head.activity.bias", "head.place.weight", "head.place.bias")
    assert set(report.reasons) == set(report.kept)
    asked = initialise(network(3), folder, head="random")
    assert asked.kept == report.kept


def test_another_encoder_is_refused_and_nothing_is_changed(trained: tuple[torch.nn.Module, Path]) -> None:
    new = network(2, widths=(8, 8, 8, 8, 16))
    before = {name: value.clone() for name, value in new.state_dict().items()}
    with pytest.raises(CheckpointError, match="cannot start a strided listener for foa"):
        initialise(new, trained[1], head="keep")
    assert all(torch.equal(value, before[name]) for name, value in new.state_dict().items())
    with pytest.raises(CheckpointError):
        initialise(network(2, layout="binaural"), trained[1], head="keep")


def test_networks_of_another_kind_are_refused(tmp_path: Path) -> None:
    config = {"width": 48, "depth": 1, "heads": 2, "clip_seconds": 1.0, "frames": 112}
    save_pretrained(create("spatial_ast", labels=["a"], **config), tmp_path / "clips", card="")
    with pytest.raises(CheckpointError, match="share nothing with a strided listener"):
        initialise(network(0), tmp_path / "clips", head="keep")


def test_recipes_may_name_what_ships() -> None:
    folder = found_weights("nano-foa", keys="initial.checkpoint")
    report = initialise(create("seld_crnn", labels=["dog", "lion"], head="precedence"), folder, head="keep")
    assert set(report.kept) == {"head.mask.weight", "head.mask.bias"} | {
        f"head.plain.{layer}.{part}" for layer in ("activity", "place") for part in ("weight", "bias")
    }
