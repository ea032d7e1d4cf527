"""Sets by DCASE's rules: the published layout field by field, mobility, levels, noise, peak."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auris.acoustics.renderer import render
from auris.data.dry import dry_signals
from auris.data.made_sets.dcase2022 import Dcase2022Maker, Dcase2022Settings
from auris.data.production.maker import ItemFacts, MadeItem
from auris.data.production.run import make_set
from auris.data.seld_sets.clips import find_clips
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError
from auris.io.dcase import read_dcase
from auris.io.frame_labels import scene_to_rows
from auris.models.configuration import dataclass_from, plain_of
from auris.scene import Scene
from auris.vocabulary import DCASE2022

RATE = 16_000
SMALL: dict[str, Any] = {
    "duration": 9.0,
    "layer_sounding": 6.0,
    "sample_rate": RATE,
    "event_duration": (0.5, 5.0),
    "room_length": (4.0, 6.0),
    "room_width": (4.0, 5.0),
    "room_height": (2.5, 3.0),
    "t60": (0.2, 0.3),
    "trail_distance": (1.0, 2.0),
    "level_picks": 5,
    "numbering": "dcase2022",
}


def maker(items: int = 4, *, seed: int = 1, sounds: BankSettings | None = None, **changes: Any) -> Dcase2022Maker:
    return Dcase2022Maker(Dcase2022Settings(**{**SMALL, **changes}), items=items, sounds=sounds or BankSettings(), seed=seed)


def content(item: MadeItem) -> dict[str, bytes]:
    return {file.field: file.content for file in item.files}


def samples_of(item: MadeItem, field: str) -> np.ndarray:
    samples, _ = soundfile.read(io.BytesIO(content(item)[field]), dtype="float32", always_2d=True)
    return np.asarray(samples.T)


def scene_of(item: MadeItem) -> Scene:
    return Scene.from_dict(json.loads(content(item)["scene.json"]))


@pytest.fixture(scope="module")
def item() -> MadeItem:
    return maker(mobility={"Music": 1}, classes=("Music", "Bell", "Walk, footsteps"), interferers=("rain",)).make(0)


def test_a_set_has_the_published_layout_and_is_read_by_the_readers(tmp_path: Path) -> None:
    made = maker(items=4, duration=3.0, layer_sounding=2.0, event_duration=(0.5, 1.0), rooms=(2, 1), layers=1)
    make_set(made, tmp_path)
    names = ["fold1_room1_mix001", "fold1_room1_mix002", "fold1_room2_mix001", "fold2_room1_mix001"]
    for folder, ending in (("foa_dev", "wav"), ("mic_dev", "wav"), ("metadata_dev", "csv"), ("scenes", "json")):
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == [f"{name}.{ending}" for name in names]
    assert (tmp_path / "classes.txt").read_text().splitlines() == list(DCASE2022)
    for recording in ("foa", "mic"):
        clips = find_clips("dcase2022synth", tmp_path, "all", recording=recording)
        assert [clip.name for clip in clips] == [f"dev/{name}" for name in names]
        assert {(clip.channels, clip.sample_rate, clip.samples) for clip in clips} == {(4, RATE, 3 * RATE)}
    for name in names:
        scene = Scene.from_dict(json.loads((tmp_path / "scenes" / f"{name}.json").read_text()))
        rows = read_dcase(tmp_path / "metadata_dev" / f"{name}.csv", year=2022, vocabulary=DCASE2022.labels)
        wanted = scene_to_rows(scene, DCASE2022.labels)
        np.testing.assert_array_equal(rows.frame, wanted.frame)
        np.testing.assert_array_equal(rows.class_index, wanted.class_index)
        np.testing.assert_array_equal(rows.track, wanted.track)
        np.testing.assert_allclose(rows.vectors, wanted.vectors, atol=np.radians(0.75))
    train, valid = (find_clips("dcase2022synth", tmp_path, split) for split in ("train", "valid"))
    assert (len(train), len(valid)) == (3, 1)


def test_audio_is_sixteen_bit_wav_with_the_stated_peak(item: MadeItem) -> None:
    for field in ("foa.wav", "mic.wav"):
        info = soundfile.info(io.BytesIO(content(item)[field]))
        assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 4, RATE)
        assert np.abs(samples_of(item, field)).max() == pytest.approx(0.5, abs=1e-4)


def test_labels_have_five_columns_and_no_interferers(item: MadeItem) -> None:
    rows = [line.split(",") for line in content(item)["metadata.csv"].decode().splitlines()]
    assert {len(row) for row in rows} == {5}
    scene = scene_of(item)
    unlabelled = item.facts["unlabelled"]
    assert {scene.sources[number].label for number in unlabelled} == {"rain"}
    assert {DCASE2022.label(int(row[1])) for row in rows} <= {"Music", "Bell", "Walk, footsteps"}


def test_the_scene_renders_again_to_the_same(item: MadeItem) -> None:
    scene = scene_of(item)
    rendered = render(scene, dry_signals(scene, BankSettings().open(), RATE), layout="foa", sample_rate=RATE)
    gain = 10 ** (item.facts["gain_db"]["foa"] / 20)
    np.testing.assert_allclose(samples_of(item, "foa.wav"), rendered.mixture.samples * gain, atol=2e-3)


def test_noise_has_the_stated_ratio_on_its_channel(item: MadeItem) -> None:
    scene = scene_of(item)
    stated = item.facts["background"]["diffuse_snr_db"]
    assert stated == round(stated)
    assert 6 <= stated <= 30
    assert item.facts["snr_channels"] == {"foa": "W", "mic": "mean"}
    active = np.zeros(round(scene.duration * RATE), dtype=bool)
    for _, event in scene.events():
        active[round(event.onset * RATE) : round(event.offset * RATE)] = True
    for field, layout, channels in (("foa.wav", "foa", slice(0, 1)), ("mic.wav", "tetra", slice(None))):
        clean = np.sum(
            [
                s.samples
                for s in render(scene, dry_signals(scene, BankSettings().open(), RATE), layout=layout, sample_rate=RATE).stems
            ],
            axis=0,
        )
        noise = samples_of(item, field) / 10 ** (item.facts["gain_db"][field.removesuffix(".wav")] / 20) - clean
        ratio = 10 * np.log10(np.mean(np.square(clean[channels][:, active])) / np.mean(np.square(noise[channels])))
        assert ratio == pytest.approx(stated, abs=0.15)


def test_events_are_heard_with_a_level_between_the_quartiles_whatever_their_distance() -> None:
    quartiles = {name: (-30.0, -28.0, -25.0) for name in ("Bell", "Music", "Knock")}
    made = maker(classes=tuple(quartiles), level_quartiles_db=quartiles, noise="none", interferers=("sea_waves",)).make(1)
    scene = scene_of(made)
    stems = render(scene, dry_signals(scene, BankSettings().open(), RATE), layout="foa", sample_rate=RATE).stems
    for number, (source, stem) in enumerate(zip(scene.sources, stems, strict=True)):
        energy = np.sum(np.square(stem.samples[0], dtype=float)) / RATE
        level = 10 * np.log10(energy / source.events[0].duration)
        if number not in made.facts["unlabelled"]:
            assert -30.05 <= level <= -24.95
    assert made.facts["background"]["diffuse_snr_db"] is None


def test_interferers_are_weaker_by_the_stated_ratio() -> None:
    levels = {"rain": (-30.0, -30.0, -30.0), "Bell": (-30.0, -30.0, -30.0)}
    made = maker(classes=("Bell",), interferers=("rain",), level_quartiles_db=levels, noise="none", layers=1).make(0)
    scene = scene_of(made)
    stems = render(scene, dry_signals(scene, BankSettings().open(), RATE), layout="foa", sample_rate=RATE).stems
    for number, stem in enumerate(stems):
        energy = np.sum(np.square(stem.samples[0], dtype=float)) / RATE
        level = 10 * np.log10(energy / scene.sources[number].events[0].duration)
        assert level == pytest.approx(-34.77 if number in made.facts["unlabelled"] else -30.0, abs=0.05)


def test_mobility_is_that_of_the_class_and_of_long_events_only() -> None:
    made = maker(
        items=30,
        duration=60.0,
        layer_sounding=40.0,
        numbering=None,
        classes=("footsteps", "music", "speech", "dog"),
        event_duration=(1.0, 6.0),
        level_picks=1,
    )
    moves: dict[tuple[str, bool], list[bool]] = {}
    for index in range(30):
        for source in made.scene(index).sources:
            moves.setdefault((source.label, source.events[0].duration > 3.0), []).append(source.path.moves)
    assert all(moves["footsteps", True])
    assert not any(moves["music", True])
    assert 0.3 < np.mean(moves["dog", True]) < 0.7
    assert 0.3 < np.mean(moves["speech", True]) < 0.7
    assert not any(any(values) for (_, long), values in moves.items() if not long)


def test_rooms_come_again_and_differ() -> None:
    made = maker(items=24, classes=("Bell",), level_picks=1)
    scenes = [made.scene(index) for index in range(24)]
    rooms: dict[str, set[Any]] = {}
    for scene in scenes:
        rooms.setdefault(scene.name.rsplit("_", 1)[0], set()).add((scene.room, scene.listener))
    assert sorted(rooms) == [f"fold{f}_room{r}" for f, count in ((1, 6), (2, 3)) for r in range(1, count + 1)]
    assert all(len(kinds) == 1 for kinds in rooms.values())
    assert len(set().union(*rooms.values())) == 9


def test_folds_share_no_recordings(recordings: Path) -> None:
    sounds = BankSettings(sounds=str(recordings), procedural=0.0)
    labels = [name for name in ("dog", "rain") if (recordings / name).is_dir()]
    made = maker(items=8, sounds=sounds, numbering=None, classes=tuple(labels), fold_splits=("train", "test"), level_picks=1)
    try:
        heard = [{e.sound.file for _, e in made.scene(index).events() if e.sound} for index in range(8)]
    except ParameterError:  # the made folder has too few recordings for a part of its own
        made = maker(items=8, sounds=sounds, numbering=None, classes=tuple(labels), fold_splits=("train", None))
        assert made.scene(7).sources
        return
    assert not set.union(*heard[:6]) & set.union(*heard[6:])


@pytest.mark.parametrize("year", [2020, 2022, 2023, 2024, 2025])
def test_labels_of_other_years(year: int, tmp_path: Path) -> None:
    made = maker(duration=2.0, layer_sounding=1.0, event_duration=(0.5, 0.8), layers=1, recordings=("foa",), year=year).make(0)
    (tmp_path / "labels.csv").write_bytes(content(made)["metadata.csv"])
    rows = read_dcase(tmp_path / "labels.csv", year=year, vocabulary=DCASE2022.labels)
    assert len(rows) == len(scene_to_rows(scene_of(made), DCASE2022.labels))


def test_the_class_list_names_the_numbers() -> None:
    made = maker(numbering=None)
    (listed,) = made.lists([ItemFacts(0, "x", {})])
    assert listed.path == "classes.txt"
    assert tuple(listed.content.decode().splitlines()) == BankSettings().open().labels


def test_settings_come_from_plain_values() -> None:
    settings = Dcase2022Settings(**SMALL, mobility={"Bell": 2}, level_quartiles_db={"Bell": [-3.0, -2.0, -1.0]})
    assert dataclass_from(Dcase2022Settings, json.loads(json.dumps(plain_of(settings))), where="settings") == settings
    assert json.loads(json.dumps(maker().settings)) == maker().settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer_sounding": 10.0}, "layer_sounding of 10 s does not fit a duration of 9 s"),
        ({"rooms": ()}, "rooms must say how many"),
        ({"rooms": (6,)}, "fold_shares must be 1 numbers"),
        ({"fold_splits": ("train", "dev")}, "fold_splits must say train, validation, test or null"),
        ({"mobility": {"Bell": 3}}, "mobility is 0 .never., 1 .always. or 2"),
        ({"speeds_deg": ()}, "speeds_deg must be"),
        ({"noise": "ambience"}, "ambience names its folder"),
        ({"noise": "pink"}, "noise must be diffuse, ambience or none"),
        ({"level_quartiles_db": {"Bell": (-1.0, -2.0, 0.0)}}, "level_quartiles_db of 'Bell'"),
        ({"year": 2019}, "year must be a whole number from 2020 to 2025"),
        ({"recordings": ()}, "recordings must be some of foa, mic"),
        ({"peak": 1.5}, "peak must be a number"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Dcase2022Settings(**{**SMALL, **changes})


def test_unknown_interferers_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"unknown sound .interferers. 'rane', did you mean 'rain'"):
        maker(interferers=("rane",)).make(0)
