"""A bank of simulated room responses, in the layout that Spatial-AST, DSpAST and BAT are trained from.

Rectangular rooms, listeners and sources at random places, a population of heads: structural models, and measured heads also
in other sizes, since ears of another size have the same cues at other frequencies (Middlebrooks, JASA 106, 1480, 1999).
Rooms and structural heads follow from the seed and the split, so those of ``eval`` are never met in ``train``.
"""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.paths import SoundPaths
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.data.reverb_listeners import LAYOUTS, BankListener, BankPopulation, Layout
from auris.errors import ParameterError, SceneError, unknown_name
from auris.geometry import unit_vector
from auris.geometry.frames import FRAMES
from auris.io.mp3d_reverb import Kind, Point, ReverbBank, ReverbPlace, ReverbScene, read_reverb_bank, write_reverb_bank
from auris.scene import Room

Range = tuple[float, float]
_LOG = logging.getLogger("auris.data")
LEAD = 1e-3  # seconds before a wave reaches the head's centre that are kept; the near ear hears it up to 0.3 ms earlier
_Place = tuple[list[float], list[float]]
_KINDS: dict[Layout, Kind] = {"binaural": "binaural", "mono": "mono", "foa": "ambisonics"}
_ROOM_TRIES, _PLACE_TRIES = 50, 5_000


@dataclass(frozen=True)
class RoomSettings:
    """Rooms, places and heads. Ranges are (low, high), drawn uniformly; metres and seconds.

    Attributes:
        places_per_room: pairs of listener and source in each room.
        places_per_listener: so many places in a row have the same listener, so that he can hear several sources at once.
        seconds: longest response; each lasts as long as its room rings.
        length: of rooms, along the listener's view.
        width: of rooms.
        height: of rooms.
        t60: reverberation time.
        scattering: of the walls, 0 to 1.
        listener_height: of the ears.
        source_height: of sources.
        distance: between listener and source; drawn, then kept if the room has such a place.
        margin: least distance from every wall.
        heads: how many structural heads; with the measured ones they take turns by room.
        head_radius: of the structural heads.
        hrtf: SOFA files of measured heads; ``built-in`` is the one with which scenes are rendered if no other is asked for.
        hrtf_scales: each measured head listens in these sizes (:meth:`DirectionalResponses.scaled`).
    """

    places_per_room: int = 12
    places_per_listener: int = 1
    seconds: float = 2.0
    length: Range = (3.0, 12.0)
    width: Range = (3.0, 10.0)
    height: Range = (2.4, 4.0)
    t60: Range = (0.2, 0.9)
    scattering: Range = (0.2, 0.8)
    listener_height: Range = (1.1, 1.8)
    source_height: Range = (0.2, 2.2)
    distance: Range = (0.5, 8.0)
    margin: float = 0.2
    heads: int = 24
    head_radius: Range = (0.078, 0.096)
    hrtf: tuple[str, ...] = ()
    hrtf_scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        _check_counts(self, places_per_room=1, places_per_listener=1, heads=0)
        for name in _RANGES:
            value = getattr(self, name)
            if len(value) != 2 or not 0 <= value[0] <= value[1] < math.inf:
                raise ParameterError(f"{name} is a range (low, high) of numbers from 0 up, got {value!r}")
        if not self.hrtf_scales or not all(0.5 <= scale <= 2 for scale in self.hrtf_scales):
            raise ParameterError(f"hrtf_scales are sizes of 0.5 to 2, got {self.hrtf_scales!r}")
        if not 0 < self.seconds <= 30 or self.distance[0] <= 0 or self.margin < 0:
            raise ParameterError(
                "seconds must be in (0, 30], distance above 0 and margin at least 0; "
                f"got {self.seconds!r}, {self.distance!r}, {self.margin!r}"
            )

    def bank(self, layout: Layout, *, sample_rate: int = 32_000, rooms: int = 1, seed: int = 0) -> ReverbBankSettings:
        """Return the settings of a bank of such rooms.

        Raises:
            ParameterError: nobody listens, or a number is none of a bank.
        """
        named = {entry.name: getattr(self, entry.name) for entry in fields(RoomSettings)}
        return ReverbBankSettings(rooms=rooms, seed=seed, layout=layout, sample_rate=sample_rate, **named)


