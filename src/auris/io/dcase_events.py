"""The DCASE 2019 label format: one row per event, classes by name, sources that do not move.

``sound_event_recording,start_time,end_time,ele,azi,dist``: seconds, whole degrees, metres (TAU Spatial Sound Events 2019,
arXiv:1905.08546). Times are read to frames by their centres, as everywhere in :mod:`auris.io.frame_labels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from auris.errors import FormatError, ParameterError, unknown_name
from auris.geometry import Static, angle_between, angles, unit_vector
from auris.io.frame_labels import FrameLabels, round_half_away, rows_to_scene, scene_to_rows
from auris.io.number_rows import read_lines
from auris.scene import Event, Scene, Source

_HEADER = "sound_event_recording,start_time,end_time,ele,azi,dist"


def read_events(path: str | Path, vocabulary: Sequence[str]) -> FrameLabels:
    """Read a DCASE 2019 file; every event becomes a track of its own.

    Raises:
        FormatError: the file is not in the format; file and line are named.
        ParameterError: no vocabulary was given.
    """
    if not vocabulary:
        raise ParameterError("DCASE 2019 files name their classes; give the vocabulary that numbers them")
    lines = read_lines(path)
    if not lines or lines[0].replace(" ", "") != _HEADER:
        found = repr(lines[0]) if lines else "an empty file"
        raise FormatError(f"{path}:1: DCASE 2019 files begin with the line {_HEADER!r}, got {found}")
    sources = [_source(line, f"{path}:{number}", vocabulary) for number, line in enumerate(lines[1:], start=2)]
    if not sources:
        return FrameLabels(labels=vocabulary)
    end = max(source.events[0].offset for source in sources)
    return scene_to_rows(Scene(end, tuple(sources)), vocabulary)


def _source(line: str, where: str, vocabulary: Sequence[str]) -> Source:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != 6:
        raise FormatError(f"{where}: {len(cells)} columns; DCASE 2019 files have 6")
    if cells[0] not in vocabulary:
        raise FormatError(f"{where}: {unknown_name('class', cells[0], vocabulary)}")
    try:
        start, end, elevation, azimuth, distance = (float(cell) for cell in cells[1:])
    except ValueError:
        raise FormatError(f"{where}: start, end, elevation, azimuth and distance must be numbers, got {line!r}") from None
    if not (0 <= start < end < 1e6 and abs(elevation) <= 90 and abs(azimuth) <= 360 and 0 < distance < 1e4):
        raise FormatError(
            f"{where}: needs 0 <= start < end, elevation within ±90, azimuth within ±360, distance > 0; got {line!r}"
        )
    x, y, z = distance * unit_vector(np.radians(azimuth), np.radians(elevation))
    return Source(cells[0], Static((float(x), float(y), float(z))), (Event(start, end),))


def events_text(rows: FrameLabels) -> str:
    """Return the text of a DCASE 2019 file.

    Raises:
        ParameterError: the labels have no class names or distances, or a source moves during an event.
    """
    if len(rows) and not rows.labels:
        raise ParameterError("DCASE 2019 files name their classes; these labels carry no class names")
    if np.isnan(rows.distance).any() or np.isnan(rows.elevation).any():
        raise ParameterError("DCASE 2019 files hold elevation and distance for every event, but these labels have none")
    lines = [_HEADER]
    for source, event in rows_to_scene(rows).events():
        points = source.path.at(np.arange(event.onset + rows.hop / 2, event.offset, rows.hop))
        if np.max(angle_between(points, points[:1])) > 1e-6:
            raise ParameterError(
                f"{source.label!r} moves at {event.onset:g} s, but a DCASE 2019 event has one direction; write a later year"
            )
        azimuth, elevation, distance = angles(points[0])
        cells = (source.label, f"{event.onset:g}", f"{event.offset:g}", *_whole_degrees(elevation, azimuth), f"{distance:.3g}")
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def _whole_degrees(*angles_: ArrayLike) -> list[str]:
    return [str(value) for value in round_half_away(np.degrees(np.asarray(angles_, dtype=float))).tolist()]
