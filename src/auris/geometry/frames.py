"""Every named frame of the field, to and from the one internal frame.

A frame says how a point is written down: which way its axes run, what its angles are called, where they begin, which way they
grow, and what it leaves out. :data:`FRAMES` lists them; each has ``to_internal`` and ``from_internal``, which work on arrays
of any leading shape. Internal points are ``(..., 3)`` metres, x to the front, y to the left, z up
(:mod:`auris.geometry.directions`).

A frame that is not lossy returns any point other than the origin unchanged. A lossy one says in ``loss`` what goes missing;
converting back and forth once more then changes nothing.

>>> convert([90.0, 0.0, 2.0], source="dcase", target="sofa").tolist()
[90.0, 0.0, 2.0]
>>> convert([90.0, 0.0, 2.0], source="dcase", target="clock").tolist()
[9.0]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from auris.errors import ParameterError, unknown_name
from auris.geometry.directions import Floats, angles, unit_vector, wrap_angle

FIVE_WAY_WORDS = ("left", "front left", "front", "front right", "right")  # directions 1 to 5 of BEWO-1M (arXiv:2410.10676)
BAT_DISTANCE_CLASSES, BAT_AZIMUTH_CLASSES, BAT_ELEVATION_CLASSES = 21, 360, 180


@dataclass(frozen=True)
class Frame:
    """How a point is written down.

    Attributes:
        name: key in :data:`FRAMES`.
        description: axes, origin and sense of the angles, and who uses it.
        coordinates: name of each number of a point; angles are radians unless the name ends in ``_deg``.
        lossy: whether something of a point cannot be written in this frame.
        loss: what is lost; empty for a frame that loses nothing.
        to_internal: coordinates ``(..., K)`` to points ``(..., 3)`` in metres; of length 1 where the frame has no distance.
        from_internal: points ``(..., 3)`` to coordinates ``(..., K)``.
    """

    name: str
    description: str
    coordinates: tuple[str, ...]
    lossy: bool
    loss: str
    to_internal: Callable[[ArrayLike], Floats]
    from_internal: Callable[[ArrayLike], Floats]


def convert(coordinates: ArrayLike, *, source: str, target: str) -> Floats:
    """Convert coordinates ``(..., K)`` of one named frame to those of another.

    Raises:
        ParameterError: a frame is unknown, or the coordinates do not fit it.
    """
    for name in (source, target):
        if name not in FRAMES:
            raise ParameterError(unknown_name("frame", name, FRAMES))
    return FRAMES[target].from_internal(FRAMES[source].to_internal(coordinates))


def _read(coordinates: ArrayLike, names: tuple[str, ...]) -> Floats:
    """Coordinates as floats, checked."""
    array = np.asarray(coordinates, dtype=float)
    if array.ndim == 0 or array.shape[-1] != len(names):
        raise ParameterError(
            f"coordinates must have {len(names)} numbers on their last axis ({', '.join(names)}), got {array.shape}"
        )
    return array


def _turned_axes(name: str, description: str, matrix: ArrayLike) -> Frame:
    """A cartesian frame; the rows of ``matrix`` are its axes in the internal frame."""
    axes = np.asarray(matrix, dtype=float)
    names = ("x", "y", "z")

    def to_internal(coordinates: ArrayLike) -> Floats:
        return np.asarray(_read(coordinates, names) @ axes)

    def from_internal(points: ArrayLike) -> Floats:
        return np.asarray(_read(points, names) @ axes.T)

    return Frame(name, description, names, False, "", to_internal, from_internal)


def _spherical_deg(name: str, description: str, *, first_azimuth_deg: float) -> Frame:
    """Azimuth (counter-clockwise) in a full turn from ``first_azimuth_deg``, elevation, distance."""
    names = ("azimuth_deg", "elevation_deg", "distance")

    def to_internal(coordinates: ArrayLike) -> Floats:
        azimuth, elevation, distance = np.moveaxis(_read(coordinates, names), -1, 0)
        return np.asarray(unit_vector(np.radians(azimuth), np.radians(elevation)) * distance[..., None])

    def from_internal(points: ArrayLike) -> Floats:
        azimuth, elevation, distance = angles(_read(points, ("x", "y", "z")))
        turned = _within_turn(np.degrees(azimuth), first_azimuth_deg)
        return np.stack([turned, np.degrees(elevation), distance], axis=-1)

    return Frame(name, description, names, False, "", to_internal, from_internal)


def _within_turn(angle_deg: Floats, first: float) -> Floats:
    """Bring degrees into ``[first, first + 360)``; a rounding error below ``first`` is ``first``."""
    turned = np.mod(angle_deg - first, 360.0)
    return np.asarray(np.where(turned >= 360.0, 0.0, turned) + first)


def _from_zenith(name: str, description: str, second: str) -> Frame:
    """Azimuth, angle from straight up, distance; radians."""
    names = ("azimuth", second, "distance")

    def to_internal(coordinates: ArrayLike) -> Floats:
        azimuth, zenith, distance = np.moveaxis(_read(coordinates, names), -1, 0)
        return np.asarray(unit_vector(azimuth, np.pi / 2 - zenith) * distance[..., None])

    def from_internal(points: ArrayLike) -> Floats:
        azimuth, elevation, distance = angles(_read(points, ("x", "y", "z")))
        return np.stack([azimuth, np.pi / 2 - elevation, distance], axis=-1)

    return Frame(name, description, names, False, "", to_internal, from_internal)


def fold_to_front(azimuth: ArrayLike) -> Floats:
    """Mirror azimuths (radians) from the rear half to the front: [-pi/2, pi/2], as a stereo pair hears them."""
    wrapped = wrap_angle(azimuth)
    return np.asarray(np.where(np.abs(wrapped) > np.pi / 2, np.copysign(np.pi, wrapped) - wrapped, wrapped))


def _level(azimuth: Floats) -> Floats:
    return unit_vector(azimuth, np.zeros_like(azimuth))


def _dcase2025_to_internal(coordinates: ArrayLike) -> Floats:
    azimuth, distance = np.moveaxis(_read(coordinates, ("azimuth_deg", "distance")), -1, 0)
    return np.asarray(_level(np.radians(azimuth)) * distance[..., None])


def _dcase2025_from_internal(points: ArrayLike) -> Floats:
    azimuth, _, distance = angles(_read(points, ("x", "y", "z")))
    return np.stack([np.degrees(fold_to_front(azimuth)), distance], axis=-1)


def _five_way_to_internal(coordinates: ArrayLike) -> Floats:
    (direction,) = np.moveaxis(_read(coordinates, ("direction",)), -1, 0)
    if np.any((direction < 1) | (direction > len(FIVE_WAY_WORDS))):
        raise ParameterError(f"a five-way direction lies between 1 (left) and 5 (right), got {coordinates!r}")
    return _level(np.radians((3.0 - direction) * 45.0))


def _five_way_from_internal(points: ArrayLike) -> Floats:
    azimuth, _, _ = angles(_read(points, ("x", "y", "z")))
    return np.asarray(3.0 - np.degrees(fold_to_front(azimuth)) / 45.0)[..., None]


def _clock_to_internal(coordinates: ArrayLike) -> Floats:
    (hour,) = np.moveaxis(_read(coordinates, ("hour",)), -1, 0)
    return _level(wrap_angle(-np.radians(30.0 * hour)))


def _clock_from_internal(points: ArrayLike) -> Floats:
    azimuth, _, _ = angles(_read(points, ("x", "y", "z")))
    hour = _within_turn(-np.degrees(azimuth), 0.0) / 30.0
    return np.asarray(np.where(hour == 0.0, 12.0, hour))[..., None]


_BAT_NAMES = ("distance_class", "azimuth_class", "elevation_class")


def _bat_to_internal(coordinates: ArrayLike) -> Floats:
    classes = _read(coordinates, _BAT_NAMES)
    limits = np.array([BAT_DISTANCE_CLASSES, BAT_AZIMUTH_CLASSES, BAT_ELEVATION_CLASSES])
    if np.any((classes < 0) | (classes >= limits) | (classes != np.rint(classes))):
        raise ParameterError(
            f"BAT classes are whole numbers below {limits.tolist()} ({', '.join(_BAT_NAMES)}), got {coordinates!r}"
        )
    distance, azimuth, elevation = np.moveaxis(classes, -1, 0)
    # Class 0 holds 0 to 0.25 m; its middle keeps the direction, which 0 m would lose.
    metres = np.where(distance == 0, 0.125, distance / 2)
    return np.asarray(unit_vector(np.radians(azimuth - 90.0), np.radians(elevation - 90.0)) * metres[..., None])


def _bat_from_internal(points: ArrayLike) -> Floats:
    azimuth, elevation, distance = angles(_read(points, ("x", "y", "z")))
    halves = np.rint(2.0 * distance)
    if np.any(halves >= BAT_DISTANCE_CLASSES):
        raise ParameterError(f"BAT's distance classes end at 10.25 m, got {np.max(distance):.4g} m")
    # np.rint rounds halves to even, as the Python that made the published classes does.
    turned = np.mod(np.rint(np.degrees(wrap_angle(azimuth + np.pi / 2))), 360.0)
    lifted = np.mod(np.rint(np.degrees(elevation)) + 90.0, 180.0)
    return np.stack([halves, turned, lifted], axis=-1)


_EYE = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
_HABITAT = ((0, -1, 0), (0, 0, 1), (-1, 0, 0))  # right, up, back
_MESH = ((0, -1, 0), (1, 0, 0), (0, 0, 1))  # right, front, up

_ALL = (
    _turned_axes("internal", "x front, y left, z up, metres: auris, AmbiX, DCASE and L3DAS cartesian", _EYE),
    _turned_axes("dcase_cartesian", "x front, y left, z up, as in DCASE and L3DAS system output", _EYE),
    _spherical_deg(
        "dcase",
        "azimuth counter-clockwise [-180, 180), 0 front, 90 left; elevation up. DCASE 2019-24",
        first_azimuth_deg=-180.0,
    ),
    _spherical_deg("sofa", "SOFA spherical: azimuth counter-clockwise [0, 360), elevation up (AES69)", first_azimuth_deg=0.0),
    _turned_axes("habitat", "x right, y up, z back: Habitat, SoundSpaces 2, BAT's positions", _HABITAT),
    _turned_axes("soundspaces1", "mesh axes of SoundSpaces 1 room responses: x right, y forward, z up", _MESH),
    _from_zenith("pyroomacoustics", "azimuth counter-clockwise from x, colatitude down from z, radians", "colatitude"),
    _from_zenith("spaudiopy", "azimuth counter-clockwise from the front, zenith angle down from z, radians", "zenith"),
    Frame(
        "bat",
        "classes of BAT and Spatial-AST (arXiv:2402.01591): half metres; azimuth counter-clockwise, 0 right, 90 front; "
        "elevation + 90. The listener looks along Habitat's -z",
        _BAT_NAMES,
        True,
        "rounded to half metres and whole degrees; straight up shares class 0 with straight down; nothing beyond 10.25 m",
        _bat_to_internal,
        _bat_from_internal,
    ),
    Frame(
        "five_way",
        "BEWO-1M (arXiv:2410.10676): 1 left, 2 front left, 3 front, 4 front right, 5 right, fractions between",
        ("direction",),
        True,
        "elevation and distance are dropped, the rear half is mirrored to the front",
        _five_way_to_internal,
        _five_way_from_internal,
    ),
    Frame(
        "clock",
        "face of a clock seen from above, clockwise: 12 front, 3 right, 6 back, 9 left; (0, 12]",
        ("hour",),
        True,
        "elevation and distance are dropped",
        _clock_to_internal,
        _clock_from_internal,
    ),
    Frame(
        "dcase2025",
        "DCASE 2025 stereo: azimuth counter-clockwise [-90, 90], distance in metres",
        ("azimuth_deg", "distance"),
        True,
        "elevation is dropped, the rear half is mirrored to the front",
        _dcase2025_to_internal,
        _dcase2025_from_internal,
    ),
)

FRAMES: Mapping[str, Frame] = MappingProxyType({frame.name: frame for frame in _ALL})


def yaw_from_soundspaces1_heading_deg(heading_deg: ArrayLike) -> Floats:
    """Return the yaw in radians (counter-clockwise, [-pi, pi)) of a SoundSpaces 1 heading, clockwise degrees from mesh +y.

    The name of a folder of SoundSpaces 1 room responses is this heading: 0, 90, 180 or 270.
    """
    return wrap_angle(-np.radians(np.asarray(heading_deg, dtype=float)))


def soundspaces1_heading_deg_from_yaw(yaw: ArrayLike) -> Floats:
    """Return the SoundSpaces 1 heading in degrees [0, 360) of a yaw in radians."""
    return _within_turn(-np.degrees(np.asarray(yaw, dtype=float)), 0.0)


def yaw_from_habitat_rotation_deg(rotation_deg: ArrayLike) -> Floats:
    """Return the yaw in radians of a Habitat agent turned by degrees counter-clockwise about +y from facing -z."""
    return wrap_angle(np.radians(np.asarray(rotation_deg, dtype=float)))


def habitat_rotation_deg_from_yaw(yaw: ArrayLike) -> Floats:
    """Return a Habitat agent's rotation about +y in degrees [0, 360) of a yaw in radians."""
    return _within_turn(np.degrees(np.asarray(yaw, dtype=float)), 0.0)
