"""The scene of one clip of a set like BEWO-1M, and what its record needs to know of how it was drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from auris import seeding
from auris.data.language.attributes import Distance, SceneAttributes, Size, SoundAttributes, Speed
from auris.data.made_sets.bewo_settings import BewoSettings
from auris.data.made_sets.ranges import Range
from auris.data.made_sets.room_drawing import RoomRanges
from auris.data.sound_bank import Bank
from auris.errors import SceneError
from auris.geometry.trajectories import Point, Static, Trajectory, Turning, Waypoints
from auris.io.bewo import Subset, azimuth_deg, distance_ratio
from auris.scene import Background, Event, Listener, Room, Scene, Sound, Source

JUMP = 1e-3  # seconds of the step in which a source is instantly elsewhere
_TRIES = 1000
_SIZES: tuple[Size, ...] = ("outdoors", "large", "moderate", "small")
_DISTANCES: tuple[Distance, ...] = ("near", "moderate", "far")
_SPEEDS: tuple[Speed, ...] = ("slow", "moderate", "fast", "instantly")
_PRECISION = 4  # decimals of metres, in scenes and records alike


@dataclass(frozen=True)
class DrawnSource:
    """One source as it was drawn.

    Attributes:
        label: class.
        origin: ``recordings`` or ``synthesis``.
        clip: the recording's path in the sound folder, or the name and seed of the synthesis.
        first_class: direction 1 to 5 that it was drawn for at the beginning.
        last_class: at the end.
        start: place at the beginning, metres in the box.
        end: place at the end.
        first_distance: class.
        last_distance: class.
        speed: class.
        ratio: share of the clip that the movement takes.
        begins: seconds at which it begins to move.
        change_step: share of the clip after which it jumps; 0 for one that does not.
        source: what is rendered.
    """

    label: str
    origin: str
    clip: str
    first_class: int
    last_class: int
    start: Point
    end: Point
    first_distance: Distance
    last_distance: Distance
    speed: Speed
    ratio: float
    begins: float
    change_step: float
    source: Source

    @staticmethod
    def jump_of(path: Trajectory) -> tuple[float, Point, Point] | None:
        """Return when a path jumps, from where and to where; None for one that does not."""
        if isinstance(path, Waypoints) and len(path.times) == 2 and path.times[1] - path.times[0] < 2 * JUMP:
            return sum(path.times) / 2, path.positions[0], path.positions[1]
        return None


@dataclass(frozen=True)
class BewoScene:
    """A scene with what its record needs.

    Attributes:
        scene: room, listener (looking along y) and sources.
        size: class of the place.
        box: sides of the room, or of the box that stands for the outdoors.
        centre: middle of the microphones.
        t60: reverberation time in seconds; 0 outdoors.
        sources: as they were drawn.
    """

    scene: Scene
    size: Size
    box: Point
    centre: Point
    t60: float
    sources: tuple[DrawnSource, ...]

    @property
    def attributes(self) -> SceneAttributes:
        """What can be said about it, by the classes that were drawn."""
        sounds = (
            SoundAttributes(
                part.label,
                float(part.first_class),
                float(part.last_class),
                part.speed,
                part.first_distance,
                part.last_distance,
            )
            for part in self.sources
        )
        return SceneAttributes(tuple(sounds), self.size)

    @property
    def reach(self) -> float:
        """Metres from the listener to the nearest of the four walls."""
        x, y, _ = self.centre
        return min(x, self.box[0] - x, y, self.box[1] - y)

    def place(self, point: Point) -> tuple[float, float, float, float]:
        """Return a point as records have it: x, y, z and the ratio of its distance to the nearest wall's."""
        return (*point, round(distance_ratio(point, self.centre, self.box), _PRECISION))

    def angle(self, point: Point) -> float:
        """Return the angle of a point as records have it: degrees, 0 right, 90 front."""
        return round(azimuth_deg(point, self.centre), 2)


