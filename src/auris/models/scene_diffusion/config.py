"""What makes the generator of scenes: its classes, its codec, its network, and how it is sampled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from auris.errors import ParameterError
from auris.models.scene_diffusion.codec import CodecConfig


@dataclass(frozen=True)
class SceneDiffusionConfig:
    """Everything that makes :class:`auris.models.scene_diffusion.generator.SceneGenerator`.

    Attributes:
        labels: classes of sound it writes.
        layout: what its channels mean: a pair of omnidirectional microphones.
        codec: of sound into tokens and back.
        width: of the transformer.
        depth: blocks.
        heads: of the attention; ``width`` is a multiple of twice as many.
        window: tokens that the network sees at once; longer sounds are written in overlapping windows.
        dropout: share of units dropped in training.
        steps: of the sampler.
        guidance: how strongly what is heard follows the class.
        guidance_position: how strongly where it is heard follows the place.
        longest: seconds of the longest clip.
    """

    labels: tuple[str, ...]
    layout: Literal["stereo"] = "stereo"
    codec: CodecConfig = field(default_factory=CodecConfig)
    width: int = 192
    depth: int = 6
    heads: int = 4
    window: int = 28
    dropout: float = 0.0
    steps: int = 25
    guidance: float = 3.0
    guidance_position: float = 1.5
    longest: float = 30.0

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ParameterError(f"a generator needs classes, each once; got {list(self.labels)}")
        for name in ("width", "depth", "heads", "window", "steps"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.width % (2 * self.heads):
            raise ParameterError(f"width must be a multiple of twice the heads, got {self.width} and {self.heads}")
        if self.window % 2:
            raise ParameterError(f"window must be even, as windows overlap by half; got {self.window}")
        if not 0 <= self.dropout < 1:
            raise ParameterError(f"dropout is a share from 0 to below 1, got {self.dropout}")
        if not self.longest > 0:
            raise ParameterError(f"longest must be more than 0 s, got {self.longest}")
