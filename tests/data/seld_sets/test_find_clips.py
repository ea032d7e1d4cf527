import os
import shutil

import numpy as np
import pytest
from fake_datasets import AURIS_CLASSES, FAKE_CLIPS, FAKE_LABELS_170, make_fake_dataset, write_fake_audio

from auris.acoustics.renderer import Rendering
from auris.audio import Audio
from auris.data.rendering_files import write_renderings
from auris.data.seld_sets.catalogue import DATASETS, dataset
from auris.data.seld_sets.clips import find_classes, find_clips
from auris.data.seld_sets.places import auris_place, dcase_place, l3das_place, pseldnets_place
from auris.errors import FormatError, ParameterError
from auris.geometry import Static
from auris.io.frame_labels import HOP
from auris.scene import Event, Scene, Source

SETS = sorted(FAKE_CLIPS)


@pytest.mark.parametrize("name", SETS)
def test_every_clip_is_found_with_its_labels(fake_sets, name):
    clips = find_clips(name, fake_sets[name], "all")
    assert {clip.audio.relative_to(fake_sets[name]).as_posix() for clip in clips} == {
        fake.audio[0] for fake in FAKE_CLIPS[name]
    }
    labels = {clip.labels.relative_to(fake_sets[name]).as_posix() for clip in clips if clip.labels}
    assert labels == {fake.labels for fake in FAKE_CLIPS[name] if fake.labels}
    assert len({clip.name for clip in clips}) == len(clips)
    assert all(clip.duration == 3.0 for clip in clips)


@pytest.mark.parametrize("name", SETS)
def test_labels_read_as_written(fake_sets, name):
    classes = find_classes(name, fake_sets[name])
    clip = next(clip for clip in find_clips(name, fake_sets[name], "all") if clip.labels)
    rows = clip.read_labels(classes)
    assert rows.labels == classes
    assert rows.hop == HOP
    second = rows.rows(rows.track == 1)
    assert second.frame.tolist() == list(range(10, 20))
    assert set(second.class_index) == {1}
    assert second.azimuth == pytest.approx([-1.5707963] * 10)
    assert second.elevation == pytest.approx([0.1745329] * 10, rel=1e-5)


SPLIT_SIZES = {
    "pseldnets": {"default/train": 12, "default/valid": 3, "default/test": 3, "train": 6, "valid": 6, "test": 3},
    "dcase2021": {"default/train": 6, "default/test": 2, "dev/train": 5, "dev/valid": 1, "train": 5, "valid": 1, "test": 2},
    "dcase2022synth": {"default/train": 3, "train": 2, "valid": 1},
    "starss23": {"default/train": 5, "default/valid": 2, "evaluation/test": 1, "train": 3, "valid": 2, "test": 2},
    "l3das22": {"default/train": 10, "default/valid": 2, "dev/train": 8, "dev/valid": 2, "ov1/train": 5, "ov1_safe/train": 4},
    "auris": {"train": 4, "valid": 1, "test": 1},
}


@pytest.mark.parametrize(("name", "split", "size"), [(n, s, c) for n, sizes in SPLIT_SIZES.items() for s, c in sizes.items()])
def test_splits_take_their_folds(fake_sets, name, split, size):
    assert len(find_clips(name, fake_sets[name], split)) == size


@pytest.mark.parametrize("name", SETS)
def test_safe_splits_share_no_clip(fake_sets, name):
    parts = [split for split in ("safe/train", "safe/valid", "safe/test") if split in DATASETS[name].split_names]
    names = [clip.name for split in parts for clip in find_clips(name, fake_sets[name], split)]
    assert len(names) == len(set(names))
    assert not DATASETS[name].partitions["safe"].selects_on_test


def test_the_published_choice_on_test_clips_is_known():
    assert dataset("dcase2021").partitions["default"].selects_on_test
    assert not dataset("dcase2021").partitions["dev"].selects_on_test


def test_unlabelled_clips_have_no_labels(fake_sets):
    (clip,) = find_clips("starss23", fake_sets["starss23"], "evaluation/test")
    assert clip.labels is None
    with pytest.raises(FormatError, match="no labels; choose a split"):
        clip.read_labels()


def test_class_lists_that_come_with_the_data(fake_sets, tmp_path):
    assert find_classes("pseldnets", fake_sets["pseldnets"]) == FAKE_LABELS_170
    assert find_classes("auris", fake_sets["auris"]) == AURIS_CLASSES
    with pytest.raises(FormatError, match=r"no cls_indices_train\.tsv here"):
        find_classes("pseldnets", tmp_path)
    (tmp_path / "cls_indices_train.tsv").write_text("0\t/m/1\tDog\t1\t1.0\n")
    with pytest.raises(FormatError, match="1 classes, but PSELDNets has 170"):
        find_classes("pseldnets", tmp_path)


