"""Activity, level and loudness of the files of one folder: measured when first asked, or all at once in several threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from auris.data.activity import ActivitySettings
from auris.data.sound_cache import SoundCache
from auris.data.sound_catalogues.entries import Stamp
from auris.data.sound_measurement import Content, Samples, content_of, measured
from auris.errors import SceneError


class MeasuredSounds:
    """Contents of files below a folder, from its cache wherever they are already known.

    A copy sent to another process begins empty and reads the cache itself.
    """

    def __init__(self, folder: Path, cache: SoundCache, *, activity: ActivitySettings, problems: dict[str, str]) -> None:
        """Remember folder and cache.

        Args:
            folder: files are named relative to it.
            cache: what is already known, and where what is found is kept.
            activity: how silence is told from sound.
            problems: reason by file, which grows when a file turns out silent or damaged.
        """
        self._folder = folder
        self._cache = cache
        self._activity = activity
        self._problems = problems
        self._contents: dict[str, Content] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_contents": {}}

    def content(self, file: str, decode: Callable[[str], tuple[Samples, int]]) -> Content:
        """Return the content of a file.

        Args:
            file: relative path.
            decode: returns samples ``(samples,)`` and rate of a file that is not yet known, or raises SceneError.
        """
        if file not in self._contents:
            stamp = self._stamp(file)
            content = self._cache.content(file, stamp)
            if content is None:
                begun = time.perf_counter()
                try:
                    content = content_of(*decode(file), activity=self._activity)
                except SceneError as error:
                    content = Content(problem=str(error).removeprefix(f"{file}: "))
                self._cache.keep_content(file, stamp, content, seconds=time.perf_counter() - begun)
            self._note(file, content)
        return self._contents[file]

    def measure(self, files: Iterable[str], *, workers: int, progress: Callable[[int, int], None]) -> None:
        """Measure files that are not yet known, in ``workers`` threads, and write the cache.

        What was measured before an interruption is kept.
        """
        waiting = []
        for file in dict.fromkeys(files):
            stamp = self._stamp(file)
            content = self._contents.get(file) or self._cache.content(file, stamp)
            if content is None:
                waiting.append((file, stamp))
            else:
                self._note(file, content)
        pool = ThreadPoolExecutor(workers)
        try:
            # Only this thread touches the cache, the others decode.
            found = pool.map(lambda item: self._timed(item[0]), waiting)
            for done, ((file, stamp), (content, seconds)) in enumerate(zip(waiting, found, strict=True), 1):
                self._note(file, content)
                self._cache.keep_content(file, stamp, content, seconds=seconds)
                progress(done, len(waiting))
        finally:
            pool.shutdown(cancel_futures=True)
            self._cache.write()

    def _timed(self, file: str) -> tuple[Content, float]:
        begun = time.perf_counter()
        return measured(self._folder / file, file, activity=self._activity), time.perf_counter() - begun

    def _stamp(self, file: str) -> Stamp:
        try:
            status = os.stat(self._folder / file)
        except OSError:
            return Stamp(-1, 0)
        return Stamp(status.st_size, status.st_mtime_ns)

    def _note(self, file: str, content: Content) -> None:
        self._contents[file] = content
        if content.problem:
            self._problems[file] = content.problem
