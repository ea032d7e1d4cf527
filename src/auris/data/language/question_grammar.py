"""The words of questions: what is asked (:class:`Asked`) said in many ways, and read back from what was said.

Templates are in the notation of :mod:`auris.data.language.templates`. Their slots are phrases for places and sounds
(:mod:`auris.data.language.phrases`); ``subject`` and ``other`` are sounds by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from auris.data.language import phrases
from auris.data.language.templates import Template, found
from auris.errors import ParameterError
from auris.io.spatial_qa_records import QUESTION_TYPES, QuestionType

Relation = Literal["", "nearer", "farther", "more", "alike", "apart"]
Wording = Literal["any", "training", "held_out"]


@dataclass(frozen=True)
class Asked:
    """What a question asks, apart from its words.

    Attributes:
        type: published type of question.
        subject: label of the sound that is asked about; empty where none is named.
        other: label of the sound it is compared with; empty where none is named.
        words: directions that are said: where a source is that is asked about, or which relation is asked about, or, where the
            answer is a direction, both of an axis.
        distance: metres that are said.
        relation: ``nearer``, ``farther``: by distance from the listener. ``more``: further in a direction than the other.
            ``alike``, ``apart``: both on one side of the listener, or not.
    """

    type: QuestionType
    subject: str = ""
    other: str = ""
    words: tuple[str, ...] = ()
    distance: float | None = None
    relation: Relation = ""

    @property
    def form(self) -> str:
        """Name of the templates that say it."""
        parts: list[str] = [self.type]
        parts += ["compared"] if self.relation in ("nearer", "farther") else [self.relation] if self.relation else []
        parts += ["words"] if self.words and not self.relation else []
        parts += ["distance"] if self.distance is not None else []
        parts += ["named"] if self.subject else []
        return "/".join(parts)


_CLIP = "[the|this] [audio clip|recording|audio]"
_LIST = "[Identify|Name|List|Enumerate|State]"
_EVENTS = "[sounds|sound events|sound sources]"
_TWO = "[of the two|of the two sounds|of the two sound sources|one]"
_TELL = "[Give|State|Describe|Tell me|Estimate]"
_SAY = "[Tell me|State|Say] whether"

_DETECTION = (
    f"{_LIST} the [sounds|sound events|sound sources|sound occurrences] [in|heard in|present in] {_CLIP}.",
    f"[What|Which] [sounds|sound events|kinds of sound] [do|can] you hear in {_CLIP}?",
    f"What [is to be heard|can be heard|is making a sound] in {_CLIP}?",
    f"[Which|What] [sounds|sound events|sound sources] [occur|are present|are there|can be heard] in {_CLIP}?",
    "[What are you hearing|What do you hear|What can you hear][ here| in this clip|]?",
    f"[Can|Could] you [identify|name|list] the [sounds|sound events] [that you hear|in {_CLIP}]?",
    f"[Please describe|Describe] [what you hear|what is to be heard] in {_CLIP}.",
)
_PLACE = (
    "Where is the sound coming from, and how far away is it?",
    "[Where|From where] do you hear the sound, and [how far away is it|at what distance]?",
    "[In which|In what] direction and [at what distance|how far away] [is the sound[ source|]|do you hear the sound]?",
    "[From which|From what] direction and from [how far away|what distance] does the sound [come|reach you]?",
    "How would you describe the [location|position] of the sound[ source|] in terms of direction and distance?",
    f"{_TELL} the direction and [the |]distance of the [sound|sound source].",
    "How far away is the sound, and in [which|what] direction?",
    "What are the direction and distance of the [sound|sound source][ relative to you|, as you hear it|]?",
    "[Can|Could] you tell [me |]where the sound comes from and how far away it is?",
    "At what distance and in [which|what] direction is the sound [originating|located|to be heard]?",
)
_PLACE_NAMED = (
    "Where is {subject} coming from, and how far away is it?",
    "[Where|From where] do you hear {subject}, and [how far away is it|at what distance]?",
    "[In which|In what] direction and [at what distance|how far away] [is {subject}|do you hear {subject}]?",
    "[From which|From what] direction and from [how far away|what distance] does {subject} [come|reach you]?",
    "How would you describe the [location|position] of {subject} in terms of direction and distance?",
    f"{_TELL} the direction and [the |]distance of {{subject}}.",
    "How far away is {subject}, and in [which|what] direction?",
    "What are the direction and distance of {subject}[ relative to you|, as you hear it|]?",
    "[Can|Could] you tell [me |]where {subject} comes from and how far away it is?",
    "At what distance and in [which|what] direction[,|] is {subject} [originating|located|to be heard]?",
)
_AT_PLACE = (
    f"{_LIST} the {_EVENTS} [coming|that come|that you hear|heard] {{from}}.",
    f"[What|Which] {_EVENTS} [come|are coming|reach you] {{from}}?",
    "What [do you hear|can you hear|can be heard] {from}?",
    f"[What|Which] [{_EVENTS}|kinds of sound] [do|can] you hear {{at}}?",
    f"{_LIST} the {_EVENTS} [that are |located |]{{at}}.",
    "[There is a sound source|A sound source is|One of the sources is] {at}. What is it?",
    "What is the source [of the sounds|of the sound] [that comes|coming] {from}?",
)
_AT_PLACE_AND_DISTANCE = (
    f"{_LIST} the {_EVENTS} [coming|that come|that you hear|heard] {{from}}, {{metres}} away.",
    f"[What|Which] {_EVENTS} [come|are coming|reach you] {{from}}, from {{metres}} away?",
    "What [do you hear|can you hear|can be heard] {from}, {metres} away?",
    "[There is a sound source|A sound source is|One of the sources is] {at}, at a distance of {metres}. What is it?",
    f"{_LIST} the {_EVENTS} [that are |located |]{{at}}, {{metres}} from you.",
)
_AT_DISTANCE = (
    f"{_LIST} the {_EVENTS} [coming|that come|that you hear|heard] from {{metres}} away.",
    f"[What|Which] {_EVENTS} [come|are coming|reach you] from a distance of {{metres}}?",
    "What [do you hear|can you hear|can be heard] {metres} away[ from you|]?",
    "What [do you hear|can you hear|can be heard] at a distance of {metres}?",
    "[There is a sound source|A sound source is|One of the sources is] {metres} away[ from you|]. What is it?",
    "What is the source [of the sounds|of the sound] that [you hear|comes] from {metres} away?",
)
_AT_COMPARED = (
    f"{_LIST} the [sounds|sound events] of the {{attribute}} source.",
    "What [do|can] you hear from the {attribute} [of the two sources|source|of the two]?",
    f"{_LIST} the {_EVENTS} that are {{comparative}}.",
    "One of the sources is {comparative}. What is it?",
    "[What|Which] [sounds|sound events] come from the source that is {comparative}?",
)
_VIEW = "[From where you are|From your point of view|As you hear it|If you look straight ahead]"
_DIRECTION = (
    "Is {subject} [located |]{than} {other}?",
    "Do you hear {subject} {than} {other}?",
    "Does {subject} lie {than} {other}?",
    "[Compared with|Relative to] {other}, is {subject} {most}?",
    "[Would you say|Is it true|Is it right|Do you hear] that {subject} [is|lies] {than} {other}?",
    f"{_VIEW}, is {{subject}} {{than}} {{other}}?",
    "Does {subject} [come from|reach you from] a place {than} {other}?",
    "Is the source of {subject} {than} that of {other}?",
)
_ALIKE = (
    "Are {subject} and {other} {slot}?",
    "Are the sources of {subject} and of {other} {slot}?",
    "[Would you say|Is it true|Is it right|Do you hear] that {subject} and {other} are {slot}?",
    f"{_VIEW}, are {{subject}} and {{other}} {{slot}}?",
    "Do {subject} and {other} come from sources {slot}?",
)
_DISTANCE = (
    "Is {subject} {comparative} than {other}?",
    "Does {subject} lie {comparative} than {other}?",
    "[Compared with|In comparison with|Relative to] {other}, is {subject} {comparative}?",
    "[Would you say|Is it true|Is it right|Do you hear] that {subject} is {comparative} than {other}?",
    "[Of the two|Of these two sounds|As you hear it|From where you are], is {subject} {comparative} than {other}?",
    "[As far as you can tell|To your ears], is {subject} {comparative} than {other}?",
    "Does {subject} come from a source that is {comparative} than {other}?",
    "Is the source of {subject} {comparative} than that of {other}?",
    "Do you hear {subject} as the {attribute} [one|of the two], compared with {other}?",
    "Is {subject} the {attribute} one, compared with {other}?",
    "Of {subject} and {other}, is the first {comparative}?",
)
_APART_BY = (
    "How far [away |]is {subject} from {other}?",
    "What is the distance [between|that separates] {subject} and {other}?",
    "How far apart are {subject} and {other}?",
    "How [great|large] is the distance between {subject} and {other}?",
    "How [great|large] is the distance from {subject} to {other}?",
    "[At what|What] distance from {other} is {subject}?",
    "How many [metres|meters] [lie|are there] between {subject} and {other}?",
    f"{_TELL} the distance between {{subject}} and {{other}}.",
    "By how many [metres|meters] are {subject} and {other} apart?",
)
_WHICH_WAY = (
    "[Compared with|Relative to] {other}, is {subject} {whether}?",
    "[Is|Do you hear] {subject} {whether}, [compared with|relative to] {other}?",
    f"{_SAY} {{subject}} is {{whether}}, [compared with|relative to] {{other}}.",
    "Which way does {subject} lie from {other}, {whether}?",
    "In which of the two directions does {subject} lie from {other}, {whether}?",
    f"{_VIEW}, is {{subject}} {{whether}}, compared with {{other}}?",
    "Is the source of {subject} {whether}, [compared with|relative to] that of {other}?",
)
_WHICH_AT = (
    f"Which {_TWO} [is|is located|do you hear] {{at}}?",
    f"Which {_TWO} [comes|is coming|reaches you] {{from}}?",
    f"Tell me which {_TWO} [is|you hear] {{at}}.",
)
_WHICH_MOST = (
    f"Which {_TWO} [is|do you hear|lies] {{most}}?",
    f"Tell me which {_TWO} [is|lies] {{most}}.",
)
_WHICH_COMPARED = (
    f"Which {_TWO} [is|is located] {{comparative}}?",
    "What is the {attribute} [sound|sound source|of the two]?",
    f"Tell me which {_TWO} is {{comparative}}.",
)
_OR = "[: |, ]{subject} or {other}"


def _open_or_named(templates: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Questions for one of two, and the same with both named."""
    return templates, tuple(text[:-1] + _OR + text[-1] for text in templates)


