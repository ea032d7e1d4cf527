"""Models as ONNX files, front end included: waveform in, vectors of activity out, on any runtime.

The graph holds real numbers only (:func:`auris.dsp.stft.as_matrix_products`) and standard operators. What a user of the file
must know stands in its metadata: ``labels``, ``sample_rate``, ``layout``, ``frame_seconds`` and how outputs become events.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

import auris
from auris.dsp.stft import as_matrix_products
from auris.errors import MissingDependency, ParameterError
from auris.io.atomic import atomic_write
from auris.models.configuration import plain_of
from auris.models.listening import FrameListener

OPSETS = range(17, 21)  # layer normalisation came with 17; the exporter of torch knows no later one than 20
INPUT, OUTPUT = "waveform", "vectors"


def export_onnx(model: FrameListener, path: str | Path, *, seconds: float | None = None, opset: int = 17) -> None:
    """Write a network with its front end as one ONNX file.

    The file has one input ``waveform (1, channels, samples)`` and one output ``vectors (1, frames, tracks, classes, 4)``:
    x, y, z, whose length is the activity, and the distance in metres (NaN from networks that do not say it).

    Args:
        model: a listener of :func:`auris.models.from_pretrained`; it is not changed.
        path: the file to write.
        seconds: length of the recordings it will take; None means any length, or the length of its blocks for a network
            that hears in blocks.
        opset: version of the operators.

    Raises:
        MissingDependency: the package onnx is not installed.
        ParameterError: the network cannot hear so many seconds, or the opset is not one of :data:`OPSETS`.
        FormatError: the file cannot be written.
    """
    try:
        import onnx
    except ImportError:
        raise MissingDependency("onnx", "export") from None
    if not isinstance(model, nn.Module):
        raise ParameterError(f"only a torch module can be exported, got {type(model).__name__}")
    if not hasattr(model, "frame_seconds"):
        raise ParameterError(
            f"{type(model).__name__} hears whole clips; networks that answer frame by frame can be exported, such as nano-foa"
        )
    if opset not in OPSETS:
        raise ParameterError(f"opset must be one of {OPSETS.start} to {OPSETS.stop - 1}, got {opset}")
    if seconds is not None and not 0 < seconds < math.inf:
        raise ParameterError(f"recordings last longer than 0 seconds, got {seconds}")
    block: float | None = getattr(model, "block_seconds", None)
    fixed = seconds or block
    # A graph for any length is traced with one that no other number in it is likely to equal.
    samples = round((fixed or 3.7) * model.sample_rate)
    example = torch.zeros(1, model.layout.channels, samples)
    with atomic_write(path) as temporary:
        _trace(_prepared(model), example, temporary, opset=opset, any_length=fixed is None)
        graph = onnx.load(temporary)
        onnx.helper.set_model_props(graph, _metadata(model, fixed))
        # The exporter does not see through every head that one recording goes in and the answers about one come out.
        graph.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1
        graph.producer_name, graph.producer_version = "auris", auris.__version__
        onnx.checker.check_model(graph)
        onnx.save(graph, temporary)


def _metadata(model: FrameListener, seconds: float | None) -> dict[str, str]:
    facts: dict[str, Any] = {
        "name": getattr(model, "name", type(model).__name__),
        "labels": json.dumps(list(model.labels), ensure_ascii=False),
        "sample_rate": model.sample_rate,
        "layout": model.layout.name,
        "frame_seconds": model.frame_seconds,
        "detection": json.dumps(plain_of(model.detection)),
    }
    if seconds is not None:
        facts["seconds"] = seconds
    return {key: str(value) for key, value in facts.items()}


def _prepared(model: nn.Module) -> nn.Module:
    """Return a copy on the processor, in evaluation mode and single precision, of layers that the exporter knows."""
    prepared = copy.deepcopy(model).cpu().float().eval()
    for part in prepared.modules():
        if isinstance(part, _BatchNorm) and not part.affine:
            part.weight = nn.Parameter(torch.ones(part.num_features))
            part.bias = nn.Parameter(torch.zeros(part.num_features))
    return prepared


def _trace(model: nn.Module, example: Tensor, file: Path, *, opset: int, any_length: bool) -> None:
    # By tracing: the newer exporter of torch unrolls recurrent layers, frame by frame, for the example's length alone.
    with warnings.catch_warnings(), torch.no_grad(), as_matrix_products(model), _memory_order_ignored(opset):
        warnings.simplefilter("ignore")  # notes on constants in the graph, and that tracing is the older way
        torch.onnx.export(
            model,
            (example,),
            str(file),
            dynamo=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=opset,
            dynamic_axes={INPUT: {2: "samples"}, OUTPUT: {1: "frames"}} if any_length else None,
        )


@contextmanager
def _memory_order_ignored(opset: int) -> Iterator[None]:
    """Let the exporter pass over requests for a memory layout, which has no meaning in a graph."""
    name, passed = "aten::contiguous", lambda _graph, x, _memory_format: x
    torch.onnx.register_custom_op_symbolic(name, passed, opset)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.onnx.unregister_custom_op_symbolic(name, opset)  # type: ignore[attr-defined]
