"""SELD scores against the published code of every year, on files that hold its corner cases (see the folders' READMEs)."""

import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auris.errors import FormatError
from auris.io.dcase import read_dcase_folder
from auris.io.frame_labels import FrameLabels
from auris.metrics.seld import RULES, evaluate_folders, evaluate_labels

HERE = Path(__file__).parent
SHARE, ANGLE = 1e-12, 1e-5
# name in the fixtures -> name here
SCORES = {"ER": "error_rate", "F": "f", "LR": "localisation_recall", "LE": "localisation_error_deg", "SELD": "seld"}
FRAME_SCORES = {"AngE": "localisation_error_deg", "DistE": "distance_error", "RelDistE": "relative_distance_error"}
COUNTS = {
    "TP": "right",
    "FP": "false_alarms",
    "FP_spatial": "mislocated",
    "FN": "missed",
    "Nref": "references",
    "DE_TP": "matched",
    "DE_FP": "false_alarms",
    "DE_FN": "missed",
    "S": "substitutions",
    "D": "deletions",
    "I": "insertions",
}
SUMS = {"total_DE": "angle_sum_deg", "total_AngE": "angle_sum_deg"}


def expected(fixture):
    return json.loads((HERE / fixture / "expected.json").read_text())


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Unpack a fixture's files once."""
    done = {}

    def unpacked(fixture):
        if fixture not in done:
            done[fixture] = tmp_path_factory.mktemp(fixture)
            zipfile.ZipFile(HERE / fixture / "files.zip").extractall(done[fixture])
        return done[fixture]

    return unpacked


def tolerance(name):
    return ANGLE if name in ("LE", "AngE") else 1e-7 if name in ("SELD", "SELD_scr") else SHARE


def same_scores(score, wanted, names, *, scale=None):
    for name, attribute in names.items():
        if name in wanted:
            value = math.nan if wanted[name] is None else wanted[name] * (scale or {}).get(name, 1)
            found = getattr(score, attribute)
            assert found == pytest.approx(value, rel=tolerance(name), abs=tolerance(name), nan_ok=True), name


def same_counts(counts, wanted):
    for name, attribute in COUNTS.items():
        if name in wanted:
            np.testing.assert_array_equal(getattr(counts, attribute), wanted[name], err_msg=name)
    for name, attribute in SUMS.items():
        if name in wanted:
            np.testing.assert_allclose(getattr(counts, attribute), wanted[name], rtol=1e-6, atol=ANGLE, err_msg=name)


def same_classes(score, wanted, names):
    for name, attribute in names.items():
        if name in wanted and attribute != "error_rate":
            values = np.array([math.nan if v is None else v for v in wanted[name]])
            np.testing.assert_allclose(getattr(score.per_class, attribute), values, rtol=0, atol=tolerance(name), err_msg=name)


def same_intervals(evaluation, average, wanted, names):
    found = evaluation.intervals(average)
    for name, attribute in names.items():
        if name in wanted and attribute in found:
            interval, theirs = found[attribute], wanted[name]
            assert interval.value == pytest.approx(theirs["global_value"], abs=1e-6)
            assert interval.estimate == pytest.approx(theirs["estimate"], abs=1e-5)
            assert interval.bias == pytest.approx(theirs["bias"], abs=1e-5)
            assert interval.standard_error == pytest.approx(theirs["std_err"], abs=1e-5)
            assert [interval.low, interval.high] == pytest.approx(theirs["interval"], abs=1e-4)


@pytest.mark.parametrize("config", expected("dcase_metrics_2021")["configs"])
@pytest.mark.parametrize("fixture", ["dcase_metrics_2021"])
def test_2021(files, fixture, config):
    wanted, folder = expected(fixture)["configs"][config], files(fixture)
    rules = replace(RULES[2021], angle=config.split("_")[0], angle_threshold_deg=wanted["doa_threshold_deg"])
    evaluation = evaluate_folders(folder / "ref", folder / "pred", classes=12, year=2021, rules=rules, parity="upstream")
    same_scores(evaluation.score(), wanted["all"], SCORES)
    counts, theirs = evaluation.score().counts, wanted["all"]["counters"]
    # Its false positives include the mislocated, and nothing is kept per class.
    found = {name: float(getattr(counts, a).sum()) for name, a in COUNTS.items() if name in theirs and name != "FP"}
    assert found == {name: theirs[name] for name in found}
    assert (counts.false_alarms + counts.mislocated).sum() == theirs["FP"]
    for name, score in evaluation.clip_scores().items():
        same_scores(score, wanted["per_file"][f"{name}.csv"], SCORES)
    for room in ("room1", "room2"):
        part = evaluation.select([name for name in evaluation.clips if room in name])
        same_scores(part.score(), wanted[room], SCORES)


