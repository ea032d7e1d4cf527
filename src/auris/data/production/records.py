"""What a run remembers while a set grows: what is being made, and one record for each unit of work that is done.

A record is written after the files of its unit, so a unit with a record was whole at that time. Nothing else is kept: whoever
comes later, on this machine or another, finds in these files all that there is to know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from auris.data.production.manifest import STATE, Description, ManifestItem, StoredFile, json_line, read_json
from auris.data.production.staging import Staging, staging
from auris.errors import FormatError, ParameterError

_RUN = f"{STATE}/run.json"
_SHOWN = 8  # settings that differ


@dataclass(frozen=True)
class UnitRecord:
    """What is remembered of a unit of work.

    Attributes:
        unit: its number.
        items: its items, in order.
        shard: the tar file that they are members of, if they are.
    """

    unit: int
    items: tuple[ManifestItem, ...]
    shard: StoredFile | None = None

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """The files on disk."""
        return (self.shard,) if self.shard is not None else tuple(file for item in self.items for file in item.files)


class Records:
    """The records below a folder ``out``."""

    def __init__(self, out: str | Path) -> None:
        self.out = Path(out)

    def path(self, unit: int) -> str:
        """Return where a record lies; a thousand in a folder, because file systems of clusters suffer from a million."""
        return f"{STATE}/items/{unit // 1000:03d}/{unit:06d}.json"

    def write(self, record: UnitRecord, place: Staging) -> None:
        """Write a record, as the last file of its unit.

        Raises:
            ValueError: facts hold numbers that are not finite.
            TypeError: facts hold what JSON does not know.
        """
        shard = None if record.shard is None else record.shard.to_dict()
        plain = {"unit": record.unit, "items": [item.to_dict() for item in record.items], "shard": shard}
        place.put(self.path(record.unit), json_line(plain))

    def read(self, unit: int) -> UnitRecord:
        """Read a record.

        Raises:
            FormatError: it is missing or damaged.
        """
        path = self.out / self.path(unit)
        plain = read_json(path)
        try:
            shard = None if plain["shard"] is None else StoredFile.from_dict(plain["shard"])
            record = UnitRecord(int(plain["unit"]), tuple(ManifestItem.from_dict(item) for item in plain["items"]), shard)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path}: damaged ({error}); --resume makes its items again") from None
        if record.unit != unit:
            raise FormatError(f"{path}: belongs to another place ({record.unit}); --resume makes its items again")
        return record

    def forget(self, unit: int) -> None:
        """Remove a record: its unit is to be made again."""
        (self.out / self.path(unit)).unlink(missing_ok=True)

    def units(self) -> Iterator[int]:
        """Yield the units that have records, in no order."""
        for path in (self.out / STATE / "items").glob("*/*.json"):
            if path.stem.isdecimal():
                yield int(path.stem)

    def whole(self, unit: int, trust: Literal["sizes", "checksums"]) -> bool:
        """Whether a unit is made: its record is good, and its files are as the record says."""
        try:
            return all(differs(self.out, file, trust) is None for file in self.read(unit).files)
        except FormatError:
            return False

    def description(self) -> Description | None:
        """Return what is being made here; None where nothing is.

        Raises:
            FormatError: that is damaged.
        """
        path = self.out / _RUN
        return Description.from_dict(read_json(path), path) if path.exists() else None

    def claim(self, description: Description, *, owner: str) -> None:
        """Say what is being made here, or make sure that it is the same.

        Raises:
            ParameterError: it is something else; the text says what differs.
            FormatError: the folder cannot be written to.
        """
        if self.description() is None:
            with staging(self.out, owner) as place:
                place.put(_RUN, json.dumps(description.to_dict(), indent=1, ensure_ascii=False).encode() + b"\n")
                place.commit()
        # Read again, because another run may have been first.
        there = self.description()
        assert there is not None
        differences = _differences(there.to_dict(), json.loads(json_line(description.to_dict())))
        if differences:
            shown = "; ".join(differences[:_SHOWN]) + (
                f"; and {len(differences) - _SHOWN} more" if differences[_SHOWN:] else ""
            )
            raise ParameterError(f"{self.out} is a set with other settings: {shown}. Give those, or choose another folder")


def differs(out: Path, file: StoredFile, trust: Literal["sizes", "checksums"]) -> Literal["missing", "size", "content"] | None:
    """Return how a file is not what it should be, None if it is."""
    path = out / file.path
    if not path.is_file():
        return "missing"
    if path.stat().st_size != file.bytes:
        return "size"
    return "content" if trust == "checksums" and checksum(path) != file.sha256 else None


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = sha256()
    with open(path, "rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What differs between two plain mappings, one text for each key."""
    old, new = dict(_flat(there)), dict(_flat(here))
    return [f"{key} is {old.get(key)!r} there, {new.get(key)!r} here" for key in {**old, **new} if old.get(key) != new.get(key)]


def _flat(plain: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in plain.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
