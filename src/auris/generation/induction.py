"""From words to a plan: by a deterministic grammar, or by a language model behind the same checks.

The grammar (:mod:`auris.data.language.parsing`) is always there, needs nothing and never guesses. A chat model, behind an
OpenAI-compatible endpoint or on this machine, answers in JSON (:mod:`auris.generation.chat_induction`). A model that gives no
usable answer in its tries and its time is replaced by the grammar; the plan (``by``, ``notes``) and a line in the log say so.

What the front half of the plane cannot hold is never guessed. A direction behind the listener, and one sound in two places,
are refused; heights and ways back are left out, and a note says so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from auris.data.language.attributes import SceneAttributes
from auris.data.language.parsing import parse_with_remarks
from auris.data.language.prompt_wording import Remark, RemarkKind, seconds_said
from auris.errors import ParameterError, unknown_name
from auris.generation.chat_induction import ChatInducer, EndpointInducer, InductionFailure, LocalInducer
from auris.generation.plan import DEFAULT_SECONDS, Plan

__all__ = [
    "ChatInducer",
    "EndpointInducer",
    "GrammarInducer",
    "Inducer",
    "InductionFailure",
    "LocalInducer",
    "induce",
]
LONGEST_PROMPT = 2000  # characters
_LOG = logging.getLogger(__name__)
_SILENT = re.compile(
    r"(?:an? |the )?(?:(?:complete|total|absolute|pure|perfect|dead) )?"
    r"(?:silence|nothing|stillness|no (?:sounds?|noises?)(?: at all)?)"
    r"|(?:an? |the )?(?:(?:silent|quiet|empty|soundless) )+(?:room|hall|place|night|street|space|house|scene|forest|church)"
)


@runtime_checkable
class Inducer(Protocol):
    """Reads a prompt."""

    @property
    def name(self) -> str:
        """What it is called in plans."""
        ...

    def attributes(self, prompt: str, *, labels: Sequence[str] = ()) -> SceneAttributes:
        """Return what a prompt says.

        Args:
            prompt: in English.
            labels: classes that sounds are expected to have.

        Raises:
            InductionFailure: there is no usable answer; the grammar may do better.
            ParameterError: the prompt contradicts itself, or the inducer is set up wrongly.
        """
        ...


class GrammarInducer:
    """The deterministic grammar."""

    @property
    def name(self) -> str:
        """``grammar``."""
        return "grammar"

    def attributes(self, prompt: str, *, labels: Sequence[str] = ()) -> SceneAttributes:
        """Return what a prompt says.

        Raises:
            ParameterError: the prompt contradicts itself, or says a direction that is none here.
        """
        attributes, remarks = parse_with_remarks(prompt, labels=labels)
        for remark in remarks:
            if remark.kind in _REFUSED:
                raise ParameterError(_refusal(remark))
        return attributes


def induce(
    prompt: str,
    *,
    by: Inducer | None = None,
    labels: Sequence[str] = (),
    seconds: float | None = None,
    usual: float = DEFAULT_SECONDS,
    fallback: Literal["grammar", "refuse"] = "grammar",
) -> Plan:
    """Return the plan of a prompt.

    Args:
        prompt: in English.
        by: who reads it; None is the grammar.
        labels: classes that sounds are expected to have; what is none of them keeps its own words.
        seconds: length of the clip; None takes the one that the prompt says ("a 5 second clip of rain"), or ``usual``.
        usual: length where nobody says one, seconds.
        fallback: what is done when a language model gives no usable answer: the ``grammar`` reads the prompt, or the failure is
            raised (``refuse``).

    Raises:
        ParameterError: the prompt is empty, nothing or too much sounds in it, it contradicts itself, or it says a direction
            behind the listener; or the inducer is set up wrongly (wrong key, unknown model).
        InductionFailure: the model gave no usable answer, and ``fallback`` is ``refuse``.

    >>> induce("a dog barks on the left, then runs to the right").attributes.sounds[0].end
    5.0
    """
    if fallback not in ("grammar", "refuse"):
        raise ParameterError(unknown_name("fallback", fallback, ("grammar", "refuse")))
    text = _checked(prompt)
    _, remarks = parse_with_remarks(text, labels=labels)
    for remark in remarks:
        if remark.kind == "behind":  # no form of an answer has room for it
            raise ParameterError(_refusal(remark))
    notes = [_note(remark) for remark in remarks if remark.kind in _NOTED]
    asked = seconds_said(text)
    if seconds is not None and asked not in (None, seconds):
        notes.append(f"the prompt speaks of {asked:g} seconds, {seconds:g} are made")
    inducer: Inducer = GrammarInducer() if by is None else by
    name = inducer.name
    try:
        attributes = inducer.attributes(text, labels=labels)
    except InductionFailure as failure:
        if fallback == "refuse":
            raise
        _LOG.warning("%s; the grammar reads the prompt instead", failure)
        notes.append(f"{failure}; the grammar read the prompt instead")
        name, attributes = f"grammar, in place of {name}", GrammarInducer().attributes(text, labels=labels)
    _refuse_silence(attributes, text)
    length = next((given for given in (seconds, asked) if given is not None), usual)
    return Plan(text, attributes, length, name, tuple(dict.fromkeys(notes)))


def _checked(prompt: object) -> str:
    """A prompt with something to read in it, on one line."""
    if not isinstance(prompt, str):
        raise ParameterError(f"a prompt is a text, got {type(prompt).__name__}")
    text = " ".join(prompt.split())
    if not re.search(r"[^\W\d_]", text):
        raise ParameterError(f"say in words what is to be heard, as in 'a dog barks on the left'; got {prompt!r}")
    if len(text) > LONGEST_PROMPT:
        raise ParameterError(f"a prompt has at most {LONGEST_PROMPT} characters, this one has {len(text)}; say less at a time")
    return text


def _refuse_silence(attributes: SceneAttributes, text: str) -> None:
    if all(_SILENT.fullmatch(sound.description) for sound in attributes.sounds):
        raise ParameterError(f"nothing sounds in {text!r}; name at least one sound, as in 'a dog barks on the left'")


# ── what has no attribute ────────────────────────────────────────────────────────────────────────────────────────────

_REFUSED: dict[RemarkKind, str] = {
    "behind": "{sound}{text!r} is not in the front half, where all directions are here: left, front left, front, front right, "
    "right; put it there",
    "places": "{sound}one sound cannot be in several places at once ({text}); name one sound for each place, or say how it "
    "moves: from the left to the right",
    "side": "{text!r} is to neither side; add left or right, as in '30 degrees to the left'",
    "sizes": "the place cannot be {text} at once; keep one of them",
    "speeds": "{sound}it cannot move at several speeds ({text}); keep one of them",
}
_NOTED: dict[RemarkKind, str] = {
    "height": "{sound}{text!r} is left out: everything is at the height of the ears",
    "around": "{sound}{text!r} is left out: sounds come from one direction at a time, in front of the listener",
    "way": "{sound}a movement has one beginning and one end, so that {text!r} is taken for its first and last place",
}


def _refusal(remark: Remark) -> str:
    return _said(_REFUSED[remark.kind], remark)


def _note(remark: Remark) -> str:
    return _said(_NOTED[remark.kind], remark)


def _said(form: str, remark: Remark) -> str:
    return form.format(text=remark.text, sound=f"{remark.sound}: " if remark.sound else "")
