"""Finding the clips of a set below a folder, in one walk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from auris.data.production.manifest import DESCRIPTION
from auris.data.seld_sets.catalogue import SeldDataset, dataset
from auris.data.seld_sets.labels import LabelRule, read_labels
from auris.data.seld_sets.places import Place
from auris.errors import AurisError, FormatError, ParameterError, unknown_name
from auris.io.audio_files import probe
from auris.io.frame_labels import FrameLabels
from auris.vocabulary import read_pseldnets_vocabulary, read_vocabulary

_THREADS = min(8, os.cpu_count() or 1)  # headers are read in parallel: a network folder answers slowly, not seldom


@dataclass(frozen=True)
class Clip:
    """A recording with its labels.

    Attributes:
        name: ``group/name``, unique within the set.
        audio: file of the recording.
        labels: file of the labels; None where the clip is published without.
        dataset: name of the set.
        sample_rate: hertz.
        samples: length of the recording in samples.
        channels: number of channels.
    """

    name: str
    audio: Path
    labels: Path | None
    dataset: str
    sample_rate: int
    samples: int
    channels: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate

    def read_labels(self, classes: tuple[str, ...] = (), *, rule: LabelRule = "centre") -> FrameLabels:
        """Read the labels; see :func:`auris.data.seld_sets.labels.read_labels`.

        Raises:
            FormatError: there are none, or the file is not right.
        """
        if self.labels is None:
            raise FormatError(f"{self.audio}: this clip has no labels; choose a split that has them")
        return read_labels(dataset(self.dataset), self.labels, classes, rule=rule)


@dataclass(frozen=True)
class FoundFiles:
    """The files of one clip as they were found.

    Attributes:
        key: ``group/name`` of the clip.
        audio: files of its recording; more than one is a mistake.
        labels: its label files.
    """

    key: str
    audio: tuple[Path, ...]
    labels: tuple[Path, ...]


def walk(entry: SeldDataset, root: str | Path) -> Iterator[tuple[Path, Place]]:
    """Yield every file of the set below ``root``, with what it is, sorted; hidden files are passed over.

    Raises:
        FormatError: there is no such folder.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise FormatError(f"{folder}: no such folder")
    own_name = folder.resolve().name
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        # Zips made on a Mac hold __MACOSX and ._name files; a link may lead back to where we came from.
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__MACOSX") if real not in seen else []
        if real in seen:
            continue
        seen.add(real)
        inner = Path(place).relative_to(folder).parts
        for name in sorted(names):
            if name.startswith("."):
                continue
            parts = tuple(part for piece in (own_name, *inner, name) for part in piece.split("\\") if part)
            if parts and not parts[-1].startswith(".") and (found := entry.place(parts)):
                yield Path(place) / name, found


def find_files(entry: SeldDataset, root: str | Path, *, recording: str) -> list[FoundFiles]:
    """Return recordings and labels by clip, sorted by key, with everything that is missing or double left in."""
    audio: dict[str, list[Path]] = {}
    labels: dict[str, list[Path]] = {}
    for path, place in walk(entry, root):
        if place.kind == "labels":
            labels.setdefault(place.key, []).append(path)
        elif place.kind == "audio" and place.recording == recording:
            audio.setdefault(place.key, []).append(path)
    return [
        FoundFiles(key, tuple(audio.get(key, ())), tuple(labels.get(key, ()))) for key in sorted(audio.keys() | labels.keys())
    ]


def find_clips(entry: SeldDataset | str, root: str | Path, split: str, *, recording: str | None = None) -> list[Clip]:
    """Return the clips of a split.

    Args:
        entry: the set, or its name.
        root: folder that holds it, as it was unpacked; see ``layout_text`` of the set.
        split: ``train``, ``valid`` or ``test`` (of the partition ``safe``), ``<partition>/<split>``, or ``all``.
        recording: which recording of each clip, such as ``foa`` or ``mic``; the set's usual one by default.

    Returns:
        Clips sorted by name. Label files without a recording are not clips; ``auris data check`` tells of them.

    Raises:
        ParameterError: the set, the split or the recording is unknown.
        FormatError: nothing of the split is there, a clip is there twice, or a recording cannot be read.
    """
    entry = dataset(entry) if isinstance(entry, str) else entry
    chosen = recording_of(entry, recording)
    pattern = re.compile(entry.pattern(split))
    found = [files for files in find_files(entry, root, recording=chosen) if files.audio]
    if not found:
        raise FormatError(f"{root}: no {chosen} recordings of {entry.name} here; expected below it: {entry.layout_text}")
    mine = [files for files in found if pattern.fullmatch(files.key)]
    if not mine:
        raise FormatError(
            f"{root}: {len(found)} recordings of {entry.name} (such as {found[0].key}), but none of the split {split!r}"
        )
    for files in mine:
        for kind, paths in (("recording", files.audio), ("label file", files.labels)):
            if len(paths) > 1:
                raise FormatError(f"{files.key} has more than one {kind}: {' and '.join(map(str, paths))}; remove all but one")
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda files: _clip(entry, files), mine))


def _clip(entry: SeldDataset, files: FoundFiles) -> Clip:
    try:
        header = probe(files.audio[0])
    except AurisError as error:
        raise FormatError(f"{error}; `auris data check {entry.name} DIR` lists every such file") from None
    labels = files.labels[0] if files.labels else None
    return Clip(files.key, files.audio[0], labels, entry.name, header.sample_rate, header.frames, header.channels)


def recording_of(entry: SeldDataset, recording: str | None) -> str:
    """Return the recording to use, the usual one for None.

    Raises:
        ParameterError: the set has no such recording.
    """
    if recording is None:
        return next(iter(entry.recordings))
    if recording not in entry.recordings:
        raise ParameterError(unknown_name(f"recording of {entry.name}", recording, entry.recordings))
    return recording


def find_classes(entry: SeldDataset | str, root: str | Path) -> tuple[str, ...]:
    """Return the class names of a set in the order of their numbers, from the folder where they come with the data.

    The synthetic sets of PSELDNets have 170; one that auris made (``auris data make pseldnets``) has those of its sounds.

    Raises:
        FormatError: the list is not there, or does not have as many classes as the set.
    """
    entry = dataset(entry) if isinstance(entry, str) else entry
    if entry.classes:
        return entry.classes
    published = entry.name == "pseldnets" and not (Path(root) / DESCRIPTION).is_file()
    for path, place in walk(entry, root):
        if place.kind == "classes":
            return (read_pseldnets_vocabulary if published else read_vocabulary)(path).labels
    wanted = "cls_indices_train.tsv" if entry.name == "pseldnets" else "classes.txt"
    raise FormatError(f"{root}: no {wanted} here, which names the classes of {entry.name}; it comes with the data")
