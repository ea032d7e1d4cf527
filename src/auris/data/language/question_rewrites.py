"""Whether a question in other words still asks the same: what a rewriting model's answer must pass.

:class:`auris.data.language.rewriting.Rewriting` takes :data:`QUESTION_INSTRUCTION` and, as ``accept``, :func:`keeps_question`::

    Rewriting(model, cache=..., instruction=QUESTION_INSTRUCTION).rewrite(q.text, accept=partial(keeps_question, q.asked))
"""

from __future__ import annotations

import re

from auris.data.language.phrases import words_in
from auris.data.language.question_grammar import Asked, read
from auris.errors import ParameterError

QUESTION_INSTRUCTION = """You rewrite questions about a recording of sounds around a listener in natural English.
Keep what is asked. Keep every sound by its name, every direction (left, right, front, behind, above, below), every number of
metres, and which sound is compared with which: closer or farther, further to the left, higher, on the same side.
Add no fact and leave out none, and do not answer. Answer with the rewritten question alone, in one line."""

_REFERENCE = r"(?:than|compared (?:with|to)|in comparison (?:with|to)|relative to|from|of)"
_ARTICLES = r"(?:(?:that of|the source of|where)\s+)?(?:(?:the|a)\s+)?(?:(?:sounds?|noise|source) of\s+)?(?:(?:the|a)\s+)?"
_NEARER = re.compile(r"\b(?:closer|closest|nearer|nearest|less (?:distant|far|remote))\b")
_FARTHER = re.compile(r"\b(?:farther|further|farthest|furthest|more (?:distant|far|remote)|greater distance)\b")
_MORE = re.compile(r"\b(?:more|further|farther|higher|lower|than|compared|relative)\b")
_ALIKE = re.compile(r"\b(?:same|both)\b")
_APART = re.compile(r"\b(?:opposite|different)\b|\bone\b.*\bother\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_UNORDERED = ("MIXUP_NONBINARY_DISTANCE", "MIXUP_NONBINARY_SOURCE")


def keeps_question(asked: Asked, text: str) -> bool:
    """Whether a text still asks what :class:`~auris.data.language.question_grammar.Asked` says.

    Sounds, directions, numbers and comparisons are looked for. It is strict: a question that keeps its sense in words that this
    function does not know is refused, and the original stays.

    >>> asked = read("Is the sound of the rain closer to you than the sound of the dog?")
    >>> keeps_question(asked, "Compared with the dog, is the rain nearer?")
    True
    >>> keeps_question(asked, "Is the dog nearer than the rain?")
    False
    """
    plain = " ".join(text.lower().split())
    if not plain or "\n" in text.strip():
        return False
    try:
        return read(text, question_type=asked.type) == asked
    except ParameterError:
        pass
    bare = _without_names(asked, plain)
    if bare is None or [float(number) for number in _NUMBER.findall(bare)] != [n for n in (asked.distance,) if n is not None]:
        return False
    return set(words_in(bare)) == set(asked.words) and _keeps_relation(asked, bare)


def _without_names(asked: Asked, plain: str) -> str | None:
    """The text without the labels; None if one is missing, or if it is not the other that the first is compared with."""
    names = [name.lower() for name in (asked.subject, asked.other) if name]
    if not all(re.search(rf"\b{re.escape(name)}\b", plain) for name in names):
        return None
    if asked.other and asked.type not in _UNORDERED and asked.relation not in ("alike", "apart"):
        compared = [bool(re.search(rf"\b{_REFERENCE}\s+{_ARTICLES}{re.escape(name)}\b", plain)) for name in names]
        if compared != [False, True]:
            return None
    for name in sorted(names, key=len, reverse=True):
        plain = re.sub(rf"\b{re.escape(name)}\b", "it", plain)
    return plain


def _keeps_relation(asked: Asked, bare: str) -> bool:
    if asked.relation == "alike":
        return bool(_ALIKE.search(bare)) and not _APART.search(bare)
    if asked.relation == "apart":
        return bool(_APART.search(bare)) and not _ALIKE.search(bare)
    if asked.words:
        return bool(_MORE.search(bare)) == (asked.relation == "more")
    return (bool(_NEARER.search(bare)), bool(_FARTHER.search(bare))) == (
        asked.relation == "nearer",
        asked.relation == "farther",
    )
