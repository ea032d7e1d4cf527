"""A page about a made set: what is in it, drawn, and some of its items to look at and to listen to.

The page is a folder with ``index.html``, pictures and audio, without scripts and without anything from elsewhere: it opens from
the disk, offline, and can be copied to any web server.
"""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from auris import seeding
from auris.acoustics.floorplan import FloorPlan
from auris.audio import Audio
from auris.channels import stereo
from auris.data.datasets import MadeSet
from auris.data.made_examples import MadeExample
from auris.data.production.encoding import encoded_audio, fitted
from auris.data.production.manifest import Manifest, read_manifest
from auris.data.production.statistics import SetStatistics, statistics_of
from auris.errors import LayoutError
from auris.io.atomic import atomic_write, write_text
from auris.plots import set_figures
from auris.plots.figures import save_figure, title_of
from auris.plots.floor_plans import floor_plan
from auris.plots.levels import spectrogram
from auris.plots.top_views import listening

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURES: tuple[tuple[str, str, Callable[[SetStatistics], Figure | None]], ...] = (
    ("classes", "Classes", set_figures.class_balance),
    ("lengths", "Lengths and overlap", set_figures.lengths_and_overlap),
    ("coverage", "Directions and distances", set_figures.coverage),
    ("rooms", "Rooms", set_figures.rooms),
    ("levels", "Levels", set_figures.levels),
)
_PLAN = "plan.json"  # a house among the files of an item
_RECORDINGS = 4  # of one example that are played
_TEXTS = 6  # captions or questions shown of one example
_LONGEST = 60.0  # seconds of an example that are played


@dataclass(frozen=True)
class SetPage:
    """What was written.

    Attributes:
        page: the page.
        statistics: the numbers on it.
        examples: names of the items on it.
    """

    page: Path
    statistics: SetStatistics
    examples: tuple[str, ...]


def write_set_page(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    examples: int = 6,
    seed: int = 0,
    report: Callable[[str], None] = lambda _step: None,
) -> SetPage:
    """Write a page about a set that ``auris data make`` made.

    Args:
        folder: of the set.
        out: folder of the page; None writes it beside the set, as ``report`` below its folder.
        examples: items to show, drawn at random, spread over the set.
        seed: of that choice.
        report: called with what is being done.

    Raises:
        FormatError: there is no finished set, a file of it is damaged, or the page cannot be written.
        MissingDependency: matplotlib is not installed.
    """
    manifest = read_manifest(folder)
    target = Path(out) if out is not None else Path(folder) / "report"
    report("reading the manifest")
    statistics = statistics_of(manifest.items)
    sections = [_tiles(statistics)]
    for name, title, draw in _PICTURES:
        report(f"drawing {title.lower()}")
        figure = draw(statistics)
        if figure is not None:
            save_figure(target / f"{name}.png", figure)
            sections.append(_section(title, _picture(f"{name}.png", title)))
    chosen = _chosen(len(manifest.items), examples, seed)
    parts = []
    for number in chosen:
        report(f"example {manifest.items[number].name}")
        parts.append(_example(MadeSet(folder)[number], target))
    if parts:
        sections.append(_section("Examples", "\n".join(parts)))
    sections.append(_section("Settings", _settings(manifest)))
    write_text(target / "index.html", _page(Path(folder).resolve().name, manifest, sections))
    return SetPage(target / "index.html", statistics, tuple(manifest.items[number].name for number in chosen))


def _chosen(items: int, count: int, seed: int) -> list[int]:
    """Numbers of the items to show: one from each of ``count`` equal stretches of the set."""
    edges = np.linspace(0, items, min(count, items) + 1).astype(int)
    rng = seeding.generator(seed, "set-page")
    return [int(rng.integers(low, high)) for low, high in itertools.pairwise(edges.tolist())]


def preview(audio: Audio) -> tuple[Audio, str]:
    """Return what a browser plays of a recording, with one or two channels, and in words how it was made.

    Ambisonics are decoded to two ears of the built-in head; of other arrays the first two microphones are heard.
    """
    kept = Audio(audio.samples[:, : round(_LONGEST * audio.sample_rate)], audio.sample_rate, audio.layout)
    cut = "" if kept.length == audio.length else f", its first {_LONGEST:.0f} s"
    if audio.layout.kind == "ambisonics":
        from auris.dsp.binaural_decoding import magnitude_least_squares_decoder
        from auris.dsp.hrtf import structural_head

        decoder = magnitude_least_squares_decoder(structural_head(audio.sample_rate), 1)
        return decoder.decode(kept), f"{audio.layout.name}, decoded to two ears{cut}"
    if audio.channels <= 2:
        return kept, f"{audio.layout.name}{cut}"
    two = Audio(kept.samples[:2], audio.sample_rate, stereo())
    return two, f"{audio.layout.name}, its first two microphones{cut}"


