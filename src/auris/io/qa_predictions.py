r"""What models answered to questions, read and written.

* ``.jsonl``: a line is ``{"question_type": …, "question_id": …, "question": …, "answer": …, "prediction": …}``; the answer is
  the truth. Question and answer may be missing where a reference holds them.
* The decode logs of BAT's published code: ``<name>_pred`` and ``<name>_gt`` with ``<key>\t<text>`` in a line, where the key is
  ``<question_type>-<question_id>`` and line breaks within a text are spaces. They do not hold the question.

Source of the logs: Zheng et al., BAT, arXiv:2402.01591, and the code of its authors.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.atomic import write_text
from auris.io.spatial_qa_records import QUESTION_TYPES, QaRecord, QuestionType, read_questions

PREDICTED, TRUE = "_pred", "_gt"  # endings of decode logs
_MOST_NAMED = 3

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class QaPrediction:
    """A question, what is right, and what was answered.

    Attributes:
        question_type: what kind of question it is.
        question_id: number or name of the question; need not be unique.
        question: as it was asked; empty where the file does not say it.
        answer: the truth.
        prediction: the answer that was given; empty where none was.
    """

    question_type: QuestionType
    question_id: int | str
    question: str
    answer: str
    prediction: str

    def __post_init__(self) -> None:
        if self.question_type not in QUESTION_TYPES:
            raise ParameterError(unknown_name("question_type", self.question_type, QUESTION_TYPES))
        if isinstance(self.question_id, bool) or not isinstance(self.question_id, int | str):
            raise ParameterError(f"question_id is a number or a text, got {self.question_id!r}")
        for name in ("question", "answer", "prediction"):
            if not isinstance(getattr(self, name), str):
                raise ParameterError(f"{name} is a text, got {getattr(self, name)!r}")

    @property
    def key(self) -> Key:
        """Type and number, by which predictions and references are put together."""
        return self.question_type, str(self.question_id)

    def plain(self) -> dict[str, Any]:
        """Return it as it stands in a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_predictions(path: str | Path, *, reference: str | Path | None = None) -> tuple[QaPrediction, ...]:
    """Read what was answered, and the truth with it.

    Args:
        path: ``.jsonl``, or a decode log ``…_pred``.
        reference: where the truth is: questions (``.json``, ``.jsonl``) or a decode log ``…_gt``. Without one, the truth stands
            in the file itself; that of a decode log in the ``…_gt`` beside it.

    Raises:
        FormatError: a file is missing or damaged, says no truth, or questions and predictions do not fit together; the message
            names file and line.
    """
    file = Path(path)
    predictions = _read_log(file) if _is_log(file) else _read_lines(file, wanted="prediction")
    if reference is None and _is_log(file):
        reference = file.with_name(file.name.removesuffix(PREDICTED) + TRUE)
        if not file.name.endswith(PREDICTED) or not reference.is_file():
            raise FormatError(f"{file}: the truth of a decode log stands in …{TRUE} beside …{PREDICTED}; give a reference")
    if reference is None:
        for number, prediction in enumerate(predictions, start=1):
            if not prediction.answer.strip():
                raise FormatError(f"{file}: prediction {number} ({_named(prediction)}) has no answer; give a reference")
        return predictions
    return with_reference(predictions, read_reference(reference), names=(str(file), str(reference)))


def read_reference(path: str | Path) -> tuple[QaPrediction, ...]:
    """Read the truth, as predictions that say nothing.

    Args:
        path: questions as ``.json`` or ``.jsonl`` (:mod:`auris.io.spatial_qa_records`), predictions of any model, which hold
            the truth too, or a decode log ``…_gt``.

    Raises:
        FormatError: the file is missing or damaged, or holds no answers.
    """
    file = Path(path)
    if _is_log(file):
        rows = [(each, each.prediction) for each in _read_log(file)]
    elif file.suffix == ".jsonl" and _holds_predictions(file):
        rows = [(each, each.answer) for each in _read_lines(file, wanted="answer")]
    else:
        return tuple(
            QaPrediction(each.question_type, each.question_id, each.question, each.answer, "") for each in read_questions(file)
        )
    for number, (each, answer) in enumerate(rows, start=1):
        if not answer.strip():
            raise FormatError(f"{file}: the answer of question {number} ({_named(each)}) is empty")
    return tuple(replace(each, answer=answer, prediction="") for each, answer in rows)


