"""Questions about scenes that were heard, as batches: other questions in every batch, in the words of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from auris import seeding
from auris.data.language.question_grammar import Wording
from auris.data.language.questions import HeardSource, Question, QuestionMargins, askable, question
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES, QuestionType
from auris.training.bat_recipe import BatRecipe
from auris.training.bat_scenes import Heard
from auris.training.loop import Task


class QuestionBatch(NamedTuple):
    """Questions about clips.

    Attributes:
        tokens: of the encoder, ``(batch, tokens, width)``.
        questions: one about each clip.
        answers: as many.
        types: as many.
    """

    tokens: Tensor
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    types: tuple[str, ...]


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


class QuestionEpoch(IterableDataset[QuestionBatch]):
    """The batches of the present epoch that are still to be trained on; batch ``n`` is a function of the recipe and ``n``."""

    def __init__(self, recipe: BatRecipe, heard: Heard, task: Task) -> None:
        super().__init__()
        self.recipe, self.heard, self.task = recipe, heard, task

    def __iter__(self) -> Iterator[QuestionBatch]:
        """Yield batches."""
        world, rank = self.task.place
        first = self.task.batches
        for number in range(first, first + self.task.remaining_batches):
            yield self.batch(number * world + rank)

    def batch(self, number: int) -> QuestionBatch:
        """Return batch ``number``: scenes at random, each with one question."""
        recipe = self.recipe
        rng = seeding.generator(recipe.seed, "question-batch", number)
        weights = recipe.stage(self.task.progress).weights
        chosen: list[int] = []
        asked: list[Question] = []
        while len(asked) < recipe.trainer.batch:
            scene, seed = int(rng.integers(len(self.heard))), int(rng.integers(1 << 62))
            drawn = drawn_question(self.heard.sources[scene], weights, seed, margins=recipe.margins, wording="training")
            if drawn is not None:
                chosen.append(scene)
                asked.append(drawn)
        return question_batch_of(self.heard, chosen, asked)


def question_batch_of(heard: Heard, scenes: Sequence[int], asked: Sequence[Question]) -> QuestionBatch:
    """Return questions about scenes as a batch."""
    tokens = torch.from_numpy(heard.tokens[list(scenes)].astype(np.float32))
    texts, answers, types = (tuple(getattr(drawn, name) for drawn in asked) for name in ("text", "answer", "type"))
    return QuestionBatch(tokens, texts, answers, types)


def validation_questions(
    heard: Heard, *, margins: QuestionMargins, wording: Wording, seed: int
) -> tuple[tuple[int, Question], ...]:
    """Return one question of every type that can be asked about each scene, with the number of the scene."""
    found = []
    for number, sources in enumerate(heard.sources):
        for kind in QUESTION_TYPES:
            own = seeding.derive(seed, "validation", number, kind)
            if (kind in ONE_SOURCE) == (len(sources) == 1):
                drawn = drawn_question(sources, {kind: 1.0}, own, margins=margins, wording=wording)
                found += [(number, drawn)] if drawn is not None else []
    return tuple(found)
