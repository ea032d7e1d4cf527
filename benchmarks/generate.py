"""One-minute scenes per second, beside pyroomacoustics with SciPy and beside ourselves with nothing shared.

    python -m benchmarks.generate            # about half an hour on a quiet machine; writes results/generate.{md,json}
    python -m benchmarks.generate --quick    # a few minutes, prints only

Both libraries make the same scenes from the same dry signals (:mod:`benchmarks.minute_scenes`) and encode them as FLAC in
memory, in one run, in alternating order, in the same two processes: in one of them alone, and in both side by side. Every
process is warm and uses one thread. Of the responses along moving events the peer computes an even sample, and their time is
scaled up to all of them.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import numpy as np
import pyroomacoustics as pra
import torch

from benchmarks.command import run
from benchmarks.machine import machine
from benchmarks.minute_scenes import DURATION, KINDS, Cost, make, make_apart, make_batch, make_by_peer, memory
from benchmarks.room_figures import RATE, Pair, accuracy

REPEATS = 3  # of our scenes; the median counts
THINNING = 50  # of the peer's responses along moving events: one every 5 s of them is computed
COUNTS = (2, 4, 8, 16, 32, 64)  # scenes after which memory is looked at


class Workers:
    """Two processes that stay, so that what is made in them is made warm."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pools = [ProcessPoolExecutor(1, mp_context=spawn) for _ in range(2)]

    def alone(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run in the first process while the second rests."""
        return self._pools[0].submit(work, *arguments).result()

    def together(self, work: Callable[..., Any], each: Sequence[tuple[Any, ...]]) -> tuple[list[Any], float]:
        """Run in both, one set of arguments in each; return the results and the wall seconds until both are done."""
        start = time.perf_counter()
        running: list[Future[Any]] = [pool.submit(work, *arguments) for pool, arguments in zip(self._pools, each, strict=True)]
        results = [future.result() for future in running]
        return results, time.perf_counter() - start

    def close(self) -> None:
        """End both."""
        for pool in self._pools:
            pool.shutdown()


def compare(workers: Workers, kind: str, seeds: Sequence[int]) -> tuple[list[dict[str, Any]], list[Pair]]:
    """Return one entry per scene with the times of both, and responses of both where the scene rests."""
    entries, kept = [], []
    workers.together(make, [(kind, seeds)] * 2)
    for index, seed in enumerate(seeds):

        def ours(seed: int = seed) -> Cost:
            return middle([workers.alone(make, kind, [seed]) for _ in range(REPEATS)])

        def theirs(seed: int = seed) -> tuple[Cost, list[Pair]]:
            result: tuple[Cost, list[Pair]] = workers.alone(make_by_peer, kind, seed, THINNING)
            return result

        if index % 2 == 0:
            a, (b, pairs) = ours(), theirs()
        else:
            (b, pairs), a = theirs(), ours()
        entries.append({"seed": seed, "ours": vars(a), "peer": vars(b)})
        kept += pairs
    return entries, kept


def middle(costs: Sequence[Cost]) -> Cost:
    """The cost with the median processor time."""
    return sorted(costs, key=lambda cost: cost.cpu)[len(costs) // 2]


def compare_with_ourselves(workers: Workers, kind: str, seeds: Sequence[int], rounds: int) -> dict[str, Any]:
    """Processor seconds per scene as production makes them, in one batch, and with nothing shared between scenes."""
    ways: dict[str, Callable[..., Cost]] = {"production": make, "batch": make_batch, "nothing shared": make_apart}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for index in range(rounds):
        order = list(ways) if index % 2 == 0 else list(ways)[::-1]
        for name in order:
            seconds[name].append(workers.alone(ways[name], kind, seeds).cpu / len(seeds))
    return {"kind": kind, "scenes": len(seeds), **seconds}


def compare_processes(workers: Workers, kind: str, seeds: Sequence[int], rounds: int) -> dict[str, Any]:
    """Seconds for the same scenes in one process, and for twice as many in two."""
    one, two, one_cpu, two_cpu = [], [], [], []
    for _ in range(rounds):
        start = time.perf_counter()
        one_cpu.append(workers.alone(make, kind, seeds).cpu)
        one.append(time.perf_counter() - start)
        costs, wall = workers.together(make, [(kind, seeds)] * 2)
        two.append(wall)
        two_cpu.append(float(np.mean([cost.cpu for cost in costs])))
    return {"kind": kind, "scenes": len(seeds), "one": one, "two": two, "one_cpu": one_cpu, "two_cpu": two_cpu}


def measure(*, quick: bool) -> dict[str, Any]:
    torch.set_num_threads(1)
    facts = machine(pra, np, torch) | {"sample rate": RATE}
    workers, scenes = Workers(), 1 if quick else 6
    seeds = list(range(1, scenes + 1))
    try:
        static, pairs = compare(workers, "static", seeds)
        moving, _ = compare(workers, "moving", seeds[: 1 if quick else 4])
        rounds = 2 if quick else 5
        itself = [compare_with_ourselves(workers, kind, seeds, rounds) for kind in ("static", "moving")]
        processes = [compare_processes(workers, kind, seeds, rounds) for kind in ("static", "moving")]
        layouts = {
            f"{kind}, {layout}": workers.alone(make, kind, seeds, layout).cpu / len(seeds)
            for layout in ("foa", "tetra")
            for kind in KINDS
            for _ in range(2)  # the second time counts: tables are made in the first
        }
        counts = COUNTS[: 4 if quick else None]
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
            sizes = fresh.submit(memory, "static", counts).result()
    finally:
        workers.close()
    return {
        "machine": facts,
        "scenes": {"static": static, "moving": moving},
        "accuracy": accuracy(pairs),
        "itself": itself,
        "processes": processes,
        "layouts": layouts,
        "memory": {"scenes": list(counts), "megabytes": sizes},
    }


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Median and range."""
    low, middle_value, high = np.min(values), np.median(values), np.max(values)
    return f"{middle_value:.{digits}g} ({low:.{digits}g} to {high:.{digits}g})"


def comparison_rows(scenes: dict[str, list[dict[str, Any]]]) -> list[str]:
    rows = []
    for kind, entries in scenes.items():
        for clock in ("cpu", "wall"):
            ours, peer = (np.array([entry[who][clock] for entry in entries]) for who in ("ours", "peer"))
            name = {"cpu": "processor", "wall": "wall"}[clock]
            rows.append(
                f"| {kind} | {name} | {spread(DURATION / ours)} | {spread(DURATION / peer)} "
                f"| **{np.median(peer / ours):.0f}** | {np.min(peer / ours):.0f} to {np.max(peer / ours):.0f} |"
            )
    return rows


def stage_rows(scenes: dict[str, list[dict[str, Any]]]) -> list[str]:
    rows = []
    for kind, entries in scenes.items():
        for who, name in (("ours", "auris"), ("peer", "pyroomacoustics")):
            stages: dict[str, list[float]] = {}
            for entry in entries:
                for stage, seconds in entry[who]["stages"].items():
                    stages.setdefault(stage, []).append(seconds)
            parts = ", ".join(f"{stage} {1e3 * float(np.median(values)):.0f}" for stage, values in stages.items())
            rows.append(f"| {kind} | {name} | {parts} |")
    return rows


def own_rows(results: dict[str, Any]) -> list[str]:
    rows = []
    for entry in results["itself"]:
        usual = np.array(entry["production"])
        for other in ("batch", "nothing shared"):
            ratio = np.array(entry[other]) / usual
            rows.append(
                f"| {entry['kind']}: {other}, against one scene after the other | {1e3 * float(np.median(usual)):.0f} "
                f"| {1e3 * float(np.median(entry[other])):.0f} | {spread(ratio)} |"
            )
    return rows


def process_rows(results: dict[str, Any]) -> list[str]:
    rows = []
    for entry in results["processes"]:
        gain = 2 * np.array(entry["one"]) / np.array(entry["two"])
        clear = 2 * np.array(entry["one_cpu"]) / np.array(entry["two_cpu"])
        rows.append(f"| {entry['kind']} | {spread(gain)} | {spread(clear)} |")
    return rows


def as_markdown(results: dict[str, Any]) -> str:
    facts, table = results["machine"], results["accuracy"]
    rooms, walks = len(results["scenes"]["static"]), len(results["scenes"]["moving"])
    lines = ["# Making scenes: auris and pyroomacoustics", "", ", ".join(f"{k} {v}" for k, v in facts.items()) + ".", ""]
    lines += [
        f"One-minute scenes at 24 kHz, four capsules, twelve events of 4 to 10 s, up to three at a time; {rooms} with events "
        f"at rest and {walks} with events that move. One run, alternating order, one thread; medians and ranges over scenes.",
        "",
        "| events | clock | auris, seconds of scene per second | pyroomacoustics and SciPy | ratio | range |",
        "|---|---|---|---|---|---|",
        *comparison_rows(results["scenes"]),
        "",
        f"The peer's responses along moving events are timed on one in {THINNING} of them. Where other programs keep the "
        "machine busy, only the ratios of processor time mean something.",
        "",
        "| milliseconds of processor time per scene | | |",
        "|---|---|---|",
        *stage_rows(results["scenes"]),
        "",
        "| accuracy of the responses at rest | auris | pyroomacoustics |",
        "|---|---|---|",
        *(f"| {key} | {value} | {table['pyroomacoustics'][key]} |" for key, value in table["auris"].items()),
        "",
        "| auris against itself, processor time | one after the other, ms per scene | ms per scene | ratio |",
        "|---|---|---|---|",
        *own_rows(results),
        "",
        "| two processes against one | by wall time | by processor time (2 would be two free cores that share nothing) |",
        "|---|---|---|",
        *process_rows(results),
        "",
        "| other layouts, seconds of scene per processor second | |",
        "|---|---|",
        *(f"| {name} | {DURATION / seconds:.0f} |" for name, seconds in results["layouts"].items()),
        "",
    ]
    made, sizes = results["memory"]["scenes"], results["memory"]["megabytes"]
    lines += ["| scenes made by one process | " + " | ".join(map(str, made)) + " |", "|---" * (len(made) + 1) + "|"]
    lines += ["| its memory, MB | " + " | ".join(f"{size:.0f}" for size in sizes) + " |", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    run(
        "generate",
        about=__doc__ or "",
        quick="one scene of each kind instead of six and four, fewer rounds",
        measure=measure,
        as_markdown=as_markdown,
    )
