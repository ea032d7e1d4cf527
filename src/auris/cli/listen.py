"""``auris listen``: recordings to scenes: who sounds, when, from where, how far."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris.cli.console import CLASSES_HELP, LAYOUTS, WrongUse, message, print_json, print_table, progress_bar
from auris.errors import FormatError

if TYPE_CHECKING:
    from auris.models.listening import FrameListener, Hearing

HELP = "Hear who sounds in recordings, when, from where and how far."
_WRITABLE = ("csv", "scene", "plot")
_NUMBER = r"\s*([0-9.]+(?:[eE][-+]?\d+)?)\s*(?:,|$)"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="audio file (WAV, FLAC, OGG); several, or a folder, with --out"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    listening = parser.add_argument_group("how to listen")
    listening.add_argument("--model", metavar="NAME|PATH", help="listener; default: the shipped one for the layout")
    listening.add_argument("--layout", choices=LAYOUTS, metavar="NAME", help="what the channels are, if the file does not say")
    listening.add_argument(
        "--threshold",
        metavar="T",
        help="activity 0..1 instead of the model's own: 0.5, or dog=0.3,speech=0.4, or 0.5,dog=0.3 for the rest as well; "
        "or the published ones of dcase2021, l3das22 or starss23",
    )
    listening.add_argument(
        "--reading",
        choices=("events", "frames"),
        default="events",
        help="events: sounds are followed through time; frames: each frame by itself, as challenge systems (default: events)",
    )
    listening.add_argument(
        "--hop",
        type=float,
        metavar="SECONDS",
        help="average blocks that begin every so many seconds (0.5 is usual; slower); models that hear clips as a whole "
        "always join them (default there: a quarter of a clip)",
    )
    listening.add_argument(
        "--tta", action="store_true", help="test-time averaging over 16 rotations by channel swaps (foa; 16 times slower)"
    )
    listening.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    listening.add_argument("--batch", type=int, metavar="N", help="blocks heard at a time (default: 1, on a graphics card 16)")
    writing = parser.add_argument_group("what to write")
    writing.add_argument("--csv", metavar="OUT.csv", help="system output in the DCASE format of --year")
    writing.add_argument(
        "--year",
        type=int,
        choices=range(2019, 2026),
        metavar="YEAR",
        help="2019 to 2025 (default: 2024; without distances 2023)",
    )
    writing.add_argument("--classes", metavar="NAME|FILE", help=CLASSES_HELP + "; default: those of the model")
    writing.add_argument("--scene", metavar="OUT.yaml", help="the heard scene")
    writing.add_argument("--plot", metavar="OUT.png", help="directions over time, and from above where distances are said")
    writing.add_argument("--truth", metavar="SCENE.yaml", help="scene that was there, drawn into the plot as lines")
    many = parser.add_argument_group("many recordings")
    many.add_argument("--out", metavar="DIR", help="write NAME.csv for every recording, ready for auris score")
    many.add_argument(
        "--write",
        nargs="+",
        choices=_WRITABLE,
        default=None,
        metavar="KIND",
        help="with --out: csv, scene, plot (default: csv)",
    )
    many.add_argument("--resume", action="store_true", help="with --out: skip recordings whose files are there already")


def run(arguments: Namespace) -> int:
    """Run the command."""
    _check_use(arguments)
    if arguments.out:
        from auris.cli.listen_many import listen_to_many

        return listen_to_many(arguments)
    return _listen_to_one(arguments)


def _check_use(arguments: Namespace) -> None:
    """Refuse arguments that contradict each other, and pictures nobody can draw, before anything is heard."""
    single = [f"--{name}" for name in ("csv", "scene", "plot", "truth") if getattr(arguments, name)]
    if arguments.out and single:
        raise WrongUse(f"{' and '.join(single)} name one file; with --out use --write")
    if not arguments.out and (arguments.write or arguments.resume):
        raise WrongUse("--write and --resume belong to --out DIR")
    if not arguments.out and len(arguments.files) > 1:
        raise WrongUse("several recordings need --out DIR for what is heard")
    if not arguments.out and Path(arguments.files[0]).is_dir():
        raise FormatError(f"{arguments.files[0]}: not a file; a folder of recordings needs --out DIR for what is heard")
    if arguments.truth and not arguments.plot:
        raise WrongUse("--truth is drawn into --plot OUT.png, which is missing")
    parse_threshold(arguments.threshold)
    if arguments.plot:
        from auris.plots import check_picture_name

        check_picture_name(arguments.plot)


def _listen_to_one(arguments: Namespace) -> int:
    from auris.cli import heard as heard_files
    from auris.io.audio_files import probe
    from auris.io.scene_files import read_scene

    (file,) = arguments.files
    truth = read_scene(arguments.truth) if arguments.truth else None
    duration = probe(file).duration
    model, layout = loaded_listener(arguments, file)
    csv_format = heard_files.output_format(arguments, model) if arguments.csv else None
    with progress_bar() as progress:
        task = progress.add_task("listening (seconds)", total=round(duration))
        heard = hear_file(arguments, file, model, lambda seconds: progress.update(task, completed=round(seconds)))
    scene = heard.scene(arguments.reading)
    if csv_format:
        heard_files.write_csv(arguments.csv, heard, csv_format)
    if arguments.scene:
        heard_files.write_heard_scene(arguments.scene, scene)
    if arguments.plot:
        heard_files.write_plot(arguments.plot, heard, scene, file, truth=truth)
    for path in (arguments.csv, arguments.scene, arguments.plot):
        if path:
            message(f"wrote {path}")
    if arguments.json:
        print_json(heard_files.document(file, heard, scene, model=model, layout=layout))
    else:
        columns, people = heard_files.table(heard, scene)
        print_table(f"Heard in {file}", columns, people, empty="nothing was heard")
    return 0


def loaded_listener(arguments: Namespace, file: str | Path) -> tuple[FrameListener, str]:
    """Return the listener for a file, and the name of the file's layout."""
    from auris.pipelines import layout_of, listener_for

    if arguments.model:
        listener = listener_for(None, model=arguments.model, device=arguments.device)
        return listener, layout_of(file, arguments.layout, listener=listener).name
    layout = layout_of(file, arguments.layout)
    return listener_for(layout, device=arguments.device), layout.name


