"""Checkpoints of Spatial-AST (arXiv:2402.01591) and DSpAST (arXiv:2509.13927): what their shapes say, and what is left out.

Training scripts save a dictionary with the weights under ``model``; optimizer, scaler and settings lie beside it. Our names
are theirs. The kernels of the spectrogram and the matrix of mel bands are in the file, as parameters that are not trained:
they are compared with what auris computes, then left out. So are two things that no output depends on: a second batch
normalisation (``bn2``) in the feature attention of DSpAST, and the constant ``pi`` of its heads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from auris.dsp.features.mel import mel_filterbank
from auris.errors import CheckpointError
from auris.models.checkpoint_conversion.misfits import refuse_misfits
from auris.models.checkpoint_conversion.recognition import Recognised, class_names
from auris.models.dspast import Dspast, DspastConfig
from auris.models.spatial_ast import SpatialAst, SpatialAstConfig

_TITLES = {SpatialAstConfig: "Spatial-AST", DspastConfig: "DSpAST"}
_FRONT_END = ("spectrogram_extractor.", "logmel_extractor.")
_REAL, _IMAGINARY = "spectrogram_extractor.conv_real.weight", "spectrogram_extractor.conv_imag.weight"
_MEL = "logmel_extractor.melW"
_SAMPLE_RATE = SpatialAstConfig.sample_rate
_N_FFT, _BANDS = SpatialAstConfig.n_fft, SpatialAstConfig.bands
_LOW, _HIGH = SpatialAstConfig.low, SpatialAstConfig.high
# Largest difference that float32 rounding explains: kernels reach 1, the mel matrix 0.03.
_KERNEL_TOLERANCE, _MEL_TOLERANCE = 1e-5, 1e-6
_HEAD_WIDTH = 64  # of an attention head, in every vision transformer of this size
_ADVICE = "for the 355 of AudioSet that is class_labels_indices_subset.csv of the data set (SpatialSoundQA)."


def recognise(
    tensors: Mapping[str, Tensor], *, labels: Sequence[str] | None, sample_rate: int | None, file: object
) -> Recognised:
    """Tell the network's configuration from an unwrapped checkpoint.

    Raises:
        CheckpointError: a part that tells it is missing or of a strange shape, the front end is not the published one, or
            as many classes were not given.
    """
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    disentangled = "cls_tokens1" in shapes
    _check_front_end(tensors, file=file)
    if sample_rate not in (None, _SAMPLE_RATE):
        raise CheckpointError(f"{file}: its mel bands are those of {_SAMPLE_RATE} Hz; {sample_rate} Hz was given, leave it out")
    width = _shape(shapes, "patch_embed.proj.weight", 4, file)[0]
    _shape(shapes, "blocks.0.attn.qkv.weight", 2, file)
    heads, rest = divmod(width, _HEAD_WIDTH)
    if rest or not heads:
        raise CheckpointError(f"{file}: tokens of {width} numbers, which are no attention heads of {_HEAD_WIDTH}")
    names = class_names(_shape(shapes, "head.weight", 2, file)[0], labels, known={}, advice=_ADVICE, file=file)
    facts: dict[str, Any] = {
        "labels": names.labels,
        "width": width,
        "depth": len({found[1] for name in shapes if (found := re.match(r"blocks\.(\d+)\.", name))}),
        "heads": heads,
    }
    if disentangled:
        facts["branch_width"] = _shape(shapes, "pre_head1.weight", 2, file)[0]
    config = DspastConfig(**facts) if disentangled else SpatialAstConfig(**facts)
    return Recognised(
        network=Dspast if disentangled else SpatialAst,
        config=config,
        model=describe(config),
        work="arXiv:2509.13927" if disentangled else "BAT, arXiv:2402.01591",
        hears=f"layout `binaural` at {_SAMPLE_RATE} Hz (other rates are resampled), heard ten seconds at a time",
        says="which classes sound, and one place: distance in half metres up to 10 m, azimuth and elevation in degrees",
        classes=names.origin,
        notes=names.notes,
    )


def weights(tensors: Mapping[str, Tensor], model: Any, *, file: object) -> dict[str, Tensor]:
    """Return the weights, without what is computed or never used; strict about names and shapes.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape; the first three are named.
    """
    found = {name: as_ours(name, value) for name, value in tensors.items() if why_unused(name) is None}
    wanted = model.state_dict()
    opening = f"{file}: looks like {describe(model.config)}, but does not fit it"
    refuse_misfits(found, wanted, needed=wanted.keys(), opening=opening)
    return found


def as_ours(name: str, value: Tensor) -> Tensor:
    """Return a weight of this published name in the shape that it has here."""
    # The published update makes the scale of an AdaCos head a number without dimensions; it begins with one.
    return value.reshape(1) if name.endswith("_head.s") and value.numel() == 1 else value


def why_unused(name: str) -> str | None:
    """Return why a tensor of this published name is left out; None for those that are weights."""
    if name.startswith(_FRONT_END):
        return "computed, not learned"
    return "never used" if ".0.bn2." in name or name.endswith("_head.pi") else None


def describe(config: Any) -> str:
    """Return a configuration in the words of its authors, e.g. ``Spatial-AST with 355 classes``."""
    return f"{_TITLES[type(config)]} with {len(config.labels)} classes"


def _shape(shapes: Mapping[str, tuple[int, ...]], name: str, dimensions: int, file: object) -> tuple[int, ...]:
    shape = shapes.get(name)
    if shape is None:
        raise CheckpointError(f"{file}: damaged or incomplete: missing {name}")
    if len(shape) != dimensions or 0 in shape:
        raise CheckpointError(f"{file}: {name} is {shape}, which is no weight of this network")
    return shape


def _check_front_end(tensors: Mapping[str, Tensor], *, file: object) -> None:
    """Compare spectrogram and mel bands of a file with ours."""
    real, imaginary = _fourier_kernels()
    bands = mel_filterbank(_N_FFT // 2 + 1, _BANDS, sample_rate=_SAMPLE_RATE, low=_LOW, high=_HIGH, scale="slaney", norm="area")
    window = f"the spectrogram of auris (periodic Hann window of {_N_FFT} samples)"
    mel = f"the {_BANDS} mel bands of auris (Slaney's, {_LOW:g} to {_HIGH:g} Hz at {_SAMPLE_RATE} Hz)"
    for name, ours, what, tolerance in (
        (_REAL, real, window, _KERNEL_TOLERANCE),
        (_IMAGINARY, imaginary, window, _KERNEL_TOLERANCE),
        (_MEL, bands, mel, _MEL_TOLERANCE),
    ):
        if name not in tensors:
            raise CheckpointError(f"{file}: damaged or incomplete: missing {name}")
        theirs = tensors[name].float()
        if theirs.shape != ours.shape:
            raise CheckpointError(f"{file}: {name} is {tuple(theirs.shape)}, needed {tuple(ours.shape)} for {what}")
        difference = float((theirs - ours).abs().max())
        if not difference <= tolerance:
            raise CheckpointError(
                f"{file}: {name} is not that of {what}: it differs by up to {difference:.2g}, allowed is {tolerance:g}. "
                "The weights were trained with another front end"
            )


def _fourier_kernels() -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts ``(bins, 1, n_fft)`` of a windowed Fourier transform."""
    sample = torch.arange(_N_FFT, dtype=torch.float64)
    # The product is taken round the circle before the angle, which stays exact.
    turns = torch.outer(torch.arange(_N_FFT // 2 + 1, dtype=torch.float64), sample).remainder(_N_FFT)
    angle = turns * (2 * math.pi / _N_FFT)
    window = torch.hann_window(_N_FFT, dtype=torch.float64)
    return (window * angle.cos()).float()[:, None], (-window * angle.sin()).float()[:, None]
