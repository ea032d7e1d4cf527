"""Training a generator of scenes: diffusion over tokens of content and space, told class, place and room.

Source of the task: Both Ears Wide Open (arXiv:2410.10676); velocities by arXiv:2202.00512.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from auris.models import save_pretrained
from auris.models.configuration import dataclass_from
from auris.models.diffusion import TrainingTimes, WeightAverage, noised, velocity_target
from auris.models.pretrained import from_pretrained
from auris.models.scene_diffusion.codec import StereoCodec
from auris.models.scene_diffusion.config import SceneDiffusionConfig
from auris.models.scene_diffusion.generator import SceneGenerator
from auris.models.scene_diffusion.network import Conditions
from auris.training.generator_data import CropBatches, HeldOutBatches, TokenBatch, held_out_stems, token_stems
from auris.training.generator_recipe import ConditionDropsRecipe, GeneratorRecipe
from auris.training.generator_report import model_card, sampled
from auris.training.generator_stems import stem_files
from auris.training.loop import Task, fit
from auris.training.machine import peak_megabytes
from auris.training.run_folder import RunFolder


class VelocityLosses(NamedTuple):
    """Mean squared errors of velocities.

    Attributes:
        content: of the numbers of a token that say what is heard.
        space: of those that say where.
        total: what is minimised.
    """

    content: Tensor
    space: Tensor
    total: Tensor


class GeneratorTask(Task):
    """A generator with its loss and the average of its weights.

    Args:
        model: to train; its codec is fitted.
        recipe: how.
        out: where the model and what it writes go.
    """

    def __init__(self, model: SceneGenerator, recipe: GeneratorRecipe, *, out: RunFolder) -> None:
        super().__init__(
            model,
            optimiser=recipe.optimiser,
            trainer=recipe.trainer,
            seed=recipe.seed,
            epoch_steps=recipe.trainer.validate_steps,
        )
        self.recipe, self.out = recipe, out
        self.average = WeightAverage(model.network, beta=recipe.average.beta, power=recipe.average.power)
        self.network = torch.compile(model.network) if recipe.trainer.compile else model.network
        self.measured: dict[str, float] = {}
        self._times: TrainingTimes | None = None

    def kept_weights(self) -> dict[str, Tensor]:
        """Return the weights of the network and of the codec, and not twice those that are compiled."""
        return {name: value for name, value in self.state_dict().items() if name.startswith("model.")}

    def losses(self, batch: TokenBatch) -> VelocityLosses:
        """Return the losses of a batch, at times and with noise and dropped conditions of its own."""
        times = self.times.draw(len(batch.latents), device=self.device)
        noise = torch.randn(batch.latents.shape, device=self.device)
        chance = torch.rand(len(batch.latents), device=self.device)
        return self._losses(batch, dropped(batch.conditions, chance, self.recipe.drops, len(self.recipe.labels)), times, noise)

    def _losses(self, batch: TokenBatch, conditions: Conditions, times: Tensor, noise: Tensor) -> VelocityLosses:
        with torch.no_grad():
            shown, wanted = noised(batch.latents, noise, times), velocity_target(batch.latents, noise, times)
        errors = (self.network(shown, times, conditions).float() - wanted).square()
        split = self.model.codec.content_width
        content, space = errors[..., :split].mean(), errors[..., split:].mean()
        count, other = split, (errors.shape[-1] - split) * self.recipe.space_weight
        return VelocityLosses(content, space, (count * content + other * space) / (count + other))

    @property
    def times(self) -> TrainingTimes:
        """Times to train at: a sequence that goes on where the training does."""
        if self._times is None:
            self._times = TrainingTimes(self.seed + self.place[1])
            self._times.load_state({"drawn": self.batches * self.budget.batch})
        return self._times

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        """Make a step, and take the weights into their average."""
        super().optimizer_step(*arguments, **named)
        self.average.update(self.model.network)

    def state(self) -> dict[str, Any]:
        """Return everything a checkpoint keeps."""
        return {**super().state(), "average": self.average.state()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint; raises as :meth:`auris.training.loop.Task.restore`."""
        super().restore(saved)
        self.average.load_state(saved["average"])

    def validation_step(self, batch: TokenBatch, number: int) -> None:
        """Log the loss of averaged weights, at times and with noise that are always the same."""
        generator = torch.Generator().manual_seed(self.recipe.validation.seed + number)
        times = (torch.arange(len(batch.latents)) + torch.rand(1, generator=generator)) / len(batch.latents)
        noise = torch.randn(batch.latents.shape, generator=generator)
        with self.average.applied_to(self.model.network):
            losses = self._losses(batch, batch.conditions, times.to(self.device), noise.to(self.device))
        self.log_losses("validation", losses)

    def on_validation_epoch_end(self) -> None:
        """Write clips, measure where they are heard, and keep the model."""
        if not self.trainer.is_global_zero:
            return
        with self.average.applied_to(self.model.network):
            self.measure()
        self.log_dict({f"validation/{name}": value for name, value in self.measured.items()}, rank_zero_only=True)

    def measure(self) -> None:
        """Measure the clips that are written with the weights that the network has now, and keep it with its card."""
        model = self.model.eval()
        self.measured = sampled(model, self.recipe.validation, self.out.path / "samples" / f"step-{self.steps:06d}")
        save_pretrained(model, self.out.model, card=model_card(self.recipe, model, self.reached, self.measured))


