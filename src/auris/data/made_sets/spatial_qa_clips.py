"""Dry clips in the manner of AudioSet, made from a bank of sounds: ten seconds, one channel, one class or several."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from auris import seeding
from auris.audio import Audio
from auris.data.made_sets.classes import ClassTable, class_table
from auris.data.made_sets.spatial_qa_settings import SPLITS, SpatialSoundQaSettings
from auris.data.production.encoding import encoded_audio, scaled_to_peak
from auris.data.production.maker import MadeFile, MadeItem
from auris.data.sound_bank import Bank, SoundBank
from auris.data.sound_settings import BankSettings
from auris.errors import FormatError, ParameterError, SceneError
from auris.io.spatial_sound_qa import AudioSetClasses
from auris.scene import Sound

FOLDERS: Mapping[str, str] = {"train": "balanced_train/audio", "eval": "eval/audio"}
_PEAK = 0.9
_TRIES = 20


@dataclass(frozen=True)
class ClipSound:
    """A sound of a clip.

    Attributes:
        label: its class.
        sound: what is played.
        onset: seconds from the clip's beginning.
        offset: seconds.
        level_db: against the first sound of the clip.
    """

    label: str
    sound: Sound
    onset: float
    offset: float
    level_db: float


@dataclass(frozen=True)
class ClipPlan:
    """What is heard in a clip.

    Attributes:
        split: ``train`` or ``eval``.
        number: in its split.
        sounds: one or several.
        classes: of all its sounds, in the order of the sounds, each once.
    """

    split: str
    number: int
    sounds: tuple[ClipSound, ...]
    classes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its file, which begins with Y as those of AudioSet."""
        return f"Y{self.split}{self.number:06d}"

    @property
    def audio_id(self) -> str:
        """Its file below the folder of all audio, without extension."""
        return f"{FOLDERS[self.split]}/{self.name}"


