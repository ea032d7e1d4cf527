"""From attributes to a sentence: a seeded grammar in the vocabulary of BEWO-1M (arXiv:2410.10676).

A caption says all that its attributes say and nothing else, so that :func:`auris.data.language.parsing.parse` gives the same
attributes back, whatever the seed. What a caption leaves out is chosen beforehand, by :func:`mentioned`.

>>> from auris.data.language.attributes import SceneAttributes, SoundAttributes
>>> caption(SceneAttributes((SoundAttributes("dog", 1.0),)), seed=0)
"A dog's barking on the left-hand side."
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from auris import seeding
from auris.data.language.attributes import (
    FRONT,
    Distance,
    SceneAttributes,
    Size,
    SoundAttributes,
    Speed,
    direction_word,
)
from auris.data.language.sound_phrases import Clause, phrases_of
from auris.errors import ParameterError

_WHERE: dict[str, tuple[str, ...]] = {  # the first is left out beside a motion, which would go there
    "left": ("to the left", "on the left", "on the left side", "at the left of the scene", "on the left-hand side"),
    "front left": ("to the front left", "at the front left", "in the front left", "at the front left of the scene"),
    "front": ("in front", "directly ahead", "straight ahead", "at the front", "directly in front", "in front of the listener"),
    "front right": ("to the front right", "at the front right", "in the front right", "at the front right of the scene"),
    "right": ("to the right", "on the right", "on the right side", "at the right of the scene", "on the right-hand side"),
}
_STANDING = slice(1, None)
_DISTANCES: dict[Distance, tuple[str, ...]] = {
    "near": ("nearby", "close by", "at close range", "close to the listener"),
    "moderate": ("at a moderate distance", "at a medium distance", "some way off"),
    "far": ("far away", "in the distance", "a long way off", "far off"),
}
_ENDS: dict[Distance, tuple[str, ...]] = {  # after "from" and "to"
    "near": ("close by", "nearby"),
    "moderate": ("a moderate distance", "a medium distance", "some way off"),
    "far": ("far away", "far off", "a long way off"),
}
_SIZES: dict[Size, tuple[str, ...]] = {
    "outdoors": ("outdoors", "outside", "in the open air", "in an open field"),
    "large": ("in a large room", "in a large hall", "in a spacious hall", "in a big room"),
    "moderate": ("in a medium-sized room", "in a room of moderate size", "in a mid-sized room", "in a moderately sized room"),
    "small": ("in a small room", "in a tiny room", "in a cramped room", "in a little room"),
}
_ADVERBS: dict[Speed, tuple[str, ...]] = {
    "slow": ("slowly", "gradually"),
    "moderate": ("steadily",),
    "fast": ("quickly", "rapidly", "swiftly"),
    "instantly": ("instantly", "suddenly", "abruptly"),
}
_PACES: dict[Speed, tuple[str, ...]] = {
    "slow": ("slowly", "at a slow pace", "at a slow speed", "at a low speed"),
    "moderate": ("at a moderate speed", "at a moderate pace", "at a medium speed", "at a steady pace"),
    "fast": ("quickly", "rapidly", "at high speed", "at a fast pace", "at a fast speed"),
    "instantly": ("instantly", "all at once", "in an instant"),
}
_MOVES = (("moves", "move", "moving"), ("travels", "travel", "travelling"), ("shifts", "shift", "shifting"))
_PASSES = ("passes", "pass", "passing")
_JUMPS = (("jumps", "jump", "jumping"), ("shifts", "shift", "shifting"), ("leaps", "leap", "leaping"))
_FINITE_PAIRS = ("{0} while {1}", "{0}, while {1}", "{0} and {1}", "{0}, and {1}", "{0} as {1}", "{0}. {1}", "while {0}, {1}",
                 "as {0}, {1}")  # fmt: skip
_FRAGMENT_PAIRS = ("{0} and {1}", "{0}, and {1}", "{0} with {1}", "{0}, with {1}", "{0} alongside {1}", "{0}. {1}")
_LIST_ENDS = ("{0}, while {1}", "{0}. {1}", "{0}; {1}")


@dataclass(frozen=True)
class Mentions:
    """How often captions say what they could say: probabilities for a caption of one sound.

    Of several sounds less is said of each: speed is mentioned less often by their number, size and distance by its square.
    The defaults give about the lengths of BEWO-1M's captions (its figure of words per caption).

    Attributes:
        size: the size of the place.
        distance: of a sound that stays, and of both ends of a movement.
        speed: of a sound that moves; a jump is always called one.
        start: where a movement begins.
    """

    size: float = 0.5
    distance: float = 0.4
    speed: float = 0.6
    start: float = 0.7

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ParameterError(f"{field.name} is a probability from 0 to 1, got {getattr(self, field.name)!r}")


def mentioned(attributes: SceneAttributes, *, seed: int, shares: Mentions | None = None) -> SceneAttributes:
    """Return the attributes that a caption will say: descriptions, directions, and some of the rest."""
    chance, count = shares or Mentions(), max(len(attributes.sounds), 1)
    chances = (chance.distance / count**2, chance.speed / count, chance.start)
    rng = seeding.generator(seed, "mentions")
    sounds = []
    for sound in attributes.sounds:
        distance, speed, start = rng.random(3) < chances
        kept = sound if distance else replace(sound, distance=None, end_distance=None)
        if sound.moving and not speed and sound.speed != "instantly":
            kept = replace(kept, speed=None)
        if sound.moving and not start and sound.start != sound.end:
            kept = replace(kept, start=None)
        sounds.append(kept)
    return SceneAttributes(tuple(sounds), attributes.size if rng.random() < chance.size / count**2 else None)


def caption(attributes: SceneAttributes, *, seed: int) -> str:
    """Return a sentence, or a few, that say all of ``attributes``.

    Directions that have no word are given in degrees, to a tenth.

    Args:
        attributes: one sound or more; :meth:`SceneAttributes.in_words` makes every direction one of five words.
        seed: chooses among the ways to say it.

    Raises:
        ParameterError: there is no sound to speak of.
    """
    if not attributes.sounds:
        raise ParameterError("a caption needs at least one sound; these attributes have none")
    speaker = _Speaker(seeding.generator(seed, "caption"))
    fragments = bool(speaker.rng.random() < 0.4)
    clauses = [speaker.fragment(sound) if fragments else speaker.sentence(sound) for sound in attributes.sounds]
    text = speaker.joined(clauses, _FRAGMENT_PAIRS if fragments else _FINITE_PAIRS)
    if attributes.size is not None:
        place = speaker.one_of(_SIZES[attributes.size])
        starts_alike = text.startswith(("in ", "on ", "at ", "to ", "while ", "as ", *"0123456789"))
        last = speaker.rng.random() < 0.6 or starts_alike
        text = f"{text} {place}" if last else f"{place}, {text}"
    return ". ".join(part[0].upper() + part[1:] for part in text.split(". ")) + "."


class _Speaker:
    """Makes the choices of one caption."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one_of(self, ways: Sequence[str]) -> str:
        return ways[int(self.rng.integers(len(ways)))]

    # ── clauses ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def sentence(self, sound: SoundAttributes) -> str:
        """A clause with a finite verb."""
        return self._moving_sentence(sound) if sound.moving else self._still_sentence(sound)

    def fragment(self, sound: SoundAttributes) -> str:
        """A clause without: ``a dog barking on the left``."""
        who = self._fragment_subject(sound)
        if sound.moving:
            comma = who.endswith("ing") or self.rng.random() < 0.5  # not "barking moving"
            return f"{who}{', ' if comma else ' '}{self._motion(sound, form=2)}"
        place = self._place(sound)
        if not place or self.rng.random() < 0.75:
            return f"{who} {place}".strip()
        return f"{who}, located {place}" if place.startswith(("on ", "at ", "in ")) else f"{who} {place}"

    def _still_sentence(self, sound: SoundAttributes) -> str:
        place = self._place(sound)
        clause = self._clause(sound)
        if clause is None:
            noun, plural = self._noun(sound)
            heard = self.one_of(("are heard" if plural else "is heard", "can be heard"))
            if sound.start is not None and sound.distance is None and sound.start == round(sound.start):
                word = direction_word(sound.start)
                come = "come" if plural else "comes"
                heard = self.one_of((heard, come))
                if heard == come:
                    return f"{noun} {come} from the {word}" + self.one_of(("", " of the scene"))
            return f"{noun} {heard} {place}".strip()
        if sound.start is not None and self.rng.random() < 0.15:
            return f"{place}, {self._acts(clause)}"
        return f"{self._acts(clause)} {place}".strip()

    def _moving_sentence(self, sound: SoundAttributes) -> str:
        clause = self._clause(sound)
        if clause is None:
            noun, plural = self._noun(sound)
            return f"{noun} {self._motion(sound, form=int(plural))}"
        way = int(self.rng.integers(5))
        if way == 0:
            return f"{clause.subject} {clause.participle} {self._motion(sound, form=int(clause.plural))}"
        if way == 1:
            return f"{self._acts(clause)} and {self._motion(sound, form=int(clause.plural))}"
        if way == 2:
            several = clause.plural or clause.subject in _PEOPLE
            return f"{self._acts(clause)} as {'they' if several else 'it'} {self._motion(sound, form=int(several))}"
        return f"{self._acts(clause)}{self.one_of((',', ' while', ','))} {self._motion(sound, form=2)}"

    def _acts(self, clause: Clause) -> str:
        be = "are" if clause.plural else "is"
        return f"{clause.subject} {self.one_of((clause.verb, clause.verb, f'{be} {clause.participle}'))}"

    def _clause(self, sound: SoundAttributes) -> Clause | None:
        """A clause three times of four, where the class has one; None speaks of it by a noun."""
        clauses = phrases_of(sound.description).clauses
        if not clauses or self.rng.random() < 0.25:
            return None
        return clauses[int(self.rng.integers(len(clauses)))]

    def _noun(self, sound: SoundAttributes) -> tuple[str, bool]:
        nouns = phrases_of(sound.description).nouns
        noun = nouns[int(self.rng.integers(len(nouns)))]
        return noun.phrase, noun.plural

    def _fragment_subject(self, sound: SoundAttributes) -> str:
        clause = self._clause(sound)
        return self._noun(sound)[0] if clause is None else f"{clause.subject} {clause.participle}"

    # ── space ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _place(self, sound: SoundAttributes) -> str:
        """Where a still sound is."""
        parts = [] if sound.start is None else [self._where(sound.start)]
        if sound.distance is not None:
            # "at a moderate distance" may follow; "nearby" and "far away" sound better first.
            after = sound.distance == "moderate" and self.rng.random() < 0.5
            parts.insert(len(parts) if after else 0, self.one_of(_DISTANCES[sound.distance]))
        return " ".join(parts)

    def _where(self, direction: float, *, ways: slice = slice(None)) -> str:
        if direction == round(direction):
            return self.one_of(_WHERE[direction_word(direction)][ways])
        return f"{self.one_of(('', 'at '))}{_degrees(direction)} to the {_side(direction)}"

    def _motion(self, sound: SoundAttributes, *, form: int) -> str:
        """``moves slowly from the left to the right``; ``form`` is 0 for one that moves, 1 for several, 2 for moving."""
        jump = sound.speed == "instantly"
        between = sound.start is not None and sound.end is not None and sound.start != sound.end
        roams = sound.start == sound.end
        verbs = _JUMPS if jump else (*_MOVES, _PASSES) if between else _MOVES[:1] if roams else _MOVES
        verb = verbs[int(self.rng.integers(len(verbs)))][form]
        path = self._path(sound)
        if sound.speed is None:
            return f"{verb} {path}"
        if jump and verb.startswith(("jump", "leap")) and self.rng.random() < 0.3:
            return f"{verb} {path}"
        adverb = self.one_of(_ADVERBS[sound.speed])
        way = int(self.rng.integers(4))
        if way == 0:
            return f"{adverb} {verb} {path}"
        if way == 1:
            return f"{verb} {adverb} {path}"
        return f"{verb} {path} {self.one_of(_PACES[sound.speed])}"

    def _path(self, sound: SoundAttributes) -> str:
        start, end, near, far = sound.start, sound.end, sound.distance, sound.end_distance
        if near is not None and far is not None and near != far:
            return self._path_through_distance(start, end, near, far)
        style = self.one_of(("", "the ", "the "))
        if start is not None and start == end:
            path = f"about {self._where(start, ways=_STANDING)}"
        elif start is not None and end is not None:
            path = f"from {_end(start, style)} {self.one_of(('to', 'to', 'towards'))} {_end(end, style)}"
        elif end is not None:
            path = f"{self.one_of(('towards', 'towards', 'over to'))} {_end(end, style)}"
        elif start is not None:
            path = f"away from {_end(start, style)}"
        else:
            path = self.one_of(("about", "around"))
        if near is not None and near == far:
            return f"{path} {self.one_of(_DISTANCES[near])}"
        if near is not None:
            return f"{path}, starting {self.one_of(_DISTANCES[near])},"
        return path if far is None else f"{path}, ending {self.one_of(_DISTANCES[far])},"

    def _path_through_distance(self, start: float | None, end: float | None, near: Distance, far: Distance) -> str:
        first, last = self.one_of(_ENDS[near]), self.one_of(_ENDS[far])
        if start is not None and start == end:
            return f"from {first} to {last}, always {self._where(start, ways=_STANDING)},"
        first = first if start is None else f"{first} {self._where(start, ways=_STANDING)}"
        return f"from {first} to {last}" + ("" if end is None else f" {self._where(end, ways=_STANDING)}")

    # ── sentences ────────────────────────────────────────────────────────────────────────────────────────────────────

    def joined(self, clauses: list[str], pairs: Sequence[str]) -> str:
        """One to four clauses as one text; more become more sentences."""
        tidy = [clause.rstrip(",") for clause in clauses]
        if len(clauses) == 1:
            return tidy[0]
        if len(clauses) == 2:
            # After a clause with a comma, another one ends it; "as a dog barks, on the left, rain falls" would be unclear.
            ways = [way for way in pairs if way.startswith(("{0},", "{0}.") if "," in clauses[0] else "")]
            if "," in clauses[1] or any(word in clauses[0] for word in (" as ", " while ")):
                ways = [way for way in ways if way[0] == "{" and way != "{0} as {1}"]
            return self.one_of(ways).format(*tidy)
        rest = self.joined(clauses[2:], ("{0} and {1}", "{0}, and {1}"))
        comma = any("," in clause for clause in clauses[:2])
        first = f"{tidy[0]}{',' if comma else ''} and {tidy[1]}"
        return self.one_of(_LIST_ENDS if not comma and len(clauses) < 5 else _LIST_ENDS[1:]).format(first, rest)


_PEOPLE = ("someone", "a person", "a woman", "a man", "an infant")


def _degrees(direction: float) -> str:
    return f"{round(45 * abs(FRONT - direction), 1):g} degrees"


def _side(direction: float) -> str:
    return "left" if direction < FRONT else "right"


def _end(direction: float, style: str) -> str:
    """One end of a path."""
    if direction == round(direction):
        return f"{style}{direction_word(direction)}"
    return f"{_degrees(direction)} {_side(direction)}"
