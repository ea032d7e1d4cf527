"""DCASE task 3 label files, 2019 to 2025, read and written as :class:`~auris.io.frame_labels.FrameLabels`.

The year is always said, never guessed, because files of different years look alike:

====== ==================================================== =================================================
year   labels (``content="reference"``)                     system output (``content="prediction"``)
====== ==================================================== =================================================
2019   header, then class name, start, end, elevation,      the same
       azimuth, distance (one row per event, m)
2020–2 frame, class, track, azimuth, elevation              frame, class, track, x, y, z; or as the labels
2023   the same [, distance in cm]                          frame, class, track, x, y, z, 0; or five columns
2024   frame, class, track, azimuth, elevation, cm          frame, class[, track], azimuth, elevation
                                                            [, distance in **m**]; or x, y, z, distance in m
2025   header, then frame, class, source, azimuth (stereo,  the same
       folded to the front), distance in cm, onscreen
====== ==================================================== =================================================

Angles in files are degrees; numbers are rounded half away from zero when written. Sources: the challenge pages of the years;
Politis et al., arXiv:2006.01919; Adavanne et al., arXiv:1905.08546.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from auris.errors import FormatError, ParameterError
from auris.geometry.directions import Floats, angles, wrap_angle
from auris.geometry.frames import FRAMES
from auris.io.atomic import write_text
from auris.io.dcase_events import events_text, read_events
from auris.io.frame_labels import FrameLabels, round_half_away, rows_to_scene, scene_to_rows
from auris.io.number_rows import read_number_rows

Year = Literal[2019, 2020, 2021, 2022, 2023, 2024, 2025]
Content = Literal["reference", "prediction"]
YEARS: tuple[int, ...] = get_args(Year)

__all__ = [
    "YEARS",
    "Content",
    "FrameLabels",
    "Year",
    "dcase_text",
    "read_dcase",
    "read_dcase_folder",
    "rows_to_scene",
    "scene_to_rows",
    "write_dcase",
]

_HEADER_2025 = "frame,class,source,azimuth,distance,onscreen"
_POLAR = "frame, class, track, azimuth, elevation"
_CARTESIAN = "frame, class, track, x, y, z"
# What the columns of a row may be, by (content, year): number of columns -> names.
_LABELS_5 = {5: _POLAR}
_COLUMNS: dict[tuple[str, int], dict[int, str]] = {
    **{("reference", year): _LABELS_5 for year in (2020, 2021, 2022)},
    **{("prediction", year): {**_LABELS_5, 6: _CARTESIAN} for year in (2020, 2021, 2022)},
    ("reference", 2023): {**_LABELS_5, 6: f"{_POLAR}, centimetres"},
    ("prediction", 2023): {**_LABELS_5, 7: f"{_CARTESIAN}, unused"},
    ("reference", 2024): {6: f"{_POLAR}, centimetres"},
    ("prediction", 2024): {
        4: "frame, class, azimuth, elevation",
        5: _POLAR,
        6: f"{_POLAR}, metres",
        7: f"{_CARTESIAN}, metres",
    },
    ("reference", 2025): {6: "frame, class, track, azimuth, centimetres, onscreen"},
    ("prediction", 2025): {6: "frame, class, track, azimuth, centimetres, onscreen"},
}


def _check(year: int, content: str) -> None:
    if year not in YEARS:
        raise ParameterError(f"unknown DCASE year {year!r}; accepted: {YEARS[0]} to {YEARS[-1]}")
    if content not in get_args(Content):
        raise ParameterError(f"content is {' or '.join(map(repr, get_args(Content)))}, got {content!r}")


def read_dcase(
    path: str | Path, *, year: Year | int, content: Content = "reference", vocabulary: Sequence[str] = ()
) -> FrameLabels:
    """Read a label file or the output of a system.

    Args:
        path: CSV file. An empty file is a recording without events (2025 and 2019 still need their header).
        year: whose format.
        content: labels, or system output as the baselines of that year read it.
        vocabulary: class names, kept in the result; needed for 2019, whose files name classes.

    Returns:
        Rows in the order of the file.

    Raises:
        FormatError: the file cannot be read; the message names file, line, what is there and what is accepted.
        ParameterError: the year or the content is unknown, or 2019 is read without a vocabulary.
    """
    _check(year, content)
    if year == 2019:
        return read_events(path, vocabulary)
    accepted = _COLUMNS[content, year]
    header = _HEADER_2025 if year == 2025 else None
    rows = read_number_rows(path, columns=accepted, header=header, what=f"DCASE {year} {content}")
    if not len(rows):
        return FrameLabels(labels=vocabulary)
    names = accepted[rows.shape[1]].split(", ")
    column = {name: rows[:, index] for index, name in enumerate(names)}
    check_columns(path, column, header_lines=int(header is not None))
    azimuth, elevation = _directions(column)
    distance = column["centimetres"] / 100 if "centimetres" in column else column.get("metres")
    return FrameLabels(
        column["frame"],
        column["class"],
        track=column.get("track"),
        azimuth=azimuth,
        elevation=elevation,
        distance=distance,
        onscreen=column.get("onscreen"),
        labels=vocabulary,
    )


def _directions(column: dict[str, Floats]) -> tuple[Floats, Floats | None]:
    if "x" in column:
        azimuth, elevation, _ = angles(np.stack([column[axis] for axis in "xyz"], axis=-1))
        return azimuth, elevation
    return np.radians(column["azimuth"]), np.radians(column["elevation"]) if "elevation" in column else None


def check_columns(path: str | Path, column: dict[str, Floats], *, header_lines: int) -> None:
    """Check values by the name of their column: ``frame``, ``class``, ``track``, ``azimuth``, ``elevation``, ….

    Raises:
        FormatError: for the first value that its column cannot hold; file and line are named.
    """
    whole = {name: (0, math.inf) for name in ("frame", "class")} | {"track": (-math.inf, math.inf), "onscreen": (0, 1)}
    ranges = {"azimuth": (-360, 360), "elevation": (-90, 90), "centimetres": (0, math.inf), "metres": (-math.inf, math.inf)}
    for name, values in column.items():
        low, high = {**whole, **ranges}.get(name, (-math.inf, math.inf))
        bad = ~((values >= low) & (values <= high) & np.isfinite(values))
        if name in whole:
            bad |= values != np.rint(values)
        if bad.any():
            line = int(np.argmax(bad))
            kind = "a whole number" if name in whole else "a number"
            limits = "" if math.isinf(low) else f" of at least {low}" if math.isinf(high) else f" from {low} to {high}"
            raise FormatError(f"{path}:{line + 1 + header_lines}: {name} must be {kind}{limits}, got {values[line]:g}")


def read_dcase_folder(
    folder: str | Path, *, year: Year | int, content: Content = "reference", vocabulary: Sequence[str] = ()
) -> dict[str, FrameLabels]:
    """Read every ``*.csv`` of a folder (not its sub-folders), by file name without the ending, sorted.

    Raises:
        FormatError: the folder is missing or holds no CSV file, or a file cannot be read.
        ParameterError: as :func:`read_dcase`.
    """
    directory = Path(folder)
    if not directory.is_dir():
        raise FormatError(f"{directory}: no such folder")
    files = sorted(path for path in directory.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    if not files:
        raise FormatError(f"{directory}: no .csv files in this folder")
    return {path.stem: read_dcase(path, year=year, content=content, vocabulary=vocabulary) for path in files}


def write_dcase(path: str | Path, rows: FrameLabels, *, year: Year | int, content: Content = "reference") -> None:
    """Write labels or system output atomically, as :func:`dcase_text` says them.

    Raises:
        ParameterError: the year or the content is unknown, or the labels lack what the format holds.
        FormatError: the file cannot be written.
    """
    write_text(path, dcase_text(rows, year=year, content=content))


def dcase_text(rows: FrameLabels, *, year: Year | int, content: Content = "reference") -> str:
    """Return the text of a file of labels or system output.

    Labels hold whole degrees and centimetres. System output of 2020 to 2023 is cartesian; of 2024 polar with distance in
    metres; of 2019 and 2025 as the labels. In 2025 azimuths are folded to the front half and elevation is dropped, as in
    stereo; an unknown onscreen flag is written as 0. In 2019 every event has one direction, so a source must not move during
    one.

    Raises:
        ParameterError: the year or the content is unknown, or the labels lack what the format holds.
    """
    _check(year, content)
    if year == 2019:
        return events_text(rows)
    ordered = rows.sorted()
    if year >= 2024 or (year == 2023 and content == "reference"):
        _require(ordered.distance, "distance", year)
    if year != 2025:
        _require(ordered.elevation, "elevation", year)
    lines = _prediction_lines if content == "prediction" and year < 2025 else _label_lines
    return lines(ordered, year)


def _require(values: Floats, name: str, year: int) -> None:
    if np.isnan(values).any():
        raise ParameterError(f"DCASE {year} files hold a {name} for every row, but these labels have none; add it first")


def _label_lines(rows: FrameLabels, year: int) -> str:
    centimetres = round_half_away(np.nan_to_num(rows.distance) * 100)
    if year == 2025:
        folded = round_half_away(FRAMES["dcase2025"].from_internal(rows.vectors)[..., 0])
        numbers = [rows.frame, rows.class_index, rows.track, folded, centimetres, np.maximum(rows.onscreen, 0)]
        return f"{_HEADER_2025}\n" + _joined(numbers)
    azimuth = round_half_away(np.degrees(rows.azimuth))
    azimuth = np.where(azimuth == 180, -180, azimuth)
    numbers = [rows.frame, rows.class_index, rows.track, azimuth, round_half_away(np.degrees(rows.elevation))]
    return _joined([*numbers, centimetres] if year >= 2023 else numbers)


def _joined(columns: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in np.stack(columns, axis=1).tolist())


def _prediction_lines(rows: FrameLabels, year: int) -> str:
    numbers = zip(rows.frame, rows.class_index, rows.track, strict=True)
    if year == 2024:
        azimuth, elevation = np.degrees(wrap_angle(rows.azimuth)), np.degrees(rows.elevation)
        places = (f"{a:.3f},{e:.3f},{d:.3f}" for a, e, d in zip(azimuth, elevation, rows.distance, strict=True))
    else:
        tail = ",0" if year == 2023 else ""
        places = (f"{x:.6f},{y:.6f},{z:.6f}{tail}" for x, y, z in rows.vectors)
    return "".join(f"{f},{c},{t},{place}\n" for (f, c, t), place in zip(numbers, places, strict=True))