@pytest.mark.parametrize("recording", ["mic", "sum"])
def test_other_recordings(fake_sets, recording):
    clips = find_clips("pseldnets", fake_sets["pseldnets"], "test", recording=recording)
    assert {clip.audio.parent.name for clip in clips} == {recording}
    assert {clip.channels for clip in clips} == {4 if recording == "mic" else 1}


def test_microphone_b_is_another_recording(fake_sets):
    a, b = (find_clips("l3das22", fake_sets["l3das22"], "test", recording=r) for r in ("foa", "foa_b"))
    assert [clip.name for clip in a] == [clip.name for clip in b]
    assert all(clip.audio.stem.endswith("_B") for clip in b)


def moved(source, target):
    """The files below one folder to another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def nested(root):
    """A zip unpacked into a folder of its own name."""
    for folder in ("foa_dev", "metadata_dev"):
        moved(root / folder, root / "away" / folder)
        moved(root / "away", root / folder)


def flat(root):
    """Without the sub-folders."""
    for path in [*root.glob("*_dev/*/*"), *root.glob("*_eval/*/*")]:
        path.rename(path.parents[1] / path.name)


def words(root):
    """Words that mean something, elsewhere in the path."""
    for folder in ("foa_dev", "metadata_dev"):
        moved(root / folder, root / "foa" / "data" / folder)


def mac(root):
    """What a Mac leaves in its zips."""
    (root / "__MACOSX" / "foa_dev").mkdir(parents=True)
    (root / "__MACOSX" / "foa_dev" / "fold1_room1_mix001.wav").write_bytes(b"resource")
    (root / "foa_dev" / "._fold1_room1_mix001.wav").write_bytes(b"resource")


def windows(root):
    """Names with backslashes, from a zip made on Windows."""
    for path in [p for p in root.rglob("*.*") if p.is_file()]:
        path.rename(root / path.relative_to(root).as_posix().replace("/", "\\"))


def flac(root):
    """Recordings as FLAC."""
    for path in list(root.glob("foa_*/**/*.wav")):
        write_fake_audio(path.with_suffix(".FLAC"))
        path.unlink()


def linked(root):
    """Recordings on another disk, and a link that leads back."""
    moved(root / "foa_dev", root.parents[2] / "elsewhere" / "recordings")
    (root / "foa_dev").symlink_to(root.parents[2] / "elsewhere" / "recordings")
    (root / "loop").symlink_to(root)


@pytest.mark.parametrize("name", ["starss23", "dcase2021"])
@pytest.mark.parametrize("change", [nested, flat, words, mac, windows, flac, linked])
def test_layouts_as_they_happen(tmp_path, name, change):
    root = make_fake_dataset(tmp_path / "foa" / "metadata_dev" / name, name)
    expected = [clip.name for clip in find_clips(name, root, "all")]
    change(root)
    for folder in (root, root.parent):
        clips = find_clips(name, folder, "all")
        assert [clip.name for clip in clips] == expected
        labelled = [clip for clip in clips if clip.labels]
        assert len(labelled) == sum(fake.labels is not None for fake in FAKE_CLIPS[name])
        assert all(clip.labels.stem.split("\\")[-1] == clip.name.split("/")[-1] for clip in labelled)


def test_one_synthetic_set_by_its_own_folder(fake_sets):
    clips = find_clips("pseldnets", fake_sets["pseldnets"] / "test1800_ov1", "test")
    assert [clip.name for clip in clips] == ["test1800_ov1/fold1_room1_mix1"]
    assert clips[0].labels is not None


def test_names_of_two_synthetic_sets_do_not_mix(fake_sets):
    clips = find_clips("pseldnets", fake_sets["pseldnets"], "default/train")
    assert all(clip.labels.parts[-3] == clip.audio.parts[-3] for clip in clips)


@pytest.mark.parametrize("names", [("data", "labels"), ("data_train", "labels_train"), ("Data-Test", "label")])
def test_l3das_folders_by_any_of_their_names(tmp_path, names):
    write_fake_audio(tmp_path / names[0] / "split0_ov1_3_A.wav", rate=32_000)
    write_fake_audio(tmp_path / names[0] / "84-121123-0001_A.wav", rate=16_000)  # task 1
    (tmp_path / names[1]).mkdir()
    (tmp_path / names[1] / "label_split0_ov1_3.csv").write_text("File,Start,End,Class,X,Y,Z\n")
    (clip,) = find_clips("l3das22", tmp_path, "train")
    assert clip.labels == tmp_path / names[1] / "label_split0_ov1_3.csv"
    assert len(clip.read_labels()) == 0


def test_scenes_in_folders_of_their_split(tmp_path):
    make_fake_dataset(tmp_path / "train", "auris")
    make_fake_dataset(tmp_path / "valid", "auris")
    assert [clip.name for clip in find_clips("auris", tmp_path, "valid")] == [f"valid/scene_{n:05d}" for n in range(6)]
    assert len(find_clips("auris", tmp_path, "train")) == 6


def test_what_auris_writes_can_be_trained_on(tmp_path):
    for number, label in enumerate(("dog", "music")):
        scene = Scene(2.0, (Source(label, Static((0.0, 2.0, 0.0)), (Event(0.5, 1.0),)),))
        silence = Audio(np.zeros((4, 48_000)), 24_000, "foa")
        rendering = Rendering(silence, (silence,), (Audio(np.zeros(48_000), 24_000, "mono"),), None, scene)
        write_renderings(tmp_path / f"scene_{number:05d}", [rendering], classes=AURIS_CLASSES, contents="stems")
    clips = find_clips("auris", tmp_path, "all")
    assert [clip.name for clip in clips] == ["scene_00000", "scene_00001"]  # stems are no clips
    assert find_classes("auris", tmp_path) == AURIS_CLASSES
    rows = clips[1].read_labels(AURIS_CLASSES)
    assert rows.frame.tolist() == list(range(5, 10))
    assert set(rows.class_index) == {AURIS_CLASSES.index("music")}
    np.testing.assert_allclose(rows.positions, [[0, 2, 0]] * 5, atol=1e-9)


def test_scenes_with_another_class_list_are_renumbered(tmp_path):
    make_fake_dataset(tmp_path, "auris")
    place = tmp_path / "scene_00001"
    before = find_clips("auris", tmp_path, "all")[1].read_labels(AURIS_CLASSES)
    (place / "classes.txt").write_text("rain\nspeech\nmusic\ndog\n")
    after = find_clips("auris", tmp_path, "all")[1].read_labels(AURIS_CLASSES)
    assert after.labels == AURIS_CLASSES
    assert before.class_index.tolist() == after.class_index.tolist()  # speech is number 1 in both lists
    (place / "classes.txt").write_text("rain\ncar\nmusic\n")
    with pytest.raises(FormatError, match="lacks 'car'"):
        find_clips("auris", tmp_path, "all")[1].read_labels(AURIS_CLASSES)


def test_nothing_there_is_told(tmp_path, fake_sets):
    with pytest.raises(FormatError, match="no such folder"):
        find_clips("starss23", tmp_path / "away", "train")
    with pytest.raises(FormatError, match=r"no foa recordings of starss23 here; expected below it: foa_dev/"):
        find_clips("starss23", tmp_path, "train")
    with pytest.raises(FormatError, match=r"8 recordings .* none of the split 'train'"):
        find_clips("starss23", fake_sets["dcase2021"], "train")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: dataset("stars23"), "did you mean 'starss23'"),
        (lambda: dataset("l3das22").pattern("ov_1/train"), "did you mean 'ov1'"),
        (lambda: dataset("l3das22").pattern("trian"), "did you mean 'train'"),
        (lambda: dataset("dcase2022synth").pattern("test"), "has no clips for 'test'"),
        (lambda: find_clips("starss23", os.curdir, "train", recording="fao"), "did you mean 'foa'"),
    ],
)
def test_unknown_names_are_told(call, text):
    with pytest.raises(ParameterError, match=text):
        call()


def test_a_clip_that_is_there_twice_is_refused(tmp_path):
    root = make_fake_dataset(tmp_path, "starss23")
    write_fake_audio(root / "foa_dev" / "fold3_room4_mix001.flac")
    with pytest.raises(FormatError, match=r"dev/fold3_room4_mix001 has more than one recording"):
        find_clips("starss23", root, "train")
    assert find_clips("starss23", root, "test")  # which is whole


def test_a_recording_that_cannot_be_read_is_named(tmp_path):
    root = make_fake_dataset(tmp_path, "starss23")
    (root / "foa_dev/dev-train-tau/fold3_room4_mix001.wav").write_bytes(b"not audio")
    with pytest.raises(FormatError, match=r"fold3_room4_mix001\.wav: .*auris data check starss23"):
        find_clips("starss23", root, "train")


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (dcase_place, "x/foa_dev/readme.txt"),
        (dcase_place, "x/foa_dev/notes.csv"),
        (dcase_place, "x/metadata_dev/sound.wav"),
        (dcase_place, "foa_dev.csv"),
        (pseldnets_place, "foa/train20000_ov1_1/a.flac"),
        (pseldnets_place, "x/train20000_ov1_1/foa/a.csv"),
        (l3das_place, "x/data/readme_A.wav"),
        (l3das_place, "x/metadata_train/split0_ov1_1_A.csv"),
        (auris_place, "x/scene_00000/stems.wav"),
        (auris_place, "labels.csv"),
    ],
)
def test_other_files_are_nothing_of_the_set(place, path):
    assert place(tuple(path.split("/"))) is None
