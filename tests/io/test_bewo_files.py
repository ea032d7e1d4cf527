"""BEWO-1M's lines and trees: exact, strict about fields, tolerant about what is where."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auris.errors import FormatError, ParameterError
from auris.io.bewo import (
    SPLITS,
    SUBSETS,
    BewoRecord,
    annotations_text,
    azimuth_deg,
    distance_ratio,
    open_bewo,
    read_annotations,
    record_from_plain,
    split_of,
    table_name,
    write_annotations,
)


def plain_record(name: str = "a1", **changes: Any) -> dict[str, Any]:
    return {
        "audio_name": name,
        "meta": ["audiocaps&xyz", "esc50&1-17"],
        "caption": "A dog barks on the left while a car moves from left to right.",
        "room_size": [8.0, 6.0, 3.0],
        "micro_pos": [[3.915, 4.085], [3.0, 3.0], [1.5, 1.5]],
        "start": [[2.0, 3.0, 1.5, 0.6667], [3.0, 4.0, 1.5, 0.4714]],
        "end": [[2.0, 3.0, 1.5, 0.6667], [6.0, 3.5, 1.5, 0.6872]],
        "RT60": 0.4,
        "change_step": [0, 0.5],
        "raw_start": [1, 2],
        "raw_end": [1, 5],
        "start_angle": [180.0, 135.0],
        "end_angle": [180.0, 14.04],
        "raw_speed": ["still", "instantly"],
        "speed_ratio": [0, 0],
        "move_start_time": [0, 220500],
        "raw_audio_path": ["/home/x/a.wav", "/home/x/b.wav"],
        **changes,
    }


def record(name: str = "a1", **changes: Any) -> BewoRecord:
    return record_from_plain(plain_record(name, **changes))


def test_a_record_round_trips_in_the_published_order(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    write_annotations(file, [record("a"), record("b", note="kept")])
    assert read_annotations(file) == (record("a"), record("b", note="kept"))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert list(lines[0]) == list(plain_record())
    assert lines[1]["note"] == "kept"
    assert lines[0] == plain_record("a")


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("\n" + annotations_text([record()]) + "\n\n")
    assert len(read_annotations(tmp_path / "t.jsonl")) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"caption": None}, "caption must be text"),
        ({"audio_name": ""}, "audio_name is empty"),
        ({"room_size": [8, 6]}, "room_size must be a list of 3"),
        ({"micro_pos": [[1, 2], [3, 3], [1]]}, r"micro_pos\[2\] must be a list of 2"),
        ({"start": [[1, 2, 3]] * 2}, r"start\[0\] must be a list of 4"),
        ({"raw_start": [1, 6]}, r"raw_start\[1\] must lie between 1 and 5"),
        ({"raw_speed": ["still", "quick"]}, r"raw_speed\[1\]"),
        ({"speed_ratio": [0, 1.2]}, "speed_ratio"),
        ({"change_step": ["0", 0]}, r"change_step\[0\] must be a number"),
        ({"move_start_time": [0, 0.5]}, "move_start_time"),
        ({"RT60": -1}, "RT60"),
        ({"meta": ["x&y"]}, "one entry per source.*meta 1"),
        ({"start_angle": 180}, "start_angle must be a list"),
    ],
)
def test_wrong_fields_are_named_with_file_and_line(change: dict[str, Any], named: str, tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text(annotations_text([record()]) + json.dumps(plain_record(**change)) + "\n")
    with pytest.raises(FormatError, match=rf"t\.jsonl, line 2: .*{named}"):
        read_annotations(file)


def test_missing_fields_and_other_content_are_named(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    plain = plain_record()
    del plain["RT60"], plain["meta"]
    for content, named in ((json.dumps(plain), "lacks meta, RT60"), ("{", "is not JSON"), ("[1]", "one object")):
        file.write_text(content)
        with pytest.raises(FormatError, match=f"line 1: .*{named}"):
            read_annotations(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="cannot be read"):
        read_annotations(file)
    with pytest.raises(FormatError, match="cannot be read"):
        read_annotations(tmp_path / "nowhere.jsonl")


def test_angles_and_ratios_are_those_of_the_records() -> None:
    centre = (4.0, 3.0, 1.5)
    assert azimuth_deg((5, 3), centre) == 0  # right
    assert azimuth_deg((4, 5), centre) == pytest.approx(90)  # front
    assert azimuth_deg((3, 3), centre) == pytest.approx(180)  # left
    assert distance_ratio((4, 4.5, 1.5), centre, (8, 6, 3)) == pytest.approx(0.5)
    made = record()
    for number in range(2):
        assert made.start_angle[number] == pytest.approx(azimuth_deg(made.start[number], centre), abs=0.01)
        assert made.end[number][3] == pytest.approx(distance_ratio(made.end[number], centre, made.room_size), abs=1e-3)


def test_itd_is_positive_on_the_left_and_that_of_the_far_field_far_away() -> None:
    made = record()
    assert made.itd(0) == pytest.approx(0.17 / 343)
    assert made.itd(1, at="end") < 0
    angle = math.radians(60)
    far = (4 + 1000 * math.cos(angle), 3 + 1000 * math.sin(angle), 1.5, 1.0)
    assert replace(made, start=(far, far)).itd(0) == pytest.approx(-0.17 / 343 * math.cos(angle), rel=1e-3)


def test_names_of_tables_are_the_published_ones() -> None:
    assert [table_name("SS", split) for split in SPLITS] == [f"audiocaps_single_{split}" for split in SPLITS]
    assert [table_name("Mix", split) for split in SPLITS] == ["audiocaps_train_mix", "audiocaps_val_mix", "audiocaps_mix_test"]
    assert table_name("DS", "val", collection="mine") == "mine_double_val"
    for subset in SUBSETS:
        for split in SPLITS:
            assert split_of(table_name(subset, split)) == split
    assert split_of("full_single") is None


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")


def test_trees_are_found_at_any_depth_and_holes_are_named(tmp_path: Path) -> None:
    root = tmp_path / "BEWO_1M"
    doubled = root / "BEWO_SS_Annotation_v1" / "BEWO_SS_Annotation_v1"
    write_annotations(doubled / "audiocaps_single_train.jsonl", [record(name) for name in ("a", "b", "c")])
    write_annotations(root / "BEWO_Mix_Annotation_v1" / "audiocaps_mix_test.jsonl", [record("m")])
    write_annotations(root / "BEWO_SS_Annotation_v1" / "full_single.jsonl", [record("a")])
    audio = root / "chunks" / "BEWO_SS_Audio_v1" / "BEWO_SS_Audio_v1"
    touch(audio / "audiocaps_single_train" / "a.wav")
    touch(audio / "elsewhere" / "deep" / "c.WAV")
    touch(audio / "full_single" / "a.flac")
    touch(audio / "full_single" / "unused.wav")
    touch(root / "BEWO_Mix_Audio_v1" / "audiocaps_mix_test" / "m.wav")
    touch(root / "BEWO_RW_Audio_v1" / "b.wav")
    tree = open_bewo(tmp_path)
    found = {(clip.subset, clip.table, clip.record.audio_name): clip.audio.relative_to(root).parts[-2] for clip in tree.clips}
    assert found == {
        ("SS", "audiocaps_single_train", "a"): "audiocaps_single_train",
        ("SS", "audiocaps_single_train", "c"): "deep",
        ("SS", "full_single", "a"): "full_single",
        ("Mix", "audiocaps_mix_test", "m"): "audiocaps_mix_test",
    }
    assert tree.missing == {"audiocaps_single_train": ("b",)}
    assert tree.unused == 1
    assert str(tree).splitlines() == [
        "4 clips, 1 without audio, 1 audio files without annotation",
        "  audiocaps_single_train: b",
    ]
    assert [clip.record.audio_name for clip in open_bewo(root, split="test").clips] == ["m"]
    assert len(open_bewo(root, subsets=["SS"]).clips) == 3
    assert len(open_bewo(root / "BEWO_Mix_Annotation_v1").missing) == 1


def test_what_is_no_such_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no BEWO_"):
        open_bewo(tmp_path)
    with pytest.raises(FormatError, match="no BEWO_"):
        open_bewo(tmp_path / "nowhere")
    with pytest.raises(ParameterError, match="split"):
        open_bewo(tmp_path, split="validation")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="subset"):
        open_bewo(tmp_path, subsets=["XX"])  # type: ignore[list-item]
