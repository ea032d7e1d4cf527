"""What a catalogue of sounds says before any file is opened: which files there are, of which class, cut from what."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auris.data.sound_catalogues.attribution import Attribution
from auris.data.sound_splits import Split

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64", ".sph"})
FOREIGN_SUFFIXES = frozenset({".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".amr", ".ape", ".wv", ".ac3", ".m4b", ".mov"})


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a changed file is known: its size in bytes, and when it was last written, in nanoseconds."""

    size: int
    written: int


@dataclass(frozen=True)
class SoundTree:
    """A folder of sounds and the audio files in it.

    Attributes:
        folder: the folder.
        manifest: the CSV file that was given instead of a folder, if one was.
        files: the audio files below it: path relative to it, with forward slashes, in order.
        folders: names of the folders directly in it.
        lists: files named ``.csv`` and ``.json`` in it and in the folders directly below, relative paths.
        foreign: files of audio formats that cannot be decoded, relative paths.
        closed: reason by folder, for folders below it that cannot be listed.
    """

    folder: Path
    manifest: Path | None = None
    files: Mapping[str, Stamp] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    closed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip of a catalogue.

    Attributes:
        file: path relative to the folder, with forward slashes.
        label: class.
        recording: the source recording it was cut from.
        fold: fold it is published in, if the set has folds.
        split: part it is published in, if the set has parts.
        others: further classes of the same file.
    """

    file: str
    label: str
    recording: str
    fold: int | None = None
    split: Split | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """What one layout says of a folder.

    Attributes:
        entries: clips, in any order.
        labels: all classes of the set, also those without a clip here.
        problems: reason by file, for files that are listed and cannot be used.
        notes: sentences about what was left out on purpose.
    """

    entries: tuple[Entry, ...]
    labels: tuple[str, ...]
    problems: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CatalogueKind:
    """One layout that folders of sounds have.

    Attributes:
        name: what it is called, on the command line too.
        looks_for: by what such a folder is known, for messages.
        recognises: tells whether a tree looks like one.
        read: returns the catalogue of a tree; FormatError when its lists are damaged.
        credits: returns title, author, source and licence of files of a tree, as far as the set itself tells them.
    """

    name: str
    looks_for: str
    recognises: Callable[[SoundTree], bool]
    read: Callable[[SoundTree], Catalogue]
    credits: Callable[[SoundTree, Sequence[str]], dict[str, Attribution]]


def in_order(file: str) -> list[str]:
    """Return the key by which files are sorted: folder by folder."""
    return file.split("/")


def sound_tree(folder: Path, *, manifest: Path | None = None) -> SoundTree:
    """Find the audio files below a folder; hidden files and folders are left out, links are followed."""
    files: dict[str, Stamp] = {}
    lists: list[str] = []
    foreign: list[str] = []
    folders: list[str] = []
    closed: dict[str, str] = {}
    waiting: list[tuple[str, frozenset[str]]] = [("", frozenset())]
    while waiting:
        below, above = waiting.pop()
        real = os.path.realpath(folder / below)
        if real in above:  # a link that leads back up
            continue
        try:
            with os.scandir(folder / below) as listing:
                items = [item for item in listing if not item.name.startswith(".")]
        except OSError as error:
            closed[below.rstrip("/") or "."] = f"cannot be listed ({error.strerror or error})"
            continue
        for item in items:
            if item.is_dir():
                if not item.name.startswith("__"):  # __MACOSX; clips of AudioSet may begin so
                    waiting.append((f"{below}{item.name}/", above | {real}))
                    folders += [] if below else [item.name]
            elif (suffix := os.path.splitext(item.name)[1].lower()) in AUDIO_SUFFIXES:
                files[below + item.name] = _stamp(item)
            elif suffix in FOREIGN_SUFFIXES:
                foreign.append(below + item.name)
            elif suffix in (".csv", ".json") and below.count("/") < 2:
                lists.append(below + item.name)
    return SoundTree(
        folder,
        manifest,
        files={file: files[file] for file in sorted(files, key=in_order)},
        folders=tuple(sorted(folders)),
        lists=tuple(sorted(lists)),
        foreign=tuple(sorted(foreign, key=in_order)),
        closed=closed,
    )


def _stamp(item: os.DirEntry[str]) -> Stamp:
    try:
        status = item.stat()
    except OSError:  # a link that leads nowhere: reading it will tell
        return Stamp(-1, 0)
    return Stamp(status.st_size, status.st_mtime_ns)


def absent_reason(listing: str) -> str:
    """Return the reason for a file that a list names and that is not there."""
    return f"no such file, though {listing} lists it"
