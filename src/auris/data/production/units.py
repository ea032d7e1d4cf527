"""One unit of work: what a process makes and writes as a whole, wherever it runs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from auris.data.production.folders import write_item
from auris.data.production.maker import MadeItem, Maker
from auris.data.production.manifest import CARD, DESCRIPTION, MANIFEST, STATE, Form
from auris.data.production.records import Records, UnitRecord
from auris.data.production.shards import shard_path, write_shard
from auris.data.production.staging import Staging, staging
from auris.errors import AurisError, ParameterError

_LOG = logging.getLogger("auris.data")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_FIELD = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_TAKEN = (MANIFEST, DESCRIPTION, CARD)

Tick = Callable[[float], None]
"""Called after each item with the seconds of audio in it."""


@dataclass(frozen=True, eq=False)
class SetWork:
    """What processes need to know to make parts of a set.

    Attributes:
        maker: makes the items.
        out: folder of the set.
        form: files in folders, or members of tar shards.
        shard_items: items in a unit of work; 1 in folders.
    """

    maker: Maker
    out: Path
    form: Form
    shard_items: int

    @property
    def units(self) -> int:
        """Number of units."""
        return -(-len(self.maker) // self.shard_items)

    def items(self, unit: int) -> range:
        """Return the items of a unit."""
        return range(unit * self.shard_items, min((unit + 1) * self.shard_items, len(self.maker)))


@dataclass(frozen=True)
class Failure:
    """An item that could not be made.

    Attributes:
        index: its number.
        text: why.
    """

    index: int
    text: str


@dataclass(frozen=True)
class UnitResult:
    """What became of a unit.

    Attributes:
        unit: its number.
        items: how many items were made and written.
        seconds: seconds of audio in them.
        failure: why there are none.
    """

    unit: int
    items: int = 0
    seconds: float = 0.0
    failure: Failure | None = None


class ItemFailed(Exception):  # noqa: N818 - what happened; the run goes on
    """An item could not be made."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def make_unit(work: SetWork, unit: int, *, begun: Callable[[int], None], tick: Tick) -> UnitResult:
    """Make the items of a unit and write them, all or none.

    Args:
        work: the set.
        unit: number of the unit.
        begun: called before each item with its number.
        tick: called after each item.

    Raises:
        FormatError: the files cannot be written; no other unit's could either.
    """
    seconds = 0.0

    def made() -> Iterator[tuple[int, MadeItem]]:
        nonlocal seconds
        for index in work.items(unit):
            begun(index)
            item = _made(work.maker, index)
            length = float(item.facts.get("seconds") or 0.0)
            seconds += length
            yield index, item
            tick(length)

    try:
        with staging(work.out, str(unit)) as place:
            record = _written(work, unit, made(), place)
            try:
                Records(work.out).write(record, place)
            except (TypeError, ValueError) as error:
                raise ItemFailed(Failure(work.items(unit)[0], f"its facts are not plain JSON: {error}")) from None
            place.commit()
    except ItemFailed as stopped:
        return UnitResult(unit, failure=stopped.failure)
    return UnitResult(unit, len(record.items), seconds)


def _written(work: SetWork, unit: int, items: Iterator[tuple[int, MadeItem]], place: Staging) -> UnitRecord:
    if work.form == "folders":
        return UnitRecord(unit, tuple(write_item(place, index, item) for index, item in items))
    path = shard_path(work.maker.preset, unit)
    with place.file(path) as stream:
        shard, remembered = write_shard(stream, path, items)
    return UnitRecord(unit, tuple(remembered), shard)


def _made(maker: Maker, index: int) -> MadeItem:
    """Make an item; whatever is wrong with it must not stop the other items."""
    try:
        item = maker.make(index)
        _check(item)
        return item
    except AurisError as error:
        raise ItemFailed(Failure(index, str(error))) from None
    except Exception as error:
        _LOG.exception("item %d of %s", index, maker.preset)
        raise ItemFailed(Failure(index, f"{type(error).__name__}: {error}")) from None


def _check(item: MadeItem) -> None:
    if not _NAME.fullmatch(item.name):
        raise ParameterError(f"the name of an item has letters, digits, dash and underscore, got {item.name!r}")
    if len({file.field for file in item.files}) < len(item.files) or len({file.path for file in item.files}) < len(item.files):
        raise ParameterError(f"{item.name}: two of its files have one name")
    for file in item.files:
        check_path(file.path)
        if not _FIELD.fullmatch(file.field):
            raise ParameterError(f"{item.name}: a field is a name with a suffix such as foa.flac, got {file.field!r}")


def check_path(path: str) -> None:
    """Make sure that a file lies within the set and in nobody's way.

    Raises:
        ParameterError: it does not.
    """
    parts = PurePosixPath(path).parts
    if not parts or parts[0] in ("/", STATE) or ".." in parts or "\\" in path or path in _TAKEN:
        raise ParameterError(f"a file of a set lies below its folder and is none of {', '.join(_TAKEN)}, got {path!r}")
