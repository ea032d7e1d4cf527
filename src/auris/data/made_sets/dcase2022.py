"""Sets by the rules that DCASE's synthetic data follows: layers of resting and moving events in rooms that come again.

On disk as published (DCASE 2022 task 3, arXiv:2206.01948)::

    foa_dev/fold<f>_room<r>_mix<nnn>.wav        24 kHz, ACN/SN3D
    mic_dev/fold<f>_room<r>_mix<nnn>.wav        four capsules on a rigid sphere of 4.2 cm
    metadata_dev/fold<f>_room<r>_mix<nnn>.csv   frame of 100 ms, class, number of the event in the scene, azimuth, elevation
    scenes/fold<f>_room<r>_mix<nnn>.json        not in the original: the scene, to render it again
    classes.txt                                 not in the original: the class numbers

The rules are those of the public generator. What differs on purpose: rooms are simulated and sources move with Doppler shift
(there, 100 ms cross-fades between measured responses); a moving source stays at one height; the levels of a scene are those of
its W channel, in both recordings; an event is one active stretch of a recording, so its label has no pauses; an interferer has
the stated power ratio to the events (there, its amplitude is scaled by 1/√3 whatever it was).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from auris import seeding
from auris.audio import Audio
from auris.data.dry import dry_signals
from auris.data.made_sets.class_levels import Quartiles, drawn_level, levelled_as_heard, measured_quartiles
from auris.data.made_sets.classes import ClassTable, class_table
from auris.data.made_sets.dcase2022_settings import RECORDINGS, Dcase2022Settings
from auris.data.made_sets.event_layers import LayerRules, PickSound
from auris.data.made_sets.ranges import checked_count, whole_shares
from auris.data.made_sets.room_drawing import RoomRanges
from auris.data.made_sets.scene_items import AudioForms, SetSounds, audio_files, scene_file, scene_mixtures
from auris.data.made_sets.trail_rooms import TrailRanges, TrailRoom, moving_way, resting_place
from auris.data.production.encoding import text_bytes
from auris.data.production.facts import scene_facts
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.sound_bank import Bank
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError, unknown_name
from auris.geometry.trajectories import Static, Trajectory
from auris.io.dcase import dcase_text
from auris.io.frame_labels import scene_to_rows
from auris.models.configuration import plain_of
from auris.scene import Background, Event, Listener, Scene, Source
from auris.vocabulary import DCASE2022, Vocabulary

__all__ = ["Dcase2022Maker", "Dcase2022Settings"]

SNR_CHANNELS = {"foa": "W", "mic": "mean"}
_DRAWN_LEVEL = -30.0  # dB; the level that events have until it is known how loud they are heard
# Of the thirteen classes: people and what they carry move or rest, footsteps move, what stands somewhere rests.
_MOBILITY = {
    "Female speech": 2, "Male speech": 2, "Clapping": 2, "Telephone": 2, "Laughter": 2, "Domestic sounds": 2,
    "Walk, footsteps": 1, "Door, open or close": 0, "Music": 0, "Musical instrument": 0, "Water tap, faucet": 0,
    "Bell": 0, "Knock": 0,
}  # fmt: skip


@dataclass(frozen=True)
class _Place:
    """Where an item belongs: fold and room from 1, and the room's scene from 1."""

    fold: int
    room: int
    mix: int

    @property
    def name(self) -> str:
        return f"fold{self.fold}_room{self.room}_mix{self.mix:03d}"


@dataclass(frozen=True)
class _Heard:
    """A source, and the level that it is to have where it is heard."""

    source: Source
    level_db: float
    labelled: bool


