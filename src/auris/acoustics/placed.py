"""Sounds that fill a part of a scene: what is kept of each source, so that an event of seconds costs no minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.channels import ChannelLayout

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Placed:
    """Samples ``(C, n)`` that begin at sample ``start`` of a scene; before and behind them is silence."""

    start: int
    samples: Float32

    def add_to(self, whole: Float32) -> None:
        """Add them to ``(C, N)``; they end where it ends, at the latest."""
        part = whole[:, self.start : self.start + self.samples.shape[1]]
        part += self.samples[:, : part.shape[1]]


class PlacedSounds(Sequence[Audio]):
    """Sounds as recordings of the whole scene's length, each laid out when it is asked for."""

    def __init__(self, sounds: Sequence[Placed], length: int, sample_rate: int, layout: ChannelLayout) -> None:
        """Hold sounds.

        Args:
            sounds: where each is, and its samples.
            length: samples of the scene.
            sample_rate: hertz.
            layout: what the channels mean.
        """
        self._sounds = tuple(sounds)
        self._length = length
        self._sample_rate = sample_rate
        self._layout = layout

    def __len__(self) -> int:
        return len(self._sounds)

    def __iter__(self) -> Iterator[Audio]:
        return (self._whole(sound) for sound in self._sounds)

    @overload
    def __getitem__(self, index: int) -> Audio: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Audio, ...]: ...
    def __getitem__(self, index: int | slice) -> Audio | tuple[Audio, ...]:
        if isinstance(index, slice):
            return tuple(self._whole(sound) for sound in self._sounds[index])
        return self._whole(self._sounds[index])

    def __repr__(self) -> str:
        return f"<{len(self)} sounds, {self._layout.name}, {self._length / self._sample_rate:.2f} s, {self._sample_rate} Hz>"

    def _whole(self, sound: Placed) -> Audio:
        samples = np.zeros((self._layout.channels, self._length), np.float32)
        sound.add_to(samples)
        return Audio(samples, self._sample_rate, self._layout)
