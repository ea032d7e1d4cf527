"""Directions, by the rules of :mod:`auris.metrics.question_answering.answer_reading`."""

from __future__ import annotations

import re

AXES: tuple[tuple[str, str], ...] = (("left", "right"), ("front", "behind"), ("above", "below"))

Directions = tuple[str | None, str | None, str | None]

_YOU = "(?:me|you|us)"
_WORDS = (
    (
        r"left(?:most|wards?|ish)?",
        r"right(?:most|wards?|ish)?",
    ),
    (
        rf"front(?:al(?:ly)?|wards?)?|ahead|forwards?|before {_YOU}|facing {_YOU}",
        r"behind|back(?:wards?)?|rear(?:wards?)?|posterior",
    ),
    (
        rf"above|over(?:head| (?:{_YOU}|(?:my|your|our) head))|up(?! to\b)(?:per|wards?|stairs)?|higher|high(?!-)"
        "|top|elevated",
        rf"below|beneath|under(?:neath| {_YOU})?|down(?:wards?|stairs)?|lower|low(?!-)|bottom",
    ),
)
_PATTERNS = tuple(tuple(re.compile(rf"\b(?:{words})\b") for words in axis) for axis in _WORDS)

_STRESSED = (
    *("in front", "ahead", "behind", "above", "below", "beneath", "under", "over", "overhead", "on top", "at", "next", "near"),
    *("by", "beside", "here", "there", "now", "before", "after", "away"),
)
_STRESSING = re.compile(rf"\bright (?=(?:{'|'.join(_STRESSED)})\b)")
_SIDE = (
    r"(?:(?:from|on|to|in|at|the|your|my|of|its|coming|really|directly) )*"
    r"(?:left|right|front|ahead|behind|back|rear|above|below|up|down|higher|lower)\b(?:[ -]hand)?(?: side)?"
)
_DENIED = re.compile(rf"\b(?:not|nor|never|neither|rather than|instead of|isn't)\b {_SIDE}(?:,? (?:or|nor) {_SIDE})*")


def directions_said(plain: str) -> Directions:
    """Return the word that a plain answer says of each axis: left or right, front or behind, above or below.

    >>> directions_said("right in front of you, not above but below")
    (None, 'front', 'below')
    """
    text = _DENIED.sub(" ", _STRESSING.sub(" ", plain))
    said = [
        [word for word, pattern in zip(axis, patterns, strict=True) if pattern.search(text)]
        for axis, patterns in zip(AXES, _PATTERNS, strict=True)
    ]
    first, second, third = (words[0] if len(words) == 1 else None for words in said)
    return first, second, third
