"""A recording that is asked about: audio in memory, or a file that stays on disk and is read where it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import ParameterError
from auris.io.audio_files import probe, read_window

SILENCE_DB = -90.0  # dB re full scale; below, no sample of 16 bits but its noise of rounding
_SILENCE = 10 ** (SILENCE_DB / 20)
_PIECE_SECONDS = 10.0

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Recording:
    """Audio or a file, and what its channels are.

    Attributes:
        audio: samples, or the path of a file.
        layout: what the channels are.
        sample_rate: hertz.
        samples: length per channel.
    """

    audio: Audio | Path
    layout: ChannelLayout
    sample_rate: int
    samples: int

    @classmethod
    def opened(cls, audio: Audio | str | Path, layout: ChannelLayout) -> Recording:
        """Return a recording; of a file only the header is read.

        Raises:
            FormatError: the file is missing, empty or not audio.
        """
        if isinstance(audio, Audio):
            return cls(audio, layout, audio.sample_rate, audio.length)
        header = probe(audio)
        return cls(header.path, layout, header.sample_rate, header.frames)

    @property
    def name(self) -> str:
        """The file, or what stands for it in messages."""
        return str(self.audio) if isinstance(self.audio, Path) else "the audio"

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.sample_rate

    def between(self, begin: float, end: float) -> Audio:
        """Return a stretch of it, in seconds; no sample longer than asked for.

        Raises:
            FormatError: the file is damaged there.
        """
        first = round(begin * self.sample_rate)
        count = min(int((end - begin) * self.sample_rate + 1e-6), self.samples - first)
        if isinstance(self.audio, Audio):
            return Audio(self.audio.samples[:, first : first + count], self.sample_rate, self.layout)
        return Audio(read_window(self.audio, start=first, samples=count), self.sample_rate, self.layout)


def require_sound(audio: Audio | str | Path) -> None:
    """Check that there is anything to hear; a file is read up to its first sound.

    Raises:
        ParameterError: it is silent or has no samples.
        FormatError: the file is missing, not audio, or damaged before its first sound.
    """
    name = "the audio" if isinstance(audio, Audio) else str(audio)
    seconds = audio.duration if isinstance(audio, Audio) else probe(audio).duration
    if not seconds:
        raise ParameterError(f"{name} has no samples; give a recording with something to hear in it")
    if all(_peak(samples) < _SILENCE for samples in _pieces(audio)):
        raise ParameterError(
            f"nothing is to be heard: all of {name} ({seconds:.1f} s) is below {SILENCE_DB:g} dB of full scale; "
            "check the recording, or its level"
        )


def _pieces(audio: Audio | str | Path) -> Iterator[Samples]:
    if isinstance(audio, Audio):
        yield audio.samples
        return
    header = probe(audio)
    size = round(_PIECE_SECONDS * header.sample_rate)
    for first in range(0, header.frames, size):
        yield read_window(header.path, start=first, samples=min(size, header.frames - first))


def is_silent(audio: Audio) -> bool:
    """Return whether no sample is as loud as :data:`SILENCE_DB`."""
    return _peak(audio.samples) < _SILENCE


def _peak(samples: Samples) -> float:
    """Return the largest absolute sample."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def power(audio: Audio) -> float:
    """Return the mean square over all channels."""
    return float(np.mean(np.square(audio.samples, dtype=np.float64))) if audio.length else 0.0
