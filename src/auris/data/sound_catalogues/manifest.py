"""Any folder with a CSV list of what is in it.

Its columns are file and label, and if it likes split, fold, recording, title, source, author and licence.
Files are relative to the folder of the list. A file may stand in several rows, once for each of its classes. Without the column
recording the file name tells it (:func:`auris.data.sound_splits.recording_of`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from auris.data.sound_catalogues.attribution import Attribution, credit_of_row
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree, absent_reason
from auris.data.sound_catalogues.tables import header_of, number_in, read_table
from auris.data.sound_splits import SPLIT_SHARES, Split, fold_of, recording_of
from auris.errors import FormatError, unknown_name

_SPLITS: dict[str, Split] = {name: name for name in SPLIT_SHARES} | {"val": "validation", "valid": "validation"}


def _lists(tree: SoundTree) -> list[Path]:
    tables = [tree.folder / name for name in tree.lists if "/" not in name and name.lower().endswith(".csv")]
    return [path for path in tables if {"file", "label"} <= set(header_of(path))]


def _recognises(tree: SoundTree) -> bool:
    return tree.manifest is not None or bool(_lists(tree))


def _list_of(tree: SoundTree) -> Path:
    if tree.manifest is not None:
        return tree.manifest
    lists = _lists(tree)
    if len(lists) != 1:
        names = ", ".join(path.name for path in lists)
        hint = f"holds several lists ({names}); give one of them instead of the folder" if lists else "holds no list of sounds"
        raise FormatError(f"{tree.folder}: {hint}; a list is a CSV file with the columns file and label")
    return lists[0]


def _read(tree: SoundTree) -> Catalogue:
    path = _list_of(tree)
    entries: dict[tuple[str, str], Entry] = {}
    problems: dict[str, str] = {}
    classes: dict[str, list[str]] = {}
    for line, row in read_table(path, needed=("file", "label")):
        file = _file_of(row)
        classes.setdefault(file, []).append(row["label"])
        if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
            problems[file] = f"outside the folder of {path.name}; files are relative to it"
        elif file not in tree.files:
            problems[file] = _absent(tree, file, path)
        else:
            entries[file, row["label"]] = _entry(path, line, file, row)
    complete = (_with_others(entry, classes[entry.file]) for entry in entries.values())
    return Catalogue(tuple(complete), tuple(sorted({label for labels in classes.values() for label in labels})), problems)


def _entry(path: Path, line: int, file: str, row: dict[str, str]) -> Entry:
    split = row.get("split", "").lower()
    if split and split not in _SPLITS:
        raise FormatError(f"{path}:{line}: {unknown_name('split', split, SPLIT_SHARES)}")
    fold = number_in(path, line, "fold", row["fold"]) if row.get("fold") else fold_of(file)
    return Entry(file, row["label"], row.get("recording") or recording_of(file), fold, _SPLITS.get(split))


def _with_others(entry: Entry, labels: Sequence[str]) -> Entry:
    others = tuple(label for label in dict.fromkeys(labels) if label != entry.label)
    return Entry(entry.file, entry.label, entry.recording, entry.fold, entry.split, others) if others else entry


def _absent(tree: SoundTree, file: str, path: Path) -> str:
    if (tree.folder / file).is_file():
        return f"{PurePosixPath(file).suffix or 'a file without a suffix'} is no audio that can be decoded; give WAV or FLAC"
    return absent_reason(path.name)


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    told = {file: Attribution(file) for file in files}
    for _, row in read_table(_list_of(tree), needed=("file", "label")):
        file = _file_of(row)
        # Of several rows about one file the first that says anything counts.
        if told.get(file) == Attribution(file):
            told[file] = credit_of_row({**row, "file": file})
    return told


def _file_of(row: Mapping[str, str]) -> str:
    return PurePosixPath(row["file"].replace("\\", "/")).as_posix()


KIND = CatalogueKind("manifest", "a CSV list with the columns file and label", _recognises, _read, _credits)
