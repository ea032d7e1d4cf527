"""Questions about simulated scenes as batches to train on."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from auris.data.language.question_grammar import GRAMMAR, said, templates_of
from auris.data.language.questions import HeardSource, QuestionMargins, askable
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES
from auris.training.bat_questions import drawn_question, validation_questions
from auris.training.bat_scenes import Heard

EVERY = dict.fromkeys(QUESTION_TYPES, 1.0)
LABELS = ("dog", "rain", "speech", "clock tick")


def scenes(count: int, *, seed: int = 0) -> list[tuple[HeardSource, ...]]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        names = rng.permutation(len(LABELS))[: 1 + int(rng.random() < 0.8)]
        made.append(tuple(HeardSource((LABELS[n],), tuple((rng.uniform(-4, 4, 3) * [1, 1, 0.4]).tolist())) for n in names))
    return made


def drawn(count: int, wording: str):
    found = (
        drawn_question(sources, EVERY, number, margins=QuestionMargins(), wording=wording)  # type: ignore[arg-type]
        for number, sources in enumerate(scenes(count))
    )
    return [question for question in found if question is not None]


@pytest.fixture(scope="module")
def training():
    return drawn(2500, "training")


def test_yes_and_no_are_as_frequent_in_every_form(training) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for question in training:
        if question.answer in ("Yes", "No"):
            counts[question.asked.form][question.answer] += 1
    assert len(counts) >= 4
    for form, found in counts.items():
        total = sum(found.values())
        assert abs(found["Yes"] / total - 0.5) < 3.5 * 0.5 / np.sqrt(total), (form, found)


def test_every_form_has_words_for_training_and_others_held_out() -> None:
    for form in GRAMMAR:
        own, others = templates_of(form, "training"), templates_of(form, "held_out")
        assert own, form
        assert others, form
        assert not set(own) & set(others)


def readers(wording: str) -> dict[str, list[re.Pattern[str]]]:
    from auris.data.language.question_grammar import _SLOTS

    return {form: [t.pattern(_SLOTS) for t in templates_of(form, wording)] for form in GRAMMAR}  # type: ignore[arg-type]


def test_held_out_sentences_never_occur_in_training(training) -> None:
    from auris.data.language.templates import found

    held_out = readers("held_out")
    for question in training:
        assert not any(found(pattern, question.text) for pattern in held_out[question.asked.form]), question.text
    own = readers("training")
    for question in drawn(300, "held_out"):
        assert any(found(pattern, question.text) is not None for pattern in held_out[question.asked.form])
        assert not any(found(pattern, question.text) is not None for pattern in own[question.asked.form]), question.text


def test_questions_are_pure_functions_of_scene_and_seed() -> None:
    (sources,) = scenes(1, seed=4)
    kinds = [drawn_question(sources, EVERY, 7, margins=QuestionMargins(), wording="training") for _ in range(2)]
    assert kinds[0] == kinds[1]
    assert drawn_question(sources, {"DOA": 0.0}, 7, margins=QuestionMargins(), wording="training") is None


def test_validation_asks_everything_that_can_be_asked_of_every_scene() -> None:
    made = tuple(scenes(60))
    heard = Heard(np.zeros((60, 1, 1), np.float16), made)
    asked = validation_questions(heard, margins=QuestionMargins(), wording="held_out", seed=3)
    wanted = {
        (number, kind)
        for number, sources in enumerate(made)
        for kind in QUESTION_TYPES
        if (kind in ONE_SOURCE) == (len(sources) == 1) and askable(kind, sources)
    }
    assert {(number, question.type) for number, question in asked} == wanted
    assert {question.type for _, question in asked} == set(QUESTION_TYPES)


def test_all_wordings_say_the_same() -> None:
    rng = np.random.default_rng(0)
    for question in drawn(200, "any"):
        assert said(question.asked, rng, wording="training")
