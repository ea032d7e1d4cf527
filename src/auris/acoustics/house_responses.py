"""Room responses between all places of a house, for a head that looks along each of the four headings.

Within a room the early part is that of the exact image sources (:class:`~auris.acoustics.engine.ShoeboxEngine`); between
rooms it is made of the single arrivals of :mod:`~auris.acoustics.floorplan_arrivals`. The late tail is noise of a diffuse
field under the decay of the coupled rooms (:mod:`~auris.acoustics.coupled_rooms`), as loud as their energies are.

One head with eight ears stands for the four headings: two ears for each, all heard at once. So a response is computed once
per pair of places, and what the ears of different headings have in common, in the tail as well, is as it would be.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from auris.acoustics.bands import amplitude_partition
from auris.acoustics.coupled_rooms import CoupledRooms
from auris.acoustics.delay_kernel import LEAD, compensation, half_polynomials
from auris.acoustics.direction_table import direction_table
from auris.acoustics.engine import EngineSettings, ShoeboxEngine
from auris.acoustics.floorplan import FloorPlan
from auris.acoustics.floorplan_arrivals import room_arrivals
from auris.acoustics.floorplan_paths import Geodesics, geodesics
from auris.acoustics.horizon import hybrid_horizons
from auris.acoustics.house_kernels import Tails, add_tails, scatter_arrivals
from auris.acoustics.noise_pool import noise_pool
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import DirectionalReceiver
from auris.dsp.convolution import fast_length
from auris.dsp.hrtf import DirectionalResponses, structural_head
from auris.errors import LayoutError, ParameterError
from auris.geometry.navigation import HEADINGS, NavigationGraph, OnGraph, yaw_of
from auris.seeding import derive

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]

EARS = 2
OWN_PLACE = 0.5  # metres below the ears, where a source on the listener's own place stands
_SPACING = 64  # samples between the nodes of the tail's envelope
_FADE = 0.02  # seconds over which the tail of another room sets in
_RINGING = 0.0055  # seconds that the octave filters spread an arrival to either side
_AT_ONCE = 32  # pairs whose band signals are in memory together
_CACHE_BYTES = 1 << 27


class HouseEngine:
    """Responses between the places of a house.

    Args:
        plan: the house; places are the nodes of its :attr:`~auris.acoustics.floorplan.FloorPlan.graph`.
        sample_rate: 8000 to 96000 hertz.
        head: whose ears; None takes the built-in head.
        images: about how many image sources come before the tail.
        seed: of the tails.

    Amplitudes are 1/distance (1 at 1 m) and sample 0 is the emission, as everywhere in auris. Sources and ears are
    :data:`~auris.acoustics.floorplan.EAR_HEIGHT` high; a source on the listener's own place is :data:`OWN_PLACE` lower.
    Furniture is not heard. The same house, seed and pair give the same samples in any batch.
    """

    def __init__(
        self,
        plan: FloorPlan,
        sample_rate: int = 16_000,
        *,
        head: DirectionalResponses | None = None,
        images: int = 300,
        seed: int = 0,
    ) -> None:
        self.plan = plan
        self.sample_rate = int(sample_rate)
        self.seed = seed
        self._receiver = four_headings(head or _built_in_head(self.sample_rate), self.sample_rate)
        self._settings = EngineSettings(images=images)
        self._rooms_engine = ShoeboxEngine(self._receiver, self.sample_rate, settings=self._settings)
        self._room = plan.room_of(self.graph.positions)

    @property
    def graph(self) -> NavigationGraph:
        """Places and steps."""
        return self.plan.graph

    @cached_property
    def paths(self) -> Geodesics:
        """Shortest paths of sound between the places."""
        return geodesics(self.plan, self.graph.positions)

    @cached_property
    def rooms(self) -> CoupledRooms:
        """The acoustics of the rooms."""
        return CoupledRooms.of(self.plan, self.sample_rate)

    @cached_property
    def length(self) -> int:
        """Samples of a response: the longest T60 in the house, and time for the farthest sound to arrive."""
        return math.ceil((float(self.rooms.t60.max()) + self._travel / self._speed) * self.sample_rate)

    def responses(self, sources: ArrayLike, receivers: ArrayLike) -> Singles:
        """Return responses ``(P, 4, 2, length)`` for pairs of nodes: heading, then left and right ear.

        Args:
            sources: nodes ``(P,)``, or one for all.
            receivers: nodes ``(P,)``, or one for all.

        Raises:
            ParameterError: there is no such node.
        """
        whole = np.broadcast_arrays(np.atleast_1d(sources), np.atleast_1d(receivers))
        first, second = (np.asarray(nodes, dtype=np.int64).ravel() for nodes in whole)
        for nodes in (first, second):
            if nodes.size and not 0 <= nodes.min() <= nodes.max() < len(self.graph):
                raise ParameterError(f"nodes of this house are numbered 0 to {len(self.graph) - 1}, got {nodes.tolist()[:8]}")
        out = np.zeros((len(first), HEADINGS * EARS, self.length), dtype=np.float32)
        for start in range(0, len(first), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            self._render(first[part], second[part], out[part])
        return out.reshape(len(first), HEADINGS, EARS, self.length)

    @cached_property
    def _travel(self) -> float:
        """Metres of the longest path between two places."""
        return float(self.paths.length[np.isfinite(self.paths.length)].max(initial=0.0))

    @property
    def _speed(self) -> float:
        return self.rooms.rooms[0].speed_of_sound

    def _render(self, sources: Whole, receivers: Whole, out: Singles) -> None:
        together = self._room[sources] == self._room[receivers]
        start = self.paths.length[sources, receivers] / self._speed
        end = start + _FADE
        for room in np.unique(self._room[sources[together]]).tolist():
            chosen = np.flatnonzero(together & (self._room[sources] == room))
            paths = self._paths_in(room, sources[chosen], receivers[chosen])
            horizons = hybrid_horizons(paths, self._settings.images)
            start[chosen], end[chosen] = horizons.start, horizons.end
            early = self._rooms_engine.early(paths)[:, :, : self.length]
            out[chosen, :, : early.shape[2]] += early
        apart = np.flatnonzero(~together)
        if len(apart):
            out[apart] += self._between_rooms(sources[apart], receivers[apart])
        reached = np.flatnonzero(np.isfinite(start))
        tails = self._tails(sources[reached], receivers[reached], start[reached], end[reached])
        heard = out[reached]
        add_tails(tails, noise_pool(self._receiver, self.sample_rate), heard)
        out[reached] = heard

    def _paths_in(self, room: int, sources: Whole, receivers: Whole) -> SoundPaths:
        corner = np.array([*self.plan.rooms[room].low, 0.0])
        where = self.graph.positions[sources] - corner
        where[sources == receivers, 2] -= OWN_PLACE
        return SoundPaths.in_room(self.rooms.rooms[room], where, self.graph.positions[receivers] - corner)

    def _between_rooms(self, sources: Whole, receivers: Whole) -> Singles:
        """The single arrivals of pairs in different rooms, ``(P, 8, length)``."""
        arrivals = room_arrivals(self.plan, self.rooms.rooms, self.paths, sources, receivers)
        table, latency = direction_table(self._receiver.responses), self._receiver.responses.latency
        lead = math.ceil(latency)
        ringing = math.ceil(_RINGING * self.sample_rate)
        delays = arrivals.distance * (self.sample_rate / self._speed) + (lead - latency)
        # As long as any pair of the house may need, so that a pair's samples do not depend on its batch.
        farthest = self._travel + 2 * (math.hypot(*self.plan.size) + self.plan.height)
        latest = math.ceil(farthest / self._speed * self.sample_rate)
        size = fast_length(latest + table.filters.shape[2] + lead + 16 + 2 * ringing)
        bands = arrivals.gain.shape[2]
        rows = np.zeros((len(sources), HEADINGS * EARS * bands, size), dtype=np.float32)
        scatter_arrivals(delays, arrivals.gain.astype(np.float32), arrivals.direction, half_polynomials(), table, rows)
        spectra = fft.rfft(rows.reshape(len(sources), HEADINGS * EARS, bands, size))
        joined = np.einsum("pcbf,bf->pcf", spectra, _band_weights(self.sample_rate, size, tuple(self.rooms.rooms[0].centres)))
        whole = fft.irfft(joined, n=size)[:, :, lead + LEAD : size - ringing]
        out = np.zeros((len(sources), HEADINGS * EARS, self.length), dtype=np.float32)
        count = min(self.length, whole.shape[2])
        out[:, :, :count] = whole[:, :, :count]
        return out

    def _tails(self, sources: Whole, receivers: Whole, start: Floats, end: Floats) -> Tails:
        base = derive(self.seed, "house tail")
        numbers = (sources * len(self.graph) + receivers).astype(np.uint64)
        return Tails(
            keys=np.uint64(base) + numbers,
            start=np.minimum(np.rint(start * self.sample_rate).astype(np.int64), self.length),
            end=np.rint(end * self.sample_rate).astype(np.int64) + 1,
            envelope=self._room[sources] * len(self.plan.rooms) + self._room[receivers],
            amplitudes=self._amplitudes,
            spacing=_SPACING,
        )

    @cached_property
    def _amplitudes(self) -> Singles:
        """Amplitude of the tail ``(R R, B, nodes)``, one row for each pair of rooms."""
        times = np.arange(self.length // _SPACING + 2) * (_SPACING / self.sample_rate)
        energy = self.rooms.energy(times) / self.sample_rate
        return np.sqrt(energy).reshape(-1, *energy.shape[2:]).astype(np.float32)


class House(OnGraph):
    """A house to move in: what an environment asks of a world, made when it is asked for.

    Args:
        engine: its acoustics.
        name: what it is called.
        cache_bytes: memory for responses that were made.
    """

    def __init__(self, engine: HouseEngine, *, name: str = "house", cache_bytes: int = _CACHE_BYTES) -> None:
        self.engine = engine
        self.name = name
        self._cache_bytes = cache_bytes
        self._kept: OrderedDict[tuple[int, int], Singles] = OrderedDict()

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self.engine.sample_rate

    @property
    def graph(self) -> NavigationGraph:
        """Places and steps."""
        return self.engine.graph

    def rir(self, source: int, receiver: int, heading: int) -> Singles:
        """Return the response ``(2, L)`` from a node to the ears of a head on another, looking along a heading."""
        yaw_of(heading)
        pair = (int(source), int(receiver))
        if pair not in self._kept:
            self._kept[pair] = self.engine.responses(*pair)[0]
            room = max(1, self._cache_bytes // self._kept[pair].nbytes)
            while len(self._kept) > room:
                self._kept.popitem(last=False)
        self._kept.move_to_end(pair)
        return np.asarray(self._kept[pair][heading])


@lru_cache(maxsize=4)
def _built_in_head(sample_rate: int) -> DirectionalResponses:
    """The built-in head, kept, so that its tables are made once."""
    return structural_head(sample_rate)


@lru_cache(maxsize=4)
def four_headings(head: DirectionalResponses, sample_rate: int) -> DirectionalReceiver:
    """Return a receiver with eight ears: left and right of ``head`` looking along each heading in turn.

    Raises:
        LayoutError: the head has not two ears.
    """
    if head.channels != EARS:
        raise LayoutError(f"a head has two ears; {head.name!r} has {head.channels} channels")
    fitted = head if head.sample_rate == sample_rate else head.resampled(sample_rate)
    turned = []
    for heading in range(HEADINGS):
        cosine, sine = round(math.cos(yaw_of(heading))), round(math.sin(yaw_of(heading)))
        to_head = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        turned.append(fitted.interpolated(fitted.directions @ to_head.T))
    filters = np.concatenate(turned, axis=1)
    name = f"{head.name}, four headings"
    return DirectionalReceiver(DirectionalResponses(fitted.directions, filters, sample_rate, fitted.latency, name))


@lru_cache(maxsize=32)
def _band_weights(sample_rate: int, size: int, centres: tuple[float, ...]) -> Singles:
    """What joins the band signals ``(B, F)`` and undoes the delay kernel."""
    weights = amplitude_partition(np.fft.rfftfreq(size, 1.0 / sample_rate), centres) * compensation(size)
    return np.asarray(weights, dtype=np.float32)
