"""What the renderer asks of acoustics: one small protocol, and one for rooms whose response comes in layers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import Receiver

Float32 = NDArray[np.float32]


@runtime_checkable
class ResponseEngine(Protocol):
    """Anything that answers pairs of source and listener with impulse responses.

    Sample 0 is the moment of emission, a source at 1 m has a direct sound of amplitude 1, and the channels are those of the
    layout the engine was made for.
    """

    @property
    def channels(self) -> int:
        """Number of output channels."""
        ...

    def responses(self, paths: SoundPaths, *, length: int | None = None) -> Float32:
        """Return the responses of P paths, ``(P, C, T)``; ``length`` fixes T."""
        ...


@runtime_checkable
class LayeredEngine(ResponseEngine, Protocol):
    """An engine that also gives the layers of a response, which moving sources need one by one."""

    @property
    def receiver(self) -> Receiver:
        """What listens."""
        ...

    def early(self, paths: SoundPaths) -> Float32:
        """Return direct sound and early reflections, ``(P, C, T)``."""
        ...

    def reflections(self, paths: SoundPaths) -> Float32:
        """Return the early reflections without the direct sound, ``(P, C, T)``."""
        ...

    def late(self, paths: SoundPaths, *, length: int) -> Float32:
        """Return the late tail, ``(P, C, length)``."""
        ...
