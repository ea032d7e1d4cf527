"""Examples of made sets: what is heard, the truth about it, and the files they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, get_args

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.data.shard_reading import read_stretch
from auris.errors import FormatError, LayoutError, ParameterError, SceneError, unknown_name
from auris.io.audio_files import decode_audio
from auris.io.frame_labels import FrameLabels
from auris.io.pseldnets import parse_frame_rows
from auris.scene import Scene

Check = Literal["size", "checksum"]

AUDIO_SUFFIXES = (".flac", ".wav", ".ogg")
SCENE_FIELD = "scene.json"
LABEL_FIELDS = ("metadata.csv", "labels.csv")
_FOLDER_LAYOUTS = {"mic": "tetra", "sum": "mono"}  # as the published sets call them


@dataclass(frozen=True, eq=False)
class MadeExample:
    """One example of a set.

    Attributes:
        name: its name.
        index: its number in the set; in shards without a manifest, its number in its shard.
        audio: recordings by the name of their file, which is their layout's in most sets: ``audio["foa"]``. What was not
            asked for beforehand is decoded when it is asked for.
        scene: the truth, where the set has it.
        labels: frame labels as the set's label file has them, without class names; None where there is none, or one of another
            form (DCASE 2019 and 2025), which is among the files.
        facts: what its maker noted about it.
        files: every file of it, by field (``foa.flac``); read when asked for.
    """

    name: str
    index: int
    audio: Mapping[str, Audio] = field(default_factory=dict)
    scene: Scene | None = None
    labels: FrameLabels | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"MadeExample({self.name!r}, audio: {', '.join(self.audio) or 'none'}; files: {', '.join(self.files) or 'none'})"

    def heard(self, layout: str | None = None) -> Audio:
        """Return a recording by its name or its layout; without either, the only one.

        Raises:
            LayoutError: there is none of that name, or there are several to choose from.
        """
        return self.audio[self.recording(layout)]

    def recording(self, layout: str | None = None) -> str:
        """Return the name of what :meth:`heard` returns; raises as that does."""
        if layout is None and len(self.audio) == 1:
            return next(iter(self.audio))
        if layout in self.audio:
            return str(layout)
        for name in self.audio:
            if layout is not None and _layout_name(self.audio, name) == layout:
                return name
        there = ", ".join(self.audio) or "none"
        wanted = "several recordings" if layout is None else f"no recording {layout!r}"
        raise LayoutError(f"example {self.name!r} has {wanted}; say which of: {there}")


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the content of a file lies.

    Attributes:
        path: of the file, or of the shard that holds it.
        offset: where it begins; None for a file of its own.
        size: bytes.
        sha256: its checksum, where it is known.
    """

    path: Path
    offset: int | None
    size: int
    sha256: str = ""

    def read(self, name: str, check: Check) -> bytes:
        """Return the content.

        Raises:
            FormatError: it is missing, cut short, or not what was written; shard and member are named.
        """
        what = f"member {name!r}" if self.offset is not None else "this file"
        content = read_stretch(self.path, offset=self.offset or 0, size=self.size, what=what)
        longer = self.offset is None and self.path.stat().st_size != self.size
        damaged = check == "checksum" and self.sha256 and hashlib.sha256(content).hexdigest() != self.sha256
        if longer or damaged:
            reason = f"not the {self.size} bytes" if longer else "not the content"
            raise FormatError(f"{self.path}: {what} is {reason} that the manifest says; see: auris data check")
        return content


class StoredFiles(Mapping[str, bytes]):
    """The files of an example by field, read from disk when asked for; nothing is kept open."""

    def __init__(self, name: str, places: Mapping[str, Stored], *, check: Check = "size") -> None:
        self.name, self.places, self.check = name, dict(places), check

    def __getitem__(self, key: str) -> bytes:
        return self.places[key].read(f"{self.name}.{key}", self.check)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        return f"StoredFiles({self.name!r}: {', '.join(self.places)})"

    def where(self, key: str) -> str:
        """Return what to call a file in messages."""
        place = self.places[key]
        return str(place.path) if place.offset is None else f"{place.path}: member '{self.name}.{key}'"


class StoredAudio(Mapping[str, Audio]):
    """The recordings among the files of an example, by their names; decoded when asked for, once."""

    def __init__(self, files: StoredFiles, channels: Mapping[str, ChannelLayout]) -> None:
        self.files, self.channels = files, channels
        self._fields = {recording_name(key): key for key in files if f".{key}".endswith(AUDIO_SUFFIXES)}
        self._decoded: dict[str, Audio] = {}

    def __getitem__(self, key: str) -> Audio:
        if key not in self._decoded:
            self._decoded[key] = self._decode(key)
        return self._decoded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def stated_layout(self, key: str) -> ChannelLayout | None:
        """Return the layout of a recording as far as it is known without reading it."""
        said = (layout for pattern, layout in self.channels.items() if fnmatchcase(key, pattern))
        return next(said, None) or known_layout(key)

    def _decode(self, key: str) -> Audio:
        where = self.files.where(self._fields[key])
        try:
            return decode_audio(self.files[self._fields[key]], where=where, layout=self.stated_layout(key))
        except LayoutError as error:
            hint = f"say what its channels are: channels={{{key!r}: 'LAYOUT'}}"
            raise LayoutError(f"{str(error).partition('; say which')[0]}; {hint}") from None


