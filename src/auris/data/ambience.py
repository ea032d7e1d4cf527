"""Recordings of what a place sounds like when nothing happens, put under scenes that are heard with the same channels.

A folder holds *takes*: the same minutes of one place, recorded in one or more layouts. What layout a file has is said by the
file itself (as :func:`auris.io.audio_files.write_audio` does it) or by a word in its path below the folder, never by the
number of its channels: ``foa``, ``hoa2`` … ``hoa7``, ``tetra`` or ``mic``, ``binaural``, ``stereo``, ``mono``. The name of
a take is its path without that word and the suffix, so the files of TAU-SNoise,
``01_bomb_shelter/ambience_foa_sn3d_24k_edited.wav`` and ``01_bomb_shelter/ambience_tetra_24k_edited.wav``, are two layouts
of the take ``01_bomb_shelter/ambience_24k_edited``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auris.channels import ChannelLayout
from auris.dsp.resampling import resample
from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.audio_files import AudioFile, probe, read_window
from auris.scene import Background

Float32 = NDArray[np.float32]

CROSS_FADE = 0.5  # seconds over which the end of a recording turns into its beginning
_SUFFIXES = (".wav", ".flac", ".ogg")
_WORDS = {"foa": "foa", "ambix": "foa", "tetra": "tetra", "mic": "tetra"}  # to the names of layouts
_WORDS |= {name: name for name in ("binaural", "stereo", "mono", *(f"hoa{order}" for order in range(2, 8)))}
_WITHOUT_MEANING = {"sn3d"}  # goes with the layout's word: ambience_foa_sn3d_24k.wav


@dataclass(frozen=True)
class Take:
    """One stretch of recorded ambience.

    Attributes:
        name: path below the folder, without the layout and the suffix.
        files: its recordings by the name of their layout.
    """

    name: str
    files: dict[str, AudioFile]

    @property
    def duration(self) -> float:
        """Seconds that all its recordings last."""
        return min(file.duration for file in self.files.values())


class AmbienceFolder:
    """The ambience below one folder.

    Attributes:
        folder: where it is.
        takes: what was found, by name, sorted.
        skipped: files that are not used, and why.
    """

    def __init__(self, folder: str | Path, *, takes: Sequence[str] | None = None) -> None:
        """Read the headers of all audio files below a folder.

        Args:
            folder: holds the recordings, at any depth.
            takes: names of those to use; None uses all.

        Raises:
            FormatError: the folder is missing or holds nothing usable.
            ParameterError: a take is unknown.
        """
        self.folder = Path(folder)
        self.skipped: dict[str, str] = {}
        if not self.folder.is_dir():
            raise FormatError(f"{self.folder}: no such folder of ambience")
        self.takes = self._scanned()
        if not self.takes:
            reasons = "".join(f"\n  {name}: {reason}" for name, reason in list(self.skipped.items())[:5])
            raise FormatError(f"{self.folder}: no ambience; WAV, FLAC and OGG files are looked for{reasons}")
        if takes is not None:
            for name in takes:
                if name not in self.takes:
                    raise ParameterError(unknown_name("ambience", name, self.takes))
            self.takes = {name: self.takes[name] for name in sorted(takes)}

    def usable(self, layouts: Sequence[ChannelLayout | str]) -> tuple[Take, ...]:
        """Return the takes that were recorded in all of these layouts.

        Raises:
            FormatError: there is none.
        """
        wanted = [ChannelLayout.parse(layout).name for layout in layouts]
        fitting = tuple(take for take in self.takes.values() if all(name in take.files for name in wanted))
        if not fitting:
            there = sorted({" + ".join(sorted(take.files)) for take in self.takes.values()})
            raise FormatError(f"{self.folder}: no ambience recorded as {' and '.join(wanted)}; there are {', '.join(there)}")
        return fitting

    def drawn(
        self,
        background: Background,
        layouts: Sequence[ChannelLayout | str],
        *,
        duration: float,
        snr_db: float,
        generator: np.random.Generator,
        takes: Sequence[str] | None = None,
    ) -> Background:
        """Return the background with a random stretch of a random take under it, longer takes being taken more often.

        Args:
            background: to add it to.
            layouts: what the scene will be heard with.
            duration: of the scene, seconds.
            snr_db: how far below the sources it lies, on the background's channel.
            generator: source of randomness.
            takes: names of those to draw from; None draws from all.

        Raises:
            FormatError: none of the takes was recorded in all of these layouts.
        """
        fitting = [take for take in self.usable(layouts) if takes is None or take.name in takes]
        if not fitting:
            raise FormatError(f"{self.folder}: none of {', '.join(takes or ())} was recorded in all of the layouts")
        seconds = np.array([take.duration for take in fitting])
        take = fitting[int(generator.choice(len(fitting), p=seconds / seconds.sum()))]
        latest = take.duration - duration if take.duration >= duration else take.duration
        start = min(round(float(generator.uniform(0, latest)), 3), latest)
        return replace(background, ambience=take.name, ambience_start=start, ambience_snr_db=round(snr_db, 2))

    def read(self, background: Background, layout: ChannelLayout | str, *, sample_rate: int, duration: float) -> Float32 | None:
        """Return the ambience of a scene, ``(channels, round(duration * sample_rate))``, for the renderer; None for none.

        What plays past the end of its recording goes on from the beginning, joined by an equal-power cross-fade of half a
        second (less in recordings of less than a second).

        Raises:
            ParameterError: there is no such take, or it was not recorded in this layout.
            FormatError: its file cannot be read.
        """
        if background.ambience is None:
            return None
        if background.ambience not in self.takes:
            raise ParameterError(unknown_name(f"ambience in {self.folder}", background.ambience, self.takes))
        files, name = self.takes[background.ambience].files, ChannelLayout.parse(layout).name
        if name not in files:
            raise ParameterError(unknown_name(f"layout of the ambience {background.ambience!r}", name, files))
        file = files[name]
        length = round(duration * sample_rate)
        start = round(background.ambience_start * file.sample_rate)
        needed = int(np.ceil(length * file.sample_rate / sample_rate))
        # Where there are more samples, the resampler's filter looks at some of them.
        stretch = _looped(file, start, min(needed + 64, max(needed, file.frames - start)))
        return np.ascontiguousarray(resample(stretch, file.sample_rate, sample_rate)[:, :length])

    def _scanned(self) -> dict[str, Take]:
        takes: dict[str, dict[str, AudioFile]] = {}
        for path in sorted(p for p in self.folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file()):
            relative = path.relative_to(self.folder)
            try:
                header = probe(path)
                name, layout = _take_of(relative, header)
            except FormatError as error:
                self.skipped[relative.as_posix()] = str(error)
                continue
            if layout in takes.setdefault(name, {}):
                self.skipped[relative.as_posix()] = f"there is another recording of {name!r} as {layout}"
                continue
            takes[name][layout] = header
        return {name: Take(name, takes[name]) for name in sorted(takes) if takes[name]}


def _take_of(relative: Path, header: AudioFile) -> tuple[str, str]:
    """Name of the take and of the layout, from a path below the folder."""
    parts = [re.split(r"([^A-Za-z0-9]+)", part) for part in (*relative.parts[:-1], relative.stem)]
    words = {_WORDS[word.lower()] for part in parts for word in part if word.lower() in _WORDS}
    if header.layout is not None:
        words = {header.layout.name}
    if len(words) != 1:
        found = f"its path says {' and '.join(sorted(words))}" if words else "neither the file nor its path says it"
        raise FormatError(
            f"{header.channels} channels of unknown meaning ({found}); put one of {', '.join(_WORDS)} into its name"
        )
    (layout,) = words
    expected = ChannelLayout.parse(layout).channels if header.layout is None else header.channels
    if header.channels != expected:
        raise FormatError(f"{header.channels} channels, but {layout} has {expected}")
    kept = [[w for w in part[::2] if w.lower() not in _WORDS and w.lower() not in _WITHOUT_MEANING] for part in parts]
    return "/".join("_".join(w for w in part if w) for part in kept if any(part)) or "ambience", layout


def _looped(file: AudioFile, start: int, length: int) -> Float32:
    """``length`` samples from ``start`` on, of a recording that is joined to itself without end."""
    cross = min(round(CROSS_FADE * file.sample_rate), file.frames // 2)
    if start + length <= file.frames:
        return read_window(file.path, start=start, samples=length)
    whole = read_window(file.path, start=0, samples=file.frames)
    period = file.frames - cross
    quarter = 0.5 * np.pi * (np.arange(cross) + 0.5) / max(cross, 1)
    loop = whole[:, :period].copy()
    loop[:, :cross] = whole[:, :cross] * np.sin(quarter) + whole[:, period:] * np.cos(quarter)
    # The first time round, its beginning has nothing before it to be joined to.
    first = whole[:, min(start, file.frames) : period]
    place = np.arange(length - first.shape[1]) + max(start - period, 0)
    return np.concatenate([first, loop[:, place % period]], axis=1, dtype=np.float32)
