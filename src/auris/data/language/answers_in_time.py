"""Answers by rules to questions about time, order, number, level and length."""

from __future__ import annotations

import math
from collections.abc import Sequence

from auris.data.language.free_questions import Moment, Understood
from auris.data.language.heard_sounds import HeardScene, HeardSound, seconds, unique_labels
from auris.data.language.reasoned_answers import Told, chosen, joined_labels, lines, pair, yes_no
from auris.errors import SceneError

_SAME_SECONDS = 0.25
_ALL_TIME = (-math.inf, math.inf)


def everything(heard: HeardScene, part: Understood) -> Told:
    """All classes that are heard."""
    found = heard.of_class("")
    return Told(joined_labels(found), lines(heard, found), found)


def present(heard: HeardScene, part: Understood) -> Told:
    """Whether there is such a sound, in that direction, at that distance, at that time."""
    names = [name for name in (part.subject, part.other) if name] or [""]
    fitting = {name: _fitting(heard, part, name) for name in names}
    all_found = tuple(sound for found in fitting.values() for sound in found)
    yes = all(fitting.values()) if part.relation == "all" else bool(all_found)
    if part.number and part.subject:
        times = len(heard.occurrences(part.subject)) if part.subject in heard.labels else 0
        yes = yes and times >= max(part.number, 1)
    missing = [name for name, found in fitting.items() if name and name not in heard.labels and not found]
    why = lines(heard, all_found) or lines(heard, [s for s in heard.sources if s.label in names]) or (heard.heard(),)
    return Told(yes_no(yes), (*why, *(f"no {name} is heard" for name in missing)), all_found)


def _fitting(heard: HeardScene, part: Understood, name: str) -> tuple[HeardSound, ...]:
    """The sources of a class, or all, that are where and when a question says."""
    span = _in_scene(part.span, heard) if part.span else _ALL_TIME
    found = [source for source in heard.sources if name in ("", source.label) and source.sounds_within(span)]
    if part.span:
        found = [heard.during(source, span) for source in found]
    return tuple(sound for sound in found if set(part.words) <= set(sound.place.words) and _as_far(sound, part))


def _as_far(sound: HeardSound, part: Understood) -> bool:
    if part.distance is None:
        return True
    metres = sound.place.distance
    if part.relation == "nearer":
        return metres < part.distance
    return metres > part.distance if part.relation == "farther" else abs(metres - part.distance) <= 0.5


def _in_scene(span: tuple[float, float], heard: HeardScene) -> tuple[float, float]:
    """Seconds from the beginning.

    Raises:
        SceneError: the scene is over by then.
    """
    end = heard.scene.duration
    first = max(0.0, end + span[0]) if span[0] < 0 else span[0]
    if first > end:
        raise SceneError(f"the scene ends at {seconds(end)}; asked about {seconds(first)}")
    return first, min(span[1], end)


def silent(heard: HeardScene, part: Understood) -> Told:
    """Whether nothing is heard."""
    return Told(yes_no(not heard.sources), lines(heard, heard.sources) or (heard.heard(),))


def count(heard: HeardScene, part: Understood) -> Told:
    """How many sources, events or classes."""
    if part.subject and part.subject not in heard.labels:
        return Told("0", (f"no {part.subject} is heard; {heard.heard()}",))
    found = _fitting(heard, part, part.subject)
    if part.counted == "classes":
        return Told(str(len(tuple(unique_labels(found)))), lines(heard, found), found)
    if part.counted == "sources":
        note = ("events of one class from one direction are taken for one source",) if found else ()
        return Told(str(len(found)), (*lines(heard, found), *note), found)
    span = _in_scene(part.span, heard) if part.span else _ALL_TIME
    times = sum(event.sounds_within(span) for sound in found for event in sound.events)
    return Told(str(times), lines(heard, found), found)


def as_many(heard: HeardScene, part: Understood) -> Told:
    """Whether there are as many, more or fewer."""
    told = count(heard, part)
    number, limit = int(told.text), part.number
    yes = number > limit if part.relation == "more" else number < limit if part.relation == "fewer" else number == limit
    how = {"more": "more than ", "fewer": "fewer than "}.get(part.relation, "")
    return Told(yes_no(yes), (*told.why, f"{number} counted; asked: {how}{limit}"), told.sounds)


