"""Listening to recordings of any length and rate, in bounded memory.

Networks hear blocks that overlap; of each label frame the block counts in whose middle it lies, or the mean of all blocks that
cover it (:mod:`auris.models.blocks`). What they said, a few kilobytes a second, is then read as a scene with events, or frame
by frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import ParameterError, unknown_name
from auris.io.frame_labels import FrameLabels, rows_to_scene, scene_to_rows
from auris.models.blocks import BlockPlan, Samples, SampleStream, block_plan, joined, windows
from auris.models.detections import UNKNOWN_DISTANCE, DetectionSettings, scene_of
from auris.models.track_decoding import decode_frames
from auris.scene import Scene

Reading = Literal["events", "frames"]
_BATCH = {"cpu": 1, "cuda": 16}  # blocks at a time


class FrameListener(Protocol):
    """What a network must offer to be listened with: :class:`auris.models.seld_crnn.SeldCrnn` is one.

    A network that hears only blocks of one length says so in a property ``block_seconds``; without it, or with None, it
    hears any length, up to :data:`auris.models.blocks.BLOCK_SECONDS` at a time.
    """

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
        """Return ``(batch, frames, tracks, classes, 4)`` for ``(batch, channels, samples)``.

        The last number is the distance in metres, NaN where the network does not say it.
        """


@dataclass(frozen=True, eq=False)
class Hearing:
    """What a network said of a recording.

    Attributes:
        outputs: ``(frames, tracks, classes, 4)``, vectors whose length is the activity, and distances.
        labels: class names.
        frame_seconds: length of a frame.
        duration: length of the recording in seconds.
        settings: how outputs are read.
    """

    outputs: NDArray[np.float32]
    labels: tuple[str, ...]
    frame_seconds: float
    duration: float
    settings: DetectionSettings

    @property
    def says_distance(self) -> bool:
        """Whether the network said how far away sounds are."""
        return bool(np.isfinite(self.outputs[..., 3]).any())

    def scene(self, reading: Reading = "events") -> Scene:
        """Return who sounded where.

        Sounds whose distance is not known are placed at :data:`auris.models.detections.UNKNOWN_DISTANCE`, in their direction.

        Args:
            reading: ``events`` follows sounds through time, with thresholds that depend on what was before
                (:mod:`auris.models.detections`); ``frames`` decides in each frame anew
                (:mod:`auris.models.track_decoding`), and its events carry no confidence.
        """
        if _known(reading) == "frames":
            return rows_to_scene(self.rows("frames"), duration=self.duration, distance=UNKNOWN_DISTANCE)
        return scene_of(
            self.outputs, self.labels, frame_seconds=self.frame_seconds, duration=self.duration, settings=self.settings
        )

    def rows(self, reading: Reading = "events") -> FrameLabels:
        """Return labels per frame; distances are NaN where they are not known."""
        if _known(reading) == "frames":
            return decode_frames(self.outputs, self.settings, labels=self.labels, hop=self.frame_seconds)
        rows = scene_to_rows(self.scene(), self.labels, hop=self.frame_seconds)
        return rows if self.says_distance else without_distance(rows)


def without_distance(rows: FrameLabels) -> FrameLabels:
    """Return labels whose distances are not known."""
    return FrameLabels(
        rows.frame,
        rows.class_index,
        azimuth=rows.azimuth,
        elevation=rows.elevation,
        track=rows.track,
        onscreen=rows.onscreen,
        hop=rows.hop,
        labels=rows.labels,
    )


def hear(model: FrameListener, audio: Audio, *, settings: DetectionSettings | None = None) -> Scene:
    """Return who sounds where in ``audio``, of any length and sample rate.

    Raises:
        LayoutError: the audio has another layout than the model listens to.
        ParameterError: there is no audio.
    """
    return hear_pieces(model, [audio], settings=settings).scene()


def hear_pieces(
    model: FrameListener,
    pieces: Iterable[Audio],
    *,
    settings: DetectionSettings | None = None,
    hop: float | None = None,
    batch: int | None = None,
) -> Hearing:
    """Listen to a recording that arrives in pieces.

    Args:
        model: the network; it is used as it stands and where it is (call ``eval()`` first).
        pieces: successive stretches of the recording, without overlap, of any length and one sample rate.
        settings: None takes the model's own.
        hop: seconds between blocks whose outputs are averaged, 0.5 in the published moving average; None hears every moment
            once, in the middle of a block.
        batch: blocks heard at a time; None is one on a processor and more on a graphics card.

    Raises:
        LayoutError: the audio has another layout than the model listens to.
        ParameterError: there is no audio, or the hop or the batch is impossible.
    """
    plan = block_plan(block_seconds=_block_seconds(model), frame_seconds=model.frame_seconds, hop=hop)
    stream = SampleStream(pieces, layout=model.layout, sample_rate=model.sample_rate)
    frame = round(model.frame_seconds * model.sample_rate)
    blocks = windows(stream, length=plan.length * frame, hop=plan.hop * frame)
    outputs = _gathered(joined(_said(model, blocks, plan, frame=frame, batch=batch), plan))
    return Hearing(outputs, model.labels, model.frame_seconds, stream.duration, settings or model.detection)


def says_distance(model: FrameListener) -> bool:
    """Return whether a network says how far away sounds are, by letting it hear a moment of silence."""
    silence = Audio(np.zeros((model.layout.channels, model.sample_rate)), model.sample_rate, model.layout)
    return hear_pieces(model, [silence]).says_distance


def device_of(model: FrameListener) -> torch.device:
    """Return where a network computes."""
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else iter(())
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


def _said(
    model: FrameListener, blocks: Iterator[Samples], plan: BlockPlan, *, frame: int, batch: int | None
) -> Iterator[NDArray[np.float32]]:
    """Outputs of each block, in order."""
    device = device_of(model)
    size = _BATCH.get(device.type, 1) if batch is None else batch
    if size < 1:
        raise ParameterError(f"at least 1 block must be heard at a time, got {batch!r}")
    while group := list(islice(blocks, size)):
        frames = [-(-block.shape[1] // frame) for block in group]
        if plan.padded:
            short = plan.length * frame - group[-1].shape[1]
            group[-1] = np.pad(group[-1], ((0, 0), (0, short)))
        # Only the very last block may be shorter than others; where it is not padded, it is heard by itself.
        alike = [block for block in group if block.shape == group[0].shape]
        outputs = [*_heard(model, alike, device), *(_heard(model, [block], device)[0] for block in group[len(alike) :])]
        for count, said in zip(frames, outputs, strict=True):
            yield said[:count]


def _gathered(parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Put parts behind each other, without ever holding everything twice: an hour of 170 classes is 300 MB."""
    gathered: NDArray[np.float32] = np.zeros(0, np.float32)
    filled = 0
    for part in parts:
        wanted = filled + len(part)
        if gathered.ndim != part.ndim or wanted > len(gathered):
            gathered.resize((wanted + wanted // 8, *part.shape[1:]), refcheck=False)
        gathered[filled:wanted] = part
        filled = wanted
    gathered.resize((filled, *gathered.shape[1:]), refcheck=False)
    return gathered


def _heard(model: FrameListener, blocks: list[Samples], device: torch.device) -> NDArray[np.float32]:
    with torch.inference_mode():
        outputs: NDArray[np.float32] = model(torch.from_numpy(np.stack(blocks)).to(device)).float().cpu().numpy()
    return outputs


def _block_seconds(model: FrameListener) -> float | None:
    seconds: float | None = getattr(model, "block_seconds", None)
    return seconds


def _known(reading: Reading) -> Reading:
    if reading not in get_args(Reading):
        raise ParameterError(unknown_name("reading", reading, get_args(Reading)))
    return reading
