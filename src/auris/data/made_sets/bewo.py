"""Sets as BEWO-1M: stereo clips of still, moving, double and mixed sources, with captions (arXiv:2410.10676).

On disk as published (:mod:`auris.io.bewo`), and besides the scene of every clip, to render it again::

    BEWO_{SS,SD,DS,Mix}_Audio_v1/<table>/<audio_name>.wav       44.1 kHz, two omnidirectional microphones 0.17 m apart
    BEWO_{SS,SD,DS,Mix}_Annotation_v1/<table>.jsonl             one line per clip
    scenes/<audio_name>.json                                    not in the original

The original's simulation was never released; of its rules only the shares in its figure and the fields of its lines are known.
The rest is chosen here, a field of :class:`BewoSettings` each. Scenes keep the axes of the records: the listener looks along y.

A source that moves ``instantly`` rests, jumps at ``change_step``, and rests. Its scene has it as a path whose middle step takes
:data:`JUMP`; what is rendered is two resting sources whose dry sound is cross-faded over :data:`CROSS_FADE`, so that nothing
flies by at supersonic speed, and the first room's reverberation rings on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.acoustics.air import speed_of_sound
from auris.acoustics.renderer import render
from auris.audio import Audio
from auris.channels import stereo
from auris.data.dry import dry_signals
from auris.data.language.attributes import SceneAttributes, attributes_to_plain
from auris.data.language.captions import caption, mentioned
from auris.data.language.rewriting import Rewriting, keeps_meaning
from auris.data.made_sets.bewo_scenes import BewoScene, DrawnSource, drawn_scene
from auris.data.made_sets.bewo_settings import BewoSettings
from auris.data.made_sets.ranges import checked_count
from auris.data.made_sets.scene_items import AudioForms, SetSounds, scene_file
from auris.data.production.encoding import json_bytes, jsonl_bytes
from auris.data.production.facts import scene_facts
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.stems import BankSettings
from auris.errors import ParameterError
from auris.geometry.trajectories import Static
from auris.io.bewo import SUBSETS, BewoRecord, Subset, record_to_plain, table_name
from auris.models.configuration import plain_of
from auris.scene import Scene, Source

__all__ = ["CROSS_FADE", "BewoMaker", "BewoSettings", "stereo_pair"]

CROSS_FADE = 0.005  # seconds
_GOLDEN = 0.6180339887498949  # places of successive items; any stretch of them has the shares of the whole


class BewoMaker:
    """Makes such a set."""

    preset = "bewo"

    def __init__(self, settings: BewoSettings, *, items: int, sounds: BankSettings, seed: int) -> None:
        """Say what is made; raises :class:`ParameterError` for a seed or a number of items that cannot be."""
        self._settings, self._seed = settings, seed
        self._items = checked_count("items", items, 1, 2**32 - 1)
        self._first = float(seeding.generator(seed, "bewo", "subsets").random())
        self._sounds = SetSounds(sounds)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_rewriting"}

    def __len__(self) -> int:
        return self._items

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes."""
        plain = {**plain_of(self._settings), "rewrite": self._settings.rewrite.to_dict()}
        return {**plain, "sounds": self._sounds.to_dict(), "seed": self._seed, "items": self._items}

    @property
    def seconds(self) -> float:
        """Seconds of audio."""
        return self._items * self._settings.duration

    def balance(self) -> Mapping[str, float]:
        """Return the expected share of each class among the sources."""
        labels = self._labels
        return {label: 1 / len(labels) for label in labels}

    @property
    def _labels(self) -> tuple[str, ...]:
        """Classes that are drawn.

        Raises:
            ParameterError: a clip has more sources than there are classes.
        """
        labels, most = self._sounds.bank.labels, self._settings.most_sources
        if len(labels) < most:
            raise ParameterError(
                f"clips have up to {most} sources of different classes, but there are only {len(labels)} classes"
            )
        return labels

    @cached_property
    def _rewriting(self) -> Rewriting | None:
        return self._settings.rewrite.open()

    def make(self, index: int) -> MadeItem:
        """Return clip ``index``; see :meth:`auris.data.production.maker.Maker.make`."""
        if not 0 <= index < self._items:
            raise ParameterError(f"this set has the items 0 to {self._items - 1}, got {index}")
        settings, bank = self._settings, self._sounds.bank
        subset = self._subset(index)
        table = table_name(subset, settings.split, collection=settings.collection)
        name = f"{seeding.derive(self._seed, 'bewo', index, 'name') >> 32:08x}{index:08x}"
        drawn = drawn_scene(
            settings, subset, bank, self._labels, seed=seeding.derive(self._seed, "bewo", index) >> 1, name=name
        )
        forms = AudioForms(settings.form, settings.subtype, 10 ** (settings.peak_db / 20))
        content, gain_db = forms.encoded(
            stereo_pair(drawn.scene, dry_signals(drawn.scene, bank, settings.sample_rate), settings)
        )
        text, rewritten = self._caption(drawn.attributes, index)
        record = record_to_plain(_record(drawn, settings, name=name, text=text))
        files = (
            MadeFile(f"BEWO_{subset}_Audio_v1/{table}/{name}.{settings.form}", f"stereo.{settings.form}", content),
            scene_file(name, drawn.scene),
        )
        facts = {
            "split": settings.split,
            "subset": subset,
            "table": table,
            "text": text,
            **({} if self._settings.rewrite.by == "none" else {"rewritten": rewritten}),
            "attributes": attributes_to_plain(drawn.attributes),
            **scene_facts(drawn.scene, sample_rate=settings.sample_rate),
            "gain_db": {"stereo": gain_db},
            "record": record,
        }
        return MadeItem(name, files, facts)

    def _subset(self, index: int) -> Subset:
        """Which subset an item belongs to: a low-discrepancy sequence, so that few items have nearly the right shares too."""
        bounds = np.cumsum(self._settings.subset_shares) / sum(self._settings.subset_shares)
        place = (self._first + index * _GOLDEN) % 1.0
        return SUBSETS[min(int(np.searchsorted(bounds, place, side="right")), len(SUBSETS) - 1)]

    def _caption(self, attributes: SceneAttributes, index: int) -> tuple[str, bool]:
        """The caption, and whether a model wrote it."""
        seed = seeding.derive(self._seed, "bewo", index, "caption")
        said = mentioned(attributes, seed=seed, shares=self._settings.mentions)
        text = caption(said, seed=seed)
        if self._rewriting is None:
            return text, False
        rewritten = self._rewriting.rewrite(text, accept=keeps_meaning(said))
        return rewritten.text, rewritten.outcome != "fallback"

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the annotations, and with rewriting a count of the captions that a model wrote and of those it did not."""
        records: dict[tuple[str, str], list[Any]] = {}
        captions = {"rewritten": 0, "grammar": 0}
        for item in facts:
            records.setdefault((item.facts["subset"], item.facts["table"]), []).append(item.facts["record"])
            captions["rewritten" if item.facts.get("rewritten") else "grammar"] += 1
        for (subset, table), rows in records.items():
            yield MadeFile(f"BEWO_{subset}_Annotation_v1/{table}.jsonl", f"{table}.jsonl", jsonl_bytes(rows))
        if self._settings.rewrite.by != "none":
            yield MadeFile("captions.json", "captions.json", json_bytes(captions))


def stereo_pair(scene: Scene, dry: NDArray[np.float32], settings: BewoSettings) -> Audio:
    """Return what the two microphones hear of a scene.

    The travel time that the first sound to arrive needs is taken out of the whole recording, unless the settings keep it;
    differences between sources and between the microphones stay.
    """
    rate, pair = settings.sample_rate, stereo(settings.spacing)
    lead = 0
    if settings.propagation == "relative":
        lead = int(min(_first_arrival(scene, source, settings.spacing) for source in scene.sources) * rate)
    staged, emitted = without_jumps(scene, dry, rate)
    longer = staged.with_(duration=scene.duration + lead / rate)
    heard = render(longer, emitted, layout=pair, sample_rate=rate).mixture.samples
    return Audio(np.ascontiguousarray(heard[:, lead : lead + dry.shape[1]]), rate, pair)


def _first_arrival(scene: Scene, source: Source, spacing: float) -> float:
    """Seconds until what a source emits first is heard by the nearer microphone."""
    onset = source.events[0].onset
    x, y, z = scene.relative_positions(source.path, onset)[0]
    nearest = np.linalg.norm((x, abs(y) - spacing / 2, z))
    temperature = 20.0 if scene.room is None else scene.room.temperature
    return onset + float(nearest) / speed_of_sound(temperature)


def without_jumps(scene: Scene, dry: NDArray[np.float32], rate: int) -> tuple[Scene, NDArray[np.float32]]:
    """Put two resting sources in the place of each that jumps, and divide its sound among them."""
    sources: list[Source] = []
    rows: list[NDArray[np.float32]] = []
    for source, row in zip(scene.sources, dry, strict=True):
        jump = DrawnSource.jump_of(source.path)
        if jump is None:
            sources.append(source)
            rows.append(row)
            continue
        moment, before, after = jump
        turned = np.clip((np.arange(row.size) / rate - moment) / CROSS_FADE + 0.5, 0, 1) * (np.pi / 2)
        # The same sound at two places adds up like noise, so powers are kept.
        for place, gain in ((before, np.cos(turned)), (after, np.sin(turned))):
            sources.append(replace(source, path=Static(place)))
            rows.append((row * np.where(gain < 1e-6, 0, gain)).astype(np.float32))
    return scene.with_(sources=tuple(sources)), np.stack(rows)


def _record(drawn: BewoScene, settings: BewoSettings, *, name: str, text: str) -> BewoRecord:
    x, y, z = drawn.centre
    half = settings.spacing / 2
    parts = drawn.sources
    return BewoRecord(
        audio_name=name,
        meta=tuple(f"{part.origin}&{part.clip}" for part in parts),
        caption=text,
        room_size=drawn.box,
        micro_pos=((round(x - half, 6), round(x + half, 6)), (y, y), (z, z)),
        start=tuple(drawn.place(part.start) for part in parts),
        end=tuple(drawn.place(part.end) for part in parts),
        RT60=drawn.t60,
        change_step=tuple(part.change_step for part in parts),
        raw_start=tuple(part.first_class for part in parts),
        raw_end=tuple(part.last_class for part in parts),
        start_angle=tuple(drawn.angle(part.start) for part in parts),
        end_angle=tuple(drawn.angle(part.end) for part in parts),
        raw_speed=tuple(part.speed for part in parts),
        speed_ratio=tuple(part.ratio for part in parts),
        move_start_time=tuple(round(part.begins * settings.sample_rate) for part in parts),
        raw_audio_path=tuple(part.clip for part in parts),
    )
