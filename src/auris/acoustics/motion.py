"""Moving sources and moving listeners.

What is heard of a source in motion has three layers.

* The *direct sound* runs through a delay line whose delay is the true travel time, so that pitch and phase are those of the
  moving source (Doppler shift); cross-fading two direct sounds would comb instead.
* The *reflections* are cross-faded between keyframes of the room's early response. A moving source windows what goes in
  (sound keeps the room of the moment it was made), a moving or turning listener windows what comes out. When both move, the
  windows stand on the output, and each keyframe puts the source where it was when the direct sound of that moment left it.
* The *late tail* is noise: it stays while nothing moves and is drawn anew, cross-faded at constant power, with every half
  metre that source and listener travel. Turning draws nothing anew. Where a room sounds on longer along one of its axes, an
  ambisonic tail therefore keeps that axis where the head had it at the moment of the draw; an isotropic field sounds alike
  to every head, and so do the tails of arrays and ears.

Geometry is that of emission: a sound heard at ``t`` shows the source where it was at ``t - d/c``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.acoustics.air import speed_of_sound
from auris.acoustics.bands import amplitude_partition, octave_centres
from auris.acoustics.free_field import Arrivals, FreeFieldEngine, OpenPaths, arrivals, normalised, radiation
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import DirectionalReceiver, Receiver
from auris.acoustics.response_engine import LayeredEngine, ResponseEngine
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.dsp.convolution import convolve_crossfaded, convolve_sum
from auris.dsp.delay_line import PREFILTER_REACH, read_delayed
from auris.geometry import angle_between
from auris.scene import Listener, Source
from auris.seeding import derive

Float32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Motion = Literal["doppler", "crossfade"]

KEYFRAME_HOP = 0.05  # seconds between keyframes of the reflections
FILTER_TURN = 0.01  # radians that a source may turn between two head-related filters of its direct sound …
FILTER_HOP = (0.005, 0.05)  # … but at least and at most these seconds
CONTROL_SPACING = 0.0025  # seconds between control points of the delay line
REDRAW_DISTANCE = 0.5  # metres travelled between two draws of the late tail
MOST_REDRAWS = 20.0  # per second
AT_REST = 1e-3  # metres per second
MOST_ROUNDS = 40  # of the fixed point for emission times; walking speeds need four
COLOUR_REACH = 0.005  # seconds on either side of the filter for directivity and air
TAILS_AT_ONCE = 16
TRAVEL_STEP = 0.01  # seconds between points of the measured way


@dataclass(frozen=True)
class SoundInMotion:
    """One source and one listener through time.

    Attributes:
        source: what sounds.
        listener: where it is heard.
        acoustics: the room, or None in a free field.
        seed: the scene's seed.
        index: number of the source in the scene; with the seed it names the stream of its late tail.
    """

    source: Source
    listener: Listener
    acoustics: ShoeboxAcoustics | None
    seed: int
    index: int

    @property
    def moves(self) -> bool:
        """Whether anything changes through time."""
        return self.source.path.moves or self.listener.moves

    @property
    def speed_of_sound(self) -> float:
        """Metres per second."""
        return self.acoustics.speed_of_sound if self.acoustics is not None else speed_of_sound()

    def emission_times(self, heard: ArrayLike) -> Floats:
        """Return when the direct sound heard at times ``(K,)`` left the source (seconds)."""
        arrival = np.asarray(heard, dtype=float)
        ears = self.listener.path.at(arrival)
        emitted = arrival
        for _ in range(MOST_ROUNDS):  # each shrinks the error by the ratio of the speeds: 170 at 2 m/s
            before = emitted
            emitted = arrival - np.linalg.norm(self.source.path.at(emitted) - ears, axis=-1) / self.speed_of_sound
            if np.max(np.abs(emitted - before), initial=0) < 1e-8:
                break
        return np.asarray(emitted)

    def facings(self, emitted: ArrayLike) -> Floats:
        """Return the unit vectors ``(K, 3)`` the source faces: its point, else along its motion, else the listener."""
        times = np.asarray(emitted, dtype=float)
        if self.source.directivity == "omni":  # it makes no difference
            return np.broadcast_to([1.0, 0.0, 0.0], (times.size, 3))
        position = self.source.path.at(times)
        if self.source.facing is not None:
            return normalised(np.asarray(self.source.facing) - position)
        facing = self.listener.path.at(times) - position
        if self.source.path.moves:
            step = 0.01
            velocity = (self.source.path.at(times + step) - self.source.path.at(times - step)) / (2 * step)
            facing = np.where(np.linalg.norm(velocity, axis=-1, keepdims=True) > AT_REST, velocity, facing)
        return normalised(facing)

    def paths(self, *, emitted: ArrayLike, heard: ArrayLike, draws: ArrayLike = 0) -> SoundPaths:
        """Return one path per pair of times ``(K,)``.

        Args:
            emitted: seconds at which the source is looked at.
            heard: seconds at which the listener is looked at.
            draws: which draw of the late tail each path has.
        """
        left, arrived = np.atleast_1d(np.asarray(emitted, dtype=float)), np.atleast_1d(np.asarray(heard, dtype=float))
        names, named = np.unique(np.broadcast_to(np.asarray(draws, dtype=int), left.shape), return_inverse=True)
        keys = np.array([derive(self.seed, "late", self.index, int(n)) for n in names], dtype=np.uint64)[named]
        kind, rooms = (OpenPaths, ()) if self.acoustics is None else (SoundPaths, (self.acoustics,))
        return kind(
            rooms=rooms,
            room_index=np.zeros(left.size, dtype=np.int64),
            sources=self.source.path.at(left),
            listeners=self.listener.path.at(arrived),
            rotations=self.listener.turning.at(arrived).as_matrix(),
            keys=keys,
            directivity=(self.source.directivity,) * left.size,
            facings=self.facings(left),
        )


def joined(parts: Sequence[SoundPaths]) -> SoundPaths:
    """Return the paths of several sources in one room (or all without one) as one batch."""
    return replace(
        parts[0],
        room_index=np.concatenate([p.room_index for p in parts]),
        sources=np.concatenate([p.sources for p in parts]),
        listeners=np.concatenate([p.listeners for p in parts]),
        rotations=np.concatenate([p.rotations for p in parts]),
        keys=np.concatenate([p.keys for p in parts]),
        directivity=tuple(pattern for p in parts for pattern in p.directivity),
        facings=np.concatenate([p.facings for p in parts]),
    )


@dataclass(frozen=True)
class Stretch:
    """The part of a scene that is rendered: from sample ``start``, ``length`` samples at ``sample_rate``."""

    start: int
    length: int
    sample_rate: int

    def times(self, samples: ArrayLike) -> Floats:
        """Return the scene's time in seconds at ``samples`` counted from the start."""
        return np.asarray((self.start + np.asarray(samples, dtype=float)) / self.sample_rate)


