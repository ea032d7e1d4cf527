"""Single sounds as a pair of microphones hears them, simulated once for a generator to learn from.

A file of stems is a pure function of the recipe and its number, and appears whole or not at all, so making them can stop and go
on at any time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.data.dry import dry_signals
from auris.data.made_sets.bewo import stereo_pair
from auris.data.made_sets.bewo_scenes import BewoScene, drawn_scene
from auris.data.sound_bank import Bank
from auris.dsp.loudness import active_rms
from auris.errors import FormatError
from auris.io.atomic import atomic_write
from auris.models.scene_diffusion.network import ROOMS
from auris.scene import Sound
from auris.training.generator_recipe import PlacedStemsRecipe

PATH_RATE = 50  # places a second
_FULL_SCALE = 32767
_TOLD_SECONDS = 30.0  # between lines of the log

_LOG = logging.getLogger("auris.training")


@dataclass(frozen=True, eq=False)
class PlacedStems:
    """The stems of a file.

    Attributes:
        audio: ``(S, 2, N)`` int16, each stem at its own full scale.
        gains: ``(S,)`` what a stem must be multiplied by to have the level of all stems.
        classes: ``(S,)`` numbers of the labels.
        rooms: ``(S,)`` numbers in :data:`auris.models.scene_diffusion.network.ROOMS`.
        azimuths: ``(S, P)`` radians, :data:`PATH_RATE` a second.
        distances: ``(S, P)`` metres.
    """

    audio: NDArray[np.int16]
    gains: NDArray[np.float32]
    classes: NDArray[np.int64]
    rooms: NDArray[np.int64]
    azimuths: NDArray[np.float32]
    distances: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.gains)

    @property
    def waveforms(self) -> NDArray[np.float32]:
        """All stems at their level, ``(S, 2, N)``."""
        return np.asarray(self.audio * self.gains[:, None, None], dtype=np.float32)


class _OneSound:
    """A bank that plays one sound, however often it is asked; the others' places are what differs."""

    def __init__(self, bank: Bank, label: str, seed: int, *, duration: float, sample_rate: int) -> None:
        self.bank, self.labels = bank, (label,)
        self.sound = bank.pick(label, seeding.generator(seed, "sound"), duration=duration)
        self.samples = bank.dry(self.sound, sample_rate, duration)

    def pick(self, label: str, generator: np.random.Generator, *, duration: float | None = None) -> Sound:
        return self.sound

    def dry(self, sound: Sound, sample_rate: int, duration: float) -> NDArray[np.float32]:
        return self.samples


def render_stems(recipe: PlacedStemsRecipe, bank: Bank, labels: Sequence[str], index: int) -> PlacedStems:
    """Simulate file number ``index``; classes take turns."""
    stems: dict[str, list[Any]] = {name: [] for name in PlacedStems.__dataclass_fields__}
    settings, one = recipe.scenes, None
    for row in range(recipe.shard_size):
        number = index * recipe.shard_size + row
        sound, place = divmod(number, recipe.places)
        seed = seeding.derive(recipe.seed, "generator-stem", number) >> 1
        if one is None or place == 0:
            one = _OneSound(
                bank,
                labels[sound % len(labels)],
                seeding.derive(recipe.seed, "generator-sound", sound),
                duration=settings.duration,
                sample_rate=settings.sample_rate,
            )
        moves = seeding.generator(seed, "moves").random() < recipe.moving
        drawn = drawn_scene(settings, "SD" if moves else "SS", one, one.labels, seed=seed, name=str(number))  # type: ignore[arg-type]
        stem = _stem(recipe, drawn, one)
        for name, value in {**stem, "classes": labels.index(one.labels[0])}.items():
            stems[name].append(value)
    dtypes = {"audio": np.int16, "classes": np.int64, "rooms": np.int64}
    return PlacedStems(**{name: np.asarray(values, dtype=dtypes.get(name, np.float32)) for name, values in stems.items()})


def _stem(recipe: PlacedStemsRecipe, drawn: BewoScene, sounds: _OneSound) -> dict[str, Any]:
    settings = recipe.scenes
    heard = stereo_pair(drawn.scene, dry_signals(drawn.scene, sounds, settings.sample_rate), settings).samples  # type: ignore[arg-type]
    peak = max(float(np.abs(heard).max()), 1e-9)
    level = max(active_rms(np.sqrt(np.mean(np.square(heard), axis=0)), settings.sample_rate), 1e-9)
    (track,) = drawn.scene.tracks(np.arange(round(settings.duration * PATH_RATE)) / PATH_RATE)
    return {
        "audio": np.round(heard * (_FULL_SCALE / peak)),
        "gains": 10 ** (settings.level_db / 20) * peak / (level * _FULL_SCALE),
        "rooms": ROOMS.index(drawn.size),
        "azimuths": track.azimuth,
        "distances": track.distance,
    }


def stem_files(recipe: PlacedStemsRecipe, labels: Sequence[str]) -> list[Path]:
    """Return where the stems of a recipe lie, or will lie."""
    folder = Path(recipe.folder) / f"stems-{recipe.digest(labels)}"
    return [folder / f"stems-{index:05d}.npz" for index in range(recipe.shards)]


def made_stems(recipe: PlacedStemsRecipe, labels: Sequence[str]) -> list[Path]:
    """Return the files of a recipe's stems; those that are missing are made, and the log says how far that is.

    Raises:
        FormatError: there are no such recordings, or the folder cannot be written.
        ParameterError: the recordings have no such class.
    """
    files = stem_files(recipe, labels)
    missing = [index for index, file in enumerate(files) if not file.is_file()]
    if not missing:
        return files
    bank, told = recipe.bank.open(), -_TOLD_SECONDS
    for done, index in enumerate(missing):
        if time.monotonic() - told >= _TOLD_SECONDS:
            told = time.monotonic()
            _LOG.warning(
                "simulating stems in %s, once for all trainings with them: %d of %d files",
                files[0].parent,
                len(files) - len(missing) + done,
                len(files),
            )
        write_arrays(files[index], vars(render_stems(recipe, bank, labels, index)))
    return files


def read_stems(file: Path) -> PlacedStems:
    """Read stems.

    Raises:
        FormatError: the file is missing or damaged.
    """
    return PlacedStems(**read_arrays(file, PlacedStems.__dataclass_fields__))


def write_arrays(file: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays into a file, whole or not at all."""
    with atomic_write(file) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def read_arrays(file: Path, names: Any) -> dict[str, NDArray[Any]]:
    """Read arrays by name.

    Raises:
        FormatError: the file is missing or damaged.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise FormatError(f"{file}: damaged ({error}); delete it, it is made again") from None
