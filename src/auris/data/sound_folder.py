"""A folder of recordings of any known layout: what is in it, what is wrong with it, and how it is split.

Its layout says which files there are and of which class (:mod:`auris.data.sound_catalogues`), the headers of the files how long
they are. A recording that cannot be used is reported by name and skipped. Splits never separate two takes of one source
recording.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from auris.data.activity import ActivitySettings
from auris.data.sound_cache import SoundCache
from auris.data.sound_catalogues import KINDS, kind_of
from auris.data.sound_catalogues.entries import (
    AUDIO_SUFFIXES,
    Catalogue,
    CatalogueKind,
    Entry,
    SoundTree,
    sound_tree,
)
from auris.data.sound_measurement import MIN_DURATION, Header, read_header
from auris.data.sound_splits import SPLIT_SHARES, Split, fold_of, official_splits, recording_of, split_of
from auris.errors import FormatError, ParameterError, unknown_name

__all__ = [
    "AUDIO_SUFFIXES",
    "MIN_DURATION",
    "SPLIT_SHARES",
    "BankReport",
    "Clip",
    "ScannedFolder",
    "Split",
    "fold_of",
    "recording_of",
    "scan",
    "split_of",
]
_WORTH_THREADS = 64  # files below which threads cost more than they save


@dataclass(frozen=True)
class Clip:
    """One recording of a bank, as its header describes it.

    Attributes:
        file: path relative to the bank's folder, with forward slashes.
        label: class.
        duration: seconds.
        recording: the source recording it was cut from; clips that share it never fall into different splits.
        fold: number of the fold it is published in, or of a file name such as ``fold3-...``, otherwise None.
        split: part of the set it belongs to.
        others: further classes of the same file.
        size: bytes of the file.
    """

    file: str
    label: str
    duration: float
    recording: str
    fold: int | None
    split: Split = "train"
    others: tuple[str, ...] = ()
    size: int = 0


@dataclass
class BankReport:
    """What was found and what was skipped while reading a folder of sounds.

    Attributes:
        clips: usable recordings by class.
        skipped: reason by file, for every audio file that cannot be used.
        absent: classes of the set that have no usable recording in the chosen split.
        remarks: what is odd about files that can be used, by file.
        notes: sentences about the folder as a whole.
    """

    clips: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    remarks: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{sum(self.clips.values())} recordings of {len(self.clips)} classes, {len(self.skipped)} skipped"]
        lines += [f"  skipped {file}: {reason}" for file, reason in sorted(self.skipped.items())]
        lines += [f"  no recording of {label} in this split" for label in self.absent]
        lines += [f"  {file} {remark}" for file, remark in sorted(self.remarks.items())]
        return "\n".join(lines + [f"  {note}" for note in self.notes])


@dataclass(frozen=True)
class ScannedFolder:
    """A folder of sounds after its headers were read.

    Attributes:
        kind: its layout.
        tree: the files in it.
        clips: usable recordings by class, sorted by file.
        report: what was found and skipped.
        cache: what was measured of the files.
    """

    kind: CatalogueKind
    tree: SoundTree
    clips: dict[str, list[Clip]]
    report: BankReport
    cache: SoundCache


def scan(
    folder: Path,
    *,
    kind: str = "auto",
    labels: Sequence[str] | None = None,
    split: Split | None = None,
    folds: Sequence[int] | None = None,
    recording: Callable[[str], str] | None = None,
    activity: ActivitySettings | None = None,
) -> ScannedFolder:
    """Read the headers of all recordings in ``folder``.

    Args:
        folder: the folder, or a CSV list of files in it.
        kind: layout, one of :data:`auris.data.sound_catalogues.KINDS`, or ``auto`` to find out.
        labels: classes to read, ``name=class`` under another name; None reads all.
        split: keep the recordings of this part: as published, otherwise where :func:`split_of` puts them.
        folds: keep the files of these folds.
        recording: names the source recording of a file (relative path), where the layout's own rule is not right.
        activity: how silence will be told from sound.

    Raises:
        FormatError: the folder is missing, of no known layout, its lists are damaged, or it holds nothing usable.
        ParameterError: a label, split or kind is unknown, or both ``split`` and ``folds`` are given.
    """
    _check_choice(split, folds)
    chosen, tree = _opened(folder, kind)
    catalogue = _complete(chosen.read(tree), tree, recording)
    names = _chosen_names(catalogue, labels, tree.folder)
    cache = SoundCache(tree.folder, chosen.name, activity=activity or ActivitySettings())
    splits = official_splits((entry.recording, entry.split) for entry in catalogue.entries)
    entries = [entry for entry in catalogue.entries if entry.label in names]
    headers = _headers(tree, cache, {entry.file for entry in entries})
    report = BankReport(
        skipped=dict(catalogue.problems) | dict(tree.closed),
        notes=(*catalogue.notes, *_shared_recordings(entries), *([cache.note] if cache.note else [])),
    )
    report.skipped |= {file: header.problem for file, header in headers.items() if header.problem}
    report.remarks |= {file: header.remark for file, header in headers.items() if header.remark and not header.problem}
    clips: dict[str, list[Clip]] = {name: [] for name in sorted(set(names.values()))}
    for clip in _clips(entries, headers, tree, names, splits):
        if (split is None or clip.split == split) and (folds is None or clip.fold in folds):
            clips[clip.label].append(clip)
    report.absent = tuple(label for label, found in clips.items() if not found)
    clips = {label: found for label, found in clips.items() if found}
    report.clips = {label: len(found) for label, found in clips.items()}
    if not clips:
        raise FormatError(_nothing_usable(tree.folder, names, report, split, folds))
    return ScannedFolder(chosen, tree, clips, report, cache)


def _clips(
    entries: Iterable[Entry],
    headers: Mapping[str, Header],
    tree: SoundTree,
    names: Mapping[str, str],
    splits: Mapping[str, Split],
) -> Iterator[Clip]:
    """The usable clips in the order of the tree; a file whose classes are given one name is in it once."""
    places = {file: number for number, file in enumerate(tree.files)}
    known: set[tuple[str, str]] = set()
    for entry in sorted(entries, key=lambda entry: places[entry.file]):
        file, label, header = entry.file, names[entry.label], headers[entry.file]
        if header.problem is None and (file, label) not in known:
            known.add((file, label))
            part, size = splits[entry.recording], tree.files[file].size
            yield Clip(file, label, header.duration, entry.recording, entry.fold, part, entry.others, size)


def _check_choice(split: str | None, folds: Sequence[int] | None) -> None:
    if split is not None and folds is not None:
        raise ParameterError("give either split (by hash of the recording) or folds (by file name), not both")
    if split is not None and split not in SPLIT_SHARES:
        raise ParameterError(unknown_name("split", split, SPLIT_SHARES))
    if folds is not None and not folds:
        raise ParameterError("folds must name at least one fold, e.g. folds=(1, 2, 3)")


def _opened(folder: Path, kind: str) -> tuple[CatalogueKind, SoundTree]:
    """The layout of a folder and its files; a CSV list stands for the folder it lies in."""
    if folder.suffix.lower() == ".csv" and folder.is_file():
        if kind not in ("auto", "manifest"):
            raise ParameterError(f"{folder}: a list of sounds is of the kind manifest, got {kind!r}")
        return KINDS["manifest"], sound_tree(folder.parent, manifest=folder)
    if not folder.is_dir():
        what = "a file, not a folder" if folder.exists() else "no such folder"
        raise FormatError(f"{folder}: {what}; sounds lie in one folder per class, or in a published set as it was unpacked")
    tree = sound_tree(folder)
    return kind_of(tree, kind), tree


def _complete(catalogue: Catalogue, tree: SoundTree, recording: Callable[[str], str] | None) -> Catalogue:
    """The catalogue with the caller's names of recordings, and without what lies outside the tree."""
    entries: Iterable[Entry] = (entry for entry in catalogue.entries if entry.file in tree.files)
    if recording is not None:
        entries = (replace(entry, recording=recording(entry.file)) for entry in entries)
    return replace(catalogue, entries=tuple(entries))


