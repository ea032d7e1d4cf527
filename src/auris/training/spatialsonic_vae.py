"""Training the autoencoder of waveforms that SpatialSonic writes with: several channels, and what lies between them.

Directions live in microseconds between the channels. A validation therefore measures, beside the spectra, how far the time and
the level difference of a reconstruction are from those of the clip; a diffusion model can be no better than these.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import CheckpointError
from auris.io.audio_files import write_audio
from auris.training.autoencoder_losses import ReconstructionLoss, divergence
from auris.training.loop import Task, fit
from auris.training.run_folder import RunFolder
from auris.training.spatialsonic_average import TrainingAverage
from auris.training.spatialsonic_clips import made_clips
from auris.training.spatialsonic_discriminator import Discriminator
from auris.training.spatialsonic_report import autoencoder_card
from auris.training.spatialsonic_vae_building import (
    build_autoencoder,
    describe,
    read_autoencoder,
    save_autoencoder,
)
from auris.training.spatialsonic_vae_data import VaeMaterial, WaveBatch
from auris.training.spatialsonic_vae_recipe import SpatialSonicVaeRecipe
from auris.training.spatialsonic_vae_scores import channel_errors, means_of

__all__ = ["SpatialSonicVaeTask", "describe", "train", "validate"]

VAE = "vae"  # folder of the run


class AutoencoderLosses(NamedTuple):
    """What is minimised.

    Attributes:
        spectral: distance of the spectra of channels, sums and differences.
        phase: of the phases between channels.
        kl: of the latents from a standard normal distribution.
        adversarial: the discriminator's verdict; 0 before it has a say.
        features: distance of what its layers see.
        discriminator: its own loss.
        total: their weighted sum, with the last one as it is.
    """

    spectral: Tensor
    phase: Tensor
    kl: Tensor
    adversarial: Tensor
    features: Tensor
    discriminator: Tensor
    total: Tensor


class SpatialSonicVaeTask(Task):
    """An autoencoder in training, and what judges it.

    Args:
        model: ``AutoencoderOobleck``.
        recipe: how.
        out: where samples and the autoencoder go.
        epoch_steps: optimiser steps of an epoch.
    """

    def __init__(self, model: Any, recipe: SpatialSonicVaeRecipe, *, out: RunFolder, epoch_steps: int) -> None:
        super().__init__(
            model,
            optimiser=recipe.optimiser,
            trainer=recipe.trainer,
            seed=recipe.seed,
            epoch_steps=epoch_steps,
            validate_steps=recipe.trainer.validate_steps,
        )
        self.recipe, self.out = recipe, out
        self.reconstruction = ReconstructionLoss(recipe.loss.windows)
        judge = recipe.discriminator
        self.discriminator = None if judge is None else Discriminator(judge, channels=recipe.channels)
        self.scores: dict[str, float] = {}
        self._saved_average: dict[str, Any] | None = None
        self._average: TrainingAverage | None = None
        self._found: dict[int, dict[str, float]] = {}

    def losses(self, batch: WaveBatch) -> AutoencoderLosses:
        """Return the losses of a batch; the discriminator learns in the same step, from its own loss alone."""
        posterior = self.model.encode(batch.waves).latent_dist
        made = self.model.decode(posterior.sample()).sample
        with torch.autocast(self.device.type, enabled=False):
            mean, deviation, made = posterior.mean.float(), posterior.std.float(), made.float()
            spectral, phase = self.reconstruction(made, batch.waves)
            kl = divergence(mean, deviation)
            verdict, features, own = self._judged(made, batch.waves)
            weights = self.recipe.loss
            parts = ((spectral, weights.spectral), (phase, weights.phase), (kl, weights.kl), (own, 1.0))
            said = ((verdict, weights.adversarial), (features, weights.features))
            total = torch.stack([part * weight for part, weight in (*parts, *said)]).sum()
        return AutoencoderLosses(spectral, phase, kl, verdict, features, own, total)

    def _judged(self, made: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The discriminator's verdict, the distance of features, and its own loss; zeros where there is none."""
        nothing = made.new_zeros(())
        if self.discriminator is None or self.recipe.discriminator is None:
            return nothing, nothing, nothing
        own = self.discriminator.own_loss(made, real)
        if self.progress < self.recipe.discriminator.begins:
            return nothing, nothing, own
        return (*self.discriminator.judgement(made, real), own)

    @property
    def average(self) -> TrainingAverage:
        """The moving average of the autoencoder's weights."""
        if self._average is None:
            self._average = TrainingAverage(self.model, self.recipe.objective, saved=self._saved_average)
        return self._average

    def on_train_start(self) -> None:
        """Start the clock, and the average where the weights lie now."""
        super().on_train_start()
        self.train()
        assert self.average is not None

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        """Make a step, and count it in the average."""
        super().optimizer_step(*arguments, **named)
        self.average.update()

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

    def on_validation_epoch_start(self) -> None:
        """Put the average in the place of the weights."""
        self._found = {}
        self.average.put()

    def validation_step(self, batch: WaveBatch, _: int) -> None:
        """Reconstruct held-out clips from the means of their latents, and measure what becomes of them; write some."""
        made = self.model.decode(self.model.encode(batch.waves).latent_dist.mode()).sample.float()
        layout = ChannelLayout.parse(self.recipe.layout)
        for number, wanted, there in zip(batch.numbers, batch.waves, made, strict=True):
            spectral, phase = self.reconstruction(there[None], wanted[None])
            audios = [Audio(wave.cpu().numpy(), self.recipe.sample_rate, layout) for wave in (wanted, there)]
            scores = channel_errors(*audios)
            self._found[number] = {"spectral": float(spectral), "phase": float(phase), **scores}
            if number < self.recipe.samples:
                folder = self.out.path / "samples" / f"step-{self.steps:07d}"
                for audio, name in zip(audios, ("original", "made"), strict=True):
                    write_audio(folder / f"{number:02d}-{name}.wav", audio)

    def on_validation_epoch_end(self) -> None:
        """Log what was measured and keep the autoencoder; then go on with the weights."""
        self.scores = means_of(self._from_all())
        self.log_dict({f"validation/{name}": value for name, value in self.scores.items()}, rank_zero_only=True)
        weights = self.recipe.loss
        score = weights.spectral * self.scores["spectral"] + weights.phase * self.scores["phase"]
        if self.recipe.keep == "last" or score <= self.best or not (self.out.path / VAE).is_dir():
            self.keep_model()
        self.best = min(score, self.best)
        self.average.take_back()

    def _from_all(self) -> dict[int, dict[str, float]]:
        if self.place[0] == 1:
            return self._found
        found: list[Any] = [None] * self.place[0]
        distributed.all_gather_object(found, self._found)
        return {number: scores for some in found for number, scores in some.items()}

    def keep_model(self) -> None:
        """Write the autoencoder with the weights that it has now."""
        if self.place[1] == 0:
            save_autoencoder(self.model, self.out.path / VAE, card=autoencoder_card(self.recipe, self.reached, self.scores))


