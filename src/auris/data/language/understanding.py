"""What a question in free English asks.

First the words of the published questions are tried (:mod:`auris.data.language.question_grammar`), then rules that look for
what stands in the question (:mod:`auris.data.language.question_marks`): sounds by any of their names, directions, distances,
times, comparisons and what is asked for, in any order, with capitals, politeness and typing errors as they come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from auris.data.language import rules_of_space as space
from auris.data.language import rules_of_time as time
from auris.data.language.free_questions import Understood
from auris.data.language.question_clauses import Clause, clauses_of, whole
from auris.data.language.question_grammar import Asked, read
from auris.data.language.question_marks import MarkedQuestion, marked
from auris.data.language.question_vocabulary import VOCABULARY
from auris.data.language.sound_names import SoundNames, said, sound_names
from auris.errors import ParameterError

__all__ = ["ABOUT_A_SOUND", "ANSWERED_BY_SOUNDS", "CAN_BE_ASKED", "Understood", "understood"]

_RULES: tuple[Callable[[Clause], Understood | None], ...] = (
    time.count,
    time.as_many,
    time.together,
    space.motion,
    time.sequence_of_two,
    time.next_to,
    time.in_a_row,
    time.at_time,
    space.distances_of_two,
    time.superlatives,
    space.within,
    space.alike,
    space.both,
    space.between,
    space.nearness,
    space.directions,
    space.sides,
    time.when,
    space.tell,
    space.described,
    space.present,
    space.anything,
    space.labels,
)
ABOUT_A_SOUND = frozenset(
    (
        *("PLACE", "DIRECTION", "BEARING", "HOW_FAR", "DOA", "WHEN", "DURATION", "SIDE", "WHICH_SIDE", "WITHIN"),
        *("MOVES", "MOTION", "EXTREME"),
    )
)
"""Types of questions that are about one sound, which may be said in another sentence."""
ANSWERED_BY_SOUNDS = frozenset(
    (
        *("CLASSIFICATION", "MIXUP_SINGLE_CLASSIFICATION", "MIXUP_NONBINARY_SOURCE", "ORDER", "SOONER", "TOGETHER", "AT_TIME"),
        *("LOUDEST", "LONGEST", "COMPARED", "MOVING"),
    )
)
"""Types of questions whose answer is one or several sounds."""
# Words that change what is asked, but that no rule takes into account.
_NARROWING = "only|once|twice|never|except|besides|without|unless|degrees?|much|instead|alone"
CAN_BE_ASKED = (
    "what is heard; where, in which direction or how far away a sound is; when, for how long and how often it "
    "sounds; whether it is "
    "there, moves, or is on one side; which of two is nearer, further left, earlier or longer; how far two are apart; "
    "what sounds first, last, together or at a time"
)


def understood(text: str, *, labels: Sequence[str] = ()) -> Understood:
    """Return what a question asks.

    Args:
        text: a question in English.
        labels: classes that can be heard; they are preferred where a name fits several classes. Without them, all classes that
            have phrases (:mod:`auris.data.language.sound_phrases`) can be named.

    Raises:
        ParameterError: the question is empty, or is not understood; the text says what can be asked.

    >>> understood("which one's closer to me, the puppy or the rain?").asked.form
    'MIXUP_NONBINARY_SOURCE/compared/named'
    """
    names = sound_names(tuple(labels))
    if not re.search(r"[^\W\d_]", text):
        given = "an empty question" if not text.strip() else f"{text!r}, which asks nothing"
        raise ParameterError(f"got {given}. {_accepted(names)}")
    if (asked := _in_the_grammar(text, names)) is not None:
        return Understood.of(asked)
    question = marked(text, names)
    found = _of_clauses(question) or _of_clause(whole(question))
    unknown = _unknown_words(question)
    if found is None or unknown:
        what = f": {', '.join(map(repr, unknown))} is no sound or word that is known here" if unknown else ""
        raise ParameterError(f"cannot tell what {text.strip()!r} asks{what}. {_accepted(names)}")
    return found


def _accepted(names: SoundNames) -> str:
    known = names.known()
    sounds = ", ".join(known[:24]) + (" ..." if len(known) > 24 else "")
    return f"Ask {CAN_BE_ASKED}. Sounds that can be named: {sounds}"


def _in_the_grammar(text: str, names: SoundNames) -> Asked | None:
    """The question in the published words, with the classes that its names mean; None if it is not, or names are unclear."""
    try:
        asked = read(" ".join(text.split()))
    except ParameterError:
        return None
    subject, other = (names.only(said(name)) if name else "" for name in (asked.subject, asked.other))
    return None if subject is None or other is None else replace(asked, subject=subject, other=other)


def _of_clause(clause: Clause) -> Understood | None:
    """What the first rule that fits finds; None where something else is said that the rule does not know of."""
    found = next((found for rule in _RULES if (found := rule(clause)) is not None), None)
    if found is None or len(set(re.findall(r"ORD<-?\d+>", clause.text))) > 1:
        return None
    if found.type != "AS_MANY" and (clause.has(_NARROWING) or re.search(r"(?<![\w<,.:*-])\d", clause.text)):
        return None
    if clause.has("silent|silence|quiet") != (found.type == "SILENT"):
        return None
    return _with_aspects(found, clause)


def _with_aspects(found: Understood, clause: Clause) -> Understood:
    """``where is the nearest sound``: the sound, and where it is."""
    if found.type not in ANSWERED_BY_SOUNDS or found.also:
        return found
    about = (
        space.tell(replace(clause, text=re.sub(r"\bS\d\b", "", clause.text))) if clause.has("WHERE|WHICHWAY|HOWFAR") else None
    )
    if about is None or about.type not in ABOUT_A_SOUND:
        return found
    return replace(found, also=(replace(about, of_answer=True, several=False, number=0),))


def _of_clauses(question: MarkedQuestion) -> Understood | None:
    """What several clauses ask together; None where one of them asks nothing of its own."""
    clauses = clauses_of(question)
    if len(clauses) < 2:
        return None
    parts: list[Understood] = []
    for clause in clauses:
        found = None if clause.mode == "bare" else _of_clause(clause)
        if found is None:
            return None
        parts += [_continued(found, parts), *found.also]
    parts = _completed(parts)
    return replace(_merged(parts)[0], also=tuple(_merged(parts)[1:]))


def _continued(found: Understood, before: Sequence[Understood]) -> Understood:
    """A clause that names no sound is about that of the clause before it, or about what that asks for."""
    plain = replace(found, also=())
    if plain.subject or plain.type not in ABOUT_A_SOUND or not before or plain.several:
        return plain
    last = before[-1]
    if last.type in ANSWERED_BY_SOUNDS or last.of_answer:
        return replace(plain, of_answer=True)
    number, span = plain.number or last.number, plain.span or last.span
    return replace(plain, subject=last.subject, number=number, span=span, several=last.several)


def _completed(parts: Sequence[Understood]) -> list[Understood]:
    """``when and from where does the dog bark``: the first clause is about the sound that the next one names."""
    done = list(parts)
    for index in range(len(done) - 2, -1, -1):
        part, following = done[index], done[index + 1]
        if part.type in ABOUT_A_SOUND and not part.subject and not part.of_answer and not part.several:
            done[index] = replace(part, subject=following.subject, number=part.number or following.number)
    return done


def _merged(parts: Sequence[Understood]) -> list[Understood]:
    """Direction and distance of one sound are one published question."""
    done: list[Understood] = []
    for part in parts:
        last = done[-1] if done else None
        kinds = {part.type, last.type} if last else set()
        if last and "HOW_FAR" in kinds and kinds & {"PLACE", "DIRECTION"} and replace(part, type=last.type) == last:
            done[-1] = replace(part, type="DOA")
        else:
            done.append(part)
    return done


def _unknown_words(question: MarkedQuestion) -> tuple[str, ...]:
    """Words that are neither known nor say how a sound or a place is."""
    text = re.sub(r"\b[a-z]+(?= S\d)", lambda match: match[0] if match[0] in VOCABULARY else "", question.text)
    text = re.sub(
        r"\b(?:in|at|by|near|inside) (?:the|this|my|our|a) ([a-z]+)\b", lambda m: m[0] if m[1] in VOCABULARY else "", text
    )
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"[A-Z]+(?:<[^>]*>|\d)?", " ", text))
    return tuple(dict.fromkeys(word for word in words if word not in VOCABULARY and not word.endswith("ly")))
