"""Training listeners on scenes simulated on the fly: sound event localisation, detection and distance."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from auris.data.simulated import StemMixtures, as_batch
from auris.models import create, save_pretrained
from auris.models.accdoa import Losses, MultiAccdoaLoss
from auris.models.checkpoint_conversion.initialisation import initialise
from auris.training.initial_weights import found_weights
from auris.training.listener_recipe import MaskRecipe, Recipe, StartRecipe
from auris.training.loop import Task, fit
from auris.training.run_folder import RunFolder
from auris.training.simulation import SimulatedEpoch, clip_examples, rendering, stem_pool

_CURVE_NODES = 5  # of the random equaliser, from the lowest to the highest band


class SeldTask(Task):
    """The network with its loss and augmentation of features."""

    def __init__(self, model: Any, recipe: Recipe) -> None:
        super().__init__(
            model,
            optimiser=recipe.optimiser,
            trainer=recipe.trainer,
            seed=recipe.seed,
            epoch_steps=recipe.trainer.validate_steps,
        )
        self.recipe = recipe
        self.loss = MultiAccdoaLoss(tracks=model.config.tracks, direction=recipe.loss.direction, distance=recipe.loss.distance)

    def losses(self, batch: tuple[Tensor, Tensor]) -> Losses:
        """Return the losses of waveforms and targets."""
        waveforms, targets = batch
        with torch.no_grad():
            features = equalised(self.model.features(waveforms), self.recipe.masks.equaliser_db, self.model.front_end.levels)
            features = masked(features, self.recipe.masks, self.model.config.frames_per_label)
        losses: Losses = self.loss(self.model.from_features(features), targets)
        return losses

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int, dataloader_idx: int = 0) -> None:
        """Log the loss on whole scenes; the loaders come in the order of the scenes' names."""
        self.log_losses("validation", self.loss(self.model(batch[0]), batch[1]))

    def note(self, out: RunFolder) -> None:
        """Leave the model as it is so far."""
        text = f"# {self.recipe.name}\n\nTraining has not ended: {100 * self.progress:.0f} % after {self.steps} steps.\n"
        save_pretrained(self.model, out.model, card=text)


def equalised(features: Tensor, most_db: float, levels: int) -> Tensor:
    """Change the levels, the first channels, by a random smooth curve over bands; alike, so that directions stay."""
    if not most_db:
        return features
    nodes = (2 * torch.rand(len(features), 1, _CURVE_NODES, device=features.device) - 1) * most_db
    curve = functional.interpolate(nodes, size=features.shape[-1], mode="linear", align_corners=True)[:, :, None]
    return torch.cat([features[:, :levels] + curve, features[:, levels:]], dim=1)


def masked(features: Tensor, masks: MaskRecipe, frames_per_label: int) -> Tensor:
    """Blank random stretches of time and of bands: every channel there takes its mean over the example."""
    batch, _, frames, bands = features.shape
    hidden = torch.zeros(batch, frames, bands, dtype=torch.bool, device=features.device)
    where = (torch.arange(frames, device=features.device), torch.arange(bands, device=features.device))
    longest = (masks.longest * frames_per_label, masks.widest)
    for axis, count in ((0, masks.times), (1, masks.bands)):
        for _ in range(count):
            length = torch.rand(batch, 1, device=features.device) * longest[axis]
            start = torch.rand(batch, 1, device=features.device) * len(where[axis])
            stretch = (where[axis] >= start) & (where[axis] < start + length)
            hidden |= stretch[:, :, None] if axis == 0 else stretch[:, None, :]
    return torch.where(hidden[:, None], features.mean(dim=(2, 3), keepdim=True), features)


class _Once(Dataset[tuple[Tensor, Tensor]]):
    """One batch."""

    def __init__(self, batch: tuple[Tensor, Tensor]) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: int) -> tuple[Tensor, Tensor]:
        return self.batch


def build_model(recipe: Recipe) -> Any:
    """Return the untrained network of a recipe."""
    config = {
        "labels": recipe.labels,
        "layout": recipe.stems.layout,
        "sample_rate": recipe.stems.sample_rate,
        **recipe.model.config,
    }
    torch.manual_seed(recipe.seed)
    return create(recipe.model.architecture, **config)


