"""Cross-stitch units: two networks exchange, channel by channel, what they know (arXiv:1604.03539)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auris.models.pseldnet.config import StitchOrder


class CrossStitch(nn.Module):
    """Mix two streams with a learned 2 by 2 matrix for each channel.

    The paper mixes both at once (``symmetric``). The published EINV2 networks mix the second stream with what the first has
    already become (``sequential``), and their weights need that.

    Args:
        width: channels.
        channel_axis: where the channels are: -1 or 1.
        order: as above.
    """

    def __init__(self, width: int, *, channel_axis: int = -1, order: StitchOrder = "sequential") -> None:
        super().__init__()
        self.channel_axis, self.order = channel_axis, order
        self.weight = nn.Parameter(torch.empty(width, 2, 2).uniform_(0.1, 0.9))

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return both streams, mixed; the inputs are left as they are."""
        weight = self.weight.flatten(1).T
        if self.channel_axis == 1:
            weight = weight.reshape(4, -1, *[1] * (first.ndim - 2))
        mixed = weight[0] * first + weight[1] * second
        other = mixed if self.order == "sequential" else first
        return mixed, weight[2] * other + weight[3] * second
