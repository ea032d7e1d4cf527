"""A generated clip: its spectrogram, and the directions that were asked for, are told by time differences, and were heard."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.geometry.frames import FIVE_WAY_WORDS, FRAMES
from auris.metrics.itd import direction_of_itd, gcc_phat_itd
from auris.plots.figures import MOST_COLUMNS, class_colours, rows_of_axes, title_of
from auris.plots.levels import audio_spectrogram, draw_levels
from auris.scene import Scene, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEP = 0.05  # seconds between points of a line
_GREY = "#555555"


def generated(audio: Audio, asked: Scene, heard: Scene | None = None) -> Figure:
    """Draw a generated clip against what was asked for.

    Directions run from 1 (left) at the top to 5 (right) at the bottom; what a listener hears behind is mirrored to the front.
    Of a stereo pair, what its interaural time differences tell is drawn as well.

    Args:
        audio: the clip.
        asked: what was asked for; its name is written above.
        heard: what a listener heard.
    """
    figure, axes = rows_of_axes(9.0, 5.2, 2, [1.0, 1.3])
    draw_levels(axes[0], audio_spectrogram(audio))
    colours = class_colours(*(scene for scene in (asked, heard) if scene is not None))
    for source in asked.sources:
        for event in source.events:
            times = _grid(event.onset, event.offset)
            axes[1].plot(times, _directions(asked, source, times), color=colours[source.label], linewidth=2.6, alpha=0.8)
    if audio.layout.kind == "stereo":
        _draw_time_differences(axes[1], audio)
    if heard is not None:
        for source, event in heard.events():
            times = _grid(event.onset, event.offset, step=2 * _STEP)
            axes[1].plot(times, _directions(heard, source, times), ".", color=colours[source.label], markersize=7)
    axes[1].set(ylim=(5.25, 0.75), yticks=range(1, 6), xlim=(0, audio.duration), xlabel="time in seconds")
    axes[1].set_yticklabels([f"{word} {number}" for number, word in enumerate(FIVE_WAY_WORDS, start=1)])
    axes[1].grid(alpha=0.25)
    if asked.name:
        axes[0].set_title("\n".join(textwrap.wrap(asked.name, 100)), loc="left", fontsize=9)
    _legend(figure, colours, heard is not None, audio)
    return figure


def _grid(onset: float, offset: float, *, step: float = _STEP) -> NDArray[np.float64]:
    return np.linspace(onset, offset, int(np.clip((offset - onset) / step, 2, MOST_COLUMNS)))


def _directions(scene: Scene, source: Source, times: NDArray[np.float64]) -> NDArray[np.float64]:
    directions: NDArray[np.float64] = FRAMES["five_way"].from_internal(scene.relative_positions(source.path, times))[:, 0]
    return directions


def _draw_time_differences(axis: Axes, audio: Audio) -> None:
    left, right = np.asarray(audio.layout.positions)
    spacing = float(np.linalg.norm(left - right))
    track = gcc_phat_itd(audio.samples, audio.sample_rate)
    directions = direction_of_itd(track.itd, spacing=spacing)
    axis.plot(track.times, directions, "x", color=_GREY, markersize=5, alpha=0.8)


def _legend(figure: Figure, colours: dict[str, str], listened: bool, audio: Audio) -> None:
    from matplotlib.lines import Line2D

    entries: list[Any] = [Line2D([], [], color=colour, linewidth=4, label=title_of(label)) for label, colour in colours.items()]
    entries.append(Line2D([], [], color=_GREY, linewidth=2.6, label="asked for"))
    if audio.layout.kind == "stereo":
        entries.append(Line2D([], [], color=_GREY, marker="x", linestyle="", label="by time difference"))
    if listened:
        entries.append(Line2D([], [], color=_GREY, marker=".", markersize=8, linestyle="", label="heard"))
    figure.legend(handles=entries, loc="outside upper center", ncols=min(len(entries), 6), frameon=False, fontsize=9)
