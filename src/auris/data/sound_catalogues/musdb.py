"""Music in stems, as MUSDB18-HQ is laid out: ``train/track/{vocals,drums,bass,other}.wav``, ``test/track/…``.

The name of a stem is its class (any name counts, except mixtures); the track is the recording. Parts are the published ones:
the folders train and test, and of train the fourteen tracks that the set's authors keep for validation. Track folders without
train and test above them are split by name. The stems of MUSDB18 in one ``.stem.mp4`` are to be unpacked first.

Source: Rafii et al., MUSDB18-HQ, doi:10.5281/zenodo.3338373.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from auris.data.sound_catalogues.attribution import Attribution
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree
from auris.data.sound_splits import Split

VALIDATION_TRACKS = frozenset(
    {
        "ANiMAL - Rockshow",
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    }
)
_MIXTURES = frozenset({"mixture", "mix", "accompaniment", "linear_mixture"})
_PARTS: dict[str, Split] = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}


def _recognises(tree: SoundTree) -> bool:
    if any(file.lower().endswith(".stem.mp4") for file in tree.foreign):
        return True
    voices = (file for file in tree.files if "/vocals." in file.lower())
    return any(f"{file.rpartition('/')[0]}/drums{PurePosixPath(file).suffix}" in tree.files for file in voices)


def _read(tree: SoundTree) -> Catalogue:
    entries = []
    for file in tree.files:
        *above, name = file.split("/")
        stem = PurePosixPath(name).stem.lower()
        if above and stem not in _MIXTURES and above[-1] not in _PARTS:
            entries.append(Entry(file, stem, above[-1], split=_split(above)))
    foreign = {file: "stems in one file cannot be decoded; unpack them with musdbconvert" for file in tree.foreign}
    return Catalogue(tuple(entries), tuple(sorted({entry.label for entry in entries})), foreign)


def _split(above: Sequence[str]) -> Split | None:
    part = next((_PARTS[name] for name in above[:-1] if name in _PARTS), None)
    return "validation" if part == "train" and above[-1] in VALIDATION_TRACKS else part


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    told = {}
    for file in files:
        artist, dash, title = PurePosixPath(file).parent.name.partition(" - ")
        author = artist if dash else ""
        source = "https://sigsep.github.io/datasets/musdb.html"
        told[file] = Attribution(file, title or artist, source, author, "non-commercial, academic use only (MUSDB18)")
    return told


KIND = CatalogueKind("musdb", "stems of music: [train|test]/track/vocals.wav, drums.wav, …", _recognises, _read, _credits)
