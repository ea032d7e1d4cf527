"""Clips in the form of BEWO-1M, listed for training: where their audio is, what their caption says, how their sources move.

Published archives are not always whole: what is missing is counted and named in the log, and left out. Nothing but the place of
the audio, the caption and the ways of the sources is kept of a record, so that a million of them fit into memory.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from auris import seeding
from auris.data.made_sets.bewo import BewoMaker
from auris.data.production.run import make_set
from auris.errors import FormatError
from auris.io.bewo import BewoClip, open_bewo, split_of
from auris.models.generating import MOST_SOUNDS
from auris.training.spatialsonic_motion import SourceMotion, motions
from auris.training.spatialsonic_recipe import ClipDataRecipe, MadeSetRecipe

Part = Literal["train", "val"]
_SHOWN = 5
_LOG = logging.getLogger("auris.training")


@dataclass(frozen=True, slots=True)
class ListedClip:
    """A clip to learn from.

    Attributes:
        audio: its file.
        table: name of the annotation file that it is in.
        caption: as published.
        sources: how each of its sounds moves.
    """

    audio: Path
    table: str
    caption: str
    sources: tuple[SourceMotion, ...]


def listed_clips(data: ClipDataRecipe, part: Part) -> tuple[ListedClip, ...]:
    """Return the clips to train with, which are all that do not belong to another split; or those to validate with.

    Raises:
        FormatError: there are none, or a line of an annotation file is no record.
    """
    tree = open_bewo(data.folder, subsets=data.subsets)
    _tell_missing({table: names for table, names in tree.missing.items() if _part_of(table) == part})
    clips = _listed([clip for clip in tree.clips if _part_of(clip.table) == part], data)
    if not clips:
        raise FormatError(
            f"{data.folder}: no clips of {', '.join(data.subsets)} for {part!r} with their audio; set data.folder to where "
            "BEWO_SS_Audio_v1 and BEWO_SS_Annotation_v1 are, or make a set: auris data make bewo"
        )
    return tuple(clips)


def held_out_clips(data: ClipDataRecipe, *, seed: int) -> tuple[ListedClip, ...]:
    """Return the clips to validate with, always the same for a seed; raises as :func:`listed_clips`."""
    clips = listed_clips(data, "val")
    if data.validation_clips is None or len(clips) <= data.validation_clips:
        return clips
    order = seeding.generator(seed, "held-out-clips").permutation(len(clips))[: data.validation_clips]
    return tuple(clips[number] for number in sorted(order))


def made_clips(made: MadeSetRecipe, folder: str | Path) -> None:
    """Simulate the clips of a recipe that are not there yet, in the folders ``train`` and ``val``.

    Raises:
        FormatError: sounds are missing, clips could not be made, or files cannot be written.
        ParameterError: the folder holds another set.
    """
    plans: tuple[tuple[Part, int], ...] = (("train", made.items), ("val", made.held_out_items))
    for part, items in plans:
        sounds = made.sounds if part == "train" else made.held_out_sounds
        maker = BewoMaker(
            replace(made.settings, split=part), items=items, sounds=sounds, seed=seeding.derive(made.seed, part) >> 1
        )
        report = make_set(maker, Path(folder) / part, workers=made.workers, existing="resume")
        if report.failures:
            first = report.failures[0]
            raise FormatError(f"{len(report.failures)} of {items} clips could not be made, the first because: {first}")
        if report.made:
            _LOG.info("made %d clips in %s", report.made, report.out)


def _part_of(table: str) -> str:
    """What a table is for; those that say nothing (``full_single``) are trained with."""
    return split_of(table) or "train"


def _listed(clips: Sequence[BewoClip], data: ClipDataRecipe) -> list[ListedClip]:
    found: list[ListedClip] = []
    crowded = 0
    for clip in clips:
        sources = motions(clip.record, directions=data.directions, begins=data.movement_begins)
        if sources is None or not clip.record.caption.strip():
            crowded += 1
            continue
        found.append(ListedClip(clip.audio, clip.table, clip.record.caption, sources))
    if crowded:
        _LOG.warning("left out %d clips without a caption or with more than %d sources", crowded, MOST_SOUNDS)
    return found


def _tell_missing(missing: dict[str, tuple[str, ...]]) -> None:
    for table, names in missing.items():
        more = " …" if len(names) > _SHOWN else ""
        _LOG.warning("left out %d clips of %s without audio: %s%s", len(names), table, ", ".join(names[:_SHOWN]), more)
