import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.geometry.directions import angle_between
from auris.geometry.frames import FRAMES
from auris.metrics.spatial_ast import angular_error_deg, evaluate_clips, place_vectors

LABELS = ("bell", "dog", "rain")
seeds = st.integers(0, 10_000)


def drawn(seed, clips=30):
    """Truth and answers of some clips, classes drawn at random."""
    random = np.random.default_rng(seed)
    events = random.random((clips, 3)) < 0.4
    scores = random.standard_normal((clips, 3)).round(1)
    heard, true = ([random.integers(n, size=clips) for n in (21, 360, 180)] for _ in range(2))
    return {"scores": scores, "events": events, "heard": heard, "true": true, "t60": random.uniform(0.1, 1.4, clips)}


def evaluated(*, scores, events, heard, true, t60=None, **options):
    options = {"labels": LABELS, "resamplings": 50, **options}
    return evaluate_clips(scores, events, heard=heard, true=true, t60=t60, **options)


@given(seed=seeds)
def test_the_order_of_clips_does_not_matter(seed):
    clips = drawn(seed)
    order = np.random.default_rng(seed + 1).permutation(30)
    moved = {
        name: [part[order] for part in value] if isinstance(value, list) else value[order] for name, value in clips.items()
    }
    first, second = evaluated(**clips), evaluated(**moved)
    assert first.values() == pytest.approx(second.values(), nan_ok=True)
    assert [each.clips for each in first.by_t60()] == [each.clips for each in second.by_t60()]


@given(seed=seeds)
def test_perfect_answers(seed):
    clips = drawn(seed)
    found = evaluated(**clips | {"heard": clips["true"], "scores": clips["events"].astype(float)})
    values = found.values()
    assert values["map_present"] == 1.0
    for name in ("er20", "mae", "der", "distance_error"):
        assert values[name] == pytest.approx(0, abs=1e-9)
    assert all(
        value == 0 or math.isnan(value) for value in (values[plane] for plane in ("front_back", "left_right", "up_down"))
    )
    assert found.intervals()["er20"].high == 0


@given(seed=seeds)
def test_answers_with_front_and_back_exchanged(seed):
    clips = drawn(seed)
    distance, azimuth, elevation = clips["true"]
    found = evaluated(**clips | {"heard": [distance, (360 - azimuth) % 360, elevation]})
    assert found.values()["front_back"] == 1.0
    assert found.values()["left_right"] == 0.0
    mirrored = found.mirrored["front_back"]
    assert found.direction_missed[mirrored.counted].all()


@given(seed=seeds)
def test_classes_are_the_frame_of_bat(seed):
    random = np.random.default_rng(seed)
    classes = np.stack([np.full(20, 2), random.integers(360, size=20), random.integers(180, size=20)], axis=-1)
    points = FRAMES["bat"].to_internal(classes)
    np.testing.assert_allclose(place_vectors(classes[:, 1], classes[:, 2]), points, atol=1e-12)
    found = angular_error_deg(classes[:10, 1], classes[:10, 2], classes[10:, 1], classes[10:, 2])
    np.testing.assert_allclose(found, np.degrees(angle_between(points[:10], points[10:])), atol=1e-9)


@pytest.mark.parametrize("azimuth", range(0, 360, 7))
def test_an_angle_of_exactly_20_degrees_is_no_error(azimuth):
    at = ([4], [azimuth], [90])
    assert not evaluate_clips([[1.0]], [[1]], heard=([4], [(azimuth + 20) % 360], [90]), true=at).direction_missed[0]
    assert evaluate_clips([[1.0]], [[1]], heard=([4], [(azimuth + 21) % 360], [90]), true=at).direction_missed[0]


def test_distances_may_be_one_class_off():
    places = [np.array([4, 4, 4, 4]), np.zeros(4, int), np.full(4, 90)]
    found = evaluate_clips(np.zeros((4, 1)), np.ones((4, 1)), heard=[np.array([3, 5, 6, 2]), *places[1:]], true=places)
    assert found.distance_missed.tolist() == [False, False, True, True]
    assert found.values()["distance_error"] == 0.75


