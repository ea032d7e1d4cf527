"""Single wet sources, rendered ahead and kept on disk, for datasets that mix scenes from them.

Rendering is what limits training on scenes made on the fly, so it is done once per source: a *stem* is one event of one
class in one room, heard for a few seconds, with the path it took. Stems come in shards, a folder each with one array
that is mapped into memory, not read. A shard is a pure function of the settings and its number, and appears whole or
not at all, so that one process may render while another trains.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.channels import ChannelLayout
from auris.data.dry import dry_signals
from auris.data.scene_presets import ScenePreset, preset
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import Bank
from auris.data.sound_settings import BankSettings
from auris.dsp.hrtf import DirectionalResponses, structural_head
from auris.errors import FormatError
from auris.geometry import unit_vector
from auris.scene import Scene

__all__ = [
    "NOISE_STEP",
    "PATH_RATE",
    "REFERENCE_DBFS",
    "BankSettings",
    "Shard",
    "StemSettings",
    "read_shard",
    "render_shard",
    "render_shards",
    "shard_folder",
    "stem_scene",
    "write_shard",
]
PATH_RATE = 50  # positions per second kept for each stem
_FULL_SCALE = 32767
REFERENCE_DBFS = -14.0  # root mean square of a dry sound while it lasts, as of SpatialSoundQA's clips (arXiv:2402.01591)
NOISE_STEP = 8 / _FULL_SCALE  # noise is clipped at eight times its standard deviation, which it does not reach


@dataclass(frozen=True)
class StemSettings:
    """How stems are made.

    Attributes:
        bank: which sounds.
        preset: scenes to take rooms, places, paths and event lengths from (:data:`auris.data.scene_sampler.PRESETS`).
        layout: what hears them. A pair of microphones (``stereo``) cannot tell front from rear; all is kept as if in front.
        sample_rate: hertz.
        seconds: length of a stem.
        free_field: share of stems without a room.
        heads: for binaural, how many heads of the structural model are listened with.
        hrtf: SOFA files of measured heads, listened with as well; files that do not exist are left out.
        hrtf_scales: each measured head is listened with in these sizes (:meth:`DirectionalResponses.scaled`).
        shard_size: stems in a shard.
        noises: takes of diffuse noise in a shard.
        seed: seed of everything.
    """

    bank: BankSettings = field(default_factory=BankSettings)
    preset: str = "training"
    layout: Literal["foa", "binaural", "stereo"] = "foa"
    sample_rate: int = 24_000
    seconds: float = 5.0
    free_field: float = 0.05
    heads: int = 8
    hrtf: tuple[str, ...] = ()
    hrtf_scales: tuple[float, ...] = (1.0,)
    shard_size: int = 48
    noises: int = 4
    seed: int = 0

    def digest(self, labels: Sequence[str] = ()) -> str:
        """Return a short name for these settings and classes, so that stems of others are never taken for theirs."""
        return blake2b(repr((self, preset(self.preset), tuple(labels))).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, eq=False)
class Shard:
    """Stems and noise as they lie on disk.

    Attributes:
        audio: ``(stems, channels, samples)`` int16, each stem at its own full scale.
        gains: what a full-scale stem must be multiplied by to have its rendered level, ``(stems,)``.
        calibrations: what it must be multiplied by besides, to have the level :data:`REFERENCE_DBFS` at 1 m, ``(stems,)``.
        classes: class index, ``(stems,)``.
        onsets: seconds, ``(stems,)``.
        offsets: seconds, ``(stems,)``.
        positions: metres in the listener's frame, :data:`PATH_RATE` a second, ``(stems, points, 3)``.
        noise: diffuse noise, ``(takes, channels, samples)`` int16; times :data:`NOISE_STEP`, the first channel has unit power.
    """

    audio: NDArray[np.int16]
    gains: NDArray[np.float32]
    calibrations: NDArray[np.float32]
    classes: NDArray[np.int64]
    onsets: NDArray[np.float32]
    offsets: NDArray[np.float32]
    positions: NDArray[np.float32]
    noise: NDArray[np.int16]


@lru_cache(maxsize=4)
def _responses(settings: StemSettings, index: int) -> DirectionalResponses | None:
    """The head that shard ``index`` is heard with; None for layouts without one."""
    if settings.layout != "binaural":
        return None
    files = [file for file in settings.hrtf if Path(file).is_file()]
    measured = [(file, scale) for file in files for scale in settings.hrtf_scales]
    number = index % (settings.heads + len(measured))
    if number >= settings.heads:
        from auris.io.sofa import read_hrtf

        file, scale = measured[number - settings.heads]
        return read_hrtf(file).resampled(settings.sample_rate).scaled(scale)
    radius = float(seeding.generator(settings.seed, "head", number).uniform(0.078, 0.096))
    return structural_head(settings.sample_rate, head_radius=radius, pinna_seed=number)


def stem_scene(settings: StemSettings, bank: Bank, label: str, seed: int) -> Scene:
    """Draw the scene of one stem: the preset with one source of class ``label``, without background."""
    chosen = preset(settings.preset)
    rng = seeding.generator(seed, "stem")
    ranges: ScenePreset = replace(
        chosen,
        duration=settings.seconds,
        sources=(1, 1),
        events_per_source=(1, 1),
        max_overlap=1,
        labels=(label,),
        event_duration=(chosen.event_duration[0], settings.seconds),
        t60=None if rng.random() < settings.free_field else chosen.t60,
        diffuse_snr_db=None,
        sensor_snr_db=None,
    )
    return sample_scene(ranges, bank, seed)


def render_shard(settings: StemSettings, bank: Bank, labels: Sequence[str], index: int) -> Shard:
    """Render shard number ``index``; classes take turns."""
    from auris.acoustics.renderer import render

    layout, responses = ChannelLayout.parse(settings.layout), _responses(settings, index)
    size, samples = settings.shard_size, round(settings.seconds * settings.sample_rate)
    audio = np.zeros((size, layout.channels, samples), np.int16)
    gains, calibrations, onsets, offsets = (np.zeros(size, np.float32) for _ in range(4))
    positions = np.zeros((size, round(settings.seconds * PATH_RATE), 3), np.float32)
    classes = (index * size + np.arange(size)) % len(labels)
    for row in range(size):
        scene = stem_scene(settings, bank, labels[classes[row]], seeding.derive(settings.seed, "stem", index, row))
        dry = dry_signals(scene, bank, settings.sample_rate)
        wet = render(scene, dry, layout=layout, sample_rate=settings.sample_rate, hrtf=responses).mixture.samples
        peak = max(float(np.abs(wet).max()), 1e-9)
        audio[row] = np.round(wet * (_FULL_SCALE / peak))
        gains[row] = peak / _FULL_SCALE
        event = scene.sources[0].events[0]
        sounding = dry[0, round(event.onset * settings.sample_rate) : round(event.offset * settings.sample_rate)]
        calibrations[row] = 10 ** (REFERENCE_DBFS / 20) / max(float(np.sqrt(np.mean(np.square(sounding)))), 1e-9)
        onsets[row], offsets[row] = event.onset, event.offset
        (track,) = scene.tracks(np.arange(positions.shape[1]) / PATH_RATE)
        positions[row] = unit_vector(track.azimuth, track.elevation) * track.distance[:, None]
        if layout.kind == "stereo":
            positions[row, :, 0] = np.abs(positions[row, :, 0])
    noise = _noise(settings, layout, responses, index, samples)
    return Shard(audio, gains, calibrations, classes, onsets, offsets, positions, noise)


def _noise(
    settings: StemSettings, layout: ChannelLayout, responses: DirectionalResponses | None, index: int, samples: int
) -> NDArray[np.int16]:
    from auris.acoustics.background import diffuse_noise
    from auris.acoustics.receivers import receiver_for

    receiver = receiver_for(layout, settings.sample_rate, hrtf=responses)
    takes = []
    for take in range(settings.noises):
        noise = diffuse_noise(
            receiver,
            samples,
            colour="pink" if take % 4 else "white",
            sample_rate=settings.sample_rate,
            seed=seeding.derive(settings.seed, "noise", index, take),
        )
        takes.append(np.clip(noise / (NOISE_STEP * np.sqrt(np.mean(np.square(noise[0])))), -_FULL_SCALE, _FULL_SCALE))
    return np.asarray(takes).round().astype(np.int16).reshape(settings.noises, layout.channels, samples)


def write_shard(folder: str | Path, index: int, shard: Shard) -> Path:
    """Write a shard below ``folder``; it appears whole or not at all, whoever else is writing it."""
    target = shard_folder(folder, index)
    if target.is_dir():
        return target
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, value in vars(shard).items():
        np.save(temporary / f"{name}.npy", value, allow_pickle=False)
    try:
        os.replace(temporary, target)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        if not target.is_dir():  # else another process was first, with the same content
            raise
    return target


def read_shard(folder: str | Path, index: int) -> Shard:
    """Map a shard into memory.

    Raises:
        FormatError: it is incomplete or damaged.
    """
    source = shard_folder(folder, index)
    arrays: dict[str, Any] = {}
    for name in Shard.__dataclass_fields__:
        try:
            mode: Literal["r"] | None = "r" if name in ("audio", "noise") else None
            arrays[name] = np.load(source / f"{name}.npy", mmap_mode=mode, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FormatError(f"{source}: damaged stems ({error}); delete the folder, it is rendered again") from None
    return Shard(**arrays)


def shard_folder(folder: str | Path, index: int) -> Path:
    """Return where shard ``index`` lies."""
    return Path(folder) / f"shard-{index:05d}"


def render_shards(
    settings: StemSettings,
    labels: Sequence[str],
    folder: str | Path,
    *,
    count: int,
    wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Render the shards 0 … ``count`` - 1 that are missing below ``folder``; safe to stop and start again.

    Between shards it asks ``wanted`` whether to go on.
    """
    bank = settings.bank.open()
    note = Path(folder) / "settings.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"settings": repr(settings), "labels": list(labels)}, indent=2))
    for index in range(count):
        if not wanted():
            return
        if not shard_folder(folder, index).is_dir():
            write_shard(folder, index, render_shard(settings, bank, labels, index))
