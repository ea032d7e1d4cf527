"""The learning rate of a step, by the schedule of a recipe."""

from __future__ import annotations

import math

from auris.training.trainer_recipe import OptimiserRecipe


def learning_rate(
    recipe: OptimiserRecipe, *, step: int, steps: int, epoch_steps: float, progress: float, most: float | None = None
) -> float:
    """Return the learning rate of a step.

    Args:
        recipe: the schedule.
        step: number of the step, from 0.
        steps: of the whole training.
        epoch_steps: of an epoch.
        progress: share of the budget that is spent, 0 to 1; more than ``step / steps`` where minutes are short.
        most: the highest rate; None takes the recipe's.
    """
    most = recipe.rate if most is None else most
    if recipe.schedule == "half_cosine":
        warm = recipe.warmup_epochs * epoch_steps / steps
        return half_cosine(progress, warm=warm, most=most, least=recipe.min_rate)
    if recipe.schedule == "linear":
        return most * rise_and_fall(step, warm=recipe.warmup_steps, end=recipe.end_step or steps)
    if recipe.schedule == "inverse":
        return most * inverse(step, steps=recipe.inverse_steps, power=recipe.inverse_power, warmup=recipe.inverse_warmup)
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    if recipe.schedule == "cosine":
        return most * warm * max(0.01, 0.5 * (1 + math.cos(math.pi * progress)))
    return most * warm * (recipe.decay ** (int(step / epoch_steps) // recipe.decay_epochs) if recipe.schedule == "step" else 1)


def half_cosine(progress: float, *, warm: float, most: float, least: float) -> float:
    """Return a rate that rises from zero to ``most`` and falls by half a cosine to ``least``.

    Args:
        progress: share of the training that is over, 0 to 1.
        warm: share at which the rate is highest.
        most: the highest rate.
        least: the rate at the end.

    >>> [half_cosine(share, warm=0.25, most=2.0, least=1.0) for share in (0.0, 0.125, 0.25, 0.625, 1.0)]
    [0.0, 1.0, 2.0, 1.5, 1.0]
    """
    if progress < warm:
        return most * progress / warm
    fallen = (progress - warm) / (1 - warm) if warm < 1 else 0.0
    return least + (most - least) * 0.5 * (1 + math.cos(math.pi * fallen))


def rise_and_fall(step: int, *, warm: int, end: int) -> float:
    """Return the share of the highest rate at a step: from zero straight up to 1 at ``warm``, straight down to zero at ``end``.

    >>> [rise_and_fall(step, warm=2, end=6) for step in range(8)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    if step < warm:
        return step / warm
    return max(0.0, (end - step) / max(end - warm, 1))


def inverse(step: int, *, steps: float, power: float, warmup: float) -> float:
    """Return the share of the highest rate at a step: ``(1 - warmup ** (step + 1)) * (1 + step / steps) ** -power``.

    The ``InverseLR`` of stable-audio-tools, by which SpatialSonic was trained (arXiv:2410.10676).

    >>> [round(inverse(step, steps=3.0, power=0.5, warmup=0.5), 3) for step in (0, 1, 9)]
    [0.5, 0.65, 0.5]
    """
    return float((1 - warmup ** (step + 1)) * (1 + step / steps) ** -power)