_SOURCE: QuestionType = "MIXUP_NONBINARY_SOURCE"
# In the order of reading: "higher or lower" may not be taken for "lower".
_RULES: Mapping[str, tuple[str, ...]] = {
    "CLASSIFICATION": _DETECTION,
    "DOA": _PLACE,
    "DOA/named": _PLACE_NAMED,
    "MIXUP_SINGLE_CLASSIFICATION/words": _AT_PLACE,
    "MIXUP_SINGLE_CLASSIFICATION/words/distance": _AT_PLACE_AND_DISTANCE,
    "MIXUP_SINGLE_CLASSIFICATION/distance": _AT_DISTANCE,
    "MIXUP_SINGLE_CLASSIFICATION/compared": _AT_COMPARED,
    "MIXUP_SINGLE_DOA/named": _PLACE_NAMED,
    "MIXUP_NONBINARY_DIRECTION/more/named": _WHICH_WAY,
    "MIXUP_DIRECTION/more/named": _DIRECTION,
    "MIXUP_DIRECTION/alike/named": tuple(text.replace("slot", "alike") for text in _ALIKE),
    "MIXUP_DIRECTION/apart/named": tuple(text.replace("slot", "apart") for text in _ALIKE),
    "MIXUP_DISTANCE_BOTH/compared/named": _DISTANCE,
    "MIXUP_NONBINARY_DISTANCE/named": _APART_BY,
    **dict(zip((f"{_SOURCE}/words", f"{_SOURCE}/words/named"), _open_or_named(_WHICH_AT), strict=True)),
    **dict(zip((f"{_SOURCE}/more", f"{_SOURCE}/more/named"), _open_or_named(_WHICH_MOST), strict=True)),
    **dict(zip((f"{_SOURCE}/compared", f"{_SOURCE}/compared/named"), _open_or_named(_WHICH_COMPARED), strict=True)),
}
GRAMMAR: Mapping[str, tuple[Template, ...]] = {form: tuple(map(Template, texts)) for form, texts in _RULES.items()}
"""The templates of every form (:attr:`Asked.form`)."""
_RELATIONS: tuple[Relation, ...] = ("more", "alike", "apart")
_HELD_OUT = 4  # one template of so many is kept for those who ask whether sentences were learnt by heart
_DIRECTED = ("at", "from", "than", "most", "whether", "alike", "apart")  # slots that say a direction
_SLOTS = {**phrases.PATTERNS, "subject": phrases.PATTERNS["sound"], "other": phrases.PATTERNS["sound"]}


