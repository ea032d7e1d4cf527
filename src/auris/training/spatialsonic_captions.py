"""What a caption says of a clip besides directions: for models that are told these by other means."""

from __future__ import annotations

from dataclasses import replace

from auris.data.language.attributes import SoundAttributes
from auris.data.language.captions import caption
from auris.data.language.parsing import parse


def without_directions(text: str, *, seed: int) -> str:
    """Return a caption that says nothing of directions and movements, in new words.

    It is read by the grammar of :mod:`auris.data.language.parsing`, and what is left is said again. A text in which no sound is
    found comes back as it is.

    Args:
        text: the caption.
        seed: of the words; other seeds say the same otherwise.

    >>> without_directions("A dog barks on the left while rain falls from the front to the right.", seed=1)
    'A dog barks and it is raining.'
    """
    said = parse(text)
    if not said.sounds:
        return text
    return caption(replace(said, sounds=tuple(_anywhere(sound) for sound in said.sounds)), seed=seed)


def _anywhere(sound: SoundAttributes) -> SoundAttributes:
    """The same sound, wherever it is; its distance stays while it does not change."""
    stays = sound.distance == sound.end_distance
    return SoundAttributes(sound.description, distance=sound.distance if stays else None)
