"""``auris demo``: simulate a scene, listen to it, ask about it, show what was there and what was heard side by side."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from auris.cli.console import message, print_json, print_table

if TYPE_CHECKING:
    from auris.demo import DemoResult

HELP = "Simulate a scene, listen to it, ask about it, and compare."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--out", default="demo", metavar="DIR", help="folder to write (default: demo)")
    parser.add_argument("--sounds", metavar="DIR", help="your recordings, a sub-folder per class; default: synthesised sounds")
    parser.add_argument("--seed", type=int, default=0, help="which scene to draw (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris.demo import pair_row, run_demo

    result = run_demo(arguments.out, sounds=arguments.sounds, seed=arguments.seed, report=message)
    if arguments.json:
        print_json(result.to_dict())
        return 0
    columns = [
        "class",
        "there: seconds",
        "azimuth",
        "elevation",
        "distance",
        "heard: seconds",
        "azimuth",
        "elevation",
        "distance",
        "off by",
    ]
    for layout, pairs in result.pairs.items():
        rows = [_cells(pair_row(result.scene, result.heard[layout], pair)) for pair in pairs]
        print_table(f"What was there, what was heard ({layout})", columns, rows)
    names = {
        "f20": "F-score, right class within 20° (DCASE 2024, micro)",
        "localisation_error_deg": "localisation error of detected classes, degrees",
        "localisation_recall": "localisation recall",
        "relative_distance_error": "relative distance error",
    }
    rows = [[text, *(result.scores[layout][key] for layout in result.scores)] for key, text in names.items()]
    print_table("Scores against the truth", ["score", *result.scores], rows)
    _print_questions(result)
    print_table(f"Written to {result.folder}", ["file"], [(path.relative_to(result.folder),) for path in result.files])
    return 0


def _print_questions(result: DemoResult) -> None:
    """Print questions, the right answers, and those by rules and of the language model, if there is one."""
    title, columns = "Asked of the ambisonic recording", ["question", "truth", "by rules"]
    if result.model is None:
        print_table(title, columns, [(q.question, q.truth, q.by_rules) for q in result.questions])
    else:
        rows = [(q.question, q.truth, q.by_rules, q.by_model) for q in result.questions]
        print_table(title, [*columns, result.model], rows)


def _cells(row: dict[str, Any]) -> list[object]:
    """Return one line of the side-by-side table."""
    true, heard = row["true"], row["heard"]
    name = (true or heard)["class"] if true else f"{heard['class']} (not there)"
    off = f"{row['angle_deg']:.0f}°" if true and heard else None
    return [name, *_place(true), *_place(heard), off]


def _place(event: dict[str, Any] | None) -> list[str | None]:
    if event is None:
        return [None] * 4
    span = f"{event['onset']:.1f}–{event['offset']:.1f}"
    return [
        span,
        *(_change(event[key], unit) for key, unit in (("azimuth_deg", "°"), ("elevation_deg", "°"), ("distance", " m"))),
    ]


def _change(ends: list[float], unit: str) -> str:
    """Return ``a`` or ``a → b`` for a value at the event's beginning and end."""
    first, last = (f"{end:.1f}" if unit == " m" else f"{end:.0f}" for end in ends)
    return f"{first}{unit}" if first == last else f"{first}→{last}{unit}"
