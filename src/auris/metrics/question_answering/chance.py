"""What is right without listening: answers that follow from the truth of other questions alone.

:func:`majority_answers` gives every question of a type the answer that is right most often: of directions the commonest word
of each axis, of distances the one that most truths lie within 0.5 m of. :func:`random_answers` gives the truth of any question
of the same type; where one word was asked for, of the same axis. Both know the truth's statistics, which a listener does not:
they are what is to be beaten.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from auris.errors import ParameterError
from auris.io.qa_predictions import QaPrediction
from auris.metrics.question_answering.answer_reading import AXES, PLACED, directions_said, distance_said, plain_answer
from auris.metrics.question_answering.scores import FAR_METRES
from auris.seeding import generator

MAJORITY, RANDOM = "majority answer", "random answer"
_STEP = 0.5  # metres between distances that may be answered


def majority_answers(predictions: Sequence[QaPrediction]) -> tuple[QaPrediction, ...]:
    """Return the questions, all those of a type answered alike; see the module."""
    return _answered(predictions, _majority)


def random_answers(predictions: Sequence[QaPrediction], *, seed: int = 0) -> tuple[QaPrediction, ...]:
    """Return the questions, each answered by the truth of a random one of its type; see the module."""
    rng = generator(seed, "random answers")

    def drawn(group: Sequence[QaPrediction]) -> list[str]:
        return [group[index].answer for index in rng.integers(len(group), size=len(group))]

    return _answered(predictions, drawn)


def _answered(
    predictions: Sequence[QaPrediction], answers_of: Callable[[Sequence[QaPrediction]], list[str]]
) -> tuple[QaPrediction, ...]:
    groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index, each in enumerate(predictions):
        groups[each.question_type, _axis_of(each)].append(index)
    texts = [""] * len(predictions)
    for _, members in sorted(groups.items(), key=lambda group: group[1][0]):
        for index, text in zip(members, answers_of([predictions[member] for member in members]), strict=True):
            texts[index] = text
    return tuple(replace(each, prediction=text) for each, text in zip(predictions, texts, strict=True))


def _axis_of(item: QaPrediction) -> int | None:
    """The axis of an answer of one word; None for other answers."""
    if item.question_type != "MIXUP_NONBINARY_DIRECTION":
        return None
    return next((axis for axis, word in enumerate(directions_said(plain_answer(item.answer))) if word), None)


def _majority(group: Sequence[QaPrediction]) -> list[str]:
    kind = group[0].question_type
    answers = [plain_answer(each.answer) for each in group]
    if kind in PLACED:
        words = [directions_said(answer) for answer in answers]
        commonest = ", ".join(_commonest([str(row[axis]) for row in words]) for axis in range(len(AXES)))
        text = f"{commonest}; {_best_distance(answers)}"
    elif kind == "MIXUP_NONBINARY_DISTANCE":
        text = _best_distance(answers)
    else:
        text = _commonest([each.answer for each in group])
    return [text] * len(group)


def _commonest(texts: Sequence[str]) -> str:
    return Counter(texts).most_common(1)[0][0]


def _best_distance(answers: Sequence[str]) -> str:
    """The distance, in half metres, that most answers lie near."""
    said = [distance_said(answer) for answer in answers]
    if any(distance is None for distance in said):
        raise ParameterError(f"{answers[said.index(None)]!r} says no distance, although it is the truth")
    metres = np.array(said, dtype=float)
    options = np.arange(0, metres.max() + _STEP, _STEP)
    off = np.abs(metres[:, None] - options)
    near, nearest = np.sum(off <= FAR_METRES + 1e-6, axis=0), np.sum(off, axis=0)
    return f"{options[int(np.lexsort((nearest, -near))[0])]:g}m"  # of those with most truths near, the nearest to all
