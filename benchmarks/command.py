"""What every benchmark does as a command: measure, print a table, keep it unless it was only a quick look."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def run(name: str, *, about: str, quick: str, measure: Callable[..., Any], as_markdown: Callable[[Any], str]) -> None:
    """Run one benchmark from the command line.

    Args:
        name: of its files in ``benchmarks/results``.
        about: what it measures; the first line is shown by ``--help``.
        quick: what ``--quick`` leaves out.
        measure: takes ``quick`` and returns the results as plain values.
        as_markdown: the results as a page.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{quick}; prints without writing files")
    chosen = parser.parse_args()
    start = time.perf_counter()
    results = measure(quick=chosen.quick)
    page = as_markdown(results)
    print(page)
    print(f"took {time.perf_counter() - start:.0f} s")
    if not chosen.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(page)
        (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
