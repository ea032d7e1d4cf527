"""Training networks that hear whole binaural clips: Spatial-AST (arXiv:2402.01591) and DSpAST (arXiv:2509.13927)."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auris.data.spatial_clips.items import SpatialBatch
from auris.data.spatial_clips.rendering import render
from auris.errors import CheckpointError, FormatError
from auris.io.atomic import write_text
from auris.metrics.spatial_ast import ClipEvaluation
from auris.models import create, from_pretrained, save_pretrained
from auris.models.checkpoint_conversion.initialisation import initialise
from auris.models.clip_outputs import ClipOutputs, SpatialClasses
from auris.models.pretrained import CARD
from auris.training.clip_losses import ClipLosses, ClipTargets, clip_losses
from auris.training.clip_scoring import answers_of, evaluate
from auris.training.initial_weights import found_weights
from auris.training.loop import Task, fit
from auris.training.machine import peak_megabytes
from auris.training.run_folder import RunFolder
from auris.training.spatial_ast_data import ClipMaterial, HeardClips, ScoredPairs, steps_of_epoch
from auris.training.spatial_ast_recipe import ClipInitialRecipe, SpatialAstRecipe
from auris.training.spatial_ast_report import model_card

_LOG = logging.getLogger("auris.training")
_TIMED_EXAMPLES = 4  # of a dry run without a GPU, where a whole batch takes minutes


class SpatialAstTask(Task):
    """A network of whole clips with its loss, masks and validation.

    Args:
        model: the network.
        recipe: what to do.
        epoch_steps: optimiser steps of an epoch.
        out: where the best model goes.
        pairs: clips, each in its room, that the best model is chosen by.
    """

    def __init__(
        self, model: Any, recipe: SpatialAstRecipe, *, epoch_steps: int, out: RunFolder, pairs: ScoredPairs | None
    ) -> None:
        super().__init__(model, optimiser=recipe.optimiser, trainer=recipe.trainer, seed=recipe.seed, epoch_steps=epoch_steps)
        self.recipe, self.out, self.pairs = recipe, out, pairs
        self.network = torch.compile(model.from_features) if recipe.trainer.compile else model.from_features
        self.heard = HeardClips(model.labels)
        self.scores: dict[str, float] = {}

    def losses(self, batch: SpatialBatch) -> ClipLosses:
        """Return the losses of a batch, which is rendered and masked on the way."""
        targets = targets_of(batch)
        outputs = exact(self.network(self.features(batch), self.recipe.masks))
        self.model.update_scales(outputs, SpatialClasses(*targets[1:]))
        return clip_losses(self.model.logits(outputs), targets, self.recipe.loss)

    def features(self, batch: SpatialBatch) -> Tensor:
        """Return what the network sees of a batch, in float32 whatever the precision of the network."""
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            features: Tensor = self.model.features(render(batch.dry, batch.responses))
        return features

    def on_validation_epoch_start(self) -> None:
        """Forget what was heard."""
        self.heard = HeardClips(self.model.labels, self.place)

    def validation_step(self, batch: SpatialBatch, _: int) -> None:
        """Hear some clips."""
        outputs = exact(self.model.from_features(self.features(batch)))
        self.log_losses("validation", clip_losses(self.model.logits(outputs), targets_of(batch), self.recipe.loss))
        self.heard.add(outputs)

    def on_validation_epoch_end(self) -> None:
        """Score what was heard; keep the model if none was better."""
        assert self.pairs is not None
        answers = self.heard.answers()
        if answers is None:  # before validation.first_epoch
            return
        self.scores = evaluate(answers, self.pairs.truth).values()
        self.log_dict({f"validation/{name}": value for name, value in self.scores.items()}, rank_zero_only=True)
        score = chosen_score(self.scores, self.recipe.validation.select)
        if score < self.best or self.recipe.validation.select == "last" or not self.out.model.is_dir():
            self.best = min(score, self.best)
            if self.trainer.is_global_zero:
                self.keep_model()

    def keep_model(self) -> None:
        """Write the model folder."""
        save_pretrained(self.model, self.out.model, card=model_card(self.recipe, self.model, self.reached, None))


def targets_of(batch: SpatialBatch) -> ClipTargets:
    """Return the truth about a batch."""
    return ClipTargets(batch.labels, batch.distance, batch.azimuth, batch.elevation)


def exact(outputs: ClipOutputs) -> ClipOutputs:
    """Return outputs in float32."""
    return ClipOutputs(*(part.float() for part in outputs))


def chosen_score(scores: dict[str, float], select: str) -> float:
    """Return what chooses the best model, lower is better (:class:`auris.training.spatial_ast_recipe.ClipValidationRecipe`)."""
    if select == "map":
        return 1 - scores["map"]
    return (1 - scores["map"] + scores["er20"] + scores["mae"] / 180 + scores["der"]) / 4


def train(recipe: SpatialAstRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, score the best model, and leave its folder with a card.

    Returns:
        What was reached: steps, epochs, minutes, the model's folder, where weights began, and the scores.

    Raises:
        CheckpointError: the run folder holds another network's run, or the initial weights cannot be read or do not fit.
        FormatError: clips or responses are not there.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    material = ClipMaterial(recipe)
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    model = build_model(recipe)
    began = initialised(model, recipe.initial) if saved is None else "checkpoint of this run"
    pairs = material.scored()
    task = SpatialAstTask(model, recipe, epoch_steps=material.epoch_steps, out=out, pairs=pairs)
    if saved is not None:
        task.restore(saved)
    fit(task, out, train=material.train_loader(task), validation=pairs.loader(task))
    reached = task.reached
    result = {"recipe": recipe.name, "model": str(out.model), "initial": began, **reached}
    if task.place[1] > 0:  # one process of several reports
        return result
    if not out.model.is_dir():
        task.keep_model()
    best = from_pretrained(out.model)
    scored = score_model(best, pairs)
    write_text(out.model / CARD, model_card(recipe, best, reached, scored))
    return result | _rounded(scored.values())


def validate(recipe: SpatialAstRecipe) -> dict[str, Any]:
    """Score what a recipe trained, or what it begins with while it has trained nothing, on its validation clips.

    Returns:
        The model's folder or file, how many pairs of clip and response were scored, and every score with its interval.

    Raises:
        CheckpointError: there is no model yet, and ``initial.checkpoint`` names none.
        FormatError: clips or responses are not there.
    """
    torch.set_num_threads(recipe.trainer.threads)
    folder, given = RunFolder(Path(recipe.trainer.out)).model, recipe.initial.checkpoint
    if folder.is_dir():
        model, source = from_pretrained(folder), str(folder)
    elif given is not None:
        model, source = build_model(recipe), given
        initialised(model, recipe.initial)
    else:
        raise CheckpointError(f"{folder}: nothing is trained yet; train first, or set initial.checkpoint to a model")
    scored = score_model(model, ScoredPairs(recipe))
    intervals = {name: f"{value.value:.4f} ({value.low:.4f} to {value.high:.4f})" for name, value in scored.intervals().items()}
    return {"recipe": recipe.name, "model": source, "pairs": len(scored), **intervals}


def score_model(model: Any, pairs: ScoredPairs) -> ClipEvaluation:
    """Return the scores of a network, of clips or of frames, on pairs of clips and responses."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()
    batches = (on_device(batch, device) for batch in pairs.loader())
    answers = answers_of(model, batches, sample_rate=pairs.settings.sample_rate)
    model.cpu()
    return evaluate(answers, pairs.truth)