def with_reference(
    predictions: Sequence[QaPrediction],
    reference: Sequence[QaPrediction | QaRecord],
    *,
    names: tuple[str, str] = ("predictions", "reference"),
) -> tuple[QaPrediction, ...]:
    """Return predictions with question and answer of a reference, in its order.

    They are put together by type and number; where several questions have the same, in their order.

    Args:
        predictions: what was answered.
        reference: what was asked.
        names: of both in messages.

    Raises:
        FormatError: a question has no prediction, or a prediction no question; the message names some of them.
    """
    given: dict[Key, deque[QaPrediction]] = defaultdict(deque)
    for prediction in predictions:
        given[prediction.key].append(prediction)
    joined, lacking = [], []
    for each in reference:
        waiting = given[_key(each)]
        if not waiting:
            lacking.append(each)
            continue
        told = waiting.popleft()
        texts = each.question or told.question, each.answer, told.prediction
        joined.append(QaPrediction(each.question_type, each.question_id, *texts))
    if lacking:
        raise FormatError(f"{names[0]}: {len(lacking)} of {len(reference)} questions have no prediction: {_some(lacking)}")
    if surplus := [each for rows in given.values() for each in rows]:
        raise FormatError(f"{names[0]}: {len(surplus)} predictions answer nothing that {names[1]} asks: {_some(surplus)}")
    return tuple(joined)


def predictions_text(predictions: Iterable[QaPrediction]) -> str:
    """Return predictions as the text of a ``.jsonl``."""
    return "".join(json.dumps(each.plain(), ensure_ascii=False) + "\n" for each in predictions)


def write_predictions(path: str | Path, predictions: Iterable[QaPrediction]) -> None:
    """Write predictions as ``.jsonl``.

    Raises:
        FormatError: the file cannot be written.
    """
    write_text(path, predictions_text(predictions))


def write_decode_logs(path: str | Path, predictions: Sequence[QaPrediction]) -> tuple[Path, Path]:
    """Write ``<path>_pred`` and ``<path>_gt`` as the published code does, and return their names.

    Raises:
        FormatError: a file cannot be written.
    """
    target = Path(path)
    files = target.with_name(target.name + PREDICTED), target.with_name(target.name + TRUE)
    for file, name in zip(files, ("prediction", "answer"), strict=True):
        write_text(file, "".join(f"{'-'.join(each.key)}\t{_one_line(getattr(each, name))}\n" for each in predictions))
    return files


def _is_log(file: Path) -> bool:
    return file.suffix not in (".json", ".jsonl")


def _holds_predictions(file: Path) -> bool:
    """Whether the lines are predictions rather than questions, which say where their sounds come from."""
    first = next((line for line in _text(file).split("\n") if line.strip()), "")
    return "audio_id" not in first


def _read_log(file: Path) -> tuple[QaPrediction, ...]:
    predictions = []
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        key, tab, text = line.rstrip("\r").partition("\t")
        kind, dash, identity = key.strip().partition("-")
        if not tab or not dash or not identity:
            raise FormatError(f"{file}:{number}: a line is <question_type>-<question_id>, a tab and a text, got {line[:60]!r}")
        number_or_name = int(identity) if identity.isdecimal() else identity
        predictions.append(_prediction(f"{file}:{number}", kind, number_or_name, ("", "", text.strip())))
    return _some_of(file, predictions)


def _read_lines(file: Path, *, wanted: str) -> tuple[QaPrediction, ...]:
    if file.suffix == ".json":
        raise FormatError(f"{file}: predictions are .jsonl, one in a line, or a decode log …{PREDICTED}")
    predictions = []
    for where, row in _rows(file):
        missing = [name for name in ("question_type", "question_id", wanted) if name not in row]
        if missing:
            raise FormatError(f"{where}: lacks {', '.join(missing)}")
        texts = (row.get("question", ""), row.get("answer", ""), row.get("prediction", ""))
        predictions.append(_prediction(where, row["question_type"], row["question_id"], texts))
    return _some_of(file, predictions)


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise FormatError(f"{file}:{number}: cannot be read as JSON ({error})") from None
        if not isinstance(row, dict):
            raise FormatError(f'{file}:{number}: a line is {{"question_type": …, "prediction": …}}, got {line[:60]!r}')
        yield f"{file}:{number}", row


def _prediction(where: str, kind: Any, identity: Any, texts: tuple[Any, Any, Any]) -> QaPrediction:
    try:
        return QaPrediction(kind, identity, *texts)
    except ParameterError as error:
        raise FormatError(f"{where}: {error}") from None


def _some_of(file: Path, predictions: list[QaPrediction]) -> tuple[QaPrediction, ...]:
    if not predictions:
        raise FormatError(f"{file}: holds no answers")
    return tuple(predictions)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _key(item: QaPrediction | QaRecord) -> Key:
    return item.question_type, str(item.question_id)


def _named(item: QaPrediction | QaRecord) -> str:
    return "-".join(_key(item))


def _some(items: Sequence[QaPrediction | QaRecord]) -> str:
    shown = [_named(each) for each in items[:_MOST_NAMED]]
    return ", ".join(shown + (["…"] if len(items) > _MOST_NAMED else []))


def _one_line(text: str) -> str:
    return " ".join(text.split("\n")).replace("\t", " ").replace("\r", " ")
