"""Training losses of the three SELD output formats: ACCDOA, ADPIT, track-wise permutation invariant, aggregated.

Where a loss may choose an assignment of predictions to targets (permutation invariant training), the choice is made first,
without gradients, and the chosen one is then compared: the gradient is that of the minimum, and memory for it is kept for one
candidate instead of all. Of equal candidates the first counts.

Sources: ACCDOA arXiv:2010.15306; ADPIT arXiv:2110.07124; EINV2 arXiv:2010.13092; aggregated loss: Hu et al., Acta Acustica
50(2):338-345, 2025. All are used as in PSELDNets (arXiv:2411.06399).
"""

from __future__ import annotations

import itertools
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets
from auris.errors import ParameterError, unknown_name
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, TrackOutputs

VectorError = Literal["mse", "l1"]
DirectionError = Literal["mse", "l1", "cosine"]
Assignment = Literal["best", "fixed"]
Aggregation = Literal["tracks", "classes", "both"]

# Slots of ADPIT targets that the three tracks are held to, in 13 ways: one event in slot 0 that all tracks point at; two events
# in slots 1 and 2, of which one is pointed at twice; three events in slots 3, 4 and 5.
_ADPIT_WAYS = (
    (0, 0, 0),
    *((1, 1, 2), (1, 2, 1), (1, 2, 2), (2, 1, 1), (2, 1, 2), (2, 2, 1)),
    *itertools.permutations((3, 4, 5)),
)
# What each track adds to the candidates of the other two groups, so that empty slots never win as zeros.
_ADPIT_PADS = ((0, 0, 0), (1, 1, 2), (3, 4, 5))
_GROUP_OF_SLOT = (0, 1, 1, 2, 2, 2)


class VectorLoss(NamedTuple):
    """A loss without parts."""

    total: Tensor


class TrackLoss(NamedTuple):
    """Loss of track-wise outputs; ``sed`` and ``doa`` are its parts, unweighted and detached."""

    total: Tensor
    sed: Tensor
    doa: Tensor


class AggregatedLoss(NamedTuple):
    """Aggregated loss; ``tracks`` (AGG1) and ``classes`` (AGG2) are detached, NaN where not asked for."""

    total: Tensor
    tracks: Tensor
    classes: Tensor


def accdoa_loss(outputs: Accdoa, targets: AccdoaTargets, *, error: VectorError = "mse") -> VectorLoss:
    """Return the mean error of all vector components; classes that are silent are held to zero.

    Args:
        outputs: ``(B, T, 3, C)``.
        targets: the same shape.
        error: squared or absolute.

    Raises:
        ParameterError: the shapes differ, or the kind of error is unknown.
    """
    _require_same(outputs.vectors, targets.vectors, "ACCDOA vectors")
    return VectorLoss(_elementwise(outputs.vectors, targets.vectors, error).mean())


def adpit_loss(outputs: MultiAccdoa, targets: AdpitTargets) -> VectorLoss:
    """Return the auxiliary duplicating permutation invariant loss of multi-ACCDOA.

    For each class and frame, the mean squared error under the best of 13 assignments of three tracks to up to three events.

    Args:
        outputs: ``(B, T, 3, 3, C)``.
        targets: slots ``(B, T, 6, 4, C)``.

    Raises:
        ParameterError: the shapes do not fit each other.
    """
    said, slots = outputs.vectors, targets.slots
    shape = said.shape
    if said.ndim != 5 or shape[2:4] != (3, 3) or slots.shape != (*shape[:2], 6, 4, shape[4]):
        raise ParameterError(
            f"outputs must be (B, T, 3, 3, C) and ADPIT slots (B, T, 6, 4, C), got {tuple(shape)} and {tuple(slots.shape)}"
        )
    with torch.no_grad():
        best = _best_duplication(said, slots)
    return VectorLoss((said - best).square().mean())


def _best_duplication(said: Tensor, slots: Tensor) -> Tensor:
    """Return what each track is held to ``(B, T, 3 tracks, 3 axes, C)``."""
    device = said.device
    vectors = slots[:, :, :, :1] * slots[:, :, :, 1:]  # (B, T, 6, 3, C)
    first, second, third = vectors[:, :, torch.tensor(_ADPIT_PADS, device=device)].unbind(2)  # each (B, T, 3 tracks, 3, C)
    pads = torch.stack([second + third, first + third, first + second], dim=3)  # (B, T, 3 tracks, 3 groups, 3, C)
    candidates = vectors[:, :, None] + pads[:, :, :, torch.tensor(_GROUP_OF_SLOT, device=device)]
    errors = (said[:, :, :, None] - candidates).square().sum(dim=4)  # (B, T, 3 tracks, 6 slots, C)
    ways = torch.tensor(_ADPIT_WAYS, device=device)
    sums = errors[:, :, torch.arange(3, device=device), ways].sum(dim=3)  # (B, T, 13, C)
    slot = ways[sums.argmin(dim=2)].movedim(-1, 2)  # (B, T, 3 tracks, C)
    index = slot[:, :, :, None, None].expand(-1, -1, -1, 1, 3, -1)
    return candidates.gather(3, index)[:, :, :, 0]


