from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.simulated import MixSettings, StemMixtures, StemPool, as_batch, turned, validation_scenes
from auris.data.sound_bank import ProceduralBank
from auris.data.stems import PATH_RATE, Shard, StemSettings, write_shard
from auris.errors import FormatError, ParameterError
from auris.geometry import unit_vector

RATE, SECONDS, STEMS = 8000, 2.0, 12
CLEAN = MixSettings(sources=(0.0, 1.0), diffuse_snr_db=(90.0, 90.0), sensor_snr_db=(90.0, 90.0))


def plane_wave_shard(channels: int, seed: int) -> Shard:
    """Noise bursts of known direction: plane waves in ambisonics, a level difference between ears."""
    rng = np.random.default_rng(seed)
    samples = round(RATE * SECONDS)
    directions = unit_vector(rng.uniform(-math.pi, math.pi, STEMS), rng.uniform(-1, 1, STEMS))
    distances = rng.uniform(0.5, 4, STEMS)
    onsets = rng.uniform(0.0, 0.5, STEMS).astype(np.float32)
    offsets = (onsets + rng.uniform(0.8, 1.4, STEMS)).astype(np.float32)
    time = np.arange(samples) / RATE
    audio = np.zeros((STEMS, channels, samples))
    for i, (x, y, z) in enumerate(directions):
        gains = [1, y, z, x] if channels == 4 else [1 + 0.5 * y, 1 - 0.5 * y]
        burst = rng.standard_normal(samples) * ((time >= onsets[i]) & (time < offsets[i]))
        audio[i] = np.outer(gains, burst)
    peaks = np.abs(audio).max(axis=(1, 2))
    path = np.repeat((directions * distances[:, None])[:, None], round(SECONDS * PATH_RATE), axis=1).astype(np.float32)
    noise = rng.integers(-4000, 4000, (2, channels, samples)).astype(np.int16)
    return Shard(
        np.round(audio / peaks[:, None, None] * 32767).astype(np.int16),
        (0.1 * peaks / 32767).astype(np.float32),
        np.full(STEMS, 2.0, np.float32),
        np.arange(STEMS) % 3,
        onsets,
        offsets,
        path,
        noise,
    )


def dataset(folder: Path, layout: str = "foa", mix: MixSettings = CLEAN, shards: int = 2) -> StemMixtures:
    stems = StemSettings(layout=layout, sample_rate=RATE, seconds=SECONDS)  # type: ignore[arg-type]
    for index in range(shards):
        write_shard(folder, index, plane_wave_shard(4 if layout == "foa" else 2, index))
    pool = StemPool(folder, shards)
    return StemMixtures(pool, stems, classes=3, batch=2, frame_seconds=0.1, mix=mix, seed=5)


def test_batches_have_the_promised_shapes(tmp_path: Path) -> None:
    waves, targets = next(iter(dataset(tmp_path)))
    assert waves.shape == (2, 4, 16_000)
    assert targets.shape == (2, 20, 3, 3, 5)
    assert waves.dtype == targets.dtype == torch.float32


def test_the_same_position_gives_the_same_batch_and_resuming_goes_on(tmp_path: Path) -> None:
    one = iter(dataset(tmp_path))
    batches = [next(one) for _ in range(3)]
    later = dataset(tmp_path)
    later.position = 2
    resumed = next(iter(later))
    assert torch.equal(resumed[0], batches[2][0])
    assert torch.equal(resumed[1], batches[2][1])
    assert not torch.equal(batches[0][0], batches[1][0])


