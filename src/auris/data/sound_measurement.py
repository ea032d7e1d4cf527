"""What a sound file is: length and encoding by its header, activity, level and loudness by its samples, and what is wrong."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from auris.data.activity import ActivitySettings, Segment, active_segments
from auris.data.playback import high_passed, mono
from auris.dsp.loudness import active_rms, integrated_loudness, to_decibels
from auris.errors import SceneError

Samples = NDArray[np.float32]
MIN_DURATION = 0.05  # seconds
RATES = (1_000, 768_000)  # hertz
_LOUDNESS_BLOCK = 0.4  # seconds: shorter sounds have no loudness by BS.1770
# What the file formats that libsndfile tells apart are called at the end of a name.
_SUFFIXES = {
    "WAV": (".wav",),
    "WAVEX": (".wav",),
    "RF64": (".wav",),
    "W64": (".w64",),
    "NIST": (".sph", ".wav"),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3",),
    "AIFF": (".aif", ".aiff"),
    "AU": (".au",),
    "CAF": (".caf",),
}
_BEGINNINGS = (
    (0, b"RIFF", "a WAV file"),
    (0, b"FORM", "an AIFF file"),
    (0, b"fLaC", "a FLAC file"),
    (0, b"OggS", "an Ogg file"),
    (0, b"ID3", "an MP3 file"),
    (4, b"ftyp", "an MP4 file"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"<", "a page of HTML or XML"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a file says.

    Attributes:
        duration: seconds.
        channels: number of channels.
        sample_rate: hertz.
        encoding: container and sample format, as libsndfile names them.
        problem: why it cannot be used; None when it can.
        remark: what is odd about a file that can be used.
        lasting: the file itself is at fault, so that the problem stays until the file changes.
    """

    duration: float = 0.0
    channels: int = 0
    sample_rate: int = 0
    encoding: str = ""
    problem: str | None = None
    remark: str | None = None
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """What the samples of a file are, played as banks play them: one channel, nothing below 25 Hz.

    Attributes:
        segments: stretches in which something sounds.
        level_db: root mean square while it sounds, decibels re full scale.
        loudness: LUFS (ITU-R BS.1770-4); None for sounds shorter than 0.4 s or quieter than -70 LUFS.
        problem: why it cannot be used; None when it can.
    """

    segments: tuple[Segment, ...] = ()
    level_db: float | None = None
    loudness: float | None = None
    problem: str | None = None

    @property
    def active_seconds(self) -> float:
        """Seconds in which something sounds."""
        return float(sum(segment.duration for segment in self.segments))


def read_header(path: Path) -> Header:
    """Return what the header of a file says; whatever is wrong with it becomes its problem."""
    try:
        with open(path, "rb") as stream:
            return _header(path, stream)
    except OSError as error:
        lasting = isinstance(error, IsADirectoryError)
        return Header(problem=f"cannot be opened ({error.strerror or error})", lasting=lasting)


def _header(path: Path, stream: BinaryIO) -> Header:
    size = os.fstat(stream.fileno()).st_size
    if not size:
        return Header(problem="empty file")
    try:
        with soundfile.SoundFile(str(path)) as sound:
            frames, rate, channels = sound.frames, int(sound.samplerate), int(sound.channels)
            container, encoding = str(sound.format), f"{sound.format}/{sound.subtype}"
    except (soundfile.LibsndfileError, RuntimeError, OSError, TypeError, ValueError) as error:
        return Header(problem=f"cannot be read as audio ({_reason(error)}{_what_it_is(stream, path.suffix)})")
    if channels < 1 or not RATES[0] <= rate <= RATES[1]:
        return Header(problem=f"cannot be played ({channels} channels at {rate} Hz)", encoding=encoding)
    duration = frames / rate
    problem = _truncation(stream, size, container)
    if problem is None and duration < MIN_DURATION:
        problem = f"too short ({duration * 1000:.0f} ms, at least {MIN_DURATION * 1000:.0f} ms)"
    known = _SUFFIXES.get(container)
    suffix = path.suffix.lower()
    remark = f"holds {container}, though its name ends in {suffix}" if known and suffix not in known else None
    return Header(duration, channels, rate, encoding, problem, remark)


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).rstrip(".")


