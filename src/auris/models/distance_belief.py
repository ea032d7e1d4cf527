"""Beliefs over distances: a network's doubt about how far a sound is, and the distance to name.

Loudness and reverberation say little of distance. A network that must name one number while it doubts names one in the
middle; one that may spread its belief over distances is read where most of it lies close together.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

STEPS = 30
_RATIO, _NEAREST = 1.14, 0.3  # steps of 14 per cent, from 0.3 m to 13.4 m
_TOGETHER = 0.75  # metres: belief within them counts for one distance
_PRECISION = 0.1  # metres
_BLUR = 1.0  # steps by which the truth is spread in training
_WIDTH = 4.5  # steps, standard deviation of the belief around one distance


def distances(like: Tensor) -> Tensor:
    """Return the distances of the steps in metres, ``(STEPS,)``, where and as precise as ``like`` is."""
    return _NEAREST * _RATIO ** torch.arange(STEPS, device=like.device, dtype=like.dtype)


def around(metres: Tensor) -> Tensor:
    """Return the logits of a broad belief around distances: ``(…)`` metres become ``(…, STEPS)``."""
    return -((_steps(distances(metres)) - _steps(metres)[..., None]) ** 2) / (2 * _WIDTH**2)


def errors(beliefs: Tensor, metres: Tensor) -> Tensor:
    """Return the cross-entropy of beliefs against true distances, which are spread over the steps next to them.

    Args:
        beliefs: logits ``(N, tracks, STEPS)``.
        metres: true distances ``(N, slots)``.

    Returns:
        ``(N, tracks, slots)``.
    """
    known = distances(metres)
    true = _steps(metres.clamp(float(known[0]), float(known[-1])))
    nearness = -((_steps(known) - true[..., None]) ** 2) / (2 * _BLUR**2)
    return -(beliefs.log_softmax(dim=-1) @ nearness.softmax(dim=-1).transpose(1, 2))


def mean(beliefs: Tensor) -> Tensor:
    """Return the geometric mean of beliefs: logits ``(…, STEPS)`` become metres ``(…)``."""
    return (beliefs.softmax(dim=-1) @ distances(beliefs).log()).exp()


def likeliest(weights: Tensor) -> Tensor:
    """Return the distances that most of the weight lies close to: ``(…, STEPS)``, at least 0, become metres ``(…)``.

    A step's weight is spread evenly over its stretch of the logarithm of distance.
    """
    named = torch.arange(_NEAREST, float(distances(weights)[-1]), _PRECISION, device=weights.device, dtype=weights.dtype)
    ends = distances(weights)[:, None] * _RATIO ** torch.tensor([-0.5, 0.5], device=weights.device, dtype=weights.dtype)
    low, high = (_steps((named + side).clamp(min=1e-3)) for side in (-_TOGETHER, _TOGETHER))
    first, last = (_steps(end)[:, None] for end in ends.T)
    shared = (torch.minimum(last, high) - torch.maximum(first, low)).clamp(min=0)
    return named[(weights @ shared).argmax(dim=-1)]


def _steps(metres: Tensor) -> Tensor:
    return (metres / _NEAREST).log() / math.log(_RATIO)
