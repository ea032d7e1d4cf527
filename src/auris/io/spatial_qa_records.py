"""Questions and answers as SpatialSoundQA publishes them, read and written.

``closed-end/<stage>/<split>.json`` is ``{"data": [record, …]}``; older releases have one record in a line (``.jsonl``). A
record has ``audio_id`` (``eval/audio/YI-HlrcP6Qg4``: below the audio's folder, without extension), ``reverb_id``
(``q9vSo1VnCiC/0.npy``: below a folder of responses), ``audio_id2`` and ``reverb_id2`` (null for one source), ``question_id``
(not unique), ``question_type``, ``question`` and ``answer``. The stages are cumulative:

=================  ==============  =================================================================================
folder             training        evaluation
=================  ==============  =================================================================================
stage1-clsdoa      A, B            eval-stage1-classification, eval-stage1-doa
stage2-single      A, B, C, D      eval-stage2-classification, eval-stage2-doa
stage3-mixup       A, B, C, D, E   eval-stage3-direction, eval-stage3-distance, eval-stage3-nonbinary
=================  ==============  =================================================================================

Source: Zheng et al., BAT, arXiv:2402.01591, and the files of its authors, whose training code asks for ``train.json``,
``val.json`` and ``test.json``, although no such validation or test is published.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.atomic import write_text

QuestionType = Literal[
    "CLASSIFICATION",
    "DOA",
    "MIXUP_SINGLE_CLASSIFICATION",
    "MIXUP_SINGLE_DOA",
    "MIXUP_DIRECTION",
    "MIXUP_DISTANCE_BOTH",
    "MIXUP_NONBINARY_DISTANCE",
    "MIXUP_NONBINARY_DIRECTION",
    "MIXUP_NONBINARY_SOURCE",
]
QUESTION_TYPES: tuple[QuestionType, ...] = get_args(QuestionType)
ONE_SOURCE: tuple[QuestionType, ...] = ("CLASSIFICATION", "DOA")  # A, B
TWO_SOURCES = tuple(kind for kind in QUESTION_TYPES if kind not in ONE_SOURCE)  # C, D, E
Naming = Literal["published", "slam_llm", "both"]


@dataclass(frozen=True)
class Stage:
    """A stage of the curriculum.

    Attributes:
        folder: below ``closed-end``.
        types: the questions it trains on.
        evaluations: the questions of each file of its evaluation, by name without extension.
    """

    folder: str
    types: tuple[QuestionType, ...]
    evaluations: tuple[tuple[str, tuple[QuestionType, ...]], ...]


STAGES: tuple[Stage, ...] = (
    Stage(
        "stage1-clsdoa",
        QUESTION_TYPES[:2],
        (("eval-stage1-classification", ("CLASSIFICATION",)), ("eval-stage1-doa", ("DOA",))),
    ),
    Stage(
        "stage2-single",
        QUESTION_TYPES[:4],
        (
            ("eval-stage2-classification", ("MIXUP_SINGLE_CLASSIFICATION",)),
            ("eval-stage2-doa", ("MIXUP_SINGLE_DOA",)),
        ),
    ),
    Stage(
        "stage3-mixup",
        QUESTION_TYPES,
        (
            ("eval-stage3-direction", ("MIXUP_DIRECTION",)),
            ("eval-stage3-distance", ("MIXUP_DISTANCE_BOTH",)),
            ("eval-stage3-nonbinary", QUESTION_TYPES[6:]),
        ),
    ),
)

_TEXTS = ("audio_id", "reverb_id", "question_type", "question", "answer")
_SECOND = ("audio_id2", "reverb_id2")


@dataclass(frozen=True, slots=True)
class QaRecord:
    """A question about what is heard, with its answer.

    Attributes:
        audio_id: the dry clip, below the folder of the audio, without extension.
        reverb_id: its response, below the folder of a kind of responses.
        audio_id2: the second clip; None for one source.
        reverb_id2: its response.
        question_id: number or name of the question; need not be unique.
        question_type: what kind of question it is.
        question: as it is asked.
        answer: as it is answered.
    """

    audio_id: str
    reverb_id: str
    audio_id2: str | None
    reverb_id2: str | None
    question_id: int | str
    question_type: QuestionType
    question: str
    answer: str

    def __post_init__(self) -> None:
        for name in _TEXTS:
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ParameterError(f"{name} is a text, got {value!r}")
        if self.question_type not in QUESTION_TYPES:
            raise ParameterError(unknown_name("question_type", self.question_type, QUESTION_TYPES))
        if isinstance(self.question_id, bool) or not isinstance(self.question_id, int | str):
            raise ParameterError(f"question_id is a number or a text, got {self.question_id!r}")
        second = [getattr(self, name) for name in _SECOND]
        if any(value is not None and not (isinstance(value, str) and value.strip()) for value in second):
            raise ParameterError(f"{' and '.join(_SECOND)} are texts, or null for one source; got {second}")
        if (second[0] is None) != (second[1] is None):
            raise ParameterError(f"a second source needs {' and '.join(_SECOND)}, got {second}")
        if (second[0] is None) != (self.question_type in ONE_SOURCE):
            wanted = "one source" if self.question_type in ONE_SOURCE else "two sources"
            raise ParameterError(f"{self.question_type} asks about {wanted}, but audio_id2 is {second[0]!r}")

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """Clip and response of each source."""
        if self.audio_id2 is None or self.reverb_id2 is None:
            return ((self.audio_id, self.reverb_id),)
        return ((self.audio_id, self.reverb_id), (self.audio_id2, self.reverb_id2))

    def plain(self) -> dict[str, Any]:
        """Return the record as it stands in a file."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_questions(path: str | Path) -> tuple[QaRecord, ...]:
    """Read questions from ``.json`` or ``.jsonl``; fields that nobody knows are ignored.

    Raises:
        FormatError: no such file, not such a list, or a record is incomplete; the message names file and record.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    rows = _lines(file, text) if file.suffix == ".jsonl" else _document(file, text)
    records = tuple(_record(where, row) for where, row in rows)
    if not records:
        raise FormatError(f"{file}: holds no questions")
    return records


def _document(file: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FormatError(f"{file}: cannot be read as JSON ({error}); one record in a line is called .jsonl") from None
    if not (isinstance(document, dict) and isinstance(document.get("data"), list)):
        raise FormatError(f'{file}: questions are {{"data": [{{"question": …}}, …]}}')
    for number, row in enumerate(document["data"]):
        yield f"{file}: record {number}", row


def _lines(file: Path, text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{file}:{number}", json.loads(line)
            except ValueError as error:
                raise FormatError(f"{file}:{number}: cannot be read as JSON ({error})") from None


def _record(where: str, row: Any) -> QaRecord:
    missing = [name for name in (*_TEXTS, "question_id") if not (isinstance(row, dict) and name in row)]
    if missing:
        raise FormatError(f"{where}: lacks {', '.join(missing)}")
    try:
        return QaRecord(**{name: row.get(name) for name in QaRecord.__slots__})
    except ParameterError as error:
        raise FormatError(f"{where}: {error}") from None


def questions_text(records: Iterable[QaRecord], *, form: Literal["json", "jsonl"] = "json") -> str:
    """Return records as the text of a file."""
    if form == "jsonl":
        return "".join(json.dumps(record.plain(), ensure_ascii=False) + "\n" for record in records)
    rows = ",\n".join(" " + json.dumps(record.plain(), ensure_ascii=False) for record in records)
    return f'{{"data": [\n{rows}\n]}}\n'


def write_questions(path: str | Path, records: Iterable[QaRecord]) -> None:
    """Write records as ``.json``, or one in a line if the name ends in ``.jsonl``.

    Raises:
        FormatError: the file cannot be written.
    """
    write_text(path, questions_text(records, form="jsonl" if Path(path).suffix == ".jsonl" else "json"))


def stage_files(
    train: Sequence[QaRecord], evaluation: Sequence[QaRecord], *, naming: Naming = "published"
) -> Iterator[tuple[str, tuple[QaRecord, ...]]]:
    """Yield the files of all stages, as path below ``closed-end`` and records; files without a record are left out.

    Args:
        train: questions to train with.
        evaluation: questions to be scored with.
        naming: ``published`` names evaluations ``eval-….json``. ``slam_llm`` names those of a stage together ``val.json`` and
            ``test.json``, which the published training code asks for. ``both`` does both.

    Raises:
        ParameterError: the naming is unknown.
    """
    if naming not in get_args(Naming):
        raise ParameterError(unknown_name("naming", naming, get_args(Naming)))
    for stage in STAGES:
        files = [("train", _of_types(train, stage.types))]
        scored = [(name, _of_types(evaluation, types)) for name, types in stage.evaluations]
        if naming != "slam_llm":
            files += scored
        if naming != "published":
            files += [(name, tuple(record for _, part in scored for record in part)) for name in ("val", "test")]
        for name, records in files:
            if records:
                yield f"{stage.folder}/{name}.json", records


def _of_types(records: Iterable[QaRecord], types: Sequence[QuestionType]) -> tuple[QaRecord, ...]:
    return tuple(record for record in records if record.question_type in types)
