"""``auris listen … --out DIR``: many recordings, one label file each, in a folder that ``auris score`` takes.

A recording that cannot be heard does not stop the others. ``listening.json`` in the folder says how it was made; a run that
goes on where another stopped must listen in the same way.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris import __version__
from auris.cli import heard as heard_files
from auris.cli.console import WrongUse, error_message, message, print_json, print_table, progress_bar
from auris.cli.heard import OutputFormat
from auris.cli.listen import hear_file
from auris.errors import AurisError, FormatError

if TYPE_CHECKING:
    from auris.models.listening import FrameListener

_AUDIO = (".wav", ".flac", ".ogg")
_ENDINGS = {"csv": ".csv", "scene": ".yaml", "plot": ".png"}
_RECORD = "listening.json"
_SETTINGS = ("model", "layout", "threshold", "reading", "hop", "tta", "year", "classes")


@dataclass(frozen=True)
class Recording:
    """A file to be heard and its length in seconds."""

    path: Path
    duration: float


def listen_to_many(arguments: Namespace) -> int:
    """Hear all recordings; 1 if any could not be heard."""
    folder = Path(arguments.out)
    kinds = tuple(dict.fromkeys(arguments.write or ["csv"]))
    files = _files(arguments.files)
    listeners = _Listeners(arguments, kinds)
    _record_settings(folder, arguments)
    waiting = [file for file in files if not (arguments.resume and _is_done(folder, file, kinds))]
    if len(waiting) < len(files):
        message(f"{len(files) - len(waiting)} of {len(files)} recordings were heard before")
    results, failures = _hear_all(arguments, waiting, folder, listeners)
    for failure in failures:
        error_message(failure)
    if arguments.json:
        print_json({"folder": str(folder), "files": results, "failures": failures})
    else:
        rows = [(Path(r["file"]).name, r["duration"], len(r["events"]), _summary(r["events"])) for r in results]
        print_table(f"Heard, written to {folder}", ["recording", "seconds", "events", "classes"], rows)
    return 1 if failures else 0


def _files(given: Sequence[str]) -> list[Path]:
    """The audio files named, and those in folders and their sub-folders."""
    files: list[Path] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in _AUDIO and file.is_file())
            if not found:
                raise FormatError(f"{path}: no audio files ({', '.join(_AUDIO)}) in this folder or below it")
            files += found
        else:
            files.append(path)
    twice = [stem for stem, count in Counter(file.stem for file in files).items() if count > 1]
    if twice:
        both = " and ".join(str(file) for file in files if file.stem == twice[0])
        raise WrongUse(f"{both} would both be written to {twice[0]}.csv; listen to them with different --out folders")
    return files


def _is_done(folder: Path, file: Path, kinds: Sequence[str]) -> bool:
    return all((folder / f"{file.stem}{_ENDINGS[kind]}").is_file() for kind in kinds)


def _record_settings(folder: Path, arguments: Namespace) -> None:
    """Write down how this folder is made; going on in another way would mix two systems.

    Raises:
        FormatError: ``--resume`` with other settings than the folder was begun with.
    """
    from auris.io.atomic import write_text

    settings: dict[str, Any] = {name: getattr(arguments, name) for name in _SETTINGS}
    record = folder / _RECORD
    if arguments.resume and record.is_file():
        try:
            before = json.loads(record.read_text(encoding="utf-8"))["settings"]
        except (ValueError, KeyError, TypeError):
            raise FormatError(f"{record}: damaged; remove it, or listen to everything anew without --resume") from None
        changed = [
            f"{name} {before.get(name)!r} then, {settings[name]!r} now"
            for name in settings
            if before.get(name) != settings[name]
        ]
        if changed:
            raise FormatError(
                f"{folder} was begun with other settings: {'; '.join(changed)}; use another --out, or leave --resume out"
            )
    write_text(record, json.dumps({"auris": __version__, "settings": settings}, indent=2) + "\n")


def _hear_all(
    arguments: Namespace, files: Sequence[Path], folder: Path, listeners: _Listeners
) -> tuple[list[dict[str, Any]], list[str]]:
    from auris.io.audio_files import probe

    results: list[dict[str, Any]] = []
    failures: list[str] = []
    recordings: list[Recording] = []
    for file in files:
        try:
            recordings.append(Recording(file, probe(file).duration))
        except AurisError as error:
            failures.append(str(error))
    with progress_bar() as progress:
        task = progress.add_task("listening (seconds)", total=round(sum(r.duration for r in recordings)))
        done = 0.0
        for recording in recordings:
            progress.update(task, description=f"listening to {recording.path.name} (seconds)")

            def report(seconds: float, before: float = done) -> None:
                progress.update(task, completed=round(before + seconds))

            try:
                results.append(_hear_one(arguments, recording, listeners, folder, report=report))
            except AurisError as error:
                failures.append(str(error))
            done += recording.duration
            progress.update(task, completed=round(done))
    return results, failures


class _Listeners:
    """Listeners and their CSV formats, each loaded once: the one that was named, or the shipped one of each layout."""

    def __init__(self, arguments: Namespace, kinds: Sequence[str]) -> None:
        from auris.pipelines import listener_for

        self.kinds = tuple(kinds)
        self._arguments = arguments
        self._loaded: dict[str, tuple[FrameListener, OutputFormat | None]] = {}
        self._named: FrameListener | None = None
        if arguments.model:
            self._named = listener_for(None, model=arguments.model, device=arguments.device)
            self._keep("", self._named)

    def for_file(self, file: Path) -> tuple[FrameListener, OutputFormat | None, str]:
        """Return the listener, its CSV format where CSV is wanted, and the name of the file's layout."""
        from auris.pipelines import layout_of, listener_for

        layout = layout_of(file, self._arguments.layout, listener=self._named)
        key = "" if self._named is not None else layout.name
        if key not in self._loaded:
            self._keep(key, listener_for(layout, device=self._arguments.device))
        return (*self._loaded[key], layout.name)

    def _keep(self, key: str, listener: FrameListener) -> None:
        csv_format = heard_files.output_format(self._arguments, listener) if "csv" in self.kinds else None
        self._loaded[key] = (listener, csv_format)


def _hear_one(
    arguments: Namespace, recording: Recording, listeners: _Listeners, folder: Path, *, report: Callable[[float], None]
) -> dict[str, Any]:
    """Hear one recording, write its files and return its part of the JSON document."""
    model, csv_format, layout = listeners.for_file(recording.path)
    heard = hear_file(arguments, recording.path, model, report)
    scene = heard.scene(arguments.reading)
    target = {kind: folder / f"{recording.path.stem}{_ENDINGS[kind]}" for kind in listeners.kinds}
    if "scene" in target:
        heard_files.write_heard_scene(target["scene"], scene)
    if "plot" in target:
        heard_files.write_plot(target["plot"], heard, scene, recording.path, truth=None)
    if csv_format is not None:
        heard_files.write_csv(target["csv"], heard, csv_format)
    return heard_files.document(recording.path, heard, scene, model=model, layout=layout)


def _summary(events: Sequence[dict[str, Any]], *, most: int = 6) -> str:
    counts = Counter(event["class"] for event in events).most_common()
    shown = [f"{label} ({count})" if count > 1 else label for label, count in counts[:most]]
    return ", ".join(shown + (["…"] if len(counts) > most else []))
