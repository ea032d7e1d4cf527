"""The responses of a head or rigid array on a grid so fine that the nearest one will do."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from auris.acoustics.octahedral import node_directions
from auris.acoustics.scatter import DirectionTable

if TYPE_CHECKING:
    from auris.dsp.hrtf import DirectionalResponses

_MOST_CELLS = 128  # nodes at most 1.9 degrees from any direction, 0.6 degrees in front
_MOST_BYTES = 32 << 20
_PIECE = 1024


@lru_cache(maxsize=8)
def direction_table(responses: DirectionalResponses) -> DirectionTable:
    """Return the responses on an octahedral grid; kept for reuse."""
    _, capsules, length = responses.filters.shape
    cells = int(np.clip(np.sqrt(_MOST_BYTES / (4 * capsules * length)), 32, _MOST_CELLS)) // 2 * 2
    vectors = node_directions(cells)
    filters = np.empty((len(vectors), capsules, length), dtype=np.float32)
    for start in range(0, len(vectors), _PIECE):
        filters[start : start + _PIECE] = responses.interpolated(vectors[start : start + _PIECE])
    return DirectionTable(filters, cells)
