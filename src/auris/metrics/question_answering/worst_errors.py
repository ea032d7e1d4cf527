"""A report of the worst errors, as text: what was far off, what is taken for what, and what could not be read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from auris.io.spatial_qa_records import QUESTION_TYPES
from auris.metrics.question_answering.answer_reading import LABELLED
from auris.metrics.question_answering.label_matching import classes_named, fit
from auris.metrics.question_answering.scores import JudgedAnswer, QaEvaluation

_LONGEST = 100  # characters of a text


def worst_errors(evaluation: QaEvaluation, *, most: int = 10) -> str:
    """Return the report.

    For each type of question: how many answers are wrong; the wrong ones, worst first (directions by the number of wrong words,
    then distances by metres, sounds by how little they fit any true one); what is taken for what, most frequent first; and the
    texts that say nothing that was asked for.

    Args:
        evaluation: of answers.
        most: lines of each list.
    """
    lines: list[str] = []
    for kind in QUESTION_TYPES:
        answers = evaluation.of(kind)
        if not answers:
            continue
        wrong = [each for each in answers if not each.right]
        lines += [f"{kind}: {len(wrong)} of {len(answers)} wrong", ""]
        lines += _listed("worst", _worst([each for each in wrong if each.said.readable]), most)
        lines += _listed("taken for", _confusions(answers, evaluation.classes), most)
        lines += _listed("unreadable", _unreadable(answers), most)
    return "\n".join(lines).rstrip() + "\n"


def _listed(title: str, rows: Sequence[str], most: int) -> list[str]:
    if not rows:
        return []
    shown = [f"    {row}" for row in rows[:most]]
    more = [f"    … {len(rows) - most} more"] if len(rows) > most else []
    return [f"  {title}", *shown, *more, ""]


def _worst(wrong: Sequence[JudgedAnswer]) -> list[str]:
    return [_line(each) for each in sorted(wrong, key=_badness, reverse=True)]


def _badness(answer: JudgedAnswer) -> tuple[float, float]:
    """How wrong an answer is: words, then metres; or how little it fits."""
    if answer.prediction.question_type in LABELLED:
        fits = [fit(said, label) for said in answer.said.labels for label in answer.true.labels]
        return 1 - max(fits, default=0.0), 1 - (answer.by_meaning.f1 if answer.by_meaning else 0.0)
    unknown = math.inf if answer.far else 0.0
    metres = answer.distance_error if math.isfinite(answer.distance_error) else unknown
    return sum(axis is False for axis in answer.axes), metres


def _line(answer: JudgedAnswer) -> str:
    item = answer.prediction
    asked_for = [axis for axis in answer.axes if axis is not None]
    wrong = [f"{asked_for.count(False)} of {len(asked_for)} words"] if False in asked_for else []
    if answer.far and math.isfinite(answer.distance_error):
        wrong.append(f"{answer.distance_error:.1f} m")
    reason = f" ({', '.join(wrong)} off)" if wrong else ""
    asked = f" · {_short(item.question)}" if item.question else ""
    return f"{item.question_id}: {_short(item.answer)!r} is right, {_short(item.prediction)!r} was said{reason}{asked}"


def _confusions(answers: Sequence[JudgedAnswer], classes: Sequence[str]) -> list[str]:
    counts = Counter(pair for each in answers for pair in _mistaken(each, classes))
    totals = Counter(true for each in answers for true in _true_things(each))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"{true} → {said}: {count} of {totals[true]}" for (true, said), count in ranked]


def _true_things(answer: JudgedAnswer) -> Iterator[str]:
    yield from answer.true.labels
    yield from (word for word in answer.true.words if word)
    if answer.true.yes is not None:
        yield "Yes" if answer.true.yes else "No"


def _mistaken(answer: JudgedAnswer, classes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is right, and what was said instead of it."""
    if answer.true.yes is not None:
        if answer.said.yes is not None and not answer.right:
            yield ("Yes", "No") if answer.true.yes else ("No", "Yes")
        return
    for axis, true in enumerate(answer.true.words):
        heard = answer.said.words[axis]
        if true and heard and heard != true:
            yield true, heard
    if answer.by_meaning is not None and answer.said.readable:
        missed = [label for label, found in zip(answer.true.labels, answer.by_meaning.found, strict=True) if not found]
        surplus = [name for name, right in zip(answer.by_meaning.said, answer.by_meaning.right, strict=True) if not right]
        named = [name for text in surplus for name in classes_named(text, classes)] or ["(nothing else)"]
        yield from ((label, name) for label in missed for name in named)


def _unreadable(answers: Sequence[JudgedAnswer]) -> list[str]:
    texts = Counter(_short(each.prediction.prediction) for each in answers if not each.said.readable)
    return [f"{text!r}{f' ({count} times)' if count > 1 else ''}" for text, count in texts.most_common()]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
