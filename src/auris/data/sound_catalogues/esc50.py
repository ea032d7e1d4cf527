"""ESC-50 as published: ``audio/*.wav`` and ``meta/esc50.csv`` (filename, fold, target, category, esc10, src_file, take).

Classes are the categories; clips with one ``src_file`` are cut from one recording; the five folds keep those together.
The set as a whole is under CC BY-NC 3.0, its part ESC-10 under CC BY 3.0; ``LICENSE`` names the author of every clip.

Source: Piczak, ESC: Dataset for Environmental Sound Classification, doi:10.1145/2733373.2806390.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from auris.data.sound_catalogues.attribution import Attribution
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree, absent_reason
from auris.data.sound_catalogues.tables import number_in, read_table, read_text

_TABLE = "meta/esc50.csv"
_CREDIT = re.compile(r"^- \[(\d+-\d+-[A-Z])\S*\]:\s+clip derived from (.*) \((\S+)\) by (.*) \[[^\]]*\]\s*$", re.MULTILINE)


def _recognises(tree: SoundTree) -> bool:
    return _TABLE in tree.lists


def _read(tree: SoundTree) -> Catalogue:
    path = tree.folder / _TABLE
    entries, problems = [], {}
    labels = set()
    for line, row in read_table(path, needed=("filename", "fold", "category", "src_file")):
        file, fold = f"audio/{row['filename']}", number_in(path, line, "fold", row["fold"])
        labels.add(row["category"])
        if file not in tree.files:
            problems[file] = absent_reason(_TABLE)
            continue
        entries.append(Entry(file, row["category"], row["src_file"], fold))
    return Catalogue(tuple(entries), tuple(sorted(labels)), problems)


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    rows = read_table(tree.folder / _TABLE, needed=("filename",))
    free = {f"audio/{row['filename']}" for _, row in rows if row.get("esc10", "").lower() == "true"}
    text = read_text(tree.folder / "LICENSE") if (tree.folder / "LICENSE").is_file() else ""
    known = {match[1]: match.groups()[1:] for match in _CREDIT.finditer(text)}
    told = {}
    for file in files:
        # A clip is 1-100032-A-0.wav today and was 1-100032-A.ogg when the credits were written.
        title, source, author = known.get("-".join(PurePosixPath(file).stem.split("-")[:3]), ("", "", ""))
        told[file] = Attribution(file, title, source, author, "CC-BY-3.0" if file in free else "CC-BY-NC-3.0")
    return told


KIND = CatalogueKind("esc50", f"ESC-50: {_TABLE}", _recognises, _read, _credits)
