"""Recipe files as plain mappings: one file upon another, changes from the command line, paths.

A file may name another under ``base``; its own values go over the base's, mapping into mapping, everything else whole.
Paths are relative to the folder of the file that says them, those in changes to the working folder.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from auris.errors import FormatError, ParameterError
from auris.io.scene_files import read_plain

Plain = dict[str, Any]
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


def read_chain(path: str | Path) -> list[tuple[Path, Plain]]:
    """Return a recipe file and the bases below it, the lowest first, each as its path and its own values.

    Raises:
        FormatError: a file is missing, not YAML, not a mapping, or stands upon itself.
    """
    chain: list[tuple[Path, Plain]] = []
    file: Path | None = Path(path)
    while file is not None:
        plain = read_plain(file)
        if not isinstance(plain, dict):
            raise FormatError(f"{file}: a recipe is a mapping of names to values, this is {type(plain).__name__}")
        if any(file.resolve() == known.resolve() for known, _ in chain):
            raise FormatError(f"{file}: stands upon itself through 'base'")
        base = plain.pop("base", None)
        if base is not None and not isinstance(base, str):
            raise FormatError(f"{file}: base is the name of another recipe file, got {base!r}")
        chain.append((file, plain))
        file = None if base is None else file.parent / base
    return chain[::-1]


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
        raise ParameterError(f"a change of a recipe reads key.key=value, got {text!r}")
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


def with_absolute_paths(plain: Mapping[str, Any], paths: Sequence[str], folder: Path, *, names: Collection[str] = ()) -> Plain:
    """Return a mapping in which the paths at some keys are absolute.

    Args:
        plain: the mapping.
        paths: keys, such as ``"stems.bank.sounds"``.
        folder: from which relative paths are taken.
        names: texts that are no paths and stay.
    """

    def absolute(value: Any) -> Any:
        if not isinstance(value, str) or value in names:
            return value
        return str((folder / Path(value).expanduser()).resolve())

    result = dict(plain)
    for path in paths:
        key, _, rest = path.partition(".")
        value = result.get(key)
        if rest:
            result |= {key: with_absolute_paths(value, [rest], folder, names=names)} if isinstance(value, Mapping) else {}
        elif key in result:
            result[key] = [absolute(item) for item in value] if isinstance(value, list | tuple) else absolute(value)
    return result
