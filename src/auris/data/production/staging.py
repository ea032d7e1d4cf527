"""Files that appear together: written and synced beside the set, moved into place when all of them are whole.

They are not written beside their final places, because several runs may work in one folder, and none could tell the leftover
of a killed run from what another is writing. Here each unit of work has temporary folders of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from auris.data.production.manifest import STATE
from auris.errors import FormatError


class Staging:
    """Files on their way into a set. Made by :func:`staging`."""

    def __init__(self, out: Path, folder: Path) -> None:
        self._out = out
        self._folder = folder
        self._moves: list[tuple[Path, str]] = []

    @contextmanager
    def file(self, path: str) -> Iterator[IO[bytes]]:
        """Yield an open file that :meth:`commit` moves to ``path`` below the set."""
        temporary = self._folder / str(len(self._moves))
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        self._moves.append((temporary, path))

    def put(self, path: str, content: bytes) -> None:
        """Write a file that :meth:`commit` moves to ``path`` below the set."""
        with self.file(path) as stream:
            stream.write(content)

    def commit(self) -> None:
        """Move the files into place, in the order in which they were written."""
        for temporary, path in self._moves:
            target = self._out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, target)
        self._moves.clear()


@contextmanager
def staging(out: Path, owner: str) -> Iterator[Staging]:
    """Yield a place for files on their way into the set ``out``; what was not committed is removed.

    Args:
        out: folder of the set.
        owner: what is being written, by which :func:`remove_leftovers` knows it again.

    Raises:
        FormatError: the disk is full, read-only or gone.
    """
    folder: Path | None = None
    try:
        (out / STATE / "tmp").mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{owner}.", dir=out / STATE / "tmp"))
        yield Staging(out, folder)
    except OSError as error:
        raise FormatError(f"cannot write {error.filename or out}: {error.strerror or error}") from None
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(out: Path, owned: Callable[[str], bool]) -> None:
    """Remove what killed runs left behind of the owners for which ``owned`` is true."""
    folder = out / STATE / "tmp"
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if owned(entry.name.rpartition(".")[0]):
            shutil.rmtree(entry, ignore_errors=True)
    try:
        folder.rmdir()
    except OSError:
        return  # another run is writing
