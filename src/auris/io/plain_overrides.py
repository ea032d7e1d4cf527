"""Plain mappings from the command line and files: changes ``key.key=value``, and one mapping over another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from auris.errors import ParameterError

Plain = dict[str, Any]
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


def merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Plain:
    """Return ``lower`` with the values of ``upper`` over it.

    >>> merged({"a": {"b": 1, "c": [2]}, "d": 3}, {"a": {"c": [4]}, "d": {"e": 5}})
    {'a': {'b': 1, 'c': [4]}, 'd': {'e': 5}}
    """
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def changes(overrides: Sequence[str]) -> Plain:
    """Return changes ``key.key=value`` as one mapping; values are YAML.

    Raises:
        ParameterError: one is not of this form, or gives a value and keys below it.
    """
    plain: Plain = {}
    for text in overrides:
        _change(plain, text)
    return plain


def _change(plain: Plain, text: str) -> None:
    key, equals, value = text.partition("=")
    *parents, last = key.strip().split(".")
    if not equals or not last:
        raise ParameterError(f"a change reads key.key=value, got {text!r}")
    place: Any = plain
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise ParameterError(f"{key!r}: a value in this path holds no further keys")
    try:
        place[last] = with_numbers(yaml.safe_load(value))
    except yaml.YAMLError:
        raise ParameterError(f"the value in {text!r} is not valid YAML") from None


def with_numbers(value: Any) -> Any:
    """Return a value with texts such as ``3e-4``, which YAML 1.1 does not take for numbers, as numbers.

    >>> with_numbers({"rate": "5e-5", "name": "a"})
    {'rate': 5e-05, 'name': 'a'}
    """
    if isinstance(value, Mapping):
        return {key: with_numbers(item) for key, item in value.items()}
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
