"""Directions and distances over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auris.audio import Audio
from auris.geometry import angles
from auris.plots.figures import MOMENT, MOST_COLUMNS, OTHERS, class_colours, rows_of_axes, title_of
from auris.plots.levels import Spectrogram, audio_spectrogram, draw_levels
from auris.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MINUTES_FROM = 180  # seconds

Row = Literal["azimuth", "elevation", "distance"]
_AXES: Mapping[Row, dict[str, Any]] = {
    "azimuth": {"ylabel": "azimuth\nin degrees", "ylim": (-185, 185), "yticks": [-180, -90, 0, 90, 180]},
    "elevation": {"ylabel": "elevation\nin degrees", "ylim": (-92, 92), "yticks": [-90, -45, 0, 45, 90]},
    "distance": {"ylabel": "distance\nin metres"},
}


def directions(
    scene: Scene | None,
    heard: Scene | None = None,
    *,
    audio: Audio | Spectrogram | None = None,
    rows: Sequence[Row] = ("azimuth", "elevation", "distance"),
) -> Figure:
    """Draw directions and distances over time: truth as lines, what was heard as dots; a spectrogram above.

    Classes have a colour each, as long as colours last; of more, the ones that sound longest do, and the others share a grey.

    Args:
        scene: what was there.
        heard: what was heard.
        audio: what to draw the spectrogram of: audio (its first channel), or the spectrogram itself (:func:`file_spectrogram`).
        rows: what to draw, from top to bottom.
    """
    heights = row_heights(rows, audio)
    figure, axes = rows_of_axes(9.0, 1.0 + 1.75 * sum(heights), len(heights), heights)
    draw_timeline(axes, scene, heard, audio=audio, rows=rows)
    figure.align_ylabels()
    class_legend(figure, scene, heard)
    return figure


def row_heights(rows: Sequence[Row], audio: Audio | Spectrogram | None) -> list[float]:
    """Return how high the rows are drawn, the spectrogram's first if there is any."""
    heights = {"azimuth": 1.5, "elevation": 1.0, "distance": 1.0}
    return [*([1.2] if audio is not None else []), *(heights[row] for row in rows)]


def draw_timeline(
    axes: Sequence[Axes],
    scene: Scene | None,
    heard: Scene | None,
    *,
    audio: Audio | Spectrogram | None,
    rows: Sequence[Row],
) -> None:
    """Draw what :func:`directions` draws into axes below each other, as many as :func:`row_heights` says."""
    scenes = [s for s in (scene, heard) if s is not None]
    if audio is not None:
        draw_levels(axes[0], audio if isinstance(audio, Spectrogram) else audio_spectrogram(audio))
    colours = class_colours(*scenes)
    duration = max((s.duration for s in scenes), default=1.0)
    below = dict(zip(rows, axes[-len(rows) :], strict=True))
    for which, style in ((scene, "line"), (heard, "dots")):
        if which is not None:
            _draw_directions(below, which, colours, style, both=len(scenes) == 2)
    for row, axis in below.items():
        axis.set(**_AXES[row])
        axis.grid(alpha=0.25)
    if "distance" in below:
        below["distance"].set_ylim(0, 1.1 * below["distance"].get_ylim()[1])
    axes[-1].set(xlim=(0, duration))
    _label_time(axes[-1], duration)


def _label_time(axis: Axes, duration: float) -> None:
    """Seconds, and minutes where there are many of them."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    if duration < _MINUTES_FROM:
        axis.set_xlabel("time in seconds")
        return
    step = next((s for s in (30, 60, 120, 300, 600, 1200, 1800) if duration / s <= 10), 3600 * max(1, round(duration / 36_000)))
    axis.xaxis.set_major_locator(MultipleLocator(step))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{int(seconds) // 60}:{int(seconds) % 60:02d}"))
    axis.set_xlabel("time in minutes")


def _draw_directions(axes: Mapping[Row, Axes], scene: Scene, colours: Mapping[str, str], style: str, *, both: bool) -> None:
    """Draw every event of a scene; points are as dense as the picture can show."""
    step = max(MOMENT, scene.duration / MOST_COLUMNS)
    points: dict[str, dict[Row, list[np.ndarray[Any, Any]]]] = {}
    times: dict[str, list[np.ndarray[Any, Any]]] = {}
    for source, event in scene.events():
        # Points of different events lie on one grid, and a short event has at least one.
        first = np.ceil(event.onset / step - 0.5)
        grid = (np.arange(first, max(np.ceil(event.offset / step - 0.5), first + 1)) + 0.5) * step
        grid = np.clip(grid, event.onset, event.offset)
        azimuth, elevation, distance = angles(scene.relative_positions(source.path, grid))
        values = {"azimuth": np.degrees(azimuth), "elevation": np.degrees(elevation), "distance": distance}
        times.setdefault(source.label, []).append(grid)
        for row in axes:
            points.setdefault(source.label, {}).setdefault(row, []).append(values[row])
    for label, rows in points.items():
        for row, parts in rows.items():
            if style == "dots":
                size = 5.5 if scene.duration < 120 else 3.0
                axes[row].plot(
                    np.concatenate(times[label]),
                    np.concatenate(parts),
                    ".",
                    color=colours[label],
                    markersize=size,
                    markeredgewidth=0,
                    alpha=0.85,
                )
                continue
            for moments, value in zip(times[label], parts, strict=True):
                _draw_line(axes[row], moments, value, colours[label], width=1.3 if both else 2.2)


def _draw_line(axis: Axes, times: np.ndarray[Any, Any], values: np.ndarray[Any, Any], colour: str, *, width: float) -> None:
    # A line must not cross the whole picture where the azimuth wraps from +180 to -180 degrees.
    jumps = np.flatnonzero(np.abs(np.diff(values)) > 180) + 1
    axis.plot(np.insert(times, jumps, np.nan), np.insert(values, jumps, np.nan), color=colour, linewidth=width, alpha=0.9)


def class_legend(figure: Figure, scene: Scene | None, heard: Scene | None) -> None:
    """Tell above a figure whose colour is whose, and truth from what was heard where both are drawn."""
    from matplotlib.lines import Line2D

    colours = class_colours(*(s for s in (scene, heard) if s is not None))
    shown = {label: colour for label, colour in colours.items() if colour != OTHERS}
    handles = [Line2D([], [], color=c, linewidth=4, label=title_of(label)) for label, c in shown.items()]
    if len(shown) < len(colours):
        handles.append(Line2D([], [], color=OTHERS, linewidth=4, label=f"{len(colours) - len(shown)} other classes"))
    if scene is not None and heard is not None:
        handles.append(Line2D([], [], color="#555555", linewidth=1.3, label="true"))
        handles.append(Line2D([], [], color="#555555", marker=".", linestyle="", label="heard"))
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 5), frameon=False, fontsize=9)
