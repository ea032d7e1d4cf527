"""Where the sounds of a scene come from: recordings in folders, procedural synthesis, or a mixture of both.

A bank speaks four verbs (:class:`Bank`): it *picks* a :class:`~auris.scene.Sound` of a class, tells how long that sound
lasts, gives an *excerpt* of it as recorded, and a *dry* signal at unit level. A sound carries everything needed to play
it again (file, start, seed), so a scene file and the folder are enough to repeat a rendering.

How a recording is played: from ``sound.start`` on, mono, without anything below 25 Hz (wind and handling noise would
otherwise set the level), faded in over 5 ms and out over 20 ms. An event longer than the sound repeats it: seamlessly, by
an equal-power cross-fade of 50 ms, when it lasts a second or more; a shorter one once per second, with silence between.
A ``sound.seed`` above 0 plays a variation of a recording (:mod:`auris.data.variation`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from auris.data.activity import ActivitySettings, Segment
from auris.data.measured_sounds import MeasuredSounds
from auris.data.playback import at_unit_level, check_duration, faded, repeated
from auris.data.procedural_bank import ProceduralBank
from auris.data.recordings import Recordings, Samples
from auris.data.sound_catalogues import KINDS, attributions
from auris.data.sound_catalogues.attribution import Attribution, licence_counts
from auris.data.sound_folder import BankReport, Clip, Split, scan
from auris.data.sound_measurement import Content
from auris.data.variation import Variation
from auris.dsp.resampling import resample
from auris.errors import FormatError, ParameterError, SceneError, unknown_name
from auris.scene import Sound

__all__ = ["CACHE_BYTES", "Bank", "MixedBank", "ProceduralBank", "SoundBank", "open_bank"]
CACHE_BYTES = 1 << 29


@runtime_checkable
class Bank(Protocol):
    """Anything that can supply the sounds of a scene."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes that can be picked, sorted."""
        ...

    def pick(self, label: str, generator: np.random.Generator, *, duration: float | None = None) -> Sound:
        """Return a sound of class ``label``.

        Args:
            label: one of :attr:`labels`.
            generator: source of randomness.
            duration: seconds that will be played; a longer recording is then entered at a random moment.

        Raises:
            ParameterError: the label is unknown.
        """
        ...

    def plays(self, sound: Sound) -> bool:
        """Tell whether ``sound`` can be played by this bank."""
        ...

    def clip_length(self, sound: Sound) -> float:
        """Return the seconds ``sound`` lasts before it repeats; infinite for a synthesis."""
        ...

    def excerpt(self, sound: Sound, *, sample_rate: int, duration: float) -> Samples:
        """Return ``sound`` for ``duration`` seconds at the level of the recording, ``(round(duration * rate),)``."""
        ...

    def dry(self, sound: Sound, sample_rate: int, duration: float) -> Samples:
        """Return ``sound`` for ``duration`` seconds at an active RMS of 1, ``(round(duration * rate),)``.

        Raises:
            SceneError: the file is missing, damaged or silent there.
        """
        ...

    def attribution(self, files: Iterable[str]) -> tuple[Attribution, ...]:
        """Return title, author, source and licence of recordings, each once, in the order given; nothing for syntheses."""
        ...

    def licences(self) -> dict[str, int]:
        """Return how many recordings are under each licence, the most frequent first."""
        ...


