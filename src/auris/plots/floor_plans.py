"""Houses from above: rooms with their reverberation, doorways, furniture, and the places one can stand on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from auris.acoustics.floorplan import Doorway, FloorPlan
from auris.plots.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FLOORS = ("#DCEBF5", "#FBE7D8", "#DDF0E9", "#F6E6F0", "#FBF0D4", "#E4F3FB")
_WALL, _THING, _PLACE, _SOURCE = "#333333", "#BBBBBB", "#8A8A8A", "#D55E00"


def floor_plan(plan: FloorPlan, *, sources: Sequence[int] = ()) -> Figure:
    """Draw a house.

    Args:
        plan: the house.
        sources: places, by number, that sounds stand on.
    """
    from matplotlib.patches import Rectangle

    figure = new_figure(0.75 * plan.size[0] + 0.6, 0.75 * plan.size[1] + 0.6)
    axis = figure.subplots()
    for number, room in enumerate(plan.rooms):
        (x, y), (width, depth) = room.low, (b - a for a, b in zip(room.low, room.high, strict=True))
        colour = _FLOORS[number % len(_FLOORS)]
        axis.add_patch(Rectangle((x, y), width, depth, facecolor=colour, edgecolor=_WALL, linewidth=2))
        axis.text(x + 0.12, y + depth - 0.12, f"{room.name}, T60 {room.t60:g} s", va="top", fontsize=8)
    for door in plan.doorways:
        _open(axis, door)
    for thing in plan.furniture:
        (x, y), (width, depth) = thing.low, (b - a for a, b in zip(thing.low, thing.high, strict=True))
        axis.add_patch(Rectangle((x, y), width, depth, facecolor=_THING, edgecolor="white"))
    places = plan.graph.positions
    axis.scatter(places[:, 0], places[:, 1], s=6, color=_PLACE)
    if sources:
        chosen = places[list(sources)]
        axis.scatter(chosen[:, 0], chosen[:, 1], s=40, color=_SOURCE, label="sounds")
        axis.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=8)
    axis.set(xlim=(-0.1, plan.size[0] + 0.1), ylim=(-0.1, plan.size[1] + 0.1), aspect="equal", xlabel="metres")
    axis.spines[:].set_visible(False)
    return figure


def _open(axis: Axes, door: Doorway) -> None:
    """Take the wall away where one walks through."""
    line, along = [door.line, door.line], [door.start, door.start + 1]
    x, y = (line, along) if door.across == "x" else (along, line)
    axis.plot(x, y, color="white", linewidth=4, solid_capstyle="butt")
