"""Who made a recording and what may be done with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from auris.data.sound_catalogues.tables import read_table

UNKNOWN = "unknown"
ATTRIBUTION_FILE = "ATTRIBUTION.csv"
_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/(licenses|publicdomain)/([a-z+-]+)/(\d\.\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a recording is, whose it is, and under which licence it may be used.

    Attributes:
        file: path relative to the folder of sounds.
        title: what its author calls it; empty when unknown.
        source: where it is from, an address where there is one; empty when unknown.
        author: empty when unknown.
        licence: short name such as ``CC-BY-4.0``, or ``unknown``.
    """

    file: str
    title: str = ""
    source: str = ""
    author: str = ""
    licence: str = UNKNOWN


def licence_name(text: str) -> str:
    """Return the short name of a licence given by its address; other text stays.

    >>> licence_name("http://creativecommons.org/licenses/by-nc/3.0/"), licence_name("CC0"), licence_name("")
    ('CC-BY-NC-3.0', 'CC0', 'unknown')
    """
    found = _CREATIVE_COMMONS.search(text)
    if not found:
        return text.strip() or UNKNOWN
    if found[1].lower() == "publicdomain":
        return f"CC0-{found[3]}" if found[2].lower() == "zero" else "public domain"
    parts = found[2].lower()
    name = "Sampling+" if parts == "sampling+" else parts.upper()
    return f"CC-{name}-{found[3]}"


def stated_credits(folder: Path) -> dict[str, Attribution]:
    """Return what ``ATTRIBUTION.csv`` in a folder of sounds says, by file; nothing without one.

    Its columns are file, title, source, author and licence; all but the first may be absent.

    Raises:
        FormatError: it is not such a table.
    """
    path = folder / ATTRIBUTION_FILE
    if not path.is_file():
        return {}
    return {row["file"]: credit_of_row(row) for _, row in read_table(path, needed=("file",))}


def credit_of_row(row: Mapping[str, str]) -> Attribution:
    """Return the attribution in a row of a table with a column ``file``."""
    licence = row.get("licence") or row.get("license") or ""
    title, source, author = (row.get(name, "").strip() for name in ("title", "source", "author"))
    return Attribution(row["file"], title, source, author, licence_name(licence))


def licence_counts(attributions: Iterable[Attribution]) -> dict[str, int]:
    """Return how many files have each licence, the most frequent first."""
    counts = Counter(entry.licence for entry in attributions)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
