"""Cutting a recording of any length and rate into the blocks that a network hears, and joining what it said of them.

Everything here is a stream: memory holds one block. Blocks begin on label frames of the network, at its own sample rate, so
that nothing drifts however long a recording is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.dsp.resampling import resampled_length
from auris.errors import ParameterError
from auris.models.wrong_layout import wrong_layout

BLOCK_SECONDS = 12.0  # for networks that hear any length
CONTEXT_SECONDS = 1.0  # heard on both sides of what is kept
_SILENT = 1e-6  # activity below which windows do not differ in what they are sure not to hear

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class BlockPlan:
    """How a recording is cut, in label frames.

    Attributes:
        length: frames in a block.
        hop: frames from the beginning of one block to that of the next.
        join: ``context`` keeps of each frame what the block says in whose middle it lies, ``average`` the mean of all blocks,
            ``agreement`` the harmonic mean of their activities in the mean place.
        padded: whether a last block that is short is filled up with silence: the network hears only whole blocks.
        silence: frames of silence heard before and after the recording.
    """

    length: int
    hop: int
    join: Literal["context", "average", "agreement"]
    padded: bool
    silence: int = 0


def block_plan(*, block_seconds: float | None, frame_seconds: float, hop: float | None = None) -> BlockPlan:
    """Return how to cut recordings for a network.

    Args:
        block_seconds: the only length that the network hears; None for any.
        frame_seconds: length of its label frames.
        hop: seconds between the beginnings of blocks whose outputs are averaged; None takes the usual hop, with
            :data:`CONTEXT_SECONDS` on both sides and no averages.

    Raises:
        ParameterError: the hop is longer than a block, or no whole number of frames.
    """
    seconds = BLOCK_SECONDS if block_seconds is None else block_seconds
    length = round(seconds / frame_seconds)
    if hop is None:
        step = length - 2 * round(CONTEXT_SECONDS / frame_seconds)
        return BlockPlan(length, step, "context", block_seconds is not None)
    step = _frames_of_hop(hop, seconds, frame_seconds)
    return BlockPlan(length, step, "average", block_seconds is not None)


def clip_plan(*, block_seconds: float, frame_seconds: float, hop: float) -> BlockPlan:
    """Return how to cut recordings for a network that says one thing of a whole block.

    Blocks that overlap are joined by agreement. The first begins before the recording and the last ends after it, by half a
    block or by what blocks share, whichever is less.

    Args:
        block_seconds: the length that the network hears.
        frame_seconds: length of label frames.
        hop: seconds between the beginnings of blocks.

    Raises:
        ParameterError: the hop is longer than a block, or no whole number of frames.
    """
    length, step = round(block_seconds / frame_seconds), _frames_of_hop(hop, block_seconds, frame_seconds)
    return BlockPlan(length, step, "agreement", padded=True, silence=min(length // 2, length - step))


def _frames_of_hop(hop: float, block_seconds: float, frame_seconds: float) -> int:
    step = round(hop / frame_seconds) if math.isfinite(hop) else 0
    if not 1 <= step <= round(block_seconds / frame_seconds) or abs(step * frame_seconds - hop) > 1e-6:
        raise ParameterError(
            f"the hop must be a multiple of {frame_seconds:g} s, at most the {block_seconds:g} s of a block, got {hop:g} s"
        )
    return step


class SampleStream:
    """A recording that arrives in pieces, at another sample rate; ``duration`` is right once it has been read.

    Pieces follow each other without gap or overlap; the rate is converted across their seams.

    Args:
        pieces: of one layout and rate.
        layout: what the channels must be.
        sample_rate: hertz to convert to.
    """

    def __init__(self, pieces: Iterable[Audio], *, layout: ChannelLayout, sample_rate: int) -> None:
        self._pieces, self._layout, self._rate = iter(pieces), layout, sample_rate
        self.duration = 0.0

    def __iter__(self) -> Iterator[Samples]:
        """Yield ``(channels, samples)``.

        Raises:
            LayoutError: the pieces have another layout than asked for.
            ParameterError: there is no audio, or pieces differ in rate.
        """
        first = next((piece for piece in self._pieces if piece.length), None)
        if first is None:
            raise ParameterError("there is no audio to listen to")
        if first.layout != self._layout:
            raise wrong_layout(first.layout, self._layout)
        if first.sample_rate == self._rate:
            yield from self._counted(first)
        else:
            yield from self._resampled(first)

    def _counted(self, first: Audio) -> Iterator[Samples]:
        """Samples as they are; the duration goes with them."""
        length = 0
        for piece in _chain(first, self._pieces):
            if (piece.layout, piece.sample_rate) != (first.layout, first.sample_rate):
                raise ParameterError(f"the pieces of a recording must be alike, got {first!r}, then {piece!r}")
            length += piece.length
            self.duration = length / first.sample_rate
            yield piece.samples

    def _resampled(self, first: Audio) -> Iterator[Samples]:
        import soxr

        source, given, made = first.sample_rate, 0, 0
        stream = soxr.ResampleStream(source, self._rate, first.channels, dtype="float32", quality="HQ")
        for samples in self._counted(first):
            given += samples.shape[1]
            part = stream.resample_chunk(np.ascontiguousarray(samples.T))
            made += len(part)
            yield part.T
        # A click shorter than one sample of the new rate is still one.
        rest = max(resampled_length(given, source, self._rate), 1) - made
        last = stream.resample_chunk(np.zeros((0, first.channels), np.float32), last=True)[: max(rest, 0)]
        yield np.pad(last, ((0, max(rest, 0) - len(last)), (0, 0))).T


def surrounded(stream: Iterable[Samples], *, silence: int) -> Iterator[Samples]:
    """Yield samples ``(channels, any number)`` with as many of silence before the first and behind the last."""
    ends: Samples | None = None
    for samples in stream:
        if ends is None:
            ends = np.zeros((len(samples), silence), np.float32)
            yield ends
        yield samples
    if ends is not None:
        yield ends


def windows(stream: Iterable[Samples], *, length: int, hop: int) -> Iterator[Samples]:
    """Yield windows ``(channels, length)`` that begin every ``hop`` samples, until one reaches the end; it may be shorter.

    Args:
        stream: successive samples ``(channels, any number)``.
        length: samples in a window.
        hop: samples from one beginning to the next, at most ``length``.
    """
    held: Samples | None = None
    for samples in stream:
        held = samples if held is None or not held.shape[1] else np.concatenate([held, samples], axis=1)
        while held.shape[1] > length:
            yield held[:, :length]
            held = held[:, hop:]
    if held is not None:
        yield held


def joined(outputs: Iterable[NDArray[np.float32]], plan: BlockPlan) -> Iterator[NDArray[np.float32]]:
    """Yield what a network said of successive blocks as what it said of the whole, in pieces.

    Args:
        outputs: ``(frames, …)`` of each block; only the last may be shorter than ``plan.length``. To be joined by agreement,
            they are vectors whose length is the activity, and distances: ``(frames, tracks, classes, 4)``.
        plan: how the recording was cut.
    """
    if plan.join == "agreement":
        return (_agreed(means) for means in _averaged(map(_to_agree, outputs), plan.hop))
    return _averaged(outputs, plan.hop) if plan.join == "average" else _stitched(outputs, plan.length - plan.hop)


def _stitched(outputs: Iterable[NDArray[np.float32]], shared: int) -> Iterator[NDArray[np.float32]]:
    """Put each seam into the middle of the frames that two blocks share."""
    before: NDArray[np.float32] | None = None
    for block in outputs:
        if before is None:
            before = block
            continue
        yield before[: len(before) - (shared - shared // 2)]
        before = block[shared // 2 :]
    if before is not None:
        yield before


def _averaged(outputs: Iterable[NDArray[np.float32]], hop: int) -> Iterator[NDArray[np.float32]]:
    """Mean of all blocks that cover a frame, as soon as no later block can."""
    sums: NDArray[np.float32] | None = None
    counts = np.zeros(0, np.float32)
    for block in outputs:
        if sums is None:
            sums, counts = block.copy(), np.ones(len(block), np.float32)
            continue
        yield _divided(sums[:hop], counts[:hop])
        fresh = len(block) - len(sums[hop:])
        sums = np.concatenate([sums[hop:], np.zeros((fresh, *block.shape[1:]), np.float32)]) + block
        counts = np.concatenate([counts[hop:], np.zeros(fresh, np.float32)]) + 1
    if sums is not None:
        yield _divided(sums, counts)


def _to_agree(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What :func:`_agreed` needs the mean of: vectors, distance times activity, activity, and its inverse."""
    activity = np.maximum(np.linalg.norm(outputs[..., :3], axis=-1, keepdims=True), _SILENT)
    return np.concatenate([outputs[..., :3], outputs[..., 3:] * activity, activity, 1 / activity], axis=-1)


def _agreed(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean direction and distance, weighted by activity, and the harmonic mean of the activities as length.

    A block hears what sounds anywhere in it, so a frame in which something sounds lies in no block that is sure of silence:
    the arithmetic mean would draw every event out by half a block at both ends.
    """
    vectors, weighted, activity, inverse = np.split(means, [3, 4, 5], axis=-1)
    length = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.finfo(np.float32).tiny)
    return np.concatenate([vectors / length / inverse, weighted / activity], axis=-1)


def _divided(sums: NDArray[np.float32], counts: NDArray[np.float32]) -> NDArray[np.float32]:
    return sums / counts.reshape(-1, *[1] * (sums.ndim - 1))


def _chain(first: Audio, others: Iterable[Audio]) -> Iterator[Audio]:
    yield first
    yield from others
