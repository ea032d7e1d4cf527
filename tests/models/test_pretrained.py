from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from auris.errors import CheckpointError
from auris.models import SHIPPED, create, describe, from_pretrained, save_pretrained
from auris.models.detections import DetectionSettings
from auris.models.pretrained import assign_weights, weights_unset

CONFIG = {"labels": ("dog", "rain"), "widths": (4, 4, 4, 4, 4), "hidden": 4, "layout": "binaural"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = create("seld_crnn", detection={"threshold": [0.3, 0.4]}, **CONFIG)
    save_pretrained(model, tmp_path / "ears", card="# ears\n")
    return tmp_path / "ears"


def test_a_model_comes_back_as_it_was(folder: Path) -> None:
    torch.manual_seed(0)
    model = create("seld_crnn", **CONFIG).eval()
    again = from_pretrained(folder)
    batch = torch.randn(1, 2, 12_000)
    assert torch.equal(model(batch), again(batch))
    assert not again.training
    assert again.name == "ears"
    assert again.detection == DetectionSettings(threshold=(0.3, 0.4))
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_a_folder_describes_itself_without_its_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    said = describe(folder)
    assert said["architecture"] == "seld_crnn"
    assert said["config"]["labels"] == ["dog", "rain"]
    assert said["card"] == "# ears\n"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        from_pretrained(folder)


def test_damaged_weights_are_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    for broken in (b"", b"hello", whole[:-100], whole[:50]):
        file.write_bytes(broken)
        with pytest.raises(CheckpointError, match="damaged or not safetensors"):
            from_pretrained(folder)


def test_a_pickle_is_not_opened(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path(tmp_path / "sprung").touch, ())  # type: ignore[return-value]

    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError):
        from_pretrained(folder)
    assert not (tmp_path / "sprung").exists()


def test_weights_that_do_not_fit_are_explained(folder: Path) -> None:
    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors["extra"] = torch.zeros(1)
    tensors["head.activity.bias"] = torch.zeros(5)
    del tensors["head.activity.weight"]
    save_file(tensors, file)
    with pytest.raises(CheckpointError, match=r"head.activity.bias is \(5,\), needed \(2,\).*missing head.activity.weight"):
        from_pretrained(folder)


def test_weights_with_nan_are_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors["head.activity.bias"][0] = torch.nan
    save_file(tensors, file)
    with pytest.raises(CheckpointError, match="NaN"):
        from_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": 2}, "update auris"),
        ({"architecture": "seld_cnn"}, "did you mean 'seld_crnn'"),
        ({"config": {"labels": ["a"], "hiden": 3}}, "did you mean 'hidden'"),
        ({"config": {"labels": "dog"}}, "labels must be a list of texts"),
        ({"config": [1]}, "must be a mapping"),
    ],
)
def test_a_foreign_configuration_is_explained(folder: Path, change: dict[str, object], text: str) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(CheckpointError, match=text):
        from_pretrained(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", "\x00"])
def test_a_damaged_configuration_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(CheckpointError):
        from_pretrained(folder)


def test_an_unknown_name_lists_what_ships(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="did you mean 'nano-foa'"):
        from_pretrained("nano-fao")
    with pytest.raises(CheckpointError, match="EINV2-HTSAT is published, but not a model folder here; auris models show"):
        from_pretrained("EINV2-HTSAT")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="this is a file"):
        from_pretrained(tmp_path / "file")


def test_the_hub_is_asked_only_when_told_and_fails_in_words() -> None:
    with pytest.raises(CheckpointError, match="cannot fetch 'nobody/nothing'"):
        from_pretrained("nobody/nothing", source="hub")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_load_and_are_small(name: str) -> None:
    model, said = from_pretrained(name), describe(name)
    assert model.name == name
    assert said["bytes"] < 15e6
    assert "## Measured" in said["card"]
    assert "not ended" not in said["card"]
    layouts = {"nano-foa": "foa", "nano-stereo": "stereo", "nano-generator": "stereo", "stereocrw-nano": "stereo"}
    assert model.layout.name == said["layout"] == layouts.get(name, "binaural")


def test_weights_unset_cost_nothing_and_leave_the_computed_tables() -> None:
    with weights_unset():
        model = create("seld_crnn", **CONFIG)
    assert all(parameter.is_meta for parameter in model.parameters())
    assert not any(buffer.is_meta for buffer in model.buffers())
    trained = create("seld_crnn", **CONFIG)
    assign_weights(model, trained.state_dict(), where="here")
    batch = torch.randn(1, 2, 12_000)
    assert torch.equal(model.eval()(batch), trained.eval()(batch))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_half_precision_weights_serve_a_network_of_floats() -> None:
    model = create("seld_crnn", **CONFIG)
    halves = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    assign_weights(model, halves, where="here")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_training_a_loaded_model_leaves_its_file_alone(folder: Path) -> None:
    before = (folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        for tensor in from_pretrained(folder).state_dict().values():
            tensor.add_(1)
    assert (folder / "model.safetensors").read_bytes() == before
