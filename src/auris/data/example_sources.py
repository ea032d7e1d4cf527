"""Where the examples of a set are: in a set that auris made, or in tar shards that anybody wrote."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from auris.data.made_examples import MadeExample, Reading, Stored
from auris.data.production.manifest import DESCRIPTION, MANIFEST, STATE, Manifest, read_manifest
from auris.data.shard_reading import ShardExample, shard_examples
from auris.errors import FormatError, ParameterError

_MOST_NAMED = 20  # values of a fact that a message names
Place = str | Path | Sequence[str | Path]


class _InShard(NamedTuple):
    """An example in a shard without a manifest."""

    group: int
    number: int
    example: ShardExample


class Source(Protocol):
    """Examples in groups, which lie together on disk."""

    @property
    def groups(self) -> int:
        """Number of groups."""
        ...

    @property
    def identity(self) -> str:
        """Short text that differs for other examples."""
        ...

    def members(self, group: int) -> Sequence[Any]:
        """Return what :meth:`read` takes, for each example of a group."""
        ...

    def member(self, index: int) -> Any:
        """Return what :meth:`read` takes, for an example by its number."""
        ...

    def read(self, member: Any, reading: Reading) -> MadeExample:
        """Read an example."""
        ...

    def __len__(self) -> int:
        """Number of examples."""
        ...


class ManifestSource:
    """The items of a set that auris made. A group is a shard; in folders, one item."""

    def __init__(self, out: Path, where: Mapping[str, Any]) -> None:
        self.out, self.where = out, dict(where)
        self.manifest: Manifest = read_manifest(out)
        count, size = len(self.manifest.items), self.manifest.description.shard_items
        self._chosen = _chosen(self.manifest, where, out) if where else np.arange(count)
        self._bounds = np.append(np.unique(self._chosen // size, return_index=True)[1], len(self._chosen))

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self._bounds) - 1

    @cached_property
    def identity(self) -> str:
        """Short text that differs for other examples."""
        described = self.manifest.description
        return blake2b(repr((described, self.where)).encode(), digest_size=8).hexdigest()

    def members(self, group: int) -> Sequence[int]:
        """Return what :meth:`read` takes, for each example of a group."""
        first, last = self._bounds[group : group + 2]
        numbers: list[int] = self._chosen[first:last].tolist()
        return numbers

    def member(self, index: int) -> int:
        """Return what :meth:`read` takes, for an example by its number."""
        return int(self._chosen[index])

    def read(self, member: int, reading: Reading) -> MadeExample:
        """Read an example."""
        item = self.manifest.items[member]
        places = {file.field: Stored(self.out / file.path, file.offset, file.bytes, file.sha256) for file in item.files}
        return reading.example(item.name, item.index, places=places, facts=item.facts)

    def __len__(self) -> int:
        return len(self._chosen)


class ShardSource:
    """The examples of tar shards without a manifest. A shard is read through, header by header, when its turn comes."""

    def __init__(self, shards: Sequence[Path]) -> None:
        self.shards = tuple(shards)
        self._all: list[_InShard] = []

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.shards)

    @cached_property
    def identity(self) -> str:
        """Short text that differs for other examples."""
        names = [(shard.name, shard.stat().st_size) for shard in self.shards if shard.is_file()]
        return blake2b(repr(names).encode(), digest_size=8).hexdigest()

    def members(self, group: int) -> Sequence[_InShard]:
        """Return what :meth:`read` takes, for each example of a group."""
        return [_InShard(group, number, example) for number, example in enumerate(shard_examples(self.shards[group]))]

    def member(self, index: int) -> _InShard:
        """Return what :meth:`read` takes, for an example by its number."""
        if not self._all:  # the first time, all headers are read
            self._all = [member for group in range(self.groups) for member in self.members(group)]
        return self._all[index]

    def read(self, member: _InShard, reading: Reading) -> MadeExample:
        """Read an example."""
        shard = self.shards[member.group]
        places = {field: Stored(shard, found.offset, found.size) for field, found in member.example.fields.items()}
        return reading.example(member.example.key, member.number, places=places, facts={})

    def __len__(self) -> int:
        if not self._all and self.shards:
            self.member(0)
        return len(self._all)


def find_source(place: Place, where: Mapping[str, Any]) -> Source:
    """Return the examples of a set.

    Args:
        place: the folder of a set that auris made; or tar shards: a folder that holds them, a path or a pattern
            (``shards/*.tar``), or a list of paths.
        where: only the items whose facts are these.

    Raises:
        FormatError: there is nothing of the kind, or the set is not finished.
        ParameterError: no item has such facts.
    """
    if isinstance(place, str | Path) and Path(place).is_dir():
        folder = Path(place)
        if any((folder / name).exists() for name in (DESCRIPTION, MANIFEST, STATE)):
            return ManifestSource(folder, where)
        shards = sorted(folder.glob("*.tar"))
    elif isinstance(place, str | Path):
        shards = [Path(place)] if Path(place).is_file() else sorted(map(Path, glob.glob(str(place))))
    else:
        shards = [Path(one) for one in place]
    if where:
        raise ParameterError("shards without a manifest have no facts to choose by; give the shards that you want")
    if not shards:
        raise FormatError(f"{place}: neither a set made by auris ({DESCRIPTION}) nor tar shards (*.tar)")
    return ShardSource(shards)


def _chosen(manifest: Manifest, where: Mapping[str, Any], out: Path) -> NDArray[np.int64]:
    """Numbers of the items whose facts are these."""
    chosen, values = [], {name: set[str]() for name in where}
    for number, item in enumerate(manifest.items):
        for name, there in values.items():
            if name in item.facts and len(there) < _MOST_NAMED:
                there.add(str(item.facts[name]))
        if all(name in item.facts and item.facts[name] == value for name, value in where.items()):
            chosen.append(number)
    if not chosen:
        facts = [
            f"{name} is one of {', '.join(sorted(there))}" if there else f"no item has {name!r}"
            for name, there in values.items()
        ]
        wanted = ", ".join(f"{name}={value!r}" for name, value in where.items())
        raise ParameterError(f"{out}: there is no item with {wanted}; {'; '.join(facts)}")
    return np.asarray(chosen, dtype=np.int64)
