"""Dry clips with their classes: the recordings of a folder, or the lists of AudioSet as SpatialSoundQA has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from auris import seeding
from auris.data.procedural import PROCEDURAL_SOUNDS
from auris.data.sound_bank import ProceduralBank, SoundBank
from auris.data.sound_folder import Clip
from auris.data.spatial_clips.clip_cache import ClipCache
from auris.errors import FormatError, ParameterError
from auris.io.spatial_sound_qa import AudioSetClasses, ClipEntry
from auris.scene import Sound

Float32 = NDArray[np.float32]
CACHE_BYTES = 5 << 29  # 2.5 GiB: two dozen variations of 300 clips of 5 s, in half precision
SYNTHESES = 64  # procedural sounds of each class


@runtime_checkable
class ClipBank(Protocol):
    """Anything that can supply dry clips by number."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    def __len__(self) -> int:
        """Number of clips."""
        ...

    def name(self, index: int) -> str:
        """Return what clip ``index`` is called in messages and tables."""
        ...

    def classes(self, index: int) -> tuple[int, ...]:
        """Return the classes of clip ``index``."""
        ...

    def dry(self, index: int, rng: np.random.Generator) -> tuple[Float32, int]:
        """Return clip ``index`` ``(samples,)``, which must not be written to, and its sample rate; ``rng`` picks a variation.

        Raises:
            FormatError: the clip cannot be read; the message names the file.
        """
        ...


