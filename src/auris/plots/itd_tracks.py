"""A stereo clip and its interaural time differences over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from auris.audio import Audio
from auris.channels import STEREO_SPACING
from auris.errors import LayoutError
from auris.metrics.itd import ItdTrack, gcc_phat_itd, itd_of_direction
from auris.plots.figures import rows_of_axes
from auris.plots.levels import audio_spectrogram, draw_levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe–Ito, as in the other pictures
_GREY = "#555555"
_WORDS = ("left", "front left", "front", "front right", "right")


def itd_tracks(
    audio: Audio,
    *,
    tracks: Mapping[str, ItdTrack] | None = None,
    asked: Mapping[str, ItdTrack] | None = None,
    spacing: float = STEREO_SPACING,
    title: str = "",
) -> Figure:
    """Draw the spectrogram of a stereo clip, and below it its interaural time differences as dots.

    The five directions of the microphones are marked on the right; frames that are too quiet are shaded.

    Args:
        audio: two channels, the left one first.
        tracks: what estimators found, by their names; by default GCC-PHAT.
        asked: what the clip was made to have, by the name of each source (:func:`auris.metrics.itd.record_itd`); lines.
        spacing: of the microphones, metres.
        title: written above.

    Raises:
        LayoutError: the audio has not two channels.
        MissingDependency: matplotlib is not installed.
        ParameterError: the clip is too short for GCC-PHAT.
    """
    if audio.channels != 2:
        raise LayoutError(f"interaural time differences are those of two channels, got {audio.layout.name} of {audio.channels}")
    found = {"GCC-PHAT": gcc_phat_itd(audio.samples, audio.sample_rate)} if tracks is None else dict(tracks)
    figure, axes = rows_of_axes(9.0, 5.0, 2, [1.0, 1.4])
    draw_levels(axes[0], audio_spectrogram(audio))
    axes[0].set_title(title, loc="left", fontsize=10)
    below = axes[1]
    widest = 1e3 * float(itd_of_direction(1.0, spacing=spacing))
    for (name, line), colour in zip((asked or {}).items(), _COLOURS[1:] * 4, strict=False):
        below.plot(line.times, 1e3 * line.itd, color=colour, linewidth=2.6, alpha=0.75, label=name, zorder=2)
    for (name, dots), colour, marker in zip(found.items(), (_COLOURS[0], _GREY, *_COLOURS[2:]), "ox+v^s", strict=False):
        below.plot(dots.times, 1e3 * dots.itd, marker, color=colour, markersize=4, label=name, zorder=3)
    if found:
        _shade_silence(below, next(iter(found.values())), audio.duration)
    _mark_directions(below, spacing)
    values = [
        1e3 * np.abs(track.itd[track.active]) for track in (*found.values(), *(asked or {}).values()) if track.active.any()
    ]
    reach = max([widest, *(float(np.quantile(some, 0.98)) for some in values)])
    below.set(xlim=(0, audio.duration), ylim=(-1.15 * reach, 1.15 * reach), xlabel="time in seconds", ylabel="ITD in ms")
    below.axhline(0, color=_GREY, linewidth=0.6, zorder=1)
    below.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=6, frameon=False, fontsize=9)
    figure.align_ylabels()
    return figure


def _mark_directions(axis: Axes, spacing: float) -> None:
    """Write the five directions beside the axis, at the delays they have."""
    other = axis.secondary_yaxis("right")
    other.set_yticks([1e3 * float(itd_of_direction(float(number), spacing=spacing)) for number in range(1, 6)])
    other.set_yticklabels(_WORDS)
    other.tick_params(length=3, labelsize=9)
    other.spines["right"].set_visible(False)
    for number in (1, 2, 4, 5):
        axis.axhline(
            1e3 * float(itd_of_direction(float(number), spacing=spacing)), color=_GREY, linewidth=0.4, alpha=0.5, zorder=1
        )


def _shade_silence(axis: Axes, track: ItdTrack, duration: float) -> None:
    """Shade stretches of frames without a value."""
    quiet = np.concatenate([[False], ~track.active, [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1])
    half = 0.5 * float(track.times[1] - track.times[0]) if len(track) > 1 else duration
    for number, (first, last) in enumerate(edges.reshape(-1, 2)):
        begin, end = max(0.0, track.times[first] - half), min(duration, track.times[last - 1] + half)
        axis.axvspan(begin, end, color="#EEEEEE", zorder=0, label="too quiet" if number == 0 else None)
