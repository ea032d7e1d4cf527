"""Files of L3DAS22 task 2 (arXiv:2202.10372), positions in metres from microphone A.

Labels are events: a header, then ``File, Start, End, Class, X, Y, Z`` with class names and seconds. Scoring files are frames of
0.1 s: ``frame, class, x, y, z`` without a header.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from auris.errors import FormatError, ParameterError, unknown_name
from auris.geometry.directions import Floats, angles
from auris.io.atomic import write_text
from auris.io.frame_labels import HOP, FrameLabels
from auris.io.number_rows import read_lines, read_number_rows

L3dasRule = Literal["centre", "pseldnets", "l3das22"]
_COLUMNS = ("start", "end", "class", "x", "y", "z")
_CLIP_SECONDS, _LAST_FRAME = 30.0, 299


def read_l3das_events(path: str | Path, vocabulary: Sequence[str], *, rule: L3dasRule = "centre") -> FrameLabels:
    """Read a label file as frames; every event is a track of its own, and rows come frame by frame.

    ============= ============================================================= ==============================
    rule          frames of an event                                            directions
    ============= ============================================================= ==============================
    ``centre``    those whose centre it covers, at least one                    as they are
    ``pseldnets`` ``round(start / 0.1)`` to ``round(end / 0.1) - 1``, halves to whole degrees, cut towards zero
                  even; events may vanish (arXiv:2411.06399)
    ``l3das22``   ``int(t * 299 / 30)`` of the times rounded to 0.1 s, both     as they are
                  ends included: how the challenge scores
    ============= ============================================================= ==============================

    Args:
        path: CSV file with a header. A file without events is a recording without events, an empty one too.
        vocabulary: class names in the order of their numbers.
        rule: how events become frames.

    Raises:
        FormatError: the file cannot be read; the message names file and line.
        ParameterError: the rule is unknown.
    """
    if rule not in get_args(L3dasRule):
        raise ParameterError(unknown_name("L3DAS22 rule", rule, get_args(L3dasRule)))
    label, times, positions = _events(path, vocabulary)
    spans = [_span(start, end, rule) for start, end in times]
    counts = [max(last - first, 0) for first, last in spans]
    event = np.repeat(np.arange(len(spans)), counts)
    frames = np.array([frame for first, last in spans for frame in range(first, last)], np.int64)
    azimuth, elevation, distance = angles(positions)
    if rule == "pseldnets":
        azimuth, elevation = (np.radians(np.trunc(np.degrees(values))) for values in (azimuth, elevation))
    order = np.argsort(frames, kind="stable")
    event = event[order]
    return FrameLabels(
        frames[order],
        label[event],
        track=event,
        azimuth=azimuth[event],
        elevation=elevation[event],
        distance=distance[event],
        labels=vocabulary,
    )


def _span(start: float, end: float, rule: L3dasRule) -> tuple[int, int]:
    """First frame and the one after the last."""
    if rule == "pseldnets":
        return round(start / HOP), round(end / HOP)
    if rule == "l3das22":
        return tuple(int(round(t, 1) * _LAST_FRAME / _CLIP_SECONDS) + extra for t, extra in ((start, 0), (end, 1)))  # type: ignore[return-value]
    first, last = (int(np.ceil(round(t / HOP - 0.5, 9))) for t in (start, end))
    middle = int((start + end) / 2 / HOP)
    return (first, last) if last > first else (middle, middle + 1)


def _events(path: str | Path, vocabulary: Sequence[str]) -> tuple[np.ndarray, Floats, Floats]:
    """Class numbers ``(E,)``, start and end ``(E, 2)`` and positions ``(E, 3)`` in the order of the file."""
    lines = read_lines(path)
    if not lines:
        return np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 3))
    header = [cell.strip().lower() for cell in lines[0].split(",")]
    if missing := [name for name in _COLUMNS if name not in header]:
        raise FormatError(
            f"{path}:1: L3DAS22 labels begin with a header that names {', '.join(_COLUMNS)}; {missing[0]} is not there"
        )
    where = [header.index(name) for name in _COLUMNS]
    numbers = {name: index for index, name in enumerate(vocabulary)}
    label, values = [], []
    for line, cells in enumerate(csv.reader(lines[1:]), start=2):
        if len(cells) != len(header):
            raise FormatError(f"{path}:{line}: {len(cells)} columns, but the header has {len(header)}")
        start, end, name, *point = (cells[index].strip() for index in where)
        if name not in numbers:
            raise FormatError(f"{path}:{line}: {unknown_name('class', name, vocabulary)}")
        try:
            row = [float(cell) for cell in (start, end, *point)]
        except ValueError:
            raise FormatError(f"{path}:{line}: start, end, x, y and z must be numbers, got {','.join(cells)!r}") from None
        if not (np.all(np.isfinite(row)) and 0 <= row[0] <= row[1] and any(row[2:])):
            raise FormatError(
                f"{path}:{line}: needs 0 <= start <= end and a position off the microphone, got {','.join(cells)!r}"
            )
        label.append(numbers[name])
        values.append(row)
    table = np.array(values).reshape(-1, 5)
    return np.array(label, np.int64), table[:, :2], table[:, 2:]


def read_l3das(path: str | Path) -> FrameLabels:
    """Read a file of L3DAS22 rows.

    Raises:
        FormatError: the file cannot be read; the message names file and line.
    """
    rows = read_number_rows(path, columns=(5,), header=None, what="L3DAS22")
    if not len(rows):
        return FrameLabels()
    head = rows[:, :2]
    bad = np.any((head < 0) | (head != np.rint(head)), axis=1)
    if bad.any():
        line = int(np.argmax(bad))
        raise FormatError(f"{path}:{line + 1}: frame and class must be whole numbers of at least 0, got {head[line].tolist()}")
    frame, label = head.astype(np.int64).T
    azimuth, elevation, distance = angles(rows[:, 2:])
    return FrameLabels(frame, label, azimuth=azimuth, elevation=elevation, distance=distance)


def read_l3das_folder(folder: str | Path) -> dict[str, FrameLabels]:
    """Read every ``*.csv`` of a folder, by file name without the ending, sorted.

    Raises:
        FormatError: the folder is missing or holds no CSV file, or a file cannot be read.
    """
    directory = Path(folder)
    if not directory.is_dir():
        raise FormatError(f"{directory}: no such folder")
    files = sorted(path for path in directory.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    if not files:
        raise FormatError(f"{directory}: no .csv files in this folder")
    return {path.stem: read_l3das(path) for path in files}


def write_l3das(path: str | Path, rows: FrameLabels) -> None:
    """Write labels as L3DAS22 rows, atomically, to a tenth of a millimetre.

    Raises:
        FormatError: a distance is missing, or the file cannot be written.
    """
    if np.isnan(rows.distance).any():
        raise FormatError(f"{path}: L3DAS22 holds positions, but these labels have no distance")
    ordered = rows.sorted()
    lines = (
        f"{f},{c},{x:.4f},{y:.4f},{z:.4f}\n"
        for f, c, (x, y, z) in zip(ordered.frame, ordered.class_index, ordered.positions, strict=True)
    )
    write_text(path, "".join(lines))