class FolderBank:
    """The recordings of a folder with one folder per class, each in several variations, and procedural sounds of the classes.

    Every variation of a recording has a seed of its own, so the clips are finite and are prepared once: a long recording is
    entered elsewhere, a short one repeats (:mod:`auris.data.sound_bank`).
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        folds: Sequence[int] | None = None,
        labels: Sequence[str] | None = None,
        seconds: float = 10.0,
        sample_rate: int = 32_000,
        variations: int = 8,
        procedural: float = 0.0,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Read the headers of a folder of sounds.

        Args:
            folder: holds one folder per class.
            folds: use only files named ``foldN-...`` with these N; None uses all.
            labels: classes, in the order of their numbers; None takes all, sorted.
            seconds: length of a clip.
            sample_rate: hertz of the clips.
            variations: of each recording; 1 plays it as recorded, from its beginning.
            procedural: share of clips that are synthesised instead, of classes that can be (0 to 1).
            cache_bytes: memory for prepared clips, which are kept in half precision; each worker process has its own.

        Raises:
            FormatError: the folder is missing, holds nothing usable, or lacks a class in these folds.
            ParameterError: a label is unknown, or a number out of range.
        """
        if variations < 1 or not 0 <= procedural <= 1 or not 0 < seconds < math.inf:
            raise ParameterError(
                "variations is at least 1, procedural a share from 0 to 1, seconds above 0; "
                f"got {variations!r}, {procedural!r}, {seconds!r}"
            )
        self._sounds = SoundBank(folder, labels=labels, folds=folds)
        self._labels = tuple(labels) if labels is not None else self._sounds.labels
        absent = [label for label in self._labels if label not in self._sounds.clips]
        if absent:
            raise FormatError(f"{folder}: no recording of {', '.join(absent)} in these folds")
        self._clips: list[tuple[int, Clip]] = [
            (number, clip) for number, label in enumerate(self._labels) for clip in self._sounds.clips[label]
        ]
        self._synthetic = {number for number, label in enumerate(self._labels) if label in PROCEDURAL_SOUNDS}
        self._syntheses = ProceduralBank()
        self._seconds, self._rate = seconds, sample_rate
        self._variations, self._procedural = variations, procedural
        self._cache = ClipCache(cache_bytes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self._labels

    def __len__(self) -> int:
        return len(self._clips)

    def name(self, index: int) -> str:
        """Return the file of clip ``index``, below the folder."""
        return self._clips[index][1].file

    def classes(self, index: int) -> tuple[int, ...]:
        """Return the class of clip ``index``."""
        return (self._clips[index][0],)

    def dry(self, index: int, rng: np.random.Generator) -> tuple[Float32, int]:
        """Return a variation of clip ``index``; see :meth:`ClipBank.dry`."""
        number, clip = self._clips[index]
        if self._procedural and number in self._synthetic and rng.random() < self._procedural:
            seed = 1 + int(rng.integers(SYNTHESES))
            sound = Sound(synthesis=self._labels[number], seed=seed)
            return self._cache.get((number, seed), lambda: self._prepared(sound)), self._rate
        variation = int(rng.integers(self._variations))
        return self._cache.get((clip.file, variation), lambda: self._prepared(self._variation(clip, variation))), self._rate

    def _variation(self, clip: Clip, variation: int) -> Sound:
        segments = self._sounds.segments(clip.file)
        if not segments:
            raise FormatError(f"{self._sounds.folder / clip.file}: {self._sounds.report.skipped[clip.file]}")
        if not variation:
            return Sound(file=clip.file, start=segments[0].start)
        rng = seeding.generator(variation, "clip", clip.file)
        segment = segments[int(rng.integers(len(segments)))]
        start = segment.start + rng.random() * max(segment.duration - self._seconds, 0.0)
        return Sound(file=clip.file, seed=int(rng.integers(1, 2**31)), start=round(start, 4))

    def _prepared(self, sound: Sound) -> NDArray[Any]:
        bank = self._syntheses if sound.file is None else self._sounds
        clip = bank.excerpt(sound, sample_rate=self._rate, duration=self._seconds)
        # Half precision leaves its noise 70 dB below the sound, whose peak it is scaled to.
        return (clip / max(float(np.abs(clip).max()), 1e-9)).astype(np.float16)


class AudioSetBank:
    """The clips of a list of AudioSet, in the order of the list, as published: first channel, ``resample_poly``."""

    def __init__(
        self,
        entries: Sequence[ClipEntry],
        classes: AudioSetClasses,
        *,
        sample_rate: int = 32_000,
        cache_bytes: int = 1 << 28,
    ) -> None:
        """Join clips and class names.

        Args:
            entries: from :func:`auris.io.spatial_sound_qa.read_clips`.
            classes: the classes that the entries were read with.
            sample_rate: hertz of the clips.
            cache_bytes: memory for prepared clips; a list that fits into it is read once, for a longer one it is of no use.
        """
        self.entries = tuple(entries)
        self._labels = classes.names
        self._rate = sample_rate
        self._cache = ClipCache(cache_bytes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self._labels

    def __len__(self) -> int:
        return len(self.entries)

    def name(self, index: int) -> str:
        """Return the file of clip ``index``."""
        return str(self.entries[index].path)

    def classes(self, index: int) -> tuple[int, ...]:
        """Return the classes of clip ``index``."""
        return self.entries[index].classes

    def dry(self, index: int, rng: np.random.Generator) -> tuple[Float32, int]:
        """Return clip ``index``, which has no variations; see :meth:`ClipBank.dry`."""
        path = self.entries[index].path
        return self._cache.get(index, lambda: read_first_channel(path, self._rate)), self._rate

    def unreadable(self) -> dict[str, str]:
        """Return the reason for every clip whose header cannot be read, by file."""
        reasons = {}
        for entry in self.entries:
            try:
                soundfile.info(str(entry.path))
            except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
                reasons[str(entry.path)] = str(error).rstrip(".") if entry.path.is_file() else "no such file"
        return reasons


def read_first_channel(path: str | Path, sample_rate: int) -> Float32:
    """Return the first channel of a file at ``sample_rate``, resampled in double precision as published.

    Raises:
        FormatError: the file is missing, damaged, empty, or holds NaN.
    """
    if not Path(path).is_file():
        raise FormatError(f"{path}: no such clip; check the folder of the audio and the list")
    try:
        samples, rate = soundfile.read(str(path), dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise FormatError(f"{path}: cannot be read as audio ({str(error).rstrip('.')})") from None
    if not len(samples) or not np.isfinite(samples[:, 0]).all():
        raise FormatError(f"{path}: {'holds NaN or infinite samples' if len(samples) else 'holds no samples'}")
    first = samples[:, 0]
    return np.asarray(first if rate == sample_rate else resample_poly(first, sample_rate, rate), dtype=np.float32)