def train(recipe: SpatialSonicVaeRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, and leave the autoencoder in the folder ``vae`` with its card.

    Returns:
        What was reached: steps, epochs, minutes, the autoencoder's folder, and the errors of reconstructions.

    Raises:
        CheckpointError: the run folder holds another run, or the autoencoder to go on from is not there or does not fit.
        FormatError: clips are missing, or files are damaged.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    if recipe.data.made is not None:
        made_clips(recipe.data.made, recipe.data.folder)
    material = VaeMaterial(recipe)
    task = SpatialSonicVaeTask(build_autoencoder(recipe), recipe, out=out, epoch_steps=material.epoch_steps)
    if saved is not None:
        task.restore(saved)
    fit(task, out, train=material.train_loader(task), validation=material.validation_loader(task))
    scores = {f"validation/{name}": round(value, 4) for name, value in task.scores.items()}
    return {"recipe": recipe.name, "vae": str(out.path / VAE), **task.reached, **scores}


def validate(recipe: SpatialSonicVaeRecipe) -> dict[str, Any]:
    """Measure the autoencoder that a recipe trained on the held-out clips.

    Returns:
        Its folder, how many clips were reconstructed, and the mean errors.

    Raises:
        CheckpointError: nothing is trained yet.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    vae = read_autoencoder(out.path / VAE)
    material = VaeMaterial(recipe)
    task = SpatialSonicVaeTask(vae, recipe, out=out, epoch_steps=material.epoch_steps)
    task.to("cuda" if recipe.trainer.accelerator != "cpu" and torch.cuda.is_available() else "cpu").eval()
    with torch.inference_mode():
        for number, batch in enumerate(material.validation_loader()):
            task.validation_step(batch.to(task.device), number)
    scores = {name: round(value, 4) for name, value in means_of(task._found).items()}
    return {"recipe": recipe.name, "vae": str(out.path / VAE), "clips": len(task._found), **scores}


def _network_of(plain: dict[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on."""
    return [plain.get(name) for name in ("task", "layout", "sample_rate", "vae", "discriminator", "initial")]