def render_moving(
    dry: Float32,
    motion: SoundInMotion,
    engine: ResponseEngine,
    stretch: Stretch,
    *,
    mode: Motion = "doppler",
    hop: float = KEYFRAME_HOP,
) -> Float32:
    """Return what a receiver hears of a mono signal whose source moves, or that is heard while moving.

    Args:
        dry: ``(N,)``, the signal at 1 m from the beginning of ``stretch``.
        motion: source and listener through time.
        engine: acoustics; one that gives whole responses only is cross-faded whatever the mode.
        stretch: which part of the scene ``dry`` begins, and how much to return.
        mode: ``"doppler"``, or ``"crossfade"`` of complete early responses without pitch shift.
        hop: seconds between keyframes of reflections.

    Returns:
        float32 ``(C, L)``, at most ``stretch.length`` samples: nothing is heard after them.
    """
    direct: list[Float32] = []
    if mode == "doppler" and isinstance(engine, FreeFieldEngine | LayeredEngine):
        direct = [direct_sound(dry, motion, engine.receiver, _heard(dry, motion, engine.receiver, stretch))]
    if mode == "doppler" and isinstance(engine, FreeFieldEngine):
        return direct[0]
    if not isinstance(engine, LayeredEngine):
        return _keyframed(dry, motion, engine.responses, stretch, hop=hop)
    reflected = _keyframed(dry, motion, engine.reflections if mode == "doppler" else engine.early, stretch, hop=hop)
    tail = _tail(dry, motion, engine, stretch)
    return _together([reflected, *direct, *tail])


def _heard(dry: Float32, motion: SoundInMotion, receiver: Receiver, stretch: Stretch) -> Stretch:
    """The beginning of a stretch, as long as direct sound of ``dry`` is on its way to the listener."""
    times = stretch.times(np.arange(0, stretch.length + 1, round(KEYFRAME_HOP * stretch.sample_rate)))
    apart = np.linalg.norm(motion.source.path.at(times) - motion.listener.path.at(times), axis=-1)
    taps = receiver.responses.taps if isinstance(receiver, DirectionalReceiver) else 0
    travel = (np.max(apart) / motion.speed_of_sound + KEYFRAME_HOP + COLOUR_REACH) * stretch.sample_rate
    return replace(stretch, length=min(stretch.length, dry.size + int(travel) + PREFILTER_REACH + taps))


def _together(parts: Sequence[Float32]) -> Float32:
    """Add parts that begin together and have different lengths."""
    out = np.zeros((parts[0].shape[0], max(part.shape[1] for part in parts)), np.float32)
    for part in parts:
        out[:, : part.shape[1]] += part
    return out


