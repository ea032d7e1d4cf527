"""Pictures of scenes and audio: plan from above, directions over time, spectrogram. Needs the extra ``plot``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auris.audio import Audio
from auris.errors import FormatError, MissingDependency
from auris.geometry import angles
from auris.io.atomic import atomic_write
from auris.io.audio_files import probe, read_window
from auris.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe–Ito: told apart by people with any colour vision. A class keeps its colour across the pictures of one report.
_COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B", "#222222"),
    *("#1B9E3A", "#E41A1C", "#3B3BFF", "#A6761D", "#00B3B3", "#B8860B", "#FF66CC"),
)
_OTHERS = "#B5B5B5"
_FRAME = 0.1
_COLUMNS = 1500  # more than a picture shows
_MINUTES_FROM = 180  # seconds
_COLUMN_WINDOWS = 4  # transforms that a column of a long file is the mean of
_SUFFIXES = (".png", ".svg", ".pdf")

Row = Literal["azimuth", "elevation", "distance"]
_AXES: Mapping[Row, dict[str, Any]] = {
    "azimuth": {"ylabel": "azimuth\nin degrees", "ylim": (-185, 185), "yticks": [-180, -90, 0, 90, 180]},
    "elevation": {"ylabel": "elevation\nin degrees", "ylim": (-92, 92), "yticks": [-90, -45, 0, 45, 90]},
    "distance": {"ylabel": "distance\nin metres"},
}


def _figure(width: float, height: float, rows: int = 1, ratios: Sequence[float] | None = None) -> tuple[Figure, list[Axes]]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependency("matplotlib", "plot") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, 1, squeeze=False, height_ratios=ratios, sharex=rows > 1)
    axes = [row[0] for row in grid]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure atomically; the suffix chooses PNG, SVG or PDF.

    Raises:
        FormatError: another suffix, or the file cannot be written.
    """
    check_picture_name(path)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=130, bbox_inches="tight")


def check_picture_name(path: str | Path) -> None:
    """Raise :class:`FormatError` unless ``path`` ends in .png, .svg or .pdf."""
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise FormatError(f"cannot draw {path}: the suffix chooses the format, one of {', '.join(_SUFFIXES)}")


def class_colours(*scenes: Scene) -> dict[str, str]:
    """Return a colour for each class of the scenes given, the same whatever their order.

    Where there are more classes than colours, those that sound longest have their own and the others share a grey.
    """
    seconds: dict[str, float] = {}
    for scene in scenes:
        for source in scene.sources:
            sounding = sum(event.offset - event.onset for event in source.events)
            seconds[source.label] = seconds.get(source.label, 0.0) + sounding
    own = sorted(sorted(seconds), key=lambda label: -seconds[label])[: len(_COLOURS)]
    colours = dict(zip(sorted(own), _COLOURS, strict=False))
    return {label: colours.get(label, _OTHERS) for label in sorted(seconds)}


