"""Spectrograms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auris.audio import Audio
from auris.io.audio_files import probe, read_window
from auris.plots.figures import MOST_COLUMNS, rows_of_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMN_WINDOWS = 4  # transforms that a column of a long file is the mean of


def spectrogram(audio: Audio) -> Figure:
    """Draw the spectrogram of each channel (at most four), level in dB re the loudest bin."""
    channels = min(audio.channels, 4)
    figure, axes = rows_of_axes(9.0, 1.2 + 1.7 * channels, channels)
    names = {"binaural": ("left ear", "right ear"), "stereo": ("left", "right"), "ambisonics": ("W", "Y", "Z", "X")}
    for channel, axis in enumerate(axes):
        draw_levels(axis, audio_spectrogram(audio, channel=channel))
        label = names.get(audio.layout.kind, ())
        axis.set_title(label[channel] if channel < len(label) else f"channel {channel}", loc="left", fontsize=9)
    axes[-1].set_xlabel("time in seconds")
    return figure


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """Levels to be drawn.

    Attributes:
        level_db: ``(bins, columns)``, evenly spaced from 0 Hz to ``top_hertz`` and from 0 to ``duration`` seconds.
        duration: seconds.
        top_hertz: half of the sample rate.
    """

    level_db: np.ndarray[Any, np.dtype[np.float32]]
    duration: float
    top_hertz: float


def audio_spectrogram(audio: Audio, *, channel: int = 0) -> Spectrogram:
    """Return the spectrogram of one channel, at most as fine as a picture shows."""
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    size = _transform_size(audio.sample_rate)
    samples = audio.samples[channel]
    hop = max(size // 4, len(samples) // MOST_COLUMNS, 1)
    transform = ShortTimeFFT(hann(size), hop, audio.sample_rate)
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    level = 20 * np.log10(np.abs(transform.stft(padded)) + 1e-9)
    return Spectrogram(level.astype(np.float32), audio.duration, audio.sample_rate / 2)


def file_spectrogram(path: str | Path) -> Spectrogram:
    """Return the spectrogram of a file's first channel; of a long file only the moments are read that a picture shows.

    Raises:
        FormatError: the file cannot be read.
    """
    header = probe(path)
    size = _transform_size(header.sample_rate)
    window = min(_COLUMN_WINDOWS * size, header.frames)
    if header.frames <= MOST_COLUMNS * window:
        samples = read_window(path, start=0, samples=header.frames)[:1]
        return audio_spectrogram(Audio(samples, header.sample_rate, "mono"))
    starts = np.linspace(0, header.frames - window, MOST_COLUMNS).astype(np.int64)
    hann = np.hanning(size).astype(np.float32)
    columns = []
    for start in starts:
        samples = read_window(path, start=int(start), samples=window)[0]
        power = np.abs(np.fft.rfft(samples.reshape(-1, size) * hann, axis=1)) ** 2
        columns.append(10 * np.log10(power.mean(axis=0) + 1e-18))
    return Spectrogram(np.stack(columns, axis=1).astype(np.float32), header.duration, header.sample_rate / 2)


def _transform_size(sample_rate: int) -> int:
    return int(2 ** round(np.log2(0.032 * sample_rate)))


def draw_levels(axis: Axes, spectrogram: Spectrogram) -> None:
    """Draw a spectrogram, 80 dB below its loudest bin and more in black."""
    top = float(spectrogram.level_db.max())
    extent = (0.0, spectrogram.duration, 0.0, spectrogram.top_hertz / 1000)
    axis.imshow(
        spectrogram.level_db,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="magma",
        vmin=top - 80,
        vmax=top,
        rasterized=True,
    )
    axis.set_ylabel("kHz")