def track_pit_loss(
    outputs: TrackOutputs,
    targets: TrackTargets,
    *,
    direction: DirectionError = "mse",
    activity_weight: float = 0.5,
    assignment: Assignment = "best",
) -> TrackLoss:
    """Return the loss of track-wise outputs: cross-entropy of activities and an error of directions.

    Directions of free tracks are held to zero; of more target tracks than the outputs have, the first ones count.

    Args:
        outputs: ``sed (B, T, K, C)`` logits and ``doa (B, T, K, 3)``.
        targets: ``sed (B, T, K or more, C)`` in 0..1 and ``doa``.
        direction: squared or absolute error, or one minus the cosine of the angle.
        activity_weight: share of the activities; the rest is that of the directions.
        assignment: ``best`` chooses the order of the target tracks in each frame, ``fixed`` keeps theirs.

    Raises:
        ParameterError: shapes do not fit, or a name is unknown.
    """
    if direction not in get_args(DirectionError):
        raise ParameterError(unknown_name("error of directions", direction, get_args(DirectionError)))
    wanted = _fitting(outputs, targets, assignment)
    if assignment == "best":
        with torch.no_grad():
            pairs = activity_weight * _pairwise_entropy(outputs.sed, wanted.sed)
            pairs += (1 - activity_weight) * _direction_error(outputs.doa[:, :, :, None], wanted.doa[:, :, None], direction)
            wanted = _in_order(wanted, _best_order(pairs))
    sed = functional.binary_cross_entropy_with_logits(outputs.sed, wanted.sed)
    doa = _direction_error(outputs.doa, wanted.doa, direction).mean()
    return TrackLoss(activity_weight * sed + (1 - activity_weight) * doa, sed.detach(), doa.detach())


def aggregated_loss(
    outputs: TrackOutputs,
    targets: TrackTargets,
    *,
    aggregation: Aggregation = "tracks",
    track_weight: float = 0.5,
    error: VectorError = "mse",
) -> AggregatedLoss:
    """Return the loss of track-wise outputs read as vectors: activity times direction, for each track and class.

    Args:
        outputs: ``sed (B, T, K, C)`` logits and ``doa (B, T, K, 3)``, of which the length does not count.
        targets: ``sed`` in 0..1 and ``doa``.
        aggregation: ``tracks`` (AGG1) compares tracks in the best order of each frame; ``classes`` (AGG2) compares their sums,
            as ACCDOA; ``both`` weighs the two.
        track_weight: share of ``tracks`` in ``both``.
        error: squared or absolute.

    Raises:
        ParameterError: shapes do not fit, or a name is unknown.
    """
    if aggregation not in get_args(Aggregation):
        raise ParameterError(unknown_name("aggregation", aggregation, get_args(Aggregation)))
    wanted = _fitting(outputs, targets, "best")
    true = wanted.sed[..., None] * wanted.doa[..., None, :]  # (B, T, K, C, 3)
    said = outputs.sed.sigmoid()[..., None] * functional.normalize(outputs.doa, dim=-1)[..., None, :]
    tracks = classes = said.new_full((), torch.nan)
    if aggregation != "classes":
        with torch.no_grad():
            pairs = _elementwise(said[:, :, :, None], true[:, :, None], error).mean(dim=(-1, -2))
            order = _best_order(pairs)[..., None, None].expand_as(true)
        tracks = _elementwise(said, true.gather(2, order), error).mean()
    if aggregation != "tracks":
        classes = _elementwise(said.sum(dim=2), true.sum(dim=2), error).mean()
    parts = {"tracks": tracks, "classes": classes, "both": track_weight * tracks + (1 - track_weight) * classes}
    return AggregatedLoss(parts[aggregation], tracks.detach(), classes.detach())


def _fitting(outputs: TrackOutputs, targets: TrackTargets, assignment: Assignment) -> TrackTargets:
    """The target tracks that outputs are compared with."""
    if assignment not in get_args(Assignment):
        raise ParameterError(unknown_name("assignment", assignment, get_args(Assignment)))
    count = outputs.sed.shape[-2]
    cut = TrackTargets(targets.sed[..., :count, :], targets.doa[..., :count, :])
    _require_same(outputs.sed, cut.sed, "activities of tracks")
    _require_same(outputs.doa, cut.doa, "directions of tracks")
    return cut


def _pairwise_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Binary cross-entropy, mean over classes, of each output track with each target track ``(B, T, K, K)``."""
    classes = logits.shape[-1]
    # softplus(x) - x y: linear in the targets, so that all pairs are one matrix product.
    return functional.softplus(logits).mean(dim=-1, keepdim=True) - logits @ wanted.transpose(-1, -2) / classes


def _direction_error(said: Tensor, wanted: Tensor, kind: DirectionError) -> Tensor:
    """Error of directions ``(..., 3)``, mean over the axes."""
    if kind == "cosine":
        return 1 - functional.cosine_similarity(said, wanted, dim=-1)
    return _elementwise(said, wanted, kind).mean(dim=-1)


def _best_order(pairs: Tensor) -> Tensor:
    """For errors ``(B, T, track, target)`` the target of each track ``(B, T, K)`` in the order with the least sum."""
    count = pairs.shape[-1]
    orders = torch.tensor(list(itertools.permutations(range(count))), device=pairs.device)
    sums = pairs[..., torch.arange(count, device=pairs.device), orders].sum(dim=-1)
    return orders[sums.argmin(dim=-1)]


def _in_order(targets: TrackTargets, order: Tensor) -> TrackTargets:
    sed, doa = (part.gather(2, order[..., None].expand_as(part)) for part in targets)
    return TrackTargets(sed, doa)


def _elementwise(said: Tensor, wanted: Tensor, kind: VectorError) -> Tensor:
    if kind not in get_args(VectorError):
        raise ParameterError(unknown_name("error of vectors", kind, get_args(VectorError)))
    return (said - wanted).square() if kind == "mse" else (said - wanted).abs()


def _require_same(said: Tensor, wanted: Tensor, what: str) -> None:
    # Shapes that broadcast would be compared without complaint, and wrongly.
    if said.shape != wanted.shape:
        raise ParameterError(f"{what} of outputs and targets differ in shape: {tuple(said.shape)}, {tuple(wanted.shape)}")
