"""What the settings of sets are checked with. A refusal names the field, what it takes and what it got."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from auris.errors import ParameterError

Range = tuple[float, float]


def checked_range(name: str, value: object, low: float, high: float) -> Range:
    """Return ``value`` as a pair (low, high) of numbers in order, within limits.

    Raises:
        ParameterError: it is none.
    """
    pair = tuple(value) if isinstance(value, tuple | list) else ()
    numbers = [v for v in pair if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    if len(pair) != 2 or len(numbers) != 2 or not low <= numbers[0] <= numbers[1] <= high:
        raise ParameterError(f"{name} must be a range [low, high] within {low:g} to {high:g}, got {value!r}")
    return float(numbers[0]), float(numbers[1])


def checked_number(name: str, value: object, low: float, high: float) -> float:
    """Return ``value`` as a number within limits; raises :class:`ParameterError`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ParameterError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def checked_count(name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` as a whole number within limits; raises :class:`ParameterError`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ParameterError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    return value


def checked_names(name: str, value: object, accepted: Iterable[str]) -> tuple[str, ...]:
    """Return ``value`` as some of the accepted names, each once; raises :class:`ParameterError`."""
    names, known = tuple(value) if isinstance(value, tuple | list) else (), tuple(accepted)
    if not names or len(set(names)) != len(names) or any(item not in known for item in names):
        raise ParameterError(f"{name} must be some of {', '.join(known)}, each once; got {value!r}")
    return names


def checked_shares(name: str, value: object, count: int) -> tuple[float, ...]:
    """Return ``value`` as ``count`` numbers of at least 0, not all 0; raises :class:`ParameterError`."""
    shares = tuple(value) if isinstance(value, tuple | list) else ()
    numbers = [v for v in shares if isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v < math.inf]
    if len(shares) != count or len(numbers) != count or sum(numbers) <= 0:
        raise ParameterError(f"{name} must be {count} numbers of at least 0, not all 0; got {value!r}")
    return tuple(float(v) for v in numbers)


def whole_shares(total: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Divide ``total`` things by ``shares``: whole numbers that add up to it, the largest remainders rounded up.

    >>> whole_shares(10, (2.0, 1.0))
    (7, 3)
    """
    exact = [total * share / sum(shares) for share in shares]
    counts = [math.floor(value + 1e-9) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: (counts[index] - exact[index], index))
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    return tuple(counts)
