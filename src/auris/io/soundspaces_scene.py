"""A SoundSpaces scene on disk as a world to move in: its places, and its responses as they are asked for.

What cannot be read is silence and is counted, as published sets have holes; memory is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from auris.errors import FormatError, ParameterError
from auris.geometry.navigation import NavigationGraph, OnGraph
from auris.io.soundspaces import SAMPLE_RATE, read_scene_graph, response_path

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]

CACHE_BYTES = 1 << 28


@dataclass
class ResponseFaults:
    """Responses that were wanted and could not be had; silence took their place.

    Attributes:
        missing: files that are not there.
        unreadable: files that are no audio, or not of two channels.
        empty: files without a sample.
        examples: some of them, with the reason.
    """

    missing: int = 0
    unreadable: int = 0
    empty: int = 0
    examples: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All of them."""
        return self.missing + self.unreadable + self.empty

    def _note(self, kind: Literal["missing", "unreadable", "empty"], text: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples) < 10:
            self.examples = (*self.examples, text)

    def __str__(self) -> str:
        if not self.total:
            return "all responses were found"
        counts = f"{self.missing} responses missing, {self.unreadable} unreadable, {self.empty} empty"
        return "\n".join([counts, *(f"  {example}" for example in self.examples)])


class SoundSpacesScene(OnGraph):
    """A scene on disk to move in: what an environment asks of a world.

    Args:
        root: folder that holds ``metadata`` and ``binaural_rirs``.
        name: of the scene.
        dataset: ``mp3d``, ``replica``, or another folder's name.
        sample_rate: hertz that the responses must have.
        cache_bytes: memory for responses that were read.

    Attributes:
        scene: places and their numbers.
        faults: responses that could not be read; each counts once while its silence is kept.

    Raises:
        FormatError: the metadata cannot be read.
    """

    def __init__(
        self,
        root: str | Path,
        name: str,
        *,
        dataset: str = "mp3d",
        sample_rate: int = SAMPLE_RATE,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.root = Path(root)
        self.name = name
        self.dataset = dataset
        self.sample_rate = sample_rate
        self.scene = read_scene_graph(root, name, dataset=dataset)
        self.faults = ResponseFaults()
        self._cache_bytes = cache_bytes
        self._kept: OrderedDict[tuple[int, int, int], Singles] = OrderedDict()
        self._kept_bytes = 0

    @property
    def graph(self) -> NavigationGraph:
        """Places and steps."""
        return self.scene.graph

    def rir(self, source: int, receiver: int, heading: int) -> Singles:
        """Return the response ``(2, L)`` from a node to the ears of a head on another, looking along a heading.

        A response that is missing, unreadable or empty is one sample of silence, and counted in :attr:`faults`.

        Raises:
            FormatError: the response has another sample rate.
            ParameterError: there is no such node or heading.
        """
        key = (int(source), int(receiver), int(heading))
        if not (0 <= key[0] < len(self.graph) and 0 <= key[1] < len(self.graph)):
            raise ParameterError(f"nodes of {self.name} are numbered 0 to {len(self.graph) - 1}, got {key[0]} and {key[1]}")
        if key not in self._kept:
            self._keep(key, self._read(*key))
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: tuple[int, int, int], response: Singles) -> None:
        self._kept[key] = response
        self._kept_bytes += response.nbytes
        while self._kept_bytes > self._cache_bytes and len(self._kept) > 1:
            self._kept_bytes -= self._kept.popitem(last=False)[1].nbytes

    def _read(self, source: int, receiver: int, heading: int) -> Singles:
        numbers = {"source": int(self.scene.nodes[source]), "receiver": int(self.scene.nodes[receiver])}
        path = self.root / response_path(self.dataset, self.name, **numbers, heading=heading)
        silence = np.zeros((2, 1), dtype=np.float32)
        if not path.is_file():
            self.faults._note("missing", f"{path}: missing")
            return silence
        try:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            kind: Literal["empty", "unreadable"] = "empty" if path.stat().st_size == 0 else "unreadable"
            self.faults._note(kind, f"{path}: {kind} ({error})")
            return silence
        if not len(samples):
            self.faults._note("empty", f"{path}: empty")
            return silence
        if samples.shape[1] != 2 or not np.all(np.isfinite(samples)):
            self.faults._note("unreadable", f"{path}: {samples.shape[1]} channels, or values that are no numbers")
            return silence
        if rate != self.sample_rate:
            raise FormatError(f"{path}: {rate} Hz, and responses at {self.sample_rate} Hz are wanted")
        return np.ascontiguousarray(samples.T)
