"""What is told of a training: answers beside the truth, and the card of a model that answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from auris.io.spatial_qa_records import QUESTION_TYPES
from auris.training.bat_recipe import BatRecipe
from auris.training.machine import machine_name

_SHOWN = 3  # answers of each type
_NAMES = {
    "CLASSIFICATION": "what sounds",
    "DOA": "where, and how far",
    "MIXUP_SINGLE_CLASSIFICATION": "what sounds at a place, of two",
    "MIXUP_SINGLE_DOA": "where one of two is, and how far",
    "MIXUP_DIRECTION": "yes or no: directions of two",
    "MIXUP_DISTANCE_BOTH": "yes or no: distances of two",
    "MIXUP_NONBINARY_DISTANCE": "how far two are apart",
    "MIXUP_NONBINARY_DIRECTION": "on which side of the other",
    "MIXUP_NONBINARY_SOURCE": "which of two",
}


class AnsweredQuestion(NamedTuple):
    """A question of a validation.

    Attributes:
        type: published type.
        question: as it was asked.
        truth: as it should be answered.
        answer: as it was.
        loss: of its batch.
    """

    type: str
    question: str
    truth: str
    answer: str
    loss: float = math.nan

    @property
    def right(self) -> bool:
        """Whether the answer is the truth, letter by letter but for capitals."""
        return self.answer.lower() == self.truth.lower()


def right_rates(answered: Sequence[AnsweredQuestion]) -> dict[str, float]:
    """Return the share of answers that are exactly right, by type."""
    found = {kind: [row.right for row in answered if row.type == kind] for kind in QUESTION_TYPES}
    return {kind: sum(right) / len(right) for kind, right in found.items() if right}


def answers_text(steps: int, answered: Sequence[AnsweredQuestion]) -> str:
    """Return some answers of each type beside the truth, as Markdown."""
    lines = [f"# Answers after {steps} steps", ""]
    lines += [f"- {kind}: {100 * rate:.1f} % exactly right" for kind, rate in right_rates(answered).items()]
    lines += ["", "| type | question | truth | answer |", "|---|---|---|---|"]
    for kind in QUESTION_TYPES:
        for row in [row for row in answered if row.type == kind][:_SHOWN]:
            cells = (text.replace("|", "/").replace("\n", " ") for text in row[:4])
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def card(recipe: BatRecipe, reached: Mapping[str, Any], rates: Mapping[str, float], table: str = "") -> str:
    """Return the text of a model's README.md.

    Args:
        recipe: what it was trained by.
        reached: ``steps``, ``epochs`` and ``minutes``.
        rates: share of answers that are exactly right, by type of question, at the last validation.
        table: scores in Markdown, as ``auris score qa`` measures them; empty while nothing was scored.
    """
    return _CARD.format(
        name=recipe.name,
        parts=_parts(recipe),
        needs="" if recipe.model.lora is None else _NEEDS.format(language_model=recipe.model.language_model),
        data=_data(recipe),
        trained=_trained(recipe),
        initial=f" It went on from `{Path(recipe.initial).parent.name}`." if recipe.initial else "",
        steps=reached["steps"],
        minutes=f"{reached['minutes']:.0f}",
        machine=machine_name(),
        batch=recipe.trainer.step_examples,
        note=f"\n{recipe.note}\n" if recipe.note else "",
        measured="\n\n".join(part for part in (table.strip(), _exactly_right(rates)) if part) or "Nothing yet.",
        limits=_limits(recipe),
        licence=_licence(recipe),
    )


def _parts(recipe: BatRecipe) -> str:
    plan = recipe.model
    projector = f"a Q-Former of {plan.projector.queries} queries" if plan.projector.kind == "qformer" else "two layers"
    small = plan.small
    writer = (
        f"a language model of its own ({small.layers} layers of width {small.width}, up to {small.words} tokens)"
        if plan.language_model is None
        else f"`{plan.language_model}`"
    )
    adapted = f" with LoRA of rank {plan.lora.rank}" if plan.lora else ""
    return f"`{Path(plan.encoder).name}` hears, {projector} make its tokens readable, {writer}{adapted} writes"


def _data(recipe: BatRecipe) -> str:
    if recipe.data is not None:
        return f"questions of `{recipe.data.stage}` (SpatialSoundQA or a set made like it), rendered from clips and responses"
    scenes = recipe.scenes
    folds = ", ".join(map(str, scenes.folds))
    held_out = ", ".join(map(str, scenes.held_out_folds))
    return (
        f"questions drawn anew about {scenes.count} simulated scenes: recordings of folds {folds} in {scenes.bank.rooms} "
        f"rooms. Validation: {scenes.held_out_count} scenes of fold {held_out} in {scenes.held_out_rooms} other rooms, in "
        "sentences that training never has"
    )


def _trained(recipe: BatRecipe) -> str:
    writer = "the adapters" if recipe.model.lora else "the language model"
    return f"the projector, {writer} and the encoder" if recipe.model.hearing == "trained" else f"the projector and {writer}"


def _exactly_right(rates: Mapping[str, float]) -> str:
    if not rates:
        return ""
    rows = [f"| {_NAMES.get(kind, kind)} (`{kind}`) | {100 * rate:.1f} % |" for kind, rate in rates.items()]
    return "\n".join(["Answers of the last validation that are right to the letter:", "", "| question | |", "|---|---|", *rows])


def _limits(recipe: BatRecipe) -> str:
    heard = recipe.scenes.seconds
    lines = [
        "It answers in the published forms, in English, about one or two sources that do not move; what else is asked, it "
        "answers all the same, and wrongly.",
        "It knows no doubt: it names a sound in silence, too.",
    ]
    if recipe.data is None:
        lines.append(
            "It never heard a measured room in training; recordings of other ears and rooms are harder than the table."
        )
    if heard is not None:
        lines.append(f"Scenes of training last {heard:g} s.")
    return "\n".join(f"- {line}" for line in lines)


def _licence(recipe: BatRecipe) -> str:
    if recipe.model.lora is None:
        return "Weights: that of the sounds and responses they were trained with."
    return (
        "Projector and adapters: that of the clips, questions and responses they were trained with (SpatialSoundQA: CC BY-NC "
        f"4.0); the language model `{recipe.model.language_model}` has its own, which its owner must be asked for."
    )


_NEEDS = "- Not in this folder: the language model `{language_model}`, which is looked up on this disk.\n"
_CARD = """---
library_name: auris
tags: [audio-question-answering, spatial-audio]
---
# {name}

Answers questions about what sounds where in a recording.

    auris ask recording.wav "Is the dog to the left of the rain?" --model {name}

- Made of: {parts}. `config.json` says all of it.
{needs}
## Training

Data: {data}. Trained were {trained}.{initial} {steps} steps of {batch} questions ({minutes} minutes on {machine}).
{note}
## Measured

{measured}

## Limits

{limits}

## Licence

{licence} Recipe: `recipe.yaml` of the run, for `auris train`.
"""