def drawn_scene(
    settings: BewoSettings, subset: Subset, bank: Bank, labels: tuple[str, ...], *, seed: int, name: str
) -> BewoScene:
    """Draw the scene of a clip; each part from a stream of its own.

    Raises:
        SceneError: the ranges contradict each other; the text says which.
    """
    rng = seeding.generator(seed, "place")
    size = _SIZES[_chosen(settings.size_shares, rng)]
    room, box = _place(settings, size, rng)
    x, y = (side * rng.uniform(*settings.listener_place) for side in box[:2])
    centre = _point(x, y, min(rng.uniform(*settings.listener_height), 0.9 * box[2]))
    moving = _moving(settings, subset, seeding.generator(seed, "sources"))
    order = seeding.generator(seed, "classes").permutation(len(labels))
    empty = BewoScene(Scene(settings.duration), size, box, centre, 0.0, ())
    parts = tuple(
        _source(settings, empty, bank, labels[order[number]], moves=moves, rng=seeding.generator(seed, "source", number))
        for number, moves in enumerate(moving)
    )
    rng = seeding.generator(seed, "background")
    diffuse, sensor = (
        None if span is None else round(float(rng.uniform(*span)), 2)
        for span in (settings.diffuse_snr_db, settings.sensor_snr_db)
    )
    scene = Scene(
        settings.duration,
        tuple(part.source for part in parts),
        Listener(Static(centre), Turning(yaw=(math.pi / 2,))),
        room,
        Background(diffuse_snr_db=diffuse, sensor_snr_db=sensor),
        seed=seeding.derive(seed, "rendering") >> 33,
        name=name,
    )
    t60 = room.t60 if room is not None and isinstance(room.t60, float) else 0.0
    return BewoScene(scene, size, box, centre, t60, parts)


def _place(settings: BewoSettings, size: Size, rng: np.random.Generator) -> tuple[Room | None, Point]:
    """The room and its sides."""
    if size == "outdoors":
        x, y, z = rng.uniform(*settings.outdoor_side, size=3)
        return None, _point(x, y, z)
    side, height, t60 = (getattr(settings, f"{size}_{what}") for what in ("side", "height", "t60"))
    room = RoomRanges(side, side, height, t60, settings.scattering).draw(rng)
    return room, room.dimensions


def _moving(settings: BewoSettings, subset: Subset, rng: np.random.Generator) -> tuple[bool, ...]:
    """Which of the sources of a clip move."""
    if subset != "Mix":
        return {"SS": (False,), "SD": (True,), "DS": (False, False)}[subset]
    count = 2 + _chosen(settings.mix_sources, rng)
    moving = rng.random(count) < settings.mix_moving
    moving[int(rng.integers(count))] = True
    return tuple(bool(m) for m in moving)


def _source(
    settings: BewoSettings, scene: BewoScene, bank: Bank, label: str, *, moves: bool, rng: np.random.Generator
) -> DrawnSource:
    """One source that sounds for the whole clip."""
    sound = bank.pick(label, rng, duration=settings.duration)
    first, first_distance = 1 + _chosen(settings.direction_shares, rng), _DISTANCES[_chosen(settings.distance_shares, rng)]
    last, last_distance, ratio, step = first, first_distance, 0.0, 0.0
    speed: Speed = "still"
    if moves:
        others = [share * (number + 1 != first) for number, share in enumerate(settings.direction_shares)]
        last = 1 + _chosen(tuple(others) if any(others) else settings.direction_shares, rng)
        if rng.random() < settings.distance_change:
            last_distance = _DISTANCES[_chosen(settings.distance_shares, rng)]
        speed = _SPEEDS[_chosen(settings.speed_shares, rng)]
        if speed == "instantly":
            step = round(float(rng.uniform(*settings.change_step)), _PRECISION)
        else:
            spans = {"slow": settings.slow, "moderate": settings.moderate_speed, "fast": settings.fast}
            ratio = round(float(rng.uniform(*spans[speed])), _PRECISION)
    begins = round(float(rng.uniform(0, 1 - ratio)) * settings.duration, _PRECISION) if ratio else step * settings.duration
    start = end = _somewhere(settings, scene, first, first_distance, rng)
    if last != first:
        end = _elsewhere(settings, scene, start, (last, last_distance), rng)
    elif moves:  # only one direction is drawn at all
        end = _somewhere(settings, scene, last, last_distance, rng)
    path = _path(settings, scene.centre, (start, end), begins=begins, ratio=ratio)
    source = Source(label, path, (Event(0.0, settings.duration, sound, settings.level_db),))
    origin, clip = _clip(sound)
    return DrawnSource(
        label, origin, clip, first, last, start, end, first_distance, last_distance, speed, ratio, begins, step, source
    )