# ── direct sound ─────────────────────────────────────────────────────────────────────────────────────────────────────


def direct_sound(dry: Float32, motion: SoundInMotion, receiver: Receiver, stretch: Stretch) -> Float32:
    """Return the direct sound alone, ``(C, stretch.length)``, through delay lines."""
    rate = stretch.sample_rate
    signal = _coloured(dry, motion, stretch)
    spacing = max(8, round(CONTROL_SPACING * rate))
    latency = receiver.responses.latency if isinstance(receiver, DirectionalReceiver) else 0.0
    lead = int(np.ceil(latency))
    heard = stretch.times(np.arange(0, stretch.length + lead + spacing, spacing) - lead)
    direct = _arrivals_at(motion, receiver, heard)
    delays = direct.distances * (rate / motion.speed_of_sound)
    if not isinstance(receiver, DirectionalReceiver):
        return read_delayed(signal, delays, direct.gains, spacing=spacing, length=stretch.length)
    # The filters come ``latency`` late and the result is cut ``lead`` samples early: the difference is delay to be added.
    delays = delays + (lead - latency)
    arrived = read_delayed(signal, delays, direct.gains, spacing=spacing, length=stretch.length + lead)[0]
    hop = max(16, round(_filter_hop(direct.directions, spacing / rate) * rate))

    def filters(indices: NDArray[np.intp]) -> Float32:
        towards = _arrivals_at(motion, receiver, stretch.times(indices * hop - lead)).directions
        return receiver.responses.interpolated(towards)

    heard_by_ears = convolve_crossfaded(
        arrived, filters, hop=hop, fade="output", taps=receiver.responses.taps, length=stretch.length + lead
    )
    return heard_by_ears[:, lead:]


def _filter_hop(directions: Floats, spacing: float) -> float:
    """Return the seconds between filters in which a direction, known every ``spacing`` seconds, turns little."""
    fastest = float(np.max(angle_between(directions[:-1], directions[1:]), initial=0)) / spacing
    return float(np.clip(FILTER_TURN / max(fastest, 1e-9), *FILTER_HOP))


def _arrivals_at(motion: SoundInMotion, receiver: Receiver, heard: Floats) -> Arrivals:
    sources = motion.source.path.at(motion.emission_times(heard))
    turning = motion.listener.turning
    turns = turning.at(heard if turning.moves else 0.0).as_matrix()
    return arrivals(receiver, sources, motion.listener.path.at(heard), np.broadcast_to(turns, (heard.size, 3, 3)))


def _coloured(dry: Float32, motion: SoundInMotion, stretch: Stretch) -> Float32:
    """Return the signal with what its directivity and the air take from the direct sound, as it leaves the source."""
    air = np.zeros(1) if motion.acoustics is None else motion.acoustics.air
    if motion.source.directivity == "omni" and not np.any(air > 0):
        return dry
    rate, hop = stretch.sample_rate, round(KEYFRAME_HOP * stretch.sample_rate)
    centres = octave_centres(rate)
    half = round(COLOUR_REACH * rate)
    weights = amplitude_partition(np.fft.rfftfreq(4 * half, 1 / rate), centres)
    window = np.hanning(2 * half + 3)[1:-1]

    def filters(indices: NDArray[np.intp]) -> Float32:
        emitted = stretch.times(indices * hop)
        offset = motion.listener.path.at(emitted) - motion.source.path.at(emitted)
        distance = np.linalg.norm(offset, axis=-1)
        gains = radiation(motion.source.directivity, motion.facings(emitted), normalised(offset), centres.size)
        gains = gains * np.exp(-0.5 * air[:, None] * distance)
        impulses = np.roll(np.fft.irfft(gains.T @ weights, axis=-1), half, axis=-1)[:, : 2 * half + 1]
        return (impulses * window)[:, None, :].astype(np.float32)

    shaped = convolve_crossfaded(dry, filters, hop=hop, fade="input", taps=2 * half + 1)
    return shaped[0, half:]


