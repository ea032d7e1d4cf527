"""Predictions and decode logs: written, read, put together with what was asked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import FormatError, ParameterError
from auris.io.qa_predictions import (
    QaPrediction,
    predictions_text,
    read_predictions,
    read_reference,
    with_reference,
    write_decode_logs,
    write_predictions,
)
from auris.io.spatial_qa_records import QUESTION_TYPES, QaRecord, write_questions

ROWS = (
    QaPrediction("DOA", 7, "Where is it?", "left, behind, below; 2.5m", "left, front, below; 3m"),
    QaPrediction("MIXUP_DIRECTION", "a-7", "Is it left?", "Yes", "Yes, it is."),
    QaPrediction("DOA", 7, "Where?", "right, front, above; 1m", ""),
)


def test_a_file_of_ours_comes_back(tmp_path):
    write_predictions(tmp_path / "p.jsonl", ROWS)
    assert read_predictions(tmp_path / "p.jsonl") == ROWS
    assert json.loads((tmp_path / "p.jsonl").read_text().splitlines()[0])["prediction"] == "left, front, below; 3m"


def test_decode_logs_come_back_without_the_questions(tmp_path):
    files = write_decode_logs(tmp_path / "decode_beam4", ROWS)
    assert [file.name for file in files] == ["decode_beam4_pred", "decode_beam4_gt"]
    assert files[0].read_text().splitlines()[1] == "MIXUP_DIRECTION-a-7\tYes, it is."
    read = read_predictions(files[0])
    assert [(each.question_type, each.question_id, each.answer, each.prediction) for each in read] == [
        (each.question_type, each.question_id, each.answer, each.prediction) for each in ROWS
    ]
    assert read == read_predictions(files[0], reference=files[1])
    assert {each.question for each in read} == {""}


@given(st.text(), st.sampled_from(QUESTION_TYPES))
def test_any_answer_can_be_written(text, kind):
    row = QaPrediction(kind, 1, "?", "x", text)
    assert json.loads(predictions_text([row])) == row.plain()
    assert predictions_text([row]).count("\n") == 1


def test_line_breaks_become_spaces_in_logs(tmp_path):
    files = write_decode_logs(tmp_path / "d", [QaPrediction("DOA", 1, "", "left", "one\ntwo\tthree\u2028four")])
    assert read_predictions(files[0])[0].prediction == "one two three\u2028four"


def records(tmp_path, *answers):
    rows = [QaRecord("a", "r", None, None, 7, "DOA", f"Where {number}?", answer) for number, answer in enumerate(answers)]
    write_questions(tmp_path / "questions.json", rows)
    return tmp_path / "questions.json"


def test_questions_that_have_one_number_are_answered_in_their_order(tmp_path):
    reference = records(tmp_path, "left, front, above; 1m", "left, front, above; 2m")
    lines = [{"question_type": "DOA", "question_id": 7, "prediction": text} for text in ("first", "second")]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    read = read_predictions(tmp_path / "p.jsonl", reference=reference)
    assert [(each.question, each.answer[-2:], each.prediction) for each in read] == [
        ("Where 0?", "1m", "first"),
        ("Where 1?", "2m", "second"),
    ]


def test_logs_with_the_questions_of_a_set(tmp_path):
    reference = records(tmp_path, "left, front, above; 1m")
    files = write_decode_logs(tmp_path / "d", [QaPrediction("DOA", 7, "", "elsewhere", "said")])
    read = read_predictions(files[0], reference=reference)
    assert read == (QaPrediction("DOA", 7, "Where 0?", "left, front, above; 1m", "said"),)


def test_a_file_of_ours_is_a_reference_too(tmp_path):
    write_predictions(tmp_path / "p.jsonl", ROWS)
    reference = read_reference(tmp_path / "p.jsonl")
    assert [each.answer for each in reference] == [each.answer for each in ROWS]
    assert {each.prediction for each in reference} == {""}
    assert with_reference(ROWS, reference) == ROWS


def test_questions_without_answers_and_answers_without_questions_are_named(tmp_path):
    with pytest.raises(FormatError, match="predictions: 1 of 3 questions have no prediction: MIXUP_DIRECTION-a-7"):
        with_reference([ROWS[0], ROWS[2]], ROWS)
    with pytest.raises(FormatError, match="2 predictions answer nothing that reference asks: MIXUP_DIRECTION-a-7, DOA-7"):
        with_reference(ROWS[1:] + ROWS[:1], ROWS[:1])
    many = [QaPrediction("DOA", number, "", "x", "") for number in range(9)]
    with pytest.raises(FormatError, match="DOA-0, DOA-1, DOA-2, …"):
        with_reference([], many)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no answers"),
        ("[1]\n", r":1: a line is \{"),
        ('{"question_type": "DOA"}\n', ":1: lacks question_id, prediction"),
        ('{"question_type": "DOA", "question_id": 1, "prediction": "x"', ":1: cannot be read as JSON"),
        ('\n{"question_type": "DOAA", "question_id": 1, "prediction": "x"}', ":2: unknown question_type 'DOAA'"),
        ('{"question_type": "DOA", "question_id": true, "prediction": "x"}', ":1: question_id is a number or a text"),
        ('{"question_type": "DOA", "question_id": 1, "prediction": null}', ":1: prediction is a text, got None"),
        (
            '{"question_type": "DOA", "question_id": 1, "prediction": "x"}',
            r"prediction 1 \(DOA-1\) has no answer; give a reference",
        ),
        ('{"question_type": ["DOA"], "question_id": 1, "prediction": "x"}', ":1: unknown question_type"),
    ],
)
def test_bad_lines_are_named(tmp_path, content, message):
    file = tmp_path / "p.jsonl"
    file.write_text(content)
    with pytest.raises(FormatError, match=message):
        read_predictions(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("DOA-1 left\n", ":1: a line is <question_type>-<question_id>, a tab"),
        ("DOA-1\tleft\nDOA\tleft\n", ":2: a line is"),
        ("DOA1-\tleft\n", ":1: a line is"),
        ("WHERE-1\tleft\n", ":1: unknown question_type 'WHERE'"),
        ("\n\n", "holds no answers"),
    ],
)
def test_bad_logs_are_named(tmp_path, content, message):
    file = tmp_path / "decode_pred"
    file.write_text(content)
    (tmp_path / "decode_gt").write_text("DOA-1\tleft\n")
    with pytest.raises(FormatError, match=message):
        read_predictions(file)


def test_missing_files(tmp_path):
    with pytest.raises(FormatError, match=r"none\.jsonl: cannot be read \(No such file"):
        read_predictions(tmp_path / "none.jsonl")
    (tmp_path / "decode_pred").write_text("DOA-1\tleft\n")
    with pytest.raises(FormatError, match="truth of a decode log stands in …_gt"):
        read_predictions(tmp_path / "decode_pred")
    (tmp_path / "p.json").write_text("{}")
    with pytest.raises(FormatError, match=r"predictions are \.jsonl"):
        read_predictions(tmp_path / "p.json")
    (tmp_path / "binary_pred").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="cannot be read"):
        read_predictions(tmp_path / "binary_pred")
    (tmp_path / "empty_gt").write_text("DOA-1\t \n")
    with pytest.raises(FormatError, match=r"answer of question 1 \(DOA-1\) is empty"):
        read_reference(tmp_path / "empty_gt")


def test_values_are_checked():
    with pytest.raises(ParameterError, match="unknown question_type"):
        QaPrediction("X", 1, "", "", "")
    with pytest.raises(ParameterError, match="answer is a text"):
        QaPrediction("DOA", 1, "", None, "")
