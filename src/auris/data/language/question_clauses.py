"""The clauses of a marked question, and what stands in each: sounds, directions, numbers, and how it asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from auris.data.language.phrases import AXES, WORDS
from auris.data.language.question_marks import DIRECTION, MarkedQuestion
from auris.data.language.sound_names import SoundName

_HELPERS = "is|are|was|were|do|does|did|can|could|will|would|has|have|had|am|whether"
_ASKING = "WHERE|WHICHWAY|WHICHSIDE|HOWFAR|HOWANGLE|WHEN|HOWLONG|HOWMANY|what|which|who|whom|whose|how|whatever"
_LISTING = "list|name|describe|identify|enumerate|state|say|tell|give"
_OPENING = re.compile(rf"^(?:[a-z]+ )?(?:{_HELPERS})\b")
_CUT = re.compile(
    rf"[?;!]+|\.(?!\d)|,? (?:and|but|then|also)(?: (?:then|also|from|in|at|since|until|if so))*,? (?=(?:{_ASKING})\b"
    rf"|(?:{_HELPERS})\b(?! (?:more|less)))"
    rf"|, (?=(?:WHERE|WHICHWAY|WHICHSIDE|HOWFAR|HOWANGLE|WHEN|HOWLONG|HOWMANY)\b)"
)
_REFERENCE = re.compile(
    r"\b(?:than|compared|comparison|relative|respect|of|from|to|with|versus|vs|against|as|beside|next to|near(?: to)?"
    r"|close to|before|after"
    r"|following|follows?|precedes?|preceding|towards?|past|while|when|during|WHEN|SAMETIME|WHERE|like)(?: (?:with|to"
    r"|that of|any|is|where))*"
    r"(?: ORD<-?\d+>)? S(\d)"
)
Mode = Literal["whether", "which", "bare"]


@dataclass(frozen=True)
class Clause:
    """One clause of a question, as marks.

    Attributes:
        text: the marks, with the words between them.
        sounds: what the marks ``S0``, ``S1`` ... of the whole question name.
    """

    text: str
    sounds: tuple[SoundName, ...]

    def has(self, pattern: str) -> bool:
        """Whether some words or marks, alternatives between bars, are there."""
        return re.search(rf"(?<![\w<])(?:{pattern})(?![\w>])", self.text) is not None

    @cached_property
    def names(self) -> tuple[SoundName, ...]:
        """The sounds that are named, each once: first what is asked about, then what it is compared with."""
        numbers = list(dict.fromkeys(int(number) for number in re.findall(r"\bS(\d)", self.text)))
        compared = {int(number) for number in _REFERENCE.findall(self.text)}
        if len(numbers) == 2 and numbers[0] in compared and numbers[1] not in compared:
            numbers.reverse()
        return tuple(self.sounds[number] for number in numbers)

    @property
    def subject(self) -> str:
        """Class of what is asked about; empty where no sound is named."""
        return self.names[0].label if self.names else ""

    @property
    def other(self) -> str:
        """Class of what it is compared with."""
        return self.names[1].label if len(self.names) > 1 else ""

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The directions that are said, in the order of the axes."""
        return tuple(word for word in WORDS if word.upper() in re.findall(rf"\b{DIRECTION}\b", self.text))

    @property
    def axis(self) -> tuple[str, str] | None:
        """The axis of which both directions are offered: left or right."""
        return next((axis for axis in AXES if set(axis) <= set(self.words) and self.has("or|and|versus")), None)

    @property
    def more(self) -> bool:
        """Whether a direction is said as a comparison."""
        return self.has(rf"more {DIRECTION}")

    @cached_property
    def metres(self) -> float | None:
        """The distance that is said."""
        match = re.search(r"METRES<([\d.]+)\*([\d.]+)>", self.text)
        return round(float(match[1]) * float(match[2]), 4) if match else None

    @cached_property
    def span(self) -> tuple[float, float] | None:
        """The seconds that are said, from and to."""
        match = re.search(r"SPAN<(-?)([\d.:]+),([\d.:]+|inf)>", self.text)
        if match is None:
            return None
        first, last = _seconds(match[2]), _seconds(match[3])
        return (-first if match[1] else first, last) if match[1] else (min(first, last), max(first, last))

    @cached_property
    def number(self) -> int:
        """The ordinal that is said; 0 where there is none."""
        match = re.search(r"ORD<(-?\d+)>", self.text)
        return int(match[1]) if match and not (match[1] == "-1" and self.has("HOWLONG|LONGER|SHORTER")) else 0

    @cached_property
    def mode(self) -> Mode:
        """Whether it asks for Yes or No, for something else, or is no whole sentence."""
        if _OPENING.match(self.text) and not re.match(rf"[a-z]+ (?:is|are)\b.*\b(?:{_ASKING})\b", self.text):
            return "whether" if not re.match(rf"(?:{_ASKING})\b", self.text) else "which"
        if re.search(rf"\b(?:{_ASKING})\b", self.text) or re.match(rf"(?:{_LISTING})\b", self.text):
            return "which"
        return "whether" if re.search(rf"\b(?:{_HELPERS})\b", self.text) else "bare"

    @property
    def choice(self) -> bool:
        """Whether one of two sounds is asked for: ``S0 or S1``."""
        return bool(re.search(r"\bS\d(?:,| that| heard)*,? or (?:\w+ )*?(?:any )?S\d", self.text))

    @property
    def indefinite(self) -> bool:
        """Whether any such sound will do: ``is there a dog``, ``can you hear rain``."""
        return self.has(r"any S\d|there|hear|heard|audible|present|anyone|anybody|someone|somebody|anything|something|people")


def clauses_of(question: MarkedQuestion) -> tuple[Clause, ...]:
    """Return the clauses that each ask something; the whole question where it cannot be cut."""
    parts = [part.strip(" ,;:?!.") for part in _CUT.split(question.text)]
    return tuple(Clause(part, question.names) for part in parts if part)


def whole(question: MarkedQuestion) -> Clause:
    """Return the question as one clause."""
    return Clause(question.text.strip(" ,;:?!."), question.names)


def _seconds(text: str) -> float:
    minutes, _, seconds = text.rpartition(":")
    return (60 * float(minutes) if minutes else 0.0) + float(seconds)
