"""The track of a clip: its interaural time difference over time, and in which frames it means anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.dsp.resampling import resample
from auris.errors import ParameterError

FRAME_RATE = 10.0
"""Frames a second of every estimator here, that of the published measurement."""

_QUIETEST = 10 ** (-90 / 20)  # below the last bit of a 16-bit file, whatever the gate says


@dataclass(frozen=True)
class EnergyGate:
    """Which frames are loud enough to have a direction; both channels must be.

    Attributes:
        threshold_db: a frame counts where its level (root mean square) is above this, decibels.
        relative_to: ``clip``: the loudest frame of the louder channel of the same clip; ``full_scale``: a level of 1.

    Raises:
        ParameterError: the threshold is not below 0.
    """

    threshold_db: float = -40.0
    relative_to: Literal["clip", "full_scale"] = "clip"

    def __post_init__(self) -> None:
        if not -200 < self.threshold_db < 0:
            raise ParameterError(f"a gate's threshold lies between -200 and 0 dB, got {self.threshold_db!r}")
        if self.relative_to not in ("clip", "full_scale"):
            raise ParameterError(f"a gate is relative to 'clip' or 'full_scale', got {self.relative_to!r}")

    def active(self, levels: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which frames count.

        Args:
            levels: root mean square ``(channels, frames)``.

        Returns:
            ``(frames,)``.
        """
        loudest = float(levels.max(initial=0.0)) if self.relative_to == "clip" else 1.0
        least = max(loudest * 10 ** (self.threshold_db / 20), _QUIETEST)
        return np.asarray((levels > least).all(axis=0))


PAPER_GATE = EnergyGate(-16.0, "full_scale")
"""The gate that the text of arXiv:2410.10676 describes; its code has none."""


@dataclass(frozen=True, eq=False)
class ItdTrack:
    """Interaural time difference of a clip over time.

    Attributes:
        times: of the frames' middles, seconds ``(frames,)``.
        itd: seconds ``(frames,)``, positive when the left channel leads, so with a source on the left; NaN where the clip is
            too quiet to have one.
    """

    times: NDArray[np.float64]
    itd: NDArray[np.float64]

    def __init__(self, times: ArrayLike, itd: ArrayLike) -> None:
        first, second = np.asarray(times, dtype=np.float64), np.asarray(itd, dtype=np.float64)
        if first.ndim != 1 or first.shape != second.shape:
            raise ParameterError(f"times and itd must be two lists of equal length, got {first.shape} and {second.shape}")
        if np.isinf(second).any() or not np.isfinite(first).all():
            raise ParameterError("a track holds finite numbers, and NaN where the clip is silent")
        object.__setattr__(self, "times", first)
        object.__setattr__(self, "itd", second)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which frames have a value, ``(frames,)``."""
        return np.isfinite(self.itd)

    @property
    def gated_share(self) -> float:
        """Share of the frames that are too quiet, 0 to 1; 1 for a clip without frames."""
        return float(1 - self.active.mean()) if len(self) else 1.0

    @property
    def mean(self) -> float:
        """Mean over the active frames in seconds; NaN for a silent clip."""
        return float(self.itd[self.active].mean()) if self.active.any() else np.nan

    @property
    def median(self) -> float:
        """Median over the active frames in seconds; NaN for a silent clip."""
        return float(np.median(self.itd[self.active])) if self.active.any() else np.nan

    def to_dict(self) -> dict[str, Any]:
        """Return the track as plain values: ``seconds`` and ``itd_ms``, None where silent."""
        values = [None if not np.isfinite(value) else round(1e3 * float(value), 6) for value in self.itd]
        return {"seconds": [round(float(time), 4) for time in self.times], "itd_ms": values}


def framed_track(
    samples: NDArray[np.floating],
    sample_rate: int,
    delays: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    *,
    estimator_rate: int,
    segment: int,
    gate: EnergyGate | None = None,
) -> ItdTrack:
    """Return the track of a clip by any estimator of the delay of a stretch of sound.

    Args:
        samples: ``(2, samples)``, the left channel first.
        sample_rate: hertz.
        delays: takes ``(frames, 2, segment)`` and returns seconds ``(frames,)``, positive when the left channel leads.
        estimator_rate: hertz that it hears; the clip is resampled.
        segment: samples of a stretch, centred on the frame's time.
        gate: which frames are loud enough; by default those within 40 dB of the loudest. No other is given to ``delays``.

    Raises:
        ParameterError: there are not two channels, or the clip is shorter than a stretch.
    """
    pair = resample(checked_pair(samples), sample_rate, estimator_rate)
    if pair.shape[1] < segment:
        raise ParameterError(
            f"the clip has {pair.shape[1] / estimator_rate:.3f} s, this estimator needs {segment / estimator_rate:.3f} s; "
            "gcc_phat_itd takes shorter ones"
        )
    starts = frame_starts(pair.shape[1], sample_rate=estimator_rate, segment=segment, window=segment)
    frames = np.lib.stride_tricks.sliding_window_view(pair, segment, axis=1)[:, starts].swapaxes(0, 1)
    active = (gate or EnergyGate()).active(frame_levels(frames.swapaxes(0, 1)))
    itd = np.full(len(starts), np.nan)
    if active.any():
        itd[active] = delays(np.ascontiguousarray(frames[active]))
    return ItdTrack(np.arange(len(starts)) / FRAME_RATE, itd)


def frame_levels(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the root mean square ``(channels, frames)`` of frames ``(channels, frames, samples)``."""
    return np.asarray(np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=-1)))


def frame_starts(length: int, *, sample_rate: int, segment: int, window: int) -> NDArray[np.int64]:
    """Return where the segments of the frames of a clip begin, ten a second over its whole length.

    Args:
        length: of the clip in samples.
        sample_rate: hertz.
        segment: samples of a frame, at most ``length``.
        window: samples that are centred on the frame's time.

    Returns:
        ``(frames,)``; those at the ends are moved inside.
    """
    frames = max(1, int(np.ceil(length * FRAME_RATE / sample_rate)))
    starts = np.round(np.arange(frames) / FRAME_RATE * sample_rate).astype(np.int64) - window // 2
    return np.clip(starts, 0, length - segment)


def checked_pair(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return two channels as float32 ``(2, samples)``.

    Raises:
        ParameterError: there are not two, no samples, or some are no numbers.
    """
    pair = np.asarray(samples)
    if pair.ndim != 2 or pair.shape[0] != 2 or not pair.shape[1]:
        raise ParameterError(f"an interaural time difference needs samples of shape (2, samples), got {pair.shape}")
    if pair.dtype.kind not in "fiu" or not np.isfinite(pair).all():
        raise ParameterError("samples must be finite real numbers")
    return pair.astype(np.float32, copy=False)
