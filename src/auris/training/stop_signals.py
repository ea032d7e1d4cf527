"""Ctrl-C and SIGTERM as a wish that a training grants between two steps."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_LOG = logging.getLogger("auris.training")


class StopWish:
    """Whether somebody asked this process to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Note a signal; the second one stops at once."""
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        _LOG.warning("\nstopping after this step (once more: at once)")


@contextmanager
def stop_signals() -> Iterator[StopWish]:
    """Turn SIGINT and SIGTERM into a wish, for as long as the context lasts."""
    wish = StopWish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.signal(number, wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
