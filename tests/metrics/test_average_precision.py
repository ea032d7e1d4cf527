import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from auris.errors import ParameterError
from auris.metrics.average_precision import average_precision, d_prime, resampled_average_precision, roc_area

# Few distinct scores, so that there are many ties.
rankings = st.integers(1, 25).flatmap(
    lambda n: st.tuples(
        arrays.arrays(np.int8, n, elements=st.integers(-3, 3)), arrays.arrays(np.bool_, n, elements=st.booleans())
    )
)


def by_hand(scores, truth):
    """Precision at each distinct threshold, times the recall that it adds."""
    total, before, area = truth.sum(), 0.0, 0.0
    if not total:
        return 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        retrieved = scores >= threshold
        recall = (truth & retrieved).sum() / total
        area += (recall - before) * (truth & retrieved).sum() / retrieved.sum()
        before = recall
    return area


def area_by_hand(scores, truth):
    wins = [(yes > no) + 0.5 * (yes == no) for yes in scores[truth] for no in scores[~truth]]
    return np.mean(wins) if wins else np.nan


@given(ranking=rankings)
def test_it_is_the_step_sum_over_thresholds(ranking):
    scores, truth = ranking
    assert average_precision(scores[:, None], truth[:, None])[0] == pytest.approx(by_hand(scores, truth), abs=1e-12)


@given(ranking=rankings)
def test_the_roc_area_is_how_often_a_positive_wins(ranking):
    scores, truth = ranking
    np.testing.assert_allclose(roc_area(scores[:, None], truth[:, None]), [area_by_hand(scores, truth)], atol=1e-12)


@given(ranking=rankings, data=st.data())
def test_counts_are_repeated_items(ranking, data):
    scores, truth = ranking
    counts = data.draw(arrays.arrays(np.uint16, (len(scores), 3), elements=st.integers(0, 3)))
    found = resampled_average_precision(scores[:, None].astype(float), truth[:, None], counts)
    for column in range(3):
        repeated = np.repeat(np.arange(len(scores)), counts[:, column])
        wanted = by_hand(scores[repeated], truth[repeated]) if len(repeated) else 0.0
        assert found[column, 0] == pytest.approx(wanted, abs=1e-6)


@given(ranking=rankings)
def test_only_the_order_of_scores_matters(ranking):
    scores, truth = ranking
    probabilities = 1 / (1 + np.exp(-scores.astype(float)))
    first, second = (average_precision(s[:, None], truth[:, None]) for s in (scores, probabilities))
    assert first == pytest.approx(second)


def test_many_resamplings_are_computed_in_parts_that_agree(monkeypatch):
    random = np.random.default_rng(0)
    scores, truth = random.standard_normal((40, 3)), random.random((40, 3)) < 0.3
    counts = random.integers(0, 3, (40, 50)).astype(np.uint16)
    whole = resampled_average_precision(scores, truth, counts)
    monkeypatch.setattr("auris.metrics.average_precision._CHUNK", 100)
    np.testing.assert_array_equal(resampled_average_precision(scores, truth, counts), whole)


def test_d_prime_of_chance_and_of_perfection():
    assert d_prime([0.5, 1.0, 0.0, np.nan]).tolist()[:3] == [0.0, np.inf, -np.inf]
    assert np.isnan(d_prime(np.nan))
    # Two unit normals one apart: an area of Phi(1 / sqrt(2)).
    random = np.random.default_rng(0)
    truth = np.arange(20_000) % 2 == 0
    assert d_prime(roc_area((random.standard_normal(20_000) + truth)[:, None], truth[:, None])) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("scores", "truth", "message"),
    [
        ([[1.0, 2.0]], [[1]], r"got \(1, 2\) and \(1, 1\)"),
        ([1.0], [1], r"\(items, classes\)"),
        ([[0.0], [np.nan]], [[1], [0]], "got nan for item 1, class 0"),
        ([[np.inf]], [[1]], "finite"),
        ([[0.5]], [[0.4]], "0 or 1; soft labels"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, truth, message):
    with pytest.raises(ParameterError, match=message):
        average_precision(scores, truth)
