"""Training SpatialSonic's diffusion model: the part of Both Ears Wide Open (arXiv:2410.10676) that was never released.

Latents of a frozen autoencoder, a velocity to predict from noised ones, conditions that are left out now and then so that
guidance has something to compare with, a moving average of the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed
from torch.distributed.fsdp import fully_shard
from torch.nn.functional import mse_loss

from auris import seeding
from auris.audio import Audio
from auris.errors import AurisError, CheckpointError
from auris.models.diffusion.objective import TrainingTimes, noised, velocity_target
from auris.models.generating import GenerationRequest
from auris.models.pretrained import from_pretrained, save_pretrained
from auris.models.spatialsonic.network import SpatialSonic
from auris.training.loop import Task, fit
from auris.training.run_folder import RunFolder
from auris.training.sharding import whole_blocks
from auris.training.spatialsonic_average import TrainingAverage
from auris.training.spatialsonic_building import build_model
from auris.training.spatialsonic_clips import listed_clips, made_clips
from auris.training.spatialsonic_data import SonicBatch, SonicMaterial
from auris.training.spatialsonic_description import describe
from auris.training.spatialsonic_latents import KeptLatents
from auris.training.spatialsonic_recipe import SpatialSonicRecipe
from auris.training.spatialsonic_report import model_card
from auris.training.spatialsonic_samples import WrittenSample, direction_error, write_samples, write_table

__all__ = ["SpatialSonicTask", "describe", "train", "validate"]

_GOLDEN = 0.6180339887498949  # times of successive held-out clips, evenly spread however many there are


class VelocityLoss(NamedTuple):
    """What is minimised.

    Attributes:
        total: mean squared error of the velocity.
    """

    total: Tensor


class SpatialSonicTask(Task):
    """A diffusion model in training.

    Args:
        model: to train; its autoencoder is frozen.
        recipe: how.
        out: where samples and the model go.
        material: clips.
    """

    def __init__(self, model: SpatialSonic, recipe: SpatialSonicRecipe, *, out: RunFolder, material: SonicMaterial) -> None:
        super().__init__(
            model,
            optimiser=recipe.optimiser,
            trainer=recipe.trainer,
            seed=recipe.seed,
            epoch_steps=material.epoch_steps,
            validate_steps=recipe.trainer.validate_steps,
        )
        self.recipe, self.out, self.material = recipe, out, material
        self.scores: dict[str, float] = {}
        self._saved_average: dict[str, Any] | None = None
        self._average: TrainingAverage | None = None
        self._times: TrainingTimes | None = None
        self._found: dict[int, float] = {}

    # ── what is learnt ──

    def latents(self, batch: SonicBatch, *, draws: torch.Generator | None = None) -> Tensor:
        """Return clean latents ``(batch, latents, frames)`` in float32, whatever the transformer computes in.

        Args:
            batch: waves, or means and deviations.
            draws: of latents that are drawn; None takes torch's own.
        """
        sample = self.recipe.model.latents
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            if not batch.encoded:
                encoded: Tensor = self.model.encode(batch.sound, sample=sample, generator=draws)
                return encoded
            mean, deviation = batch.sound.chunk(2, dim=1)
            return mean if sample == "mean" else mean + deviation * _normal(mean, draws)

    def times(self, count: int) -> Tensor:
        """Return the times of this batch: the part of the process's sequence that belongs to its number."""
        if self._times is None:
            seed = seeding.derive(self.seed, "times", self.place[1]) >> 1
            self._times = TrainingTimes(seed, share_at_one=self.recipe.objective.share_at_one)
        drawn = self.batches * self.budget.batch
        if self._times.state()["drawn"] != drawn:
            self._times.load_state({"drawn": drawn})
        return self._times.draw(count, device=self.device)

    def losses(self, batch: SonicBatch) -> VelocityLoss:
        """Return the loss of a batch."""
        clean = self.latents(batch)
        return VelocityLoss(self.errors(batch, clean, noise=torch.randn_like(clean), t=self.times(len(batch))).mean())

    def errors(self, batch: SonicBatch, clean: Tensor, *, noise: Tensor, t: Tensor) -> Tensor:
        """Return the mean squared errors of the velocity ``(batch,)``.

        Args:
            batch: whose conditions are given.
            clean: latents ``(batch, latents, frames)``.
            noise: of the same shape.
            t: times ``(batch,)``, 0 to 1.
        """
        with torch.autocast(self.device.type, enabled=False):
            start, total = batch.seconds.unbind(dim=1)
            conditions = self.model.context(
                batch.prompts, batch.tracks, seconds_start=start, seconds_total=total, drop=batch.drops
            )
        said = self.model.velocity(noised(clean, noise, t), t, *conditions)
        wanted = velocity_target(clean, noise, t)
        return mse_loss(said.float(), wanted, reduction="none").mean(dim=(1, 2))

    # ── weights, their average, and how they are divided ──

    @property
    def average(self) -> TrainingAverage:
        """The moving average, which begins where weights lie once training begins."""
        if self._average is None:
            self._average = TrainingAverage(self.model, self.recipe.objective, saved=self._saved_average)
        return self._average

    def configure_model(self) -> None:
        """Divide what is trained between processes, once, if the recipe says so."""
        if self.budget.strategy == "fsdp" and not getattr(self, "_divided", False):
            self._divided = True
            mesh: Any = self.device_mesh
            numbers = (self.model.numbers.start_number_conditioner, self.model.numbers.end_number_conditioner)
            parts = [*self.model.dit.transformer_blocks, self.model.dit, *numbers]
            for part in parts if self.model.position is None else [*parts, self.model.position]:
                # Also those that are called first, which otherwise stay whole for a while: the average knows divided ones.
                fully_shard(part, mesh=mesh["data_parallel"], reshard_after_forward=True)

    def on_train_start(self) -> None:
        """Start the clock, with dropout, and the average where the weights lie now."""
        super().on_train_start()
        self.train()
        assert self.average is not None

    def train(self, mode: bool = True) -> SpatialSonicTask:
        """Let the autoencoder stay as it is."""
        super().train(mode)
        self.model.vae.eval()
        return self

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        """Make a step, and count it in the average."""
        super().optimizer_step(*arguments, **named)
        self.average.update()

    def kept_weights(self) -> dict[str, Tensor]:
        """Return the weights that are trained: the autoencoder is read again."""
        learning = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return {name: value for name, value in self.state_dict().items() if name in learning}

    def state(self) -> dict[str, Any]:
        """Return everything a checkpoint keeps, with the average."""
        return {**super().state(), "average": self.average.state()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: it keeps other weights than this training.
        """
        super().restore(saved)
        if "average" not in saved:
            raise CheckpointError("the checkpoint keeps no moving average: it is of another program or version")
        self._saved_average = saved["average"]

    # ── validation ──

    def on_validation_epoch_start(self) -> None:
        """Put the average in the place of the weights."""
        self._found = {}
        self.average.put()

    def validation_step(self, batch: SonicBatch, _: int) -> None:
        """Measure the loss of held-out clips, at times and under noise that never change."""
        clean = self.latents(batch, draws=self._draws("held-out-latents", batch.numbers[0]))
        t = torch.tensor([(number + 0.5) * _GOLDEN % 1.0 for number in batch.numbers], device=self.device)
        noise = torch.stack([_normal(clean[0], self._draws("held-out", number)) for number in batch.numbers])
        errors = self.errors(batch, clean, noise=noise, t=t)
        self._found |= dict(zip(batch.numbers, errors.tolist(), strict=True))

    def _draws(self, what: str, number: int) -> torch.Generator:
        return torch.Generator().manual_seed(seeding.derive(self.seed, what, number) >> 1)

    def on_validation_epoch_end(self) -> None:
        """Log the loss, write samples with their measured directions, keep the model; then go on with the weights."""
        found = {number: value for some in self._from_all(self._found) for number, value in some.items()}
        loss = sum(found.values()) / max(len(found), 1)
        samples = self.written_samples(f"samples/step-{self.steps:07d}")
        self.scores = {"loss": loss}
        if (error := direction_error(samples)) is not None:
            self.scores["direction_error_deg"] = error
        self.log_dict({f"validation/{name}": value for name, value in self.scores.items()}, rank_zero_only=True)
        if samples and self.place[1] == 0:
            write_table(samples, self.out.path / "samples.md", steps=self.steps, loss=loss)
        if self.recipe.keep == "last" or loss <= self.best or not self.out.model.is_dir():
            self.keep_model()
        self.best = min(loss, self.best)
        self.average.take_back()

    def written_samples(self, folder: str) -> list[WrittenSample]:
        """Let the model write clips into the run folder, and listen to them; processes take turns.

        Processes that hold a part of the model each write all of them together.
        """
        world, rank = self.place
        together = self.budget.strategy == "fsdp"
        numbers = sample_numbers(self.material, self.recipe.samples.count)
        mine = [place for place in range(len(numbers)) if together or place % world == rank]
        seconds = self.recipe.samples.seconds or self.recipe.data.crop_seconds or self.recipe.model.config.longest
        requests = [(place, self.material.held_out.request(numbers[place], seconds=seconds)) for place in mine]
        written = write_samples(requests, self._generated, out=self.out.path, folder=folder)
        return written if together else [sample for some in self._from_all(written) for sample in some]

    def _generated(self, request: GenerationRequest, seed: int) -> Audio:
        plan = self.recipe.samples
        model: SpatialSonic = self.model
        return model.generate(
            request, seed=seed, steps=plan.steps, guidance=plan.guidance, guidance_position=plan.guidance_position
        )

    def _from_all(self, mine: Any) -> list[Any]:
        """What every process has."""
        if self.place[0] == 1:
            return [mine]
        found: list[Any] = [None] * self.place[0]
        distributed.all_gather_object(found, mine)
        return found

    def keep_model(self) -> None:
        """Write the model folder with the weights that the model has now; all processes take part."""
        with whole_blocks(self.model):
            if self.place[1] == 0:
                save_pretrained(self.model, self.out.model, card=model_card(self.recipe, self.reached, self.scores))


def _normal(like: Tensor, draws: torch.Generator | None) -> Tensor:
    """Noise of the shape of a tensor; of a generator on the CPU, wherever the tensor is."""
    return torch.randn_like(like) if draws is None else torch.randn(like.shape, generator=draws).to(like)


def sample_numbers(material: SonicMaterial, count: int) -> list[int]:
    """Return the held-out clips whose requests are written: those of one sound first, for their direction can be measured."""
    clips = material.held_out.clips
    return sorted(range(len(clips)), key=lambda number: (len(clips[number].sources) != 1, number))[:count]


def train(recipe: SpatialSonicRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, and leave a model folder with its card.

    Returns:
        What was reached: steps, epochs, minutes, the model's folder, the loss on held-out clips and the error of directions.

    Raises:
        CheckpointError: the run folder holds another run, or a model is not there or does not fit.
        FormatError: clips are missing, or files are damaged.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    model, material = model_and_material(recipe)
    task = SpatialSonicTask(model, recipe, out=out, material=material)
    if saved is not None:
        task.restore(saved)
    fit(task, out, train=material.train_loader(task), validation=material.validation_loader(task))
    scores = {f"validation/{name}": round(value, 4) for name, value in task.scores.items()}
    return {"recipe": recipe.name, "model": str(out.model), **task.reached, **scores}


def model_and_material(recipe: SpatialSonicRecipe) -> tuple[SpatialSonic, SonicMaterial]:
    """Return what is trained, and on what; clips are made and encoded here where the recipe says so."""
    data = recipe.data
    if data.made is not None:
        made_clips(data.made, data.folder)
    captions = [clip.caption for clip in listed_clips(data, "train")] if recipe.model.small_prompt_encoder else []
    model = build_model(recipe, captions=captions)
    return model, SonicMaterial(recipe, kept=kept_latents(recipe, model))


def kept_latents(recipe: SpatialSonicRecipe, model: SpatialSonic) -> KeptLatents | None:
    """Return the latents on disk, if the recipe keeps any; they are encoded on a GPU if there is one."""
    if recipe.data.latents is None:
        return None
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    config = recipe.model.config
    return KeptLatents(
        recipe.data.latents,
        model.vae.to("cuda" if on_gpu else "cpu").eval(),
        config,
        least_frames=recipe.clip_samples // config.vae.hop,
    )


def validate(recipe: SpatialSonicRecipe) -> dict[str, Any]:
    """Let the model that a recipe trained write samples into ``validation``, and measure its loss on held-out clips.

    Returns:
        The model's folder, how many clips were heard, the loss and the error of directions.

    Raises:
        CheckpointError: nothing is trained yet.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    if not out.model.is_dir():
        raise CheckpointError(f"{out.model}: nothing is trained yet; train first")
    model = from_pretrained(out.model)
    model.requires_grad_(False)
    material = SonicMaterial(recipe, kept=kept_latents(recipe, model))
    task = SpatialSonicTask(model, recipe, out=out, material=material)
    task.to("cuda" if recipe.trainer.accelerator != "cpu" and torch.cuda.is_available() else "cpu").eval()
    with torch.inference_mode():
        for number, batch in enumerate(material.validation_loader()):
            task.validation_step(batch.to(task.device), number)
        samples = task.written_samples("validation")
    loss = sum(task._found.values()) / max(len(task._found), 1)
    if not torch.isfinite(torch.tensor(loss)):
        raise AurisError(f"{out.model}: its loss is not finite")
    error = direction_error(samples)
    told = {} if error is None else {"direction_error_deg": round(error, 2)}
    return {"recipe": recipe.name, "model": str(out.model), "clips": len(task._found), "loss": round(loss, 5), **told}


def _network_of(plain: dict[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on: all that the model is made of but how it samples."""
    model = dict(plain.get("model") or {})
    model["config"] = {key: value for key, value in (model.get("config") or {}).items() if key != "sampling"}
    return [plain.get("task"), plain.get("initial"), model]
