"""How much of what lies between the channels an autoencoder keeps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auris.audio import Audio
from auris.metrics.itd.gcc_phat import gcc_phat_itd


def channel_errors(wanted: Audio, made: Audio) -> dict[str, float]:
    """Return the errors of a reconstruction: of the time difference in microseconds, of the level difference in decibels.

    Both are means over the frames in which the clip and the reconstruction sound; the first is NaN where there are none, and
    neither is told for layouts other than a pair.
    """
    if wanted.channels != 2:
        return {}
    tracks = [gcc_phat_itd(audio.samples, audio.sample_rate).itd for audio in (wanted, made)]
    apart = np.abs(tracks[0] - tracks[1])
    both = np.isfinite(apart)
    levels = [_level_difference(audio) for audio in (wanted, made)]
    return {
        "itd_error_us": float(1e6 * apart[both].mean()) if both.any() else float("nan"),
        "ild_error_db": abs(levels[0] - levels[1]),
    }


def means_of(scores: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every score over the clips that have it."""
    names = dict.fromkeys(name for row in scores.values() for name in row)
    found = {name: [row[name] for row in scores.values() if name in row and np.isfinite(row[name])] for name in names}
    return {name: float(np.mean(values)) if values else float("nan") for name, values in found.items()}


def _level_difference(audio: Audio) -> float:
    left, right = np.mean(np.square(audio.samples, dtype=np.float64), axis=1) + 1e-12
    return float(10 * np.log10(left / right))
