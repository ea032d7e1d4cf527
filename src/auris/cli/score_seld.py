"""``auris score seld``: label files against label files, by the rules of a challenge."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from auris.cli.console import WrongUse, class_list, message, print_json, print_table
from auris.errors import FormatError

if TYPE_CHECKING:
    from auris.metrics.seld import SeldEvaluation

HELP = "Sound event localisation and detection: label files against label files."

YEARS = ("2021", "2022", "2023", "2024", "2025", "l3das22", "pseldnets")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--reference", required=True, metavar="PATH", help="CSV file of labels, or a folder of them")
    parser.add_argument(
        "--prediction", required=True, metavar="PATH", help="CSV of system output, or a folder of the same names"
    )
    parser.add_argument("--year", choices=YEARS, default="2024", help="whose rules and file format (default: 2024)")
    parser.add_argument("--classes", required=True, metavar="N|NAME|FILE", help="number of classes, or their list")
    parser.add_argument("--average", choices=["macro", "micro", "macro_present"], help="default: the official one of the year")
    parser.add_argument(
        "--parity",
        choices=["strict", "upstream"],
        default="strict",
        help="strict (default): every recording needs a prediction, and those that lack one are named; "
        "upstream: count as the published code, which leaves them out",
    )
    parser.add_argument("--intervals", action="store_true", help="add 95 %% jackknife intervals over recordings")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    evaluation = _evaluation(arguments)
    score = evaluation.score(arguments.average)
    intervals = evaluation.intervals(arguments.average) if arguments.intervals else {}
    left_out = evaluation.uncounted
    if left_out:
        message(f"not counted, because they have no prediction: {', '.join(left_out)}")
    if arguments.json:
        document = {**score.to_dict(), "recordings": list(evaluation.clips), "uncounted": list(left_out)}
        print_json(document | ({"intervals": {name: asdict(each) for name, each in intervals.items()}} if intervals else {}))
        return 0
    rows: list[list[object]] = [[name.replace("_", " "), value] for name, value in score.values().items()]
    for row, interval in zip(rows, intervals.values(), strict=False):
        row += [interval.low, interval.high]
    columns = ["score", "value", *(("from", "to") if intervals else ())]
    print_table(f"SELD, {score.rules.name}, {score.average}", columns, rows)
    return 0


def _evaluation(arguments: Namespace) -> SeldEvaluation:
    """Read and count the two sides, which are both files or both folders."""
    from auris.io.dcase import read_dcase
    from auris.metrics.seld import evaluate_folders, evaluate_labels

    year = int(arguments.year) if arguments.year.isdigit() else arguments.year
    classes = int(arguments.classes) if arguments.classes.isdigit() else len(class_list(arguments.classes) or ())
    paths = Path(arguments.reference), Path(arguments.prediction)
    for path in paths:
        if not path.exists():
            raise FormatError(f"{path}: no such file or folder")
    if paths[0].is_dir() != paths[1].is_dir():
        raise WrongUse("--reference and --prediction must both be files, or both be folders")
    if not isinstance(year, int) and not paths[0].is_dir():
        raise WrongUse(f"--year {year} scores folders only")
    if paths[0].is_dir():
        return evaluate_folders(*paths, classes=classes, year=year, parity=arguments.parity)
    sides = read_dcase(paths[0], year=year), read_dcase(paths[1], year=year, content="prediction")
    reference, prediction = ({paths[0].stem: rows} for rows in sides)
    return evaluate_labels(reference, prediction, classes=classes, year=year, parity=arguments.parity)
