"""Three questions about the demo's scene, chosen so that the right answer is certain, and what they are answered.

One asks where a sound comes from and how far away it is, one compares two sounds, one asks what sounds in some place. Where a
scene leaves room for doubt about every place or distance, easier ones take their places: which way, and what sounds at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from auris.audio import Audio
from auris.data.language.question_grammar import said
from auris.data.language.questions import Answer, Asked, HeardSource, QuestionMargins, askable, said_label
from auris.errors import AurisError
from auris.io.spatial_qa_records import QuestionType
from auris.scene import Scene
from auris.seeding import generator

_WANTED: tuple[tuple[QuestionType, ...], ...] = (
    ("MIXUP_SINGLE_DOA",),
    ("MIXUP_DIRECTION", "MIXUP_DISTANCE_BOTH"),
    ("MIXUP_SINGLE_CLASSIFICATION",),
)
_INSTEAD: tuple[tuple[QuestionType, ...], ...] = (("MIXUP_NONBINARY_DIRECTION",), (), ("CLASSIFICATION",))
# The clearest question is asked: margins are loosened only where nothing keeps to them.
_MARGINS = (
    QuestionMargins(plane_deg=10, offset=1.0, offset_deg=20, distance=1.0, told_distance=1.5),
    QuestionMargins(),
    QuestionMargins(plane_deg=2),
)
_MOMENTS = (0.1, 0.5, 0.9)  # of the time in which a source sounds; answers about moving sources must not change


@dataclass(frozen=True)
class AskedOfDemo:
    """A question, the right answer, and the answers to it.

    Attributes:
        question: as it is asked.
        truth: the right answer, from the scene that was rendered.
        by_model: what the language model said; None where there is none.
        by_rules: what follows from the scene that was heard; why nothing does, where it does not.
    """

    question: str
    truth: str
    by_model: str | None
    by_rules: str

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        return {
            "question": self.question,
            "truth": self.truth,
            "by_model": self.by_model,
            "by_rules": self.by_rules,
        }


def ask_demo(
    scene: Scene, heard: Scene, audio: Audio, *, seed: int, report: Callable[[str], None]
) -> tuple[str | None, tuple[AskedOfDemo, ...]]:
    """Ask three questions of a scene that was rendered.

    Args:
        scene: the truth.
        heard: what a listener heard in the audio.
        audio: of the scene.
        seed: which of the possible questions, and their words.
        report: called with a line of text where something is missing.

    Returns:
        The name of the language model that was asked, None where there is none, and the questions with their answers.
    """
    from auris.asking import Conversation

    questions = certain_questions(scene, seed=seed)
    if len(questions) < len(_WANTED):
        report(f"of {len(_WANTED)} questions, {len(questions)} have a certain answer in this scene")
    with_model = Conversation(audio, heard=heard)
    model = None if with_model.model == "symbolic" else with_model.model
    by_rules = Conversation(audio, model="symbolic", heard=heard)
    found = [
        AskedOfDemo(text, truth, _answer(with_model, text) if model else None, _answer(by_rules, text))
        for text, truth in questions
    ]
    return model, tuple(found)


def _answer(conversation: Any, question: str) -> str:
    """The answer, or why there is none."""
    try:
        return str(conversation.ask(question))
    except AurisError as error:
        return f"no answer: {error}"


def certain_questions(scene: Scene, *, seed: int) -> tuple[tuple[str, str], ...]:
    """Return questions about a scene of several sources with answers that nobody can doubt; one of each kind at most."""
    chosen = []
    for number, (kinds, instead) in enumerate(zip(_WANTED, _INSTEAD, strict=True)):
        rng = generator(seed, "demo question", number)
        ways = (list(_certain(scene, some, margins)) for some in (kinds, instead) for margins in _MARGINS)
        if found := next((way for way in ways if way), None):
            asked, answer = found[int(rng.integers(len(found)))]
            chosen.append((said(asked, rng), answer.text))
    return tuple(chosen)


def _certain(scene: Scene, kinds: Sequence[QuestionType], margins: QuestionMargins) -> Iterator[tuple[Asked, Answer]]:
    """What can be asked about two of the sources and is true of them at all times, whatever else sounds."""
    if "CLASSIFICATION" in kinds:
        yield Asked("CLASSIFICATION"), Answer(tuple(dict.fromkeys(said_label(source.label) for source, _ in scene.events())))
        return
    early, middle, late = (_sources_at(scene, share) for share in _MOMENTS)
    places = range(len(middle))
    for kind, (first, other) in itertools.product(kinds, itertools.combinations(places, 2)):
        known = [dict(askable(kind, (m[first], m[other]), margins=margins)) for m in (early, middle, late)]
        for asked, answer in known[1].items():
            lasting = all(asked in moment and _same(moment[asked], answer) for moment in known)
            if lasting and _plain(asked) and _unmistakable(asked, answer, middle, margins):
                yield asked, answer


def _plain(asked: Asked) -> bool:
    """Whether a question is plain among three or more sources: none is "the nearer one", and many lie in front."""
    if asked.type == "MIXUP_SINGLE_CLASSIFICATION":
        return not asked.relation and asked.distance is None
    return asked.relation not in ("alike", "apart")


def _sources_at(scene: Scene, share: float) -> list[HeardSource]:
    """The sources when a share of the time in which they sound has passed."""
    found = []
    for source in scene.sources:
        begin, end = source.events[0].onset, source.events[-1].offset
        (place,) = scene.relative_positions(source.path, [begin + share * (end - begin)]).tolist()
        found.append(HeardSource((source.label,), tuple(place)))
    return found


def _same(first: Answer, second: Answer) -> bool:
    """Whether two answers agree; of a sound that moves, distances may differ by a step of half a metre."""
    near = first.distance is None or second.distance is None or abs(first.distance - second.distance) <= 0.5
    return near and (first.labels, first.words, first.yes) == (second.labels, second.words, second.yes)


def _unmistakable(asked: Asked, answer: Answer, sources: Sequence[HeardSource], margins: QuestionMargins) -> bool:
    """Whether no further source could be meant: names belong to one, and what is told by its place is told from each other."""
    names = [label for source in sources for label in source.labels]
    if any(names.count(label) != 1 for label in (asked.subject, asked.other, *answer.labels) if label):
        return False
    if asked.subject or not answer.labels:
        return True
    (meant,) = (source for source in sources if source.labels == answer.labels)
    others = (source for source in sources if source is not meant)
    return all((asked, answer) in askable(asked.type, (meant, other), margins=margins) for other in others)
