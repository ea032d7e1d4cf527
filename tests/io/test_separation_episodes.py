"""Episodes, passive sets and clips of active separation: published fields, round trips, damage."""

import gzip
import json
import math
import os
import pickle

import pytest

from auris.errors import FormatError
from auris.io.separation_episodes import (
    PUBLISHED_CLASSES,
    EpisodeSource,
    PassiveRecord,
    SeparationEpisode,
    clip_class,
    clip_folder,
    episodes_bytes,
    list_clips,
    passive_bytes,
    passive_path,
    read_episodes,
    read_passive,
    write_episodes,
)


def episode(name="0", scene="house", heading=1):
    sources = (
        EpisodeSource((1.0, 0.25, -2.0), "music_3", 4, 14, 6.0),
        EpisodeSource((-1.0, 0.25, 2.0), "8474_1", 0, 0),
    )
    return SeparationEpisode(name, scene, (0.5, 0.25, -0.5), heading, sources)


PUBLISHED = {
    "episode_id": 7,
    "scene_id": "data/scene_dataset/mp3d/17DRP5sb8fy/17DRP5sb8fy.glb",
    "start_position": [1.25, 0.07, -3.5],
    "start_rotation": [0, 0.7071067811865475, 0, 0.7071067811865476],
    "info": [{"sound": "122_a", "start_idx": 3, "target_label": 7, "num_action": 20}, {"sound": "esc_b", "start_idx": 0}],
    "goals": [{"position": [0, 0.07, 1], "radius": 1e-05}, {"position": [4, 0.07, 1], "radius": 1e-05}],
    "start_room": None,
    "shortest_paths": None,
    "all_geodesic_distances": [1, 2],
}


def test_there_are_102_classes_in_the_published_order():
    assert len(PUBLISHED_CLASSES) == len(set(PUBLISHED_CLASSES)) == 102
    assert (PUBLISHED_CLASSES[0], PUBLISHED_CLASSES[14], PUBLISHED_CLASSES[81]) == ("8474", "music", "esc")
    assert (PUBLISHED_CLASSES[59], PUBLISHED_CLASSES[79], PUBLISHED_CLASSES[101]) == ("6139", "2816", "5656")


def test_a_published_episode_is_understood():
    found = SeparationEpisode.from_dict(PUBLISHED)
    assert found.name == "7"
    assert found.scene == "17DRP5sb8fy"
    assert found.heading == 1
    assert found.start == (1.25, 0.07, -3.5)
    assert [source.sound for source in found.sources] == ["122_a", "esc_b"]
    assert (found.sources[0].label, found.sources[0].start) == (7, 3)


@pytest.mark.parametrize("heading", range(4))
def test_episodes_have_the_published_fields_and_come_back(heading):
    plain = json.loads(json.dumps(episode(heading=heading).to_dict()))
    assert set(plain) == set(PUBLISHED) - {"all_geodesic_distances"}
    assert plain["scene_id"] == "house/house.glb"
    x, y, z, w = plain["start_rotation"]
    assert (x, z) == (0, 0)
    assert 2 * math.degrees(math.atan2(y, w)) % 360 == pytest.approx(90 * heading, abs=1e-4)
    assert [goal["position"] for goal in plain["goals"]] == [[1.0, 0.25, -2.0], [-1.0, 0.25, 2.0]]
    assert plain["info"][0] == {
        "sound": "music_3",
        "start_idx": 4,
        "target_label": 14,
        "num_action": 20,
        "geodesic_distance": 6.0,
    }
    assert SeparationEpisode.from_dict(plain) == episode(heading=heading)


def test_a_split_is_its_own_file_and_those_of_its_scenes(tmp_path):
    path = write_episodes(tmp_path, "train_3episodes", [episode("0")])
    assert path == tmp_path / "active_datasets/v1/train_3episodes/train_3episodes.json.gz"
    (path.parent / "content").mkdir()
    for scene in ("b", "a"):
        (path.parent / "content" / f"{scene}.json.gz").write_bytes(episodes_bytes([episode("0", scene)]))
    assert [e.scene for e in read_episodes(tmp_path, "train_3episodes")] == ["house", "a", "b"]
    assert [e.scene for e in read_episodes(tmp_path, "train_3episodes", scenes=["b"])] == ["house", "b"]
    assert list(json.loads(gzip.decompress(path.read_bytes()))) == ["episodes"]


