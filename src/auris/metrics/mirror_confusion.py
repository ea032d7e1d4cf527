"""Which directions a listener takes for their mirror images: front for back, left for right, above for below.

Two ears are symmetrical about the line through them, so that the commonest gross error of people is a reversal: they hear a
sound where its mirror image would be (Wightman and Kistler, JASA 85, 868, 1989; Wenzel et al., JASA 94, 111, 1993). An item
counts for a mirror plane if it lies further than ``tolerance_deg`` from the plane, so that it and its image can be told apart;
for front and back, items at the sides are left out. Of the items that count,

* ``confused`` is the share whose error vanishes when the answer is mirrored, so that it lies within ``tolerance_deg`` of the
  truth. Since an item and its image lie more than twice the tolerance apart, these answers were wrong as given, and none of
  them is confused about two planes at once;
* ``nearer`` is the share whose answer comes nearer to the truth when mirrored: the reversals of the literature named. Half
  of a guesser's answers are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import ParameterError, unknown_name
from auris.geometry.directions import angle_between

Plane = Literal["front_back", "left_right", "up_down"]
PLANES: tuple[Plane, ...] = ("front_back", "left_right", "up_down")


@dataclass(frozen=True, eq=False)
class MirrorConfusion:
    """Answers that are mirrored, item by item.

    Attributes:
        plane: what is exchanged.
        counted: ``(items,)``, whether an item lies far enough from the plane.
        items_confused: ``(items,)``, whether its error vanishes when mirrored.
        items_nearer: ``(items,)``, whether its answer comes nearer when mirrored.
    """

    plane: Plane
    counted: NDArray[np.bool_]
    items_confused: NDArray[np.bool_]
    items_nearer: NDArray[np.bool_]

    @property
    def confused(self) -> float:
        """Share of the items counted whose error vanishes when mirrored; NaN if none is counted."""
        return self._share(self.items_confused)

    @property
    def nearer(self) -> float:
        """Share of the items counted whose answer comes nearer when mirrored; NaN if none is counted."""
        return self._share(self.items_nearer)

    def _share(self, items: NDArray[np.bool_]) -> float:
        return float(items[self.counted].mean()) if self.counted.any() else np.nan


def mirror_confusion(heard: ArrayLike, true: ArrayLike, plane: Plane, *, tolerance_deg: float = 20.0) -> MirrorConfusion:
    """Find the answers that are mirrored.

    Args:
        heard: unit vectors ``(items, 3)``, x front, y left, z up.
        true: unit vectors ``(items, 3)``.
        plane: what is exchanged.
        tolerance_deg: how far from the truth an answer is right; and how near to the plane items are left out, which for
            front and back are those at the sides.

    Raises:
        ParameterError: the shapes differ, the plane is unknown, or the tolerance is not between 0 and 45 degrees.
    """
    said, truth = np.asarray(heard, dtype=float), np.asarray(true, dtype=float)
    if said.shape != truth.shape or said.ndim != 2 or said.shape[1] != 3:
        raise ParameterError(f"directions must both be (items, 3), got {said.shape} and {truth.shape}")
    if plane not in PLANES:
        raise ParameterError(unknown_name("mirror plane", plane, PLANES))
    if not 0 < tolerance_deg < 45:
        raise ParameterError(f"the tolerance must lie between 0 and 45 degrees, got {tolerance_deg!r}")
    axis = PLANES.index(plane)
    mirrored = said.copy()
    mirrored[:, axis] *= -1
    counted = np.abs(truth[:, axis]) > np.sin(np.radians(tolerance_deg)) + 1e-9
    before, after = np.degrees(angle_between(said, truth)), np.degrees(angle_between(mirrored, truth))
    return MirrorConfusion(plane, counted, counted & (after <= tolerance_deg + 1e-9), counted & (after < before - 1e-9))
