"""How well clips keep the interaural time differences of others: what the published figures were meant to say.

The published code squares the difference of clip means (:func:`auris.metrics.itd.upstream.upstream_mse`), where silence counts
as the far left and a mover as a source in the middle. Here frames are compared with frames, only where both clips sound, and
every clip that could not be compared is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.channels import STEREO_SPACING
from auris.errors import ParameterError
from auris.metrics.bootstrap import BootstrapInterval, bootstrap_interval, resampling_counts
from auris.metrics.itd.directions import direction_class
from auris.metrics.itd.tracks import ItdTrack

MOVES = 1e-4
"""Seconds that a track must span (its middle nine tenths) to count as a mover's."""

_END = 0.2  # share of the frames from which a mover's first and last direction are taken


@dataclass(frozen=True)
class ClipItd:
    """One clip against its reference.

    Attributes:
        name: of the clip.
        frames: that both have.
        compared: of these, where both sound.
        gated_reference: share of the reference's frames that are too quiet.
        gated_prediction: of the prediction's.
        frame_mae_ms: mean absolute difference of the compared frames, milliseconds; NaN where there are none, as all below.
        mean_error_ms: absolute difference of their means.
        reference_ms: mean of the reference.
        prediction_ms: mean of the prediction.
        directions_reference: classes, 1 left to 5 right: one of a clip that stays, first and last of one that moves.
        directions_prediction: those of the prediction in the same frames.
        direction_accuracy: share of them that agree.
        correlation: of a mover's track with the reference (Pearson); 0 for a prediction that stays; NaN if the reference stays.
    """

    name: str
    frames: int
    compared: int
    gated_reference: float
    gated_prediction: float
    frame_mae_ms: float
    mean_error_ms: float
    reference_ms: float
    prediction_ms: float
    directions_reference: tuple[int, ...]
    directions_prediction: tuple[int, ...]
    direction_accuracy: float
    correlation: float


