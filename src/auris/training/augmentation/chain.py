"""The whole of it: what happens to waveforms, and then to their features, by a recipe."""

from __future__ import annotations

import torch
from torch import Tensor

from auris.channels import ChannelLayout
from auris.data.seld_targets import Targets
from auris.errors import ParameterError
from auris.training.augmentation.batches import AugmentedBatch, check_batch, join_targets, label_frames, take
from auris.training.augmentation.frequency_shift import draw_shifts, shift_bands
from auris.training.augmentation.masking import CutoutPlan, SpecAugmentPlan, cutout, draw_stretches, fill_of, spec_augment
from auris.training.augmentation.mixing import draw_mix, mix
from auris.training.augmentation.recipe import AugmentationRecipe, ChainStep, MaskSettings
from auris.training.augmentation.rotation import draw_rotations, rotate_targets, rotate_waveforms
from auris.training.augmentation.spatialisation import draw_directions, spatialise_targets, spatialise_waveforms


def augment_waveforms(
    waveforms: Tensor,
    targets: Targets,
    overlap: Tensor,
    *,
    recipe: AugmentationRecipe,
    generator: torch.Generator,
    layout: ChannelLayout | str = "foa",
) -> AugmentedBatch:
    """Do what comes before the features: mono to ambisonics, copies, rotation, wav mix.

    Args:
        waveforms: ``(B, channels, samples)``.
        targets: what sounds where.
        overlap: int64 ``(B,)``, sources at once of each item, at least 1.
        recipe: what to do.
        generator: source of randomness, on any device; equal generators give equal batches.
        layout: what the channels are, where the recipe rotates; after ``"mono"`` spatialisation always first-order ambisonics.

    Returns:
        A batch of ``recipe.copies * B`` items; the copies follow each other.

    Raises:
        LayoutError: the recipe rotates, and the layout cannot be turned so, or has another number of channels.
        ParameterError: the parts have unequal numbers of items, or mono spatialisation meets overlapping sources.
    """
    check_batch(waveforms, targets, overlap)
    if recipe.spatialisation == "mono":
        directions = draw_directions(len(waveforms), generator=generator)
        waveforms, targets = spatialise_waveforms(waveforms, directions), spatialise_targets(targets, directions)
        layout = "foa"
    if recipe.copies > 1:
        waveforms = waveforms.repeat(recipe.copies, 1, 1)
        targets, overlap = join_targets((targets,) * recipe.copies), overlap.repeat(recipe.copies)
    if recipe.rotation != "none":
        chance = recipe.rotation_probability
        matrices = draw_rotations(len(waveforms), kind=recipe.rotation, probability=chance, layout=layout, generator=generator)
        waveforms, targets = rotate_waveforms(waveforms, matrices, layout=layout), rotate_targets(targets, matrices)
    if _happens(recipe.wave_mix_probability, generator):
        partner_overlap = 1 + int(_happens(0.5, generator))
        plan = draw_mix(overlap, partner_overlap=partner_overlap, generator=generator)
        return mix(waveforms, targets, overlap, plan)
    return AugmentedBatch(waveforms, targets, overlap)


