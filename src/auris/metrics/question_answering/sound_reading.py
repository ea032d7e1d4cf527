"""The sounds that an answer names, by the rules of :mod:`auris.metrics.question_answering.answer_reading`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_SEPARATED = re.compile(r"[;\n|]")
_LISTED = re.compile(r",|(?:\s|^)(?:and|as well as|plus|together with|along with|followed by|&|\+|then|also)\s")
_PUNCTUATION = " .!?:\"'()"

# What stands before the name of a sound; one after another is taken away.
_CLIP = "(?:audio(?: clip)?|clip|recording)"
_LEADING = (
    rf"well|so|yes|ok(?:ay)?|also|then|finally|and|with|in (?:this|the) {_CLIP}|in the (?:background|foreground|distance)",
    r"(?:i|we|you|one) (?:(?:can|could|also|only|just|clearly|distinctly) )*"
    r"(?:hear|recogni[sz]e|identify|detect|perceive|notice|listen to)s?",
    r"there (?:is|are|seems? to be)|there's|it is|it's|this is|that is|that's|they are|these are|(?:it )?sounds? like",
    rf"(?:the |this |that )?(?:{_CLIP}|sounds?|answers?)(?: events?| sources?)? "
    r"(?:contains?|includes?|features?|is|are|has|comprises?|seems? to be)",
    r"(?:(?:the|a|an|some|faint|loud|distant) )*(?:sounds?|noises?|voices?|sound events?) (?:of|from)",
    r"a|an|the|some|someone's|somebody's|both|several|many|only|probably|maybe|perhaps|possibly|\d+[.)]|[-•]",
)
_LEAD = re.compile(rf"^(?:{'|'.join(_LEADING)})\s+")
_TRAIL = re.compile(
    r"\s+(?:can be heard|(?:is|are) (?:heard|audible|present|to be heard|in the background)"
    rf"|in (?:the|this) (?:{_CLIP}|background|distance|room)|as well|too|somewhere)$"
)
_DENIED = re.compile(r"^(?:no|not|without|neither|nor|never|nothing|none)\b")


def sounds_said(plain: str, *, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the sounds that a plain answer names, each once.

    Args:
        plain: the answer.
        names: class names in lower case; those with commas or ``and`` in them (``accelerating, revving, vroom``) stay whole.

    >>> sounds_said("i hear a dog barking, and someone speaking")
    ('dog barking', 'someone speaking')
    >>> sounds_said("accelerating, revving, vroom, car", names=("accelerating, revving, vroom", "car"))
    ('accelerating, revving, vroom', 'car')
    """
    return tuple(dict.fromkeys(_sounds(plain, names)))


def _sounds(plain: str, names: tuple[str, ...]) -> Iterator[str]:
    parts = _SEPARATED.split(plain.strip(" .!?\"'"))
    if len(parts) == 1:
        left = parts[0]
        if whole := _whole_names(names):
            yield from (found[0] for found in whole.finditer(left))
            left = whole.sub(",", left)
        parts = _LISTED.split(left)
    for part in parts:
        whole_part = part.strip(_PUNCTUATION)
        if name := whole_part if whole_part in names else _bare(part):  # some classes begin as what leads in: a capella
            yield name


@lru_cache(maxsize=64)
def _whole_names(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds the names that would be taken for lists, longest first; None where there is no such name."""
    kept = sorted((name for name in names if _LISTED.search(name)), key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in kept)) if kept else None


def _bare(name: str) -> str:
    """A name without what leads in, articles and trailing words; empty where it is denied or nothing is left."""
    before, bare = None, name.strip(_PUNCTUATION)
    while bare != before:
        before = bare
        bare = _TRAIL.sub("", _LEAD.sub("", bare)).strip(_PUNCTUATION)
    return "" if _DENIED.match(bare) else bare