def initialised(model: Any, recipe: StartRecipe) -> str:
    """Give a network the weights a recipe begins with; return in words what was restored and what was not.

    Raises:
        CheckpointError: they are not there, damaged, or of a network that does not fit.
    """
    if recipe.checkpoint is None:
        return "at random"
    return str(initialise(model, found_weights(recipe.checkpoint, keys="initial.checkpoint"), head=recipe.head))


def build_dataset(recipe: Recipe, model: Any) -> StemMixtures:
    """Return the endless training batches of a recipe, over the stems rendered so far."""
    return StemMixtures(
        stem_pool(recipe.stems, recipe.labels, recipe.pool),
        recipe.stems,
        classes=len(recipe.labels),
        batch=recipe.trainer.batch,
        frame_seconds=model.frame_seconds,
        mix=recipe.mix,
        slots=model.config.tracks,
        seed=recipe.seed,
        clips=clip_examples(recipe, model.frame_seconds, model.config.tracks),
    )


def describe(recipe: Recipe) -> dict[str, Any]:
    """Return sizes, and what one batch costs, without training."""
    model = build_model(recipe)
    torch.set_num_threads(recipe.trainer.threads)
    stems = stem_pool(recipe.stems, recipe.labels, recipe.pool)
    parameters = sum(p.numel() for p in model.parameters())
    samples = round(recipe.stems.seconds * recipe.stems.sample_rate)
    batch = torch.randn(recipe.trainer.batch, model.layout.channels, samples) * 0.01
    begin = time.perf_counter()
    outputs = model(batch)
    targets = torch.zeros(*outputs.shape[:-1], 5)
    SeldTask(model, recipe).loss(outputs, targets).total.backward()
    return {
        "recipe": recipe.name,
        "architecture": recipe.model.architecture,
        "layout": recipe.stems.layout,
        "classes": len(recipe.labels),
        "parameters": parameters,
        "model_megabytes": round(4 * parameters / 1e6, 2),
        "input_shape": list(batch.shape),
        "feature_shape": list(model.features(batch[:1]).shape),
        "output_shape": list(outputs.shape),
        "seconds_per_step": round(time.perf_counter() - begin, 3),
        "stems_folder": str(stems.folder),
        "stems_ready": len(stems.shards) * recipe.stems.shard_size,
        "stems_planned": recipe.pool.shards * recipe.stems.shard_size,
        "max_steps": recipe.trainer.max_steps,
        "max_minutes": recipe.trainer.max_minutes,
        "out": recipe.trainer.out,
    }


def train(recipe: Recipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, measure, and leave a model folder with its card.

    Returns:
        What was reached: steps, minutes, the model's folder, and the scores on the validation scenes.

    Raises:
        CheckpointError: the run folder holds another recipe's run.
        FormatError: the sounds are missing.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    from auris.training.report import calibrated, measure, model_card, open_scenes

    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    model = build_model(recipe)
    dataset = build_dataset(recipe, model)
    task = SeldTask(model, recipe)
    began = "checkpoint of this run"
    if saved is not None:
        task.restore(saved)
    else:
        began = initialised(model, recipe.initial)
    scenes = open_scenes(recipe)
    if task.progress < 1:
        batches = [as_batch(some, recipe.labels, frame_seconds=model.frame_seconds) for some in scenes.values()]
        stemless = recipe.clips is not None and recipe.clips.share == 1
        with nullcontext() if stemless else rendering(recipe.stems, recipe.labels, recipe.pool, dataset.pool):
            fit(
                task,
                out,
                train=DataLoader(SimulatedEpoch(dataset, task), batch_size=None),
                validation=[DataLoader(_Once(batch), batch_size=None) for batch in batches],
            )
    model.eval()
    model.config = replace(model.config, detection=calibrated(recipe, model))
    measured = measure(model, scenes)
    reached = {"steps": task.steps, "minutes": round(task.elapsed / 60, 1), **measured}
    save_pretrained(model, out.model, card=model_card(recipe, model, reached))
    return {"recipe": recipe.name, "model": str(out.model), "initial": began, **reached}


def _network_of(plain: dict[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on."""
    return [plain.get("labels"), plain.get("model"), (plain.get("stems") or {}).get("layout")]
