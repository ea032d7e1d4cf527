"""Whether a made set is whole: every file there, with its checksum, and none that does not belong to it."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b, sha256
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import numpy as np

from auris.data.production.manifest import DESCRIPTION, STATE, Manifest, ManifestItem, StoredFile, read_json, read_manifest
from auris.data.production.records import Records, differs

_PIECE = 1 << 20
REPORT = "report"  # folder of the page that auris data report writes


@dataclass(frozen=True)
class SetFinding:
    """Something wrong with a set.

    Attributes:
        kind: ``missing``, ``truncated``, ``size`` (longer than it should be), ``changed``, ``doubled``, ``extra`` or
            ``unfinished``.
        path: the file, below the set.
        text: what was found.
    """

    kind: str
    path: str
    text: str


@dataclass(frozen=True)
class SetReport:
    """What a check found.

    Attributes:
        root: folder of the set.
        preset: kind of set.
        form: folders or shards.
        items: number of items that the set should have.
        files: files that were looked at.
        bytes: what they hold.
        findings: what is wrong; nothing for a whole set.
    """

    root: str
    preset: str
    form: str
    items: int
    files: int
    bytes: int
    findings: tuple[SetFinding, ...]

    @property
    def kinds(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        return dict(Counter(finding.kind for finding in self.findings))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self) | {"kinds": self.kinds}


def is_made_set(folder: str | Path) -> bool:
    """Whether a folder holds a set made by auris, finished or begun."""
    return (Path(folder) / DESCRIPTION).is_file() or (Path(folder) / STATE / "run.json").is_file()


def check_set(out: str | Path, *, progress: Callable[[int, int], None] = lambda done, total: None) -> SetReport:
    """Compare every byte of a set with its manifest.

    Args:
        out: folder of the set.
        progress: called with items done and items in all.

    Raises:
        FormatError: the folder holds no set, or its description or manifest is damaged beyond reading.
    """
    folder = Path(out)
    unfinished = Records(folder).description() if not (folder / DESCRIPTION).is_file() else None
    if unfinished is not None:
        made = sum(1 for _ in Records(folder).units())
        units = -(-unfinished.items // unfinished.shard_items)
        text = f"{made} of {units} units of work are recorded; the command that began the set goes on with --resume"
        finding = SetFinding("unfinished", ".", text)
        return SetReport(str(folder), unfinished.preset, unfinished.form, unfinished.items, 0, 0, (finding,))
    damaged = _damaged_lists(folder)
    if damaged:
        # Without a sound manifest, nothing can be said about the items.
        description = read_json(folder / DESCRIPTION)
        names = (description.get("preset", ""), description.get("form", ""), description.get("items", 0))
        return SetReport(str(folder), *names, 0, 0, damaged)
    return _Check(folder, read_manifest(folder)).report(progress)


def _damaged_lists(folder: Path) -> tuple[SetFinding, ...]:
    """What is wrong with the manifest."""
    try:
        files = [StoredFile.from_dict(file) for file in read_json(folder / DESCRIPTION)["files"]]
    except (KeyError, TypeError):
        return ()  # read_manifest tells what is wrong
    return tuple(_findings(folder, file) for file in files[:1] if differs(folder, file, "checksums"))


def _findings(folder: Path, file: StoredFile) -> SetFinding:
    kind = differs(folder, file, "checksums")
    if kind == "missing":
        return SetFinding("missing", file.path, f"is not there, {file.bytes} bytes expected")
    if kind == "size":
        size = (folder / file.path).stat().st_size
        return SetFinding("truncated" if size < file.bytes else "size", file.path, f"{size} bytes, {file.bytes} expected")
    return SetFinding("changed", file.path, "has another checksum")


class _Check:
    """A set while it is gone through."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self._found: list[SetFinding] = []
        self._files = self._bytes = 0
        self._known = array("Q")  # hashes of the paths that belong to the set: eight bytes for each, however many

    def report(self, progress: Callable[[int, int], None]) -> SetReport:
        manifest = self._manifest
        for file in (*manifest.files, *manifest.shards):
            self._compare(file)
        self._know(DESCRIPTION)
        done, total = 0, len(manifest.items)
        for shard, items in groupby(manifest.items, key=_shard_of):
            for item in self._in_folders(items) if shard is None else self._in_shard(shard, list(items)):
                if item.index != done:
                    self._note("doubled", item.name, f"has number {item.index} where {done} should stand")
                done += 1
                progress(done, total)
        self._look_for_strangers()
        description = manifest.description
        return SetReport(
            str(self._folder),
            description.preset,
            description.form,
            description.items,
            self._files,
            self._bytes,
            tuple(self._found),
        )

    def _note(self, kind: str, path: str, text: str) -> None:
        self._found.append(SetFinding(kind, path, text))

    def _know(self, path: str) -> None:
        self._known.append(_hashed(path))

    def _compare(self, file: StoredFile) -> None:
        self._know(file.path)
        self._files += 1
        self._bytes += file.bytes
        if differs(self._folder, file, "checksums") is not None:
            self._found.append(_findings(self._folder, file))

    def _in_folders(self, items: Iterator[ManifestItem]) -> Iterator[ManifestItem]:
        for item in items:
            for file in item.files:
                self._compare(file)
            yield item

    def _in_shard(self, shard: str, items: Sequence[ManifestItem]) -> Iterator[ManifestItem]:
        """Compare the members of a shard where the manifest says that they lie."""
        if _hashed(shard) not in self._known:
            self._note("extra", shard, "is named by items, but is no shard of the set")
        try:
            stream: IO[bytes] | None = open(self._folder / shard, "rb")  # noqa: SIM115 - closed below, after the last item
        except OSError:
            stream = None  # has been noted as missing
        try:
            for item in items:
                for file in item.files:
                    if stream is not None and _stretch(stream, file) != file.sha256:
                        self._note("changed", f"{shard}: {item.name}.{file.field}", "has another checksum")
                yield item
        finally:
            if stream is not None:
                stream.close()

    def _look_for_strangers(self) -> None:
        known, counts = np.unique(np.frombuffer(self._known, np.uint64), return_counts=True)
        doubled = int((counts > 1).sum())
        if doubled:
            self._note("doubled", ".", f"{doubled} files belong to more than one item")
        for path in _paths(self._folder):
            place = int(np.searchsorted(known, _hashed(path)))
            if place == len(known) or int(known[place]) != _hashed(path):
                self._note("extra", path, "does not belong to the set")


def _shard_of(item: ManifestItem) -> str | None:
    return next((file.path for file in item.files if file.offset is not None), None)


def _stretch(stream: IO[bytes], file: StoredFile) -> str:
    """Checksum of a member."""
    digest = sha256()
    stream.seek(file.offset or 0)
    left = file.bytes
    while left and (piece := stream.read(min(left, _PIECE))):
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest()


def _hashed(path: str) -> int:
    return int.from_bytes(blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")


def _paths(folder: Path) -> Iterator[str]:
    """Every file below a set, except what runs remember and what is shown of it."""
    for place, folders, names in os.walk(folder):
        below = Path(place).relative_to(folder)
        if below == Path():
            folders[:] = [name for name in folders if name not in (STATE, REPORT)]
        yield from ((below / name).as_posix() for name in names)