@dataclass(frozen=True)
class ReverbBankSettings(RoomSettings):
    """A bank: how many rooms such as :class:`RoomSettings`, and what listens in them.

    Attributes:
        rooms: how many.
        sample_rate: hertz.
        layout: what listens.
        seed: of rooms, places and structural heads.
    """

    rooms: int = 400
    sample_rate: int = 32_000
    layout: Layout = "binaural"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layout not in LAYOUTS:
            raise ParameterError(unknown_name("layout of a reverberation bank", self.layout, LAYOUTS))
        _check_counts(self, rooms=1, sample_rate=8000)
        if self.layout == "binaural" and not (self.heads or self.hrtf):
            raise ParameterError("a binaural bank needs heads: give heads=24 structural ones, or SOFA files in hrtf")

    @property
    def kind(self) -> Kind:
        """Name of the folder of responses."""
        return _KINDS[self.layout]

    def population(self) -> BankPopulation:
        """Return the listeners that take turns by room."""
        measured = tuple((file, scale) for file in self.hrtf for scale in self.hrtf_scales)
        return BankPopulation(self.layout, self.sample_rate, self.heads, self.head_radius, measured, self.seed)

    def digest(self) -> str:
        """Return a short name for all that decides on a room's responses: neither how many rooms, nor where SOFA files lie."""
        files = tuple(Path(file).name for file in self.hrtf)
        return blake2b(repr(replace(self, rooms=1, hrtf=files)).encode(), digest_size=6).hexdigest()


_RANGES = ("length", "width", "height", "t60", "scattering", "listener_height", "source_height", "distance", "head_radius")


def _check_counts(settings: RoomSettings, **least: int) -> None:
    for name, low in least.items():
        if getattr(settings, name) < low:
            raise ParameterError(f"{name} must be at least {low}, got {getattr(settings, name)!r}")


@dataclass(frozen=True)
class ReverbBankReport:
    """What a bank holds.

    Attributes:
        path: its list.
        rooms: number of rooms.
        responses: number of responses.
        rendered: responses that were not on disk yet.
    """

    path: Path
    rooms: int
    responses: int
    rendered: int


@dataclass(frozen=True)
class ReverbBankPlan:
    """What a bank would hold.

    Attributes:
        rooms: number of rooms.
        responses: number of responses.
        rooms_on_disk: rooms that are there already.
        megabytes: about how large the whole bank is.
    """

    rooms: int
    responses: int
    rooms_on_disk: int
    megabytes: float


def planned_bank(settings: ReverbBankSettings, root: str | Path, split: str = "train") -> ReverbBankPlan:
    """Return what :func:`make_reverb_bank` would make."""
    folder = Path(root) / settings.kind
    present = sum((folder / scene_name(split, index)).is_dir() for index in range(settings.rooms))
    responses = settings.rooms * settings.places_per_room
    channels = {"binaural": 2, "mono": 1, "foa": 4}[settings.layout]
    seconds = min(sum(settings.t60) / 2, settings.seconds)
    return ReverbBankPlan(settings.rooms, responses, present, responses * channels * 4 * seconds * settings.sample_rate / 1e6)


def scene_name(split: str, index: int) -> str:
    """Return the name of a room's folder."""
    return f"{split}{index:05d}"