def test_labels_follow_turned_mirrored_and_shifted_ambisonics(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    data.pool.refresh()
    rng = np.random.default_rng(0)
    for _ in range(20):
        wave, targets = data.example(rng)
        frames = np.flatnonzero(targets[:, 0, :, 0].any(axis=1))
        assert len(frames) >= 2
        label = int(targets[frames[0], 0, :, 0].argmax())
        middle = frames[len(frames) // 2]
        part = wave[:, middle * 800 : (middle + 1) * 800]
        intensity = part[1:] @ part[0]
        said = intensity[[2, 0, 1]] / np.linalg.norm(intensity)
        assert np.allclose(said, targets[middle, 0, label, 1:4], atol=0.02)
        # Sound is where the labels say it is: silence elsewhere, but for frames cut by an edge.
        level = np.sqrt(np.mean(wave[0].reshape(20, 800) ** 2, axis=1))
        inner = np.zeros(20, dtype=bool)
        inner[frames] = True
        outside = ~(inner | np.roll(inner, 1) | np.roll(inner, -1))
        assert level[inner].max() > 50 * level[outside].max(initial=0.0)


def test_ears_only_exchange_sides_and_keep_height_and_depth(tmp_path: Path) -> None:
    data = dataset(tmp_path, layout="binaural")
    data.pool.refresh()
    rng = np.random.default_rng(1)
    sides = []
    for _ in range(20):
        wave, targets = data.example(rng)
        frame = int(np.flatnonzero(targets[:, 0, :, 0].any(axis=1))[1])
        place = targets[frame, 0, int(targets[frame, 0, :, 0].argmax()), 1:4]
        left, right = np.mean(wave[:, frame * 800 : (frame + 1) * 800] ** 2, axis=1)
        ratio = math.sqrt(left / right)
        assert (ratio - 1) / (ratio + 1) == pytest.approx(place[1] / 2, abs=0.02)
        sides.append(place[1] > 0)
    assert 3 < sum(sides) < 17


def test_several_stems_overlap_and_distances_are_kept(tmp_path: Path) -> None:
    data = dataset(tmp_path, mix=MixSettings(sources=(0.0, 0.0, 0.0, 1.0)))
    _, targets = next(iter(data))
    events = targets[..., 0].sum(dim=(2, 3))
    assert int(events.max()) >= 2
    active = targets[..., 0] > 0
    assert torch.allclose(targets[..., 1:4][active].norm(dim=-1), torch.tensor(1.0), atol=1e-5)
    assert float(targets[..., 4][active].min()) >= 0.5 - 1e-4


def test_examples_without_sources_are_noise_without_labels(tmp_path: Path) -> None:
    waves, targets = next(iter(dataset(tmp_path, mix=MixSettings(sources=(1.0,)))))
    assert not targets.any()
    assert float(waves.abs().mean()) > 0
    assert bool(torch.isfinite(waves).all())


def test_calibrated_examples_keep_the_level_that_tells_how_far_and_have_no_noise(tmp_path: Path) -> None:
    mix = MixSettings(sources=(0.0, 1.0), calibrated=1.0, shift=0.0, diffuse_snr_db=(0.0, 0.0))
    waves, targets = next(iter(dataset(tmp_path, mix=mix)))
    for wave, target in zip(waves.numpy(), targets.numpy(), strict=True):
        sounding = target[..., 0].any(axis=(1, 2)).repeat(RATE // 10)
        level = np.sqrt(np.mean(np.square(wave[0][sounding])))
        assert 0.5 * 0.2 * 0.8 < level < 1.5 * 0.2 * 1.2  # the shard's level times its calibration times a gain of 0.5 to 1.5
        assert not wave[:, -400:].any() or target[-1, ..., 0].any()


def test_the_pool_grows_while_it_is_used_and_waits_for_the_next_number(tmp_path: Path) -> None:
    pool = StemPool(tmp_path, 3)
    assert pool.refresh() == 0
    with pytest.raises(FormatError, match="no stems yet"):
        pool.draw(np.random.default_rng(0))
    write_shard(tmp_path, 1, plane_wave_shard(4, 1))
    assert pool.refresh() == 0
    write_shard(tmp_path, 0, plane_wave_shard(4, 0))
    assert pool.refresh() == 2
    for index in (2, 3):
        write_shard(tmp_path, index, plane_wave_shard(4, index))
    assert pool.refresh() == 3


@settings(max_examples=20, deadline=None)
@given(yaw=st.floats(-math.pi, math.pi), mirror=st.sampled_from([-1.0, 1.0]), gain=st.floats(0.1, 3.0))
def test_turning_a_plane_wave_is_a_plane_wave_from_the_turned_direction(yaw: float, mirror: float, gain: float) -> None:
    cos, sin = math.cos(yaw), math.sin(yaw)
    turn = gain * np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.diag([1, mirror, 1])
    x, y, z = unit_vector(0.7, 0.4)
    field = np.array([[1.0], [y], [z], [x]], dtype=np.float32)
    w, *rest = turned(field, turn)[:, 0]
    assert w == pytest.approx(gain, rel=1e-5)
    assert np.allclose(np.array(rest)[[2, 0, 1]], turn @ np.array([x, y, z]), atol=1e-5)


@pytest.mark.parametrize("bad", [{"sources": ()}, {"sources": (0.0,)}, {"gain_db": (3.0, 1.0)}, {"shift": 1.5}])
def test_impossible_mixes_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        MixSettings(**bad)  # type: ignore[arg-type]


def test_validation_scenes_are_fixed_and_make_a_batch() -> None:
    scenes = [
        list(validation_scenes("static", ProceduralBank(["dog", "rain"]), layout="foa", sample_rate=16_000, count=2, seed=1))
        for _ in range(2)
    ]
    assert [s.scene for s in scenes[0]] == [s.scene for s in scenes[1]]
    assert np.array_equal(scenes[0][1].audio.samples, scenes[1][1].audio.samples)
    waves, targets = as_batch(scenes[0], ("dog", "rain"), frame_seconds=0.1)
    assert waves.shape == (2, 4, 80_000)
    assert targets.shape == (2, 50, 3, 2, 5)
    assert bool(targets.any())
