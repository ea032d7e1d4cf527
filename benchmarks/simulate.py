"""Room simulation side by side with pyroomacoustics: speed, each ratio beside what the speed costs in accuracy.

    python -m benchmarks.simulate            # about three minutes on a quiet machine; writes results/simulate.{md,json}
    python -m benchmarks.simulate --quick    # less than one minute, prints only

Both libraries run in this one process, in alternating order, on the same rooms, positions, bands and response lengths. With
one thread the clock is processor time, with two it is wall time. Compilation and caches are warm for both. The peer's
high-pass is off: it would count as an error of the direct sound, and costs it time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["PRA_NUM_THREADS"] = "1"

import numpy as np
import pyroomacoustics as pra
import torch
from numpy.typing import NDArray
from pyroomacoustics.directivities import DirectionVector, FigureEight, Omnidirectional

from auris.acoustics.engine import EngineSettings, ShoeboxEngine
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver
from auris.acoustics.renderer import render
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.channels import ChannelLayout, array
from auris.dsp.convolution import convolve
from auris.geometry import Static, Waypoints
from auris.scene import Event, Listener, Room, Scene, Source
from benchmarks.command import run
from benchmarks.machine import machine
from benchmarks.room_figures import RATE, TETRAHEDRON, Case, Pair, accuracy

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BANDS = [125.0 * 2**b for b in range(7)]
PEER_LATENCY = 40  # samples by which a response of pyroomacoustics is late


@dataclass(frozen=True)
class Row:
    """One comparison: milliseconds per response set (all channels) of both, and the ratio with its range over rooms."""

    what: str
    threads: int
    ours_ms: float
    peer_ms: float
    ratio: float
    lowest: float
    highest: float
    rooms: int


def random_cases(count: int, *, t60: float | None = None) -> list[Case]:
    random, cases = np.random.default_rng(7), []
    for _ in range(count):
        size = random.uniform([3.0, 2.5, 2.3], [8.0, 6.0, 3.5])
        source, listener = random.uniform(0.5, size - 0.5, (2, 3))
        wanted = float(random.uniform(0.2, 0.8)) if t60 is None else t60
        cases.append(Case(tuple(size.tolist()), tuple(source.tolist()), tuple(listener.tolist()), wanted))
    return cases


def peer_room(case: Case, *, hybrid: bool, order: int, ambisonic: bool = False) -> pra.ShoeBox:
    """Return the peer's room with seven bands and air absorption, ready to compute."""
    absorption = {"description": "flat", "coeffs": [case.sabine] * 7, "center_freqs": BANDS}
    material = pra.Material(energy_absorption=absorption, scattering=0.1 if hybrid else None)
    room = pra.ShoeBox(list(case.size), fs=RATE, materials=material, max_order=order, air_absorption=True, ray_tracing=hybrid)
    room.rt_args["receiver_radius"] = 0.5
    room.add_source(list(case.source))
    centre = np.array(case.listener)[:, None]
    if ambisonic:
        axes = [FigureEight(DirectionVector(azimuth=a, colatitude=c, degrees=True)) for a, c in ((90, 90), (0, 0), (0, 90))]
        room.add_microphone_array(np.repeat(centre, 4, axis=1), directivity=[Omnidirectional(), *axes])
    else:
        room.add_microphone_array(centre + TETRAHEDRON.T)
    return room


def peer_response(room: pra.ShoeBox) -> Floats:
    """Return the computed response ``(4, T)`` without its latency."""
    rows = [room.rir[m][0] for m in range(4)]
    shortest = min(len(row) for row in rows)
    return np.array([row[PEER_LATENCY:shortest] for row in rows])


def clock(threads: int) -> Callable[[], float]:
    return time.process_time if threads == 1 else time.perf_counter


def timed(work: Callable[[], object], threads: int, repeats: int) -> float:
    """Median seconds of ``repeats`` runs."""
    now, seconds = clock(threads), []
    for _ in range(repeats):
        start = now()
        work()
        seconds.append(now() - start)
    return float(np.median(seconds))


