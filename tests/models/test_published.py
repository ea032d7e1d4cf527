"""The catalogue of published models."""

import hashlib
import re
from dataclasses import replace

import pytest

from auris.errors import ParameterError
from auris.models import published
from auris.models.published import PUBLISHED, identify, models_folder, published_model
from auris.models.published_facts import Host


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("AURIS_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def test_the_catalogue_says_what_it_promises():
    assert len({model.name.lower() for model in PUBLISHED}) == len(PUBLISHED)
    for model in PUBLISHED:
        assert model.licence != ""
        assert model.bytes is None or model.bytes > 1e8
        assert model.sha256 is None or re.fullmatch("[0-9a-f]{16}", model.sha256)
        assert model.use == "not yet" or model.file
        assert model.host.address is None or model.host.address.startswith("https://")
    assert sum(model.use == "convert" for model in PUBLISHED) == 7 + 4 + 1 + 3 + 1
    listeners = [model for model in PUBLISHED if model.use == "convert" and model.task == "listen"]
    assert {model.name for model in PUBLISHED if model.use == "initial"} == {
        "HTSAT-AudioSet",
        "CNN14-AudioSet",
        "PaSST-AudioSet",
        "AudioMAE",
    }
    assert all(bool(model.recipe_key) == (model in listeners or model.use == "initial") for model in PUBLISHED)
    assert all(bool(model.labels_file) == (model in listeners) for model in PUBLISHED)
    assert all(bool(model.prompt_encoder) == (model.task == "generate") for model in PUBLISHED)
    assert all(published_model(model.encoder) in listeners for model in PUBLISHED if model.encoder)


def test_the_memory_of_what_is_put_together_is_that_of_all_its_parts():
    memory = published_model("BAT").memory()
    own = 4 * (73_561_600 + 87_473_466)
    assert memory["float16"] == own + 2 * 6_738_415_616
    assert list(memory.values()) == sorted(memory.values(), reverse=True)
    assert published_model("Spatial-AST").memory() == {}
    assert published_model("BAT").to_dict()["memory"] == memory


def test_sizes_agree_with_the_numbers_of_parameters():
    """Files of float32 weights, the tables of the front end, and a little more."""
    for model in PUBLISHED:
        if model.bytes and model.parameters and model.use == "convert":
            tables = 4 * 10_000 * 2048 if "Conformer" in model.name else 0
            assert model.bytes == pytest.approx(4 * model.parameters + tables + 2e6, rel=0.02), model.name


def test_names_and_file_names_are_found_in_any_case():
    assert published_model("EINV2-HTSAT").bytes == 234_040_898
    assert published_model("einv2-htsat-agg1").host.name == "Google Drive"
    assert published_model("Cnn14_mAP=0.431.pth").name == "CNN14-AudioSet"
    with pytest.raises(ParameterError, match="did you mean 'mACCDOA-PaSST'"):
        published_model("mACCDOA-PaST")


def sparse(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


@pytest.mark.parametrize(
    "place",
    [
        "models/mACCDOA-HTSAT-0.567.ckpt",
        "models/model/mACCDOA-HTSAT-0.567.ckpt",
        "hub/datasets--Jinbo-HU--PSELDNets/snapshots/abc/model/mACCDOA-HTSAT-0.567.ckpt",
    ],
)
def test_a_file_on_this_disk_is_found_by_name_and_size(folders, place):
    model = published_model("mACCDOA-HTSAT")
    assert model.on_disk() is None
    assert model.to_dict()["on_disk"] is None
    file = sparse(folders / place, model.bytes)
    assert model.on_disk() == file
    assert model.to_dict()["on_disk"] == str(file)
    sparse(file, model.bytes - 1)
    assert model.on_disk() is None


def test_rounded_and_unknown_sizes_are_taken_as_such(folders):
    sparse(models_folder() / "mACCDOA-PaSST-0.562.ckpt", 209_412_345)
    sparse(models_folder() / "mACCDOA-CNN14-Conformer-0.582.ckpt", 40_000)
    sparse(models_folder() / "finetuned.pth", 5)
    found = {model.name for model in PUBLISHED if model.on_disk()}
    assert found == {"mACCDOA-PaSST", "Spatial-AST"}


def test_a_renamed_file_is_identified_by_its_bytes(folders, monkeypatch):
    file = folders / "renamed.bin"
    file.write_bytes(b"weights" * 100)
    known = replace(PUBLISHED[0], bytes=700, sha256=hashlib.sha256(file.read_bytes()).hexdigest()[:16])
    monkeypatch.setattr(published, "PUBLISHED", (known,))
    assert identify(file) is known
    file.write_bytes(b"weighty" * 100)
    assert identify(file) is None
    file.write_bytes(b"weights")
    assert identify(file) is None


def test_the_folder_is_that_of_the_environment_or_the_cache(monkeypatch, tmp_path):
    assert models_folder() == tmp_path / "models"
    monkeypatch.delenv("AURIS_MODELS")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert models_folder() == tmp_path / ".cache" / "auris" / "models"


def test_a_host_says_its_address():
    assert str(published_model("BAT").host) == "https://huggingface.co/datasets/zhisheng01/SpatialAudio"
    assert str(Host("box.com")) == "box.com"
