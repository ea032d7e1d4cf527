"""What the command line prints: tables and JSON on standard output, messages and progress on standard error."""

from __future__ import annotations

import json
import math
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.progress import Progress


# Spelled out so that --help need not import the geometry behind auris.channels; a test holds the two together.
LAYOUTS = ("mono", "stereo", "binaural", "foa", *(f"hoa{order}" for order in range(2, 8)), "tetra")
LAYOUT_HELP = "one or more of " + ", ".join(LAYOUTS) + " (default: binaural)"


CLASSES_HELP = "list that numbers the classes in CSV files: sounds, dcase2021, dcase2022, l3das22, esc50, or a text file"


def class_list(name: str | None) -> tuple[str, ...] | None:
    """Return the classes of a named list or of a file, in their order; None for None."""
    if name is None:
        return None
    from auris.vocabulary import VOCABULARIES, read_vocabulary, vocabulary

    known = name.lower() in VOCABULARIES or not ("." in name or "/" in name)
    return (vocabulary(name) if known else read_vocabulary(name)).labels


def options_anywhere(parser: ArgumentParser) -> None:
    """Let options stand between the positional arguments of a verb.

    ``FILE --model NAME QUESTION`` is what people type, and what argparse refuses where QUESTION may be left out: it takes FILE
    and no question before it sees the option.
    """
    plain = parser.parse_known_args

    def mixed(args: Any = None, namespace: Any = None) -> Any:
        parser.parse_known_args = plain  # type: ignore[method-assign]
        try:
            return parser.parse_known_intermixed_args(args, namespace)
        finally:
            parser.parse_known_args = mixed  # type: ignore[method-assign]

    parser.parse_known_args = mixed  # type: ignore[method-assign]


class WrongUse(Exception):  # noqa: N818 - what happened, not a fault of the program
    """Arguments that contradict each other: the command line prints the sentence and exits with 2."""


def error_message(text: str) -> None:
    """Print one error sentence on standard error."""
    print(f"auris: error: {text}", file=sys.stderr)


def message(text: str) -> None:
    """Print one line of information on standard error."""
    print(text, file=sys.stderr)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    empty: str = "nothing",
    to: Literal["output", "messages"] = "output",
) -> None:
    """Print a table, on standard output or among the messages; columns that hold only numbers are aligned right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), box=SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(escape(format_cell(cell)) for cell in row))
    if not rows:
        table.caption, table.caption_justify = empty, "left"
    stream = sys.stdout if to == "output" else sys.stderr
    Console(file=stream, width=None if stream.isatty() else 120).print(table)


def format_cell(cell: object) -> str:
    """Return a table cell: two decimals for floats, a dash for missing values."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "–"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def print_json(document: Any) -> None:
    """Print one JSON document on standard output; NaN becomes null."""
    print(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Yield a rich progress display on standard error (rate and remaining time), silent when that is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        yield progress
