"""From one seed to independent random generators, addressed by name.

A stream is a pure function of ``(seed, path)``: scene 17 of a run draws the same numbers alone, in a batch, on any
worker and after a restart. Philox is counter based, so streams of different keys do not overlap in practice.
"""

from __future__ import annotations

import hashlib

import numpy as np

from auris.errors import ParameterError


def derive(seed: int, *path: str | int) -> int:
    """Return a 64-bit seed for the stream at ``path`` below ``seed``.

    >>> derive(1, "scene", 17) == derive(1, "scene", 17) != derive(1, "scene", 18)
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"a seed is an integer of at least 0, got {seed!r}")
    text = "/".join([str(int(seed)), *(f"{type(part).__name__[0]}{part}" for part in path)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """Return an independent generator for the stream at ``path`` below ``seed``."""
    return np.random.Generator(np.random.Philox(key=derive(seed, *path)))
