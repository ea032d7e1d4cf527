"""One-minute scenes as data production makes them, and as one makes them with pyroomacoustics; for :mod:`benchmarks.generate`.

Rooms, reverberation times, array and room simulation are those of SELD-Data-Generator: 5 to 25 metres, 0.2 to 2 s, four
omnidirectional capsules 4.2 cm from the centre, the hybrid of image sources (order 3) and ray tracing with air absorption,
absorption by Sabine's formula, no background noise. A dozen events of 4 to 10 s, up to three at a time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import _lru_cache_wrapper, lru_cache
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["PRA_NUM_THREADS"] = "1"

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.signal.windows import hann

from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.receivers import OpenArrayReceiver
from auris.acoustics.renderer import render, render_batch
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.audio import Audio
from auris.channels import ChannelLayout, array
from auris.data.dry import dry_signals
from auris.data.production.encoding import encoded_audio, fitted
from auris.data.scene_presets import ScenePreset
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import Bank, open_bank
from auris.scene import Scene
from benchmarks.room_figures import RATE, TETRAHEDRON, Case, Pair
from benchmarks.simulate import PEER_LATENCY, peer_room

Singles = NDArray[np.float32]

DURATION = 60.0
PEER_HOP = 0.1  # seconds between the responses of a moving event
LAYOUT = array(TETRAHEDRON)
STATIC = ScenePreset(
    duration=DURATION,
    sources=(12, 12),
    max_overlap=3,
    event_duration=(4.0, 10.0),
    room_length=(5.0, 25.0),
    room_width=(5.0, 25.0),
    room_height=(3.0, 10.0),
    t60=(0.2, 2.0),
    scattering=(0.3, 0.3),  # mixes about as much as the peer's 0.1
    wall_margin=1.0,
    listener_yaw_deg=(0.0, 0.0),
    distance=(1.0, 8.0),
    diffuse_snr_db=None,
    sensor_snr_db=None,
)
KINDS = {
    "static": STATIC,
    "moving": replace(STATIC, moving_probability=1.0),
    "static, diffuse and sensor noise": replace(STATIC, diffuse_snr_db=(6.0, 30.0), sensor_snr_db=(40.0, 60.0)),
}


@dataclass(frozen=True)
class Cost:
    """Seconds of processor and of wall time, and how they divide."""

    cpu: float
    wall: float
    stages: dict[str, float] = field(default_factory=dict)


class Stopwatch:
    """Sums up processor seconds by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._start = self._lap = np.array([time.process_time(), time.perf_counter()])

    def lap(self, stage: str) -> NDArray[np.float64]:
        """Count the time since the last lap for ``stage``; return its processor and wall seconds."""
        now = np.array([time.process_time(), time.perf_counter()])
        spent, self._lap = now - self._lap, now
        self.stages[stage] = self.stages.get(stage, 0.0) + float(spent[0])
        return spent

    def cost(self) -> Cost:
        """Return the time since the beginning."""
        cpu, wall = np.array([time.process_time(), time.perf_counter()]) - self._start
        return Cost(float(cpu), float(wall), self.stages)


