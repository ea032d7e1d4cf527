"""UrbanSound8K as published: ``audio/foldN/*.wav`` and ``metadata/UrbanSound8K.csv`` (slice_file_name, fsID, fold, class, …).

Clips with one ``fsID`` are cut from one recording of Freesound; the ten folds keep those together. Licence: CC BY-NC 3.0.

Source: Salamon, Jacoby, Bello, A Dataset and Taxonomy for Urban Sound Research, doi:10.1145/2647868.2655045.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from auris.data.sound_catalogues.attribution import Attribution
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree, absent_reason
from auris.data.sound_catalogues.tables import number_in, read_table

_TABLE = "metadata/UrbanSound8K.csv"


def _recognises(tree: SoundTree) -> bool:
    return _TABLE in tree.lists


def _read(tree: SoundTree) -> Catalogue:
    path = tree.folder / _TABLE
    entries, problems = [], {}
    labels = set()
    for line, row in read_table(path, needed=("slice_file_name", "fsID", "fold", "class")):
        fold = number_in(path, line, "fold", row["fold"])
        file = f"audio/fold{fold}/{row['slice_file_name']}"
        labels.add(row["class"])
        if file not in tree.files:
            problems[file] = absent_reason(_TABLE)
            continue
        entries.append(Entry(file, row["class"], row["fsid"], fold))
    return Catalogue(tuple(entries), tuple(sorted(labels)), problems)


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    # The number before the first dash is that of the recording on Freesound.
    numbers = {file: PurePosixPath(file).name.split("-")[0] for file in files}
    return {
        file: Attribution(file, source=f"https://freesound.org/s/{number}/", licence="CC-BY-NC-3.0")
        for file, number in numbers.items()
    }


KIND = CatalogueKind("urbansound8k", f"UrbanSound8K: {_TABLE}", _recognises, _read, _credits)
