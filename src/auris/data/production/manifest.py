"""What a made set holds, item by item: ``manifest.jsonl`` and ``set.json``, written when the last item is there.

``manifest.jsonl`` has one line for each item in order; ``set.json`` says what the set is and names every other file of it, with
checksums. Both are pure functions of the set's settings and items, so they too are the same bytes after any history of runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from auris.errors import FormatError

Form = Literal["folders", "shards"]
FORMS: tuple[Form, ...] = ("folders", "shards")
MANIFEST, DESCRIPTION, CARD, STATE = "manifest.jsonl", "set.json", "README.md", ".auris"
FORMAT_VERSION = 1
_PIECE = 1 << 20  # bytes that are looked at together


@dataclass(frozen=True)
class StoredFile:
    """A file of a set as it lies on disk.

    Attributes:
        path: below the set's folder, with forward slashes; of the shard where the file is a member of one.
        bytes: its size.
        sha256: of its content, hexadecimal.
        field: what it is called after the item's name; empty for files of the whole set.
        offset: where its content begins in the shard; None for a file of its own.
    """

    path: str
    bytes: int
    sha256: str
    field: str = ""
    offset: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the file as plain JSON: a member of a shard names it under ``shard``, another its ``path``."""
        place = {"path": self.path} if self.offset is None else {"shard": self.path, "offset": self.offset}
        return place | ({"field": self.field} if self.field else {}) | {"bytes": self.bytes, "sha256": self.sha256}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> StoredFile:
        """Return the file that :meth:`to_dict` described."""
        path = str(plain["shard"] if "shard" in plain else plain["path"])
        return cls(path, int(plain["bytes"]), str(plain["sha256"]), str(plain.get("field", "")), plain.get("offset"))


@dataclass(frozen=True)
class ManifestItem:
    """One item of a made set.

    Attributes:
        index: its number.
        name: its name.
        files: its files.
        facts: what its maker noted about it.
    """

    index: int
    name: str
    files: tuple[StoredFile, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the item as plain JSON."""
        files = [file.to_dict() for file in self.files]
        return {"index": self.index, "name": self.name, "files": files, "facts": dict(self.facts)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ManifestItem:
        """Return the item that :meth:`to_dict` described."""
        files = tuple(StoredFile.from_dict(file) for file in plain["files"])
        return cls(int(plain["index"]), str(plain["name"]), files, dict(plain["facts"]))


class ManifestItems(Sequence[ManifestItem]):
    """The items of a ``manifest.jsonl``, read when asked for: a set of a million items costs eight megabytes."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = np.memmap(self.path, dtype=np.uint8, mode="r") if self.path.stat().st_size else np.empty(0, np.uint8)
        except OSError as error:
            raise FormatError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        # Line ends are found a piece at a time: a mask of the whole file would be as large as the file.
        pieces = range(0, len(content), _PIECE)
        ends = [np.flatnonzero(content[start : start + (_PIECE)] == ord("\n")) + start + 1 for start in pieces]
        self._bounds: NDArray[np.int64] = np.concatenate([np.zeros(1, np.int64), *ends])

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @overload
    def __getitem__(self, index: int) -> ManifestItem: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ManifestItem, ...]: ...
    def __getitem__(self, index: int | slice) -> ManifestItem | tuple[ManifestItem, ...]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        number = range(len(self))[index]
        start, end = self._bounds[number : number + 2].tolist()
        with open(self.path, "rb") as stream:
            stream.seek(start)
            return self._item(stream.read(end - start), number)

    def __iter__(self) -> Iterator[ManifestItem]:
        with open(self.path, "rb") as stream:
            for number, line in enumerate(stream):
                yield self._item(line, number)

    def _item(self, line: bytes, number: int) -> ManifestItem:
        try:
            return ManifestItem.from_dict(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{self.path}: line {number + 1} is damaged ({error})") from None


@dataclass(frozen=True)
class Description:
    """What decides about a set, and how it lies on disk.

    Attributes:
        preset: kind of set.
        settings: everything that decides about its items (:attr:`Maker.settings`).
        items: number of items.
        form: files in folders, or members of tar shards.
        shard_items: items in a shard; 1 in folders.
        version: of auris.
    """

    preset: str
    settings: Mapping[str, Any]
    items: int
    form: Form
    shard_items: int
    version: str

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain JSON."""
        return {
            "format": FORMAT_VERSION,
            "auris": self.version,
            "preset": self.preset,
            "items": self.items,
            "form": self.form,
            "shard_items": self.shard_items,
            "settings": dict(self.settings),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], path: Path) -> Description:
        """Return the description read from ``path``.

        Raises:
            FormatError: it is not one, or was written by a newer auris.
        """
        try:
            if plain["format"] > FORMAT_VERSION:
                raise FormatError(f"{path}: written by a newer auris ({plain['auris']}); update auris to read it")
            form: Form = plain["form"]
            shard_items, version = int(plain["shard_items"]), str(plain["auris"])
            return cls(str(plain["preset"]), plain["settings"], int(plain["items"]), form, shard_items, version)
        except (KeyError, TypeError) as error:
            raise FormatError(f"{path}: does not describe a made set ({error})") from None


@dataclass(frozen=True)
class Manifest:
    """A finished set.

    Attributes:
        description: what decides about it, and how it lies on disk.
        items: its items in order, read when asked for.
        files: files of the set as a whole: lists, card, the manifest.
        shards: its tar shards, in order; none in folders.
    """

    description: Description
    items: Sequence[ManifestItem]
    files: tuple[StoredFile, ...] = ()
    shards: tuple[StoredFile, ...] = ()

    @property
    def preset(self) -> str:
        """Kind of set."""
        return self.description.preset

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decided about the items."""
        return self.description.settings

    @property
    def form(self) -> Form:
        """How the files lie on disk."""
        return self.description.form


def read_manifest(out: str | Path) -> Manifest:
    """Read what a finished set holds.

    Raises:
        FormatError: the folder holds no set, or one that is not finished, or the manifest is damaged.
    """
    folder = Path(out)
    if not (folder / DESCRIPTION).is_file():
        begun = (folder / STATE / "run.json").is_file()
        reason = "is not finished; the command that began it goes on with --resume" if begun else "holds no set made by auris"
        raise FormatError(f"{folder}: {reason}" if folder.is_dir() else f"{folder}: no such folder")
    plain = read_json(folder / DESCRIPTION)
    description = Description.from_dict(plain, folder / DESCRIPTION)
    try:
        files, shards = (tuple(StoredFile.from_dict(file) for file in plain[name]) for name in ("files", "shards"))
    except (KeyError, TypeError) as error:
        raise FormatError(f"{folder / DESCRIPTION}: does not describe a made set ({error})") from None
    items = ManifestItems(folder / MANIFEST)
    if len(items) != description.items:
        raise FormatError(f"{items.path}: {len(items)} lines, the set has {description.items} items; --resume writes it again")
    return Manifest(description, items, files, shards)


def read_json(path: Path) -> Any:
    """Read a JSON document of ours.

    Raises:
        FormatError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: cannot be read ({error})") from None


def json_line(plain: Any) -> bytes:
    """Return plain JSON as one line, always the same for the same value.

    Raises:
        ValueError: it holds a number that is not finite.
        TypeError: it holds something that is not plain JSON.
    """
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