@lru_cache(maxsize=1)
def bank() -> Bank:
    """The recordings in ``sounds`` of the shared folder, or where there is none, synthesised sounds."""
    torch.set_num_threads(1)
    shared = Path(os.environ.get("AURIS_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "sounds"
    return open_bank(shared if shared.is_dir() else None)


def encode(mixture: Singles, layout: ChannelLayout) -> bytes:
    return encoded_audio(Audio(fitted(mixture)[0], RATE, layout), form="flac")


# ── auris ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def make(kind: str, seeds: Sequence[int], layout: ChannelLayout | str = LAYOUT) -> Cost:
    """Make scenes one after the other, as a worker of data production does."""
    parsed, watch = ChannelLayout.parse(layout), Stopwatch()
    for seed in seeds:
        scene = sample_scene(KINDS[kind], bank(), seed)
        watch.lap("drawing the scene")
        dry = dry_signals(scene, bank(), RATE)
        watch.lap("dry signals")
        mixture = render(scene, dry, layout=parsed, sample_rate=RATE).mixture
        watch.lap("rendering")
        encode(mixture.samples, parsed)
        watch.lap("FLAC")
    return watch.cost()


def make_batch(kind: str, seeds: Sequence[int]) -> Cost:
    """The same scenes, rendered in one call."""
    watch = Stopwatch()
    scenes = [sample_scene(KINDS[kind], bank(), seed) for seed in seeds]
    sounds = [dry_signals(scene, bank(), RATE) for scene in scenes]
    for rendering in render_batch(scenes, sounds, layout=LAYOUT, sample_rate=RATE):
        encode(rendering.mixture.samples, LAYOUT)
    return watch.cost()


def make_apart(kind: str, seeds: Sequence[int]) -> Cost:
    """The same scenes with nothing kept from one to the next: engine, noise, tables and plans are made for each."""
    total = Stopwatch()
    for seed in seeds:
        forget()
        make(kind, [seed])
    return total.cost()


def forget() -> None:
    """Empty every cache of acoustics and signal processing."""
    for name in [name for name in sys.modules if name.startswith(("auris.acoustics", "auris.dsp"))]:
        for thing in list(vars(sys.modules[name]).values()):
            if isinstance(thing, _lru_cache_wrapper):
                thing.cache_clear()


def resident() -> float:
    """Return this process's memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory(kind: str, counts: Sequence[int]) -> list[float]:
    """Return the process's memory in MB after each of ``counts`` scenes."""
    made, sizes = 0, []
    for count in counts:
        make(kind, range(1000 + made, 1000 + count))
        made = count
        sizes.append(resident())
    return sizes


# ── pyroomacoustics ──────────────────────────────────────────────────────────────────────────────────────────────────


def make_by_peer(kind: str, seed: int, thinning: int) -> tuple[Cost, list[Pair]]:
    """Make one scene with pyroomacoustics and SciPy.

    Args:
        kind: of :data:`KINDS`.
        seed: of the scene.
        thinning: of the responses along moving events, every so manieth is computed and stands for its neighbours; the time
            of the responses is multiplied accordingly.

    Returns:
        Time, and some responses of resting sources with ours beside them.
    """
    import pyroomacoustics as pra

    pra.constants.set("num_threads", 1)
    pra.constants.set("rir_hpf_enable", False)
    pra.random.seed(seed)
    watch = Stopwatch()
    scene = sample_scene(KINDS[kind], bank(), seed)
    dry = dry_signals(scene, bank(), RATE)
    mixture = np.zeros((4, dry.shape[1]))
    watch.lap("rest")
    cases, extra = [], np.zeros(2)
    for source, sound in zip(scene.sources, dry, strict=True):
        event = source.events[0]
        first, last = round(event.onset * RATE), round(event.offset * RATE)
        times = event.onset + np.arange(0.0, event.duration, PEER_HOP) if source.path.moves else np.zeros(1)
        looked_at = times[:: thinning if source.path.moves else 1]
        responses = peer_responses(scene, source.path.at(looked_at))
        extra += watch.lap("responses") * (len(times) / len(looked_at) - 1)
        if source.path.moves:
            add_moving(mixture, sound[first:last], responses, first, thinning)
        else:
            add_resting(mixture, sound[first:last], responses[0], first)
            cases.append((case_of(scene, source.path.at(0.0)), responses[0]))
        watch.lap("convolution")
    encode(mixture.astype(np.float32), LAYOUT)
    watch.lap("rest")
    watch.stages["responses"] += float(extra[0])
    cost = watch.cost()
    return Cost(cost.cpu + float(extra[0]), cost.wall + float(extra[1]), watch.stages), [pair(*kept) for kept in cases[:3]]


def case_of(scene: Scene, place: NDArray[np.float64]) -> Case:
    assert scene.room is not None
    assert isinstance(scene.room.t60, float)
    listener = scene.listener.path.at(0.0)
    return Case(scene.room.dimensions, tuple(place.tolist()), tuple(listener.tolist()), scene.room.t60)


def peer_responses(scene: Scene, places: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the hybrid responses ``(4, T)`` from each of ``places`` ``(K, 3)``, without the peer's latency."""
    room = peer_room(case_of(scene, places[0]), hybrid=True, order=3)
    for place in places[1:]:
        room.add_source(place.tolist())
    room.compute_rir()
    found = []
    for k in range(len(places)):
        rows = [room.rir[m][k] for m in range(4)]
        shortest = min(len(row) for row in rows)
        found.append(np.array([row[PEER_LATENCY:shortest] for row in rows]))
    return found


def add_resting(mixture: NDArray[np.float64], sound: Singles, response: NDArray[np.float64], first: int) -> None:
    heard = fftconvolve(sound[None], response, axes=1)[:, : mixture.shape[1] - first]
    mixture[:, first : first + heard.shape[1]] += heard


def add_moving(
    mixture: NDArray[np.float64], sound: Singles, responses: list[NDArray[np.float64]], first: int, thinning: int
) -> None:
    """Overlap-add: every 0.1 s a grain of 0.2 s under a Hann window, with its own response."""
    hop = round(PEER_HOP * RATE)
    window = hann(2 * hop, sym=False)
    padded = np.pad(sound, hop)
    for k, start in enumerate(range(0, len(padded) - 2 * hop + 1, hop)):
        grain = padded[start : start + 2 * hop] * window
        response = responses[min(k // thinning, len(responses) - 1)]
        heard = fftconvolve(grain[None], response, axes=1)
        low = first + start - hop
        heard = heard[:, max(-low, 0) : mixture.shape[1] - low]
        mixture[:, max(low, 0) : max(low, 0) + heard.shape[1]] += heard


def pair(case: Case, theirs: NDArray[np.float64]) -> Pair:
    """The peer's response and ours to one case, both as long as the reverberation time."""
    acoustics = ShoeboxAcoustics.from_room(case.room(), RATE)
    engine = ShoeboxEngine(OpenArrayReceiver(TETRAHEDRON), RATE)
    length = min(theirs.shape[1], round(case.t60 * RATE))
    ours = engine.responses(case.paths(acoustics), length=length)[0]
    return Pair(case, ours.astype(float), theirs[:, :length])