def hear_file(arguments: Namespace, file: str | Path, model: FrameListener, report: Callable[[float], None]) -> Hearing:
    """Listen to a file as the arguments say."""
    from auris.pipelines import hearing

    return hearing(
        file,
        model=model,
        layout=arguments.layout,
        threshold=threshold_for(arguments.threshold, model.labels),
        hop=arguments.hop,
        tta="acs" if arguments.tta else "none",
        batch=arguments.batch,
        report=report,
    )


def parse_threshold(text: str | None) -> tuple[float | None, dict[str, float]] | str | None:
    """Return what ``--threshold`` says: a number for all and numbers by class, or the name of a published table.

    >>> parse_threshold("0.5,Male speech, man speaking=0.3,dog=0.4")
    (0.5, {'Male speech, man speaking': 0.3, 'dog': 0.4})
    """
    if text is None or text in ("dcase2021", "l3das22", "starss23"):
        return text
    common: float | None = None
    named: dict[str, float] = {}
    rest = text
    while rest:
        # Class names may hold commas: a name ends with "=", an entry with its number.
        found = re.match(_NUMBER, rest) or re.match(r"\s*([^=]+?)\s*=" + _NUMBER, rest)
        if found is None:
            raise WrongUse(f"--threshold takes 0.5, dog=0.3,speech=0.4 or both, got {text!r}")
        *name, number = found.groups()
        try:
            value = float(number)
        except ValueError:
            raise WrongUse(f"--threshold: {number!r} is not a number") from None
        if name:
            named[name[0]] = value
        else:
            common = value
        rest = rest[found.end() :]
    return common, named


def threshold_for(text: str | None, labels: Sequence[str]) -> Any:
    """Return ``--threshold`` as :func:`auris.pipelines.listen` takes it, for a model's classes."""
    parsed = parse_threshold(text)
    if parsed is None:
        return None
    if isinstance(parsed, str):
        from auris.models.track_decoding import SUGGESTED_THRESHOLDS

        return SUGGESTED_THRESHOLDS[parsed]
    common, named = parsed
    if not named:
        return common
    return named if common is None else {**dict.fromkeys(labels, common), **named}
