"""What ``auris listen`` writes and prints of what was heard: CSV files, scenes, pictures, tables, JSON.

A distance that a network did not say is left out everywhere: empty in tables, null in JSON, absent in CSV files and pictures.
Only scenes, in which every source stands somewhere, place such sounds at 1 m.
"""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from auris.cli.console import class_list
from auris.errors import ParameterError

if TYPE_CHECKING:
    from auris.models.listening import FrameListener, Hearing, Reading
    from auris.scene import Scene

_KEYS = ("class", "onset", "offset", "azimuth_deg", "elevation_deg", "distance", "confidence")
_LAST_WITHOUT_DISTANCE = 2023

EventRow = tuple[str, float, float, float, float, float | None, float | None]


class SaysDistance(Protocol):
    """What tells whether distances are known: a :class:`auris.models.listening.Hearing`, or less."""

    @property
    def says_distance(self) -> bool:
        """Whether the network said how far away sounds are."""


@dataclass(frozen=True)
class OutputFormat:
    """How CSV files are written.

    Attributes:
        year: whose DCASE format.
        classes: list that numbers the classes; None takes the model's.
        reading: how outputs are read.
    """

    year: int
    classes: tuple[str, ...] | None
    reading: Reading


def output_format(arguments: Namespace, model: FrameListener) -> OutputFormat:
    """Return the format of CSV files for a listener, before it has heard anything.

    Raises:
        ParameterError: the files of the year hold distances, which the listener does not say; or a class is not in the list.
    """
    from auris.models.listening import says_distance

    distance = says_distance(model)
    year = arguments.year or (2024 if distance else _LAST_WITHOUT_DISTANCE)
    if not distance and (year > _LAST_WITHOUT_DISTANCE or year == 2019):
        raise ParameterError(
            f"DCASE {year} files hold a distance for every row, which this listener does not say; use --year 2020 to 2023"
        )
    return OutputFormat(year, class_list(arguments.classes), arguments.reading)


def write_csv(path: str | Path, heard: Hearing, output: OutputFormat) -> None:
    """Write system output in the format of a year."""
    from auris.io.dcase import write_dcase
    from auris.io.frame_labels import renumbered

    rows = heard.rows(output.reading)
    write_dcase(path, renumbered(rows, output.classes) if output.classes else rows, year=output.year, content="prediction")


def write_heard_scene(path: str | Path, scene: Scene) -> None:
    """Write the heard scene."""
    from auris.io.scene_files import write_scene

    write_scene(path, scene)


def write_plot(path: str | Path, heard: Hearing, scene: Scene, file: str | Path, *, truth: Scene | None) -> None:
    """Draw what was heard, and what was there where it is known, under the spectrogram of the file.

    Where distances are known, what surrounds the listener is drawn beside it, from above.
    """
    from auris import plots

    spectrogram = plots.file_spectrogram(file)
    if heard.says_distance:
        picture = plots.listening(truth, scene, audio=spectrogram)
    else:
        picture = plots.directions(truth, scene, audio=spectrogram, rows=("azimuth", "elevation"))
    plots.save_figure(path, picture)


def document(file: str | Path, heard: Hearing, scene: Scene, *, model: FrameListener, layout: str) -> dict[str, Any]:
    """Return what was heard in one file for JSON."""
    events = event_documents(heard, scene)
    name = getattr(model, "name", type(model).__name__)
    return {"file": str(file), "layout": layout, "model": name, "duration": heard.duration, "events": events}


def event_documents(heard: SaysDistance, scene: Scene) -> list[dict[str, Any]]:
    """Return the events for JSON."""
    return [dict(zip(_KEYS, row, strict=True)) for row in event_rows(heard, scene)]


def table(heard: SaysDistance, scene: Scene) -> tuple[list[str], list[Sequence[object]]]:
    """Return columns and rows of the table for people."""
    columns = ["class", "onset s", "offset s", "azimuth °", "elevation °", "distance m", "confidence"]
    rows: list[Sequence[object]] = [(*r[:3], round(r[3]), round(r[4]), *r[5:]) for r in event_rows(heard, scene)]
    empty = [index for index in (5, 6) if rows and all(row[index] is None for row in rows)]
    kept = [index for index in range(len(columns)) if index not in empty]
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]


def event_rows(heard: SaysDistance, scene: Scene) -> list[EventRow]:
    """Return one row per event: class, onset, offset, direction in degrees and distance at its middle, confidence."""
    from auris.geometry import angles

    rows: list[EventRow] = []
    known = heard.says_distance
    for source, event in scene.events():
        position = scene.relative_positions(source.path, (event.onset + event.offset) / 2)
        azimuth, elevation, distance = (float(value[0]) for value in angles(position))
        place = (round(math.degrees(azimuth), 1), round(math.degrees(elevation), 1))
        times = (round(event.onset, 2), round(event.offset, 2))
        rows.append((source.label, *times, *place, round(distance, 2) if known else None, event.confidence))
    return rows