@dataclass(frozen=True)
class Reading:
    """How examples are read.

    Attributes:
        layouts: names of recordings, or of layouts, to decode at once, and no others; None decodes each when it is asked for.
        channels: what the channels of a recording mean, by its name or a pattern for names (``rir.*``), where neither the name
            nor the file says it.
        check: compare only sizes, or checksums as well, where the manifest has them.
    """

    layouts: tuple[str, ...] | None = None
    channels: Mapping[str, ChannelLayout] = field(default_factory=dict)
    check: Check = "size"

    @classmethod
    def of(cls, layouts: str | Sequence[str] | None, channels: Mapping[str, ChannelLayout | str], check: Check) -> Reading:
        """Return what the arguments of a dataset ask for.

        Raises:
            LayoutError: a layout is unknown.
            ParameterError: the check is unknown.
        """
        if check not in get_args(Check):
            raise ParameterError(unknown_name("check", check, get_args(Check)))
        wanted = (layouts,) if isinstance(layouts, str) else None if layouts is None else tuple(layouts)
        return cls(wanted, {name: ChannelLayout.parse(layout) for name, layout in channels.items()}, check)

    def example(self, name: str, index: int, *, places: Mapping[str, Stored], facts: Mapping[str, Any]) -> MadeExample:
        """Read an example.

        Raises:
            FormatError: a file of it is missing, damaged or not what its name says; shard and member are named.
            LayoutError: a recording that is asked for is not there, or nothing says what its channels are.
            SceneError: its scene is not a valid one.
        """
        files = StoredFiles(name, places, check=self.check)
        stored = StoredAudio(files, self.channels)
        audio = stored if self.layouts is None else self._chosen(stored, self.layouts)
        return MadeExample(name, index, audio, _scene(files), _labels(files), facts, files)

    def _chosen(self, audio: StoredAudio, layouts: Sequence[str]) -> dict[str, Audio]:
        found: dict[str, Audio] = {}
        for wanted in layouts:
            named = [name for name in audio if name == wanted] or [
                name for name in audio if _layout_name(audio, name) == wanted
            ]
            if not named:
                there = ", ".join(audio) or "none"
                raise LayoutError(f"example {audio.files.name!r} has no recording {wanted!r}; it has: {there}")
            found |= {name: audio[name] for name in named}
        return found


def _layout_name(audio: Mapping[str, Audio], name: str) -> str | None:
    """The layout of a recording; it is decoded only where nothing else says it."""
    layout = audio.stated_layout(name) if isinstance(audio, StoredAudio) else None
    try:
        return (layout or audio[name].layout).name
    except LayoutError:
        return None


def recording_name(key: str) -> str:
    """Return what a recording is called: its field without the ending.

    >>> recording_name("foa.flac"), recording_name("wav")
    ('foa', 'audio')
    """
    return key.rpartition(".")[0] or "audio"


def known_layout(name: str) -> ChannelLayout | None:
    """Return the layout that the name of a recording says, or None."""
    try:
        return ChannelLayout.parse(_FOLDER_LAYOUTS.get(name, name))
    except LayoutError:
        return None


def _scene(files: StoredFiles) -> Scene | None:
    if SCENE_FIELD not in files:
        return None
    where = files.where(SCENE_FIELD)
    try:
        plain = json.loads(files[SCENE_FIELD])
        ours = isinstance(plain, dict) and {"version", "sources"} <= plain.keys()
        return Scene.from_dict(plain) if ours else None  # others may call something else a scene
    except SceneError as error:
        raise SceneError(f"{where}: {error}") from None
    except ValueError as error:
        raise FormatError(f"{where}: not valid JSON ({error})") from None


def _labels(files: StoredFiles) -> FrameLabels | None:
    for key in LABEL_FIELDS:
        if key in files:
            where = files.where(key)
            try:
                lines = files[key].decode("utf-8-sig").rstrip().splitlines()
            except UnicodeDecodeError:
                raise FormatError(f"{where}: not a text file (UTF-8 expected)") from None
            other = bool(lines) and lines[0][:1].isalpha()  # the header of another form
            return None if other else parse_frame_rows(lines, where=where, distance="centimetres")
    return None
