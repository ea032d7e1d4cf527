"""What every trunk offers, so that output formats are written once over all of them."""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor, nn


class Trunk(Protocol):
    """From features to a sequence, in stages between which two trunks may exchange what they know.

    A trunk is an ``nn.Module`` that is used as ``finish(stages(embed(features)))``:

    * ``embed`` takes features ``(batch, channels, frames, bands)`` that are already normalised;
    * the stages are applied one after the other;
    * ``finish`` returns a sequence ``(batch, steps, width)``, or a map ``(batch, width, bands, steps)`` when
      ``finish_kind`` is ``"map"``; decoders can stand only behind a sequence;
    * ``readout(outputs)`` makes the layer from there to ``(batch, label frames, outputs)``: it knows how many steps are one
      label frame.

    Attributes:
        stages: applied in order.
        stitch_widths: for each stage the channels of what enters it where EINV2 puts a cross-stitch in front, else None.
        channel_axis: axis of the channels in what passes between stages: -1 for tokens, 1 for maps.
        width: channels of what ``finish`` returns.
        finish_kind: what ``finish`` returns.
        label_frames: label frames of the clips it is made for, shorter ones are continued with silence; None: any length.
    """

    @property
    def stages(self) -> nn.ModuleList: ...  # noqa: D102

    @property
    def stitch_widths(self) -> tuple[int | None, ...]: ...  # noqa: D102

    @property
    def channel_axis(self) -> int: ...  # noqa: D102

    @property
    def width(self) -> int: ...  # noqa: D102

    @property
    def finish_kind(self) -> Literal["sequence", "map"]: ...  # noqa: D102

    @property
    def label_frames(self) -> int | None: ...  # noqa: D102

    def embed(self, features: Tensor) -> Tensor: ...  # noqa: D102

    def finish(self, x: Tensor) -> Tensor: ...  # noqa: D102

    def readout(self, outputs: int) -> nn.Module: ...  # noqa: D102
