"""Audio files ⇄ :class:`~auris.audio.Audio`: WAV, FLAC, OGG and whatever else libsndfile reads.

A channel count never decides the layout by itself, except one channel, which is mono. A file that auris wrote says its
layout in its comment; for any other the caller says it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import FormatError, LayoutError
from auris.io.atomic import atomic_write, write_text

_TAG = "auris layout "
_SUFFIXES = {".wav": ("WAV", "FLOAT"), ".flac": ("FLAC", "PCM_24"), ".ogg": ("OGG", "VORBIS")}


@dataclass(frozen=True)
class AudioFile:
    """What an audio file's header says."""

    path: Path
    channels: int
    sample_rate: int
    frames: int
    layout: ChannelLayout | None

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def probe(path: str | Path) -> AudioFile:
    """Read the header of an audio file.

    Raises:
        FormatError: the file is missing, a folder, empty, or not audio.
    """
    file = Path(path)
    if not file.exists():
        raise FormatError(f"{file}: no such file")
    if not file.is_file():
        raise FormatError(f"{file}: not a file; give the path of one audio file")
    if file.stat().st_size == 0:
        raise FormatError(f"{file}: the file is empty (0 bytes)")
    try:
        with soundfile.SoundFile(file) as stream:
            comment = stream.copy_metadata().get("comment", "")
            layout = _layout_of_comment(comment, stream.channels) or _layout_beside(file, stream.channels)
            header = AudioFile(file, stream.channels, stream.samplerate, stream.frames, layout)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise FormatError(f"{file}: cannot be read as audio ({reason}); WAV, FLAC and OGG are accepted") from None
    if header.frames <= 0:
        raise FormatError(f"{file}: the file holds no samples")
    return header


def resolve_layout(header: AudioFile, layout: ChannelLayout | str | None) -> ChannelLayout:
    """Return the layout to read a file with: the one asked for, else the one the file states, else mono for one channel.

    Raises:
        LayoutError: the channel counts differ, or nothing says what the channels are.
    """
    if layout is not None:
        wanted = ChannelLayout.parse(layout)
        if wanted.channels != header.channels:
            raise LayoutError(f"{header.path}: {header.channels} channels, but layout {wanted.name} has {wanted.channels}")
        return wanted
    if header.layout is not None:
        return header.layout
    if header.channels == 1:
        return ChannelLayout.parse("mono")
    fitting = [n for n in ("stereo", "binaural", "foa", "tetra", *(f"hoa{i}" for i in range(2, 8)))]
    fitting = [n for n in fitting if ChannelLayout.parse(n).channels == header.channels]
    options = f"say which: {' or '.join(fitting)}" if fitting else "no named layout has that many"
    raise LayoutError(f"{header.path}: {header.channels} channels, and nothing says what they are; {options} (--layout)")


def read_audio(path: str | Path, *, layout: ChannelLayout | str | None = None) -> Audio:
    """Read a whole audio file.

    Args:
        path: WAV, FLAC, OGG or another format of libsndfile.
        layout: what the channels mean; None takes the file's own statement, or mono for one channel.

    Raises:
        FormatError: the file is missing, empty, not audio, cut short, or holds NaN or infinite samples.
        LayoutError: the channels do not fit the layout, or nothing says what they are.
    """
    header = probe(path)
    resolved = resolve_layout(header, layout)
    try:
        samples, rate = soundfile.read(header.path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, MemoryError) as error:
        raise FormatError(f"{header.path}: damaged audio ({str(error).rstrip('.')})") from None
    if not len(samples):
        raise FormatError(f"{header.path}: the file holds no samples")
    _require_finite(samples, header.path)
    return Audio(np.ascontiguousarray(samples.T), rate, resolved)


