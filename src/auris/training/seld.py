"""Training listeners: sound event localisation, detection and distance."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from auris.data.simulated import SimulatedDataset, StemPool, as_batch
from auris.data.stems import StemSettings, render_shards
from auris.errors import AurisError, CheckpointError, MissingDependency
from auris.io.atomic import atomic_write, write_text
from auris.models import create, save_pretrained
from auris.models.accdoa import Losses, MultiAccdoaLoss
from auris.training.recipe import MaskRecipe, Recipe

try:
    import lightning.pytorch as lightning
    from lightning.pytorch.callbacks import Callback, LearningRateMonitor, RichProgressBar
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
except ImportError:
    raise MissingDependency("lightning", "train") from None

CHECKPOINT, MODEL, RECIPE = "last.ckpt", "model", "recipe.yaml"


class SeldTask(lightning.LightningModule):
    """The network with its loss, augmentation of features, optimiser and budget."""

    def __init__(self, model: Any, recipe: Recipe) -> None:
        super().__init__()
        self.model, self.recipe = model, recipe
        self.loss = MultiAccdoaLoss(tracks=model.config.tracks, direction=recipe.loss.direction, distance=recipe.loss.distance)
        self.elapsed, self.steps = 0.0, 0  # seconds and steps trained, over all sittings
        self._tick = time.monotonic()

    @property
    def progress(self) -> float:
        """Share of the budget that is spent, 0 to 1."""
        budget = self.recipe.trainer
        spent = self.elapsed / (60 * budget.max_minutes) if budget.max_minutes else 0.0
        return min(1.0, max(spent, self.steps / budget.max_steps))

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Return the loss of one batch of waveforms and targets."""
        waveforms, targets = batch
        with torch.no_grad():
            features = masked(self.model.features(waveforms), self.recipe.masks, self.model.config.frames_per_label)
        losses: Losses = self.loss(self.model.from_features(features), targets)
        self._log_losses("train", losses)
        return losses.total

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int, dataloader_idx: int = 0) -> None:
        """Log the loss on whole scenes; the loaders come in the order of the scenes' names."""
        self._log_losses("validation", self.loss(self.model(batch[0]), batch[1]))

    def _log_losses(self, stage: str, losses: Losses) -> None:
        named = {f"{stage}/{name}": value for name, value in losses._asdict().items()}
        self.log_dict(named, prog_bar=stage == "train", batch_size=self.recipe.trainer.batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW; the rate is set before each step."""
        choice = self.recipe.optimiser
        return torch.optim.AdamW(self.parameters(), lr=choice.rate, weight_decay=choice.weight_decay)

    def on_train_batch_start(self, *_: Any) -> None:
        """Set the learning rate: warm-up by steps, cosine by whatever part of the budget is spent most."""
        choice = self.recipe.optimiser
        warm = min(1.0, (self.steps + 1) / max(choice.warmup_steps, 1))
        rate = choice.rate * warm * max(0.01, 0.5 * (1 + math.cos(math.pi * self.progress)))
        optimiser = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimiser, torch.optim.Optimizer)
        for group in optimiser.param_groups:
            group["lr"] = rate

    def on_train_batch_end(self, *_: Any) -> None:
        """Keep time; stop when the budget is spent."""
        now = time.monotonic()
        self.elapsed, self.steps = self.elapsed + now - self._tick, self.steps + 1
        self._tick = now
        if self.progress >= 1:
            self.trainer.should_stop = True

    def on_train_start(self) -> None:
        """Start the clock."""
        self._tick = time.monotonic()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the time spent."""
        checkpoint["elapsed"], checkpoint["steps"] = self.elapsed, self.steps

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the time spent."""
        self.elapsed = float(checkpoint["elapsed"])
        self.steps = int(checkpoint.get("steps", checkpoint["global_step"]))


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


class _Keeper(Callback):
    """Writes the checkpoint and the model folder every few minutes and at the end, each atomically."""

    def __init__(self, out: Path, minutes: float) -> None:
        self.out, self.seconds, self.last = out, 60 * minutes, time.monotonic()

    def on_train_batch_end(self, trainer: Any, task: Any, *_: Any) -> None:
        if time.monotonic() - self.last >= self.seconds:
            self.keep(trainer, task)

    def on_train_end(self, trainer: Any, task: Any) -> None:
        self.keep(trainer, task)

    def keep(self, trainer: Any, task: SeldTask) -> None:
        self.last = time.monotonic()
        with atomic_write(self.out / CHECKPOINT) as temporary:
            trainer.save_checkpoint(temporary, weights_only=False)
        note = f"# {task.recipe.name}\n\nTraining has not ended: {100 * task.progress:.0f} % after {task.steps} steps.\n"
        save_pretrained(task.model, self.out / MODEL, card=note)


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


def build_dataset(recipe: Recipe, model: Any) -> SimulatedDataset:
    """Return the endless training batches of a recipe, over the stems rendered so far."""
    folder = Path(recipe.pool.folder) / f"{recipe.name}-{recipe.stems.digest()}"
    pool = StemPool(folder, recipe.pool.shards)
    pool.refresh()
    return SimulatedDataset(
        pool,
        recipe.stems,
        classes=len(recipe.labels),
        batch=recipe.trainer.batch,
        frame_seconds=model.frame_seconds,
        mix=recipe.mix,
        slots=model.config.tracks,
        seed=recipe.seed,
    )


def describe(recipe: Recipe) -> dict[str, Any]:
    """Return sizes, and what one batch costs, without training."""
    model = build_model(recipe)
    torch.set_num_threads(recipe.trainer.threads)
    dataset = build_dataset(recipe, model)
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
        "stems_folder": str(dataset.pool.folder),
        "stems_ready": len(dataset.pool.shards) * recipe.stems.shard_size,
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
    """
    from auris.training.report import calibrated, measure, model_card, open_scenes

    torch.set_num_threads(recipe.trainer.threads)
    out = Path(recipe.trainer.out)
    checkpoint = _claim(out, recipe)
    model = build_model(recipe)
    dataset = build_dataset(recipe, model)
    task = SeldTask(model, recipe)
    if checkpoint is not None:
        dataset.position = _restore(task, checkpoint)
    scenes = open_scenes(recipe)
    if task.progress < 1:
        batches = [as_batch(some, recipe.labels, frame_seconds=model.frame_seconds) for some in scenes.values()]
        with _rendering(recipe.stems, recipe, dataset.pool):
            _trainer(recipe, out, sitting=f"from-step-{task.steps}").fit(
                task,
                DataLoader(dataset, batch_size=None),
                [DataLoader(_Once(batch), batch_size=None) for batch in batches],
                ckpt_path=checkpoint,
                weights_only=True,
            )
    model.eval()
    model.config = replace(model.config, detection=calibrated(recipe, model))
    measured = measure(model, scenes)
    reached = {"steps": task.steps, "minutes": round(task.elapsed / 60, 1), **measured}
    save_pretrained(model, out / MODEL, card=model_card(recipe, model, reached))
    return {"recipe": recipe.name, "model": str(out / MODEL), **reached}


def _claim(out: Path, recipe: Recipe) -> Path | None:
    """Note the recipe in the run folder; return the checkpoint to resume from, if there is one."""
    note, checkpoint = out / RECIPE, out / CHECKPOINT
    text = recipe.to_yaml()
    if checkpoint.is_file() and note.is_file() and _network_of(note.read_text(encoding="utf-8")) != _network_of(text):
        raise CheckpointError(f"{out} holds a run of another network; choose another folder with trainer.out=FOLDER")
    write_text(note, text)
    return checkpoint if checkpoint.is_file() else None


def _restore(task: SeldTask, checkpoint: Path) -> int:
    """Give a task the weights and the spent budget of a checkpoint; return its step, which is also the next batch's number."""
    try:
        saved = torch.load(checkpoint, weights_only=True, map_location="cpu")
        task.load_state_dict(saved["state_dict"])
    except (OSError, RuntimeError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).strip().split("\n")[0]
        raise CheckpointError(f"{checkpoint} cannot be resumed ({reason}); delete it or choose another trainer.out") from None
    task.on_load_checkpoint(saved)
    return task.steps


def _network_of(text: str) -> list[Any]:
    """What of a written recipe a checkpoint depends on."""
    import yaml

    plain = yaml.safe_load(text)
    return [plain.get("labels"), plain.get("model"), (plain.get("stems") or {}).get("layout")]


def _trainer(recipe: Recipe, out: Path, *, sitting: str) -> Any:
    """The loop; each sitting logs to a folder of its own, so that resuming deletes nothing."""
    budget = recipe.trainer
    return lightning.Trainer(
        accelerator=budget.accelerator,
        devices=1,
        max_steps=budget.max_steps,
        max_epochs=-1,
        limit_train_batches=min(budget.validate_steps, budget.max_steps),
        gradient_clip_val=recipe.optimiser.clip,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_model_summary=False,
        log_every_n_steps=min(10, budget.max_steps),
        logger=[CSVLogger(out, name="logs", version=sitting), TensorBoardLogger(out, name="tensorboard", version=sitting)],
        callbacks=[_Keeper(out, budget.save_minutes), RichProgressBar(), LearningRateMonitor("step")],
    )


@contextmanager
def _rendering(stems: StemSettings, recipe: Recipe, pool: StemPool) -> Iterator[None]:
    """Render missing stems in another process; wait until there are enough to begin."""
    if pool.refresh() >= recipe.pool.shards:
        yield
        return
    context = multiprocessing.get_context("spawn")
    arguments = (stems, recipe.labels, pool.folder, recipe.pool.shards)
    worker = context.Process(target=_render_politely, args=arguments, daemon=True)
    worker.start()
    try:
        while pool.refresh() < min(recipe.pool.first, recipe.pool.shards):
            if worker.exitcode is not None:
                raise AurisError(f"rendering stems failed with exit code {worker.exitcode}; its message stands above")
            time.sleep(0.5)
        yield
    finally:
        worker.terminate()
        worker.join()


def _render_politely(stems: StemSettings, labels: tuple[str, ...], folder: Path, count: int) -> None:
    os.nice(5)  # training goes first
    parent = multiprocessing.parent_process()
    # A killed training must not leave a renderer behind.
    render_shards(stems, labels, folder, count=count, wanted=lambda: parent is None or parent.is_alive())
