"""The rows of many clips as one table, checked and cut to what the rules score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from auris.errors import FormatError
from auris.geometry import unit_vector
from auris.geometry.directions import Floats
from auris.io.frame_labels import FrameLabels, Indices
from auris.metrics.seld_rules import Parity, SeldRules

_WITHOUT_END = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class ClipRows:
    """Rows of many clips, arrays of one length ``N``; columns as in :class:`~auris.io.frame_labels.FrameLabels`.

    Attributes:
        clip: number of the clip.
        frame, class_index: numbers from 0.
        azimuth: radians.
        elevation: radians; level where the labels have none.
        distance: metres; NaN where the labels have none.
        onscreen: 1, 0, or -1 for unknown.
    """

    clip: Indices
    frame: Indices
    class_index: Indices
    azimuth: Floats
    elevation: Floats
    distance: Floats
    onscreen: Indices

    @classmethod
    def of(cls, parts: Sequence[FrameLabels]) -> ClipRows:
        """Return the rows of clips below each other; there is at least one clip."""
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("frame", "class_index", "azimuth", "elevation", "distance", "onscreen")
        }
        columns["elevation"] = np.nan_to_num(columns["elevation"])
        return cls(np.repeat(np.arange(len(parts)), [len(part) for part in parts]), **columns)

    def __len__(self) -> int:
        return len(self.clip)

    def rows(self, chosen: NDArray[np.bool_]) -> ClipRows:
        """Return some rows, by mask."""
        return self if chosen.all() else ClipRows(*(getattr(self, f.name)[chosen] for f in fields(self)))

    @property
    def vectors(self) -> Floats:
        """Unit vectors ``(N, 3)``."""
        return unit_vector(self.azimuth, self.elevation)

    @property
    def positions(self) -> Floats:
        """Positions ``(N, 3)`` in metres relative to the listener; NaN without a distance."""
        return np.asarray(self.vectors * self.distance[:, None])


def scored_rows(
    parts: Sequence[FrameLabels],
    names: Sequence[str],
    *,
    ends: Sequence[int | None],
    classes: int,
    rules: SeldRules,
    parity: Parity,
) -> ClipRows:
    """Join the labels of clips; keep the rows of known classes within the frames that are scored.

    Args:
        parts: labels, clip by clip.
        names: of the clips, for messages.
        ends: how many frames of each clip are scored, None for all.
        classes: number of classes.
        rules: what will be counted.
        parity: ``"strict"`` refuses unknown classes, ``"upstream"`` leaves them out.

    Raises:
        FormatError: labels have unknown classes, lack distances that are scored, or go on where the published code breaks.
    """
    rows = ClipRows.of(parts)
    known = rows.class_index < classes
    if parity == "strict" and not known.all():
        clip = rows.clip[np.argmin(known)]
        raise FormatError(
            f"{names[clip]}: class number {parts[clip].class_index.max()}, but there are {classes} classes (0 to {classes - 1})"
        )
    if rules.distance == "scored" or rules.counting == "l3das22":
        unmeasured = np.isnan(rows.distance)
        if unmeasured.any():
            name = names[rows.clip[np.argmax(unmeasured)]]
            raise FormatError(f"{name}: {rules.name} scores distance, but these labels have none")
    last = np.array([_WITHOUT_END if end is None else end for end in ends])
    inside = rows.frame < last[rows.clip]
    if rules.counting == "l3das22" and parity == "upstream" and not inside.all():
        clip = rows.clip[np.argmin(inside)]
        raise FormatError(
            f"{names[clip]}: labels beyond frame {ends[clip]}, which the published code of l3das22 rejects; use parity='strict'"
        )
    return rows.rows(known & inside)
