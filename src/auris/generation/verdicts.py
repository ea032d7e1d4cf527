"""What verification says: of every sound that was asked for what was heard, from where, and whether that is right.

Directions are numbers, 1 left to 5 right. What a listener hears behind goes on counting: 6 is behind on the right, 7 (and -1)
straight behind, 0 behind on the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from auris.scene import Scene

TOLERANCE = 0.5
"""Directions by which a right one may be off: half of one of the five classes, 22.5°."""
_FURTHEST = 2.0  # directions off, 90°, where nothing of a direction is right


@dataclass(frozen=True)
class Witness:
    """From where one sound was heard.

    Attributes:
        start: direction at the beginning; None where nothing was heard then.
        end: direction at the end.
        off: how far start and end are from where they should be, in directions; None where nothing was heard.
    """

    start: float | None
    end: float | None
    off: tuple[float | None, float | None]

    @property
    def right(self) -> bool:
        """Whether both are where they should be."""
        return all(value is not None and value <= TOLERANCE for value in self.off)

    @property
    def nearness(self) -> float:
        """1 where both are exactly right, falling to 0 at 90°, or where nothing was heard."""
        return float(np.mean([0.0 if value is None else max(0.0, 1 - value / _FURTHEST) for value in self.off]))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        return {"start": _rounded(self.start), "end": _rounded(self.end), "off": [_rounded(value) for value in self.off]}


@dataclass(frozen=True)
class VerifiedSound:
    """One sound, asked against heard.

    Attributes:
        asked: what it should be.
        asked_start: direction at the beginning of the clip.
        asked_end: at its end.
        heard: class that the listener heard there; None where it heard none, or nobody listened.
        confidence: of the listener, in the class that was asked for: 0 where it did not hear it, None where nobody listened or
            the listener does not know the class.
        by_listener: from where the listener heard it; None where nobody listened.
        by_itd: from where its interaural time differences say it came; None where the layout has none.
        several: whether other sounds were asked for as well, which time differences do not tell apart.
    """

    asked: str
    asked_start: float
    asked_end: float
    heard: str | None = None
    confidence: float | None = None
    by_listener: Witness | None = None
    by_itd: Witness | None = None
    several: bool = False

    @property
    def class_ok(self) -> bool | None:
        """Whether the class was heard; None where nobody can tell."""
        return None if self.confidence is None else self.confidence > 0

    @property
    def direction(self) -> Witness | None:
        """The witness that counts: of two, the one that heard it nearer to where it should be.

        Each has its blind spots: reverberation draws time differences to the front, and several sounds mix in them; a
        listener errs with sounds that it knows badly. Neither hears a wrong place right.
        """
        spoken = [witness for witness in (self.by_itd, self.by_listener) if witness is not None]
        return max(spoken, key=lambda witness: (witness.right, witness.nearness), default=None)

    @property
    def direction_ok(self) -> bool:
        """Whether it came from where it was asked for."""
        return self.direction is not None and self.direction.right

    @property
    def ok(self) -> bool:
        """Whether all that could be told is right."""
        return self.direction_ok and self.class_ok is not False

    @property
    def score(self) -> float:
        """From 0 to 1: how near the direction is, and where it can be told how surely the class was heard, half each."""
        near = 0.0 if self.direction is None else self.direction.nearness
        return near if self.confidence is None else (near + self.confidence) / 2

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        return {
            "asked": self.asked,
            "asked_start": self.asked_start,
            "asked_end": self.asked_end,
            "heard": self.heard,
            "confidence": _rounded(self.confidence),
            "by_listener": None if self.by_listener is None else self.by_listener.to_dict(),
            "by_itd": None if self.by_itd is None else self.by_itd.to_dict(),
            "class_ok": self.class_ok,
            "direction_ok": self.direction_ok,
            "ok": self.ok,
            "score": _rounded(self.score),
        }


@dataclass(frozen=True, eq=False)
class Verification:
    """A clip, asked against heard.

    Attributes:
        rows: one for each sound that was asked for, in that order.
        silent: whether there is nothing to hear at all.
        listener: who listened; None where nobody hears the layout.
        heard: the scene that the listener heard.
        others: classes that were heard and not asked for.
    """

    rows: tuple[VerifiedSound, ...]
    silent: bool = False
    listener: str | None = None
    heard: Scene | None = None
    others: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Mean of the rows' scores, 0 to 1; 0 for silence."""
        return 0.0 if self.silent or not self.rows else float(np.mean([row.score for row in self.rows]))

    @property
    def passed(self) -> bool:
        """Whether every sound was heard as it was asked for."""
        return not self.silent and bool(self.rows) and all(row.ok for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary, ready for JSON."""
        return {
            "passed": self.passed,
            "score": _rounded(self.score),
            "silent": self.silent,
            "listener": self.listener,
            "others": list(self.others),
            "rows": [row.to_dict() for row in self.rows],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
