"""Sets for active separation: the published layout, what episodes promise, the same bytes, read back by our own readers."""

import io
import json
import pickle

import numpy as np
import pytest
import soundfile

from auris.acoustics.floorplan import FloorPlan
from auris.acoustics.floorplan_sampler import PlanSettings
from auris.acoustics.house_responses import HouseEngine
from auris.data.made_sets.active import ActiveMaker, ActiveSettings, _head
from auris.data.made_sets.active_plan import TURNS, ActivePlan, part_of
from auris.data.made_sets.separation_clips import class_names
from auris.data.production.maker import ItemFacts, Maker
from auris.data.production.presets import PRESETS
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError, SceneError
from auris.geometry.navigation import azimuth_folder
from auris.io.separation_episodes import clip_class, list_clips, read_episodes, read_passive
from auris.io.soundspaces import scene_names
from auris.io.soundspaces_scene import SoundSpacesScene
from auris.models.configuration import dataclass_from, plain_of
from auris.seeding import derive

SMALL = ActiveSettings(
    plan=PlanSettings(length=(5, 6), width=(4, 4), rooms=(2, 3), least_nodes=14, t60=(0.2, 0.3)),
    source_places=2,
    clips=3,
    clip_seconds=2,
    chunks=2,
    source_hops=3,
    start_hops=(2, 20),
    train_episodes=6,
    evaluation_episodes=4,
    passive_records=5,
)
SOUNDS = BankSettings(procedural=1.0)


def maker(items=3, settings=SMALL, sounds=SOUNDS, seed=1):
    return ActiveMaker(settings, items=items, sounds=sounds, seed=seed)


@pytest.fixture(scope="module")
def made():
    """Three houses: one for training, one for validation, one for test."""
    return [maker().make(index) for index in range(3)]


@pytest.fixture(scope="module")
def root(made, tmp_path_factory):
    """The set on disk."""
    folder = tmp_path_factory.mktemp("active")
    lists = maker().lists(ItemFacts(n, item.name, item.facts) for n, item in enumerate(made))
    for file in [*(file for item in made for file in item.files), *lists]:
        path = folder / file.path
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return folder


def test_it_is_a_preset():
    preset = PRESETS["active"]
    settings = dataclass_from(preset.settings_class, {"clips": 4, "plan": {"rooms": [2, 3]}}, where="active")
    assert settings == ActiveSettings(clips=4, plan=PlanSettings(rooms=(2, 3)))
    assert settings.item_seconds == 80
    made = preset.create(settings, items=2, sounds=SOUNDS, seed=0)
    assert isinstance(made, Maker)
    assert (made.preset, len(made), made.seconds) == ("active", 2, 160)
    assert json.loads(json.dumps(made.settings))["plan"]["rooms"] == [2, 3]
    assert dataclass_from(ActiveSettings, plain_of(settings), where="active") == settings


def test_names_of_files_are_unique_in_the_set_and_in_the_item(made):
    paths = [file.path for item in made for file in item.files]
    assert len(set(paths)) == len(paths)
    for item in made:
        assert len({file.field for file in item.files}) == len(item.files)
        assert item.facts["seconds"] == SMALL.item_seconds
        assert json.loads(json.dumps(item.facts)) == item.facts


def test_worlds_are_read_back_as_they_were_made(root, made):
    assert scene_names(root) == ("house00000", "house00001", "house00002")
    for index, item in enumerate(made):
        world = SoundSpacesScene(root, item.name)
        plan = FloorPlan.from_dict(json.loads((root / f"floor_plans/mp3d/{item.name}.json").read_text()))
        assert np.allclose(world.positions, plan.graph.positions)
        assert np.array_equal(world.neighbours, plan.graph.neighbours)
        places = item.facts["house"]["source_places"]
        assert len(places) == 2
        for source in places:
            for receiver in range(len(world.graph)):
                assert all(world.rir(source, receiver, heading).shape[1] > 100 for heading in range(4))
        assert world.faults.total == 0
        assert item.facts["house"]["responses"] == 4 * len(places) * len(world.graph)
        assert item.facts["split"] == part_of(index)
        silent = next(node for node in range(len(world.graph)) if node not in places)
        assert not world.rir(silent, 0, 0).any()
        assert world.faults.missing == 1


