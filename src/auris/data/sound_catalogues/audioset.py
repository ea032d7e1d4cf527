"""AudioSet: a tree of clips, lists of them, and a table of classes, as AudioSet or SpatialSoundQA publish them.

* lists: ``*segments*.csv`` (YTID, start_seconds, end_seconds, positive_labels; lines of remarks before), or JSON lists of
  ``{"folder", "id", "label"}`` (:mod:`auris.io.spatial_sound_qa`); in the folder or one folder below it.
* classes: ``class_labels_indices*.csv`` (index, mid, display_name), beside the lists. Labels outside the table are dropped.
* audio: anywhere below the folder, named by the clip: ``YTID.wav``, ``YYTID.wav``, or ``YTID_start….wav``.

A clip of AudioSet is a mixture by nature: it stands under each of its labels. Many clips of the lists no longer exist; they are
counted, not reported one by one. The recording is the video. Lists with eval in their name are the test part, all others train;
validation is drawn from train. The lists are under CC BY 4.0, the sounds under whatever the video is, which nobody wrote down.

Source: Gemmeke et al., Audio Set: an ontology and human-labeled dataset for audio events, doi:10.1109/ICASSP.2017.7952261.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from auris.data.sound_catalogues.attribution import Attribution
from auris.data.sound_catalogues.entries import Catalogue, CatalogueKind, Entry, SoundTree
from auris.data.sound_catalogues.tables import header_of, read_text
from auris.data.sound_splits import Split
from auris.errors import FormatError
from auris.io.spatial_sound_qa import AudioSetClasses, read_clips, read_label_csv

# An identifier has eleven characters; a Y may stand before it, start and end in seconds behind it.
_CLIP = re.compile(r"^(?:Y(?=[\w-]{11}(?:_[\d.]+)*$))?([\w-]{11})(?:_[\d.]+)*$")


def _recognises(tree: SoundTree) -> bool:
    return bool(_class_tables(tree)) and bool(_lists(tree))


def _class_tables(tree: SoundTree) -> list[Path]:
    tables = [tree.folder / name for name in tree.lists if name.rpartition("/")[2].startswith("class_labels")]
    return [path for path in tables if {"mid", "display_name"} <= set(header_of(path))]


def _lists(tree: SoundTree) -> list[Path]:
    files = [tree.folder / name for name in tree.lists]
    return [path for path in files if _is_segments(path) or _is_clip_list(path)]


def _is_segments(path: Path) -> bool:
    first = header_of(path)[:1] if path.suffix == ".csv" else ()
    return bool(first) and (first[0].startswith("# segments csv") or first[0].lstrip("# ") == "ytid")


def _is_clip_list(path: Path) -> bool:
    if path.suffix != ".json":
        return False
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            beginning = stream.read(4096).lstrip()
    except OSError:
        return False
    return beginning.startswith("[") and all(f'"{name}"' in beginning for name in ("folder", "id", "label"))


def _read(tree: SoundTree) -> Catalogue:
    tables, lists = _class_tables(tree), _lists(tree)
    if not tables or not lists:
        missing = "table of classes (class_labels_indices.csv)" if not tables else "list of clips (*_segments.csv or JSON)"
        raise FormatError(f"{tree.folder}: no {missing}, there or one folder below")
    classes = _joined([read_label_csv(path) for path in tables])
    known = dict(zip(classes.mids, classes.names, strict=True))
    places = _by_identifier(tree)
    entries: dict[tuple[str, str], Entry] = {}
    absent = unlabelled = 0
    for path in lists:
        split: Split = "test" if "eval" in path.name.lower() else "validation" if "valid" in path.name.lower() else "train"
        for candidates, mids in _clips(path, tree, classes):
            file = next((places[name] for name in candidates if name in places), None)
            labels = [known[mid] for mid in dict.fromkeys(mids) if mid in known]
            absent, unlabelled = absent + (file is None), unlabelled + (file is not None and not labels)
            for label in labels if file else ():
                others = tuple(other for other in labels if other != label)
                recording = video_of(PurePosixPath(str(file)).stem)
                entries.setdefault((str(file), label), Entry(str(file), label, recording, split=split, others=others))
    notes = [f"{absent} listed clips are not here"] if absent else []
    notes += [f"{unlabelled} clips have no label in the table of classes"] if unlabelled else []
    return Catalogue(tuple(entries.values()), tuple(sorted(set(classes.names))), {}, tuple(notes))


def video_of(stem: str) -> str:
    """Return the identifier of the video a clip was cut from.

    >>> video_of("Y007P6bFgRCU"), video_of("007P6bFgRCU"), video_of("007P6bFgRCU_30.000_40.000")
    ('007P6bFgRCU', '007P6bFgRCU', '007P6bFgRCU')
    """
    match = _CLIP.match(stem)
    return match[1] if match else stem


def _by_identifier(tree: SoundTree) -> dict[str, str]:
    """Files by path, by name without suffix, and by video; the first of several counts."""
    places: dict[str, str] = {}
    for file in tree.files:
        stem = PurePosixPath(file).stem
        for name in (file, stem, f"video {video_of(stem)}"):
            places.setdefault(name, file)
    return places


def _clips(path: Path, tree: SoundTree, classes: AudioSetClasses) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    """Names under which the audio of each clip may be, and its labels."""
    if path.suffix == ".json":
        for clip in read_clips(path, tree.folder, classes):
            below = clip.path.as_posix().removeprefix(f"{tree.folder.as_posix()}/")
            yield (below, clip.id), [classes.mids[number] for number in clip.classes]
        return
    rows = csv.reader(read_text(path).splitlines(), skipinitialspace=True)
    for row in rows:
        if not row or row[0].startswith("#") or row[0].upper() == "YTID":
            continue
        if len(row) != 4:
            raise FormatError(f"{path}:{rows.line_num}: a clip is YTID, start, end, labels in quotation marks; got {row}")
        yield (row[0], f"Y{row[0]}", f"video {row[0]}"), [mid.strip() for mid in row[3].split(",")]


def _joined(tables: Sequence[AudioSetClasses]) -> AudioSetClasses:
    known: dict[str, str] = {}
    for table in tables:
        known |= dict(zip(table.mids, table.names, strict=True))
    return AudioSetClasses(tuple(known), tuple(known.values()))


def _credits(tree: SoundTree, files: Sequence[str]) -> dict[str, Attribution]:
    videos: Mapping[str, str] = {file: video_of(PurePosixPath(file).stem) for file in files}
    return {file: Attribution(file, source=f"https://www.youtube.com/watch?v={video}") for file, video in videos.items()}


KIND = CatalogueKind(
    "audioset", "AudioSet: class_labels_indices*.csv and *_segments.csv or lists in JSON", _recognises, _read, _credits
)
