"""Sentences with choices: written once, said in many ways, and read back.

``[a|b]`` is a choice, which may be empty or hold further ones; ``{name}`` is a slot, whose words come from elsewhere::

    Where [do you hear|is] {subject}[ coming from|]?
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from auris.errors import ParameterError

_PIECES = re.compile(r"\[|\]|\||\{(\w+)\}|[^][|{}]+")


@dataclass(frozen=True)
class _Slot:
    name: str


@dataclass(frozen=True)
class _Choice:
    options: tuple[_Sequence, ...]


_Sequence = tuple["str | _Slot | _Choice", ...]


@dataclass(frozen=True)
class Template:
    """A sentence in the notation of this module."""

    text: str

    @cached_property
    def _parts(self) -> _Sequence:
        pieces = list(_PIECES.finditer(self.text))
        if sum(len(piece[0]) for piece in pieces) != len(self.text):
            raise ParameterError(f"a template has slots as {{name}} and choices as [a|b], got {self.text!r}")
        parts, rest = _sequence(pieces, 0, self.text)
        if rest != len(pieces):
            raise ParameterError(f"a template closes a bracket that it did not open: {self.text!r}")
        return parts

    @property
    def slots(self) -> frozenset[str]:
        """Names of the slots."""
        return frozenset(match[1] for match in _PIECES.finditer(self.text) if match[1])

    @property
    def ways(self) -> int:
        """In how many ways it can be said, slots apart."""
        return _ways(self._parts)

    def said(self, rng: np.random.Generator, slot: Callable[[str], str]) -> str:
        """Return one way to say it, with ``slot(name)`` in place of each slot."""
        return _said(self._parts, rng, slot)

    def pattern(self, slots: Mapping[str, str]) -> re.Pattern[str]:
        """Return a regular expression for all ways to say it, given one without groups for each slot; see :func:`found`."""
        return re.compile(_pattern(self._parts, slots, itertools.count()), re.IGNORECASE)


def found(pattern: re.Pattern[str], text: str) -> dict[str, str] | None:
    """Return the words of each slot in a text that matches :meth:`Template.pattern`; None if it does not."""
    match = pattern.fullmatch(text)
    if match is None:
        return None
    return {group.partition("__")[0]: words for group, words in match.groupdict().items() if words is not None}


def _sequence(pieces: list[re.Match[str]], place: int, text: str) -> tuple[_Sequence, int]:
    """The parts from ``place`` up to the end of an option, and where that is."""
    parts: list[str | _Slot | _Choice] = []
    while place < len(pieces) and pieces[place][0] not in ("]", "|"):
        piece = pieces[place]
        if piece[0] == "[":
            choice, place = _choice(pieces, place + 1, text)
            parts.append(choice)
        else:
            parts.append(_Slot(piece[1]) if piece[1] else piece[0])
            place += 1
    return tuple(parts), place


def _choice(pieces: list[re.Match[str]], place: int, text: str) -> tuple[_Choice, int]:
    options = []
    while True:
        option, place = _sequence(pieces, place, text)
        options.append(option)
        if place == len(pieces):
            raise ParameterError(f"a template opens a bracket that it does not close: {text!r}")
        place += 1
        if pieces[place - 1][0] == "]":
            return _Choice(tuple(options)), place


def _ways(parts: _Sequence) -> int:
    count = 1
    for part in parts:
        if isinstance(part, _Choice):
            count *= sum(_ways(option) for option in part.options)
    return count


def _said(parts: _Sequence, rng: np.random.Generator, slot: Callable[[str], str]) -> str:
    words = []
    for part in parts:
        if isinstance(part, _Choice):
            words.append(_said(part.options[int(rng.integers(len(part.options)))], rng, slot))
        else:
            words.append(slot(part.name) if isinstance(part, _Slot) else part)
    return "".join(words)


def _pattern(parts: _Sequence, slots: Mapping[str, str], numbers: Iterator[int]) -> str:
    out = []
    for part in parts:
        if isinstance(part, _Choice):
            out.append(f"(?:{'|'.join(_pattern(option, slots, numbers) for option in part.options)})")
        elif isinstance(part, _Slot):
            out.append(f"(?P<{part.name}__{next(numbers)}>{slots[part.name]})")
        else:
            out.append(re.escape(part))
    return "".join(out)
