"""Scores of answers to questions about what sounds where, by question type and by the groups A to E of BAT.

=====  ==============================  =================================================================================
group  question_type                   scores
=====  ==============================  =================================================================================
A      CLASSIFICATION                  ``map``: mean average precision of the similarity of answers to classes, over classes
                                       that some truth holds; ``f1``: of the names themselves, mean over questions;
                                       ``f1_by_meaning``: with synonyms
B      DOA                             ``direction``: all three words right; each axis by itself; ``der``: distance more than
                                       0.5 m off; ``distance_error``: metres, of the distances that were read
C      MIXUP_SINGLE_CLASSIFICATION     as A
D      MIXUP_SINGLE_DOA                as B
E      MIXUP_DIRECTION                 ``direction``: yes or no right; by the axis that is asked for
E      MIXUP_DISTANCE_BOTH             ``distance``: yes or no right
E      both                            ``yes_no``: mean of ``direction`` and ``distance``
E      MIXUP_NONBINARY_DISTANCE        ``nonbinary_der``, ``nonbinary_distance_error``
E      MIXUP_NONBINARY_DIRECTION       ``nonbinary_direction``: the word right
E      MIXUP_NONBINARY_SOURCE          ``nonbinary_source``: a true class is named, and nothing else; by meaning
=====  ==============================  =================================================================================

``unreadable`` is the share of answers that say nothing that was asked for; they count as wrong in all shares and in ``map`` as
fitting no class. Answers are read by :mod:`auris.metrics.question_answering.answer_reading`. Intervals are bootstrap
intervals over the questions of a type.

The published work scores ``map`` with embeddings of OpenAI, and publishes no code for the rest; the rules here follow from its
table, whose row of chance says 12.5 % for directions and 67.4 % for DER. Source: Zheng et al., BAT, arXiv:2402.01591.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.errors import ParameterError
from auris.io.qa_predictions import QaPrediction
from auris.io.spatial_qa_records import QUESTION_TYPES, QuestionType
from auris.metrics.average_precision import average_precision, resampled_average_precision
from auris.metrics.bootstrap import BootstrapInterval, bootstrap_interval, recentred, resampled_means, resampling_counts
from auris.metrics.question_answering.answer_reading import (
    AXES,
    BINARY,
    LABELLED,
    PLACED,
    ReadAnswer,
    directions_said,
    plain_answer,
    read_answer,
)
from auris.metrics.question_answering.label_matching import (
    LabelMatch,
    LabelSimilarity,
    NameSimilarity,
    matched_by_meaning,
    matched_exactly,
)

Floats = NDArray[np.float64]
Group = Literal["A", "B", "C", "D", "E"]

FAR_METRES = 0.5  # a distance that is further off counts in DER
_TOLERANCE = 1e-6
GROUPS: Mapping[Group, tuple[QuestionType, ...]] = {
    "A": ("CLASSIFICATION",),
    "B": ("DOA",),
    "C": ("MIXUP_SINGLE_CLASSIFICATION",),
    "D": ("MIXUP_SINGLE_DOA",),
    "E": QUESTION_TYPES[4:],
}
AXIS_NAMES = tuple("_".join(axis) for axis in AXES)  # left_right, front_behind, above_below
_DETECTIONS: tuple[QuestionType, ...] = ("CLASSIFICATION", "MIXUP_SINGLE_CLASSIFICATION")


@dataclass(frozen=True, eq=False)
class JudgedAnswer:
    """An answer, read and compared with the truth.

    Attributes:
        prediction: the question, the truth and the answer.
        said: what the answer says.
        true: what the truth says.
        right: whether it is right as a whole: yes or no, all words and the distance, the very classes by meaning.
        axes: for each axis that was asked for, whether its word is right; None for the others.
        distance_error: metres; NaN where none was asked for, or none was read.
        exact: how the named sounds compare by name; None where none were asked for.
        by_meaning: how they compare by meaning.
    """

    prediction: QaPrediction
    said: ReadAnswer
    true: ReadAnswer
    right: bool
    axes: tuple[bool | None, bool | None, bool | None] = (None, None, None)
    distance_error: float = math.nan
    exact: LabelMatch | None = None
    by_meaning: LabelMatch | None = None

    @property
    def words_right(self) -> bool:
        """Whether all words that were asked for are right."""
        return all(axis is not False for axis in self.axes)

    @property
    def far(self) -> bool:
        """Whether a distance was asked for, and is further off than 0.5 m or not read."""
        asked = self.true.distance is not None
        return asked and not self.distance_error <= FAR_METRES + _TOLERANCE


@dataclass(frozen=True)
class QaScore:
    """A score of some questions.

    Attributes:
        group: A to E.
        name: see the module.
        value: share, or metres for a distance error; NaN where there is no question for it.
        interval: where it lies.
        items: questions that it is of.
    """

    group: Group
    name: str
    interval: BootstrapInterval
    items: int

    @property
    def value(self) -> float:
        """Share, or metres for a distance error; NaN where there is no question for it."""
        return self.interval.value

    @property
    def key(self) -> str:
        """Group and name: ``B_direction``."""
        return f"{self.group}_{self.name}"


@dataclass(frozen=True, eq=False)
class QaEvaluation:
    """Answers, judged; see :func:`evaluate_answers`.

    Attributes:
        answers: every answer.
        classes: those that answers are compared with.
        similarity: how well texts fit classes.
        resamplings: of the intervals; 0 for none.
        seed: of the intervals.
    """

    answers: tuple[JudgedAnswer, ...]
    classes: tuple[str, ...]
    similarity: LabelSimilarity
    resamplings: int
    seed: int
    _drawn: dict[tuple[str, int], NDArray[np.uint16]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.answers)

    def of(self, *types: QuestionType) -> tuple[JudgedAnswer, ...]:
        """Return the answers to questions of some types."""
        return tuple(each for each in self.answers if each.prediction.question_type in types)

    def values(self) -> dict[str, float]:
        """Return every score by its key."""
        return {score.key: score.value for score in self.scores}

    @cached_property
    def unreadable(self) -> float:
        """Share of answers that say nothing that was asked for."""
        return float(np.mean([not each.said.readable for each in self.answers]))

    @cached_property
    def scores(self) -> tuple[QaScore, ...]:
        """Every score of the types that are asked, in the order of the groups."""
        found: list[QaScore] = []
        for group, types in GROUPS.items():
            answers = self.of(*types)
            if not answers:
                continue
            if types[0] in _DETECTIONS:
                found += self._of_detections(group, answers)
            elif types[0] in PLACED:
                found += self._of_places(group, answers)
            else:
                found += self._of_reasoning()
            found.append(self._share(group, "unreadable", answers, [not each.said.readable for each in answers]))
            self._drawn.clear()
        return tuple(found)

    def by_class(self, group: Literal["A", "C"]) -> list[tuple[str, int, float]]:
        """Return each class that some truth of a group holds, the questions that have it, and its average precision."""
        answers = self.of(*GROUPS[group])
        if not answers:
            return []
        scores, truth = self._detection(answers)
        precisions = average_precision(scores, truth)
        counts = truth.sum(axis=0)
        return [
            (label, int(count), float(precision))
            for label, count, precision in zip(self.classes, counts, precisions, strict=True)
            if count
        ]

    def _of_detections(self, group: Group, answers: Sequence[JudgedAnswer]) -> list[QaScore]:
        scores, truth = self._detection(answers)
        present = truth.any(axis=0)
        value = float(average_precision(scores[:, present], truth[:, present]).mean())
        resampled: Floats | float = math.nan
        if self.resamplings:
            counts = self._counts(answers)
            precisions = resampled_average_precision(scores[:, present], truth[:, present], counts)
            resampled = np.clip(recentred(value, precisions.mean(axis=1)), 0, 1)
        exact = [each.exact.f1 for each in answers if each.exact]
        by_meaning = [each.by_meaning.f1 for each in answers if each.by_meaning]
        return [
            QaScore(group, "map", bootstrap_interval(value, resampled), len(answers)),
            self._share(group, "f1", answers, exact),
            self._share(group, "f1_by_meaning", answers, by_meaning),
        ]

    def _detection(self, answers: Sequence[JudgedAnswer]) -> tuple[Floats, NDArray[np.bool_]]:
        """How well each answer fits each class, and whether the truth holds it."""
        texts = [each.prediction.prediction if each.said.readable else "" for each in answers]
        scores = np.asarray(self.similarity.scores(texts, self.classes), dtype=float)
        # An embedding gives an answer that says nothing a similarity too.
        scores[[not text for text in texts]] = min(0.0, float(scores.min(initial=0.0)))
        number = {label: index for index, label in enumerate(self.classes)}
        truth = np.zeros((len(answers), len(self.classes)), bool)
        for row, each in enumerate(answers):
            truth[row, [number[label] for label in each.true.labels]] = True
        return scores, truth

    def _of_places(self, group: Group, answers: Sequence[JudgedAnswer]) -> list[QaScore]:
        axes = [
            self._share(group, name, answers, [bool(each.axes[axis]) for each in answers])
            for axis, name in enumerate(AXIS_NAMES)
        ]
        return [
            self._share(group, "direction", answers, [each.words_right for each in answers]),
            *axes,
            self._share(group, "der", answers, [each.far for each in answers]),
            self._share(group, "distance_error", answers, [each.distance_error for each in answers]),
        ]

    def _of_reasoning(self) -> list[QaScore]:
        scores = []
        sides, distances = self.of("MIXUP_DIRECTION"), self.of("MIXUP_DISTANCE_BOTH")
        if sides:
            scores.append(self._share("E", "direction", sides, [each.right for each in sides]))
            for axis, name in enumerate(AXIS_NAMES):
                some = [each for each in sides if asked_axis(each.prediction.question) == axis]
                if some:
                    scores.append(self._share("E", f"direction_{name}", some, [each.right for each in some]))
        if distances:
            scores.append(self._share("E", "distance", distances, [each.right for each in distances]))
        if sides and distances:
            scores.append(self._yes_no(sides, distances))
        if answers := self.of("MIXUP_NONBINARY_DISTANCE"):
            scores.append(self._share("E", "nonbinary_der", answers, [each.far for each in answers]))
            errors = [each.distance_error for each in answers]
            scores.append(self._share("E", "nonbinary_distance_error", answers, errors))
        for kind, name in (("MIXUP_NONBINARY_DIRECTION", "direction"), ("MIXUP_NONBINARY_SOURCE", "source")):
            if answers := tuple(each for each in self.answers if each.prediction.question_type == kind):
                scores.append(self._share("E", f"nonbinary_{name}", answers, [each.right for each in answers]))
        return scores

    def _yes_no(self, sides: Sequence[JudgedAnswer], distances: Sequence[JudgedAnswer]) -> QaScore:
        """The mean of two accuracies, whatever their numbers of questions."""
        value, resampled = 0.0, np.zeros(max(self.resamplings, 1))
        for answers in (sides, distances):
            right = [float(each.right) for each in answers]
            value += float(np.mean(right)) / 2
            if self.resamplings:
                resampled += resampled_means(right, self._counts(answers)) / 2
        interval = bootstrap_interval(value, resampled if self.resamplings else math.nan)
        return QaScore("E", "yes_no", interval, len(sides) + len(distances))

    def _share(self, group: Group, name: str, answers: Sequence[JudgedAnswer], values: Sequence[float]) -> QaScore:
        """The mean over questions; those without a value (NaN) do not count."""
        numbers = np.asarray(values, dtype=float)
        known = np.isfinite(numbers)
        value = float(numbers[known].mean()) if known.any() else math.nan
        resampled: Floats | float = math.nan
        if self.resamplings:
            resampled = resampled_means(numbers, self._counts(answers))
        return QaScore(group, name, bootstrap_interval(value, resampled), int(known.sum()))

    def _counts(self, answers: Sequence[JudgedAnswer]) -> NDArray[np.uint16]:
        """How often each answer occurs in each resampling; drawn once for all scores of the same answers."""
        key = answers[0].prediction.question_type, len(answers)
        if key not in self._drawn:
            seed = seeding.derive(self.seed, *key)
            self._drawn[key] = resampling_counts(len(answers), resamplings=self.resamplings, seed=seed)
        return self._drawn[key]


def evaluate_answers(
    predictions: Iterable[QaPrediction],
    *,
    classes: Sequence[str] | None = None,
    similarity: LabelSimilarity | None = None,
    resamplings: int = 1000,
    seed: int = 0,
) -> QaEvaluation:
    """Judge answers.

    Args:
        predictions: with the truth.
        classes: names of all classes, in which a truth must be written but for case; None takes those of the truths.
        similarity: how well answers fit classes in ``map``; None goes by names and synonyms.
        resamplings: of the bootstrap intervals; 0 for none.
        seed: of the bootstrap intervals.

    Raises:
        ParameterError: there is nothing to score, a truth is no answer to its question, or holds an unknown class.
    """
    if resamplings < 0:
        raise ParameterError(f"resamplings are at least 0, got {resamplings}")
    given = tuple(predictions)
    if not given:
        raise ParameterError("there are no answers to score")
    truths = [_truth(each) for each in given]
    held = [label for each, true in zip(given, truths, strict=True) for label in true.labels]
    known = tuple(sorted(set(held))) if classes is None else tuple(dict.fromkeys(label.lower() for label in classes))
    missing = sorted(set(held) - set(known))
    if missing:
        shown = ", ".join(missing[:5])
        raise ParameterError(f"{len(missing)} classes of the truth are not in the list of {len(known)}: {shown}")
    judged = tuple(_judged(each, true, known) for each, true in zip(given, truths, strict=True))
    return QaEvaluation(judged, known, similarity or NameSimilarity(), resamplings, seed)


def _truth(item: QaPrediction) -> ReadAnswer:
    """What is right; class names are taken as they are written between semicolons."""
    if item.question_type in LABELLED:
        labels = tuple(dict.fromkeys(" ".join(part.lower().split()) for part in item.answer.split(";") if part.strip()))
        true = ReadAnswer(labels=labels, readable=bool(labels))
    else:
        true = read_answer(item.answer, item.question_type)
    words = sum(word is not None for word in true.words)
    wanted = {"MIXUP_NONBINARY_DIRECTION": 1} | dict.fromkeys(PLACED, 3)
    if not true.readable or words != wanted.get(item.question_type, 0):
        raise ParameterError(f"{item.answer!r} is no true answer to {item.question_type} ({'-'.join(item.key)})")
    return true


def _judged(item: QaPrediction, true: ReadAnswer, classes: tuple[str, ...]) -> JudgedAnswer:
    said = read_answer(item.prediction, item.question_type)
    if item.question_type in BINARY:
        return JudgedAnswer(item, said, true, said.yes is true.yes)
    if item.question_type in LABELLED:
        exact = matched_exactly(item.prediction, true.labels, classes=classes)
        by_meaning = matched_by_meaning(item.prediction, true.labels, classes=classes)
        right = by_meaning.only_right
        if item.question_type in _DETECTIONS:
            right = right and all(by_meaning.found)
        return JudgedAnswer(item, said, true, right, exact=exact, by_meaning=by_meaning)
    first, second, third = (None if word is None else heard == word for heard, word in zip(said.words, true.words, strict=True))
    error = math.nan
    if said.distance is not None and true.distance is not None:
        error = abs(said.distance - true.distance)
    judged = JudgedAnswer(item, said, true, False, (first, second, third), error)
    return replace(judged, right=judged.words_right and not judged.far)


# Words of direction that do not say which one is asked for.
_BESIDE = re.compile(r"\b(?:(?:look|fac)(?:ing)? (?:straight )?ahead|is it right|am i right|right that|all right)\b")
_SPLIT = re.compile(r"\b(?:or|and)\b|,")


def asked_axis(question: str) -> int | None:
    """Return which axis a question is about: 0 left or right, 1 front or behind, 2 above or below.

    Returns:
        None where it names none, or several.

    >>> asked_axis("Is the dog further to the left than the rain, or to the right?"), asked_axis("Is the dog louder?")
    (0, None)
    """
    parts = _SPLIT.split(_BESIDE.sub(" ", plain_answer(question)))
    named = [axis for axis in range(len(AXES)) if any(directions_said(part)[axis] for part in parts)]
    return named[0] if len(named) == 1 else None
