"""The track that a record of BEWO-1M says its clip has."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from auris.errors import ParameterError
from auris.io.bewo import BewoRecord
from auris.metrics.itd.directions import SPEED_OF_SOUND
from auris.metrics.itd.tracks import FRAME_RATE, ItdTrack


def record_itd(record: BewoRecord, *, duration: float, sample_rate: int, source: int = 0) -> ItdTrack:
    """Return the track of one source of a record: still, jumping, or on a straight line at an even speed.

    The movement begins at ``move_start_time`` samples of the clip, as auris writes it; where a clip is too short for that, it
    is moved to the end, and without it (0) the movement lies in the middle.

    Args:
        record: of the clip.
        duration: of the clip, seconds.
        sample_rate: of the clip's file, hertz.
        source: which of its sources.

    Raises:
        ParameterError: the record has no such source, or the clip no length.
    """
    if not 0 <= source < record.sources:
        raise ParameterError(f"{record.audio_name} has {record.sources} sources, number {source} was asked for")
    if not (duration > 0 and sample_rate > 0):
        raise ParameterError(f"duration and sample rate must exceed 0, got {duration!r} and {sample_rate!r}")
    frames = max(1, math.ceil(duration * FRAME_RATE - 1e-9))
    times = np.arange(frames) / FRAME_RATE
    share = _moved(record, source, times, duration=duration, sample_rate=sample_rate)[:, None]
    points = np.array(record.start[source][:3]) * (1 - share) + np.array(record.end[source][:3]) * share
    left, right = np.array(record.micro_pos).T
    away = [np.linalg.norm(points - ear, axis=1) for ear in (left, right)]
    return ItdTrack(times, (away[1] - away[0]) / SPEED_OF_SOUND)


def _moved(
    record: BewoRecord, source: int, times: NDArray[np.float64], *, duration: float, sample_rate: int
) -> NDArray[np.float64]:
    """Return the share of the way that is done at each time."""
    if record.raw_speed[source] == "instantly":
        return (times >= record.change_step[source] * duration).astype(float)
    takes = record.speed_ratio[source] * duration
    if takes <= 0:
        return np.zeros(len(times))
    begins = record.move_start_time[source] / sample_rate or (duration - takes) / 2
    return np.clip((times - min(begins, duration - takes)) / takes, 0, 1)
