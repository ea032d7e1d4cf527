"""Banks of simulated room responses as a set: an item is a room with its responses (:mod:`auris.data.reverb_bank`).

On disk as SpatialSoundQA's mp3d_reverb::

    {train,eval}_reverberation.json                    every response with the places of listener and source
    {binaural,mono,ambisonics}/<room>/<n>.npy          32 kHz, float32, without the propagation delay
    {binaural,mono,ambisonics}/<room>/<room>.json      what is known of the room

The bytes are those of :func:`auris.data.reverb_bank.make_reverb_bank` with the same settings. What differs from the original:
rooms are rectangular and simulated, places are drawn for each room, listeners are a population of heads; entries say ``t60``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.reverb_bank import BankListeners, ReverbBankSettings, RoomSettings, bank_scene, room_order
from auris.data.reverb_listeners import Layout
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError
from auris.io.mp3d_reverb import ReverbScene, list_name, list_text, scene_files
from auris.models.configuration import plain_of

_EVAL = "eval"
_HEADS_KEPT = 2  # engines of listeners in each process; a head's tables take seconds to make and tens of megabytes


@dataclass(frozen=True)
class ReverbRoomsSettings(RoomSettings):
    """A bank of responses: rooms, places and heads as :class:`RoomSettings`, and who they are for.

    Attributes:
        split: ``train`` or ``eval``: name of the list, and of rooms and structural heads that the other has not.
        layout: what listens: ``binaural``, ``mono`` or ``foa``.
        sample_rate: hertz.
        eval_rooms: further rooms, of the split ``eval``, in the same folder: what a training needs to be scored with.
    """

    split: str = "train"
    layout: Layout = "binaural"
    sample_rate: int = 32_000
    eval_rooms: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.split.isidentifier():
            raise ParameterError(f"split names a list, in letters and digits: train or eval; got {self.split!r}")
        if self.eval_rooms < 0 or (self.eval_rooms and self.split == _EVAL):
            raise ParameterError(f"eval_rooms are 0 or more beside another split, got {self.eval_rooms!r} beside {self.split}")
        self.bank(self.layout, sample_rate=self.sample_rate)

    @property
    def item_seconds(self) -> float:
        """Seconds of audio in an item: responses are none."""
        return 0.0


class BankMaker:
    """Makes the rooms of a bank; opens the heads that listen when they are needed, and is sent to processes without them."""

    def __init__(self, settings: ReverbBankSettings, split: str) -> None:
        """Say which bank, and which split of it.

        Raises:
            FormatError: a SOFA file of a measured head does not exist.
        """
        self.settings, self.split = settings, split
        settings.population().check()

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self.settings, "split": self.split}

    @cached_property
    def _listeners(self) -> BankListeners:
        return BankListeners(self.settings, self.split, kept=_HEADS_KEPT)

    def scene(self, room: int) -> ReverbScene:
        """Return a room, as it is written."""
        return bank_scene(self.settings, self.split, room, self._listeners)

    def files(self, scene: ReverbScene, *, below: str = "") -> Iterator[MadeFile]:
        """Yield the files of a room: in a shard, ``<kind>.<n>.npy`` and ``<kind>.json``."""
        kind = self.settings.kind
        for name, content in scene_files(scene, kind):
            field = f"{kind}.json" if name.endswith(".json") else f"{kind}.{name}"
            yield MadeFile(f"{below}{kind}/{scene.name}/{name}", field, content)


def room_facts(scene: ReverbScene) -> dict[str, Any]:
    """Return what is remembered of a room: ``room``, who listens, and its entries of the list."""
    x, y, z = scene.note["dimensions"]
    room = {"dimensions": [x, y, z], "t60": scene.note["t60"], "volume": round(x * y * z, 2)}
    return {"kind": "room", "room": room, "listener": scene.note["listener"], "responses": scene.records}


class ReverbRoomsMaker:
    """Makes a bank of room responses; see :mod:`auris.data.production.maker`. Sounds play no part in it."""

    preset = "reverb-bank"

    def __init__(self, settings: ReverbRoomsSettings, *, items: int, sounds: BankSettings, seed: int) -> None:
        """Plan ``items`` rooms, and those to be scored with.

        Raises:
            ParameterError: there are none.
            FormatError: a SOFA file of a measured head does not exist.
        """
        if items < 1:
            raise ParameterError(f"a bank has at least one room, got {items}")
        self._settings, self._items, self._seed = settings, items, seed
        self._banks = [self._bank(settings.split, items)]
        if settings.eval_rooms:
            self._banks.append(self._bank(_EVAL, settings.eval_rooms))
        self._rooms = [(bank, room) for bank in self._banks for room in room_order(bank.settings)]

    def _bank(self, split: str, rooms: int) -> BankMaker:
        wanted = self._settings
        return BankMaker(wanted.bank(wanted.layout, sample_rate=wanted.sample_rate, rooms=rooms, seed=self._seed), split)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes, with the names of SOFA files instead of where they lie."""
        plain = plain_of(self._settings)
        return {**plain, "hrtf": sofa_names(self._settings), "items": self._items, "seed": self._seed}

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def seconds(self) -> float:
        """Seconds of audio: responses are none."""
        return 0.0

    def make(self, index: int) -> MadeItem:
        """Return a room; neighbours have the same head."""
        bank, room = self._rooms[index]
        scene = bank.scene(room)
        return MadeItem(scene.name, tuple(bank.files(scene)), {**room_facts(scene), "split": bank.split})

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the list of responses of each split."""
        records: dict[str, dict[str, Any]] = {bank.split: {} for bank in self._banks}
        for item in facts:
            records[item.facts["split"]][item.name] = item.facts["responses"]
        for split, rooms in records.items():
            yield MadeFile(list_name(split), "", list_text(rooms).encode())

    def balance(self) -> Mapping[str, float]:
        """Return nothing: rooms have no classes."""
        return {}


def sofa_names(settings: RoomSettings) -> list[str]:
    """Return the measured heads by the names of their files, wherever they lie."""
    return [file.rpartition("/")[2] for file in settings.hrtf]
