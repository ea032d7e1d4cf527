"""Frame labels ⇄ the targets that SELD networks are trained with.

Three formats, named after the output they train (``T`` frames, ``C`` classes, ``K`` tracks):

=========== ============================ ===========================================================================
format      tensor                       what a frame can hold
=========== ============================ ===========================================================================
``accdoa``  vectors ``(T, 3, C)``        one direction per class; of several rows of a class the last one stays
``adpit``   slots ``(T, 6, 4, C)``       three rows of a class: one is in slot 0, two in 1 and 2, three in 3, 4 and 5
``tracks``  sed ``(T, K, C)``,           ``K`` rows of any class, each in the first free track, in the order of the
            doa ``(T, K, 3)``            rows; a track may change its source from frame to frame
=========== ============================ ===========================================================================

The rules are those of PSELDNets (arXiv:2411.06399; ACCDOA arXiv:2010.15306, ADPIT arXiv:2110.07124, EINV2 arXiv:2010.13092).
Rows that a format cannot hold are left out and **counted** (:attr:`Encoded.dropped`). Where auris differs from the published
preparation, published numbers can still be had:

========================== =========================================== =================================================
what                       published                                   here
========================== =========================================== =================================================
angles                     whole degrees in between (int16, int8)      floats throughout; the same where files hold
                                                                       whole degrees
L3DAS22 events to frames   ``round(start / 0.1)``, halves to even;     frames whose centre the event covers, angles as
                           angles cut towards zero                     they are (``rule="pseldnets"`` for the published)
overflow                   one printed line per row                    counted: :attr:`Encoded.dropped`
length                     up to the last event's frame                as many frames as asked for
a file without events      fails                                       all frames empty
a class number too high    not checked                                 :class:`~auris.errors.FormatError` that names it
========================== =========================================== =================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Literal, NamedTuple, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris.errors import FormatError, ParameterError, unknown_name
from auris.geometry.directions import angles
from auris.io.frame_labels import HOP, FrameLabels, scene_to_rows
from auris.scene import Scene

TargetFormat = Literal["accdoa", "adpit", "tracks"]
TARGET_FORMATS: tuple[TargetFormat, ...] = get_args(TargetFormat)
SLOTS = 6  # of ADPIT: A0; B0, B1; C0, C1, C2
TRACKS = 3

_FIRST_SLOT = np.array([0, 0, 1, 3])  # by number of rows of the class in the frame
_ACTIVE = 0.5


class AccdoaTargets(NamedTuple):
    """Unit vectors ``(..., T, 3, C)``, axes x, y, z; zero where a class is silent."""

    vectors: Tensor


class AdpitTargets(NamedTuple):
    """Slots ``(..., T, 6, 4, C)``: activity (0 or 1), x, y, z."""

    slots: Tensor


class TrackTargets(NamedTuple):
    """Activity ``sed (..., T, K, C)`` and unit vectors ``doa (..., T, K, 3)``; zero in free tracks."""

    sed: Tensor
    doa: Tensor


Targets = AccdoaTargets | AdpitTargets | TrackTargets
Targets_co = TypeVar("Targets_co", bound=Targets, covariant=True)


class Encoded(NamedTuple, Generic[Targets_co]):
    """Targets, and how many rows of the labels found no place in them."""

    targets: Targets_co
    dropped: int


def encode(
    labels: FrameLabels,
    format: TargetFormat,  # noqa: A002 - the word of the field
    *,
    classes: int,
    frames: int,
    begin: int = 0,
    tracks: int = TRACKS,
) -> Encoded[Targets]:
    """Return labels as training targets.

    Args:
        labels: rows in the order of their file, which decides who gets a place.
        format: of the targets.
        classes: number of classes ``C``.
        frames: number of frames ``T``; frames without rows are empty, rows outside ``begin`` … ``begin + frames - 1`` are not
            looked at.
        begin: frame of ``labels`` that becomes frame 0.
        tracks: number of tracks ``K`` of the format ``tracks``.

    Returns:
        float32 tensors, and the number of rows without a place.

    Raises:
        ParameterError: the format is unknown or a number is impossible.
        FormatError: a class number is not below ``classes``.
    """
    if format == "accdoa":
        return encode_accdoa(labels, classes=classes, frames=frames, begin=begin)
    if format == "adpit":
        return encode_adpit(labels, classes=classes, frames=frames, begin=begin)
    if format == "tracks":
        return encode_tracks(labels, classes=classes, frames=frames, begin=begin, tracks=tracks)
    raise ParameterError(unknown_name("target format", format, TARGET_FORMATS))


def encode_accdoa(labels: FrameLabels, *, classes: int, frames: int, begin: int = 0) -> Encoded[AccdoaTargets]:
    """Return ACCDOA targets; see :func:`encode`."""
    rows = _window(labels, classes=classes, frames=frames, begin=begin)
    vectors = np.zeros((frames, classes, 3), np.float32)
    # Of rows with the same frame and class NumPy keeps the last one, which is the rule.
    vectors[rows.frame, rows.class_index] = rows.vectors
    targets = AccdoaTargets(torch.from_numpy(np.ascontiguousarray(vectors.transpose(0, 2, 1))))
    return Encoded(targets, len(rows) - len(np.unique(_pairs(rows))))


def encode_adpit(labels: FrameLabels, *, classes: int, frames: int, begin: int = 0) -> Encoded[AdpitTargets]:
    """Return ADPIT targets; see :func:`encode`."""
    rows = _window(labels, classes=classes, frames=frames, begin=begin)
    rank, count = _rank_and_count(_pairs(rows))
    held = rank < 3
    slot = (_FIRST_SLOT[np.minimum(count, 3)] + rank)[held]
    slots = np.zeros((frames, SLOTS, classes, 4), np.float32)
    slots[rows.frame[held], slot, rows.class_index[held], 0] = 1.0
    slots[rows.frame[held], slot, rows.class_index[held], 1:] = rows.vectors[held]
    return Encoded(AdpitTargets(torch.from_numpy(np.ascontiguousarray(slots.transpose(0, 1, 3, 2)))), int(np.sum(~held)))


def encode_tracks(
    labels: FrameLabels, *, classes: int, frames: int, begin: int = 0, tracks: int = TRACKS
) -> Encoded[TrackTargets]:
    """Return track-wise targets; see :func:`encode`."""
    if tracks < 1:
        raise ParameterError(f"there must be at least 1 track, got {tracks!r}")
    rows = _window(labels, classes=classes, frames=frames, begin=begin)
    track, _ = _rank_and_count(rows.frame)
    held = track < tracks
    sed = np.zeros((frames, tracks, classes), np.float32)
    doa = np.zeros((frames, tracks, 3), np.float32)
    sed[rows.frame[held], track[held], rows.class_index[held]] = 1.0
    doa[rows.frame[held], track[held]] = rows.vectors[held]
    return Encoded(TrackTargets(torch.from_numpy(sed), torch.from_numpy(doa)), int(np.sum(~held)))


def encode_scene(
    scene: Scene,
    format: TargetFormat,  # noqa: A002
    *,
    vocabulary: Sequence[str],
    frames: int | None = None,
    tracks: int = TRACKS,
) -> Encoded[Targets]:
    """Return a scene as training targets, labelled at the centres of frames of 0.1 s.

    Args:
        scene: the scene.
        format: of the targets.
        vocabulary: class names in the order of their numbers.
        frames: number of frames; as many as the scene lasts by default.
        tracks: number of tracks of the format ``tracks``.

    Raises:
        ParameterError: as :func:`encode`, or a class is not in the vocabulary.
    """
    rows = scene_to_rows(scene, vocabulary)
    length = int(np.ceil(round(scene.duration / HOP, 6))) if frames is None else frames
    return encode(rows, format, classes=len(vocabulary), frames=length, tracks=tracks)


def unheld_rows(
    labels: FrameLabels,
    format: TargetFormat,  # noqa: A002
    *,
    tracks: int = TRACKS,
) -> int:
    """Return how many rows a format cannot hold, without making targets.

    Raises:
        ParameterError: the format is unknown.
    """
    if format not in TARGET_FORMATS:
        raise ParameterError(unknown_name("target format", format, TARGET_FORMATS))
    keys = labels.frame if format == "tracks" else _pairs(labels)
    rank, _ = _rank_and_count(keys)
    return int(np.sum(rank >= {"accdoa": 1, "adpit": 3, "tracks": tracks}[format]))


def decode(targets: Targets, *, begin: int = 0, labels: Sequence[str] = (), hop: float = HOP) -> FrameLabels:
    """Return targets as labels: the inverse of :func:`encode`, but for the rows it left out.

    Targets do not say which rows belong to one source. The track numbers are 0 for ACCDOA, the number of the row among those
    of its class and frame for ADPIT, and the track for ``tracks``.

    Args:
        targets: of one example, without a batch axis.
        begin: frame number of the first frame.
        labels: class names.
        hop: seconds per frame.

    Raises:
        ParameterError: the targets have a batch axis.
    """
    axes = 4 if isinstance(targets, AdpitTargets) else 3
    if targets[0].ndim != axes:
        raise ParameterError(f"targets of one example have {axes} axes, got shape {tuple(targets[0].shape)}; decode one by one")
    arrays = [part.detach().cpu().numpy() for part in targets]
    if isinstance(targets, AccdoaTargets):
        vectors = arrays[0].transpose(0, 2, 1)
        frame, label = np.nonzero(np.linalg.norm(vectors, axis=-1) > _ACTIVE)
        track, vectors = np.zeros_like(frame), vectors[frame, label]
    elif isinstance(targets, AdpitTargets):
        slots = arrays[0].transpose(0, 3, 1, 2)
        frame, label, slot = np.nonzero(slots[..., 0] > _ACTIVE)
        track, _ = _rank_and_count(frame * slots.shape[1] + label)
        vectors = slots[frame, label, slot, 1:]
    else:
        frame, track, label = np.nonzero(arrays[0] > _ACTIVE)
        vectors = arrays[1][frame, track]
    azimuth, elevation, _ = angles(vectors.astype(np.float64))
    return FrameLabels(frame + begin, label, track=track, azimuth=azimuth, elevation=elevation, labels=labels, hop=hop)


def overlap(targets: Targets) -> int:
    """Return the largest number of entries of one example that are active in one frame, at least 1.

    It is the tag that augmentation goes by. Entries are classes for ACCDOA, tracks for track-wise targets, and slots for
    ADPIT, as in PSELDNets.
    """
    if isinstance(targets, AccdoaTargets):
        active = np.square(targets.vectors.numpy()).sum(axis=-2) > _ACTIVE**2
    elif isinstance(targets, AdpitTargets):
        active = targets.slots[..., 0, :].numpy() > _ACTIVE
    else:
        active = targets.sed.numpy() > _ACTIVE
    return max(1, int(np.count_nonzero(active, axis=tuple(range(1, active.ndim))).max(initial=0)))


def _pairs(rows: FrameLabels) -> NDArray[np.int64]:
    """One number for each pair of frame and class."""
    return rows.frame * (int(rows.class_index.max(initial=0)) + 1) + rows.class_index


def _window(labels: FrameLabels, *, classes: int, frames: int, begin: int) -> FrameLabels:
    """The rows of some frames, numbered from 0, in the order of the file."""
    if classes < 1 or frames < 0 or begin < 0:
        raise ParameterError(
            f"needs at least 1 class, and frames and begin of at least 0; got classes={classes}, frames={frames}, begin={begin}"
        )
    if len(labels) and int(labels.class_index.max()) >= classes:
        raise FormatError(
            f"the labels have class number {labels.class_index.max()}, but there are {classes} classes (0 to {classes - 1}); "
            "give the class list of this dataset"
        )
    rows = labels.rows((labels.frame >= begin) & (labels.frame < begin + frames))
    if not begin:
        return rows
    return FrameLabels(rows.frame - begin, rows.class_index, azimuth=rows.azimuth, elevation=rows.elevation, track=rows.track)


def _rank_and_count(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each element: how many equal ones come before it, and how many there are in all."""
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(keys, kind="stable")
    _, start, inverse, counts = np.unique(keys[order], return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - start[inverse]
    count = np.empty(len(keys), np.int64)
    count[order] = counts[inverse]
    return rank, count
