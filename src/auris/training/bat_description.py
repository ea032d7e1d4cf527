"""What a training of a language model that hears will take, told before it begins."""

from __future__ import annotations

import itertools
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from auris.errors import CheckpointError, FormatError
from auris.models.bat import Bat
from auris.models.bat_config import Precision
from auris.models.language_models import parameter_count, with_adapters
from auris.models.projectors import build_projector
from auris.models.published import published_model
from auris.models.weight_memory import weight_bytes
from auris.training.bat_building import build_model, example_questions
from auris.training.bat_material import DataMaterial
from auris.training.bat_questions import QuestionBatch
from auris.training.bat_recipe import BatModelRecipe, BatRecipe
from auris.training.machine import peak_megabytes
from auris.training.run_folder import RunFolder

if TYPE_CHECKING:
    from auris.training.bat import BatTask

_TIMED_EXAMPLES = 4  # of a dry run without a GPU, where a whole batch may take minutes
_PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "8bit", "4bit")
_PUBLISHED_ENCODER_WIDTH = 768
_LOG = logging.getLogger("auris.training")


def describe(recipe: BatRecipe) -> dict[str, Any]:
    """Return sizes, memory, and what an example costs, without training.

    Noise stands in for data that are not there. Where ears or language model are not on this disk, only what is known without
    them is told.

    Raises:
        MissingDependency: transformers or peft is not installed.
    """
    torch.set_num_threads(recipe.trainer.threads)
    try:
        model = build_model(recipe)
    except CheckpointError as error:
        return _outline(recipe, missing=str(error))
    material = _data_there_are(recipe, model)
    steps = material.epoch_steps if material else recipe.trainer.validate_steps
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    task = _task(recipe, model, steps).to("cuda" if on_gpu else "cpu")
    sizes = _sizes(model)
    count = recipe.trainer.batch if on_gpu else min(recipe.trainer.batch, _TIMED_EXAMPLES)
    begin = time.perf_counter()
    batch = material.batch(count) if material else _noise(recipe, model, count)
    read = time.perf_counter()
    tokens = task.heard(batch)
    heard = time.perf_counter()
    loss: Any = task.losses(batch._replace(tokens=tokens) if recipe.model.hearing == "frozen" else batch).total
    loss.backward()
    learnt = time.perf_counter()
    return {
        **_head(recipe),
        **sizes,
        **_memory(sum(parameter.numel() for parameter in model.language_model.parameters())),
        "peak_megabytes": peak_megabytes(on_gpu=on_gpu),
        "waveform_shape": [model.layout.channels, round(model.clip_seconds * model.sample_rate)],
        "token_shape": list(tokens.shape[1:]),
        "seconds_to_read_an_example": round((read - begin) / count, 4),
        "seconds_to_hear_an_example": round((heard - read) / count, 4),
        "seconds_to_learn_an_example": round((learnt - heard) / count, 4),
        **(material.sizes() if material else {"data": _without_data(recipe)}),
        "steps_per_epoch": steps if material or recipe.data is None else "not known",
        "total_steps": task.total_steps if material or recipe.data is None else "not known",
        "max_minutes": recipe.trainer.max_minutes,
        "out": recipe.trainer.out,
    }


def _task(recipe: BatRecipe, model: Bat, epoch_steps: int) -> BatTask:
    from auris.training.bat import BatTask

    return BatTask(model, recipe, out=RunFolder(Path(recipe.trainer.out)), epoch_steps=epoch_steps)


def _head(recipe: BatRecipe) -> dict[str, Any]:
    plan = recipe.model
    return {
        "recipe": recipe.name,
        "encoder": f"{plan.encoder} ({plan.hearing})",
        "language_model": plan.language_model or "a small one of its own",
        "adapters": "none: it is trained whole" if plan.lora is None else f"LoRA of rank {plan.lora.rank}",
        "initial": recipe.initial or "a new projector",
    }


def _sizes(model: Bat) -> dict[str, Any]:
    parameters = list(model.parameters())
    trained = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    held = sum(parameter.numel() * parameter.element_size() for parameter in parameters)
    return {
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trained_parameters": trained,
        # Weights, and for what is trained a gradient and AdamW's two moments, 4 bytes each.
        "state_megabytes": round(1e-6 * (held + 12 * trained), 1),
    }


def _memory(parameters: int) -> dict[str, Any]:
    """Memory of a language model's weights by precision."""
    held = {name: f"{weight_bytes(parameters, name) / 1e9:.3g} GB" for name in _PRECISIONS}
    return {"language_model_parameters": parameters, **{f"language_model {name}": size for name, size in held.items()}}


def _data_there_are(recipe: BatRecipe, model: Bat) -> DataMaterial | None:
    """The questions of a data set if they are on this disk; scenes are neither simulated nor heard."""
    if recipe.data is None:
        return None
    try:
        return DataMaterial(recipe, model)
    except FormatError as error:
        _LOG.warning("%s", error)
        return None


def _without_data(recipe: BatRecipe) -> str:
    if recipe.data is None:
        return f"{recipe.scenes.count} scenes to be simulated; an example of noise was learnt"
    return "not there: an example of noise was learnt"


def _noise(recipe: BatRecipe, model: Bat, count: int) -> QuestionBatch:
    """Questions about noise."""
    waveforms = 0.01 * torch.randn(count, model.layout.channels, round(model.clip_seconds * model.sample_rate))
    drawn = list(itertools.islice(example_questions(recipe, ("dog", "rain", "speech")), count))
    texts, answers, types = (tuple(getattr(asked, name) for asked in drawn) for name in ("text", "answer", "type"))
    return QuestionBatch(None, waveforms, texts, answers, types)


def _outline(recipe: BatRecipe, *, missing: str) -> dict[str, Any]:
    """What is known of a training whose parts are not all on this disk."""
    plan = recipe.model
    known: dict[str, Any] = {}
    if plan.language_model is not None:
        known = _memory_by_name(plan)
    return {**_head(recipe), **known, "out": recipe.trainer.out, "missing": missing}


def _memory_by_name(plan: BatModelRecipe) -> dict[str, Any]:
    name = str(plan.language_model)
    facts = published_model("BAT").language_model
    try:
        return _memory(parameter_count(name))
    except CheckpointError:
        if facts is None or name != facts.name:
            return {}
    return {**_memory(facts.parameters), **_published_sizes(plan)}


def _published_sizes(plan: BatModelRecipe) -> dict[str, Any]:
    """What of Llama-2-7B's training is trained; nothing of its size is reserved."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        writer = LlamaForCausalLM(LlamaConfig())  # its sizes are the default ones
        projector = build_projector(
            plan.projector, encoder_width=_PUBLISHED_ENCODER_WIDTH, language_width=writer.config.hidden_size
        )
        writer = writer if plan.lora is None else with_adapters(writer, plan.lora)
    parts = [*projector.parameters(), *writer.parameters()]
    trained = sum(part.numel() for part in parts if part.requires_grad)
    frozen = sum(part.numel() for part in parts) - trained
    state = weight_bytes(frozen, plan.precision) + 16 * trained
    return {"trained_parameters": trained, "state_megabytes": round(1e-6 * state, 1)}
