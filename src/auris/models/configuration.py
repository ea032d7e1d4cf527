"""Plain mappings (JSON, YAML) to configuration dataclasses: strict, nested, with the nearest name when one is wrong."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from auris.errors import ParameterError, did_you_mean


def dataclass_from(kind: Any, plain: object, *, where: str) -> Any:
    """Build the dataclass ``kind`` from a plain mapping; lists become tuples, nested mappings nested dataclasses.

    Args:
        kind: a dataclass with resolvable annotations.
        plain: mapping of field names to plain values.
        where: what the mapping is, for messages.

    Raises:
        ParameterError: a key is unknown or missing, or a value has the wrong type or is refused by the dataclass.
    """
    if not isinstance(plain, Mapping):
        raise ParameterError(f"{where} must be a mapping, got {type(plain).__name__}")
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]
    values: dict[str, Any] = {}
    for key, value in plain.items():
        if key not in names:
            raise ParameterError(f"{where}: unknown key {key!r}{did_you_mean(str(key), names)}; accepted: {', '.join(names)}")
        nested, listed = _nested_kind(hints[key]), _listed_kind(hints[key])
        if listed is not None and isinstance(value, list | tuple):
            places = (f"{where}: {key}[{number}]" for number in range(len(value)))
            values[key] = tuple(dataclass_from(listed, item, where=place) for item, place in zip(value, places, strict=True))
        elif nested is not None and isinstance(value, Mapping):
            values[key] = dataclass_from(nested, value, where=f"{where}: {key}")
        elif _fits(value, hints[key]):
            values[key] = _converted(value, hints[key])
        else:
            raise ParameterError(f"{where}: {key} must be {_spoken(hints[key])}, got {value!r}")
    missing = [
        f.name
        for f in dataclasses.fields(kind)
        if f.name not in values and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ParameterError(f"{where}: {', '.join(missing)} missing")
    try:
        return kind(**values)
    except ParameterError as error:
        raise ParameterError(f"{where}: {error}") from None


def plain_of(value: Any) -> Any:
    """Return a configuration as plain builtin values, the inverse of :func:`dataclass_from`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain_of(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_of(item) for key, item in value.items()}
    return [plain_of(item) for item in value] if isinstance(value, list | tuple) else value


def _nested_kind(hint: Any) -> Any:
    """The dataclass a field holds, if it holds one."""
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return next((option for option in options if dataclasses.is_dataclass(option)), None)


def _listed_kind(hint: Any) -> Any:
    """The dataclass that a field holds a list of, if it does."""
    arguments = typing.get_args(hint) if typing.get_origin(hint) is tuple else ()
    return arguments[0] if arguments and dataclasses.is_dataclass(arguments[0]) else None


def _fits(value: object, hint: Any) -> bool:
    """Whether a plain value may stand for a field of type ``hint``."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in arguments)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, arguments[0]) for item in value)
    if hint in (float, int):
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(value, bool)
    return hint is Any or isinstance(value, origin or hint)


def _converted(value: Any, hint: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_converted(item, Any) for item in value)
    return float(value) if hint is float else value


def _spoken(hint: Any) -> str:
    """A type as people say it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_spoken(option) for option in arguments)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, arguments))
    if origin is tuple:
        return f"a list of {_spoken(arguments[0])}s"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(hint, "a mapping" if dataclasses.is_dataclass(hint) else getattr(hint, "__name__", str(hint)))
