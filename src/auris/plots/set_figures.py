"""Pictures of a whole set: which classes, how long, how many at once, from where, in which rooms, how loud.

Each function returns None for a set that has nothing of the kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auris.data.production.statistics import SetStatistics
from auris.plots.figures import new_figure, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#555555"
_CLASSES = 40  # more than that, and only the most and the least are shown
_BINS = (8, 30)  # fewest and most

Floats = NDArray[np.float64]


def class_balance(statistics: SetStatistics) -> Figure | None:
    """Draw minutes of sound by class, with the number of events; of many classes, the most and the least."""
    shares = statistics.classes
    if not shares:
        return None
    left_out = max(0, len(shares) - _CLASSES)
    shown = shares if not left_out else shares[: _CLASSES // 2] + shares[-(_CLASSES // 2) :]
    gap = _CLASSES // 2 if left_out else len(shown)
    places = np.arange(len(shown)) + (np.arange(len(shown)) >= gap)
    figure = new_figure(6.4, 1.1 + 0.26 * (len(shown) + bool(left_out)))
    axis = _axis(figure)
    minutes = [share.seconds / 60 for share in shown]
    axis.barh(places, minutes, height=0.72, color=_BLUE)
    for place, value, share in zip(places, minutes, shown, strict=True):
        axis.text(value, place, f" {share.events}", va="center", fontsize=8, color=_GREY)
    axis.set_yticks(places, [title_of(share.label) for share in shown], fontsize=9)
    if left_out:
        axis.text(0, gap, f" … {left_out} classes between …", va="center", fontsize=9, color=_GREY)
    axis.invert_yaxis()
    axis.margins(y=0.01, x=0.08)
    axis.set_xlabel("minutes of sound (number of events)")
    return figure


def lengths_and_overlap(statistics: SetStatistics) -> Figure | None:
    """Draw how long events last, and how many sources sound at once."""
    if not statistics.events:
        return None
    known = bool(statistics.overlap.any())
    figure = new_figure(6.4, 2.8)
    lengths, overlap = figure.subplots(1, 2)
    _histogram(_bare(lengths), statistics.durations, "seconds of an event", least=0.0)
    overlap.set_visible(known)
    if not known:
        return figure
    shares = 100 * statistics.overlap / float(statistics.overlap.sum())
    _bare(overlap).bar(np.arange(len(shares)), shares, width=0.7, color=_BLUE)
    for count, share in enumerate(shares):
        overlap.text(count, share, f"{share:.0f} %", ha="center", va="bottom", fontsize=8, color=_GREY)
    overlap.set_xticks(np.arange(len(shares)))
    overlap.set(xlabel="sources that sound at once", ylabel="% of the time")
    overlap.margins(y=0.12)
    return figure


def coverage(statistics: SetStatistics) -> Figure | None:
    """Draw where events begin: azimuth against elevation, and from above, with those of moving sources in another colour."""
    if not len(statistics.azimuths_deg):
        return None
    figure = new_figure(6.8, 5.8)
    axes = figure.subplot_mosaic(
        [["sphere", "sphere"], ["above", "distance"]], per_subplot_kw={"above": {"projection": "polar"}}
    )
    _draw_sphere(axes["sphere"], statistics)
    _draw_above(axes["above"], statistics)
    _histogram(_bare(axes["distance"]), statistics.distances, "distance in metres", least=0.0)
    return figure


def _draw_sphere(axis: Axes, statistics: SetStatistics) -> None:
    columns, rows = np.linspace(-180, 180, 37), np.linspace(-90, 90, 19)
    counts, _, _ = np.histogram2d(statistics.azimuths_deg, statistics.elevations_deg, bins=(columns, rows))
    shown = np.ma.masked_equal(counts.T, 0)
    mesh = axis.pcolormesh(columns, rows, shown, cmap="viridis", rasterized=True)
    axis.figure.colorbar(mesh, ax=axis, label="events", pad=0.01)
    axis.set(xlabel="azimuth in degrees (90 is left)", ylabel="elevation", xlim=(180, -180), ylim=(-90, 90))
    axis.set_xticks(np.arange(-180, 181, 45))
    axis.set_yticks(np.arange(-90, 91, 30))
    axis.grid(alpha=0.2)


def _draw_above(axis: Any, statistics: SetStatistics) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_theta_zero_location("N")  # front up, counter-clockwise, as the angles are
    size = 12 if statistics.events < 500 else 4
    for moving, colour, text in ((False, _BLUE, "resting"), (True, _ORANGE, "moving")):
        chosen = statistics.moving == moving
        if chosen.any():
            level = statistics.distances[chosen] * np.cos(np.radians(statistics.elevations_deg[chosen]))
            angles = np.radians(statistics.azimuths_deg[chosen])
            axis.scatter(angles, level, s=size, color=colour, alpha=0.6, linewidths=0, label=text, rasterized=True)
    furthest = 1.05 * float(statistics.distances.max())
    axis.set_ylim(0, furthest)
    axis.set_rticks([ring for ring in MaxNLocator(4).tick_values(0, furthest) if 0 < ring < furthest])
    axis.set_xticks(np.radians([0, 90, 180, 270]), ["front", "left", "back", "right"], fontsize=9)
    axis.tick_params(axis="y", labelsize=8)
    axis.set_rlabel_position(45)  # between the words
    axis.grid(alpha=0.3)
    if statistics.moving.any() and not statistics.moving.all():
        axis.legend(loc="lower left", bbox_to_anchor=(-0.25, -0.12), fontsize=8, frameon=False)


def rooms(statistics: SetStatistics) -> Figure | None:
    """Draw reverberation times, volumes and direct-to-reverberant ratios."""
    return _histograms(
        [
            (statistics.t60, "T60 in seconds", 0.0),
            (statistics.volumes, "volume in m³", 0.0),
            (statistics.drr_db, "direct to reverberant in dB", None),
        ]
    )


def levels(statistics: SetStatistics) -> Figure | None:
    """Draw the levels of events and of the noise under them."""
    return _histograms(
        [
            (statistics.levels_db, "level at 1 m in dB re full scale", None),
            (statistics.snr_db, "signal to noise in dB", None),
        ]
    )


def _histograms(columns: list[tuple[Floats, str, float | None]]) -> Figure | None:
    shown = [column for column in columns if len(column[0])]
    if not shown:
        return None
    figure = new_figure(1.0 + 2.7 * max(len(shown), 2), 2.6)
    for axis, (values, text, least) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _histogram(_bare(axis), values, text, least=least)
    return figure


def _histogram(axis: Axes, values: Floats, text: str, *, least: float | None) -> None:
    low = float(values.min()) if least is None else min(least, float(values.min()))
    high = float(values.max())
    if high - low < 1e-6 * max(abs(high), 1.0):  # all alike
        low, high = low - 0.5, high + 0.5
    bins = int(np.clip(2 * np.sqrt(len(values)), *_BINS))
    axis.hist(values, bins=np.linspace(low, high, bins + 1).tolist(), color=_BLUE)
    median = float(np.median(values))
    axis.axvline(median, color=_ORANGE, linewidth=1.2)
    axis.set_title(
        f"median {median:.3g}" if abs(median) < 1000 else f"median {median:,.0f}", fontsize=9, color=_ORANGE, loc="right"
    )
    axis.set_xlabel(text)
    axis.locator_params(axis="y", integer=True, nbins=5)


def _axis(figure: Figure) -> Axes:
    axis: Axes = figure.subplots()
    return _bare(axis)


def _bare(axis: Axes) -> Axes:
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)
    axis.grid(axis="x", alpha=0.2)
    return axis
