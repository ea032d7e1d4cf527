"""What is missing or broken in a set on disk, file by file."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from auris.data.seld_sets.catalogue import SeldDataset, dataset
from auris.data.seld_sets.clips import FoundFiles, find_classes, find_files, recording_of
from auris.data.seld_sets.labels import read_labels
from auris.data.seld_targets import TARGET_FORMATS, unheld_rows
from auris.errors import FormatError
from auris.io.audio_files import verify_audio
from auris.io.frame_labels import FrameLabels

Severity = Literal["error", "warning"]
_TOLERANCE = 10  # frames: labels that go on for longer than a second after the recording belong to another one
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class Finding:
    """Something that is not right with a file.

    Attributes:
        path: of the file, or of the folder where something is missing.
        severity: an ``error`` stops training or spoils it; a ``warning`` is worth knowing.
        kind: in two or three words, equal for equal faults.
        text: what was found.
    """

    path: Path
    severity: Severity
    kind: str
    text: str


@dataclass(frozen=True)
class DatasetReport:
    """What was found below a folder.

    Attributes:
        dataset: name of the set.
        root: the folder.
        recording: which recordings were looked at.
        split: which clips were looked at.
        clips: number of clips with a recording.
        labelled: number of clips with labels.
        silent: number of label files without a row.
        seconds: length of all recordings that can be read.
        rows: number of label rows.
        unheld: rows that a target format cannot hold, by format.
        splits: number of clips in every split that is there.
        findings: errors first, by file.
    """

    dataset: str
    root: Path
    recording: str
    split: str
    clips: int
    labelled: int
    silent: int
    seconds: float
    rows: int
    unheld: dict[str, int]
    splits: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def kinds(self) -> dict[tuple[Severity, str], int]:
        """How often each fault was found."""
        return dict(Counter((finding.severity, finding.kind) for finding in self.findings))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        plain = {name: value for name, value in vars(self).items() if name not in ("findings", "root")}
        found = [{**vars(finding), "path": str(finding.path)} for finding in self.findings]
        return {**plain, "root": str(self.root), "errors": self.errors, "findings": found}


@dataclass
class _ClipReport:
    """What one clip adds to the whole."""

    seconds: float = 0.0
    rows: int = 0
    read: bool = False
    unheld: dict[str, int] = field(default_factory=dict)
    digest: str = ""
    findings: list[Finding] = field(default_factory=list)

    def add(self, path: Path, severity: Severity, kind: str, text: str) -> None:
        self.findings.append(Finding(path, severity, kind, text))


def check_dataset(
    entry: SeldDataset | str,
    root: str | Path,
    *,
    split: str = "all",
    recording: str | None = None,
    read: Literal["end", "all"] = "end",
    progress: Callable[[int, int], None] | None = None,
) -> DatasetReport:
    """Check every file of a set.

    Args:
        entry: the set, or its name.
        root: folder that holds it.
        split: as for :func:`auris.data.seld_sets.clips.find_clips`.
        recording: as there.
        read: ``end`` reads the last samples of every recording, ``all`` decodes all of them and finds recordings that are
            there under two names.
        progress: called with the number of clips done and of all clips.

    Raises:
        ParameterError: the set, the split or the recording is unknown.
        FormatError: the folder is missing, or holds nothing of the split.
    """
    entry = dataset(entry) if isinstance(entry, str) else entry
    chosen, pattern = recording_of(entry, recording), re.compile(entry.pattern(split))
    everything = find_files(entry, root, recording=chosen)
    mine = [files for files in everything if pattern.fullmatch(files.key)]
    if not mine:
        found = f"{len(everything)} clips, but none of the split {split!r}" if everything else "nothing of it"
        raise FormatError(f"{root}: {found}; {entry.name} lies on disk as {entry.layout_text}")
    classes, findings = _classes(entry, Path(root))
    reports = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for report in pool.map(lambda files: _check_clip(entry, files, chosen, classes, read), mine):
            reports.append(report)
            if progress:
                progress(len(reports), len(mine))
    findings += [finding for report in reports for finding in report.findings]
    findings += _same_recordings(mine, reports)
    return DatasetReport(
        entry.name,
        Path(root),
        chosen,
        split,
        clips=sum(bool(files.audio) for files in mine),
        labelled=sum(bool(files.labels) for files in mine),
        silent=sum(report.read and not report.rows for report in reports),
        seconds=math.fsum(report.seconds for report in reports),
        rows=sum(report.rows for report in reports),
        unheld={name: sum(report.unheld.get(name, 0) for report in reports) for name in TARGET_FORMATS},
        splits=_split_sizes(entry, [files.key for files in everything if files.audio]),
        findings=tuple(sorted(findings, key=lambda finding: (finding.severity, str(finding.path)))),
    )


def _classes(entry: SeldDataset, root: Path) -> tuple[tuple[str, ...], list[Finding]]:
    try:
        return find_classes(entry, root), []
    except FormatError as error:
        return (), [Finding(root, "error", "no class list", str(error))]


def _split_sizes(entry: SeldDataset, keys: Iterable[str]) -> dict[str, int]:
    keys = list(keys)
    sizes = {name: sum(re.fullmatch(entry.pattern(name), key) is not None for key in keys) for name in entry.split_names}
    return {name: size for name, size in sizes.items() if size}


def _check_clip(
    entry: SeldDataset, files: FoundFiles, recording: str, classes: tuple[str, ...], read: Literal["end", "all"]
) -> _ClipReport:
    report = _ClipReport()
    for kind, paths in (("recording", files.audio), ("label file", files.labels)):
        for path in paths[1:]:
            report.add(path, "error", f"second {kind}", f"{files.key} has another {kind}: {paths[0]}")
    if not files.audio:
        report.add(files.labels[0], "error", "no recording", f"labels of {files.key}, but no {recording} recording of it")
    elif not files.labels and not entry.is_unlabelled(files.key):
        report.add(files.audio[0], "error", "no labels", f"recording of {files.key}, but no labels of it")
    if files.audio:
        _check_audio(entry, files.audio[0], report, channels=entry.recordings[recording], read=read)
    if files.labels:
        _check_labels(entry, files.labels[0], report, classes)
    return report


def _check_audio(entry: SeldDataset, path: Path, report: _ClipReport, *, channels: int, read: Literal["end", "all"]) -> None:
    try:
        header = verify_audio(path, read=read)
    except FormatError as error:
        report.add(path, "error", "damaged recording", _without(path, error))
        return
    report.seconds = header.duration
    if header.channels != channels:
        report.add(path, "error", "channels", f"{header.channels} channels, expected {channels}")
    if entry.sample_rate and header.sample_rate != entry.sample_rate:
        report.add(path, "error", "sample rate", f"{header.sample_rate} Hz, expected {entry.sample_rate} Hz")
    if entry.clip_seconds is not None and abs(header.duration - entry.clip_seconds) > 0.05:
        report.add(path, "warning", "length", f"{header.duration:g} s, where the set has {entry.clip_seconds:g} s")
    if read == "all":
        with open(path, "rb") as stream:
            report.digest = hashlib.file_digest(stream, "blake2b").hexdigest()


def _check_labels(entry: SeldDataset, path: Path, report: _ClipReport, classes: tuple[str, ...]) -> None:
    try:
        rows = read_labels(entry, path, classes)
    except FormatError as error:
        report.add(path, "error", "damaged labels", _without(path, error))
        return
    report.read, report.rows = True, len(rows)
    if not len(rows):
        return
    count = len(classes) or entry.class_count
    beyond = rows.class_index >= count
    if count and beyond.any():
        number, first = int(beyond.sum()), int(np.argmax(beyond))
        text = f"{number} rows have a class number above {count - 1}, the first is {rows.class_index[first]} in frame "
        report.add(path, "error", "class number", f"{text}{rows.frame[first]}")
    _check_times(path, rows, report)
    repeated = _repeated(rows)
    if repeated:
        report.add(path, "warning", "repeated rows", f"{repeated} rows are there twice")
    for name in TARGET_FORMATS:
        report.unheld[name] = unheld_rows(rows, name)


def _check_times(path: Path, rows: FrameLabels, report: _ClipReport) -> None:
    if not report.seconds:
        return
    last = math.ceil(round(report.seconds / rows.hop, 6))
    late = rows.frame >= last
    if late.any():
        severity: Severity = "error" if rows.frame.max() >= last + _TOLERANCE else "warning"
        text = f"{int(late.sum())} rows lie after the end of the recording: frame {rows.frame.max()}, {report.seconds:g} s"
        report.add(path, severity, "frames after the end", f"{text} have {last} frames")


def _repeated(rows: FrameLabels) -> int:
    """Rows that say the same as another one."""
    columns = (rows.frame, rows.class_index, rows.track, np.round(rows.azimuth, 6), np.round(np.nan_to_num(rows.elevation), 6))
    return len(rows) - len(np.unique(np.stack(columns, axis=1), axis=0))


def _same_recordings(clips: Iterable[FoundFiles], reports: Iterable[_ClipReport]) -> list[Finding]:
    """Recordings that are byte for byte another one."""
    first: dict[str, Path] = {}
    findings = []
    for files, report in zip(clips, reports, strict=True):
        if report.digest and first.setdefault(report.digest, files.audio[0]) != files.audio[0]:
            text = f"the same bytes as {first[report.digest]}"
            findings.append(Finding(files.audio[0], "warning", "same recording", text))
    return findings


def _without(path: Path, error: Exception) -> str:
    """The text of an error without the path that the report shows anyway."""
    return str(error).removeprefix(str(path)).removeprefix(": ").lstrip(":")
