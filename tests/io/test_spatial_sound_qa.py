import json
from pathlib import Path

import numpy as np
import pytest

from auris.errors import FormatError, ParameterError
from auris.io.spatial_sound_qa import (
    AudioSetClasses,
    audio_folder,
    read_clips,
    read_label_csv,
    read_sample_weights,
    sample_weights,
    write_sample_weights,
)

CSV = """index,mid,display_name
0,/m/09x0r,"Speech"
7,/m/05zppz,"Male speech, man speaking"
7,/t/dd00003,Male singing
"""


@pytest.fixture
def classes(tmp_path):
    (tmp_path / "classes.csv").write_text(CSV)
    return read_label_csv(tmp_path / "classes.csv")


def written(tmp_path, records):
    path = tmp_path / "list.json"
    path.write_text(records if isinstance(records, str) else json.dumps(records))
    return path


def test_the_number_of_a_class_is_its_row_and_names_may_hold_commas(classes):
    assert classes.names == ("Speech", "Male speech, man speaking", "Male singing")
    assert [classes.number(mid) for mid in ("/m/09x0r", "/m/05zppz", "/t/dd00003")] == [0, 1, 2]
    with pytest.raises(ParameterError, match="unknown class '/m/09x0', did you mean '/m/09x0r'"):
        classes.number("/m/09x0")


def test_byte_order_mark_and_windows_lines(tmp_path, classes):
    path = tmp_path / "windows.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode())
    assert read_label_csv(path) == classes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index,name\n0,a\n", "lacks the column mid and display_name"),
        ("index,mid,display_name\n0,/m/1,Man, speaking\n", ":2: too many columns"),
        ("index,mid,display_name\n0,/m/1\n", ":2: a class needs mid and display_name"),
        ("index,mid,display_name\n0,/m/1,a\n1,/m/1,b\n", "class /m/1 appears twice"),
        ("index,mid,display_name\n", "holds no classes"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_label_csv(path)


def test_clips(tmp_path, classes):
    records = [
        {"folder": "eval/audio", "id": "Yabc", "label": ["/t/dd00003", "/m/09x0r"]},
        {"folder": "unbalanced_train/part00/part00_full.h5", "id": "Ydef", "label": []},
    ]
    first, second = read_clips(written(tmp_path, records), "/data", classes)
    assert (first.path, first.id, first.classes) == (Path("/data/eval/audio/Yabc.wav"), "Yabc", (2, 0))
    assert (second.path, second.classes) == (Path("/data/unbalanced_train/audio/Ydef.wav"), ())
    assert str(audio_folder("a/b/c/d")) == "a/audio"


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{"folder": "f", "id": "a", "label": []}, {"id": "b", "label": []}], "entry 1 needs folder, id and a list of labels"),
        ([{"folder": "f", "id": "a", "label": "/m/09x0r"}], "entry 0 needs folder"),
        ([{"folder": "f", "id": "a", "label": ["/m/09x0"]}], "entry 0: unknown class '/m/09x0', did you mean"),
        (["x"], "entry 0 needs"),
        ([], "at least one"),
        ({"data": []}, "a list of clips is"),
        ("[", "cannot be read as JSON"),
    ],
)
def test_damaged_lists_name_the_entry(tmp_path, classes, records, message):
    with pytest.raises(FormatError, match=message):
        read_clips(written(tmp_path, records), tmp_path, classes)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FormatError, match=r"none\.json: cannot be read as JSON \(No such file"):
        read_clips(tmp_path / "none.json", tmp_path, AudioSetClasses((), ()))
    with pytest.raises(FormatError, match=r"none\.csv: cannot be read \(No such file"):
        read_label_csv(tmp_path / "none.csv")
    with pytest.raises(FormatError, match=r"none\.csv: cannot be read"):
        read_sample_weights(tmp_path / "none.csv")


def test_rare_classes_weigh_more():
    weights = sample_weights([(0,), (0,), (0, 1), (2,)])
    assert weights == pytest.approx([1000 / 3.01, 1000 / 3.01, 1000 / 3.01 + 1000 / 1.01, 1000 / 1.01])
    with pytest.raises(ParameterError, match="clip 1 has none"):
        sample_weights([(0,), ()])
    with pytest.raises(ParameterError, match="no clips"):
        sample_weights([])


def test_weights_come_back_as_they_were_written(tmp_path):
    weights = sample_weights([(0,), (0, 1), (5,)])
    path = tmp_path / "weights.csv"
    write_sample_weights(path, weights)
    np.testing.assert_array_equal(np.loadtxt(path), weights)
    np.testing.assert_array_equal(read_sample_weights(path, clips=3), weights)
    with pytest.raises(FormatError, match="3 weights, but the list has 4 clips"):
        read_sample_weights(path, clips=4)


@pytest.mark.parametrize("text", ["1\nx\n", "1\n-2\n", "0\n0\n", "", "1\nnan\n"])
def test_impossible_weights_are_refused(tmp_path, text):
    path = tmp_path / "weights.csv"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"weights\.csv: "):
        read_sample_weights(path)