def make_reverb_bank(
    settings: ReverbBankSettings,
    root: str | Path,
    split: str = "train",
    report: Callable[[int, int], None] | None = None,
) -> ReverbBankReport:
    """Write a bank; one that was begun with the same settings is continued.

    Args:
        settings: see :class:`ReverbBankSettings`.
        root: folder of the bank.
        split: ``train`` or ``eval``; another split has other rooms and other structural heads.
        report: called with rooms done and rooms in all.

    Raises:
        FormatError: a SOFA file cannot be read, the bank cannot be written, or a room on disk has other settings.
        SceneError: no place or room fits the ranges.
    """
    population = settings.population()
    population.check()
    plan = planned_bank(settings, root, split)
    done: list[str] = []

    def scenes() -> Iterator[ReverbScene]:
        listeners = BankListeners(settings, split)
        for index in room_order(settings):
            yield bank_scene(settings, split, index, listeners)

    def progress(scene: ReverbScene) -> None:
        done.append(scene.name)
        if report is not None:
            report(len(done), settings.rooms)

    path = write_reverb_bank(root, split, scenes(), kind=settings.kind, progress=progress)
    new = settings.rooms - plan.rooms_on_disk
    return ReverbBankReport(path, plan.rooms, plan.responses, new * settings.places_per_room)


def simulated_rooms(settings: ReverbBankSettings, root: str | Path, split: str = "train") -> ReverbBank:
    """Return a bank to train with or to be scored with; what is missing of it is simulated first.

    Raises:
        FormatError: the rooms on disk were simulated with other settings, or files cannot be read or written.
    """
    missing = settings.rooms - planned_bank(settings, root, split).rooms_on_disk
    if missing:
        _LOG.warning("simulating %d rooms in %s, once for all trainings with them", missing, root)
    return read_reverb_bank(root, make_reverb_bank(settings, root, split).path.name, kind=settings.kind)


@dataclass(frozen=True, eq=False)
class BankRoom:
    """A room of a bank, with its places.

    Attributes:
        room: the room.
        listeners: positions ``(P, 3)`` in metres, in the frame of the room.
        sources: positions ``(P, 3)``.
    """

    room: Room
    listeners: NDArray[np.float64]
    sources: NDArray[np.float64]


def bank_room(settings: ReverbBankSettings, split: str, index: int) -> BankRoom:
    """Draw room ``index`` of a split and its places: a pure function of its arguments.

    Raises:
        SceneError: nothing within the ranges fits.
    """
    rng = seeding.generator(settings.seed, "reverb-bank", split, index)
    room = _draw_room(settings, rng)
    places: list[_Place] = []
    for number in range(settings.places_per_room):
        same = places[-1][0] if number % settings.places_per_listener else None
        places.append(_draw_place(settings, room, rng, listener=same))
    # As precise as the list that names them, so that responses and classes are of the same places.
    points = np.round(np.asarray(places), 4)
    return BankRoom(room, points[:, 0], points[:, 1])


def _draw_room(settings: ReverbBankSettings, rng: np.random.Generator) -> Room:
    for _ in range(_ROOM_TRIES):
        x, y, z = (round(float(rng.uniform(*getattr(settings, name))), 4) for name in ("length", "width", "height"))
        t60, scattering = float(rng.uniform(*settings.t60)), float(rng.uniform(*settings.scattering))
        room = Room((x, y, z), t60=round(t60, 4), scattering=round(scattering, 4))
        try:
            ShoeboxAcoustics.from_room(room, settings.sample_rate)
        except SceneError as error:
            reason = error
            continue
        return room
    raise SceneError(f"no room of the ranges length, width, height can have the range t60: {reason}")


def _draw_place(settings: ReverbBankSettings, room: Room, rng: np.random.Generator, *, listener: list[float] | None) -> _Place:
    """A listener, unless given, and a source: distance, azimuth and heights uniform, as far as the room has such places."""
    low, high = np.full(3, settings.margin), np.asarray(room.dimensions) - settings.margin
    for _ in range(_PLACE_TRIES):
        here = np.array([*rng.uniform(low[:2], high[:2]), rng.uniform(*settings.listener_height)])
        here = here if listener is None else np.array(listener)
        rise = rng.uniform(*settings.source_height) - here[2]
        distance, azimuth = rng.uniform(*settings.distance), rng.uniform(-math.pi, math.pi)
        if abs(rise) > distance:
            continue
        elevation = math.asin(rise / distance)
        source = here + distance * unit_vector(azimuth, elevation)
        if all(np.all((point >= low) & (point <= high)) for point in (here, source)):
            return here.tolist(), source.tolist()
    raise SceneError(
        f"no place for listener and source in a room of {list(room.dimensions)} metres after {_PLACE_TRIES} tries; "
        "widen the ranges of heights and distance, or lower the margin"
    )


