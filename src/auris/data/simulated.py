"""Training examples mixed on the fly from rendered stems, and whole scenes rendered for validation.

An example is up to three stems that overlap, each turned, mirrored, shifted in time and set to a level of its own, under
diffuse and sensor noise; labels follow. Ambisonics turn and mirror exactly; ears only exchange sides.
Stems of one example may come from different rooms: the listener network hears single sources in rooms, and the number
of examples is what it lacks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.utils.data import IterableDataset

from auris import seeding
from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.data.dry import dry_signals
from auris.data.scene_presets import ScenePreset
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import Bank
from auris.data.spatial_clips.frame_examples import ClipExamples
from auris.data.stems import NOISE_STEP, PATH_RATE, Shard, StemSettings, read_shard, shard_folder
from auris.dsp.hrtf import DirectionalResponses
from auris.errors import FormatError, ParameterError
from auris.models.accdoa import encode_scene, fill_slots, frame_times
from auris.scene import Scene

Float32 = NDArray[np.float32]
_WHITE = np.random.default_rng(0).standard_normal(
    1 << 21, dtype=np.float32
)  # drawn once; a fresh draw costs as much as a network's layer


@dataclass(frozen=True)
class MixSettings:
    """How stems become examples. Ranges are (low, high), drawn uniformly.

    Attributes:
        sources: weights of 0, 1, 2, … stems in an example.
        level_db: level of each stem against the others.
        gain_db: level of the whole example.
        diffuse_snr_db: of the diffuse noise, against the mean power of the stems' first channel.
        sensor_snr_db: of each channel's own noise.
        turn: whether ambisonics are turned about the vertical and mirrored, and ears exchanged.
        tilt_deg: ambisonics are also tilted by up to this angle, about any horizontal axis (degrees). Rooms are flat:
            without it, a network does well by calling everything level.
        shift: longest shift in time, as a share of the example.
        calibrated: share of examples as SpatialSoundQA makes them (arXiv:2402.01591): every source has the same level at
            1 m (:data:`auris.data.stems.REFERENCE_DBFS`), so that its level tells how far it is, and there is no noise.
    """

    sources: tuple[float, ...] = (0.03, 0.37, 0.38, 0.22)
    level_db: tuple[float, float] = (-8.0, 8.0)
    gain_db: tuple[float, float] = (-15.0, 15.0)
    diffuse_snr_db: tuple[float, float] = (5.0, 40.0)
    sensor_snr_db: tuple[float, float] = (25.0, 60.0)
    turn: bool = True
    tilt_deg: float = 45.0
    shift: float = 0.6
    calibrated: float = 0.0

    def __post_init__(self) -> None:
        if not self.sources or min(self.sources) < 0 or not sum(self.sources) > 0:
            raise ParameterError(f"sources are weights of at least 0, not all 0; got {self.sources!r}")
        for name in ("level_db", "gain_db", "diffuse_snr_db", "sensor_snr_db"):
            value = getattr(self, name)
            if len(value) != 2 or not value[0] <= value[1]:
                raise ParameterError(f"{name} is a range (low, high), got {value!r}")
        if not 0 <= self.shift < 1:
            raise ParameterError(f"shift must lie in [0, 1), got {self.shift!r}")
        if not 0 <= self.calibrated <= 1:
            raise ParameterError(f"calibrated is a share from 0 to 1, got {self.calibrated!r}")


@dataclass(eq=False)
class StemPool:
    """The shards that exist so far below a folder; it grows while another process renders.

    Attributes:
        folder: where shards are.
        limit: number of shards that are ever used.
    """

    folder: Path
    limit: int
    shards: list[Shard] = field(default_factory=list)

    def refresh(self) -> int:
        """Map the shards that have appeared, in the order of their numbers; return how many there are."""
        while len(self.shards) < self.limit and shard_folder(self.folder, len(self.shards)).is_dir():
            self.shards.append(read_shard(self.folder, len(self.shards)))
        return len(self.shards)

    def draw(self, rng: np.random.Generator) -> tuple[Shard, int]:
        """Return a random stem as its shard and row.

        Raises:
            FormatError: there are no stems yet.
        """
        if not self.shards:
            raise FormatError(f"{self.folder}: no stems yet; render some first (auris.data.stems.render_shards)")
        shard = self.shards[int(rng.integers(len(self.shards)))]
        return shard, int(rng.integers(len(shard.classes)))


class StemMixtures(IterableDataset[tuple[Tensor, Tensor]]):
    """An endless series of batches of mixed examples.

    Batch ``n`` is a pure function of the seed, ``n`` and the shards in the pool. Iteration goes on where it stopped;
    set :attr:`position` to resume.

    Yields:
        waveforms ``(batch, channels, samples)`` float32 and targets ``(batch, frames, slots, classes, 5)``
        (:func:`auris.models.accdoa.encode_scene`).
    """

    def __init__(
        self,
        pool: StemPool,
        stems: StemSettings,
        *,
        classes: int,
        batch: int,
        frame_seconds: float,
        mix: MixSettings | None = None,
        slots: int = 3,
        seed: int = 0,
        clips: tuple[ClipExamples, float] | None = None,
    ) -> None:
        """Mix from a pool of stems; ``clips`` are whole clips in rooms, and the share of examples that is taken from them."""
        super().__init__()
        self.pool, self.stems, self.mix, self.clips = pool, stems, mix or MixSettings(), clips
        self.classes, self.batch, self.slots = classes, batch, slots
        self.frame_seconds, self.seed = frame_seconds, seed
        self.position = 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches without end."""
        while True:
            self.pool.refresh()
            rng = seeding.generator(self.seed, "batch", self.position)
            self.position += 1
            examples = [self.example(rng) for _ in range(self.batch)]
            waves, targets = (np.stack(part) for part in zip(*examples, strict=True))
            yield torch.from_numpy(waves), torch.from_numpy(targets)

    def example(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Return one example: waveform ``(channels, samples)`` and targets ``(frames, slots, classes, 5)``."""
        if self.clips is not None and rng.random() < self.clips[1]:
            return self.clips[0].example(rng)
        mix, rate = self.mix, self.stems.sample_rate
        channels = ChannelLayout.parse(self.stems.layout).channels
        wave = np.zeros((channels, round(self.stems.seconds * rate)), np.float32)
        times = frame_times(round(self.stems.seconds / self.frame_seconds), self.frame_seconds)
        weights = np.asarray(mix.sources) / sum(mix.sources)
        count = int(rng.choice(len(weights), p=weights))
        calibrated = mix.calibrated > 0 and rng.random() < mix.calibrated
        labels, active, places = [], [], []
        for _ in range(count):
            shard, row = self.pool.draw(rng)
            shift, turn = self._shift(shard, row, rng), self._turn(rng)
            level = float(shard.calibrations[row]) if calibrated else self._level(shard, row, rng)
            _add(wave, shard, row, shift=round(shift * rate), turn=turn * level)
            labels.append(int(shard.classes[row]))
            active.append((times >= shard.onsets[row] + shift) & (times < shard.offsets[row] + shift))
            index = np.clip(np.round((times - shift) * PATH_RATE), 0, shard.positions.shape[1] - 1).astype(int)
            places.append(shard.positions[row][index] @ turn.T)
        if calibrated:
            wave *= np.float32(0.5 + rng.beta(10, 10))
        else:
            self._add_noise(wave, rng)
            wave *= np.float32(10 ** (rng.uniform(*mix.gain_db) / 20))
        points = np.asarray(places, dtype=np.float64).reshape(count, len(times), 3)
        distances = np.linalg.norm(points, axis=-1)
        targets = fill_slots(
            np.asarray(labels, dtype=np.int64),
            np.asarray(active, dtype=bool).reshape(count, len(times)),
            points / np.maximum(distances, 1e-6)[..., None],
            distances,
            classes=self.classes,
            slots=self.slots,
        )
        return wave, targets

    def _shift(self, shard: Shard, row: int, rng: np.random.Generator) -> float:
        """Seconds by which a stem is moved; at least 0.3 s of its event stay."""
        longest, seconds = self.mix.shift * self.stems.seconds, self.stems.seconds
        low = max(-longest, 0.3 - float(shard.offsets[row]))
        high = min(longest, seconds - 0.3 - float(shard.onsets[row]))
        return float(rng.uniform(low, high)) if low < high else 0.0

    def _turn(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """A matrix ``(3, 3)`` that acts on directions and can be applied to this layout exactly."""
        if not self.mix.turn:
            return np.eye(3)
        left_right, up_down = rng.choice((-1.0, 1.0), size=2)
        if self.stems.layout != "foa":
            return np.diag([1.0, left_right, 1.0])
        yaw, tilt, back = rng.uniform(-1, 1, 3) * (math.pi, math.radians(self.mix.tilt_deg), math.pi)
        turn = Rotation.from_euler("zyz", [yaw, tilt, back]).as_matrix()
        return np.asarray(turn @ np.diag([1.0, left_right, up_down]))

    def _level(self, shard: Shard, row: int, rng: np.random.Generator) -> float:
        """A gain for one stem against the others."""
        level = 10 ** (rng.uniform(*self.mix.level_db) / 20)
        # Distance sets the level in rooms; half of that range is kept, so that the far one is not always lost.
        power = float(np.mean(np.square(shard.audio[row, 0], dtype=np.float32))) * float(shard.gains[row]) ** 2
        return float(level * (0.02 / max(math.sqrt(power), 1e-6)) ** 0.5)

    def _add_noise(self, wave: Float32, rng: np.random.Generator) -> None:
        power = float(np.mean(np.square(wave[0]))) or 1e-4
        shard, _ = self.pool.draw(rng)
        if len(shard.noise):
            take = shard.noise[int(rng.integers(len(shard.noise)))]
            gain = math.sqrt(power * 10 ** (-rng.uniform(*self.mix.diffuse_snr_db) / 10))
            wave += _scaled(take, gain * NOISE_STEP)
        gain = math.sqrt(power * 10 ** (-rng.uniform(*self.mix.sensor_snr_db) / 10))
        for channel in range(len(wave)):
            white = np.take(_WHITE, np.arange(wave.shape[1]) + int(rng.integers(_WHITE.size)), mode="wrap")
            wave[channel] += white * np.float32(gain)


def _add(wave: Float32, shard: Shard, row: int, *, shift: int, turn: NDArray[np.float64]) -> None:
    """Add one stem to an example, turned and shifted."""
    samples = wave.shape[1]
    into, out_of = slice(max(shift, 0), samples + min(shift, 0)), slice(max(-shift, 0), samples - max(shift, 0))
    wave[:, into] += turned(_scaled(shard.audio[row][:, out_of], float(shard.gains[row])), turn)


def turned(samples: Float32, turn: NDArray[np.float64]) -> Float32:
    """Apply an orthogonal matrix on directions to the sound field.

    Args:
        samples: first-order ambisonics ``(4, samples)`` (any matrix), or two ears ``(2, samples)`` (the identity, or the
            exchange of left and right).
        turn: ``(3, 3)``, acting on x, y, z; its scale, the length of its columns, is a gain.
    """
    gain = float(np.linalg.norm(turn[:, 0]))
    if len(samples) == 2:
        return (samples[::-1] if turn[1, 1] < 0 else samples) * np.float32(gain)
    order = [1, 2, 0]  # the channels after W are Y, Z, X
    matrix = np.zeros((4, 4), np.float32)
    matrix[0, 0], matrix[1:, 1:] = gain, turn[np.ix_(order, order)]
    # A thin product, on which BLAS threads would only wait for each other.
    return np.asarray(np.einsum("ij,jk->ik", matrix, samples))


def _scaled(samples: NDArray[np.int16], gain: float) -> Float32:
    """Integers times a gain, as float32, in one pass."""
    return np.multiply(samples, np.float32(gain), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class RenderedScene:
    """A scene and what a listener hears of it."""

    scene: Scene
    audio: Audio


def validation_scenes(
    preset: ScenePreset | str,
    bank: Bank,
    *,
    layout: str,
    sample_rate: int,
    count: int,
    seed: int,
    heads: Sequence[DirectionalResponses | None] = (None,),
) -> Iterator[RenderedScene]:
    """Yield the scenes 0 … ``count`` - 1 of a preset, rendered as ``auris simulate`` does; heads take turns."""
    from auris.acoustics.renderer import render

    for index in range(count):
        scene = sample_scene(preset, bank, seeding.derive(seed, "scene", index))
        dry = dry_signals(scene, bank, sample_rate)
        parsed = ChannelLayout.parse(layout)
        hrtf = heads[index % len(heads)] if parsed.kind == "binaural" else None
        yield RenderedScene(scene, render(scene, dry, layout=parsed, sample_rate=sample_rate, hrtf=hrtf).mixture)


def as_batch(scenes: Sequence[RenderedScene], labels: Sequence[str], *, frame_seconds: float) -> tuple[Tensor, Tensor]:
    """Return scenes of equal length as one batch of waveforms and targets, as :class:`StemMixtures` yields them."""
    targets = [
        encode_scene(s.scene, labels, frames=math.ceil(round(s.audio.duration / frame_seconds, 6)), frame_seconds=frame_seconds)
        for s in scenes
    ]
    waves = np.stack([s.audio.samples for s in scenes])
    return torch.tensor(waves), torch.tensor(np.stack(targets))
