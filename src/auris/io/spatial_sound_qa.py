"""Lists of AudioSet clips as SpatialSoundQA publishes them: clips, class names, and sample weights.

* ``balanced.json``, ``unbalanced.json``, ``eval.json``: a list of ``{"folder": …, "id": …, "label": [MID, …]}``; the audio is
  ``root/folder/id.wav``. The folders of old unbalanced lists lead into an HDF5 file (three parts or more); their audio is
  ``root/<first part>/audio/id.wav``.
* ``class_labels_indices_subset.csv``: columns index, mid, display_name. The number of a class is its row, not its index.
* ``weights/*_weight.csv``: one number per clip, in the order of the list.

Source: Zheng et al., BAT, arXiv:2402.01591, and the files of its authors.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.errors import FormatError, ParameterError, did_you_mean
from auris.io.atomic import write_text

_WEIGHT_OF_CLASS, _WEIGHT_OFFSET = 1000.0, 0.01


@dataclass(frozen=True)
class AudioSetClasses:
    """Classes in the order of their numbers.

    Attributes:
        mids: machine identifiers such as ``/m/09x0r``.
        names: display names such as ``Speech``.
    """

    mids: tuple[str, ...]
    names: tuple[str, ...]
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", {mid: number for number, mid in enumerate(self.mids)})

    def __len__(self) -> int:
        return len(self.mids)

    def number(self, mid: str) -> int:
        """Return the number of a class.

        Raises:
            ParameterError: there is no such class.
        """
        try:
            return self._numbers[mid]
        except KeyError:
            hint = did_you_mean(mid, self.mids)
            raise ParameterError(f"unknown class {mid!r}{hint}; the list of classes has {len(self)} others") from None


@dataclass(frozen=True, slots=True)
class ClipEntry:
    """One clip of a list.

    Attributes:
        path: its audio.
        id: name of the clip.
        classes: numbers of its classes, in the order of the list.
    """

    path: Path
    id: str
    classes: tuple[int, ...]


def label_csv_text(classes: AudioSetClasses) -> str:
    """Return the table of classes as the text of a file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("index", "mid", "display_name"))
    writer.writerows((number, mid, name) for number, (mid, name) in enumerate(zip(classes.mids, classes.names, strict=True)))
    return text.getvalue()


