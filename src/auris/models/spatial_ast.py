"""Spatial-AST: what sounds in a binaural clip, how far away and in which direction (BAT, arXiv:2402.01591).

Levels of both ears and their phase difference are mixed into one map, cut into patches and read by a vision transformer whose
three class tokens answer for distance, direction and classes. Names of weights are the published ones; the published tables of
the Fourier transform and of the mel bands are not among them, since they follow from the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from auris.dsp.features.interaural import InterauralPhase
from auris.geometry.frames import BAT_AZIMUTH_CLASSES, BAT_DISTANCE_CLASSES, BAT_ELEVATION_CLASSES
from auris.models.clip_outputs import ClipOutputs
from auris.models.clip_transformer import ClipTransformer, ClipTransformerConfig, TrainingMasks, class_tokens, quiet_head

__all__ = ["SpatialAst", "SpatialAstConfig", "TrainingMasks"]


@dataclass(frozen=True)
class SpatialAstConfig(ClipTransformerConfig):
    """All of :class:`~auris.models.clip_transformer.ClipTransformerConfig`, and nothing else."""


class SpatialAst(ClipTransformer):
    """The network of BAT's ears.

    Shape:
        - Input: waveform ``(batch, 2, samples)`` at ``config.sample_rate``, left then right
        - Output: :class:`~auris.models.clip_outputs.ClipOutputs` of logits

    >>> import torch
    >>> model = SpatialAst(SpatialAstConfig(labels=("dog", "speech"), width=48, depth=1, heads=2))
    >>> model(torch.zeros(1, 2, 320_000)).azimuth.shape
    torch.Size([1, 360])
    """

    architecture = "spatial_ast"
    config_class = SpatialAstConfig
    front_end_class = InterauralPhase
    config: SpatialAstConfig

    def __init__(self, config: SpatialAstConfig) -> None:
        super().__init__(config)
        width = config.width
        self.conv_downsample = self._mixing()
        self.cls_tokens = class_tokens(width)
        self.dis_norm, self.doa_norm, self.fc_norm = (nn.LayerNorm(width, eps=1e-6) for _ in range(3))
        self.distance_head = quiet_head(width, BAT_DISTANCE_CLASSES)
        self.azimuth_head = quiet_head(width, BAT_AZIMUTH_CLASSES)
        self.elevation_head = quiet_head(width, BAT_ELEVATION_CLASSES)
        self.head = quiet_head(width, len(config.labels))
        nn.init.zeros_(self.head.bias)

    def tokens(self, features: Tensor, masks: TrainingMasks | None = None) -> Tensor:
        """Return ``(batch, 3 + patches, width)``: distance, direction, classes, then the patches, none of them normalised."""
        return self._through_blocks(features, [(self.conv_downsample, self.cls_tokens)], masks)

    def from_features(self, features: Tensor, masks: TrainingMasks | None = None) -> ClipOutputs:
        """Return the logits of the heads, each from its class token."""
        distance, direction, events = self.tokens(features, masks)[:, :3].unbind(dim=1)
        direction = self.doa_norm(direction)
        return ClipOutputs(
            events=self.head(self.fc_norm(events)),
            distance=self.distance_head(self.dis_norm(distance)),
            azimuth=self.azimuth_head(direction),
            elevation=self.elevation_head(direction),
        )
