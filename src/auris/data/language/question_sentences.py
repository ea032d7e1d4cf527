"""What was understood, said as a question in plain words, which is itself understood as the same.

Published questions are said in the words of :mod:`auris.data.language.question_grammar`, so that a model that was trained on
them knows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from auris.data.language.free_questions import Understood
from auris.data.language.phrases import axis_of

_AT = {"left": "on your left", "right": "on your right", "front": "in front of you"}
_AT |= {"behind": "behind you", "above": "above you", "below": "below you"}
_MORE = {"left": "further to the left", "right": "further to the right", "front": "further to the front"}
_MORE |= {"behind": "further to the back", "above": "higher", "below": "lower"}
_TOWARDS = {"left": "to the left", "right": "to the right", "front": "to the front"}
_TOWARDS |= {"behind": "to the back", "above": "upwards", "below": "downwards"}
_NEAR = {"nearer": "closer to you", "farther": "farther from you"}
_MOST = {"nearer": "nearest", "farther": "farthest", "louder": "loudest", "quieter": "quietest"}
_MOST |= {"longer": "longest", "shorter": "shortest"}
_MOVES = {"": "move", "nearer": "approach", "farther": "move away", "rests": "stay still"}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_WHETHER = ("further to the left or to the right", "further to the front or to the back", "higher or lower")
_ALIKE = (
    "both on your left or both on your right",
    "both in front of you or both behind you",
    "both above you or both below you",
)
_SIDES = ("left and right", "front and back", "above and below")


def sentence(meant: Understood) -> str:
    """Return a question as it was understood.

    >>> sentence(Understood("WHEN", "dog", number=2, also=(Understood("PLACE", "dog", number=2),)))
    'When is the second sound of the dog heard, and where is the second sound of the dog?'
    """
    first, *others = (_SAID[part.type](part) for part in meant.parts)
    return "".join((first, *(f", and {other[0].lower()}{other[1:]}" for other in others), "?"))


def named(label: str, number: int = 0, *, unnamed: str = "the sound") -> str:
    """A sound by name: ``the second sound of the dog``."""
    nth = f"{_nth(number)} " if number else ""
    if not label:
        return f"the {nth}sound" if number else unnamed
    return f"the {nth}sound of the {label}"


def _nth(number: int) -> str:
    if number < 0:
        return "last"
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"


def _one(part: Understood) -> str:
    """What a question is about."""
    if part.of_answer:
        return "it"
    return f"all sounds of the {part.subject}" if part.several and part.subject else named(part.subject, part.number)


def _two(part: Understood) -> str:
    return f"{named(part.subject)} and {named(part.other)}" if part.subject or part.other else "the two sounds"


def _either(part: Understood) -> str:
    return f", {named(part.subject)} or {named(part.other)}" if part.other else ""


def _at(part: Understood, *, joint: str = " and ") -> str:
    """``on your left, in front of you and above you``."""
    places = [_AT[word] for word in part.words]
    return joint.join([", ".join(places[:-1]), places[-1]]) if len(places) > 1 else "".join(places)


def _metres(part: Understood) -> str:
    assert part.distance is not None
    return f"{part.distance:g} metre{'' if part.distance == 1 else 's'}"


def _limits(part: Understood) -> str:
    """Direction, distance and time that narrow a question."""
    said = [_at(part)] if part.words and part.type != "WHICH_SIDE" else []
    if part.moment and part.type in ("PLACE", "DIRECTION", "BEARING", "HOW_FAR"):
        said.append("at its beginning" if part.moment == "begin" else "at its end")
    if part.distance is not None:
        said.append(
            {"nearer": "within {}", "farther": "more than {} away"}.get(part.relation, "about {} away").format(_metres(part))
        )
    if part.span is not None:
        said.append(_time(part.span))
    return "".join(f" {text}" for text in said)


def _time(span: tuple[float, float]) -> str:
    first, last = span
    if first < 0:
        return f"in the last {-first:g} seconds"
    if first == last:
        return f"at {first:g} seconds"
    return f"after {first:g} seconds" if math.isinf(last) else f"between {first:g} seconds and {last:g} seconds"


def _doa(part: Understood) -> str:
    time = f" {_time(part.span)}" if part.span else ""
    return f"Where is {_one(part)} coming from{time}, and how far away is it"


def _at_place(part: Understood) -> str:
    if part.relation:
        return f"What do you hear from the {'nearer' if part.relation == 'nearer' else 'farther'} source"
    if part.subject:
        return f"Which {part.subject} is {_at(part)}"
    if not part.words:
        return f"What do you hear about {_metres(part)} away"
    metres = f", about {_metres(part)} away" if part.distance is not None else ""
    return f"What do you hear from somewhere {_at(part)}{metres}"


def _which(part: Understood) -> str:
    place = _MORE[part.words[0]] if part.relation == "more" else _NEAR.get(part.relation, "") or _at(part)
    return f"Which {'of the two' if part.other else 'one'} is {place}{_either(part)}"


def _direction(part: Understood) -> str:
    axis = axis_of(part.words[0])
    if part.relation == "alike":
        return f"Are {_two(part)} {_ALIKE[axis]}"
    if part.relation == "apart":
        return f"Are {_two(part)} on different sides of {'ear level' if axis == 2 else 'you'}, {_SIDES[axis]}"
    return f"Is {named(part.subject)} {_MORE[part.words[0]]} than {named(part.other)}"


def _place(part: Understood) -> str:
    if part.several and not part.subject:
        return "Where are all the sounds"
    return f"Where {'are' if part.several else 'is'} {_one(part)}{_limits(part)}"


def _when(part: Understood) -> str:
    if part.relation == "all":
        return f"When are {_two(part)} heard at the same time"
    return f"When does {_one(part)} {part.moment}" if part.moment else f"When is {_one(part)} heard"


def _count(part: Understood) -> str:
    what = {"events": "sound events", "sources": "sound sources", "classes": "kinds of sounds"}[part.counted or "sources"]
    if part.subject and part.counted == "events":
        return f"How many times is {named(part.subject)} heard{_limits(part)}"
    return f"How many {f'sources of the {part.subject}' if part.subject else what} are there{_limits(part)}"


def _as_many(part: Understood) -> str:
    amount = f"{ ({'more': 'more than ', 'fewer': 'fewer than '}.get(part.relation, 'exactly ')) }{part.number}"
    if part.subject and part.counted == "events":
        return f"Is {named(part.subject)} heard {amount} times{_limits(part)}"
    what = {"events": "sound events", "sources": "sound sources", "classes": "kinds of sounds"}[part.counted or "sources"]
    return f"Are there {amount} {f'sources of the {part.subject}' if part.subject else what}{_limits(part)}"


def _present(part: Understood) -> str:
    if not part.subject:
        return f"Is there any sound{_limits(part)}"
    if part.other:
        return f"Can you hear {named(part.subject)} {'or' if part.relation == 'any' else 'and'} {named(part.other)}"
    return f"Can you hear {named(part.subject, part.number)}{_limits(part)}"


def _side(part: Understood) -> str:
    if part.other:
        return f"Are {_two(part)} both {_at(part)}"
    return f"{'Are' if part.several else 'Is'} {_one(part) if part.subject or part.number else 'it'} {_at(part)}"


def _within(part: Understood) -> str:
    if part.other:
        end = {"nearer": f"within {_metres(part)} of each other", "farther": f"more than {_metres(part)} apart"}
        return f"Are {_two(part)} {end.get(part.relation, f'about {_metres(part)} apart')}"
    return f"Is {_one(part) if part.subject else 'it'}{_limits(part)}"


def _extreme(part: Understood) -> str:
    most = f"the sound {_MORE[part.words[0]]}" if part.words else f"the {_MOST[part.relation]} sound"
    return f"Is {_one(part)} {most}"


def _compared(part: Understood) -> str:
    if part.distance is not None:
        return f"Which sounds are there{_limits(part)}"
    if part.relation in ("alike", "apart"):
        side = "the same side" if part.relation == "alike" else "the opposite side"
        return f"Which sounds are on {side} as {named(part.other)}, {_SIDES[axis_of(part.words[0])]}"
    return f"What is {_MORE[part.words[0]] if part.words else _NEAR[part.relation]} than {named(part.other)}"


def _moves(part: Understood) -> str:
    towards = f" {_TOWARDS[part.words[0]]}" if part.words else ""
    return (
        f"Does {_one(part) if part.subject or part.number or part.of_answer else 'anything'} {_MOVES[part.relation]}{towards}"
    )


def _order(part: Understood) -> str:
    if part.other:
        return f"Which sound comes {part.relation} {named(part.other, part.number)}{' ends' * (part.moment == 'end')}"
    if not part.number:
        return "In which order do the sounds come"
    return f"Which sound {_at(part)} {'ends' if part.moment else 'comes'} {_nth(part.number)}".replace("  ", " ")


def _in_order(part: Understood) -> str:
    if part.other:
        return f"Does {named(part.subject)} come {part.relation} {named(part.other)}{' ends' * (part.moment == 'end')}"
    return f"Is {named(part.subject)} the {_nth(part.number)} sound"


def _overlap(part: Understood) -> str:
    if part.other and part.moment:
        return f"Do {_two(part)} {part.moment} at the same time"
    if part.other:
        return f"Are {_two(part)} heard at the same time"
    return (
        f"Is anything heard at the same time as {named(part.subject)}"
        if part.subject
        else "Are any sounds heard at the same time"
    )


def _together(part: Understood) -> str:
    return f"Which sounds are heard at the same time{f' as {named(part.other)}' if part.other else ''}"


_SAID: Mapping[str, Callable[[Understood], str]] = {
    "CLASSIFICATION": lambda part: "What sounds do you hear in the recording",
    "DOA": _doa,
    "MIXUP_SINGLE_DOA": _doa,
    "MIXUP_SINGLE_CLASSIFICATION": _at_place,
    "MIXUP_NONBINARY_SOURCE": _which,
    "MIXUP_DIRECTION": _direction,
    "MIXUP_DISTANCE_BOTH": lambda part: f"Is {named(part.subject)} {_NEAR[part.relation]} than {named(part.other)}",
    "MIXUP_NONBINARY_DISTANCE": lambda part: f"How far apart are {_two(part)}",
    "MIXUP_NONBINARY_DIRECTION": lambda part: (
        f"Is {named(part.subject)} {_WHETHER[axis_of(part.words[0])]}, compared with {named(part.other)}"
    ),
    "PLACE": _place,
    "RELATIVE": lambda part: f"Where is {named(part.subject)} relative to {named(part.other)}",
    "DIRECTION": lambda part: f"In which direction {'are' if part.several else 'is'} {_one(part)}{_limits(part)}",
    "BEARING": lambda part: f"At what angle {'are' if part.several else 'is'} {_one(part)}{_limits(part)}",
    "HOW_FAR": lambda part: f"How far away {'are' if part.several else 'is'} {_one(part)}{_limits(part)}",
    "WHEN": _when,
    "DURATION": lambda part: f"For how long is {_one(part)} heard",
    "COUNT": _count,
    "AS_MANY": _as_many,
    "PRESENT": _present,
    "SILENT": lambda part: "Is it silent",
    "SIDE": _side,
    "WHICH_SIDE": lambda part: f"Is {_one(part)} {_at(part, joint=' or ')}",
    "WITHIN": _within,
    "NEARER_OR_FARTHER": lambda part: f"Is {named(part.subject)} nearer or farther than {named(part.other)}",
    "SAME_DISTANCE": lambda part: f"Are {_two(part)} at the same distance",
    "SAME_PLACE": lambda part: (
        f"Do {_two(part)} come from {'the same place' if part.relation == 'alike' else 'different places'}"
    ),
    "ANGLE": lambda part: f"How many degrees are there between {_two(part)}",
    "EXTREME": _extreme,
    "COMPARED": _compared,
    "MOVES": _moves,
    "MOTION": lambda part: f"Which way does {_one(part)} move",
    "MOVING": lambda part: f"Which sounds {_MOVES[part.relation]}",
    "ORDER": _order,
    "IN_ORDER": _in_order,
    "SOONER": lambda part: f"Which comes {'first' if part.relation == 'before' else 'last'}{_either(part)}",
    "GAP": lambda part: f"How long is it between {_two(part)}",
    "AT_TIME": lambda part: f"What do you hear{_limits(part)}",
    "OVERLAP": _overlap,
    "TOGETHER": _together,
    "LOUDER": lambda part: f"Is {named(part.subject)} {part.relation} than {named(part.other)}",
    "LOUDEST": lambda part: f"Which sound is the {_MOST[part.relation]}{_either(part)}",
    "LONGER": lambda part: f"Is {named(part.subject)} {part.relation} than {named(part.other)}",
    "LONGEST": lambda part: f"Which sound is the {_MOST[part.relation]}{_either(part)}",
}
