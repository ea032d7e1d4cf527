"""What is in which house of a set for active separation, before anything is rendered (:mod:`auris.data.made_sets.active`).

Houses take turns between training, validation and test; classes take turns over the clips of each part. All of it follows from
settings, sounds, seed and numbers, so that any house can name the clips of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.acoustics.floorplan import FloorPlan
from auris.acoustics.floorplan_sampler import PlanSettings, draw_plan
from auris.data.made_sets.house_episodes import EpisodeRules, NamedClip, draw_episodes, source_places
from auris.data.made_sets.ranges import checked_count, checked_number
from auris.data.made_sets.separation_clips import class_names
from auris.data.sound_bank import Bank
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError, SceneError, unknown_name
from auris.io.separation_episodes import SeparationEpisode
from auris.io.soundspaces import SceneGraph, Subtype

Part = Literal["train", "val", "test"]

TURNS: tuple[Part, ...] = ("train", "val", "test", "train", "train", "train")  # parts of the houses, again and again
CLIP_SPLITS: Mapping[Part, str] = {"train": "train", "val": "valUnheard", "test": "testUnheard"}
_BANK_SPLITS: Mapping[Part, Literal["train", "validation", "test"]] = {"train": "train", "val": "validation", "test": "test"}
_PLAN_TRIES = 20


@dataclass(frozen=True)
class ActiveSettings:
    """Everything that decides about houses, responses, clips and episodes.

    Attributes:
        plan: from what floor plans are drawn.
        dataset: name of the houses' folders; the published program takes no other than ``mp3d``.
        sounds_name: name of the clips' folder.
        source_places: places of a house that sounds may stand on, each heard from every place at four headings; 0 for all of
            them. A house of 57 places and 8 source places has 1824 responses, about 90 MB; with all places 650 MB.
        response_gain_db: of the responses, re amplitude 1 at 1 m; low enough that clips of 16 bits do not overflow.
        response_range_db: each response ends where no more than so many dB below its energy is left.
        response_subtype: ``FLOAT``, as the published program needs them, or ``PCM_16`` at half the size.
        images: about how many image sources come before the tail of a response.
        head_radius: of the built-in head, metres.
        hrtf: SOFA file of a measured head; null for the built-in one.
        clips: long clips of a house; classes take turns.
        clip_seconds: whole seconds of a long clip.
        clip_level_db: active level of a clip, dB re full scale.
        chunks: seconds of each clip that are written for the training of separators.
        background: classes that are never a target.
        sources: sounds of an episode at once, the target among them.
        source_hops: fewest steps between any two of them.
        start_hops: steps between the listener's start and the target, fewest and most; [0, 1] starts beside it.
        train_episodes: episodes of a training house.
        evaluation_episodes: episodes of a validation or test house, of heard and of unheard sounds each.
        passive_records: of a training or validation house.
    """

    plan: PlanSettings = field(default_factory=PlanSettings)
    dataset: str = "mp3d"
    sounds_name: str = "auris"
    source_places: int = 8
    response_gain_db: float = -20.0
    response_range_db: float = 50.0
    response_subtype: Subtype = "FLOAT"
    images: int = 300
    head_radius: float = 0.0875
    hrtf: str | None = None
    clips: int = 8
    clip_seconds: int = 20
    clip_level_db: float = -26.0
    chunks: int = 20
    background: tuple[str, ...] = ()
    sources: int = 2
    source_hops: int = 5
    start_hops: tuple[int, int] = (4, 40)
    train_episodes: int = 200
    evaluation_episodes: int = 50
    passive_records: int = 500

    def __post_init__(self) -> None:
        limits = {
            "source_places": (0, 1600), "images": (8, 5000), "clips": (0, 1000), "clip_seconds": (1, 600),
            "chunks": (0, 600), "sources": (1, 8), "source_hops": (1, 100), "train_episodes": (0, 1_000_000),
            "evaluation_episodes": (0, 100_000), "passive_records": (0, 1_000_000),
        }  # fmt: skip
        for name, (least, most) in limits.items():
            checked_count(name, getattr(self, name), least, most)
        numbers = {
            "response_gain_db": (-80, 20), "response_range_db": (10, 120), "head_radius": (0.05, 0.15),
            "clip_level_db": (-80, 0),
        }  # fmt: skip
        for name, (low, high) in numbers.items():
            checked_number(name, getattr(self, name), low, high)
        if not 0 <= self.start_hops[0] <= self.start_hops[1]:
            raise ParameterError(f"start_hops is a range [fewest, most] of whole steps, got {list(self.start_hops)!r}")
        for name in ("dataset", "sounds_name"):
            if not getattr(self, name).replace("-", "").replace("_", "").isalnum():
                raise ParameterError(f"{name} names a folder, in letters, digits, - and _; got {getattr(self, name)!r}")
        if self.response_subtype not in ("FLOAT", "PCM_16"):
            raise ParameterError(unknown_name("subtype of responses", self.response_subtype, ("FLOAT", "PCM_16")))
        if 0 < self.source_places < self.sources:
            raise ParameterError(f"{self.sources} sources need as many source_places, got {self.source_places}")

    @property
    def item_seconds(self) -> float:
        """Seconds of audio of a house: its long clips."""
        return float(self.clips * self.clip_seconds)

    @property
    def rules(self) -> EpisodeRules:
        """How far apart things are."""
        return EpisodeRules(self.sources, self.source_hops, self.start_hops)


@dataclass(frozen=True, eq=False)
class MadeHouse:
    """A drawn house, before anything is rendered.

    Attributes:
        plan: the house.
        scene: its places, as they are written.
        places: nodes that sounds may stand on.
    """

    plan: FloorPlan
    scene: SceneGraph
    places: NDArray[np.int64]


@dataclass(frozen=True)
class ActivePlan:
    """A set of houses: their plans, places, clips and episodes; nothing is rendered here.

    Attributes:
        settings: of the set.
        houses: how many.
        sounds: what is played.
        seed: of everything.
    """

    settings: ActiveSettings
    houses: int
    sounds: BankSettings
    seed: int

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("settings", "houses", "sounds", "seed")}

    def check(self) -> None:
        """Make sure that every part has as many classes as an episode has sounds.

        Raises:
            ParameterError: one has not.
            FormatError: the sounds cannot be read.
        """
        for part in dict.fromkeys(part_of(index) for index in range(min(self.houses, len(TURNS)))):
            heard = {clip.label for clip in self.pool(part)}
            targets = {clip.label for clip in self.pool(part) if clip.target}
            if len(heard) < self.settings.sources or not targets:
                raise ParameterError(
                    f"{CLIP_SPLITS[part]} has clips of {len(heard)} classes, {len(targets)} of which may be targets, and "
                    f"episodes have {self.settings.sources} sounds of different classes; give more clips, houses or recordings"
                )

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Classes in the order of their numbers: those of the sounds that training hears."""
        return self.bank("train").labels

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What clips of the classes are named by."""
        return class_names(self.classes)

    @cached_property
    def _banks(self) -> dict[Part, Bank]:
        return {}

    @cached_property
    def _pools(self) -> dict[Part, list[NamedClip]]:
        return {}

    def bank(self, part: Part) -> Bank:
        """Return the sounds of a part of the set; all have the same where the user has chosen among them, or synthesises."""
        if part not in self._banks:
            same = self.sounds.split is not None or self.sounds.folds is not None or self.sounds.sounds is None
            self._banks[part] = (self.sounds if same else replace(self.sounds, split=_BANK_SPLITS[part])).open()
        return self._banks[part]

    def clips(self, index: int) -> list[NamedClip]:
        """Return the clips of a house: classes take turns over the houses of a part."""
        part = part_of(index)
        labels = [label for label in self.bank(part).labels if label in self.classes]
        clips = []
        for number in range(self.settings.clips if labels else 0):
            label = labels[(_rank(index) * self.settings.clips + number) % len(labels)]
            code = self.classes.index(label)
            name = f"{self.names[code]}_{house_name(index)}-{number}"
            clips.append(NamedClip(name, code, self.settings.clip_seconds, label not in self.settings.background))
        return clips

    def pool(self, part: Part) -> list[NamedClip]:
        """Return all clips of a part."""
        if part not in self._pools:
            houses = [index for index in range(self.houses) if part_of(index) == part]
            self._pools[part] = [clip for index in houses for clip in self.clips(index)]
        return self._pools[part]

    def splits(self, part: Part) -> dict[str, Part]:
        """Return the splits that houses of a part have episodes of, and for each the part whose clips they play.

        The key is the published name, which says how many episodes there are.
        """
        kinds: dict[str, Part] = {part: "train"} if part == "train" else {part: "train", f"{part}Unheard": part}
        houses = sum(part_of(index) == part for index in range(self.houses))
        return {f"{kind}_{houses * self._each(part)}episodes": played for kind, played in kinds.items()}

    def _each(self, part: Part) -> int:
        return self.settings.train_episodes if part == "train" else self.settings.evaluation_episodes

    def house(self, index: int) -> MadeHouse:
        """Return house ``index``.

        Raises:
            SceneError: no house of these settings has places so far apart.
        """
        settings, reason = self.settings, SceneError("no floor plan was drawn")
        for attempt in range(_PLAN_TRIES):
            plan = draw_plan(settings.plan, seeding.derive(self.seed, "active", index, "plan", attempt))
            rng = seeding.generator(self.seed, "active", index, "places", attempt)
            try:
                places = source_places(plan.graph.hops, settings.source_places, settings.rules, rng)
            except SceneError as error:
                reason = error
                continue
            return MadeHouse(plan, SceneGraph.of(house_name(index), plan.graph, dataset=settings.dataset), places)
        raise reason

    def episodes(self, index: int, house: MadeHouse, split: str, played: Part) -> list[SeparationEpisode]:
        """Return the episodes of a house in a split, which plays the clips of part ``played``."""
        kind = split.partition("_")[0]
        rng = seeding.generator(self.seed, "active", index, "episodes", kind)
        count, rules = self._each(part_of(index)), self.settings.rules
        return draw_episodes(house.scene, house.places, self.pool(played), rules, count=count, generator=rng)


def part_of(index: int) -> Part:
    """Return the part of the set that house ``index`` belongs to."""
    return TURNS[index % len(TURNS)]


def house_name(index: int) -> str:
    """Return the name of house ``index``."""
    return f"house{index:05d}"


def _rank(index: int) -> int:
    """Number of a house among those of its part."""
    rounds, turn = divmod(index, len(TURNS))
    return rounds * TURNS.count(part_of(index)) + TURNS[:turn].count(part_of(index))
