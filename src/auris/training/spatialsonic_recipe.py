"""Recipes of SpatialSonic: a diffusion model that writes stereo from words and directions (arXiv:2410.10676)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import yaml

from auris.data.made_sets.bewo_settings import BewoSettings
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError
from auris.io.bewo import SUBSETS, Subset
from auris.models.configuration import plain_of
from auris.models.pretrained import SHIPPED
from auris.models.published import PUBLISHED
from auris.models.spatialsonic.config import TEXT_ENCODER, SpatialSonicConfig
from auris.training.spatialsonic_motion import Beginnings, Directions
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe


@dataclass(frozen=True)
class MadeSetRecipe:
    """Clips that are simulated before the training, where they are not there yet, as ``auris data make bewo`` does.

    Attributes:
        items: clips to train with.
        held_out_items: clips to validate with.
        settings: of the clips; their split is set.
        sounds: that they are made of.
        held_out_sounds: those of the held-out clips.
        seed: of every draw.
        workers: processes.
    """

    items: int = 1000
    held_out_items: int = 64
    settings: BewoSettings = field(default_factory=BewoSettings)
    sounds: BankSettings = field(default_factory=BankSettings)
    held_out_sounds: BankSettings = field(default_factory=BankSettings)
    seed: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if min(self.items, self.held_out_items, self.workers) < 1:
            raise ParameterError("items, held_out_items and workers must be at least 1")


@dataclass(frozen=True)
class ClipDataRecipe:
    """Clips with captions and ways of their sources, in the form of BEWO-1M (:mod:`auris.io.bewo`).

    Attributes:
        folder: above the published trees, at any depth; or of a set that ``auris data make bewo`` made.
        made: clips that are simulated into ``folder`` first; None takes what is there.
        subsets: which parts: SS, SD, DS, Mix.
        validation_clips: of the split ``val`` that are validated with, always the same; None for all.
        crop_seconds: a stretch of so long is cut from a random place of every clip; null takes whole clips from their
            beginning, cut or filled up with silence to the model's ``longest``.
        directions: ``classes`` tells the published direction classes, ``angles`` what the angles say.
        movement_begins: where the records say (``recorded``: right for sets made by auris), or in the middle of the clip
            (``centred``: the published unit is not known).
        cropped_movement: of a clip of which a part is cut, what falls into it (``cut``), or that of the whole clip (``whole``).
        latents: folder in which the latents of all clips are kept, encoded once before the training (about 14 KB a second in
            the published sizes); None encodes every stretch when it is needed.
        unreadable: ``skip`` takes another clip in the place of one whose file is damaged, and logs it; ``refuse`` stops.
        workers: processes that read ahead; 0 does it between steps.
    """

    folder: str = "../data/BEWO-1M"
    made: MadeSetRecipe | None = None
    subsets: tuple[Subset, ...] = SUBSETS
    validation_clips: int | None = 64
    crop_seconds: float | None = 5.0
    directions: Directions = "angles"
    movement_begins: Beginnings = "centred"
    cropped_movement: Literal["cut", "whole"] = "cut"
    latents: str | None = None
    unreadable: Literal["skip", "refuse"] = "skip"
    workers: int = 0

    def __post_init__(self) -> None:
        if not self.subsets:
            raise ParameterError(f"data.subsets names at least one of {', '.join(SUBSETS)}")
        if self.validation_clips is not None and self.validation_clips < 1:
            raise ParameterError(f"data.validation_clips must be at least 1, or null for all, got {self.validation_clips}")
        if self.crop_seconds is not None and not self.crop_seconds > 0:
            raise ParameterError(f"data.crop_seconds must exceed 0, or be null for whole clips, got {self.crop_seconds}")
        if self.workers < 0:
            raise ParameterError(f"data.workers must be at least 0, got {self.workers}")


@dataclass(frozen=True)
class SmallPromptEncoder:
    """A T5 with weights drawn at random, which stays as it is: enough to tell words apart, nothing to fetch.

    Attributes:
        words: most tokens that its tokenizer tells apart; it is learnt from the captions.
        layers: blocks.
        heads: of attention.
    """

    words: int = 1000
    layers: int = 1
    heads: int = 4

    def __post_init__(self) -> None:
        if self.words < 300 or min(self.layers, self.heads) < 1:
            raise ParameterError(f"a small prompt encoder has at least 300 words, 1 layer and 1 head, got {self}")


@dataclass(frozen=True)
class SonicModelRecipe:
    """What the model is made of.

    Attributes:
        config: its sizes; the defaults are the published ones. ``position: null`` makes one that reads prompts alone.
        vae: folder of a trained autoencoder: the ``vae`` that a run of the task ``spatialsonic_vae`` leaves, or one of
            ``diffusers``. None takes that of ``initial``.
        small_prompt_encoder: in the place of ``config.prompt_encoder``.
        latents: ``random`` draws them anew at every step, as published; ``mean`` takes the middle of what is likely.
    """

    config: SpatialSonicConfig = field(default_factory=SpatialSonicConfig)
    vae: str | None = None
    small_prompt_encoder: SmallPromptEncoder | None = None
    latents: Literal["random", "mean"] = "random"

    def __post_init__(self) -> None:
        if (self.small_prompt_encoder is None) == (self.config.prompt_encoder == TEXT_ENCODER):
            raise ParameterError(
                f"config.prompt_encoder is {TEXT_ENCODER!r}, which is stored with the model, exactly where "
                f"small_prompt_encoder makes one; got {self.config.prompt_encoder!r}"
            )


@dataclass(frozen=True)
class ConditionRecipe:
    """What the model is told of a clip, drawn anew at every step.

    Attributes:
        plain_captions: share of clips whose caption loses its words for directions: 0 for captions as they are (``nl``), 1 for
            captions of what sounds alone (``attri``), in between for a model that understands both (``mix``; the published
            share is not known).
        coarse: share of clips whose azimuth matrices are coarse; the others are fine.
        drop_all: chance that nothing is told; 0.1 as published.
        drop_text: chance that positions alone are told.
        drop_position: chance that words alone are told. With these two, ``model.config.drops`` is ``separate``, and the model
            has a guidance scale for each.
    """

    plain_captions: float = 0.0
    coarse: float = 1.0
    drop_all: float = 0.1
    drop_text: float = 0.0
    drop_position: float = 0.0

    def __post_init__(self) -> None:
        for name in ("plain_captions", "coarse", "drop_all", "drop_text", "drop_position"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"conditions.{name} is a share from 0 to 1, got {getattr(self, name)!r}")
        if self.drop_all + self.drop_text + self.drop_position > 1:
            raise ParameterError("drop_all, drop_text and drop_position exclude each other: together they are at most 1")

    @property
    def separate(self) -> bool:
        """Whether words and positions are at times dropped one without the other."""
        return self.drop_text + self.drop_position > 0


@dataclass(frozen=True)
class ObjectiveRecipe:
    """What is minimised, and which mean of the weights is kept.

    Attributes:
        share_at_one: share of steps at pure noise.
        average: the moving average's slowest factor; 0 keeps the last weights.
        average_power: how it gets there: after ``n`` steps it is ``1 - (1 + n) ** -average_power`` at most.
    """

    share_at_one: float = 0.01
    average: float = 0.9999
    average_power: float = 0.75

    def __post_init__(self) -> None:
        if not 0 <= self.share_at_one <= 1 or not 0 <= self.average < 1 or not self.average_power > 0:
            raise ParameterError(f"share_at_one lies in [0, 1], average in [0, 1), average_power above 0; got {self}")


@dataclass(frozen=True)
class SampleRecipe:
    """Clips that are written at a validation, by the requests of held-out clips.

    Attributes:
        count: how many; 0 for none.
        steps: of the sampler.
        guidance: scale; None takes the model's.
        guidance_position: scale of positions; None takes the model's.
        seconds: length; None takes that of the crops.
    """

    count: int = 8
    steps: int = 100
    guidance: float | None = None
    guidance_position: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.count < 0 or self.steps < 1 or (self.seconds is not None and not self.seconds > 0):
            raise ParameterError(f"samples: count is at least 0, steps at least 1, seconds above 0; got {self}")


@dataclass(frozen=True)
class SpatialSonicRecipe:
    """One diffusion model, with its training.

    Attributes:
        name: of the model.
        seed: of every draw.
        note: for the card.
        model: what it is made of.
        initial: model folder to go on from, such as a converted stable-audio-open or ``BEWO_mix``: its autoencoder, and every
            part of the diffusion model that it has. Parts that it lacks altogether (positions) begin at random.
        data: clips.
        conditions: what is told of them.
        objective: what is minimised.
        optimiser: learning rate.
        trainer: budget. An epoch is every clip once; validations are ``validate_steps`` apart.
        samples: what is written at validations.
        keep: model that is left behind: of the ``last`` validation, or of the one with the ``lowest_loss``.
    """

    task: ClassVar[str] = "spatialsonic"
    names: ClassVar[tuple[str, ...]] = (*SHIPPED, *(model.name for model in PUBLISHED))
    paths: ClassVar[tuple[str, ...]] = (
        *("data.folder", "data.latents", "data.made.sounds.sounds", "data.made.held_out_sounds.sounds"),
        *("model.vae", "initial", "trainer.out"),
    )

    name: str
    seed: int = 0
    note: str = ""
    model: SonicModelRecipe = field(default_factory=SonicModelRecipe)
    initial: str | None = None
    data: ClipDataRecipe = field(default_factory=ClipDataRecipe)
    conditions: ConditionRecipe = field(default_factory=ConditionRecipe)
    objective: ObjectiveRecipe = field(default_factory=ObjectiveRecipe)
    optimiser: OptimiserRecipe = field(default_factory=lambda: OptimiserRecipe(rate_factors={"position": 10.0}))
    trainer: TrainerRecipe = field(default_factory=TrainerRecipe)
    samples: SampleRecipe = field(default_factory=SampleRecipe)
    keep: Literal["last", "lowest_loss"] = "last"

    def __post_init__(self) -> None:
        config, conditions = self.model.config, self.conditions
        if config.position is None and conditions.drop_position:
            raise ParameterError("a model without positions (model.config.position=null) has none to drop")
        if config.position is None and conditions.plain_captions:
            raise ParameterError(
                "plain_captions takes the directions out of captions: nothing else says them without positions"
            )
        if config.position is None and "position" in self.optimiser.rate_factors:
            raise ParameterError("optimiser.rate_factors names position, but a model without positions has no such part")
        if conditions.separate != (config.drops == "separate"):
            raise ParameterError(
                f"model.config.drops is {config.drops!r}, but conditions drop "
                + ("words or positions by themselves; set it to 'separate'" if conditions.separate else "all at once alone")
            )
        if self.trainer.sync_batch_norm or self.trainer.compile:
            raise ParameterError("SpatialSonic has no batch statistics, and is not compiled: leave these two out of trainer")
        for name, seconds in (("data.crop_seconds", self.data.crop_seconds), ("samples.seconds", self.samples.seconds)):
            if seconds is not None and seconds > config.longest:
                raise ParameterError(f"{name} is {seconds:g} s, more than model.config.longest ({config.longest:g} s)")

    @property
    def clip_samples(self) -> int:
        """Samples of what is learnt at a time, a whole number of latent frames."""
        config = self.model.config
        seconds = self.data.crop_seconds or config.longest
        return max(config.latent_frames(round(seconds * config.sample_rate)), 1) * config.vae.hop

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        return yaml.safe_dump({"task": self.task, **plain_of(self)}, sort_keys=False, default_flow_style=None, width=120)

    @staticmethod
    def completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a plain recipe with what follows from its other values: nothing."""
        return plain
