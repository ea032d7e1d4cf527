"""The fields of a settings dataclass with what they mean, from its documentation."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

from auris.models.configuration import plain_of

_ENTRY = re.compile(r"^(\w+): ?(.*)$")
_MARKUP = re.compile(r"(?::\w+:)?`+~?([^`]+)`+")  # of Sphinx


@dataclasses.dataclass(frozen=True)
class SettingsField:
    """A field that can be changed.

    Attributes:
        name: as on the command line; fields of a nested group follow its name and a point.
        default: its value if nothing is said, plain; None also where one must be given.
        text: what it means.
    """

    name: str
    default: Any
    text: str


def settings_fields(kind: Any, *, above: str = "") -> Iterator[SettingsField]:
    """Yield the fields of a settings dataclass, those of nested groups in their place."""
    texts = attribute_texts(kind)
    hints = typing.get_type_hints(kind)
    for entry in dataclasses.fields(kind):
        default = _default(entry)
        if dataclasses.is_dataclass(default):
            yield from settings_fields(type(default), above=f"{above}{entry.name}.")
        elif dataclasses.is_dataclass(hints[entry.name]):
            yield from settings_fields(hints[entry.name], above=f"{above}{entry.name}.")
        else:
            yield SettingsField(f"{above}{entry.name}", plain_of(default), texts.get(entry.name, ""))


def attribute_texts(kind: type) -> dict[str, str]:
    """Return the entries of the section ``Attributes`` of a class's documentation, and of those it inherits from.

    >>> attribute_texts(SettingsField)["default"]
    'its value if nothing is said, plain; None also where one must be given.'
    """
    texts: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        texts |= _own_texts(each)
    return texts


def _own_texts(kind: type) -> dict[str, str]:
    texts: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:\n")[2].splitlines():
        if line and not line.startswith("    "):
            break
        entry = _ENTRY.match(line[4:])
        if entry:
            name, texts[entry.group(1)] = entry.groups()
        elif name and line.strip():
            texts[name] = f"{texts[name]} {line.strip()}".strip()
    return {entry: _MARKUP.sub(r"\1", text) for entry, text in texts.items()}


def _default(entry: dataclasses.Field[Any]) -> Any:
    if entry.default_factory is not dataclasses.MISSING:
        return entry.default_factory()
    return None if entry.default is dataclasses.MISSING else entry.default
