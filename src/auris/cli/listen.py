"""``auris listen``: a recording to a scene: who sounds, when, from where, how far."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from auris.cli.console import CLASSES_HELP, LAYOUTS, class_list, message, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from auris.scene import Scene

HELP = "Hear who sounds in a recording, when, from where and how far."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="audio file (WAV, FLAC, OGG)")
    parser.add_argument("--model", metavar="NAME|PATH", help="listener; default: the shipped one for the layout")
    parser.add_argument("--layout", choices=LAYOUTS, metavar="NAME", help="what the channels are, if the file does not say")
    parser.add_argument("--threshold", type=float, help="activity threshold 0..1 instead of the model's own")
    parser.add_argument("--csv", metavar="OUT.csv", help="write system output in the DCASE format of --year")
    parser.add_argument("--year", type=int, default=2024, choices=range(2019, 2026), help="DCASE format of --csv")
    parser.add_argument("--classes", metavar="NAME|FILE", help=CLASSES_HELP + "; default: those of the model")
    parser.add_argument("--scene", metavar="OUT.yaml", help="write the heard scene")
    parser.add_argument("--plot", metavar="OUT.png", help="draw directions over time under the spectrogram")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris import plots
    from auris.io.audio_files import probe, read_audio, resolve_layout
    from auris.io.dcase import write_dcase
    from auris.io.frame_labels import scene_to_rows
    from auris.io.scene_files import write_scene
    from auris.pipelines import listen, listener_for

    classes = class_list(arguments.classes)
    if arguments.plot:
        plots.check_picture_name(arguments.plot)
    header = probe(arguments.file)
    layout = resolve_layout(header, arguments.layout)
    model = listener_for(layout, model=arguments.model)
    with progress_bar() as progress:
        task = progress.add_task("listening (seconds)", total=round(header.duration))
        heard = listen(
            arguments.file,
            layout=layout,
            model=model,
            threshold=arguments.threshold,
            report=lambda seconds: progress.update(task, completed=round(seconds)),
        )
    if arguments.csv:
        write_dcase(arguments.csv, scene_to_rows(heard, classes or model.labels), year=arguments.year, content="prediction")
    if arguments.scene:
        write_scene(arguments.scene, heard)
    if arguments.plot:
        audio = read_audio(arguments.file, layout=layout)
        plots.save_figure(arguments.plot, plots.directions(None, heard, audio=audio))
    for path in (arguments.csv, arguments.scene, arguments.plot):
        if path:
            message(f"wrote {path}")
    rows = event_rows(heard)
    if arguments.json:
        keys = ("class", "onset", "offset", "azimuth_deg", "elevation_deg", "distance", "confidence")
        events = [dict(zip(keys, row, strict=True)) for row in rows]
        print_json({"file": arguments.file, "layout": layout.name, "duration": heard.duration, "events": events})
    else:
        columns = ["class", "onset s", "offset s", "azimuth °", "elevation °", "distance m", "confidence"]
        people = [(*row[:3], round(row[3]), round(row[4]), *row[5:]) for row in rows]
        print_table(f"Heard in {arguments.file}", columns, people, empty="nothing was heard")
    return 0


def event_rows(scene: Scene) -> list[tuple[str, float, float, float, float, float, float | None]]:
    """Return one row per event: class, onset, offset, direction in degrees and distance at its middle, confidence."""
    from auris.geometry import angles

    rows = []
    for source, event in scene.events():
        position = scene.relative_positions(source.path, (event.onset + event.offset) / 2)
        azimuth, elevation, distance = (float(value[0]) for value in angles(position))
        place = (round(math.degrees(azimuth), 1), round(math.degrees(elevation), 1), round(distance, 2))
        rows.append((source.label, round(event.onset, 2), round(event.offset, 2), *place, event.confidence))
    return rows
