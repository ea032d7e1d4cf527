"""Comma-separated tables as sets of sounds publish them: rows by column name, with messages that name file and line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from auris.errors import FormatError


def read_text(path: Path) -> str:
    """Return the text of a list.

    Raises:
        FormatError: it cannot be read as UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def header_of(path: Path) -> tuple[str, ...]:
    """Return the column names of a table, in lower case; nothing when the file cannot be read as one."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            row = next(csv.reader([stream.readline(1 << 16)], skipinitialspace=True), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()
    return tuple(name.strip().lower() for name in row)


def read_table(path: Path, *, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and values by column of every row of a table with a header.

    Column names are compared in lower case; missing values are empty. Spaces around values go.

    Raises:
        FormatError: no such file, a needed column is missing, or a row lacks a needed value.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), skipinitialspace=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in needed if name.lower() not in names]
        if missing:
            raise FormatError(f"{path}: lacks the column {' and '.join(missing)}; its header is {', '.join(names) or 'empty'}")
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) > len(names):
                raise FormatError(f"{path}:{reader.line_num}: {len(values)} values for {len(names)} columns; quote commas")
            row = dict.fromkeys(names, "") | {name: value.strip() for name, value in zip(names, values, strict=False)}
            empty = [name for name in needed if not row[name.lower()]]
            if empty:
                raise FormatError(f"{path}:{reader.line_num}: no {' and no '.join(empty)} in this row")
            yield reader.line_num, row
    except csv.Error as error:
        raise FormatError(f"{path}:{reader.line_num}: not a table of comma-separated values ({error})") from None


def number_in(path: Path, line: int, column: str, text: str) -> int:
    """Return a whole number of a table.

    Raises:
        FormatError: it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise FormatError(f"{path}:{line}: {column} is a whole number, got {text!r}") from None
