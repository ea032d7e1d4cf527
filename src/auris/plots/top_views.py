"""What was heard around the listener: from above with rings of distance, beside the time line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.plots.figures import MOMENT, MOST_COLUMNS, class_colours, new_figure
from auris.plots.levels import Spectrogram
from auris.plots.timelines import Row, class_legend, draw_timeline, row_heights
from auris.scene import Event, Scene, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RINGS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # metres between rings
_MOST_RINGS = 4
_LINES = "#C4C4C4"
_WORDS = "#6B6B6B"
_STILL = 0.08  # of the outermost ring; a path that stays as near to its end is drawn as a point
_DART = ((0.0, 1.0), (-0.6, -0.8), (0.0, -0.4), (0.6, -0.8), (0.0, 1.0))  # front up
_MANY_EVENTS = 60  # from which points are drawn small

Points = NDArray[np.float64]  # (points, 2)


def surroundings(scene: Scene | None, heard: Scene | None = None) -> Figure:
    """Draw what surrounds the listener as seen from above, front up: truth as lines, what was heard as dots.

    Rings mark horizontal distances; what is above or below the listener appears nearer than it is. A dot is an event, larger if
    it lasts; a path with an arrow is one that moves. A true place is a spoke from the listener to a circle.

    Args:
        scene: what was there.
        heard: what was heard.
    """
    figure = new_figure(6.0, 6.4)
    draw_surroundings(figure.subplots(), scene, heard)
    class_legend(figure, scene, heard)
    return figure


def listening(
    scene: Scene | None,
    heard: Scene | None = None,
    *,
    audio: Audio | Spectrogram | None = None,
    rows: Sequence[Row] = ("azimuth", "elevation", "distance"),
) -> Figure:
    """Draw the time line of :func:`auris.plots.directions`, and beside it the :func:`surroundings`.

    Args:
        scene: what was there.
        heard: what was heard.
        audio: what to draw the spectrogram of, as in :func:`auris.plots.directions`.
        rows: of the time line, from top to bottom.
    """
    heights = row_heights(rows, audio)
    height = 1.0 + 1.75 * sum(heights)
    figure = new_figure(9.0 + 0.85 * height, height)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=(9.0, 0.85 * height))
    first = figure.add_subplot(grid[0, 0])
    axes = [first, *(figure.add_subplot(grid[row, 0], sharex=first) for row in range(1, len(heights)))]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelbottom=axis is axes[-1])
    draw_timeline(axes, scene, heard, audio=audio, rows=rows)
    figure.align_ylabels(axes)
    draw_surroundings(figure.add_subplot(grid[:, 1]), scene, heard)
    class_legend(figure, scene, heard)
    return figure


def draw_surroundings(axis: Axes, scene: Scene | None, heard: Scene | None) -> None:
    """Draw what :func:`surroundings` draws into an axis."""
    scenes = [s for s in (scene, heard) if s is not None]
    colours = class_colours(*scenes)
    paths = {id(s): [(source, event, _from_above(s, source, event)) for source, event in s.events()] for s in scenes}
    furthest = max((float(np.linalg.norm(points, axis=1).max()) for p in paths.values() for *_, points in p), default=1.0)
    edge = _draw_rings(axis, furthest)
    if scene is not None:
        for source, _, points in paths[id(scene)]:
            _draw_truth(axis, points, colours[source.label], edge)
    if heard is not None:
        _draw_heard(axis, paths[id(heard)], colours, edge)


def _from_above(scene: Scene, source: Source, event: Event) -> Points:
    """The path of an event around the listener ``(points, 2)``: right and front in metres."""
    step = max(MOMENT, scene.duration / MOST_COLUMNS)
    count = max(round((event.offset - event.onset) / step), 1) if source.path.moves or scene.listener.path.moves else 1
    times = event.onset + (np.arange(count) + 0.5) / count * (event.offset - event.onset)
    local = scene.relative_positions(source.path, times)
    return np.stack([-local[:, 1], local[:, 0]], axis=1)


def _draw_rings(axis: Axes, furthest: float) -> float:
    """Draw rings, their distances, the listener's head and the four sides; return the radius of the outermost ring."""
    from matplotlib.patches import Circle

    step = next((s for s in _RINGS if furthest <= _MOST_RINGS * s), 10 ** math.ceil(math.log10(furthest / _MOST_RINGS)))
    rings = max(math.ceil(furthest / step - 1e-9), 2)
    edge = rings * step
    for ring in range(1, rings + 1):
        axis.add_patch(Circle((0, 0), ring * step, fill=False, edgecolor=_LINES, linewidth=0.8, zorder=1))
        at = ring * step * math.sqrt(0.5)
        axis.text(at, -at, f"{ring * step:g} m", color=_WORDS, fontsize=8, ha="center", va="center", zorder=6, bbox=_paper())
    for x, y in ((1, 0), (0, 1)):
        axis.plot([-edge * x, edge * x], [-edge * y, edge * y], color=_LINES, linewidth=0.6, zorder=1)
    _draw_head(axis, edge)
    for word, x, y in (("front", 0, 1), ("back", 0, -1), ("left", -1, 0), ("right", 1, 0)):
        turned = 90 * -x
        axis.text(1.07 * edge * x, 1.07 * edge * y, word, color=_WORDS, ha="center", va="center", rotation=turned)
    axis.set(xlim=(-1.14 * edge, 1.14 * edge), ylim=(-1.14 * edge, 1.14 * edge))
    axis.set_aspect("equal")
    axis.set_axis_off()
    return edge


