"""Answers made plain before they are read; see :mod:`auris.metrics.question_answering.answer_reading`."""

from __future__ import annotations

import re

_LONGEST = 1000  # characters of an answer that are read
_CUT = re.compile(r"###|</s>|<\|(?:end|eot|im_end)|\[/?inst\]")
_INTRODUCTION = re.compile(
    r"^(?:(?:the |my )?(?:answer|response)(?: is| would be)?\s*[:=]\s*|(?:the|my) answer (?:is|would be) )"
)
_NOT_ANSWERED = "(not answered"
_SIGNS = str.maketrans("’‘`“”*\u00a0−，；", "'''\"\"  -,;")


def plain_answer(text: str) -> str:
    """Return an answer in lower case and single spaces, without what introduces it and what follows it.

    >>> plain_answer("The answer is **Yes**, it is.### Instruction: Is the")
    'yes , it is.'
    """
    lower = _CUT.split(text[:_LONGEST].translate(_SIGNS).lower())[0].strip()
    if lower.startswith(_NOT_ANSWERED):
        return ""
    lines = (" ".join(line.split()) for line in lower.splitlines())
    return _INTRODUCTION.sub("", "\n".join(line for line in lines if line)).strip()


def not_answered(reason: str) -> str:
    """Return the text that stands for no answer.

    >>> not_answered("no dog is heard"), plain_answer(not_answered("no dog is heard"))
    ('(not answered: no dog is heard)', '')
    """
    return f"{_NOT_ANSWERED}: {reason})"
