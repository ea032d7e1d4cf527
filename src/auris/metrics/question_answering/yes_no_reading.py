"""Yes or no, by the rules of :mod:`auris.metrics.question_answering.answer_reading`."""

from __future__ import annotations

import re

_PARTS = re.compile(r"[.,;:!?()\[\]\"/|–—]+|\s-+\s|\b(?:but|because|since|so that|although|though|rather|instead)\b")
_TURNED = re.compile(r"\b(?:but|rather|instead)\b")

# Contractions are written out first, so that "not" is one word.
_SHORT = (
    (re.compile(r"\b(ca|sha)n't\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\bcannot\b"), "can not"),
    (re.compile(r"\b(it|that|this|there|he|she|what|where)'s\b"), r"\1 is"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"'d\b"), " would"),
)

_YES = r"(?:yes|yeah|yep|yea|yup|aye|affirmative|correct|true|a yes)"
_YES_ALONE = (
    r"(?:y|right|sure|so|agreed|indeed|exactly|of course"
    r"|(?:very |most |quite )?(?:surely|certainly|definitely|absolutely|probably|likely|undoubtedly"
    r"|positively)|sure (?:is|does|it is|it does)|the case|possible|i agree)"
)
_NO = r"(?:no|nope|nah|nay|negative|a no|false|incorrect|wrong|untrue|unlikely|hardly|scarcely|neither|by no means|far from it)"
_NO_ALONE = r"(?:n|none|impossible)"
_DENIAL = r"(?:not|never)"
_ADVERB = (
    r"(?:definitely|certainly|absolutely|surely|indeed|actually|really|probably|likely|clearly|obviously|at all|exactly|quite"
    r"|of course)"
)
_BE = r"(?:is|are|was|were|am|does|do|did|has|have|can|could|would be|would|will|might be|must be|seems|appears|should be)"
_SUBJECT = r"(?:it|that|this|he|she|they|there|those|these|both|we|i|you|(?:the|an?|both|my|your) (?:[\w'-]+ ){1,8}?)"
_THINK = r"(?:i|we) (?:would )?(?:think|believe|guess|suppose|say|assume|hear|hope|am afraid|am sure)"
_ANSWER = (
    r"(?:(?:the|my)(?: \w+)? (?:answer|response|reply)(?: to (?:this|that|the|your) question)? (?:is|would be|was)"
    r"|answer|response)"
)

_LEAD = re.compile(
    rf"(?:{_ANSWER}|{_THINK}|and|or|oh|well|so|hm+|u[hm]|ok(?:ay)?|in fact|to my ears"
    rf"|{_ADVERB}|most|very|that(?= (?:it|they|this|the|he|she) )) "
)
_STATED = re.compile(rf"(?P<subject>{_SUBJECT}) ?(?P<be>{_BE})(?P<rest>(?: .*)?)$")
_NOTHING_MORE = re.compile(rf"(?: (?:{_ADVERB}|so|too|either|the case|true|correct|right|that|like that|do|be))*$")
_DISBELIEF = re.compile(r"(?:i|we) (?:do|would|can) not (?:\w+ly )?(?:think|believe|say|suppose|agree)\b")

# What says neither, though it holds such words.
_NEITHER = re.compile(
    r"\b(?:(?:i am |we are |it is )?(?:not (?:\w+ )?(?:sure|certain|clear|possible)|unsure|uncertain|unclear)\b"
    r"(?: (?:to|if|whether)\b.*)?"
    r"|(?:i|we) (?:do|can|could|would) not (?:\w+ )?(?:know|tell|hear|determine|answer)\b.*"
    r"|maybe|perhaps|possibly|(?:i have )?no (?:idea|clue|way (?:to|of)\b.*)"
    r"|(?:there is |with |without )?(?:any |a |no )*(?:doubt|question)(?: about (?:it|that))?"
    r"|no (?:problem|matter|more|less|longer|sooner))\b"
)


def yes_or_no(plain: str) -> bool | None:
    """Return what a plain answer (:func:`~auris.metrics.question_answering.answer_reading.plain_answer`) says.

    Returns:
        True for yes, False for no, None where it says neither or contradicts itself.

    >>> [yes_or_no(text) for text in ("yes, it is.", "not really", "that's correct", "yes and no")]
    [True, False, True, None]
    """
    turned = bool(_TURNED.search(plain))
    said: set[bool] = set()
    for part in _PARTS.split(plain):
        for short, long in _SHORT:
            part = short.sub(long, part)  # noqa: PLW2901 - the same part, written out
        said |= _said_in(" ".join(_NEITHER.sub(" ", part).split()), turned=turned)
    return said.pop() if len(said) == 1 else None


def _said_in(part: str, *, turned: bool) -> set[bool]:
    """What one part of an answer says: nothing, one of both, or both.

    Args:
        part: without punctuation.
        turned: whether the answer goes on with what is so instead; then only a denial by itself is a no.
    """
    if (alone := _said_alone(part)) is not None:
        return {alone}
    for word, meaning in ((_YES, True), (_NO, False)):
        if found := re.match(rf"{word}\b", part):
            return {meaning} | _said_in(part[found.end() :].strip(), turned=turned)
    if found := re.match(rf"{_DENIAL}\b", part):
        return set() if turned and not _NOTHING_MORE.match(part, found.end()) else {False}
    if found := _LEAD.match(part):
        return _said_in(part[found.end() :], turned=turned)
    if stated := _STATED.match(part):
        # "It is" says yes, but what else is said of it may be anything: "it is behind you".
        rest = stated["rest"].strip()
        return {True} if _NOTHING_MORE.fullmatch(stated["rest"]) else _said_in_predicate(rest, turned=turned)
    return set()


def _said_alone(part: str) -> bool | None:
    """What a part says that is nothing else; None where it is more."""
    if re.fullmatch(_NO_ALONE, part) or _DISBELIEF.match(part):
        return False
    return True if re.fullmatch(_YES_ALONE, part) else None


def _said_in_predicate(rest: str, *, turned: bool) -> set[bool]:
    """What is said of a subject: ``not``, ``not true``, ``definitely not on the left``, ``a yes``; anything else is neither."""
    while found := re.match(rf"{_ADVERB} ", rest):
        rest = rest[found.end() :]
    if re.match(rf"{_DENIAL}\b", rest):
        return set() if turned and not _NOTHING_MORE.match(rest, len(rest.split()[0])) else {False}
    words = r"(?:yes|no|a yes|a no|correct|true|right|false|incorrect|wrong|untrue|unlikely|likely|so)"
    if re.match(rf"{words}(?:$| that\b)", rest):
        return _said_in(rest.removesuffix(" that"), turned=turned)
    return set()