def said(asked: Asked, rng: np.random.Generator, *, wording: Wording = "any") -> str:
    """Return one of the many ways to ask.

    Args:
        asked: what.
        rng: draws the way.
        wording: by which templates. ``held_out`` are one in four of each form, ``training`` all others: who learns from these
            has never met the sentences of those.

    Raises:
        ParameterError: no question has this form.
    """
    if asked.form not in GRAMMAR:
        raise ParameterError(f"nobody asks {asked}; the forms of questions are {', '.join(GRAMMAR)}")
    templates = templates_of(asked.form, wording)
    template = templates[int(rng.integers(len(templates)))]

    def phrase(slot: str) -> str:
        return _phrase(asked, slot, rng)

    return template.said(rng, phrase)


def templates_of(form: str, wording: Wording = "any") -> tuple[Template, ...]:
    """Return the templates of a form that a wording may use; see :func:`said`."""
    templates = GRAMMAR[form]
    if wording == "any":
        return templates
    held_out = templates[1::_HELD_OUT]  # the second, sixth, …: no order of words and sounds is theirs alone
    return held_out if wording == "held_out" else tuple(template for template in templates if template not in held_out)


def _phrase(asked: Asked, slot: str, rng: np.random.Generator) -> str:
    if slot in ("subject", "other"):
        return phrases.named_sound(getattr(asked, slot), rng)
    if slot in ("comparative", "attribute"):
        comparison: phrases.Comparison = "nearer" if asked.relation == "nearer" else "farther"
        return (phrases.comparative if slot == "comparative" else phrases.attribute)(comparison, rng)
    if slot == "metres":
        assert asked.distance is not None
        return phrases.about_metres(asked.distance, rng)
    if slot in ("at", "from"):
        return (phrases.at_place if slot == "at" else phrases.from_place)(asked.words, rng)
    say = {
        "than": phrases.than_place,
        "most": phrases.most_place,
        "whether": phrases.whether_place,
        "alike": phrases.alike_place,
        "apart": phrases.apart_place,
    }
    return say[slot](asked.words[0], rng)


