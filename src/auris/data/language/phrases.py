"""Words for places: the published ones (left, behind, below; 2.5m) and what people say for them, said and read back.

Directions are those of the listener: left or right, front or behind, above or below. Distances are in steps of half a metre.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from auris.errors import ParameterError

AXES: tuple[tuple[str, str], ...] = (("left", "right"), ("front", "behind"), ("above", "below"))
WORDS: tuple[str, ...] = tuple(word for axis in AXES for word in axis)

Comparison = Literal["nearer", "farther"]
Phrases = Mapping[str, tuple[str, ...]]

# Where something is, after "is" or "hear".
_AT: Phrases = {
    "left": ("to your left", "on your left", "on the left", "on your left side", "on your left-hand side"),
    "right": ("to your right", "on your right", "on the right", "on your right side", "on your right-hand side"),
    "front": ("in front of you", "ahead of you", "in front"),
    "behind": ("behind you", "at your back", "to your rear"),
    "above": ("above you", "above your head", "higher than your ears"),
    "below": ("below you", "beneath you", "lower than your ears"),
}
# Where it comes from, after "coming" or "hear".
_FROM: Phrases = {
    "left": ("from the left", "from your left", "from the left side", "from your left side"),
    "right": ("from the right", "from your right", "from the right side", "from your right side"),
    "front": ("from the front", "from in front of you", "from ahead"),
    "behind": ("from behind", "from behind you", "from the back", "from the rear"),
    "above": ("from above", "from above you"),
    "below": ("from below", "from below you", "from beneath you"),
}
# How it lies to another sound. "In front of the rain" may mean on this side of it, so front and behind are said as here.
_MOST: Phrases = {
    "left": ("further to the left", "farther left", "more to the left"),
    "right": ("further to the right", "farther right", "more to the right"),
    "front": ("further to the front", "further forward", "more to the front"),
    "behind": ("further to the back", "further back", "more to the back"),
    "above": ("higher", "higher up"),
    "below": ("lower", "lower down"),
}
_THAN: Phrases = {word: tuple(f"{phrase} than" for phrase in phrases) for word, phrases in _MOST.items()} | {
    "left": ("to the left of", "further to the left than", "farther left than"),
    "right": ("to the right of", "further to the right than", "farther right than"),
}
# By axis: which way it lies to another sound, and whether two lie alike.
_WHETHER: Phrases = {
    "left": ("further to the left or to the right", "more to the left or more to the right", "to the left or to the right"),
    "front": ("further to the front or to the back", "further forward or further back"),
    "above": ("higher or lower", "higher up or lower down"),
}
_ALIKE: Phrases = {
    "left": ("both on your left or both on your right", "on the same side of you, left or right"),
    "front": ("both in front of you or both behind you", "on the same side of you, in front or behind"),
    "above": ("both above you or both below you", "both higher than your ears or both lower than your ears"),
}
_APART: Phrases = {
    "left": ("on different sides of you, left and right", "on opposite sides of you, left and right"),
    "front": ("on different sides of you, front and back", "on opposite sides of you, front and back"),
    "above": ("on different sides of ear level, above and below", "on opposite sides of ear level, above and below"),
}
_COMPARATIVE: Phrases = {
    "nearer": ("closer to you", "nearer to you", "less distant from you", "less far away from you"),
    "farther": ("farther from you", "farther away from you", "more distant from you", "further away from you"),
}
_ATTRIBUTE: Phrases = {
    "nearer": ("nearer", "closer", "less distant"),
    "farther": ("farther", "more distant", "more remote"),
}
_ABOUT = ("about", "around", "roughly", "approximately")
_METRES = ("metres", "meters")


def word_of(axis: int, value: float) -> str:
    """Return the word for a coordinate: 0 left or right, 1 front or behind, 2 above or below; above 0 is the first."""
    return AXES[axis][0 if value > 0 else 1]


def opposite(word: str) -> str:
    """Return the other word of an axis.

    >>> opposite("behind")
    'front'
    """
    first, second = AXES[axis_of(word)]
    return second if word == first else first


def axis_of(word: str) -> int:
    """Return 0 for left and right, 1 for front and behind, 2 for above and below.

    Raises:
        ParameterError: the word is none of these.
    """
    for number, axis in enumerate(AXES):
        if word in axis:
            return number
    raise ParameterError(f"a direction is one of {', '.join(WORDS)}; got {word!r}")


def half_metres(distance: float) -> float:
    """Return a distance rounded to half metres, halves to even as published.

    >>> half_metres(0.25), half_metres(0.75), half_metres(2.3)
    (0.0, 1.0, 2.5)
    """
    return round(2 * distance) / 2


def metres_text(distance: float) -> str:
    """Return a distance as it is answered.

    >>> metres_text(4.0), metres_text(2.5)
    ('4m', '2.5m')
    """
    return f"{distance:g}m"


# ── said ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def at_place(words: Sequence[str], rng: np.random.Generator) -> str:
    """Say where something is: ``to your left and behind you``."""
    return _joined([_pick(_AT[word], rng) for word in words])


def from_place(words: Sequence[str], rng: np.random.Generator) -> str:
    """Say where something comes from: ``from the left``, ``from the left, behind, below``."""
    if len(words) == 1:
        return _pick(_FROM[words[0]], rng)
    if len(words) == 3 and rng.random() < 0.5:
        return "from the " + ", ".join(words)
    return "from somewhere " + at_place(words, rng)


def than_place(word: str, rng: np.random.Generator) -> str:
    """Say how a sound lies to another: ``further to the left than``."""
    return _pick(_THAN[word], rng)


def most_place(word: str, rng: np.random.Generator) -> str:
    """Say which of two: ``further to the left``."""
    return _pick(_MOST[word], rng)


def whether_place(word: str, rng: np.random.Generator) -> str:
    """Leave open which way along the axis of a word: ``further to the left or to the right``."""
    return _pick(_WHETHER[AXES[axis_of(word)][0]], rng)


def alike_place(word: str, rng: np.random.Generator) -> str:
    """Say that two lie alike along the axis of a word: ``both on your left or both on your right``."""
    return _pick(_ALIKE[AXES[axis_of(word)][0]], rng)


def apart_place(word: str, rng: np.random.Generator) -> str:
    """Say that two lie apart along the axis of a word: ``one on your left and the other on your right``."""
    return _pick(_APART[AXES[axis_of(word)][0]], rng)


def comparative(comparison: Comparison, rng: np.random.Generator) -> str:
    """Say nearer or farther after "is": ``closer to you``."""
    return _pick(_COMPARATIVE[comparison], rng)


def attribute(comparison: Comparison, rng: np.random.Generator) -> str:
    """Say nearer or farther before a noun: ``closer``."""
    return _pick(_ATTRIBUTE[comparison], rng)


def about_metres(distance: float, rng: np.random.Generator) -> str:
    """Say a distance: ``about 2.5 metres``."""
    unit = _pick(_METRES, rng)
    return f"{_pick(_ABOUT, rng)} {distance:g} {unit[:-1] if distance == 1 else unit}"


def named_sound(label: str, rng: np.random.Generator) -> str:
    """Name a sound: ``the sound of the dog``, ``the dog's sound``."""
    if rng.random() < 0.25 and label[-1].isalpha() and label[-1] != "s" and "," not in label:
        return f"the {label}'s sound"
    return f"the sound of the {label}"


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _any(phrases: Iterable[str]) -> str:
    """A pattern of alternatives, longest first, so that none is taken for the beginning of another."""
    return f"(?:{'|'.join(re.escape(phrase) for phrase in sorted(set(phrases), key=lambda text: (-len(text), text)))})"


