"""What people type when they ask for a scene, in the words that the grammar of :mod:`.parsing` reads.

Requests lose what asks ("please make a ten second clip of"), short forms become whole ("left to right", "Left: a dog",
"at 2 o'clock", "direction 2.5"), and what a direction from 1 to 5 cannot hold (heights, the way back of a movement) is taken
out and told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

RemarkKind = Literal["behind", "height", "around", "way", "side", "places", "sizes", "speeds"]


@dataclass(frozen=True)
class Remark:
    """Something that was said, but has no attribute.

    Attributes:
        kind: ``behind`` (a direction in the rear half), ``height``, ``around`` (on all sides, or a way around the listener),
            ``way`` (there and back, or over several places), ``side`` (degrees to neither side), or several ``places``,
            ``sizes`` or ``speeds`` of one thing, which contradict each other.
        text: the words.
        sound: of which they are said; empty where that is not known.
    """

    kind: RemarkKind
    text: str
    sound: str = ""


_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORD = "|".join(_NUMBER_WORDS)
_COUNT = rf"(?P<count>\d+(?:\.\d+)?|{_WORD}|fifteen|twenty|thirty)"
_UNIT = r"(?P<unit>seconds?|secs?|s|minutes?|mins?)"
_CLIP = r"(?:audio|recordings?|clips?|scenes?|tracks?|soundscapes?|samples?|files?)"
_KIND = r"(?:(?:short|stereo|spatial|binaural|3d|realistic|ambient|audio|sound) )*"
_LENGTH = re.compile(
    rf"\b(?:{_COUNT}[- ]?{_UNIT}(?:[- ]long)? (?=(?:of |{_KIND}{_CLIP}\b))(?:of )?"
    rf"|(?:lasting|for|during) (?:about )?{_COUNT.replace('count', 'count2')} ?{_UNIT.replace('unit', 'unit2')}"
    r"(?= *(?:[.,;]|$))"
    rf"|,? ?{_COUNT.replace('count', 'count3')} ?{_UNIT.replace('unit', 'unit3')} long\b)"
)
_POLITE = re.compile(r"(?:(?:hi|hello|hey|ok(?:ay)?|please|kindly|can you|could you|would you|will you|now|so)[ ,!]+)*")
_COMMAND = re.compile(
    r"(?:(?:i|we)(?: would like|'d like| want| need| wish)(?: you)?(?: to (?:hear|have|make|create|generate|get|listen to))? "
    r"|(?:let (?:me|us) |let's |(?:i|we|you) (?:can |could |will )?)?(?:hear|imagine|listen to) "
    r"|(?:generate|create|make|give|play|produce|simulate|synthesi[sz]e|put|place|add|render|design|compose)(?: (?:me|us))? )"
)
_CLIPPED = re.compile(
    rf"(?:(?:an?|the|some) )?{_KIND}{_CLIP}(?: of| with| where| in which|:),? (?:where )?|(?:an? )?(?:sound|noise)s? of "
)
_ONSET = re.compile(
    r"\b(?:starts?|begins?|started|began|keeps?|continues?)(?: on)? "
    r"(?:(?=(?!up|during|along)[a-z]{2,}ing\b)|to (?=bark|cry|ring|play|sing|fall))"
)


def requested(text: str) -> str:
    """Return a text in lower case without what only asks for it, and with what sounds begin to do as what they do.

    >>> requested("please generate a 5 second clip of a helicopter flying"), requested("a dog starts barking")
    ('a helicopter flying', 'a dog barking')
    """
    bare = " ".join(_LENGTH.sub(" ", text).split()).strip(" ,")
    for asked in (_POLITE, _COMMAND, _CLIPPED):
        if (match := asked.match(bare)) and re.search(r"[a-z\ue000]", bare[match.end() :]):
            bare = bare[match.end() :]
    return _ONSET.sub("", bare)


def seconds_said(text: str) -> float | None:
    """Return the length of a clip that a text asks for; None where it asks for none.

    >>> seconds_said("a ten-second clip of rain"), seconds_said("rain every ten seconds")
    (10.0, None)
    """
    match = _LENGTH.search(" ".join(text.lower().split()))
    if match is None:
        return None
    word = next(match[name] for name in ("count", "count2", "count3") if match[name])
    unit = next(match[name] for name in ("unit", "unit2", "unit3") if match[name])
    tens = {"fifteen": 15.0, "twenty": 20.0, "thirty": 30.0}
    count = _NUMBER_WORDS.index(word) + 1.0 if word in _NUMBER_WORDS else tens.get(word) or float(word)
    return count * (60.0 if unit.startswith("min") else 1.0)


# ── short forms ──────────────────────────────────────────────────────────────────────────────────────────────────────

_SIDE = (
    r"(?:(?:far |hard |extreme )?(?:front |cent(?:er|re) )?(?:left|right)|(?:left|right) (?:front|cent(?:er|re))"
    r"|front|cent(?:er|re)|middle)"
)
_WHO = r"(?:me|you|us|my head|your head|the listener(?:'s head)?|the head)"
_SHORT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), given)
    for pattern, given in (
        # "Left: a dog. Right: rain." and "dog (left), cat (right)"
        (rf"(^|[.;,] ?)(?:(?:on|at|to|in) )?(?:the |my |your )?({_SIDE})(?: side| channel| ear)?: ?", r"\1on the \2 "),
        (rf"\((?:(?:on|at|to|from|in) )?(?:the )?({_SIDE})(?: side)?\)", r" on the \1 "),
        (
            rf"\b((?:mov|jump|swing|switch|alternat|bounc|hop|go|travel|run|walk|fl)\w*)(?: back and forth)? between "
            rf"(?:the |my |your )?({_SIDE}) and (?:the |my |your )?({_SIDE})\b",
            r"\1 back and forth from the \2 to the \3",
        ),
        (
            rf"\b(start(?:s|ing|ed)?|begin(?:s|ning)?|began|end(?:s|ing|ed)?|finish(?:es|ing|ed)?|stop(?:s|ping|ped)?)"
            rf"(?: up| out| off)? (?={_SIDE}\b)",
            r"\1 on the ",
        ),
        (r"\bat (?:an? )?(?:(?:azimuth|angle) of )?0 ?(?:degrees?|deg|°)(?! (?:to|left|right))", "in front"),
        (r"\b(?:cent(?:er|re)|middle) (left|right)\b", r"front \1"),
        (r"\b(left|right) (?:cent(?:er|re)|middle)\b", r"front \1"),
        (r"\bon both sides\b|\b(?:in|to|on) (?:both|either) (?:ears|sides?)\b", "on the left and on the right"),
        (r"\b(?:at )?cent(?:er|re) stage\b", "in front"),
        (r"\b(left|right) of (?=(?:an?|some) )", r"\1 while "),  # "to the left of a fire"
        (r"(?<!the )(?<!my )(?<!your )(?<!to )(?<!from )\b(left|right) (?=\ue000)", r"\1, "),
        (r"\bpanned (?=(?:(?:to|on) the |hard |fully |far |slightly |all the way )*(?:left|right|cent))", ""),
        (r"(?<!front )(?<!the )(?<!my )\bright (?=(?:next to|beside)\b)", ""),
    )
)
_WAY = re.compile(
    r"\b(?P<before>(?:(?:from|to|on|at|in|the|my|your|is|are|\d+(?:\.\d+)? ?(?:degrees?|deg|°)) )*)"
    rf"(?P<first>{_SIDE}) to (?:the |my |your )?(?P<last>{_SIDE})\b"
)
_HOUR = re.compile(rf"\bat (?:about )?(?P<hour>\d{{1,2}}|{_WORD}) ?o ?'? ?clock(?: position)?\b")
_STRIKES = re.compile(r"(?:strikes?|striking|chimes?|chiming|tolls?|rings?|ringing|goes off|going off)[^,.;]* ?$")
_DIRECTION = re.compile(r"\b(?:at |in |from |on )?(?:the )?direction (?P<number>[1-5](?:\.\d+)?)(?![\d.]*\d)")
_TO_DIRECTION = re.compile(r"\b(?P<way>from|to|towards?) (?:the )?direction (?P<number>[1-5](?:\.\d+)?)(?![\d.]*\d)")


def spelled_out(text: str) -> str:
    """Return a text in lower case, without hyphens, with short forms of directions written out.

    >>> spelled_out("a car passes left to right"), spelled_out("a dog at 2 o'clock")
    ('a car passes from the left to the right', 'a dog at 60 degrees to the right')
    """
    for pattern, whole in _SHORT:
        text = pattern.sub(whole, text)
    text = _WAY.sub(lambda match: match[0] if match["before"] else f"from the {match['first']} to the {match['last']}", text)
    text = _TO_DIRECTION.sub(lambda match: f"{match['way']} {_by_degrees(45 * (float(match['number']) - 3))}", text)
    text = _DIRECTION.sub(lambda match: f"at {_by_degrees(45 * (float(match['number']) - 3))}", text)
    text = _HOUR.sub(lambda match: match[0] if _STRIKES.search(text[: match.start()]) else _at_hour(match["hour"]), text)
    return " ".join(text.split())


def _by_degrees(clockwise: float) -> str:
    return "the front" if clockwise == 0 else f"{abs(clockwise):g} degrees {'left' if clockwise < 0 else 'right'}"


def _at_hour(word: str) -> str:
    hour = _NUMBER_WORDS.index(word) + 1 if word in _NUMBER_WORDS else int(word)
    clockwise = (30 * hour + 180) % 360 - 180
    if hour > 12 or abs(clockwise) > 90:
        return "behind me"
    return "in front" if clockwise == 0 else f"at {abs(clockwise)} degrees to the {'left' if clockwise < 0 else 'right'}"


# ── what has no attribute ────────────────────────────────────────────────────────────────────────────────────────────

_HEIGHT = (
    r"\b(?:(?:high |directly |right |just |from |somewhere )*"
    rf"(?:overhead|above(?: {_WHO}|(?! the\b))|(?:below|beneath|underneath) {_WHO}"
    r"|over (?:my|your|our|the listener's) heads?)|(?:high )?up (?:above|high)|high up|(?:high )?(?:up )?in the (?:sky|air)"
    r"|(?:on|from) the ceiling|from the (?:sky|floor))(?![\w'])"
)
_BACK = (
    r"(?:,? (?:and then|and|then) (?:then |comes? |goes |moves |going )?back(?: again)?"
    r"(?: to (?:the )?(?:left|right|front|start|beginning|cent(?:er|re)))?\b(?! (?:left|right))"
    r"|\bback and forth\b|\bto and fro\b)"
)
_NO_SIDE = (
    r"\b(?:at |by )?(?:an? )?(?:(?:azimuth|angle) of )?[-+]?\d+(?:\.\d+)? ?(?:degrees?\b|deg\b|°)"
    r"(?! ?(?:(?:to|on|towards|of) )?(?:(?:the|my|your) )?(?:left|right))(?! (?:c|celsius|f)\b)"
)
_TAKEN_OUT: tuple[tuple[RemarkKind, re.Pattern[str], str], ...] = (
    ("height", re.compile(_HEIGHT), " "),
    ("height", re.compile(r"\b(?:top|upper|bottom|lower|high|low) (?=(?:left|right)\b)"), ""),
    ("way", re.compile(_BACK), " "),
    ("around", re.compile(rf"\b(?:all )?around {_WHO}"), " circling "),
    ("around", re.compile(r"\beverywhere\b|\bfrom (?:all|every) (?:sides?|directions?)\b|\ball around\b"), " "),
    ("side", re.compile(_NO_SIDE), " "),
)


def without_the_unsayable(text: str) -> tuple[str, tuple[Remark, ...]]:
    """Return a text without what directions from 1 to 5 cannot hold, and what that was.

    >>> without_the_unsayable("a helicopter hovers overhead")
    ('a helicopter hovers', (Remark(kind='height', text='overhead', sound=''),))
    """
    remarks = []
    for kind, pattern, instead in _TAKEN_OUT:
        remarks += [Remark(kind, match[0].strip(" ,")) for match in pattern.finditer(text)]
        text = pattern.sub(instead, text)
    return " ".join(text.split()), tuple(remarks)