class Dcase2022Maker:
    """Makes such a set."""

    preset = "dcase2022"

    def __init__(self, settings: Dcase2022Settings, *, items: int, sounds: BankSettings, seed: int) -> None:
        """Say what is made; raises :class:`ParameterError` for a number of items that cannot be."""
        self._settings, self._seed = settings, seed
        self._items = checked_count("items", items, 1, 10**8)
        self._counts = whole_shares(items, settings.fold_shares)
        chosen = sounds.sounds is None or sounds.split is not None or sounds.folds is not None
        splits = [None if chosen else split for split in settings.fold_splits]
        self._sounds = SetSounds(sounds, ambience=settings.ambience)
        self._fold_sounds = [self._sounds if split is None else SetSounds(replace(sounds, split=split)) for split in splits]
        self._rooms: dict[tuple[int, int], TrailRoom] = {}
        self._levels: dict[tuple[int, str], Quartiles] = {}

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.__dict__.items() if name != "_table"}
        return kept | {"_rooms": {}, "_levels": {}}

    def __len__(self) -> int:
        return self._items

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes."""
        plain = plain_of(self._settings) | {"ambience": None, "numbering": list(self._table.numbered)}
        return {**plain, "sounds": self._sounds.to_dict(), "seed": self._seed, "items": self._items}

    @property
    def seconds(self) -> float:
        """Seconds of audio, both recordings of a scene counted once."""
        return self._items * self._settings.duration

    @cached_property
    def _table(self) -> ClassTable:
        """Classes and their numbers, of all folds together."""
        labels = [label for label in self._sounds.bank.labels if label not in self._settings.interferers]
        for label in self._settings.interferers:
            if label not in self._sounds.bank.labels:
                raise ParameterError(unknown_name("sound (interferers)", label, self._sounds.bank.labels))
        return class_table(labels, self._settings.numbering, chosen=self._settings.classes)

    def balance(self) -> Mapping[str, float]:
        """Return the expected share of each class."""
        return self._table.balance()

    def make(self, index: int) -> MadeItem:
        """Return scene ``index``; see :meth:`auris.data.production.maker.Maker.make`."""
        settings = self._settings
        place = self._place(index)
        drawn = self._drawn(index, place)
        scene = self._assembled(index, place, drawn)
        dry = dry_signals(scene, self._fold_sounds[place.fold - 1].bank, settings.sample_rate)
        wanted = {number: item.level_db for number, item in enumerate(drawn)}
        heard = levelled_as_heard(scene, dry, wanted, sample_rate=settings.sample_rate, motion=settings.motion)
        layouts = {folder: RECORDINGS[folder] for folder in settings.recordings}
        recordings = scene_mixtures(
            heard.scene,
            heard.dry,
            layouts,
            sample_rate=settings.sample_rate,
            motion=settings.motion,
            ambience=self._sounds.ambience,
            snr_channels=SNR_CHANNELS,
        )
        return self._item(place.name, heard.scene, [item.labelled for item in drawn], recordings)

    def scene(self, index: int) -> Scene:
        """Draw scene ``index`` without rendering it; the levels of its events are set when it is made.

        Raises:
            ParameterError: there is no such item.
            SceneError: the settings leave no such room.
        """
        place = self._place(index)
        return self._assembled(index, place, self._drawn(index, place))

    def _assembled(self, index: int, place: _Place, drawn: list[_Heard]) -> Scene:
        room = self._room(place)
        seed = seeding.derive(self._seed, "dcase2022", index, "rendering") >> 33
        return Scene(
            self._settings.duration,
            tuple(item.source for item in drawn),
            Listener(Static(room.listener)),
            room.room,
            self._background(index, place),
            seed=seed,
            name=place.name,
        )

    def _item(self, name: str, scene: Scene, labelled: list[bool], recordings: Mapping[str, Audio]) -> MadeItem:
        settings = self._settings
        forms = AudioForms(settings.form, settings.subtype, settings.peak)
        files, gains = audio_files(name, recordings, forms, folder="{}_dev")
        targets = tuple(source for source, wanted in zip(scene.sources, labelled, strict=True) if wanted)
        rows = scene_to_rows(scene.with_(sources=targets), self._table.numbered.labels)
        files.append(MadeFile(f"metadata_dev/{name}.csv", "metadata.csv", text_bytes(dcase_text(rows, year=settings.year))))
        files.append(scene_file(name, scene))
        facts = {
            **scene_facts(scene, sample_rate=settings.sample_rate),
            "gain_db": gains,
            "snr_channels": {folder: SNR_CHANNELS[folder] for folder in settings.recordings},
            "unlabelled": [number for number, wanted in enumerate(labelled) if not wanted],
        }
        return MadeItem(name, tuple(files), facts)

    def _place(self, index: int) -> _Place:
        if not 0 <= index < self._items:
            raise ParameterError(f"this set has the items 0 to {self._items - 1}, got {index}")
        fold, left = 0, index
        while left >= self._counts[fold]:
            left -= self._counts[fold]
            fold += 1
        rooms = self._settings.rooms[fold]
        return _Place(fold + 1, left % rooms + 1, left // rooms + 1)

    def _room(self, place: _Place) -> TrailRoom:
        """The room of an item; the same for all items in it."""
        key = (place.fold, place.room)
        if key not in self._rooms:
            rng = seeding.generator(self._seed, "dcase2022", "room", *key)
            self._rooms[key] = _trail_ranges(self._settings).draw(rng)
        return self._rooms[key]

    def _quartiles(self, fold: int, label: str, sounds: tuple[str, ...]) -> Quartiles:
        given = self._settings.level_quartiles_db.get(label)
        if given is not None:
            return given[0], given[1], given[2]
        if (fold, label) not in self._levels:
            bank = self._fold_sounds[fold - 1].bank
            self._levels[fold, label] = measured_quartiles(bank, sounds, picks=self._settings.level_picks, seed=self._seed)
        return self._levels[fold, label]

    def _drawn(self, index: int, place: _Place) -> list[_Heard]:
        """All sources of a scene, by onset: the labelled layers, and that of the interferers."""
        bank = self._fold_sounds[place.fold - 1].bank
        table = self._table.among(bank.labels)
        drawn = [
            item
            for layer in range(self._settings.layers)
            for item in self._layer(place, table, seeding.generator(self._seed, "dcase2022", index, "layer", layer), bank)
        ]
        if self._settings.interferers:
            names = [name for name in self._settings.interferers if name in bank.labels]
            others = class_table(names, None) if names else None
            rng = seeding.generator(self._seed, "dcase2022", index, "interferers")
            drawn += [] if others is None else self._layer(place, others, rng, bank, labelled=False)
        return sorted(drawn, key=lambda item: item.source.events[0].onset)

    def _layer(
        self, place: _Place, table: ClassTable, rng: np.random.Generator, bank: Bank, *, labelled: bool = True
    ) -> list[_Heard]:
        settings = self._settings
        rules = LayerRules(settings.duration, settings.layer_sounding, settings.least_gap, settings.shortest_rest)
        items = []
        for event in rules.fill(_picking(table, bank, settings), rng):
            level = drawn_level(self._quartiles(place.fold, event.label, table.sounds[event.label]), rng)
            way = self._way(self._room(place), event.label, event.onset, event.offset, rng)
            source = Source(event.label, way, (Event(event.onset, event.offset, event.sound, _DRAWN_LEVEL),))
            items.append(_Heard(source, level - (0.0 if labelled else settings.interferer_ratio_db), labelled))
        return items

    def _way(self, room: TrailRoom, label: str, onset: float, offset: float, rng: np.random.Generator) -> Trajectory:
        settings = self._settings
        mobility = settings.mobility.get(label, _usual_mobility(label, settings.other_mobility))
        moves = mobility == 1 or (mobility == 2 and rng.random() < 0.5)
        if moves and offset - onset > settings.moving_from:
            return moving_way(room, onset, offset, settings.speeds_deg, rng)[0]
        return resting_place(room, rng)

    def _background(self, index: int, place: _Place) -> Background:
        settings = self._settings
        rng = seeding.generator(self._seed, "dcase2022", index, "noise")
        snr = float(rng.integers(round(settings.snr_db[0]), round(settings.snr_db[1]) + 1))
        if settings.noise == "diffuse":
            return Background(diffuse_snr_db=snr)
        if self._sounds.ambience is None:
            return Background()
        layouts = [RECORDINGS[folder] for folder in settings.recordings]
        takes = self._sounds.ambience.usable(layouts)
        rooms = sum(settings.rooms[: place.fold - 1]) + place.room - 1
        mine = takes[rooms % len(takes)].name
        return self._sounds.ambience.drawn(
            Background(), layouts, duration=settings.duration, snr_db=snr, generator=rng, takes=(mine,)
        )

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the class names in the order of their numbers."""
        yield MadeFile("classes.txt", "classes.txt", text_bytes("".join(f"{label}\n" for label in self._table.numbered)))


def _picking(table: ClassTable, bank: Bank, settings: Dcase2022Settings) -> PickSound:
    def pick(generator: np.random.Generator, /) -> tuple[str, Any, float]:
        label, played = table.draw(generator)
        wanted = float(generator.uniform(*settings.event_duration))
        sound = bank.pick(played, generator, duration=wanted)
        return label, sound, max(min(wanted, bank.clip_length(sound)), 0.1)

    return pick


def _usual_mobility(label: str, other: int) -> int:
    """Of the published class that a label means."""
    meant = Vocabulary("one", (label,)).mapping_to(DCASE2022).get(label)
    return other if meant is None else _MOBILITY[meant]


def _trail_ranges(settings: Dcase2022Settings) -> TrailRanges:
    sizes = (settings.room_length, settings.room_width, settings.room_height)
    return TrailRanges(
        rooms=RoomRanges(*sizes, settings.t60, settings.scattering),
        listener_place=settings.listener_place,
        listener_height=settings.listener_height,
        trails=settings.trails,
        heights=settings.trail_heights,
        distance=settings.trail_distance,
        elevation_deg=settings.elevation_deg,
        wall_margin=settings.wall_margin,
        linear_share=settings.linear_share,
    )
