"""What a bank of recordings amounts to, class by class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from auris.data.sound_bank import SoundBank
from auris.data.sound_catalogues.attribution import licence_counts


@dataclass(frozen=True)
class ClassSummary:
    """The usable recordings of one class.

    Attributes:
        label: the class.
        clips: number of files.
        recordings: number of source recordings they were cut from.
        seconds: length of all files.
        active_seconds: seconds of them in which something sounds.
        level_db: median over the files of the level while they sound, decibels re full scale; None without files.
        loudness: median over the files of their loudness, LUFS; None where all are too short.
        parts: number of files by split.
        licences: number of files by licence.
    """

    label: str
    clips: int
    recordings: int
    seconds: float
    active_seconds: float
    level_db: float | None
    loudness: float | None
    parts: dict[str, int]
    licences: dict[str, int]


def class_summaries(bank: SoundBank) -> tuple[ClassSummary, ...]:
    """Return a summary of every class of a bank, without the files that are silent or damaged.

    Raises:
        FormatError: the lists that tell the licences are damaged.
    """
    files = {clip.file for clips in bank.clips.values() for clip in clips}
    credited = {entry.file: entry for entry in bank.attribution(sorted(files))}
    summaries = []
    for label in bank.labels:
        contents = {clip: bank.content(clip.file) for clip in bank.clips[label]}
        usable = {clip: content for clip, content in contents.items() if content.problem is None}
        loudness = [content.loudness for content in usable.values() if content.loudness is not None]
        levels = [content.level_db for content in usable.values() if content.level_db is not None]
        summaries.append(
            ClassSummary(
                label=label,
                clips=len(usable),
                recordings=len({clip.recording for clip in usable}),
                seconds=float(sum(clip.duration for clip in usable)),
                active_seconds=float(sum(content.active_seconds for content in usable.values())),
                level_db=float(np.median(levels)) if levels else None,
                loudness=float(np.median(loudness)) if loudness else None,
                parts=dict(Counter(clip.split for clip in usable)),
                licences=licence_counts(credited[clip.file] for clip in usable),
            )
        )
    return tuple(summaries)