def when(heard: HeardScene, part: Understood) -> Told:
    """When it sounds, begins or ends: ``at 3.2 s``."""
    if part.relation == "all":
        return _when_both(heard, part)
    if part.number:
        sound, why = chosen(heard, part)
        return Told(f"at {seconds(sound.offset if part.moment == 'end' else sound.onset)}", why, (sound,))
    sources = heard.of_class(part.subject) if part.subject else (heard.main("")[0],)
    events = sorted((e for source in sources for e in source.events), key=lambda e: e.onset)
    if part.moment == "begin":
        text = f"at {seconds(events[0].onset)}"
    elif part.moment == "end":
        text = f"at {seconds(max(e.offset for e in events))}"
    else:
        text = _listed([f"from {seconds(e.onset)[:-2]} to {seconds(e.offset)}" for e in events])
    return Told(text, lines(heard, sources), sources)


def _when_both(heard: HeardScene, part: Understood) -> Told:
    first, second = heard.of_class(part.subject), heard.of_class(part.other)
    spans = [
        (max(a.onset, b.onset), min(a.offset, b.offset))
        for one in first
        for other in second
        for a in one.events
        for b in other.events
        if max(a.onset, b.onset) < min(a.offset, b.offset)
    ]
    text = _listed([f"from {seconds(start)[:-2]} to {seconds(end)}" for start, end in sorted(spans)]) or "never"
    return Told(text, lines(heard, (*first, *second)), (*first, *second))


