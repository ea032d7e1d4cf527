"""FSD50K as published: ``FSD50K.dev_audio``, ``FSD50K.eval_audio``, and ``FSD50K.ground_truth/{dev,eval,vocabulary}.csv``.

A clip of FSD50K carries several labels: what sounds, and every class above it in the ontology (a bark is a Bark, Dog,
Domestic_animals_and_pets, Animal). The rule here: a label is *above* another when every clip of the set with the other
carries it as well, and more clips do; the labels of a clip that are above none of its others are its leaves. A clip with one
leaf belongs to that class. Clips with several are mixtures of classes, which no single event of a scene may be; they are left
out, and counted.

The parts are the published ones: train and val of the development set, and the evaluation set as test. Every clip is one
recording of Freesound, its licence stands in ``FSD50K.metadata/*_clips_info_FSD50K.json``.

Source: Fonseca et al., FSD50K: an Open Dataset of Human-Labeled Sound Events, arXiv:2010.00475.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from auris.data.sound_catalogues.attribution import Attribution, licence_name
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree, absent_reason
from auris.data.sound_catalogues.tables import read_table, read_text
from auris.data.sound_splits import Split
from auris.errors import FormatError

_TRUTH = "FSD50K.ground_truth"
_PARTS: dict[str, Split] = {"train": "train", "val": "validation"}


def _recognises(tree: SoundTree) -> bool:
    return any(f"{_TRUTH}/{part}.csv" in tree.lists for part in ("dev", "eval"))


def _read(tree: SoundTree) -> Catalogue:
    rows = [row for part in ("dev", "eval") for row in _rows(tree.folder, part)]
    above = _labels_above([labels for _, labels, _ in rows])
    have_audio = {file.split("/")[0] for file in tree.files}
    entries: list[Entry] = []
    problems: dict[str, str] = {}
    mixed = elsewhere = 0
    for file, labels, split in rows:
        leaves = [label for label in labels if not any(label in above[other] for other in labels)]
        if file.split("/")[0] not in have_audio:
            elsewhere += 1
        elif file not in tree.files:
            problems[file] = absent_reason(_TRUTH)
        elif len(leaves) > 1:
            mixed += 1
        else:
            others = tuple(label for label in labels if label != leaves[0])
            entries.append(Entry(file, leaves[0], PurePosixPath(file).stem, split=split, others=others))
    notes = [f"{mixed} clips with several classes at once are left out"] if mixed else []
    notes += [f"{elsewhere} listed clips are of a part whose audio is not here"] if elsewhere else []
    return Catalogue(tuple(entries), _classes(tree.folder, rows), problems, tuple(notes))


def _rows(folder: Path, part: str) -> list[tuple[str, tuple[str, ...], Split]]:
    """File, labels and split of the clips of the development or the evaluation set."""
    path = folder / _TRUTH / f"{part}.csv"
    if not path.is_file():
        return []
    rows: list[tuple[str, tuple[str, ...], Split]] = []
    for line, row in read_table(path, needed=("fname", "labels", *(["split"] if part == "dev" else []))):
        if part == "dev" and row["split"] not in _PARTS:
            raise FormatError(f"{path}:{line}: split is train or val, got {row['split']!r}")
        split = _PARTS[row["split"]] if part == "dev" else "test"
        rows.append((f"FSD50K.{part}_audio/{row['fname']}.wav", tuple(dict.fromkeys(row["labels"].split(","))), split))
    return rows


def _labels_above(clips: Sequence[Sequence[str]]) -> dict[str, frozenset[str]]:
    """By label, the labels that all clips with it carry as well and that more clips carry."""
    counts = Counter(label for labels in clips for label in labels)
    shared: dict[str, set[str]] = {}
    for labels in clips:
        for label in labels:
            if label in shared:
                shared[label].intersection_update(labels)
            else:
                shared[label] = set(labels)
    return {label: frozenset(o for o in others if counts[o] > counts[label]) for label, others in shared.items()}


def _classes(folder: Path, rows: Sequence[tuple[str, tuple[str, ...], Split]]) -> tuple[str, ...]:
    """All classes: those of the vocabulary, a table without a header (number, class, machine identifier)."""
    path = folder / _TRUTH / "vocabulary.csv"
    if not path.is_file():
        return tuple(sorted({label for _, labels, _ in rows for label in labels}))
    fields = [line.split(",") for line in read_text(path).splitlines() if line.strip()]
    bad = next((number for number, values in enumerate(fields, 1) if len(values) != 3), None)
    if bad is not None:
        raise FormatError(f"{path}:{bad}: a class is number,name,identifier, got {','.join(fields[bad - 1])!r}")
    return tuple(sorted(values[1] for values in fields if values[0].isdigit()))


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    told = {part: _clips_info(tree.folder, part) for part in ("dev", "eval")}
    found = {}
    for file in files:
        name = PurePosixPath(file).stem
        info = told["eval" if file.startswith("FSD50K.eval") else "dev"].get(name) or {}
        texts = {key: str(info.get(key, "")) for key in ("title", "uploader", "license")}
        source = f"https://freesound.org/s/{name}/"
        found[file] = Attribution(file, texts["title"], source, texts["uploader"], licence_name(texts["license"]))
    return found


def _clips_info(folder: Path, part: str) -> Mapping[str, Any]:
    path = folder / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json"
    if not path.is_file():
        return {}
    try:
        known = json.loads(read_text(path))
    except ValueError as error:
        raise FormatError(f"{path}: not JSON ({error})") from None
    if not isinstance(known, dict) or not all(isinstance(value, dict) for value in known.values()):
        raise FormatError(f"{path}: clips are {{number: {{title, uploader, license, …}}}}")
    return known


KIND = CatalogueKind("fsd50k", f"FSD50K: {_TRUTH}/dev.csv or eval.csv", _recognises, _read, _credits)
