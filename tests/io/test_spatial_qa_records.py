import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import FormatError, ParameterError
from auris.io.spatial_qa_records import (
    ONE_SOURCE,
    QUESTION_TYPES,
    STAGES,
    QaRecord,
    questions_text,
    read_questions,
    stage_files,
    write_questions,
)

ONE = QaRecord("eval/audio/YI-HlrcP6Qg4", "q9vSo1VnCiC/0.npy", None, None, 0, "DOA", "Where?", "left, behind, below; 2.5m")
TWO = QaRecord("a/b", "r/1.npy", "a/c", "r/2.npy", "7", "MIXUP_DIRECTION", "Is it?", "Yes")
texts = st.text(min_size=1, max_size=20).filter(str.strip)


def of_every_type():
    for number, kind in enumerate(QUESTION_TYPES):
        yield replace(ONE if kind in ONE_SOURCE else TWO, question_type=kind, question_id=number)


@pytest.mark.parametrize("name", ["train.json", "train.jsonl"])
def test_questions_come_back_as_they_were_written(tmp_path, name):
    records = tuple(of_every_type())
    write_questions(tmp_path / "closed-end" / name, records)
    assert read_questions(tmp_path / "closed-end" / name) == records


@given(
    st.lists(st.builds(QaRecord, texts, texts, st.none(), st.none(), st.integers(), st.just("DOA"), texts, texts), min_size=1)
)
def test_any_text_survives(tmp_path_factory, records):
    folder = tmp_path_factory.mktemp("questions")
    for name in ("some.json", "some.jsonl"):
        write_questions(folder / name, records)
        assert read_questions(folder / name) == tuple(records)


def test_a_file_is_what_is_published():
    document = json.loads(questions_text([ONE, TWO]))
    assert list(document) == ["data"]
    assert document["data"][0] == {
        "audio_id": "eval/audio/YI-HlrcP6Qg4",
        "reverb_id": "q9vSo1VnCiC/0.npy",
        "audio_id2": None,
        "reverb_id2": None,
        "question_id": 0,
        "question_type": "DOA",
        "question": "Where?",
        "answer": "left, behind, below; 2.5m",
    }
    assert TWO.sources == (("a/b", "r/1.npy"), ("a/c", "r/2.npy"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"audio_id": None}, "audio_id is a text"),
        ({"answer": " "}, "answer is a text"),
        ({"question_type": "DAO"}, "did you mean 'DOA'"),
        ({"question_id": 1.5}, "question_id"),
        ({"audio_id2": "a/c"}, "a second source needs audio_id2 and reverb_id2"),
        ({"audio_id2": 3}, "are texts, or null"),
        ({"audio_id2": "a/c", "reverb_id2": "r/2.npy"}, "asks about one source"),
        ({"question_type": "MIXUP_DIRECTION"}, "asks about two sources"),
        ({"question": ...}, "lacks question$"),
        ({"question_id": ...}, "lacks question_id$"),
    ],
)
@pytest.mark.parametrize("name", ["some.json", "some.jsonl"])
def test_damaged_records_are_named(tmp_path, change, text, name):
    row = {key: value for key, value in {**ONE.plain(), **change}.items() if value is not ...}
    rows = [ONE.plain(), row]
    content = "\n".join(map(json.dumps, rows)) if name.endswith("l") else json.dumps({"data": rows})
    (tmp_path / name).write_text(content)
    where = f"{name}:2" if name.endswith("l") else f"{name}: record 1"
    with pytest.raises(FormatError, match=f"{where}: .*{text}"):
        read_questions(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("some.json", None, "cannot be read"),
        ("some.json", "{", "cannot be read as JSON"),
        ("some.json", "[]", 'questions are {"data"'),
        ("some.json", '{"data": []}', "holds no questions"),
        ("some.json", '{"data": [3]}', "record 0: lacks audio_id"),
        ("some.jsonl", "\n", "holds no questions"),
        ("some.jsonl", "{}\n{", "some.jsonl:1: lacks"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, text):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(FormatError, match=text):
        read_questions(tmp_path / name)


def test_second_ids_may_be_left_out_and_other_fields_are_ignored(tmp_path):
    row = {key: value for key, value in ONE.plain().items() if not key.endswith("2")} | {"note": 3}
    (tmp_path / "some.json").write_text(json.dumps({"data": [row]}))
    assert read_questions(tmp_path / "some.json") == (ONE,)


def test_stages_are_cumulative_and_evaluations_are_apart():
    records = tuple(of_every_type())
    files = dict(stage_files(records, records))
    counts = {name: len(some) for name, some in files.items()}
    assert counts == {
        "stage1-clsdoa/train.json": 2,
        "stage1-clsdoa/eval-stage1-classification.json": 1,
        "stage1-clsdoa/eval-stage1-doa.json": 1,
        "stage2-single/train.json": 4,
        "stage2-single/eval-stage2-classification.json": 1,
        "stage2-single/eval-stage2-doa.json": 1,
        "stage3-mixup/train.json": 9,
        "stage3-mixup/eval-stage3-direction.json": 1,
        "stage3-mixup/eval-stage3-distance.json": 1,
        "stage3-mixup/eval-stage3-nonbinary.json": 3,
    }
    scored = [record for name, some in files.items() if "eval-" in name for record in some]
    assert sorted(record.question_type for record in scored) == sorted(QUESTION_TYPES)
    assert STAGES[-1].types == QUESTION_TYPES


def test_the_published_training_code_finds_its_files():
    records = tuple(of_every_type())
    names = {path.rpartition("/")[2] for path, _ in stage_files(records, records, naming="slam_llm")}
    assert names == {"train.json", "val.json", "test.json"}
    assert {path for path, _ in stage_files(records, [], naming="both")} == {f"{stage.folder}/train.json" for stage in STAGES}
    with pytest.raises(ParameterError, match="did you mean 'published'"):
        list(stage_files(records, records, naming="publshed"))