def test_the_same_episodes_have_the_same_bytes():
    assert episodes_bytes([episode()]) == episodes_bytes([episode()])
    assert episodes_bytes([episode()])[4:8] == bytes(4)  # no time of writing
    assert b"content_scenes_path" in gzip.decompress(episodes_bytes([], content=True))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"goals": []}, "0 goals for 2"),
        ({"goals": [], "info": []}, "no sources"),
        ({"start_rotation": [0, 0, 0, 2]}, "unit quaternion"),
        ({"start_rotation": [1, 0, 0, 0]}, r"about \+y"),
        ({"start_position": [0, 1]}, "lacks or spoils"),
        ({"start_position": [0, 1, float("nan")]}, "finite"),
        ({"scene_id": "house.glb"}, "scene_id"),
        ({"scene_id": "../house.glb"}, "scene_id"),
        ({"info": [{"sound": "../../secret", "start_idx": 0}, {"sound": "b", "start_idx": 0}]}, "another folder"),
        ({"info": [{"start_idx": 0}, {"sound": "b"}]}, "sound"),
        ({"info": 3}, "lacks or spoils"),
    ],
)
def test_strange_episodes_are_refused(change, says):
    with pytest.raises(FormatError, match=says):
        SeparationEpisode.from_dict({**PUBLISHED, **change})


def test_damaged_files_are_told_by_name(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        read_episodes(tmp_path, "val_1episodes")
    path = write_episodes(tmp_path, "val_1episodes", [episode()])
    for content in (b"", b"nothing", gzip.compress(b"{"), gzip.compress(b"[]"), episodes_bytes([episode()])[:-20]):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"val_1episodes\.json\.gz: not a gzip file"):
            read_episodes(tmp_path, "val_1episodes")
    path.write_bytes(gzip.compress(json.dumps({"episodes": [PUBLISHED, {}]}).encode()))
    with pytest.raises(FormatError, match="episode 1 lacks"):
        read_episodes(tmp_path, "val_1episodes")


def test_passive_records_have_the_published_fields_and_come_back(tmp_path):
    records = (PassiveRecord(3, 0, (1, 2)), PassiveRecord(0, 1, (4, 5)))
    path = tmp_path / passive_path("train", "house")
    assert path == tmp_path / "passive_datasets/v1/train/house.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(passive_bytes("house", records))
    assert pickle.loads(path.read_bytes()) == {
        "house": [{"r": 3, "azimuth": 0, "all_s": [1, 2]}, {"r": 0, "azimuth": 270, "all_s": [4, 5]}]
    }
    assert read_passive(tmp_path, "train", "house") == records


class Runs:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize("plain", [{}, {"house": [{"r": 1}]}, {"house": [{"r": 1, "azimuth": 45, "all_s": []}]}, [], 3])
def test_other_pickles_are_refused(tmp_path, plain):
    path = tmp_path / passive_path("train", "house")
    path.parent.mkdir(parents=True)
    path.write_bytes(pickle.dumps(plain))
    with pytest.raises(FormatError, match="not the passive records"):
        read_passive(tmp_path, "train", "house")
    path.write_bytes(pickle.dumps({"house": [Runs()]}))
    with pytest.raises(FormatError, match="refused"):
        read_passive(tmp_path, "train", "house")


def test_clips_are_listed_by_class(tmp_path):
    folder = tmp_path / clip_folder("bank", "min20s_clips", "train")
    assert folder == tmp_path / "audio_data/bank/min20s_clips/train_preprocessed"
    folder.mkdir(parents=True)
    for name in ("music_b.wav", "music_a_2.wav", "122_x.wav", "notes.txt"):
        (folder / name).touch()
    found = list_clips(tmp_path, "bank", "min20s_clips", "train", classes=PUBLISHED_CLASSES)
    assert [path.name for path in found["music"]] == ["music_a_2.wav", "music_b.wav"]
    assert [path.name for path in found["122"]] == ["122_x.wav"]
    assert found["esc"] == []
    assert clip_class("music_a_2.wav") == "music"
    with pytest.raises(FormatError, match="not among the 1 classes"):
        list_clips(tmp_path, "bank", "min20s_clips", "train", classes=["music"])
    with pytest.raises(FormatError, match="no such folder"):
        list_clips(tmp_path, "bank", "1s_chunks", "train", classes=["music"])
