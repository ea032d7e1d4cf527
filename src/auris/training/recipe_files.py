"""Recipe files as plain mappings: one file upon another, and paths.

A file may name another under ``base``; its own values go over the base's, mapping into mapping, everything else whole.
Paths are relative to the folder of the file that says them, those in changes to the working folder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from auris.errors import FormatError
from auris.io.plain_overrides import Plain
from auris.io.scene_files import read_plain


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
