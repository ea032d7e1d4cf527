"""Houses for active separation: an item is a house with its responses, its clips, its episodes and its passive records.

On disk in the layout of SoundSpaces 1 and of the published project (arXiv:2202.00850)::

    metadata/<dataset>/<house>/{points.txt,graph.pkl}
    binaural_rirs/<dataset>/<house>/<azimuth>/<receiver>_<source>.wav
    audio_data/<sounds>/min20s_clips/{train,valUnheard,testUnheard}_preprocessed/<class>_<house>-<n>.wav
    audio_data/<sounds>/1s_chunks/{train,valUnheard}_preprocessed/<class>_<house>-<n>-<second>.wav
    audio_data/<sounds>/classes.txt                           not in the original: the classes in the order of their numbers
    passive_datasets/v1/{train,val}/<house>.pkl
    active_datasets/v1/<split>/<split>.json.gz                 episodes of the evaluation splits; of train, only where they are
    active_datasets/v1/<split>/content/<house>.json.gz         episodes of the training houses
    floor_plans/<dataset>/<house>.json                        not in the original: the house itself

Houses take turns between training, validation and test. The clips of training houses are what is *heard*; those of other
houses are *unheard*: other recordings of the same classes. What differs from the original on purpose: houses are drawn
(:mod:`auris.acoustics.floorplan_sampler`) and heard through :mod:`auris.acoustics.house_responses`; only some places of a house
carry sounds, so that a house has tens of megabytes and not tens of gigabytes; starts are far from the target, because from
beside it there is nothing to gain; there are no views.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.acoustics.house_responses import HouseEngine
from auris.data.made_sets.active_plan import CLIP_SPLITS, TURNS, ActivePlan, ActiveSettings, MadeHouse, Part, part_of
from auris.data.made_sets.house_episodes import NamedClip, draw_passive
from auris.data.made_sets.separation_clips import LongClip, clip_files, long_clip
from auris.data.production.encoding import json_bytes, text_bytes
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.sound_settings import BankSettings
from auris.dsp.hrtf import DirectionalResponses, structural_head
from auris.errors import ParameterError
from auris.geometry.navigation import HEADINGS, azimuth_folder
from auris.io.separation_episodes import episodes_bytes, passive_bytes, passive_path, split_folder
from auris.io.soundspaces import SAMPLE_RATE, metadata_files, response_bytes, response_path
from auris.models.configuration import plain_of

__all__ = ["ActiveMaker", "ActiveSettings"]

Singles = NDArray[np.float32]

_CHUNKED = ("train", "val")


class ActiveMaker:
    """Makes houses for active separation; see the module's text for what a set holds."""

    def __init__(self, settings: ActiveSettings, *, items: int, sounds: BankSettings, seed: int) -> None:
        """Say how many houses.

        Raises:
            ParameterError: there are fewer classes of sounds than an episode has sources.
            FormatError: the sounds cannot be read.
        """
        self._settings, self._items, self._seed = settings, items, seed
        self._set = ActivePlan(settings, items, sounds, seed)
        if settings.clips:
            self._set.check()

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("_settings", "_items", "_seed", "_set")}

    @property
    def preset(self) -> str:
        """Name of the kind of set."""
        return "active"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes."""
        plain = plain_of(self._settings)
        if self._settings.hrtf is not None:
            plain["hrtf"] = Path(self._settings.hrtf).name
        return {**plain, "sounds": self._set.sounds.plain(), "seed": self._seed, "items": self._items}

    def __len__(self) -> int:
        return self._items

    @property
    def seconds(self) -> float:
        """Seconds of audio in all items: the long clips."""
        return self._items * self._settings.item_seconds

    def balance(self) -> Mapping[str, float]:
        """Return the share of each class among the heard clips."""
        heard = [self._set.classes[clip.label] for clip in self._set.pool("train")]
        return {label: heard.count(label) / len(heard) for label in self._set.classes if label in heard}

    def make(self, index: int) -> MadeItem:
        """Return house ``index``; see :meth:`auris.data.production.maker.Maker.make`."""
        if not 0 <= index < self._items:
            raise ParameterError(f"this set has the items 0 to {self._items - 1}, got {index}")
        settings, part, house = self._settings, part_of(index), self._set.house(index)
        engine = HouseEngine(
            house.plan,
            SAMPLE_RATE,
            head=_head(settings.hrtf, settings.head_radius),
            images=settings.images,
            seed=seeding.derive(self._seed, "active", index, "responses") >> 1,
        )
        files = [
            MadeFile(path, Path(path).name, content) for path, content in metadata_files(house.scene, dataset=settings.dataset)
        ]
        plan_path = f"floor_plans/{settings.dataset}/{house.scene.name}.json"
        files.append(MadeFile(plan_path, "plan.json", json_bytes(house.plan.to_dict())))
        files += self._responses(house, engine)
        files += self._happenings(index, part, house)
        clips = [(named, self._clip(index, number, named)) for number, named in enumerate(self._set.clips(index))]
        for named, clip in clips:
            files += clip_files(
                clip,
                named.name,
                bank_name=settings.sounds_name,
                split=CLIP_SPLITS[part],
                sample_rate=SAMPLE_RATE,
                chunks=settings.chunks if part in _CHUNKED else 0,
            )
        return MadeItem(house.scene.name, tuple(files), {"split": part, **self._facts(house, engine, clips)})

    def _responses(self, house: MadeHouse, engine: HouseEngine) -> Iterator[MadeFile]:
        settings = self._settings
        gain = np.float32(10 ** (settings.response_gain_db / 20))
        for source in house.places.tolist():
            responses = engine.responses(source, np.arange(len(house.scene.graph))) * gain
            lengths = _lengths(responses, settings.response_range_db)
            for receiver, (response, length) in enumerate(zip(responses, lengths, strict=True)):
                for heading in range(HEADINGS):
                    path = response_path(settings.dataset, house.scene.name, source=source, receiver=receiver, heading=heading)
                    content = response_bytes(response[heading, :, :length], subtype=settings.response_subtype)
                    yield MadeFile(path, f"rir.{azimuth_folder(heading)}.{receiver}_{source}.wav", content)

    def _happenings(self, index: int, part: Part, house: MadeHouse) -> Iterator[MadeFile]:
        """Passive records, and the episodes of a training house."""
        settings = self._settings
        if part != "test" and settings.passive_records:
            rng = seeding.generator(self._seed, "active", index, "passive")
            records = draw_passive(
                house.scene.graph.hops, house.places, settings.rules, count=settings.passive_records, generator=rng
            )
            yield MadeFile(passive_path(part, house.scene.name), "passive.pkl", passive_bytes(house.scene.name, records))
        if part == "train" and settings.clips:
            for split, played in self._set.splits(part).items():
                content = episodes_bytes(self._set.episodes(index, house, split, played))
                yield MadeFile(f"{split_folder(split)}/content/{house.scene.name}.json.gz", "episodes.json.gz", content)

    def _clip(self, index: int, number: int, named: NamedClip) -> LongClip:
        return long_clip(
            self._set.bank(part_of(index)),
            self._set.classes[named.label],
            seconds=named.seconds,
            sample_rate=SAMPLE_RATE,
            level_db=self._settings.clip_level_db,
            generator=seeding.generator(self._seed, "active", index, "clip", number),
        )

    def _facts(self, house: MadeHouse, engine: HouseEngine, clips: list[tuple[NamedClip, LongClip]]) -> dict[str, Any]:
        """What is known of a house without opening its files; ``t60`` is what is heard, averaged over octaves."""
        plan, t60 = house.plan, engine.rooms.t60.mean(axis=1)
        rooms = [
            {"name": room.name, "area": room.area, "t60": round(float(time), 3)}
            for room, time in zip(plan.rooms, t60, strict=True)
        ]
        events = [
            {"label": self._set.classes[named.label], "clip": named.name, "onset": 0.0, "offset": float(named.seconds)}
            for named, _ in clips
        ]
        return {
            "seconds": self._settings.item_seconds,
            "house": {
                "size": list(plan.size),
                "places": len(house.scene.graph),
                "source_places": house.places.tolist(),
                "responses": HEADINGS * len(house.places) * len(house.scene.graph),
                "rooms": rooms,
            },
            "room": {
                "dimensions": [*map(float, plan.size), plan.height],
                "t60": round(float(t60.mean()), 3),
                "volume": round(plan.size[0] * plan.size[1] * plan.height, 3),
            },
            "gain_db": {"responses": self._settings.response_gain_db, **_turned_down(clips)},
            "events": events,
            "recordings": sorted({file for _, clip in clips for file in clip.recordings}),
        }

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the classes in the order of their numbers, and the files of each split that houses have episodes of."""
        parts = {item.index: part_of(item.index) for item in facts}
        if not self._settings.clips:
            return
        path = f"audio_data/{self._settings.sounds_name}/classes.txt"
        yield MadeFile(path, "classes.txt", text_bytes("".join(f"{name}\n" for name in self._set.names)))
        for part in dict.fromkeys(TURNS):
            houses = [index for index, found in parts.items() if found == part]
            for split, played in self._set.splits(part).items() if houses else ():
                evaluated = houses if part != "train" else []
                episodes = [e for index in evaluated for e in self._set.episodes(index, self._set.house(index), split, played)]
                content = episodes_bytes(episodes, content=part == "train")
                yield MadeFile(f"{split_folder(split)}/{split}.json.gz", f"{split}.json.gz", content)


@lru_cache(maxsize=2)
def _head(hrtf: str | None, radius: float) -> DirectionalResponses:
    """The head that listens; kept, because its tables take seconds to make."""
    if hrtf is None:
        return structural_head(SAMPLE_RATE, head_radius=radius)
    from auris.io.sofa import read_hrtf

    return read_hrtf(hrtf).resampled(SAMPLE_RATE)


def _turned_down(clips: list[tuple[NamedClip, LongClip]]) -> dict[str, float]:
    return {named.name: clip.gain_db for named, clip in clips if clip.gain_db}


def _lengths(responses: Singles, range_db: float) -> NDArray[np.int64]:
    """Samples ``(P,)`` after which less than ``range_db`` below the energy of a response ``(P, 4, 2, L)`` is left."""
    energy = np.sum(np.square(responses, dtype=np.float64), axis=(1, 2))
    left = np.cumsum(energy[:, ::-1], axis=1)[:, ::-1]
    wanted = left > left[:, :1] * 10 ** (-range_db / 10)
    return np.asarray(np.maximum(wanted.sum(axis=1), 1))
