"""CSV files of numbers, fast when they are right and exact about the line when they are not."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

import numpy as np

from auris.errors import FormatError
from auris.geometry.directions import Floats

_MAX_BYTES = 256 * 2**20


def read_number_rows(
    path: str | Path, *, columns: Collection[int], header: str | None, what: str, used: int | None = None
) -> Floats:
    """Read comma-separated finite numbers with one number of columns throughout.

    Args:
        path: the file; blank lines are accepted at its end only.
        columns: accepted numbers of columns.
        header: the exact first line, or None where there is none.
        what: name of the format, for messages.
        used: columns after this many are not looked at; all of them are by default.

    Returns:
        Array ``(rows, columns)``; shape ``(0, 0)`` for a file without rows.

    Raises:
        FormatError: with file and line, what was found and what is accepted.
    """
    return parse_number_rows(read_lines(path), where=path, columns=columns, header=header, what=what, used=used)


def parse_number_rows(
    lines: list[str], *, where: str | Path, columns: Collection[int], header: str | None, what: str, used: int | None = None
) -> Floats:
    """Return the numbers in lines of text; as :func:`read_number_rows`, with ``where`` the name of the file in messages."""
    if header is not None:
        lines = _without_header(where, lines, header, what)
    if not lines:
        return np.zeros((0, 0))
    width = lines[0].count(",") + 1
    if used is not None and width > used:
        lines, width = [",".join(line.split(",", used)[:used]) for line in lines], used
    if width in columns and {line.count(",") for line in lines} == {width - 1}:
        try:
            # Several times as fast as handing NumPy the strings.
            numbers = np.array(list(map(float, ",".join(lines).split(","))))
        except ValueError:
            pass
        else:
            if np.all(np.isfinite(numbers)):
                return numbers.reshape(-1, width)
    raise _first_fault(where, lines, columns, width, first_line=1 if header is None else 2, what=what)


def read_lines(path: str | Path) -> list[str]:
    """Return the lines of a text file without blank ones at the end.

    Raises:
        FormatError: the file is missing, too large or not UTF-8 text.
    """
    file = Path(path)
    if not file.is_file():
        raise FormatError(f"{file}: no such file")
    if file.stat().st_size > _MAX_BYTES:
        raise FormatError(f"{file}: larger than {_MAX_BYTES // 2**20} MiB, which no label file is")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file (UTF-8 expected)"
        raise FormatError(f"{file}: {reason}") from None
    return text.rstrip().splitlines()


def _without_header(path: str | Path, lines: list[str], header: str, what: str) -> list[str]:
    found = lines[0].replace(" ", "") if lines else "an empty file"
    if found != header:
        raise FormatError(f"{path}:1: {what} files begin with the line {header!r}, got {found!r}")
    return lines[1:]


def _first_fault(
    path: str | Path, lines: list[str], columns: Collection[int], width: int, *, first_line: int, what: str
) -> FormatError:
    """Describe the first line that is wrong."""
    counts = " or ".join(str(n) for n in sorted(columns))
    for number, line in enumerate(lines, start=first_line):
        where = f"{path}:{number}"
        cells = line.split(",")
        if not line.strip():
            return FormatError(f"{where}: blank line; remove it")
        for cell in cells:
            if not _is_number(cell):
                hint = f"; {what} files have no header" if number == 1 and any(c.isalpha() for c in line) else ""
                return FormatError(f"{where}: {cell.strip()!r} is not a finite number{hint}")
        if len(cells) not in columns:
            return FormatError(f"{where}: {len(cells)} columns; {what} files have {counts}")
        if len(cells) != width:
            return FormatError(f"{where}: {len(cells)} columns, but the first row has {width}")
    raise AssertionError("a file without fault was called faulty")


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
