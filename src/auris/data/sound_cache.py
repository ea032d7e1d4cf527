"""What was measured of the files of a sound folder, kept beside them, so that no file is measured twice.

``<folder>/.auris/sounds-<kind>.jsonl``: a line that says how it was measured, then one line for each file with its size, the
time it was written, header and content. A file of another size or time is measured again. Where the folder cannot be written
to, the cache lies in the user's cache folder (:func:`cache_folder`). It is replaced as a whole, by renaming, and what other
processes have added in the meantime is kept; one that is damaged, or was measured otherwise, is ignored and written anew.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import soundfile

from auris.data.activity import ActivitySettings, Segment
from auris.data.sound_catalogues.entries import Stamp
from auris.data.sound_measurement import Content, Header
from auris.errors import FormatError
from auris.io.atomic import write_text

VERSION = 1
_LOG = logging.getLogger("auris.data")
_WORTH = 1.0  # seconds of measuring that are worth writing down before somebody asks for it
_HEADER = ("duration", "channels", "sample_rate", "encoding", "problem", "remark")
_SHARE = 20  # writing takes at most this part of the time


@dataclass(slots=True)
class _Kept:
    stamp: Stamp
    header: Header
    content: Content | Mapping[str, Any] | None  # as it was read, until somebody asks


def cache_folder() -> Path:
    """Return where auris keeps what can be made again: ``$AURIS_CACHE``, ``$XDG_CACHE_HOME/auris``, or ``~/.cache/auris``."""
    if chosen := os.environ.get("AURIS_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "auris" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "auris"


class SoundCache:
    """Headers and contents of the files of one folder.

    Attributes:
        note: where the cache is and why, when it is not beside the sounds.
    """

    def __init__(self, folder: Path, kind: str, *, activity: ActivitySettings) -> None:
        """Remember the folder; the cache is read when it is first asked.

        Args:
            folder: the folder of sounds.
            kind: name of its layout.
            activity: how silence is told from sound; contents are only kept on disk for the usual settings.
        """
        self._beside = folder / ".auris" / f"sounds-{kind}.jsonl"
        real = blake2b(os.path.realpath(folder).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        self._elsewhere = cache_folder() / "sounds" / f"{folder.name or 'sounds'}-{real}-{kind}.jsonl"
        self._contents_kept = activity == ActivitySettings()
        self._usual = {
            "format": "auris-sounds",
            "version": VERSION,
            "decoder": str(soundfile.__libsndfile_version__),
            "activity": asdict(ActivitySettings()),
        }
        self._path = self._beside if _writable(folder) else self._elsewhere
        self.note: str | None = None if self._path == self._beside else self._said(folder)
        self._kept: dict[str, _Kept] | None = None
        self._contents: dict[str, tuple[Stamp, Content]] = {}
        self._new: set[str] = set()
        self._unsaved = self._writing = 0.0
        self._written = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        # A copy in another process reads the file itself.
        return {**self.__dict__, "_kept": None, "_contents": {}, "_new": set(), "_unsaved": 0.0}

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self._path

    def header(self, file: str, stamp: Stamp) -> Header | None:
        """Return the header of a file as it was last read; None when it was not, or the file has changed."""
        kept = self._entries().get(file)
        return kept.header if kept is not None and kept.stamp == stamp else None

    def content(self, file: str, stamp: Stamp) -> Content | None:
        """Return the content of a file as it was last measured; None when it was not, or the file has changed."""
        if not self._contents_kept:
            known = self._contents.get(file)
            return known[1] if known is not None and known[0] == stamp else None
        kept = self._entries().get(file)
        if kept is None or kept.stamp != stamp:
            return None
        if isinstance(kept.content, Mapping):
            kept.content = _content(kept.content)
        return kept.content

    def keep_header(self, file: str, stamp: Stamp, header: Header) -> None:
        """Remember the header of a file, unless its problem may go without the file changing."""
        if header.lasting:
            self._entries()[file] = _Kept(stamp, header, None)
            self._new.add(file)

    def keep_content(self, file: str, stamp: Stamp, content: Content, *, seconds: float) -> None:
        """Remember the content of a file whose header is known.

        Args:
            file: relative path.
            stamp: as it was before the file was read.
            content: what was measured.
            seconds: how long that took: when a second is at stake, the cache is written.
        """
        if not self._contents_kept:
            self._contents[file] = (stamp, content)
            return
        kept = self._entries().get(file)
        if kept is None or kept.stamp != stamp:
            return
        kept.content = content
        self._new.add(file)
        self._unsaved += seconds
        if self._unsaved > _WORTH and time.monotonic() - self._written > _SHARE * self._writing:
            self.write()

    def write(self, *, existing: Callable[[str], bool] = lambda file: True) -> None:
        """Write what is new; a cache that cannot be written costs time later, but is no error.

        Args:
            existing: tells whether a file is still there; the others are forgotten.
        """
        if not self._new:
            return
        begun = time.perf_counter()
        for path in dict.fromkeys((self._path, self._elsewhere)):
            lines = self._merged(path, existing)
            try:
                write_text(path, "\n".join([json.dumps(self._usual), *lines]) + "\n")
                break
            except (FormatError, OSError) as error:
                reason = str(error)
        else:
            self.note = f"what is measured of the sounds cannot be kept: {reason}"
            _LOG.info(self.note)
        if path != self._path:
            self._path, self.note = path, self._said(self._beside.parents[1])
        self._new.clear()
        self._unsaved, self._writing, self._written = 0.0, time.perf_counter() - begun, time.monotonic()

    def _entries(self) -> dict[str, _Kept]:
        if self._kept is None:
            self._kept = {}
            for path in dict.fromkeys((self._beside, self._path)):
                self._kept |= _read(path, self._usual)
        return self._kept

    def _merged(self, path: Path, existing: Callable[[str], bool]) -> list[str]:
        own = self._entries()
        theirs = {file: kept for file, kept in _read(path, self._usual).items() if file not in self._new}
        for file, kept in theirs.items():
            if file not in own or own[file].stamp != kept.stamp or own[file].content is None:
                own[file] = kept
        return [_line(file, own[file]) for file in sorted(own) if existing(file)]

    def _said(self, folder: Path) -> str:
        note = f"{folder} cannot be written to; what is measured of its sounds is kept in {self._elsewhere}"
        _LOG.info(note)
        return note


def _writable(folder: Path) -> bool:
    """Whether a cache may be put into a folder. Its permissions count even for a superuser, who could write anywhere."""
    place = folder / ".auris" if (folder / ".auris").is_dir() else folder
    try:
        return bool(stat.S_IMODE(place.stat().st_mode) & 0o222) and os.access(place, os.W_OK)
    except OSError:
        return False


def _line(file: str, kept: _Kept) -> str:
    header = {name: getattr(kept.header, name) for name in _HEADER}
    plain: dict[str, Any] = {"file": file, "size": kept.stamp.size, "written": kept.stamp.written, **header}
    if kept.content is not None:
        plain["content"] = kept.content if isinstance(kept.content, Mapping) else _plain_content(kept.content)
    return json.dumps(plain)


def _plain_content(content: Content) -> dict[str, Any]:
    plain = {"level_db": content.level_db, "loudness": content.loudness, "problem": content.problem}
    return {"segments": [[segment.start, segment.end] for segment in content.segments], **plain}


def _content(plain: Mapping[str, Any]) -> Content | None:
    """The content in a line of the cache; None when the line is damaged, so that the file is measured again."""
    try:
        segments = tuple(Segment(float(start), float(end)) for start, end in plain["segments"])
        return Content(segments, plain["level_db"], plain["loudness"], plain["problem"])
    except (KeyError, TypeError, ValueError):
        return None


def _read(path: Path, usual: Mapping[str, Any]) -> dict[str, _Kept]:
    """What a cache file holds; nothing when it is absent, damaged, or was measured otherwise."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        if not lines or json.loads(lines[0]) != usual:
            return {}
        return {plain["file"]: _kept(plain) for plain in json.loads(f"[{','.join(lines[1:])}]")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _kept(plain: Mapping[str, Any]) -> _Kept:
    header = Header(
        float(plain["duration"]),
        int(plain["channels"]),
        int(plain["sample_rate"]),
        sys.intern(plain["encoding"]),
        plain["problem"],
        plain["remark"],
    )
    content = plain.get("content")
    stamp = Stamp(int(plain["size"]), int(plain["written"]))
    return _Kept(stamp, header, content if isinstance(content, Mapping) else None)
