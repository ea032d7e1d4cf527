"""Decoded recordings of a folder: read when first needed, ready to play, in a cache of bounded size."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.data.sound_measurement import decoded
from auris.errors import SceneError

Samples = NDArray[np.float32]


class Recordings:
    """Mono, high-passed recordings below one folder.

    The least recently played are forgotten first. A copy sent to another process begins empty.
    """

    def __init__(self, folder: Path, *, cache_bytes: int) -> None:
        """Remember the folder.

        Args:
            folder: files are named relative to it, and none outside it is ever read.
            cache_bytes: memory for decoded recordings; the one in use is kept whatever its size.
        """
        self._folder = folder
        self._limit = cache_bytes
        self._cache: OrderedDict[str, tuple[Samples, int]] = OrderedDict()
        self._held = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": OrderedDict(), "_held": 0}

    def holds(self, file: str) -> bool:
        """Tell whether ``file`` exists below the folder."""
        path = self._path(file)
        return path is not None and path.is_file()

    def read(self, file: str) -> tuple[Samples, int]:
        """Return samples ``(n,)`` and sample rate of a file.

        Raises:
            SceneError: the file lies outside the folder, is missing, is not audio, ends early, is empty or holds NaN.
        """
        if file in self._cache:
            self._cache.move_to_end(file)
            return self._cache[file]
        entry = self._decode(file)
        self._cache[file] = entry
        self._held += entry[0].nbytes
        while self._held > self._limit and len(self._cache) > 1:
            _, (samples, _) = self._cache.popitem(last=False)
            self._held -= samples.nbytes
        return entry

    def _decode(self, file: str) -> tuple[Samples, int]:
        path = self._path(file)
        if path is None:
            raise SceneError(f"{file}: outside the sound folder {self._folder}; give paths relative to it")
        if not path.is_file():
            raise SceneError(f"{file}: no such file in the sound folder {self._folder}")
        return decoded(path, file)

    def _path(self, file: str) -> Path | None:
        """Where a file is; None when that would be outside the folder. Symbolic links inside it may lead anywhere."""
        root = os.path.abspath(self._folder)
        path = os.path.normpath(os.path.join(root, file))
        return Path(path) if path.startswith(root + os.sep) else None
