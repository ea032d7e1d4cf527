"""How the sources of a BEWO-1M clip move, in the whole clip or in a part of it, as a generator is told (arXiv:2410.10676).

A generator knows a start, an end, and the share of the clip that the movement takes, in its middle. Of a part of a clip only
the movement that falls into it is told: it begins and ends where the source is when the part does, and takes the share of the
part that it moves in. In the middle of the part it is put all the same; the published form has no place for anything else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from auris.io.bewo import BewoRecord
from auris.models.generating import LEFT, MOST_SOUNDS, RIGHT, SoundRequest

Directions = Literal["classes", "angles"]
Beginnings = Literal["centred", "recorded"]
_LEAST_DISTANCE = 0.05
_NEVER = 2.0  # later than the end of the clip


class Window(NamedTuple):
    """A part of a clip, as shares of its length: ``begin`` and ``end``, 0 to 1."""

    begin: float = 0.0
    end: float = 1.0


@dataclass(frozen=True, slots=True)
class SourceMotion:
    """One source's way through a clip.

    Attributes:
        start: x and y in metres from the middle of the microphones, x to the right and y to the front.
        end: the same at the end.
        directions: told for start and end, 1 (left) to 5 (right).
        takes: share of the clip that the movement takes; 0 for none.
        begins: sample of the file at which it begins; None puts it into the middle.
        jumps: share of the clip after which the source jumps; 0 for one that does not.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    directions: tuple[float, float]
    takes: float
    begins: int | None
    jumps: float

    def request(self, window: Window, *, frames: int, description: str) -> SoundRequest:
        """Return what a generator is told of a part of the clip.

        Args:
            window: the part.
            frames: samples of the whole file, which a recorded beginning is counted in.
            description: what sounds, in words.
        """
        first, last = (self._state(share, frames) for share in window)
        moved = self._share(window, frames)
        if not moved or first == last:
            return SoundRequest(description, first[0], first[0], 0.0, first[1], first[1])
        return SoundRequest(description, first[0], last[0], moved, first[1], last[1])

    def _share(self, window: Window, frames: int) -> float:
        """The share of the window that the movement takes; below 0 for a jump, after that share; 0 where there is none."""
        length = window.end - window.begin
        if self.jumps:
            inside = window.begin < self.jumps < window.end
            return -(self.jumps - window.begin) / length if inside else 0.0
        begins = self._begins(frames)
        overlap = min(window.end, begins + self.takes) - max(window.begin, begins)
        return min(max(overlap, 0.0) / length, 1.0)

    def _begins(self, frames: int) -> float:
        free = 1 - self.takes
        return free / 2 if self.begins is None else min(self.begins / max(frames, 1), free)

    def _done(self, share: float, frames: int) -> float:
        """How much of the movement is over, 0 to 1."""
        if self.jumps:
            return float(share >= self.jumps)
        if not self.takes:
            return 0.0
        return min(max((share - self._begins(frames)) / self.takes, 0.0), 1.0)

    def _state(self, share: float, frames: int) -> tuple[float, float]:
        """Direction and distance after a share of the clip: on a straight line, but with the directions that are told."""
        done = self._done(share, frames)
        x, y = (a + (b - a) * done for a, b in zip(self.start, self.end, strict=True))
        told = [given - direction_of(*place) for given, place in zip(self.directions, (self.start, self.end), strict=True)]
        direction = direction_of(x, y) + told[0] + (told[1] - told[0]) * done
        distance = max(math.hypot(x, y), _LEAST_DISTANCE)
        return round(min(max(direction, LEFT), RIGHT), 6), round(distance, 6)


def direction_of(x: float, y: float) -> float:
    """Return the direction of a place, 1 (left) to 5 (right); what is behind is folded to the front.

    >>> [direction_of(*place) for place in ((-2, 0), (0, 3), (1, 1), (1, -1))]
    [1.0, 3.0, 4.0, 4.0]
    """
    return 5 - math.degrees(math.atan2(abs(y), x)) / 45


def motions(record: BewoRecord, *, directions: Directions, begins: Beginnings) -> tuple[SourceMotion, ...] | None:
    """Return the ways of a clip's sources; None where there are more than a generator takes.

    Args:
        record: the clip's line.
        directions: ``classes`` tells the published classes 1 to 5, ``angles`` what the angles say.
        begins: ``recorded`` takes ``move_start_time`` as a sample of the file, as sets made by auris have it; ``centred`` puts
            every movement into the middle, as the published model does. The published unit is not known.
    """
    if record.sources > MOST_SOUNDS:
        return None
    return tuple(_motion(record, number, directions, begins) for number in range(record.sources))


def _motion(record: BewoRecord, number: int, directions: Directions, begins: Beginnings) -> SourceMotion:
    centre = [(low + high) / 2 for low, high in record.micro_pos[:2]]
    start, end = ((row[0] - centre[0], row[1] - centre[1]) for row in (record.start[number], record.end[number]))
    speed, jump = record.raw_speed[number], record.change_step[number]
    takes = 0.0 if speed in ("still", "instantly") else record.speed_ratio[number]
    jumps = (jump or _NEVER) if speed == "instantly" else 0.0
    if directions == "classes":
        told = (float(record.raw_start[number]), float(record.raw_end[number]))
    else:
        told = (_of_angle(record.start_angle[number]), _of_angle(record.end_angle[number]))
    recorded = record.move_start_time[number] if begins == "recorded" else None
    return SourceMotion(start, end, told, takes, recorded, jumps)


def _of_angle(angle_deg: float) -> float:
    """The direction of a published angle: 0 right, 90 front, 180 left."""
    angle = math.radians(angle_deg)
    return direction_of(math.cos(angle), math.sin(angle))