def _listed(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else "".join(texts)


def duration(heard: HeardScene, part: Understood) -> Told:
    """For how long it sounds."""
    if part.number:
        sound, why = chosen(heard, part)
        return Told(seconds(sound.duration), why, (sound,))
    sources = heard.of_class(part.subject) if part.subject else (heard.main("")[0],)
    total = sum(source.duration for source in sources)
    times = sum(len(source.events) for source in sources)
    note = (f"{times} events, {seconds(total)} in all",) if times > 1 else ()
    return Told(seconds(total), (*lines(heard, sources), *note), sources)


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def order(heard: HeardScene, part: Understood) -> Told:
    """What comes first, second, last, before or after a sound, or all in order."""
    if part.other:
        return _next_to(heard, part)
    if part.moment == "end":
        sources = sorted(heard.of_class(""), key=lambda sound: sound.offset)
        if part.number > len(sources):
            raise SceneError(f"only {len(sources)} sounds are heard; {heard.heard()}")
        found = sources[part.number - 1 if part.number > 0 else part.number]
        return Told(found.label, lines(heard, sources), (found,))
    sources = [source for source in heard.of_class("") if set(part.words) <= set(source.place.words)]
    if part.number == 0 or len(sources) < part.number:
        fitting = () if part.number else tuple(sources)
        return Told(joined_labels(fitting), lines(heard, heard.sources), fitting)
    found = heard.occurrence("", -1) if part.number < 0 and not part.words else sources[part.number - (part.number > 0)]
    return Told(found.label, lines(heard, sources), (found,))


def _next_to(heard: HeardScene, part: Understood) -> Told:
    """The sound that begins next before or after one begins."""
    mine = heard.occurrence(part.other, part.number or 1)
    others = [sound for sound in heard.occurrences("") if part.number or sound.label != part.other]
    time = mine.offset if part.moment == "end" else mine.onset
    if part.relation == "before":
        fitting = [sound for sound in others if sound.onset < time][-1:]
    else:
        fitting = [sound for sound in others if sound.onset > time][:1]
    why = f"{part.other} {'ends' if part.moment == 'end' else 'begins'} at {seconds(time)}"
    return Told(joined_labels(fitting), (*lines(heard, heard.sources), why), tuple(fitting))


def in_order(heard: HeardScene, part: Understood) -> Told:
    """Whether a sound comes before or after another, or first or last of all."""
    if part.other:
        first, second, why = _first_onsets(heard, part)
        time = heard.main(part.other)[0].offset if part.moment == "end" else second.onset
        yes = first.onset < time if part.relation == "before" else first.onset > time
        note = (f"{part.other} ends at {seconds(time)}",) if part.moment == "end" else ()
        return Told(yes_no(yes), (*why, *note), (first, second))
    found = heard.occurrence("", part.number)
    mine = heard.of_class(part.subject)
    return Told(yes_no(found.label == part.subject), lines(heard, heard.sources), mine)


def _first_onsets(heard: HeardScene, part: Understood) -> tuple[HeardSound, HeardSound, tuple[str, ...]]:
    first, second = heard.occurrence(part.subject, 1), heard.occurrence(part.other, 1)
    told = f"{first.label} first begins at {seconds(first.onset)}, {second.label} at {seconds(second.onset)}"
    return first, second, (*lines(heard, [first, second]), told)


def sooner(heard: HeardScene, part: Understood) -> Told:
    """Which of two comes first, or last."""
    first, second, why = _first_onsets(heard, part)
    found = first if (first.onset <= second.onset) == (part.relation == "before") else second
    return Told(found.label, why, (found,))


def gap(heard: HeardScene, part: Understood) -> Told:
    """Seconds between the beginnings of two."""
    first, second, why = _first_onsets(heard, part)
    return Told(seconds(abs(first.onset - second.onset)), why, (first, second))


# ── at the same time ─────────────────────────────────────────────────────────────────────────────────────────────────────


def at_time(heard: HeardScene, part: Understood) -> Told:
    """What sounds at a time."""
    found = _fitting(heard, part, "")
    return Told(joined_labels(found), lines(heard, found) or lines(heard, heard.sources), found)


def together(heard: HeardScene, part: Understood) -> Told:
    """What sounds at the same time as a sound, or as any."""
    mine = heard.of_class(part.other) if part.other else heard.sources
    rest = [source for source in heard.sources if not part.other or source.label != part.other]
    found = tuple(source for source in rest if any(_meet(source, other) for other in mine if other is not source))
    return Told(joined_labels(found), lines(heard, heard.sources), found)


def overlap(heard: HeardScene, part: Understood) -> Told:
    """Whether two sound at the same time, or any others with one."""
    first = heard.of_class(part.subject) if part.subject else heard.sources
    second = heard.of_class(part.other) if part.other else heard.sources
    meeting = [(a, b) for a in first for b in second if a is not b and _meet(a, b, part.moment)]
    said = tuple(f"{a.label} and {b.label} {part.moment or 'sound'} at the same time" for a, b in meeting[:1])
    used = tuple(dict.fromkeys((*map(id, first), *map(id, second))))
    sounds = tuple(source for source in heard.sources if id(source) in used)
    return Told(yes_no(bool(meeting)), (*lines(heard, sounds), *said), sounds)


def _meet(first: HeardSound, second: HeardSound, moment: Moment = "") -> bool:
    """Whether two sound, begin or end at the same time."""
    if moment == "begin":
        return any(abs(a.onset - b.onset) <= _SAME_SECONDS for a in first.events for b in second.events)
    if moment == "end":
        return any(abs(a.offset - b.offset) <= _SAME_SECONDS for a in first.events for b in second.events)
    return any(a.onset < b.offset and b.onset < a.offset for a in first.events for b in second.events)


# ── level and length ─────────────────────────────────────────────────────────────────────────────────────────────────────


def superlative(heard: HeardScene, part: Understood) -> Told:
    """Which of two or more is loudest, quietest, longest or shortest, or whether one is."""
    everyone = heard.of_class("")
    if part.other:
        first, second, _ = pair(heard, part)
        everyone = (first, second)
    by_level = part.relation in ("louder", "quieter")
    values = {id(sound): _level(sound) if by_level else sound.duration for sound in everyone}
    ranked = sorted(everyone, key=lambda s: values[id(s)], reverse=part.relation in ("louder", "longer"))
    said = [f"{s.label} {values[id(s)]:.0f} dB" if by_level else f"{s.label} {seconds(s.duration)}" for s in ranked]
    why = (*lines(heard, everyone), f"in order: {', '.join(said)}")
    if part.type in ("LOUDEST", "LONGEST"):
        return Told(ranked[0].label, why, (ranked[0],))
    heard.of_class(part.subject)
    return Told(yes_no(ranked[0].label == part.subject), why, tuple(s for s in everyone if s.label == part.subject))


def _level(sound: HeardSound) -> float:
    """Level at the listener's place, dB.

    Raises:
        SceneError: the scene was heard, so that it has no levels.
    """
    levels = [event.event.level_db for event in sound.events if event.event.level_db is not None]
    if len(levels) < len(sound.events):
        raise SceneError(f"how loud {sound.label} is, the scene does not say: listening tells where and when, not how loud")
    return max(levels) - 20 * math.log10(sound.place.distance)
