"""HTS-AT: a Swin transformer over a spectrogram folded into a square (arXiv:2202.00874).

Ten seconds are cut into four blocks of 2.56 s that are stacked along frequency, so that a network made for square images sees
64 bands and 1024 frames as 256 by 256. Its last grid is unfolded again to 32 steps of 0.32 s.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.errors import ParameterError
from auris.models.backbones.swin import PatchMerging, SwinStage, initialise

BANDS, FRAMES, FOLDS = 64, 1024, 4
SIDE = FRAMES // FOLDS  # of the folded image; also BANDS * FOLDS
PATCH = 4
WIDTH, DEPTHS, HEADS = 96, (2, 2, 6, 2), (4, 8, 16, 32)
STRIDE = 32  # feature frames in one step of the last grid
FRAMES_PER_LABEL, LABELS = 10, 100


class Htsat(nn.Module):
    """The trunk (see :class:`auris.models.backbones.trunk.Trunk`).

    Shape:
        - ``embed``: ``(batch, channels, frames <= 1024, 64)`` -> ``(batch, 64, 64, 96)``; missing frames count as zero
        - ``finish``: ``(batch, 8, 8, 768)`` -> ``(batch, 768, 2, 32)``, frequency halves and steps of 0.32 s

    Args:
        channels: of the features.
        drop_path: probability that the last block is skipped in training; it grows linearly from zero at the first.
    """

    finish_kind: Literal["map"] = "map"
    channel_axis = -1
    label_frames = LABELS

    def __init__(self, channels: int, *, drop_path: float = 0.1) -> None:
        super().__init__()
        blocks = sum(DEPTHS)
        drops = iter([drop_path * index / (blocks - 1) for index in range(blocks)])
        self.patch_embed = PatchEmbedding(channels, WIDTH)
        self.layers = nn.ModuleList()
        for index, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
            width, last = WIDTH * 2**index, index == len(DEPTHS) - 1
            merge = None if last else PatchMerging(width)
            side = SIDE // PATCH // 2**index
            paths = [next(drops) for _ in range(depth)]
            self.layers.append(SwinStage(width, side=side, heads=heads, drop_paths=paths, merge=merge))
        self.stitch_widths = tuple(WIDTH * 2**index for index in range(len(DEPTHS)))
        self.width = self.stitch_widths[-1]
        self.norm = nn.LayerNorm(self.width)
        self.apply(initialise)

    @property
    def stages(self) -> nn.ModuleList:
        """The four resolutions."""
        return self.layers

    def embed(self, features: Tensor) -> Tensor:
        """Return a grid of tokens for normalised features.

        Raises:
            ParameterError: the features have other bands or are longer than ten seconds.
        """
        frames, bands = features.shape[2:]
        if bands != BANDS or frames > FRAMES:
            raise ParameterError(
                f"HTS-AT hears {BANDS} bands and at most {FRAMES} frames, got {bands} bands and {frames} frames; "
                "listen to longer recordings in blocks (auris.listen does)"
            )
        strip = functional.pad(features.transpose(2, 3), (0, FRAMES - frames))
        blocks = strip.reshape(*strip.shape[:3], FOLDS, SIDE)
        tokens: Tensor = self.patch_embed(blocks.transpose(2, 3).flatten(2, 3))
        return tokens

    def finish(self, x: Tensor) -> Tensor:
        """Return the last grid, unfolded in time."""
        batch, rows, columns, width = x.shape
        cells: Tensor = self.norm(x).reshape(batch, FOLDS, rows // FOLDS, columns, width)  # block, frequency, step in the block
        return cells.permute(0, 4, 2, 1, 3).flatten(3)

    def readout(self, outputs: int) -> nn.Module:
        """Return the convolution over time and both frequency halves, resampled to label frames."""
        return MapReadout(self.width, outputs)


class PatchEmbedding(nn.Module):
    """One token for each patch of the image: ``(batch, channels, 256, 256)`` -> ``(batch, 64, 64, width)``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, PATCH, PATCH)
        self.norm = nn.LayerNorm(width)

    def forward(self, image: Tensor) -> Tensor:
        """Return the grid of tokens."""
        tokens: Tensor = self.norm(self.proj(image).permute(0, 2, 3, 1))
        return tokens


class MapReadout(nn.Conv2d):
    """From the unfolded grid to outputs ten times a second.

    The published network upsamples 32-fold in time (linear, half-pixel centres), keeps 1000 frames and averages groups of
    ten. All of that is linear and the same for all outputs: one matrix of 100 by 32.

    Shape:
        - Input: ``(batch, width, 2, 32)``
        - Output: ``(batch, 100, outputs)``
    """

    resampling: Tensor

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__(width, outputs, (2, 3), padding=(0, 1))
        self.register_buffer("resampling", _label_resampling(), persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden method
        """Return the outputs of each label frame."""
        steps = super().forward(input).squeeze(2)
        return self.resampling @ steps.transpose(1, 2)


def _label_resampling() -> Tensor:
    """Weights of the grid's 32 steps in each label frame, ``(100, 32)``; each row sums to one."""
    steps = torch.eye(FRAMES // STRIDE, dtype=torch.float64)[:, None]
    frames = functional.interpolate(steps, scale_factor=STRIDE, mode="linear", align_corners=False)[:, 0]
    labels = frames[:, : LABELS * FRAMES_PER_LABEL].reshape(-1, LABELS, FRAMES_PER_LABEL).mean(dim=2)
    return labels.T.float()