def test_bins_hold_every_clip_once():
    found = evaluated(**drawn(0, clips=200))
    assert sum(each.clips for each in found.by_distance()) == 200
    bins = found.by_t60()
    assert sum(each.clips for each in bins) == 200
    weighted = sum(each.clips * each.mae.value for each in bins) / 200
    assert weighted == pytest.approx(found.values()["mae"])
    for each in bins:
        inside = (found.t60 >= each.low) & (found.t60 < each.high)
        assert each.er20.value == pytest.approx(found.direction_missed[inside].mean())
        assert each.er20.low <= each.er20.value <= each.er20.high


def test_clips_without_a_reverberation_time_are_in_no_bin():
    clips = drawn(1)
    assert evaluated(**clips | {"t60": None}).by_t60() == ()
    clips["t60"][:10] = np.nan
    assert sum(each.clips for each in evaluated(**clips).by_t60()) == 20


def test_intervals_hold_the_scores_follow_from_the_seed_and_shrink_with_clips():
    few, many = evaluated(**drawn(2, clips=60), resamplings=400), evaluated(**drawn(2, clips=2000), resamplings=400)
    for found in (few, many):
        for name, interval in found.intervals().items():
            assert interval.low <= interval.value <= interval.high, name
            assert interval.value == found.values()[name]
    assert few.intervals() == evaluated(**drawn(2, clips=60), resamplings=400).intervals()
    assert few.intervals() != evaluated(**drawn(2, clips=60), resamplings=400, seed=1).intervals()
    width = [found.intervals()["mae"].high - found.intervals()["mae"].low for found in (few, many)]
    assert width[1] < width[0] / 3


def test_a_class_that_no_clip_holds_counts_as_published_and_is_shown_as_unknown():
    clips = drawn(3)
    clips["events"][:, 2] = False
    found = evaluated(**clips)
    assert found.values()["map"] == pytest.approx(found.values()["map_present"] * 2 / 3)
    rows = found.by_class()
    assert [row["label"] for row in rows] == list(LABELS)
    assert rows[2]["clips"] == 0
    assert math.isnan(rows[2]["ap"])
    assert math.isnan(rows[2]["er20"])
    assert rows[0]["er20"] == pytest.approx(found.direction_missed[clips["events"][:, 0]].mean())
    interval = found.intervals()["map"]
    assert interval.low <= interval.value <= interval.high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros((29, 3))}, r"got \(29, 3\) and \(30, 3\)"),
        ({"scores": np.full((30, 3), np.nan)}, "got nan for item 0, class 0"),
        ({"labels": ("bell", "dog")}, "2 class names were given, but the scores have 3 classes"),
        ({"t60": np.zeros(3)}, "t60 must have one value for each of 30 clips"),
        ({"heard": [np.zeros(30), np.zeros(30)]}, "heard places are distance, azimuth and elevation classes, got 2 arrays"),
        ({"heard": [np.zeros(29), np.zeros(30), np.zeros(30)]}, "heard distance must have one class for each of 30"),
        (
            {"true": [np.full(30, 21), np.zeros(30), np.zeros(30)]},
            "true distance classes are whole numbers from 0 to 20, got 21",
        ),
        ({"heard": [np.zeros(30), np.full(30, -90), np.zeros(30)]}, "heard azimuth classes are whole numbers from 0 to 359"),
        ({"heard": [np.zeros(30), np.zeros(30), np.full(30, 89.5)]}, "got 89.5"),
        ({"heard": [np.zeros(30), np.zeros(30), np.full(30, np.nan)]}, "got nan"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        evaluated(**drawn(0) | change)


def test_nothing_is_not_scored():
    with pytest.raises(ParameterError, match="nothing to score: 0 clips, 3 classes"):
        evaluate_clips(np.zeros((0, 3)), np.zeros((0, 3)), heard=[[], [], []], true=[[], [], []])
