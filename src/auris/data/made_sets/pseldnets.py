"""Sets as PSELDNets pre-trains on: one-minute static scenes with one, two or three events at a time.

On disk as published (arXiv:2411.06399)::

    train<count>_ov<n>_1/{foa,mic,sum}/fold0_room0_mix<i>.flac   24 kHz; foa: ACN/SN3D, mic: four capsules on a rigid sphere of
    train<count>_ov<n>_1/metadata/fold0_room0_mix<i>.csv         4.2 cm, sum: the dry mixture, one channel
    train<count>_ov<n>_1/scenes/fold0_room0_mix<i>.json          not in the original: the scene, to render it again
    cls_indices_train.tsv, cls_indices_test.tsv                  number, AudioSet identifier, class, clips, seconds

and ``test<count>_ov<n>`` with ``fold1_room<1…9>`` for the test sets. Labels have six columns: frame of 100 ms, class, number of
the event in the scene, azimuth and elevation in whole degrees, distance in centimetres.

How the original chose rooms and events is told by its generator (github.com/Jinbo-Hu/SELD-Data-Generator), whose parameters are
for another set; the rest is only in the paper. What differs from that generator on purpose: the listener's place is drawn for
each axis by itself (there it lies on the diagonal), places too near to the listener are not taken, event numbers stay those of
the event through time, angles are rounded (there cut off), and frames belong to an event when it covers their middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from auris import seeding
from auris.audio import Audio
from auris.data.dry import dry_signals
from auris.data.made_sets.classes import ClassTable, class_table
from auris.data.made_sets.ranges import (
    Range,
    checked_count,
    checked_names,
    checked_number,
    checked_range,
    checked_shares,
    whole_shares,
)
from auris.data.made_sets.room_drawing import RoomRanges, free_place, place_by_share
from auris.data.made_sets.scene_items import AudioForms, SetSounds, audio_files, scene_file, scene_mixtures
from auris.data.production.encoding import AudioForm, Subtype, text_bytes
from auris.data.production.facts import scene_facts
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.sound_bank import Bank
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError, SceneError
from auris.geometry.trajectories import Point, Static
from auris.io.dcase import dcase_text
from auris.io.frame_labels import scene_to_rows
from auris.models.configuration import plain_of
from auris.scene import Background, Event, Listener, Room, Scene, Sound, Source

RECORDINGS = {"foa": "foa", "mic": "tetra", "sum": None}  # folder: what it is heard with; None is the dry mixture
_FOLDER = r"(train|test)\d+_ov\d(_\d+)?"
_SHORTEST = 0.1  # seconds; shorter events are not used, as in the original
_PLACE_TRIES = 20


@dataclass(frozen=True)
class PseldnetsSettings:
    """Everything that is drawn for a scene. A range [low, high] is drawn from uniformly; equal ends fix the value.

    Attributes:
        split: ``train``: a new room for every scene, tagged fold0_room0; ``test``: ``rooms`` rooms that come again, tagged
            fold1_room1 and so on. Take the sounds of a test set from other recordings (``--split``).
        overlap: kinds of scenes in the run, by the most events that sound at once; each kind has its folder.
        overlap_shares: of scenes of each kind; null as published, 20 : 10 : 3.5 (in test sets 18 : 9 : 3.6) for 1, 2, 3.
        folder: name of a kind's folder, with ``{count}``, ``{overlap}`` and ``{part}`` in it; None as published.
        part: number at the end of the published name of a training set; give the second part another seed.
        duration: seconds of a scene.
        sample_rate: hertz.
        recordings: what is written of each scene: ``foa``, ``mic``, ``sum``.
        numbering: class list that numbers the classes, such as the published ``cls_indices_train.tsv`` with its 170; None
            numbers the classes of the sounds alphabetically.
        classes: only these; None takes all that have sounds.
        event_duration: seconds; a shorter recording plays once, of a longer one a part is heard.
        gap: seconds of silence before each event of a layer, on a grid of 0.1 s; a scene has as many layers as events at once.
        level_db: active level of an event at 1 m, dB re full scale.
        room_length: metres.
        room_width: metres.
        room_height: metres.
        t60: reverberation time in seconds.
        scattering: of the walls, 0 mirror-like to 1 perfectly mixing.
        rooms: number of rooms of a test set.
        listener_place: of each side of the room.
        wall_margin: least metres between a source and a wall.
        distance: metres between source and listener; places are drawn uniformly in the room, then kept to this and
            ``elevation_deg``.
        elevation_deg: of sources, as the listener has them.
        diffuse_snr_db: diffuse noise below the sources; null for none, as in the original.
        sensor_snr_db: microphone noise below the sources; null for none, as in the original.
        ambience: folder of recorded ambience (:mod:`auris.data.ambience`), in all layouts of ``recordings``; null for none.
        ambience_snr_db: ambience below the sources, in the original's 6 to 30 dB.
        snr_channel: channel on which these ratios hold: ``first``, ``mean``, or a name.
        form: ``flac`` or ``wav``.
        subtype: ``PCM_16``, ``PCM_24``, or ``FLOAT`` (wav only).
    """

    split: Literal["train", "test"] = "train"
    overlap: tuple[int, ...] = (1, 2, 3)
    overlap_shares: tuple[float, ...] | None = None
    folder: str | None = None
    part: int = 1
    duration: float = 60.0
    sample_rate: int = 24_000
    recordings: tuple[str, ...] = ("foa", "mic", "sum")
    numbering: str | None = None
    classes: tuple[str, ...] | None = None
    event_duration: Range = (1.0, 12.0)
    gap: Range = (0.0, 2.9)
    level_db: Range = (-32.0, -20.0)
    room_length: Range = (5.0, 25.0)
    room_width: Range = (5.0, 25.0)
    room_height: Range = (3.0, 10.0)
    t60: Range = (0.2, 2.0)
    scattering: Range = (0.2, 0.8)
    rooms: int = 9
    listener_place: Range = (0.4, 0.6)
    wall_margin: float = 1.0
    distance: Range = (0.5, 30.0)
    elevation_deg: Range = (-90.0, 90.0)
    diffuse_snr_db: Range | None = None
    sensor_snr_db: Range | None = None
    ambience: str | None = None
    ambience_snr_db: Range = (6.0, 30.0)
    snr_channel: str = "first"
    form: AudioForm = "flac"
    subtype: Subtype = "PCM_16"

    def __post_init__(self) -> None:
        if self.split not in ("train", "test"):
            raise ParameterError(f"split must be train or test, got {self.split!r}")
        if not self.overlap or len(set(self.overlap)) != len(self.overlap):
            raise ParameterError(f"overlap must list different numbers of events, got {self.overlap!r}")
        for most in self.overlap:
            checked_count("overlap", most, 1, 9)
        if self.overlap_shares is not None:
            object.__setattr__(self, "overlap_shares", checked_shares("overlap_shares", self.overlap_shares, len(self.overlap)))
        for name, (low, high) in _LIMITS.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, checked_range(name, getattr(self, name), low, high))
        checked_number("duration", self.duration, 0.5, 3600)
        checked_number("wall_margin", self.wall_margin, 0.01, 100)
        checked_count("sample_rate", self.sample_rate, 8_000, 96_000)
        checked_count("rooms", self.rooms, 1, 10_000)
        checked_count("part", self.part, 1, 1000)
        checked_names("recordings", self.recordings, RECORDINGS)
        for most in self.overlap:
            self.folder_of(most, 1)
        if self.folder is not None and len(self.overlap) > 1 and "{overlap}" not in self.folder:
            raise ParameterError(f"folder must hold {{overlap}} where there is more than one, got {self.folder!r}")

    @property
    def item_seconds(self) -> float:
        """Seconds of audio in one item."""
        return self.duration

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of the scenes of each kind; the published ones where none are given, for more than three those of three."""
        published = (20.0, 10.0, 3.5) if self.split == "train" else (18.0, 9.0, 3.6)
        return self.overlap_shares or tuple(published[min(most, 3) - 1] for most in self.overlap)

    def folder_of(self, overlap: int, count: int) -> str:
        """Return the folder of the ``count`` scenes with this overlap.

        Raises:
            ParameterError: no reader of the published sets would find it.
        """
        usual = "train{count}_ov{overlap}_{part}" if self.split == "train" else "test{count}_ov{overlap}"
        try:
            name = (self.folder or usual).format(count=count, overlap=overlap, part=self.part)
        except (KeyError, IndexError, ValueError):
            name = str(self.folder)
        if not re.fullmatch(_FOLDER, name):
            raise ParameterError(f"folder must be like train20000_ov1_1 or test1800_ov1, so that it is found; got {name!r}")
        return name