def _all(table: Phrases) -> list[str]:
    return [phrase for phrases in table.values() for phrase in phrases]


_AT_ONE, _WORD = _any(_all(_AT)), _any(WORDS)
_AT_SOME = f"{_AT_ONE}(?:(?:, {_AT_ONE})? and {_AT_ONE})?"
_FROM_SOME = f"(?:from somewhere {_AT_SOME}|from the {_WORD}(?:, {_WORD})+|{_any(_all(_FROM))})"
PATTERNS: Mapping[str, str] = {
    "sound": r"the (?:sound of (?:the )?.+?|.+?'s sound)",
    "at": _AT_SOME,
    "from": _FROM_SOME,
    "than": _any(_all(_THAN)),
    "most": _any(_all(_MOST)),
    "whether": _any(_all(_WHETHER)),
    "alike": _any(_all(_ALIKE)),
    "apart": _any(_all(_APART)),
    "comparative": _any(_all(_COMPARATIVE)),
    "attribute": _any(_all(_ATTRIBUTE)),
    "metres": rf"{_any(_ABOUT)} \d+(?:\.5)? met(?:re|er)s?",
}
"""What each kind of phrase looks like, as a regular expression without groups."""
_SOUND = re.compile(r"the (?:sound of (?:the )?(?P<of>.+)|(?P<whose>.+)'s sound)", re.IGNORECASE)


def _meanings() -> dict[str, str]:
    found = {word: word for word in WORDS} | {"back": "behind"}
    for table in (_AT, _FROM, _THAN, _MOST):
        found |= {phrase: word for word, phrases in table.items() for phrase in phrases}
    return found


_MEANING = _meanings()
_PHRASE = re.compile(rf"\b{_any(_MEANING)}\b", re.IGNORECASE)


def words_in(text: str) -> tuple[str, ...]:
    """Return the directions that a phrase names, in the order of the axes.

    >>> words_in("from somewhere behind you and to your left"), words_in("higher or lower")
    (('left', 'behind'), ('above', 'below'))
    """
    found = {_MEANING[match.lower()] for match in _PHRASE.findall(text)}
    return tuple(word for word in WORDS if word in found)


def comparison_in(text: str) -> Comparison:
    """Return whether a comparative means nearer or farther.

    >>> comparison_in("more distant from you")
    'farther'
    """
    phrase = text.lower()
    return "nearer" if phrase in (*_COMPARATIVE["nearer"], *_ATTRIBUTE["nearer"]) else "farther"


def metres_in(text: str) -> float:
    """Return the distance that a phrase names."""
    match = re.search(r"\d+(?:\.\d+)?", text)
    if match is None:
        raise ParameterError(f"no distance in {text!r}")
    return float(match[0])


def sound_in(text: str) -> str:
    """Return the label that a phrase names.

    >>> sound_in("the dog's sound"), sound_in("the sound of the sea waves")
    ('dog', 'sea waves')
    """
    match = _SOUND.fullmatch(text)
    if match is None:
        raise ParameterError(f"{text!r} names no sound; say: the sound of the dog")
    return match["of"] or match["whose"]