@dataclass(frozen=True)
class ItdEvaluation:
    """All clips, and their scores with 95 % bootstrap intervals over clips.

    Attributes:
        clips: each against its reference.
        frame_mae_ms: mean absolute difference over all compared frames of all clips, milliseconds.
        clip_mean_mae_ms: mean absolute difference of clip means.
        direction_accuracy: share of directions that fall into the reference's of five classes.
        trajectory_correlation: mean correlation over the clips whose reference moves.
    """

    clips: tuple[ClipItd, ...]
    frame_mae_ms: BootstrapInterval
    clip_mean_mae_ms: BootstrapInterval
    direction_accuracy: BootstrapInterval
    trajectory_correlation: BootstrapInterval

    @property
    def silent(self) -> tuple[str, ...]:
        """Names of the clips that have no frame to compare."""
        return tuple(clip.name for clip in self.clips if not clip.compared)

    @property
    def movers(self) -> int:
        """Number of clips whose reference moves."""
        return sum(bool(np.isfinite(clip.correlation)) for clip in self.clips)

    @property
    def gated_share(self) -> float:
        """Share of all frames that were not compared because one side is too quiet."""
        frames = sum(clip.frames for clip in self.clips)
        return 1 - sum(clip.compared for clip in self.clips) / frames if frames else 1.0

    def scores(self) -> dict[str, BootstrapInterval]:
        """Return the scores by name."""
        names = ("frame_mae_ms", "clip_mean_mae_ms", "direction_accuracy", "trajectory_correlation")
        return {name: getattr(self, name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "scores": {name: asdict(score) for name, score in self.scores().items()},
            "clips_compared": len(self.clips) - len(self.silent),
            "clips_silent": list(self.silent),
            "movers": self.movers,
            "gated_share": self.gated_share,
            "clips": [asdict(clip) for clip in self.clips],
        }


def compare_tracks(name: str, reference: ItdTrack, prediction: ItdTrack, *, spacing: float = STEREO_SPACING) -> ClipItd:
    """Compare a clip with its reference, over the frames that both have.

    Args:
        name: of the clip.
        reference: its track.
        prediction: the track to judge, at the same frame times.
        spacing: of the microphones, metres, from which directions follow.

    Raises:
        ParameterError: the tracks have no frame in common, or their frames lie at other times.
    """
    frames = min(len(reference), len(prediction))
    if not frames or not np.allclose(reference.times[:frames], prediction.times[:frames], atol=1e-6):
        raise ParameterError(f"{name}: two tracks are compared frame by frame, but theirs lie at other times")
    chosen = reference.active[:frames] & prediction.active[:frames]
    truth, said = reference.itd[:frames][chosen], prediction.itd[:frames][chosen]
    moves = len(truth) > 1 and float(np.subtract(*np.quantile(truth, (0.95, 0.05)))) > MOVES
    ends = _ends(len(truth), moves=moves)
    directions = [
        tuple(int(direction_class(np.median(track[end]), spacing=spacing)) for end in ends) for track in (truth, said)
    ]
    agree = [first == second for first, second in zip(*directions, strict=True)]
    return ClipItd(
        name=name,
        frames=frames,
        compared=len(truth),
        gated_reference=reference.gated_share,
        gated_prediction=prediction.gated_share,
        frame_mae_ms=1e3 * _mean(np.abs(truth - said)),
        mean_error_ms=1e3 * abs(_mean(truth) - _mean(said)),
        reference_ms=1e3 * _mean(truth),
        prediction_ms=1e3 * _mean(said),
        directions_reference=directions[0],
        directions_prediction=directions[1],
        direction_accuracy=_mean(np.array(agree, dtype=float)),
        correlation=_correlation(truth, said) if moves else np.nan,
    )


def evaluate_itd(
    pairs: Mapping[str, tuple[ItdTrack, ItdTrack]],
    *,
    spacing: float = STEREO_SPACING,
    resamplings: int = 1000,
    seed: int = 0,
) -> ItdEvaluation:
    """Compare clips with their references.

    Args:
        pairs: reference and prediction of each clip, by its name.
        spacing: of the microphones, metres.
        resamplings: of the bootstrap.
        seed: of its draws.

    Raises:
        ParameterError: there are no clips, or two tracks do not fit each other.
    """
    if not pairs:
        raise ParameterError("there are no clips to compare")
    clips = tuple(compare_tracks(name, *tracks, spacing=spacing) for name, tracks in pairs.items())
    counts = resampling_counts(len(clips), resamplings=resamplings, seed=seed)

    def score(field: str, weights: NDArray[np.float64]) -> BootstrapInterval:
        values = np.array([getattr(clip, field) for clip in clips])
        weight = np.where(np.isfinite(values), weights, 0.0)[:, None]
        sums = np.nan_to_num(values)[:, None] * weight
        ones = np.ones((len(clips), 1))
        value, drawn = (_ratio((sums * times).sum(axis=0), (weight * times).sum(axis=0)) for times in (ones, counts))
        return bootstrap_interval(float(value[0]), drawn)

    each = np.ones(len(clips))
    return ItdEvaluation(
        clips,
        frame_mae_ms=score("frame_mae_ms", np.array([float(clip.compared) for clip in clips])),
        clip_mean_mae_ms=score("mean_error_ms", each),
        direction_accuracy=score("direction_accuracy", np.array([float(len(c.directions_reference)) for c in clips])),
        trajectory_correlation=score("correlation", each),
    )


def _ends(frames: int, *, moves: bool) -> list[slice]:
    """Where the directions of a clip are read: all of one that stays; first and last fifth of one that moves."""
    if not frames:
        return []
    end = max(1, round(_END * frames))
    return [slice(0, end), slice(frames - end, frames)] if moves else [slice(0, frames)]


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else np.nan


def _ratio(sums: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(sums, weights, out=np.full(len(sums), np.nan), where=weights > 0))


def _correlation(truth: NDArray[np.float64], said: NDArray[np.float64]) -> float:
    centred = said - said.mean()
    spread = float(np.linalg.norm(centred))
    if spread < 1e-9 * len(said):  # a prediction that stays, to a nanosecond
        return 0.0
    wanted = truth - truth.mean()
    return float(wanted @ centred / (spread * np.linalg.norm(wanted)))