def decode_audio(content: bytes, *, where: str, layout: ChannelLayout | str | None = None) -> Audio:
    """Return the audio of a file that is in memory.

    Args:
        content: the whole file.
        where: what to call it in messages.
        layout: as in :func:`read_audio`.

    Raises:
        FormatError: it is not audio, cut short, or holds NaN or infinite samples.
        LayoutError: the channels do not fit the layout, or nothing says what they are.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as stream:
            stated = _layout_of_comment(stream.copy_metadata().get("comment", ""), stream.channels)
            header = AudioFile(Path(where), stream.channels, stream.samplerate, stream.frames, stated)
            missing = _missing_bytes(stream.extra_info)
            samples = stream.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise FormatError(f"{where}: cannot be read as audio ({reason}); WAV, FLAC and OGG are accepted") from None
    if missing or not len(samples) or len(samples) != header.frames:
        raise FormatError(f"{where}: cut short, {len(samples)} samples can be read")
    resolved = resolve_layout(header, layout)
    _require_finite(samples, Path(where))
    return Audio(np.ascontiguousarray(samples.T), header.sample_rate, resolved)


def read_blocks(
    path: str | Path, *, seconds: float, overlap: float = 0.0, layout: ChannelLayout | str | None = None
) -> Iterator[Audio]:
    """Yield a file in blocks of ``seconds`` that share ``overlap`` seconds, in bounded memory.

    Raises:
        FormatError: as :func:`read_audio`.
        LayoutError: as :func:`read_audio`.
    """
    header = probe(path)
    resolved = resolve_layout(header, layout)
    size, shared = round(seconds * header.sample_rate), round(overlap * header.sample_rate)
    try:
        for block in soundfile.blocks(header.path, blocksize=size, overlap=shared, dtype="float32", always_2d=True):
            _require_finite(block, header.path)
            yield Audio(np.ascontiguousarray(block.T), header.sample_rate, resolved)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise FormatError(f"{header.path}: damaged audio ({str(error).rstrip('.')})") from None


def read_window(path: str | Path, *, start: int, samples: int) -> NDArray[np.float32]:
    """Read a stretch of a file without reading what comes before it.

    Args:
        path: WAV, FLAC or another format of libsndfile that can seek.
        start: first sample.
        samples: length.

    Returns:
        float32 ``(channels, samples)``.

    Raises:
        FormatError: the file is missing, not audio, ends before the stretch does, or holds NaN or infinite samples there.
    """
    try:
        with soundfile.SoundFile(path) as stream:
            stream.seek(start)
            block = stream.read(samples, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        probe(path)  # which knows better what is wrong with a file that cannot be opened
        raise FormatError(f"{path}: damaged audio ({str(error).rstrip('.')})") from None
    if len(block) != samples:
        raise FormatError(
            f"{path}: ends at sample {start + len(block)}, but samples {start} to {start + samples} were asked for"
        )
    _require_finite(block, Path(path))
    return np.ascontiguousarray(block.T)


def verify_audio(path: str | Path, *, read: Literal["end", "all"] = "end") -> AudioFile:
    """Check that a file holds what its header promises, and return the header.

    Args:
        path: of the file.
        read: ``end`` reads the last samples, which finds files that were cut short; ``all`` decodes everything, which also
            finds damage inside and samples that are no numbers.

    Raises:
        FormatError: the file is missing, empty, not audio, cut short or damaged.
    """
    header = probe(path)
    try:
        with soundfile.SoundFile(header.path) as stream:
            missing = _missing_bytes(stream.extra_info)
            if missing:
                raise FormatError(f"{header.path}: cut short, {missing} bytes of samples are missing")
            start = 0 if read == "all" else max(header.frames - 4096, 0)
            stream.seek(start)
            count = 0
            for block in stream.blocks(blocksize=1 << 16, dtype="float32", always_2d=True):
                _require_finite(block, header.path)
                count += len(block)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise FormatError(f"{header.path}: cut short or damaged ({str(error).rstrip('.')})") from None
    if start + count != header.frames:
        raise FormatError(
            f"{header.path}: cut short, the header promises {header.frames} samples and {start + count} are there"
        )
    return header


def _missing_bytes(log: str) -> int:
    """How many bytes of a WAV file's samples are not there; libsndfile reads what there is and only its log tells."""
    found = re.search(r"^data : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
    promised, there = map(int, found.groups()) if found else (0, 0)
    return max(promised - there, 0) if promised < 0xFFFFFF00 else 0  # a program that streams writes the largest number


def write_audio(path: str | Path, audio: Audio) -> None:
    """Write audio atomically; the suffix chooses the format: .wav (32-bit float), .flac (24-bit), .ogg (Vorbis).

    The layout is stored as the file's comment, so that auris reads it back without being told; an array too large for a
    comment is stored beside the file, in ``<name>.layout.json``.

    Raises:
        FormatError: the suffix is unknown, the samples would clip in an integer format, or the folder cannot be written.
    """
    file = Path(path)
    if file.suffix.lower() not in _SUFFIXES:
        raise FormatError(f"cannot write {file}: suffix {file.suffix!r} is not one of {', '.join(_SUFFIXES)}")
    kind, subtype = _SUFFIXES[file.suffix.lower()]
    peak = float(np.max(np.abs(audio.samples), initial=0.0))
    if kind != "WAV" and peak > 1.0:
        raise FormatError(
            f"cannot write {file}: the peak is {peak:.2f} and {kind} clips above 1; lower the level or write .wav"
        )
    with atomic_write(file) as temporary:
        try:
            with soundfile.SoundFile(temporary, "w", audio.sample_rate, audio.channels, subtype, format=kind) as stream:
                stream.comment = _TAG + json.dumps(audio.layout.to_dict(), separators=(",", ":"))
                stream.write(audio.samples.T)
            if kind == "WAV":
                _clear_time_stamp(temporary)
            with soundfile.SoundFile(temporary) as stream:
                if _layout_of_comment(stream.copy_metadata().get("comment", ""), stream.channels) != audio.layout:
                    _write_layout_beside(file, audio.layout)
        except soundfile.LibsndfileError as error:
            raise FormatError(f"cannot write {file}: {str(error).rstrip('.')}") from None


def _clear_time_stamp(path: Path) -> None:
    """Zero the time of writing that libsndfile puts into the PEAK chunk: the same audio must give the same bytes."""
    with open(path, "r+b") as stream:
        place = stream.read(65_536).find(b"PEAK")
        if place >= 0:
            stream.seek(place + 12)  # after the chunk's name, size and version
            stream.write(bytes(4))


def _require_finite(samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]], path: Path) -> None:
    if not np.all(np.isfinite(samples)):
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise FormatError(f"{path}: {bad} samples are NaN or infinite; the file is damaged or was written by a faulty program")


def _layout_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.layout.json")


def _write_layout_beside(path: Path, layout: ChannelLayout) -> None:
    write_text(_layout_file(path), json.dumps(layout.to_dict()) + "\n")


def _layout_beside(path: Path, channels: int) -> ChannelLayout | None:
    """Layout stated in a file beside an audio file, if there is one."""
    place = _layout_file(path)
    if not place.is_file() or place.stat().st_size > 2**20:
        return None
    return _layout_of_comment(_TAG + place.read_text(encoding="utf-8", errors="replace"), channels)


def _layout_of_comment(comment: str, channels: int) -> ChannelLayout | None:
    """Layout stated by auris in a file's comment; None when absent, unreadable or at odds with the channel count."""
    if not comment.startswith(_TAG):
        return None
    try:
        layout = ChannelLayout.from_dict(json.loads(comment[len(_TAG) :]))
    except (ValueError, TypeError):
        return None
    return layout if layout.channels == channels else None
