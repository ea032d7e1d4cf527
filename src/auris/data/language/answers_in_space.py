"""Answers by rules to questions about directions and distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auris.data.language.answers import Answer
from auris.data.language.free_questions import Understood
from auris.data.language.heard_sounds import HeardScene, HeardSound, bearing
from auris.data.language.phrases import axis_of, half_metres, metres_text, word_of
from auris.data.language.question_grammar import Asked
from auris.data.language.questions import HeardSource, answered
from auris.data.language.reasoned_answers import Told, chosen, joined_labels, lines, pair, yes_no
from auris.errors import SceneError
from auris.geometry import angle_between

_SAME_PLACE_DEG = 30.0
_SAME_METRES = 0.5  # a distance that is right, as answers are scored
_ALMOST_DEG = 10.0  # beyond the plane between two directions


def described_place(place: HeardSource, distances: str, *, exact: bool = True) -> Answer:
    """Return the published answer for a place; without the distance where it is not known."""
    return Answer(words=place.words, distance=half_metres(place.distance) if exact and distances == "known" else None)


def place(heard: HeardScene, part: Understood) -> Told:
    """Where it is: ``left, front, above; 2m``."""
    if part.several or (part.type == "PLACE" and not part.subject and part.several):
        found = heard.of_class(part.subject)
        if len(found) > 1:
            texts = [f"{sound.label}: {described_place(sound.place, heard.distances).text}" for sound in found]
            return Told(" | ".join(texts), lines(heard, found), found)
    sound, why = chosen(heard, part)
    if part.type == "DIRECTION":
        return Told(", ".join(sound.place.words), why, (sound,))
    if part.type == "BEARING":
        return Told(bearing(sound), why, (sound,))
    if part.type == "HOW_FAR":
        return Told(metres_text(half_metres(sound.place.distance)), why, (sound,))
    text = described_place(sound.place, heard.distances).text
    if heard.distances == "unknown" and part.type != "PLACE":
        return Told(f"{text}; distance unknown", (*why, "this listener says directions only"), (sound,))
    return Told(text, why, (sound,))


def side(heard: HeardScene, part: Understood) -> Told:
    """Whether it is in a direction; whether all are, if several are named."""
    if part.other or part.several:
        names = [name for name in (part.subject, part.other) if name] or [""]
        found = tuple(s for name in names for s in (heard.of_class(name) if part.several else [heard.main(name)[0]]))
        why = lines(heard, found)
    else:
        sound, why = chosen(heard, part)
        found = (sound,)
    fits = all(word in sound.place.words for sound in found for word in part.words)
    beside = "; ".join(f"{sound.label}: {_from_planes(sound, part.words)}" for sound in found)
    return Told(yes_no(fits), (*why, beside), found)


def _from_planes(sound: HeardSound, words: Sequence[str]) -> str:
    """How far a sound is on either side of the planes between directions."""
    said = []
    for axis in sorted({axis_of(word) for word in words}):
        angle = sound.place.angle_deg(axis)
        said.append(f"{abs(angle):.0f}° {word_of(axis, angle)}")
    return ", ".join(said)


def which_side(heard: HeardScene, part: Understood) -> Told:
    """Left or right: one word."""
    sound, why = chosen(heard, part)
    axis = axis_of(part.words[0])
    return Told(sound.place.words[axis], (*why, f"{sound.label}: {_from_planes(sound, part.words[:1])}"), (sound,))


def relative(heard: HeardScene, part: Understood) -> Told:
    """Where one sound is as seen from another, looking as the listener looks: ``right, behind, below; 2.5m``."""
    first, second, why = pair(heard, part)
    (x, y, z), (x0, y0, z0) = first.place.position, second.place.position
    offset = (x - x0, y - y0, z - z0)
    if not any(offset):
        raise SceneError(f"{first.label} and {second.label} are heard at one place; {heard.heard()}")
    seen = HeardSource((first.label,), offset)
    line = f"{first.label} as seen from {second.label}, looking ahead as the listener does: {seen.distance:.1f} m"
    return Told(
        described_place(seen, heard.distances).text, (*why, line) if heard.distances == "known" else why, (first, second)
    )


def within(heard: HeardScene, part: Understood) -> Told:
    """Whether nearer or farther than some metres, or as far as that."""
    found: tuple[HeardSound, ...]
    if part.other:
        first, second, why = pair(heard, part)
        metres, found = math.dist(first.place.position, second.place.position), (first, second)
        what = f"they are {metres:.1f} m apart"
    else:
        sound, why = chosen(heard, part)
        metres, found, what = sound.place.distance, (sound,), f"{sound.label} is {sound.place.distance:.1f} m away"
    fits = _fits_metres(metres, part) and all(word in found[0].place.words for word in part.words)
    limits = {"nearer": "less than", "farther": "more than"}
    limit = limits.get(part.relation, f"within {_SAME_METRES:g} m of")
    return Told(yes_no(fits), (*why, f"{what}; asked: {limit} {part.distance:g} m"), found)


def _fits_metres(metres: float, part: Understood) -> bool:
    if part.distance is None:
        return True
    if part.relation == "nearer":
        return metres < part.distance
    return metres > part.distance if part.relation == "farther" else abs(metres - part.distance) <= _SAME_METRES


def compared_pair(heard: HeardScene, part: Understood) -> Told:
    """The published questions that compare two named sounds."""
    first, second, why = pair(heard, part)
    asked = part.asked or Asked("MIXUP_DIRECTION", first.label, second.label, part.words, relation="alike")
    asked = replace(asked, subject=first.label, other=second.label)
    if not part.subject:
        asked = replace(asked, type=part.type if part.type == "MIXUP_NONBINARY_DISTANCE" else "MIXUP_DIRECTION")
        asked = replace(asked, relation="apart" if part.relation == "apart" else "alike" if part.relation == "alike" else "")
    a, b = first.place, second.place
    if first.label == second.label:  # unnamed, of one class
        a, b = replace(a, labels=("first",)), replace(b, labels=("second",))
        asked = replace(asked, subject="first", other="second")
    text = answered(asked, [a, b]).text
    return Told(text, (*why, _comparison(part, first, second, heard)), (first, second))


def _comparison(part: Understood, first: HeardSound, second: HeardSound, heard: HeardScene) -> str:
    """What was compared, in metres and degrees."""
    a, b = first.place, second.place
    if part.type == "MIXUP_NONBINARY_DISTANCE":
        return f"{first.label} and {second.label} are {math.dist(a.position, b.position):.1f} m apart"
    if part.relation in ("nearer", "farther"):
        return _by_distance(first, second)
    axis = axis_of(part.words[0])
    angles = f"{first.label} {_from_planes(first, part.words[:1])}, {second.label} {_from_planes(second, part.words[:1])}"
    if part.relation in ("alike", "apart"):
        return angles
    offset = a.coordinate(axis) - b.coordinate(axis)
    metres = f": {abs(offset):.1f} m further {word_of(axis, offset)}" if heard.distances == "known" else ""
    return f"{angles}{f'; {first.label} lies{metres[1:]}' if metres else ''}"


def _by_distance(first: HeardSound, second: HeardSound) -> str:
    difference = second.place.distance - first.place.distance
    return f"{first.label} is {abs(difference):.1f} m {'nearer' if difference > 0 else 'farther'} than {second.label}"


def nearer_or_farther(heard: HeardScene, part: Understood) -> Told:
    """Which of the two a sound is."""
    first, second, why = pair(heard, part)
    nearer = first.place.distance < second.place.distance
    return Told("nearer" if nearer else "farther", (*why, _by_distance(first, second)), (first, second))


def same_distance(heard: HeardScene, part: Understood) -> Told:
    """Whether two are about as far away."""
    first, second, why = pair(heard, part)
    difference = abs(first.place.distance - second.place.distance)
    return Told(yes_no(difference <= _SAME_METRES), (*why, f"their distances differ by {difference:.1f} m"), (first, second))


def angle_apart(heard: HeardScene, part: Understood) -> Told:
    """The angle between two, or whether they come from one place."""
    first, second, why = pair(heard, part)
    angle = math.degrees(float(angle_between(np.array(first.place.position), np.array(second.place.position))))
    line = f"the angle between {first.label} and {second.label} is {angle:.0f}°"
    if part.type == "ANGLE":
        return Told(f"{angle:.0f}°", (*why, line), (first, second))
    same = angle <= _SAME_PLACE_DEG
    return Told(
        yes_no(same == (part.relation == "alike")), (*why, f"{line}; one place is up to {_SAME_PLACE_DEG:g}°"), (first, second)
    )


def at_place(heard: HeardScene, part: Understood) -> Told:
    """What is heard from a place, or from some distance."""
    everything = heard.of_class(part.subject)
    if part.relation in ("nearer", "farther") and part.distance is None:
        return which(heard, part)
    found = [source for source in everything if all(word in source.place.words for word in part.words)]
    almost = [source for source in everything if all(_outside_deg(source, word) <= _ALMOST_DEG for word in part.words)]
    fitting = found or almost
    if part.distance is not None and fitting:
        told = part.distance
        best = min(fitting, key=lambda source: abs(source.place.distance - told))
        off = abs(best.place.distance - told)
        fitting = [best] if off <= max(1.0, told / 2) else []
    note = () if found or not fitting else (f"not quite there, but within {_ALMOST_DEG:g}°: {joined_labels(fitting)}",)
    return Told(joined_labels(fitting), (*lines(heard, everything), *note), tuple(fitting))


def _outside_deg(sound: HeardSound, word: str) -> float:
    """Degrees by which a sound misses a direction, 0 if it does not."""
    angle = sound.place.angle_deg(axis_of(word))
    return max(0.0, -angle if word in ("left", "front", "above") else angle)


def which(heard: HeardScene, part: Understood) -> Told:
    """Which of two or more is nearest, leftmost ..., or on a side."""
    if part.subject and part.other:
        first, second, why = pair(heard, part)
        candidates: Sequence[HeardSound] = (first, second)
    else:
        candidates = heard.of_class("")
        why = lines(heard, candidates)
    ranked = _ranked(candidates, part)
    fitting = [sound for sound in ranked if part.relation or all(word in sound.place.words for word in part.words)]
    best = (fitting or ranked)[0]
    note = () if fitting else (f"none is there; {best.label} comes closest to it",)
    return Told(best.label, (*why, *note, _ranking(ranked, part, heard)), (best,))


def _ranked(sounds: Sequence[HeardSound], part: Understood) -> list[HeardSound]:
    """Sounds, those first that are nearer, farther or more in a direction."""
    if part.relation in ("nearer", "farther"):
        return sorted(sounds, key=lambda sound: sound.place.distance, reverse=part.relation == "farther")
    word = part.words[0]
    sign = -1 if word in ("left", "front", "above") else 1
    return sorted(sounds, key=lambda sound: sign * sound.place.coordinate(axis_of(word)))


def _ranking(ranked: Sequence[HeardSound], part: Understood, heard: HeardScene) -> str:
    if part.relation in ("nearer", "farther"):
        said = [f"{sound.label} {sound.place.distance:.1f} m" for sound in ranked]
    elif heard.distances == "unknown":
        said = [f"{sound.label} {_from_planes(sound, part.words[:1])}" for sound in ranked]
    else:
        axis = axis_of(part.words[0])
        metres = [(sound.label, sound.place.coordinate(axis)) for sound in ranked]
        said = [f"{label} {abs(value):.1f} m {word_of(axis, value)}" for label, value in metres]
    return f"in order: {', '.join(said)}"


def extreme(heard: HeardScene, part: Understood) -> Told:
    """Whether a sound is the nearest, the leftmost ... of all."""
    mine = heard.of_class(part.subject)
    ranked = _ranked(heard.of_class(""), part)
    why = (*lines(heard, ranked), _ranking(ranked, part, heard))
    return Told(yes_no(ranked[0] in mine), why, mine)


def compared_with(heard: HeardScene, part: Understood) -> Told:
    """What is nearer, further left ... than a sound, on its side, or within some metres."""
    if part.distance is not None:
        everything = heard.of_class("")
        fitting = [s for s in everything if _fits_metres(s.place.distance, part) and set(part.words) <= set(s.place.words)]
        return Told(joined_labels(fitting), lines(heard, everything), tuple(fitting))
    other, why = heard.main(part.other)
    rest = [source for source in heard.sources if source is not other]
    fitting = [source for source in rest if _is_related(source, other, part)]
    comparisons = [_comparison(part, source, other, heard) for source in rest]
    return Told(joined_labels(fitting), (*lines(heard, [other, *rest]), *why, *comparisons), tuple(fitting))


def _is_related(sound: HeardSound, other: HeardSound, part: Understood) -> bool:
    if part.relation in ("nearer", "farther"):
        return (sound.place.distance < other.place.distance) == (part.relation == "nearer")
    axis = axis_of(part.words[0])
    if part.relation in ("alike", "apart"):
        return (sound.place.words[axis] == other.place.words[axis]) == (part.relation == "alike")
    return word_of(axis, sound.place.coordinate(axis) - other.place.coordinate(axis)) == part.words[0]