def test_responses_are_those_of_the_house_with_the_gain_that_is_told(root, made):
    world, plan = SoundSpacesScene(root, "house00000"), maker()._set.house(0).plan
    engine = HouseEngine(plan, 16_000, head=_head(None, SMALL.head_radius), seed=derive(1, "active", 0, "responses") >> 1)
    source = made[0].facts["house"]["source_places"][0]
    whole = engine.responses(source, 3)[0]
    gain = 10 ** (made[0].facts["gain_db"]["responses"] / 20)
    for heading in range(4):
        written = world.rir(source, 3, heading)
        count = written.shape[1]
        assert np.allclose(written, whole[heading, :, :count] * gain, atol=1e-4 * np.abs(whole).max())
        left = np.sum(whole[:, :, count:] ** 2) / np.sum(whole**2)
        assert 10 * np.log10(left + 1e-30) < -SMALL.response_range_db + 0.1
    assert (root / f"binaural_rirs/mp3d/house00000/{azimuth_folder(1)}/3_{source}.wav").is_file()


@pytest.mark.parametrize(
    ("split", "house", "folder"),
    [
        ("train_6episodes", "house00000", "train"),
        ("val_4episodes", "house00001", "train"),
        ("valUnheard_4episodes", "house00001", "valUnheard"),
        ("test_4episodes", "house00002", "train"),
        ("testUnheard_4episodes", "house00002", "testUnheard"),
    ],
)
def test_episodes_keep_their_promises(root, made, split, house, folder):
    world = SoundSpacesScene(root, house)
    classes = (root / "audio_data/auris/classes.txt").read_text().splitlines()
    clips = list_clips(root, "auris", "min20s_clips", folder, classes=classes)
    stems = {path.stem: label for label, paths in clips.items() for path in paths}
    places = made[int(house[-1])].facts["house"]["source_places"]
    episodes = read_episodes(root, split)
    assert len(episodes) == int(split.partition("_")[2].removesuffix("episodes"))
    assert len({episode.name for episode in episodes}) == len(episodes)
    for episode in episodes:
        assert episode.scene == house
        start = world.scene.node_at(episode.start)
        nodes = [world.scene.node_at(source.position) for source in episode.sources]
        assert set(nodes) <= set(places)
        assert world.hops[nodes[0], nodes[1]] >= SMALL.source_hops
        assert SMALL.start_hops[0] <= world.hops[start, nodes[0]] <= SMALL.start_hops[1]
        assert episode.sources[0].distance == world.hops[start, nodes[0]]
        assert [classes[source.label] for source in episode.sources] == [stems[source.sound] for source in episode.sources]
        assert episode.sources[0].label != episode.sources[1].label
        assert all(0 <= source.start < SMALL.clip_seconds for source in episode.sources)


def test_training_episodes_lie_with_their_houses_and_others_in_one_file(root):
    folder = root / "active_datasets/v1"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["train_6episodes", "val_4episodes", "valUnheard_4episodes", "test_4episodes", "testUnheard_4episodes"]
    )
    assert [path.name for path in (folder / "train_6episodes/content").iterdir()] == ["house00000.json.gz"]
    assert not (folder / "val_4episodes/content").exists()
    assert read_episodes(root, "train_6episodes", scenes=[]) == ()


def test_passive_records_name_places_that_are_heard(root, made):
    for part, item in (("train", made[0]), ("val", made[1])):
        records = read_passive(root, part, item.name)
        assert len(records) == SMALL.passive_records
        for record in records:
            assert set(record.sources) <= set(item.facts["house"]["source_places"])
            assert len(set(record.sources)) == 2
            assert 0 <= record.receiver < item.facts["house"]["places"]
    assert not (root / "passive_datasets/v1/test").exists()


def test_clips_are_as_published(root):
    for folder in ("train", "valUnheard", "testUnheard"):
        paths = sorted((root / f"audio_data/auris/min20s_clips/{folder}_preprocessed").glob("*.wav"))
        assert len(paths) == SMALL.clips
        for path in paths:
            info = soundfile.info(path)
            assert (info.channels, info.samplerate, info.subtype, info.frames) == (1, 16_000, "PCM_16", 32_000)
            assert np.abs(soundfile.read(path)[0]).max() > 0.01
    chunks = sorted((root / "audio_data/auris/1s_chunks/train_preprocessed").glob("*.wav"))
    assert 0 < len(chunks) <= SMALL.clips * SMALL.chunks
    for path in chunks:
        assert soundfile.info(path).frames == 16_000
        stem = path.stem.rpartition("-")
        whole = soundfile.read(root / f"audio_data/auris/min20s_clips/train_preprocessed/{stem[0]}.wav", dtype="int16")[0]
        second = int(stem[2])
        assert np.array_equal(soundfile.read(path, dtype="int16")[0], whole[16_000 * second : 16_000 * (second + 1)])
    assert not (root / "audio_data/auris/1s_chunks/testUnheard_preprocessed").exists()


