"""When something sounds in a recording: energy-based segmentation that works from speech to rain.

The threshold adapts to each clip. Where the level hardly varies (rain, an engine) everything is active; where it
varies, a stretch is active when it stands clear of the clip's own noise floor and is not hopelessly below its peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.dsp.loudness import frame_power
from auris.errors import ParameterError

_HOP = 0.01  # seconds
_FRAME = 0.02  # seconds


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording, from ``start`` to ``end`` seconds."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True)
class ActivitySettings:
    """How activity is found.

    Attributes:
        silence_db: a clip whose loudest frames stay below this (dB re full scale) is silent.
        range_db: anything further than this below the clip's peak is never active.
        steady_db: a clip whose level varies by less than this (10th percentile to peak) is active throughout.
        max_gap: pauses up to this many seconds belong to the sound.
        min_duration: shorter stretches (after joining) are dropped, seconds.
        lead: seconds kept before the first active frame.
        tail: seconds kept after the last active frame.
    """

    silence_db: float = -65.0
    range_db: float = 40.0
    steady_db: float = 15.0
    max_gap: float = 1.0
    min_duration: float = 0.03
    lead: float = 0.02
    tail: float = 0.06


def active_segments(
    samples: NDArray[Any], sample_rate: float, *, settings: ActivitySettings | None = None
) -> tuple[Segment, ...]:
    """Return the stretches in which something sounds, in order and without overlap; empty for silence.

    Args:
        samples: ``(samples,)``.
        sample_rate: hertz.
        settings: thresholds.

    Raises:
        ParameterError: ``samples`` has more than one axis.
    """
    if np.ndim(samples) != 1:
        raise ParameterError(f"activity is found in one channel (samples,), got shape {np.shape(samples)}")
    chosen = settings or ActivitySettings()
    length = len(samples) / sample_rate
    hop = max(1, round(_HOP * sample_rate))
    power = frame_power(samples, max(hop, round(_FRAME * sample_rate)), hop)
    level = 10 * np.log10(power + 1e-20)
    peak = float(level.max())
    if peak < chosen.silence_db:
        return ()
    active = _with_hysteresis(level, *_thresholds(level, peak, chosen))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]])))
    step = hop / sample_rate
    spans = [(a * step, min(b * step, length)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    joined = _join(spans, chosen.max_gap)
    kept = [(a, b) for a, b in joined if b - a >= chosen.min_duration]
    # The gap between kept stretches exceeds lead + tail, since max_gap does; margins cannot make them touch.
    margin = min(chosen.lead, chosen.max_gap / 2), min(chosen.tail, chosen.max_gap / 2)
    return tuple(Segment(max(a - margin[0], 0.0), min(b + margin[1], length)) for a, b in kept)


def _thresholds(level: NDArray[np.float64], peak: float, settings: ActivitySettings) -> tuple[float, float]:
    """Levels in dB at which activity begins and ends."""
    floor = float(np.percentile(level, 10))
    spread = peak - floor
    if spread < settings.steady_db:
        return -np.inf, -np.inf
    begin = max(peak - settings.range_db, floor + min(12.0, 0.5 * spread))
    return begin, begin - min(6.0, 0.2 * spread)


def _with_hysteresis(level: NDArray[np.float64], begin: float, end: float) -> NDArray[np.bool_]:
    """True where the level exceeds ``end`` in a run that somewhere exceeds ``begin``."""
    above = level > end
    run = np.cumsum(np.diff(np.concatenate([[False], above])) & above) * above
    strong = np.unique(run[(level > begin) & above])
    return np.asarray(above & np.isin(run, strong))


def _join(spans: list[tuple[float, float]], max_gap: float) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] <= max_gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
