"""Units of work in this process, or in several beside it that may die without taking the run with them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from auris.data.production.units import Failure, SetWork, Tick, UnitResult, make_unit
from auris.errors import FormatError

TRIES = 3
# The bytes of a product of matrices depend on how many threads share it, so nobody gets more than one.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def make_here(work: SetWork, units: Iterable[int], *, tick: Tick) -> Generator[UnitResult]:
    """Make units in this process, one after the other.

    Raises:
        FormatError: files cannot be written.
    """
    with one_thread():
        for unit in units:
            yield make_unit(work, unit, begun=lambda _: None, tick=tick)


def make_in_processes(work: SetWork, units: Iterable[int], *, workers: int, tick: Tick) -> Generator[UnitResult]:
    """Make units in ``workers`` processes, in the order in which they are finished.

    A process that dies is replaced, and what it was making is tried again, :data:`TRIES` times in all.

    Raises:
        FormatError: files cannot be written, or processes cannot start.
    """
    crew = _Crew(work, iter(units), tick)
    try:
        yield from crew.results(workers)
    finally:
        crew.dismiss()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the libraries that calculate to one thread: those that are loaded, and those that will be.

    Only NumPy's products, where NumPy was loaded with more threads, cannot be told any more; the command line sets the
    environment before that.
    """
    torch, numba = sys.modules.get("torch"), sys.modules.get("numba")
    torch_threads = torch.get_num_threads() if torch else 0
    numba_threads = numba.get_num_threads() if numba else 0
    if torch:
        torch.set_num_threads(1)
    if numba:
        numba.set_num_threads(1)
    try:
        # Numba reads its variable again and again, and objects to a change.
        with _environment({name: value for name, value in ONE_THREAD.items() if not name.startswith("NUMBA")}):
            yield
    finally:
        if torch:
            torch.set_num_threads(torch_threads)
        if numba:
            numba.set_num_threads(numba_threads)


class _Worker:
    """A process, the wire to it, and what it is doing."""

    def __init__(self, work: SetWork) -> None:
        context = multiprocessing.get_context("spawn")
        self.wire, far_end = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(work, far_end), daemon=True)
        with _environment(ONE_THREAD):
            self.process.start()
        far_end.close()  # so that this end hears when the process is gone
        self.ready = False
        self.unit: int | None = None
        self.index = 0

    def give(self, unit: int | None) -> None:
        self.unit = unit
        with suppress(OSError):  # if the process is gone, reading from it will tell
            self.wire.send(unit)

    def end(self) -> int:
        """Stop the process and return its exit code."""
        self.process.kill()
        self.process.join()
        self.wire.close()
        return self.process.exitcode or 0


class _Crew:
    """Workers that go through units together."""

    def __init__(self, work: SetWork, units: Iterator[int], tick: Tick) -> None:
        self._work = work
        self._units = units
        self._tick = tick
        self._again: deque[int] = deque()
        self._deaths: Counter[int] = Counter()
        self._false_starts = 0
        self._workers: dict[Connection, _Worker] = {}

    def results(self, workers: int) -> Iterator[UnitResult]:
        for _ in range(workers):
            if not self._employ():
                break
        while self._workers:
            for wire in wait(list(self._workers)):
                assert isinstance(wire, Connection)
                result = self._heard(self._workers[wire])
                if result is not None:
                    yield result

    def dismiss(self) -> None:
        """Stop everything at once: units are written whole or not at all."""
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()

    def _next(self) -> int | None:
        return self._again.popleft() if self._again else next(self._units, None)

    def _employ(self) -> bool:
        """Start a process if there is something to do for it."""
        unit = self._next()
        if unit is None:
            return False
        worker = _Worker(self._work)
        worker.index = self._work.items(unit)[0]
        self._workers[worker.wire] = worker
        worker.give(unit)
        return True

    def _heard(self, worker: _Worker) -> UnitResult | None:
        """Take in what a worker says; a result if it is one."""
        try:
            what, value = worker.wire.recv()
        except (EOFError, OSError):
            return self._died(worker)
        worker.ready = True
        self._false_starts = 0
        if what == "begun":
            worker.index = value
        elif what == "tick":
            self._tick(value)
        elif what == "cannot write":
            raise FormatError(value)
        elif what == "result":
            assert isinstance(value, UnitResult)
            unit = self._next()
            worker.give(unit)
            if unit is None:
                del self._workers[worker.wire]
                worker.process.join(timeout=10)
                worker.end()
            return value
        return None

    def _died(self, worker: _Worker) -> UnitResult | None:
        """Replace a worker that is gone; a failure if what it was making has killed too many."""
        del self._workers[worker.wire]
        worker.process.join(timeout=10)
        code = worker.end()
        unit = worker.unit
        assert unit is not None
        if not worker.ready:
            self._false_starts += 1
            if self._false_starts >= TRIES:
                raise FormatError(
                    f"worker processes cannot start: {_exit_text(code)} at once, {TRIES} times; see the lines above"
                )
        else:
            self._deaths[unit] += 1
        failure = None
        if self._deaths[unit] >= TRIES:
            failure = Failure(worker.index, f"the process that made it ended {TRIES} times, at last {_exit_text(code)}")
        else:
            self._again.append(unit)
        self._employ()
        return None if failure is None else UnitResult(unit, failure=failure)


def _exit_text(code: int) -> str:
    if code == -signal.SIGKILL:
        return "killed (signal 9: by hand, or for want of memory)"
    return f"by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"with exit status {code}"


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set what libraries and processes find that are loaded and started now."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(work: SetWork, wire: Connection) -> None:
    """What a worker process does: units, until there are no more or nobody listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what an interrupt means
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with one_thread(), suppress(EOFError, OSError):
        wire.send(("ready", None))
        while (unit := wire.recv()) is not None:
            try:
                result = make_unit(
                    work,
                    unit,
                    begun=lambda index: wire.send(("begun", index)),
                    tick=lambda seconds: wire.send(("tick", seconds)),
                )
            except FormatError as error:
                wire.send(("cannot write", str(error)))
                return
            wire.send(("result", result))


def _leave_with_parent() -> None:
    """End this process when the run is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