class SoundBank:
    """Recordings in a folder of any known layout, read lazily and kept in a bounded cache.

    Attributes:
        folder: where the recordings are.
        kind: layout of the folder, one of :data:`auris.data.sound_catalogues.KINDS`.
        clips: by class, the usable recordings of the chosen split.
        report: what was found and what was skipped, by name; grows when a file turns out silent or damaged.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        kind: str = "auto",
        labels: Sequence[str] | None = None,
        split: Split | None = None,
        folds: Sequence[int] | None = None,
        variations: int = 1,
        activity: ActivitySettings | None = None,
        recording: Callable[[str], str] | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Read the headers of a folder of sounds.

        Args:
            folder: holds one folder per class, or a published set of sounds, or is a CSV list of files.
            kind: which of these (:data:`auris.data.sound_catalogues.KINDS`); ``auto`` finds out.
            labels: classes to use; None uses all. ``name=class`` gives a class another name, several may get the same.
            split: ``train``, ``validation`` or ``test``: as published, otherwise 80, 10 and 10 % by a hash of the recording.
            folds: use only these folds: as published, otherwise of files named ``foldN-...``.
            variations: how many variations of each recording :meth:`pick` draws from; 1 plays them as recorded.
            activity: how silence is told from sound.
            recording: names the source recording of a file, so that its takes stay in one split; None leaves it to the kind.
            cache_bytes: memory for decoded recordings.

        Raises:
            FormatError: the folder is missing, of no known kind, its lists are damaged, or it holds nothing usable.
            ParameterError: unknown kind, labels or split, both ``split`` and ``folds``, or ``variations`` below 1.
        """
        if variations < 1:
            raise ParameterError(f"variations must be at least 1 (as recorded), got {variations!r}")
        heard = activity or ActivitySettings()
        found = scan(Path(folder), kind=kind, labels=labels, split=split, folds=folds, recording=recording, activity=heard)
        self.folder, self.kind = found.tree.folder, found.kind.name
        self.clips: dict[str, list[Clip]] = found.clips
        self.report: BankReport = found.report
        self._tree = replace(found.tree, files={}, foreign=(), closed={})
        self._measured = MeasuredSounds(self.folder, found.cache, activity=heard, problems=self.report.skipped)
        self._variations = variations
        self._recordings = Recordings(self.folder, cache_bytes=cache_bytes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes with at least one usable recording, sorted."""
        return tuple(self.clips)

    def pick(self, label: str, generator: np.random.Generator, *, duration: float | None = None) -> Sound:
        """Return an active stretch of a random recording of class ``label``; see :meth:`Bank.pick`.

        A recording that turns out silent or damaged is skipped and reported.

        Raises:
            ParameterError: the label is unknown.
            FormatError: no recording of the class can be used.
        """
        if label not in self.clips:
            raise ParameterError(unknown_name(f"class in {self.folder}", label, self.clips))
        clips = self.clips[label]
        variation = int(generator.integers(self._variations)) if self._variations > 1 else 0
        first, place, entry = int(generator.integers(len(clips))), generator.random(), generator.random()
        for clip in (*clips[first:], *clips[:first]):
            segments = self.segments(clip.file)
            if segments:
                break
        else:
            reasons = "\n".join(f"  {clip.file}: {self.content(clip.file).problem}" for clip in clips[:5])
            raise FormatError(f"{self.folder}: class {label!r}: none of its {len(clips)} recordings can be used:\n{reasons}")
        ends = np.cumsum([s.duration for s in segments])
        segment = segments[min(int(np.searchsorted(ends, place * ends[-1], side="right")), len(segments) - 1)]
        room = segment.duration - (duration or math.inf) * Variation.of(variation).speed
        start = segment.start + entry * max(room, 0.0)
        return Sound(file=clip.file, seed=variation, start=round(start, 4))

    def plays(self, sound: Sound) -> bool:
        """Tell whether ``sound`` is a file below this bank's folder."""
        return sound.file is not None and self._recordings.holds(sound.file)

    def segments(self, file: str) -> tuple[Segment, ...]:
        """Return the active stretches of a file; none when it is silent or damaged (and the report says so)."""
        return self.content(file).segments

    def content(self, file: str) -> Content:
        """Return activity, level and loudness of a file; measured once, and then kept beside the recordings."""
        return self._measured.content(file, self._recordings.read)

    def check(self, *, workers: int = 1, progress: Callable[[int, int], None] = lambda done, total: None) -> BankReport:
        """Measure every recording once and return the report, complete with the silent and damaged ones.

        Args:
            workers: threads that decode at a time.
            progress: told after each recording how many are measured, and of how many that were not known.
        """
        self._measured.measure(sorted(self._files()), workers=workers, progress=progress)
        return self.report

    def attribution(self, files: Iterable[str]) -> tuple[Attribution, ...]:
        """Return title, author, source and licence of recordings, each once, in the order given.

        They are told by ``ATTRIBUTION.csv`` in the folder, otherwise by what the set itself publishes.

        Raises:
            FormatError: the lists that tell it are damaged.
        """
        return attributions(KINDS[self.kind], self._tree, files)

    def licences(self) -> dict[str, int]:
        """Return how many recordings of this bank are under each licence, the most frequent first."""
        return licence_counts(self.attribution(sorted(self._files())))

    def _files(self) -> set[str]:
        return {clip.file for clips in self.clips.values() for clip in clips}

    def clip_length(self, sound: Sound) -> float:
        """Return the seconds from ``sound.start`` to the end of the active stretch it lies in.

        Raises:
            SceneError: the sound is not a readable file of this bank, or starts behind its end.
        """
        start, end = self._span(sound)
        return (end - start) / Variation.of(sound.seed).speed

    def excerpt(self, sound: Sound, *, sample_rate: int, duration: float) -> Samples:
        """Return ``sound`` as recorded, for ``duration`` seconds; see the module's text for the rules.

        Raises:
            SceneError: the sound is not a readable file of this bank, or starts behind its end.
            ParameterError: the duration is not above 0.
        """
        check_duration(duration)
        start, end = self._span(sound)
        samples, rate = self._recordings.read(str(sound.file))
        variation = Variation.of(sound.seed)
        first = round(start * rate)
        wanted = math.ceil(duration * variation.speed * rate)
        piece = samples[first : max(round(end * rate), first + 1)]
        piece = resample(repeated(piece, wanted, rate), rate * variation.speed, sample_rate)
        length = round(duration * sample_rate)
        piece = np.pad(piece, (0, max(length - len(piece), 0)))[:length]
        return faded(variation.filtered(piece, sample_rate), sample_rate)

    def dry(self, sound: Sound, sample_rate: int, duration: float) -> Samples:
        """Return ``sound`` for ``duration`` seconds at an active RMS of 1; see :meth:`Bank.dry`."""
        return at_unit_level(self.excerpt(sound, sample_rate=sample_rate, duration=duration), sound, sample_rate)

    def _span(self, sound: Sound) -> tuple[float, float]:
        """Seconds of the file from which the sound plays and at which it repeats."""
        if sound.file is None:
            raise SceneError(f"a folder of recordings cannot play the synthesis {sound.synthesis!r}; use open_bank()")
        samples, rate = self._recordings.read(sound.file)
        length = len(samples) / rate
        if sound.start >= length:
            raise SceneError(f"{sound.file}: starts at {sound.start:g} s, but the recording ends at {length:.3f} s")
        inside = [s.end for s in self.segments(sound.file) if s.start - 1e-3 <= sound.start < s.end]
        later = [s.end for s in self.segments(sound.file) if s.end > sound.start]
        return sound.start, (inside or later or [length])[0]


class MixedBank:
    """Several banks as one: a class is picked from the banks that have it, in proportion to their weights."""

    def __init__(self, banks: Sequence[Bank], *, weights: Sequence[float] | None = None) -> None:
        """Join banks.

        Args:
            banks: at least one; a sound is played by the first that can.
            weights: one per bank, at least 0; a bank of weight 0 plays but is never picked from. None weighs all alike.

        Raises:
            ParameterError: the numbers of banks and weights differ, or no weight is above 0.
        """
        chosen = [1.0] * len(banks) if weights is None else [float(w) for w in weights]
        if not banks or len(chosen) != len(banks) or min(chosen) < 0 or not 0 < sum(chosen) < math.inf:
            raise ParameterError(
                f"give one weight of at least 0 per bank, not all 0; got {len(banks)} banks, weights {weights}"
            )
        self._banks = tuple(banks)
        self._weights = tuple(chosen)

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes of the banks with a weight above 0, sorted."""
        return tuple(sorted({label for bank, w in zip(self._banks, self._weights, strict=True) if w for label in bank.labels}))

    def pick(self, label: str, generator: np.random.Generator, *, duration: float | None = None) -> Sound:
        """Return a sound of class ``label``; see :meth:`Bank.pick`."""
        having = [(b, w) for b, w in zip(self._banks, self._weights, strict=True) if w and label in b.labels]
        if not having:
            raise ParameterError(unknown_name("class", label, self.labels))
        weights = np.asarray([w for _, w in having])
        bank = having[int(generator.choice(len(having), p=weights / weights.sum()))][0]
        return bank.pick(label, generator, duration=duration)

    def plays(self, sound: Sound) -> bool:
        """Tell whether one of the banks can play ``sound``."""
        return any(bank.plays(sound) for bank in self._banks)

    def clip_length(self, sound: Sound) -> float:
        """Return the seconds ``sound`` lasts before it repeats."""
        return self._player(sound).clip_length(sound)

    def excerpt(self, sound: Sound, *, sample_rate: int, duration: float) -> Samples:
        """Return ``sound`` for ``duration`` seconds as recorded."""
        return self._player(sound).excerpt(sound, sample_rate=sample_rate, duration=duration)

    def dry(self, sound: Sound, sample_rate: int, duration: float) -> Samples:
        """Return ``sound`` for ``duration`` seconds at an active RMS of 1."""
        return self._player(sound).dry(sound, sample_rate, duration)

    def attribution(self, files: Iterable[str]) -> tuple[Attribution, ...]:
        """Return title, author, source and licence of recordings, told by the first bank that plays them."""
        wanted = list(dict.fromkeys(files))
        known: dict[str, Attribution] = {}
        for bank in self._banks:
            playable = [file for file in wanted if file not in known and bank.plays(Sound(file))]
            known |= {entry.file: entry for entry in bank.attribution(playable)}
        return tuple(known.get(file) or Attribution(file) for file in wanted)

    def licences(self) -> dict[str, int]:
        """Return how many recordings of all banks are under each licence, the most frequent first."""
        counts: Counter[str] = Counter()
        for bank in self._banks:
            counts.update(bank.licences())
        return dict(counts.most_common())

    def _player(self, sound: Sound) -> Bank:
        # The last bank gives the error when none can play it.
        kind = SoundBank if sound.file is not None else ProceduralBank
        fitting = [b for b in self._banks if b.plays(sound)] or [b for b in self._banks if isinstance(b, kind)]
        return (fitting or list(self._banks))[0]


def open_bank(folder: str | Path | None = None, *, split: Split | None = None, folds: Sequence[int] | None = None) -> Bank:
    """Return the bank for a folder of recordings, which also plays procedural sounds; without a folder, those alone.

    Raises:
        FormatError: the folder is missing or holds nothing usable.
    """
    if folder is None:
        return ProceduralBank()
    return MixedBank((SoundBank(folder, split=split, folds=folds), ProceduralBank()), weights=(1.0, 0.0))
