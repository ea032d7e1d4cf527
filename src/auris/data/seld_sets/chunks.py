"""Clips cut into chunks of equal length: what a SELD network is trained and tested with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from auris.data.seld_sets.clips import Clip
from auris.data.seld_sets.labels import LabelRule
from auris.data.seld_targets import TARGET_FORMATS, TRACKS, TargetFormat, Targets, encode, overlap
from auris.dsp.resampling import resample, resampled_length
from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.audio_files import read_window
from auris.io.frame_labels import HOP

Purpose = Literal["train", "test"]
_MARGIN = 512  # samples read on both sides of a window that is resampled, so that its ends are those of the whole file


class Span(NamedTuple):
    """A chunk of a clip, in samples: ``begin`` to ``end``, then ``padding`` zeros."""

    begin: int
    end: int
    padding: int


def chunk_spans(samples: int, *, length: int, hop: int, purpose: Purpose, grid: int = 1) -> list[Span]:
    """Cut a clip into chunks (PSELDNets, arXiv:2411.06399).

    Full chunks begin every ``hop`` samples. What they leave over at the end becomes one more chunk: padded with zeros when
    testing; when training, padded if it is at least half a chunk, and otherwise a full chunk that ends where the clip ends.
    A clip shorter than a chunk is one padded chunk.

    Args:
        samples: length of the clip, at least 1.
        length: of a chunk.
        hop: from one chunk to the next.
        purpose: ``train`` or ``test``.
        grid: a chunk that ends with the clip begins at a multiple of this, so that its label frames are those of the audio;
            1 is the published rule, where labels may be up to one frame early.

    Returns:
        Spans in the order of their beginnings.

    Raises:
        ParameterError: a number is below 1, or the purpose is unknown.

    >>> chunk_spans(23, length=10, hop=10, purpose="test")[-1]
    Span(begin=20, end=23, padding=7)
    >>> chunk_spans(23, length=10, hop=10, purpose="train")[-1]
    Span(begin=13, end=23, padding=0)
    """
    if min(samples, length, hop, grid) < 1:
        raise ParameterError(
            f"samples, length, hop and grid are at least 1, got samples={samples}, length={length}, hop={hop}, grid={grid}"
        )
    if purpose not in get_args(Purpose):
        raise ParameterError(unknown_name("purpose", purpose, get_args(Purpose)))
    if samples < length:
        return [Span(0, samples, length - samples)]
    full = 1 + (samples - length) // hop
    spans = [Span(index * hop, index * hop + length, 0) for index in range(full)]
    if spans[-1].end < samples:
        begin = full * hop
        if begin < samples and (purpose == "test" or samples - begin >= length / 2):
            spans.append(Span(begin, samples, length - (samples - begin)))
        else:
            begin = (samples - length) // grid * grid
            spans.append(Span(begin, begin + length, 0))
    return spans


class SeldExample(NamedTuple):
    """A chunk with its targets; batches of them come out of a ``DataLoader`` as one of them with a batch axis.

    Attributes:
        waveform: float32 ``(channels, samples)``.
        targets: of its frames.
        overlap: largest number of entries active in one frame, at least 1.
        clip: name of the clip.
        begin_frame: label frame of the clip with which the chunk begins.
        dropped: rows of the labels that the targets could not hold.
    """

    waveform: Tensor
    targets: Targets
    overlap: int
    clip: str
    begin_frame: int
    dropped: int


@dataclass(frozen=True)
class ChunkSettings:
    """How clips become examples.

    Attributes:
        format: of the targets.
        sample_rate: hertz of the examples.
        seconds: length of a chunk.
        hop_seconds: from one chunk to the next.
        purpose: what happens with the rest at the end of a clip, see :func:`chunk_spans`.
        tracks: number of tracks of the format ``tracks``.
        channels: how many channels of the recording to give, from the first on; 1 is the mono variant of a set (W alone); 0
            gives all.
        other_rates: what to do with a recording of another rate. The published code expects the right one; ``refuse`` says so,
            ``resample`` converts each window (soxr, linear phase, with the samples around it, so that windows join).
        rule: how events become frames, see :func:`auris.data.seld_sets.labels.read_labels`.
        alignment: ``frame`` lets every chunk begin on a label frame, ``published`` see ``grid`` of :func:`chunk_spans`.
    """

    format: TargetFormat
    sample_rate: int = 24_000
    seconds: float = 10.0
    hop_seconds: float = 10.0
    purpose: Purpose = "train"
    tracks: int = TRACKS
    channels: int = 0
    other_rates: Literal["refuse", "resample"] = "refuse"
    rule: LabelRule = "centre"
    alignment: Literal["frame", "published"] = "frame"

    def __post_init__(self) -> None:
        if self.format not in TARGET_FORMATS:
            raise ParameterError(unknown_name("target format", self.format, TARGET_FORMATS))
        if self.sample_rate < 1 or self.sample_rate % 10:
            raise ParameterError(f"a label frame of 0.1 s must be whole samples: {self.sample_rate} Hz is not a multiple of 10")
        for name in ("seconds", "hop_seconds"):
            value = getattr(self, name)
            if not value > 0 or abs(value / HOP - round(value / HOP)) > 1e-6:
                raise ParameterError(f"{name} must be a multiple of the label frame, {HOP} s, and above 0; got {value!r}")
        if self.channels < 0 or self.tracks < 1:
            raise ParameterError(
                f"needs channels of at least 0 and tracks of at least 1, got {self.channels} and {self.tracks}"
            )

    @property
    def frame_samples(self) -> int:
        """Samples per label frame."""
        return self.sample_rate // 10

    @property
    def frames(self) -> int:
        """Label frames per chunk."""
        return round(self.seconds / HOP)


class SeldChunks(Dataset[SeldExample]):
    """Chunks of clips with their targets.

    Windows are read from the files, never whole files; nothing is random and nothing is kept open, so workers and restarts
    do not change what an index gives.
    """

    def __init__(self, clips: Sequence[Clip], classes: Sequence[str], settings: ChunkSettings) -> None:
        """Plan the chunks.

        Args:
            clips: in order; see :func:`auris.data.seld_sets.clips.find_clips`. Sets may be joined when their classes agree.
            classes: class names in the order of their numbers.
            settings: how to cut.

        Raises:
            FormatError: a clip has no labels, another sample rate, or too few channels; the first is named.
            ParameterError: there are no classes.
        """
        if not classes:
            raise ParameterError("the class list is empty; see auris.data.seld_sets.clips.find_classes")
        self.clips, self.classes, self.settings = tuple(clips), tuple(classes), settings
        _require_usable(self.clips, settings)
        points = settings.frame_samples
        self.lengths = tuple(_length(clip, settings.sample_rate) for clip in self.clips)
        spans = [
            chunk_spans(
                length,
                length=settings.frames * points,
                hop=round(settings.hop_seconds / HOP) * points,
                purpose=settings.purpose,
                grid=points if settings.alignment == "frame" else 1,
            )
            for length in self.lengths
        ]
        self.clip_index: NDArray[np.int64] = np.repeat(np.arange(len(spans)), [len(part) for part in spans])
        self.spans = tuple(span for part in spans for span in part)

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, index: int) -> SeldExample:
        """Return a chunk; equal for equal ``index``."""
        span = self.spans[index]
        number = int(self.clip_index[index])
        clip, settings = self.clips[number], self.settings
        first, last = span.begin // settings.frame_samples, span.end // settings.frame_samples
        rows = clip.read_labels(self.classes, rule=settings.rule)
        if span.padding:  # what is padded has no labels, as in the published items
            last = math.ceil(span.end / settings.frame_samples) if settings.alignment == "frame" else last
            rows = rows.rows(rows.frame < last)
        targets, dropped = encode(
            rows, settings.format, classes=len(self.classes), frames=settings.frames, begin=first, tracks=settings.tracks
        )
        waveform = self._waveform(clip, span, self.lengths[number])
        return SeldExample(waveform, targets, overlap(targets), clip.name, first, dropped)

    def frame_count(self, clip_index: int) -> int:
        """Return how many frames of a clip its chunks cover: what scores are counted over."""
        end = max(self.spans[i].end for i in np.flatnonzero(self.clip_index == clip_index))
        return math.ceil(end / self.settings.frame_samples)

    def _waveform(self, clip: Clip, span: Span, length: int) -> Tensor:
        """Read a window, zero-padded at its end."""
        rate = self.settings.sample_rate
        if clip.sample_rate == rate:
            block = read_window(clip.audio, start=span.begin, samples=span.end - span.begin)
        else:
            block = _resampled_window(clip, span.begin, min(span.end, length), rate)
        block = block[: self.settings.channels] if self.settings.channels else block
        return torch.from_numpy(np.pad(block, [(0, 0), (0, self._chunk_samples - block.shape[1])]))

    @property
    def _chunk_samples(self) -> int:
        return self.settings.frames * self.settings.frame_samples


def _length(clip: Clip, rate: int) -> int:
    return clip.samples if clip.sample_rate == rate else resampled_length(clip.samples, clip.sample_rate, rate)


def _resampled_window(clip: Clip, begin: int, end: int, rate: int) -> NDArray[np.float32]:
    """Samples ``begin`` to ``end`` of the clip as it would be at another rate."""
    step = math.gcd(clip.sample_rate, rate)
    up, down = rate // step, clip.sample_rate // step
    # Begin where a sample of one rate falls on one of the other, so that the window is in phase with the whole.
    first = max(begin * down // up - _MARGIN, 0) // down * down
    last = min(math.ceil(end * down / up) + _MARGIN, clip.samples)
    block = resample(read_window(clip.audio, start=first, samples=last - first), clip.sample_rate, rate)
    offset = begin - first * up // down
    return block[:, offset : offset + end - begin]


def _require_usable(clips: Sequence[Clip], settings: ChunkSettings) -> None:
    """Raise for the first clip that cannot be used, and say how many there are."""
    faults = {
        "no labels": [clip for clip in clips if clip.labels is None],
        f"another rate than {settings.sample_rate} Hz (see other_rates)": [
            clip for clip in clips if settings.other_rates == "refuse" and clip.sample_rate != settings.sample_rate
        ],
        f"fewer than {settings.channels} channels": [clip for clip in clips if clip.channels < settings.channels],
        "another number of channels than the first one": [
            clip for clip in clips if not settings.channels and clip.channels != clips[0].channels
        ],
    }
    for fault, found in faults.items():
        if found:
            raise FormatError(f"{len(found)} of {len(clips)} clips have {fault}; the first is {found[0].audio}")
