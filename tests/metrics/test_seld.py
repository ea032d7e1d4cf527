"""SELD scores: properties, strictness, and the vectorised counting against the rules done by hand."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seld_by_hand import DISTANCES, NAMES, Tally, count_frames, count_segments, scores_of, tally_of

from auris.errors import FormatError, ParameterError
from auris.geometry import Static, Waypoints
from auris.io.dcase import write_dcase
from auris.io.frame_labels import FrameLabels, scene_to_rows
from auris.io.l3das import write_l3das
from auris.metrics.seld import RULES, evaluate_folders, evaluate_labels, score_folders, score_scenes
from auris.metrics.seld_rules import rules_of
from auris.scene import Event, Scene, Source

CLASSES = 4
YEARS = list(RULES)
row = st.tuples(
    st.integers(0, 34),
    st.integers(0, CLASSES - 1),
    st.floats(-3.1, 3.1),
    st.floats(-1.5, 1.5),
    st.floats(0.3, 6),
)


def labels(rows):
    table = np.array(rows, dtype=float).reshape(-1, 5).T
    return FrameLabels(table[0], table[1], azimuth=table[2], elevation=table[3], distance=table[4])


def source(label, azimuth_deg, onset, offset, distance=2.0):
    azimuth = math.radians(azimuth_deg)
    return Source(label, Static((distance * math.cos(azimuth), distance * math.sin(azimuth), 0.0)), (Event(onset, offset),))


SCENE = Scene(6, (source("dog", 10, 0, 2), source("dog", 80, 0.5, 5), source("rain", -40, 1, 6)))
VOCABULARY = ("cat", "dog", "rain")


@settings(max_examples=100, deadline=None)
@given(true=st.lists(row, max_size=25), said=st.lists(row, max_size=25))
@pytest.mark.parametrize("counting", ["frames", "segments"])
def test_vectorised_counts_are_those_of_the_rules(counting, true, said):
    reference, prediction = labels(true), labels(said)
    rules = replace(RULES[2024], angle="polar") if counting == "frames" else RULES[2023]
    counts = evaluate_labels({"a": reference}, {"a": prediction}, classes=CLASSES, rules=rules).score().counts
    by_hand = Tally(CLASSES)
    (count_frames if counting == "frames" else count_segments)(reference, prediction, by_hand)
    for name in (*NAMES, *(DISTANCES if counting == "frames" else ())):
        np.testing.assert_allclose(getattr(counts, name), by_hand.sums[name], atol=1e-6, err_msg=name)
    assert [counts.substitutions, counts.deletions, counts.insertions] == by_hand.kinds


@settings(max_examples=25, deadline=None)
@given(parts=st.lists(st.tuples(st.lists(row, max_size=12), st.lists(row, max_size=12)), min_size=1, max_size=4))
@pytest.mark.parametrize("year", [2021, 2022, 2023, 2024, "pseldnets"])
def test_scores_are_those_of_the_rules(year, parts):
    sides = [{str(i): labels(part[side]) for i, part in enumerate(parts)} for side in (0, 1)]
    tally = tally_of(*sides, CLASSES, year)
    if year != "pseldnets" or any(tally.sums["matched"]):  # its macro mean over no class at all is a constant
        found = evaluate_labels(*sides, classes=CLASSES, year=year).score().values()
        assert found == pytest.approx(scores_of(tally, year), abs=1e-7, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(
    true=st.lists(st.integers(-18, 17), min_size=1, max_size=6),
    said=st.lists(st.tuples(st.integers(-18, 17), st.floats(0.5, 5)), min_size=1, max_size=6),
)
def test_crowds_of_one_class_are_assigned_as_scipy_does(true, said):
    """Whole tens of degrees, mirrored to the front, have many ties, whose choice decides about distances."""

    def folded(a, b):
        degrees = [abs((round(math.degrees(place[0]), 6) - 90) % 360 - 180) for place in (a, b)]
        return abs(degrees[0] - degrees[1])

    reference = labels([(0, 0, math.radians(10 * azimuth), 0.0, 2.0) for azimuth in true])
    prediction = labels([(0, 0, math.radians(10 * azimuth), 0.0, distance) for azimuth, distance in said])
    counts = evaluate_labels({"a": reference}, {"a": prediction}, classes=CLASSES, year=2025).score().counts
    by_hand = Tally(CLASSES)
    count_frames(reference, prediction, by_hand, angle=folded)
    for name in (*NAMES, *DISTANCES):
        np.testing.assert_allclose(getattr(counts, name), by_hand.sums[name], atol=1e-6, err_msg=name)


def test_many_clips_are_counted_as_few(monkeypatch):
    random = np.random.default_rng(2)
    sides = [
        {f"{i:02d}": labels(random.uniform([0, 0, -3, -1, 1], [30, CLASSES, 3, 1, 5], (40, 5)).tolist()) for i in range(12)}
        for _ in range(2)
    ]
    for year in YEARS:
        whole = evaluate_labels(*sides, classes=CLASSES, year=year)
        monkeypatch.setattr("auris.metrics.seld._BATCH_ROWS", 100)
        parts = evaluate_labels(*sides, classes=CLASSES, year=year)
        monkeypatch.undo()
        assert whole.clips == parts.clips
        for name, value in vars(whole.counts).items():
            np.testing.assert_allclose(getattr(parts.counts, name), value, atol=1e-9, err_msg=name)


@settings(max_examples=30, deadline=None)
@given(parts=st.lists(st.tuples(st.lists(row, max_size=12), st.lists(row, max_size=12)), min_size=2, max_size=4))
def test_clips_do_not_touch_each_other(parts):
    sides = [{str(i): labels(part[side]) for i, part in enumerate(parts)} for side in (0, 1)]
    for year in (2023, 2024, "l3das22"):
        together = evaluate_labels(*sides, classes=CLASSES, year=year)
        for i in map(str, range(len(parts))):
            alone = evaluate_labels({i: sides[0][i]}, {i: sides[1][i]}, classes=CLASSES, year=year)
            for name, value in vars(together.select([i]).score().counts).items():
                np.testing.assert_allclose(value, getattr(alone.score().counts, name), atol=1e-9, err_msg=name)


@pytest.mark.parametrize("year", YEARS)
def test_a_scene_is_perfect_for_itself(year):
    score = score_scenes(SCENE, SCENE, VOCABULARY, year=year, average="micro")
    assert score.f == pytest.approx(1, abs=1e-6)
    for name, value in score.values().items():
        best = 0 if "error" in name or name == "seld" else 1
        assert math.isnan(value) if name == "onscreen_accuracy" else value == pytest.approx(best, abs=2e-3), name


@pytest.mark.parametrize("year", YEARS)
def test_silence_finds_nothing(year):
    score = score_scenes(SCENE, Scene(6), VOCABULARY, year=year, average="micro")
    assert score.f == 0
    assert score.counts.right.sum() == 0
    assert score.counts.missed.sum() == score.counts.references.sum() > 0


@pytest.mark.parametrize("year", [2021, 2022, 2023, 2024, 2025, "pseldnets"])
@settings(max_examples=30, deadline=None)
@given(shift_deg=st.floats(0.5, 179).filter(lambda d: min(abs(d - 20), abs(d - 160)) > 0.5))
def test_errors_within_and_beyond_the_threshold(year, shift_deg):
    true, heard = Scene(1, (source("dog", 0, 0, 1),)), Scene(1, (source("dog", shift_deg, 0, 1),))
    score = score_scenes(true, heard, ["dog"], year=year)
    error = min(shift_deg, 180 - shift_deg) if year == 2025 else shift_deg
    assert score.localisation_error_deg == pytest.approx(error, abs=1e-3)
    assert score.f == pytest.approx(float(error < 20), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(turn=st.floats(-3, 3), tilt=st.floats(-1, 1))
def test_turning_both_sides_changes_nothing(turn, tilt):
    from scipy.spatial.transform import Rotation

    rotation = Rotation.from_euler("ZY", [turn, tilt])

    def turned(scene):
        return Scene(6, tuple(replace(s, path=Static(tuple(rotation.apply(s.path.position)))) for s in scene.sources))

    heard = Scene(6, (source("dog", 17, 0, 2), source("dog", 63, 0.5, 5.5), source("cat", 0, 1, 2)))
    for year in (2021, 2023, 2024):
        before = score_scenes(SCENE, heard, VOCABULARY, year=year)
        after = score_scenes(turned(SCENE), turned(heard), VOCABULARY, year=year)
        assert list(after.values().values()) == pytest.approx(list(before.values().values()), abs=1e-3, nan_ok=True)


def test_the_assignment_is_the_best_one_not_the_first():
    reference = Scene(2, (source("dog", 0, 0, 2), source("dog", 30, 0, 2)))
    heard = Scene(2, (source("dog", 16, 0, 2), source("dog", -12, 0, 2)))
    # Greedy would join 0 with -12 or 16; only one of the assignments is cheapest: 0 to -12, 30 to 16.
    assert score_scenes(reference, heard, ["dog"], year=2024).localisation_error_deg == pytest.approx(13, abs=0.1)


def test_2021_and_2022_differ_in_what_a_mislocated_event_costs():
    reference, heard = Scene(1, (source("dog", 0, 0, 1),)), Scene(1, (source("dog", 50, 0, 1),))
    reference = reference.with_(sources=(*reference.sources, source("rain", 90, 0, 1)))
    heard = heard.with_(sources=(*heard.sources, source("rain", 90, 0, 1)))
    f = {year: score_scenes(reference, heard, VOCABULARY, year=year, average="micro").f for year in (2021, 2022)}
    assert f == pytest.approx({2021: 1 / 1.5, 2022: 1 / 2})


def test_macro_counts_absent_classes_as_zero_and_macro_present_does_not():
    assert score_scenes(SCENE, SCENE, VOCABULARY, year=2024, average="macro").f == pytest.approx(2 / 3)
    assert score_scenes(SCENE, SCENE, VOCABULARY, year=2024, average="macro_present").f == pytest.approx(1)


def test_distances_count_since_2024():
    reference, heard = Scene(2, (source("dog", 0, 0, 2, 2.0),)), Scene(2, (source("dog", 0, 0, 2, 5.0),))
    score = score_scenes(reference, heard, ["dog"], year=2024)
    assert score.f == 0
    assert score.distance_error == pytest.approx(3, abs=0.02)
    assert score.relative_distance_error == pytest.approx(1.5, abs=0.02)
    assert score_scenes(reference, heard, ["dog"], year=2023).f == pytest.approx(1)


def test_every_frame_counts_in_strict_and_the_last_is_dropped_upstream():
    reference = {"a": scene_to_rows(Scene(2, (source("dog", 0, 0, 2),)), ["dog"])}
    heard = {"a": scene_to_rows(Scene(4, (source("dog", 0, 0, 4),)), ["dog"])}
    counts = {
        parity: evaluate_labels(reference, heard, classes=1, year=2024, parity=parity).score().counts
        for parity in ("strict", "upstream")
    }
    assert [float(counts["strict"].references[0]), float(counts["strict"].false_alarms[0])] == [20, 20]
    assert [float(counts["upstream"].references[0]), float(counts["upstream"].false_alarms[0])] == [19, 0]


@pytest.fixture
def folders(tmp_path):
    """Three recordings, labels of 2024 and predictions of it, a little off."""
    heard = Scene(6, (source("dog", 16, 0, 2.2), source("dog", 70, 0.5, 5), source("rain", -10, 1, 6)))
    for index in range(3):
        scene = SCENE.with_(sources=SCENE.sources[: index + 1])
        write_dcase(tmp_path / "ref" / f"mix{index}.csv", scene_to_rows(scene, VOCABULARY), year=2024)
        write_dcase(tmp_path / "pred" / f"mix{index}.csv", scene_to_rows(heard, VOCABULARY), year=2024, content="prediction")
    return tmp_path


def test_folders_score_as_their_labels_do(folders):
    evaluation = evaluate_folders(folders / "ref", folders / "pred", classes=3, year=2024)
    assert evaluation.clips == ("mix0", "mix1", "mix2")
    score = score_folders(folders / "ref", folders / "pred", classes=3, year=2024)
    assert score.values() == pytest.approx(evaluation.score().values(), nan_ok=True)
    assert 0 < score.f < 1
    assert set(evaluation.clip_scores()) == set(evaluation.clips)
    assert evaluation.clip_scores()["mix0"].counts.references.sum() == 20


def test_a_result_is_json(folders):
    plain = score_folders(folders / "ref", folders / "pred", classes=3, year=2024).to_dict()
    assert {"rules", "average", "f", "localisation_error_deg", "seld", "per_class", "counts"} <= set(plain)
    assert json.loads(json.dumps(plain))["rules"] == "dcase2024"
    assert len(plain["per_class"]["f"]) == 3


def test_intervals_hold_the_score(folders):
    intervals = evaluate_folders(folders / "ref", folders / "pred", classes=3, year=2024).intervals()
    assert set(intervals) == set(RULES[2024].reports)
    assert intervals["f"].low < intervals["f"].estimate < intervals["f"].high


def test_a_missing_prediction_is_named(folders):
    (folders / "pred" / "mix1.csv").unlink()
    with pytest.raises(FormatError, match="1 of 3 recordings have no prediction: mix1"):
        score_folders(folders / "ref", folders / "pred", classes=3, year=2024)
    relaxed = evaluate_folders(folders / "ref", folders / "pred", classes=3, year=2024, parity="upstream")
    assert relaxed.clips == ("mix0", "mix2")


def test_an_empty_prediction_is_silence(folders):
    (folders / "pred" / "mix1.csv").write_text("")
    scores = evaluate_folders(folders / "ref", folders / "pred", classes=3, year=2024).clip_scores()
    assert scores["mix1"].f == 0
    assert scores["mix1"].counts.missed.sum() > 0


@pytest.mark.parametrize("parity", ["strict", "upstream"])
def test_a_prediction_without_reference_is_named(folders, parity):
    (folders / "ref" / "mix2.csv").unlink()
    with pytest.raises(FormatError, match="1 predictions have no reference: mix2"):
        score_folders(folders / "ref", folders / "pred", classes=3, year=2024, parity=parity)


def test_an_unknown_class_is_refused_or_ignored(folders):
    with pytest.raises(FormatError, match="mix0: class number 2, but there are 2 classes"):
        score_folders(folders / "ref", folders / "pred", classes=2, year=2024)
    score_folders(folders / "ref", folders / "pred", classes=2, year=2024, parity="upstream")


def test_labels_in_centimetres_are_not_taken_for_metres(folders):
    with pytest.raises(FormatError, match="look like labels in centimetres"):
        score_folders(folders / "ref", folders / "ref", classes=3, year=2024)
    score = score_folders(
        folders / "ref", folders / "ref", classes=3, year=2024, prediction_content="reference", average="micro"
    )
    assert score.f == pytest.approx(1)


def test_predictions_without_distance_are_refused_where_it_is_scored(folders):
    (folders / "pred" / "mix1.csv").write_text("0,1,0,10,0\n")
    with pytest.raises(FormatError, match="mix1: dcase2024 scores distance, but these labels have none"):
        score_folders(folders / "ref", folders / "pred", classes=3, year=2024)
    free = replace(RULES[2024], distance="ignored", relative_distance_threshold=math.inf)
    assert score_folders(folders / "ref", folders / "pred", classes=3, year=2024, rules=free).f > 0


def test_l3das22_counts_positions(tmp_path):
    scene = Scene(3, (source("dog", 0, 0, 3, 1.0),))
    for folder, distance in (("ref", 1.0), ("near", 2.9), ("far", 3.1)):
        moved = scene.with_(sources=(source("dog", 0, 0, 3, distance),))
        write_l3das(tmp_path / folder / "clip.csv", scene_to_rows(moved, ["dog"]))
    f = {name: score_folders(tmp_path / "ref", tmp_path / name, classes=14, year="l3das22").f for name in ("near", "far")}
    assert f == pytest.approx({"near": 1, "far": 0})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: rules_of(2019), ParameterError, "unknown SELD rules 2019; accepted: 2021"),
        (lambda: score_scenes(SCENE, SCENE, VOCABULARY, year="2024"), ParameterError, "unknown SELD rules '2024'"),
        (
            lambda: score_scenes(SCENE, SCENE, VOCABULARY, average="makro"),
            ParameterError,
            "no average 'makro'; accepted: macro",
        ),
        (lambda: score_scenes(SCENE, SCENE, VOCABULARY, year=2021, average="macro"), ParameterError, "accepted: micro"),
        (lambda: score_scenes(SCENE, SCENE, ["dog"]), ParameterError, "unknown class 'rain'"),
        (lambda: score_scenes([SCENE], [], VOCABULARY), ParameterError, "got 0 for 1"),
        (lambda: evaluate_labels({}, {}, classes=3), FormatError, "nothing to score"),
        (lambda: evaluate_labels({}, {}, classes=3, parity="loose"), ParameterError, "parity is 'strict' or 'upstream'"),
        (lambda: score_folders("nowhere", "nowhere", classes=3), FormatError, "nowhere: no such folder"),
    ],
)
def test_wrong_use_is_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("year", YEARS)
def test_rules_of_seconds_need_ten_frames_a_second(year):
    if RULES[year].counting == "segments":
        for rules in (None, replace(RULES[year], angle_threshold_deg=10)):
            with pytest.raises(ParameterError, match=r"counts segments of 10 frames of 0\.1 seconds, got hop=0\.02; leave hop"):
                score_scenes(SCENE, SCENE, VOCABULARY, year=year, rules=rules, hop=0.02)
        assert score_scenes(SCENE, SCENE, VOCABULARY, year=year, hop=0.3 / 3).f > 0
    else:
        assert score_scenes(SCENE, SCENE, VOCABULARY, year=year, hop=0.02).f > 0


def test_labels_of_seconds_rules_need_ten_frames_a_second_too():
    fine = {"mix1": scene_to_rows(SCENE, VOCABULARY, hop=0.02)}
    usual = {"mix1": scene_to_rows(SCENE, VOCABULARY)}
    with pytest.raises(ParameterError, match=r"mix1: dcase2023 counts segments of 10 frames of 0\.1 seconds, got hop=0\.02"):
        evaluate_labels(fine, fine, classes=3, year=2023)
    assert evaluate_labels(fine, fine, classes=3, year=2024).score("micro").f == pytest.approx(1)
    for sides in ((fine, usual), (usual, fine)):
        with pytest.raises(ParameterError, match=r"mix1: the frames of the reference last 0\.\d+ s, those of the prediction"):
            evaluate_labels(*sides, classes=3, year=2024)


def test_a_moving_source_is_followed():
    path = Waypoints((0.0, 4.0), ((2.0, 0.0, 0.0), (0.0, 2.0, 0.0)), around=(0, 0, 0))
    late = Waypoints((0.4, 4.4), ((2.0, 0.0, 0.0), (0.0, 2.0, 0.0)), around=(0, 0, 0))
    truth, heard = (Scene(4, (Source("car", p, (Event(0, 4),)),)) for p in (path, late))
    # 0.4 s behind at 22.5 degrees per second; less in the first 0.4 s.
    assert score_scenes(truth, heard, ["car"]).localisation_error_deg == pytest.approx(9, abs=0.7)
