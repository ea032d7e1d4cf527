"""Pictures of how well models hear whole clips (:mod:`auris.metrics.spatial_ast`), side by side. Needs the extra ``plot``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from auris.metrics.spatial_ast import ANGLE_THRESHOLD_DEG, ClipEvaluation, ErrorBin
from auris.plots.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Evaluations = Mapping[str, ClipEvaluation]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B")  # Okabe–Ito first
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_RIGHT, _CONFUSED, _WRONG = "#0072B2", "#D55E00", "#9A9A9A"
_CLASSES = 40  # bars that a picture shows
_SCORES = (
    ("mae", "mean angle\nin degrees", 1.0),
    ("er20", "more than 20°\noff, in %", 100.0),
    ("der", "1 m or more\noff, in %", 100.0),
)


def _grid(rows: int, columns: int, width: float, height: float, **options: Any) -> tuple[Figure, NDArray[Any]]:
    figure = new_figure(width, height)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def errors_against(evaluations: Evaluations, quantity: Literal["distance", "t60"]) -> Figure:
    """Draw MAE, ER20 and DER against the true distance or the reverberation time, with 95 % intervals.

    Args:
        evaluations: by name of the model.
        quantity: what they are drawn against.
    """
    of_models = {name: e.by_distance() if quantity == "distance" else e.by_t60() for name, e in evaluations.items()}
    edges = sorted({(each.low, each.high): each.clips for bins in of_models.values() for each in bins}.items())
    figure, axes = _grid(3, 1, 7.0, 6.6, sharex=True)
    for row, (score, title, scale) in enumerate(_SCORES):
        axis = axes[row, 0]
        for index, (name, bins) in enumerate(of_models.items()):
            _draw_bins(axis, bins, [edge for edge, _ in edges], score, scale, index=index, of=len(of_models), label=name)
        axis.set(ylabel=title)
        axis.set_ylim(0, None if score == "mae" else 104)
        axis.grid(axis="y", alpha=0.25)
    if edges:
        unit = "m" if quantity == "distance" else "s"
        ticks = [f"{_range(low, high)} {unit}\n{clips} clips" for (low, high), clips in edges]
        axes[-1, 0].set_xticks(range(len(edges)), ticks, fontsize=9)
    axes[-1, 0].set_xlabel("true distance" if quantity == "distance" else "reverberation time (T60)")
    figure.align_ylabels()
    _legend(figure, evaluations)
    return figure


def _range(low: float, high: float) -> str:
    if not np.isfinite(high):
        return f"from {low:g}"
    return f"{low:g}–{high:g}" if low else f"to {high:g}"


def _draw_bins(
    axis: Axes,
    bins: Sequence[ErrorBin],
    edges: Sequence[tuple[float, float]],
    score: str,
    scale: float,
    *,
    index: int,
    of: int,
    label: str,
) -> None:
    """One model's scores; models stand beside each other so that their intervals can be told apart."""
    apart = min(0.12, 0.02 * len(edges))
    at = np.array([edges.index((each.low, each.high)) for each in bins]) + apart * (index - (of - 1) / 2)
    intervals = [getattr(each, score) for each in bins]
    values = scale * np.array([each.value for each in intervals])
    spread = scale * np.array([[each.value - each.low, each.high - each.value] for each in intervals]).T
    axis.errorbar(
        at,
        values,
        yerr=np.maximum(spread, 0) if len(bins) else None,
        color=_COLOURS[index % len(_COLOURS)],
        marker=_MARKERS[index % len(_MARKERS)],
        markersize=5,
        linewidth=1.4,
        elinewidth=1.0,
        capsize=2,
        label=label,
    )


def _legend(figure: Figure, evaluations: Evaluations) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_COLOURS[i % len(_COLOURS)], marker=_MARKERS[i % len(_MARKERS)], markersize=5, label=name)
        for i, name in enumerate(evaluations)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 3), frameon=False, fontsize=9)


