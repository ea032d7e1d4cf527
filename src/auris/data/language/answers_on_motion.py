"""Answers by rules to questions about motion: what moves, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from auris.data.language.free_questions import Understood
from auris.data.language.heard_sounds import HeardScene, HeardSound, seconds
from auris.data.language.phrases import axis_of, word_of
from auris.data.language.questions import HeardSource
from auris.data.language.reasoned_answers import Told, chosen, joined_labels, lines, yes_no
from auris.geometry import angle_between

_LEAST_METRES = 0.5  # by which a distance must change, and by a fifth
_LEAST_DEG = 15.0  # by which a direction must stray
_LEAST_TURN_DEG = 10.0  # towards the side that is asked for


@dataclass(frozen=True)
class _Motion:
    """How a sound moves from where it is first heard to where it is last heard."""

    first: HeardSource
    last: HeardSource
    strays_deg: float

    @classmethod
    def of(cls, sound: HeardSound) -> _Motion:
        start, end = (HeardSource((sound.label,), tuple(point)) for point in sound.track[[0, -1]].tolist())
        return cls(start, end, float(np.degrees(angle_between(sound.track, sound.track[0]).max())))

    @property
    def nearer(self) -> float:
        """Metres by which it comes nearer."""
        return self.first.distance - self.last.distance

    def changes_distance(self, distances: str) -> bool:
        """Whether it comes nearer or goes away for sure."""
        return distances == "known" and abs(self.nearer) > max(_LEAST_METRES, 0.2 * self.first.distance)

    def moves(self, distances: str) -> bool:
        return self.strays_deg > _LEAST_DEG or self.changes_distance(distances)


def moves(heard: HeardScene, part: Understood) -> Told:
    """Whether it moves, rests, moves towards a direction, or comes nearer."""
    if not part.subject and not part.number and len(heard.of_class("")) > 1:
        return replace(moving(heard, part), text=yes_no(bool(moving(heard, part).sounds)))
    sound, why = chosen(heard, part)
    return Told(yes_no(_moves_so(_Motion.of(sound), part, heard.distances)), (*why, _motion_line(sound, heard)), (sound,))


def _moves_so(motion: _Motion, part: Understood, distances: str) -> bool:
    if part.relation == "rests":
        return not motion.moves(distances)
    if part.relation in ("nearer", "farther"):
        return motion.changes_distance(distances) and (motion.nearer > 0) == (part.relation == "nearer")
    if not motion.moves(distances):
        return False
    for word in part.words:
        turned = motion.last.angle_deg(axis_of(word)) - motion.first.angle_deg(axis_of(word))
        if abs(turned) < _LEAST_TURN_DEG or word_of(axis_of(word), turned) != word:
            return False
    return True


def moving(heard: HeardScene, part: Understood) -> Told:
    """What moves, rests, or comes nearer."""
    everything = heard.of_class("")
    found = tuple(sound for sound in everything if _moves_so(_Motion.of(sound), part, heard.distances))
    why = tuple(_motion_line(sound, heard) for sound in everything)
    return Told(joined_labels(found), (*lines(heard, everything), *why), found)


def motion(heard: HeardScene, part: Understood) -> Told:
    """How it moves: ``from the left to the right, coming nearer``."""
    sound, why = chosen(heard, part)
    return Told(_motion_text(_Motion.of(sound), heard), (*why, _motion_line(sound, heard)), (sound,))


def _motion_text(found: _Motion, heard: HeardScene) -> str:
    if not found.moves(heard.distances):
        return "it does not move"
    start, end = _sector(found.first), _sector(found.last)
    parts = [f"from {start} to {end}"] if start != end else []
    if start == end and found.strays_deg > _LEAST_DEG:
        turned = found.last.angle_deg(0) - found.first.angle_deg(0)
        parts.append(f"a little to the {word_of(0, turned)}, {start}" if abs(turned) > _LEAST_TURN_DEG else f"about, {start}")
    rise = found.last.angle_deg(2) - found.first.angle_deg(2)
    if abs(rise) > _LEAST_DEG:
        parts.append("upwards" if rise > 0 else "downwards")
    if found.changes_distance(heard.distances):
        parts.append("coming nearer" if found.nearer > 0 else "going away")
    return ", ".join(parts)


def _sector(place: HeardSource) -> str:
    """The eighth of the horizon in which a place lies."""
    names = (
        "the front",
        "the front left",
        "the left",
        "the back left",
        "the back",
        "the back right",
        "the right",
        "the front right",
    )
    return names[round(math.atan2(place.position[1], place.position[0]) / (math.pi / 4)) % 8]


def _motion_line(sound: HeardSound, heard: HeardScene) -> str:
    found = _Motion.of(sound)
    metres = f", from {found.first.distance:.1f} m to {found.last.distance:.1f} m" if heard.distances == "known" else ""
    times = f"between {seconds(sound.onset)} and {seconds(sound.offset)}"
    return f"{sound.label} strays by {found.strays_deg:.0f}° {times}{metres}"
