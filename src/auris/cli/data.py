"""``auris data``: the published sets that auris reads, whether a copy of one is whole, and what can be made for training."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from auris.cli import data_make
from auris.cli.console import message, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from auris.data.seld_sets.check import DatasetReport

HELP = "List the data sets that auris reads, check a copy of one, make what training needs beside them."
_SHOWN = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "List the data sets that auris reads."
    listing = actions.add_parser("list", description=text, help=text)
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    text = "Tell what is missing or broken in a data set, file by file."
    check = actions.add_parser("check", description=text, help=text)
    check.add_argument("dataset", metavar="DATASET", help="name of the set, see: auris data list")
    check.add_argument("folder", metavar="DIR", help="folder that holds it, as it was unpacked")
    check.add_argument("--split", default="all", help="train, valid, test, PARTITION/SPLIT such as dev/train, or all (default)")
    check.add_argument("--recording", metavar="NAME", help="foa, mic, … (default: the usual one of the set)")
    check.add_argument(
        "--read", choices=["end", "all"], default="end", help="read the end of every recording, or all of it (default: end)"
    )
    check.add_argument("--json", action="store_true", help="print one JSON document")
    text = data_make.MAKE_HELP
    data_make.add_make_arguments(actions.add_parser("make", description=text, help=text))
    text = data_make.WEIGHTS_HELP
    data_make.add_weights_arguments(actions.add_parser("weights", description=text, help=text))


def run(arguments: Namespace) -> int:
    """Run the command."""
    actions = {"list": _list, "check": _check, "make": data_make.run_make, "weights": data_make.run_weights}
    return actions[arguments.action](arguments)


def _list(arguments: Namespace) -> int:
    from auris.data.seld_sets.catalogue import DATASETS

    if arguments.json:
        print_json(
            {
                "datasets": [
                    {
                        "name": entry.name,
                        "title": entry.title,
                        "classes": entry.class_count or None,
                        "sample_rate": entry.sample_rate or None,
                        "recordings": entry.recordings,
                        "splits": entry.split_names,
                        "layout": entry.layout_text,
                        "homepage": entry.homepage,
                        "licence": entry.licence,
                    }
                    for entry in DATASETS.values()
                ]
            }
        )
        return 0
    rows = [(e.name, e.title, e.class_count or None, e.sample_rate or None, ", ".join(e.partitions)) for e in DATASETS.values()]
    print_table("Data sets", ["name", "title", "classes", "Hz", "partitions"], rows)
    return 0


def _check(arguments: Namespace) -> int:
    from auris.data.seld_sets.check import check_dataset

    with progress_bar() as progress:
        task = progress.add_task("checking", total=None)
        report = check_dataset(
            arguments.dataset,
            arguments.folder,
            split=arguments.split,
            recording=arguments.recording,
            read=arguments.read,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if arguments.json:
        print_json(report.to_dict())
    else:
        _print(report)
    return 1 if report.errors else 0


def _print(report: DatasetReport) -> None:
    if report.findings:
        shown = [(f.severity, f.kind, os.path.relpath(f.path, report.root), f.text) for f in report.findings[:_SHOWN]]
        print_table("Findings", ["", "what", "file", "found"], shown)
        if len(report.findings) > _SHOWN:
            message(f"{len(report.findings) - _SHOWN} more findings; --json prints all of them")
        kinds = [(severity, kind, count) for (severity, kind), count in sorted(report.kinds.items())]
        print_table("Findings by kind", ["", "what", "files"], kinds)
    summary = [
        ("clips", report.clips),
        ("clips with labels", report.labelled),
        ("label files without events", report.silent),
        ("hours", round(report.seconds / 3600, 2)),
        ("label rows", report.rows),
        *((f"rows that {name} targets cannot hold", count) for name, count in report.unheld.items()),
        ("errors", report.errors),
        ("warnings", len(report.findings) - report.errors),
    ]
    print_table(f"{report.dataset}, {report.recording}, {report.split}: {report.root}", ["", ""], summary)
    print_table("Clips by split", ["split", "clips"], list(report.splits.items()))
