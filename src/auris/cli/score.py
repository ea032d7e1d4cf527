"""``auris score``: predictions against references."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from auris.cli.console import print_json, print_table

HELP = "Score predictions against references."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("task", choices=["seld"], help="seld: sound event localisation and detection")
    parser.add_argument("--reference", required=True, metavar="DIR", help="folder of DCASE CSV files")
    parser.add_argument("--prediction", required=True, metavar="DIR", help="folder of DCASE CSV files of the same names")
    parser.add_argument(
        "--year", type=int, default=2024, choices=[2021, 2022, 2023, 2024, 2025], help="whose rules (default: 2024)"
    )
    parser.add_argument("--classes", type=int, default=13, help="number of classes (default: 13)")
    parser.add_argument("--average", choices=["macro", "micro"], default="macro", help="over classes or over events")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris.metrics.seld import score_folders

    score = score_folders(
        arguments.reference, arguments.prediction, year=arguments.year, classes=arguments.classes, average=arguments.average
    )
    if arguments.json:
        print_json(score.to_dict())
    else:
        rows = [(name, value) for name, value in score.to_dict().items() if isinstance(value, int | float)]
        print_table(f"SELD, rules of DCASE {arguments.year}", ["score", "value"], rows)
    return 0