_LIMITS: dict[str, Range] = {
    "event_duration": (_SHORTEST, 3600.0),
    "gap": (0.0, 3600.0),
    "level_db": (-150.0, 30.0),
    "room_length": (0.5, 1000.0),
    "room_width": (0.5, 1000.0),
    "room_height": (0.5, 1000.0),
    "t60": (0.05, 30.0),
    "scattering": (0.0, 1.0),
    "listener_place": (0.01, 0.99),
    "distance": (0.01, 1000.0),
    "elevation_deg": (-90.0, 90.0),
    "diffuse_snr_db": (-60.0, 200.0),
    "sensor_snr_db": (-60.0, 200.0),
    "ambience_snr_db": (-60.0, 200.0),
}


class PseldnetsMaker:
    """Makes such a set."""

    preset = "pseldnets"

    def __init__(self, settings: PseldnetsSettings, *, items: int, sounds: BankSettings, seed: int) -> None:
        """Say what is made; raises :class:`ParameterError` for a seed or a number of items that cannot be."""
        self._settings, self._seed = settings, seed
        self._items = checked_count("items", items, 1, 10**8)
        self._counts = whole_shares(items, settings.shares)
        self._sounds = SetSounds(sounds, ambience=settings.ambience)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_table"}

    def __len__(self) -> int:
        return self._items

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes."""
        plain = plain_of(self._settings)
        plain |= {"ambience": None, "numbering": list(self._table.numbered)}
        return {**plain, "sounds": self._sounds.to_dict(), "seed": self._seed, "items": self._items}

    @property
    def seconds(self) -> float:
        """Seconds of audio, all recordings of a scene counted once."""
        return self._items * self._settings.duration

    @cached_property
    def _table(self) -> ClassTable:
        settings = self._settings
        return class_table(self._sounds.bank.labels, settings.numbering, chosen=settings.classes)

    def balance(self) -> Mapping[str, float]:
        """Return the expected share of each class."""
        return self._table.balance()

    def make(self, index: int) -> MadeItem:
        """Return scene ``index``; see :meth:`auris.data.production.maker.Maker.make`."""
        settings, scene = self._settings, self.scene(index)
        folder, _, name = scene.name.partition("/")
        forms = AudioForms(settings.form, settings.subtype)
        files, gains = audio_files(name, self._recordings(scene), forms, folder=f"{folder}/{{}}")
        labels = dcase_text(scene_to_rows(scene, self._table.numbered.labels), year=2023)
        files.append(MadeFile(f"{folder}/metadata/{name}.csv", "metadata.csv", text_bytes(labels)))
        files.append(scene_file(name, scene, below=f"{folder}/"))
        facts = {"set": folder, **scene_facts(scene, sample_rate=settings.sample_rate), "gain_db": gains}
        return MadeItem(f"{folder}-{name}", tuple(files), facts)

    def scene(self, index: int) -> Scene:
        """Draw scene ``index`` without rendering it, each part from a stream of its own; its name is ``folder/name``.

        Raises:
            ParameterError: there is no such item.
            SceneError: the settings leave no such room or place.
        """
        settings, bank = self._settings, self._sounds.bank
        kind, number = self._place(index)
        overlap, room_number = settings.overlap[kind], 0
        recurring: tuple[str, int] = ("scene", index)
        if settings.split == "test":
            room_number = 1 + (number - 1) % settings.rooms
            recurring = ("test", room_number)
        room, listener = _room(settings, seeding.generator(self._seed, "pseldnets", *recurring, "room"))
        sources: list[Source] = []
        for layer in range(overlap):
            rng = seeding.generator(self._seed, "pseldnets", index, "layer", layer)
            for label, sound, onset, offset in _layer(settings, self._table, bank, rng):
                place = _source_place(settings, room, listener, rng)
                level = round(float(rng.uniform(*settings.level_db)), 2)
                sources.append(Source(label, Static(place), (Event(onset, offset, sound, level),)))
        sources.sort(key=lambda source: source.events[0].onset)
        background = self._background(seeding.generator(self._seed, "pseldnets", index, "background"))
        folder = settings.folder_of(overlap, self._counts[kind])
        name = f"{folder}/fold{int(settings.split == 'test')}_room{room_number}_mix{number}"
        rendering_seed = seeding.derive(self._seed, "pseldnets", index, "rendering") >> 33
        listening = Listener(Static(listener))
        return Scene(settings.duration, tuple(sources), listening, room, background, seed=rendering_seed, name=name)

    def _place(self, index: int) -> tuple[int, int]:
        """Which kind of scene an item is, and its number in the kind's folder, from 1."""
        if not 0 <= index < self._items:
            raise ParameterError(f"this set has the items 0 to {self._items - 1}, got {index}")
        kind, left = 0, index
        while left >= self._counts[kind]:
            left -= self._counts[kind]
            kind += 1
        return kind, left + 1

    def _background(self, rng: np.random.Generator) -> Background:
        settings = self._settings
        spans = (settings.diffuse_snr_db, settings.sensor_snr_db, settings.ambience_snr_db)
        diffuse, sensor, ambient = (None if s is None else round(float(rng.uniform(*s)), 2) for s in spans)
        background = Background(diffuse_snr_db=diffuse, sensor_snr_db=sensor, snr_channel=settings.snr_channel)
        if self._sounds.ambience is None or ambient is None:
            return background
        layouts = [layout for folder in settings.recordings if (layout := RECORDINGS[folder]) is not None]
        return self._sounds.ambience.drawn(background, layouts, duration=settings.duration, snr_db=ambient, generator=rng)

    def _recordings(self, scene: Scene) -> dict[str, Audio]:
        """What is written of a scene, by its folder."""
        settings, sounds = self._settings, self._sounds
        dry = dry_signals(scene, sounds.bank, settings.sample_rate)
        layouts = {folder: layout for folder in settings.recordings if (layout := RECORDINGS[folder]) is not None}
        recordings = scene_mixtures(scene, dry, layouts, sample_rate=settings.sample_rate, ambience=sounds.ambience)
        if "sum" in settings.recordings:
            recordings["sum"] = Audio(np.sum(dry, axis=0, dtype=np.float32), settings.sample_rate, "mono")
        return {folder: recordings[folder] for folder in settings.recordings}

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the two class lists; the clips and seconds of the part that was not made are 0."""
        played: dict[str, set[str]] = {}
        seconds: dict[str, float] = {}
        for item in facts:
            for number, event in enumerate(item.facts["events"]):
                clip = event.get("file") or f"{event.get('synthesis')} {item.index} {number}"
                played.setdefault(event["label"], set()).add(clip)
                seconds[event["label"]] = seconds.get(event["label"], 0.0) + event["offset"] - event["onset"]
        for split in ("train", "test"):
            made = split == self._settings.split
            rows = [(len(played.get(c, ())), seconds.get(c, 0.0)) if made else (0, 0.0) for c in self._table.numbered]
            name = f"cls_indices_{split}.tsv"
            yield MadeFile(name, name, text_bytes(_class_list(self._table, rows)))


def _class_list(table: ClassTable, rows: list[tuple[int, float]]) -> str:
    """Number, AudioSet identifier (empty where it is not known), class, clips, seconds; no header."""
    codes = table.numbered.codes or ("",) * len(table.numbered)
    named = zip(codes, table.numbered.labels, rows, strict=True)
    return "".join(f"{i}\t{code}\t{label}\t{n}\t{s:.1f}\n" for i, (code, label, (n, s)) in enumerate(named))


def _room(settings: PseldnetsSettings, rng: np.random.Generator) -> tuple[Room, Point]:
    """A room and the listener's place in it."""
    ranges = RoomRanges(settings.room_length, settings.room_width, settings.room_height, settings.t60, settings.scattering)
    room = ranges.draw(rng)
    return room, place_by_share(room, settings.listener_place, rng)


