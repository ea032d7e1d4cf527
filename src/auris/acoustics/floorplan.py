"""The floor of a house: rectangular rooms on a grid of metres, doorways in their walls, furniture between them.

A plan is a frozen value that can be written down (:meth:`FloorPlan.to_dict`). Walls run on whole metres, so that the
lattice of places one can stand on, at half metres, is always free of them; a doorway is one metre of a wall left out, from
the floor to its own height. Walls are thin: rooms meet at them and fill the whole plan. Furniture stops feet, not sound: it
stands below ear height, and what it swallows is in its room's T60.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import label

from auris.errors import FormatError, SceneError
from auris.geometry.navigation import NavigationGraph

Floats = NDArray[np.float64]

FORMAT_VERSION = 1
EAR_HEIGHT = 1.5  # metres above the floor, for listeners and sources, as in SoundSpaces 1
CELL = 0.25  # metres between the points of an occupancy map
OUTSIDE = -1
_LARGEST = 40  # metres


@dataclass(frozen=True)
class PlanRoom:
    """A room: a rectangle between whole metres.

    Attributes:
        name: what it is called.
        low: corner ``(x, y)`` with the smallest coordinates, in metres.
        high: corner with the largest.
        t60: reverberation time in seconds, measured in the room with its doorways open; one number or one per octave from
            125 Hz up.
        scattering: 0 for mirror-like walls, 1 for a perfectly mixing room.
    """

    name: str
    low: tuple[int, int]
    high: tuple[int, int]
    t60: float | tuple[float, ...] = 0.5
    scattering: float = 0.5

    @property
    def sides(self) -> tuple[int, int]:
        """Length along x and y in metres."""
        return self.high[0] - self.low[0], self.high[1] - self.low[1]

    @property
    def area(self) -> int:
        """Square metres."""
        return self.sides[0] * self.sides[1]


@dataclass(frozen=True)
class Doorway:
    """One metre of a wall between two rooms, left out.

    Attributes:
        rooms: numbers of the two rooms, the one with the smaller coordinate across the wall first.
        across: axis along which one walks through it.
        line: coordinate of the wall along that axis, whole metres.
        start: where the opening begins along the wall, whole metres; it ends one metre further.
    """

    rooms: tuple[int, int]
    across: Literal["x", "y"]
    line: int
    start: int

    @property
    def ends(self) -> Floats:
        """The two edges of the opening ``(2, 2)``, in metres."""
        along = np.array([self.start, self.start + 1.0])
        line = np.full(2, float(self.line))
        return np.stack([line, along] if self.across == "x" else [along, line], axis=1)

    @property
    def centre(self) -> Floats:
        """Its middle ``(2,)``."""
        return np.asarray(self.ends.mean(axis=0))


@dataclass(frozen=True)
class Furniture:
    """A block that stands on whole square metres of a room.

    Attributes:
        low: corner ``(x, y)`` with the smallest coordinates, in metres.
        high: corner with the largest.
        height: metres, below :data:`EAR_HEIGHT`.
    """

    low: tuple[int, int]
    high: tuple[int, int]
    height: float = 0.8


@dataclass(frozen=True)
class FloorPlan:
    """A house of one floor.

    Attributes:
        size: length along x and y in metres.
        height: from floor to ceiling in metres.
        rooms: they fill the plan without overlapping.
        doorways: openings between rooms.
        furniture: what stands in the way.
        doorway_height: metres, at most the height.

    Raises:
        SceneError: parts contradict each other; the message names the part.
    """

    size: tuple[int, int]
    height: float
    rooms: tuple[PlanRoom, ...]
    doorways: tuple[Doorway, ...] = ()
    furniture: tuple[Furniture, ...] = ()
    doorway_height: float = field(default=2.0)

    def __post_init__(self) -> None:
        if not all(isinstance(side, int) and 1 <= side <= _LARGEST for side in self.size) or len(self.size) != 2:
            raise SceneError(f"a plan has two sides of whole metres from 1 to {_LARGEST}, got {self.size!r}")
        if not EAR_HEIGHT < self.doorway_height <= self.height <= 10:
            raise SceneError(
                f"heights must be {EAR_HEIGHT} < doorway ≤ ceiling ≤ 10 metres, got {self.doorway_height!r} and {self.height!r}"
            )
        self._check_rooms()
        for number, door in enumerate(self.doorways):
            self._check_doorway(number, door)
        for number, block in enumerate(self.furniture):
            inside = any(_within(block.low, block.high, room.low, room.high) for room in self.rooms)
            if not inside or min(block.high[0] - block.low[0], block.high[1] - block.low[1]) < 1:
                raise SceneError(f"furniture {number} from {block.low} to {block.high} does not stand inside one room")
            if not 0 < block.height < EAR_HEIGHT:
                raise SceneError(f"furniture {number} must be lower than ears, {EAR_HEIGHT} m, got {block.height!r}")

    def _check_rooms(self) -> None:
        covered = np.zeros(self.size, dtype=int)
        for number, room in enumerate(self.rooms):
            if not _within(room.low, room.high, (0, 0), self.size) or min(room.sides) < 1:
                raise SceneError(f"room {number} ({room.name}) from {room.low} to {room.high} leaves the plan {self.size}")
            covered[room.low[0] : room.high[0], room.low[1] : room.high[1]] += 1
        if np.any(covered != 1):
            x, y = (int(place) for place in np.argwhere(covered != 1)[0])
            raise SceneError(f"the rooms must fill the plan once; the square metre at ({x}, {y}) lies in {covered[x, y]} rooms")

    def _check_doorway(self, number: int, door: Doorway) -> None:
        sides = [door.line - 0.5, door.line + 0.5]
        found = []
        for side in sides:
            point = (side, door.start + 0.5) if door.across == "x" else (door.start + 0.5, side)
            found.append(int(self.room_of(np.array([*point, 0.0]))))
        if door.across not in ("x", "y") or tuple(found) != tuple(door.rooms) or OUTSIDE in found or found[0] == found[1]:
            raise SceneError(
                f"doorway {number} at {door.across} = {door.line}, {door.start}: it leads from room {found[0]} to {found[1]}, "
                f"and says {list(door.rooms)}"
            )

    def room_of(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return the room each point ``(..., 2 or 3)`` lies in; :data:`OUTSIDE` for none. On a wall, the later room's."""
        p = np.asarray(points, dtype=float)
        found = np.full(p.shape[:-1], OUTSIDE, dtype=np.int64)
        for number, room in enumerate(self.rooms):
            found[np.all((p[..., :2] >= room.low) & (p[..., :2] <= room.high), axis=-1)] = number
        return found

    @cached_property
    def walls(self) -> Floats:
        """The walls without their doorways, as segments ``(W, 2, 2)`` in metres, each once."""
        across_x, across_y = _wall_metres(self)
        for door in self.doorways:
            (across_x if door.across == "x" else across_y).discard((door.line, door.start))
        return _segments(across_x, across_y)

    def occupancy(self) -> NDArray[np.bool_]:
        """Return where walls (a cell thick) and furniture are, at points ``CELL`` apart: ``(4 X + 1, 4 Y + 1)``."""
        per_metre = round(1 / CELL)
        taken = np.zeros([per_metre * side + 1 for side in self.size], dtype=bool)
        for start, end in np.rint(self.walls * per_metre).astype(int).tolist():
            taken[start[0] : end[0] + 1, start[1] : end[1] + 1] = True
        for block in self.furniture:
            (x0, y0), (x1, y1) = block.low, block.high
            taken[per_metre * x0 : per_metre * x1 + 1, per_metre * y0 : per_metre * y1 + 1] = True
        return taken

    def room_map(self) -> NDArray[np.int64]:
        """Return the room of each free point of :meth:`occupancy`, flooded from wall to wall; :data:`OUTSIDE` elsewhere.

        A doorway belongs to the first of its two rooms.
        """
        per_metre = round(1 / CELL)
        closed = self.occupancy()
        for door in self.doorways:
            (x0, y0), (x1, y1) = np.rint(door.ends * per_metre).astype(int).tolist()
            closed[x0 : x1 + 1, y0 : y1 + 1] = True
        parts, count = label(~closed)
        rooms = np.full(closed.shape, OUTSIDE, dtype=np.int64)
        for part in range(1, count + 1):
            x, y = np.argwhere(parts == part)[0] * CELL
            rooms[parts == part] = self.room_of([x, y])
        for door in self.doorways:
            (x0, y0), (x1, y1) = np.rint(door.ends * per_metre).astype(int).tolist()
            inside = np.s_[x0 : x1 + 1, y0 + 1 : y1] if door.across == "x" else np.s_[x0 + 1 : x1, y0 : y1 + 1]
            rooms[inside] = door.rooms[0]
        return rooms

    @cached_property
    def lattice(self) -> NavigationGraph:
        """Every free place, at half metres and ear height, with steps of one metre where nothing stands between."""
        free = np.ones(self.size, dtype=bool)
        for block in self.furniture:
            free[block.low[0] : block.high[0], block.low[1] : block.high[1]] = False
        numbers = np.full(self.size, -1, dtype=np.int64)
        numbers[free] = np.arange(int(free.sum()))
        x, y = np.nonzero(free)
        positions = np.stack([x + 0.5, y + 0.5, np.full(len(x), EAR_HEIGHT)], axis=1)
        across_x, across_y = _wall_metres(self)
        for door in self.doorways:
            (across_x if door.across == "x" else across_y).discard((door.line, door.start))
        edges = []
        for i, j in zip(x.tolist(), y.tolist(), strict=True):
            if i + 1 < self.size[0] and free[i + 1, j] and (i + 1, j) not in across_x:
                edges.append((int(numbers[i, j]), int(numbers[i + 1, j])))
            if j + 1 < self.size[1] and free[i, j + 1] and (j + 1, i) not in across_y:
                edges.append((int(numbers[i, j]), int(numbers[i, j + 1])))
        return NavigationGraph.from_edges(positions, edges)

    @cached_property
    def graph(self) -> NavigationGraph:
        """The largest part of the lattice in which every place can be reached from every other."""
        return self.lattice.restricted(self.lattice.largest_component())

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values, with a ``version``."""
        plain: dict[str, Any] = _plain(asdict(self))
        return {"version": FORMAT_VERSION, **plain}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> FloorPlan:
        """Return the plan of :meth:`to_dict`.

        Raises:
            FormatError: a field is missing or strange.
            SceneError: the plan contradicts itself.
        """
        if plain.get("version") != FORMAT_VERSION:
            raise FormatError(f"a floor plan has version {FORMAT_VERSION}, this one {plain.get('version')!r}")
        try:
            values = {key: _frozen(value) for key, value in plain.items() if key != "version"}
            parts = {"rooms": PlanRoom, "doorways": Doorway, "furniture": Furniture}
            for name, kind in parts.items():
                values[name] = tuple(kind(**{k: _frozen(v) for k, v in part.items()}) for part in plain.get(name, ()))
            return cls(**values)
        except (TypeError, AttributeError) as error:
            raise FormatError(f"this is no floor plan: {error}") from None


def _wall_metres(plan: FloorPlan) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Metres of wall, doorways included, as (line, start): those one meets walking along x, and along y."""
    across_x: set[tuple[int, int]] = set()
    across_y: set[tuple[int, int]] = set()
    for room in plan.rooms:
        (x0, y0), (x1, y1) = room.low, room.high
        across_x.update((line, start) for line in (x0, x1) for start in range(y0, y1))
        across_y.update((line, start) for line in (y0, y1) for start in range(x0, x1))
    return across_x, across_y


def _segments(across_x: set[tuple[int, int]], across_y: set[tuple[int, int]]) -> Floats:
    """Join metres of wall into segments as long as they can be."""
    found = []
    for metres, turned in ((across_x, False), (across_y, True)):
        for line, start in sorted(metres):
            if (line, start - 1) in metres:
                continue
            end = start + 1
            while (line, end) in metres:
                end += 1
            ends = [[line, start], [line, end]]
            found.append([point[::-1] for point in ends] if turned else ends)
    return np.array(found, dtype=float).reshape(-1, 2, 2)


def _within(low: tuple[int, int], high: tuple[int, int], outer_low: tuple[int, int], outer_high: tuple[int, int]) -> bool:
    return all(outer_low[axis] <= low[axis] <= high[axis] <= outer_high[axis] for axis in range(2))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
