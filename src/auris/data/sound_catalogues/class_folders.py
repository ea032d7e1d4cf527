"""One folder per class, ``folder/class/**/file``: the first level names the class, anything below is searched.

Recordings and folds are told by the file names (:mod:`auris.data.sound_splits`), credits by ``ATTRIBUTION.csv``.
"""

from __future__ import annotations

from collections.abc import Sequence

from auris.data.sound_catalogues.attribution import Attribution
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree
from auris.data.sound_splits import fold_of, recording_of


def _recognises(tree: SoundTree) -> bool:
    return bool(tree.folders)


def _read(tree: SoundTree) -> Catalogue:
    nested = [file for file in tree.files if "/" in file]
    entries = tuple(Entry(file, file.partition("/")[0], recording_of(file), fold_of(file)) for file in nested)
    foreign = {file: "its format cannot be decoded; convert it to WAV or FLAC" for file in tree.foreign if "/" in file}
    return Catalogue(entries, tree.folders, foreign)


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    return {}


KIND = CatalogueKind("class_folders", "one folder of recordings per class", _recognises, _read, _credits)