# ── the room ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _keyframed(
    dry: Float32, motion: SoundInMotion, respond: Callable[[SoundPaths], Float32], stretch: Stretch, *, hop: float
) -> Float32:
    """Cross-fade the room's responses between keyframes."""
    step = max(1, round(hop * stretch.sample_rate))

    def keyframes(indices: NDArray[np.intp]) -> Float32:
        times = stretch.times(indices * step)
        emitted = motion.emission_times(times) if motion.listener.moves else times
        return respond(motion.paths(emitted=emitted, heard=times))

    # The early part is longest where the direct sound is latest.
    looked_at = stretch.length if motion.listener.moves else min(dry.size, stretch.length)
    indices = np.arange(-(-looked_at // step) + 1)
    apart = motion.source.path.at(stretch.times(indices * step)) - motion.listener.path.at(stretch.times(indices * step))
    farthest = int(np.argmax(np.linalg.norm(apart, axis=-1)))
    taps = keyframes(np.array([farthest])).shape[2]
    return convolve_crossfaded(
        dry,
        lambda indices: _fitted(keyframes(indices), taps),
        hop=step,
        fade="output" if motion.listener.moves else "input",
        taps=taps,
        length=min(stretch.length, dry.size + taps - 1),
    )


def _fitted(responses: Float32, taps: int) -> Float32:
    """Cut or pad responses to ``taps`` samples."""
    if responses.shape[2] >= taps:
        return responses[:, :, :taps]
    return np.pad(responses, ((0, 0), (0, 0), (0, taps - responses.shape[2])))


def _tail(dry: Float32, motion: SoundInMotion, engine: LayeredEngine, stretch: Stretch) -> list[Float32]:
    """Return the late tail, drawn anew with every :data:`REDRAW_DISTANCE` travelled; nothing without a room."""
    if motion.acoustics is None:
        return []
    length = min(late_length(motion.acoustics, stretch.sample_rate), stretch.length)
    out = np.zeros((engine.channels, min(stretch.length, dry.size + length - 1)), np.float32)
    step = max(1, round(TRAVEL_STEP * stretch.sample_rate))
    moments, travelled = _travelled(motion, stretch, step=step, samples=dry.size)
    begun = travelled[min(stretch.start // step, travelled.size - 1)]
    draws = np.arange(round(float(begun)), round(float(travelled[-1])) + 2)
    for first in range(0, draws.size, TAILS_AT_ONCE):
        numbers = draws[first : first + TAILS_AT_ONCE]
        times = moments[np.minimum(np.searchsorted(travelled, numbers), moments.size - 1)]
        grains = [_tail_weights(np.abs(travelled - number), step, stretch.start, dry.size) for number in numbers]
        low = min(begin for begin, _ in grains)
        high = max(begin + weights.size for begin, weights in grains)
        parts = np.zeros((numbers.size, max(high - low, 0)), np.float32)
        for part, (begin, weights) in zip(parts, grains, strict=True):
            part[begin - low : begin - low + weights.size] = dry[begin : begin + weights.size] * weights
        if parts.any():
            tails = engine.late(motion.paths(emitted=times, heard=times, draws=numbers), length=length)
            count = min(parts.shape[1] + length - 1, out.shape[1] - low)
            out[:, low : low + count] += convolve_sum(parts, tails, length=count)
    return [out]


def _tail_weights(way: Floats, step: int, start: int, samples: int) -> tuple[int, Float32]:
    """Return where in the dry signal a draw of the tail begins to count, and its weights ``(N,)`` from there on.

    Over the last half of the way from one draw to the next, weights are the cosine and sine of an angle: their squares add
    to one, and so do the powers of the two independent noises.

    Args:
        way: redraw distances ``(K,)`` between the draw and each moment, one moment every ``step`` samples.
        step: samples.
        start: sample of the scene at which the dry signal begins.
        samples: length of the dry signal.
    """
    coarse = np.cos(0.5 * np.pi * np.clip(2 * way - 0.5, 0, 1)).astype(np.float32)
    coarse[way >= 0.75] = 0
    counts = np.flatnonzero(coarse)
    if counts.size == 0:
        return 0, np.zeros(0, np.float32)
    first, last = max(int(counts[0]) - 1, 0), min(int(counts[-1]) + 1, coarse.size - 1)
    part = coarse[first : last + 1]
    ramp = (np.arange(step) / step).astype(np.float32)
    weights = np.append((part[:-1, None] + np.diff(part)[:, None] * ramp).ravel(), part[-1:])
    begin = first * step - start
    low, high = max(begin, 0), min(begin + weights.size, samples)
    return low, weights[low - begin : max(high - begin, low - begin)]


def late_length(acoustics: ShoeboxAcoustics, sample_rate: int) -> int:
    """Return the samples of a whole response: the longest reverberation time of any band."""
    return int(np.ceil(acoustics.longest_t60 * sample_rate))


def _travelled(motion: SoundInMotion, stretch: Stretch, *, step: int, samples: int) -> tuple[Floats, Floats]:
    """Return moments every ``step`` samples of the scene, and how far source and listener went by then (redraw distances)."""
    moments: Floats = np.arange(-(-(stretch.start + samples) // step) + 1, dtype=np.float64) * (step / stretch.sample_rate)
    ways = [np.linalg.norm(np.diff(path.at(moments), axis=0), axis=1) for path in (motion.source.path, motion.listener.path)]
    most = MOST_REDRAWS * step / stretch.sample_rate
    travelled = np.cumsum(np.minimum((ways[0] + ways[1]) / REDRAW_DISTANCE, most))
    return moments, np.concatenate([[0.0], travelled])
