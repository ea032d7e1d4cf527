"""Test-time averaging over rotations of first-order ambisonics (audio channel swapping, arXiv:2101.02919).

The sound field is turned and mirrored in 16 ways that only swap channels and change signs, the network hears each, and its
vectors are turned back and averaged.
"""

from __future__ import annotations

import itertools
from typing import Literal

import torch
from torch import Tensor, nn

from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError, unknown_name
from auris.models.listening import FrameListener

TestTimeAveraging = Literal["none", "acs"]

_DIPOLES = (3, 1, 2)  # ACN channels of the dipoles along x, y and z
# New axis i is sign[i] times old axis order[i]; z stays on its axis.
_SWAPS = tuple((order, signs) for order in ((0, 1, 2), (1, 0, 2)) for signs in itertools.product((1.0, -1.0), repeat=3))


class RotationAveraged(nn.Module):
    """A listener that hears every block in 16 rotations and mirror images and says the mean.

    Tracks of ACCDOA and multi-ACCDOA are averaged one by one, as published. Tracks of EINV2 and SEDDOA hold any class in any
    order, which may change with the rotation; they are first brought, in each frame, into the order of the unrotated ones.

    Args:
        model: a listener to first-order ambisonics.

    Raises:
        LayoutError: it listens to something else, whose channels do not turn this way.
    """

    def __init__(self, model: FrameListener) -> None:
        if model.layout.kind != "ambisonics" or model.layout.order != 1:
            raise LayoutError(
                f"rotations are averaged for first-order ambisonics (foa) only, but this listener hears {model.layout.name}; "
                "turn the averaging off"
            )
        super().__init__()
        self.model = model
        self.labels, self.sample_rate = model.labels, model.sample_rate
        self.frame_seconds, self.detection = model.frame_seconds, model.detection
        self.layout: ChannelLayout = model.layout
        self.block_seconds: float | None = getattr(model, "block_seconds", None)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return the mean of the outputs, ``(batch, frames, tracks, classes, 4)``."""
        first = total = self.model(waveform)
        for order, signs in _SWAPS[1:]:
            outputs = _turned_back(self.model(_turned(waveform, order, signs)), order, signs)
            total = total + (_in_order_of(first, outputs) if _tracks_are_interchangeable(self.model) else outputs)
        return total / len(_SWAPS)


def averaged_over_rotations(model: FrameListener, averaging: TestTimeAveraging) -> FrameListener:
    """Return a listener that averages as said: over audio channel swaps (``acs``), or not at all (``none``).

    Raises:
        LayoutError: as :class:`RotationAveraged`.
        ParameterError: the averaging is unknown.
    """
    if averaging not in ("none", "acs"):
        raise ParameterError(unknown_name("test-time averaging", averaging, ("none", "acs")))
    return model if averaging == "none" else RotationAveraged(model)


def _turned(waveform: Tensor, order: tuple[int, ...], signs: tuple[float, ...]) -> Tensor:
    turned = waveform.clone()
    for axis in range(3):
        turned[:, _DIPOLES[axis]] = signs[axis] * waveform[:, _DIPOLES[order[axis]]]
    return turned


def _turned_back(outputs: Tensor, order: tuple[int, ...], signs: tuple[float, ...]) -> Tensor:
    back = outputs.clone()
    for axis in range(3):
        back[..., order[axis]] = signs[axis] * outputs[..., axis]
    return back


def _tracks_are_interchangeable(model: FrameListener) -> bool:
    return getattr(getattr(model, "config", None), "output", None) in ("einv2", "seddoa")


def _in_order_of(wanted: Tensor, outputs: Tensor) -> Tensor:
    """Order the tracks of ``(B, T, K, C, 4)`` so that they fit other outputs best."""
    tracks = outputs.shape[2]
    alike = torch.einsum("btkcx,btjcx->btkj", wanted[..., :3], outputs[..., :3])
    orders = torch.tensor(list(itertools.permutations(range(tracks))), device=outputs.device)
    sums = alike[..., torch.arange(tracks, device=outputs.device), orders].sum(dim=-1)
    best = orders[sums.argmax(dim=-1)]
    return outputs.gather(2, best[..., None, None].expand_as(outputs))
