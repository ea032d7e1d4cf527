"""Scores by group: what they count, against sums by hand, and what must hold whatever is answered."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.questions import HeardSource, askable, question
from auris.errors import ParameterError
from auris.io.qa_predictions import QaPrediction
from auris.metrics.average_precision import average_precision
from auris.metrics.question_answering import evaluate_answers, majority_answers, random_answers, worst_errors
from auris.metrics.question_answering.scores import asked_axis

NUMBERS = itertools.count()


def item(kind, answer, prediction, question=""):
    return QaPrediction(kind, next(NUMBERS), question, answer, prediction)


def values(*items, **options):
    return evaluate_answers(items, **options).values()


PLACES = [
    item("DOA", "left, behind, below; 2.5m", "left, behind, below; 2.5m"),
    item("DOA", "left, behind, below; 2.5m", "It is below and behind you on the left, two metres away."),
    item("DOA", "right, front, above; 4m", "right, behind, above; 4.6m"),
    item("DOA", "right, front, above; 4m", "right, front; 1m"),
    item("DOA", "right, front, above; 4m", "I cannot tell."),
]
REASONING = [
    item("MIXUP_DIRECTION", "Yes", "Yes.", "Is the dog to the left of the rain?"),
    item("MIXUP_DIRECTION", "No", "Yes.", "Is the dog further to the right than the rain?"),
    item("MIXUP_DIRECTION", "No", "It is not.", "Does the dog lie further back than the rain?"),
    item("MIXUP_DIRECTION", "No", "", "Is the dog higher than the rain?"),
    item("MIXUP_DISTANCE_BOTH", "No", "no"),
    item("MIXUP_NONBINARY_DISTANCE", "2m", "250 cm"),
    item("MIXUP_NONBINARY_DISTANCE", "2m", "3m"),
    item("MIXUP_NONBINARY_DIRECTION", "left", "on your left"),
    item("MIXUP_NONBINARY_DIRECTION", "left", "left, front"),
    item("MIXUP_NONBINARY_DIRECTION", "above", "below"),
    item("MIXUP_NONBINARY_SOURCE", "dog", "A barking dog."),
    item("MIXUP_NONBINARY_SOURCE", "dog", "dog; rain"),
]


def test_places():
    found = values(*PLACES)
    assert found["B_direction"] == pytest.approx(2 / 5)
    assert found["B_left_right"] == pytest.approx(4 / 5)
    assert found["B_front_behind"] == pytest.approx(3 / 5)
    assert found["B_above_below"] == pytest.approx(3 / 5)
    assert found["B_der"] == pytest.approx(3 / 5)  # 0.5 m is near, 0.6 m is not
    assert found["B_distance_error"] == pytest.approx((0 + 0.5 + 0.6 + 3) / 4)
    assert found["B_unreadable"] == pytest.approx(1 / 5)


def test_reasoning():
    found = values(*REASONING)
    assert found["E_direction"] == pytest.approx(2 / 4)
    assert found["E_direction_left_right"] == pytest.approx(1 / 2)
    assert found["E_direction_front_behind"] == 1
    assert found["E_direction_above_below"] == 0
    assert found["E_distance"] == 1
    assert found["E_yes_no"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["E_nonbinary_der"] == pytest.approx(1 / 2)
    assert found["E_nonbinary_distance_error"] == pytest.approx(0.75)
    assert found["E_nonbinary_direction"] == pytest.approx(2 / 3)  # more than was asked for is no harm
    assert found["E_nonbinary_source"] == pytest.approx(1 / 2)
    assert found["E_unreadable"] == pytest.approx(1 / 12)


def test_detection():
    answers = [("dog; speech", "dog; people talking"), ("rain", "dog"), ("rain", "rain"), ("speech", "")]
    found = values(*(item("CLASSIFICATION", *each) for each in answers))
    scores = [[1, 0, 0.9], [1, 0, 0], [0, 1, 0], [0, 0, 0]]
    truth = [[1, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert found["A_map"] == pytest.approx(average_precision(scores, truth).mean())
    assert found["A_f1"] == pytest.approx((0.5 + 0 + 1 + 0) / 4)
    assert found["A_f1_by_meaning"] == pytest.approx((1 + 0 + 1 + 0) / 4)
    assert found["A_unreadable"] == pytest.approx(1 / 4)


def test_classes_that_no_truth_holds_do_not_change_the_map():
    items = [item("CLASSIFICATION", "dog", "dog"), item("CLASSIFICATION", "rain", "dog")]
    few, many = values(*items), values(*items, classes=["Dog", "Rain", "Music", "Speech"])
    assert few["A_map"] == many["A_map"]
    with pytest.raises(ParameterError, match="1 classes of the truth are not in the list of 1: rain"):
        values(*items, classes=["dog"])


def test_right_answers_score_all_and_intervals_hold_the_value():
    items = [item(each.question_type, each.answer, each.answer, each.question) for each in PLACES + REASONING]
    items += [item("CLASSIFICATION", "dog; rain", "dog; rain"), item("MIXUP_SINGLE_CLASSIFICATION", "dog", "dog")]
    evaluation = evaluate_answers(items, resamplings=50)
    for score in evaluation.scores:
        wrong = score.name.endswith(("der", "distance_error", "unreadable"))
        assert score.value == (0 if wrong else 1), score.key
        assert score.interval.low == score.interval.high == pytest.approx(score.value)
    assert evaluation.unreadable == 0
    assert len(evaluation) == len(items)


def test_intervals_are_about_the_value_and_reproducible():
    items = [item("MIXUP_DIRECTION", "Yes", "Yes" if number % 3 else "No") for number in range(90)]
    first, again = (evaluate_answers(items, resamplings=500, seed=1).scores[0].interval for _ in range(2))
    assert first == again
    assert first.low < first.value < first.high
    # The standard error of a share of 2/3 of 90.
    assert first.high - first.low == pytest.approx(2 * 1.96 * math.sqrt(2 / 9 / 90), rel=0.15)
    assert math.isnan(evaluate_answers(items, resamplings=0).scores[0].interval.low)


def test_the_mean_of_both_does_not_depend_on_how_many_there_are():
    many = [item("MIXUP_DIRECTION", "Yes", "Yes") for _ in range(30)]
    few = [item("MIXUP_DISTANCE_BOTH", "Yes", "No")]
    assert values(*many, *few)["E_yes_no"] == 0.5


def test_by_class():
    evaluation = evaluate_answers([item("CLASSIFICATION", "dog", "dog"), item("CLASSIFICATION", "rain", "dog")], resamplings=0)
    assert evaluation.by_class("A") == [("dog", 1, 0.5), ("rain", 1, 0.5)]
    assert evaluation.by_class("C") == []


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("DOA", "left, front; 2m"), ("DOA", "hm"), ("MIXUP_DIRECTION", "perhaps"), ("MIXUP_NONBINARY_DIRECTION", "left, front"),
     ("MIXUP_NONBINARY_DISTANCE", "far"), ("CLASSIFICATION", " ; ")],
)  # fmt: skip
def test_a_truth_that_says_nothing_is_refused(kind, answer):
    with pytest.raises(ParameterError, match="is no true answer"):
        values(item(kind, answer, "left"))


def test_nothing_to_score():
    with pytest.raises(ParameterError, match="no answers"):
        evaluate_answers([])
    with pytest.raises(ParameterError, match="resamplings"):
        evaluate_answers(PLACES, resamplings=-1)


def sources():
    return [HeardSource(("dog",), (2.0, 3.0, -1.0)), HeardSource(("clock tick",), (-4.0, -2.0, 1.5))]


def test_the_axis_of_every_question_of_the_grammar_is_found():
    axes = {"left": 0, "right": 0, "front": 1, "behind": 1, "above": 2, "below": 2}
    seen = set()
    for seed in range(400):
        asked = question("MIXUP_DIRECTION", sources(), seed)
        assert asked_axis(asked.text) == axes[asked.asked.words[0]], asked.text
        seen.add(asked.asked.words[0])
    assert {axes[word] for word in seen} == {0, 1, 2}
    assert askable("MIXUP_DIRECTION", sources())
    assert asked_axis("Is the dog nearer than the rain?") is None


@given(st.lists(st.tuples(st.sampled_from([*PLACES, *REASONING]), st.text(max_size=20)), min_size=1, max_size=12))
def test_shares_are_shares_whatever_is_answered(given_answers):
    items = [item(each.question_type, each.answer, text, each.question) for each, text in given_answers]
    for score in evaluate_answers(items, resamplings=5).scores:
        if not score.name.endswith("distance_error"):
            assert 0 <= score.value <= 1
            assert 0 <= score.interval.low <= score.interval.high <= 1


def yes_no(count, yes):
    return [item("MIXUP_DIRECTION", "Yes" if number < yes else "No", "") for number in range(count)]


def test_the_majority_answer_is_right_as_often_as_it_is_true():
    chosen = majority_answers(yes_no(100, 70) + PLACES + REASONING[5:])
    found = values(*chosen)
    assert found["E_direction"] == 0.7
    assert {each.prediction for each in chosen if each.question_type == "DOA"} == {"right, front, above; 4m"}
    assert found["B_direction"] == pytest.approx(3 / 5)
    assert found["E_nonbinary_direction"] == 1  # of the axis that was asked for
    assert found["E_unreadable"] == 0


def test_random_answers_are_at_chance():
    words = list(itertools.product(("left", "right"), ("front", "behind"), ("above", "below")))
    places = [item("DOA", f"{', '.join(words[n % 8])}; {n % 20 / 2:g}m", "") for n in range(1600)]
    found = values(*random_answers(yes_no(2000, 1000) + places, seed=3), resamplings=0)
    assert found["E_direction"] == pytest.approx(0.5, abs=0.04)
    assert found["B_direction"] == pytest.approx(0.125, abs=0.03)
    assert found["B_left_right"] == pytest.approx(0.5, abs=0.05)
    assert found["B_der"] == pytest.approx(1 - 58 / 400, abs=0.04)
    assert random_answers(places, seed=3) == random_answers(places, seed=3)
    assert random_answers(places, seed=3) != random_answers(places, seed=4)


def test_the_report_says_what_is_taken_for_what_and_what_is_worst():
    wrong = [item("CLASSIFICATION", "rain", "music") for _ in range(3)] + [item("CLASSIFICATION", "dog", "rain")]
    report = worst_errors(evaluate_answers([*PLACES, *wrong, *REASONING], resamplings=0), most=2)
    assert "CLASSIFICATION: 4 of 4 wrong" in report
    assert "rain → music: 3 of 3" in report
    assert "front → behind: 1 of 3" in report
    assert "Yes → No" not in report
    assert "No → Yes: 1 of 3" in report
    assert "'I cannot tell.'" in report
    assert "… 2 more" in report
    # The wrong words first, then the metres.
    doa = report[report.index("DOA: 3 of 5 wrong") :]
    lines = [line for line in doa.splitlines() if " is right, " in line][:2]
    assert "2 of 3 words" not in lines[0]
    assert "1 of 3 words, 3.0 m off" in lines[0]
    assert "1 of 3 words, 0.6 m off" in lines[1]


def test_the_report_of_right_answers_is_short():
    report = worst_errors(evaluate_answers([item("DOA", "left, front, above; 2m", "left, front, above; 2m")]))
    assert report == "DOA: 0 of 1 wrong\n"


def test_long_texts_are_cut_in_the_report():
    report = worst_errors(evaluate_answers([item("DOA", "left, front, above; 2m", "word " * 100)]))
    assert max(map(len, report.splitlines())) < 120


def test_many_questions_take_seconds():
    classes = [f"sound {number}" for number in range(60)]
    rng = np.random.default_rng(0)
    items = [item("CLASSIFICATION", classes[number % 60], classes[rng.integers(60)]) for number in range(1500)]
    assert values(*items, resamplings=100)["A_map"] < 0.2
