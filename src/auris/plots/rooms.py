"""A scene from above, in its room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auris.plots.figures import MOMENT, class_colours, rows_of_axes, title_of
from auris.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plan(scene: Scene, *, heard: Scene | None = None) -> Figure:
    """Draw a scene from above: walls, listener, sources with their paths; what was heard as crosses."""
    figure, (axis,) = rows_of_axes(6.0, 5.4)
    colours = class_colours(scene, *([heard] if heard else []))
    times = np.arange(0, scene.duration, MOMENT)
    if scene.room is not None:
        length, width, _ = scene.room.dimensions
        axis.plot([0, length, length, 0, 0], [0, 0, width, width, 0], color="#333333", linewidth=2)
    _draw_listener(axis, scene, times)
    for source, track in zip(scene.sources, scene.tracks(times), strict=True):
        _draw_path(axis, source.path.at(times), track.active, colours[source.label], title_of(source.label))
    if heard is not None:
        for source, track in zip(heard.sources, heard.tracks(times), strict=True):
            points = _to_world(scene, heard.relative_positions(source.path, times), times)[track.active]
            points = points[:: max(1, len(points) // 12)]
            axis.scatter(points[:, 0], points[:, 1], marker="x", s=26, linewidths=1.2, color=colours[source.label], zorder=4)
        axis.scatter([], [], marker="x", color="#555555", label="heard")
    axis.set(xlabel="x in metres", ylabel="y in metres", title=scene.name or "Scene from above")
    axis.set_aspect("equal", adjustable="box" if scene.room else "datalim")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    return figure


def _to_world(scene: Scene, local: np.ndarray[Any, Any], times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Place points of the listener's frame into the room."""
    return np.asarray(scene.listener.turning.at(times).apply(local) + scene.listener.path.at(times))


def _draw_listener(axis: Axes, scene: Scene, times: np.ndarray[Any, Any]) -> None:
    path = scene.listener.path.at(times)
    if scene.listener.path.moves:
        axis.plot(path[:, 0], path[:, 1], color="#333333", linewidth=1, linestyle=":")
    nose = scene.listener.turning.at(times).apply([0.7, 0.0, 0.0])
    axis.scatter(path[0, 0], path[0, 1], s=110, color="#333333", zorder=5, label="listener")
    _arrow(axis, path[0], path[0] + nose[0], "#333333")  # where the nose points at the beginning


def _draw_path(axis: Axes, points: np.ndarray[Any, Any], active: np.ndarray[Any, Any], colour: str, label: str) -> None:
    if not active.any():
        return
    axis.plot(points[:, 0], points[:, 1], color=colour, linewidth=1, alpha=0.35)
    shown = np.where(active[:, None], points, np.nan)
    axis.plot(shown[:, 0], shown[:, 1], color=colour, linewidth=2.6)
    first, last = points[active][0], points[active][-1]
    axis.scatter(first[0], first[1], s=70, color=colour, zorder=3, label=label)
    if np.linalg.norm(last - first) > 0.1:
        before = points[active][-min(len(points[active]), 4)]
        _arrow(axis, before, last, colour)


def _arrow(axis: Axes, start: np.ndarray[Any, Any], end: np.ndarray[Any, Any], colour: str) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 2, "mutation_scale": 18, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (float(end[0]), float(end[1])), (float(start[0]), float(start[1])), arrowprops=style, zorder=3)