def heard_azimuths(evaluations: Evaluations) -> Figure:
    """Draw the azimuth heard against the true one, a panel per model; on the dashed lines front and back are exchanged."""
    count = len(evaluations)
    rows = -(-count // 3)
    columns = -(-count // rows)
    figure, axes = _grid(rows, columns, 3.6 * columns + 0.6, 3.9 * rows + 0.5, sharex=True, sharey=True)
    for axis, (name, evaluation) in zip(axes.flat, evaluations.items(), strict=False):
        _draw_azimuths(axis, evaluation)
        mirrored = evaluation.mirrored["front_back"]
        axis.set_title(
            f"{name}\nfront for back: right if mirrored {100 * mirrored.confused:.0f} %, nearer {100 * mirrored.nearer:.0f} %",
            fontsize=9,
        )
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    figure.set_layout_engine("constrained", w_pad=0.12)  # the outermost numbers of two panels must not meet
    for axis in axes[:, 0]:
        axis.set_ylabel("azimuth heard, degrees")
    for axis in axes.flat[max(0, count - columns) : count]:  # those with no panel below them
        axis.set_xlabel("true azimuth, degrees")
        axis.tick_params(labelbottom=True)
    _azimuth_legend(figure)
    return figure


def _draw_azimuths(axis: Axes, evaluation: ClipEvaluation) -> None:
    true, heard = ((side[1] - 90.0 + 180.0) % 360.0 - 180.0 for side in (evaluation.true, evaluation.heard))
    axis.plot([-180, 180], [-180, 180], color="#555555", linewidth=0.8)
    for sign in (1, -1):
        axis.plot([0, sign * 180], [sign * 180, 0], color="#555555", linewidth=0.8, linestyle="--")
    confused = evaluation.mirrored["front_back"].items_confused
    size = 14 if len(evaluation) < 2000 else 3
    for items, colour in (
        (evaluation.direction_missed & ~confused, _WRONG),
        (confused, _CONFUSED),
        (~evaluation.direction_missed, _RIGHT),
    ):
        axis.scatter(true[items], heard[items], s=size, color=colour, alpha=0.6, linewidths=0, rasterized=True)
    ticks = [-180, -90, 0, 90, 180]
    axis.set(xlim=(-185, 185), ylim=(-185, 185), xticks=ticks, yticks=ticks, aspect="equal")


def _azimuth_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    texts = {
        _RIGHT: f"within {ANGLE_THRESHOLD_DEG:g}°",
        _CONFUSED: "right when front and back are exchanged",
        _WRONG: "elsewhere",
    }
    handles = [Line2D([], [], color=c, marker="o", linestyle="", markersize=5, label=text) for c, text in texts.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=9)


def class_precisions(evaluations: Evaluations) -> Figure:
    """Draw the average precision of each class that occurs, by that of the first model; of many, the highest and the lowest."""
    first = next(iter(evaluations.values()))
    occurring = [index for index in np.argsort(-first.precisions, kind="stable") if first.present[index]]
    left_out = max(0, len(occurring) - _CLASSES)
    shown = occurring if not left_out else occurring[: _CLASSES // 2] + occurring[-(_CLASSES // 2) :]
    height = 0.8 / len(evaluations)
    figure, axes = _grid(1, 1, 7.0, 1.3 + len(shown) * (0.17 + 0.1 * len(evaluations)))
    axis = axes[0, 0]
    places = np.arange(len(shown)) + (np.arange(len(shown)) >= _CLASSES // 2 if left_out else 0)
    for index, (name, evaluation) in enumerate(evaluations.items()):
        values = 100 * evaluation.precisions[shown]
        at = places + (index - (len(evaluations) - 1) / 2) * height
        axis.barh(at, values, height=0.92 * height, color=_COLOURS[index % len(_COLOURS)], label=name)
    clips = first.events.sum(axis=0)
    axis.set_yticks(places, [f"{first.labels[i].replace('_', ' ')} ({clips[i]})" for i in shown], fontsize=9)
    if left_out:
        axis.text(1, _CLASSES // 2, f"… {left_out} classes between …", va="center", fontsize=9, color="#555555")
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.set(xlabel="average precision in % (class, with its clips)", xlim=(0, 100))
    axis.grid(axis="x", alpha=0.25)
    axis.set_axisbelow(True)
    if len(evaluations) > 1:
        figure.legend(loc="outside upper center", ncols=min(len(evaluations), 3), frameon=False, fontsize=9)
    return figure
