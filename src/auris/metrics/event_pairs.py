"""Which heard event answers which true one: the side-by-side view of a scene and what was heard of it.

Scores (:mod:`auris.metrics.seld`) count frames; people compare events. Events of one class are paired one to one so that
the shared time is largest; where two pairings share as much time, the nearer direction decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from auris.geometry import angle_between
from auris.scene import Event, Scene, Source

_STEP = 0.05  # seconds between the moments at which directions are compared


@dataclass(frozen=True)
class EventPair:
    """A true event, the heard one that answers it, and how far apart they are.

    Attributes:
        true: source and event of the reference, or None for a false alarm.
        heard: source and event of the prediction, or None for a miss.
        overlap: seconds that both sound.
        angle: mean great-circle error in radians over the shared time; NaN without a partner.
        distance_error: mean absolute error in metres over the shared time; NaN without a partner.
    """

    true: tuple[Source, Event] | None
    heard: tuple[Source, Event] | None
    overlap: float = 0.0
    angle: float = float("nan")
    distance_error: float = float("nan")


def pair_events(reference: Scene, prediction: Scene) -> list[EventPair]:
    """Pair the events of two scenes; misses and false alarms stand alone. Ordered by onset."""
    true, heard = list(reference.events()), list(prediction.events())
    candidates = [[_compare(reference, prediction, t, h) for h in heard] for t in true]
    pairs: list[EventPair] = []
    if true and heard:
        gain = np.array([[_gain(pair) for pair in row] for row in candidates])
        rows, columns = linear_sum_assignment(gain, maximize=True)
        pairs = [candidates[r][c] for r, c in zip(rows, columns, strict=True) if gain[r, c] > 0]
    met_true = {id(pair.true[1]) for pair in pairs if pair.true}
    met_heard = {id(pair.heard[1]) for pair in pairs if pair.heard}
    pairs += [EventPair(item, None) for item in true if id(item[1]) not in met_true]
    pairs += [EventPair(None, item) for item in heard if id(item[1]) not in met_heard]
    return sorted(pairs, key=_onset)


def _gain(pair: EventPair) -> float:
    """Shared seconds; a thousandth of a second per radian breaks ties."""
    return pair.overlap - 1e-3 * pair.angle if pair.overlap > 0 else 0.0


def _onset(pair: EventPair) -> float:
    item = pair.true or pair.heard
    return item[1].onset if item else 0.0


def _compare(reference: Scene, prediction: Scene, true: tuple[Source, Event], heard: tuple[Source, Event]) -> EventPair:
    start, stop = max(true[1].onset, heard[1].onset), min(true[1].offset, heard[1].offset)
    if true[0].label != heard[0].label or stop <= start:
        return EventPair(true, heard)
    times = np.arange(start, stop, _STEP)
    a = reference.relative_positions(true[0].path, times)
    b = prediction.relative_positions(heard[0].path, times)
    gap = np.abs(np.linalg.norm(a, axis=1) - np.linalg.norm(b, axis=1))
    return EventPair(true, heard, stop - start, float(np.mean(angle_between(a, b))), float(np.mean(gap)))