@cache
def _reader(form: str) -> tuple[re.Pattern[str], ...]:
    return tuple(template.pattern(_SLOTS) for template in GRAMMAR[form])


def read(text: str, *, question_type: QuestionType | None = None) -> Asked:
    """Return what a question asks: the inverse of :func:`said`.

    A question for the place of a named sound is the same for one source (``DOA``) and for two (``MIXUP_SINGLE_DOA``); without
    a type, it is the first.

    Args:
        text: the question, in the words of this grammar; capitals and spaces at its ends do not matter.
        question_type: its type; None finds out.

    Raises:
        ParameterError: the question is not in the words of this grammar.
    """
    for form in GRAMMAR:
        kind = form.partition("/")[0]
        if question_type is None or kind == question_type:
            for pattern in _reader(form):
                if (slots := found(pattern, text.strip())) is not None:
                    return _asked(form, slots)
    raise ParameterError(f"this is no {question_type or 'question'} in the words of this grammar: {text!r}")


def _asked(form: str, slots: Mapping[str, str]) -> Asked:
    kind, *parts = form.split("/")
    relation: Relation = ""
    if "compared" in parts:
        relation = phrases.comparison_in(slots.get("comparative") or slots["attribute"])
    for name in _RELATIONS:
        relation = name if name in parts else relation
    subject, other = (phrases.sound_in(slots[name]) if name in slots else "" for name in ("subject", "other"))
    place = next((slots[name] for name in _DIRECTED if name in slots), "")
    return Asked(
        next(name for name in QUESTION_TYPES if name == kind),
        subject,
        other,
        words=phrases.words_in(place),
        distance=phrases.metres_in(slots["metres"]) if "metres" in slots else None,
        relation=relation,
    )
