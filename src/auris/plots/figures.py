"""What all pictures share: figures and their files, the colours of classes, arrows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from auris.errors import FormatError, MissingDependency
from auris.io.atomic import atomic_write
from auris.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe–Ito: told apart by people with any colour vision. A class keeps its colour across the pictures of one report.
_COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B", "#222222"),
    *("#1B9E3A", "#E41A1C", "#3B3BFF", "#A6761D", "#00B3B3", "#B8860B", "#FF66CC"),
)
OTHERS = "#B5B5B5"  # of classes that have no colour of their own
MOMENT = 0.1  # seconds between points of a path
MOST_COLUMNS = 1500  # more than a picture shows
_SUFFIXES = (".png", ".svg", ".pdf")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height in inches.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependency("matplotlib", "plot") from None
    return Figure(figsize=(width, height), layout="constrained")


def rows_of_axes(
    width: float, height: float, rows: int = 1, ratios: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure with rows below each other that share the horizontal axis; ``ratios`` of their heights."""
    figure = new_figure(width, height)
    grid = figure.subplots(rows, 1, squeeze=False, height_ratios=ratios, sharex=rows > 1)
    axes = [row[0] for row in grid]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure atomically; the suffix chooses PNG, SVG or PDF.

    Raises:
        FormatError: another suffix, or the file cannot be written.
    """
    check_picture_name(path)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=130, bbox_inches="tight")


def check_picture_name(path: str | Path) -> None:
    """Raise :class:`FormatError` unless ``path`` ends in .png, .svg or .pdf."""
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise FormatError(f"cannot draw {path}: the suffix chooses the format, one of {', '.join(_SUFFIXES)}")


def class_colours(*scenes: Scene) -> dict[str, str]:
    """Return a colour for each class of the scenes given, the same whatever their order.

    Where there are more classes than colours, those that sound longest have their own and the others share a grey.
    """
    seconds: dict[str, float] = {}
    for scene in scenes:
        for source in scene.sources:
            sounding = sum(event.offset - event.onset for event in source.events)
            seconds[source.label] = seconds.get(source.label, 0.0) + sounding
    own = sorted(sorted(seconds), key=lambda label: -seconds[label])[: len(_COLOURS)]
    colours = dict(zip(sorted(own), _COLOURS, strict=False))
    return {label: colours.get(label, OTHERS) for label in sorted(seconds)}


def title_of(label: str) -> str:
    """Return the name of a class as people write it."""
    return label.replace("_", " ")
