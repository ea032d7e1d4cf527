"""The score of detections in words against BAT's published script (see the fixture's manifest.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from auris.io.qa_predictions import QaPrediction
from auris.metrics.average_precision import average_precision
from auris.metrics.question_answering import evaluate_answers
from auris.metrics.question_answering.text_embedding import EmbeddingSimilarity, cosine_similarity

HERE = Path(__file__).parent / "bat_metrics"
ARRAYS = np.load(HERE / "expected.npz")
WANTED = json.loads((HERE / "manifest.json").read_text())["expected"]["qa_map"]
FIXTURE = pytest.mark.parametrize("fixture", ["bat_metrics"])


class Given:
    """Embeds the text ``answer <n>`` as the fixture does."""

    name = "fixture"

    def embed(self, texts):
        return ARRAYS["qa.text_embeddings"][[int(text.split()[1]) for text in texts]]


@FIXTURE
def test_the_published_map_of_embeddings(fixture):
    scores = cosine_similarity(ARRAYS["qa.text_embeddings"], ARRAYS["qa.class_embeddings"])
    assert average_precision(scores, ARRAYS["qa.target"]).mean() == pytest.approx(WANTED, abs=1e-7)


@FIXTURE
def test_the_published_map_from_answers_in_words(fixture):
    target = ARRAYS["qa.target"].astype(bool)
    classes = [f"class {number}" for number in range(target.shape[1])]
    predictions = [
        QaPrediction("CLASSIFICATION", number, "", "; ".join(np.array(classes)[row]), f"answer {number}")
        for number, row in enumerate(target)
        if row.any()
    ]
    assert len(predictions) == len(target)
    similarity = EmbeddingSimilarity(Given(), class_embeddings=ARRAYS["qa.class_embeddings"])
    evaluation = evaluate_answers(predictions, classes=classes, similarity=similarity, resamplings=0)
    assert evaluation.values()["A_map"] == pytest.approx(WANTED, abs=1e-7)
