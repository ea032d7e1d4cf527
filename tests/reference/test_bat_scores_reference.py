"""Scores of whole clips against Spatial-AST's evaluation and scikit-learn (see the fixture's manifest.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from auris.metrics.average_precision import average_precision, d_prime, roc_area
from auris.metrics.spatial_ast import angular_error_deg, evaluate_clips

HERE = Path(__file__).parent / "bat_metrics"
ARRAYS = np.load(HERE / "expected.npz")
EXPECTED = json.loads((HERE / "manifest.json").read_text())["expected"]
FIXTURE = pytest.mark.parametrize("fixture", ["bat_metrics"])


@FIXTURE
def test_angles_between_classes(fixture):
    np.testing.assert_allclose(angular_error_deg(*ARRAYS["angle.in"]), ARRAYS["angle.out"], rtol=0, atol=1e-5)


@FIXTURE
def test_the_published_scores(fixture):
    evaluation = evaluate_clips(
        ARRAYS["eval.logits"], ARRAYS["eval.target"], heard=ARRAYS["eval.pred"], true=ARRAYS["eval.truth"]
    )
    values, wanted = evaluation.values(), EXPECTED["eval"]
    assert values["map"] == pytest.approx(wanted["mAP"], abs=1e-9)
    assert values["er20"] == wanted["doa_error"]
    assert values["mae"] == pytest.approx(wanted["doa_angular_error"], abs=1e-9)
    assert values["der"] == pytest.approx(1 - wanted["distance_accuracy"], abs=1e-12)


@FIXTURE
def test_every_class_by_itself(fixture):
    scores, truth = ARRAYS["eval.logits"], ARRAYS["eval.target"]
    np.testing.assert_allclose(average_precision(scores, truth), ARRAYS["eval.ap"], rtol=0, atol=1e-6)
    areas = roc_area(scores, truth)
    np.testing.assert_allclose(areas, ARRAYS["eval.auc"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(d_prime(areas), ARRAYS["eval.d_prime"], rtol=0, atol=1e-6)


@FIXTURE
def test_a_class_without_positives(fixture):
    scores, truth = ARRAYS["eval.logits"], ARRAYS["eval.target_no_positive"]
    absent = ~truth.astype(bool).any(axis=0)
    assert absent.sum() == 1
    precisions = average_precision(scores, truth)
    assert precisions[absent] == EXPECTED["class_without_positives"]["AP"]
    assert np.isnan(roc_area(scores, truth)[absent])
    places = ARRAYS["eval.truth"]
    values = evaluate_clips(scores, truth, heard=places, true=places).values()
    assert values["map"] == pytest.approx(precisions.mean())
    assert values["map_present"] == pytest.approx(precisions[~absent].mean())
