"""DSpAST: Spatial-AST with one branch per question, so that what tells the place does not disturb what tells the class.

Three branches, for distance, direction and classes (arXiv:2509.13927): each weighs six maps of the two ears, mixes them into
one and reads it with class tokens of its own; all share the vision transformer, which hears them as one batch. Places are
classified by angles (:mod:`auris.models.adacos`).

Names of weights are the published ones. Left out are what follows from the configuration (tables of the Fourier transform and
of the mel bands, the constant ``pi`` of the heads) and ``bn2``, which is never used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.dsp.features.interaural import InterauralCues
from auris.geometry.frames import BAT_AZIMUTH_CLASSES, BAT_DISTANCE_CLASSES, BAT_ELEVATION_CLASSES
from auris.models.adacos import AdaCosHead
from auris.models.clip_outputs import ClipOutputs, SpatialClasses
from auris.models.clip_transformer import (
    CLASS_TOKENS,
    ClipTransformer,
    ClipTransformerConfig,
    TrainingMasks,
    class_tokens,
    quiet_head,
)

_LEVEL_RATIO = slice(3, 4)  # the map of it


@dataclass(frozen=True)
class DspastConfig(ClipTransformerConfig):
    """All of :class:`~auris.models.clip_transformer.ClipTransformerConfig`, and more.

    Attributes:
        branch_width: of the tokens of one branch behind the transformer.
    """

    branch_width: int = 256


class Dspast(ClipTransformer):
    """The disentangled network.

    Shape:
        - Input: waveform ``(batch, 2, samples)`` at ``config.sample_rate``, left then right
        - Output: :class:`~auris.models.clip_outputs.ClipOutputs`: logits of classes, cosines of places

    >>> model = Dspast(DspastConfig(labels=("dog", "speech"), width=48, depth=1, heads=2, branch_width=16))
    >>> model(torch.zeros(1, 2, 320_000)).azimuth.shape
    torch.Size([1, 360])
    """

    architecture = "dspast"
    config_class = DspastConfig
    front_end_class = InterauralCues
    config: DspastConfig

    def __init__(self, config: DspastConfig) -> None:
        super().__init__(config)
        maps, width, narrow = self.front_end.channels, config.width, config.branch_width
        if config.maps == "published":
            self.bn_ild = nn.BatchNorm2d(1, affine=False)
        # Branch 1 answers for distance, 2 for direction, 3 for classes.
        self.conv_downsample1, self.conv_downsample2, self.conv_downsample3 = (
            self._mixing([MapAttention(maps)]) for _ in range(3)
        )
        self.cls_tokens1, self.cls_tokens2, self.cls_tokens3 = (class_tokens(width) for _ in range(3))
        self.pre_head1, self.pre_head2, self.pre_head3 = (nn.Linear(width, narrow) for _ in range(3))
        self.distance_head = AdaCosHead(narrow, BAT_DISTANCE_CLASSES)
        self.azimuth_head = AdaCosHead(narrow, BAT_AZIMUTH_CLASSES)
        self.elevation_head = AdaCosHead(narrow, BAT_ELEVATION_CLASSES)
        self.fc_norm = nn.LayerNorm(narrow, eps=1e-6)
        self.head = quiet_head(narrow, len(config.labels))
        nn.init.zeros_(self.head.bias)

    @property
    def token_width(self) -> int:
        """Numbers in each of :meth:`tokens`."""
        return 3 * self.config.branch_width

    def _normalised(self, maps: Tensor) -> Tensor:
        maps = super()._normalised(maps)
        if self.config.maps == "scaled":
            return maps
        before, ratio, after = maps[:, : _LEVEL_RATIO.start], maps[:, _LEVEL_RATIO], maps[:, _LEVEL_RATIO.stop :]
        return torch.cat([before, self.bn_ild(ratio), after], dim=1)

    def tokens(self, features: Tensor, masks: TrainingMasks | None = None) -> Tensor:
        """Return ``(batch, 3 + patches, 3 * branch_width)``: behind each other distance, direction, classes.

        Masks are drawn for each branch anew, so that in training patches of different places stand beside each other.
        """
        branches = [
            (self.conv_downsample1, self.cls_tokens1),
            (self.conv_downsample2, self.cls_tokens2),
            (self.conv_downsample3, self.cls_tokens3),
        ]
        parts = self._through_blocks(features, branches, masks).chunk(3)
        heads = (self.pre_head1, self.pre_head2, self.pre_head3)
        return torch.cat([head(part) for head, part in zip(heads, parts, strict=True)], dim=-1)

    def from_features(self, features: Tensor, masks: TrainingMasks | None = None) -> ClipOutputs:
        """Return logits of classes and cosines of places, each from the mean of a branch's three class tokens."""
        distance, direction, events = self.tokens(features, masks)[:, :CLASS_TOKENS].mean(dim=1).chunk(3, dim=-1)
        return ClipOutputs(
            events=self.head(self.fc_norm(events)),
            distance=self.distance_head(distance),
            azimuth=self.azimuth_head(direction),
            elevation=self.elevation_head(direction),
        )

    def logits(self, outputs: ClipOutputs) -> ClipOutputs:
        """Return outputs whose softmax are probabilities of places: the cosines times their scales."""
        events, distance, azimuth, elevation = outputs
        return ClipOutputs(
            events,
            self.distance_head.logits(distance),
            self.azimuth_head.logits(azimuth),
            self.elevation_head.logits(elevation),
        )

    def update_scales(self, outputs: ClipOutputs, targets: SpatialClasses) -> None:
        """Set the scales of the cosines for a batch, alike in all processes of a run; call it before the loss."""
        self.distance_head.update(outputs.distance, torch.as_tensor(targets.distance))
        self.azimuth_head.update(outputs.azimuth, torch.as_tensor(targets.azimuth))
        self.elevation_head.update(outputs.elevation, torch.as_tensor(targets.elevation))


class MapAttention(nn.Module):
    """One gain for each map, from the means of all of them."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.bn = _AnyBatchNorm(maps, affine=False)
        self.fc = nn.Sequential(nn.Linear(maps, maps), nn.ReLU(), nn.Linear(maps, maps))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps ``(batch, maps, frames, bands)``, weighed."""
        gains: Tensor = self.fc(self.bn(maps.mean(dim=(2, 3)))).sigmoid()
        return maps * gains[:, :, None, None]


class _AnyBatchNorm(nn.BatchNorm1d):
    """Batch normalisation that takes a single item, too, which has no variance: with the running statistics."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden method
        if len(input) > 1:
            return super().forward(input)
        return functional.batch_norm(input, self.running_mean, self.running_var, eps=self.eps)
