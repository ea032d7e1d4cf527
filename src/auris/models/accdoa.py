"""Multi-ACCDOA with distance: what a listener network says about every class in every label frame.

An output is ``(batch, frames, tracks, classes, 4)``: a vector (x, y, z) whose length is the activity of the class, 0..1,
and whose direction is where it sounds, and a distance in metres. Several tracks hold several sounds of one class.

Training assigns tracks to events by auxiliary duplicating permutation invariant training (ADPIT, arXiv:2110.07124): where
a class has fewer events than tracks, events are duplicated, so that every track of an active class points at an event
and no assignment is preferred by its order. All tracks of a class are then active together, which is why the head here
says one activity per class. Duplicates are unified when detections are read (:mod:`auris.models.detections`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from auris.errors import SceneError, unknown_name
from auris.geometry.directions import unit_vector
from auris.models import distance_belief
from auris.scene import Scene

NEAREST, FARTHEST = 0.1, 50.0  # metres that a head can say


def frame_times(frames: int, frame_seconds: float) -> NDArray[np.float64]:
    """Return the moments at which frames are labelled: their centres, in seconds."""
    return np.asarray((np.arange(frames) + 0.5) * frame_seconds, dtype=np.float64)


def encode_scene(
    scene: Scene, labels: Sequence[str], *, frames: int, frame_seconds: float, slots: int = 3
) -> NDArray[np.float32]:
    """Return a scene as training targets ``(frames, slots, classes, 5)``: activity, unit vector x, y, z, distance.

    The events of a class that sound together fill its slots from the first on; more than ``slots`` are left out.

    Raises:
        SceneError: a source has a class that is not among ``labels``.
    """
    tracks = scene.tracks(frame_times(frames, frame_seconds))
    for track in tracks:
        if track.source.label not in labels:
            raise SceneError(unknown_name("class", track.source.label, labels))
    return fill_slots(
        np.asarray([list(labels).index(t.source.label) for t in tracks], dtype=np.int64),
        np.stack([t.active for t in tracks]) if tracks else np.zeros((0, frames), dtype=bool),
        np.stack([unit_vector(t.azimuth, t.elevation) for t in tracks]) if tracks else np.zeros((0, frames, 3)),
        np.stack([t.distance for t in tracks]) if tracks else np.zeros((0, frames)),
        classes=len(labels),
        slots=slots,
    )


def fill_slots(
    classes_of: NDArray[np.int64],
    active: NDArray[np.bool_],
    directions: NDArray[np.floating],
    distances: NDArray[np.floating],
    *,
    classes: int,
    slots: int = 3,
) -> NDArray[np.float32]:
    """Return targets ``(frames, slots, classes, 5)`` of S sources.

    Args:
        classes_of: class index of each source ``(S,)``.
        active: ``(S, frames)``.
        directions: unit vectors ``(S, frames, 3)``.
        distances: metres ``(S, frames)``.
        classes: number of classes.
        slots: events of one class that fit into a frame.
    """
    frames = active.shape[1]
    targets = np.zeros((frames, slots, classes, 5), dtype=np.float32)
    filled = np.zeros((frames, classes), dtype=np.int64)
    for source, label in enumerate(classes_of):
        (when,) = np.nonzero(active[source] & (filled[:, label] < slots))
        slot = filled[when, label]
        targets[when, slot, label, 0] = 1.0
        targets[when, slot, label, 1:4] = directions[source, when]
        targets[when, slot, label, 4] = distances[source, when]
        filled[when, label] += 1
    return targets


class MultiAccdoaHead(nn.Module):
    """From an encoder's frames to multi-ACCDOA with distance.

    Shape:
        - Input: ``(batch, frames, width)``
        - Output: ``(batch, frames, tracks, classes, 4)``
    """

    def __init__(self, width: int, *, classes: int, tracks: int = 3) -> None:
        super().__init__()
        self.classes, self.tracks = classes, tracks
        self.activity = nn.Linear(width, classes)
        self.place = nn.Linear(width, tracks * classes * 4)
        nn.init.constant_(self.activity.bias, -2.0)  # most classes are silent most of the time

    def forward(self, hidden: Tensor, hint: Tensor | None = None) -> Tensor:
        """Return vectors of length 0..1 and distances in metres; a hint ``(B, T, C, 4)`` is added to what is said of places."""
        activity = self.activity(hidden).sigmoid()[..., None, :, None]
        place = self.place(hidden).unflatten(-1, (self.tracks, self.classes, 4))
        if hint is not None:
            place = place + hint[:, :, None]
        vectors = activity * functional.normalize(place[..., :3], dim=-1)
        distance = (place[..., 3:] + math.log(2.0)).clamp(math.log(NEAREST), math.log(FARTHEST)).exp()
        return torch.cat([vectors, distance], dim=-1)


class MaskedAccdoaHead(nn.Module):
    """Multi-ACCDOA whose directions are read from the cues of the bands and moments in which a class is heard.

    An encoder knows well what sounds, and in which bands, but blurs where: a direction must pass through all its layers.
    Here it says for every class a weight of each band, and the spatial cues of the front end, averaged with these weights in
    the frame and over its surroundings, go straight to the readout of direction and distance.

    Shape:
        - Input: ``(batch, frames, width)`` and cues ``(batch, frames, bands, kinds)``
        - Output: ``(batch, frames, tracks, classes, 4)``

    Args:
        width: of the encoder's frames.
        classes: number of classes.
        bands: mel bands of the cues.
        kinds: cues of each band.
        tracks: tracks of each class.
        reach: frames before and after that the wider average takes in.
        units: of the readout.
    """

    def __init__(
        self, width: int, *, classes: int, bands: int, kinds: int, tracks: int = 3, reach: int = 5, units: int = 48
    ) -> None:
        super().__init__()
        self.plain = MultiAccdoaHead(width, classes=classes, tracks=tracks)
        self.bands, self.reach = bands, reach
        self.mask = nn.Linear(width, classes * bands)
        # The same readout for all classes: it learns acoustics, not vocabulary.
        self.readout = nn.Sequential(nn.Linear(2 * kinds, units), nn.ReLU(), nn.Linear(units, 4))
        self.shortcut = nn.Linear(2 * kinds, 4)

    def forward(self, hidden: Tensor, cues: Tensor) -> Tensor:
        """Return vectors of length 0..1 and distances in metres."""
        weights = self.mask(hidden).unflatten(-1, (-1, self.bands)).clamp(-8, 8).exp()
        sums = torch.cat([weights @ cues, weights.sum(dim=-1, keepdim=True)], dim=-1)  # (B, T, C, kinds + 1)
        flat = sums.flatten(2).transpose(1, 2)
        wide = functional.avg_pool1d(flat, 2 * self.reach + 1, stride=1, padding=self.reach, count_include_pad=False)
        around = wide.transpose(1, 2).reshape(sums.shape)
        pooled = torch.cat([part[..., :-1] / part[..., -1:] for part in (sums, around)], dim=-1)
        outputs: Tensor = self.plain(hidden, self.readout(pooled) + self.shortcut(pooled))
        return outputs


class Losses(NamedTuple):
    """Parts of a training loss; ``total`` is their weighted sum."""

    total: Tensor
    activity: Tensor
    direction: Tensor
    distance: Tensor


class MultiAccdoaLoss(nn.Module):
    """Cross-entropy of the activities, plus direction and distance of active classes under the best assignment.

    Direction errors are 1 - cos of the angle, distance errors the absolute logarithm of the ratio: 0.1 is ten per cent at any
    distance. Both are averaged over active classes and frames only, so that silence cannot outvote them.

    Args:
        tracks: tracks of the output and slots of the targets.
        direction: weight of the direction error.
        distance: weight of the distance error.
    """

    assignments: Tensor
    events: Tensor

    def __init__(self, *, tracks: int = 3, direction: float = 1.0, distance: float = 0.3) -> None:
        super().__init__()
        self.direction, self.distance = direction, distance
        # Every way to give all tracks an event while no event goes without a track: 13 ways for three tracks.
        ways = [
            (way, events)
            for events in range(1, tracks + 1)
            for way in itertools.product(range(events), repeat=tracks)
            if len(set(way)) == events
        ]
        self.register_buffer("assignments", torch.tensor([way for way, _ in ways]), persistent=False)
        self.register_buffer("events", torch.tensor([events for _, events in ways]), persistent=False)

    def forward(self, outputs: Tensor, targets: Tensor) -> Losses:
        """Compare ``(B, T, K, C, 4)`` with targets ``(B, T, K, C, 5)`` (:func:`encode_scene`).

        Where outputs have more numbers (:mod:`auris.models.ears_head`), the log odds of front against back and a belief over
        distances, their vectors are those of the front: what counts is the vector in the half of the target, the odds, and
        the cross-entropy of the belief.
        """
        norms = outputs[..., :3].square().sum(dim=-1).clamp(min=1e-12).sqrt()
        active = targets[..., 0].amax(dim=2)  # (B, T, C)
        wanted = active[:, :, None].expand_as(norms)
        activity = functional.binary_cross_entropy(norms.clamp(1e-6, 1 - 1e-6), wanted) * norms.shape[-1]
        cells = active > 0
        if not bool(cells.any()):
            return Losses(activity, activity.detach(), activity.new_zeros(()), activity.new_zeros(()))
        said, true = (t.movedim(2, 3)[cells] for t in (outputs, targets))  # (N, K, 4 or more) and (N, slots, 5)
        places = true[..., 1:4]
        ears = said.shape[-1] > 4
        if ears:
            places = torch.cat([places[..., :1].abs(), places[..., 1:]], dim=-1)
        cosine = functional.normalize(said[..., :3], dim=-1) @ places.transpose(1, 2)
        if ears:
            cosine = cosine - _doubt(said[..., 4], true[..., 1])
            ratio = distance_belief.errors(said[..., 5:], true[..., 4])
        else:
            ratio = (said[..., 3:4].log() - true[:, None, :, 4].clamp(min=NEAREST).log()).abs()
        angle_error, distance_error = self._assigned(1 - cosine), self._assigned(ratio)
        error = self.direction * angle_error + self.distance * distance_error
        impossible = self.events != true[..., 0].sum(dim=1, keepdim=True).round()
        best = error.masked_fill(impossible, torch.inf).argmin(dim=1, keepdim=True)
        direction, distance = (e.gather(1, best).mean() for e in (angle_error, distance_error))
        total = activity + self.direction * direction + self.distance * distance
        return Losses(total, activity.detach(), direction.detach(), distance.detach())

    def _assigned(self, pairs: Tensor) -> Tensor:
        """Mean over tracks of the errors ``(N, track, slot)`` under every assignment: ``(N, assignments)``."""
        tracks = torch.arange(self.assignments.shape[1], device=pairs.device)
        return pairs[:, tracks, self.assignments].mean(dim=-1)


def _doubt(odds: Tensor, ahead: Tensor) -> Tensor:
    """Return the cost of log odds of the front ``(N, K)`` for sources ``ahead`` metres per metre in front ``(N, slots)``.

    Cross-entropy, times how far apart the two answers are: beside the head it does not matter.
    """
    return functional.softplus(-odds[:, :, None] * ahead.sign()[:, None]) * ahead.abs()[:, None]
