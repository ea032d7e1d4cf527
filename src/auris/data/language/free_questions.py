"""What a question in free words asks: the published types, and what else can be asked about a scene of sounds.

:class:`Understood` is what :func:`auris.data.language.understanding.understood` returns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from auris.data.language.question_grammar import GRAMMAR, Asked, Relation
from auris.io.spatial_qa_records import QUESTION_TYPES, QuestionType

FreeType = Literal[
    "PLACE",
    "RELATIVE",
    "DIRECTION",
    "BEARING",
    "HOW_FAR",
    "WHEN",
    "DURATION",
    "COUNT",
    "AS_MANY",
    "PRESENT",
    "SILENT",
    "SIDE",
    "WHICH_SIDE",
    "WITHIN",
    "NEARER_OR_FARTHER",
    "SAME_DISTANCE",
    "SAME_PLACE",
    "ANGLE",
    "EXTREME",
    "COMPARED",
    "MOVES",
    "MOTION",
    "MOVING",
    "ORDER",
    "IN_ORDER",
    "SOONER",
    "GAP",
    "AT_TIME",
    "OVERLAP",
    "TOGETHER",
    "LOUDER",
    "LOUDEST",
    "LONGER",
    "LONGEST",
]
"""What can be asked beyond the published types.

``PLACE``: where it is, with the distance if that is known; ``RELATIVE``: as seen from another sound; ``DIRECTION``: without;
``BEARING``: in degrees; ``HOW_FAR``: in metres. ``WHEN``, ``DURATION``: in time. ``COUNT``: how many; ``AS_MANY``: whether
as many. ``PRESENT``, ``SILENT``: whether there is such a sound, or none. ``SIDE``: whether it is in a direction;
``WHICH_SIDE``: in which of two. ``WITHIN``: whether nearer or farther than some metres. ``NEARER_OR_FARTHER``: which of the
two a sound is, compared with another. ``SAME_DISTANCE``, ``SAME_PLACE``: of two. ``ANGLE``: between two. ``EXTREME``:
whether it is the nearest, the leftmost, the loudest ... ``COMPARED``: what is nearer, further left ... than a sound, or
within some metres. ``MOVES``: whether, and whether towards a direction; ``MOTION``: how; ``MOVING``: what does. ``ORDER``:
what comes first, second, last, before or after a sound; ``IN_ORDER``: whether a sound does. ``SOONER``: which of two comes
first or last. ``GAP``: seconds between two. ``AT_TIME``: what sounds then. ``OVERLAP``: whether two sound at once;
``TOGETHER``: what sounds at the same time as a sound. ``LOUDER``, ``LONGER``: whether; ``LOUDEST``, ``LONGEST``: which.
"""
FreeRelation = Literal[Relation, "before", "after", "louder", "quieter", "longer", "shorter", "fewer", "rests", "all", "any"]
Moment = Literal["", "begin", "end"]
Counted = Literal["", "events", "sources", "classes"]
FREE_TYPES: tuple[FreeType, ...] = get_args(FreeType)


@dataclass(frozen=True)
class Understood:
    """What a question asks, apart from its words.

    Attributes:
        type: a published type of question, or another one.
        subject: class of the sound that is asked about, as it is said; empty for any.
        other: class of the sound it is compared with; empty where none is named.
        words: directions that are said, or, where the answer is a direction, both of an axis.
        distance: metres that are said.
        relation: how two are compared, or what is asked for.
        number: which of its occurrences: 1 the first, -1 the last; 0 all.
        span: seconds that are said, from and to; equal for one moment. From the end of the scene if below 0.
        moment: whether the beginning or the end is asked for.
        counted: what is counted.
        several: whether the subject is in the plural: all sources of the class are meant.
        of_answer: whether the subject is what the question before it in ``also`` answers.
        also: what else the same sentence asks.
    """

    type: QuestionType | FreeType
    subject: str = ""
    other: str = ""
    words: tuple[str, ...] = ()
    distance: float | None = None
    relation: FreeRelation = ""
    number: int = 0
    span: tuple[float, float] | None = None
    moment: Moment = ""
    counted: Counted = ""
    several: bool = False
    of_answer: bool = False
    also: tuple[Understood, ...] = ()

    @property
    def asked(self) -> Asked | None:
        """The published question that this is; None if it is none, or asks for more."""
        plain = Understood(self.type, self.subject, self.other, self.words, self.distance, self.relation)
        for kind in QUESTION_TYPES:
            if kind == self.type and self == plain:
                relation: Relation = next((name for name in get_args(Relation) if name == self.relation), "")
                asked = Asked(kind, self.subject, self.other, self.words, self.distance, relation)
                return asked if asked.form in GRAMMAR else None
        return None

    @property
    def parts(self) -> tuple[Understood, ...]:
        """All that is asked, one question each."""
        return (replace(self, also=()), *self.also)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that are named, each once."""
        named = [name for part in self.parts for name in (part.subject, part.other) if name]
        return tuple(dict.fromkeys(named))

    @classmethod
    def of(cls, asked: Asked) -> Understood:
        """Return a published question as one that was understood."""
        return cls(asked.type, asked.subject, asked.other, asked.words, asked.distance, asked.relation)