def room_order(settings: ReverbBankSettings) -> tuple[int, ...]:
    """Return the rooms in the order in which they are best made: those of one head together, whose tables take seconds."""
    count = settings.population().count
    return tuple(index for number in range(count) for index in range(number, settings.rooms, count))


class BankListeners:
    """The listeners of a bank's rooms; those that listened last are kept with their engines."""

    def __init__(self, settings: ReverbBankSettings, split: str, *, kept: int = 1) -> None:
        """Say whose rooms, and how many listeners are kept."""
        self._population, self._split, self._kept = settings.population(), split, kept
        self._listeners: OrderedDict[int, BankListener] = OrderedDict()

    def __getitem__(self, room: int) -> BankListener:
        """Return who listens in a room."""
        number = room % self._population.count
        if number not in self._listeners:
            while len(self._listeners) >= self._kept:
                self._listeners.popitem(last=False)
            self._listeners[number] = BankListener(self._population, self._split, number)
        self._listeners.move_to_end(number)
        return self._listeners[number]


def bank_scene(settings: ReverbBankSettings, split: str, index: int, listeners: BankListeners) -> ReverbScene:
    """Return room ``index`` of a split as it is written; its responses are simulated when they are asked for.

    Raises:
        SceneError: nothing within the ranges fits.
    """
    placed = bank_room(settings, split, index)
    listener = listeners[index]

    def render() -> Sequence[NDArray[np.float32]]:
        return room_responses(settings, split, index, placed, listener.engine)

    sensors, sources = (FRAMES["habitat"].from_internal(points) for points in (placed.listeners, placed.sources))
    t60 = placed.room.t60
    assert isinstance(t60, float)
    places = tuple(ReverbPlace(_point(a), _point(b), t60) for a, b in zip(sensors, sources, strict=True))
    note = {
        "dimensions": list(placed.room.dimensions),
        "t60": t60,
        "scattering": placed.room.scattering,
        "listener": listener.name,
        "sample_rate": settings.sample_rate,
        "settings": settings.digest(),
    }
    return ReverbScene(scene_name(split, index), places, render, note)


def _point(values: NDArray[np.float64]) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def room_responses(
    settings: ReverbBankSettings, split: str, index: int, placed: BankRoom, engine: ShoeboxEngine
) -> list[NDArray[np.float32]]:
    """Return the responses ``(channels, samples)`` of a room's places, without their propagation delay.

    The amplitude stays that of the distance, 1/d. Sample ``LEAD * sample_rate`` is when the direct sound reaches the
    listener's centre.
    """
    rate = settings.sample_rate
    acoustics = ShoeboxAcoustics.from_room(placed.room, rate)
    keys = [seeding.derive(settings.seed, "reverb-bank", split, index, n) for n in range(len(placed.sources))]
    paths = SoundPaths.in_room(acoustics, placed.sources, placed.listeners, keys=np.array(keys, dtype=np.uint64))
    delays = np.linalg.norm(placed.sources - placed.listeners, axis=1) / acoustics.speed_of_sound
    shifts = np.round((delays - LEAD) * rate).astype(int)
    length = min(round(settings.seconds * rate), math.ceil((acoustics.longest_t60 + LEAD) * rate))
    whole = engine.responses(paths, length=length + max(int(shifts.max()), 0))
    out = []
    for response, shift in zip(whole, shifts.tolist(), strict=True):
        early = np.pad(response, ((0, 0), (-shift, 0))) if shift < 0 else response[:, shift:]
        out.append(np.ascontiguousarray(early[:, :length]))
    return out
