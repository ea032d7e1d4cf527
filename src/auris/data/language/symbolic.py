"""Answers by rules from the events of a scene, with their reasons: the honest baseline of every model that answers by ear.

The scene may be one that was heard (:func:`auris.listen`) or one that was made, which gives the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from auris.data.language import answers_in_space as space
from auris.data.language import answers_in_time as time
from auris.data.language import answers_on_motion as motion
from auris.data.language.free_questions import Understood
from auris.data.language.heard_sounds import Distances, HeardScene
from auris.data.language.question_sentences import sentence
from auris.data.language.questions import said_label
from auris.data.language.reasoned_answers import Told
from auris.data.language.understanding import understood
from auris.errors import ParameterError, SceneError, unknown_name
from auris.scene import Scene

__all__ = ["SymbolicReply", "answer_from"]


@dataclass(frozen=True)
class SymbolicReply:
    """An answer with its reasons.

    Attributes:
        text: the answer, in the published form where there is one: ``Yes``, ``left, behind, below; 2.5m``, ``dog; speech``.
        understood: the question as it was understood, in one sentence.
        why: the sounds that were used, and what was compared, a line each.
    """

    text: str
    understood: str
    why: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


_RULES: Mapping[str, Callable[[HeardScene, Understood], Told]] = {
    "CLASSIFICATION": time.everything,
    **dict.fromkeys(("DOA", "MIXUP_SINGLE_DOA", "PLACE", "DIRECTION", "BEARING", "HOW_FAR"), space.place),
    "MIXUP_SINGLE_CLASSIFICATION": space.at_place,
    "MIXUP_NONBINARY_SOURCE": space.which,
    **dict.fromkeys(("MIXUP_DIRECTION", "MIXUP_DISTANCE_BOTH"), space.compared_pair),
    **dict.fromkeys(("MIXUP_NONBINARY_DISTANCE", "MIXUP_NONBINARY_DIRECTION"), space.compared_pair),
    "SIDE": space.side,
    "WHICH_SIDE": space.which_side,
    "WITHIN": space.within,
    "NEARER_OR_FARTHER": space.nearer_or_farther,
    "SAME_DISTANCE": space.same_distance,
    **dict.fromkeys(("SAME_PLACE", "ANGLE"), space.angle_apart),
    "COMPARED": space.compared_with,
    "MOVES": motion.moves,
    "MOTION": motion.motion,
    "MOVING": motion.moving,
    "WHEN": time.when,
    "DURATION": time.duration,
    "COUNT": time.count,
    "AS_MANY": time.as_many,
    "RELATIVE": space.relative,
    "PRESENT": time.present,
    "SILENT": time.silent,
    "ORDER": time.order,
    "IN_ORDER": time.in_order,
    "SOONER": time.sooner,
    "GAP": time.gap,
    "AT_TIME": time.at_time,
    "OVERLAP": time.overlap,
    "TOGETHER": time.together,
    **dict.fromkeys(("LOUDER", "LOUDEST", "LONGER", "LONGEST"), time.superlative),
}
_OF_DISTANCE = ("HOW_FAR", "WITHIN", "MIXUP_NONBINARY_DISTANCE", "MIXUP_DISTANCE_BOTH", "NEARER_OR_FARTHER", "SAME_DISTANCE")
_PLACES = ("PLACE", "DOA", "MIXUP_SINGLE_DOA", "DIRECTION")


def answer_from(
    scene: Scene,
    question: str | Understood,
    *,
    labels: Sequence[str] = (),
    distances: Distances = "known",
) -> SymbolicReply:
    """Answer a question by rules.

    Directions are those of the listener. Where a class is heard from several places, the source that sounds longest is meant.

    Args:
        scene: what was heard, or what was there.
        question: in free English, or as :func:`auris.data.language.understanding.understood` returned it.
        labels: classes that the listener knows; a question for another one is refused, instead of "No". Empty: any.
        distances: ``unknown`` where the listener says directions only, so that the distances of the scene mean nothing
            (:attr:`auris.models.listening.Hearing.says_distance`).

    Raises:
        ParameterError: the question is not understood, or asks for a class that the listener does not know.
        SceneError: what it names is not heard, or the scene does not say what it asks for.

    >>> from auris.geometry import Static
    >>> from auris.scene import Event, Source
    >>> dog = Source("dog", Static((1.5, 1.0, 0.5)), (Event(0.8, 2.1, confidence=0.83),))
    >>> reply = answer_from(Scene(5.0, (dog,)), "Where's the puppy, and when does it bark?")
    >>> reply.text, reply.why
    ('left, front, above; 2m, from 0.8 to 2.1 s', ('dog: 0.8-2.1 s, 34° left, 16° up, 1.9 m (heard with 0.83)',))
    """
    meant = understood(question, labels=(*scene.labels, *labels)) if isinstance(question, str) else question
    _check_known(meant, scene, labels)
    heard = HeardScene(scene, distances)
    told: list[tuple[Understood, Told]] = []
    for part in meant.parts:
        if part.of_answer and told:
            told += _about_answer(heard, part, told[-1][1])
        else:
            told.append((part, _answer(heard, part)))
    why = tuple(dict.fromkeys(line for _, one in told for line in one.why if line))
    return SymbolicReply(_joined(told), sentence(meant), why)


def _check_known(meant: Understood, scene: Scene, labels: Sequence[str]) -> None:
    known = {said_label(label) for label in (*labels, *scene.labels)}
    for name in meant.names:
        if labels and name not in known:
            raise ParameterError(f"this listener cannot tell it: {unknown_name('sound', name, known)}")


def _answer(heard: HeardScene, part: Understood) -> Told:
    distance = part.type in _OF_DISTANCE or part.relation in ("nearer", "farther") or part.distance is not None
    if distance and heard.distances == "unknown":
        raise SceneError(
            "this listener says directions only, so how far away sounds are is not known; ask for directions or times"
        )
    if part.type == "EXTREME":
        return (time.superlative if part.relation in ("louder", "quieter", "longer", "shorter") else space.extreme)(heard, part)
    return _RULES[part.type](heard, part)


def _about_answer(heard: HeardScene, part: Understood, before: Told) -> list[tuple[Understood, Told]]:
    """The answer about each sound that the answer before is about."""
    named = replace(part, of_answer=False)
    single = len(before.sounds) == 1
    found = []
    for sound in before.sounds:
        onsets = [one.onset for one in heard.occurrences(sound.label)]
        number = onsets.index(sound.onset) + 1 if len(sound.events) == 1 and len(onsets) > 1 else 0
        told = _answer(heard, replace(named, subject=sound.label, number=number))
        found.append((part, told if single else replace(told, text=f"{sound.label}: {told.text}")))
    return found


def _joined(told: Sequence[tuple[Understood, Told]]) -> str:
    """The answers to all parts in one line."""
    parts = [part for part, _ in told]
    if len(parts) > 1 and all(part.type == "MIXUP_DIRECTION" and part.names == parts[0].names for part in parts):
        return "Yes" if all(one.text == "Yes" for _, one in told) else "No"
    texts = []
    for number, (part, one) in enumerate(told):
        place = number and part.type in _PLACES and parts[0].type not in _PLACES and len(one.sounds) == 1
        texts.append(_coming_from(one.text) if place and ":" not in one.text else one.text)
    return ", ".join(texts)


def _coming_from(place: str) -> str:
    """A place after something else: ``from the left, in front, below; 2.5m``."""
    side, _, rest = place.partition(", ")
    return f"from the {side}, {rest.replace('front', 'in front', 1)}"
