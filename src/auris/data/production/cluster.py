"""Units of work on a Ray cluster. Ray schedules, restarts and places them; here they are only handed over and counted."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from auris.data.production.units import Failure, SetWork, Tick, UnitResult, make_unit
from auris.data.production.workers import ONE_THREAD, TRIES, one_thread
from auris.errors import FormatError, MissingDependency, ParameterError

_AHEAD = 2  # units for each processor that Ray may hold at once, so that none waits for this process
_PATIENCE = 10.0  # seconds until an address is taken for dead
_LEAST = 8  # where the cluster is still growing, this many show it that there is work


def make_on_cluster(work: SetWork, units: Iterable[int], *, address: str, workers: int, tick: Tick) -> Generator[UnitResult]:
    """Make units as tasks of a Ray cluster, in the order in which they are finished.

    A task whose process or node dies is tried again by Ray, :data:`~auris.data.production.workers.TRIES` times in all.

    Args:
        work: the set; its folder and the sounds are on a file system that all nodes share.
        units: what to make.
        address: of the cluster, ``auto`` to find a running one, or ``local`` to start one on this machine for the time.
        workers: processors of a ``local`` cluster.
        tick: called for each item with the seconds of audio in it.

    Raises:
        MissingDependency: Ray is not installed.
        ParameterError: there is no such cluster.
        FormatError: files cannot be written.
    """
    with _connected(address, workers) as ray:
        task = ray.remote(_task).options(num_cpus=1, max_retries=TRIES - 1)
        shared = ray.put(work)
        running: dict[Any, int] = {}
        left = iter(units)
        try:
            while True:
                room = max(_AHEAD * int(ray.cluster_resources().get("CPU", 0)), _LEAST)
                while len(running) < room and (unit := next(left, None)) is not None:
                    running[task.remote(shared, unit)] = unit
                if not running:
                    return
                for reference in ray.wait(list(running), num_returns=1)[0]:
                    result = _result(ray, reference, work, running.pop(reference))
                    for _ in range(result.items):
                        tick(result.seconds / result.items)
                    yield result
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _task(work: SetWork, unit: int) -> UnitResult | str:
    """What Ray runs: a result, or why nothing can be written."""
    with one_thread():
        try:
            return make_unit(work, unit, begun=lambda _: None, tick=lambda _: None)
        except FormatError as error:
            return str(error)


def _result(ray: Any, reference: Any, work: SetWork, unit: int) -> UnitResult:
    try:
        result: UnitResult | str = ray.get(reference)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError) as error:
        reason = str(error).partition("\n")[0]
        return UnitResult(unit, failure=Failure(work.items(unit)[0], f"its process ended {TRIES} times ({reason})"))
    if isinstance(result, str):
        raise FormatError(result)
    return result


@contextmanager
def _connected(address: str, workers: int) -> Iterator[Any]:
    """Connect to a cluster, unless the program has done so; what was opened here is closed here."""
    try:
        import ray
    except ImportError:
        raise MissingDependency("ray", "cluster") from None
    if ray.is_initialized():
        yield ray
        return
    environment: dict[str, Any] = {"env_vars": dict(ONE_THREAD)}
    quiet: dict[str, Any] = {"runtime_env": environment, "log_to_driver": False, "logging_level": "error"}
    try:
        _reach(address)
        if address == "local":
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:  # a ConnectionError is an OSError
        raise ParameterError(_unreachable(address, error)) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Knock at an address, because Ray itself would knock for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE):
            pass


def _unreachable(address: str, error: Exception) -> str:
    advice = "begin one with 'ray start --head', give the address of one, or use --workers on this machine"
    if address == "auto":
        return f"no running Ray cluster was found; {advice}"
    return f"no Ray cluster answers at {address!r} ({str(error).partition(chr(10))[0]}); {advice}"
