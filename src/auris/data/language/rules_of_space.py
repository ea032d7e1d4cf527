"""What a clause asks about places, distances and motion: one rule each, tried in turn."""

from __future__ import annotations

import re
from dataclasses import replace

from auris.data.language.free_questions import FreeRelation, FreeType, Moment, Understood
from auris.data.language.phrases import AXES, axis_of
from auris.data.language.question_clauses import Clause
from auris.data.language.question_marks import DIRECTION
from auris.data.language.rules_of_time import distance_limit
from auris.io.spatial_qa_records import QuestionType

_ASPECTS = "WHERE|WHICHWAY|WHICHSIDE|HOWFAR|HOWANGLE"
_NEARBY, _NEIGHBOURING = 2.0, 1.0  # metres up to which a sound is near the listener, and another sound
_ANY_SOUND = r"(?:anything|something|anyone|anybody|someone|somebody|any|a|sounds?|noises?|sources?|people)"


def motion(clause: Clause) -> Understood | None:
    """Whether something moves, what does, and how."""
    going = clause.has("WHICHWAY|WHERE") and clause.has("go|goes|turn|turns|fly|flies|run|runs")
    if not (going or clause.has("MOVES|APPROACHES|RECEDES|RESTS")) or len(clause.names) > 1:
        return None
    relation: FreeRelation = "nearer" if clause.has("APPROACHES") else "farther" if clause.has("RECEDES") else ""
    relation = "rests" if clause.has("RESTS") else relation
    if clause.mode == "which" and clause.has("what|which|who") and not clause.names and not clause.has(f"{_ASPECTS}|how"):
        return Understood("MOVING", relation=relation)
    if clause.mode == "which" and (clause.has(f"{_ASPECTS}|how|describe|what") or clause.axis):
        return Understood("MOTION", clause.subject, number=clause.number)
    target = re.search(rf"\b(?:to|towards?|into|RIGHT to|LEFT to) ({DIRECTION})", clause.text)
    words = (target[1].lower(),) if target else clause.words[:1] if len(clause.words) == 1 else ()
    if clause.axis and not target:
        return Understood("MOTION", clause.subject, number=clause.number)
    return Understood("MOVES", clause.subject, words=words, relation=relation, number=clause.number)


def within(clause: Clause) -> Understood | None:
    """Some metres are said, or near or far."""
    relation, metres = distance_limit(clause)
    if metres is None and clause.has("NEAR|FAR"):
        relation = "nearer" if clause.has("NEAR") else "farther"
        metres = _NEIGHBOURING if clause.other else _NEARBY
    if metres is None or clause.has("HOWMANY|HOWFAR") or (clause.names and clause.mode == "which"):
        return None
    if clause.mode == "which" or clause.has("what"):
        kind: FreeType | QuestionType = "MIXUP_SINGLE_CLASSIFICATION" if relation == "alike" else "COMPARED"
    elif clause.names:
        kind = "PRESENT" if clause.has("there|hear|heard|any S0") else "WITHIN"
    else:
        kind = "WITHIN" if clause.has("it") else "PRESENT"
    said = "" if kind == "MIXUP_SINGLE_CLASSIFICATION" else relation
    return Understood(kind, clause.subject, clause.other, words=clause.words, distance=metres, relation=said)


def alike(clause: Clause) -> Understood | None:
    """Same distance, same place, same side."""
    if len(clause.names) > 2:
        return None
    pair = len(clause.names) != 1
    if clause.has("SAMEDISTANCE") and pair:
        return Understood("SAME_DISTANCE", clause.subject, clause.other)
    relation: FreeRelation = "alike" if clause.has("SAMESIDE|SAMEPLACE") else "apart"
    if clause.has("SAMEPLACE|OTHERPLACE") and pair:
        return Understood("SAME_PLACE", clause.subject, clause.other, relation=relation)
    if not clause.has("SAMESIDE|OTHERSIDE"):
        return None
    axis = AXES[axis_of(clause.words[0])] if clause.words else AXES[0]
    if pair:
        return Understood("MIXUP_DIRECTION", clause.subject, clause.other, words=axis, relation=relation)
    return Understood("COMPARED", other=clause.subject, words=axis, relation=relation) if clause.mode == "which" else None


def both(clause: Clause) -> Understood | None:
    """Both on one side, or one here and the other there."""
    if len(clause.names) not in (0, 2) or not clause.words or clause.mode == "which":
        return None
    axis = AXES[axis_of(clause.words[0])]
    if clause.has("both") and clause.axis:
        return Understood("MIXUP_DIRECTION", clause.subject, clause.other, words=clause.axis, relation="alike")
    if clause.has("both"):
        return Understood("SIDE", clause.subject, clause.other, words=clause.words, relation="all")
    if set(axis) <= set(clause.words) and re.search(r"\bone\b.*\b(?:other|another|one)\b", clause.text):
        return Understood("MIXUP_DIRECTION", clause.subject, clause.other, words=axis, relation="apart")
    return None