def plan(scene: Scene, *, heard: Scene | None = None) -> Figure:
    """Draw a scene from above: walls, listener, sources with their paths; what was heard as crosses."""
    figure, (axis,) = _figure(6.0, 5.4)
    colours = class_colours(scene, *([heard] if heard else []))
    times = np.arange(0, scene.duration, _FRAME)
    if scene.room is not None:
        length, width, _ = scene.room.dimensions
        axis.plot([0, length, length, 0, 0], [0, 0, width, width, 0], color="#333333", linewidth=2)
    _draw_listener(axis, scene, times)
    for source, track in zip(scene.sources, scene.tracks(times), strict=True):
        _draw_path(axis, source.path.at(times), track.active, colours[source.label], _title(source.label))
    if heard is not None:
        for source, track in zip(heard.sources, heard.tracks(times), strict=True):
            points = _to_world(scene, heard.relative_positions(source.path, times), times)[track.active]
            points = points[:: max(1, len(points) // 12)]
            axis.scatter(points[:, 0], points[:, 1], marker="x", s=26, linewidths=1.2, color=colours[source.label], zorder=4)
        axis.scatter([], [], marker="x", color="#555555", label="heard")
    axis.set(xlabel="x in metres", ylabel="y in metres", title=scene.name or "Scene from above")
    axis.set_aspect("equal", adjustable="box" if scene.room else "datalim")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    return figure


def _title(label: str) -> str:
    return label.replace("_", " ")


def _to_world(scene: Scene, local: np.ndarray[Any, Any], times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Place points of the listener's frame into the room."""
    return np.asarray(scene.listener.turning.at(times).apply(local) + scene.listener.path.at(times))


def _draw_listener(axis: Axes, scene: Scene, times: np.ndarray[Any, Any]) -> None:
    path = scene.listener.path.at(times)
    if scene.listener.path.moves:
        axis.plot(path[:, 0], path[:, 1], color="#333333", linewidth=1, linestyle=":")
    nose = scene.listener.turning.at(times).apply([0.7, 0.0, 0.0])
    axis.scatter(path[0, 0], path[0, 1], s=110, color="#333333", zorder=5, label="listener")
    _arrow(axis, path[0], path[0] + nose[0], "#333333")  # where the nose points at the beginning


def _draw_path(axis: Axes, points: np.ndarray[Any, Any], active: np.ndarray[Any, Any], colour: str, label: str) -> None:
    if not active.any():
        return
    axis.plot(points[:, 0], points[:, 1], color=colour, linewidth=1, alpha=0.35)
    shown = np.where(active[:, None], points, np.nan)
    axis.plot(shown[:, 0], shown[:, 1], color=colour, linewidth=2.6)
    first, last = points[active][0], points[active][-1]
    axis.scatter(first[0], first[1], s=70, color=colour, zorder=3, label=label)
    if np.linalg.norm(last - first) > 0.1:
        before = points[active][-min(len(points[active]), 4)]
        _arrow(axis, before, last, colour)


def _arrow(axis: Axes, start: np.ndarray[Any, Any], end: np.ndarray[Any, Any], colour: str) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 2, "mutation_scale": 18, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (float(end[0]), float(end[1])), (float(start[0]), float(start[1])), arrowprops=style, zorder=3)


def directions(
    scene: Scene | None,
    heard: Scene | None = None,
    *,
    audio: Audio | Spectrogram | None = None,
    rows: Sequence[Row] = ("azimuth", "elevation", "distance"),
) -> Figure:
    """Draw directions and distances over time: truth as lines, what was heard as dots; a spectrogram above.

    Classes have a colour each, as long as colours last; of more, the ones that sound longest do, and the others share a grey.

    Args:
        scene: what was there.
        heard: what was heard.
        audio: what to draw the spectrogram of: audio (its first channel), or the spectrogram itself (:func:`file_spectrogram`).
        rows: what to draw, from top to bottom.
    """
    scenes = [s for s in (scene, heard) if s is not None]
    heights = {"azimuth": 1.5, "elevation": 1.0, "distance": 1.0}
    ratios = [*([1.2] if audio is not None else []), *(heights[row] for row in rows)]
    figure, axes = _figure(9.0, 1.0 + 1.75 * sum(ratios), len(ratios), ratios)
    if audio is not None:
        _draw_levels(axes[0], audio if isinstance(audio, Spectrogram) else audio_spectrogram(audio))
    colours = class_colours(*scenes)
    duration = max((s.duration for s in scenes), default=1.0)
    below = dict(zip(rows, axes[-len(rows) :], strict=True))
    for which, style in ((scene, "line"), (heard, "dots")):
        if which is not None:
            _draw_directions(below, which, colours, style, both=scene is not None and heard is not None)
    for row, axis in below.items():
        axis.set(**_AXES[row])
        axis.grid(alpha=0.25)
    if "distance" in below:
        below["distance"].set_ylim(0, 1.1 * below["distance"].get_ylim()[1])
    axes[-1].set(xlim=(0, duration))
    _label_time(axes[-1], duration)
    figure.align_ylabels()
    _direction_legend(figure, colours, scene is not None, heard is not None)
    return figure


def _label_time(axis: Axes, duration: float) -> None:
    """Seconds, and minutes where there are many of them."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    if duration < _MINUTES_FROM:
        axis.set_xlabel("time in seconds")
        return
    step = next((s for s in (30, 60, 120, 300, 600, 1200, 1800) if duration / s <= 10), 3600 * max(1, round(duration / 36_000)))
    axis.xaxis.set_major_locator(MultipleLocator(step))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{int(seconds) // 60}:{int(seconds) % 60:02d}"))
    axis.set_xlabel("time in minutes")


def _draw_directions(axes: Mapping[Row, Axes], scene: Scene, colours: Mapping[str, str], style: str, *, both: bool) -> None:
    """Draw every event of a scene; points are as dense as the picture can show."""
    step = max(_FRAME, scene.duration / _COLUMNS)
    points: dict[str, dict[Row, list[np.ndarray[Any, Any]]]] = {}
    times: dict[str, list[np.ndarray[Any, Any]]] = {}
    for source, event in scene.events():
        # Points of different events lie on one grid, and a short event has at least one.
        first = np.ceil(event.onset / step - 0.5)
        grid = (np.arange(first, max(np.ceil(event.offset / step - 0.5), first + 1)) + 0.5) * step
        grid = np.clip(grid, event.onset, event.offset)
        azimuth, elevation, distance = angles(scene.relative_positions(source.path, grid))
        values = {"azimuth": np.degrees(azimuth), "elevation": np.degrees(elevation), "distance": distance}
        times.setdefault(source.label, []).append(grid)
        for row in axes:
            points.setdefault(source.label, {}).setdefault(row, []).append(values[row])
    for label, rows in points.items():
        for row, parts in rows.items():
            if style == "dots":
                size = 5.5 if scene.duration < 120 else 3.0
                axes[row].plot(
                    np.concatenate(times[label]),
                    np.concatenate(parts),
                    ".",
                    color=colours[label],
                    markersize=size,
                    markeredgewidth=0,
                    alpha=0.85,
                )
                continue
            for moments, value in zip(times[label], parts, strict=True):
                _draw_line(axes[row], moments, value, colours[label], width=1.3 if both else 2.2)


def _draw_line(axis: Axes, times: np.ndarray[Any, Any], values: np.ndarray[Any, Any], colour: str, *, width: float) -> None:
    # A line must not cross the whole picture where the azimuth wraps from +180 to -180 degrees.
    jumps = np.flatnonzero(np.abs(np.diff(values)) > 180) + 1
    axis.plot(np.insert(times, jumps, np.nan), np.insert(values, jumps, np.nan), color=colour, linewidth=width, alpha=0.9)


def _direction_legend(figure: Figure, colours: Mapping[str, str], true: bool, heard: bool) -> None:
    from matplotlib.lines import Line2D

    shown = {label: colour for label, colour in colours.items() if colour != _OTHERS}
    handles = [Line2D([], [], color=c, linewidth=4, label=_title(label)) for label, c in shown.items()]
    if len(shown) < len(colours):
        handles.append(Line2D([], [], color=_OTHERS, linewidth=4, label=f"{len(colours) - len(shown)} other classes"))
    if true and heard:
        handles.append(Line2D([], [], color="#555555", linewidth=1.3, label="true"))
        handles.append(Line2D([], [], color="#555555", marker=".", linestyle="", label="heard"))
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 5), frameon=False, fontsize=9)


def spectrogram(audio: Audio) -> Figure:
    """Draw the spectrogram of each channel (at most four), level in dB re the loudest bin."""
    channels = min(audio.channels, 4)
    figure, axes = _figure(9.0, 1.2 + 1.7 * channels, channels)
    names = {"binaural": ("left ear", "right ear"), "stereo": ("left", "right"), "ambisonics": ("W", "Y", "Z", "X")}
    for channel, axis in enumerate(axes):
        _draw_levels(axis, audio_spectrogram(audio, channel=channel))
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
    hop = max(size // 4, len(samples) // _COLUMNS, 1)
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
    if header.frames <= _COLUMNS * window:
        samples = read_window(path, start=0, samples=header.frames)[:1]
        return audio_spectrogram(Audio(samples, header.sample_rate, "mono"))
    starts = np.linspace(0, header.frames - window, _COLUMNS).astype(np.int64)
    hann = np.hanning(size).astype(np.float32)
    columns = []
    for start in starts:
        samples = read_window(path, start=int(start), samples=window)[0]
        power = np.abs(np.fft.rfft(samples.reshape(-1, size) * hann, axis=1)) ** 2
        columns.append(10 * np.log10(power.mean(axis=0) + 1e-18))
    return Spectrogram(np.stack(columns, axis=1).astype(np.float32), header.duration, header.sample_rate / 2)


def _transform_size(sample_rate: int) -> int:
    return int(2 ** round(np.log2(0.032 * sample_rate)))


def _draw_levels(axis: Axes, spectrogram: Spectrogram) -> None:
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
