"""Listening to recordings of any length: blocks that overlap, outputs stitched where each block hears best.

A block is heard with some context on both sides, of which the outputs are thrown away. Memory holds one block and the
outputs so far (a few kilobytes a second).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.dsp.resampling import resample
from auris.errors import LayoutError, ParameterError
from auris.models.detections import DetectionSettings, scene_of
from auris.scene import Scene

BLOCK_SECONDS, CONTEXT_SECONDS = 12, 1  # whole seconds, so that blocks begin on a sample and a label frame at any rate


class FrameListener(Protocol):
    """What a network must offer to be listened with: :class:`auris.models.seld_crnn.SeldCrnn` is one."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the output."""

    @property
    def layout(self) -> ChannelLayout:
        """What it listens to."""

    @property
    def sample_rate(self) -> int:
        """Hertz."""

    @property
    def frame_seconds(self) -> float:
        """Seconds in one label frame; whole seconds hold a whole number of frames."""

    @property
    def detection(self) -> DetectionSettings:
        """How its outputs become events."""

    def __call__(self, waveform: Tensor, /) -> Tensor:
        """Return ``(batch, frames, tracks, classes, 4)`` for ``(batch, channels, samples)``."""


def blocks_of(audio: Audio) -> Iterator[Audio]:
    """Yield audio in blocks as :func:`hear_blocks` takes them; from a file, use ``auris.io.audio_files.read_blocks``."""
    step = BLOCK_SECONDS - 2 * CONTEXT_SECONDS
    start = 0
    while True:
        yield audio.between(start, start + BLOCK_SECONDS)
        if start + BLOCK_SECONDS >= audio.duration:
            return
        start += step


def frame_outputs(model: FrameListener, blocks: Iterable[Audio]) -> tuple[NDArray[np.float32], float]:
    """Return the network's outputs ``(frames, tracks, classes, 4)`` for a recording, and its length in seconds.

    Args:
        model: the network; it is used as it stands (call ``eval()`` first).
        blocks: successive blocks of :data:`BLOCK_SECONDS` that share twice :data:`CONTEXT_SECONDS`.

    Raises:
        LayoutError: the audio has another layout than the model listens to.
        ParameterError: there is no audio.
    """
    kept: list[NDArray[np.float32]] = []
    context = round(CONTEXT_SECONDS / model.frame_seconds)
    duration, before = 0.0, None
    for block in blocks:
        outputs = _outputs(model, block)
        if before is None:
            duration = block.duration
        else:
            duration += block.duration - 2 * CONTEXT_SECONDS
            # The seam lies in the middle of the shared part.
            kept.append(before[: len(before) - context])
            outputs = outputs[context:]
        before = outputs
    if before is None or duration <= 0:
        raise ParameterError("there is no audio to listen to")
    kept.append(before)
    return np.concatenate(kept), duration


def _outputs(model: FrameListener, block: Audio) -> NDArray[np.float32]:
    if not block.length:
        raise ParameterError("there is no audio to listen to")
    if block.layout != model.layout:
        raise LayoutError(f"this listener needs {model.layout.name} audio, but the audio is {block.layout.name}")
    samples = resample(block.samples, block.sample_rate, model.sample_rate)
    with torch.inference_mode():
        outputs: NDArray[np.float32] = model(torch.tensor(samples)[None])[0].float().numpy()
    return outputs


def hear_blocks(model: FrameListener, blocks: Iterable[Audio], *, settings: DetectionSettings | None = None) -> Scene:
    """Return who sounds where in a recording that arrives in blocks (see :func:`frame_outputs`)."""
    outputs, duration = frame_outputs(model, blocks)
    return scene_of(
        outputs, model.labels, frame_seconds=model.frame_seconds, duration=duration, settings=settings or model.detection
    )


def hear(model: FrameListener, audio: Audio, *, settings: DetectionSettings | None = None) -> Scene:
    """Return who sounds where in ``audio``, of any length and sample rate.

    Raises:
        LayoutError: the audio has another layout than the model listens to.
    """
    return hear_blocks(model, blocks_of(audio), settings=settings)