def _paper() -> dict[str, Any]:
    return {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85}


def _draw_head(axis: Axes, edge: float) -> None:
    """A head from above, nose to the front, in the middle."""
    from matplotlib.patches import Circle, Ellipse, Polygon

    size = 0.035 * edge
    nose = [(-0.45 * size, 0.85 * size), (0.0, 1.55 * size), (0.45 * size, 0.85 * size)]
    for ear in (-1, 1):
        axis.add_patch(Ellipse((ear * size, 0), 0.5 * size, 0.9 * size, color="#333333", zorder=7))
    axis.add_patch(Polygon(nose, closed=True, color="#333333", zorder=7))
    axis.add_patch(Circle((0, 0), size, color="#333333", zorder=7))


def _draw_truth(axis: Axes, points: Points, colour: str, edge: float) -> None:
    """A spoke to a circle, or the path of what moves."""
    if _extent(points) > _STILL * edge:
        axis.plot(points[:, 0], points[:, 1], color=colour, linewidth=1.3, alpha=0.9, zorder=3)
        _draw_end(axis, points, colour, edge)
        return
    x, y = points.mean(axis=0)
    axis.plot([0, x], [0, y], color=colour, linewidth=1.0, alpha=0.6, zorder=2)
    axis.scatter(x, y, s=120, facecolors="none", edgecolors=colour, linewidths=1.3, zorder=3)


def _draw_heard(axis: Axes, paths: Sequence[tuple[Source, Event, Points]], colours: Mapping[str, str], edge: float) -> None:
    """A dot for each event at rest, larger if it lasts, and a dotted path for each that moves."""
    scale = 1.0 if len(paths) < _MANY_EVENTS else 0.4
    for source, event, points in paths:
        colour = colours[source.label]
        if _extent(points) > _STILL * edge:
            axis.plot(*points.T, ".", color=colour, markersize=7 * scale, markeredgewidth=0, alpha=0.8, zorder=4)
            _draw_end(axis, points, colour, edge)
            continue
        x, y = points.mean(axis=0)
        size = scale * min(24 + 12 * (event.offset - event.onset), 110)
        axis.scatter(x, y, s=size, color=colour, edgecolors="white", linewidths=0.6, alpha=0.85, zorder=5)


def _draw_end(axis: Axes, points: Points, colour: str, edge: float) -> None:
    """A dart at the end of a path, pointing along its last stretch that is long enough to have a direction."""
    from matplotlib.path import Path

    away = points[-1] - points
    lengths = np.linalg.norm(away, axis=1)
    begin = np.flatnonzero(lengths > _STILL * edge)[-1]
    right, front = away[begin] / lengths[begin]
    dart = Path(np.asarray(_DART) @ [[front, -right], [right, front]], closed=True)
    x, y = points[-1]
    axis.scatter(x, y, s=130, marker=dart, color=colour, edgecolors="white", linewidths=0.6, zorder=5)


def _extent(points: Points) -> float:
    return float(np.linalg.norm(points - points[-1], axis=1).max())
