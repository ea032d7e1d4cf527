"""``auris data report``: a page with pictures and sound about a set that was made."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from auris.cli.console import message, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from auris.data.production.statistics import SetStatistics

REPORT_HELP = "Write a page about a made set: classes, lengths, overlap, places, rooms, levels, and examples to listen to."


def add_report_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``auris data report``."""
    parser.add_argument("folder", metavar="DIR", help="folder that auris data make wrote")
    parser.add_argument("--out", metavar="PAGE_DIR", help="folder of the page (default: DIR/report)")
    parser.add_argument("--examples", type=int, default=6, metavar="N", help="items to show (default: 6)")
    parser.add_argument("--seed", type=int, default=0, help="seed of their choice (default: 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run_report(arguments: Namespace) -> int:
    """Run ``auris data report``."""
    from auris.plots.set_page import write_set_page

    with progress_bar() as progress:
        task = progress.add_task("reading", total=None)
        written = write_set_page(
            arguments.folder,
            arguments.out,
            examples=arguments.examples,
            seed=arguments.seed,
            report=lambda step: progress.update(task, description=step),
        )
    numbers = _numbers(written.statistics)
    if arguments.json:
        shares = {s.label: {"events": s.events, "seconds": round(s.seconds, 3)} for s in written.statistics.classes}
        print_json({"page": str(written.page), "examples": list(written.examples), **numbers, "classes": shares})
    else:
        print_table(str(arguments.folder), ["", ""], list(numbers.items()))
        message(f"open {written.page} in a browser")
    return 0


def _numbers(statistics: SetStatistics) -> dict[str, object]:
    """What the page says in numbers; what the set has nothing of is left out."""
    rows: dict[str, object] = {"items": statistics.items, "hours": round(statistics.hours, 3), "events": statistics.events}
    for name, values in statistics.quantiles().items():
        rows[f"{name}: 5 %, median, 95 %"] = "  ".join(f"{value:.3g}" for value in values)
    if statistics.events:
        rows["events of moving sources, %"] = round(100 * float(statistics.moving.mean()), 1)
    return {**rows, "captions or questions": statistics.texts}
