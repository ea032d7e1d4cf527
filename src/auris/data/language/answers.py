"""Answers in the published forms, written and read.

``music; speech`` · ``left, behind, below; 2.5m`` · ``Yes`` · ``2m`` · ``left``
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from auris.data.language.phrases import AXES, WORDS, metres_text
from auris.errors import ParameterError, unknown_name
from auris.io.spatial_qa_records import QUESTION_TYPES, QuestionType

_DETECTIONS: tuple[QuestionType, ...] = ("CLASSIFICATION", "MIXUP_SINGLE_CLASSIFICATION", "MIXUP_NONBINARY_SOURCE")
_PLACES: tuple[QuestionType, ...] = ("DOA", "MIXUP_SINGLE_DOA")
BINARY: tuple[QuestionType, ...] = ("MIXUP_DIRECTION", "MIXUP_DISTANCE_BOTH")
_DISTANCE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:m|metres?|meters?)\.?")


@dataclass(frozen=True)
class Answer:
    """What an answer says; the fields that its type of question does not have are empty.

    Attributes:
        labels: class names, lower case.
        words: directions: all three, or the one that was asked for.
        distance: metres.
        yes: of a question that is answered by Yes or No.
    """

    labels: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    distance: float | None = None
    yes: bool | None = None

    @property
    def text(self) -> str:
        """The answer in its published form."""
        if self.yes is not None:
            return "Yes" if self.yes else "No"
        if self.labels:
            return "; ".join(self.labels)
        parts = [", ".join(self.words)] if self.words else []
        return "; ".join([*parts, metres_text(self.distance)] if self.distance is not None else parts)


def parsed_answer(text: str, question_type: QuestionType) -> Answer:
    """Return what an answer says; capitals, spaces and a full stop at its end do not matter.

    Args:
        text: of a person, a file or a model.
        question_type: what was asked, without which ``left`` may be a direction or a class.

    Raises:
        ParameterError: the text is no answer to such a question, or the type is unknown.

    >>> parsed_answer("Left, behind, above; 2.5 m.", "DOA").text
    'left, behind, above; 2.5m'
    """
    if question_type not in QUESTION_TYPES:
        raise ParameterError(unknown_name("question_type", question_type, QUESTION_TYPES))
    plain = " ".join(text.lower().split()).removesuffix(".").strip()
    answer: Answer | None = None
    if question_type in BINARY:
        answer = Answer(yes=plain.startswith("yes")) if re.match(r"(yes|no)\b", plain) else None
    elif question_type in _DETECTIONS:
        labels = tuple(label.strip() for label in plain.split(";") if label.strip())
        answer = Answer(labels=labels) if labels else None
    elif question_type in _PLACES:
        place, _, metres = plain.partition(";")
        words, distance = tuple(word.strip() for word in place.split(",")), _metres(metres.strip())
        if distance is not None and len(words) == 3 and all(w in axis for w, axis in zip(words, AXES, strict=True)):
            answer = Answer(words=words, distance=distance)
    elif question_type == "MIXUP_NONBINARY_DISTANCE":
        answer = None if (distance := _metres(plain)) is None else Answer(distance=distance)
    elif plain in WORDS:
        answer = Answer(words=(plain,))
    if answer is None:
        raise ParameterError(f"{text!r} is no answer to {question_type}; such as {_EXAMPLES[question_type]!r} is one")
    return answer


def _metres(text: str) -> float | None:
    match = _DISTANCE.fullmatch(text)
    return float(match[1]) if match else None


_EXAMPLES: dict[QuestionType, str] = {
    **dict.fromkeys(_DETECTIONS, "music; speech"),
    **dict.fromkeys(_PLACES, "left, behind, below; 2.5m"),
    **dict.fromkeys(BINARY, "Yes"),
    "MIXUP_NONBINARY_DISTANCE": "2m",
    "MIXUP_NONBINARY_DIRECTION": "left",
}
