"""Clips in rooms (:mod:`auris.data.spatial_clips.placed_clips`) as examples for networks that hear frames."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from auris.data.spatial_clips.placed_clips import PlacedClips
from auris.data.spatial_clips.rendering import render
from auris.models.accdoa import fill_slots

Float32 = NDArray[np.float32]


class ClipExamples:
    """Sounds that last, each at a place of its own.

    Args:
        clips: what is drawn, for two ears.
        frame_seconds: length of a label frame.
        slots: events of one class that fit into a frame.
    """

    def __init__(self, clips: PlacedClips, *, frame_seconds: float, slots: int = 3) -> None:
        self.clips, self.frame_seconds, self.slots = clips, frame_seconds, slots

    def example(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Return a waveform ``(2, samples)`` and its targets ``(frames, slots, classes, 5)``; ``rng`` decides on everything."""
        drawn = self.clips.draw(rng)
        wave = render(torch.from_numpy(drawn.dry)[None], torch.from_numpy(drawn.responses)[None])[0].numpy()
        frames = math.ceil(round(self.clips.seconds / self.frame_seconds, 6))
        source, label = np.nonzero(drawn.classes)
        centres = (np.arange(frames) + 0.5) * self.frame_seconds
        begin, end = drawn.spans[source, :1], drawn.spans[source, 1:]
        distance = np.linalg.norm(drawn.positions[source], axis=1)
        targets = fill_slots(
            label,
            (centres >= begin) & (centres < end),
            np.repeat((drawn.positions[source] / distance[:, None])[:, None], frames, axis=1),
            np.repeat(distance[:, None], frames, axis=1),
            classes=drawn.classes.shape[1],
            slots=self.slots,
        )
        return wave, targets