class QaSounds:
    """The recordings of a set by split, opened by the process that first needs them; they are sent to others unopened."""

    def __init__(self, settings: SpatialSoundQaSettings, sounds: BankSettings) -> None:
        """Divide the recordings between the splits.

        Raises:
            ParameterError: the sounds are limited to a part of the recordings, which leaves none for another split.
        """
        self.banks = {split: _of_split(settings, sounds, split) for split in SPLITS if _needed(settings, split)}

    def __getstate__(self) -> dict[str, Any]:
        return {"banks": self.banks}

    def plain(self) -> dict[str, Any]:
        """Return what decides about the bytes of a set, plain."""
        return {split: bank.plain() for split, bank in self.banks.items()}

    @cached_property
    def opened(self) -> dict[str, Bank]:
        """The banks of the splits.

        Raises:
            FormatError: a split has no recordings.
        """
        opened = {}
        for split, bank in self.banks.items():
            try:
                opened[split] = bank.open()
            except FormatError as error:
                hint = "; give train_folds and eval_folds, or eval_share=0" if bank.split or bank.folds else ""
                raise FormatError(f"{error}{hint}") from None
        return opened

    @cached_property
    def _recordings(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """All classes of recordings that have several, by split and file."""
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for split, settings in self.banks.items():
            opened = self.opened[split]
            if settings.sounds is not None and 0 < settings.procedural < 1:
                opened = replace(settings, procedural=0.0).open()
            clips = [clip for some in opened.clips.values() for clip in some] if isinstance(opened, SoundBank) else []
            found[split] = {clip.file: (clip.label, *clip.others) for clip in clips if clip.others}
        return found

    def labels_of(self, split: str, sound: Sound) -> tuple[str, ...]:
        """Return all labels of a recording that has several: what is played for one of them is heard with the others."""
        return () if sound.file is None else self._recordings[split].get(sound.file, ())


def _needed(settings: SpatialSoundQaSettings, split: str) -> bool:
    return settings.eval_share > 0 if split == "eval" else settings.eval_share < 1


def _of_split(settings: SpatialSoundQaSettings, sounds: BankSettings, split: str) -> BankSettings:
    folds = settings.train_folds if split == "train" else settings.eval_folds
    limited = sounds.split is not None or sounds.folds is not None
    if limited and (folds is not None or 0 < settings.eval_share < 1):
        raise ParameterError(
            "this set divides the recordings itself: give train_folds and eval_folds instead of a split or folds of the "
            "sounds, or make one part alone with eval_share=0 or eval_share=1"
        )
    if folds is not None:
        return replace(sounds, folds=folds)
    if limited or sounds.sounds is None:
        return sounds
    return replace(sounds, split="train" if split == "train" else "test")


class QaClips:
    """The dry clips of a set: which there are, and how they sound."""

    def __init__(self, settings: SpatialSoundQaSettings, sounds: QaSounds, seed: int) -> None:
        self._settings, self._sounds, self._seed = settings, sounds, seed
        self.plan = lru_cache(maxsize=1 << 14)(self._plan)
        self.heard = lru_cache(maxsize=16)(self._heard)

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self._settings, "sounds": self._sounds, "seed": self._seed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @cached_property
    def table(self) -> ClassTable:
        """The classes of both splits, with their sounds."""
        labels = sorted({label for bank in self._sounds.opened.values() for label in bank.labels})
        table = class_table(labels, self._settings.numbering, chosen=self._settings.classes)
        if odd := [name for name in table.numbered.display_names if ";" in name]:
            raise ParameterError(f"a semicolon joins classes in answers, so none may hold one; rename the class {odd[0]!r}")
        return table

    @cached_property
    def _tables(self) -> dict[str, ClassTable]:
        return {split: self.table.among(bank.labels) for split, bank in self._sounds.opened.items()}

    @cached_property
    def _class_of_sound(self) -> dict[str, str]:
        return {sound: label for label, sounds in self.table.sounds.items() for sound in sounds}

    def classes(self, split: str) -> tuple[str, ...]:
        """Return the classes that clips of a split are made of."""
        return self._tables[split].drawn

    def listed(self) -> AudioSetClasses:
        """Return all classes as they are listed: identifiers (of AudioSet, where the class list has them) and names."""
        numbered = self.table.numbered
        codes = numbered.codes or ("",) * len(numbered)
        mids = tuple(code or f"/auris/{label}" for code, label in zip(codes, numbered.labels, strict=True))
        return AudioSetClasses(mids, numbered.display_names)

    def name_of(self, label: str) -> str:
        """Return how a class is called."""
        return self.table.numbered.display_names[self.table.numbered.index(label)]

    def item(self, split: str, number: int) -> MadeItem:
        """Return a clip as an item.

        Raises:
            SceneError: its sounds cannot be played.
        """
        plan = self.plan(split, number)
        content, gain_db = self._encoded(plan)
        mids = dict(zip(self.table.numbered.labels, self.listed().mids, strict=True))
        facts = {
            "kind": "clip",
            "split": split,
            "seconds": self._settings.clip_seconds,
            "folder": FOLDERS[split],
            "labels": list(plan.classes),
            "mids": [mids[label] for label in plan.classes],
            "recordings": sorted({part.sound.file for part in plan.sounds if part.sound.file is not None}),
            "syntheses": sorted({part.sound.synthesis for part in plan.sounds if part.sound.synthesis is not None}),
            "gain_db": gain_db,
        }
        return MadeItem(plan.name, (MadeFile(f"AudioSet/{plan.audio_id}.wav", "mono.wav", content),), facts)

    def _plan(self, split: str, number: int) -> ClipPlan:
        """Draw a clip: classes take turns; a second class is drawn from the others."""
        settings, table = self._settings, self._tables[split]
        rng = seeding.generator(self._seed, "spatial-sound-qa", split, "clip", number)
        drawn = table.drawn
        turn, place = divmod(number, len(drawn))
        first = int(seeding.generator(self._seed, "spatial-sound-qa", split, "classes", turn).permutation(len(drawn))[place])
        shares = np.asarray(settings.classes_per_clip) / sum(settings.classes_per_clip)
        count = min(1 + int(rng.choice(len(shares), p=shares)), len(drawn))
        further = rng.permutation([n for n in range(len(drawn)) if n != first])[: count - 1]
        sounds = tuple(self._sound(split, drawn[n], rng, further=bool(rank)) for rank, n in enumerate([first, *further]))
        return ClipPlan(split, number, sounds, self._all_classes(split, sounds))

    def _sound(self, split: str, label: str, rng: np.random.Generator, *, further: bool) -> ClipSound:
        settings = self._settings
        sounds = self._tables[split].sounds[label]
        lasts = float(rng.uniform(*settings.event_duration))
        onset = round(float(rng.uniform(0, settings.clip_seconds - lasts)), 3)
        offset = round(min(onset + lasts, settings.clip_seconds), 3)
        level = round(float(rng.uniform(*settings.level_db)), 2) if further else 0.0
        sound = self._sounds.opened[split].pick(sounds[int(rng.integers(len(sounds)))], rng, duration=offset - onset)
        return ClipSound(label, sound, onset, offset, level)

    def _all_classes(self, split: str, sounds: tuple[ClipSound, ...]) -> tuple[str, ...]:
        found = [part.label for part in sounds]
        for part in sounds:
            labels = self._sounds.labels_of(split, part.sound)
            found += [self._class_of_sound[label] for label in labels if label in self._class_of_sound]
        return tuple(dict.fromkeys(found))

    def _heard(self, split: str, number: int) -> NDArray[np.float32]:
        """Return the samples of a clip as they are read from its file."""
        content, _ = self._encoded(self.plan(split, number))
        samples, _ = soundfile.read(io.BytesIO(content), dtype="float32")
        return np.asarray(samples)

    def _encoded(self, plan: ClipPlan) -> tuple[bytes, float]:
        rate = self._settings.sample_rate
        mixture = np.zeros(round(self._settings.clip_seconds * rate), np.float32)
        for part in plan.sounds:
            first, last = round(part.onset * rate), min(round(part.offset * rate), len(mixture))
            try:
                dry = self._sounds.opened[plan.split].dry(part.sound, rate, (last - first) / rate)
            except SceneError as error:
                raise SceneError(f"clip {plan.name}: {error}") from None
            mixture[first:last] += dry[: last - first] * np.float32(10 ** (part.level_db / 20))
        scaled, gain_db = scaled_to_peak(mixture, _PEAK)
        return encoded_audio(Audio(scaled, rate, "mono"), form="wav", subtype="PCM_16"), gain_db