def test_the_same_bytes_from_any_maker_in_any_order(made):
    copy = pickle.loads(pickle.dumps(maker()))
    copy.make(2)
    again = copy.make(0)
    assert [(file.path, file.content) for file in again.files] == [(file.path, file.content) for file in made[0].files]
    assert again.facts == made[0].facts
    other = maker(seed=2).make(0)
    assert {file.path: file.content for file in other.files} != {file.path: file.content for file in made[0].files}


def test_unheard_clips_come_from_other_recordings(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("door_bell", "drum"):
        (tmp_path / label).mkdir()
        for number in range(40):
            soundfile.write(tmp_path / label / f"{label}{number}.wav", rng.normal(size=16_000) * 0.1, 16_000)
    plan = ActivePlan(SMALL, 3, BankSettings(sounds=str(tmp_path), procedural=0.0), 1)
    plan.check()
    assert plan.classes == ("door_bell", "drum")
    assert {clip_class(clip.name) for clip in plan.pool("val")} == {"door-bell", "drum"}
    heard = {part: {c.file for clips in plan.bank(part).clips.values() for c in clips} for part in ("train", "val", "test")}
    assert not heard["train"] & heard["val"]
    assert not heard["train"] & heard["test"]
    assert not heard["val"] & heard["test"]


def test_classes_take_turns_over_the_clips_of_a_part():
    plan = ActivePlan(SMALL, 2 * len(TURNS), SOUNDS, 1)
    classes = len(plan.classes)
    for part in ("train", "val", "test"):
        labels = [clip.label for clip in plan.pool(part)]
        assert labels == [number % classes for number in range(len(labels))]
    houses = {clip.name.split("_")[1].split("-")[0] for clip in plan.pool("val")}
    assert houses == {"house00001", "house00007"}


def test_background_classes_are_never_the_target():
    settings = ActiveSettings(**{**vars(SMALL), "background": (ActivePlan(SMALL, 1, SOUNDS, 1).classes[0],)})
    plan = ActivePlan(settings, 1, SOUNDS, 1)
    episodes = plan.episodes(0, plan.house(0), "train_6episodes", "train")
    assert all(episode.sources[0].label != 0 for episode in episodes)
    assert any(episode.sources[1].label == 0 for episode in episodes)


def test_sixteen_bits_are_half_as_large():
    settings = ActiveSettings(**{**vars(SMALL), "response_subtype": "PCM_16", "clips": 0, "passive_records": 0})
    item = maker(1, settings).make(0)
    responses = [file for file in item.files if file.field.startswith("rir.")]
    assert len(item.files) == len(responses) + 3
    assert soundfile.info(io.BytesIO(responses[0].content)).subtype == "PCM_16"
    assert list(maker(1, settings).lists([ItemFacts(0, item.name, item.facts)])) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"clips": -1}, "clips"),
        ({"start_hops": (4, 2)}, "start_hops"),
        ({"dataset": "../mp3d"}, "dataset"),
        ({"response_subtype": "PCM_8"}, "subtype"),
        ({"source_places": 1}, "source_places"),
        ({"head_radius": 1.0}, "head_radius"),
    ],
)
def test_refuses_settings(change, says):
    with pytest.raises(ParameterError, match=says):
        ActiveSettings(**change)


def test_refuses_what_cannot_be_made():
    with pytest.raises(ParameterError, match="clips of 1 classes"):
        maker(3, ActiveSettings(**{**vars(SMALL), "clips": 1}))
    with pytest.raises(ParameterError, match="differ in more than"):
        class_names(("a_b", "a-b"))
    with pytest.raises(SceneError, match="steps from each other"):
        maker(1, ActiveSettings(**{**vars(SMALL), "source_hops": 30})).make(0)
    with pytest.raises(ParameterError, match="0 to 2"):
        maker().make(3)
