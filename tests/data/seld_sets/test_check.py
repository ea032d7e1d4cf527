import shutil

import numpy as np
import pytest
import soundfile
from fake_datasets import FAKE_CLIPS, make_fake_dataset, write_fake_audio

from auris.data.seld_sets.check import check_dataset
from auris.errors import FormatError, ParameterError

TAU = "dev-train-tau/fold3_room4_mix001"


@pytest.fixture
def starss(tmp_path):
    return make_fake_dataset(tmp_path, "starss23")


def found(root, name="starss23", **more):
    """Severity, kind and name of every finding."""
    report = check_dataset(name, root, **more)
    return [(finding.severity, finding.kind, finding.path.relative_to(root).name) for finding in report.findings]


@pytest.mark.parametrize("name", sorted(FAKE_CLIPS))
def test_a_whole_set_has_no_errors(fake_sets, name):
    report = check_dataset(name, fake_sets[name])
    assert report.errors == 0
    assert {finding.kind for finding in report.findings} <= {"length"}  # three seconds, where the sets have a minute
    assert report.clips == len(FAKE_CLIPS[name])
    assert report.labelled == sum(fake.labels is not None for fake in FAKE_CLIPS[name])
    assert report.rows == 20 * report.labelled
    assert report.seconds == 3.0 * report.clips
    assert report.splits["all"] == report.clips
    assert report.unheld["adpit"] == report.unheld["tracks"] == 0
    assert report.unheld["accdoa"] == sum(5 for i, fake in enumerate(FAKE_CLIPS[name]) if fake.labels and i % 3 == 1)


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_recording_cut_short_is_found(starss, suffix, share):
    path = starss / "foa_dev" / f"{TAU}.wav"
    path.unlink()
    write_fake_audio(path.with_suffix(suffix))
    cut(path.with_suffix(suffix), share)
    assert found(starss) == [("error", "damaged recording", f"fold3_room4_mix001{suffix}")]


def test_damage_inside_is_found_when_all_is_read(starss):
    path = starss / "foa_dev" / f"{TAU}.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    samples[20_000, 2] = np.nan
    soundfile.write(path, samples, rate, subtype="FLOAT")
    assert found(starss) == []
    assert found(starss, read="all") == [("error", "damaged recording", path.name)]


def test_the_same_recording_under_two_names_is_found_when_all_is_read(starss):
    shutil.copy(starss / "foa_dev" / f"{TAU}.wav", starss / "foa_dev" / "dev-test-tau" / "fold4_room2_mix001.wav")
    assert found(starss, read="all") == [("warning", "same recording", "fold4_room2_mix001.wav")]


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (lambda p: p.unlink(), "no recording"),
        (lambda p: write_fake_audio(p, rate=48_000), "sample rate"),
        (lambda p: write_fake_audio(p, channels=2), "channels"),
        (lambda p: write_fake_audio(p.with_suffix(".flac")), "second recording"),
        (lambda p: p.write_text("<html>404</html>"), "damaged recording"),
    ],
)
def test_faults_of_recordings(starss, write, kind):
    write(starss / "foa_dev" / f"{TAU}.wav")
    ((severity, what, name),) = found(starss)
    assert (severity, what) == ("error", kind)
    assert name.startswith("fold3_room4_mix001")


@pytest.mark.parametrize(
    ("text", "severity", "kind", "said"),
    [
        ("1,13,0,10,20\n", "error", "class number", "1 rows have a class number above 12, the first is 13 in frame 1"),
        ("1,3,0,10,91\n", "error", "damaged labels", "1: elevation must be a number from -90 to 90, got 91"),
        ("1,3,0,-400,0\n", "error", "damaged labels", "azimuth must be a number from -360 to 360"),
        ("1,3,0,10,20\n1,x,0,10,20\n", "error", "damaged labels", "2: 'x' is not a finite number"),
        ("frame,class,track,azimuth,elevation\n", "error", "damaged labels", "have no header"),
        ("1,3\n", "error", "damaged labels", "2 columns; SELD label files have 4 or 5 or 6"),
        ("-1,3,0,10,20\n", "error", "damaged labels", "frame must be a whole number of at least 0"),
        ("31,3,0,10,20\n", "warning", "frames after the end", "1 rows lie after the end"),
        ("600,3,0,10,20\n", "error", "frames after the end", "frame 600, 3 s have 30 frames"),
        ("1,3,0,10,20\n1,3,0,10,20\n", "warning", "repeated rows", "1 rows are there twice"),
        ("999999999999,3,0,10,20\n", "error", "frames after the end", "frame 999999999999"),
    ],
)
def test_faults_of_labels(starss, text, severity, kind, said):
    path = starss / "metadata_dev" / f"{TAU}.csv"
    path.write_text(text)
    (finding,) = check_dataset("starss23", starss).findings
    assert (finding.severity, finding.kind, finding.path) == (severity, kind, path)
    assert said in finding.text
    assert str(path) not in finding.text


def test_labels_that_are_missing_or_double_or_empty(starss):
    for path in (starss / "metadata_dev" / "dev-train-sony").glob("*.csv"):
        path.unlink()
    shutil.copy(starss / "metadata_dev" / f"{TAU}.csv", starss / "metadata_dev" / "fold3_room4_mix001.csv")
    (starss / "metadata_dev" / "dev-test-tau" / "fold4_room2_mix001.csv").write_text("")
    assert sorted(found(starss)) == [
        ("error", "no labels", "fold3_room21_mix001.wav"),
        ("error", "no labels", "fold3_room22_mix001.wav"),
        ("error", "second label file", "fold3_room4_mix001.csv"),
    ]
    report = check_dataset("starss23", starss)
    assert (report.silent, report.labelled, report.errors) == (1, 5, 3)
    assert found(starss, split="test") == []
    assert report.kinds[("error", "no labels")] == 2


def test_the_class_list_of_the_synthetic_sets_is_missed(fake_sets, tmp_path):
    shutil.copytree(fake_sets["pseldnets"] / "test1800_ov1", tmp_path / "test1800_ov1")
    labels = tmp_path / "test1800_ov1" / "metadata" / "fold1_room1_mix1.csv"
    labels.write_text("1,170,10,20\n")
    kinds = {finding.kind for finding in check_dataset("pseldnets", tmp_path).findings}
    assert kinds == {"no class list", "class number", "length"}


def test_progress_is_told_clip_by_clip(fake_sets):
    told = []
    check_dataset("starss23", fake_sets["starss23"], progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 8) for done in range(1, 9)]


def test_wrong_use_is_told(tmp_path, fake_sets):
    with pytest.raises(ParameterError, match="did you mean 'l3das22'"):
        check_dataset("l3das2", tmp_path)
    with pytest.raises(FormatError, match="nothing of it; l3das22 lies on disk as data/"):
        check_dataset("l3das22", tmp_path)
    with pytest.raises(FormatError, match="8 clips, but none of the split 'default/train'"):
        check_dataset("starss23", fake_sets["dcase2021"], split="default/train")
