"""Pictures of scenes and audio: plan from above, directions over time, spectrogram. Needs the extra ``plot``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auris.audio import Audio
from auris.errors import FormatError, MissingDependency
from auris.io.atomic import atomic_write
from auris.scene import Scene, SourceTrack

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe–Ito: told apart by people with any colour vision. A class keeps its colour across the pictures of one report.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B", "#444444")
_FRAME = 0.1
_SUFFIXES = (".png", ".svg", ".pdf")


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
    """Return one colour per class of the scenes given, the same whatever their order."""
    labels = sorted({label for scene in scenes for label in scene.labels})
    return {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(labels)}


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


def directions(scene: Scene | None, heard: Scene | None = None, *, audio: Audio | None = None) -> Figure:
    """Draw azimuth, elevation and distance over time: truth as lines, what was heard as dots; a spectrogram above."""
    scenes = [s for s in (scene, heard) if s is not None]
    rows = 4 if audio is not None else 3
    figure, axes = _figure(9.0, 2.1 * rows, rows, [1.2, 1.5, 1, 1][-rows:])
    if audio is not None:
        _draw_spectrogram(axes[0], audio, channel=0)
    colours = class_colours(*scenes)
    duration = max((s.duration for s in scenes), default=1.0)
    times = np.arange(0, duration, _FRAME)
    below = axes[-3:]
    for which, style in ((scene, "line"), (heard, "dots")):
        for track in [] if which is None else which.tracks(times):
            _draw_track(below, times, track, colours[track.source.label], style)
    below[0].set(ylabel="azimuth\nin degrees", ylim=(-185, 185), yticks=[-180, -90, 0, 90, 180])
    below[1].set(ylabel="elevation\nin degrees", ylim=(-92, 92), yticks=[-90, -45, 0, 45, 90])
    below[2].set(ylabel="distance\nin metres", xlabel="time in seconds", xlim=(0, duration))
    below[2].set_ylim(bottom=0)
    for axis in below:
        axis.grid(alpha=0.25)
    _direction_legend(figure, colours, scene is not None, heard is not None)
    return figure


def _draw_track(axes: Sequence[Axes], times: np.ndarray[Any, Any], track: SourceTrack, colour: str, style: str) -> None:
    values = (np.degrees(track.azimuth), np.degrees(track.elevation), track.distance)
    for axis, value in zip(axes, values, strict=True):
        shown = np.where(track.active, value, np.nan)
        if style == "dots":
            axis.plot(times, shown, ".", color=colour, markersize=4, alpha=0.8)
            continue
        # A line must not cross the whole picture where the azimuth wraps from +180 to -180 degrees.
        jumps = np.flatnonzero(np.abs(np.diff(shown)) > 180) + 1
        axis.plot(np.insert(times, jumps, np.nan), np.insert(shown, jumps, np.nan), color=colour, linewidth=5, alpha=0.35)


def _direction_legend(figure: Figure, colours: dict[str, str], true: bool, heard: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=c, linewidth=4, label=_title(label)) for label, c in colours.items()]
    if true:
        handles.append(Line2D([], [], color="#777777", linewidth=5, alpha=0.35, label="true"))
    if heard:
        handles.append(Line2D([], [], color="#777777", marker=".", linestyle="", label="heard"))
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 6), frameon=False, fontsize=9)


def spectrogram(audio: Audio) -> Figure:
    """Draw the spectrogram of each channel (at most four), level in dB re the loudest bin."""
    channels = min(audio.channels, 4)
    figure, axes = _figure(9.0, 1.2 + 1.7 * channels, channels)
    names = {"binaural": ("left ear", "right ear"), "stereo": ("left", "right"), "ambisonics": ("W", "Y", "Z", "X")}
    for channel, axis in enumerate(axes):
        _draw_spectrogram(axis, audio, channel=channel)
        label = names.get(audio.layout.kind, ())
        axis.set_title(label[channel] if channel < len(label) else f"channel {channel}", loc="left", fontsize=9)
    axes[-1].set_xlabel("time in seconds")
    return figure


def _draw_spectrogram(axis: Axes, audio: Audio, *, channel: int) -> None:
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    size = 2 ** round(np.log2(0.032 * audio.sample_rate))
    samples = audio.samples[channel]
    # At most about 1500 columns: more than a picture shows, and a long file stays cheap.
    hop = max(size // 4, len(samples) // 1500, 1)
    transform = ShortTimeFFT(hann(size), hop, audio.sample_rate)
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    level = 20 * np.log10(np.abs(transform.stft(padded)) + 1e-9)
    top = float(level.max())
    extent = (0.0, audio.duration, 0.0, audio.sample_rate / 2000)
    axis.imshow(level, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=top - 80, vmax=top)
    axis.set_ylabel("kHz")
