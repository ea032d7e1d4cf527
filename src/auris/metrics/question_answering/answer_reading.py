"""What an answer says, whatever the words: yes or no, directions, a distance, sounds.

Language models answer in sentences as often as in the published forms (``Yes`` · ``left, behind, below; 2.5m`` · ``2m`` ·
``left`` · ``music; speech``). These rules read both. What they cannot read, and what contradicts itself, is *unreadable*, which
scores count as wrong; nothing is guessed. Before all else a text is put into lower case, cut where a model goes on with an
exercise of its own (``###``) or ends it (``</s>``), and ``Answer:`` or ``The answer is`` at its beginning is dropped. An answer
``(not answered …)`` says nothing.

**Yes or no.** The text is divided at punctuation, ``but`` and ``because``; every part may say yes, no, or nothing.

1. A part that begins with yes (yeah, yep, correct, true, indeed, …) says yes; one that begins with no (nope, nah, false, wrong,
   hardly, unlikely, …) or with not says no: ``Not really``, ``Certainly not``. ``Right``, ``sure``, ``certainly``, ``probably``
   say yes by themselves only: ``right in front of you`` does not.
2. A part that is ``it is``, ``they do``, ``I think so`` says yes; ``it is not``, ``it isn't``, ``I don't think so``, ``that is
   wrong`` no. So does a denial, ``it does not come from there``, unless the text goes on with ``but``, ``rather`` or
   ``instead``: what is denied may then not be what was asked.
3. ``I am not sure``, ``I don't know``, ``maybe`` say nothing, nor do ``no doubt`` and ``no question`` by themselves.
4. Parts that disagree, ``yes and no``, ``yes or no``, and texts of which no part says anything, are unreadable. A statement
   (``The dog is on the left.``) is not put against the question: it says nothing.

**Directions.** For each of left/right, front/behind and above/below the word that is said, in any order: ``on your left-hand
side``, ``ahead``, ``in front``, ``at your back``, ``rear``, ``overhead``, ``higher``, ``beneath``, ``down``, … ``right`` before
``in front``, ``behind``, ``above``, ``here`` and the like only stresses; a word after ``not``, ``nor`` or ``rather than`` does
not count. Both words of an axis, or none, leave that axis unread.

**Distances.** A number and its unit: metres, centimetres, millimetres, feet (0.3048 m), inches, yards; ``2.5m``, ``2,5 m``,
``two and a half metres``, ``half a metre``, ``a metre and a half``, ``a couple of metres``, ``two point five meters``, ``5 feet
3 inches``. A range (``2-3 m``, ``between two and three metres``) is its middle. Where metric and other units are said, the
metric ones count. A number alone counts as metres if it is the only one. Different distances in one answer are unreadable.

**Sounds.** Names separated by semicolons or lines where there are any, else by commas, ``and``, ``as well as``, ``plus``;
without what leads in (``I hear``, ``the sound of``, ``there is``), articles, and what is denied (``no music``,
``nothing``). Which class a name means is another question (:mod:`auris.metrics.question_answering.label_matching`).
"""

from __future__ import annotations

from dataclasses import dataclass

from auris.errors import ParameterError, unknown_name
from auris.io.spatial_qa_records import QUESTION_TYPES, QuestionType
from auris.metrics.question_answering.direction_reading import AXES, Directions, directions_said
from auris.metrics.question_answering.distance_reading import distance_said
from auris.metrics.question_answering.plain_text import plain_answer
from auris.metrics.question_answering.sound_reading import sounds_said
from auris.metrics.question_answering.yes_no_reading import yes_or_no

__all__ = [
    "AXES",
    "BINARY",
    "LABELLED",
    "PLACED",
    "ReadAnswer",
    "directions_said",
    "distance_said",
    "plain_answer",
    "read_answer",
    "sounds_said",
    "yes_or_no",
]

BINARY: tuple[QuestionType, ...] = ("MIXUP_DIRECTION", "MIXUP_DISTANCE_BOTH")
PLACED: tuple[QuestionType, ...] = ("DOA", "MIXUP_SINGLE_DOA")
LABELLED: tuple[QuestionType, ...] = ("CLASSIFICATION", "MIXUP_SINGLE_CLASSIFICATION", "MIXUP_NONBINARY_SOURCE")


@dataclass(frozen=True)
class ReadAnswer:
    """What an answer says; what its type of question does not ask for is empty.

    Attributes:
        yes: of a question that is answered by yes or no; None where it is unreadable.
        words: left or right, front or behind, above or below; None where an axis is not said, or both of its words.
        distance: metres; None where none is said, or several.
        labels: sounds, as they are named.
        readable: whether all that was asked for is said; of directions, at least one of the three.
    """

    yes: bool | None = None
    words: Directions = (None, None, None)
    distance: float | None = None
    labels: tuple[str, ...] = ()
    readable: bool = True


def read_answer(text: str, question_type: QuestionType) -> ReadAnswer:
    """Return what an answer to a question of some type says.

    Raises:
        ParameterError: the type is unknown.

    >>> read_answer("It is behind you, to the left and below, about 2.5 metres away.", "DOA")
    ReadAnswer(yes=None, words=('left', 'behind', 'below'), distance=2.5, labels=(), readable=True)
    """
    if question_type not in QUESTION_TYPES:
        raise ParameterError(unknown_name("question_type", question_type, QUESTION_TYPES))
    plain = plain_answer(text)
    if question_type in BINARY:
        yes = yes_or_no(plain)
        return ReadAnswer(yes=yes, readable=yes is not None)
    if question_type in LABELLED:
        labels = sounds_said(plain)
        return ReadAnswer(labels=labels, readable=bool(labels))
    words: Directions = (None, None, None)
    distance = None
    if question_type != "MIXUP_NONBINARY_DISTANCE":
        words = directions_said(plain)
    if question_type != "MIXUP_NONBINARY_DIRECTION":
        distance = distance_said(plain)
    asked = [any(words)] * (question_type != "MIXUP_NONBINARY_DISTANCE")
    asked += [distance is not None] * (question_type != "MIXUP_NONBINARY_DIRECTION")
    return ReadAnswer(words=words, distance=distance, readable=all(asked))
