"""Questions about recordings, and the same questions with the hearing taken away.

An item is a recording and a question about it. With the recordings of others (:func:`shuffled`) or with silence
(:func:`silenced`) the questions are controls: what is answered right then was not heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from auris.audio import Audio
from auris.errors import FormatError, ParameterError
from auris.io.qa_predictions import QaPrediction
from auris.io.spatial_qa_records import QuestionType, read_questions
from auris.models.answering import Answerer
from auris.seeding import generator

_SUFFIXES = (".flac", ".wav", ".ogg")
_PASSES, _PARTNERS = 10, 64  # how long recordings that are not shuffled well are put right


@dataclass(frozen=True, eq=False)
class QaItem:
    """A question about a recording.

    Attributes:
        audio: a file, or what gives the recording.
        question: as it is asked.
        answer: the truth.
        question_type: what kind of question it is.
        question_id: its number or name.
    """

    audio: Path | Callable[[], Audio]
    question: str
    answer: str
    question_type: QuestionType
    question_id: int | str

    def answered(self, prediction: str) -> QaPrediction:
        """Return the item with an answer."""
        return QaPrediction(self.question_type, self.question_id, self.question, self.answer, prediction)


def shuffled(items: Sequence[QaItem], *, seed: int = 0) -> tuple[QaItem, ...]:
    """Return the questions, each about the recording of another question of its type.

    Recordings change places among the questions of a type, so that each is heard as often as before. No question keeps its
    recording, and as few as possible get one of a question with the same answer. Where all questions of a type are about one
    recording, those of other types help out.

    Raises:
        ParameterError: all questions are about one recording.
    """
    if len({item.audio for item in items}) < 2:
        raise ParameterError("recordings can only be shuffled between questions about at least two of them")
    groups: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        groups[item.question_type].append(index)
    result = list(items)
    for kind, members in groups.items():
        rng = generator(seed, "shuffled", kind)
        given = _deranged([items[index] for index in members], rng)
        for index, other in zip(members, given, strict=True):
            if other.audio == items[index].audio:
                strangers = [item for item in items if item.audio != items[index].audio]
                other = strangers[int(rng.integers(len(strangers)))]  # noqa: PLW2901 - instead of it
            result[index] = replace(items[index], audio=other.audio)
    return tuple(result)


def _deranged(items: Sequence[QaItem], rng: np.random.Generator) -> list[QaItem]:
    """The items in another order, in which as few as possible meet their own recording, or one with their own answer."""

    def cost(index: int, other: QaItem) -> int:
        return 1000 * (other.audio == items[index].audio) + (other.answer == items[index].answer)

    order = [items[index] for index in rng.permutation(len(items))]
    for _ in range(_PASSES):
        poor = [index for index, other in enumerate(order) if cost(index, other)]
        for index in poor:
            for partner in rng.permutation(len(items))[:_PARTNERS].tolist():
                now = cost(index, order[index]) + cost(partner, order[partner])
                if cost(index, order[partner]) + cost(partner, order[index]) < now:
                    order[index], order[partner] = order[partner], order[index]
    return order


def silenced(items: Sequence[QaItem], answerer: Answerer) -> tuple[QaItem, ...]:
    """Return the questions, each about silence as long as the model hears."""
    samples = np.zeros((answerer.layout.channels, round(answerer.clip_seconds * answerer.sample_rate)), np.float32)
    silence = Audio(samples, answerer.sample_rate, answerer.layout)

    def nothing() -> Audio:
        return silence

    return tuple(replace(item, audio=nothing) for item in items)


def made_items(questions: str | Path, audio: str | Path) -> tuple[QaItem, ...]:
    """Return the questions of a made set with the recordings that they are about.

    Args:
        questions: ``rendered/questions/<split>``, a folder above it, or one file of it.
        audio: ``rendered/<layout>/<split>``, or the folder above it likewise; the recording of ``<scene>.json`` is
            ``<scene>.flac``, ``.wav`` or ``.ogg`` at the same place.

    Raises:
        FormatError: there are no questions, a file is damaged, or a recording is missing.
    """
    source, recordings = Path(questions), Path(audio)
    if not source.exists():
        raise FormatError(f"{source}: no such file or folder")
    if not recordings.is_dir():
        raise FormatError(f"{recordings}: no such folder of recordings")
    root = source if source.is_dir() else source.parent
    files = sorted(source.rglob("*.json")) if source.is_dir() else [source]
    items = []
    for file in files:
        stem = recordings / file.relative_to(root).parent / file.stem
        recording = next((path for suffix in _SUFFIXES if (path := stem.with_name(stem.name + suffix)).is_file()), None)
        if recording is None:
            raise FormatError(f"{stem}: no recording ({', '.join(_SUFFIXES)}) for the questions of {file}")
        for record in read_questions(file):
            ids = record.question_type, record.question_id
            items.append(QaItem(recording, record.question, record.answer, *ids))
    if not items:
        raise FormatError(f"{source}: holds no questions (.json), as a made set has them in rendered/questions/<split>")
    return tuple(items)