def augment_features(
    features: Tensor,
    targets: Targets,
    overlap: Tensor,
    *,
    recipe: AugmentationRecipe,
    generator: torch.Generator,
    frames_per_label: int = 10,
    level_channels: int = 4,
) -> AugmentedBatch:
    """Do what comes after the features: a drawn combination of the steps of the chain.

    Args:
        features: ``(B, channels, frames, bands)`` of a batch that :func:`augment_waveforms` made. With more than one copy, the
            first copy stays and every other one gets a combination of its own.
        targets: what sounds where.
        overlap: int64 ``(B,)``, sources at once of each item.
        recipe: what to do.
        generator: source of randomness, on any device.
        frames_per_label: feature frames of a label frame.
        level_channels: how many of the first channels are levels in decibels, for the fill ``"silence"``.

    Raises:
        ParameterError: the parts have unequal numbers of items, or the batch is not made of whole copies.
    """
    check_batch(features, targets, overlap)
    batch = AugmentedBatch(features, targets, overlap)
    if not recipe.chain:
        return batch
    if len(features) % recipe.copies:
        raise ParameterError(f"{len(features)} items are not {recipe.copies} copies; augment the waveforms by the same recipe")
    size = len(features) // recipe.copies
    if not size:
        return batch
    parts = [
        AugmentedBatch(features[begin : begin + size], take(targets, slice(begin, begin + size)), overlap[begin : begin + size])
        for begin in range(0, len(features), size)
    ]
    for number in range(0 if recipe.copies == 1 else 1, len(parts)):
        for step in draw_chain(recipe.chain, generator=generator):
            parts[number] = _apply(
                step,
                parts[number],
                recipe=recipe,
                generator=generator,
                frames_per_label=frames_per_label,
                level_channels=level_channels,
            )
    if len(parts) == 1:
        return parts[0]
    signals, labels, overlaps = zip(*parts, strict=True)
    return AugmentedBatch(torch.cat(signals), join_targets(labels), torch.cat(overlaps))


def draw_chain(steps: tuple[ChainStep, ...], *, generator: torch.Generator) -> tuple[ChainStep, ...]:
    """Draw one of the non-empty combinations of steps, all alike, in a random order."""
    device = generator.device
    combination = int(torch.randint(1, 2 ** len(steps), (), generator=generator, device=device))
    chosen = [step for bit, step in enumerate(steps) if combination >> bit & 1]
    order = torch.randperm(len(chosen), generator=generator, device=device)
    return tuple(chosen[i] for i in order.tolist())


def _apply(
    step: ChainStep,
    batch: AugmentedBatch,
    *,
    recipe: AugmentationRecipe,
    generator: torch.Generator,
    frames_per_label: int,
    level_channels: int,
) -> AugmentedBatch:
    """Draw and apply one step."""
    features = batch.signals
    if step == "track_mix":
        return mix(*batch, draw_mix(batch.overlap, partner_overlap=1, generator=generator))
    if step == "frequency_shift":
        shift, items = recipe.shift, len(features)
        shifts = draw_shifts(
            items, largest=shift.largest, direction=shift.direction, probability=shift.probability, generator=generator
        )
        return batch._replace(signals=shift_bands(features, shifts))
    fill = fill_of(features, recipe.masks.fill, level_channels=level_channels)
    if step == "cutout":
        return batch._replace(signals=cutout(features, _draw_cutout(features, recipe.masks, generator), fill=fill))
    plan = _draw_spec_augment(features, label_frames(batch.targets), recipe.masks, generator)
    hidden, targets = spec_augment(features, batch.targets, plan, fill=fill, frames_per_label=frames_per_label)
    return batch._replace(signals=hidden, targets=targets)


def _draw_cutout(features: Tensor, masks: MaskSettings, generator: torch.Generator) -> CutoutPlan:
    items, channels, frames, bands = features.shape
    shape = (items, channels, masks.rectangles)
    return CutoutPlan(
        draw_stretches(shape, longest=masks.longest_rectangle, size=frames, generator=generator),
        draw_stretches(shape, longest=masks.widest_rectangle, size=bands, generator=generator),
    )


def _draw_spec_augment(features: Tensor, label_count: int, masks: MaskSettings, generator: torch.Generator) -> SpecAugmentPlan:
    items, channels, _, bands = features.shape
    return SpecAugmentPlan(
        draw_stretches((items, masks.times), longest=masks.longest_time, size=label_count, generator=generator),
        draw_stretches((items, channels, masks.bands), longest=masks.widest_band, size=bands, generator=generator),
    )


def _happens(probability: float, generator: torch.Generator) -> bool:
    """Throw a coin; certain and impossible ones draw nothing."""
    if probability in (0, 1):
        return bool(probability)
    return bool(torch.rand((), generator=generator, device=generator.device) < probability)
