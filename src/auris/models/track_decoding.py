"""From a network's outputs to labels frame by frame, without memory of other frames: how SELD systems are scored.

A class sounds in a frame where its vector is longer than its threshold; vectors of one class that point almost the same way are
one sound, at their mean. For scenes with events that begin and end, see :mod:`auris.models.detections`.

The published decoding of PSELDNets (arXiv:2411.06399) can be had with ``decoding="upstream"``. It differs where it is at fault
or holds back what the network said:

============= ================================================ =================================================================
output        ``corrected`` (the default)                      ``upstream``
============= ================================================ =================================================================
multi-ACCDOA  of three tracks of which only the first and      the second track is lost, the first is reported by itself and
              third agree: their mean, and the second          again as part of the mean
ACCDOA        every class above its threshold                  of these at most the three longest
EINV2, SEDDOA directions as they are; tracks of one class      whole degrees; such tracks stay apart
              that agree are one sound
============= ================================================ =================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from auris.errors import ParameterError, unknown_name
from auris.geometry import angles
from auris.io.frame_labels import HOP, FrameLabels
from auris.models.detections import DetectionSettings
from auris.models.pseldnet.outputs import Accdoa, PseldOutputs, TrackOutputs

Decoding = Literal["corrected", "upstream"]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

# One threshold per class, as suggested in the published code for its fine-tuned networks, in the class order of each set.
SUGGESTED_THRESHOLDS: Mapping[str, tuple[float, ...]] = {
    "dcase2021": (0.5, 0.5, 0.3, 0.3, 0.5, 0.5, 0.5, 0.1, 0.1, 0.3, 0.5, 0.3),
    "l3das22": (0.3, 0.5, 0.1, 0.5, 0.5, 0.3, 0.5, 0.5, 0.5, 0.5, 0.3, 0.5, 0.5, 0.3),
    "starss23": (0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.1, 0.5, 0.5),
}
_PUBLISHED = DetectionSettings(threshold=0.5, release=1.0, smoothing=1, unify_deg=15.0)
_MOST_ACCDOA = 3  # events in a frame that the published decoding of ACCDOA reports
_EPSILON = 1e-10  # under the root of a vector's length, as published


def decode_outputs(
    outputs: PseldOutputs,
    settings: DetectionSettings | None = None,
    *,
    decoding: Decoding = "corrected",
    labels: Sequence[str] = (),
    hop: float = HOP,
) -> list[FrameLabels]:
    """Return what a PSELDNet said of each clip of a batch, frame by frame.

    Args:
        outputs: of the network, ``(B, T, …)``, on any device.
        settings: its threshold and ``unify_deg`` are used; None takes those of the published networks, 0.5 and 15 degrees.
        decoding: ``corrected``, or ``upstream`` for the published decoding with its faults.
        labels: class names, kept in the result.
        hop: seconds per frame.

    Returns:
        One table per clip, its frames counted from 0; rows by frame, class and track, without distances.

    Raises:
        ParameterError: the thresholds do not fit the classes, or the decoding is unknown.
    """
    if decoding not in get_args(Decoding):
        raise ParameterError(unknown_name("decoding", decoding, get_args(Decoding)))
    vectors: Floats = outputs.activity_vectors().detach().float().cpu().numpy()
    batch, frames = vectors.shape[:2]
    flat = vectors.reshape(-1, *vectors.shape[2:])
    chosen = settings or _PUBLISHED
    if decoding == "upstream":
        rows = _upstream(outputs, flat, chosen, labels=labels, hop=hop)
    else:
        rows = decode_frames(flat, chosen, labels=labels, hop=hop)
    return [_frames_of(rows, first * frames, frames) for first in range(batch)]


def decode_frames(
    outputs: NDArray[np.floating], settings: DetectionSettings | None = None, *, labels: Sequence[str] = (), hop: float = HOP
) -> FrameLabels:
    """Return what a listener said of a recording, each frame by itself.

    Args:
        outputs: vectors ``(frames, tracks, classes, 3)`` whose length is the activity, or four numbers with the distance in
            metres last (NaN where it is not known).
        settings: its threshold and ``unify_deg`` are used; None takes 0.5 and 15 degrees.
        labels: class names, kept in the result.
        hop: seconds per frame.

    Returns:
        Rows by frame, class and track.

    Raises:
        ParameterError: the outputs have another shape, or the thresholds do not fit the classes.
    """
    if outputs.ndim != 4 or outputs.shape[-1] not in (3, 4):
        raise ParameterError(f"outputs must be (frames, tracks, classes, 3 or 4), got shape {outputs.shape}")
    chosen = settings or _PUBLISHED
    frame, label, said, active = _sounding(outputs, chosen)
    together, means, kept = _unified(said[..., :3], _similar(said[..., :3], active, chosen.unify_deg))
    distance = None
    if said.shape[-1] == 4:
        distance = np.where(together, said[:, None, :, 3], 0).sum(axis=-1) / np.maximum(together.sum(axis=-1), 1)
    return _rows(frame, label, means, kept, distance, labels=labels, hop=hop)


def _sounding(
    outputs: NDArray[np.floating], settings: DetectionSettings
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.floating], Mask]:
    """Frame, class, outputs ``(N, tracks, …)`` and activity of the N pairs in which something sounds."""
    level = np.linalg.norm(outputs[..., :3], axis=-1)
    active = (level > settings.thresholds(outputs.shape[2])).transpose(0, 2, 1)
    frame, label = np.nonzero(active.any(axis=-1))
    return frame, label, outputs[frame, :, label], active[frame, label]


def _similar(vectors: NDArray[np.floating], active: Mask, unify_deg: float) -> Mask:
    """Which active tracks ``(N, K)`` point almost the same way as which: ``(N, K, K)``; each as itself."""
    units = vectors / np.sqrt((vectors**2).sum(axis=-1, keepdims=True) + _EPSILON)
    angle = np.degrees(np.arccos(np.clip(units @ units.transpose(0, 2, 1), -1, 1)))
    near = (angle < unify_deg) | np.eye(vectors.shape[1], dtype=bool)
    return np.asarray(near & active[:, :, None] & active[:, None, :])


def _unified(vectors: NDArray[np.floating], similar: Mask) -> tuple[Mask, NDArray[np.floating], Mask]:
    """Which tracks are one sound ``(N, K, K)``, the mean of each one's ``(N, K, 3)``, and which track stands for a sound."""
    together = similar
    for _ in range(similar.shape[-1].bit_length()):  # what is similar to the same is one sound
        together = together.astype(np.int8) @ together.astype(np.int8) > 0
    means = (together @ vectors) / np.maximum(together.sum(axis=-1, keepdims=True), 1)
    last = together.any(axis=-1) & ~np.triu(together, 1).any(axis=-1)  # stands for those it agrees with
    return together, means, np.asarray(last)


