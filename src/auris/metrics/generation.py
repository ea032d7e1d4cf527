"""How alike generated and real sounds are, from what a listener makes of them: distances of embeddings and of probabilities.

These are the measures of AudioLDM's evaluation (arXiv:2301.12503, section 4), on the embeddings of any listener. The Fréchet
distance itself is :func:`auris.metrics.frechet.frechet_distance`. Numbers of different listeners are not comparable.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import ParameterError

_LEAST = 1e-7  # of a probability, under a logarithm

Floats = NDArray[np.float64]


def paired_divergence(reference: ArrayLike, generated: ArrayLike) -> float:
    """Return the mean Kullback-Leibler divergence of a generated clip's class probabilities from those of its reference.

    Args:
        reference: ``(clips, classes)``, probabilities or any weights of at least 0.
        generated: of as many clips, each about the one in its row.

    Returns:
        nats, at least 0.

    Raises:
        ParameterError: the shapes differ, there are no clips, or a weight is negative or not finite.

    >>> paired_divergence([[0.5, 0.5]], [[0.5, 0.5]])
    0.0
    """
    wanted, got = _probabilities(reference), _probabilities(generated)
    if wanted.shape != got.shape:
        raise ParameterError(f"reference and generated clips must come in pairs, got shapes {wanted.shape} and {got.shape}")
    return float((wanted * np.log(wanted / got)).sum(axis=1).mean())


def inception_score(generated: ArrayLike) -> float:
    """Return how sure a listener is of each clip, and how many classes it hears in all (arXiv:1606.03498).

    Args:
        generated: class probabilities ``(clips, classes)``.

    Returns:
        1 (all alike) to the number of classes (sure of each clip, all classes equally often).

    Raises:
        ParameterError: as for :func:`paired_divergence`.

    >>> round(inception_score([[1, 0], [0, 1]]), 3), round(inception_score([[1, 0], [1, 0]]), 3)
    (2.0, 1.0)
    """
    said = _probabilities(generated)
    return float(np.exp((said * np.log(said / said.mean(axis=0))).sum(axis=1).mean()))


def mean_similarity(first: ArrayLike, second: ArrayLike) -> float:
    """Return the mean cosine of pairs of embeddings, such as those of a prompt and of its clip (the CLAP score).

    Args:
        first: ``(pairs, width)``.
        second: ``(pairs, width)``.

    Raises:
        ParameterError: the shapes differ, or an embedding is zero or not finite.
    """
    one, other = (np.asarray(rows, dtype=float) for rows in (first, second))
    if one.shape != other.shape or one.ndim != 2 or not len(one):
        raise ParameterError(f"similarity needs two embeddings for each pair, got shapes {one.shape} and {other.shape}")
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise ParameterError("an embedding is zero or not finite: of silence, perhaps; leave such clips out and count them")
    return float(((one * other).sum(axis=1) / lengths).mean())


def _probabilities(given: ArrayLike) -> Floats:
    weights = np.asarray(given, dtype=float)
    if weights.ndim != 2 or not weights.size or not np.isfinite(weights).all() or (weights < 0).any():
        raise ParameterError(
            f"probabilities are a matrix (clips, classes) of finite numbers of at least 0, got shape {weights.shape}"
        )
    weights = weights + _LEAST
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
