"""What networks that hear whole clips minimise: which classes sound, how far, from where (arXiv:2402.01591).

Distance and direction are classes, half a metre and a degree apart. As published, a class next to the true one is as wrong as
any other; with few data to begin from, targets may be spread over the neighbours instead.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from auris.models.clip_outputs import ClipOutputs
from auris.training.spatial_ast_recipe import ClipLossRecipe

_METRES_PER_CLASS = 0.5


class ClipTargets(NamedTuple):
    """The truth about a batch of clips.

    Attributes:
        events: ``(batch, classes)``, 0 to 1.
        distance: class ``(batch,)`` int64; so are the next two.
        azimuth: class.
        elevation: class.
    """

    events: Tensor
    distance: Tensor
    azimuth: Tensor
    elevation: Tensor


class ClipLosses(NamedTuple):
    """The loss of a batch: ``total``, and its parts before they are weighted."""

    total: Tensor
    events: Tensor
    distance: Tensor
    azimuth: Tensor
    elevation: Tensor


def clip_losses(logits: ClipOutputs, targets: ClipTargets, recipe: ClipLossRecipe) -> ClipLosses:
    """Return the losses of a batch.

    Args:
        logits: what a network says; cosines are to be scaled before.
        targets: the truth.
        recipe: weights, and how far targets are spread.
    """
    spread = recipe.smoothing_deg
    metres = recipe.distance_smoothing / _METRES_PER_CLASS
    events = functional.binary_cross_entropy_with_logits(logits.events, targets.events)
    distance = functional.cross_entropy(
        logits.distance, spread_on_line(targets.distance, logits.distance.shape[1], metres) if metres else targets.distance
    )
    azimuth = functional.cross_entropy(
        logits.azimuth, spread_on_circle(targets.azimuth, targets.elevation, spread) if spread else targets.azimuth
    )
    elevation = functional.cross_entropy(
        logits.elevation, spread_on_line(targets.elevation, logits.elevation.shape[1], spread) if spread else targets.elevation
    )
    total = recipe.events * events + recipe.distance * distance + recipe.direction * (azimuth + elevation)
    return ClipLosses(total, events, distance, azimuth, elevation)


def spread_on_line(classes: Tensor, count: int, width: float) -> Tensor:
    """Return probabilities ``(batch, count)`` in the form of a Gaussian about each class, cut at the ends.

    Args:
        classes: ``(batch,)``.
        count: number of classes.
        width: standard deviation, in classes.
    """
    away = torch.arange(count, device=classes.device) - classes[:, None]
    return (-0.5 * (away / width) ** 2).softmax(dim=1)


def spread_on_circle(azimuth: Tensor, elevation: Tensor, width_deg: float) -> Tensor:
    """Return probabilities ``(batch, 360)`` in the form of a von Mises distribution about each azimuth.

    As wide as ``width_deg`` on the sphere: the nearer to straight up or down, the more degrees of azimuth that is.

    Args:
        azimuth: degrees ``(batch,)``, whole.
        elevation: degrees from straight down ``(batch,)``, whole.
        width_deg: standard deviation.
    """
    concentration = (torch.sin(torch.deg2rad(elevation.double())) / math.radians(width_deg)) ** 2
    away = torch.deg2rad((torch.arange(360, device=azimuth.device) - azimuth[:, None]).double())
    return (concentration[:, None] * (away.cos() - 1)).softmax(dim=1).float()
