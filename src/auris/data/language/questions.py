"""Questions about what sounds where, of every type of SpatialSoundQA, with the one answer that is right.

:func:`askable` lists what can be asked about one or two sources so that nobody can doubt the answer; :func:`question` draws
one of it and says it in one of many ways (:mod:`auris.data.language.question_grammar`). :func:`answered` is the answer as a
function of the question and the geometry, :func:`parsed_question` reads what a question asks from its text.

Directions are the listener's: left and right, front and behind, above and below his ears. A sound is further to the left,
front or top than another if both its coordinate and its angle say so. Distances are from the listener, but between two sources
where a question asks how far they are apart. Source: Zheng et al., BAT, arXiv:2402.01591.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auris import seeding
from auris.data.language.answers import BINARY, Answer, parsed_answer
from auris.data.language.phrases import AXES, axis_of, half_metres, word_of
from auris.data.language.question_grammar import Asked, Wording, read, said
from auris.errors import ParameterError, SceneError, unknown_name
from auris.geometry.trajectories import Point
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES, QuestionType
from auris.scene import Scene

__all__ = [
    "Answer",
    "Asked",
    "HeardSource",
    "Question",
    "QuestionMargins",
    "answered",
    "askable",
    "heard_sources",
    "parsed_answer",
    "parsed_question",
    "question",
    "said_label",
]

# Which coordinate of the frame (x front, y left, z up) an axis of words runs along.
_COORDINATE = (1, 0, 2)


def said_label(label: str) -> str:
    """Return a class as it is said and answered: lower case, with spaces.

    >>> said_label("Clock_tick")
    'clock tick'
    """
    return " ".join(label.replace("_", " ").lower().split())


@dataclass(frozen=True)
class HeardSource:
    """A source as the listener has it.

    Attributes:
        labels: its classes, as they are said; at least one, without semicolons.
        position: metres in the listener's frame: x front, y left, z up.
    """

    labels: tuple[str, ...]
    position: Point

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(dict.fromkeys(said_label(label) for label in self.labels)))
        if not self.labels or not all(label and ";" not in label for label in self.labels):
            raise ParameterError(f"a source needs classes, and none with a semicolon, which joins them; got {self.labels}")
        object.__setattr__(self, "position", tuple(float(value) for value in self.position))
        if len(self.position) != 3 or not all(map(math.isfinite, self.position)) or not any(self.position):
            raise ParameterError(f"a source is at three coordinates away from the listener, got {self.position}")

    @property
    def distance(self) -> float:
        """Metres from the listener."""
        return math.hypot(*self.position)

    @property
    def words(self) -> tuple[str, ...]:
        """Its direction: left or right, front or behind, above or below."""
        return tuple(word_of(axis, self.coordinate(axis)) for axis in range(len(AXES)))

    def coordinate(self, axis: int) -> float:
        """Return metres towards the first word of an axis: left, front, above."""
        return self.position[_COORDINATE[axis]]

    def angle_deg(self, axis: int) -> float:
        """Return degrees from the plane between the words of an axis, above 0 on the side of the first."""
        return math.degrees(math.asin(max(-1.0, min(1.0, self.coordinate(axis) / self.distance))))


@dataclass(frozen=True)
class QuestionMargins:
    """What must differ, and by how much, for a question to have one answer.

    Attributes:
        plane_deg: least angle between a source and the plane that divides left from right, front from behind, or above from
            below, for the word to be said or asked for.
        offset: least difference of coordinates, in metres, for one source to be further to the left, front or top than another.
        offset_deg: least difference of their angles from that plane.
        distance: least difference of distances, in metres, for nearer and farther.
        told_distance: least difference, in metres, between a distance by which a source is told and that of the other source.
    """

    plane_deg: float = 5.0
    offset: float = 0.5
    offset_deg: float = 10.0
    distance: float = 0.5
    told_distance: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not 0 <= getattr(self, name) < math.inf:
                raise ParameterError(f"margin {name} is at least 0, got {getattr(self, name)!r}")
        if max(self.plane_deg, self.offset_deg) > 45:
            raise ParameterError(
                f"margins beyond 45 degrees leave nothing to ask; got {self.plane_deg!r} and {self.offset_deg!r}"
            )

    def clear(self, source: HeardSource, axis: int) -> bool:
        """Whether a source lies clearly on one side of the plane between the words of an axis."""
        angle = abs(source.angle_deg(axis))
        return angle >= self.plane_deg and angle > 0

    def apart(self, first: HeardSource, second: HeardSource, axis: int) -> int:
        """Return 1 or -1 where one of two sources is clearly further towards the first or second word of an axis, else 0."""
        metres = first.coordinate(axis) - second.coordinate(axis)
        degrees = first.angle_deg(axis) - second.angle_deg(axis)
        if metres * degrees <= 0 or abs(metres) < self.offset or abs(degrees) < self.offset_deg:
            return 0
        return 1 if metres > 0 else -1


@dataclass(frozen=True)
class Question:
    """A question with its answer.

    Attributes:
        type: published type.
        text: as it is asked.
        answer: as it is answered.
        asked: what it asks.
    """

    type: QuestionType
    text: str
    answer: str
    asked: Asked

    def plain(self) -> dict[str, str]:
        """Return question, answer and type, as facts of a set hold them."""
        return {"question": self.text, "answer": self.answer, "type": self.type}


def heard_sources(scene: Scene) -> tuple[HeardSource, ...]:
    """Return the sources of a scene; one that moves, where it is in the middle of the time in which it sounds.

    Raises:
        ParameterError: a source is where the listener is.
    """
    heard = []
    for source in scene.sources:
        middle = (source.events[0].onset + source.events[-1].offset) / 2
        (place,) = scene.relative_positions(source.path, [middle]).tolist()
        heard.append(HeardSource((source.label,), tuple(place)))
    return tuple(heard)


def question(
    kind: QuestionType,
    sources: Sequence[HeardSource],
    seed: int,
    *,
    margins: QuestionMargins | None = None,
    wish: bool | None = None,
    wording: Wording = "any",
) -> Question:
    """Return a question: a pure function of its arguments.

    What is asked is drawn by its form first, so that no form is rare because it can ask little.

    Args:
        kind: type of the question.
        sources: one for ``CLASSIFICATION`` and ``DOA``, two for all others.
        seed: of what is asked and of its words.
        margins: what makes an answer certain; the default ones unless given.
        wish: the answer to a question for Yes or No; None draws it.
        wording: which sentences may be used (:func:`auris.data.language.question_grammar.said`).

    Raises:
        SceneError: nothing of this type can be asked about these sources without doubt.
        ParameterError: the type is unknown, or has another number of sources.
    """
    rng = seeding.generator(seed, "question", kind)
    found = askable(kind, sources, margins=margins)
    if kind in BINARY:
        wanted = bool(rng.random() < 0.5) if wish is None else wish
        found = tuple(pair for pair in _open(found) if pair[1].yes == wanted)
    if not found:
        raise SceneError(f"nothing of type {kind} can be asked about these sources without doubt: {list(sources)}")
    forms = sorted({asked.form for asked, _ in found})
    form = forms[int(rng.integers(len(forms)))]
    fitting = [pair for pair in found if pair[0].form == form]
    asked, answer = fitting[int(rng.integers(len(fitting)))]
    return Question(kind, said(asked, rng, wording=wording), answer.text, asked)


def _open(found: Sequence[tuple[Asked, Answer]]) -> Sequence[tuple[Asked, Answer]]:
    """What has both answers in its form, so that no form gives its answer away; all, if there is nothing such."""
    both = {asked.form for asked, answer in found if answer.yes} & {asked.form for asked, answer in found if not answer.yes}
    return [pair for pair in found if pair[0].form in both] or found


def askable(
    kind: QuestionType, sources: Sequence[HeardSource], *, margins: QuestionMargins | None = None
) -> tuple[tuple[Asked, Answer], ...]:
    """Return all that can be asked about sources so that one answer is right, with the answers.

    Raises:
        ParameterError: the type is unknown, or has another number of sources.
    """
    if kind not in QUESTION_TYPES:
        raise ParameterError(unknown_name("question_type", kind, QUESTION_TYPES))
    wanted = 1 if kind in ONE_SOURCE else 2
    if len(sources) != wanted:
        raise ParameterError(f"{kind} asks about {wanted} source{'s' * (wanted > 1)}, got {len(sources)}")
    chosen = margins or QuestionMargins()
    if kind in ONE_SOURCE:
        asking = _about_one(kind, sources[0], chosen)
    else:
        orders = (tuple(sources), tuple(sources[::-1]))
        asking = itertools.chain.from_iterable(_about_two(kind, first, second, chosen) for first, second in orders)
    return tuple((asked, answered(asked, sources)) for asked in dict.fromkeys(asking))


def parsed_question(text: str, *, question_type: QuestionType | None = None) -> Asked:
    """Return what a question asks, read from its words; see :func:`auris.data.language.question_grammar.read`.

    Raises:
        ParameterError: the question is not in the words of this grammar.

    >>> parsed_question("Is the sound of the rain closer to you than the sound of the dog?").relation
    'nearer'
    """
    return read(text, question_type=question_type)


def _about_one(kind: QuestionType, source: HeardSource, margins: QuestionMargins) -> Iterator[Asked]:
    if kind == "CLASSIFICATION":
        yield Asked(kind)
    elif all(margins.clear(source, axis) for axis in range(len(AXES))):
        yield Asked(kind)
        yield from (Asked(kind, label) for label in source.labels)


def _about_two(kind: QuestionType, first: HeardSource, second: HeardSource, margins: QuestionMargins) -> Iterator[Asked]:
    """What can be asked about the first of two sources, or about it and the other."""
    pairs = list(itertools.product(_names(first, second), _names(second, first)))
    if kind == "MIXUP_SINGLE_CLASSIFICATION":
        yield from _told_apart(kind, first, second, margins) if set(first.labels) != set(second.labels) else ()
    elif kind == "MIXUP_SINGLE_DOA":
        if all(margins.clear(first, axis) for axis in range(len(AXES))):
            yield from (Asked(kind, subject) for subject in _names(first, second))
    elif kind == "MIXUP_DIRECTION":
        yield from _directions(kind, first, second, pairs, margins)
    elif kind == "MIXUP_NONBINARY_SOURCE":
        yield from _which(kind, first, second, pairs, margins) if pairs else ()
    elif kind == "MIXUP_NONBINARY_DIRECTION":
        axes = [axis for axis in range(len(AXES)) if margins.apart(first, second, axis)]
        yield from (Asked(kind, *pair, words=AXES[axis], relation="more") for pair in pairs for axis in axes)
    elif kind == "MIXUP_NONBINARY_DISTANCE":
        yield from (Asked(kind, *pair) for pair in pairs)
    elif abs(first.distance - second.distance) >= margins.distance and first.distance != second.distance:
        yield from (Asked(kind, *pair, relation="nearer") for pair in pairs)
        yield from (Asked(kind, *pair, relation="farther") for pair in pairs)


def _told_apart(kind: QuestionType, first: HeardSource, second: HeardSource, margins: QuestionMargins) -> Iterator[Asked]:
    """In which ways the first source can be told from the second without its name."""
    axes = range(len(AXES))
    clear = [margins.clear(first, axis) for axis in axes]
    differs = [clear[axis] and margins.clear(second, axis) and first.words[axis] != second.words[axis] for axis in axes]
    told = half_metres(first.distance)
    by_distance = abs(told - second.distance) >= margins.told_distance
    for count in (1, 2, 3):
        for chosen in itertools.combinations(axes, count):
            words = tuple(first.words[axis] for axis in chosen)
            if all(clear[axis] for axis in chosen) and any(differs[axis] for axis in chosen):
                yield Asked(kind, words=words)
    if all(clear) and (any(differs) or by_distance):
        yield Asked(kind, words=first.words, distance=told)
    if by_distance:
        yield Asked(kind, distance=told)
    if _nearer(first, second, margins):
        yield Asked(kind, relation="nearer")
    if _nearer(second, first, margins):
        yield Asked(kind, relation="farther")


def _directions(
    kind: QuestionType, first: HeardSource, second: HeardSource, pairs: Sequence[tuple[str, str]], margins: QuestionMargins
) -> Iterator[Asked]:
    for axis, words in enumerate(AXES):
        if margins.apart(first, second, axis):
            yield from (Asked(kind, *pair, words=(word,), relation="more") for pair in pairs for word in words)
        if margins.clear(first, axis) and margins.clear(second, axis):
            yield from (Asked(kind, *pair, words=words, relation="alike") for pair in pairs)
            yield from (Asked(kind, *pair, words=words, relation="apart") for pair in pairs)


def _which(
    kind: QuestionType, first: HeardSource, second: HeardSource, pairs: Sequence[tuple[str, str]], margins: QuestionMargins
) -> Iterator[Asked]:
    """By what the first source can be asked for, with and without naming the two."""
    named = [("", ""), *pairs, *((other, subject) for subject, other in pairs)]
    for axis in range(len(AXES)):
        word = first.words[axis]
        if margins.clear(first, axis) and margins.clear(second, axis) and second.words[axis] != word:
            yield from (Asked(kind, *pair, words=(word,)) for pair in named)
        if further := margins.apart(first, second, axis):
            yield from (Asked(kind, *pair, words=(word_of(axis, further),), relation="more") for pair in named)
    if _nearer(first, second, margins):
        yield from (Asked(kind, *pair, relation="nearer") for pair in named)
    if _nearer(second, first, margins):
        yield from (Asked(kind, *pair, relation="farther") for pair in named)


def _nearer(first: HeardSource, second: HeardSource, margins: QuestionMargins) -> bool:
    difference = second.distance - first.distance
    return difference > 0 and difference >= margins.distance


def _names(source: HeardSource, other: HeardSource) -> list[str]:
    """The labels that name a source and cannot be taken for the other."""
    return [label for label in source.labels if not any(_alike(label, label_of_other) for label_of_other in other.labels)]


def _alike(first: str, second: str) -> bool:
    """Whether all words of one label are among those of the other, as of speech and male speech."""
    words = [set(label.replace(",", " ").split()) for label in (first, second)]
    return words[0] <= words[1] or words[1] <= words[0]


def answered(asked: Asked, sources: Sequence[HeardSource]) -> Answer:
    """Return the answer as a function of the question and the geometry; whether anybody could doubt it is not asked.

    Raises:
        SceneError: the question is not about these sources: it names what is not there, or what both are.
    """
    kind = asked.type
    if kind in ("MIXUP_SINGLE_CLASSIFICATION", "MIXUP_NONBINARY_SOURCE"):
        return Answer(labels=_told(asked, sources).labels)
    subject = _named(asked.subject, sources) if asked.subject else sources[0]
    if kind == "CLASSIFICATION":
        return Answer(labels=subject.labels)
    if kind in ("DOA", "MIXUP_SINGLE_DOA"):
        return Answer(words=subject.words, distance=half_metres(subject.distance))
    return _compared(asked, subject, _named(asked.other, sources))


def _compared(asked: Asked, first: HeardSource, second: HeardSource) -> Answer:
    if asked.type == "MIXUP_NONBINARY_DISTANCE":
        return Answer(distance=half_metres(math.dist(first.position, second.position)))
    if asked.type == "MIXUP_DISTANCE_BOTH":
        return Answer(yes=(first.distance < second.distance) == (asked.relation == "nearer"))
    axis = axis_of(asked.words[0])
    if asked.relation in ("alike", "apart"):
        return Answer(yes=(first.words[axis] == second.words[axis]) == (asked.relation == "alike"))
    way = word_of(axis, first.coordinate(axis) - second.coordinate(axis))
    return Answer(words=(way,)) if asked.type == "MIXUP_NONBINARY_DIRECTION" else Answer(yes=way == asked.words[0])


def _named(label: str, sources: Sequence[HeardSource]) -> HeardSource:
    having = [source for source in sources if label in source.labels]
    if len(having) != 1:
        heard = " and ".join("; ".join(source.labels) for source in sources)
        what = "both sources are" if having else "none of the sources is"
        raise SceneError(f"the question names {label!r}, which {what}: {heard}")
    return having[0]


def _told(asked: Asked, sources: Sequence[HeardSource]) -> HeardSource:
    """The source that a question tells by its direction or distance."""
    if asked.relation == "more":
        axis = axis_of(asked.words[0])
        ordered = sorted(sources, key=lambda source: source.coordinate(axis), reverse=asked.words[0] == AXES[axis][0])
        return ordered[0]
    if asked.relation:
        ordered = sorted(sources, key=lambda source: source.distance, reverse=asked.relation == "farther")
        return ordered[0]
    having = [source for source in sources if all(word in source.words for word in asked.words)]
    told = asked.distance
    if told is not None and len(having) > 1:
        having = [min(having, key=lambda source: abs(source.distance - told))]
    if len(having) != 1:
        place = ", ".join(asked.words)
        raise SceneError(f"the question tells a source by {place}, where {'several are' if having else 'none is'}")
    return having[0]