@pytest.mark.parametrize("config", expected("dcase_metrics_2023")["configs"])
@pytest.mark.parametrize("fixture", ["dcase_metrics_2023"])
def test_2022_and_2023(files, fixture, config):
    wanted, folder = expected(fixture)["configs"][config], files(fixture)
    rules = replace(RULES[2023], angle=wanted["coordinates"], angle_threshold_deg=wanted["doa_threshold_deg"])
    evaluation = evaluate_folders(folder / "ref", folder / "pred", classes=13, year=2023, rules=rules, parity="upstream")
    average = wanted["average"]
    score = evaluation.score(average)
    same_scores(score, wanted["all"], SCORES)
    same_counts(score.counts, wanted["all"]["counters"])
    same_classes(score, wanted["all"].get("classwise", {}), SCORES)
    for name, clip in evaluation.clip_scores(average).items():
        same_scores(clip, wanted.get("per_file", {}).get(f"{name}.csv", {}), SCORES)
    if "jackknife" in wanted:
        same_intervals(evaluation, average, wanted["jackknife"], SCORES)


def rules_2024(wanted):
    rules = replace(
        RULES[2024],
        angle_threshold_deg=wanted["doa_threshold_deg"],
        distance_threshold=float(wanted["dist_threshold_m"]),
        relative_distance_threshold=float(wanted["reldist_threshold"]),
        reports=(*RULES[2024].reports, "error_rate"),
    )
    if wanted["segment_based"]:
        return replace(RULES[2023], angle="cartesian")
    return rules if wanted["evaluate_distance"] else replace(rules, distance="ignored")


@pytest.mark.parametrize("config", expected("dcase_metrics_2024")["configs"])
@pytest.mark.parametrize("fixture", ["dcase_metrics_2024"])
def test_2024(files, fixture, config):
    wanted, folder, names = expected(fixture)["configs"][config], files(fixture), {**SCORES, **FRAME_SCORES}
    evaluation = evaluate_folders(
        folder / "ref", folder / wanted["predictions"], classes=13, year=2024, rules=rules_2024(wanted), parity="upstream"
    )
    score = evaluation.score(wanted["average"])
    same_scores(score, wanted["all"], names)
    same_counts(score.counts, wanted["all"]["counters"])
    same_classes(score, wanted["all"].get("classwise", {}), names)
    for name, clip in evaluation.clip_scores(wanted["average"]).items():
        same_scores(clip, wanted.get("per_file", {}).get(f"{name}.csv", {}), names)
    if "jackknife" in wanted:
        same_intervals(evaluation, wanted["average"], wanted["jackknife"], names)


@pytest.mark.parametrize("config", expected("dcase_metrics_2025")["configs"])
@pytest.mark.parametrize("fixture", ["dcase_metrics_2025"])
def test_2025(files, fixture, config):
    wanted, folder = expected(fixture)["configs"][config], files(fixture)
    rules = replace(
        RULES[2025],
        angle_threshold_deg=wanted["doa_threshold_deg"],
        onscreen="required" if wanted["require_onscreen"] else "free",
    )
    names = {"F": "f", "OnscreenAcc": "onscreen_accuracy", **FRAME_SCORES}
    metres = {"DistE": 0.01}
    evaluation = evaluate_folders(folder / "ref", folder / "pred", classes=13, year=2025, rules=rules, parity="upstream")
    score = evaluation.score(wanted["average"])
    same_scores(score, wanted["all"], names, scale=metres)
    same_counts(score.counts, wanted["all"]["counters"])
    for name, clip in evaluation.clip_scores(wanted["average"]).items():
        same_scores(clip, wanted["per_file"][f"{name}.csv"], names, scale=metres)


