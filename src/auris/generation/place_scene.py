"""From a plan to a scene that the simulator renders: every attribute exact.

What a plan says is in the scene as it says it. What it leaves open is filled in as :func:`auris.generation.unsaid.completed`
tells, the same for every engine; the seed draws what has no word: the sides and the reverberation of a room, where in its
middle the listener stands, and the side that a sound in front turns to when it moves about.

* The listener looks along x. Sources are at the height of its ears, at the distances of :func:`~auris.generation.plan.metres`.
* A movement runs around the listener at constant angular speed, its distance changes evenly. It takes the share of the clip
  that its speed means (:data:`~auris.generation.plan.SHARES`), in the middle of the clip, as the published model has it
  (arXiv:2410.10676).
* A jump takes :data:`~auris.data.made_sets.bewo_scenes.JUMP` in the middle of the clip, as in sets like BEWO-1M.
* A sound that moves about, with no other direction to go to, turns by one direction towards the front and comes back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from auris import seeding
from auris.data.language.attributes import FRONT, Size, SoundAttributes
from auris.data.made_sets.bewo_scenes import JUMP
from auris.data.made_sets.ranges import Range
from auris.generation.plan import REACHES, SHARES, Plan, checked_seconds, metres
from auris.generation.unsaid import completed
from auris.geometry.frames import FRAMES
from auris.geometry.trajectories import Point, Static, Trajectory, Waypoints
from auris.scene import Event, Listener, Room, Scene, Source

LEVEL_DB = -26.0  # of every sound at 1 m, active RMS re full scale: what is further away is softer
EARS = 1.5  # metres above the floor
_ASIDE = 1.0  # directions by which a sound turns that moves about
_JITTER = 0.05  # of the sides of a room, and of the listener's place in it


@dataclass(frozen=True)
class _Indoors:
    """What a room of some size is drawn from."""

    height: Range
    t60: Range
    scattering: Range = (0.3, 0.7)


_ROOMS: dict[Size, _Indoors] = {
    "large": _Indoors((4.0, 6.0), (0.6, 0.9)),
    "moderate": _Indoors((2.7, 3.5), (0.35, 0.5)),
    "small": _Indoors((2.4, 2.8), (0.2, 0.3)),
}


def scene_of(plan: Plan, *, seed: int, seconds: float | None = None) -> Scene:
    """Return the scene that a plan describes.

    Its sources are in the order of the plan's sounds, called by their descriptions, each sounding for the whole clip. Events
    have no sound yet: whoever renders brings it (:func:`auris.data.dry.with_sounds`, or a generator).

    Args:
        plan: what is to be heard.
        seed: of everything that the plan has no word for.
        seconds: length of the clip; None takes the plan's.

    Raises:
        ParameterError: the length is impossible.
    """
    duration = checked_seconds(plan.seconds if seconds is None else seconds)
    filled = completed(plan.attributes)
    size = filled.size or "outdoors"
    room, ears = _place(size, seed)
    sources = []
    for number, sound in enumerate(filled.sounds):
        path = _path(sound, size, ears, duration, seeding.generator(seed, "sound", number))
        sources.append(Source(sound.description, path, (Event(0.0, duration, None, LEVEL_DB),)))
    rendering = seeding.derive(seed, "rendering") >> 33
    return Scene(duration, tuple(sources), Listener(Static(ears)), room, seed=rendering, name=plan.prompt)


def _place(size: Size, seed: int) -> tuple[Room | None, Point]:
    """The room and where the listener is in it."""
    if size == "outdoors":
        return None, (0.0, 0.0, 0.0)
    rng = seeding.generator(seed, "place")
    ranges, side = _ROOMS[size], 2 * REACHES[size]
    length, width = (side * rng.uniform(1.0, 1.0 + 2 * _JITTER, size=2)).tolist()
    height, t60, scattering = (float(rng.uniform(*span)) for span in (ranges.height, ranges.t60, ranges.scattering))
    x, y = (half * rng.uniform(1.0 - _JITTER, 1.0 + _JITTER) for half in (length / 2, width / 2))
    room = Room((round(length, 3), round(width, 3), round(height, 3)), t60=round(t60, 3), scattering=round(scattering, 3))
    return room, (round(float(x), 3), round(float(y), 3), EARS)


def _path(sound: SoundAttributes, size: Size, ears: Point, seconds: float, rng: np.random.Generator) -> Trajectory:
    """The way of one sound, all of whose attributes are said."""
    start, end = sound.start or FRONT, sound.end or FRONT
    near, far = metres(sound.distance or "moderate", size), metres(sound.end_distance or "moderate", size)
    share = SHARES[sound.speed or "moderate"]
    if share == 0:
        return Static(_point(ears, start, near))
    if share < 0:
        moment = -share * seconds
        ends = (_point(ears, start, near), _point(ears, end, far))
        return Static(ends[0]) if ends[0] == ends[1] else Waypoints((moment - JUMP / 2, moment + JUMP / 2), ends, around=ears)
    middle = (start + end) / 2
    if start == end and near == far:
        aside = 1.0 if rng.random() < 0.5 else -1.0
        middle = start + (math.copysign(_ASIDE, FRONT - start) if start != FRONT else aside * _ASIDE)
    begins, lasts = (1 - share) / 2 * seconds, share * seconds
    points = (_point(ears, start, near), _point(ears, middle, (near + far) / 2), _point(ears, end, far))
    return Waypoints((begins, begins + lasts / 2, begins + lasts), points, around=ears)


def _point(ears: Point, direction: float, distance: float) -> Point:
    x, y, z = (np.asarray(ears) + distance * FRAMES["five_way"].to_internal([direction])).tolist()
    return x, y, z
