"""Floor plans drawn at random: a rectangle split into rooms again and again, doorways, furniture.

Drawn anew until the largest connected part has enough places to stand on; the same settings and seed always give the same
plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from auris.acoustics.air import speed_of_sound
from auris.acoustics.coupled_rooms import CoupledRooms
from auris.acoustics.floorplan import Doorway, FloorPlan, Furniture, PlanRoom
from auris.errors import ParameterError, SceneError
from auris.seeding import generator

_TRIES = 100
_SETTLING = 3  # rounds after which rooms have the T60 that they tell
_SAMPLE_RATE = 16_000  # only says which octaves are looked at
_DOORWAY_SHARE = 0.7  # of the decay that a room's T60 allows may at most be what leaves through its doorways
_FURNITURE_SIDES = ((1, 1), (1, 2), (2, 1))

Range = tuple[float, float]
WholeRange = tuple[int, int]
Rectangle = tuple[int, int, int, int]  # x0, y0, x1, y1


@dataclass(frozen=True)
class PlanSettings:
    """From what floor plans are drawn; ranges are inclusive and uniform.

    Attributes:
        length: whole metres along x.
        width: whole metres along y.
        height: metres from floor to ceiling.
        rooms: how many rooms; fewer where the plan cannot be split so often.
        shortest_side: whole metres; no room is narrower.
        more_doorways: chance that two adjoining rooms that need no doorway have one all the same.
        furniture: share of the floor that furniture stands on.
        furniture_height: metres, below the ears.
        t60: seconds, drawn for each room for itself. What walls cannot make beside open doorways becomes what is heard: less
            where too much leaves through them, more where longer reverberation comes in.
        scattering: of each room.
        least_nodes: places to stand on; plans with fewer are drawn again.
    """

    length: WholeRange = (8, 10)
    width: WholeRange = (6, 8)
    height: Range = (2.4, 3.0)
    rooms: WholeRange = (3, 6)
    shortest_side: int = 2
    more_doorways: float = 0.25
    furniture: float = 0.08
    furniture_height: Range = (0.4, 1.2)
    t60: Range = (0.25, 0.6)
    scattering: Range = (0.3, 0.7)
    least_nodes: int = 40

    def __post_init__(self) -> None:
        limits = {
            "length": (1, 40), "width": (1, 40), "height": (2.1, 10), "rooms": (1, 30), "furniture_height": (0.1, 1.4),
            "t60": (0.1, 3), "scattering": (0, 1),
        }  # fmt: skip
        for name, (least, most) in limits.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise ParameterError(f"{name} is a range (low, high) within {least} to {most}, got {getattr(self, name)!r}")
        if not (1 <= self.shortest_side <= 20 and self.least_nodes >= 1):
            raise ParameterError(
                f"shortest_side is 1 to 20 metres and least_nodes at least 1; got {self.shortest_side!r}, {self.least_nodes!r}"
            )
        if not (0 <= self.more_doorways <= 1 and 0 <= self.furniture <= 0.5):
            raise ParameterError(
                f"more_doorways is a chance from 0 to 1 and furniture a share from 0 to 0.5; "
                f"got {self.more_doorways!r}, {self.furniture!r}"
            )
        if self.length[1] * self.width[1] < self.least_nodes:
            raise ParameterError(
                f"a plan of {self.length[1]} x {self.width[1]} metres has no {self.least_nodes} places; "
                "lower least_nodes or raise length and width"
            )


def draw_plan(settings: PlanSettings, seed: int) -> FloorPlan:
    """Return the floor plan of a seed.

    Raises:
        SceneError: no plan of these settings has enough places after many tries.
    """
    most = 0
    for attempt in range(_TRIES):
        plan = _drawn(settings, generator(seed, "floor plan", attempt))
        most = max(most, len(plan.graph))
        if len(plan.graph) >= settings.least_nodes:
            for _ in range(_SETTLING):
                plan = _with_heard_t60(plan)
            return plan
    raise SceneError(
        f"none of {_TRIES} floor plans has {settings.least_nodes} places in one piece, the best {most}; "
        "lower least_nodes or furniture, or raise length and width"
    )


def _with_heard_t60(plan: FloorPlan) -> FloorPlan:
    """The plan with the T60 at 1 kHz that its rooms have with their doorways open, to the millisecond."""
    heard = CoupledRooms.of(plan, _SAMPLE_RATE).t60[:, 3].round(3).tolist()
    return replace(plan, rooms=tuple(replace(room, t60=t60) for room, t60 in zip(plan.rooms, heard, strict=True)))


def _drawn(settings: PlanSettings, rng: np.random.Generator) -> FloorPlan:
    size = int(rng.integers(*settings.length, endpoint=True)), int(rng.integers(*settings.width, endpoint=True))
    height = round(float(rng.uniform(*settings.height)), 2)
    rectangles = _split((0, 0, *size), int(rng.integers(*settings.rooms, endpoint=True)), settings.shortest_side, rng)
    doorways = _doorways(rectangles, settings.more_doorways, rng)
    door_height = min(2.0, height)
    rooms = []
    for number, (x0, y0, x1, y1) in enumerate(rectangles):
        openings = door_height * sum(number in door.rooms for door in doorways)
        longest = longest_t60((x1 - x0) * (y1 - y0) * height, openings)
        t60 = round(min(float(rng.uniform(*settings.t60)), longest), 3)
        scattering = round(float(rng.uniform(*settings.scattering)), 3)
        rooms.append(PlanRoom(f"room {number}", (x0, y0), (x1, y1), t60, scattering))
    furniture = _furniture(rectangles, doorways, settings, rng)
    return FloorPlan(size, height, tuple(rooms), tuple(doorways), tuple(furniture), door_height)


def longest_t60(volume: float, openings: float) -> float:
    """Return the longest T60 in seconds that is given to a room of ``volume`` m³ with ``openings`` m² of doorways."""
    if openings == 0:
        return math.inf
    leaving = speed_of_sound() * openings / (4 * volume)
    return _DOORWAY_SHARE * 6 * math.log(10) / leaving


def _split(whole: Rectangle, count: int, shortest: int, rng: np.random.Generator) -> list[Rectangle]:
    """Cut the largest rectangle that can be cut, across its longer side, until there are ``count``."""
    rectangles = [whole]
    while len(rectangles) < count:
        longer = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in rectangles]
        areas = [(x1 - x0) * (y1 - y0) * (longer[n] >= 2 * shortest) for n, (x0, y0, x1, y1) in enumerate(rectangles)]
        if max(areas) == 0:
            break
        x0, y0, x1, y1 = rectangles.pop(int(np.argmax(areas)))
        if x1 - x0 > y1 - y0 or (x1 - x0 == y1 - y0 and rng.random() < 0.5):
            cut = int(rng.integers(x0 + shortest, x1 - shortest, endpoint=True))
            rectangles += [(x0, y0, cut, y1), (cut, y0, x1, y1)]
        else:
            cut = int(rng.integers(y0 + shortest, y1 - shortest, endpoint=True))
            rectangles += [(x0, y0, x1, cut), (x0, cut, x1, y1)]
    return sorted(rectangles)


def _doorways(rectangles: list[Rectangle], more: float, rng: np.random.Generator) -> list[Doorway]:
    """One doorway for each branch of a random tree that joins all rooms, and now and then one more."""
    shared = list(_shared_walls(rectangles))
    joined = list(range(len(rectangles)))
    doorways = []
    for place in rng.permutation(len(shared)).tolist():
        first, second, across, line, low, high = shared[place]
        if joined[first] != joined[second]:
            old, new = joined[second], joined[first]
            joined = [new if part == old else part for part in joined]
        elif rng.random() >= more:
            continue
        start = int(rng.integers(low, high))
        doorways.append(Doorway((first, second), "x" if across == 0 else "y", line, start))
    return sorted(doorways, key=lambda door: (door.rooms, door.line, door.start))


def _shared_walls(rectangles: list[Rectangle]) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Walls between two rooms: (first room, second, axis across, line, low, high), at least a metre long."""
    for first, a in enumerate(rectangles):
        for second, b in enumerate(rectangles):
            for across in (0, 1):
                along = 1 - across
                low, high = max(a[along], b[along]), min(a[along + 2], b[along + 2])
                if a[across + 2] == b[across] and high > low:
                    yield first, second, across, a[across + 2], low, high


