"""Convolutional trunks: the CNN14 of PANNs with fewer poolings in time, and its small sister of four blocks.

A block is twice (3 x 3 convolution, batch norm, ReLU), then an average over a patch of time and frequency. Upstream's CNN14
drops units (0.2) after each block; these do not, as in PSELDNets.

Sources: PANNs (arXiv:1912.10211), PSELDNets (arXiv:2411.06399). Parameter names are theirs.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.errors import ParameterError

FRAMES_PER_LABEL = 10
_WIDEST_CHANNELS_LAST = 512


class ConvolutionalTrunk(nn.Module):
    """Features to one vector per step (:class:`~auris.models.backbones.trunk.Trunk`), for clips of any length.

    A clip has ``frames // 10`` label frames (at least one). Where whole steps would not cover the last of them, the normalised
    features are continued with zeros, which is their mean; ten seconds need none.

    Shape:
        - ``embed``: ``(batch, channels, frames, bands)`` to the same, perhaps with a few more frames
        - ``finish``: maps ``(batch, width, steps, bands)`` to ``(batch, steps, width)``

    Args:
        channels: of the features.
        widths: channels of each block.
        pools: (frames, bands) that each block averages into one. A step, the product of the frames, is at most 10 frames.

    Raises:
        ParameterError: widths and pools do not suit each other, or (in ``embed``) there are too few bands to pool.
    """

    channel_axis = 1
    finish_kind: Literal["sequence", "map"] = "sequence"
    label_frames = None

    def __init__(self, channels: int, *, widths: tuple[int, ...], pools: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        if not widths or len(widths) != len(pools) or min(widths) < 1 or min(min(pool) for pool in pools) < 1:
            raise ParameterError(f"every block needs a width and a pool of at least 1, got widths {widths} and pools {pools}")
        self.widths = tuple(widths)
        self.frames_per_step = math.prod(frames for frames, _ in pools)
        self.bands_per_step = math.prod(bands for _, bands in pools)
        if self.frames_per_step > FRAMES_PER_LABEL:
            raise ParameterError(
                f"a step may hold at most the {FRAMES_PER_LABEL} frames of a label; {pools} make it {self.frames_per_step}"
            )
        for number, (width, pool) in enumerate(zip(widths, pools, strict=True)):
            inputs = widths[number - 1] if number else channels
            self.add_module(f"conv_block{number + 1}", ConvolutionalBlock(inputs, width, pool))

    @property
    def width(self) -> int:
        """Channels of the sequence."""
        return self.widths[-1]

    @property
    def stages(self) -> nn.ModuleList:
        """The blocks."""
        return nn.ModuleList(self.children())

    @property
    def stitch_widths(self) -> tuple[int | None, ...]:
        """EINV2 stitches between the blocks."""
        return (None, *self.widths[:-1])

    def embed(self, features: Tensor) -> Tensor:
        """Continue the features until the last label frame is whole."""
        frames, bands = features.shape[-2:]
        if bands < self.bands_per_step:
            raise ParameterError(f"this trunk averages {self.bands_per_step} bands into one, got only {bands}")
        labels = max(1, frames // FRAMES_PER_LABEL)
        steps = (labels * FRAMES_PER_LABEL + self.frames_per_step - 1) // self.frames_per_step  # ONNX divides towards zero
        missing = max(0, steps * self.frames_per_step - frames)
        return functional.pad(features, (0, 0, 0, missing))

    def finish(self, x: Tensor) -> Tensor:
        """Average over frequency."""
        return x.mean(dim=3).transpose(1, 2)

    def readout(self, outputs: int) -> StepReadout:
        """Return the layer that brings steps to label frames and these to the outputs."""
        return StepReadout(self.width, outputs, frames_per_step=self.frames_per_step)


class Cnn14(ConvolutionalTrunk):
    """Six blocks, 8 frames in a step: the trunk of CNN14-Conformer (its configuration calls it CNN12)."""

    def __init__(self, channels: int) -> None:
        pools = ((2, 2), (2, 2), (2, 2), (1, 2), (1, 2), (1, 2))
        super().__init__(channels, widths=(64, 128, 256, 512, 1024, 2048), pools=pools)


class Cnn8(ConvolutionalTrunk):
    """Four blocks of half the width, 8 frames in a step."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, widths=(32, 64, 128, 256), pools=((2, 2), (2, 2), (2, 2), (1, 2)))


class ConvolutionalBlock(nn.Module):
    """Twice convolution, batch norm and ReLU; then averages.

    Shape:
        - Input: ``(batch, inputs, frames, bands)``
        - Output: ``(batch, width, frames // pool[0], bands // pool[1])``
    """

    def __init__(self, inputs: int, width: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.pool = pool
        # Channels last is faster on processors as long as the maps outweigh the weights, which stay in the default layout.
        self.layout = torch.channels_last if width <= _WIDEST_CHANNELS_LAST else torch.contiguous_format
        self.conv1 = nn.Conv2d(inputs, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.bn2 = nn.BatchNorm2d(width)
        nn.init.xavier_uniform_(self.conv1.weight)
        nn.init.xavier_uniform_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the averaged maps."""
        x = x.contiguous(memory_format=self.layout)
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        x = functional.relu(self.bn2(self.conv2(x)), inplace=True)
        return functional.avg_pool2d(x, self.pool)


class StepReadout(nn.Linear):
    """Steps of a few frames to label frames of ten: each label frame is the mean of its ten frames, then a linear layer.

    Shape:
        - Input: ``(batch, steps, width)``
        - Output: ``(batch, steps * frames_per_step // 10, outputs)``
    """

    def __init__(self, width: int, outputs: int, *, frames_per_step: int) -> None:
        super().__init__(width, outputs)
        self.frames_per_step = frames_per_step

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of each label frame."""
        frames = x.repeat_interleave(self.frames_per_step, dim=1)
        labels = frames.shape[1] // FRAMES_PER_LABEL
        means = frames[:, : labels * FRAMES_PER_LABEL].reshape(len(x), labels, FRAMES_PER_LABEL, -1).mean(dim=2)
        return super().forward(means)