def between(clause: Clause) -> Understood | None:
    """How far or by which angle two are apart."""
    pair = len(clause.names) == 2 or (not clause.names and clause.has("between|apart|each other"))
    if not pair or clause.mode == "whether" or clause.metres is not None:
        return None
    if clause.has("HOWANGLE"):
        return Understood("ANGLE", clause.subject, clause.other)
    listing = re.search(r"S\d(?: and|,) S\d", clause.text) and not clause.has(
        "between|apart|each|one another|from S\\d|separat\\w+"
    )
    if clause.has("HOWFAR|apart|separat(?:es?|ion|ed)") and not listing and not clause.has("WHERE|WHICHWAY"):
        return Understood("MIXUP_NONBINARY_DISTANCE", clause.subject, clause.other)
    return None


def distances_of_two(clause: Clause) -> Understood | None:
    """``is the distance to the dog greater than that to the rain``."""
    greater, smaller = clause.has("greater|larger|bigger|LONGER"), clause.has("smaller|less|SHORTER")
    if not (clause.other and clause.has("HOWFAR") and (greater or smaller)) or clause.mode == "which":
        return None
    return Understood("MIXUP_DISTANCE_BOTH", clause.subject, clause.other, relation="farther" if greater else "nearer")


def nearness(clause: Clause) -> Understood | None:
    """Nearer and farther."""
    if (
        clause.has("how")
        or not clause.has("NEARER|FARTHER")
        or len(clause.names) > 2
        or (clause.has("WHICHSIDE") and not clause.other)
    ):
        return None
    relation: FreeRelation = "nearer" if clause.has("NEARER") else "farther"
    if clause.has("NEARER") and clause.has("FARTHER"):
        return Understood("NEARER_OR_FARTHER", clause.subject, clause.other) if clause.other else None
    return _compared(clause, relation, ())


def _compared(clause: Clause, relation: FreeRelation, words: tuple[str, ...]) -> Understood:
    """A comparison by distance or along an axis, for as many sounds as are named."""
    asks_which = clause.choice or (clause.mode == "which" and not clause.has("HOWFAR"))
    if clause.other:
        if asks_which:
            return Understood("MIXUP_NONBINARY_SOURCE", clause.subject, clause.other, words=words, relation=relation)
        if not words:
            return Understood("MIXUP_DISTANCE_BOTH", clause.subject, clause.other, relation=relation)
        each = [Understood("MIXUP_DIRECTION", clause.subject, clause.other, (word,), relation=relation) for word in words]
        return replace(each[0], also=tuple(each[1:]))
    if clause.subject:
        reference = re.search(rf"\b(?:than|{DIRECTION}(?: of| from)?)(?: any)? S\d", clause.text)
        if reference and (asks_which or re.search(rf"^\w+(?: there)? {_ANY_SOUND}\b", clause.text)):
            return Understood("COMPARED", other=clause.subject, words=words[:1], relation=relation)
        return Understood("EXTREME", clause.subject, words=words[:1], relation=relation)
    return Understood("MIXUP_NONBINARY_SOURCE", words=words[:1], relation=relation)


def directions(clause: Clause) -> Understood | None:
    """Left and right, front and behind, above and below, of one or two that are named, or in comparisons."""
    if not clause.words or len(clause.names) > 2 or clause.has("HOWMANY|HOWANGLE|how"):
        return None
    if len(clause.names) == 2:
        return _directions_of_two(clause)
    if clause.axis and not clause.has("what|who|which (?:one|sounds?|of)"):
        return Understood("WHICH_SIDE", clause.subject, words=clause.axis, number=clause.number)
    if clause.more or (clause.names and _is_related(clause)):
        return _compared(clause, "more", clause.words)
    return None


def sides(clause: Clause) -> Understood | None:
    """What is on a side, and whether a sound or anything is."""
    if not clause.words or len(clause.names) > 1 or clause.has(f"HOWMANY|{_ASPECTS}|how"):
        return None
    if not clause.names and clause.has("of the two|which one|one of|of these|of them") and len(clause.words) == 1:
        return Understood("MIXUP_NONBINARY_SOURCE", words=clause.words)
    if clause.mode == "which" and clause.has("what|which|who|list|name|identify|enumerate|describe"):
        return Understood("MIXUP_SINGLE_CLASSIFICATION", clause.subject, words=clause.words)
    definite = (clause.names or clause.has("it|that|this|they")) and not clause.indefinite
    if definite:
        return Understood("SIDE", clause.subject, words=clause.words, number=clause.number, several=_several(clause))
    return Understood("PRESENT", clause.subject, words=clause.words)


def _is_related(clause: Clause) -> bool:
    """Whether a direction is seen from the sound that is named, as in ``what is behind the dog``."""
    if clause.mode == "whether":
        return clause.has(
            rf"(?:anything|something|anyone|someone|any (?:sounds?|noises?)) (?:to )?{DIRECTION}(?: of| from)? S\d"
        )
    return clause.has(rf"{DIRECTION}(?: of| from| than)?(?: any)? S\d") and not clause.has(rf"S\d\b.*{DIRECTION}")