def _furniture(
    rectangles: list[Rectangle], doorways: list[Doorway], settings: PlanSettings, rng: np.random.Generator
) -> list[Furniture]:
    """Blocks that leave the square metres before doorways free and do not touch each other."""
    taken: set[tuple[int, int]] = set()
    for door in doorways:
        for side in (door.line - 1, door.line):
            taken.add((side, door.start) if door.across == "x" else (door.start, side))
    blocks: list[Furniture] = []
    floor = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in rectangles)
    left = settings.furniture * floor
    for _ in range(4 * floor):
        if left < 1:
            break
        x0, y0, x1, y1 = rectangles[int(rng.integers(len(rectangles)))]
        across, along = _FURNITURE_SIDES[int(rng.integers(len(_FURNITURE_SIDES)))]
        if x1 - x0 < across or y1 - y0 < along:
            continue
        x, y = int(rng.integers(x0, x1 - across, endpoint=True)), int(rng.integers(y0, y1 - along, endpoint=True))
        covered = {(i, j) for i in range(x, x + across) for j in range(y, y + along)}
        if covered & taken:
            continue
        taken |= {(i + di, j + dj) for i, j in covered for di in (-1, 0, 1) for dj in (-1, 0, 1)}
        blocks.append(Furniture((x, y), (x + across, y + along), round(float(rng.uniform(*settings.furniture_height)), 2)))
        left -= across * along
    return sorted(blocks, key=lambda block: (block.low, block.high))