def _chosen_names(catalogue: Catalogue, labels: Sequence[str] | None, folder: Path) -> dict[str, str]:
    """By class of the set, the name it is given; ``labels`` are classes, or ``name=class``."""
    known = {*catalogue.labels, *(entry.label for entry in catalogue.entries)}
    if labels is None:
        return {label: label for label in known}
    names: dict[str, str] = {}
    for text in labels:
        name, equals, label = (text, "", text) if text in known else text.partition("=")
        if label not in known and (equals or text not in known):
            raise ParameterError(unknown_name(f"class (folder of {folder})", label or text, known))
        if names.get(label, name) != name:
            raise ParameterError(f"class {label!r} is to be called both {names[label]!r} and {name!r}; give it one name")
        names[label] = name
    return names


def _headers(tree: SoundTree, cache: SoundCache, files: Iterable[str]) -> dict[str, Header]:
    """Headers of files, from the cache or else read in several threads, since most of it is waiting for the disk."""
    known = {file: cache.header(file, tree.files[file]) for file in files}
    unread = [file for file, header in known.items() if header is None]
    if len(unread) < _WORTH_THREADS:
        read = [read_header(tree.folder / file) for file in unread]
    else:
        with ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1))) as pool:
            read = list(pool.map(lambda file: read_header(tree.folder / file), unread, chunksize=16))
    for file, header in zip(unread, read, strict=True):
        cache.keep_header(file, tree.files[file], header)
    if len(unread) >= _WORTH_THREADS:
        cache.write(existing=tree.files.__contains__)
    return {file: header for file, header in known.items() if header is not None} | dict(zip(unread, read, strict=True))


def _shared_recordings(entries: Sequence[Entry]) -> list[str]:
    """Sentences about recordings that are published in more than one part or fold."""
    parts = Counter(recording for recording, split in {(entry.recording, entry.split) for entry in entries} if split)
    folds = Counter(recording for recording, _ in {(entry.recording, entry.fold) for entry in entries})
    in_parts, in_folds = (sum(count > 1 for count in counts.values()) for counts in (parts, folds))
    notes = [f"{in_folds} recordings have clips in several folds"] if in_folds else []
    return notes + ([f"{in_parts} recordings are listed in several parts; each counts for the last"] if in_parts else [])


def _nothing_usable(
    folder: Path, names: Mapping[str, str], report: BankReport, split: Split | None, folds: Sequence[int] | None
) -> str:
    which = f" in split {split!r}" if split else f" in folds {sorted(folds)}" if folds else ""
    first = next(iter(sorted(report.skipped.items())), None)
    reason = f"; first problem: {first[0]} ({first[1]})" if first else ""
    shown = sorted(names)[:20]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    notes = "".join(f"; {note}" for note in report.notes)
    return f"{folder}: no usable recording{which} among the classes {', '.join(shown)}{more}{reason}{notes}"