def _upstream(
    outputs: PseldOutputs, vectors: Floats, settings: DetectionSettings, *, labels: Sequence[str], hop: float
) -> FrameLabels:
    frame, label, said, active = _sounding(vectors, settings)
    if isinstance(outputs, TrackOutputs):
        rows = _rows(frame, label, said, active, labels=labels, hop=hop)
        azimuth, elevation = (np.radians(np.rint(np.degrees(angle))) for angle in (rows.azimuth, rows.elevation))
        return replace(rows, azimuth=azimuth, elevation=elevation)
    if isinstance(outputs, Accdoa):
        level = np.linalg.norm(vectors[:, 0], axis=-1)
        rank = np.argsort(np.argsort(-level, axis=-1, kind="stable"), axis=-1)
        return _rows(frame, label, said, active & (rank[frame, label] < _MOST_ACCDOA)[:, None], labels=labels, hop=hop)
    similar = _similar(said, active, settings.unify_deg)
    _, means, kept = _unified(said, similar)
    # The fault: where of three tracks only the first and the third agree, the first is written in place of the second.
    lost = active.all(axis=-1) & similar[:, 0, 2] & ~similar[:, 0, 1] & ~similar[:, 1, 2]
    means[lost, 1] = said[lost, 0]
    return _rows(frame, label, means, kept, labels=labels, hop=hop)


def _rows(
    frame: NDArray[np.int64],
    label: NDArray[np.int64],
    vectors: NDArray[np.floating],
    kept: Mask,
    distance: NDArray[np.floating] | None = None,
    *,
    labels: Sequence[str],
    hop: float,
) -> FrameLabels:
    """Labels of the kept tracks ``(N, K)``."""
    pair, track = np.nonzero(kept)
    azimuth, elevation, _ = angles(vectors[pair, track].astype(np.float64))
    far = None if distance is None else distance[pair, track]
    return FrameLabels(
        frame[pair], label[pair], track=track, azimuth=azimuth, elevation=elevation, distance=far, labels=labels, hop=hop
    )


def _frames_of(rows: FrameLabels, begin: int, frames: int) -> FrameLabels:
    """Some frames, counted from their first."""
    own = rows.rows((rows.frame >= begin) & (rows.frame < begin + frames))
    return replace(own, frame=own.frame - begin)
