"""Files in memory: the bytes of audio, JSON and text, the same for the same content on any day and any machine."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
import soundfile
from numpy.typing import NDArray

from auris.audio import Audio
from auris.errors import FormatError, ParameterError, unknown_name

AudioForm = Literal["flac", "wav"]
Subtype = Literal["PCM_16", "PCM_24", "FLOAT"]
FLAC_CHANNELS = 8
PEAK = 0.999  # what a recording that would clip is brought down to


def encoded_audio(audio: Audio, *, form: AudioForm = "flac", subtype: Subtype = "PCM_16") -> bytes:
    """Return the bytes of an audio file.

    Raises:
        ParameterError: form or subtype is unknown, or the form does not hold the subtype.
        FormatError: the samples would clip as whole numbers (:func:`fitted` brings them down first), or there are more channels
            than the form holds: 8 in flac.
    """
    if form not in get_args(AudioForm):
        raise ParameterError(unknown_name("form of audio", form, get_args(AudioForm)))
    if subtype not in get_args(Subtype) or (form == "flac" and subtype == "FLOAT"):
        accepted = [name for name in get_args(Subtype) if form == "wav" or name != "FLOAT"]
        raise ParameterError(unknown_name(f"subtype of {form}", subtype, accepted))
    peak = float(np.max(np.abs(audio.samples), initial=0.0))
    if subtype != "FLOAT" and peak > 1:
        raise FormatError(
            f"{audio.layout.name} audio has a peak of {peak:.3f}, and {form} {subtype} clips above 1; "
            "bring its level down with fitted()"
        )
    if form == "flac" and audio.channels > FLAC_CHANNELS:
        raise FormatError(
            f"{audio.layout.name} audio has {audio.channels} channels, and flac holds {FLAC_CHANNELS}; write wav instead"
        )
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", audio.sample_rate, audio.channels, subtype, format=form.upper()) as file:
        file.write(_whole(audio.samples.T) if (form, subtype) == ("flac", "PCM_16") else audio.samples.T)
    return _without_time_stamp(stream.getvalue()) if subtype == "FLOAT" else stream.getvalue()


def _whole(frames: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round samples as libsndfile would, in a third less time."""
    whole = np.minimum(np.rint(frames * np.float32(32768)), np.float32(32767))
    return np.asarray(whole, dtype=np.int16)


def fitted(samples: NDArray[np.float32], peak: float = PEAK) -> tuple[NDArray[np.float32], float]:
    """Return samples whose largest is at most ``peak``, and the gain in dB that made them so: 0 where they were already.

    Raises:
        ParameterError: ``peak`` is not above 0 and at most 1.
    """
    if not 0 < peak <= 1:
        raise ParameterError(f"a peak lies above 0 and at most at 1 (full scale), got {peak!r}")
    largest = float(np.max(np.abs(samples), initial=0.0))
    if largest <= peak:
        return samples, 0.0
    return scaled_to_peak(samples, peak)


def scaled_to_peak(samples: NDArray[np.float32], peak: float) -> tuple[NDArray[np.float32], float]:
    """Return samples whose largest is ``peak``, and the gain in dB; silence stays as it is, with a gain of 0."""
    largest = float(np.max(np.abs(samples), initial=0.0))
    if largest == 0:
        return samples, 0.0
    # The gain that is told is the gain that is used; rounding it down keeps the peak.
    gain_db = float(np.floor(20 * np.log10(peak / largest) * 1e4) / 1e4)
    return samples * np.float32(10 ** (gain_db / 20)), gain_db


def json_bytes(plain: Any) -> bytes:
    """Return plain values as one JSON document, indented, keys in their order, ending in a line break.

    Raises:
        ParameterError: there is something in them that JSON does not hold.
    """
    return (_json(plain, indent=1) + "\n").encode()


def jsonl_bytes(rows: Iterable[Any]) -> bytes:
    """Return plain values as JSON, one in a line; raises as :func:`json_bytes`."""
    return "".join(_json(row) + "\n" for row in rows).encode()


def text_bytes(text: str) -> bytes:
    """Return text as UTF-8, with line breaks as they are."""
    return text.encode()


def _json(plain: Any, indent: int | None = None) -> str:
    try:
        return json.dumps(plain, indent=indent, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"this cannot be written as JSON: {error}") from None


def _without_time_stamp(content: bytes) -> bytes:
    """Zero the time of writing that libsndfile puts into the PEAK chunk of WAV files that hold floats."""
    place = content.find(b"PEAK", 0, 65_536)
    if place < 0:
        return content
    start = place + 12  # after the chunk's name, size and version
    return content[:start] + bytes(4) + content[start + 4 :]
