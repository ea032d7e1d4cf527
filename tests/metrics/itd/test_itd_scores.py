"""Comparing tracks: errors, directions and movements, and the Fréchet distance of few points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from auris.errors import ParameterError
from auris.io.bewo import record_from_plain
from auris.metrics.frechet import frechet_distance
from auris.metrics.itd import (
    ItdTrack,
    compare_tracks,
    direction_class,
    direction_of_itd,
    evaluate_itd,
    itd_of_direction,
    record_itd,
    upstream_fsad,
    upstream_itd_ms,
    upstream_mse,
)

TIMES = np.arange(50) / 10


def track(values):
    return ItdTrack(TIMES, np.broadcast_to(values, 50))


@given(st.floats(1, 5), st.floats(0.05, 0.5))
def test_directions_and_delays_are_inverse(direction, spacing):
    assert direction_of_itd(itd_of_direction(direction, spacing=spacing), spacing=spacing) == pytest.approx(direction, abs=1e-6)


def test_classes_meet_half_way_and_beyond_the_sides_are_the_sides():
    delays = itd_of_direction([1.0, 1.49, 1.51, 3.0, 4.51])
    assert direction_class(delays).tolist() == [1, 1, 2, 3, 5]
    assert direction_class([2e-3, -2e-3, np.nan]).tolist() == [1, 5, 0]


@pytest.mark.parametrize("wrong", [0.9, 5.1, np.nan])
def test_directions_beyond_the_half_circle_are_refused(wrong):
    with pytest.raises(ParameterError):
        itd_of_direction(wrong)


def test_a_clip_is_compared_where_both_sound():
    truth, said = np.full(50, 0.2e-3), np.full(50, 0.25e-3)
    truth[:10], said[40:] = np.nan, np.nan
    clip = compare_tracks("a", ItdTrack(TIMES, truth), ItdTrack(TIMES, said))
    assert (clip.frames, clip.compared) == (50, 30)
    assert clip.gated_reference == clip.gated_prediction == pytest.approx(0.2)
    assert [clip.frame_mae_ms, clip.mean_error_ms] == pytest.approx([0.05, 0.05])
    assert clip.directions_reference == clip.directions_prediction == (2,)
    assert np.isnan(clip.correlation)


def test_a_mover_is_no_source_in_the_middle():
    moves = np.clip(np.linspace(0.8e-3, -0.8e-3, 50), -0.48e-3, 0.48e-3)
    clip = compare_tracks("a", track(moves), track(0.0))
    assert clip.mean_error_ms == pytest.approx(0, abs=1e-9)  # all that the published figure sees
    assert clip.frame_mae_ms > 0.3
    assert clip.directions_reference == (1, 5)
    assert clip.direction_accuracy == 0
    assert clip.correlation == 0
    assert compare_tracks("a", track(moves), track(0.5 * moves)).correlation == pytest.approx(1)
    assert compare_tracks("a", track(moves), track(-moves)).correlation == pytest.approx(-1)


def test_silent_clips_are_counted_and_in_no_score():
    silent = track(np.nan)
    found = evaluate_itd({"a": (track(0.1e-3), track(0.1e-3)), "b": (silent, track(0.1e-3)), "c": (track(0.1e-3), silent)})
    assert found.silent == ("b", "c")
    assert found.gated_share == pytest.approx(2 / 3)
    assert found.frame_mae_ms.value == 0
    assert found.direction_accuracy.value == 1
    assert found.movers == 0
    assert np.isnan(found.trajectory_correlation.value)
    assert found.to_dict()["clips_compared"] == 1


def test_frames_count_alike_whatever_the_clip_and_intervals_hold_the_score():
    rng = np.random.default_rng(0)
    pairs = {}
    for name in range(30):
        said = rng.normal(0, 0.05e-3, 50)
        said[: rng.integers(40)] = np.nan
        pairs[str(name)] = (track(0.0), ItdTrack(TIMES, said))
    found = evaluate_itd(pairs)
    frames = np.concatenate([1e3 * np.abs(said.itd[said.active]) for _, said in pairs.values()])
    assert found.frame_mae_ms.value == pytest.approx(frames.mean())
    assert found.frame_mae_ms.low < found.frame_mae_ms.value < found.frame_mae_ms.high


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ParameterError, match="other times"):
        compare_tracks("a", track(0.0), ItdTrack(TIMES + 0.05, np.zeros(50)))
    with pytest.raises(ParameterError, match="no clips"):
        evaluate_itd({})


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_the_distance_of_many_points_is_the_textbook_one(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(40, 5)) @ rng.normal(size=(5, 5)), rng.normal(size=(60, 5)) + 1
    covariances = np.cov(first.T), np.cov(second.T)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    wanted = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(second, first) == pytest.approx(wanted, rel=1e-6)


def test_few_points_in_many_dimensions_have_a_distance_and_none_to_themselves():
    points = np.random.default_rng(0).normal(size=(4, 500))
    assert frechet_distance(points, points) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(points, points + 1) == pytest.approx(500, rel=1e-6)


@pytest.mark.parametrize("second", [np.zeros((1, 3)), np.zeros((4, 2)), np.full((4, 3), np.nan)])
def test_clouds_that_have_no_distance_are_refused(second):
    with pytest.raises(ParameterError):
        frechet_distance(np.zeros((4, 3)), second)


def test_published_figures_refuse_other_shapes():
    with pytest.raises(ParameterError, match=r"0\.272 s"):
        upstream_itd_ms(np.zeros((2, 4000), np.float32), 16_000)
    with pytest.raises(ParameterError):
        upstream_mse(np.zeros((3, 100)), np.zeros((2, 100)))
    with pytest.raises(ParameterError):
        upstream_fsad(np.zeros((3, 100)), np.zeros((3, 100)))


def record(**changes):
    plain = {
        "audio_name": "a",
        "meta": ["set&clip"],
        "caption": "a dog barks",
        "room_size": [20.0, 20.0, 4.0],
        "micro_pos": [[9.915, 10.085], [10.0, 10.0], [1.5, 1.5]],
        "start": [[5.0, 10.0, 1.5, 0.5]],
        "end": [[15.0, 10.0, 1.5, 0.5]],
        "RT60": 0.3,
        "change_step": [0.0],
        "raw_start": [1.0],
        "raw_end": [5.0],
        "start_angle": [180.0],
        "end_angle": [0.0],
        "raw_speed": ["moderate"],
        "speed_ratio": [0.5],
        "move_start_time": [2 * 16_000],
        "raw_audio_path": ["clip.wav"],
    }
    return record_from_plain({**plain, **changes})


def test_the_track_of_a_record_begins_and_ends_as_it_says():
    made = record()
    found = record_itd(made, duration=10.0, sample_rate=16_000)
    assert len(found) == 100
    assert found.itd[:20] == pytest.approx(made.itd(0, at="start"))
    assert found.itd[71:] == pytest.approx(made.itd(0, at="end"))
    assert found.itd[45] == pytest.approx(0, abs=1e-4)
    assert (np.diff(found.itd) <= 1e-12).all()


def test_a_record_may_stay_or_jump():
    still = record_itd(record(raw_speed=["still"], speed_ratio=[0.0]), duration=5.0, sample_rate=16_000)
    assert len(set(still.itd)) == 1
    jumps = record_itd(record(raw_speed=["instantly"], speed_ratio=[0.0], change_step=[0.4]), duration=10.0, sample_rate=16_000)
    assert (jumps.itd[:40] > 0.4e-3).all()
    assert (jumps.itd[40:] < -0.4e-3).all()


def test_a_movement_that_begins_too_late_ends_with_the_clip():
    found = record_itd(record(move_start_time=[9 * 16_000]), duration=10.0, sample_rate=16_000)
    assert found.itd[-1] < -0.45e-3


def test_a_record_has_only_its_sources():
    with pytest.raises(ParameterError, match="1 sources"):
        record_itd(record(), duration=10.0, sample_rate=16_000, source=1)
