"""What a SpatialSonic is made of; reading this needs none of its packages. The defaults are the published model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError, unknown_name
from auris.models.generating import MOST_SOUNDS

Spread = Literal["coarse", "fine"]
Drops = Literal["together", "separate"]
TEXT_ENCODER = "text_encoder"
_ROTATED = 32


@dataclass(frozen=True)
class VaeConfig:
    """Sizes of the autoencoder of waveforms (Oobleck, of stable-audio-open, arXiv:2407.14358).

    Attributes:
        latents: channels of a latent frame.
        width: of the decoder's last layers; the encoder's first are twice the latents wide.
        multiples: of that width, from the waveform inwards.
        strides: of the same layers; their product is the number of samples of one latent frame.
    """

    latents: int = 64
    width: int = 128
    multiples: tuple[int, ...] = (1, 2, 4, 8, 16)
    strides: tuple[int, ...] = (2, 4, 4, 8, 8)

    def __post_init__(self) -> None:
        if min(self.latents, self.width, *self.multiples, *self.strides, 1) < 1 or not self.strides:
            raise ParameterError(f"the autoencoder needs sizes of at least 1 and a stride, got {self}")
        if len(self.multiples) != len(self.strides):
            raise ParameterError(f"every layer has a multiple and a stride, got {len(self.multiples)} and {len(self.strides)}")
        if odd := [stride for stride in self.strides if stride % 2]:
            raise ParameterError(f"strides are even, so that a latent frame is as many samples out as in; got {odd}")

    @property
    def hop(self) -> int:
        """Samples of one latent frame."""
        return math.prod(self.strides)


@dataclass(frozen=True)
class DitConfig:
    """Sizes of the diffusion transformer.

    Attributes:
        depth: number of blocks.
        heads: of attention.
        head_width: numbers of each; at least 32, because that many are rotated by their place in time.
    """

    depth: int = 24
    heads: int = 24
    head_width: int = 64

    def __post_init__(self) -> None:
        if min(self.depth, self.heads) < 1 or self.head_width < _ROTATED or self.head_width % 4:
            raise ParameterError(
                f"the transformer needs depth and heads of at least 1, heads of at least {_ROTATED} numbers, a multiple of 4; "
                f"got {self}"
            )

    @property
    def width(self) -> int:
        """Width of its tokens."""
        return self.heads * self.head_width

    @property
    def rotated(self) -> int:
        """How many numbers of a head are rotated by their place in time."""
        return max(self.head_width // 2, _ROTATED)


@dataclass(frozen=True)
class PositionConfig:
    """Sizes of the part that tells the transformer where the sounds are.

    Attributes:
        layers: blocks of attention from words to azimuths.
        heads: of that attention.
        sounds: the most there are at a time.
        dropout: in training.
        spread: how the published program writes azimuths: ``coarse`` as a bell of 11 degrees, ``fine`` as the one row.
    """

    layers: int = 4
    heads: int = 4
    sounds: int = MOST_SOUNDS
    dropout: float = 0.1
    spread: Spread = "coarse"

    def __post_init__(self) -> None:
        if min(self.layers, self.heads, self.sounds) < 1 or not 0 <= self.dropout < 1:
            raise ParameterError(f"positions need layers, heads and sounds of at least 1 and dropout in [0, 1), got {self}")
        if self.spread not in get_args(Spread):
            raise ParameterError(unknown_name("spread", self.spread, get_args(Spread)))


@dataclass(frozen=True)
class SamplingSettings:
    """How latents are drawn; the defaults are the published ones (DPM-Solver++ of order 3 with fresh noise).

    Attributes:
        steps: evaluations of the network.
        guidance: how strongly the clip follows its conditions.
        guidance_position: how strongly it follows the directions, where a model was trained to tell both apart; None takes
            ``guidance``.
        sigma_max: level of noise it begins with.
        sigma_min: last level above zero.
    """

    steps: int = 250
    guidance: float = 7.5
    guidance_position: float | None = None
    sigma_max: float = 1000.0
    sigma_min: float = 0.03

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 < self.sigma_min < self.sigma_max < math.inf:
            raise ParameterError(f"sampling takes at least 1 step, from sigma_max down to sigma_min > 0; got {self}")
        if not all(math.isfinite(scale) for scale in (self.guidance, self.guidance_position or 0.0)):
            raise ParameterError(f"guidance is a finite number, got {self.guidance:g} and {self.guidance_position}")


@dataclass(frozen=True)
class SpatialSonicConfig:
    """What a SpatialSonic is made of.

    Attributes:
        layout: what the channels mean: ``stereo`` as published; its number of channels is the autoencoder's, ``foa`` has four.
        sample_rate: hertz.
        longest: the longest clip it writes, seconds.
        vae: the autoencoder of waveforms.
        dit: the diffusion transformer.
        condition_width: width of the tokens that the transformer is conditioned with, and of the prompt encoder.
        prompt_encoder: a T5 encoder: name on the Hugging Face Hub of what was fetched before, or a folder; ``text_encoder`` is
            the folder of that name in the model's own.
        prompt_tokens: every prompt is brought to so many tokens; those left over are zero, but count.
        most_seconds: the longest clip that the number conditioners tell from longer ones.
        position: how sounds are placed; None for a model that reads prompts alone (BEWO_nl).
        drops: what training left out at times: all conditions ``together`` (as published), or words and directions
            ``separate``, which then have guidance scales of their own.
        sampling: how latents are drawn.
    """

    layout: str = "stereo"
    sample_rate: int = 44_100
    longest: float = 10.0
    vae: VaeConfig = field(default_factory=VaeConfig)
    dit: DitConfig = field(default_factory=DitConfig)
    condition_width: int = 768
    prompt_encoder: str = "t5-base"
    prompt_tokens: int = 128
    most_seconds: float = 512.0
    position: PositionConfig | None = field(default_factory=PositionConfig)
    drops: Drops = "together"
    sampling: SamplingSettings = field(default_factory=SamplingSettings)

    def __post_init__(self) -> None:
        try:
            ChannelLayout.parse(self.layout)
        except LayoutError as error:
            raise ParameterError(str(error)) from None
        if min(self.sample_rate, self.condition_width, self.prompt_tokens) < 1 or not self.prompt_encoder:
            raise ParameterError(f"a SpatialSonic needs sizes of at least 1 and a prompt encoder, got {self}")
        if not 0 < self.longest <= self.most_seconds < math.inf:
            raise ParameterError(f"longest is above 0 s and at most most_seconds ({self.most_seconds:g}), got {self.longest:g}")
        if self.drops not in get_args(Drops):
            raise ParameterError(unknown_name("drops", self.drops, get_args(Drops)))
        if self.drops == "separate" and self.position is None:
            raise ParameterError("without positions nothing is dropped separately; drops is 'together'")
        key_heads, left = divmod(self.condition_width, self.dit.head_width)
        if left or self.dit.heads % max(key_heads, 1):
            raise ParameterError(
                f"condition_width ({self.condition_width}) is a number of heads of {self.dit.head_width} that divides the "
                f"transformer's {self.dit.heads}"
            )
        if self.position is not None and (self.condition_width % self.position.heads or self.condition_width % 2):
            raise ParameterError(
                f"condition_width is even and a multiple of the heads of positions, got {self.condition_width}"
            )

    @property
    def channels(self) -> int:
        """Channels of the waveform."""
        return ChannelLayout.parse(self.layout).channels

    @property
    def context_tokens(self) -> int:
        """Tokens that the transformer is conditioned with: prompt, beginning, length and, where there are any, positions."""
        return self.prompt_tokens + 2 + (self.prompt_tokens if self.position is not None else 0)

    def latent_frames(self, samples: int) -> int:
        """Return how many latent frames a waveform has; what is left at its end is not written."""
        return samples // self.vae.hop
