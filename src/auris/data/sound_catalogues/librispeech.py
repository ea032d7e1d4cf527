"""LibriSpeech as published: ``subset/speaker/chapter/speaker-chapter-utterance.flac``, below the set's folder or a subset's.

Two kinds read it. ``librispeech`` has the one class ``speech``; the recording is the speaker, so that no voice is in two
parts, and the published subsets are the parts (train-*, dev-* for validation, test-*). ``librispeech_speakers`` has a class
``speaker-N`` for each voice; the recording is the chapter, and parts are drawn by chapter, since every part needs every voice.
Licence: CC BY 4.0; readers and books stand in ``SPEAKERS.TXT`` and ``CHAPTERS.TXT``.

Source: Panayotov et al., Librispeech: an ASR corpus based on public domain audio books, doi:10.1109/ICASSP.2015.7178964.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from auris.data.sound_catalogues.attribution import Attribution
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree
from auris.data.sound_catalogues.tables import read_text
from auris.data.sound_splits import Split

_UTTERANCE = re.compile(r"^(?:([^/]+)/)?(\d+)/(\d+)/\2-\3-\d+\.\w+$")
_SUBSETS: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
_SOURCE = "https://www.openslr.org/12"


def _recognises(tree: SoundTree) -> bool:
    found = (match[1] for file in tree.files if (match := _UTTERANCE.match(file)))
    # A class folder named speech may hold the same tree.
    return any(subset is None or subset.split("-")[0] in _SUBSETS for subset in found)


def _split(subset: str | None, folder: Path) -> Split | None:
    return _SUBSETS.get((subset or folder.resolve().name).split("-")[0])


def _read_speech(tree: SoundTree) -> Catalogue:
    found = [(file, match) for file in tree.files if (match := _UTTERANCE.match(file))]
    entries = (Entry(file, "speech", f"speaker-{m[2]}", split=_split(m[1], tree.folder)) for file, m in found)
    return Catalogue(tuple(entries), ("speech",))


def _read_speakers(tree: SoundTree) -> Catalogue:
    found = [(file, match) for file in tree.files if (match := _UTTERANCE.match(file))]
    entries = tuple(Entry(file, f"speaker-{m[2]}", f"{m[2]}-{m[3]}") for file, m in found)
    return Catalogue(entries, tuple(sorted({entry.label for entry in entries})))


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    readers = {row[0]: row[4] for row in _piped(tree.folder, "SPEAKERS.TXT", 5)}
    chapters = {row[0]: f"{row[7]}: {row[6]}" for row in _piped(tree.folder, "CHAPTERS.TXT", 8)}
    told = {}
    for file in files:
        match = _UTTERANCE.match(file)
        reader, chapter = (match[2], match[3]) if match else ("", "")
        title = chapters.get(chapter, f"chapter {chapter}")
        told[file] = Attribution(file, title, _SOURCE, readers.get(reader, f"LibriVox reader {reader}"), "CC-BY-4.0")
    return told


def _piped(folder: Path, name: str, columns: int) -> list[list[str]]:
    """Rows of a table whose values stand between ``|``, beside the subsets or above the one that was given."""
    path = next((place / name for place in (folder, folder.resolve().parent) if (place / name).is_file()), None)
    if path is None:
        return []
    lines = [line for line in read_text(path).splitlines() if line.strip() and not line.startswith(";")]
    # A title may hold the separator: it is the last value, which takes the rest.
    rows = [[value.strip() for value in line.split("|", columns - 1)] for line in lines]
    return [row for row in rows if len(row) == columns]


_LOOKS_FOR = "LibriSpeech: subset/speaker/chapter/speaker-chapter-utterance.flac"
KIND = CatalogueKind("librispeech", _LOOKS_FOR, _recognises, _read_speech, _credits)
SPEAKERS_KIND = CatalogueKind("librispeech_speakers", f"{_LOOKS_FOR}, a class per voice", _recognises, _read_speakers, _credits)
