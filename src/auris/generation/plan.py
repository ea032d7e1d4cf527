"""The plan of what is generated: the scene that was understood from a prompt, as a value and as a file to read and edit.

A plan says of each sound what it is, where it begins and ends, how fast it moves and how far away it is, and of the place how
large it is, in the words of :mod:`auris.data.language.attributes`. What nobody said is left out, and stays open until a plan
is turned into a request (:func:`request_of`) or a scene; :attr:`Plan.assumed` says what is taken then
(:mod:`auris.generation.unsaid`).

A plan file is YAML (or JSON)::

    prompt: a dog barks on the left, then runs to the right
    seconds: 10
    room: small                 # outdoors, large, moderate or small
    sounds:
      - {what: dog, from: left, to: right, speed: fast, distance: near}

``from`` and ``to`` are directions in the front half: one of the words left, front left, front, front right, right; or a number
from 1 (left) over 3 (front) to 5 (right), fractions between; or ``30 degrees left``. ``speed`` is still, slow, moderate, fast,
instantly, or 0 to 4 in that order; ``any`` for a sound that moves, nobody says how fast. ``distance`` is near, moderate or far
at the beginning, ``to_distance`` the same at the end. Only ``what`` is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from auris.data.language.attributes import (
    FRONT,
    OUTDOOR_REACH,
    SIZES,
    Distance,
    SceneAttributes,
    Size,
    SoundAttributes,
    Speed,
    round_direction,
)
from auris.data.language.captions import caption
from auris.data.language.parsing import parse
from auris.data.language.sound_names import said, sound_names
from auris.data.language.sound_phrases import described
from auris.errors import ParameterError, unknown_name
from auris.generation.plan_format import (
    ANY,
    SOUND_KEYS,
    checked_mapping,
    read_direction,
    read_speed,
    sound_from_dict,
    sound_to_dict,
    tidy,
)
from auris.generation.unsaid import assumptions, completed, place_of
from auris.io.atomic import write_text
from auris.io.scene_files import read_plain
from auris.models.generating import MOST_SOUNDS, GenerationRequest, SoundRequest

DEFAULT_SECONDS = 10.0  # of BEWO-1M's clips
LONGEST = 600.0  # seconds
SHARES: Mapping[Speed, float] = {"still": 0.0, "slow": 0.9, "moderate": 0.6, "fast": 0.3, "instantly": -0.5}
"""Share of the clip that a movement takes, centred in it; a negative one is the moment of a jump."""
REACHES: Mapping[Size, float] = {"outdoors": OUTDOOR_REACH, "large": 8.0, "moderate": 3.75, "small": 2.0}
"""Metres from the listener to the nearest wall, by the size of the place."""
DISTANCE_SHARES: Mapping[Distance, float] = {"near": 0.25, "moderate": 0.5, "far": 0.8}
"""Distance from the listener as a share of the reach."""

_KEYS = ("prompt", "seconds", "room", "by", "notes", "sounds")


@dataclass(frozen=True)
class Plan:
    """What is to be generated.

    Attributes:
        prompt: the words that were given, or a sentence made from the sounds where there were none.
        attributes: what is said of the sounds and the place; ``None`` in it is not said.
        seconds: length of the clip.
        by: what inferred it: ``grammar``, the name of a language model, ``attributes``, or ``file``.
        notes: what a reader of the plan should know: what could not be taken as it was said.
    """

    prompt: str
    attributes: SceneAttributes
    seconds: float = DEFAULT_SECONDS
    by: str = "grammar"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("prompt", "by"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise ParameterError(f"{name} of a plan must be a text, got {getattr(self, name)!r}")
        object.__setattr__(self, "seconds", checked_seconds(self.seconds))
        object.__setattr__(self, "notes", tuple(self.notes))
        check_count(self.attributes)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What is taken where nothing is said, one sentence each, in the order of the sounds."""
        return assumptions(self.attributes)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a plain mapping: that of its file."""
        size = self.attributes.size
        return {
            "prompt": self.prompt,
            "seconds": tidy(self.seconds),
            **({} if size is None else {"room": size}),
            "by": self.by,
            **({"notes": list(self.notes)} if self.notes else {}),
            "sounds": [sound_to_dict(sound) for sound in self.attributes.sounds],
        }

    @classmethod
    def from_dict(cls, plain: object) -> Plan:
        """Return the plan of a plain mapping.

        Raises:
            ParameterError: a key is unknown or missing, or a value is impossible; the text names the sound and the key.
        """
        record = checked_mapping(plain, _KEYS, "a plan")
        sounds = record.get("sounds")
        if not isinstance(sounds, Sequence) or isinstance(sounds, str):
            raise ParameterError(
                f"plan: 'sounds' must be a list of sounds with the keys {', '.join(SOUND_KEYS)}, got {sounds!r}"
            )
        notes = record.get("notes") or []
        if not isinstance(notes, Sequence) or isinstance(notes, str) or not all(isinstance(note, str) for note in notes):
            raise ParameterError(f"plan: 'notes' must be a list of texts, got {notes!r}")
        room = record.get("room")
        if room not in (None, *SIZES):
            raise ParameterError(f"plan: 'room': {unknown_name('size', room, SIZES)}")
        attributes = SceneAttributes(tuple(sound_from_dict(item, n) for n, item in enumerate(sounds, start=1)), room)
        check_count(attributes)
        prompt = record.get("prompt")
        if prompt is None:
            prompt = caption(SceneAttributes(attributes.sounds, attributes.size), seed=0)
        return cls(prompt, attributes, record.get("seconds", DEFAULT_SECONDS), record.get("by", "file"), tuple(notes))

    def to_yaml(self) -> str:
        """Return the text of its file."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_plan(path: str | Path) -> Plan:
    """Read a plan from a YAML or JSON file.

    Raises:
        FormatError: the file cannot be read or parsed.
        ParameterError: it is no plan; the text names the file, the sound and the key.
    """
    plain = read_plain(path)
    try:
        return Plan.from_dict(plain)
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from None


