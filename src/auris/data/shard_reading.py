"""Tar shards in the convention of WebDataset, read at any place: which files lie where, and their bytes.

The files of an example follow each other and are called ``<key>.<field>``; the key goes up to the first dot of the name's last
part. Headers are read once and tell where everything lies; content is then read by its place, so that nothing is kept open,
processes share nothing, and what is not wanted is not read. What has no dot, or is called ``__…__``, is no part of an example.

Format: POSIX.1-1988 (ustar) with the extensions of POSIX.1-2001 (pax) and GNU for long names; the convention of names is that
of the WebDataset library (https://github.com/webdataset/webdataset).
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from auris.errors import FormatError

_BLOCK = tarfile.BLOCKSIZE
_NAME = re.compile(r"((?:.*/)?[^./]+)\.([^/]+)", re.DOTALL)
_META = re.compile(r"(.*/)?__[^/]*__[^/]*", re.DOTALL)
_LONGEST_NOTE = 2**20  # bytes of a header that says a name; no name is longer
_PACKED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd", b"PK": "zip"}


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a shard.

    Attributes:
        name: its whole name.
        offset: where its content begins, in bytes.
        size: bytes of content.
    """

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ShardExample:
    """The files of one example.

    Attributes:
        key: its name.
        fields: its files, by what comes after the key and the dot.
    """

    key: str
    fields: dict[str, Member]


def shard_members(path: str | Path) -> list[Member]:
    """Return the files in a shard, in their order, from its headers.

    Raises:
        FormatError: the shard is missing, compressed, no tar file, damaged or cut short; the text names it and the member.
    """
    shard = Path(path)
    try:
        with open(shard, "rb", buffering=_BLOCK) as stream:
            return list(_members(stream, shard, shard.stat().st_size))
    except OSError as error:
        raise FormatError(f"{shard}: {error.strerror or error}") from None


def shard_examples(path: str | Path) -> list[ShardExample]:
    """Return the examples in a shard, in their order.

    Raises:
        FormatError: as :func:`shard_members`, or two files of an example have one name, or they do not follow each other.
    """
    examples: list[ShardExample] = []
    seen: set[str] = set()
    for member in shard_members(path):
        parts = _NAME.fullmatch(member.name)
        if parts is None or _META.fullmatch(member.name):
            continue
        key, field = parts.groups()
        if not examples or examples[-1].key != key:
            if key in seen:
                raise FormatError(
                    f"{path}: {member.name!r} comes after other examples, but the files of an example must follow each other; "
                    "write the shard again, sorted by name"
                )
            seen.add(key)
            examples.append(ShardExample(key, {}))
        if field in examples[-1].fields:
            raise FormatError(f"{path}: two members are called {member.name!r}")
        examples[-1].fields[field] = member
    return examples


def read_stretch(path: str | Path, *, offset: int, size: int, what: str) -> bytes:
    """Return ``size`` bytes of a file from ``offset`` on.

    Args:
        path: of the file.
        offset: in bytes.
        size: in bytes.
        what: what is read, for the message.

    Raises:
        FormatError: the file is missing, or ends before that.
    """
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            content = stream.read(size)
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error} (reading {what})") from None
    if len(content) != size:
        raise FormatError(f"{path}: cut short in {what}, {size - len(content)} of its {size} bytes are missing")
    return content


def _members(stream: BinaryIO, shard: Path, total: int) -> Iterator[Member]:
    """Go from header to header; notes (long names, sizes beyond 8 GiB) belong to the header that follows them."""
    place, last = 0, ""
    notes: dict[str, str] = {}
    while True:
        stream.seek(place)
        block = stream.read(_BLOCK)
        if len(block) == _BLOCK and not any(block):
            return
        if len(block) < _BLOCK:
            after = f" after member {last!r}" if last else ""
            raise FormatError(f"{shard}: cut short{after}: {_what_is_missing(block, total)}")
        header = _header(block, shard, place, last)
        size = int(notes.get("size", header.size))
        name = notes.get("path", header.name)
        if place + _BLOCK + size > total:
            missing = place + _BLOCK + size - total
            raise FormatError(f"{shard}: cut short in member {name!r}, {missing} of its {size} bytes are missing")
        if header.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            if header.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
                notes |= _notes(header, stream.read(min(size, _LONGEST_NOTE)), shard)
        else:
            if header.isreg():
                yield Member(name, place + _BLOCK, size)
            last, notes = name, {}
        place += _BLOCK + -(-size // _BLOCK) * _BLOCK


def _what_is_missing(block: bytes, total: int) -> str:
    if not total:
        return "the file is empty"
    return "half a header" if block else "the empty blocks that end a tar file are missing, and perhaps members before them"


def _header(block: bytes, shard: Path, place: int, last: str) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        packed = next((kind for magic, kind in _PACKED.items() if block.startswith(magic)), None)
        if place == 0 and packed:
            raise FormatError(
                f"{shard}: compressed ({packed}); shards are read at any place, so unpack it to a plain .tar"
            ) from None
        if place == 0:
            raise FormatError(f"{shard}: not a tar file") from None
        raise FormatError(f"{shard}: damaged after member {last!r}: no tar header at byte {place}") from None


def _notes(header: tarfile.TarInfo, content: bytes, shard: Path) -> dict[str, str]:
    """What a header says of the one that follows: GNU a name, pax lines ``<length> <key>=<value>``."""
    if header.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": content.rstrip(b"\0").decode("utf-8", "surrogateescape")}
    notes, place = {}, 0
    while place < len(content) and content[place : place + 1] != b"\0":
        length, space, _ = content[place:].partition(b" ")
        record = content[place : place + int(length)] if space and length.isdigit() and int(length) else b""
        key, equals, value = record[len(length) + 1 : -1].partition(b"=")
        if not equals:
            raise FormatError(f"{shard}: damaged: a pax header holds no record where it says so")
        notes[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        place += len(record)
    return {key: notes[key] for key in ("path", "size") if key in notes}
