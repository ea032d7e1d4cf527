"""Sets as SpatialSoundQA: dry clips, room responses, and questions with answers about what is heard where.

On disk as published (arXiv:2402.01591)::

    AudioSet/metadata/{balanced,eval}.json                         clips with their classes
    AudioSet/metadata/class_labels_indices_subset.csv              the classes
    AudioSet/metadata/weights/balanced_weight.csv                  how often each clip should be drawn
    AudioSet/{balanced_train,eval}/audio/<clip>.wav                10 s, 32 kHz, one channel
    mp3d_reverb/{train,eval}_reverberation.json                    responses with the places of listener and source
    mp3d_reverb/{binaural,mono,ambisonics}/<room>/<n>.npy
    closed-end/stage{1-clsdoa,2-single,3-mixup}/train.json         questions, cumulative over the stages
    closed-end/stage…/eval-stage….json
    rendered/{<layout>,questions}/<split>/<scene>.{flac,json}      not in the original: what is heard, and its questions

A set of N scenes has N groups of questions, each about one or two clips in a room, and as many clips and rooms as that takes:
an item of the set is a scene, a clip or a room. What differs from the original: rooms are simulated, both sources of a scene
are heard by one listener, only questions with one certain answer are asked, and evaluation shares no recording, room or head
with training. The published questions were phrased by a language model, these by a grammar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from auris.data.made_sets.ranges import checked_count
from auris.data.made_sets.reverb_rooms import BankMaker, room_facts, sofa_names
from auris.data.made_sets.spatial_qa_clips import QaClips, QaSounds
from auris.data.made_sets.spatial_qa_scenes import QaScenes, question_records
from auris.data.made_sets.spatial_qa_settings import SPLITS, QuestionCounts, SpatialSoundQaSettings
from auris.data.production.encoding import text_bytes
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.reverb_bank import room_order
from auris.data.reverb_listeners import Layout
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError
from auris.io.mp3d_reverb import list_name, list_text
from auris.io.spatial_qa_records import QaRecord, questions_text, stage_files
from auris.io.spatial_sound_qa import clips_text, label_csv_text, sample_weights, sample_weights_text
from auris.models.configuration import plain_of

__all__ = ["QuestionCounts", "SpatialSoundQaMaker", "SpatialSoundQaSettings"]

Kind = Literal["room", "scene", "clip"]
_LISTS = {"train": "balanced", "eval": "eval"}


@dataclass(frozen=True, eq=False)
class SplitPlan:
    """The items of a split, in blocks: a room, the scenes in it, and some clips.

    Attributes:
        split: ``train`` or ``eval``.
        scenes: number of scenes.
        clips: number of clips.
        rooms: rooms in the order of the blocks.
        scenes_per_room: scenes in a block.
    """

    split: str
    scenes: int
    clips: int
    rooms: tuple[int, ...]
    scenes_per_room: int

    def __len__(self) -> int:
        return self.scenes + self.clips + len(self.rooms)

    @cached_property
    def _starts(self) -> Any:
        """Where each block begins."""
        return np.array([n + self._scenes_before(n) + self._clips_before(n) for n in range(len(self.rooms) + 1)])

    def _scenes_before(self, block: int) -> int:
        return min(block * self.scenes_per_room, self.scenes)

    def _clips_before(self, block: int) -> int:
        return block * self.clips // len(self.rooms)

    def place(self, index: int) -> tuple[Kind, int, int]:
        """Return what item ``index`` is, its number among its kind, and its room."""
        block = int(np.searchsorted(self._starts, index, side="right")) - 1
        room, offset = self.rooms[block], index - int(self._starts[block])
        if offset == 0:
            return "room", room, room
        scene = self._scenes_before(block) + offset - 1
        if scene < self._scenes_before(block + 1):
            return "scene", scene, room
        return "clip", self._clips_before(block) + scene - self._scenes_before(block + 1), room


class SpatialSoundQaMaker:
    """Makes such a set; see :mod:`auris.data.production.maker`."""

    preset = "spatial-sound-qa"

    def __init__(self, settings: SpatialSoundQaSettings, *, items: int, sounds: BankSettings, seed: int) -> None:
        """Plan a set of ``items`` scenes, and the clips and rooms that they need.

        Raises:
            ParameterError: there are no scenes, or the sounds are limited to a part of the recordings.
            FormatError: a SOFA file of a measured head does not exist.
        """
        self._settings, self._seed = settings, seed
        self._scenes = checked_count("items", items, 1, 10**8)
        self._sounds = QaSounds(settings, sounds)
        self._clips = QaClips(settings, self._sounds, seed)
        layouts: tuple[Layout, ...] = tuple(dict.fromkeys((*settings.responses, *settings.rendered)))
        self._banks = {split: {layout: self._bank(split, layout) for layout in layouts} for split in self._sounds.banks}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_plans", "_drawn")}

    def _bank(self, split: str, layout: Layout) -> BankMaker:
        rooms = max(self._settings.room_count(self._settings.scenes(split, self._scenes)), 1)
        bank = self._settings.rooms.bank(layout, sample_rate=self._settings.sample_rate, rooms=rooms, seed=self._seed)
        return BankMaker(bank, split)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes."""
        plain = plain_of(self._settings)
        plain["rooms"]["hrtf"] = sofa_names(self._settings.rooms)
        listed = self._clips.listed()
        plain["numbering"] = dict(zip(listed.mids, listed.names, strict=True))
        return {**plain, "sounds": self._sounds.plain(), "seed": self._seed, "items": self._scenes}

    @cached_property
    def _plans(self) -> tuple[SplitPlan, ...]:
        settings, plans = self._settings, []
        for split, banks in self._banks.items():
            scenes = settings.scenes(split, self._scenes)
            clips = settings.clips(scenes, len(self._clips.classes(split)))
            # Only heads take turns by room; other layouts have one listener.
            ordered = banks.get("binaural") or next(iter(banks.values()))
            rooms = room_order(ordered.settings) if scenes else ()
            plans.append(SplitPlan(split, scenes, clips, rooms, settings.scenes_per_room))
        return tuple(plans)

    @cached_property
    def _drawn(self) -> dict[str, QaScenes]:
        return {
            plan.split: QaScenes(
                self._settings,
                self._clips,
                self._banks[plan.split],
                split=plan.split,
                clip_count=plan.clips,
                seed=self._seed,
            )
            for plan in self._plans
        }

    def __len__(self) -> int:
        return sum(map(len, self._plans))

    @property
    def seconds(self) -> float:
        """Seconds of audio in scenes and clips."""
        return self._settings.clip_seconds * sum(plan.scenes + plan.clips for plan in self._plans)

    def make(self, index: int) -> MadeItem:
        """Return a room, a scene or a clip; those of one room are neighbours."""
        left = index
        for plan in self._plans:
            if 0 <= left < len(plan):
                kind, number, room = plan.place(left)
                if kind == "clip":
                    return self._clips.item(plan.split, number)
                return self._drawn[plan.split].item(number, room) if kind == "scene" else self._room(plan.split, room)
            left -= len(plan)
        raise ParameterError(f"this set has the items 0 to {len(self) - 1}, got {index}")

    def _room(self, split: str, room: int) -> MadeItem:
        files: list[MadeFile] = []
        banks = self._banks[split]
        scene = banks[self._settings.responses[0]].scene(room)
        for layout in self._settings.responses:
            files += banks[layout].files(banks[layout].scene(room), below="mp3d_reverb/")
        return MadeItem(scene.name, tuple(files), {"split": split, **room_facts(scene)})

    def balance(self) -> Mapping[str, float]:
        """Return the expected share of each class among the sounds of clips."""
        shares: dict[str, float] = {}
        for plan in self._plans:
            classes = self._clips.classes(plan.split)
            for label in classes:
                shares[label] = shares.get(label, 0.0) + plan.scenes / len(classes) / self._scenes
        return shares

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the lists of clips, classes, weights, responses and questions."""
        clips: dict[str, list[tuple[str, str, list[str]]]] = {split: [] for split in SPLITS}
        rooms: dict[str, dict[str, list[Any]]] = {split: {} for split in SPLITS}
        asked: dict[str, list[QaRecord]] = {split: [] for split in SPLITS}
        for item in facts:
            split = item.facts["split"]
            if item.facts["kind"] == "clip":
                clips[split].append((item.facts["folder"], item.name, item.facts["mids"]))
            elif item.facts["kind"] == "room":
                rooms[split][item.name] = item.facts["responses"]
            else:
                asked[split] += question_records(item.facts)
        classes = self._clips.listed()
        yield MadeFile("AudioSet/metadata/class_labels_indices_subset.csv", "", text_bytes(label_csv_text(classes)))
        for split in self._banks:
            if clips[split]:
                clips[split].sort(key=lambda clip: clip[1])
                yield MadeFile(f"AudioSet/metadata/{_LISTS[split]}.json", "", text_bytes(clips_text(clips[split])))
                yield MadeFile(f"mp3d_reverb/{list_name(split)}", "", text_bytes(list_text(rooms[split])))
        if clips["train"]:
            weights = sample_weights([[classes.number(mid) for mid in mids] for _, _, mids in clips["train"]])
            yield MadeFile("AudioSet/metadata/weights/balanced_weight.csv", "", text_bytes(sample_weights_text(weights)))
        for path, records in stage_files(asked["train"], asked["eval"], naming=self._settings.naming):
            yield MadeFile(f"closed-end/{path}", "", text_bytes(questions_text(records)))
