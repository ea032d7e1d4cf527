import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from auris.errors import ParameterError
from auris.metrics.jackknife import jackknife

samples = st.lists(st.floats(-5, 5), min_size=3, max_size=20)


@given(values=samples)
def test_for_a_mean_it_is_the_t_interval(values):
    data = np.asarray(values)
    left_out = [np.delete(data, i).mean() for i in range(len(data))]
    interval = jackknife(float(data.mean()), left_out)
    assert interval.bias == pytest.approx(0, abs=1e-9)
    assert interval.standard_error == pytest.approx(stats.sem(data), abs=1e-9)
    reach = stats.t.ppf(0.975, len(data) - 1) * stats.sem(data)
    assert [interval.low, interval.high] == pytest.approx([data.mean() - reach, data.mean() + reach], abs=1e-7)


@given(values=samples)
def test_it_takes_the_bias_out_of_a_variance(values):
    data = np.asarray(values)
    left_out = [np.var(np.delete(data, i)) for i in range(len(data))]
    assert jackknife(float(np.var(data)), left_out).estimate == pytest.approx(np.var(data, ddof=1), abs=1e-9)


def test_more_confidence_is_wider():
    wide, narrow = (jackknife(1.0, [0.9, 1.0, 1.2], confidence=c) for c in (0.99, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_undefined_scores_stay_undefined():
    assert math.isnan(jackknife(1.0, [1.0, math.nan]).low)


@pytest.mark.parametrize(
    ("left_out", "confidence", "message"), [([1.0], 0.95, "at least 2"), ([1.0, 2.0], 1.0, "between 0 and 1")]
)
def test_impossible_requests_are_refused(left_out, confidence, message):
    with pytest.raises(ParameterError, match=message):
        jackknife(1.0, left_out, confidence=confidence)
