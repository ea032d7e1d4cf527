"""Scoring files of L3DAS22 task 2: ``frame, class, x, y, z``, metres from the microphone, no header, frames of 0.1 s."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auris.errors import FormatError
from auris.geometry.directions import angles
from auris.io.atomic import write_text
from auris.io.frame_labels import FrameLabels
from auris.io.number_rows import read_number_rows


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
