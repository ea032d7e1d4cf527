"""Where on the time line an event may begin, so that never too many sound at once; by intervals, not by trial."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Interval = tuple[float, float]


class Impossible(Exception):  # noqa: N818 - a drawn scene cannot be completed; the sampler draws another
    """What was drawn so far leaves no way to satisfy the preset; the text names the constraint."""


def free_span(
    taken: Sequence[Interval],
    own: Sequence[Interval],
    lengths: Interval,
    *,
    duration: float,
    most: int,
    rng: np.random.Generator,
) -> Interval:
    """Return (onset, offset) of a new event, the onset drawn uniformly from all that are allowed.

    Args:
        taken: events of all sources so far, (onset, offset) in seconds.
        own: those of the same source, which must not overlap each other.
        lengths: shortest and wanted length of the new event; it is shortened only where the wanted one does not fit.
        duration: of the scene.
        most: events that may sound at once.
        rng: source of randomness.

    Raises:
        Impossible: not even the shortest fits anywhere.
    """
    closed = [*_crowded(taken, most), *own]
    shortest, wanted = lengths
    for length in (wanted, (shortest + wanted) / 2, shortest):
        free = _complement([(start - length, end) for start, end in closed], max(duration - length, 0.0))
        if free:
            onset = _drawn(free, rng)
            return onset, min(onset + length, duration)
    raise Impossible(
        f"the events do not fit into {duration:g} s with at most {most} sounding at once; "
        "ask for fewer sources, shorter events, a longer scene or a larger max_overlap"
    )


def _drawn(free: Sequence[Interval], rng: np.random.Generator) -> float:
    """A moment drawn uniformly from intervals, on whole milliseconds where its interval allows."""
    sizes = np.asarray([end - start for start, end in free])
    # Single moments may be all that is left (an event as long as the scene); they are then alike.
    weights = sizes / sizes.sum() if sizes.sum() > 0 else np.full(len(free), 1 / len(free))
    start, end = free[int(rng.choice(len(free), p=weights))]
    return min(max(round(float(rng.uniform(start, end)), 3), start), end)


def _crowded(taken: Sequence[Interval], most: int) -> list[Interval]:
    """Intervals in which ``most`` or more events sound already."""
    edges = sorted([(start, 1) for start, _ in taken] + [(end, -1) for _, end in taken], key=lambda e: (e[0], e[1]))
    crowded, depth, since = [], 0, 0.0
    for moment, change in edges:
        if change > 0 and depth + 1 == most:
            since = moment
        if change < 0 and depth == most:
            crowded.append((since, moment))
        depth += change
    return [(a, b) for a, b in crowded if b > a]


def _complement(blocked: Sequence[Interval], end: float) -> list[Interval]:
    """What the open intervals ``blocked`` leave of the closed interval from 0 to ``end``."""
    free, at = [], 0.0
    for start, stop in sorted(blocked):
        if start >= at:
            free.append((at, min(start, end)))
        at = max(at, stop)
        if at > end:
            break
    if at <= end:
        free.append((at, end))
    return [(a, b) for a, b in free if b >= a and a <= end]
