"""Listening to recordings of any length and rate, in bounded memory.

Networks hear blocks that overlap; of each label frame the block counts in whose middle it lies, or the mean of all blocks that
cover it (:mod:`auris.models.blocks`); models that say one thing of a whole clip listen by
:class:`auris.models.clip_listening.WindowedListener`. What they said, a few kilobytes a second, is then read as a scene with
events, or frame by frame.
"""

from __future__ import annotations

import math
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
from auris.io.frame_labels import HOP, FrameLabels, rows_to_scene, scene_to_rows
from auris.models.blocks import BlockPlan, Samples, SampleStream, block_plan, clip_plan, joined, surrounded, windows
from auris.models.detections import UNKNOWN_DISTANCE, DetectionSettings, scene_of
from auris.models.track_decoding import decode_frames
from auris.scene import Scene

Reading = Literal["events", "frames"]
_BATCH = {"cpu": 1, "cuda": 16}  # blocks at a time


class Listener(Protocol):
    """What every network that listens says of itself, whether it hears frames or whole clips."""

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
    def detection(self) -> DetectionSettings:
        """How its outputs become events."""


class FrameListener(Listener, Protocol):
    """What a network must offer to be listened with: :class:`auris.models.seld_crnn.SeldCrnn` is one.

    A network that hears only blocks of one length says so in a property ``block_seconds``; without it, or with None, it
    hears any length, up to :data:`auris.models.blocks.BLOCK_SECONDS` at a time. One that says the same of a whole block has a
    property ``hop_seconds``, the usual hop between its blocks; they are joined by agreement. One that knows whether it says
    distances has a property ``says_distance``; of others it is found out.
    """

    @property
    def frame_seconds(self) -> float:
        """Seconds in one label frame; whole seconds hold a whole number of frames."""

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
            rows = self.rows("frames", hop=self.frame_seconds)
            return rows_to_scene(rows, duration=self.duration, distance=UNKNOWN_DISTANCE)
        return scene_of(
            self.outputs, self.labels, frame_seconds=self.frame_seconds, duration=self.duration, settings=self.settings
        )

    def rows(self, reading: Reading = "events", *, hop: float = HOP) -> FrameLabels:
        """Return labels per frame; distances are NaN where they are not known.

        Args:
            reading: as for :meth:`scene`.
            hop: seconds per frame of the labels, those of DCASE files if nothing else is said. A label says what the network
                said at the frame's centre, in frames of its own length.
        """
        if _known(reading) == "frames":
            return decode_frames(self._in_frames_of(hop), self.settings, labels=self.labels, hop=hop)
        rows = scene_to_rows(self.scene(), self.labels, hop=hop)
        return rows if self.says_distance else without_distance(rows)

    def _in_frames_of(self, hop: float) -> NDArray[np.float32]:
        """The outputs at the centres of other frames."""
        if math.isclose(hop, self.frame_seconds):
            return self.outputs
        centres = (np.arange(math.ceil(self.duration / hop - 1e-6)) + 0.5) * hop
        frames = np.floor(centres / self.frame_seconds + 1e-6).astype(np.int64)
        said: NDArray[np.float32] = self.outputs[frames.clip(max=len(self.outputs) - 1)]
        return said


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
            once, in the middle of a block. Windows of clip models are joined whatever the hop; None is a quarter of a clip.
        batch: blocks heard at a time; None is one on a processor and more on a graphics card.

    Raises:
        LayoutError: the audio has another layout than the model listens to.
        ParameterError: there is no audio, or the hop or the batch is impossible.
    """
    plan = _plan(model, hop)
    stream = SampleStream(pieces, layout=model.layout, sample_rate=model.sample_rate)
    frame = round(model.frame_seconds * model.sample_rate)
    samples = surrounded(stream, silence=plan.silence * frame)
    blocks = windows(samples, length=plan.length * frame, hop=plan.hop * frame)
    outputs = _gathered(joined(_said(model, blocks, plan, frame=frame, batch=batch), plan))
    outputs = outputs[plan.silence : len(outputs) - plan.silence]
    return Hearing(outputs, model.labels, model.frame_seconds, stream.duration, settings or model.detection)


def says_distance(model: FrameListener) -> bool:
    """Return whether a network says how far away sounds are; one that does not tell is let hear a moment of silence."""
    known: bool | None = getattr(model, "says_distance", None)
    if known is not None:
        return known
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


def _plan(model: FrameListener, hop: float | None) -> BlockPlan:
    """How to cut a recording for a listener, which says what it needs where that is not the usual."""
    seconds: float | None = getattr(model, "block_seconds", None)
    usual: float | None = getattr(model, "hop_seconds", None)
    if seconds is None or usual is None:
        return block_plan(block_seconds=seconds, frame_seconds=model.frame_seconds, hop=hop)
    return clip_plan(block_seconds=seconds, frame_seconds=model.frame_seconds, hop=usual if hop is None else hop)


def _known(reading: Reading) -> Reading:
    if reading not in get_args(Reading):
        raise ParameterError(unknown_name("reading", reading, get_args(Reading)))
    return reading
