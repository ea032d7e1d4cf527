"""A memory of bounded size for prepared clips."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ClipCache:
    """Arrays by name; the least recently used are forgotten first. A copy sent to another process begins empty."""

    def __init__(self, limit: int) -> None:
        """Set the memory in bytes."""
        self._limit = limit
        self._held = 0
        self._clips: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"_limit": self._limit, "_held": 0, "_clips": OrderedDict()}

    def get(self, name: Hashable, make: Callable[[], NDArray[Any]]) -> NDArray[np.float32]:
        """Return the clip ``name``, made when it is not held. It must not be written to."""
        if name in self._clips:
            self._clips.move_to_end(name)
            return self._clips[name].astype(np.float32, copy=False)
        clip = make()
        self._clips[name] = clip
        self._held += clip.nbytes
        while self._held > self._limit and len(self._clips) > 1:
            _, oldest = self._clips.popitem(last=False)
            self._held -= oldest.nbytes
        return clip.astype(np.float32, copy=False)
