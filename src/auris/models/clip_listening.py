"""Listening with models that say one thing of a whole clip: what sounds in it, and one place (Spatial-AST, DSpAST).

A clip model becomes a listener like any other by hearing windows that overlap. Every moment gets what the windows say that
cover it, joined by agreement (:mod:`auris.models.blocks`): the harmonic mean of their activities, so that one window that is
sure to hear nothing outvotes the others, which heard what sounds elsewhere in them; places are means by activity. What is heard
is thereby resolved in time to about the hop between windows, a quarter of a clip if nothing else is asked for, not to the
length of a clip. All classes heard in one window stand in the one place that was heard in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from auris.channels import ChannelLayout
from auris.errors import ParameterError
from auris.geometry import unit_vector
from auris.models.clip_outputs import ClipOutputs, decoded, places
from auris.models.listening import Listener

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from auris.models.listening import FrameListener

FRAME_SECONDS = 0.25
HOPS_PER_CLIP = 4


class ClipModel(Listener, Protocol):
    """What a model that hears clips must offer: :class:`auris.models.spatial_ast.SpatialAst` is one."""

    @property
    def clip_seconds(self) -> float:
        """Longest clip it hears; a shorter one is continued with silence."""

    def __call__(self, waveform: Tensor, /) -> ClipOutputs:
        """Return classes and place of each clip ``(batch, channels, samples)``."""


class WindowedListener(nn.Module):
    """A clip model as a :class:`auris.models.listening.FrameListener`.

    Of a window it says the same in every frame: each class with its probability, all in the direction and at the distance of
    the likeliest classes of place. Windows that a recording does not fill are continued with silence, and so is a recording:
    by half a clip before its beginning and after its end, so that several windows cover its first and last moments too. With
    a hop of a whole clip there is nothing to join: clips follow each other from the beginning, the last one is continued
    with silence, as the published models hear.

    Args:
        model: a clip model; it is used as it stands.

    Raises:
        ParameterError: its clips hold no whole label frame, or its sample rate cannot be divided into label frames.

    Shape:
        - Input: waveform ``(batch, channels, samples)``, up to ``block_seconds``
        - Output: ``(batch, label frames, 1, classes, 4)``; a started frame counts
    """

    says_distance = True

    def __init__(self, model: ClipModel) -> None:
        frames = int(model.clip_seconds / FRAME_SECONDS + 1e-6)
        samples = FRAME_SECONDS * model.sample_rate
        if frames < 1 or samples != int(samples):
            raise ParameterError(
                f"a clip model that listens needs clips of at least {FRAME_SECONDS:g} s and a sample rate that is a multiple "
                f"of {1 / FRAME_SECONDS:g} Hz, got {model.clip_seconds:g} s and {model.sample_rate} Hz"
            )
        super().__init__()
        self.model = model
        self.name: str = getattr(model, "name", type(model).__name__)
        self.labels, self.sample_rate, self.detection = model.labels, model.sample_rate, model.detection
        self.layout: ChannelLayout = model.layout
        self.frame_seconds = FRAME_SECONDS
        self.block_seconds = frames * FRAME_SECONDS
        self.hop_seconds = max(frames // HOPS_PER_CLIP, 1) * FRAME_SECONDS
        self._frame_samples = int(samples)

    @property
    def config(self) -> Any:
        """The configuration of the clip model."""
        return getattr(self.model, "config", None)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return the same for every frame of the window: vectors whose length is the probability of a class, distances."""
        outputs = self.model(waveform)
        azimuth, elevation, distance = places(decoded(outputs))
        activity = outputs.events.float().sigmoid()[..., None]
        direction = torch.from_numpy(unit_vector(azimuth, elevation)).to(activity)
        far = torch.from_numpy(distance).to(activity)[:, None, None].expand_as(activity)
        said = torch.cat([activity * direction[:, None], far], dim=-1)
        frames = -(-waveform.shape[-1] // self._frame_samples)
        return said[:, None, None].expand(-1, frames, -1, -1, -1)


def in_windows(model: FrameListener | ClipModel) -> FrameListener:
    """Return a model as a listener: a clip model in windows, any other as it is.

    Raises:
        ParameterError: the model answers questions, and tells no events by itself.
    """
    if not hasattr(model, "labels"):
        name = getattr(model, "name", type(model).__name__)
        raise ParameterError(f"{name} answers questions about what it hears and lists no events; ask it with auris ask")
    return WindowedListener(model) if _hears_clips(model) else model


def _hears_clips(model: FrameListener | ClipModel) -> TypeIs[ClipModel]:
    return hasattr(model, "clip_seconds") and not hasattr(model, "frame_seconds")