def on_device(batch: SpatialBatch, device: torch.device) -> SpatialBatch:
    """Return a batch on a device."""
    return SpatialBatch(*(part.to(device) for part in batch))


def build_model(recipe: SpatialAstRecipe) -> Any:
    """Return the untrained network of a recipe."""
    torch.manual_seed(recipe.seed)
    items = recipe.data.items
    config = {"sample_rate": items.sample_rate, "clip_seconds": items.clip_seconds, **recipe.model.config}
    return create(recipe.model.architecture, labels=list(recipe.labels), **config)


def initialised(model: Any, recipe: ClipInitialRecipe) -> str:
    """Give a network the weights a recipe begins with; return in words what was restored and what was not.

    Raises:
        CheckpointError: the file is missing, damaged, or of a network that does not fit.
    """
    given = recipe.audiomae or recipe.checkpoint
    if given is None:
        return "at random"
    keys = "initial.audiomae" if recipe.audiomae else "initial.checkpoint"
    return str(initialise(model, found_weights(given, keys=keys), head=recipe.head))


def describe(recipe: SpatialAstRecipe) -> dict[str, Any]:
    """Return sizes, and what an example costs, without training; noise stands in for data that are not there."""
    torch.set_num_threads(recipe.trainer.threads)
    material = material_there_is(recipe)
    model = build_model(recipe)
    steps = material.epoch_steps if material else steps_of_epoch(recipe, 0)
    task = SpatialAstTask(model, recipe, epoch_steps=max(steps, 1), out=RunFolder(Path(recipe.trainer.out)), pairs=None)
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    task.to("cuda" if on_gpu else "cpu")
    count = recipe.trainer.batch if on_gpu else min(recipe.trainer.batch, _TIMED_EXAMPLES)
    begin = time.perf_counter()
    batch = material.batch(count) if material else noise(recipe, count)
    read = time.perf_counter()
    total: Any = task.losses(on_device(batch, task.device)).total
    total.backward()
    seconds = time.perf_counter() - read
    parameters, trained = (sum(p.numel() for p in model.parameters() if p.requires_grad >= only) for only in (False, True))
    return {
        "recipe": recipe.name,
        "network": recipe.model.architecture,
        "classes": len(recipe.labels),
        "parameters": parameters,
        "trained_parameters": trained,
        # Weights, and for what is trained a gradient and AdamW's two moments, 4 bytes each.
        "state_megabytes": round(4e-6 * (parameters + 3 * trained), 1),
        "peak_megabytes": peak_megabytes(on_gpu=on_gpu),
        "clip_shape": list(batch.dry.shape[1:]),
        "response_shape": list(batch.responses.shape[2:]),
        "seconds_to_read_an_example": round((read - begin) / count, 4),
        "seconds_to_learn_an_example": round(seconds / count, 4),
        "highest_rate": f"{recipe.optimiser.rate_for(recipe.trainer.step_examples):.4g}",
        **(material.sizes() if material else {"data": "not there: an example of noise was learnt"}),
        "steps_per_epoch": steps or "not known",
        "total_steps": task.total_steps if steps else "not known",
        "max_minutes": recipe.trainer.max_minutes,
        "out": recipe.trainer.out,
    }


def material_there_is(recipe: SpatialAstRecipe) -> ClipMaterial | None:
    """Return what a recipe trains on if it is on this disk; nothing is simulated."""
    if recipe.data.banks is not None and not (Path(recipe.data.reverb) / "train_reverberation.json").is_file():
        return None
    try:
        return ClipMaterial(replace(recipe, data=replace(recipe.data, banks=None)))
    except FormatError as error:
        _LOG.warning("%s", error)
        return None


def noise(recipe: SpatialAstRecipe, count: int) -> SpatialBatch:
    """Return a batch in the shape of a recipe's data."""
    items = recipe.data.items
    place = torch.zeros(count, dtype=torch.long)
    return SpatialBatch(
        0.01 * torch.randn(count, 1, items.samples),
        0.01 * torch.randn(count, 1, 2, items.taps),
        torch.zeros(count, len(recipe.labels)),
        *(place, place, place),
    )


def _network_of(plain: dict[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on: all of the network but how its outputs are read."""
    model = dict(plain.get("model") or {})
    model["config"] = {key: value for key, value in (model.get("config") or {}).items() if key != "detection"}
    return [plain.get("task"), plain.get("labels"), model]


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {f"validation/{name}": round(value, 4) for name, value in scores.items()}
