"""The scene: a room, a listener, and sources with a class and a path through time.

Positions are metres in the room's frame: the origin is one lower corner, the axes run along the walls (x, y, z up). In a
free field (``room=None``) the origin is anywhere, usually the listener. A scene that was heard rather than made has
events with a ``confidence`` and without a ``sound``. Everything is frozen, compares by value, and round-trips through
plain dictionaries (:meth:`Scene.to_dict`), whose keys are the YAML file format.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import SceneError, did_you_mean
from auris.geometry.directions import Floats, angles
from auris.geometry.trajectories import Point, Static, Trajectory, Turning, as_point

FORMAT_VERSION = 2
WALLS = ("x0", "x1", "y0", "y1", "floor", "ceiling")  # x0: the wall at x = 0, x1: the one at x = length
Directivity = Literal["omni", "subcardioid", "cardioid", "hypercardioid", "bidirectional", "speech"]
DIRECTIVITIES: tuple[Directivity, ...] = ("omni", "subcardioid", "cardioid", "hypercardioid", "bidirectional", "speech")


def _number(value: object, name: str, low: float, high: float, *, unit: str = "") -> float:
    """Return a finite number within ``[low, high]`` or raise with the field's name."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise SceneError(f"{name} must be a number, got {value!r}")
    if not low <= float(value) <= high:
        raise SceneError(f"{name} must lie between {low:g} and {high:g}{unit and ' ' + unit}, got {value!r}")
    return float(value)


