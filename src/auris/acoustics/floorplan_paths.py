"""The shortest ways that sound can take through a house: straight where it can, around the edges of doorways where not.

The walls of a :class:`~auris.acoustics.floorplan.FloorPlan` meet at concave corners only, so every bend of a shortest path
is at one of the two edges of a doorway. Points and edges form a visibility graph; between two points that do not see each
other the path of least length plus a penalty for each edge is taken, and it is the same path in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import shortest_path

from auris.acoustics.floorplan import OUTSIDE, FloorPlan
from auris.errors import SceneError

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

CORNER_PENALTY = 0.3  # metres that a path may be longer to avoid an edge
_BESIDE = 0.01  # metres from the edge of a doorway to where its two sides are looked out from
_TOUCHING = 1e-9
_ENTERING = 1e-6


@dataclass(frozen=True, eq=False)
class Geodesics:
    """Shortest paths between ``n`` points, from the first index to the second.

    Attributes:
        points: ``(n, 2)`` metres.
        length: metres along the path ``(n, n)``; infinite where no doorways lead.
        corners: edges the path bends around ``(n, n)``; 0 in plain sight.
        detours: by how much each bend is longer than cutting it short, in metres, in the order of the path
            ``(n, n, most corners)``; 0 behind the last.
        departure: direction in which the path leaves the first point, unit vectors ``(n, n, 2)``; zero at the same place.
        arrival: direction from the second point in which the path is seen to come ``(n, n, 2)``.
        entry: where the path enters the room of the second point ``(n, n, 2)``; the first point itself within one room.
        approach: the place on the path, before the entry, from which it comes straight to it ``(n, n, 2)``.
        until_entry: metres along the path to the entry ``(n, n)``.
        bends_at_entry: whether the entry is itself a bend ``(n, n)``.
        walls: walls that the straight line crosses ``(n, n)``.
    """

    points: Floats
    length: Floats
    corners: Whole
    detours: Floats
    departure: Floats
    arrival: Floats
    entry: Floats
    approach: Floats
    until_entry: Floats
    bends_at_entry: NDArray[np.bool_]
    walls: Whole


def geodesics(plan: FloorPlan, points: ArrayLike) -> Geodesics:
    """Return the shortest paths between all points ``(n, 2 or 3)`` of a plan; heights are not looked at.

    Raises:
        SceneError: a point lies outside the plan.
    """
    places = np.asarray(points, dtype=float)[:, :2]
    if np.any(plan.room_of(places) == OUTSIDE):
        number = int(np.argmax(plan.room_of(places) == OUTSIDE))
        raise SceneError(f"point {number} at {places[number].tolist()} lies outside the plan of {list(plan.size)} metres")
    walls = walls_between(plan, places, places)
    paths = _empty(places, plan, walls)
    first, second = np.nonzero(walls == 0)
    _fill(paths, plan, first, second, np.zeros((0, 2)))
    around = _Edges.of(plan)
    for (out, into), (first, second) in around.ways(plan, places, walls).items():
        edges = around.places[around.sequence(out, into)]
        _fill(paths, plan, first, second, edges)
        _fill(paths, plan, second, first, edges[::-1])
    return paths


def walls_between(plan: FloorPlan, starts: Floats, ends: Floats) -> Whole:
    """Return how many walls stand between each of ``starts`` ``(n, 2)`` and each of ``ends`` ``(m, 2)``, ``(n, m)``.

    A line that just touches the edge of a doorway counts as meeting the wall.
    """
    total = np.zeros((len(starts), len(ends)), dtype=np.int64)
    for (x0, y0), (x1, y1) in plan.walls.tolist():
        across = 0 if x0 == x1 else 1
        line, low, high = (x0, y0, y1) if across == 0 else (y0, x0, x1)
        a, b = starts[:, None, across] - line, ends[None, :, across] - line
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(a == b, 0.0, a / (a - b))
        along = starts[:, None, 1 - across] * (1 - share) + ends[None, :, 1 - across] * share
        total += (a * b < 0) & (along >= low - _TOUCHING) & (along <= high + _TOUCHING)
    return total


@dataclass(frozen=True, eq=False)
class _Edges:
    """The edges of all doorways, ``E`` of them, each seen from either side of its wall.

    Attributes:
        places: ``(E, 2)`` metres.
        sides: places beside them that one looks out from ``(2 E, 2)``; 2 e and 2 e + 1 belong to edge e.
        cost: of the cheapest way between two sides ``(2 E, 2 E)``.
        before: on the way from one side to another the side before the last ``(2 E, 2 E)``.
    """

    places: Floats
    sides: Floats
    cost: Floats
    before: Whole

    @classmethod
    def of(cls, plan: FloorPlan) -> _Edges:
        places, sides = [], []
        for door in plan.doorways:
            across = 0 if door.across == "x" else 1
            for edge, inwards in zip(door.ends, (_BESIDE, -_BESIDE), strict=True):
                places.append(edge)
                for side in (-_BESIDE, _BESIDE):
                    beside = edge.copy()
                    beside[across] += side
                    beside[1 - across] += inwards
                    sides.append(beside)
        where = np.array(sides).reshape(-1, 2)
        edge_of = np.arange(len(where)) // 2
        step = np.linalg.norm(where[:, None] - where[None], axis=-1)
        step += np.where(edge_of[:, None] != edge_of[None], CORNER_PENALTY, 1e-6)
        step[walls_between(plan, where, where) > 0] = np.inf
        np.fill_diagonal(step, 0.0)
        if not len(where):
            return cls(np.zeros((0, 2)), where, step, np.zeros((0, 0), dtype=np.int64))
        cost, before = shortest_path(step, method="FW", directed=False, return_predecessors=True)
        return cls(np.array(places), where, cost, np.asarray(before, dtype=np.int64))

    def sequence(self, out: int, into: int) -> list[int]:
        """Return the edges on the way from side ``out`` to side ``into``, each once."""
        sides = [into]
        while sides[-1] != out:
            sides.append(int(self.before[out, sides[-1]]))
        edges = [side // 2 for side in reversed(sides)]
        return [edge for place, edge in enumerate(edges) if place == 0 or edge != edges[place - 1]]

    def ways(self, plan: FloorPlan, points: Floats, walls: Whole) -> dict[tuple[int, int], tuple[Whole, Whole]]:
        """Return for points that do not see each other by which sides they leave and arrive: (out, into) to (first, second)."""
        if not len(self.sides):
            return {}
        legs = np.linalg.norm(points[:, None] - self.sides[None], axis=-1) + CORNER_PENALTY / 2
        legs[walls_between(plan, points, self.sides) > 0] = np.inf
        outwards = legs[:, :, None] + self.cost[None]  # point, side out, side in
        first_side, outward = outwards.argmin(axis=1), outwards.min(axis=1)
        ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for first, second in np.argwhere(np.triu(walls > 0)).tolist():
            total = outward[first] + legs[second]
            into = int(np.argmin(total))
            if np.isfinite(total[into]):
                ways.setdefault((int(first_side[first, into]), into), []).append((first, second))
        return {sides: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for sides, pairs in ways.items()}


def _empty(points: Floats, plan: FloorPlan, walls: Whole) -> Geodesics:
    count, most = len(points), 2 * len(plan.doorways)
    square = (count, count)
    return Geodesics(
        points=points,
        length=np.full(square, np.inf),
        corners=np.zeros(square, dtype=np.int64),
        detours=np.zeros((*square, most)),
        departure=np.zeros((*square, 2)),
        arrival=np.zeros((*square, 2)),
        entry=np.zeros((*square, 2)),
        approach=np.zeros((*square, 2)),
        until_entry=np.full(square, np.inf),
        bends_at_entry=np.zeros(square, dtype=bool),
        walls=walls,
    )


def _fill(paths: Geodesics, plan: FloorPlan, first: Whole, second: Whole, edges: Floats) -> None:
    """Write the paths from ``first`` to ``second`` ``(k,)`` around ``edges`` ``(c, 2)``, in that order."""
    bends = len(edges)
    line = np.empty((len(first), bends + 2, 2))
    line[:, 0], line[:, -1] = paths.points[first], paths.points[second]
    line[:, 1:-1] = edges
    legs = np.linalg.norm(np.diff(line, axis=1), axis=-1)
    paths.length[first, second] = legs.sum(axis=1)
    paths.corners[first, second] = bends
    short_cuts = np.linalg.norm(line[:, 2:] - line[:, :-2], axis=-1)
    paths.detours[first, second, :bends] = np.maximum(legs[:, :-1] + legs[:, 1:] - short_cuts, 0.0)
    paths.departure[first, second] = _unit(line[:, 1] - line[:, 0])
    paths.arrival[first, second] = _unit(line[:, -2] - line[:, -1])
    entering = _share_outside(plan, line[:, -2], line[:, -1])
    at_bend = (entering < _ENTERING) & (bends > 0)
    paths.entry[first, second] = line[:, -2] + entering[:, None] * (line[:, -1] - line[:, -2])
    paths.approach[first, second] = np.where(at_bend[:, None], line[:, max(bends - 1, 0)], line[:, -2])
    paths.until_entry[first, second] = legs[:, :-1].sum(axis=1) + entering * legs[:, -1]
    paths.bends_at_entry[first, second] = at_bend


def _share_outside(plan: FloorPlan, starts: Floats, ends: Floats) -> Floats:
    """The share ``(k,)`` of the lines from ``starts`` to ``ends`` that is passed before the room of their end begins."""
    rooms = plan.room_of(ends)
    low, high = (np.array([getattr(room, name) for room in plan.rooms], dtype=float)[rooms] for name in ("low", "high"))
    run = ends - starts
    with np.errstate(divide="ignore", invalid="ignore"):
        before = np.where(run > 0, (low - starts) / run, np.where(run < 0, (high - starts) / run, 0.0))
    return np.asarray(np.clip(before.max(axis=1), 0.0, 1.0))


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > _TOUCHING, vectors / np.maximum(length, _TOUCHING), 0.0)
