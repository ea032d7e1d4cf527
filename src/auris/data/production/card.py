"""The card of a made set: ``README.md`` as Hugging Face reads it: what the set is, how it was made, whose sounds are in it.

The front matter follows the dataset card specification of the Hub (https://huggingface.co/docs/hub/datasets-cards); shards are
what its WebDataset loader takes without a script. The text depends on the manifest and the credits alone.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from auris.data.made_examples import AUDIO_SUFFIXES, LABEL_FIELDS, SCENE_FIELD, known_layout, recording_name
from auris.data.production.manifest import MANIFEST, Manifest
from auris.data.production.presets import PRESETS
from auris.data.production.statistics import SetStatistics, statistics_of
from auris.data.sound_catalogues.attribution import ATTRIBUTION_FILE, Attribution, licence_counts

_TABLE_ROWS = 40  # longer tables go to files of their own
_HUB_LICENCES = re.compile(r"cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[234]\.[05]|apache-2\.0|mit|gpl-3\.0|unlicense")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))


@dataclass(frozen=True)
class _Kind:
    """What the Hub wants to know of a kind of set."""

    title: str
    tasks: tuple[str, ...]
    tags: tuple[str, ...]
    about: str


_SELD = ("audio-classification",)
_SELD_TAGS = ("sound-event-localization-and-detection", "ambisonics")
_KINDS = {
    "pseldnets": _Kind("Static scenes as PSELDNets pre-trains on", _SELD, _SELD_TAGS, "arXiv:2411.06399"),
    "dcase2022": _Kind("Moving scenes by the rules of DCASE's synthetic data", _SELD, _SELD_TAGS, "arXiv:2206.01948"),
    "spatial-sound-qa": _Kind(
        "Spatial questions and answers as BAT trains on",
        ("audio-text-to-text", "question-answering", "audio-classification"),
        ("binaural", "spatial-sound-qa"),
        "arXiv:2402.01591",
    ),
    "bewo": _Kind("Captioned stereo clips as BEWO-1M", ("text-to-audio",), ("stereo", "audio-captioning"), "arXiv:2410.10676"),
    "reverb-bank": _Kind("Room responses as SpatialSoundQA uses", ("other",), ("room-impulse-response",), "arXiv:2402.01591"),
    "active": _Kind("Houses for agents that listen", ("reinforcement-learning",), ("embodied", "room-impulse-response"), ""),
}
_CUSTOM = _Kind("Simulated spatial scenes", _SELD, _SELD_TAGS, "")


def card_text(manifest: Manifest, attribution: Sequence[Attribution] = ()) -> str:
    """Return the card of a finished set.

    Args:
        manifest: of the set; its items are read once.
        attribution: whose recordings are in it (``bank.attribution(recordings(manifest))``).

    Raises:
        FormatError: the manifest is damaged.
    """
    kind = _KINDS.get(manifest.preset, _CUSTOM)
    statistics = statistics_of(manifest.items)
    front = yaml.safe_dump(
        _front_matter(manifest, kind, statistics, attribution), sort_keys=False, allow_unicode=True, width=120
    )
    parts = [
        f"---\n{front}---\n\n# {kind.title}",
        _introduction(manifest, kind, statistics),
        "## How it was made\n\n" + _making(manifest),
        "## Files\n\n" + _files(manifest, statistics),
        "## Statistics\n\n" + _statistics(statistics),
        "## Sources and licences\n\n" + _sources(manifest, statistics, attribution),
        "## Loading\n\n" + _loading(manifest, kind, statistics),
    ]
    return "\n\n".join(parts) + "\n"


def attribution_csv(attribution: Iterable[Attribution]) -> str:
    """Return credits as the table that is kept beside sounds and sets (``ATTRIBUTION.csv``), sorted by file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("file", "title", "source", "author", "licence"))
    for entry in sorted(attribution, key=lambda entry: entry.file):
        writer.writerow((entry.file, entry.title, entry.source, entry.author, entry.licence))
    return out.getvalue()


def recordings(manifest: Manifest) -> tuple[str, ...]:
    """Return the recordings that are heard in a set, each once, sorted: what credits are needed for."""
    return statistics_of(manifest.items).recordings


def hub_licence(licence: str) -> str:
    """Return a licence as the Hub calls it.

    >>> hub_licence("CC-BY-4.0"), hub_licence("CC0"), hub_licence("CC-BY"), hub_licence("ask me"), hub_licence("unknown")
    ('cc-by-4.0', 'cc0-1.0', 'cc', 'other', 'unknown')
    """
    name = licence.strip().lower().replace(" ", "-").replace("_", "-")
    name = {"cc0": "cc0-1.0", "public-domain": "cc0-1.0"}.get(name, name)
    if name in ("", "unknown") or _HUB_LICENCES.fullmatch(name):
        return name or "unknown"
    return "cc" if name.startswith("cc-") else "other"


