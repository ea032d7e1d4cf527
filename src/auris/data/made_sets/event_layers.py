"""Layers of events as DCASE's synthetic data has them: so many seconds of sound, so many of silence, gaps drawn at random.

A layer is filled with events one after the other until its seconds of sound are used up: the last one is cut to fit, or left
out where hardly anything of it would remain. The silence is then divided at random between, before and after them. All begins
on a grid of 0.1 s, and between two events of a layer there is always some silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from auris.scene import Sound

GRID = 0.1  # seconds
_STEPS = 10  # of the grid in a second


PickSound = Callable[[np.random.Generator], tuple[str, Sound, float]]
"""Draws a class, a sound of it and the seconds that it lasts."""


@dataclass(frozen=True)
class LayerEvent:
    """One event of a layer: its class, its sound, and when it begins and ends (seconds)."""

    label: str
    sound: Sound
    onset: float
    offset: float

    @property
    def seconds(self) -> float:
        """Length."""
        return self.offset - self.onset


@dataclass(frozen=True)
class LayerRules:
    """How a layer is filled.

    Attributes:
        duration: seconds of the scene.
        sounding: seconds of events in a layer.
        least_gap: least seconds of silence between two events of a layer.
        shortest_rest: the last event is cut to what is left of ``sounding``, unless that is no more than these seconds; it is
            then left out. The only event of a layer is always cut.
    """

    duration: float
    sounding: float
    least_gap: float
    shortest_rest: float

    def fill(self, pick: PickSound, generator: np.random.Generator) -> list[LayerEvent]:
        """Return the events of one layer, by onset."""
        drawn = list(self._drawn(pick, generator))
        blocks = [math.ceil(round(seconds * _STEPS, 6)) for _, _, seconds in drawn]
        gaps = self._gaps(len(drawn), round(self.duration * _STEPS) - sum(blocks), generator)
        events, at = [], 0
        for (label, sound, seconds), block, gap in zip(drawn, blocks, gaps, strict=True):
            at += gap
            onset = round(at / _STEPS, 1)
            events.append(LayerEvent(label, sound, onset, min(round(onset + seconds, 3), self.duration)))
            at += block
        return events

    def _drawn(self, pick: PickSound, generator: np.random.Generator) -> Iterator[tuple[str, Sound, float]]:
        """Events without their places; no more than there can be gaps between."""
        left = round(self.sounding * _STEPS)
        gap = math.ceil(round(self.least_gap * _STEPS, 6))
        silence = round(self.duration * _STEPS) - left
        count = 0
        while left > 0 and (count == 0 or count * gap <= silence):
            label, sound, seconds = pick(generator)
            block = max(math.ceil(round(seconds * _STEPS, 6)), 1)
            if block > left:
                if count and left <= round(self.shortest_rest * _STEPS):
                    return
                seconds, block = left / _STEPS, left
            yield label, sound, seconds
            left -= block
            count += 1

    def _gaps(self, count: int, silence: int, generator: np.random.Generator) -> list[int]:
        """Grid steps of silence before each event; what is left comes after the last."""
        least = math.ceil(round(self.least_gap * _STEPS, 6))
        free = silence - least * max(count - 1, 0)
        cuts = np.sort(generator.integers(0, free + 1, count))
        shares = np.diff(cuts, prepend=0)
        return [int(share) + (least if number else 0) for number, share in enumerate(shares)]
