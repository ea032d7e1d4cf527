"""What models say of whole clips with one source, be they networks that hear clips or networks that hear frames.

A network of clips (:class:`auris.models.clip_outputs.ClipOutputs`) answers by itself: its logits are the scores, its likeliest
classes the place. Of a listener that says vectors many times a second (:class:`auris.models.listening.FrameListener`), the
score of a class is its activity over the clip, pooled so that active frames count more, ``sum(a^2) / sum(a)`` (linear softmax,
arXiv:1810.09050). The clip's place is that of the class with the highest score: the mean of directions and of distances over
frames and tracks, weighted with ``a^2``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris.audio import Audio
from auris.data.spatial_clips.items import SpatialBatch
from auris.data.spatial_clips.rendering import render
from auris.dsp.resampling import resample
from auris.errors import LayoutError, ParameterError
from auris.geometry.directions import angles
from auris.models.clip_outputs import ClipOutputs, SpatialClasses, classes_of, decoded
from auris.models.detections import UNKNOWN_DISTANCE
from auris.models.listening import device_of, hear_pieces
from auris.training.clip_answers import ClipAnswers, ClipTruth, evaluate, joined_answers

__all__ = [
    "ClipAnswers",
    "ClipTruth",
    "answers_from_frames",
    "answers_from_outputs",
    "answers_of",
    "answers_to",
    "check_listener",
    "compared",
    "evaluate",
    "joined_answers",
]


def answers_of(
    model: Any, batches: Iterable[SpatialBatch], *, sample_rate: int, report: Callable[[int], None] = lambda _clips: None
) -> ClipAnswers:
    """Let one model hear clips; arguments and errors as for :func:`compared`."""
    return compared({"": model}, batches, sample_rate=sample_rate, report=report)[""]


def compared(
    models: Mapping[str, Any],
    batches: Iterable[SpatialBatch],
    *,
    sample_rate: int,
    report: Callable[[int], None] = lambda _clips: None,
) -> dict[str, ClipAnswers]:
    """Let models hear the same clips, which are rendered once for all of them.

    Args:
        models: of clips or of frames, by name, in evaluation mode; each is used where it is.
        batches: dry clips and responses.
        sample_rate: of the clips, hertz; resampled for models that have another.
        report: called with the number of clips that all models have heard so far.

    Returns:
        What each model said, by name.

    Raises:
        LayoutError: a model does not listen to two ears.
        ParameterError: there are no clips, or they are longer than a model hears at a time.
    """
    parts: dict[str, list[ClipAnswers]] = {name: [] for name in models}
    device = next((device_of(model) for model in models.values()), torch.device("cpu"))
    heard = 0
    for batch in batches:
        waveforms = render(batch.dry.to(device), batch.responses.to(device))
        for name, model in models.items():
            parts[name].append(answers_to(model, waveforms, sample_rate=sample_rate))
        heard += len(waveforms)
        report(heard)
    return {name: joined_answers(answers) for name, answers in parts.items()}


def check_listener(model: Any, labels: Sequence[str], *, seconds: float) -> None:
    """Refuse a model that cannot hear clips, before any is rendered.

    Args:
        model: of clips or of frames.
        labels: classes that it must know.
        seconds: length of the clips.

    Raises:
        LayoutError: it does not listen to two ears.
        ParameterError: it lacks a class, or hears shorter clips only.
    """
    if model.layout.kind != "binaural":
        raise LayoutError(f"{model.name} listens to {model.layout.name} audio, but these clips are binaural")
    missing = [label for label in labels if label not in model.labels]
    if missing:
        named = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        raise ParameterError(f"{model.name} does not know {len(missing)} of the {len(labels)} classes: {named}")
    longest = getattr(model, "clip_seconds", None)
    if longest is not None and longest < seconds:
        raise ParameterError(f"{model.name} hears {longest:g} s at a time, but the clips last {seconds:g} s")


def answers_to(model: Any, waveforms: Tensor, *, sample_rate: int) -> ClipAnswers:
    """Let a model hear one batch of clips ``(clips, 2, samples)``; the rest as for :func:`compared`."""
    if model.layout.kind != "binaural":
        raise LayoutError(f"{model.name} listens to {model.layout.name} audio, but these clips are binaural")
    if model.sample_rate != sample_rate:
        waveforms = _resampled(waveforms, sample_rate, model.sample_rate)
    if getattr(model, "block_seconds", None) is not None:
        pieces = (Audio(clip.cpu().numpy(), model.sample_rate, model.layout) for clip in waveforms)
        frames = [hear_pieces(model, [piece]).outputs for piece in pieces]
        return answers_from_frames(np.stack(frames), model.labels)
    with torch.inference_mode():
        outputs = model(waveforms.to(device_of(model)))
    if isinstance(outputs, ClipOutputs):
        return answers_from_outputs(outputs, model.labels)
    return answers_from_frames(outputs.float().cpu().numpy(), model.labels)


def answers_from_outputs(outputs: ClipOutputs, labels: tuple[str, ...]) -> ClipAnswers:
    """Return what a network of clips said."""
    classes = SpatialClasses(*(part.cpu().numpy() for part in map(torch.as_tensor, decoded(outputs))))
    return ClipAnswers(outputs.events.detach().float().cpu().numpy(), classes, tuple(labels))


def answers_from_frames(outputs: NDArray[np.float32], labels: tuple[str, ...]) -> ClipAnswers:
    """Return what a network of frames said of the clips as wholes.

    A network that says no distance is taken to hear everything at :data:`auris.models.detections.UNKNOWN_DISTANCE`.

    Args:
        outputs: ``(clips, frames, tracks, classes, 4)``: vectors whose length is the activity, and distances in metres.
        labels: class names.
    """
    activity = np.linalg.norm(outputs[..., :3], axis=-1)
    loudest = activity.max(axis=2)  # of the tracks
    scores = (loudest**2).sum(axis=1) / np.maximum(loudest.sum(axis=1), 1e-9)
    clips = np.arange(len(outputs))
    best = scores.argmax(axis=1)
    said = outputs[clips, :, :, best].reshape(len(outputs), -1, 4).astype(np.float64)
    weights = activity[clips, :, :, best].reshape(len(outputs), -1).astype(np.float64)
    azimuth, elevation, _ = angles((weights[..., None] * said[..., :3]).sum(axis=1))
    metres = np.nan_to_num(said[..., 3], nan=UNKNOWN_DISTANCE)
    distance = np.average(metres, axis=1, weights=weights**2 + 1e-12)  # silence has no weight at all
    return ClipAnswers(scores.astype(np.float32), classes_of(azimuth, elevation, distance), tuple(labels))


def _resampled(waveforms: Tensor, source: int, target: int) -> Tensor:
    clips, ears, samples = waveforms.shape
    changed = resample(waveforms.reshape(clips * ears, samples).cpu().numpy(), source, target)
    return torch.from_numpy(changed).reshape(clips, ears, -1)