def read_label_csv(path: str | Path) -> AudioSetClasses:
    """Read the table of classes.

    Raises:
        FormatError: no such file, a column is missing, a row is incomplete, or a class appears twice.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    missing = [name for name in ("mid", "display_name") if name not in (reader.fieldnames or ())]
    if missing:
        raise FormatError(f"{file}: lacks the column {' and '.join(missing)}; its header is {reader.fieldnames}")
    mids, names = [], []
    for row in reader:
        if not (row["mid"] and row["display_name"]):
            raise FormatError(f"{file}:{reader.line_num}: a class needs mid and display_name, got {list(row.values())}")
        if None in row:
            raise FormatError(f"{file}:{reader.line_num}: too many columns; a name with commas stands in quotation marks")
        mids.append(row["mid"])
        names.append(row["display_name"])
    twice = sorted({mid for mid in mids if mids.count(mid) > 1})
    if twice or not mids:
        raise FormatError(f"{file}: {f'class {twice[0]} appears twice' if twice else 'holds no classes'}")
    return AudioSetClasses(tuple(mids), tuple(names))


def read_clips(path: str | Path, audio_root: str | Path, classes: AudioSetClasses) -> tuple[ClipEntry, ...]:
    """Read a list of clips; whether their audio exists is told when it is read.

    Args:
        path: JSON list.
        audio_root: folder that the folders of the list are below.
        classes: the table of classes.

    Raises:
        FormatError: no such file, not such a list, or a class is not in the table; the message names the entry.
    """
    file, root = Path(path), Path(audio_root)
    try:
        records = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(f"{file}: cannot be read as JSON ({getattr(error, 'strerror', None) or error})") from None
    if not isinstance(records, list) or not records:
        raise FormatError(f'{file}: a list of clips is [{{"folder": …, "id": …, "label": […]}}, …], with at least one')
    folders: dict[str, Path] = {}
    return tuple(_clip(f"{file}: entry {n}", record, root, folders, classes) for n, record in enumerate(records))


def clips_text(clips: Iterable[tuple[str, str, Sequence[str]]]) -> str:
    """Return a list of clips, given as folder, name and identifiers of classes, as the text of a file."""
    rows = ({"folder": folder, "id": name, "label": list(mids)} for folder, name, mids in clips)
    return "[\n" + ",\n".join(" " + json.dumps(row) for row in rows) + "\n]\n"


def _clip(where: str, record: Any, root: Path, folders: dict[str, Path], classes: AudioSetClasses) -> ClipEntry:
    """One clip; ``folders`` remembers where the few folders of millions of clips are."""
    try:
        folder, name, mids = str(record["folder"]), str(record["id"]), record["label"]
        if not isinstance(mids, list):
            raise TypeError
        numbers = tuple(classes.number(mid) for mid in mids)
    except (KeyError, TypeError):
        raise FormatError(f"{where} needs folder, id and a list of labels, got {record!r}") from None
    except ParameterError as error:
        raise FormatError(f"{where}: {error}") from None
    if folder not in folders:
        folders[folder] = root / audio_folder(folder)
    return ClipEntry(folders[folder] / f"{name}.wav", name, numbers)


def audio_folder(folder: str) -> PurePosixPath:
    """Return where the audio of a folder of a list is, below the folder of all audio, as DSpAST finds it.

    >>> str(audio_folder("eval/audio")), str(audio_folder("unbalanced_train/part00/part00_full.h5"))
    ('eval/audio', 'unbalanced_train/audio')
    """
    parts = PurePosixPath(folder).parts
    return PurePosixPath(parts[0], "audio") if len(parts) >= 3 else PurePosixPath(*parts)


def sample_weights(classes: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Return how often each clip should be drawn, ``(clips,)``: the sum over its classes of 1000 / (clips of the class + 0.01).

    Raises:
        ParameterError: there are no clips, or a clip has no class, which would never be drawn.
    """
    empty = next((number for number, numbers in enumerate(classes) if not len(numbers)), None)
    if not len(classes) or empty is not None:
        raise ParameterError(
            f"weights need clips with classes; {'there are no clips' if empty is None else f'clip {empty} has none'}"
        )
    flat = np.concatenate([np.asarray(numbers, dtype=np.int64) for numbers in classes])
    of_class = _WEIGHT_OF_CLASS / (np.bincount(flat) + _WEIGHT_OFFSET)
    starts = np.cumsum([0, *(len(numbers) for numbers in classes[:-1])])
    return np.asarray(np.add.reduceat(of_class[flat], starts))


def write_sample_weights(path: str | Path, weights: NDArray[np.floating[Any]]) -> None:
    """Write weights, one per line, as ``numpy.savetxt`` does."""
    write_text(path, sample_weights_text(weights))


def sample_weights_text(weights: NDArray[np.floating[Any]]) -> str:
    """Return weights as the text of a file."""
    text = io.StringIO()
    np.savetxt(text, np.asarray(weights, dtype=np.float64))
    return text.getvalue()


def read_sample_weights(path: str | Path, *, clips: int | None = None) -> NDArray[np.float64]:
    """Read weights ``(clips,)``.

    Args:
        path: one number per line.
        clips: how many there must be.

    Raises:
        FormatError: no such file, a line is no number of at least 0, all are 0, or their number is not that of the clips.
    """
    file = Path(path)
    try:
        weights = np.array([float(line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()])
    except (OSError, ValueError) as error:
        raise FormatError(f"{file}: cannot be read as one number per line ({error})") from None
    bad = np.flatnonzero(~((weights >= 0) & (weights < math.inf)))
    if len(bad) or not weights.sum() > 0:
        where = f"line {bad[0] + 1} holds {weights[bad[0]]:g}" if len(bad) else "all are 0, or there are none"
        raise FormatError(f"{file}: weights are numbers of at least 0; {where}")
    if clips is not None and len(weights) != clips:
        raise FormatError(
            f"{file}: {len(weights)} weights, but the list has {clips} clips; write them with: auris data weights"
        )
    return weights