def write_plan(path: str | Path, plan: Plan) -> None:
    """Write a plan; ``.json`` writes JSON, anything else YAML.

    Raises:
        FormatError: it cannot be written there.
    """
    as_json = Path(path).suffix.lower() == ".json"
    write_text(path, json.dumps(plan.to_dict(), indent=2, ensure_ascii=False) + "\n" if as_json else plan.to_yaml())


def checked_seconds(value: object) -> float:
    """Return the length of a clip in seconds.

    Raises:
        ParameterError: it is none, zero, negative, or longer than ten minutes.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < float(value) <= LONGEST:
        raise ParameterError(f"seconds must be above 0 and at most {LONGEST:g}, got {value!r}")
    return float(value)


def check_count(attributes: SceneAttributes) -> None:
    """Refuse a scene in which nothing sounds, or too much.

    Raises:
        ParameterError: there is no sound, or there are more than four.
    """
    names = [sound.description for sound in attributes.sounds]
    if not names:
        raise ParameterError("nothing sounds in this scene; name at least one sound, such as 'a dog barks on the left'")
    if len(names) > MOST_SOUNDS:
        raise ParameterError(
            f"{len(names)} sounds ({', '.join(names)}) are more than the {MOST_SOUNDS} that one clip holds; name fewer, "
            "or generate several clips and add them"
        )


def request_of(plan: Plan) -> GenerationRequest:
    """Return what generators take: numbers for every word, with what is not said filled in (:mod:`auris.generation.unsaid`)."""
    filled = completed(plan.attributes)
    size = filled.size or "outdoors"
    sounds = []
    for sound in filled.sounds:
        start = FRONT if sound.start is None else sound.start
        sounds.append(
            SoundRequest(
                description=sound.description,
                start=start,
                end=start if sound.end is None else sound.end,
                share=SHARES[sound.speed or "moderate"],
                distance=metres(sound.distance or "moderate", size),
                end_distance=metres(sound.end_distance or "moderate", size),
            )
        )
    return GenerationRequest(prompt=plan.prompt, sounds=tuple(sounds), seconds=plan.seconds, room=size)


def metres(distance: Distance, size: Size) -> float:
    """Return the distance that a word means in a place of some size.

    >>> metres("near", "outdoors"), metres("far", "small")
    (12.5, 1.6)
    """
    return DISTANCE_SHARES[distance] * REACHES[size]


# ── classes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def label_for(description: str, labels: Sequence[str]) -> str:
    """Return the class that a description means.

    Raises:
        ParameterError: it is none of ``labels``, or could be several; the text lists them.

    >>> label_for("a puppy yapping", ("cat", "dog")), label_for("female_speech", ("dog", "speech"))
    ('dog', 'speech')
    """
    if (found := described(description, labels)) in labels:
        return found
    spoken = {said(label): label for label in labels}
    names = [name for _, name in sound_names(tuple(labels)).find(said(found))]
    heard = [name for name in names if name.heard]
    # What is heard counts before who is: a person sneezing is no speech. Female speech is speech.
    kinds = {spoken.get(name.label) or spoken.get(name.label.rpartition(" ")[2]) for name in heard or names}
    if len(kinds - {None}) == 1 and not (heard and None in kinds):
        return str((kinds - {None}).pop())
    raise ParameterError(unknown_name("sound", description, labels))


# ── attributes given one by one ──────────────────────────────────────────────────────────────────────────────────────


def plan_with(
    prompt: str,
    *,
    from_direction: float | str | Sequence[float | str],
    to_direction: float | str | Sequence[float | str] | None = None,
    speed: float | str | Sequence[float | str] | None = None,
    seconds: float = DEFAULT_SECONDS,
    labels: Sequence[str] = (),
) -> Plan:
    """Return the plan of a prompt with directions and speeds given beside it, as the original's command line has them.

    Several values are for several sounds, in the order in which the prompt names them; a prompt that names one sound gets it
    as often as directions are given. What the prompt says of distances and of the place is kept.

    Args:
        prompt: what sounds; it may say directions too, but no others.
        from_direction: where each sound begins: a number from 1 to 5, a word, or degrees
            (:func:`~auris.generation.plan_format.read_direction`).
        to_direction: where each ends, as many values; None for sounds that stay.
        speed: 0 still, 1 slow, 2 moderate, 3 fast, 4 instantly, or these words, as many values; None is
            moderate for what moves.
        seconds: length of the clip.
        labels: classes that sounds are expected to have.

    Raises:
        ParameterError: the numbers of values and sounds differ, or values contradict each other or the prompt.

    >>> plan_with("a dog barks", from_direction=1, to_direction=4.5, speed=3).attributes.sounds[0].end
    4.5
    """
    read = parse(prompt, labels=labels)
    starts, ends, speeds = _several(from_direction), _several(to_direction), _several(speed)
    for name, values in (("to_direction", ends), ("speed", speeds)):
        if values and len(values) != len(starts):
            raise ParameterError(
                f"from_direction has {len(starts)} values, but {name} {len(values)}; give one of each for every sound"
            )
    sounds, notes = list(read.sounds), []
    if len(sounds) == 1 and len(starts) > 1:
        notes.append(f"{sounds[0].description} sounds {len(starts)} times, once for each direction that is given")
        sounds *= len(starts)
    if len(sounds) != len(starts):
        names = ", ".join(sound.description for sound in sounds) or "none"
        raise ParameterError(
            f"directions are given for {len(starts)} sounds, but the prompt names {len(sounds)} ({names}); give one for each"
        )
    none = [None] * len(starts)
    placed = tuple(map(_directed, sounds, starts, ends or none, speeds or none))
    return Plan(prompt, replace(read, sounds=placed), seconds, "attributes", tuple(notes))


def _several(values: float | str | Sequence[float | str] | None) -> list[Any]:
    if values is None:
        return []
    return list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]


def _directed(sound: SoundAttributes, start: object, end: object, speed: object) -> SoundAttributes:
    """A sound with what is given beside the prompt, which must not say otherwise."""
    name = sound.description
    first = read_direction(start, f"{name}: from_direction")
    last = first if end is None else read_direction(end, f"{name}: to_direction")
    pace: Any = None if speed is None else read_speed(speed, f"{name}: speed")
    if pace == "still" and last != first:
        raise ParameterError(
            f"{name}: speed is still, but it goes from {first:g} to {last:g}; leave to_direction out, or give 1 to 4"
        )
    if pace not in (None, "still") and end is None:
        raise ParameterError(f"{name}: speed is {pace}, but to_direction, where it goes, is not given")
    for given, before, key in ((first, sound.start, "begins"), (last, sound.end, "ends")):
        if before is not None and round_direction(before) != round_direction(given):
            raise ParameterError(
                f"{name}: the prompt says that it {key} {place_of(before)}, but {place_of(given)} is given; change one of them"
            )
    pace = pace or ("still" if last == first else sound.speed if sound.moving else ANY)
    if pace == "still":
        return replace(sound, start=first, end=first, speed="still", end_distance=sound.distance)
    return replace(sound, start=first, end=last, speed="moderate" if pace in (None, ANY) else pace)
