"""What a clause asks about time, order, number, level and length: one rule each, tried in turn."""

from __future__ import annotations

import re

from auris.data.language.free_questions import Counted, FreeRelation, Moment, Understood
from auris.data.language.question_clauses import Clause

_BEFORE = "before|prior to|preced(?:es?|ing|ed)|EARLIER|previous to"
_AFTER = "after|following|follow(?:s|ed)?|LATER"
_OTHER_ASPECTS = "WHERE|WHICHWAY|WHICHSIDE|WHEN|HOWFAR|HOWANGLE|HOWLONG|HOWMANY"
_IS_IN_ORDER = re.compile(
    r"\bS\d(?: (?:is|comes?|heard|sounds?|BEGINS|ENDS|to be|that is))* ORD<"
    r"|ORD<-?\d+>(?: (?:of|kinds))*(?: (?:sounds?|things?|noises?|events?|ones?|sources?|to|heard|in))"
)


def count(clause: Clause) -> Understood | None:
    """How many."""
    if not clause.has("HOWMANY") or len(clause.names) > 1:
        return None
    relation, metres = distance_limit(clause)
    return Understood(
        "COUNT",
        clause.subject,
        words=clause.words,
        distance=metres,
        relation=relation if metres is not None else "",
        span=clause.span,
        counted=_counted(clause),
    )


_AMOUNT = re.compile(
    r"\b(?<!the )(?:(more than|fewer than|less than|at least|at most|exactly|only|just|up to) )?(?:a single|(\d+|one"
    r"|two|three|four|five|six"
    r"|seven|eight|nine|ten))(?: (?:other|different|distinct|separate|kinds of|any|more|sound))* (?:S\d|sounds?"
    r"|sources?|events?|times|people"
    r"|persons|things|noises?|voices?)|\b(?:(more than|at least|only|exactly) )?(once|twice|thrice)\b"
)
_AMOUNTS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def as_many(clause: Clause) -> Understood | None:
    """Whether there are as many, more or fewer."""
    match = _AMOUNT.search(clause.text) if clause.mode != "which" and len(clause.names) < 2 else None
    if match is None or clause.has("NEARER|FARTHER|SAMESIDE|OTHERSIDE|SAMETIME|SAMEDISTANCE|between"):
        return None
    said = match[2] or ("one" if match[4] is None else {"once": "one", "twice": "two", "thrice": "three"}[match[4]])
    number = int(said) if said.isdigit() else _AMOUNTS.index(said)
    how = match[1] or match[3] or ""
    relation: FreeRelation = (
        "more" if how in ("more than", "at least") else "fewer" if how in ("fewer than", "less than") else ""
    )
    relation = "fewer" if how in ("at most", "up to") else relation
    number += (how in ("at most", "up to")) - (how == "at least")
    counted: Counted = "events" if match[4] else _counted(clause)
    return Understood(
        "AS_MANY", clause.subject, words=clause.words, number=number, span=clause.span, counted=counted, relation=relation
    )


def _counted(clause: Clause) -> Counted:
    if clause.has("times|occurrences?|events?"):
        return "events"
    if clause.has("kinds|different|distinct|classes"):
        return "classes"
    heard = bool(clause.names) and clause.names[0].heard
    return "events" if heard and not clause.has("people|sources?|things?|of them|persons") else "sources"


def distance_limit(clause: Clause) -> tuple[FreeRelation, float | None]:
    """Whether nearer or farther than some metres, or at them."""
    if clause.metres is None:
        return "", None
    return ("nearer" if clause.has("NEARER") else "farther" if clause.has("FARTHER") else "alike"), clause.metres


def together(clause: Clause) -> Understood | None:
    """What sounds at the same time."""
    while_heard = bool(
        re.search(r"(?:\b(?:while|during|as long as)|\w WHEN)\b(?: (?:it|is|are|the|any|ORD<-?\d+>))* S\d", clause.text)
    )
    if not clause.has("SAMETIME") and not (while_heard and not clause.text.startswith(("WHEN", "HOWLONG"))):
        return None
    if clause.has("WHEN") and not while_heard:
        return Understood("WHEN", clause.subject, clause.other, relation="all") if clause.other else None
    if clause.has("WHERE|WHICHWAY|HOWFAR|HOWMANY|HOWANGLE|WHICHSIDE"):
        return None
    if len(clause.names) == 2 or clause.mode != "which":
        moment: Moment = "begin" if clause.has("BEGINS") else "end" if clause.has("ENDS") else ""
        return Understood("OVERLAP", clause.subject, clause.other, moment=moment) if len(clause.names) < 3 else None
    return Understood("TOGETHER", other=clause.subject) if len(clause.names) < 2 else None


