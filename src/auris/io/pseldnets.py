"""Frame labels as PSELDNets and the sets around it write them: four to seven columns without a header.

``frame, class, azimuth, elevation`` | ``frame, class, track, azimuth, elevation[, distance[, …]]``: frames of 0.1 s, degrees
(arXiv:2411.06399; the five-column form is that of DCASE 2020 to 2022, the six-column form that of STARSS23). What comes after
the distance, such as AudioSet identifiers, is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from auris.io.dcase import check_columns
from auris.io.frame_labels import FrameLabels
from auris.io.number_rows import parse_number_rows, read_lines

_NAMES: dict[int, tuple[str, ...]] = {
    4: ("frame", "class", "azimuth", "elevation"),
    5: ("frame", "class", "track", "azimuth", "elevation"),
    6: ("frame", "class", "track", "azimuth", "elevation", "centimetres"),
}


def read_frame_rows(
    path: str | Path, *, vocabulary: Sequence[str] = (), distance: Literal["centimetres", "ignore"] = "ignore"
) -> FrameLabels:
    """Read a label file; rows stay in the order of the file.

    Args:
        path: CSV file. An empty file is a recording without events.
        vocabulary: class names, kept in the result.
        distance: what a sixth column holds. The synthetic sets do not say what theirs is, so it is ignored by default.

    Raises:
        FormatError: the file cannot be read; the message names file, line, what is there and what is accepted.
    """
    return parse_frame_rows(read_lines(path), where=path, vocabulary=vocabulary, distance=distance)


def parse_frame_rows(
    lines: list[str],
    *,
    where: str | Path,
    vocabulary: Sequence[str] = (),
    distance: Literal["centimetres", "ignore"] = "ignore",
) -> FrameLabels:
    """Return the labels in lines of text; as :func:`read_frame_rows`, with ``where`` the name of the file in messages."""
    rows = parse_number_rows(lines, where=where, columns=_NAMES, header=None, what="SELD label", used=6)
    if not len(rows):
        return FrameLabels(labels=vocabulary)
    names = _NAMES[rows.shape[1]]
    if distance == "ignore":
        names = tuple(name for name in names if name != "centimetres")
    column = {name: rows[:, index] for index, name in enumerate(names)}
    check_columns(where, column, header_lines=0)
    return FrameLabels(
        column["frame"],
        column["class"],
        track=column.get("track"),
        azimuth=np.radians(column["azimuth"]),
        elevation=np.radians(column["elevation"]),
        distance=column["centimetres"] / 100 if "centimetres" in column else None,
        labels=vocabulary,
    )