def _what_it_is(stream: BinaryIO, suffix: str) -> str:
    """What the beginning of a file tells that its name does not."""
    stream.seek(0)
    start = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    name = next((name for place, mark, name in _BEGINNINGS if start[place : place + len(mark)] == mark), None)
    expected = name is not None and name.split()[1].lower()[:2] == suffix.lower()[1:3]
    return f"; it begins like {name}" if name and not expected else ""


def _truncation(stream: BinaryIO, size: int, container: str) -> str | None:
    """Why a file is incomplete, where its container tells: WAV and AIFF by a length at the start, Ogg by its last page."""
    if container == "AIFF":
        stream.seek(4)
        promised = struct.unpack(">I", stream.read(4))[0]
        if promised < 0xFFFFFFFF and promised + 8 - size > max(64, promised // 100):
            return f"truncated ({size} of {promised + 8} bytes are there)"
    if container in ("WAV", "WAVEX"):
        start, promised = _wav_data(stream)
        # All bits set: written to a pipe, length unknown. A hundredth at the end is not worth a recording.
        if promised < 0xFFFFFFFF and start + promised - size > max(64, promised // 100):
            return f"truncated ({max(size - start, 0)} of {promised} bytes of samples are there)"
    if container == "OGG":
        stream.seek(max(size - (1 << 16) - 512, 0))
        tail = stream.read()
        page = tail.rfind(b"OggS")
        if page < 0 or len(tail) < page + 27:
            return "truncated (its last page is incomplete)"
        segments = tail[page + 26]
        length = 27 + segments + sum(tail[page + 27 : page + 27 + segments])
        if len(tail) < page + length or not tail[page + 5] & 4:
            return "truncated (it has no last page)"
    return None


def _wav_data(stream: BinaryIO) -> tuple[int, int]:
    """Where the samples of a WAV file begin and how many bytes of them it promises; zeros when it is no plain WAV file."""
    stream.seek(0)
    if stream.read(4) != b"RIFF":
        return 0, 0
    place = 12
    for _ in range(1000):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8:
            break
        length = struct.unpack("<I", head[4:])[0]
        if head[:4] == b"data":
            return place + 8, length
        place += 8 + length + length % 2
    return 0, 0


def decoded(path: Path, name: str) -> tuple[Samples, int]:
    """Return a file as banks play it, mono ``(samples,)`` without infrasound, and its sample rate.

    Args:
        path: the file.
        name: what it is called in messages.

    Raises:
        SceneError: it is not audio, ends early, is empty or holds NaN.
    """
    try:
        with soundfile.SoundFile(str(path)) as sound:
            promised, rate = sound.frames, int(sound.samplerate)
            samples = sound.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError, TypeError, ValueError) as error:
        raise SceneError(f"{name}: cannot be read as audio ({_reason(error)})") from None
    if not len(samples):
        raise SceneError(f"{name}: holds no samples")
    # Coders that work in blocks may promise a few samples of the last block too many.
    if len(samples) < promised - max(8192, promised // 100):
        raise SceneError(f"{name}: truncated ({len(samples) / rate:.2f} of {promised / rate:.2f} s can be decoded)")
    if not np.isfinite(samples).all():
        raise SceneError(f"{name}: holds NaN or infinite samples")
    return high_passed(mono(samples.T), rate), rate


def content_of(samples: Samples, sample_rate: int, *, activity: ActivitySettings) -> Content:
    """Measure a decoded file."""
    segments = active_segments(samples, sample_rate, settings=activity)
    if not segments:
        return Content(problem="silent")
    loudness = float("-inf")
    if len(samples) >= round(_LOUDNESS_BLOCK * sample_rate):
        loudness = integrated_loudness(samples, sample_rate)
    level = float(to_decibels(active_rms(samples, sample_rate)))
    return Content(segments, round(level, 3), round(loudness, 3) if np.isfinite(loudness) else None)


def measured(path: Path, name: str, *, activity: ActivitySettings) -> Content:
    """Decode and measure a file; whatever is wrong with it becomes its problem."""
    try:
        return content_of(*decoded(path, name), activity=activity)
    except SceneError as error:
        return Content(problem=str(error).removeprefix(f"{name}: "))
