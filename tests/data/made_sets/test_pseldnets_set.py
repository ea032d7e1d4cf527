"""Sets in the manner of PSELDNets: the published layout field by field, the rules scenes keep, and what is heard in them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auris.acoustics.renderer import render
from auris.data.dry import dry_signals
from auris.data.made_sets.pseldnets import PseldnetsMaker, PseldnetsSettings
from auris.data.production.maker import ItemFacts, MadeItem
from auris.data.production.run import make_set
from auris.data.seld_sets.clips import find_classes, find_clips
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError, SceneError
from auris.geometry import angles
from auris.io.frame_labels import scene_to_rows
from auris.io.pseldnets import read_frame_rows
from auris.models.configuration import dataclass_from, plain_of
from auris.scene import Scene
from auris.vocabulary import read_pseldnets_vocabulary

RATE = 16_000
SMALL: dict[str, Any] = {
    "duration": 3.0,
    "sample_rate": RATE,
    "room_length": (4.0, 6.0),
    "room_width": (4.0, 5.0),
    "room_height": (2.5, 3.5),
    "t60": (0.2, 0.35),
    "event_duration": (0.4, 1.0),
    "gap": (0.0, 0.5),
    "classes": ("dog", "knock", "speech"),
}


def maker(items: int = 3, *, seed: int = 1, sounds: BankSettings | None = None, **changes: Any) -> PseldnetsMaker:
    return PseldnetsMaker(PseldnetsSettings(**{**SMALL, **changes}), items=items, sounds=sounds or BankSettings(), seed=seed)


def content(item: MadeItem) -> Mapping[str, bytes]:
    return {file.field: file.content for file in item.files}


def decoded(item: MadeItem, field: str) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(io.BytesIO(content(item)[field]), dtype="float32", always_2d=True)
    return samples.T, rate


@pytest.fixture(scope="module")
def item() -> MadeItem:
    return maker(overlap=(2,), diffuse_snr_db=(15.0, 20.0)).make(0)


def test_a_set_has_the_published_layout_and_is_read_by_the_reader_of_the_published_sets(tmp_path: Path) -> None:
    made = maker(items=4, overlap=(1, 3), overlap_shares=(3.0, 1.0))
    make_set(made, tmp_path)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    expected = {
        f"{folder}/{kind}/fold0_room0_mix{number}.{ending}"
        for folder, count in (("train3_ov1_1", 3), ("train1_ov3_1", 1))
        for number in range(1, count + 1)
        for kind, ending in (("foa", "flac"), ("mic", "flac"), ("sum", "flac"), ("metadata", "csv"), ("scenes", "json"))
    } | {"cls_indices_train.tsv", "cls_indices_test.tsv"}
    assert expected <= set(files)
    assert not [name for name in files if "/" in name and name not in expected and not name.startswith(".auris")]
    classes = find_classes("pseldnets", tmp_path)
    assert classes == BankSettings().open().labels
    for recording, channels in (("foa", 4), ("mic", 4), ("sum", 1)):
        clips = find_clips("pseldnets", tmp_path, "all", recording=recording)
        assert [clip.name for clip in clips] == [
            "train1_ov3_1/fold0_room0_mix1",
            *(f"train3_ov1_1/fold0_room0_mix{number}" for number in (1, 2, 3)),
        ]
        assert {(clip.channels, clip.sample_rate, clip.samples) for clip in clips} == {(channels, RATE, 3 * RATE)}
    for clip in find_clips("pseldnets", tmp_path, "train"):
        folder, name = clip.name.split("/")
        scene = Scene.from_dict(json.loads((tmp_path / folder / "scenes" / f"{name}.json").read_text()))
        wanted, read = scene_to_rows(scene, classes), clip.read_labels(classes)
        np.testing.assert_array_equal(read.frame, wanted.frame)
        np.testing.assert_array_equal(read.class_index, wanted.class_index)
        np.testing.assert_array_equal(read.track, wanted.track)
        np.testing.assert_allclose(read.vectors, wanted.vectors, atol=np.radians(0.75))


def test_files_are_sixteen_bit_flac(item: MadeItem) -> None:
    for field, channels in (("foa.flac", 4), ("mic.flac", 4), ("sum.flac", 1)):
        info = soundfile.info(io.BytesIO(content(item)[field]))
        assert (info.format, info.subtype, info.channels, info.samplerate) == ("FLAC", "PCM_16", channels, RATE)
    assert [file.field for file in item.files] == ["foa.flac", "mic.flac", "sum.flac", "metadata.csv", "scene.json"]


def test_labels_have_six_columns_of_whole_numbers_and_say_where_sources_are(item: MadeItem, tmp_path: Path) -> None:
    text = content(item)["metadata.csv"].decode()
    rows = [[int(cell) for cell in line.split(",")] for line in text.splitlines()]
    assert rows
    assert {len(row) for row in rows} == {6}
    scene = Scene.from_dict(json.loads(content(item)["scene.json"]))
    for frame, _, number, azimuth, elevation, centimetres in rows:
        source = scene.sources[number]
        assert any(e.onset - 1e-9 <= (frame + 0.5) * 0.1 <= e.offset + 1e-9 for e in source.events)
        az, el, metres = (float(v[0]) for v in angles(scene.relative_positions(source.path, [0.0])))
        assert azimuth == pytest.approx(np.degrees(az), abs=0.5 + 1e-6)
        assert elevation == pytest.approx(np.degrees(el), abs=0.5 + 1e-6)
        assert centimetres == pytest.approx(metres * 100, abs=0.5 + 1e-6)
    (tmp_path / "labels.csv").write_text(text)
    assert len(read_frame_rows(tmp_path / "labels.csv")) == len(rows)


def test_sum_is_the_dry_mixture(item: MadeItem) -> None:
    scene = Scene.from_dict(json.loads(content(item)["scene.json"]))
    dry = dry_signals(scene, BankSettings().open(), RATE).sum(axis=0)
    samples, _ = decoded(item, "sum.flac")
    np.testing.assert_allclose(samples[0], dry * 10 ** (item.facts["gain_db"]["sum"] / 20), atol=1e-4)


@pytest.mark.parametrize(("field", "layout", "channel"), [("foa.flac", "foa", 0), ("mic.flac", "tetra", 0)])
def test_the_scene_renders_again_to_the_same_and_its_noise_has_the_stated_ratio(
    item: MadeItem, field: str, layout: str, channel: int
) -> None:
    scene = Scene.from_dict(json.loads(content(item)["scene.json"]))
    rendered = render(scene, dry_signals(scene, BankSettings().open(), RATE), layout=layout, sample_rate=RATE)
    samples, _ = decoded(item, field)
    gain = 10 ** (item.facts["gain_db"][field.removesuffix(".flac")] / 20)
    np.testing.assert_allclose(samples, rendered.mixture.samples * gain, atol=1e-4)
    noise = samples[channel] / gain - sum(stem.samples[channel] for stem in rendered.stems)
    active = np.zeros(samples.shape[1], dtype=bool)
    for _, event in scene.events():
        active[round(event.onset * RATE) : round(event.offset * RATE)] = True
    signal = np.mean(np.square(sum(stem.samples[channel] for stem in rendered.stems)[active]))
    stated = item.facts["background"]["diffuse_snr_db"]
    assert 15 <= stated <= 20
    assert 10 * np.log10(signal / np.mean(np.square(noise))) == pytest.approx(stated, abs=0.05)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_never_more_events_at_once_than_asked_for_and_as_many_at_some_time(most: int) -> None:
    made = maker(items=12, overlap=(most,), duration=20.0, event_duration=(0.5, 6.0), gap=(0.0, 1.0))
    times = np.arange(0, 20, 0.01)
    reached = 0
    for index in range(len(made)):
        tracks = made.scene(index).tracks(times)
        sounding = np.sum([track.active for track in tracks], axis=0)
        assert sounding.max() <= most
        reached = max(reached, int(sounding.max()))
    assert reached == most


def test_scenes_keep_the_ranges_they_are_drawn_from() -> None:
    settings = PseldnetsSettings(**SMALL, wall_margin=0.7, distance=(0.8, 2.5), elevation_deg=(-20.0, 30.0))
    made = PseldnetsMaker(settings, items=20, sounds=BankSettings(), seed=3)
    for index in range(20):
        scene = made.scene(index)
        assert scene.room is not None
        assert isinstance(scene.room.t60, float)
        assert 0.2 <= scene.room.t60 <= 0.35
        size = np.asarray(scene.room.dimensions)
        listener = scene.listener.path.at(0.0)
        assert np.all((listener >= 0.4 * size - 1e-3) & (listener <= 0.6 * size + 1e-3))
        for source in scene.sources:
            assert not source.path.moves
            place = source.path.at(0.0)
            assert np.all((place >= 0.7 - 1e-9) & (place <= size - 0.7 + 1e-9))
            _, elevation, metres = angles(place - listener)
            assert 0.8 - 1e-3 <= float(metres) <= 2.5 + 1e-3
            assert -20 - 0.1 <= np.degrees(float(elevation)) <= 30 + 0.1
            (event,) = source.events
            assert event.onset * 10 == pytest.approx(round(event.onset * 10))
            assert 0.1 - 1e-9 <= event.duration <= 1.0 + 1e-3
            assert source.label in SMALL["classes"]


def test_the_listener_is_not_always_on_the_diagonal() -> None:
    scenes = [maker(items=20).scene(index) for index in range(8)]
    shares = [scene.listener.path.at(0.0) / scene.room.dimensions for scene in scenes if scene.room is not None]
    assert np.ptp(np.asarray(shares), axis=1).min() > 1e-3


def test_test_sets_have_nine_rooms_that_come_again() -> None:
    made = maker(items=18, split="test", overlap=(1,), rooms=9)
    scenes = [made.scene(index) for index in range(18)]
    assert scenes[0].name == "test18_ov1/fold1_room1_mix1"
    assert scenes[9].name == "test18_ov1/fold1_room1_mix10"
    assert scenes[0].room == scenes[9].room
    assert len({scene.room for scene in scenes}) == 9
    assert scenes[0].sources != scenes[9].sources


def test_published_shares_of_overlap() -> None:
    made = PseldnetsMaker(PseldnetsSettings(), items=67, sounds=BankSettings(), seed=0)
    folders = [made.scene(index).name.split("/")[0] for index in (0, 39, 40, 59, 60, 66)]
    assert folders == ["train40_ov1_1"] * 2 + ["train20_ov2_1"] * 2 + ["train7_ov3_1"] * 2


def test_class_lists_hold_the_170_published_classes_when_their_table_is_given(tmp_path: Path) -> None:
    names = [f"Class {number}" for number in range(170)]
    names[24], names[100], names[3] = "Printer", "Knock", "Dog"
    table = tmp_path / "cls_indices_train.tsv"
    table.write_text("".join(f"{i}\t/m/{i:05d}\t{name}\t10\t100.0\n" for i, name in enumerate(names)))
    made = maker(items=2, numbering=str(table), classes=("Dog", "Knock"), overlap=(1,))
    assert dict(made.balance()) == {"Dog": 0.5, "Knock": 0.5}
    items = [made.make(index) for index in range(2)]
    numbers = {int(line.split(",")[1]) for item in items for line in content(item)["metadata.csv"].decode().splitlines()}
    assert numbers <= {3, 100}
    lists = {f.path: f.content for f in made.lists([ItemFacts(i, x.name, x.facts) for i, x in enumerate(items)])}
    for name, made_here in (("cls_indices_train.tsv", True), ("cls_indices_test.tsv", False)):
        (tmp_path / name).write_bytes(lists[name])
        written = read_pseldnets_vocabulary(tmp_path / name)
        assert written.labels == tuple(names)
        assert written.codes[3] == "/m/00003"
        rows = [line.split("\t") for line in lists[name].decode().splitlines()]
        assert [row[0] for row in rows] == [str(number) for number in range(170)]
        seconds = sum(e["offset"] - e["onset"] for item in items for e in item.facts["events"])
        assert sum(float(row[4]) for row in rows) == pytest.approx(seconds if made_here else 0.0, abs=0.2)


def test_what_would_clip_is_brought_down_and_said(item: MadeItem) -> None:
    loud = maker(level_db=(5.0, 5.0), overlap=(1,), recordings=("foa", "sum")).make(0)
    for field in ("foa", "sum"):
        samples, _ = decoded(loud, f"{field}.flac")
        assert loud.facts["gain_db"][field] < 0
        assert 0.9 < np.abs(samples).max() < 1.0
    assert all(gain <= 0 for gain in item.facts["gain_db"].values())


def test_recordings_and_form_can_be_chosen() -> None:
    made = maker(recordings=("mic",), form="wav", subtype="FLOAT", overlap=(1,)).make(0)
    assert [file.field for file in made.files] == ["mic.wav", "metadata.csv", "scene.json"]
    assert soundfile.info(io.BytesIO(content(made)["mic.wav"])).subtype == "FLOAT"


def test_real_recordings_are_named_in_the_facts(recordings: Path) -> None:
    made = maker(sounds=BankSettings(sounds=str(recordings), procedural=0.0), classes=("dog", "rain"), overlap=(1,))
    item = made.make(0)
    assert item.facts["recordings"]
    assert all((recordings / name).is_file() for name in item.facts["recordings"])
    text = json.dumps([made.settings, item.facts])
    assert str(recordings) not in text
    assert str(recordings).encode() not in content(item)["scene.json"]


def test_settings_come_from_plain_values() -> None:
    settings = PseldnetsSettings(**SMALL)
    assert dataclass_from(PseldnetsSettings, json.loads(json.dumps(plain_of(settings))), where="settings") == settings
    assert settings.item_seconds == 3.0
    assert maker(items=5).seconds == 15.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t60": (0.5, 0.2)}, r"t60 must be a range \[low, high\] within 0.05 to 30"),
        ({"overlap": ()}, "overlap must list different numbers"),
        ({"overlap": (1, 1)}, "overlap must list different numbers"),
        ({"overlap": (0,)}, "overlap must be a whole number from 1 to 9"),
        ({"overlap_shares": (1.0,)}, "overlap_shares must be 3 numbers"),
        ({"recordings": ("foa", "stereo")}, "recordings must be some of foa, mic, sum"),
        ({"split": "valid"}, "split must be train or test"),
        ({"folder": "mine{overlap}"}, "folder must be like train20000_ov1_1"),
        ({"folder": "train10_ov1_1"}, "folder must hold {overlap}"),
        ({"folder": "train{size}_ov{overlap}"}, "folder must be like"),
        ({"duration": 0.0}, "duration must be a number from 0.5"),
        ({"sample_rate": 100}, "sample_rate must be a whole number"),
        ({"diffuse_snr_db": (1.0,)}, "diffuse_snr_db must be a range"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        PseldnetsSettings(**{**SMALL, **changes})


def test_impossible_scenes_say_what_to_change() -> None:
    with pytest.raises(SceneError, match=r"no room of .* has a t60 within"):
        maker(room_length=(20.0, 25.0), room_width=(20.0, 25.0), room_height=(9.0, 10.0), t60=(0.1, 0.2)).scene(0)
    with pytest.raises(SceneError, match="a source finds no place"):
        maker(distance=(20.0, 30.0)).scene(0)
    with pytest.raises(ParameterError, match=r"no sound stands for the class 'dogg'|unknown class"):
        maker(classes=("dogg",)).scene(0)
    with pytest.raises(ParameterError, match="items 0 to 2"):
        maker().make(3)