def _layer(
    settings: PseldnetsSettings, table: ClassTable, bank: Bank, rng: np.random.Generator
) -> Iterator[tuple[str, Sound, float, float]]:
    """Class, sound, onset and offset of events that follow each other until the scene ends."""
    end = 0.0
    while True:
        onset = round(np.ceil(round((end + float(rng.uniform(*settings.gap))) * 10, 6)) / 10, 1)
        left = settings.duration - onset
        if left < _SHORTEST:
            return
        label, sung = table.draw(rng)
        wanted = float(rng.uniform(*settings.event_duration))
        sound = bank.pick(sung, rng, duration=wanted)
        length = min(wanted, bank.clip_length(sound), left)
        end = round(onset + max(length, 1e-3), 3)
        if length >= _SHORTEST:
            yield label, sound, onset, min(end, settings.duration)


def _source_place(settings: PseldnetsSettings, room: Room, listener: Point, rng: np.random.Generator) -> Point:
    for _ in range(_PLACE_TRIES):
        place = free_place(
            room,
            listener,
            wall_margin=settings.wall_margin,
            distance=settings.distance,
            elevation_deg=settings.elevation_deg,
            generator=rng,
        )
        if place is not None:
            return place
    raise SceneError(
        f"a source finds no place in a room of {list(room.dimensions)} m with a wall_margin of {settings.wall_margin:g} m, "
        f"distance {list(settings.distance)} m and elevation_deg {list(settings.elevation_deg)}; widen one of them"
    )
