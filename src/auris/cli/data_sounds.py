"""``auris data sounds``: what a folder of recordings holds, and what is wrong with it."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from auris.cli.console import message, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from auris.data.sound_bank import SoundBank
    from auris.data.sound_summary import ClassSummary

HELP = "Measure a folder of recordings: what it holds of every class, and which files cannot be used."
_SHOWN = 30  # classes without recordings that are named
# Spelled out so that --help need not import NumPy; a test holds them and auris.data.sound_catalogues.KINDS together.
KINDS = (
    "auto",
    "class_folders",
    "manifest",
    "esc50",
    "urbansound8k",
    "fsd50k",
    "audioset",
    "librispeech",
    "librispeech_speakers",
    "musdb",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``auris data sounds``."""
    parser.add_argument("folder", metavar="DIR", help="folder of recordings or a published set, or a CSV list of files")
    parser.add_argument(
        "--kind", choices=KINDS, default="auto", metavar="KIND", help=f"layout: {', '.join(KINDS)} (default: find out)"
    )
    parser.add_argument(
        "--labels", nargs="+", metavar="CLASS", help="only these classes; name=class gives a class another name"
    )
    parser.add_argument("--split", choices=["train", "validation", "test"], help="only this part of the recordings")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="threads that decode at a time (default: one per core, at most 8)"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a file cannot be used")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run ``auris data sounds``."""
    from auris.data.sound_bank import SoundBank
    from auris.data.sound_summary import class_summaries

    bank = SoundBank(arguments.folder, kind=arguments.kind, labels=arguments.labels, split=arguments.split)
    with progress_bar() as progress:
        task = progress.add_task("measuring", total=None)
        report = bank.check(
            workers=max(arguments.workers or min(os.cpu_count() or 1, 8), 1),
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    summaries = class_summaries(bank)
    if arguments.json:
        print_json(_document(bank, summaries))
    else:
        _print(bank, summaries)
    return 1 if arguments.strict and report.skipped else 0


def _document(bank: SoundBank, summaries: tuple[ClassSummary, ...]) -> dict[str, Any]:
    return {
        "folder": str(bank.folder),
        "kind": bank.kind,
        "classes": [asdict(summary) for summary in summaries],
        "licences": bank.licences(),
        "skipped": dict(sorted(bank.report.skipped.items())),
        "remarks": dict(sorted(bank.report.remarks.items())),
        "without_recordings": list(bank.report.absent),
        "notes": list(bank.report.notes),
    }


def _print(bank: SoundBank, summaries: tuple[ClassSummary, ...]) -> None:
    report = bank.report
    columns = ["class", "clips", "recordings", "active s", "dBFS", "LUFS", "train/validation/test", "licences"]
    rows = [
        (
            entry.label,
            entry.clips,
            entry.recordings,
            round(entry.active_seconds, 1),
            entry.level_db,
            entry.loudness,
            "/".join(str(entry.parts.get(part, 0)) for part in ("train", "validation", "test")),
            ", ".join(f"{licence} ({count})" for licence, count in entry.licences.items()),
        )
        for entry in summaries
    ]
    print_table(f"{bank.folder} ({bank.kind})", columns, rows)
    if report.skipped:
        print_table("Files that cannot be used", ["file", "reason"], sorted(report.skipped.items()))
    if report.remarks:
        print_table("Odd files", ["file", "what"], sorted(report.remarks.items()))
    if report.absent:
        more = f" and {len(report.absent) - _SHOWN} more" if len(report.absent) > _SHOWN else ""
        message(f"no recording of: {', '.join(report.absent[:_SHOWN])}{more}")
    for note in report.notes:
        message(note)
    clips, hours = sum(entry.clips for entry in summaries), sum(entry.active_seconds for entry in summaries) / 3600
    message(f"{clips} clips of {len(summaries)} classes, {hours:.2f} hours active, {len(report.skipped)} files skipped")