@dataclass(frozen=True)
class Room:
    """A rectangular room with its acoustics.

    Exactly one of ``t60``, ``absorption``, ``materials`` says how it sounds.

    Attributes:
        dimensions: length (x), width (y), height (z) in metres.
        t60: reverberation time in seconds, one number or one per octave from 125 Hz up; the absorption is solved so that
            the rendered response has it.
        absorption: energy absorption coefficient 0..1 for all walls, or one per wall in the order of :data:`WALLS`.
        materials: name of a material for all walls, or one name per wall (:mod:`auris.acoustics.materials`).
        scattering: 0 for mirror-like walls, 1 for a perfectly mixing room; shapes the late decay.
        temperature: degrees Celsius; sets the speed of sound and, with the next two, air absorption.
        humidity: relative humidity in per cent.
        air_absorption: whether air takes its share (ISO 9613-1).
    """

    dimensions: Point
    t60: float | tuple[float, ...] | None = None
    absorption: float | tuple[float, ...] | None = None
    materials: str | tuple[str, ...] | None = None
    scattering: float = 0.5
    temperature: float = 20.0
    humidity: float = 50.0
    air_absorption: bool = True

    def __post_init__(self) -> None:
        size = as_point(self.dimensions, "room dimensions")
        if min(size) < 0.5 or max(size) > 1000:
            raise SceneError(f"room dimensions must lie between 0.5 and 1000 metres, got {list(size)}")
        object.__setattr__(self, "dimensions", size)
        self._check_surfaces()
        if not isinstance(self.air_absorption, bool):
            raise SceneError(f"room air_absorption must be true or false, got {self.air_absorption!r}")
        object.__setattr__(self, "scattering", _number(self.scattering, "room scattering", 0, 1))
        object.__setattr__(self, "temperature", _number(self.temperature, "room temperature", -30, 60, unit="°C"))
        object.__setattr__(self, "humidity", _number(self.humidity, "room humidity", 0, 100, unit="%"))

    def _check_surfaces(self) -> None:
        """Exactly one of t60, absorption and materials, each as one value or a tuple."""
        given = [n for n in ("t60", "absorption", "materials") if getattr(self, n) is not None]
        if len(given) != 1:
            raise SceneError(f"a room needs exactly one of t60, absorption, materials; got {' and '.join(given) or 'none'}")
        for name in ("absorption", "materials"):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                value = _per_wall(value, name)
            if isinstance(value, list | tuple):
                if len(value) != len(WALLS):
                    raise SceneError(f"room {name} needs one value or one per wall {WALLS}, got {len(value)}")
                value = tuple(value)
            object.__setattr__(self, name, value)
        for name, low, high in (("t60", 0.05, 30.0), ("absorption", 0.0, 1.0)):
            value = getattr(self, name)
            if isinstance(value, list | tuple) and not value:
                raise SceneError(f"room {name} is an empty list; give one number, or several")
            if isinstance(value, list | tuple):
                object.__setattr__(self, name, tuple(_number(v, f"room {name}", low, high) for v in value))
            elif value is not None:
                object.__setattr__(self, name, _number(value, f"room {name}", low, high))
        names = self.materials if isinstance(self.materials, tuple) else (self.materials,)
        if self.materials is not None and not all(isinstance(name, str) for name in names):
            raise SceneError(f"room materials must be names, got {self.materials!r}")

    @property
    def volume(self) -> float:
        """Volume in cubic metres."""
        return math.prod(self.dimensions)

    def contains(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Tell for points ``(..., 3)`` whether each lies inside the walls."""
        p = np.asarray(points, dtype=float)
        return np.asarray(np.all((p > 0) & (p < np.asarray(self.dimensions)), axis=-1))


def _per_wall(value: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """Turn ``{wall: value, other: value}`` into one value per wall."""
    unknown = set(value) - {*WALLS, "walls", "other"}
    if unknown:
        odd = sorted(unknown)[0]
        raise SceneError(
            f"room {name}: unknown wall {odd!r}{did_you_mean(odd, WALLS)}; walls are {', '.join(WALLS)}, walls, other"
        )
    rest = value.get("other")
    sides = value.get("walls", rest)
    chosen = [value.get(w, rest if w in ("floor", "ceiling") else sides) for w in WALLS]
    missing = [w for w, v in zip(WALLS, chosen, strict=True) if v is None]
    if missing:
        raise SceneError(f"room {name}: nothing said for {', '.join(missing)}; name them or add 'other'")
    return tuple(chosen)


@dataclass(frozen=True)
class Listener:
    """Where the ears are: a path and a head orientation through time."""

    path: Trajectory = field(default_factory=lambda: Static((0.0, 0.0, 0.0)))
    turning: Turning = field(default_factory=Turning)

    @property
    def moves(self) -> bool:
        """Whether the listener walks or turns."""
        return self.path.moves or self.turning.moves


@dataclass(frozen=True)
class Sound:
    """What is played: a recording, or a seeded synthesis of a class. Exactly one of the two.

    Attributes:
        file: path of an audio file, relative to the sound folder given when rendering.
        synthesis: name of a procedural sound (:mod:`auris.data.procedural`).
        seed: which variation of the synthesis, or of the recording (0 plays it as recorded).
        start: seconds to skip at the beginning of the file.
    """

    file: str | None = None
    synthesis: str | None = None
    seed: int = 0
    start: float = 0.0

    def __post_init__(self) -> None:
        if (self.file is None) == (self.synthesis is None):
            raise SceneError("a sound is either a file or a synthesis; give exactly one of the two")
        name = self.file if self.synthesis is None else self.synthesis
        if not isinstance(name, str):
            raise SceneError(f"a sound's file or synthesis is given by name, got {name!r}")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise SceneError(f"a sound's seed is a whole number of at least 0, got {self.seed!r}")
        object.__setattr__(self, "start", _number(self.start, "sound start", 0, math.inf, unit="s"))


@dataclass(frozen=True)
class Event:
    """One stretch of time in which a source sounds.

    Attributes:
        onset: seconds from the scene's beginning.
        offset: seconds; end of the dry sound (reverberation rings on after it).
        sound: what is played; None for an event that was heard.
        level_db: level of the dry sound at 1 m while active, dB re full scale (RMS); None plays the file as it is.
        confidence: 0..1 for an event that was heard, None for one that was made.
    """

    onset: float
    offset: float
    sound: Sound | None = None
    level_db: float | None = -30.0
    confidence: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "onset", _number(self.onset, "event onset", 0, math.inf, unit="s"))
        object.__setattr__(self, "offset", _number(self.offset, "event offset", 0, math.inf, unit="s"))
        if not self.onset < self.offset < math.inf:
            raise SceneError(f"an event must end after it begins; got onset {self.onset:g} s, offset {self.offset:g} s")
        if self.level_db is not None:
            object.__setattr__(self, "level_db", _number(self.level_db, "event level_db", -150, 30, unit="dB"))
        if self.confidence is not None:
            object.__setattr__(self, "confidence", _number(self.confidence, "event confidence", 0, 1))

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.offset - self.onset


@dataclass(frozen=True)
class Source:
    """Something that sounds: a class, a path, and the events in which it is heard.

    Attributes:
        label: class name.
        path: where it is at any time.
        events: when it sounds; they must not overlap.
        directivity: radiation pattern; anything but ``omni`` needs ``facing``.
        facing: point the source looks at; None looks along its motion, or at the listener when it rests.
    """

    label: str
    path: Trajectory
    events: tuple[Event, ...]
    directivity: Directivity = "omni"
    facing: Point | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.label, str) or not self.label.strip():
            raise SceneError(f"a source needs a class label, got {self.label!r}")
        events = tuple(sorted(self.events, key=lambda e: e.onset))
        if not events:
            raise SceneError(f"source {self.label!r} has no events; give at least one onset and offset")
        for first, second in itertools.pairwise(events):
            if second.onset < first.offset - 1e-9:
                raise SceneError(f"two events of source {self.label!r} overlap at {second.onset:g} s; use two sources")
        object.__setattr__(self, "events", events)
        if self.directivity not in DIRECTIVITIES:
            hint = did_you_mean(str(self.directivity), DIRECTIVITIES)
            raise SceneError(f"unknown directivity {self.directivity!r}{hint}; accepted: {', '.join(DIRECTIVITIES)}")
        if self.facing is not None:
            object.__setattr__(self, "facing", as_point(self.facing, "facing"))


@dataclass(frozen=True)
class Background:
    """Noise under the sources.

    Signal-to-noise ratios compare one channel: the mean power of the mixture without noise, over the time any source is
    active, with the mean power of the noise over the whole scene.

    Attributes:
        diffuse_snr_db: sound from everywhere, with the coherence of a diffuse field between channels; None for none.
        sensor_snr_db: independent noise of each microphone; None for none.
        colour: spectrum of the diffuse noise.
        ambience: a recording with the scene's own channels, by its name in a folder of them
            (:mod:`auris.data.ambience`); None for none.
        ambience_snr_db: given with ``ambience``, and only then.
        ambience_start: seconds of the recording before the scene begins; its end joins its beginning.
        snr_channel: which channel is compared: ``first``, ``mean`` (power averaged over all channels), or a name
            (:attr:`auris.channels.ChannelLayout.channel_names`: ``W``, ``left``, ``capsule1`` …).
    """

    diffuse_snr_db: float | None = None
    sensor_snr_db: float | None = None
    colour: Literal["white", "pink"] = "pink"
    ambience: str | None = None
    ambience_snr_db: float | None = None
    ambience_start: float = 0.0
    snr_channel: str = "first"

    def __post_init__(self) -> None:
        for name in ("diffuse_snr_db", "sensor_snr_db", "ambience_snr_db"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _number(getattr(self, name), f"background {name}", -60, 200, unit="dB"))
        if self.colour not in ("white", "pink"):
            raise SceneError(f"background colour must be white or pink, got {self.colour!r}")
        for name in ("ambience", "snr_channel"):
            value = getattr(self, name)
            if not (value is None and name == "ambience") and not (isinstance(value, str) and value.strip()):
                raise SceneError(f"background {name} is given by name, got {value!r}")
        if (self.ambience is None) != (self.ambience_snr_db is None):
            raise SceneError("background: ambience and ambience_snr_db belong together; give both or neither")
        start = _number(self.ambience_start, "background ambience_start", 0, 1e6, unit="s")
        object.__setattr__(self, "ambience_start", start)


@dataclass(frozen=True)
class SourceTrack:
    """A source as the listener has it at given times: activity ``(T,)``, azimuth, elevation (radians), distance (metres)."""

    source: Source
    active: NDArray[np.bool_]
    azimuth: Floats
    elevation: Floats
    distance: Floats


@dataclass(frozen=True)
class Scene:
    """A room, a listener and sources, for ``duration`` seconds.

    Attributes:
        duration: seconds.
        sources: what sounds, in any number.
        listener: where it is heard.
        room: None is a free field.
        background: noise.
        seed: seed of everything that is random in the rendering (late reverberation, noise).
        name: free text.
    """

    duration: float
    sources: tuple[Source, ...] = ()
    listener: Listener = field(default_factory=Listener)
    room: Room | None = None
    background: Background = field(default_factory=Background)
    seed: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration", _number(self.duration, "scene duration", 1e-3, 1e6, unit="s"))
        object.__setattr__(self, "sources", tuple(self.sources))
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or self.seed < 0:
            raise SceneError(f"a scene's seed is a whole number of at least 0, got {self.seed!r}")
        for index, source in enumerate(self.sources):
            if source.events[-1].offset > self.duration + 1e-6:
                raise SceneError(
                    f"source {index} ({source.label}) sounds until {source.events[-1].offset:g} s, "
                    f"the scene ends at {self.duration:g} s; shorten the event or lengthen the scene"
                )
        if self.room is not None:
            self._check_inside(self.room)

    def _check_inside(self, room: Room) -> None:
        times = np.linspace(0, self.duration, 65)
        paths = {"the listener": self.listener.path}
        paths |= {f"source {i} ({s.label})": s.path for i, s in enumerate(self.sources)}
        for who, path in paths.items():
            points = path.at(times)
            outside = ~room.contains(points)
            if outside.any():
                where, when = np.round(points[outside][0], 3).tolist(), times[outside][0]
                raise SceneError(f"{who} is at {where} at {when:.2f} s, outside the room of {list(room.dimensions)} metres")

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes present, each once, sorted."""
        return tuple(sorted({source.label for source in self.sources}))

    def events(self) -> Iterator[tuple[Source, Event]]:
        """Yield every event with its source, by onset."""
        yield from sorted(((s, e) for s in self.sources for e in s.events), key=lambda pair: pair[1].onset)

    def relative_positions(self, path: Trajectory, times: ArrayLike) -> Floats:
        """Return where a path is in the listener's own frame at ``times``: ``(T, 3)`` metres."""
        moments = np.atleast_1d(np.asarray(times, dtype=float))
        offset = path.at(moments) - self.listener.path.at(moments)
        return np.asarray(self.listener.turning.at(moments).inv().apply(offset))

    def tracks(self, times: ArrayLike) -> list[SourceTrack]:
        """Return each source as heard at ``times`` (seconds, ``(T,)``); the ground truth of labels and scores."""
        moments = np.atleast_1d(np.asarray(times, dtype=float))
        tracks = []
        for source in self.sources:
            active = np.zeros(moments.shape, dtype=bool)
            for event in source.events:
                active |= (moments >= event.onset - 1e-9) & (moments < event.offset - 1e-9)
            tracks.append(SourceTrack(source, active, *angles(self.relative_positions(source.path, moments))))
        return tracks

    def with_(self, **changes: Any) -> Scene:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain dictionary of the scene file format (see :mod:`auris.io.scene_files`)."""
        from auris.scene_format import scene_to_dict

        return scene_to_dict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Scene:
        """Inverse of :meth:`to_dict`; refuses unknown keys and later format versions with :class:`SceneError`."""
        from auris.scene_format import scene_from_dict

        return scene_from_dict(plain)


def field_names(kind: type) -> tuple[str, ...]:
    """Return the names of a dataclass's fields."""
    return tuple(f.name for f in fields(kind))