def alternate(index: int, first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    """Run two measurements, the other one first every second time."""
    if index % 2 == 0:
        a = first()
        return a, second()
    b = second()
    return first(), b


def summary(what: str, threads: int, ours: list[float], peer: list[float]) -> Row:
    ratios = np.divide(peer, ours)
    return Row(
        what,
        threads,
        1e3 * float(np.median(ours)),
        1e3 * float(np.median(peer)),
        float(np.median(ratios)),
        float(ratios.min()),
        float(ratios.max()),
        len(ours),
    )


def batch_of(cases: list[Case], count: int) -> SoundPaths:
    """Return ``count`` paths with random positions, spread over the rooms of all cases."""
    random = np.random.default_rng(3)
    sizes = np.array([case.size for case in cases])
    index = np.arange(count) % len(cases)
    places = random.uniform(0.5, sizes[index][:, None, :] - 0.5, (count, 2, 3))
    return SoundPaths(
        rooms=tuple(ShoeboxAcoustics.from_room(case.room(), RATE) for case in cases),
        room_index=index,
        sources=places[:, 0],
        listeners=places[:, 1],
        rotations=np.broadcast_to(np.eye(3), (count, 3, 3)),
        keys=np.arange(count, dtype=np.uint64),
        directivity=("omni",) * count,
        facings=np.broadcast_to([1.0, 0.0, 0.0], (count, 3)),
    )


def compare_hybrid(cases: list[Case], threads: int) -> tuple[list[Row], list[Pair]]:
    """Hybrid responses of four microphones at equal length, one at a time and in batches of 64; keeps the responses."""
    pra.constants.set("num_threads", threads)
    engine = ShoeboxEngine(OpenArrayReceiver(TETRAHEDRON), RATE, settings=EngineSettings(threads=threads))
    batch = batch_of(cases, 64)
    single: list[float] = []
    many: list[float] = []
    peer: list[float] = []
    kept = []
    for index, case in enumerate(cases):
        room, acoustics = peer_room(case, hybrid=True, order=3), ShoeboxAcoustics.from_room(case.room(), RATE)
        room.compute_rir()  # tells the length
        length = min(len(row[0]) for row in room.rir) - PEER_LATENCY

        def alone(case: Case = case, acoustics: ShoeboxAcoustics = acoustics, length: int = length) -> Singles:
            return engine.responses(case.paths(acoustics), length=length)

        def ours(length: int = length, alone: Callable[[], Singles] = alone) -> float:
            engine.responses(batch, length=length)
            single.append(timed(alone, threads, 9))
            return timed(lambda: engine.responses(batch, length=length), threads, 3) / 64

        a, b = alternate(index, ours, lambda room=room: timed(room.compute_rir, threads, 1))
        many.append(a)
        peer.append(b)
        kept.append(Pair(case, alone()[0].astype(float), peer_response(room)))
    rows = [
        summary("hybrid, 4 microphones, batch of 64", threads, many, peer),
        summary("hybrid, 4 microphones, one at a time", threads, single, peer),
    ]
    return rows, kept


def compare_images(case: Case, threads: int, repeats: int) -> list[Row]:
    """Image sources to the same horizon, seven bands: four microphones and first-order ambisonics."""
    pra.constants.set("num_threads", threads)
    flat = ShoeboxAcoustics.from_room(Room(case.size, absorption=case.sabine), RATE)
    _, order = pra.inverse_sabine(case.t60, list(case.size))
    rows = []
    settings = EngineSettings(mode="images", horizon=case.t60, threads=threads)
    for name, receiver in (("4 microphones", OpenArrayReceiver(TETRAHEDRON)), ("ambisonics", AmbisonicReceiver(1))):
        engine = ShoeboxEngine(receiver, RATE, settings=settings)
        engine.responses(case.paths(flat))
        ours, peer = [], []
        for repeat in range(repeats):
            room = peer_room(case, hybrid=False, order=order, ambisonic=name == "ambisonics")
            a, b = alternate(
                repeat,
                lambda engine=engine: timed(lambda: engine.responses(case.paths(flat)), threads, 3),
                lambda room=room: timed(room.compute_rir, threads, 1),
            )
            ours.append(a)
            peer.append(b)
        rows.append(summary(f"image sources alone to {case.t60:g} s, {name}", threads, ours, peer))
    return rows


def compare_end_to_end(case: Case, repeats: int) -> tuple[Row, float]:
    """Response and convolution of ten seconds into four microphones; also the real-time factor."""
    dry = np.random.default_rng(0).standard_normal(10 * RATE).astype(np.float32)
    engine, acoustics = ShoeboxEngine(OpenArrayReceiver(TETRAHEDRON), RATE), ShoeboxAcoustics.from_room(case.room(), RATE)
    length = int(case.t60 * RATE)

    def ours() -> None:
        convolve(dry[None], engine.responses(case.paths(acoustics), length=length))

    def theirs() -> float:
        room = peer_room(case, hybrid=True, order=3)
        room.sources[0].add_signal(dry.astype(float))
        return timed(room.simulate, 1, 1)

    ours()
    pairs = [alternate(i, lambda: timed(ours, 1, 5), theirs) for i in range(repeats)]
    row = summary("end to end, 10 s into 4 microphones", 1, [a for a, _ in pairs], [b for _, b in pairs])
    return row, 10.0 / (row.ours_ms / 1e3)


def real_time_factors(repeats: int) -> dict[str, float]:
    """Seconds of scene rendered per processor second, one source for ten seconds, through the renderer."""
    layouts = {
        "4 microphones": array(TETRAHEDRON),
        "ambisonics": ChannelLayout.parse("foa"),
        "binaural": ChannelLayout.parse("binaural"),
    }
    still = Static((1.2, 1.7, 1.5))
    walk = Waypoints((0.0, 10.0), ((1.0, 0.8, 1.5), (5.0, 3.7, 1.5)))
    dry = np.random.default_rng(0).standard_normal((1, 10 * RATE)).astype(np.float32)
    factors = {}
    for name, layout in layouts.items():
        for how, path in (("resting", still), ("moving", walk)):
            source = Source("noise", path, (Event(0.0, 10.0),))
            listener = Listener(Static((3.1, 2.6, 1.4)))
            scene = Scene(10.0, (source,), listener, Room((6.0, 4.5, 2.8), t60=0.4))
            render(scene, dry, layout=layout, sample_rate=RATE)
            seconds = timed(lambda s=scene, lay=layout: render(s, dry, layout=lay, sample_rate=RATE), 1, repeats)
            factors[f"{name}, {how}"] = 10.0 / seconds
    return factors


def measure(*, quick: bool) -> dict[str, object]:
    torch.set_num_threads(1)
    rooms = 4 if quick else 12
    pra.constants.set("rir_hpf_enable", False)
    facts = machine(pra, np, torch) | {"sample rate": RATE}
    pra.random.seed(1)
    peer_room(random_cases(1)[0], hybrid=True, order=3).compute_rir()
    hybrid, kept = compare_hybrid(random_cases(rooms), 1)
    two, _ = compare_hybrid(random_cases(rooms // 2), 2)
    shoebox = Case((6.0, 4.5, 2.8), (1.2, 1.7, 1.5), (3.1, 2.6, 1.4), 0.4)
    images = compare_images(shoebox, 1, 2 if quick else 5)
    images_two = [] if quick else compare_images(shoebox, 2, 3)
    whole, factor = compare_end_to_end(shoebox, 2 if quick else 5)
    factors = {"response and convolution alone, resting": factor, **real_time_factors(3 if quick else 7)}
    return {
        "machine": facts,
        "speed": [asdict(row) for row in [*hybrid, *images, whole, *two, *images_two]],
        "accuracy": accuracy(kept),
        "real_time": factors,
    }


def as_markdown(results: dict[str, object]) -> str:
    facts: dict[str, object] = results["machine"]
    lines = ["# Room simulation: auris and pyroomacoustics", "", ", ".join(f"{k} {v}" for k, v in facts.items()) + ".", ""]
    lines += ["One run, alternating order; ratio: median over rooms or repeats, and its range.", ""]
    lines += ["| what | threads | auris ms | pyroomacoustics ms | ratio | range |", "|---|---|---|---|---|---|"]
    for row in results["speed"]:
        lines.append(
            f"| {row['what']} | {row['threads']} | {row['ours_ms']:.3g} | {row['peer_ms']:.4g} | **{row['ratio']:.0f}** "
            f"| {row['lowest']:.0f} to {row['highest']:.0f} |"
        )
    lines += [
        "",
        "With one thread times are processor time, with two wall time. Hybrid responses have the peer's length, "
        "its high-pass is off.",
        "",
    ]
    table: dict[str, dict[str, object]] = results["accuracy"]
    lines += ["| accuracy of the hybrid responses timed above | auris | pyroomacoustics |", "|---|---|---|"]
    lines += [f"| {key} | {value} | {table['pyroomacoustics'][key]} |" for key, value in table["auris"].items()]
    lines += ["", "| seconds of scene per processor second, one source, 10 s | |", "|---|---|"]
    lines += [f"| {key} | {value:.0f} |" for key, value in results["real_time"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run("simulate", about=__doc__, quick="fewer rooms and repeats", measure=measure, as_markdown=as_markdown)
