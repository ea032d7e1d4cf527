"""What stands in a question in free words, as marks: one for all ways to say the same.

``is the second bark further to my left than the rain, at 3 s?`` becomes ``is ORD<2> S0 more LEFT than S1 SPAN<3,3>``. Marks are
in capitals: ``S0``, ``S1`` are sounds by name, each class once (``any S0`` with an indefinite article); ``LEFT`` ... ``BELOW``
directions, with ``more`` before them in comparisons; ``METRES<2.5*1>`` a distance and its unit; ``SPAN<1,2>`` a time in
seconds; ``ORD<2>`` an ordinal (-1: the last).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from auris.data.language.question_cleaning import cleaned, ordinal, replaced, rules
from auris.data.language.question_vocabulary import VOCABULARY
from auris.data.language.sound_names import SoundName, SoundNames

DIRECTION = "(?:LEFT|RIGHT|FRONT|BEHIND|ABOVE|BELOW)"
_THE = r"(?:(?:the|my|your|our|its|this|that) )"
_ME = (
    r"(?:me|you|us|myself|yourself|(?:the |this )?(?:listener|observer|microphones?|mic)|(?:my|your|our"
    r"|the) (?:own )?(?:heads?|ears?"
    r"|position|place|face|body|chair|seat|point of view|side)|where (?:i|you|we) (?:am|are|stand|sit|listen)|(?:ear|eye|head)"
    r" (?:level|height)|here)"
)
_RECORDING = (
    r"(?:recording|audio|clip|file|scene|sample|track|soundscape|background|room|kitchen|house|hall|street|park"
    r"|garden|forest|woods"
    r"|sound field|excerpt|space|surroundings?|environment|list|mix|mixture|distance|office|city|town|world|area|vicinity)"
)
_HAND = r"(?: (?:hand|side|ear|flank|speaker|half|part|corner|end|direction)\b)*"
_FAR = r"(?:far |very |extreme |hard |immediate |direct )*"
_GO = (
    r"(?:moves?|moving|moved|goes|going|go|comes?|coming|gets?|getting|walks?|walking|heading|heads|draws?|drawing"
    r"|becom(?:es?|ing))"
)
_TIME = r"(?:the )?TIME<([\d.:]+)>"

_SETTING = rules(
    (
        rf"\b(?:in|from|of|during|throughout|within|inside|on) (?:the|this|that|my|our|your|these|all)(?: whole| "
        rf"entire| short| audio"
        rf"| sound| given| present| wav| following)* {_RECORDING}\b(?: clip| file)?",
        "",
    ),
    (r"\b(?:from|in) (?:my|your|the listener) (?:point of view|perspective|viewpoint|position|place)\b", ""),
    (r"\b(?:from|of) where (?:i|you|we) (?:am|are|stand|sit|listen)(?: standing| sitting)?\b", ""),
    (
        r"\b(?:if|when|whether) (?:i|you) (?:look|face|am looking|am facing|are facing)(?: straight)?(?: ahead| "
        r"forwards?)?\b,?",
        "",
    ),
    (r"\b(?:type|types|kind|kinds|sort|sorts) of\b", "kinds of"),
    (r"\b(?:do|can) you think\b", ""),
    (r"\b(1[0-2]|[1-9]) o'?clock\b", r"CLOCK<\1>"),
    (r"\bsteps? (?:away|from)\b", "away"),
    (r"\bgo(?:ing|es)? on\b", "happening"),
    (r"\b(?:stay|stays|staying|stayed|remain|remains) where (?:it|they|he|she) (?:is|are|was|were)\b", "stays still"),
    (r"\b(?:a|one) second time\b", "the second time"),
)
_TIMES = rules(
    # How much is asked for, not said.
    (r"\bhow many (?:metres?|meters?|feet|foot|cm|centimet(?:re|er)s|yards|m)\b(?: away| off| apart)?", "HOWFAR"),
    (r"\bhow many seconds (?:into|in|after the (?:start|beginning)|from the (?:start|beginning))\b", "WHEN"),
    (r"\bhow many seconds\b|\bhow much time\b|\bfor how long\b|\bhow long\b(?! (?:is|a) (?:the )?distance)", "HOWLONG"),
    (r"\bhow many degrees\b", "HOWANGLE"),
    (r"\b(?:at |in |on )?(?:what|which) seconds?\b", "WHEN"),
    (r"\b(between|from) (\d+(?:\.\d+)?) (and|to|until|till) (?=\d+(?:\.\d+)? ?(?:s|secs?|seconds?)\b)", r"\1 TIME<\2> \3 "),
    (r"\b(?:in|during|within|for) the first second\b", "SPAN<0,1>"),
    (r"\b(?:in|during|within|for) the (?:last|final) second\b", "SPAN<-1,inf>"),
    (r"\b(\d+):(\d\d(?:\.\d+)?)\b", r"TIME<\1:\2>"),
    (r"\b(\d+(?:\.\d+)?) ?(?:minutes?|min)\b", r"TIME<\1:0>"),
    (r"\b(\d+(?:\.\d+)?) ?seconds? mark\b", r"TIME<\1>"),
    (r"\b(\d+(?:\.\d+)?) ?(?:s|secs?|seconds?)\b", r"TIME<\1>"),
    (r"\b(?:second|seconds|time|t) ?=? ?(\d+(?:\.\d+)?)\b", r"TIME<\1>"),
    (r"\b(\d+(?:\.\d+)?) ?(?:m|metres?|meters?)\b", r"METRES<\1*1>"),
    (r"\b(\d+(?:\.\d+)?) ?(?:cm|centimet(?:re|er)s?)\b", r"METRES<\1*0.01>"),
    (r"\b(\d+(?:\.\d+)?) ?(?:feet|foot|ft)\b", r"METRES<\1*0.3048>"),
    (r"\b(\d+(?:\.\d+)?) ?yards?\b", r"METRES<\1*0.9144>"),
    (rf"\b(?:between|from) {_TIME} (?:and|to|until|till) {_TIME}", r"SPAN<\1,\2>"),
    (rf"\b(?:in|during|within|over|for) (?:the )?(?:first|initial) {_TIME}", r"SPAN<0,\1>"),
    (rf"\b(?:in|during|within|over|for) (?:the )?(?:last|final) {_TIME}", r"SPAN<-\1,inf>"),
    (rf"\b(?:after|later than|past|beyond|from|since) {_TIME}(?: on| onwards?)?", r"SPAN<\1,inf>"),
    (rf"\b(?:before|until|till|up to|earlier than) {_TIME}", r"SPAN<0,\1>"),
    (rf"\b(?:at |around |by )*{_TIME}(?: (?:into it|into|in|from the (?:start|beginning)))?", r"SPAN<\1,\1>"),
)
_ASKED = rules(
    (r"\bhow high(?: up)?\b|\bhow low\b|\b(?:at |under )?(?:what|which) (?:angles?|height|elevation|azimuth"
     r"|bearing)\b", "HOWANGLE"),
    (r"\bhow far (?:up|down|off cent(?:re|er)|(?:over )?(?:to |on )?(?:the )?(?:left|right))\b(?! of)", "HOWANGLE"),
    (r"\b(?:the )?(?:azimuth|elevation|bearing|angle)\b(?: of)?", "HOWANGLE"),
    (r"\bhow (?:far|close|near|distant|great a distance|great|large)\b(?: is the distance| away| off| out)*", "HOWFAR"),
    (r"\b(?:at |from )?(?:what|which) (?:is the )?distance\b(?: away)?", "HOWFAR"),
    (r"\b(?:the |its )?(?:same|equal|similar|identical) distance\b|\b(?:equally|about as|just as) (?:far|close|near"
     r"|distant|remote)\b"
     r"|\bas (?:far|close|near|distant)(?: away)?(?: from (?:me|you))? as\b|\bequidistant\b"
     r"|\bdistances? (?:the )?same\b", "SAMEDISTANCE"),
    (r"\b(?:the |its |in )?distance\b(?: of| to| from)?", "HOWFAR"),
    (r"\b(?:in|from|to|at|on|out of)? ?\b(?:what|which) (?:sides?|hand|ear)\b(?: (?:of|from) (?:me|you|us))?(?! of the two)",
     "WHICHSIDE"),
    (r"\b(?:in|from|to|at|on|out of)? ?\b(?:what|which) (?:general )?(?:directions?|way|quarter)\b(?: (?:of"
     r"|from) (?:me|you|us))?",
     "WHICHWAY"),
    (r"\bfrom where\b|\bwhere(?:abouts)?(?: from)?\b|\b(?:what|which) (?:place|location|position|spot)\b"
     r"|\b(?:the |its )?(?:location|position)\b(?: of)?|\b(?:locate|localise|localize)\b|\bfind\b", "WHERE"),
    (r"\b(?:the |its )?direction\b(?: of)?(?! or)", "WHICHWAY"),
    (r"\b(?:at |on )?(?:what|which) (?:time|times|second|seconds|moment|point in time|point|instant)\b|\b(?:since "
     r"|until )?when\b"
     r"|\bhow (?:soon|early|late)\b|\bwhat is the time of\b", "WHEN"),
    (r"\bduration\b(?: of)?|\bthe length of\b", "HOWLONG"),
    (r"\bhow often\b", "HOWMANY times"),
    (r"\bhow many\b|\b(?:what is )?(?:the )?(?:total )?number of\b|\b(?:the )?count(?: of)?\b", "HOWMANY"),
)  # fmt: skip
_MOTION = rules(
    (rf"\b{_GO}(?: any)? (?:closer|nearer)\b(?: to {_ME})?(?! than)", "APPROACHES"),
    (rf"\b{_GO}(?: directly| straight)? (?:towards?|up to|to(?=ward)) {_ME}\b", "APPROACHES"),
    (r"\bapproach(?:es|ing|ed)?\b(?: (?:me|you|us))?", "APPROACHES"),
    (rf"\b{_GO}(?: farther| further)? away\b(?: from {_ME})?", "RECEDES"),
    (rf"\b{_GO} (?:farther|further)\b(?! (?:to|left|right))", "RECEDES"),
    (r"\breced(?:es?|ing|ed)\b|\bdepart(?:s|ing|ed)?\b|\bleav(?:es?|ing)\b", "RECEDES"),
    (r"\b(?:is|are|was|stays?|stand|stands|standing|keeps?|remains?|staying|rests?|resting|sits?) still\b"
     r"|\bstationary\b|\bstatic\b"
     r"|\bmotionless\b|\bat rest\b|\b(?:stays?|remains?) (?:put|in (?:one|the same) (?:place|spot|position)|where it "
     r"is|fixed)\b"
     r"|\bfixed\b|\bimmobile\b", "RESTS"),
    (r"\b(?:moves?|moving|moved|movements?|motion|travels?|travelling|traveling|trajectory|passes|passing(?: by)?"
     r"|pass by|going|shifts?|"
     r"shifting|drifts?|drifting|heading|wanders?|wandering)\b", "MOVES"),
)  # fmt: skip
_TOGETHER = rules(
    (r"\b(?:at|during|in) (?:the )?(?:very )?same (?:time|moment|instant)\b(?: as)?|\bsimultaneous(?:ly)?\b(?: (?:with|to))?"
     r"|\bconcurrent(?:ly)?\b|\bat once\b|\boverlap(?:s|ping|ped)?\b(?: with| in time)*|\b(?:along|together) with\b"
     r"|\bin parallel\b"
     r"|\btogether\b|\balongside\b|\bcoincid(?:es?|ing)\b(?: with)?", "SAMETIME"),
    (r"\b(?:the )?same (?:side|half|hand)\b", "SAMESIDE"),
    (r"\b(?:the )?(?:opposite|different|other|opposing|separate|either) (?:sides?|halves|hands?)\b", "OTHERSIDE"),
    (r"\b(?:the )?same (?:WHICHWAY|WHICHSIDE|WHERE|direction|place|spot|position|location|point|angle|corner"
     r"|HOWANGLE)\b", "SAMEPLACE"),
    (r"\b(?:(?:the )?(?:opposite|different|other|separate) (?:WHICHWAY|WHERE|directions?|places?|spots?|positions?"
     r"|locations?|points?))\b",
     "OTHERPLACE"),
)  # fmt: skip
# Pointing at the listener falls away: what is not "of a sound" is seen from there.
_SPACE = rules(
    (r"\b(?:at |in |from )?CLOCK<12>", "FRONT"),
    (r"\b(?:at |in |from )?CLOCK<3>", "RIGHT"),
    (r"\b(?:at |in |from )?CLOCK<6>", "BEHIND"),
    (r"\b(?:at |in |from )?CLOCK<9>", "LEFT"),
    (r"\b(?:at |in |from )?CLOCK<[12]>", "RIGHT FRONT"),
    (r"\b(?:at |in |from )?CLOCK<[45]>", "RIGHT BEHIND"),
    (r"\b(?:at |in |from )?CLOCK<[78]>", "LEFT BEHIND"),
    (r"\b(?:at |in |from )?CLOCK<1[01]>", "LEFT FRONT"),
    (r"\b(left|right) (?:of|from) (?:the )?(?:front|cent(?:er|re)|middle)\b", r"\1"),
    (r"\b(?:the )?left ?most\b", "more LEFT"),
    (r"\b(?:the )?right ?most\b", "more RIGHT"),
    (r"\b(?:the )?(?:front ?most|foremost)\b", "more FRONT"),
    (r"\b(?:the )?(?:rear ?most|hindmost|back ?most)\b", "more BEHIND"),
    (r"\b(?:the )?(?:highest|topmost|uppermost|higher)(?: up)?\b", "more ABOVE"),
    (r"\b(?:the )?(?:lowest|bottommost|lower)(?: down)?\b", "more BELOW"),
    (rf"\b(?:(?:on|at|in|over on|over) )?{_THE}?{_FAR}left\b{_HAND}", "LEFT"),
    (r"\b(?:directly |straight |right |dead )?(?:in (?:the )?front|ahead|up front)\b", "FRONT"),
    (r"\b(?:directly |straight |right )?(?:behind|in back of|rearwards?|backwards?)\b", "BEHIND"),
    (rf"\b(?:directly |straight |right )?(?:over|on top of|above) {_ME}\b|\boverhead\b|\b(?:in|from) the (?:sky|air"
     rf"|ceiling|roof)\b", "ABOVE"),
    (r"\b(?:at|by|near) (?:my|your|our|the) feet\b|\b(?:on|near|from) the (?:floor|ground)\b", "BELOW"),
    (rf"\b(?:(?:on|at|in|over on|over) )?{_THE}?{_FAR}right\b(?! (?:now|away|after|before|at|in|next|here|there"
     rf"|beside|over|under|up)\b){_HAND}",
     "RIGHT"),
    (rf"\b(?:facing|before) {_ME}\b", "FRONT"),
    (rf"\b(?:(?:on|at|in) )?{_THE}?(?:front|forwards?|frontal)\b(?: (?:side|half|part))?", "FRONT"),
    (rf"\b{_GO} back\b", "MOVES"),
    (rf"\b(?:(?:on|at|in) )?{_THE}?(?:back|rear)\b(?: (?:side|half|part))?", "BEHIND"),
    (rf"\b(?:directly |straight |high )?(?:above|upwards?|upstairs|high up|up (?:there|high)|on top|{_THE}top)\b", "ABOVE"),
    (rf"\b(?:directly |straight )?(?:below|beneath|under|underneath|downwards?|downstairs|down (?:there|low)"
     rf"|{_THE}bottom)\b", "BELOW"),
    (r"(?<!come )(?<!comes )(?<!show )(?<!turn )(?<!end )\bup\b(?! to)", "ABOVE"),
    (r"\bdown\b", "BELOW"),
    (r"\bhigh\b(?= *(?:$|,|or\b|and\b|S\d))", "ABOVE"),
    (r"\blow\b(?= *(?:$|,|or\b|and\b|S\d))", "BELOW"),
    (r"(?<=\bone of )(?:me|you|us)\b", ""),
    (rf"({DIRECTION})(?: (?:of|from|to|than|over))? {_ME}\b", r"\1"),
    (rf"\b(?:the )?(?:further|farther|more|most|furthest|farthest)(?: over| away| out)?(?: to(?:wards?)?| on| "
     rf"in)?(?: the)? ({DIRECTION})", r"more \1"),
    (r"\b(?:above|below|over|under) (?=METRES)", ""),
)  # fmt: skip
_COMPARED = rules(
    (r"\b(?:less than|within|inside|not more than|no more than|at most|up to|under|(?:closer|nearer)(?: to (?:me|you"
     r"|us))? than|BELOW) (?=METRES)",
     "NEARER than "),
    (r"\b(?:more than|over|beyond|at least|outside|(?:farther|further)(?: away| off)?(?: from (?:me|you|us))? than"
     r"|ABOVE|past) (?=METRES)",
     "FARTHER than "),
    (r"\b(?:the )?(?:closer|nearer|closest|nearest|(?:less|least) (?:far|distant|remote)|not (?:as|so) (?:far"
     r"|distant))\b(?: away| off| by)*",
     "NEARER"),
    (r"\bNEARER(?: to)? (LEFT|RIGHT)\b", r"more \1"),
    (r"\b(?:the )?(?:farther|further|farthest|furthest|(?:more|most) (?:distant|remote|far)|not (?:as|so) (?:close"
     r"|near))\b(?: away| off| out)*",
     "FARTHER"),
    (r"\bnot (?:too |so |very )?far\b(?: away| off)?|\b(?:near(?: ?by)?|close(?: by)?|next|beside)\b(?: to)?", "NEAR"),
    (r"\bfar\b(?: away| off)?|\bdistant\b|\ba long way\b(?: away| off)?", "FAR"),
    (r"\b(?:the )?(?:louder|loudest|noisier|noisiest|stronger|strongest|more loud|most loud)\b", "LOUDER"),
    (r"\b(?:the )?(?:quieter|quietest|softer|softest|fainter|faintest|weaker|weakest|less loud|least loud|more quiet"
     r"|most quiet)\b", "QUIETER"),
    (r"\b(?:the )?(?:longer|longest)\b(?: lasting)?", "LONGER"),
    (r"\b(?:the )?(?:shorter|shortest|briefest|briefer)\b(?: lasting)?", "SHORTER"),
    (r"\b(?:earlier|sooner|earliest)\b", "EARLIER"),
    (r"\b(?:later|latest)\b", "LATER"),
    (rf"\b(NEARER|FARTHER|NEAR|FAR|SAMEDISTANCE|HOWFAR|SAMESIDE|OTHERSIDE|METRES<[\d.*]+>|away)(?: away)?(?: (?:to"
     rf"|from|of|by))? {_ME}\b", r"\1"),
    (r"\b(?:begins?|beginning|began|starts?|starting|started|onset(?: of)?|sets? in|appears?|commences?)\b", "BEGINS"),
    (r"\b(?:ends?|ending|ended|stops?|stopping|stopped|finish(?:es|ed)?|ceases?|offset(?: of)?|fades?(?: out)?"
     r"|disappears?|over|"
     r"go(?:es)? silent|falls? silent|over with|vanish(?:es)?)\b", "ENDS"),
)  # fmt: skip
_NAMED = rules(
    (
        r"\b(?:the |a |an )?(?:sounds?|noises?|sources?|audio|recording) (?:of|from|made by|produced by|coming "
        r"from) (?=(?:the |an? |some |my )?S\d)",
        "",
    ),
    (r"\b(?:any|an?|some|another)(?: kinds of)?(?: other)?(?: \w+)? (?=S\d)", "any "),
    (r"\b(?:any) (S\d)", r"any \1"),
    (r"\b(?:the|my|your|our|this|that|his|her|their|these|those) (?=S\d)", ""),
    (r"(S\d)(?: (?:sounds?|noises?|sources?))\b(?! (?:like|at|BEGINS|ENDS|first))", r"\1"),
)


@dataclass(frozen=True)
class MarkedQuestion:
    """A question as marks.

    Attributes:
        text: the marks, with the words between them.
        names: the sounds of the marks ``S0``, ``S1`` ...
    """

    text: str
    names: tuple[SoundName, ...]


def marked(text: str, names: SoundNames) -> MarkedQuestion:
    """Return a question as marks."""
    plain = replaced(cleaned(text, _vocabulary(names)), (*_SETTING, *_TIMES))
    plain, found = _with_sounds(plain, names)
    plain = re.sub(r"(?<![<\d])\b([a-z]+|\d+(?:st|nd|rd|th))\b", _ordinal_mark, plain)
    for table in (_ASKED, _MOTION, _TOGETHER, _SPACE, _COMPARED, _NAMED):
        plain = replaced(plain, table)
    return MarkedQuestion(re.sub(r"\s+([,;.?!:])", r"\1", plain), found)


@lru_cache(maxsize=64)
def _vocabulary(names: SoundNames) -> frozenset[str]:
    return VOCABULARY | names.words


def _with_sounds(text: str, names: SoundNames) -> tuple[str, tuple[SoundName, ...]]:
    """The text with marks for sounds, and the sounds."""
    found: dict[str, SoundName] = {}
    parts, place = [], 0
    for match, name in names.find(text):
        first = found.setdefault(name.label, name)
        if (name.heard and not first.heard) or (name.several and not first.several):
            found[name.label] = SoundName(name.label, first.text, first.heard or name.heard, first.several or name.several)
        parts += [text[place : match.start()], f"S{list(found).index(name.label)}"]
        place = match.end()
    return "".join((*parts, text[place:])), tuple(found.values())


def _ordinal_mark(match: re.Match[str]) -> str:
    number = ordinal(match[1])
    return match[0] if number is None else f"ORD<{number}>"
