"""How far a set is: a bar where somebody watches, a line each minute where nobody does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from auris.cli.console import message

if TYPE_CHECKING:
    from auris.data.production.run import RunProgress

_EVERY = 60.0  # seconds between lines


@contextmanager
def making_progress(title: str) -> Iterator[Callable[[RunProgress], None]]:
    """Yield what is to be called after each item; it writes to standard error."""
    if not sys.stderr.isatty():
        yield _Lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, rate="")

        def show(progress: RunProgress) -> None:
            rate = progress.seconds / max(time.monotonic() - began, 1e-3)
            bar.update(task, completed=progress.items, total=progress.total, rate=f"{rate:.1f} s of audio/s" if rate else "")

        yield show


class _Lines:
    """One line now and then, for logs."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began = self._last = time.monotonic()
        self._first: int | None = None  # items that were there when this began

    def __call__(self, progress: RunProgress) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = progress.items - 1
        if now - self._last < _EVERY:
            return
        self._last = now
        spent = now - self._began
        left = (progress.total - progress.items) * spent / max(progress.items - self._first, 1)
        message(
            f"auris: {self._title}: {progress.items} of {progress.total} items, "
            f"{progress.seconds / spent:.1f} s of audio per s, about {left / 60:.0f} min left"
        )
