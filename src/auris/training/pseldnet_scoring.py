"""Scores of a PSELDNet on clips heard chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from auris.io.frame_labels import FrameLabels, join_labels
from auris.metrics.seld import evaluate_labels
from auris.training.pseldnet_data import ScoredClips
from auris.training.pseldnet_recipe import SelectionRecipe

COLUMNS = ("error_rate", "f", "localisation_error_deg", "localisation_recall", "seld")


class Hearing:
    """What was heard of each clip so far; chunks come in any order, from several processes."""

    def __init__(self) -> None:
        self.rows: dict[str, list[FrameLabels]] = {}

    def add(self, heard: Sequence[FrameLabels], clips: Sequence[str], begins: Sequence[int]) -> None:
        """Add what was heard of some chunks.

        Args:
            heard: labels of each chunk, counted from its beginning.
            clips: name of the clip of each.
            begins: frame of the clip with which it begins.
        """
        for labels, clip, begin in zip(heard, clips, begins, strict=True):
            moved = FrameLabels(
                labels.frame + begin,
                labels.class_index,
                azimuth=labels.azimuth,
                elevation=labels.elevation,
                track=labels.track,
            )
            self.rows.setdefault(clip, []).append(moved)

    def gather(self) -> None:
        """Exchange with the other processes, if there are any; afterwards each knows all."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return
        parts: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(parts, self.rows)
        self.rows = {}
        for part in parts:
            for clip, labels in part.items():
                self.rows.setdefault(clip, []).extend(labels)

    def labels_of(self, clips: ScoredClips) -> dict[str, FrameLabels]:
        """Return what was heard of every clip, cut to its length."""
        heard = {clip: join_labels(self.rows.get(clip, [])) for clip in clips.reference}
        return {clip: rows.rows(rows.frame < clips.frames[clip]) for clip, rows in heard.items()}


def scores_of(
    heard: Mapping[str, FrameLabels], clips: ScoredClips, *, classes: int, selection: SelectionRecipe
) -> dict[str, float]:
    """Return scores by both rules, ``{"official/f": …, "pseldnets/f": …}``.

    ``official`` takes the official average of the year, ``pseldnets`` leaves classes that were never localised out of it.
    """
    scores: dict[str, float] = {}
    for name, year in (("official", selection.year), ("pseldnets", "pseldnets")):
        score = evaluate_labels(clips.reference, heard, classes=classes, year=year, lengths=clips.frames).score()  # type: ignore[arg-type]
        scores |= {f"{name}/{column}": float(getattr(score, column)) for column in COLUMNS}
    return scores


def chosen_score(scores: Mapping[str, float], selection: SelectionRecipe) -> float:
    """Return the score that the best model has the lowest of; infinite where it is not defined."""
    value = scores[f"{selection.score}/seld"]
    return value if math.isfinite(value) else math.inf


def cut(outputs: Any, frames: int) -> Any:
    """Return outputs of the first label frames."""
    parts: list[Tensor] = [part[:, :frames] for part in outputs]
    return type(outputs)(*parts)
