"""A small and quick set for tests of how sets are made; it can be told to fail, to die and to take its time."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auris import seeding
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.errors import ParameterError, SceneError

if TYPE_CHECKING:  # what is imported here, every worker process imports
    from auris.data.production.presets import Preset
    from auris.data.sound_settings import BankSettings


@dataclass(frozen=True)
class TinySettings:
    """What a tiny set holds.

    Attributes:
        seconds: of audio in each item,
            as far as there is any.
        loudness: range from which the level is drawn.
        name: beginning of the items' names.
    """

    seconds: float = 2.0
    loudness: tuple[float, ...] = (0.5, 1.0)
    name: str = "clip"

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ParameterError(f"seconds must be above 0, got {self.seconds!r}")

    @property
    def item_seconds(self) -> float:
        return self.seconds


class TinyMaker:
    """Items of two files each.

    ``trouble`` is a folder in which files named ``fail-3``, ``crash-3``, ``die-3`` and ``die-once-3`` say what becomes
    of item 3, and ``pause`` how many seconds every item takes; it has no part in the settings.
    """

    preset = "tiny"

    def __init__(
        self, settings: TinySettings, *, items: int, sounds: BankSettings | None, seed: int, trouble: Path | None = None
    ) -> None:
        self._settings = settings
        self._items = items
        self._sounds = sounds
        self._seed = seed
        self.trouble = trouble

    @property
    def settings(self) -> Mapping[str, Any]:
        own = self._settings
        sounds = None if self._sounds is None else {"procedural": self._sounds.procedural}
        settings = {"seconds": own.seconds, "loudness": list(own.loudness), "name": own.name}
        return {
            "settings": settings,
            "sounds": sounds,
            "seed": self._seed,
            "items": self._items,
        }

    def __len__(self) -> int:
        return self._items

    @property
    def seconds(self) -> float:
        return self._items * self._settings.seconds

    def make(self, index: int) -> MadeItem:
        self._meet_trouble(index)
        rng = seeding.generator(self._seed, "tiny", index)
        level = float(rng.uniform(*self._settings.loudness))
        # A product of matrices, whose last bits tell how many threads made it.
        samples = (rng.standard_normal((200, 300)) @ rng.standard_normal((300, 4)) * level).astype(np.float32)
        name = f"{self._settings.name}_{index:03d}"
        scene = json.dumps({"level": level}).encode()
        files = (
            MadeFile(f"foa/{name}.raw", "foa.raw", samples.tobytes()[: 3000 + index]),
            MadeFile(f"metadata/{name}.json", "scene.json", scene),
        )
        return MadeItem(name, files, {"seconds": self._settings.seconds, "level": level, "label": "ab"[index % 2]})

    def _meet_trouble(self, index: int) -> None:
        if self.trouble is None:
            return
        if (self.trouble / "pause").exists():
            time.sleep(float((self.trouble / "pause").read_text()))
        (self.trouble / f"process-{os.getpid()}").touch()
        if (self.trouble / f"fail-{index}").exists():
            raise SceneError(f"item {index} has no room")
        if (self.trouble / f"crash-{index}").exists():
            raise ZeroDivisionError("a fault")
        if (self.trouble / f"die-once-{index}").exists():
            (self.trouble / f"die-once-{index}").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        if (self.trouble / f"die-{index}").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        lines = [f"{entry.name},{entry.facts['level']!r}\n" for entry in facts]
        yield MadeFile("levels.csv", "levels.csv", "".join(lines).encode())

    def balance(self) -> Mapping[str, float]:
        return {"a": 0.5, "b": 0.5}


def tiny_maker(items: int = 10, *, trouble: Path | None = None, seed: int = 3, seconds: float = 2.0) -> TinyMaker:
    return TinyMaker(TinySettings(seconds=seconds), items=items, sounds=None, seed=seed, trouble=trouble)


def tiny_preset() -> Preset:
    from auris.data.production.presets import Preset

    return Preset("tiny", "items of two files", "tiny_sets", "TinySettings", "TinyMaker")


def tree(out: Path) -> dict[str, bytes]:
    """Return every file of a set by its path; what runs remember is left out."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and ".auris" not in path.relative_to(out).parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def leftovers(out: Path) -> list[Path]:
    """Return temporary files that should not be there."""
    return [path for path in out.rglob("*") if path.name.startswith(".") and path.name != ".auris"] + list(
        out.glob(".auris/tmp")
    )


class Unreadable:
    """Something that no process can take in."""

    def __reduce__(self):
        return _explode, ()


def _explode():
    raise RuntimeError("exploded")
