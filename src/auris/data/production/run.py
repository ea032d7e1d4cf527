"""Makes a set: goes through a maker's items here, in processes beside, or on a cluster, and goes on where another run stopped.

Everything that a run knows lies in the set's folder, so runs need not know of each other: parts of a set
(``shard=(2, 8)``) are made by processes that share nothing but that folder, in any order, killed and started again. The last
of them finds that nothing is missing, and finishes the set. Its bytes depend on the maker alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auris import __version__
from auris.data.production.maker import Maker
from auris.data.production.manifest import DESCRIPTION, FORMS, STATE, Description, Form
from auris.data.production.records import Records
from auris.data.production.shards import SHARD_ITEMS
from auris.data.production.staging import remove_leftovers
from auris.data.production.units import Failure, SetWork, Tick, UnitResult
from auris.data.production.workers import make_here, make_in_processes
from auris.errors import ParameterError, unknown_name

if TYPE_CHECKING:
    from auris.data.production.finish import Credits

Existing = Literal["refuse", "resume"]


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes:
        items: items of this run that are there, made now or before.
        total: items of this run.
        seconds: seconds of audio made in this run.
    """

    items: int
    total: int
    seconds: float


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes:
        out: folder of the set.
        items: items of this run, which is those of its shard.
        made: items made now.
        kept: items that were there.
        failures: items that could not be made.
        missing: items of the whole set that are not there.
        finished: whether the set is whole, with manifest and lists.
        seconds: seconds of audio made now.
        wall_seconds: how long it took.
    """

    out: str
    items: int
    made: int
    kept: int
    failures: tuple[Failure, ...]
    missing: int
    finished: bool
    seconds: float
    wall_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return asdict(self)


def make_set(
    maker: Maker,
    out: str | Path,
    *,
    workers: int = 1,
    shard: tuple[int, int] = (1, 1),
    existing: Existing = "refuse",
    form: Form = "folders",
    shard_items: int = SHARD_ITEMS,
    cluster: str | None = None,
    credits_of: Credits = lambda _: (),
    report: Callable[[RunProgress], None] = lambda _: None,
) -> RunReport:
    """Make a set, or the part of it that is asked for.

    Args:
        maker: what is made.
        out: folder of the set, on a file system that all who work on it share.
        workers: processes; 1 works in this one.
        shard: ``(i, n)``: every n-th unit of work, from the i-th (counted from 1).
        existing: ``resume`` goes on with what is there: units with good records whose files have the recorded sizes are kept,
            in a finished set those whose files also have the recorded checksums. ``refuse`` accepts an empty folder, and one in
            which other shards of the same set are made.
        form: files in folders, or members of tar shards.
        shard_items: items in a tar shard.
        cluster: address of a Ray cluster, ``auto`` or ``local``; None for none.
        credits_of: tells whose some recordings are, for the card of the set: the bank's method ``attribution``.
        report: called after each item.

    Returns:
        What was done. Items that could not be made are named there; the others were made.

    Raises:
        ParameterError: the folder holds another set, or one and ``existing`` is ``refuse``; or an argument is out of range.
        FormatError: files cannot be written.
    """
    began = time.monotonic()
    if form not in FORMS:
        raise ParameterError(unknown_name("form of a set", form, FORMS))
    if workers < 1 or shard_items < 1 or not 1 <= shard[0] <= shard[1]:
        raise ParameterError(
            f"workers and shard_items are at least 1 and a shard is i/n with 1 <= i <= n; got {workers}, {shard_items}, "
            f"{shard[0]}/{shard[1]}"
        )
    folder = Path(out).absolute()
    work = SetWork(maker, folder, form, shard_items if form == "shards" else 1)
    description = Description(maker.preset, maker.settings, len(maker), form, work.shard_items, __version__)
    run = _Run(work, shard, report)
    _admit(run, existing, description)
    run.tidy()
    try:
        with closing(_results(work, run.missing(), workers, cluster, run.tick)) as results:
            for result in results:
                run.take(result)
    finally:
        run.tidy()
    missing = 0 if not run.failures and run.complete() else run.count_missing()
    if not missing:
        from auris.data.production.finish import finish_set  # with all that a card tells of; most parts never come here

        finish_set(work, description, owner=run.owner, credits_of=credits_of)
        run.tidy()
    return run.report(missing, time.monotonic() - began)


def _admit(run: _Run, existing: Existing, description: Description) -> None:
    """Make sure that this run may write to the folder."""
    records = run.records
    if records.description() is None and records.out.is_dir() and any(e.name != STATE for e in records.out.iterdir()):
        raise ParameterError(f"{records.out} is not empty and holds no set that auris has begun; choose another folder")
    records.claim(description, owner=run.owner)
    if existing == "refuse" and any(unit in run.units for unit in records.units()):
        raise ParameterError(f"{records.out} holds this set, or a part of it; go on with --resume, or choose another folder")


def _results(work: SetWork, units: Iterable[int], workers: int, cluster: str | None, tick: Tick) -> Generator[UnitResult]:
    if cluster is not None:
        from auris.data.production.cluster import make_on_cluster

        return make_on_cluster(work, units, address=cluster, workers=workers, tick=tick)
    if workers > 1:
        return make_in_processes(work, units, workers=workers, tick=tick)
    return make_here(work, units, tick=tick)


class _Run:
    """The units of one run, and what has become of them."""

    def __init__(self, work: SetWork, shard: tuple[int, int], report: Callable[[RunProgress], None]) -> None:
        self.work = work
        self.units = range(shard[0] - 1, work.units, shard[1])
        self.owner = f"{shard[0]}-of-{shard[1]}"
        self.records = Records(work.out)
        self.failures: list[Failure] = []
        self._report = report
        self._items = sum(len(work.items(unit)) for unit in self.units)
        self._made = self._kept = self._ticks = 0
        self._seconds = self._ticked = 0.0

    def missing(self) -> Iterator[int]:
        """Yield the units that are still to be made, looking at each when its turn comes."""
        trust: Literal["sizes", "checksums"] = "checksums" if (self.work.out / DESCRIPTION).is_file() else "sizes"
        for unit in self.units:
            if self.records.whole(unit, trust):
                self._kept += len(self.work.items(unit))
                self._tell()
            else:
                (self.work.out / DESCRIPTION).unlink(missing_ok=True)  # not finished any more
                self.records.forget(unit)
                yield unit

    def tick(self, seconds: float) -> None:
        self._ticks += 1
        self._ticked += seconds
        self._tell()

    def take(self, result: UnitResult) -> None:
        if result.failure is not None:
            self.failures.append(result.failure)
        self._made += result.items
        self._seconds += result.seconds

    def tidy(self) -> None:
        """Remove what killed processes left behind, but not what runs of other shards are writing."""
        alone = self.owner == "1-of-1"
        remove_leftovers(
            self.work.out, lambda name: alone or name == self.owner or (name.isdecimal() and int(name) in self.units)
        )

    def complete(self) -> bool:
        return sum(1 for _ in self.records.units()) == self.work.units

    def count_missing(self) -> int:
        there = sum(len(self.work.items(unit)) for unit in self.records.units())
        return len(self.work.maker) - there

    def report(self, missing: int, wall_seconds: float) -> RunReport:
        failures = tuple(sorted(self.failures, key=lambda failure: failure.index))
        out = str(self.work.out)
        return RunReport(
            out, self._items, self._made, self._kept, failures, missing, not missing, round(self._seconds, 3), wall_seconds
        )

    def _tell(self) -> None:
        self._report(RunProgress(min(self._kept + self._ticks, self._items), self._items, self._ticked))
