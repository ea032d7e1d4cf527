"""Clips that a generator writes while it is trained, and where they are heard to come from against where they were asked to.

Directions are measured by the time difference between the two channels, with no listener involved
(:mod:`auris.metrics.itd`); of several sounds at once it tells little, so errors count clips of one sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from auris.audio import Audio
from auris.io.atomic import write_text
from auris.io.audio_files import write_audio
from auris.metrics.itd.directions import direction_of_itd
from auris.metrics.itd.gcc_phat import gcc_phat_itd
from auris.models.generating import GenerationRequest

_DEGREES = 45.0  # of one step of the directions
_ENDS = 0.25  # share of the clip that counts as its beginning, and as its end


class HeardEnds(NamedTuple):
    """Directions, 1 (left) to 5 (right), at the beginning and at the end of a clip; NaN where it is silent."""

    start: float
    end: float


@dataclass(frozen=True)
class WrittenSample:
    """A clip that was written.

    Attributes:
        file: below the run folder.
        request: what was asked for.
        heard: where it comes from; None for layouts that have no time difference to measure.
    """

    file: str
    request: GenerationRequest
    heard: HeardEnds | None

    @property
    def error_deg(self) -> float:
        """Mean error of beginning and end in degrees; NaN for silence, several sounds, and layouts without a measure."""
        if self.heard is None or len(self.request.sounds) != 1:
            return float("nan")
        (sound,) = self.request.sounds
        pairs = ((sound.start, self.heard.start), (sound.end, self.heard.end))
        return _DEGREES * float(np.mean([abs(asked - heard) for asked, heard in pairs]))


def heard_ends(audio: Audio) -> HeardEnds | None:
    """Return where a clip of two microphones comes from at its beginning and end; None for other layouts."""
    if audio.layout.kind != "stereo" or audio.layout.positions is None:
        return None
    left, right = (np.asarray(position) for position in audio.layout.positions)
    track = gcc_phat_itd(audio.samples, audio.sample_rate)
    directions = direction_of_itd(track.itd, spacing=float(np.linalg.norm(left - right)))
    count = max(round(_ENDS * len(track)), 1)
    first, last = (part[np.isfinite(part)] for part in (directions[:count], directions[-count:]))
    return HeardEnds(*(float(np.median(part)) if part.size else float("nan") for part in (first, last)))


def write_samples(
    requests: Sequence[tuple[int, GenerationRequest]],
    generate: Callable[[GenerationRequest, int], Audio],
    *,
    out: Path,
    folder: str,
) -> list[WrittenSample]:
    """Write clips as WAV files, and listen to them.

    Args:
        requests: each with its number, which names the file and is its seed.
        generate: writes a clip for a request and a seed.
        out: run folder.
        folder: below it.
    """
    written = []
    for number, request in requests:
        audio = generate(request, number)
        file = f"{folder}/{number:02d}.wav"
        write_audio(out / file, audio)
        written.append(WrittenSample(file, request, heard_ends(audio)))
    return written


def direction_error(samples: Sequence[WrittenSample]) -> float | None:
    """Return the mean error of directions in degrees over the clips that have one; None where none has."""
    errors = [sample.error_deg for sample in samples if np.isfinite(sample.error_deg)]
    return float(np.mean(errors)) if errors else None


def write_table(samples: Sequence[WrittenSample], file: Path, *, steps: int, loss: float) -> None:
    """Write what was asked for and heard, as Markdown."""
    error = direction_error(samples)
    lines = [f"# Samples after {steps} steps", "", f"- loss on held-out clips: {loss:.4f}"]
    if error is not None:
        lines.append(f"- mean error of direction, clips of one sound: {error:.1f}°")
    lines += ["", "| file | asked | where | heard |", "|---|---|---|---|"]
    for sample in samples:
        asked = "; ".join(f"{sound.start:.1f} → {sound.end:.1f}" for sound in sample.request.sounds)
        heard = "—" if sample.heard is None else f"{sample.heard.start:.1f} → {sample.heard.end:.1f}"
        prompt = sample.request.prompt.replace("|", "/").replace("\n", " ")
        lines.append(f"| {sample.file} | {prompt} | {asked} | {heard} |")
    lines += ["", "Directions run from 1 (left) over 3 (front) to 5 (right), heard by the time difference of the channels."]
    write_text(file, "\n".join(lines) + "\n")
