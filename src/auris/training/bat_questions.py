"""Questions about simulated scenes, as batches: other questions in every batch, in the words of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from auris import seeding
from auris.data.language.loose_wording import loosened
from auris.data.language.question_grammar import Wording
from auris.data.language.questions import HeardSource, Question, QuestionMargins, askable, question
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES, QuestionType
from auris.training.bat_recipe import BatRecipe


class Sounds(NamedTuple):
    """What is heard in clips: by ears already, or to be heard yet.

    Attributes:
        tokens: of the encoder, ``(batch, tokens, width)``; None where it has not heard them.
        waveforms: ``(batch, channels, samples)``; None where it has.
    """

    tokens: Tensor | None
    waveforms: Tensor | None


class QuestionBatch(NamedTuple):
    """Questions about clips.

    Attributes:
        tokens: as in :class:`Sounds`.
        waveforms: as in :class:`Sounds`.
        questions: one about each clip.
        answers: as many.
        types: as many.
        numbers: of the questions among those that are validated with, as many; empty in training on scenes.
    """

    tokens: Tensor | None
    waveforms: Tensor | None
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    types: tuple[str, ...]
    numbers: tuple[int, ...] = ()

    @property
    def sounds(self) -> Tensor:
        """Tokens, or waveforms."""
        found = self.waveforms if self.tokens is None else self.tokens
        assert found is not None
        return found


class Scenes(Protocol):
    """Scenes by number."""

    def __len__(self) -> int:
        """Number of scenes."""
        ...

    def sources_of(self, number: int) -> tuple[HeardSource, ...]:
        """Return what there is to ask about in a scene."""
        ...

    def sounds(self, numbers: Sequence[int]) -> Sounds:
        """Return what is heard in scenes."""
        ...


def drawn_question(
    sources: Sequence[HeardSource],
    weights: Mapping[str, float],
    seed: int,
    *,
    margins: QuestionMargins,
    wording: Wording,
) -> Question | None:
    """Return a question about a scene: a pure function of its arguments; None where nothing can be asked without doubt.

    Args:
        sources: of the scene, one or two.
        weights: of the types; those that fit the number of sources are drawn from.
        seed: of the draw.
        margins: what must differ.
        wording: in which words.
    """
    rng = seeding.generator(seed, "type")
    kinds: list[QuestionType] = [
        kind for kind in QUESTION_TYPES if (kind in ONE_SOURCE) == (len(sources) == 1) and weights.get(kind, 0.0) > 0
    ]
    while kinds:
        shares = np.array([weights[kind] for kind in kinds])
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        if askable(kind, sources, margins=margins):
            return question(kind, sources, seeding.derive(seed, kind), margins=margins, wording=wording)
        kinds.remove(kind)
    return None


class DrawnQuestions(Dataset[QuestionBatch]):
    """Batches to train on: ``dataset[number, progress]`` is a pure function of both and of the recipe.

    Args:
        recipe: curriculum, margins, batch and seed are used.
        scenes: what is asked about.
    """

    def __init__(self, recipe: BatRecipe, scenes: Scenes) -> None:
        self.recipe, self.scenes = recipe, scenes

    def __getitem__(self, address: tuple[int, float]) -> QuestionBatch:
        """Return batch ``number`` after some share of the budget: scenes at random, each with one question."""
        number, progress = address
        recipe = self.recipe
        rng = seeding.generator(recipe.seed, "question-batch", number)
        weights = recipe.stage(progress).weights
        chosen: list[int] = []
        asked: list[Question] = []
        while len(asked) < recipe.trainer.batch:
            scene, seed = int(rng.integers(len(self.scenes))), int(rng.integers(1 << 62))
            drawn = drawn_question(self.scenes.sources_of(scene), weights, seed, margins=recipe.margins, wording="training")
            if drawn is not None:
                if rng.random() < recipe.loose:
                    drawn = replace(drawn, text=loosened(drawn.text, rng))
                chosen.append(scene)
                asked.append(drawn)
        return question_batch_of(self.scenes, chosen, asked)


class HeldOutQuestions(Dataset[QuestionBatch]):
    """Questions to validate with, in batches: ``dataset[numbers]``.

    Args:
        scenes: what is asked about.
        questions: of :func:`validation_questions`.
    """

    def __init__(self, scenes: Scenes, questions: Sequence[tuple[int, Question]]) -> None:
        self.scenes, self.questions = scenes, questions

    def __len__(self) -> int:
        return len(self.questions)

    def __getitem__(self, numbers: Sequence[int]) -> QuestionBatch:
        part = [self.questions[number] for number in numbers]
        batch = question_batch_of(self.scenes, [scene for scene, _ in part], [asked for _, asked in part])
        return batch._replace(numbers=tuple(numbers))


def question_batch_of(scenes: Scenes, numbers: Sequence[int], asked: Sequence[Question]) -> QuestionBatch:
    """Return questions about scenes as a batch."""
    texts, answers, types = (tuple(getattr(drawn, name) for drawn in asked) for name in ("text", "answer", "type"))
    return QuestionBatch(*scenes.sounds(numbers), texts, answers, types)


def validation_questions(
    scenes: Scenes, *, margins: QuestionMargins, wording: Wording, seed: int
) -> tuple[tuple[int, Question], ...]:
    """Return one question of every type that can be asked about each scene, with the number of the scene."""
    found = []
    for number in range(len(scenes)):
        sources = scenes.sources_of(number)
        for kind in QUESTION_TYPES:
            own = seeding.derive(seed, "validation", number, kind)
            if (kind in ONE_SOURCE) == (len(sources) == 1):
                drawn = drawn_question(sources, {kind: 1.0}, own, margins=margins, wording=wording)
                found += [(number, drawn)] if drawn is not None else []
    return tuple(found)