def _directions_of_two(clause: Clause) -> Understood | None:
    each = re.findall(rf"\bS\d (?:is )?(?:to )?({DIRECTION})(?! (?:of|from|than))", clause.text)
    if len(each) == 2 and clause.mode == "whether":
        sides = [Understood("SIDE", name.label, words=(word.lower(),)) for name, word in zip(clause.names, each, strict=True)]
        return replace(sides[0], also=(sides[1],))
    if clause.axis and not clause.choice and clause.has("or|versus"):
        return Understood("MIXUP_NONBINARY_DIRECTION", clause.subject, clause.other, words=clause.axis, relation="more")
    reference = re.search(
        rf"(?:{DIRECTION}|than|compared|relative|comparison)(?: (?:of|from|than|with|to|that of|any|in))* S\d", clause.text
    )
    if clause.choice or (clause.mode == "which" and clause.has("what|which|who")):
        word = clause.words[:1]
        relation: FreeRelation = "more" if clause.more else ""
        return Understood("MIXUP_NONBINARY_SOURCE", clause.subject, clause.other, words=word, relation=relation)
    if clause.mode == "which":
        return None
    if not reference and not clause.more:
        return Understood("SIDE", clause.subject, clause.other, words=clause.words, relation="all")
    return _compared(clause, "more", clause.words)


def tell(clause: Clause) -> Understood | None:
    """Where it is, in which direction, at which angle, how far away."""
    if clause.mode == "whether" and not clause.has(_ASPECTS):
        return None
    kind: FreeType | None = None
    if clause.has("WHERE"):
        kind = "PLACE"
    elif clause.has("WHICHWAY"):
        kind = "DIRECTION"
    elif clause.has("WHICHSIDE"):
        kind = "WHICH_SIDE"
    elif clause.has("HOWANGLE"):
        kind = "BEARING"
    elif clause.has("HOWFAR"):
        kind = "HOW_FAR"
    if kind is None or (clause.mode == "whether" and clause.other):
        return None
    if (
        clause.other
        and kind in ("PLACE", "DIRECTION")
        and clause.has(r"(?:compared|relative|from|respect|of|with|to)(?: (?:to|with|that))* S\d")
    ):
        return Understood("RELATIVE", clause.subject, clause.other)
    asked_words = (clause.axis or AXES[0]) if kind == "WHICH_SIDE" else ()
    if clause.has("HOWFAR") and clause.has("WHERE|WHICHWAY"):
        return Understood("DOA", clause.subject, number=clause.number, span=clause.span)
    moment: Moment = "begin" if clause.has("BEGINS") else "end" if clause.has("ENDS") else ""
    found = Understood(
        kind,
        clause.subject,
        words=asked_words,
        number=clause.number,
        span=clause.span,
        moment=moment,
        several=_several(clause),
    )
    others = (Understood(kind, name.label, words=asked_words, span=clause.span) for name in clause.names[1:])
    return replace(found, also=tuple(others)) if clause.other else found


def _several(clause: Clause) -> bool:
    if clause.names:
        return (clause.names[0].several or clause.has("all|each|every")) and not clause.number
    return clause.has("sounds|sources|they|them|things|everything|noises|all|each")


def present(clause: Clause) -> Understood | None:
    """Whether there is such a sound, or two of them."""
    if clause.mode != "whether" or not 0 < len(clause.names) < 3 or clause.has("silent|silence|quiet"):
        return None
    if clause.other:
        relation: FreeRelation = "any" if clause.choice else "all"
        return Understood("PRESENT", clause.subject, clause.other, relation=relation) if clause.has("and|or|both") else None
    return Understood("PRESENT", clause.subject, number=clause.number)


def anything(clause: Clause) -> Understood | None:
    """Whether anything is heard."""
    if clause.names or clause.mode == "which":
        return None
    if clause.has("silent|silence|quiet"):
        return Understood("SILENT")
    some = clause.has("anything|something|anyone|anybody|someone|somebody|any|sounds?|noises?")
    return Understood("PRESENT") if some and clause.mode == "whether" else None


def described(clause: Clause) -> Understood | None:
    """No more than a sound, or that it should be described: where it is, and when."""
    if len(clause.names) != 1:
        return None
    if clause.mode == "which" and re.match(r"(?:describe|tell|say)\b", clause.text):
        return Understood("PLACE", clause.subject, also=(Understood("WHEN", clause.subject),))
    if re.fullmatch(r"(?:(?:any|the|and|from|of|about|ORD<-?\d+>) )*S\d", clause.text):
        return Understood("PLACE", clause.subject, number=clause.number)
    return None


def labels(clause: Clause) -> Understood | None:
    """What is heard."""
    heard = (
        "scene|recording|audio|clip|hear|hears|hearing|heard|sounds?|sounding|noises?|sources?|audible|listen|listening"
        "|happening|happens|events?|recorded"
    )
    if clause.names or clause.mode == "whether" or not clause.has(heard):
        return None
    asks = clause.has("what|which|who|whatever|list|name|identify|enumerate|describe|all|every|everything")
    return Understood("CLASSIFICATION") if asks or clause.mode == "bare" else None
