"""Sets of your own: scenes of any distributions, heard with anything, labelled in any year's form.

On disk::

    <layout>/<name>.flac    what is heard, for each layout; <name> is the prefix and the number of the scene
    labels/<name>.csv       DCASE labels of the year that is asked for
    scenes/<name>.json      the scene, to render it again
    classes.txt             the class numbers of the labels
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from auris import seeding
from auris.acoustics.motion import Motion
from auris.channels import ChannelLayout
from auris.data.dry import dry_signals
from auris.data.made_sets.classes import ClassTable, class_table
from auris.data.made_sets.ranges import Range, checked_count, checked_names, checked_number, checked_range
from auris.data.made_sets.scene_items import AudioForms, SetSounds, audio_files, scene_file, scene_mixtures
from auris.data.production.encoding import FLAC_CHANNELS, AudioForm, Subtype, text_bytes
from auris.data.production.facts import scene_facts
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.scene_presets import ScenePreset, preset
from auris.data.scene_sampler import sample_scene
from auris.data.sound_settings import BankSettings
from auris.dsp.hrtf import DirectionalResponses
from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.dcase import dcase_text
from auris.io.frame_labels import scene_to_rows
from auris.models.configuration import plain_of
from auris.scene import Scene

_PREFIX = r"[A-Za-z0-9_-]+"


@dataclass(frozen=True)
class CustomSettings:
    """Everything that is drawn for a scene, and what is written of it.

    Attributes:
        base: scenes to begin from, one of :data:`auris.data.scene_presets.PRESETS`.
        scene: what is different, by the fields of :class:`auris.data.scene_presets.ScenePreset`, each a distribution:
            ``scene.t60=[0.2,0.4]``, ``scene.sources=[1,2]``, ``scene.duration=10``.
        layouts: what hears the scenes: ``mono``, ``stereo``, ``binaural``, ``foa``, ``hoa2`` … ``hoa7``, ``tetra``.
        sample_rate: hertz.
        hrtf: SOFA file of the head of ``binaural``; null takes the built-in head.
        motion: ``doppler`` or ``crossfade``; see :func:`auris.acoustics.renderer.render`.
        numbering: class list that numbers the classes: a name of :mod:`auris.vocabulary` or the path of a table, to which the
            sounds are mapped; null numbers the classes of the sounds alphabetically.
        year: DCASE label form, 2020 to 2025; null for none.
        prefix: of the names of scenes.
        ambience: folder of recorded ambience in all layouts (:mod:`auris.data.ambience`); null for none.
        ambience_snr_db: ambience below the sources, a range.
        snr_channel: channel on which all ratios of the background hold: ``first``, ``mean``, or a name of every layout.
        colour: of the diffuse noise, ``pink`` or ``white``.
        form: ``flac`` (up to 8 channels) or ``wav``.
        subtype: ``PCM_16``, ``PCM_24``, or ``FLOAT`` (wav only).
        peak: largest sample of every recording, re full scale; null keeps the rendered level where it does not clip.
    """

    base: str = "static"
    scene: Mapping[str, Any] = field(default_factory=dict)
    layouts: tuple[str, ...] = ("foa",)
    sample_rate: int = 24_000
    hrtf: str | None = None
    motion: Motion = "doppler"
    numbering: str | None = None
    year: int | None = 2024
    prefix: str = "scene"
    ambience: str | None = None
    ambience_snr_db: Range = (6.0, 30.0)
    snr_channel: str = "first"
    colour: Literal["pink", "white"] = "pink"
    form: AudioForm = "flac"
    subtype: Subtype = "PCM_16"
    peak: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "scene", dict(self.scene))
        _ = self.preset
        names = [ChannelLayout.parse(layout).name for layout in self.layouts]
        checked_names("layouts", names, names)
        wide = [name for name in names if ChannelLayout.parse(name).channels > FLAC_CHANNELS]
        if wide and self.form == "flac":
            raise ParameterError(f"flac holds {FLAC_CHANNELS} channels, fewer than {', '.join(wide)}; set form=wav")
        checked_count("sample_rate", self.sample_rate, 8_000, 96_000)
        if self.year is not None:
            checked_count("year", self.year, 2020, 2025)
        if self.peak is not None:
            checked_number("peak", self.peak, 0.001, 1.0)
        object.__setattr__(self, "ambience_snr_db", checked_range("ambience_snr_db", self.ambience_snr_db, -60, 200))
        if not re.fullmatch(_PREFIX, self.prefix):
            raise ParameterError(f"prefix must be letters, digits, dash and underscore, got {self.prefix!r}")
        if self.hrtf is not None and "binaural" not in names:
            raise ParameterError(f"hrtf is the head of a binaural layout, but layouts are {', '.join(names)}")

    @property
    def preset(self) -> ScenePreset:
        """The distributions: those of the base, with the changes.

        Raises:
            ParameterError: base or a field is unknown, or a value impossible.
        """
        return ScenePreset.from_dict({**preset(self.base).to_dict(), **self.scene})

    @property
    def item_seconds(self) -> float:
        """Seconds of audio in one item."""
        return self.preset.duration


class CustomMaker:
    """Makes such a set."""

    preset = "custom"

    def __init__(self, settings: CustomSettings, *, items: int, sounds: BankSettings, seed: int) -> None:
        """Say what is made; raises :class:`ParameterError` for a number of items that cannot be."""
        self._settings, self._seed = settings, seed
        self._items = checked_count("items", items, 1, 10**8)
        self._sounds = SetSounds(sounds, ambience=settings.ambience)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_table", "_ranges", "_head")}

    def __len__(self) -> int:
        return self._items

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides about the bytes; the head by a digest of its file."""
        plain = plain_of(self._settings) | {"scene": self._settings.preset.to_dict(), "ambience": None}
        plain |= {"numbering": list(self._table.numbered), "hrtf": _digest(self._settings.hrtf)}
        return {**plain, "sounds": self._sounds.to_dict(), "seed": self._seed, "items": self._items}

    @property
    def seconds(self) -> float:
        """Seconds of audio, all layouts of a scene counted once."""
        return self._items * self._settings.preset.duration

    @cached_property
    def _table(self) -> ClassTable:
        chosen = self._settings.preset.labels
        labels = self._sounds.bank.labels
        for label in chosen or ():
            if label not in labels:
                raise ParameterError(unknown_name("sound (scene.labels)", label, labels))
        return class_table([label for label in labels if chosen is None or label in chosen], self._settings.numbering)

    @cached_property
    def _ranges(self) -> ScenePreset:
        """The distributions, with the labels of all sounds that stand for a class."""
        played = sorted(sound for sounds in self._table.sounds.values() for sound in sounds)
        return replace(self._settings.preset, labels=tuple(played))

    @cached_property
    def _head(self) -> DirectionalResponses | None:
        if self._settings.hrtf is None:
            return None
        from auris.io.sofa import read_hrtf

        return read_hrtf(self._settings.hrtf).resampled(self._settings.sample_rate)

    def balance(self) -> Mapping[str, float]:
        """Return the expected share of each class; classes that several sounds stand for come as often as these do."""
        count = len(self._ranges.labels or ())
        return {label: len(self._table.sounds[label]) / count for label in self._table.drawn}

    def make(self, index: int) -> MadeItem:
        """Return scene ``index``; see :meth:`auris.data.production.maker.Maker.make`."""
        settings = self._settings
        scene = self.scene(index)
        name = scene.name
        dry = dry_signals(scene, self._sounds.bank, settings.sample_rate)
        mixtures = scene_mixtures(
            scene,
            dry,
            {ChannelLayout.parse(layout).name: layout for layout in settings.layouts},
            sample_rate=settings.sample_rate,
            hrtf=self._head,
            motion=settings.motion,
            ambience=self._sounds.ambience,
        )
        files, gains = audio_files(name, mixtures, AudioForms(settings.form, settings.subtype, settings.peak))
        if settings.year is not None:
            text = dcase_text(scene_to_rows(scene, self._table.numbered.labels), year=settings.year)
            files.append(MadeFile(f"labels/{name}.csv", "labels.csv", text_bytes(text)))
        files.append(scene_file(name, scene))
        return MadeItem(name, tuple(files), {**scene_facts(scene, sample_rate=settings.sample_rate), "gain_db": gains})

    def scene(self, index: int) -> Scene:
        """Draw scene ``index`` without rendering it.

        Raises:
            ParameterError: there is no such item.
            SceneError: the distributions ask for something impossible.
        """
        settings = self._settings
        if not 0 <= index < self._items:
            raise ParameterError(f"this set has the items 0 to {self._items - 1}, got {index}")
        drawn = sample_scene(self._ranges, self._sounds.bank, seeding.derive(self._seed, "custom", index))
        names = {sound: label for label, sounds in self._table.sounds.items() for sound in sounds}
        sources = tuple(replace(source, label=names[source.label]) for source in drawn.sources)
        background = replace(drawn.background, colour=settings.colour, snr_channel=settings.snr_channel)
        if self._sounds.ambience is not None:
            rng = seeding.generator(self._seed, "custom", index, "ambience")
            snr = float(rng.uniform(*settings.ambience_snr_db))
            background = self._sounds.ambience.drawn(
                background, settings.layouts, duration=drawn.duration, snr_db=snr, generator=rng
            )
        return drawn.with_(sources=sources, background=background, name=f"{settings.prefix}_{index:06d}")

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        """Yield the class names in the order of their numbers."""
        yield MadeFile("classes.txt", "classes.txt", text_bytes("".join(f"{label}\n" for label in self._table.numbered)))


def _digest(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return hashlib.blake2b(Path(path).read_bytes(), digest_size=8).hexdigest()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error})") from None
