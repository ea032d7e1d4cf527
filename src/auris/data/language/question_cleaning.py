"""Questions as people type them, made plain: lower case, no contractions or politeness, fewer typing errors, digits."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

Rules = tuple[tuple[re.Pattern[str], str], ...]


def rules(*pairs: tuple[str, str]) -> Rules:
    """Return patterns with what stands in their place, to be applied in this order."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


def replaced(text: str, table: Rules) -> str:
    """Return a text after all replacements, with single spaces."""
    for pattern, replacement in table:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


_CONTRACTIONS = rules(
    (r"\bcan't\b|\bcannot\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"\b(is|are|does|do|did|was|were|could)nt\b", r"\1 not"),
    (r"\b(what|where|who|when|how|which|there|it|that|here|he|she|one)'s\b", r"\1 is"),
    (r"\b(what|where|who|when|how|which|there|they|you|we)'re\b", r"\1 are"),
    (r"\b(what|where|who|when|how)'d\b", r"\1 did"),
    (r"\bi'm\b|\bim\b", "i am"),
    (r"\bi'd\b", "i would"),
    (r"\bwhere?s\b(?! \w+ (?:and|or)\b)", "where is"),
    (r"\bwhats\b", "what is"),
    (r"\bwh?i(?:t)?ch\b", "which"),
    (r"\bwheres\b", "where is"),
    (r"\btheres\b", "there is"),
)

_ASK = (
    r"(?:tell|say|describe|give|explain|inform|show|know|help|estimate|determine|figure out|find out|work out|check"
    r"|identify|name"
    r"|list|state|report|answer|judge|decide|make out|point out|enumerate)"
)
_POLITE_START = rules(
    (
        r"^(?:hey|hi|hello|ok|okay|well|so|and|but|um|uh|er|excuse me|please|pls|thanks|thank you|sorry|auris|then|oh"
        r"|hmm|now|also"
        r"|quick question|question|one more thing|next question|dear|computer|assistant)\b[\s,!.:]*",
        "",
    ),
    (
        rf"^(?:can|could|would|will|may|might) (?:you|i|we|anyone|someone)(?: please| kindly| just| perhaps| maybe| "
        rf"possibly)* {_ASK}"
        r"(?: out)?(?: to)?(?: me| us)?(?: please)?(?: to)?,?(?=\s)",
        "",
    ),
    (
        r"^(?:can|could|would|will|do) (?:you|i|we) (?:hear|tell|see|say|know|notice) (?=where|when|what|which|how"
        r"|who|from|in|at|whether|if)",
        "",
    ),
    (r"^(?:any idea|no idea|got any idea|have you any idea)(?: of| about)? ", ""),
    (rf"^(?:please )?{_ASK}(?: me| us)?(?: please)?,?(?: out)? (?=where|when|what|which|how|who|from|in|at|whether|if)", ""),
    (r"^(?:please )?(?:tell|give|say|check)(?: me| us)?(?: please)?,? (?=the|is|are|does)", ""),
    (r"^(?:please )?(?:tell|give|show|let|inform)(?: me| us)(?: please)?(?: know)?(?: about)?(?=\s)", ""),
    (
        r"^i(?: really| just)? (?:would like|would love|want|need|wish|would|wonder|was wondering|am wondering|am "
        r"curious|am trying|like)"
        r"(?: to (?:know|find out|hear|understand|ask|learn))?(?: about)?,?(?=\s)",
        "",
    ),
    (
        r"^(?:do|did|would) you (?:happen to )?(?:know|think|believe|suppose|have any idea|have an idea|guess)(?: "
        r"that| of| about)?(?=\s)",
        "is it true ",
    ),
    (r"^is it true (?=where|when|what|which|how|who|from|in|at|whether|if)", ""),
    (
        r"^(?:in your opinion|as far as you can tell|as far as you can hear|to your ears|according to you|from what "
        r"you (?:can )?hear"
        r"|as you hear it|judging by ear|by ear|in general|roughly|approximately|exactly)\b,?\s*",
        "",
    ),
    (
        r"^(?:is it (?:true|right|correct|the case|so|possible|likely)|would you say|am i right|i think|i "
        r"believe)(?: that)?,?(?=\s)",
        "whether",
    ),
    (r"^if\b", "whether"),
)
_POLITE_END = re.compile(
    r"(?:(?:[\s,]+(?:please|pls|thanks|thank you|or not|exactly|precisely|again|though|by the way|would you say|do "
    r"you think|you think"
    r"|yes or no|true or false|if you can|at all|or what|approximately|roughly|(?:is|are|does|do|was|did) (?:it|they"
    r"|that|there) not))"
    r"|(?:[,.;?!]\s*(?:am i (?:right|correct)|is (?:that|this|it) (?:right|correct|true|so)))|(?:,\s*(?:right|correct"
    r"|(?:is|are|do|does) (?:it|they|that)|no|huh|eh)))+\s*[?.!]*$"
)
_FILLERS = re.compile(
    r"\b(?:exactly|precisely|actually|really|currently|roughly|approximately|perhaps|maybe|probably|apparently|please|kindly|"
    r"by any chance|at the moment|on earth|the heck|the hell|in total|altogether|overall|clearly|somewhere|simply|basically"
    r"|in terms of|with respect to where i am|loud and clear|just|about)\b(?! to\b)"
)

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_UNITS = r"(?:metres?|meters?|feet|foot|ft|m|cm|centimet(?:re|er)s?|yards?|seconds?|secs?|s|degrees?|minutes?)"
_NUMBER_RULES = rules(
    (rf"\bhalf an? ({_UNITS})\b", r"0.5 \1"),
    (rf"\b(?:one|1|a) and a half ({_UNITS})\b", r"1.5 \1"),
    *((rf"\b(?:{word}|{n}) and a half ({_UNITS})\b", rf"{n}.5 \1") for n, word in enumerate(_NUMBERS, 1)),
    (rf"\b(?:a couple of|a pair of) ({_UNITS})\b", r"2 \1"),
    *((rf"\b{word} ({_UNITS})\b", rf"{n} \1") for n, word in enumerate(_NUMBERS, 1)),
    *((rf"\bo'?clock (?=\b{word}\b)", "") for word in _NUMBERS),
    *((rf"\b{word} o'?clock\b", f"{n} o'clock") for n, word in enumerate(_NUMBERS, 1)),
    *((rf"\b(second|seconds) {word}\b", rf"\1 {n}") for n, word in enumerate(_NUMBERS, 1)),
    (r"\b(?:an?|one) (metre|meter|minute)\b", r"1 \1"),
    (r"\b(\d+),(\d+)(?= ?(?:m|s|metres?|meters?|seconds?)\b)", r"\1.\2"),
)


def cleaned(text: str, vocabulary: Collection[str]) -> str:
    """Return a question made plain.

    Args:
        text: the question.
        vocabulary: words that are right; others that look almost like one of them become it.

    >>> cleaned("Hey, could you please tell me where's the dgo?", {"where", "is", "the", "dog"})
    'where is the dog'
    """
    plain = unicodedata.normalize("NFKC", text).lower().translate(str.maketrans("’‘`“”–—", "'''\"\"--"))
    plain = replaced(plain, _CONTRACTIONS)
    plain = re.sub(r"(?<=\w)-(?=\w)", " ", plain)
    plain = re.sub(r"[^\w\s.,:;?!'°§ø]|_", " ", plain)
    plain = re.sub(r"(?<!\d)[.]|[.](?!\d)", " . ", plain)
    plain = re.sub(r"([,:;?!])(?!\d)", r" \1 ", plain)
    plain = " ".join(_spelled(word, vocabulary) for word in plain.split())
    plain = re.sub(r" ([,:;?!.])", r"\1", plain)
    return _without_politeness(replaced(plain, _NUMBER_RULES))


def _without_politeness(text: str) -> str:
    text = text.strip(" ?!.,;:")
    before = ""
    while before != text:
        before = text
        for pattern, replacement in _POLITE_START:
            text = pattern.sub(replacement, text).strip(" ,?!.:;")
        text = _POLITE_END.sub("", text).strip(" ,?!.:;")
    return " ".join(_FILLERS.sub(" ", text).split())


def _spelled(word: str, vocabulary: Collection[str]) -> str:
    """A word as it should be spelled."""
    if len(word) < 3 or not word.isalpha() or not word.isascii() or word in vocabulary:
        return word
    return _closest(word, frozenset(vocabulary))


@lru_cache(maxsize=4096)
def _closest(word: str, vocabulary: frozenset[str]) -> str:
    """The word that was meant: the same first letter, and few letters exchanged, missing or too many.

    Short words are too often right words that are not in the vocabulary: in them only letters may be swapped, or doubled.
    """
    alike = [right for right in vocabulary if right[0] == word[0] and abs(len(right) - len(word)) <= 2 and len(right) > 2]
    swapped = sorted(right for right in alike if sorted(right) == sorted(word))
    if swapped or len(word) < 4:
        return swapped[0] if swapped else word
    if len(word) == 4:
        once = (word[:at] + word[at + 1 :] for at in range(1, 4) if word[at] == word[at - 1])
        return next((right for right in once if right in alike), word)
    return next(iter(difflib.get_close_matches(word, sorted(alike), n=1, cutoff=0.8)), word)


def ordinal(word: str) -> int | None:
    """Return the number of an ordinal: ``second``, ``2nd``, ``last`` (-1); None if it is none."""
    if word in ("last", "final", "latest", "ultimate"):
        return -1
    if match := re.fullmatch(r"(\d+)(?:st|nd|rd|th)", word):
        return int(match[1])
    return _ORDINALS.index(word) + 1 if word in _ORDINALS else None
