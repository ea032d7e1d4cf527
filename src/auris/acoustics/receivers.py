"""What stands at the listener's place: ambisonics, microphones in free air, or a head or array with measured responses.

Each kind is rendered natively from the same images. Decoding one ambisonic response to ears or capsules instead would be
useless above about 3 kHz, since third order describes a sphere of 4 cm radius only up to there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auris.channels import MAX_ORDER, ChannelLayout
from auris.errors import LayoutError, ParameterError

if TYPE_CHECKING:
    from auris.dsp.hrtf import DirectionalResponses

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AmbisonicReceiver:
    """Ideal ambisonics, ACN/SN3D, of one order from 1 to 7."""

    order: int

    def __post_init__(self) -> None:
        if not (isinstance(self.order, int) and 1 <= self.order <= MAX_ORDER):
            raise LayoutError(f"ambisonic order must be a whole number from 1 to {MAX_ORDER}, got {self.order!r}")

    @property
    def channels(self) -> int:
        """Number of channels."""
        return (self.order + 1) ** 2


@dataclass(frozen=True, eq=False)
class OpenArrayReceiver:
    """Omnidirectional microphones in free air.

    Attributes:
        positions: ``(M, 3)`` metres from the listener's centre, in the listener's frame. Waves are spherical: each
            microphone has its own distance to every image.
    """

    positions: Floats

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=float)
        if positions.ndim != 2 or positions.shape[1] != 3 or not len(positions) or not np.all(np.isfinite(positions)):
            raise ParameterError(f"microphone positions must be finite, of shape (M, 3); got shape {positions.shape}")
        positions.setflags(write=False)
        object.__setattr__(self, "positions", positions)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.positions)


@dataclass(frozen=True, eq=False)
class DirectionalReceiver:
    """Ears on a head, or capsules on a rigid sphere: one impulse response per direction. Waves are plane."""

    responses: DirectionalResponses

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.responses.filters.shape[1])


Receiver = AmbisonicReceiver | OpenArrayReceiver | DirectionalReceiver


def receiver_for(layout: ChannelLayout, sample_rate: int, *, hrtf: DirectionalResponses | None = None) -> Receiver:
    """Return the receiver whose channels are those of ``layout``.

    Args:
        layout: any layout.
        sample_rate: hertz.
        hrtf: the head of a binaural layout; None takes the built-in structural head.

    Raises:
        LayoutError: an ``hrtf`` is given for another layout than binaural, or has not two ears.
    """
    if hrtf is None:
        return _built_in(layout, sample_rate)
    if layout.kind != "binaural":
        raise LayoutError(f"an HRTF set belongs to the binaural layout, not to {layout.name}; leave hrtf out")
    if hrtf.filters.shape[1] != 2:
        raise LayoutError(f"an HRTF set has two ears; {hrtf.name!r} has {hrtf.filters.shape[1]} channels")
    return _measured_head(hrtf, sample_rate)


@lru_cache(maxsize=8)
def _measured_head(hrtf: DirectionalResponses, sample_rate: int) -> DirectionalReceiver:
    return DirectionalReceiver(hrtf if hrtf.sample_rate == sample_rate else hrtf.resampled(sample_rate))


@lru_cache(maxsize=32)
def _built_in(layout: ChannelLayout, sample_rate: int) -> Receiver:
    """Receivers without measured data; kept, so that their tables are made once."""
    if layout.order is not None:
        return AmbisonicReceiver(layout.order)
    if layout.kind == "binaural":
        from auris.dsp.hrtf import structural_head

        return DirectionalReceiver(structural_head(sample_rate))
    if layout.positions is None:
        return OpenArrayReceiver(np.zeros((1, 3)))
    if layout.sphere_radius is not None:
        from auris.dsp.hrtf import rigid_sphere

        return DirectionalReceiver(rigid_sphere(np.asarray(layout.positions), sample_rate))
    return OpenArrayReceiver(np.asarray(layout.positions))
