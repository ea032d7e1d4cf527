"""``auris data``: published sets and whether a copy of one is whole, folders of sounds, and sets that are made here."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from auris.cli import data_make, data_report, data_sounds, data_weights
from auris.cli.console import message, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from auris.data.seld_sets.check import DatasetReport

HELP = "Make data sets, check and show them, measure folders of sounds, list the published sets that auris reads."
_SHOWN = 100
_ACTIONS: dict[str, tuple[str, Callable[[ArgumentParser], None], Callable[[Namespace], int]]] = {
    "make": (data_make.HELP, data_make.add_arguments, data_make.run),
    "report": (data_report.REPORT_HELP, data_report.add_report_arguments, data_report.run_report),
    "sounds": (data_sounds.HELP, data_sounds.add_arguments, data_sounds.run),
    "weights": (data_weights.HELP, data_weights.add_arguments, data_weights.run),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "List the data sets that auris reads."
    listing = actions.add_parser("list", description=text, help=text)
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    text = "Tell what is missing or broken in a published data set, or in a set made by auris data make, file by file."
    check = actions.add_parser("check", description=text, help=text)
    check.add_argument(
        "dataset", metavar="DATASET", nargs="?", help="name of the set, see: auris data list; none for a made set"
    )
    check.add_argument("folder", metavar="DIR", help="folder that holds it, as it was unpacked or made")
    check.add_argument("--split", default="all", help="train, valid, test, PARTITION/SPLIT such as dev/train, or all (default)")
    check.add_argument("--recording", metavar="NAME", help="foa, mic, … (default: the usual one of the set)")
    check.add_argument(
        "--read", choices=["end", "all"], default="end", help="read the end of every recording, or all of it (default: end)"
    )
    check.add_argument("--json", action="store_true", help="print one JSON document")
    for name, (text, add, _) in _ACTIONS.items():
        add(actions.add_parser(name, description=text, help=text))


def run(arguments: Namespace) -> int:
    """Run the command."""
    own = {"list": _list, "check": _check}
    action = own.get(arguments.action) or _ACTIONS[arguments.action][2]
    return action(arguments)


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
    return _check_made(arguments) if arguments.dataset is None else _check_published(arguments)


def _check_made(arguments: Namespace) -> int:
    from auris.data.production.check import check_set

    with progress_bar() as progress:
        task = progress.add_task("checking", total=None)
        report = check_set(arguments.folder, progress=lambda done, total: progress.update(task, completed=done, total=total))
    if arguments.json:
        print_json(report.to_dict())
        return 1 if report.findings else 0
    if report.findings:
        print_table("Findings", ["what", "file", "found"], [(f.kind, f.path, f.text) for f in report.findings[:_SHOWN]])
        if len(report.findings) > _SHOWN:
            message(f"{len(report.findings) - _SHOWN} more findings; --json prints all of them")
        message("auris data make with the same arguments and --resume makes again what is missing or damaged")
    summary = [
        ("items", report.items),
        ("files", report.files),
        ("megabytes", round(report.bytes / 1e6, 1)),
        *((f"files {kind}", count) for kind, count in report.kinds.items()),
    ]
    print_table(f"{report.preset}, {report.form}: {report.root}", ["", ""], summary)
    return 1 if report.findings else 0


def _check_published(arguments: Namespace) -> int:
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
