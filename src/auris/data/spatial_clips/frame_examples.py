"""Whole clips in rooms (:mod:`auris.data.spatial_clips`) as examples for networks that hear frames."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from auris.data.spatial_clips.items import SpatialClips
from auris.data.spatial_clips.rendering import render
from auris.errors import ParameterError
from auris.geometry import unit_vector
from auris.models.accdoa import fill_slots
from auris.models.clip_outputs import SpatialClasses, places

Float32 = NDArray[np.float32]


class ClipExamples:
    """Single sounds that last as long as the clip, each at a place of its own.

    Args:
        clips: items of two ears; their mixup must be 0, since a frame's target names one place for each sound.
        frame_seconds: length of a label frame.
        slots: events of one class that fit into a frame.

    Raises:
        ParameterError: the items are mixed.
    """

    def __init__(self, clips: SpatialClips, *, frame_seconds: float, slots: int = 3) -> None:
        if clips.settings.mixup:
            raise ParameterError(f"clips with a target for every frame cannot be mixed up; got mixup {clips.settings.mixup!r}")
        self.clips, self.frame_seconds, self.slots = clips, frame_seconds, slots

    def example(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Return a waveform ``(2, samples)`` and its targets ``(frames, slots, classes, 5)``; ``rng`` decides on everything."""
        number, seed = int(rng.integers(len(self.clips))), int(rng.integers(1 << 62))
        item = self.clips.item(number, seed)
        wave = render(torch.from_numpy(item.dry)[None], torch.from_numpy(item.responses)[None])[0].numpy()
        frames = math.ceil(round(self.clips.settings.clip_seconds / self.frame_seconds, 6))
        azimuth, elevation, distance = places(
            SpatialClasses(*(np.array([number]) for number in (item.distance, item.azimuth, item.elevation)))
        )
        targets = fill_slots(
            np.flatnonzero(item.labels),
            np.ones((1, frames), dtype=bool),
            np.repeat(unit_vector(azimuth, elevation)[:, None], frames, axis=1),
            np.repeat(distance[:, None], frames, axis=1),
            classes=len(item.labels),
            slots=self.slots,
        )
        return wave, targets