def _front_matter(
    manifest: Manifest, kind: _Kind, statistics: SetStatistics, attribution: Sequence[Attribution]
) -> dict[str, Any]:
    front: dict[str, Any] = {"pretty_name": kind.title}
    licences = sorted({hub_licence(entry.licence) for entry in attribution})
    if statistics.recordings and len({entry.file for entry in attribution}) < len(statistics.recordings):
        licences = sorted({*licences, "unknown"})
    if licences:
        front["license"] = licences
    front["task_categories"] = list(kind.tasks)
    web = ["webdataset"] if manifest.form == "shards" else []
    front["tags"] = ["audio", "spatial-audio", "synthetic", "auris", *kind.tags, *web]
    front["size_categories"] = [next((text for most, text in _SIZES if statistics.items < most), "n>10M")]
    if manifest.form == "shards" and _uniform(statistics):
        front["configs"] = [{"config_name": "default", "data_files": [{"split": "train", "path": "shards/*.tar"}]}]
    return front


def _introduction(manifest: Manifest, kind: _Kind, statistics: SetStatistics) -> str:
    preset = PRESETS.get(manifest.preset)
    text = f"{statistics.items} items"
    text += f", {_duration(statistics.seconds)} of audio" if statistics.seconds else ""
    text += f", {len(statistics.classes)} classes" if statistics.classes else ""
    text += f": {preset.summary}" if preset else ""
    text += ". Made by auris from a seed: rooms, places and movements are drawn and simulated."
    if kind.about:
        text += f" The original is described in {kind.about}; this set has its form and its statistics, not its content."
    return text


def _making(manifest: Manifest) -> str:
    description = manifest.description
    command = [
        "auris",
        "data",
        "make",
        manifest.preset,
        "--out",
        "DIR",
        "--scenes",
        str(description.settings.get("items", len(manifest.items))),
    ]
    if isinstance(seed := description.settings.get("seed"), int):
        command += ["--seed", str(seed)]
    if manifest.form == "shards":
        command += ["--format", "shards", "--shard-items", str(description.shard_items)]
    settings = yaml.safe_dump(dict(description.settings), sort_keys=False, allow_unicode=True, width=100)
    return (
        f"With auris {description.version}:\n\n```\n{shlex.join(command)}\n```\n\n"
        "and `--sounds` of the recordings named below; a field that differs from its default is given as `field=value`. "
        "The same fields, recordings and seed give the same bytes, in any number of processes. "
        f"All that decides about them:\n\n```yaml\n{settings}```"
    )


def _files(manifest: Manifest, statistics: SetStatistics) -> str:
    rows = [("Field", "Where", "Files", "Megabytes", "What")]
    shown = list(statistics.kinds.items())[:_TABLE_ROWS]
    for field, found in shown:
        places = ", ".join(f"`{pattern}`" for pattern in sorted(found.patterns)[:3])
        where = places if manifest.form == "folders" else f"member `<name>.{field}`"
        rows.append((f"`{field}`", where, str(found.files), f"{found.bytes / 1e6:.3g}", _meaning(field)))
    text = _table(rows)
    if len(statistics.kinds) > len(shown):
        text += f"\n\n… and {len(statistics.kinds) - len(shown)} more kinds of files."
    if manifest.shards:
        first, last = manifest.shards[0].path, manifest.shards[-1].path
        which = f"`{first}`" if first == last else f"{len(manifest.shards)} of them, `{first}` to `{last}`"
        size = manifest.description.shard_items
        text += f"\n\nTar shards of {size} items: {which}. Members that share a name up to the first dot are one example."
    lists = ", ".join(f"`{file.path}`" for file in manifest.files)
    return (
        f"{text}\n\nOf the whole set: {lists}. `{MANIFEST}` has one line for each item, with the size and SHA-256 of every "
        "file and the facts that the statistics below are from; `auris data check` compares."
    )


def _meaning(field: str) -> str:
    """What a file holds, as far as its name says it."""
    if field == SCENE_FIELD:
        return "the scene: room, listener, paths, events; auris renders it again"
    if field in LABEL_FIELDS:
        return "frame labels: frame of 0.1 s, class, source, azimuth, elevation (degrees)[, distance (cm)]"
    layout = known_layout(recording_name(field)) if field.endswith(AUDIO_SUFFIXES) else None
    if layout is None:
        return ""
    kinds = {
        "ambisonics": f"ambisonics of order {layout.order}, ACN/SN3D",
        "array": f"array of {layout.channels} microphones",
        "stereo": "pair of microphones",
        "binaural": "two ears",
        "mono": "one omnidirectional microphone",
    }
    return kinds[layout.kind]


def _statistics(statistics: SetStatistics) -> str:
    parts = []
    if statistics.splits:
        parts.append("Items by split: " + ", ".join(f"{name} {count}" for name, count in statistics.splits.items()) + ".")
    if statistics.events:
        moving = 100 * float(statistics.moving.mean())
        parts.append(f"{statistics.events} events, {moving:.0f} % of them moving.")
    if whole := float(statistics.overlap.sum()):
        shares = (f"{count}: {100 * seconds / whole:.1f} %" for count, seconds in enumerate(statistics.overlap))
        parts.append(f"Time with sources at once: {', '.join(shares)}.")
    if quantiles := statistics.quantiles():
        rows = [(name, *(f"{value:.3g}" for value in values)) for name, values in quantiles.items()]
        parts.append(_table([("", "5 %", "Median", "95 %"), *rows]))
    if statistics.classes:
        parts.append(_classes(statistics))
    return "\n\n".join(parts) or "None: the facts of these items say nothing of sounds."


