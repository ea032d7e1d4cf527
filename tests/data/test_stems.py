from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auris.data.sound_bank import MixedBank, ProceduralBank
from auris.data.stems import (
    PATH_RATE,
    BankSettings,
    StemSettings,
    read_shard,
    render_shard,
    render_shards,
    shard_folder,
    stem_scene,
    write_shard,
)
from auris.errors import FormatError, ParameterError

LABELS = ("dog", "rain")
SMALL = StemSettings(seconds=2.0, shard_size=3, noises=1, preset="training", sample_rate=16_000, seed=3)


def test_a_stem_is_one_source_of_its_class_without_noise() -> None:
    for seed in range(6):
        scene = stem_scene(SMALL, ProceduralBank(), "rain", seed)
        assert scene.labels == ("rain",)
        assert len(scene.sources) == len(scene.sources[0].events) == 1
        assert scene.duration == SMALL.seconds
        assert scene.background.diffuse_snr_db is None
        assert scene.background.sensor_snr_db is None


@pytest.mark.parametrize(("layout", "channels"), [("foa", 4), ("binaural", 2), ("stereo", 2)])
def test_a_shard_is_a_function_of_settings_and_number(layout: str, channels: int) -> None:
    settings = replace(SMALL, layout=layout, heads=2)
    first, again, other = (render_shard(settings, ProceduralBank(), LABELS, index) for index in (1, 1, 2))
    for name, value in vars(first).items():
        assert np.array_equal(value, getattr(again, name)), name
    assert not np.array_equal(first.audio, other.audio)
    assert first.audio.shape == (3, channels, 32_000)
    assert first.noise.shape == (1, channels, 32_000)
    assert first.positions.shape == (3, 2 * PATH_RATE, 3)
    assert first.classes.tolist() == [1, 0, 1]
    assert np.all(np.abs(first.audio).max(axis=(1, 2)) == 32767)
    assert np.all((first.onsets >= 0) & (first.onsets < first.offsets) & (first.offsets <= 2.0))
    assert np.all(first.gains > 0)


def test_a_pair_of_microphones_hears_all_in_front() -> None:
    everywhere = replace(SMALL, layout="stereo", preset="training")
    shard, field = (
        render_shard(replace(everywhere, layout=layout), ProceduralBank(), LABELS, 1) for layout in ("stereo", "foa")
    )
    assert (field.positions[..., 0] < 0).any()
    assert (shard.positions[..., 0] >= 0).all()
    assert np.array_equal(shard.positions[..., 1:], field.positions[..., 1:])


def test_shards_are_written_once_and_read_back(tmp_path: Path) -> None:
    settings = replace(SMALL, bank=BankSettings(procedural=1.0))
    render_shards(settings, LABELS, tmp_path, count=1)
    before = shard_folder(tmp_path, 0).stat().st_mtime_ns
    render_shards(settings, LABELS, tmp_path, count=2)
    assert shard_folder(tmp_path, 0).stat().st_mtime_ns == before
    fresh, kept = render_shard(settings, ProceduralBank(), LABELS, 1), read_shard(tmp_path, 1)
    for name, value in vars(fresh).items():
        assert np.array_equal(value, getattr(kept, name)), name
    (shard_folder(tmp_path, 1) / "audio.npy").write_bytes(b"short")
    with pytest.raises(FormatError, match="delete the folder"):
        read_shard(tmp_path, 1)


def test_settings_of_any_difference_have_another_name() -> None:
    names = {replace(SMALL, **change).digest() for change in ({}, {"seed": 4}, {"layout": "binaural"}, {"seconds": 3.0})}
    assert len(names | {SMALL.digest(["dog"]), SMALL.digest(["dog", "rain"])}) == 6


def test_a_shard_that_another_process_finished_first_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = render_shard(SMALL, ProceduralBank(), LABELS, 0)

    def too_late(temporary: Path, target: Path) -> None:
        target.mkdir()
        raise OSError(f"{target} is not empty")

    monkeypatch.setattr("auris.data.stems.os.replace", too_late)
    assert write_shard(tmp_path, 0, shard) == shard_folder(tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["shard-00000"]


def test_banks_open_as_they_are_described(tmp_path: Path) -> None:
    assert isinstance(BankSettings().open(), ProceduralBank)
    with pytest.raises(FormatError):
        BankSettings(sounds=str(tmp_path / "nowhere")).open()
    with pytest.raises(ParameterError, match="share from 0 to 1"):
        BankSettings(procedural=1.5)


def test_recordings_and_synthesis_mix(shared_folder: Path | None, tmp_path: Path) -> None:
    import soundfile

    sounds = tmp_path / "sounds"
    if shared_folder is not None:
        sounds = shared_folder / "sounds"
    else:
        (sounds / "dog").mkdir(parents=True)
        soundfile.write(sounds / "dog" / "fold1-a.wav", np.random.default_rng(0).standard_normal(8000) * 0.1, 8000)
    assert isinstance(BankSettings(sounds=str(sounds), folds=(1,), procedural=0.5).open(), MixedBank)
