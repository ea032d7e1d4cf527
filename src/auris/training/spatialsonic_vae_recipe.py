"""Recipes of the autoencoder of waveforms that SpatialSonic writes with (Oobleck, of stable-audio-open, arXiv:2407.14358)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import yaml

from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError
from auris.models.configuration import plain_of
from auris.models.pretrained import SHIPPED
from auris.models.published import PUBLISHED
from auris.models.spatialsonic.config import VaeConfig
from auris.training.autoencoder_losses import AutoencoderLossRecipe
from auris.training.spatialsonic_discriminator import DiscriminatorRecipe
from auris.training.spatialsonic_recipe import ClipDataRecipe, ObjectiveRecipe
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe


@dataclass(frozen=True)
class SpatialSonicVaeRecipe:
    """One autoencoder, with its training.

    Attributes:
        name: of the run.
        seed: of every draw.
        note: for the card.
        layout: what the channels mean: ``stereo`` as published, ``foa`` for four.
        sample_rate: hertz.
        vae: its sizes.
        initial: autoencoder to go on from: a folder of diffusers, or a SpatialSonic.
        data: clips; of their captions and movements nothing is taken.
        loss: weights of its parts.
        discriminator: what judges the waves; None for no adversarial part.
        objective: the moving average of the weights.
        optimiser: learning rate.
        trainer: budget. An epoch is a stretch of every clip; validations are ``validate_steps`` apart.
        samples: held-out clips that are written beside what becomes of them.
        keep: autoencoder that is left behind: of the ``last`` validation, or of the one with the ``lowest_loss``.
    """

    task: ClassVar[str] = "spatialsonic_vae"
    names: ClassVar[tuple[str, ...]] = (*SHIPPED, *(model.name for model in PUBLISHED))
    paths: ClassVar[tuple[str, ...]] = (
        *("data.folder", "data.made.sounds.sounds", "data.made.held_out_sounds.sounds", "initial", "trainer.out"),
    )

    name: str
    seed: int = 0
    note: str = ""
    layout: str = "stereo"
    sample_rate: int = 44_100
    vae: VaeConfig = field(default_factory=VaeConfig)
    initial: str | None = None
    data: ClipDataRecipe = field(default_factory=lambda: ClipDataRecipe(crop_seconds=1.5))
    loss: AutoencoderLossRecipe = field(default_factory=AutoencoderLossRecipe)
    discriminator: DiscriminatorRecipe | None = None
    objective: ObjectiveRecipe = field(default_factory=lambda: ObjectiveRecipe(average=0.999))
    optimiser: OptimiserRecipe = field(default_factory=lambda: OptimiserRecipe(rate=1.5e-4, betas=(0.8, 0.99)))
    trainer: TrainerRecipe = field(default_factory=TrainerRecipe)
    samples: int = 4
    keep: Literal["last", "lowest_loss"] = "last"

    def __post_init__(self) -> None:
        try:
            ChannelLayout.parse(self.layout)
        except LayoutError as error:
            raise ParameterError(str(error)) from None
        if self.data.crop_seconds is None:
            raise ParameterError("an autoencoder learns from stretches of one length: set data.crop_seconds")
        if self.data.latents is not None:
            raise ParameterError("data.latents is for diffusion models; an autoencoder learns from waves")
        if self.trainer.strategy == "fsdp" or self.trainer.sync_batch_norm or self.trainer.compile:
            raise ParameterError("an autoencoder trains on several devices by trainer.strategy=ddp, without further options")
        if self.samples < 0 or self.sample_rate < 1:
            raise ParameterError(f"samples is at least 0 and sample_rate at least 1, got {self.samples} and {self.sample_rate}")
        if max(self.loss.windows) > self.clip_samples:
            raise ParameterError(
                f"loss.windows go up to {max(self.loss.windows)} samples, but a stretch has {self.clip_samples}; "
                "raise data.crop_seconds"
            )

    @property
    def channels(self) -> int:
        """Channels of the waves."""
        return ChannelLayout.parse(self.layout).channels

    @property
    def clip_samples(self) -> int:
        """Samples of what is learnt at a time, a whole number of latent frames."""
        return max(round((self.data.crop_seconds or 0) * self.sample_rate) // self.vae.hop, 1) * self.vae.hop

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        return yaml.safe_dump({"task": self.task, **plain_of(self)}, sort_keys=False, default_flow_style=None, width=120)

    @staticmethod
    def completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a plain recipe with what follows from its other values: nothing."""
        return plain
