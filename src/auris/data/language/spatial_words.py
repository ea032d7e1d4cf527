"""The words of space, recognised: directions, distances, speeds, motions, sizes of places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auris.data.language.attributes import FRONT, LEFT, RIGHT, Distance, Size, Speed

_SIDES = {"left": LEFT, "right": RIGHT}


@dataclass(frozen=True)
class Token:
    """One thing said.

    Attributes:
        kind: ``word``, ``act`` (a word that also is a motion), ``comma``, ``direction``, ``distance``, ``speed``, ``motion``,
            ``from``, ``to``, ``start``, ``end``, ``always`` or ``then``.
        text: a word; for a direction its preposition: ``from``, ``to``, ``towards``, ``at`` or nothing, ``bare`` where it has
            no article either, ``slightly`` where it is said to be slightly to one side.
        direction: 1 to 5; None for one behind the listener.
        said: the words of a direction.
        distance: of a distance.
        speed: of a speed, or implied by a verb of motion.
    """

    kind: str
    text: str = ""
    direction: float | None = None
    distance: Distance | None = None
    speed: Speed | None = None
    said: str = ""


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ROOM = (
    r"(?:room|hall|space|place|chamber|hallway|area|building|studio|auditorium|church|office|interior|environment"
    + r"|apartment|house|basement|cave|kitchen|bathroom|classroom|garage|theat(?:er|re))"
)
_IN = r"in(?:side)?(?: of)?"
_SIZES: tuple[tuple[Size, str], ...] = (
    (
        "outdoors",
        r"(?:outdoors|outside(?! (?:the|a|my|of)\b)|in (?:the|an) open(?: air| field| space| area)?|in a field"
        r"|in (?:the|a) (?:\w+ )?(?:fields?|park|street|garden|forest|woods?|jungle|meadow|desert|countryside|mountains|wild)"
        r"|in (?:the|a) (?:\w+ )?(?:back)?yard"
        r"|(?:on|at) (?:the|a) (?:\w+ )?(?:beach|street|seaside))",
    ),
    ("moderate", rf"{_IN} (?:a|the) (?:moderate(?:ly)?|medium|mid|middle|average|normal)(?: sized)?(?: \w+)? {_ROOM}"),
    ("moderate", rf"{_IN} (?:a|the) {_ROOM} of (?:moderate|medium|average|normal) size"),
    ("moderate", rf"{_IN} (?:a|the|my) (?:living room|classroom|bedroom|office)"),
    ("large", rf"{_IN} (?:a|the) (?:very )?(?:large|big|huge|spacious|vast|great|wide)(?: sized)?(?: \w+)? {_ROOM}"),
    ("large", rf"{_IN} (?:a|the) (?:\w+ )?(?:concert hall|cathedral|arena|warehouse|hangar|gym(?:nasium)?|opera house)"),
    ("small", rf"{_IN} (?:a|the) (?:very )?(?:small|tiny|little|cramped|narrow)(?: sized)?(?: \w+)? {_ROOM}"),
    ("small", rf"{_IN} (?:a|the|my) (?:bathroom|closet|elevator|cupboard|phone booth)"),
)
_SIZE = re.compile("|".join(rf"(?P<s{n}>\b{pattern}\b)" for n, (_, pattern) in enumerate(_SIZES)))


def read_size(text: str) -> tuple[str, Size | None]:
    """Return a text without its words for the size of the place, and the size that the first of them says."""
    sizes = sizes_said(text)
    if not sizes:
        return text, None
    return " ".join(_SIZE.sub(" ", text).split()).strip(" ,"), sizes[0]


def sizes_said(text: str) -> tuple[Size, ...]:
    """Return every size of the place that a text says, each once."""
    said = (next(word for n, (word, _) in enumerate(_SIZES) if match[f"s{n}"]) for match in _SIZE.finditer(text))
    return tuple(dict.fromkeys(said))


# ── directions ───────────────────────────────────────────────────────────────────────────────────────────────────────

_PREPOSITION = (
    r"(?P<preposition>away from|out of|from|towards?|over to|up to|into|to(?! be)|on|at|off to"
    + r"|in(?! (?:front|the (?:open|distance|far))))"
)
_WHOSE = r"(?:the|this|our|your|my)"
_OF = rf"(?: of (?:{_WHOSE} (?:scene|listener|room|space|stage|sound ?field|image|hall|place|microphones?)|you|me|us))?"
_THING = r"(?! (?:door|yard|porch|desk|gate|wheel|foot|shoe|page|hand(?! side)|now|after|before|next|behind|turn))"
_DEGREES = (
    r"(?:(?:about|around|roughly|approximately|some) )?(?P<degrees>\d+(?:\.\d+)?) ?(?:degrees?|deg|°)"
    r"(?: (?:to|on|towards|of))?(?: the)? (?P<deg_side>left|right)(?: of (?:the )?(?:front|cent(?:er|re)|middle))?"
)
_TO_A_SIDE = r"(?: (?:and )?(?:(?:to|on|at) the )?(?:left|right))?"
_REAR = (
    # "and back" is a way, and "behind a door" is no direction.
    rf"(?P<rear>(?:(?:(?<=the )|(?<=my )|(?<=our )|(?<=your )|(?<=in )|(?<=at ))(?:back|rear)(?! and forth){_TO_A_SIDE}"
    r"|(?:back|rear) (?:left|right)|(?:left|right) (?:rear|back)"
    rf"|behind(?! (?:an?|some|his|her|their|its|this|that|(?:the|my|our|your) (?!listener|back|head))\b)"
    rf"{_TO_A_SIDE}(?: (?:you|us|me|the listener|(?:my|your|our) (?:back|head)))?{_TO_A_SIDE}))"
)
_DIAGONAL = (
    # Not "from the front to the left", which is a way.
    r"(?:(?:front|forward|ahead)(?: of (?:me|you|us))?(?: and(?: (?:to|on|at) the)?| on the| at the)? (?P<diagonal>left|right)"
    r"|(?P<diagonal2>left|right) (?:front|forward|of (?:the )?(?:front|cent(?:er|re)|middle))"
    r"|(?:slightly|a (?:little|bit)|somewhat) (?:(?:to|on|towards) the )?(?P<diagonal3>left|right))"
)
_AHEAD = (
    r"(?P<ahead>(?:directly|right|straight|dead|just) (?:ahead|in front|forward|front)|in front|ahead|front"
    + r"|cent(?:er|re)|middle)"
)
_LATERAL = r"(?P<hard>(?:far|very|extreme|hard|completely|fully) )?(?P<lateral>left|right)"
_DIRECTION = (
    rf"(?:{_PREPOSITION} )?(?P<article>(?:the|my|your|our) )?(?:{_DEGREES}|{_REAR}|{_DIAGONAL}|{_AHEAD}|{_LATERAL}){_THING}"
    rf"(?: hand)?(?: (?:side|corner|part|half|edge|end|ear|ears|channel|speaker|headphone|earphone|earbud))?{_OF}"
)

# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_HERE = r"(?= (?:on|at|in front|to the (?:left|right|front)|ahead|straight|directly)\b|,|$)"
_LISTENER = r"(?:the listener|you|us|me|the microphones?)"
_NEAR = (
    rf"(?:very |quite )?(?:near ?by|close by|close up|up close|(?:at|from) (?:a )?(?:close|short|near) (?:range|distance)"
    rf"|(?:close|near|next) to {_LISTENER}|(?:near|beside) {_LISTENER}|(?:close|near){_HERE}"
    r"|(?:close|near|next) to (?:my|your) (?:ears?|head)|(?:close|near|next) to(?= (?:my|your|the) (?:left|right)\b))"
)
_MODERATE = (
    r"(?:(?:at )?(?:a|some) (?:moderate|medium|middle|intermediate) (?:distance|range)(?: away)?"
    r"|at (?:moderate|medium) (?:distance|range)|some way off|moderately (?:far|close|distant)(?: away)?)"
)
_FAR = (
    rf"(?:(?:very |quite )?(?:far|a long way) (?:away|off)|in(?:to)? the (?:far )?distance|from afar|afar"
    rf"|(?:at )?a (?:great|far|long|large) distance(?: away)?|at (?:a distance|long range)|distantly|distant|far{_HERE})"
)
_DISTANCES: tuple[tuple[Distance, str], ...] = (("near", _NEAR), ("moderate", _MODERATE), ("far", _FAR))
_RATE = r"(?:speed|pace|rate|velocity)"
_SPEEDS: tuple[tuple[Speed, str], ...] = (
    ("slow", rf"(?:very |quite )?(?:slowly|gradually|leisurely|unhurriedly)"
             rf"|(?:at|with) (?:a )?(?:very )?(?:slow|low|leisurely|gentle) {_RATE}"),
    ("moderate", rf"steadily|moderately"
                 rf"|(?:at|with) (?:a )?(?:moderate|medium|normal|steady|average|walking|regular) {_RATE}"),
    ("fast", rf"(?:very |quite )?(?:quickly|rapidly|swiftly|fast|speedily|hurriedly|briskly)"
             rf"|(?:at|with) (?:a )?(?:very )?(?:fast|high|great|rapid|brisk|quick|full|top) {_RATE}"),
    ("instantly", r"instantly|instantaneously|suddenly|abruptly|immediately|in an instant|(?:all )?at once|in a flash"),
)  # fmt: skip
_ANY_SPEED = "|".join(pattern for _, pattern in _SPEEDS)
_ONWARD = (
    rf"(?=(?: (?:{_ANY_SPEED}|straight|all the way|back|up|out|in|along|it|its way))*"
    r" (?:from\b.*\b(?:to(?:wards?)?|into|onto|over)"
    r"|to(?:wards?)?|over|across|past|by|through|about|around|overhead|away|off|along|closer|nearer|into|in (?:a )?circles?)\b)"
)
_FROM = r"(?=(?: \w+ly)* from\b)"
_VERBS: tuple[tuple[Speed | None, str], ...] = (
    (None, r"(?:mov(?:es?|ing|ed)|travel(?:s|l?ing|l?ed)?|shift(?:s|ing|ed)?|drift(?:s|ing|ed)?|glid(?:es?|ing|ed)"
           r"|wander(?:s|ing|ed)?|pass(?:es|ing|ed)?|approach(?:es|ing|ed)?|reced(?:es?|ing|ed)|relocat(?:es?|ing|ed)"
           r"|circl(?:es|ing|ed)|orbit(?:s|ing|ed))"),
    ("instantly", rf"(?:jump(?:s|ing|ed)?|leap(?:s|ing|ed|t)?|switch(?:es|ing|ed)?|teleport(?:s|ing|ed)?|hop(?:s|ping|ped)?)"
                  rf"(?:{_ONWARD}|{_FROM})"),
    ("fast", rf"(?:rush(?:es|ing|ed)?|rac(?:es?|ing|ed)|dash(?:es|ing|ed)?|zoom(?:s|ing|ed)?|speed(?:s|ing)?|sped){_ONWARD}"),
    ("slow", rf"(?:creep(?:s|ing)?|crept|crawl(?:s|ing|ed)?){_ONWARD}"),
    (None, rf"(?:go(?:es|ing)?|went|com(?:es?|ing)|came){_ONWARD}"),
    (None, r"(?:get(?:s|ting)?|grow(?:s|ing)?)(?= (?:closer|nearer|farther|further)\b)"),
    (None, rf"(?:pan(?:s|ning|ned)?|sweep(?:s|ing)?|swept|swing(?:s|ing)?|swung|disappear(?:s|ing|ed)?|vanish(?:es|ing|ed)?"
           rf"|fad(?:es?|ing|ed)|exit(?:s|ing|ed)?|mak(?:es|ing) its way|head(?:s|ing|ed)?){_ONWARD}"),
)  # fmt: skip
# These say how it moves, but also what it is: they stay in the description.
_ACTS = (
    r"(?:walk(?:s|ing|ed)?|run(?:s|ning)?|fl(?:y|ies|ying|ew)|driv(?:es?|ing)|roll(?:s|ing|ed)?|sail(?:s|ing|ed)?|rid(?:es?|ing)"
    r"|march(?:es|ing|ed)?|swims?|swimming|gallop(?:s|ing)?|cycl(?:es?|ing)|stroll(?:s|ing|ed)?|bounc(?:es?|ing|ed)"
    rf"|trot(?:s|ting|ted)?|jog(?:s|ging|ged)?|swoop(?:s|ing|ed)?|stomp(?:s|ing|ed)?|chas(?:es?|ing|ed)){_ONWARD}"
)

_SCANNER = re.compile(
    "|".join(
        (
            r"(?P<comma>[,:()!?\"]+)",
            r"(?P<sound>" + "\ue000\\d+\ue001" + ")",
            rf"(?P<direction>\b{_DIRECTION}(?!\w))",
            *(rf"(?P<distance{n}>\b(?:{pattern})(?!\w))" for n, (_, pattern) in enumerate(_DISTANCES)),
            *(rf"(?P<speed{n}>\b(?:{pattern})(?!\w))" for n, (_, pattern) in enumerate(_SPEEDS)),
            *(rf"(?P<verb{n}>\b(?:{pattern})(?!\w))" for n, (_, pattern) in enumerate(_VERBS)),
            rf"(?P<act>\b{_ACTS}(?!\w))",
            r"(?P<start>\b(?:start(?:s|ing|ed)?|begin(?:s|ning)?)(?: out)?(?!\w))",
            r"(?P<end>\b(?:end(?:s|ing|ed)?|finish(?:es|ing|ed)?|stop(?:s|ping|ped)?)(?: up)?(?!\w))",
            r"(?P<always>\b(?:always|staying|remaining|throughout)(?!\w))",
            r"(?P<toward>\b(?:away from|from|towards?|to|into)(?!\w))",
            r"(?P<roaming>\b(?:about|around|over)(?!\w))",
            r"(?P<word>[^\s,:()!?\"]+)",
        )
    )
)
_GROUPED = {
    "from": "from",
    "away from": "from",
    "out of": "from",
    "to": "to",
    "off to": "to",
    "on": "at",
    "at": "at",
    "in": "at",
}


def tokens(text: str) -> list[Token]:
    """Return a text of one part of a sentence, without hyphens, as tokens."""
    return list(_settled([token for match in _SCANNER.finditer(text) for token in _read(match, text)]))


def _read(match: re.Match[str], text: str) -> Iterator[Token]:
    said = match[0]
    group = next((name for name in _KINDS if match[name] is not None), "word")
    number = int(group[-1]) if group[-1].isdigit() else 0
    if group == "direction":
        yield from _direction_tokens(match, text)
    elif group.startswith("distance"):
        if said.startswith("into "):
            yield Token("to", "into")
        yield Token("distance", said, distance=_DISTANCES[number][0])
    elif group.startswith("speed"):
        yield Token("speed", said, speed=_SPEEDS[number][0])
    elif group.startswith("verb"):
        yield Token("motion", said, speed=_VERBS[number][0])
    elif group == "act":
        yield Token("act", said)
        yield Token("motion", said)
    elif group == "comma":
        yield Token("comma")
    elif group == "toward":
        yield Token("from" if said.endswith("from") else "to", said)
    else:
        yield Token("word" if group == "sound" else group, said)


_KINDS = (
    *("comma", "sound", "direction"),
    *(f"distance{n}" for n in range(len(_DISTANCES))),
    *(f"speed{n}" for n in range(len(_SPEEDS))),
    *(f"verb{n}" for n in range(len(_VERBS))),
    *("act", "start", "end", "always", "toward", "roaming"),
)


def _direction_tokens(match: re.Match[str], text: str) -> Iterator[Token]:
    """A direction, or the words themselves where they are none: a left turn, someone left."""
    named = match["preposition"] or match["article"] or match["hard"] or not (match["lateral"] or match["ahead"])
    certain = match["ahead"] and re.match(r"directly|right|straight|dead|just|in front|ahead", match["ahead"])
    last = not text[match.end() :].strip(" ,") or text[match.end() :].lstrip().startswith((",", "to ", "towards "))
    if not (named or certain or last):
        yield from (Token("word", word) for word in match[0].split())
        return
    preposition = match["preposition"] or ""
    alone = "slightly" if match["diagonal3"] else "bare" if match["lateral"] and not match["article"] else ""
    manner = _GROUPED.get(preposition, "towards") if preposition else alone
    yield Token("direction", manner, direction=_number(match), said=match[0])


def _number(match: re.Match[str]) -> float | None:
    if match["rear"]:
        return None
    if match["degrees"]:
        degrees = float(match["degrees"])
        sign = -1 if match["deg_side"] == "left" else 1
        return round(FRONT + sign * degrees / 45, 4) if degrees <= 90 else None
    if match["ahead"]:
        return FRONT
    if match["lateral"]:
        return _SIDES[match["lateral"]]
    return (_SIDES[match["diagonal"] or match["diagonal2"] or match["diagonal3"]] + FRONT) / 2


def _settled(row: list[Token]) -> Iterator[Token]:
    """Decide on the words that only mean something before or after others."""
    moved = False
    for number, token in enumerate(row):
        following = next((t.kind for t in row[number + 1 :] if t.kind not in ("comma", "speed")), "")
        moved = moved or token.kind == "motion"
        if token.kind in ("from", "to", "start", "end") and following not in ("direction", "distance"):
            yield Token("word", token.text)
        elif token.kind == "roaming":
            yield Token("comma") if moved else Token("word", token.text)
        else:
            yield token