def _example(example: MadeExample, target: Path) -> str:
    lines = [f"<h3>{html.escape(example.name)}</h3>"]
    if _PLAN in example.files:
        plan = FloorPlan.from_dict(json.loads(example.files[_PLAN]))
        sources = (example.facts.get("house") or {}).get("source_places", ())
        save_figure(target / f"{example.name}.plan.png", floor_plan(plan, sources=sources))
        lines.append(_picture(f"{example.name}.plan.png", f"{example.name}: plan of the house"))
    played = 0
    for name in _kinds(list(example.audio)):
        try:
            audio = example.audio[name]
        except LayoutError:  # a response, whose channels nothing names
            continue
        if not played:
            lines.append(_drawn(example, audio, target))
        lines.append(_player(audio, target, f"{example.name}.{name}.flac"))
        played += 1
        if played == _RECORDINGS:
            break
    if len(example.audio) > played:
        lines.append(f"<p class=soft>{played} of {len(example.audio):,} audio files</p>")
    return '<div class="example">' + "\n".join([*lines, *_texts(example.facts.get("text"))]) + "</div>"


def _kinds(names: Sequence[str]) -> list[str]:
    """The first of each kind of audio file: thousands of responses are one kind."""
    return list({name.partition(".")[0]: name for name in reversed(names)}.values())[::-1]


def _drawn(example: MadeExample, audio: Audio, target: Path) -> str:
    figure = listening(example.scene, audio=audio) if example.scene is not None else spectrogram(audio)
    save_figure(target / f"{example.name}.png", figure)
    return _picture(f"{example.name}.png", f"{example.name}: directions over time and spectrogram")


def _player(audio: Audio, target: Path, file: str) -> str:
    heard, how = preview(audio)
    samples, _ = fitted(heard.samples)
    with atomic_write(target / file) as temporary:
        temporary.write_bytes(encoded_audio(Audio(samples, heard.sample_rate, heard.layout)))
    player = f'<audio controls preload="none" src="{html.escape(file, quote=True)}"></audio>'
    return f"<p class=player>{player}<span>{html.escape(how)}</span></p>"


def _texts(text: Any) -> list[str]:
    """Captions as they are, questions with their answers."""
    if text is None:
        return []
    texts = list(text) if isinstance(text, Sequence) and not isinstance(text, str) else [text]
    rows = [f"<li>{_text(part)}</li>" for part in texts[:_TEXTS]]
    if len(texts) > _TEXTS:
        rows.append(f"<li>… {len(texts) - _TEXTS} more</li>")
    return ["<ul class=texts>", *rows, "</ul>"]


def _text(part: Any) -> str:
    if not isinstance(part, Mapping):
        return html.escape(str(part))
    kind = f"<small>{html.escape(str(part['type']))}</small> " if "type" in part else ""
    answer = f" <b>{html.escape(str(part['answer']))}</b>" if "answer" in part else ""
    return kind + html.escape(str(part.get("question", part.get("caption", "")))) + answer


def _tiles(statistics: SetStatistics) -> str:
    tiles = [
        (f"{statistics.items:,}", "items"),
        (_duration(statistics.seconds), "of audio") if statistics.seconds else None,
        (f"{statistics.events:,}", "events") if statistics.events else None,
        (f"{len(statistics.classes)}", "classes") if statistics.classes else None,
        (f"{len(statistics.recordings):,}", "recordings") if statistics.recordings else None,
        (f"{100 * float(statistics.moving.mean()):.0f} %", "of events moving") if statistics.events else None,
        (f"{len(statistics.t60):,}", "rooms") if len(statistics.t60) else None,
        (f"{statistics.free_field:,}", "items in a free field") if statistics.free_field else None,
        (f"{statistics.texts:,}", "captions or questions") if statistics.texts else None,
    ]
    shown = [f"<div><b>{number}</b><span>{text}</span></div>" for number, text in filter(None, tiles)]
    return '<div class="tiles">' + "".join(shown) + "</div>"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _settings(manifest: Manifest) -> str:
    rows = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in _flat(manifest.settings)]
    summary = f"<summary>{len(rows)} settings decide about every byte of it</summary>"
    return f"<details>{summary}<table>{''.join(rows)}</table></details>"


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(prefix + str(name), _said(value))]
    return rows


def _said(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>\n{content}\n</section>"


def _picture(file: str, text: str) -> str:
    return f'<img src="{html.escape(file, quote=True)}" alt="{html.escape(text, quote=True)}">'


def _page(name: str, manifest: Manifest, sections: Sequence[str]) -> str:
    made = f"{manifest.preset} · {len(manifest.items):,} items · made by auris {manifest.description.version}"
    template = Template(resources.files("auris.plots").joinpath("set_page.html").read_text(encoding="utf-8"))
    return template.substitute(title=html.escape(title_of(name)), about=html.escape(made), sections="\n".join(sections))