def sequence_of_two(clause: Clause) -> Understood | None:
    """Which of two comes first, whether one does, and how long between them."""
    if len(clause.names) != 2:
        return None
    before, after = clause.has(_BEFORE), clause.has(_AFTER)
    if clause.has("HOWLONG") and (before or after or clause.has("between|until|till|from|apart|pass|passes")):
        return Understood("GAP", clause.subject, clause.other)
    relation: FreeRelation = "before" if before else "after"
    ordinal = clause.number in (1, 2, -1) and not re.search(r"ORD<-?\d+> S\d", clause.text)
    if not (before or after or ordinal) or clause.has("WHERE|HOWFAR|HOWANGLE|HOWMANY|SAMETIME|WHEN"):
        return None
    if ordinal:
        relation = "before" if clause.number == 1 else "after"
    if clause.choice or (clause.mode == "which" and clause.has("what|which|who")):
        return Understood("SOONER", clause.subject, clause.other, relation=relation)
    return Understood("IN_ORDER", clause.subject, clause.other, relation=relation, moment=_end_of_other(clause))


_LABEL_WORDS = "what|which|who|whatever|any|anything|something|list|name|identify"


def next_to(clause: Clause) -> Understood | None:
    """What comes before or after a sound, and whether a sound is the first, the second or the last."""
    if len(clause.names) != 1:
        return None
    if clause.mode == "whether" and clause.number and _IS_IN_ORDER.search(clause.text):
        return Understood("IN_ORDER", clause.subject, number=clause.number)
    if not re.search(rf"\b(?:{_BEFORE}|{_AFTER})\b.* S\d", clause.text) or clause.has("HOWLONG"):
        return None
    if not clause.has(f"{_LABEL_WORDS}|sounds?|noises?") and clause.mode != "bare":
        return None
    relation: FreeRelation = "before" if clause.has(_BEFORE) else "after"
    return Understood("ORDER", other=clause.subject, relation=relation, number=clause.number, moment=_end_of_other(clause))


def in_a_row(clause: Clause) -> Understood | None:
    """What comes first, second, last, or in which order all come."""
    ordered = clause.has("order") and not clause.number
    if clause.names or not (clause.has(_LABEL_WORDS) or ordered or clause.mode == "bare"):
        return None
    if ordered:
        return Understood("ORDER")
    if clause.has(_OTHER_ASPECTS):
        return None
    edges = {"BEGINS": 1, "ENDS": -1, "EARLIER": 1, "LATER": -1}
    number = clause.number or next((edges[mark] for mark in edges if clause.has(mark)), 0)
    moment: Moment = "end" if clause.number and clause.has("ENDS") else ""
    return Understood("ORDER", number=number, moment=moment, words=clause.words) if number else None


def _end_of_other(clause: Clause) -> Moment:
    """Whether a sound is before or after the end of another one: ``after the rain stops``."""
    return "end" if re.search(rf"\b(?:{_BEFORE}|{_AFTER})\b.*(?:S\d(?: \w+)? ENDS|ENDS S\d)", clause.text) else ""


def at_time(clause: Clause) -> Understood | None:
    """What sounds at a time, and whether something does."""
    if clause.span is None or clause.has(_OTHER_ASPECTS):
        return None
    if clause.mode == "whether" and not (clause.words and clause.names and not clause.indefinite):
        return Understood("PRESENT", clause.subject, words=clause.words, span=clause.span)
    return Understood("AT_TIME", words=clause.words, span=clause.span) if not clause.names else None


def superlatives(clause: Clause) -> Understood | None:
    """Louder, quieter, longer, shorter."""
    relations: dict[str, FreeRelation] = {"LOUDER": "louder", "QUIETER": "quieter", "LONGER": "longer", "SHORTER": "shorter"}
    relation = next((relations[mark] for mark in relations if clause.has(mark)), None)
    if relation is None or len(clause.names) > 2:
        return None
    by_level = relation in ("louder", "quieter")
    if len(clause.names) == 1 and clause.mode != "which":
        return Understood("EXTREME", clause.subject, relation=relation)
    if len(clause.names) == 2 and clause.mode != "which" and not clause.choice:
        return Understood("LOUDER" if by_level else "LONGER", clause.subject, clause.other, relation=relation)
    if len(clause.names) == 1:
        return None
    return Understood("LOUDEST" if by_level else "LONGEST", clause.subject, clause.other, relation=relation)


def when(clause: Clause) -> Understood | None:
    """When it sounds, begins or ends, and for how long."""
    if clause.has("HOWLONG") and clause.has("until|till|before"):
        return Understood("WHEN", clause.subject, number=clause.number, moment="begin")
    if clause.has("HOWLONG"):
        return Understood("DURATION", clause.subject, number=clause.number)
    if not clause.has("WHEN"):
        return None
    moment: Moment = "end" if clause.has("ENDS") else "begin" if clause.has("BEGINS") else ""
    found = Understood("WHEN", clause.subject, number=clause.number, moment=moment)
    if clause.other:
        found = Understood("WHEN", clause.subject, moment=moment, also=(Understood("WHEN", clause.other, moment=moment),))
    return found