def dropped(conditions: Conditions, chance: Tensor, drops: ConditionDropsRecipe, classes: int) -> Conditions:
    """Return conditions of which some are not told.

    Args:
        conditions: of B sounds.
        chance: (B,) uniform numbers from 0 to 1 that decide.
        drops: shares.
        classes: number of classes.
    """
    text, position = drops.text, drops.text + drops.position
    both = (chance >= position) & (chance < position + drops.both)
    told = conditions.without_class(classes, (chance < text) | both)
    return told.without_place(((chance >= text) & (chance < position)) | both)


def build_model(recipe: GeneratorRecipe, codec: StereoCodec | None = None) -> SceneGenerator:
    """Return the untrained generator of a recipe.

    Raises:
        ParameterError: the recipe's ``model`` is not what makes one.
    """
    torch.manual_seed(recipe.seed)
    return SceneGenerator(config_of(recipe), codec=codec)


def config_of(recipe: GeneratorRecipe) -> SceneDiffusionConfig:
    """Return the configuration of a recipe's generator; raises as :func:`build_model`."""
    config: SceneDiffusionConfig = dataclass_from(
        SceneDiffusionConfig, {"labels": list(recipe.labels), **recipe.model}, where="model"
    )
    return config


def train(recipe: GeneratorRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, and leave a model folder with its card.

    Returns:
        What was reached: steps, epochs, minutes, the model's folder, and what was measured of the clips it writes.

    Raises:
        CheckpointError: the run folder holds another network's run.
        FormatError: recordings are missing.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    config = config_of(recipe)
    stems = token_stems(recipe, config.codec, window=config.window)
    held_out = held_out_stems(recipe, stems.codec, window=config.window)
    task = GeneratorTask(build_model(recipe, stems.codec), recipe, out=out)
    if saved is not None:
        task.restore(saved)
    validation = HeldOutBatches(held_out, batches=recipe.validation.batches, batch=min(recipe.trainer.batch, len(held_out)))
    fit(
        task,
        out,
        train=DataLoader(CropBatches(stems, task), batch_size=None),
        validation=DataLoader(validation, batch_size=None),
    )
    if task.place[1] == 0 and not task.measured:  # nothing was left to train
        with task.average.applied_to(task.model.network):
            task.measure()
    return {"recipe": recipe.name, "model": str(out.model), **task.reached, **_rounded(task.measured)}


def validate(recipe: GeneratorRecipe) -> dict[str, Any]:
    """Let the generator that a recipe trained write its clips, and measure them.

    Returns:
        The model's folder, how many clips were written, and what was measured.

    Raises:
        CheckpointError: nothing is trained yet.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    model: SceneGenerator = from_pretrained(out.model)
    measured = sampled(model, recipe.validation, out.path / "samples" / "validated")
    return {"recipe": recipe.name, "model": str(out.model), "clips": recipe.validation.samples, **_rounded(measured)}


def describe(recipe: GeneratorRecipe) -> dict[str, Any]:
    """Return sizes, and what one batch costs, without training or simulating; noise stands in for tokens."""
    torch.set_num_threads(recipe.trainer.threads)
    model = build_model(recipe)
    task = GeneratorTask(model, recipe, out=RunFolder(Path(recipe.trainer.out)))
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    task.to("cuda" if on_gpu else "cpu")
    count, window = recipe.trainer.batch, model.config.window
    parts = (torch.randn(count, window, model.codec.width), torch.zeros(count, dtype=torch.long), torch.zeros(count, window, 4))
    batch = TokenBatch(*(part.to(task.device) for part in (*parts, torch.zeros(count, dtype=torch.long))))
    seconds = []
    for _ in range(2):  # the first also reserves memory
        begin = time.perf_counter()
        task.losses(batch).total.backward()  # type: ignore[no-untyped-call]
        seconds.append(time.perf_counter() - begin)
    files = stem_files(recipe.stems, recipe.labels)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "recipe": recipe.name,
        "classes": len(recipe.labels),
        "parameters": parameters,
        "model_megabytes": round(4e-6 * sum(value.numel() for value in model.state_dict().values()), 2),
        "token_width": model.codec.width,
        "tokens_at_once": window,
        "seconds_at_once": round(window * model.codec.token_seconds, 2),
        "seconds_per_step": round(min(seconds), 3),
        "peak_megabytes": peak_megabytes(on_gpu=on_gpu),
        "stems_folder": str(files[0].parent),
        "stems_ready": sum(file.is_file() for file in files) * recipe.stems.shard_size,
        "stems_planned": len(files) * recipe.stems.shard_size,
        "total_steps": task.total_steps,
        "max_minutes": recipe.trainer.max_minutes,
        "out": recipe.trainer.out,
    }


def _network_of(plain: Mapping[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on."""
    sampled_by = ("steps", "guidance", "guidance_position", "longest")
    model = {key: value for key, value in (plain.get("model") or {}).items() if key not in sampled_by}
    return [plain.get("task"), plain.get("labels"), model]


def _rounded(measured: Mapping[str, float]) -> dict[str, float]:
    return {f"validation/{name}": round(value, 4) for name, value in measured.items()}
