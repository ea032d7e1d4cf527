import numpy as np
import pytest
from scipy import stats

from auris.errors import ParameterError
from auris.metrics.bootstrap import bootstrap_interval, recentred, resampled_means, resampling_counts


def test_a_resampling_has_as_many_items_and_follows_from_the_seed():
    counts = resampling_counts(50, resamplings=20, seed=3)
    assert (counts.sum(axis=0) == 50).all()
    np.testing.assert_array_equal(counts, resampling_counts(50, resamplings=20, seed=3))
    assert (counts != resampling_counts(50, resamplings=20, seed=4)).any()


def test_for_a_mean_it_is_about_the_normal_interval():
    values = np.random.default_rng(0).normal(5, 2, 400)
    means = resampled_means(values, resampling_counts(400, resamplings=4000))
    interval = bootstrap_interval(values.mean(), means)
    wanted = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert [interval.low, interval.high] == pytest.approx(wanted, abs=0.02)


def test_items_without_a_value_do_not_count():
    counts = np.array([[1, 0], [2, 0], [0, 3]], np.uint16)
    found = resampled_means([1.0, 4.0, np.nan], counts)
    assert found[0] == 3.0
    assert np.isnan(found[1])


def test_undefined_resamplings_are_left_out():
    assert bootstrap_interval(1.0, [np.nan, 1.0, 1.0]).low == 1.0
    assert np.isnan(bootstrap_interval(1.0, [np.nan]).high)


def test_recentred_scores_keep_their_spread():
    moved = recentred(10.0, [1.0, 2.0, 3.0])
    assert moved.tolist() == [9.0, 10.0, 11.0]


@pytest.mark.parametrize(("items", "resamplings"), [(0, 10), (10, 0)])
def test_nothing_to_draw_from_is_refused(items, resamplings):
    with pytest.raises(ParameterError, match="needs items and resamplings"):
        resampling_counts(items, resamplings=resamplings)


def test_an_impossible_confidence_is_refused():
    with pytest.raises(ParameterError, match="between 0 and 1"):
        bootstrap_interval(1.0, [1.0], confidence=1.0)
