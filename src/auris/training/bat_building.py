"""The model of a recipe before its training: ears, a projector, and a language model; or those of a former stage."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auris import seeding
from auris.data.language.questions import HeardSource, Question
from auris.data.language.sound_names import sound_names
from auris.errors import CheckpointError
from auris.io.spatial_qa_records import QUESTION_TYPES
from auris.models.bat import Bat
from auris.models.bat_config import ADAPTER, ENCODER, LANGUAGE_MODEL, BatConfig
from auris.models.checkpoint_conversion.conversion import convert
from auris.models.configuration import dataclass_from
from auris.models.language_models import (
    load_language_model,
    load_tokenizer,
    new_language_model,
    new_tokenizer,
    with_adapters,
)
from auris.models.pretrained import CONFIG, assign_weights, from_pretrained, model_folder, read_config, read_weights
from auris.models.projectors import MlpProjector
from auris.training.bat_questions import drawn_question
from auris.training.bat_recipe import BatRecipe
from auris.training.initial_weights import found_weights

_TEXTS = 8_000  # questions that a new tokenizer is made from


def build_model(recipe: BatRecipe) -> Bat:
    """Return the model that a recipe trains: with new weights but for ears and language model, or with those of ``initial``.

    The language model is read once, whatever it goes on from.

    Raises:
        CheckpointError: ears, language model or the model of a former stage are not there or do not fit.
        MissingDependency: transformers or peft is not installed.
    """
    torch.manual_seed(recipe.seed)
    former = None if recipe.initial is None else _Stage.read(recipe)
    encoder = ears_of(recipe.model.encoder) if former is None or former.ears is None else from_pretrained(former.ears)
    tokenizer, writer = _writer(recipe, former, labels=recipe.labels or encoder.labels)
    model = Bat(
        config_of(recipe, labels=recipe.labels or encoder.labels), encoder=encoder, language_model=writer, tokenizer=tokenizer
    )
    if former is not None:
        assign_weights(model.projector, former.projector, where=str(former.folder))
    elif isinstance(model.projector, MlpProjector):
        model.projector.begin_as_long_as(writer.get_input_embeddings().weight)
    return model


def config_of(recipe: BatRecipe, *, labels: Sequence[str] = ()) -> BatConfig:
    """Return what the model's folder says of what it is made of; ``labels`` are the encoder's classes."""
    plan = recipe.model
    return BatConfig(
        language_model=LANGUAGE_MODEL if plan.lora is None else str(plan.language_model),
        precision=plan.precision,
        projector=plan.projector,
        lora=plan.lora,
        prompt=plan.prompt,
        writing=plan.writing,
        names=tuple(sound_names(tuple(labels)).names_of(label) for label in labels) if plan.named else (),
    )


@dataclass(frozen=True, eq=False)
class _Stage:
    """The model folder of a former stage.

    Attributes:
        folder: where it is.
        projector: its weights.
        ears: its encoder; None where it has none of its own.
        adapters: of its language model, if it has any.
        language_model: its own, if it has one.
    """

    folder: Path
    projector: dict[str, Tensor]
    ears: Path | None
    adapters: Path | None
    language_model: Path | None

    @classmethod
    def read(cls, recipe: BatRecipe) -> _Stage:
        given = Path(str(recipe.initial))
        if given.is_file():
            raise CheckpointError(f"{given}: a file; auris models convert {given} FOLDER makes the folder that initial names")
        folder = model_folder(str(recipe.initial))
        plain = read_config(folder)
        if plain["architecture"] != Bat.architecture:
            raise CheckpointError(f"{folder}: not a model that answers; initial is the model folder of a former stage")
        config: BatConfig = dataclass_from(BatConfig, plain["config"], where=str(folder / CONFIG))
        for name in ("projector", "lora"):
            ours, its = getattr(recipe.model, name), getattr(config, name)
            if ours != its:
                raise CheckpointError(
                    f"{folder}: has another {name} than the recipe; a stage goes on with what the former one trained: "
                    f"set model.{name} to {its}"
                )
        paths = (folder / ENCODER, folder / ADAPTER, folder / LANGUAGE_MODEL)
        ears, adapters, writer = (path if path.is_dir() else None for path in paths)
        if config.lora is not None and adapters is None:
            raise CheckpointError(f"{folder}: its adapters are missing ({paths[1]})")
        if config.lora is None and writer is None:
            raise CheckpointError(f"{folder}: its language model is missing ({paths[2]})")
        return cls(folder, read_weights(folder), ears, adapters, writer)


def _writer(recipe: BatRecipe, former: _Stage | None, *, labels: Sequence[str]) -> tuple[Any, Any]:
    """Tokenizer and language model, with its adapters."""
    plan = recipe.model
    if plan.lora is not None:
        name = str(plan.language_model)
        folder = None if former is None else former.adapters
        tokenizer, writer = load_tokenizer(name), load_language_model(name, precision=plan.precision)
        return tokenizer, with_adapters(writer, plan.lora, folder=folder, trainable=True)
    given = former.language_model if former is not None else plan.language_model
    if given is not None:
        return load_tokenizer(str(given)), load_language_model(str(given))
    tokenizer = new_tokenizer(tokenizer_texts(recipe, labels), words=plan.small.words)
    return tokenizer, new_language_model(plan.small, tokenizer)


def ears_of(name: str) -> Any:
    """Return a trained listener: a shipped one, a model folder, or a published checkpoint on this disk, which is converted.

    Raises:
        CheckpointError: it is not there; the text says where it is hosted.
    """
    found = found_weights(name, keys="model.encoder")
    if found.is_dir():
        return from_pretrained(found)
    with tempfile.TemporaryDirectory() as folder:
        convert(found, Path(folder) / ENCODER)
        return from_pretrained(Path(folder) / ENCODER)


def tokenizer_texts(recipe: BatRecipe, labels: Sequence[str]) -> Iterator[str]:
    """Yield what a new tokenizer is made from: the prompt, questions, and answers."""
    yield from [recipe.model.prompt.format(question="")] * (_TEXTS // 20)
    for drawn in example_questions(recipe, labels):
        yield drawn.text
        yield drawn.answer


def example_questions(recipe: BatRecipe, labels: Sequence[str]) -> Iterator[Question]:
    """Yield questions in the words of training, about sources at random places."""
    for number in range(_TEXTS):
        rng = seeding.generator(recipe.seed, "tokenizer", number)
        names = rng.permutation(len(labels))[: 1 + int(rng.integers(2))]
        sources = [HeardSource((labels[n],), tuple(rng.uniform(-4, 4, 3).tolist())) for n in names]
        drawn = drawn_question(sources, dict.fromkeys(QUESTION_TYPES, 1.0), number, margins=recipe.margins, wording="training")
        if drawn is not None:
            yield drawn
