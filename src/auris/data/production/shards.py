"""Items as members of tar files, as ``webdataset`` reads them: ``<item name>.<field>``, those of one item together.

A shard is a function of its items alone: members are sorted, belong to nobody and are as old as time. Where each begins is
remembered, so that a reader can also take single items out of a shard without reading what is before them.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable
from io import BytesIO
from typing import IO

from auris.data.production.maker import MadeItem
from auris.data.production.manifest import ManifestItem, StoredFile

SHARD_ITEMS = 128  # of one-minute four-channel scenes as FLAC, this is about a gigabyte


def shard_path(preset: str, number: int) -> str:
    """Return where a shard lies, below the set."""
    return f"shards/{preset}-{number:06d}.tar"


def write_shard(stream: IO[bytes], path: str, items: Iterable[tuple[int, MadeItem]]) -> tuple[StoredFile, list[ManifestItem]]:
    """Write items as a tar file while they are made, and return what is remembered of the file and of each item.

    Args:
        stream: the file, open for writing.
        path: what it will be called, below the set.
        items: items with their numbers.
    """
    target = _Digesting(stream)
    remembered = []
    # PAX differs from USTAR only where a name is longer than that can hold.
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for index, item in items:
            files = []
            for file in sorted(item.files, key=lambda file: file.field):
                offset = _add(tar, target, f"{item.name}.{file.field}", file.content)
                digest = hashlib.sha256(file.content).hexdigest()
                files.append(StoredFile(path, len(file.content), digest, file.field, offset))
            remembered.append(ManifestItem(index, item.name, tuple(files), item.facts))
    return StoredFile(path, target.tell(), target.digest.hexdigest()), remembered


def _add(tar: tarfile.TarFile, target: _Digesting, name: str, content: bytes) -> int:
    """Add a member and return where its content begins."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o644  # everything else a TarInfo says of owner and time is zero or empty
    tar.addfile(info, BytesIO(content))
    return target.tell() - -(-len(content) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


class _Digesting:
    """A file to write to, that knows the checksum of what has been written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._size = 0
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        self._size += len(content)
        return self._stream.write(content)

    def tell(self) -> int:
        return self._size
