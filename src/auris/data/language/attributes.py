"""What can be said about a scene in the vocabulary of BEWO-1M (arXiv:2410.10676): direction, motion, speed, distance, size.

Directions are numbers from 1 (left) over 3 (front) to 5 (right), fractions between; only the front half exists, since two
microphones in free air cannot tell it from the rear. ``None`` always means "not said", never "the usual".

The plain form (:func:`attributes_to_plain`) is the answer that BEWO-1M's induction asks of a language model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from auris.errors import ParameterError, SceneError, unknown_name
from auris.geometry.frames import FIVE_WAY_WORDS, FRAMES
from auris.scene import Scene, Source

Speed = Literal["still", "slow", "moderate", "fast", "instantly"]
Distance = Literal["far", "moderate", "near"]
Size = Literal["outdoors", "large", "moderate", "small"]

SPEEDS: tuple[Speed, ...] = ("still", "slow", "moderate", "fast", "instantly")
DISTANCES: tuple[Distance, ...] = ("far", "moderate", "near")  # 1, 2, 3 in the plain form
SIZES: tuple[Size, ...] = ("outdoors", "large", "moderate", "small")  # 1, 2, 3, 4 in the plain form
LEFT, FRONT, RIGHT = 1.0, 3.0, 5.0

FAST_UNTIL, MODERATE_UNTIL = 0.45, 0.75  # share of the clip that a fast and a moderate movement take at most
INSTANTLY_UNTIL = 0.02  # share of the clip; shorter movements are jumps
NEAR_UNTIL, MODERATE_DISTANCE_UNTIL = 0.35, 0.65  # distance as a share of that to the nearest wall
SMALL_UNTIL, MODERATE_SIZE_UNTIL = 5.0, 10.0  # metres, geometric mean of length and width
OUTDOOR_REACH = 50.0  # metres that stand for the nearest wall where there is none
_STILL_TURN, _STILL_RATIO = 0.25, 1.25  # directions and ratio of distances within which a source counts as still
_MOMENTS = 401


@dataclass(frozen=True)
class SoundAttributes:
    """What is said about one sound.

    Attributes:
        description: what sounds: a class label, or free words.
        start: direction 1 to 5 at the beginning; None where it is not said.
        end: direction at the end; that of the beginning for a sound that stays.
        speed: ``still``, or how fast it moves; None for a sound that moves, nobody says how fast.
        distance: at the beginning; None where it is not said.
        end_distance: at the end; that of the beginning for a sound that stays.
    """

    description: str
    start: float | None = None
    end: float | None = None
    speed: Speed | None = "still"
    distance: Distance | None = None
    end_distance: Distance | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.description, str) or not self.description.strip():
            raise ParameterError(f"a sound needs a description, got {self.description!r}")
        for name in ("start", "end"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _direction(value, f"{name} of {self.description!r}"))
        if self.speed is not None and self.speed not in SPEEDS:
            raise ParameterError(unknown_name("speed", self.speed, SPEEDS))
        for name in ("distance", "end_distance"):
            if getattr(self, name) not in (None, *DISTANCES):
                raise ParameterError(unknown_name("distance", getattr(self, name), DISTANCES))
        if self.speed == "still":
            self._stay()

    def _stay(self) -> None:
        """A still sound ends where it begins; half of it may be left out."""
        for first, last in (("start", "end"), ("distance", "end_distance")):
            begun, ended = getattr(self, first), getattr(self, last)
            if begun is not None and ended is not None and begun != ended:
                raise ParameterError(f"{self.description!r} is still, but its {first} is {begun} and its {last} {ended}")
            object.__setattr__(self, first, begun if begun is not None else ended)
            object.__setattr__(self, last, getattr(self, first))

    @property
    def moving(self) -> bool:
        """Whether it moves."""
        return self.speed != "still"


@dataclass(frozen=True)
class SceneAttributes:
    """What is said about a scene.

    Attributes:
        sounds: in the order in which they are named.
        size: of the place; None where it is not said.
    """

    sounds: tuple[SoundAttributes, ...] = ()
    size: Size | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sounds", tuple(self.sounds))
        if self.size not in (None, *SIZES):
            raise ParameterError(unknown_name("size", self.size, SIZES))

    def in_words(self) -> SceneAttributes:
        """Return the same with every direction rounded to one that has a word: 1, 2, 3, 4 or 5."""
        return replace(self, sounds=tuple(_in_words(sound) for sound in self.sounds))

    def filled(self) -> SceneAttributes:
        """Return the same with everything unsaid set to the middle: front, moderate speed, distance and size."""
        return replace(self, sounds=tuple(_filled(sound) for sound in self.sounds), size=self.size or "moderate")


def direction_word(direction: float) -> str:
    """Return the nearest word for a direction.

    >>> direction_word(1.6), direction_word(3)
    ('front left', 'front')
    """
    return FIVE_WAY_WORDS[round_direction(direction) - 1]


def round_direction(direction: float) -> int:
    """Return the nearest of the directions 1 to 5; halves go away from the front, where words are told apart less well."""
    offset = _direction(direction, "a direction") - FRONT
    return int(FRONT + math.copysign(math.floor(abs(offset) + 0.5), offset))


def speed_word(share: float) -> Speed:
    """Return the word for a movement that takes ``share`` (0..1) of the clip."""
    if share <= INSTANTLY_UNTIL:
        return "instantly"
    return "fast" if share < FAST_UNTIL else "moderate" if share < MODERATE_UNTIL else "slow"


def distance_word(ratio: float) -> Distance:
    """Return the word for a distance, as a share of that from the listener to the nearest wall."""
    return "near" if ratio < NEAR_UNTIL else "moderate" if ratio < MODERATE_DISTANCE_UNTIL else "far"


def size_word(length: float, width: float) -> Size:
    """Return the word for a room of ``length`` times ``width`` metres."""
    side = math.sqrt(length * width)
    return "small" if side < SMALL_UNTIL else "moderate" if side < MODERATE_SIZE_UNTIL else "large"


def attributes_of(scene: Scene, *, behind: Literal["refuse", "fold"] = "refuse", reach: float | None = None) -> SceneAttributes:
    """Return what can be said about a scene.

    A source begins where it is at its first event and ends where it is at its last. Its speed follows from the share of the
    clip during which it moves; a movement of less than a quarter of a direction, and less than a quarter in distance, is none.

    Args:
        scene: its sources' labels become descriptions.
        behind: what to do with a direction in the rear half: refuse it, or mirror it to the front.
        reach: metres that distances are measured against; None takes the distance to the nearest wall (without ceiling and
            floor), and :data:`OUTDOOR_REACH` in a free field.

    Raises:
        SceneError: a source begins or ends behind the listener, and ``behind`` refuses it.
    """
    size: Size = "outdoors"
    nearest = OUTDOOR_REACH
    if scene.room is not None:
        length, width, _ = scene.room.dimensions
        x, y, _ = scene.listener.path.at(0.0)
        size, nearest = size_word(length, width), float(min(x, length - x, y, width - y))
    sounds = tuple(_sound(scene, source, reach or nearest, behind) for source in scene.sources)
    return SceneAttributes(sounds, size)


def _sound(scene: Scene, source: Source, reach: float, behind: Literal["refuse", "fold"]) -> SoundAttributes:
    times = np.linspace(source.events[0].onset, source.events[-1].offset, _MOMENTS)
    points = scene.relative_positions(source.path, times)
    for moment, point in ((times[0], points[0]), (times[-1], points[-1])):
        if behind == "refuse" and point[0] < -1e-6 * np.linalg.norm(point):
            raise SceneError(
                f"source {source.label!r} is behind the listener at {moment:.2f} s, where there is no word for it; "
                "use behind='fold' to mirror it to the front"
            )
    directions = FRAMES["five_way"].from_internal(points)[:, 0].clip(LEFT, RIGHT)
    distances = np.linalg.norm(points, axis=1)
    first, last = round(float(directions[0]), 4), round(float(directions[-1]), 4)
    near, far = distance_word(distances[0] / reach), distance_word(distances[-1] / reach)
    turned = np.abs(directions - directions[0]).max()
    ratio = distances.max() / max(distances.min(), 1e-6)
    if turned < _STILL_TURN and ratio < _STILL_RATIO:
        return SoundAttributes(source.label, first, first, "still", near, near)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    moving = np.flatnonzero(steps > 1e-3 * steps.max())
    # The step in which it jumps is as long as the grid is fine; it counts for nothing.
    seconds = times[moving[-1] + 1] - times[moving[0]] if moving.size > 1 else 0.0
    return SoundAttributes(source.label, first, last, speed_word(seconds / scene.duration), near, far)


def _in_words(sound: SoundAttributes) -> SoundAttributes:
    start, end = (None if value is None else float(round_direction(value)) for value in (sound.start, sound.end))
    return replace(sound, start=start, end=end)


def _filled(sound: SoundAttributes) -> SoundAttributes:
    start = sound.start if sound.start is not None else FRONT
    distance = sound.distance or "moderate"
    return replace(
        sound,
        start=start,
        end=sound.end if sound.end is not None else start,
        speed=sound.speed or "moderate",
        distance=distance,
        end_distance=sound.end_distance or distance,
    )


# ── the plain form ───────────────────────────────────────────────────────────────────────────────────────────────────

_AGAIN = re.compile(r" \(\d+\)$")
_PLAIN_SPEEDS: tuple[Speed, ...] = SPEEDS[1:]  # 1 slow, 2 moderate, 3 fast; 4 instantly is ours
_SCENE_KEYS = ("sound", "size", "objects")
_SOUND_KEYS = ("init_direction", "init_dis", "moving", "end_direction", "end_dis", "speed")


def attributes_to_plain(attributes: SceneAttributes) -> dict[str, Any]:
    """Return the mapping that BEWO-1M's induction answers with.

    ``{"sound": 0 | 1, "size": 1..4, "objects": {name: {"init_direction": 1..5, "init_dis": 1..3, "moving": 0 | 1,
    "end_direction": 1..5, "end_dis": 1..3, "speed": 1..3}}}``; the last three for what moves. Size 1 is outdoors, distance 1
    far, speed 1 slow; 4 stands for a jump, which the original has no number for. What is not said is left out. The second
    sound of a name is called ``name (2)``.
    """
    objects: dict[str, Any] = {}
    for sound in attributes.sounds:
        name, again = sound.description, 1
        while name in objects:
            again += 1
            name = f"{sound.description} ({again})"
        objects[name] = _sound_to_plain(sound)
    plain = {"sound": int(bool(objects)), "size": _number_of(attributes.size, SIZES), "objects": objects}
    return {key: value for key, value in plain.items() if value is not None}


def attributes_from_plain(plain: object) -> SceneAttributes:
    """Return the attributes that a mapping of the form of :func:`attributes_to_plain` says.

    Numbers may be whole or decimal for directions, and must be whole elsewhere; ``null`` and what is left out is not said.

    Raises:
        ParameterError: the mapping has another form; the text names the object, the key and what is accepted.
    """
    record = _mapping(plain, _SCENE_KEYS, "a scene's attributes")
    objects = record.get("objects", {})
    if not isinstance(objects, Mapping):
        raise ParameterError(f"objects must be a mapping of names to attributes, got {objects!r}")
    sounding = _flag(record.get("sound", int(bool(objects))), "sound")
    if sounding != bool(objects):
        raise ParameterError(f"sound is {record.get('sound')!r}, but there are {len(objects)} objects")
    sounds = tuple(_sound_from_plain(str(name), value) for name, value in objects.items())
    return SceneAttributes(sounds, _word_of(record.get("size"), SIZES, "size"))


def _sound_to_plain(sound: SoundAttributes) -> dict[str, Any]:
    plain = {
        "init_direction": _tidy(sound.start),
        "init_dis": _number_of(sound.distance, DISTANCES),
        "moving": int(sound.moving),
    }
    if sound.moving:
        plain["end_direction"] = _tidy(sound.end)
        plain["end_dis"] = _number_of(sound.end_distance, DISTANCES)
        plain["speed"] = _number_of(sound.speed, _PLAIN_SPEEDS)
    return {key: value for key, value in plain.items() if value is not None}


def _sound_from_plain(name: str, plain: object) -> SoundAttributes:
    where = f"object {name!r}"
    record = _mapping(plain, _SOUND_KEYS, where)
    if "moving" not in record:
        raise ParameterError(f"{where}: moving is missing; give 0 for a sound that stays, 1 for one that moves")
    start = _plain_direction(record.get("init_direction"), f"{where}: init_direction")
    distance = _word_of(record.get("init_dis"), DISTANCES, f"{where}: init_dis")
    end = _plain_direction(record.get("end_direction"), f"{where}: end_direction")
    end_distance = _word_of(record.get("end_dis"), DISTANCES, f"{where}: end_dis")
    speed: Speed | None = _word_of(record.get("speed"), _PLAIN_SPEEDS, f"{where}: speed")
    description = _AGAIN.sub("", name)
    if _flag(record["moving"], f"{where}: moving"):
        return SoundAttributes(description, start, end, speed, distance, end_distance)
    if end not in (None, start) or end_distance not in (None, distance):
        raise ParameterError(f"{where}: moving is 0, but it ends elsewhere than it begins; give moving 1")
    return SoundAttributes(description, start, start, "still", distance, distance)


def _mapping(plain: object, keys: tuple[str, ...], where: str) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        raise ParameterError(f"{where} must be a mapping with the keys {', '.join(keys)}, got {plain!r}")
    for key in plain:
        if key not in keys:
            raise ParameterError(f"{where}: {unknown_name('key', key, keys)}")
    return plain


def _flag(value: object, where: str) -> bool:
    if value not in (0, 1):
        raise ParameterError(f"{where} must be 0 or 1, got {value!r}")
    return bool(value)


def _plain_direction(value: object, where: str) -> float | None:
    return None if value is None else _direction(value, where)


def _direction(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not LEFT <= float(value) <= RIGHT:
        raise ParameterError(f"{where} must be a direction from 1 (left) over 3 (front) to 5 (right), got {value!r}")
    return float(value)


def _tidy(value: float | None) -> int | float | None:
    return int(value) if value is not None and value == int(value) else value


def _number_of(word: str | None, words: tuple[Any, ...]) -> int | None:
    return None if word is None else words.index(word) + 1


def _word_of(number: object, words: tuple[Any, ...], where: str) -> Any:
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float) or number not in range(1, len(words) + 1):
        listed = ", ".join(f"{n} {word}" for n, word in enumerate(words, start=1))
        raise ParameterError(f"{where} must be one of {listed}; got {number!r}")
    return words[int(number) - 1]
