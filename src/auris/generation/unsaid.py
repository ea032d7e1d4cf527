"""What is taken where a plan says nothing: the same for every engine."""

from __future__ import annotations

from dataclasses import replace

from auris.data.language.attributes import FRONT, LEFT, RIGHT, SceneAttributes, SoundAttributes, direction_word, round_direction


def completed(attributes: SceneAttributes) -> SceneAttributes:
    """Return the same with everything that is not said filled in.

    The place is outdoors, where nothing is added that was not asked for. A sound is in front, at a moderate distance, and
    moves at a moderate speed. A movement of which one end is said begins in front, or ends on the side across; one towards the
    front begins on the left, one from the front ends on the right. What changes its distance keeps its direction; what is said
    to end near comes from far, what ends far comes from near.
    """
    return replace(attributes, sounds=tuple(map(_completed, attributes.sounds)), size=attributes.size or "outdoors")


def _completed(sound: SoundAttributes) -> SoundAttributes:
    first, last = sound.distance, sound.end_distance
    if first is None:
        first = "moderate" if last in (None, "moderate") or not sound.moving else "far" if last == "near" else "near"
    last = last or first
    start, end = sound.start, sound.end
    if start is None:
        aside = end == FRONT and first == last and sound.moving
        start = LEFT if aside else FRONT if first == last or end is None else end
    if end is None:
        across = RIGHT if start == FRONT else LEFT + RIGHT - start
        end = across if sound.moving and sound.start is not None and first == last else start
    return replace(sound, start=start, end=end, speed=sound.speed or "moderate", distance=first, end_distance=last)


def assumptions(attributes: SceneAttributes) -> tuple[str, ...]:
    """Return what :func:`completed` fills in, one sentence for each sound and one for the place."""
    filled = completed(attributes)
    said = []
    for sound, full in zip(attributes.sounds, filled.sounds, strict=True):
        parts = []
        if sound.start is None and full.start is not None:
            parts.append(f"{'begins' if sound.moving else 'is'} {place_of(full.start)}")
        if sound.moving and sound.end is None and full.end is not None:
            parts.append(f"ends {place_of(full.end)}")
        if sound.speed is None:
            parts.append(f"moves at a {full.speed} speed")
        if sound.distance is None:
            parts.append(f"{'begins ' if full.distance != full.end_distance else ''}at a {full.distance} distance")
        if parts:
            said.append(f"{sound.description}: {', '.join(parts)}")
    return (*said, *([f"the place: {filled.size}"] if attributes.size is None else []))


def place_of(direction: float) -> str:
    """Return a direction as one says where something is: ``on the left``, ``at the front right (3.8)``."""
    word = direction_word(direction)
    exact = "" if direction == round_direction(direction) else f" ({direction:g})"
    return ("in front" if word == "front" else f"on the {word}" if " " not in word else f"at the {word}") + exact
