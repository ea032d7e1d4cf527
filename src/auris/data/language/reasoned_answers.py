"""An answer with its reasons, and what every rule needs: the sounds that a question is about, and lines that tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auris.data.language.free_questions import Understood
from auris.data.language.heard_sounds import HeardScene, HeardSound, unique_labels
from auris.errors import SceneError


@dataclass(frozen=True)
class Told:
    """An answer with its reasons.

    Attributes:
        text: the answer.
        why: the sounds that were used, and what was compared.
        sounds: what the answer is about.
    """

    text: str
    why: tuple[str, ...] = ()
    sounds: tuple[HeardSound, ...] = ()


def yes_no(yes: bool) -> str:
    """Return Yes or No."""
    return "Yes" if yes else "No"


def joined_labels(sounds: Sequence[HeardSound]) -> str:
    """Return the classes of sounds as they are answered; nothing, if there is none."""
    return "; ".join(unique_labels(sounds)) or "nothing"


def lines(heard: HeardScene, sounds: Sequence[HeardSound]) -> tuple[str, ...]:
    """Return a line for each sound."""
    return tuple(sound.told(heard.distances) for sound in sounds)


def chosen(heard: HeardScene, part: Understood) -> tuple[HeardSound, tuple[str, ...]]:
    """Return the sound that a question is about, with the line that says so.

    Raises:
        SceneError: it is not heard, or not then.
    """
    why: tuple[str, ...] = ()
    if part.number:
        sound = heard.occurrence(part.subject, part.number)
    elif part.span is not None:
        found = [source for source in heard.of_class(part.subject) if source.sounds_within(part.span)]
        sound = max(found or heard.of_class(part.subject), key=lambda source: source.duration)
        sound = heard.during(sound, part.span)
    else:
        sound, why = heard.main(part.subject)
    if part.moment and part.type != "WHEN":
        time = sound.onset if part.moment == "begin" else sound.offset
        sound = heard.during(sound, (time, time))
    return sound, (*lines(heard, [sound]), *why)


def pair(heard: HeardScene, part: Understood) -> tuple[HeardSound, HeardSound, tuple[str, ...]]:
    """Return the two sounds of a comparison, with the lines that say so.

    Raises:
        SceneError: one is not heard, or none is named and there are not two.
    """
    if not part.subject and not part.other:
        if len(heard.sources) != 2:
            raise SceneError(f"the question compares two sounds without naming them; {heard.heard()}")
        return *heard.sources, lines(heard, heard.sources)
    first, why = heard.main(part.subject)
    second, why_second = heard.main(part.other)
    return first, second, (*lines(heard, [first, second]), *why, *why_second)
