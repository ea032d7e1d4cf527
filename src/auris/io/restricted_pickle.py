"""Pickles of plain data, read without letting them run anything.

A pickle is a program: it names functions and calls them. Here it may name nothing but the makers of plain containers and of
NumPy arrays of numbers, and the classes that the caller lists by name, which become inert :class:`Record` objects: their
code is neither imported nor run. Everything else is refused before it is called.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.errors import FormatError

_MOST_BYTES = 64 << 20
_NUMBERS = "?bhilqpBHILQPefdgFD"  # characters of dtypes that hold numbers in themselves, no objects
_BUILT_IN = {kind.__name__: kind for kind in (dict, list, tuple, set, frozenset, int, float, str, bool, complex)}


class Record:
    """What is left of an object of a listed class: its attributes, and nothing that runs.

    Attributes:
        kind: module and name of the class.
        state: its attributes by name.
    """

    kind = ""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: Mapping[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        # A pair is (attributes, attributes in slots).
        parts = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        self.state = {k: v for part in parts if isinstance(part, dict) for k, v in part.items() if isinstance(k, str)}


def read_pickle(path: str | Path, *, records: Collection[str] = (), most_bytes: int = _MOST_BYTES) -> Any:
    """Read a pickle of plain data.

    Args:
        path: the file.
        records: classes that may occur, as ``module.name``; their objects become :class:`Record` objects.
        most_bytes: larger files are refused.

    Raises:
        FormatError: the file is missing, too large, damaged, or names something that is not plain data.
    """
    try:
        size = Path(path).stat().st_size
        if size > most_bytes:
            raise FormatError(f"{path}: {size} bytes, and at most {most_bytes} are read as a pickle")
        content = Path(path).read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        return load_pickle(content, records=records)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def load_pickle(content: bytes, *, records: Collection[str] = ()) -> Any:
    """Return the plain data of a pickle in memory; see :func:`read_pickle`."""
    try:
        return _plain(_Unpickler(io.BytesIO(content), frozenset(records)).load(), {})
    except FormatError:
        raise
    except Exception as error:  # a damaged pickle can raise anything at all
        raise FormatError(f"damaged, or no pickle ({type(error).__name__}: {error})") from None


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, records: frozenset[str]) -> None:
        # Bytes of Python 2 become text of the same numbers.
        super().__init__(stream, encoding="latin1")
        self._records = {name: type("Record", (Record,), {"kind": name}) for name in records}

    def find_class(self, module: str, name: str) -> Any:
        """Return the harmless thing that stands for ``module.name``, or refuse it."""
        if module in ("builtins", "__builtin__"):
            if name == "object":
                return Record
            if name in _BUILT_IN:
                return _BUILT_IN[name]
        maker = _MAKERS.get((module.replace("numpy._core", "numpy.core"), name))
        if maker is not None:
            return maker
        if f"{module}.{name}" in self._records:
            return self._records[f"{module}.{name}"]
        raise FormatError(f"refused: it names {module}.{name}, which is not plain data; nothing of it was run")

    def persistent_load(self, pid: object) -> Any:
        """Refuse references to things outside the pickle."""
        raise FormatError(f"refused: it refers to something outside of itself ({pid!r})")


class _Maker:
    """A function that a pickle may call; it has no attributes that a pickle could set."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setattr__(self, name: str, value: object) -> None:
        raise FormatError("refused: it tries to change a function")

    def __setstate__(self, state: object) -> None:
        raise FormatError("refused: it tries to change a function")


class _NumberType:
    """The type of the numbers of an array, while it is being read; NumPy's own would believe anything it is told."""

    __slots__ = ("dtype",)

    def __init__(self, name: object = "", *_: object) -> None:
        try:
            found = np.dtype(name if isinstance(name, str) else "O")
        except TypeError:
            found = np.dtype("O")
        if found.char not in _NUMBERS:
            raise FormatError(f"refused: arrays hold numbers, not {name!r}")
        self.dtype = found

    def __setstate__(self, state: object) -> None:
        # (version, byte order, sub-array, names, fields, item size, alignment, flags, …)
        if not (isinstance(state, tuple) and len(state) >= 5 and state[1] in ("<", ">", "|", "=") and not any(state[2:5])):
            raise FormatError("refused: arrays hold plain numbers")
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """An array while it is being read: made empty, filled by its state."""

    __slots__ = ("value",)

    def __init__(self, *_: object) -> None:
        self.value: NDArray[Any] = np.zeros(0, dtype=np.int8)

    def __setstate__(self, state: object) -> None:
        if not (isinstance(state, tuple) and len(state) == 5):
            raise FormatError("damaged: an array without its numbers")
        _, shape, kind, fortran, content = state
        self.value = _numbers(content, kind, shape, "F" if fortran else "C")


def _array_of(content: object, kind: object, shape: object, order: object = "C") -> _Array:
    array = _Array()
    array.value = _numbers(content, kind, shape, order)
    return array


def _numbers(content: object, kind: object, shape: object, order: object) -> NDArray[Any]:
    raw = content.encode("latin1") if isinstance(content, str) else content
    if not (isinstance(raw, bytes | bytearray) and isinstance(kind, _NumberType) and isinstance(shape, tuple)):
        raise FormatError("refused: an array is not made of numbers")
    return np.frombuffer(raw, dtype=kind.dtype).reshape(shape, order="F" if order == "F" else "C")


def _scalar(kind: object = None, content: object = b"") -> Any:
    return _numbers(content, kind, (1,), "C")[0]


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    """The value with its arrays in place of what they were read into, and None for classes that it only names."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _NumberType | _Maker | type):
        return None
    if isinstance(value, dict | list | tuple | set | frozenset | Record):
        return seen[id(value)] if id(value) in seen else _plain_container(value, seen)
    return value


def _plain_container(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, list):
        items = seen[id(value)] = []
        items.extend(_plain(item, seen) for item in value)
        return items
    if isinstance(value, dict):
        table: dict[Any, Any] = {}
        seen[id(value)] = table
        table.update((_plain(key, seen), _plain(item, seen)) for key, item in value.items())
        return table
    if isinstance(value, Record):
        seen[id(value)] = value
        value.state = {key: _plain(item, seen) for key, item in value.state.items()}
        return value
    return type(value)(_plain(item, seen) for item in value)


def _encoded(text: object, encoding: object = "latin1") -> bytes:
    """Bytes as Python 3 writes them for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise FormatError(f"refused: text encoded as {encoding!r}")
    return text.encode("latin1")


def _no_bytes(*arguments: object) -> bytes:
    """The empty bytes, which old pickles have to call for."""
    if arguments:
        raise FormatError("refused: it asks for bytes made from something else")
    return b""


def _instance(kind: object, base: object = None, state: object = None) -> Any:
    """An object before its attributes, as the oldest pickles write it."""
    if not (isinstance(kind, type) and issubclass(kind, Record)):
        raise FormatError("refused: an object of a class that is not listed")
    return kind()


_MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Maker(_Array),
    ("numpy", "dtype"): _Maker(_NumberType),
    ("numpy.core.multiarray", "_reconstruct"): _Maker(_Array),
    ("numpy.core.multiarray", "scalar"): _Maker(_scalar),
    ("numpy.core.numeric", "_frombuffer"): _Maker(_array_of),
    ("_codecs", "encode"): _Maker(_encoded),
    ("builtins", "bytes"): _Maker(_no_bytes),
    ("__builtin__", "bytes"): _Maker(_no_bytes),
    ("copyreg", "_reconstructor"): _Maker(_instance),
    ("copy_reg", "_reconstructor"): _Maker(_instance),
}
