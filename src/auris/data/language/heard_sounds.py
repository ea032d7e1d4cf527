"""The sounds of a scene as one talks about them: each with its class, its events, and where the listener has it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auris.data.language.questions import HeardSource, said_label
from auris.errors import SceneError
from auris.geometry import angle_between
from auris.geometry.trajectories import Trajectory
from auris.scene import Event, Scene

Distances = Literal["known", "unknown"]
_SAME_PLACE_DEG = 25.0  # events of one class that were heard closer than this are one source's
_SAMPLES = 9  # moments of an event at which a path is looked at


@dataclass(frozen=True)
class HeardEvent:
    """One event with the path of its source."""

    event: Event
    path: Trajectory

    @property
    def onset(self) -> float:
        """Seconds."""
        return self.event.onset

    @property
    def offset(self) -> float:
        """Seconds."""
        return self.event.offset

    def sounds_within(self, span: tuple[float, float]) -> bool:
        """Whether it sounds between two times in seconds, or at one if they are equal."""
        if span[0] == span[1]:
            return self.onset <= span[0] <= self.offset
        return self.onset < span[1] and self.offset > span[0]


@dataclass(frozen=True, eq=False)
class HeardSound:
    """A source, or some of its events.

    Attributes:
        label: class, as it is said.
        events: by onset.
        place: where it is in the middle of the time in which it sounds.
        track: its positions while it sounds, ``(T, 3)`` metres in the listener's frame.
    """

    label: str
    events: tuple[HeardEvent, ...]
    place: HeardSource
    track: NDArray[np.float64]

    @property
    def onset(self) -> float:
        """When it first begins, seconds."""
        return self.events[0].onset

    @property
    def offset(self) -> float:
        """When it last ends, seconds."""
        return max(event.offset for event in self.events)

    @property
    def duration(self) -> float:
        """For how long it sounds in all, seconds."""
        return sum(event.event.duration for event in self.events)

    @property
    def confidence(self) -> float | None:
        """Mean confidence over the time in which it sounds; None if it was not heard but made."""
        sure = [(event.event.confidence, event.event.duration) for event in self.events]
        known = [(confidence, seconds) for confidence, seconds in sure if confidence is not None]
        return sum(c * seconds for c, seconds in known) / sum(seconds for _, seconds in known) if known else None

    @property
    def azimuth_deg(self) -> float:
        """Degrees to the left, below 0 to the right."""
        return math.degrees(math.atan2(self.place.position[1], self.place.position[0]))

    @property
    def elevation_deg(self) -> float:
        """Degrees up, below 0 down."""
        return self.place.angle_deg(2)

    def sounds_within(self, span: tuple[float, float]) -> bool:
        """Whether it sounds at some moment from ``span[0]`` to ``span[1]`` seconds."""
        return any(event.sounds_within(span) for event in self.events)

    def told(self, distances: Distances) -> str:
        """Say when, where and how surely it is heard: ``dog: 0.8-2.1 s, 32° left, 10° up, 2.1 m (heard with 0.83)``."""
        times = ", ".join(f"{seconds(e.onset)[:-2]}-{seconds(e.offset)}" for e in self.events[:6])
        times += f" and {len(self.events) - 6} more times" if len(self.events) > 6 else ""
        metres = f", {self.place.distance:.1f} m" if distances == "known" else ""
        sure = f" (heard with {self.confidence:.2f})" if self.confidence is not None else ""
        return f"{self.label}: {times}, {bearing(self)}{metres}{sure}"


def seconds(time: float) -> str:
    """Return a time as it is said.

    >>> seconds(3.0), seconds(0.849)
    ('3 s', '0.8 s')
    """
    return f"{round(time, 1):g} s"


def bearing(sound: HeardSound) -> str:
    """Return the direction of a sound in degrees: ``32° left, 10° up``; of one behind, ``148° left (behind)``."""
    azimuth, elevation = round(sound.azimuth_deg), round(sound.elevation_deg)
    side = "straight ahead" if azimuth == 0 else f"{abs(azimuth)}° {'left' if azimuth > 0 else 'right'}"
    height = "level" if elevation == 0 else f"{abs(elevation)}° {'up' if elevation > 0 else 'down'}"
    return f"{side}{' (behind)' if abs(azimuth) > 90 else ''}, {height}"


class HeardScene:
    """The sounds of a scene.

    Events of one class that were heard (that have a confidence), one after the other and from one direction, are taken for one
    source; sources that were made stay apart.

    Args:
        scene: what was heard, or made.
        distances: ``unknown`` where the sources of the scene stand at a distance that means nothing.
    """

    def __init__(self, scene: Scene, distances: Distances = "known") -> None:
        self.scene = scene
        self.distances: Distances = distances
        grouped: list[list[HeardSound]] = []
        for sound in sorted(map(self._sound, range(len(scene.sources))), key=lambda s: (s.onset, s.label)):
            group = next((group for group in grouped if _continues(group[-1], sound)), None)
            if group is None:
                grouped.append([sound])
            else:
                group.append(sound)
        self.sources: tuple[HeardSound, ...] = tuple(map(_joined, grouped))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The classes that are heard, by their first onset."""
        return tuple(dict.fromkeys(source.label for source in self.sources))

    def of_class(self, label: str) -> tuple[HeardSound, ...]:
        """Return the sources of a class, or all for no name.

        Raises:
            SceneError: none is heard; the text says what is.
        """
        found = tuple(source for source in self.sources if label in ("", source.label))
        if not found:
            raise SceneError(f"no {label or 'sound'} is heard; {self.heard()}")
        return found

    def heard(self) -> str:
        """Say which classes are heard."""
        return f"what is heard: {', '.join(self.labels)}" if self.labels else "nothing is heard"

    def main(self, label: str) -> tuple[HeardSound, tuple[str, ...]]:
        """Return the source of a class that is meant, the one that sounds longest, and why if there are others."""
        found = self.of_class(label)
        chosen = max(found, key=lambda s: (round(s.duration, 3), s.confidence or 0.0, -s.onset))
        if len(found) == 1:
            return chosen, ()
        others = "; ".join(source.told(self.distances) for source in found if source is not chosen)
        what = f"{len(found)} sources of {label} are" if label else f"{len(found)} sounds are"
        return chosen, (f"{what} heard; the one that sounds longest is meant, not {others}",)

    def occurrences(self, label: str) -> list[HeardSound]:
        """Return the events of a class, or of all, by their onset, each as a sound of its own."""
        single = [self._part(source.label, (event,)) for source in self.of_class(label) for event in source.events]
        return sorted(single, key=lambda sound: (sound.onset, sound.offset))

    def occurrence(self, label: str, number: int) -> HeardSound:
        """Return one event of a class, from 1, or -1 for the last; without a class, one of the sounds by their beginning.

        Raises:
            SceneError: it is not heard as often.
        """
        found = self.occurrences(label) if label or number < 0 else sorted(self.of_class(""), key=lambda sound: sound.onset)
        if number > len(found):
            times = "once" if len(found) == 1 else f"{len(found)} times"
            what = f"{label} is heard {times}" if label else f"{len(found)} sounds are heard"
            raise SceneError(f"there is no number {number}: {what}; {self.heard()}")
        return found[number - 1 if number > 0 else number]

    def during(self, sound: HeardSound, span: tuple[float, float]) -> HeardSound:
        """Return what of a sound lies in a span of seconds.

        Raises:
            SceneError: nothing of it does.
        """
        kept = [event for event in sound.events if event.sounds_within(span)]
        if not kept:
            raise SceneError(f"{sound.label} does not sound at that time; {sound.told(self.distances)}")
        times = np.array([(max(e.onset, span[0]) + min(e.offset, span[1])) / 2 for e in kept])
        (place,) = self.scene.relative_positions(kept[0].path, times[:1]).tolist()
        return replace(self._part(sound.label, tuple(kept)), place=HeardSource((sound.label,), tuple(place)))

    def _sound(self, index: int) -> HeardSound:
        source = self.scene.sources[index]
        return self._part(said_label(source.label), tuple(HeardEvent(event, source.path) for event in source.events))

    def _part(self, label: str, events: Sequence[HeardEvent]) -> HeardSound:
        """Some events of one source, or of one group of sources."""
        longest = max(events, key=lambda e: e.event.duration)
        same = [event for event in events if event.path == longest.path]
        (place,) = self.scene.relative_positions(longest.path, [(same[0].onset + same[-1].offset) / 2]).tolist()
        track = [self.scene.relative_positions(e.path, np.linspace(e.onset, e.offset, _SAMPLES)) for e in events]
        return HeardSound(label, tuple(events), HeardSource((label,), tuple(place)), np.concatenate(track))


def _continues(before: HeardSound, sound: HeardSound) -> bool:
    """Whether a sound that was heard goes on with one that was heard before, at the same place."""
    if before.label != sound.label or before.confidence is None or sound.confidence is None:
        return False
    apart = math.degrees(float(angle_between(before.track[-1], sound.track[0])))
    return sound.onset >= before.offset - 1e-9 and apart < _SAME_PLACE_DEG


def _joined(group: Sequence[HeardSound]) -> HeardSound:
    """Sounds that follow each other as one, which is where the longest of them is."""
    longest = max(group, key=lambda sound: sound.duration)
    events = tuple(event for sound in group for event in sound.events)
    return HeardSound(longest.label, events, longest.place, np.concatenate([sound.track for sound in group]))


def unique_labels(sounds: Sequence[HeardSound]) -> Iterator[str]:
    """Yield the classes of sounds, each once."""
    yield from dict.fromkeys(sound.label for sound in sounds)
