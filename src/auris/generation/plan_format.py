"""The sounds of a plan as plain mappings, and the words and numbers that stand in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from auris.data.language.attributes import DISTANCES, FRONT, LEFT, RIGHT, SPEEDS, SoundAttributes
from auris.errors import ParameterError, did_you_mean, unknown_name
from auris.geometry.frames import FIVE_WAY_WORDS

SOUND_KEYS = ("what", "from", "to", "speed", "distance", "to_distance")
ANY = "any"
_DIRECTIONS_ACCEPTED = (
    f"one of {', '.join(FIVE_WAY_WORDS)}, a number from 1 (left) over 3 (front) to 5 (right), or degrees such as "
    "'30 degrees left'"
)
_FRONT_WORDS = ("front", "ahead", "straight ahead", "in front", "centre", "center", "middle")
_DEGREES = re.compile(r"(\d+(?:\.\d+)?) ?(?:°|deg|degrees?)(?: (?:to|on|at))?(?: the)?(?: (left|right))?")
_REAR = re.compile(r"\b(?:behind|back|rear)\b")


def sound_to_dict(sound: SoundAttributes) -> dict[str, Any]:
    """Return one sound of a plan as a plain mapping; what is not said is left out."""
    plain: dict[str, Any] = {"what": sound.description, "from": _direction_to_plain(sound.start)}
    if sound.moving:
        plain |= {"to": _direction_to_plain(sound.end), "speed": sound.speed or ANY}
    plain["distance"] = sound.distance
    if sound.moving:
        plain["to_distance"] = sound.end_distance
    return {key: value for key, value in plain.items() if value is not None}


def sound_from_dict(plain: object, number: int) -> SoundAttributes:
    """Return the sound of a plain mapping, or of a text that says what it is; ``number`` names it in errors.

    Raises:
        ParameterError: a key is unknown, a value impossible, or a still sound ends elsewhere than it begins.
    """
    if isinstance(plain, str):  # "- dog"
        plain = {"what": plain}
    record = checked_mapping(plain, SOUND_KEYS, f"sound {number}")
    what = record.get("what")
    if not isinstance(what, str) or not what.strip():
        raise ParameterError(f"sound {number}: 'what' must say what sounds, got {what!r}")
    where = f"sound {number} ({what})"
    ends = [read_direction(record[key], f"{where}: '{key}'") if record.get(key) is not None else None for key in ("from", "to")]
    far = [_word(record.get(key), DISTANCES, "distance", f"{where}: '{key}'") for key in ("distance", "to_distance")]
    changes = any(last not in (None, first) for first, last in (ends, far))
    given = record.get("speed")
    speed: Any = (ANY if changes else "still") if given is None else read_speed(given, f"{where}: 'speed'")
    if speed == "still":
        for key, (first, last) in (("to", ends), ("to_distance", far)):
            if first is not None and last not in (None, first):
                raise ParameterError(
                    f"{where}: 'speed' is still, but {key!r} is {record[key]!r}, elsewhere than where it begins; "
                    f"leave {key!r} out, or give one of the speeds {', '.join(SPEEDS[1:])}"
                )
    return SoundAttributes(what, ends[0], ends[1], None if speed == ANY else speed, far[0], far[1])


def checked_mapping(plain: object, keys: tuple[str, ...], where: str) -> Mapping[str, Any]:
    """Return a mapping that has no other keys; raises :class:`~auris.errors.ParameterError`."""
    if not isinstance(plain, Mapping):
        raise ParameterError(f"{where} must be a mapping with the keys {', '.join(keys)}; got {plain!r}")
    for key in plain:
        if key not in keys:
            raise ParameterError(f"{where}: {unknown_name('key', key, keys)}")
    return plain


def _word(value: object, words: tuple[Any, ...], kind: str, where: str) -> Any:
    if value not in (None, *words):
        raise ParameterError(f"{where}: {unknown_name(kind, value, words)}")
    return value


def _direction_to_plain(value: float | None) -> str | float | None:
    return None if value is None else FIVE_WAY_WORDS[int(value) - 1] if value == int(value) else value


def tidy(value: float) -> int | float:
    """Return a whole number as one."""
    return int(value) if value == int(value) else value


# ── values that are given ────────────────────────────────────────────────────────────────────────────────────────────


def read_direction(value: object, where: str = "a direction") -> float:
    """Return a direction from 1 (left) to 5 (right), given as a number, a word, or degrees to one side.

    Raises:
        ParameterError: it is none; the text begins with ``where``.

    >>> read_direction("front-left"), read_direction("30 degrees right"), read_direction(2.5)
    (2.0, 3.6667, 2.5)
    """
    text = " ".join(str(value).lower().replace("-", " ").replace("_", " ").split()) if isinstance(value, str) else ""
    if match := _DEGREES.fullmatch(text):
        degrees, side = float(match[1]), match[2]
        if degrees <= 90 and (side or degrees == 0):
            return round(FRONT + (-1 if side == "left" else 1) * degrees / 45, 4)
        raise ParameterError(
            f"{where}: degrees run from 0 (front) to 90 to the left or right, as in '30 degrees left'; got {value!r}"
        )
    bare = re.sub(r"^(?:(?:on|at|to|from) )?(?:the )?", "", text)
    if bare in FIVE_WAY_WORDS:
        return float(FIVE_WAY_WORDS.index(bare) + 1)
    if bare in _FRONT_WORDS or text in _FRONT_WORDS:
        return FRONT
    number: object = value
    if text and re.fullmatch(r"\d+(?:\.\d*)?", text):
        number = float(text)
    if not isinstance(number, bool) and isinstance(number, int | float | np.number) and LEFT <= float(number) <= RIGHT:
        return float(number)
    rear = " only the front half has directions here;" if _REAR.search(text) else ""
    close = (did_you_mean(text, FIVE_WAY_WORDS) if text else "") or "."
    raise ParameterError(f"{where}:{rear} got {value!r}{close} Accepted: {_DIRECTIONS_ACCEPTED}")


def read_speed(value: object, where: str = "speed") -> Any:
    """Return a speed given as a word or as a number: 0 still, 1 slow, 2 moderate, 3 fast, 4 instantly; ``any`` stays.

    Raises:
        ParameterError: it is none; the text begins with ``where``.
    """
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in (*SPEEDS, ANY):
        return text
    number = float(text) if re.fullmatch(r"[0-4](?:\.0*)?", text) else value
    if not isinstance(number, bool) and isinstance(number, int | float) and number in range(len(SPEEDS)):
        return SPEEDS[int(number)]
    listed = ", ".join(f"{n} {word}" for n, word in enumerate(SPEEDS))
    close = (did_you_mean(text, (*SPEEDS, ANY)) if text else "") or "."
    raise ParameterError(f"{where}: got {value!r}{close} Accepted: {listed}")
