"""What a file of a published set is, read from where it lies.

A place is read from the parts of a path **below the folder that the user gave** and from exact folder names, so that words
like ``foa`` elsewhere in a path, a zip unpacked into a folder of its own name, or sub-folders such as ``dev-train-sony`` do
not matter. Backslashes count as separators: zips made on Windows unpack to names that hold them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

AUDIO_SUFFIXES = (".wav", ".flac")
Kind = Literal["audio", "labels", "classes"]


@dataclass(frozen=True)
class Place:
    """What a file is.

    Attributes:
        kind: a recording, its labels, or the list of classes of the whole set.
        group: part of the set, within which names are unique (``dev``, ``train20000_ov1_1``).
        name: of the clip; recording and labels share it.
        recording: which recording of the clip (``foa``, ``mic``, …); empty for labels.
    """

    kind: Kind
    group: str
    name: str
    recording: str = ""

    @property
    def key(self) -> str:
        """Name of the clip within the set: ``group/name``, what the patterns of splits are matched with."""
        return f"{self.group}/{self.name}" if self.group else self.name


Placer = Callable[[tuple[str, ...]], Place | None]
"""From the parts of a path, the given folder's own name first, to what the file is; None for any other file."""


def _stem_and_suffix(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, f".{suffix.lower()}") if dot else (name, "")


def _kind_of(suffix: str) -> Kind | None:
    return "audio" if suffix in AUDIO_SUFFIXES else "labels" if suffix == ".csv" else None


def _last(parts: tuple[str, ...], pattern: str) -> tuple[int, re.Match[str]] | None:
    """Index and match of the last folder of a path whose whole name fits."""
    for index in range(len(parts) - 2, -1, -1):
        if match := re.fullmatch(pattern, parts[index], re.IGNORECASE):
            return index, match
    return None


def dcase_place(parts: tuple[str, ...]) -> Place | None:
    """``{foa,mic,metadata}_{dev,eval}/[…/]<name>.{wav,flac,csv}``: DCASE 2020 to 2024."""
    stem, suffix = _stem_and_suffix(parts[-1])
    kind, found = _kind_of(suffix), _last(parts, "(foa|mic|metadata)_(dev|eval)")
    if kind is None or found is None:
        return None
    content, group = (word.lower() for word in found[1].groups())
    if (content == "metadata") != (kind == "labels"):
        return None
    return Place(kind, group, stem, "" if kind == "labels" else content)


def pseldnets_place(parts: tuple[str, ...]) -> Place | None:
    """``<set>/{foa,mic,sum,metadata}/<name>.{flac,wav,csv}`` and ``cls_indices_train.tsv`` beside the sets."""
    stem, suffix = _stem_and_suffix(parts[-1])
    if parts[-1].lower() == "cls_indices_train.tsv":
        return Place("classes", "", stem)
    kind, found = _kind_of(suffix), _last(parts, "foa|mic|sum|metadata")
    group = _last(parts, r"(train|test)\d+_ov\d(_\d+)?")
    if kind is None or found is None or group is None or group[0] > found[0]:
        return None
    content = found[1].group().lower()
    if (content == "metadata") != (kind == "labels"):
        return None
    return Place(kind, group[1].group().lower(), stem, "" if kind == "labels" else content)


def l3das_place(parts: tuple[str, ...]) -> Place | None:
    """``[…/]data[_…]/split<k>_ov<n>_<i>_{A,B}.wav`` and ``[…/]labels[_…]/label_split<k>_ov<n>_<i>.csv``."""
    stem, suffix = _stem_and_suffix(parts[-1])
    kind = _kind_of(suffix)
    if kind == "audio" and _last(parts, r"data([_-]\w+)?"):
        name = re.fullmatch(r"(split\d+_ov\d+_\w+?)_([AB])", stem)
        return Place(kind, "", name[1], "foa" if name[2] == "A" else "foa_b") if name else None
    if kind == "labels" and _last(parts, r"labels?([_-]\w+)?"):
        name = re.fullmatch(r"(?:label_)?(split\d+_ov\d+_\w+?)(?:_A)?", stem)
        return Place(kind, "", name[1]) if name else None
    return None


def auris_place(parts: tuple[str, ...]) -> Place | None:
    """``[{train,valid,test}/]<scene>/{<layout>.wav, labels.csv}``: what ``auris simulate --sample`` writes."""
    if len(parts) < 2:
        return None
    stem, suffix = _stem_and_suffix(parts[-1])
    folder = parts[-3].lower() if len(parts) > 2 else ""
    group = folder if folder in ("train", "valid", "test") else ""
    if suffix in AUDIO_SUFFIXES and re.fullmatch(r"mono|stereo|binaural|foa|hoa\d|tetra|array\d+", stem):
        return Place("audio", group, parts[-2], stem)
    if parts[-1] == "labels.csv":
        return Place("labels", group, parts[-2])
    return Place("classes", "", stem) if parts[-1] == "classes.txt" else None
