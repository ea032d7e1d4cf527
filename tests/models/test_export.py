from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from auris.errors import MissingDependency, ParameterError
from auris.models import create, from_pretrained
from auris.models.backbones import htsat
from auris.models.export import export_onnx

SMALL = {"labels": ("dog", "rain"), "widths": (4, 4, 4, 4, 4), "hidden": 4}
TOLERANCE = 1e-4


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 0.1


def session_of(file: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def same_outputs(session: onnxruntime.InferenceSession, model: torch.nn.Module, waveform: torch.Tensor) -> None:
    found = session.run(["vectors"], {"waveform": waveform.numpy()})[0]
    with torch.inference_mode():
        wanted = model(waveform).numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE, equal_nan=True)


def small_listener(**changes: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return create("seld_crnn", **SMALL, **changes).eval()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, onnxruntime.InferenceSession]:
    model = from_pretrained("nano-foa")
    file = tmp_path_factory.mktemp("onnx") / "listener.onnx"
    export_onnx(model, file)
    return model, session_of(file)


@pytest.mark.parametrize("samples", [1, 700, 24_000, 50_001])
def test_the_shipped_listener_says_the_same_at_any_length(shipped: tuple, samples: int) -> None:
    model, session = shipped
    same_outputs(session, model, noise(1, 4, samples))
    same_outputs(session, model, torch.zeros(1, 4, samples))


def test_the_file_says_what_it_is(shipped: tuple) -> None:
    model, session = shipped
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["labels"]) == list(model.labels)
    assert (said["sample_rate"], said["layout"], said["frame_seconds"]) == ("24000", "foa", "0.1")
    assert json.loads(said["detection"])["threshold"] == model.detection.threshold
    assert said["name"] == "nano-foa"
    assert session.get_inputs()[0].shape == [1, 4, "samples"]
    assert session.get_outputs()[0].shape == [1, "frames", 3, 12, 4]


def test_networks_of_whole_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="SpatialAst hears whole clips"):
        export_onnx(create("spatial_ast", labels=["a"], width=48, depth=1, heads=2), tmp_path / "clips.onnx")


@pytest.mark.parametrize(
    ("layout", "head"), [("binaural", "linear"), ("foa", "masked"), ("foa", "precedence"), ("binaural", "ears")]
)
def test_a_fixed_length_can_be_asked_for(tmp_path: Path, layout: str, head: str) -> None:
    model = small_listener(layout=layout, head=head)
    export_onnx(model, tmp_path / "ears.onnx", seconds=0.5, opset=18)
    session = session_of(tmp_path / "ears.onnx")
    assert session.get_inputs()[0].shape == [1, model.layout.channels, 12_000]
    assert session.get_modelmeta().custom_metadata_map["seconds"] == "0.5"
    same_outputs(session, model, noise(1, model.layout.channels, 12_000))


def test_a_transformer_takes_blocks_of_its_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(htsat, "DEPTHS", (2, 1, 1, 1))
    torch.manual_seed(0)
    model = create("pseldnet", labels=("dog", "rain"), backbone="htsat").eval()
    export_onnx(model, tmp_path / "htsat.onnx")
    session = session_of(tmp_path / "htsat.onnx")
    assert session.get_inputs()[0].shape == [1, 4, 240_000]
    same_outputs(session, model, noise(1, 4, 240_000))


def test_the_model_is_not_changed(tmp_path: Path) -> None:
    model = small_listener()
    waveform = noise(1, 4, 4800)
    with torch.inference_mode():
        before = model(waveform)
    model.train()
    export_onnx(model, tmp_path / "ears.onnx", seconds=0.2)
    assert model.training
    assert all(part.training for part in model.modules())
    with torch.inference_mode():
        assert torch.equal(model.eval()(waveform), before)
    same_outputs(session_of(tmp_path / "ears.onnx"), model, waveform)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opset": 9}, "opset must be one of 17 to 20, got 9"),
        ({"seconds": 0.0}, "longer than 0 seconds"),
        ({"seconds": float("nan")}, "longer than 0 seconds"),
        ({"seconds": float("inf")}, "longer than 0 seconds"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, options: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        export_onnx(small_listener(), tmp_path / "ears.onnx", **options)


def test_a_failed_export_leaves_the_file_that_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(model: torch.nn.Module, arguments: tuple, file: str, **options: object) -> None:
        Path(file).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.onnx, "export", interrupted)
    file = tmp_path / "ears.onnx"
    file.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        export_onnx(small_listener(), file)
    assert file.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["ears.onnx"]


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependency, match=r"pip install \"auris\[export\]\""):
        export_onnx(small_listener(), tmp_path / "ears.onnx")
