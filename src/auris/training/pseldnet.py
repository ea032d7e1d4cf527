"""Training PSELDNets (arXiv:2411.06399) on data sets or on simulated scenes."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from auris import seeding
from auris.data.seld_targets import Targets
from auris.errors import FormatError
from auris.io.atomic import write_text
from auris.models import create, from_pretrained, save_pretrained
from auris.models.checkpoint_conversion.initialisation import initialise
from auris.models.configuration import plain_of
from auris.models.pretrained import CARD
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, PseldOutputs, TrackOutputs
from auris.models.track_decoding import decode_outputs
from auris.training.augmentation import augment_features, augment_waveforms
from auris.training.initial_weights import found_weights
from auris.training.loop import Task, fit
from auris.training.machine import peak_megabytes
from auris.training.pseldnet_data import TARGET_OF, Batch, DatasetMaterial, Material, ScoredClips, scored_batch
from auris.training.pseldnet_recipe import InitialRecipe, PseldRecipe, SeldLossRecipe, SelectionRecipe
from auris.training.pseldnet_report import model_card
from auris.training.pseldnet_scoring import Hearing, chosen_score, cut, scores_of
from auris.training.run_folder import RunFolder
from auris.training.sampling import Turns
from auris.training.seld_losses import accdoa_loss, adpit_loss, aggregated_loss, track_pit_loss

_LOG = logging.getLogger("auris.training")


def loss_of(outputs: PseldOutputs, targets: Targets, recipe: SeldLossRecipe, kind: str) -> Any:
    """Return the loss that a recipe names, and its parts."""
    if kind == "accdoa":
        return accdoa_loss(cast(Accdoa, outputs), cast(Any, targets), error=recipe.error)
    if kind == "adpit":
        return adpit_loss(cast(MultiAccdoa, outputs), cast(Any, targets))
    tracks, wanted = cast(TrackOutputs, outputs), cast(Any, targets)
    if kind == "pit":
        return track_pit_loss(
            tracks,
            wanted,
            direction=recipe.direction,
            activity_weight=recipe.activity_weight,
            assignment=recipe.assignment,
        )
    return aggregated_loss(tracks, wanted, aggregation=recipe.aggregation, track_weight=recipe.track_weight, error=recipe.error)


class PseldTask(Task):
    """A PSELDNet with its loss, augmentation and validation.

    Args:
        model: the network.
        recipe: what to do.
        epoch_steps: optimiser steps of an epoch.
        out: where the best model goes.
        clips: what it is chosen by.
    """

    def __init__(self, model: Any, recipe: PseldRecipe, *, epoch_steps: int, out: RunFolder, clips: ScoredClips | None) -> None:
        super().__init__(model, optimiser=recipe.optimiser, trainer=recipe.trainer, seed=recipe.seed, epoch_steps=epoch_steps)
        self.recipe, self.out, self.clips = recipe, out, clips
        self.kind = recipe.loss.kind_for(recipe.model.output)
        self.network = torch.compile(model.from_features) if recipe.trainer.compile else model.from_features
        self.hearing = Hearing()
        self.scores: dict[str, float] = {}

    def losses(self, batch: Batch) -> Any:
        """Return the losses of a batch, augmented by the recipe."""
        settings = self.recipe.augmentation_settings
        generator = torch.Generator()
        generator.manual_seed(seeding.derive(self.seed, "augmentation", self.batches, "rank", self.place[1]) >> 1)
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            made = augment_waveforms(*batch, recipe=settings, generator=generator, layout=self.model.layout)
            features = self.model.features(made.signals)
            levels = self.model.front_end.levels
            made = augment_features(features, *made[1:], recipe=settings, generator=generator, level_channels=levels)
        return self._compare(self.network(made.signals), made.targets)

    def _compare(self, outputs: PseldOutputs, targets: Targets) -> Any:
        exact = type(outputs)(*(part.float() for part in outputs))
        return loss_of(cut(exact, targets[0].shape[1]), targets, self.recipe.loss, self.kind)

    def log_losses(self, stage: str, losses: Any) -> None:
        """Log the parts of a loss that were asked for."""
        unused = {"tracks", "classes"} if self.recipe.loss.aggregation != "both" else set()
        shown = {f"{stage}/{name}": part.detach() for name, part in losses._asdict().items() if name not in unused}
        self.log_dict(shown, prog_bar=stage == "train", batch_size=self.budget.batch, sync_dist=self.place[0] > 1)

    def scoring_loader(self, clips: ScoredClips) -> Any:
        """Return a loader of the chunks to score; several processes take turns."""
        chosen, data = self.recipe.selection, self.recipe.data
        return DataLoader(
            clips.chunks,
            batch_size=chosen.batch or self.budget.batch,
            sampler=Turns(len(clips.chunks), self),  # type: ignore[arg-type]
            num_workers=0 if data is None else data.workers,
            collate_fn=scored_batch,
        )

    def on_validation_epoch_start(self) -> None:
        """Forget what was heard."""
        self.hearing = Hearing()

    def validation_step(self, batch: tuple[Tensor, Targets, list[str], list[int]], _: int) -> None:
        """Hear some chunks."""
        waveforms, targets, clips, begins = batch
        with torch.autocast(self.device.type, enabled=False):
            features = self.model.features(waveforms)
        outputs = cut(self.model.from_features(features), targets[0].shape[1])
        outputs = type(outputs)(*(part.float() for part in outputs))
        self.log_losses("validation", loss_of(outputs, targets, self.recipe.loss, self.kind))
        self.hearing.add(decode_outputs(outputs, self.model.detection), clips, begins)

    def on_validation_epoch_end(self) -> None:
        """Score what was heard; keep the model if none was better."""
        assert self.clips is not None
        self.hearing.gather()
        selection = self.recipe.selection
        heard = self.hearing.labels_of(self.clips)
        self.scores = scores_of(heard, self.clips, classes=len(self.model.labels), selection=selection)
        self.log_dict({f"validation/{name}": value for name, value in self.scores.items()}, rank_zero_only=True)
        score = chosen_score(self.scores, selection)
        if score < self.best or not self.out.model.is_dir():
            self.best = min(score, self.best)
            if self.trainer.is_global_zero:
                self.keep_model()

    def note(self, out: RunFolder) -> None:
        """Keep the model as it is, where no clips choose the best one."""
        if self.clips is None:
            self.keep_model()

    def keep_model(self) -> None:
        """Write the model folder."""
        card = model_card(self.recipe, self.model, self.reached, {"validation": self.scores} if self.scores else {})
        save_pretrained(self.model, self.out.model, card=card)


def material_of(recipe: PseldRecipe) -> Material:
    """Return where a recipe's examples come from.

    Raises:
        FormatError: the data set, or the sounds, are not there.
    """
    if recipe.data is not None:
        return DatasetMaterial(recipe)
    from auris.training.pseldnet_simulation import SimulatedMaterial

    return SimulatedMaterial(recipe)


def train(recipe: PseldRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, score the best model, and leave its folder with a card.

    Returns:
        What was reached: steps, epochs, minutes, the model's folder, where weights began, and the scores.

    Raises:
        CheckpointError: the run folder holds another network's run, or the initial weights cannot be read or do not fit.
        FormatError: the data set, or the sounds, are not there.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    material = material_of(recipe)
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    model = build_model(recipe)
    began = initialised(model, recipe.initial) if saved is None else "checkpoint of this run"
    clips = material.scored("valid")
    task = PseldTask(model, recipe, epoch_steps=material.epoch_steps, out=out, clips=clips)
    if saved is not None:
        task.restore(saved)
    with material.providing():
        validation = None if clips is None else task.scoring_loader(clips)
        fit(task, out, train=material.train_loader(task), validation=validation)
    reached = task.reached
    result = {"recipe": recipe.name, "model": str(out.model), "initial": began, **reached}
    if task.place[1] > 0:  # one process of several reports
        return result
    if not out.model.is_dir():
        task.keep_model()
    return result | _final_scores(recipe, material, clips, out, reached)


def _final_scores(
    recipe: PseldRecipe, material: Material, clips: ScoredClips | None, out: RunFolder, reached: dict[str, Any]
) -> dict[str, float]:
    """Score the best model on validation and test clips, and write its final card."""
    best = from_pretrained(out.model)
    sets = {"validation": clips, "test": _test_clips(material)}
    scores = {
        name: score_model(best, some, recipe.selection, batch=recipe.selection.batch or recipe.trainer.batch)
        for name, some in sets.items()
        if some is not None
    }
    write_text(out.model / CARD, model_card(recipe, best, reached, scores))
    return {f"{name}/{key}": round(value, 4) for name, some in scores.items() for key, value in some.items()}


def _test_clips(material: Material) -> ScoredClips | None:
    """The test clips; that they are missing is no reason to lose the end of a training."""
    try:
        return material.scored("test")
    except FormatError as error:
        _LOG.warning("no test scores: %s", error)
        return None


def score_model(model: Any, clips: ScoredClips, selection: SelectionRecipe, *, batch: int = 16) -> dict[str, float]:
    """Return the scores of a network on clips (:func:`auris.training.pseldnet_scoring.scores_of`)."""
    hearing = Hearing()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()
    with torch.inference_mode():
        for waveforms, targets, names, begins in DataLoader(clips.chunks, batch, collate_fn=scored_batch):
            outputs = cut(model.raw(waveforms.to(device)), targets[0].shape[1])
            hearing.add(decode_outputs(outputs, model.detection), names, begins)
    model.cpu()
    return scores_of(hearing.labels_of(clips), clips, classes=len(model.labels), selection=selection)


def build_model(recipe: PseldRecipe) -> Any:
    """Return the untrained network of a recipe."""
    torch.manual_seed(recipe.seed)
    return create("pseldnet", **plain_of(recipe.model))


def initialised(model: Any, recipe: InitialRecipe) -> str:
    """Give a network the weights a recipe begins with; return in words what was restored and what was not.

    Raises:
        CheckpointError: the file is missing, damaged, or of a network that does not fit.
    """
    given = recipe.audioset or recipe.checkpoint
    if given is None:
        return "at random"
    return str(initialise(model, found_weights(given, keys="initial.audioset or initial.checkpoint"), head=recipe.head))


def describe(recipe: PseldRecipe) -> dict[str, Any]:
    """Return sizes, and what one batch costs, without training.

    Raises:
        FormatError: the data set is not there.
    """
    torch.set_num_threads(recipe.trainer.threads)
    if recipe.data is not None:
        recipe = replace(recipe, data=replace(recipe.data, workers=0))
    material = material_of(recipe)
    model = build_model(recipe)
    task = PseldTask(model, recipe, epoch_steps=material.epoch_steps, out=RunFolder(Path(recipe.trainer.out)), clips=None)
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    task.to("cuda" if on_gpu else "cpu")
    batch = _first_batch(recipe, material, task)
    begin = time.perf_counter()
    task.losses(_moved(batch, task.device)).total.backward()
    seconds = time.perf_counter() - begin
    parameters, trained = (sum(p.numel() for p in model.parameters() if p.requires_grad >= only) for only in (False, True))
    return {
        "recipe": recipe.name,
        "network": f"{recipe.model.backbone} {recipe.model.decoder} {recipe.model.output}".replace(" none", ""),
        "adaptation": recipe.model.adaptation.method,
        "classes": len(recipe.model.labels),
        "parameters": parameters,
        "trained_parameters": trained,
        # Weights, and for what is trained a gradient and AdamW's two moments, 4 bytes each.
        "state_megabytes": round(4e-6 * (parameters + 3 * trained), 1),
        "peak_megabytes": peak_megabytes(on_gpu=on_gpu),
        "input_shape": list(batch.waveforms.shape),
        "examples_with_augmentation": len(batch.waveforms) * recipe.augmentation_settings.copies,
        "target_shapes": [list(part.shape) for part in batch.targets],
        "seconds_of_one_batch": round(seconds, 3),
        **material.sizes(),
        "steps_per_epoch": material.epoch_steps,
        "total_steps": task.total_steps,
        "max_minutes": recipe.trainer.max_minutes,
        "out": recipe.trainer.out,
    }


def _first_batch(recipe: PseldRecipe, material: Material, task: PseldTask) -> Batch:
    """The first batch, or noise while no stems are rendered."""
    if recipe.simulation is None or material.sizes()["stems_ready"]:
        batch: Batch = next(iter(material.train_loader(task)))
        return batch
    from auris.training.pseldnet_simulation import targets_from_slots

    stems, batch_size = recipe.simulation.stems, recipe.trainer.batch
    waveforms = 0.01 * torch.randn(batch_size, task.model.layout.channels, round(stems.seconds * stems.sample_rate))
    slots = torch.zeros(batch_size, round(stems.seconds / task.model.frame_seconds), 3, len(task.model.labels), 5)
    return Batch(waveforms, targets_from_slots(slots, TARGET_OF[recipe.model.output]), torch.ones(batch_size, dtype=torch.long))


def _moved(batch: Batch, device: torch.device) -> Batch:
    targets = type(batch.targets)(*(part.to(device) for part in batch.targets))
    return Batch(batch.waveforms.to(device), targets, batch.overlap.to(device))


def _network_of(plain: dict[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on: all of the network but how its outputs are read."""
    model = dict(plain.get("model") or {})
    model.pop("detection", None)
    return [plain.get("task"), model]