def _elsewhere(
    settings: BewoSettings, scene: BewoScene, start: Point, goal: tuple[int, Distance], rng: np.random.Generator
) -> Point:
    """Where a movement from ``start`` to another class of directions ends: a noticeable turn away."""
    direction, distance = goal
    for _ in range(_TRIES):
        end = _somewhere(settings, scene, direction, distance, rng)
        if abs(azimuth_deg(end, scene.centre) - azimuth_deg(start, scene.centre)) >= settings.least_turn_deg:
            return end
    raise SceneError(
        f"no place in direction {direction} is {settings.least_turn_deg:g} degrees away from where the source begins; "
        "lower least_turn_deg or angle_jitter_deg"
    )


def _somewhere(settings: BewoSettings, scene: BewoScene, direction: int, distance: Distance, rng: np.random.Generator) -> Point:
    """A place in a direction and at a distance, by their classes."""
    jitter = settings.angle_jitter_deg
    middle = 45.0 * (5 - direction)
    # Of the classes at the sides only the half in front exists.
    angle = math.radians(rng.uniform(max(middle - jitter, 0.0), min(middle + jitter, 180.0)))
    spans: dict[Distance, Range] = {"near": settings.near, "moderate": settings.moderate, "far": settings.far}
    low, high = (share * scene.reach for share in spans[distance])
    metres = rng.uniform(min(max(low, settings.least_distance), high), high)
    x, y, z = scene.centre
    return _point(x + metres * math.cos(angle), max(y + metres * math.sin(angle), y), z)


def _path(settings: BewoSettings, centre: Point, ends: tuple[Point, Point], *, begins: float, ratio: float) -> Trajectory:
    """The way of a source: none, a jump, or a movement that takes ``ratio`` of the clip."""
    start, end = ends
    if start == end:
        return Static(start)
    if not ratio:
        return Waypoints((begins - JUMP / 2, begins + JUMP / 2), ends)
    arrives = round(begins + ratio * settings.duration, _PRECISION)
    if settings.path == "straight" and _passes_at(ends, centre) >= settings.least_distance:
        return Waypoints((begins, arrives), ends)
    # A third point in front, since from one side to the other there are two ways round.
    first, last = (math.radians(azimuth_deg(point, centre)) for point in (start, end))
    metres = (math.dist(start, centre) + math.dist(end, centre)) / 2
    middle = (first + last) / 2
    between = _point(centre[0] + metres * math.cos(middle), centre[1] + metres * math.sin(middle), centre[2])
    return Waypoints((begins, (begins + arrives) / 2, arrives), (start, between, end), around=centre)


def _passes_at(ends: tuple[Point, Point], centre: Point) -> float:
    """Metres between a point and a straight way."""
    start, end = (np.asarray(point) - np.asarray(centre) for point in ends)
    way = end - start
    nearest = start + way * np.clip(-(start @ way) / max(float(way @ way), 1e-12), 0.0, 1.0)
    return float(np.linalg.norm(nearest))


def _clip(sound: Sound) -> tuple[str, str]:
    """Where a sound comes from, and its name there."""
    if sound.file is not None:
        return "recordings", PurePosixPath(sound.file.replace("\\", "/")).as_posix()
    return "synthesis", f"{sound.synthesis}-{sound.seed}"


def _chosen(shares: tuple[float, ...], rng: np.random.Generator) -> int:
    bounds = np.cumsum(shares) / sum(shares)
    return min(int(np.searchsorted(bounds, rng.random(), side="right")), len(shares) - 1)


def _point(x: float, y: float, z: float) -> Point:
    return round(float(x), _PRECISION), round(float(y), _PRECISION), round(float(z), _PRECISION)
