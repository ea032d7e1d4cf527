"""Mixing two items of a batch: waveforms before the features (wav mix), or features (track mix), and their labels.

Only items in which one source sounds at a time take another in; what they take has one or two at a time. Levels add to one,
and so do the activities of the labels: ``lambda`` for the item's own source, ``1 - lambda`` for what it takes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, Targets, TrackTargets
from auris.training.augmentation.batches import AugmentedBatch, check_batch, put, take


class MixPlan(NamedTuple):
    """Who takes whom.

    Attributes:
        items: distinct numbers ``(M,)`` of the items that take another.
        partners: numbers ``(M,)`` of what they take.
        own_level: level ``(M,)`` of the item itself, 0 to 1; the partner has the rest.
    """

    items: Tensor
    partners: Tensor
    own_level: Tensor


def draw_mix(overlap: Tensor, *, partner_overlap: int, generator: torch.Generator) -> MixPlan:
    """Draw partners for the items with one source at a time, each partner at most once, and levels of Beta(0.5, 0.5).

    Args:
        overlap: int64 ``(B,)``, sources at once of each item.
        partner_overlap: 1 or 2, sources at once of the partners.
        generator: source of randomness.

    Returns:
        A plan on the generator's device. No item takes itself; the published code allows it, and then labels two sources where
        there is one.
    """
    device = generator.device
    overlap = overlap.to(device)
    items = torch.nonzero(overlap == 1).flatten()
    if partner_overlap == 1:
        # Along one random cycle through all items: everyone takes the next, nobody themselves.
        items = items[torch.randperm(len(items), generator=generator, device=device)]
        partners = items.roll(-1)
        if len(items) < 2:
            items = partners = items[:0]
    else:
        partners = torch.nonzero(overlap == partner_overlap).flatten()
        partners = partners[torch.randperm(len(partners), generator=generator, device=device)]
    count = min(len(items), len(partners))
    # Beta(0.5, 0.5) is the arcsine law.
    level = torch.sin(torch.rand(count, generator=generator, device=device) * (torch.pi / 2)).square()
    return MixPlan(items[:count], partners[:count], level)


def mix(signals: Tensor, targets: Targets, overlap: Tensor, plan: MixPlan) -> AugmentedBatch:
    """Carry out a plan; everything is taken from the batch as it was before.

    Args:
        signals: waveforms or features ``(B, ...)``.
        targets: of the same items.
        overlap: int64 ``(B,)``.
        plan: who takes whom.

    Raises:
        ParameterError: the numbers of items differ.
    """
    check_batch(signals, targets, overlap)
    items, partners = (numbers.to(signals.device) for numbers in (plan.items, plan.partners))
    level = plan.own_level.to(signals)
    own = level.reshape(-1, *[1] * (signals.ndim - 1))
    mixed = signals.index_copy(0, items, own * signals[items] + (1 - own) * signals[partners])
    labels = mix_targets(take(targets, items), take(targets, partners), level)
    to, of = items.to(overlap.device), partners.to(overlap.device)
    return AugmentedBatch(mixed, put(targets, items, labels), overlap.index_copy(0, to, overlap[of] + 1))


def mix_targets(own: Targets, other: Targets, own_level: Tensor) -> Targets:
    """Mix targets pair by pair.

    ACCDOA vectors are weighted. Tracks are ``own 0, other 0, other 1``, with weighted activities and directions as they are.
    In ADPIT slots two sources of one class move to the slots for two, three to those for three.

    Args:
        own: of ``M`` items with one source at a time.
        other: of as many items, with one or two sources at a time.
        own_level: ``(M,)``.
    """
    if isinstance(own, AccdoaTargets) and isinstance(other, AccdoaTargets):
        level = own_level[:, None, None, None]
        return AccdoaTargets(level * own.vectors + (1 - level) * other.vectors)
    if isinstance(own, AdpitTargets) and isinstance(other, AdpitTargets):
        return AdpitTargets(_mixed_slots(own.slots, other.slots, own_level))
    if isinstance(own, TrackTargets) and isinstance(other, TrackTargets):
        level = own_level[:, None, None, None]
        return TrackTargets(
            _mixed_tracks(level * own.sed, (1 - level) * other.sed),
            _mixed_tracks(own.doa, other.doa),
        )
    raise TypeError(f"targets of one kind are needed, got {type(own).__name__} and {type(other).__name__}")


def _mixed_tracks(own: Tensor, other: Tensor) -> Tensor:
    """Own track first, then the other's; ``(M, T, K, ...)``."""
    return torch.cat([own[:, :, :1], other[:, :, : own.shape[2] - 1]], dim=2)


def _mixed_slots(own: Tensor, other: Tensor, own_level: Tensor) -> Tensor:
    """ADPIT slots ``(M, T, 6, 4, C)``: 0 for one source of a class, 1 and 2 for two, 3 to 5 for three."""
    level = own_level[:, None, None, None]
    mine = _weighted(own[:, :, 0], level)
    first, second, third, *rest = (_weighted(slot, 1 - level) for slot in other.unbind(dim=2))
    sounds = own[:, :, 0, :1] > 0
    as_two, as_three = sounds & (other[:, :, 0, :1] > 0), sounds & (other[:, :, 1, :1] > 0)
    none = own.new_zeros(())
    slots = [
        torch.where(as_two | as_three, none, mine + first),
        torch.where(as_two, mine, torch.where(as_three, none, second)),
        torch.where(as_two, first, torch.where(as_three, none, third)),
        *(torch.where(as_three, moved, stays) for moved, stays in zip((mine, second, third), rest, strict=True)),
    ]
    return torch.stack(slots, dim=2)


def _weighted(slot: Tensor, level: Tensor) -> Tensor:
    """One slot ``(M, T, 4, C)`` with its activity, not its direction, times a level."""
    return torch.cat([slot[:, :, :1] * level, slot[:, :, 1:]], dim=2)
