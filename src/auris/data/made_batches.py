"""Batches for SELD networks from examples of made sets: what ``DataLoader(..., collate_fn=...)`` takes.

>>> from auris.data.datasets import SimulatedDataset
>>> scenes = SimulatedDataset("training", scenes=2, sample_rate=8000, seed=1)
>>> batches = ListenerBatches(scenes.bank.labels, sample_rate=8000, frame_seconds=0.1, seconds=2.0)
>>> [tuple(part.shape) for part in batches([scenes[0]])] == [(3, 4, 16000), (3, 20, 3, len(scenes.bank.labels), 5)]
True
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris.audio import Audio
from auris.data.made_examples import MadeExample
from auris.data.seld_sets.chunks import Span, chunk_spans
from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TargetFormat, Targets, TrackTargets, encode
from auris.errors import FormatError, ParameterError, SceneError
from auris.io.frame_labels import HOP, FrameLabels, rows_to_scene, scene_to_rows
from auris.models import accdoa
from auris.scene import Scene

Levels = Literal["calibrated", "stored"]


@dataclass(frozen=True)
class Windows:
    """How recordings become windows of equal length.

    Attributes:
        layout: which recording, by its name or its layout.
        sample_rate: hertz that it must have.
        seconds: length of a window; a recording gives as many as it holds, and what is left at its end one more
            (:func:`auris.data.seld_sets.chunks.chunk_spans`). None takes whole recordings, padded to the longest with silence.
        levels: ``calibrated`` undoes the gain with which a recording was written (``facts["gain_db"]``), so that level says
            something about distance again; ``stored`` takes it as it is.
    """

    layout: str = "foa"
    sample_rate: int = 24_000
    seconds: float | None = None
    levels: Levels = "calibrated"

    def audio(self, example: MadeExample) -> Audio:
        """Return the recording of an example.

        Raises:
            LayoutError: the example has none of this layout.
            FormatError: it has another sample rate.
        """
        audio = example.heard(self.layout)
        if audio.sample_rate != self.sample_rate:
            raise FormatError(
                f"example {example.name!r} has {audio.sample_rate} Hz, but {self.sample_rate} Hz were asked for; "
                "resample the set or make it at that rate"
            )
        gains = example.facts.get("gain_db") if self.levels == "calibrated" else None
        gain = gains.get(example.recording(self.layout), 0.0) if isinstance(gains, dict) else gains or 0.0
        return audio.scaled(-float(gain)) if gain else audio

    def spans(self, samples: int, longest: int, *, frame_samples: int) -> list[Span]:
        """Return the windows of a recording; ``longest`` is the length of the longest in the batch, in samples."""
        if self.seconds is None:
            return [Span(0, samples, longest - samples)]
        length = round(self.seconds * self.sample_rate)
        if length % frame_samples or not length:
            raise ParameterError(
                f"a window must be whole label frames of {frame_samples / self.sample_rate:g} s, got {self.seconds!r} s"
            )
        return chunk_spans(samples, length=length, hop=length, purpose="train", grid=frame_samples)


@dataclass(frozen=True)
class ListenerBatches:
    """Makes of examples what listeners of auris train on (:mod:`auris.models.accdoa`).

    Attributes:
        labels: class names in the order of their numbers.
        layout: as in :class:`Windows`, as are ``sample_rate``, ``seconds`` and ``levels``.
        frame_seconds: length of a label frame.
        slots: sounds of one class at once.
    """

    labels: tuple[str, ...]
    layout: str = "foa"
    sample_rate: int = 24_000
    frame_seconds: float = HOP
    seconds: float | None = None
    slots: int = 3
    levels: Levels = "calibrated"

    @classmethod
    def of(cls, model: Any, *, seconds: float | None = None) -> ListenerBatches:
        """Return batches for a listener: its classes, layout, rate and frames."""
        return cls(
            tuple(model.labels),
            layout=model.layout.name,
            sample_rate=model.sample_rate,
            frame_seconds=model.frame_seconds,
            seconds=seconds,
            slots=model.config.tracks,
        )

    def __call__(self, examples: Sequence[MadeExample]) -> tuple[Tensor, Tensor]:
        """Return waveforms ``(windows, channels, samples)`` and targets ``(windows, frames, slots, classes, 5)``.

        Raises:
            SceneError: an example has no scene, or a class that is not among the labels; it is named.
            FormatError: a recording has another sample rate.
            LayoutError: an example has no recording of this layout.
        """
        windows = Windows(self.layout, self.sample_rate, self.seconds, self.levels)
        waves, targets = [], []
        for audio, example, spans, points in _cut(examples, windows, self.frame_seconds):
            whole = self._targets(example, math.ceil(audio.length / points))
            for span in spans:
                frames = math.ceil((span.end - span.begin + span.padding) / points)
                waves.append(np.pad(audio.samples[:, span.begin : span.end], [(0, 0), (0, span.padding)]))
                first = span.begin // points
                part = whole[first : first + frames]
                targets.append(np.pad(part, [(0, frames - len(part)), (0, 0), (0, 0), (0, 0)]))
        return torch.from_numpy(np.stack(waves)), torch.from_numpy(np.stack(targets))

    def _targets(self, example: MadeExample, frames: int) -> NDArray[np.float32]:
        scene = example.scene
        if scene is None:
            scene = _scene_of_labels(example, self.labels)
        try:
            return accdoa.encode_scene(scene, self.labels, frames=frames, frame_seconds=self.frame_seconds, slots=self.slots)
        except SceneError as error:
            raise SceneError(f"example {example.name!r}: {error}") from None


@dataclass(frozen=True)
class SeldBatches:
    """Makes of examples what PSELDNets train on (:mod:`auris.data.seld_targets`); label frames last 0.1 s.

    Attributes:
        labels: class names in the order of their numbers.
        format: of the targets.
        layout: as in :class:`Windows`, as are ``sample_rate``, ``seconds`` and ``levels``.
        tracks: number of tracks of the format ``tracks``.
    """

    labels: tuple[str, ...]
    format: TargetFormat
    layout: str = "foa"
    sample_rate: int = 24_000
    seconds: float | None = None
    tracks: int = 3
    levels: Levels = "calibrated"

    def __call__(self, examples: Sequence[MadeExample]) -> tuple[Tensor, Targets]:
        """Return waveforms ``(windows, channels, samples)`` and targets with the same first axis.

        Raises:
            ParameterError: a class of an example is not among the labels.
            SceneError: an example has neither scene nor labels.
            FormatError: a recording has another sample rate, or a class number of its label file has no name.
            LayoutError: an example has no recording of this layout.
        """
        windows = Windows(self.layout, self.sample_rate, self.seconds, self.levels)
        waves, targets = [], []
        for audio, example, spans, points in _cut(examples, windows, HOP):
            rows = _rows(example, self.labels)
            for span in spans:
                waves.append(np.pad(audio.samples[:, span.begin : span.end], [(0, 0), (0, span.padding)]))
                frames = math.ceil((span.end - span.begin + span.padding) / points)
                found = encode(
                    rows,
                    self.format,
                    classes=len(self.labels),
                    frames=frames,
                    begin=span.begin // points,
                    tracks=self.tracks,
                )
                targets.append(found.targets)
        return torch.from_numpy(np.stack(waves)), _stacked(targets)


def _cut(
    examples: Sequence[MadeExample], windows: Windows, frame_seconds: float
) -> list[tuple[Audio, MadeExample, list[Span], int]]:
    """Recordings with their windows, and samples in a label frame."""
    points = round(frame_seconds * windows.sample_rate)
    heard = [windows.audio(example) for example in examples]
    longest = max(audio.length for audio in heard)
    spans = [windows.spans(audio.length, longest, frame_samples=points) for audio in heard]
    return [(audio, example, part, points) for audio, example, part in zip(heard, examples, spans, strict=True)]


def _stacked(targets: Sequence[Targets]) -> Targets:
    parts = [torch.stack(part) for part in zip(*targets, strict=True)]
    if isinstance(targets[0], AccdoaTargets):
        return AccdoaTargets(parts[0])
    if isinstance(targets[0], AdpitTargets):
        return AdpitTargets(parts[0])
    return TrackTargets(parts[0], parts[1])


def _rows(example: MadeExample, labels: Sequence[str]) -> FrameLabels:
    if example.scene is None:
        return _own_labels(example)
    try:
        return scene_to_rows(example.scene, labels)
    except ParameterError as error:
        raise ParameterError(f"example {example.name!r}: {error}") from None


def _scene_of_labels(example: MadeExample, labels: Sequence[str]) -> Scene:
    rows = _own_labels(example)
    if np.isnan(rows.distance).any():
        raise SceneError(
            f"example {example.name!r} has no scene, and its labels no distances, which listeners are trained with"
        )
    return rows_to_scene(rows, labels)


def _own_labels(example: MadeExample) -> FrameLabels:
    if example.labels is None:
        raise SceneError(f"example {example.name!r} has neither a scene nor labels, so there is nothing to train on")
    return example.labels
