"""Follow-up questions made whole: ``and the rain?``, ``how far is it?``, ``behind me?``, ``which of them is nearer?`` ...

::

    talk = Dialogue(model.labels)
    question = talk.resolve("and the rain?")      # Where is the sound of the rain?
    talk.answered(question, answer)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from auris.data.language.free_questions import Understood
from auris.data.language.phrases import AXES, axis_of
from auris.data.language.question_clauses import Clause, whole
from auris.data.language.question_marks import marked
from auris.data.language.question_sentences import named, sentence
from auris.data.language.sound_names import sound_names
from auris.data.language.understanding import ABOUT_A_SOUND, ANSWERED_BY_SOUNDS, understood
from auris.errors import ParameterError

_OPENING = re.compile(r"^\s*(?:(?:and|but|or|so|ok|okay)\b[\s,]*)*(?:(?:what|how) about\b|what of\b)?[\s,]*", re.IGNORECASE)
_OTHER_ONE = re.compile(r"\b(?:the|that) other(?: (?:one|sound|source))?\b", re.IGNORECASE)
_WHICH_OF_THEM = re.compile(
    r"\b(which|who|what)(?: one)? of (?:them|these|those|the two|both|these two|the two sounds)\b", re.IGNORECASE
)
_THEY = re.compile(r"\b(?:they|them|the two|both of them|these two|those two|these|those)\b", re.IGNORECASE)
_IT = re.compile(
    r"\b(?:its(?= (?:position|direction|distance|location|angle))|(?:it|this one|that one|that sound|this sound|the "
    r"same sound|that|this|he"
    r"|she)(?! (?:true|right|correct|raining|windy|silent|quiet|possible|clip|recording|file|scene|audio|the case"
    r"|(?:it|you|i) hear)\b)"
    r"(?=$|[\s?.,!]))",
    re.IGNORECASE,
)
_ASKING = (
    "WHERE|WHICHWAY|WHICHSIDE|HOWFAR|HOWANGLE|WHEN|HOWLONG|HOWMANY|what|which|who|how|is|are|was|were|do|does|did|can|could"
)


class Dialogue:
    """What was talked about, so that a question may refer to it.

    Args:
        labels: classes that can be heard; as in :func:`auris.data.language.understanding.understood`.
    """

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self.labels = tuple(labels)
        self._last: Understood | None = None
        self._it: tuple[str, int] = ("", 0)  # class, and which of its occurrences
        self._them: tuple[str, ...] = ()

    def resolve(self, text: str) -> str:
        """Return a question that is complete without what was said before; one that already is, as it stands.

        Raises:
            ParameterError: the question is empty.

        >>> talk = Dialogue()
        >>> talk.answered("Is the dog on my left?", "Yes")
        >>> talk.resolve("how far away is it?"), talk.resolve("and the rain?")
        ('how far away is the sound of the dog?', 'Is the sound of the rain on your left?')
        """
        if not re.search(r"[^\W\d_]|\d", text):
            understood(text, labels=self.labels)  # says what can be asked
        if self._last is None:
            return text.strip()
        said = self._with_names(text.strip())
        fragment = self._fragment(said)
        if fragment is not None:
            return sentence(fragment)
        try:
            meant = understood(said, labels=self.labels)
        except ParameterError:
            return said
        completed = self._completed(meant, said)
        return said if completed == meant else sentence(completed)

    def answered(self, question: Understood | str, answer: str) -> None:
        """Keep what was asked and answered: what ``it``, ``them`` and ``the other one`` mean from now on.

        A question that is not understood, as a model may answer one, leaves everything as it was.
        """
        try:
            meant = understood(question, labels=self.labels) if isinstance(question, str) else question
        except ParameterError:
            return
        self._last = meant
        first, before = meant.parts[0], self._it[0]
        if first.type in ANSWERED_BY_SOUNDS:
            found = self._labels_in(answer)
            self._it = (found[0], 0) if len(found) == 1 else ("", 0)
            together = tuple(dict.fromkeys((*meant.names, *found)))
        else:
            self._it = (first.subject, first.number) if first.subject else self._it
            together = tuple(dict.fromkeys((*meant.names, *(self._labels_in(answer) if first.several else ()))))
        if len(together) > 1:
            self._them = together
        elif self._it[0] and before and self._it[0] != before:
            self._them = (before, self._it[0])

    def _labels_in(self, answer: str) -> tuple[str, ...]:
        """The classes that an answer names."""
        names = sound_names(self.labels)
        found = (names.only(part) or "" for part in re.split(r"[;|]", answer.lower()))
        loose = (name.label for _, name in names.find(answer.lower()))
        exact = tuple(dict.fromkeys(label for label in found if label))
        return exact or tuple(dict.fromkeys(loose))

    def _with_names(self, text: str) -> str:
        """A text with names for ``it``, ``them`` and ``the other one``."""
        label, number = self._it
        others = [name for name in self._them if name != label]
        if len(others) == 1:
            text = _OTHER_ONE.sub(named(others[0]), text)
        if len(self._them) == 2:
            first, second = map(named, self._them)
            if _WHICH_OF_THEM.search(text):
                bare = _WHICH_OF_THEM.sub(r"\1", text, count=1).rstrip(" ?.!")
                return f"{bare}, {first} or {second}?"
            text = _THEY.sub(f"{first} and {second}", text, count=1)
        match = _IT.search(text)
        if not label or match is None or self._is_said_before(text[: match.start()]):
            return text
        return f"{text[: match.start()]}{named(label, number)}{text[match.end() :]}"

    def _is_said_before(self, words: str) -> bool:
        """Whether words before a pronoun name or ask for what it means."""
        if any(True for _ in sound_names(self.labels).find(words.lower())):
            return True
        if not re.search(r"[,;?]|\band\b", words.strip(" ,")):
            return False
        try:
            parts = understood(re.split(r"(?:[,;?]|\band\b)[^,;?]*$", words)[0], labels=self.labels).parts
        except ParameterError:
            return False
        return parts[-1].type in ANSWERED_BY_SOUNDS

    def _fragment(self, text: str) -> Understood | None:
        """The last question with what a fragment says in place of what was said; None if the text is no fragment."""
        assert self._last is not None
        rest = _OPENING.sub("", text)
        clause = whole(marked(rest, sound_names(self.labels)))
        if (
            not rest
            or clause.has(_ASKING)
            or not (clause.names or clause.words or clause.number or clause.span or clause.metres)
        ):
            return None
        return _exchanged(self._last, clause, compared=bool(re.match(r"(?i)(?:than|compared|relative|as)\b", rest)))

    def _completed(self, meant: Understood, text: str) -> Understood:
        """A question about a sound that names none is about what was talked about."""
        assert self._last is not None
        label, number = self._it
        if meant.type == "DIRECTION" and self._last.type in ("MOVES", "MOTION"):
            meant = replace(meant, type="MOTION")  # which way, after whether it moves
        if (
            meant.type == "MIXUP_NONBINARY_SOURCE"
            and not meant.names
            and len(self._last.names) == 2
            and "sound" not in text.lower()
        ):
            first, second = self._last.names
            return replace(meant, subject=first, other=second)
        if not label or not all(part.type in ABOUT_A_SOUND and not part.subject and not part.several for part in meant.parts):
            return meant
        if any(part.of_answer for part in meant.parts):
            return meant
        parts = [
            replace(p, subject=label, number=p.number or (number if p.type not in _NUMBERLESS else 0)) for p in meant.parts
        ]
        return replace(parts[0], also=tuple(parts[1:]))


_NUMBERLESS = ("EXTREME", "WITHIN", "IN_ORDER", "COUNT")


def _exchanged(last: Understood, clause: Clause, *, compared: bool) -> Understood:
    """A question with another sound, direction, time, number or distance in it."""
    parts = [_exchanged_part(part, clause, compared=compared) for part in last.parts]
    return replace(parts[0], also=tuple(parts[1:]))


def _exchanged_part(part: Understood, clause: Clause, *, compared: bool) -> Understood:
    if clause.names:
        part = _with_sound(part, clause.subject, compared=compared)
        if clause.other:
            part = replace(part, other=clause.other) if part.other else part
        part = replace(part, number=clause.number) if part.number or clause.number else part
    elif clause.number:
        part = replace(part, number=clause.number) if part.subject or part.number else Understood("ORDER", number=clause.number)
    if clause.words:
        part = _with_words(part, clause)
    if clause.span is not None:
        part = replace(part, span=clause.span) if part.span or part.subject else Understood("AT_TIME", span=clause.span)
    if clause.metres is not None and part.distance is not None:
        part = replace(part, distance=clause.metres)
    return part


def _with_sound(part: Understood, label: str, *, compared: bool) -> Understood:
    if part.of_answer:
        return part
    if part.other and (compared or not part.subject):
        return replace(part, other=label)
    if part.subject or part.type in ("PRESENT", "COUNT", *ABOUT_A_SOUND):
        return replace(part, subject=label, several=False)
    return Understood("PLACE", label)


def _with_words(part: Understood, clause: Clause) -> Understood:
    if part.relation in ("alike", "apart") or part.type in ("WHICH_SIDE", "MIXUP_NONBINARY_DIRECTION"):
        return replace(part, words=AXES[axis_of(clause.words[0])])
    if part.words:
        return replace(part, words=clause.words if part.relation != "more" else clause.words[:1])
    if part.subject and part.type in ABOUT_A_SOUND and not clause.names:
        return Understood("SIDE", part.subject, words=clause.words, number=part.number)
    if part.type in ("COUNT", "PRESENT", "AT_TIME"):
        return replace(part, words=clause.words)
    return part if clause.names else Understood("MIXUP_SINGLE_CLASSIFICATION", words=clause.words)
