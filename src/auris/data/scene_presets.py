"""What random scenes look like: the ranges a sampler draws from, and named sets of them.

A range is a pair ``(low, high)``, drawn uniformly; equal ends fix the value. Change one with
``dataclasses.replace(PRESETS["static"], t60=(0.3, 0.3))``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from auris.errors import ParameterError, did_you_mean, unknown_name
from auris.scene import DIRECTIVITIES, Directivity

Range = tuple[float, float]
Motion = Literal["walk", "orbit"]
MOTIONS: tuple[Motion, ...] = ("walk", "orbit")


@dataclass(frozen=True)
class ScenePreset:
    """Ranges of everything that is drawn for a scene. Metres, seconds, decibels; angles in degrees where the name says so.

    Attributes:
        duration: length of the scene.
        sources: fewest and most sources.
        events_per_source: fewest and most events of each source.
        max_overlap: most sources that sound at the same time.
        event_duration: length of an event; a recording that is shorter than the low end plays once.
        labels: classes to draw from; None takes all of the bank.
        room_length: along x.
        room_width: along y.
        room_height: along z.
        t60: reverberation time; None is a free field without a room, and the room's ranges are not used.
        scattering: of the walls, 0 to 1.
        wall_margin: least distance of listener and sources from every wall.
        listener_height: of the ears above the floor.
        listener_yaw_deg: direction the listener faces at the beginning.
        listener_turning_deg: speed of the listener's head in degrees per second, either way; (0, 0) keeps it still.
        listener_moving_probability: of a listener who walks.
        distance: between listener and source, kept at all times.
        azimuth_deg: where sources are at the beginning, as the listener faces.
        elevation_deg: where sources are, kept at all times.
        min_separation_deg: least angle between sources at the beginning, as the listener hears them.
        moving_probability: of each source.
        motions: kinds of motion a moving source draws from: straight walks, or an orbit around the listener.
        speed: of walking sources and listeners.
        angular_speed_deg: of orbits in degrees per second; its high end also bounds the angular speed of walks.
        directivities: radiation patterns to draw from.
        level_db: active level of an event at 1 m, dB re full scale.
        diffuse_snr_db: of diffuse background noise; None for none.
        sensor_snr_db: of microphone noise; None for none.
    """

    duration: float = 5.0
    sources: tuple[int, int] = (1, 3)
    events_per_source: tuple[int, int] = (1, 1)
    max_overlap: int = 2
    event_duration: Range = (0.5, 4.0)
    labels: tuple[str, ...] | None = None
    room_length: Range = (3.0, 9.0)
    room_width: Range = (3.0, 8.0)
    room_height: Range = (2.4, 4.0)
    t60: Range | None = (0.2, 0.9)
    scattering: Range = (0.2, 0.8)
    wall_margin: float = 0.3
    listener_height: Range = (1.1, 1.8)
    listener_yaw_deg: Range = (-180.0, 180.0)
    listener_turning_deg: Range = (0.0, 0.0)
    listener_moving_probability: float = 0.0
    distance: Range = (0.6, 5.0)
    azimuth_deg: Range = (-180.0, 180.0)
    elevation_deg: Range = (-45.0, 45.0)
    min_separation_deg: float = 0.0
    moving_probability: float = 0.0
    motions: tuple[Motion, ...] = MOTIONS
    speed: Range = (0.3, 1.5)
    angular_speed_deg: Range = (10.0, 40.0)
    directivities: tuple[Directivity, ...] = ("omni",)
    level_db: Range = (-36.0, -24.0)
    diffuse_snr_db: Range | None = (10.0, 40.0)
    sensor_snr_db: Range | None = (40.0, 70.0)

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _range(name, value, low, high))
        for name in ("sources", "events_per_source"):
            object.__setattr__(self, name, _counts(name, getattr(self, name), 0 if name == "sources" else 1))
        for name, (low, high) in _SINGLE_LIMITS.items():
            _number(name, getattr(self, name), low, high)
        if isinstance(self.max_overlap, bool) or not isinstance(self.max_overlap, int) or self.max_overlap < 1:
            raise ParameterError(f"preset max_overlap must be a whole number of at least 1, got {self.max_overlap!r}")
        for name, accepted in (("motions", MOTIONS), ("directivities", DIRECTIVITIES)):
            object.__setattr__(self, name, _names(name, getattr(self, name), accepted))
        if self.labels is not None:
            object.__setattr__(self, "labels", _names("labels", self.labels, None))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary of all fields, ready for YAML or JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ScenePreset:
        """Inverse of :meth:`to_dict`; fields left out have their defaults.

        Raises:
            ParameterError: a key is unknown, or a value impossible.
        """
        if not isinstance(plain, Mapping):
            raise ParameterError(f"a preset must be a mapping, got {type(plain).__name__}")
        known = [f.name for f in fields(cls)]
        for key in plain:
            if key not in known:
                raise ParameterError(
                    f"preset: unknown key {key!r}{did_you_mean(str(key), known)}; accepted: {', '.join(known)}"
                )
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
        return cls(**values)


_LIMITS: dict[str, Range] = {
    "event_duration": (0.02, 1e5),
    "room_length": (0.5, 1000.0),
    "room_width": (0.5, 1000.0),
    "room_height": (0.5, 1000.0),
    "t60": (0.05, 30.0),
    "scattering": (0.0, 1.0),
    "listener_height": (0.0, 1000.0),
    "listener_yaw_deg": (-360.0, 360.0),
    "listener_turning_deg": (0.0, 720.0),
    "distance": (0.01, 1000.0),
    "azimuth_deg": (-360.0, 360.0),
    "elevation_deg": (-90.0, 90.0),
    "speed": (0.01, 100.0),
    "angular_speed_deg": (0.1, 720.0),
    "level_db": (-150.0, 30.0),
    "diffuse_snr_db": (-60.0, 200.0),
    "sensor_snr_db": (-60.0, 200.0),
}
_SINGLE_LIMITS: dict[str, Range] = {
    "duration": (0.05, 1e5),
    "wall_margin": (0.0, 100.0),
    "listener_moving_probability": (0.0, 1.0),
    "moving_probability": (0.0, 1.0),
    "min_separation_deg": (0.0, 180.0),
}


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ParameterError(f"preset {name} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def _range(name: str, value: object, low: float, high: float) -> Range:
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in pair)
    if len(pair) != 2 or not numbers or not low <= pair[0] <= pair[1] <= high:
        raise ParameterError(f"preset {name} must be a range (low, high) within {low:g} to {high:g}, got {value!r}")
    return float(pair[0]), float(pair[1])


def _counts(name: str, value: object, lowest: int) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in pair)
    if len(pair) != 2 or not whole or not lowest <= pair[0] <= pair[1]:
        raise ParameterError(f"preset {name} must be (fewest, most) whole numbers of at least {lowest}, got {value!r}")
    return int(pair[0]), int(pair[1])


def _names(name: str, value: object, accepted: tuple[str, ...] | None) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, tuple | list) else ()
    odd = [n for n in names if not isinstance(n, str) or (accepted is not None and n not in accepted)]
    if not names or odd:
        hint = f"; accepted: {', '.join(accepted)}" if accepted else ""
        raise ParameterError(f"preset {name} must be a list of at least one name, got {value!r}{hint}")
    return names


_TRAINING = ScenePreset(
    sources=(1, 3),
    max_overlap=2,
    event_duration=(0.8, 4.0),
    room_length=(3.0, 10.0),
    room_width=(3.0, 8.0),
    t60=(0.2, 1.0),
    distance=(0.5, 5.0),
    moving_probability=0.3,
    min_separation_deg=10.0,
)

PRESETS: dict[str, ScenePreset] = {
    "demo": ScenePreset(
        duration=10.0,
        sources=(3, 3),
        max_overlap=2,
        event_duration=(2.5, 5.0),
        room_length=(5.0, 8.0),
        room_width=(4.0, 7.0),
        t60=(0.3, 0.5),
        distance=(1.0, 4.0),
        azimuth_deg=(-90.0, 90.0),  # in front: two ears often take a sound behind for one in front
        elevation_deg=(-20.0, 30.0),
        min_separation_deg=25.0,
        moving_probability=0.5,
        diffuse_snr_db=(30.0, 40.0),
    ),
    "static": ScenePreset(),
    "moving": ScenePreset(
        duration=10.0, event_duration=(2.0, 8.0), sources=(1, 2), moving_probability=1.0, distance=(0.8, 5.0)
    ),
    "training": _TRAINING,
    "binaural": replace(
        _TRAINING,
        sources=(1, 2),
        room_length=(3.0, 12.0),
        room_width=(3.0, 10.0),
        distance=(0.5, 8.0),
        elevation_deg=(-40.0, 40.0),
        min_separation_deg=20.0,
    ),
    "pair": replace(  # in front and about as high as the microphones, as in BEWO-1M: a pair tells no more apart
        _TRAINING,
        sources=(1, 2),
        room_length=(3.0, 20.0),
        room_width=(3.0, 20.0),
        distance=(0.5, 8.0),
        azimuth_deg=(-90.0, 90.0),
        elevation_deg=(-10.0, 10.0),
        min_separation_deg=20.0,
        angular_speed_deg=(5.0, 25.0),
    ),
    "anechoic": ScenePreset(t60=None, diffuse_snr_db=None, elevation_deg=(-60.0, 60.0)),
    "hard": ScenePreset(
        sources=(3, 4),
        max_overlap=3,
        event_duration=(1.5, 4.0),
        t60=(0.5, 1.4),
        distance=(0.8, 6.0),
        moving_probability=0.5,
        diffuse_snr_db=(0.0, 20.0),
    ),
    "turning-listener": ScenePreset(sources=(1, 2), listener_turning_deg=(10.0, 60.0), moving_probability=0.3),
    "walking-listener": ScenePreset(
        duration=10.0, sources=(1, 2), listener_moving_probability=1.0, speed=(0.3, 1.0), distance=(0.5, 7.0), motions=("walk",)
    ),
    "minute": ScenePreset(
        duration=60.0, sources=(10, 16), max_overlap=2, event_duration=(1.0, 8.0), moving_probability=0.4, distance=(0.6, 6.0)
    ),
}


def preset(name: str | ScenePreset) -> ScenePreset:
    """Return the preset called ``name``, or ``name`` itself when it is one already.

    Raises:
        ParameterError: the name is unknown.
    """
    if isinstance(name, ScenePreset):
        return name
    if name not in PRESETS:
        raise ParameterError(unknown_name("scene preset", name, PRESETS))
    return PRESETS[name]
