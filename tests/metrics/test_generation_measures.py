"""Divergence, inception score and similarity of generated clips: against their definitions and limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from auris.errors import ParameterError
from auris.metrics.generation import inception_score, mean_similarity, paired_divergence

weights = arrays(float, (5, 4), elements=st.floats(0, 1)).map(lambda rows: rows + 0.01)


def test_the_divergence_is_that_of_the_definition():
    reference, generated = np.array([[0.7, 0.3]]), np.array([[0.4, 0.6]])
    assert paired_divergence(reference, generated) == pytest.approx(0.7 * np.log(0.7 / 0.4) + 0.3 * np.log(0.3 / 0.6), abs=1e-5)


@given(weights, weights)
def test_a_divergence_is_never_negative_and_none_from_itself(reference, generated):
    assert paired_divergence(reference, generated) >= -1e-9
    assert paired_divergence(reference, reference * 3.0) == pytest.approx(0.0, abs=1e-5)


@given(weights)
def test_the_inception_score_lies_between_one_and_the_number_of_classes(probabilities):
    assert 1.0 - 1e-9 <= inception_score(probabilities) <= 4.0 + 1e-9


def test_similarity_knows_direction_not_length():
    vectors = np.random.default_rng(0).normal(size=(6, 8))
    assert mean_similarity(vectors, 5 * vectors) == pytest.approx(1.0)
    assert mean_similarity(vectors, -vectors) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: paired_divergence(np.ones((2, 3)), np.ones((3, 3))),
        lambda: paired_divergence(-np.ones((2, 3)), np.ones((2, 3))),
        lambda: inception_score(np.zeros((0, 3))),
        lambda: inception_score([[np.nan, 1.0]]),
        lambda: mean_similarity(np.ones((2, 3)), np.ones((2, 4))),
        lambda: mean_similarity(np.zeros((2, 3)), np.ones((2, 3))),
    ],
)
def test_impossible_rows_are_refused(call):
    with pytest.raises(ParameterError, match=r"got|zero"):
        call()
