"""Scenes as plain dictionaries: the layout of a scene file.

A file has the lowest version that holds its scene, so that older programs read all they can: version 1, and 2 for a
background with recorded ambience or a named channel. Files of both are read.

Reading is strict: a key that is not known stops with the nearest known one. A path may also be given as seen by the
listener at time 0 (``direction: {azimuth_deg, elevation_deg, distance}``, or a list of such points with ``time`` under
``directions``, joined along great circles); it is turned into positions while reading.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from auris.errors import SceneError, did_you_mean
from auris.geometry.directions import unit_vector
from auris.geometry.trajectories import Static, Trajectory, Turning, Waypoints, trajectory_from_dict
from auris.scene import FORMAT_VERSION, Background, Event, Listener, Room, Scene, Sound, Source, field_names

_SCENE_KEYS = ("version", "name", "duration", "seed", "room", "listener", "sources", "background")
_PATH_KEYS = ("position", "times", "positions", "around", "start", "centre", "angular_speed_deg", "direction", "directions")
_DIRECTION_KEYS = ("time", "azimuth_deg", "elevation_deg", "distance")


def _check_keys(plain: object, known: tuple[str, ...], where: str) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        raise SceneError(f"{where} must be a mapping with the keys {', '.join(known)}; got {type(plain).__name__}")
    for key in plain:
        if key not in known:
            raise SceneError(f"{where}: unknown key {key!r}{did_you_mean(str(key), known)}; accepted: {', '.join(known)}")
    return plain


def _without_defaults(value: Any, kind: Any) -> dict[str, Any]:
    """Fields of a flat dataclass that differ from their defaults, tuples as lists."""
    plain = {}
    defaults = {f.name: f.default for f in fields(kind)}
    for name, default in defaults.items():
        item = getattr(value, name)
        if item != default:
            plain[name] = list(item) if isinstance(item, tuple) else item
    return plain


def _as_tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}


def scene_to_dict(scene: Scene) -> dict[str, Any]:
    """Return the plain dictionary of a scene; only builtin types, ready for YAML or JSON."""
    plain: dict[str, Any] = {"version": _version(scene)}
    if scene.name:
        plain["name"] = scene.name
    plain |= {"duration": scene.duration, "seed": scene.seed}
    if scene.room is not None:
        plain["room"] = _without_defaults(scene.room, Room)
    plain["listener"] = {"path": scene.listener.path.to_dict()}
    if scene.listener.turning != Turning():
        plain["listener"]["orientation"] = scene.listener.turning.to_dict()
    plain["sources"] = [_source_to_dict(source) for source in scene.sources]
    if scene.background != Background():
        plain["background"] = _without_defaults(scene.background, Background)
    return plain


def _version(scene: Scene) -> int:
    """The lowest version of the format that holds a scene."""
    return 2 if scene.background.ambience is not None or scene.background.snr_channel != "first" else 1


def _source_to_dict(source: Source) -> dict[str, Any]:
    plain: dict[str, Any] = {"label": source.label, "path": source.path.to_dict()}
    if source.directivity != "omni":
        plain["directivity"] = source.directivity
    if source.facing is not None:
        plain["facing"] = list(source.facing)
    plain["events"] = []
    for event in source.events:
        item = _without_defaults(event, Event)
        if event.sound is not None:
            item["sound"] = _without_defaults(event.sound, Sound)
        plain["events"].append(item)
    return plain


def scene_from_dict(plain: Mapping[str, Any]) -> Scene:
    """Return the scene of a plain dictionary.

    Raises:
        SceneError: a key is unknown, a value impossible, or the file comes from a later version of auris.
    """
    top = _check_keys(plain, _SCENE_KEYS, "scene")
    version = top.get("version", FORMAT_VERSION)
    if isinstance(version, bool) or version not in range(1, FORMAT_VERSION + 1):
        raise SceneError(
            f"scene format version {version!r} is not known here (this auris reads 1 to {FORMAT_VERSION}); update auris"
        )
    if "duration" not in top:
        raise SceneError("scene: the key 'duration' (seconds) is missing")
    listener = _listener(top.get("listener", {}))
    room = top.get("room")
    sources = top.get("sources") or []
    if not isinstance(sources, list | tuple):
        raise SceneError(f"scene: 'sources' must be a list, got {type(sources).__name__}")
    return Scene(
        duration=top["duration"],
        sources=tuple(_source(item, f"source {i}", listener) for i, item in enumerate(sources)),
        listener=listener,
        room=None if room is None else _flat(Room, room, "room"),
        background=_flat(Background, top.get("background") or {}, "background"),
        seed=top.get("seed", 0),
        name=str(top.get("name", "")),
    )


def _flat(kind: Any, plain: object, where: str) -> Any:
    values = _as_tuples(_check_keys(plain, field_names(kind), where))
    try:
        return kind(**values)
    except TypeError as error:
        raise SceneError(f"{where}: {str(error).split(') ')[-1]}") from None


def _listener(plain: object) -> Listener:
    keys = _check_keys(plain, ("path", "position", "orientation"), "listener")
    if "path" in keys and "position" in keys:
        raise SceneError("listener: give either 'path' or 'position'")
    path = trajectory_from_dict(keys["path"]) if "path" in keys else Static(keys.get("position", (0.0, 0.0, 0.0)))
    return Listener(path, Turning.from_dict(keys.get("orientation", {})))


def _source(plain: object, where: str, listener: Listener) -> Source:
    known = ("label", "path", *_PATH_KEYS, "directivity", "facing", "events", "onset", "offset", "sound", "level_db")
    keys = _check_keys(plain, known, where)
    if "label" not in keys:
        raise SceneError(f"{where}: the key 'label' (the class of the sound) is missing")
    inline = {k: keys[k] for k in _PATH_KEYS if k in keys}
    if ("path" in keys) == bool(inline):
        raise SceneError(f"{where}: say once where it is, by 'path' or by one of {', '.join(_PATH_KEYS)}")
    path = _path(keys.get("path", inline), where, listener)
    single = {k: keys[k] for k in ("onset", "offset", "sound", "level_db") if k in keys}
    if ("events" in keys) == bool(single):
        raise SceneError(f"{where}: give 'events', or onset and offset of the only one")
    events = keys.get("events", [single])
    if not isinstance(events, list | tuple):
        raise SceneError(f"{where}: 'events' must be a list, got {type(events).__name__}")
    rest = {k: keys[k] for k in ("directivity", "facing") if k in keys}
    parsed = tuple(_event(event, f"{where} event {i}") for i, event in enumerate(events))
    return Source(keys["label"], path, parsed, **rest)


def _event(plain: object, where: str) -> Event:
    keys = dict(_check_keys(plain, field_names(Event), where))
    if isinstance(keys.get("sound"), str):
        keys["sound"] = {"file": keys["sound"]}
    if keys.get("sound") is not None:
        keys["sound"] = _flat(Sound, keys["sound"], f"{where} sound")
    event: Event = _flat(Event, keys, where)
    return event


def _path(plain: object, where: str, listener: Listener) -> Trajectory:
    keys = _check_keys(plain, _PATH_KEYS, f"{where} path")
    if "direction" in keys:
        return Static(_from_listener(keys["direction"], where, listener))
    if "directions" in keys:
        if not isinstance(keys["directions"], list | tuple):
            raise SceneError(f"{where}: 'directions' must be a list, got {type(keys['directions']).__name__}")
        points = [_check_keys(p, _DIRECTION_KEYS, f"{where} direction") for p in keys["directions"]]
        times = [p.get("time", 0.0) for p in points]
        ears = listener.path.at(0.0)
        return Waypoints(tuple(times), tuple(_from_listener(p, where, listener) for p in points), (ears[0], ears[1], ears[2]))
    return trajectory_from_dict(keys)


def _from_listener(plain: object, where: str, listener: Listener) -> tuple[float, float, float]:
    """Position of something seen by the listener at time 0."""
    keys = _check_keys(plain, _DIRECTION_KEYS, f"{where} direction")
    try:
        azimuth, elevation = (math.radians(float(keys.get(k, 0.0))) for k in ("azimuth_deg", "elevation_deg"))
        distance = float(keys.get("distance", 1.0))
    except (TypeError, ValueError):
        raise SceneError(f"{where} direction: azimuth_deg, elevation_deg and distance must be numbers") from None
    if not (distance > 0 and math.isfinite(distance) and abs(elevation) <= math.pi / 2 and math.isfinite(azimuth)):
        raise SceneError(f"{where} direction: distance must be above 0 and elevation within ±90°, got {dict(keys)}")
    local = np.asarray(unit_vector(azimuth, elevation)) * distance
    world = listener.turning.at(0.0).apply(local) + listener.path.at(0.0)
    return (float(world[0]), float(world[1]), float(world[2]))