def _classes(statistics: SetStatistics) -> str:
    shown = statistics.classes[:_TABLE_ROWS]
    rows = [("Class", "Events", "Length"), *((share.label, str(share.events), _duration(share.seconds)) for share in shown)]
    more = len(statistics.classes) - len(shown)
    rest = f"\n\n… and {more} more classes, each with less." if more else ""
    return _table(rows) + rest


def _sources(manifest: Manifest, statistics: SetStatistics, attribution: Sequence[Attribution]) -> str:
    if not statistics.recordings and not attribution:
        return (
            "No recordings are heard in this set: its sounds, where it has any, are synthesised. "
            "So the licence is for who made it to choose."
        )
    known = {entry.file: entry for entry in attribution}
    used = [known.get(file, Attribution(file)) for file in statistics.recordings or sorted(known)]
    counts = ", ".join(f"{licence} ({count})" for licence, count in licence_counts(used).items())
    text = f"{len(used)} recordings are heard; the licence of each goes on to what is made of it. By licence: {counts}."
    if any(entry.licence == "unknown" for entry in used):
        text += " Where the licence is unknown, ask whoever gave you the recordings before you pass the set on."
    if len(used) > _TABLE_ROWS and any(file.path == ATTRIBUTION_FILE for file in manifest.files):
        return f"{text}\n\nTitle, author and source of each are in `{ATTRIBUTION_FILE}`."
    rows = [("Recording", "Title", "Author", "Source", "Licence")]
    rows += [(f"`{entry.file}`", entry.title, entry.author, entry.source, entry.licence) for entry in used]
    return f"{text}\n\n{_table(rows)}"


def _loading(manifest: Manifest, kind: _Kind, statistics: SetStatistics) -> str:
    everywhere = [field for field, found in statistics.kinds.items() if found.items == statistics.items]
    audio = next((field for field in everywhere if field.endswith(AUDIO_SUFFIXES)), None)
    first = f'example.audio["{recording_name(audio)}"]' if audio else "example.files"
    text = (
        "With auris, by number or as a shuffled stream that several processes share and that goes on where it stopped:\n\n"
        "```python\nfrom auris.data.datasets import MadeSet, MadeStream\n\n"
        f'example = MadeSet("DIR")[0]\n{first}, example.scene, example.facts\n'
        'for example in MadeStream("DIR", seed=1, buffer=1000):\n    ...\n```'
    )
    if manifest.form == "folders":
        return text + (
            "\n\nThe folders are those of the published set: programs made for that read them too." if kind.about else ""
        )
    lines = ["import io, soundfile, webdataset", ""]
    lines += [f'for sample in webdataset.WebDataset("DIR/{_brace(manifest)}", shardshuffle=False):']
    lines += (
        [f'    samples, sample_rate = soundfile.read(io.BytesIO(sample["{audio}"]))'] if audio else ['    sample["__key__"]']
    )
    python = "\n".join(lines)
    text += (
        "\n\nWith [webdataset](https://github.com/webdataset/webdataset), which gives the bytes of each file by its field:\n\n"
        f"```python\n{python}\n```"
    )
    if not _uniform(statistics):
        return text
    return (
        f"{text}\n\nWith `datasets`, which needs no script for shards (`configs` above names them):\n\n"
        '```python\nfrom datasets import load_dataset\n\nload_dataset("DIR", split="train", streaming=True)\n```'
    )


def _uniform(statistics: SetStatistics) -> bool:
    """Whether all items have the same files, which the Hub's loader of shards needs."""
    return all(found.items == statistics.items == found.files for found in statistics.kinds.values())


def _brace(manifest: Manifest) -> str:
    """The shards in the notation of webdataset: ``shards/set-{000000..000041}.tar``."""
    paths = [shard.path for shard in manifest.shards]
    first, last = (re.fullmatch(r"(.*?)(\d+)(\.tar)", path) for path in (paths[0], paths[-1]))
    if first is None or last is None or len(paths) == 1:
        return paths[0]
    return f"{first[1]}{{{first[2]}..{last[2]}}}{first[3]}"


def _duration(seconds: float) -> str:
    """Seconds in words.

    >>> _duration(45.2), _duration(600), _duration(7260), _duration(3600 * 1200)
    ('45.2 s', '10 min', '2.02 h', '1,200 h')
    """
    unit, size = next(((unit, size) for unit, size in (("h", 3600), ("min", 60)) if seconds >= 2 * size), ("s", 1))
    return f"{seconds / size:.3g} {unit}" if seconds / size < 1000 else f"{seconds / size:,.0f} {unit}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
