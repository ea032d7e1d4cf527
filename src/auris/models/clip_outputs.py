"""What networks say of a whole clip: which classes sound in it, and where, in the classes of BAT.

A place is three numbers (arXiv:2402.01591): the distance in half metres; the azimuth in degrees, counter-clockwise seen from
above, 0 to the right and 90 to the front; the elevation in degrees, 90 level (frame ``bat`` of :mod:`auris.geometry.frames`).
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from auris.geometry.directions import wrap_angle
from auris.geometry.frames import BAT_AZIMUTH_CLASSES, BAT_DISTANCE_CLASSES, BAT_ELEVATION_CLASSES
from auris.geometry.frames import FRAMES as _FRAMES

Floats = NDArray[np.float64]
Classes = Tensor | NDArray[np.integer]


class ClipOutputs(NamedTuple):
    """What the heads say, before any softmax or sigmoid.

    Attributes:
        events: logits ``(batch, classes)``; several classes may sound.
        distance: ``(batch, 21)``, logits or, for DSpAST, cosines; so are the next two.
        azimuth: ``(batch, 360)``.
        elevation: ``(batch, 180)``.
    """

    events: Tensor
    distance: Tensor
    azimuth: Tensor
    elevation: Tensor


class SpatialClasses(NamedTuple):
    """Places as classes: whole numbers of any one shape, in tensors or in arrays.

    Attributes:
        distance: 0 to 20.
        azimuth: 0 to 359.
        elevation: 0 to 179.
    """

    distance: Classes
    azimuth: Classes
    elevation: Classes


def decoded(outputs: ClipOutputs) -> SpatialClasses:
    """Return the likeliest classes, ``(batch,)`` each."""
    return SpatialClasses(*(scores.argmax(dim=-1) for scores in outputs[1:]))


def places(classes: SpatialClasses) -> tuple[Floats, Floats, Floats]:
    """Return azimuth and elevation in radians (x front, y left, z up) and distance in metres, float64.

    Class 0 of the distance, from 0 to 0.25 m, is given its middle.

    Raises:
        ParameterError: there is no such class.
    """
    distance, azimuth, elevation = (_array(numbers) for numbers in classes)
    _FRAMES["bat"].to_internal(np.stack([distance, azimuth, elevation], axis=-1))  # refuses what is no class
    metres = np.where(distance == 0, 0.125, distance / 2)
    return wrap_angle(np.radians(azimuth - 90)), np.radians(elevation - 90), metres


def classes_of(azimuth: ArrayLike, elevation: ArrayLike, distance: ArrayLike) -> SpatialClasses:
    """Return the classes of places given in radians (x front, y left, z up) and metres, int64 arrays.

    What lies straight up or further away than 10 m takes the nearest class that there is. (The published data wrap straight
    up to class 0, which is straight down.)
    """
    halves = np.rint(2 * np.asarray(distance, dtype=np.float64)).clip(0, BAT_DISTANCE_CLASSES - 1)
    turned = np.rint(np.degrees(azimuth) + 90) % BAT_AZIMUTH_CLASSES
    lifted = (np.rint(np.degrees(elevation)) + 90).clip(0, BAT_ELEVATION_CLASSES - 1)
    return SpatialClasses(*(numbers.astype(np.int64) for numbers in (halves, turned, lifted)))


def _array(numbers: Classes) -> NDArray[np.integer]:
    return cast("NDArray[np.integer]", numbers.detach().cpu().numpy() if isinstance(numbers, Tensor) else np.asarray(numbers))