@pytest.mark.parametrize("config", expected("l3das22_metrics")["configs"])
@pytest.mark.parametrize("fixture", ["l3das22_metrics"])
def test_l3das22(files, fixture, config):
    wanted, folder = expected(fixture)["configs"][config], files(fixture)
    rules = replace(RULES["l3das22"], distance_threshold=wanted["spatial_threshold"])
    evaluation = evaluate_folders(folder / "ref", folder / "pred", classes=14, year="l3das22", rules=rules, parity="upstream")
    scores = {"all": (evaluation.score(), wanted)}
    scores |= {name: (score, wanted["per_file"][name]) for name, score in evaluation.clip_scores().items()}
    for score, theirs in scores.values():
        same_counts(score.counts, {name: [theirs[name]] for name in ("TP", "FP", "FN")})
        same_scores(score, theirs, {"F": "f", "precision": "precision", "recall": "recall"})


@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize("fixture", ["dcase_metrics_2023"])
def test_pseldnets_on_2023(files, fixture, average):
    wanted, folder = expected(fixture)["pseldnets"], files(fixture)
    rules = replace(RULES["pseldnets"], length=wanted["num_frames"])
    evaluation = evaluate_folders(folder / "ref", folder / "pred", classes=13, year=2023, rules=rules, parity="upstream")
    pairs = {"all": (evaluation.score(average), wanted["all"])}
    pairs |= {n: (s, wanted["per_file"][f"{n}.csv"]) for n, s in evaluation.clip_scores(average).items()}
    for score, theirs in pairs.values():
        assert list(score.values().values()) == pytest.approx(list(_in_order(theirs[average])), abs=1e-5)
        assert np.nonzero(score.counts.matched)[0].tolist() == theirs["classes_kept"]


def _in_order(scores):
    return (scores[name] for name in ("ER", "F", "LE", "LR", "SELD_scr"))


PSELD = np.load(HERE / "pseld_metrics" / "expected.npz")
SCENARIOS = sorted({name.split("/")[0] for name in PSELD.files if name.endswith("/ref")})


def pseld_clips(table, clips):
    clip, frame, label, azimuth, elevation = table.T
    rows = FrameLabels(frame, label, azimuth=np.radians(azimuth), elevation=np.radians(elevation))
    return {str(i): rows.rows(clip == i) for i in range(clips)}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("fixture", ["pseld_metrics"])
def test_pseldnets(fixture, scenario):
    part = {name.split("/")[1]: PSELD[name] for name in PSELD.files if name.startswith(f"{scenario}/")}
    frames = {str(i): int(n) for i, n in enumerate(part["num_frames"])}
    sides = [pseld_clips(part[side].reshape(-1, 5), len(frames)) for side in ("ref", "pred")]
    evaluation = evaluate_labels(*sides, classes=13, year="pseldnets", lengths=frames)
    counts = evaluation.score().counts
    same_counts(counts, {name: part[f"count_{name}"] for name in COUNTS if f"count_{name}" in part})
    np.testing.assert_allclose(counts.angle_sum_deg, part["count_total_DE"], rtol=0, atol=1e-4)
    assert [counts.substitutions, counts.deletions, counts.insertions] == part["count_SDI"].tolist()
    for key, average, rules in (
        ("macro", "macro", RULES["pseldnets"]),
        ("micro", "micro", RULES["pseldnets"]),
        ("macro_all", "macro", replace(RULES["pseldnets"], macro_classes="all")),
        ("macro_ref_present", "macro_present", RULES["pseldnets"]),
    ):
        score = replace(evaluation, rules=rules).score(average)
        wanted = part[key].tolist()
        assert score.error_rate == pytest.approx(wanted[0], rel=1e-6) or math.isnan(wanted[0])
        assert list(score.values().values())[1:] == pytest.approx(wanted[1:], rel=1e-6, abs=1e-5, nan_ok=True), key


@pytest.mark.parametrize(
    ("fixture", "year"), [("dcase_metrics_2023", 2022), ("dcase_metrics_2023", 2023), ("dcase_metrics_2024", 2024)]
)
def test_an_empty_reference_is_refused_in_parity_and_scored_otherwise(files, fixture, year):
    assert "ValueError" in expected(fixture)["empty_reference_file"]
    reference = read_dcase_folder(files(fixture) / "raises" / "ref", year=2024)
    (name,) = reference
    heard = {name: FrameLabels([3], [0], azimuth=[0.0], elevation=[0.0], distance=[1.0])}
    with pytest.raises(FormatError, match=rf"{name}: the reference is empty"):
        evaluate_labels(reference, heard, classes=13, year=year, parity="upstream")
    assert evaluate_labels(reference, heard, classes=13, year=year).score().counts.false_alarms.sum() == 1
