"""What a set is made of: a plan of items, each a pure function of its number.

A *maker* knows everything that decides about a set: its settings, its sounds, its seed, how many items it has. It makes any
item by itself, in any order, in any process, and always the same bytes; a run (:mod:`auris.data.production.run`) only decides
who makes which, and keeps what was made. Items hold their files in memory, so that a run can write them whole or not at all,
into folders or into shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class MadeFile:
    """One file of an item.

    Attributes:
        path: where it lies in the published layout, below the set's folder, with forward slashes.
        field: what it is called in a shard, after the item's name: ``foa.flac``, ``scene.json``.
        content: its bytes; the same for the same item, so no dates and no names of machines.
    """

    path: str
    field: str
    content: bytes


@dataclass(frozen=True)
class MadeItem:
    """One item: a recording with its labels, a room with its responses, a house with its episodes.

    Attributes:
        name: unique in the set; letters, digits, dash and underscore.
        files: what is written.
        facts: what lists, report and data card need of it, plain JSON; see :mod:`auris.data.production.facts`.
    """

    name: str
    files: tuple[MadeFile, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ItemFacts:
    """What a run remembers of an item it has made.

    Attributes:
        index: number of the item.
        name: its name.
        facts: its facts.
    """

    index: int
    name: str
    facts: Mapping[str, Any]


@runtime_checkable
class Maker(Protocol):
    """Anything that makes a set. It is sent to worker processes, so it can be pickled and is small."""

    @property
    def preset(self) -> str:
        """Name of the kind of set, as on the command line."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes, plain JSON: settings, sounds (not where they lie), seed, number of items."""
        ...

    def __len__(self) -> int:
        """Number of items."""
        ...

    @property
    def seconds(self) -> float:
        """Seconds of audio in all items together, as far as it is known before they are made."""
        ...

    def make(self, index: int) -> MadeItem:
        """Return item ``index``: a pure function of the maker and the number.

        Raises:
            AurisError: it cannot be made; the text says which and why.
        """
        ...

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the files of the set as a whole (class lists, indices, annotations), from the facts of all items in order."""
        ...

    def balance(self) -> Mapping[str, float]:
        """Return the expected share of each class, for ``--dry-run``; empty where there are no classes."""
        ...
