"""Room impulse responses measured (or simulated elsewhere) at known places, as SOFA files hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auris.channels import ChannelLayout
from auris.errors import ParameterError
from auris.geometry.directions import Floats


@dataclass(frozen=True, eq=False)
class MeasuredResponses:
    """Impulse responses of one room, one per pair of source and listener.

    Attributes:
        sources: ``(R, 3)`` positions of the source in the room's frame, metres.
        listeners: ``(R, 3)`` positions of the listener.
        rotations: ``(R, 3, 3)`` orientation of the listener, matrices from its frame to the room's.
        responses: float32 ``(R, M, N)``.
        sample_rate: samples per second.
        layout: what the M channels mean.
        name: where the responses come from.

    Raises:
        ParameterError: shapes do not fit, or values are not finite.
    """

    sources: Floats
    listeners: Floats
    rotations: Floats
    responses: NDArray[np.float32]
    sample_rate: int
    layout: ChannelLayout
    name: str

    def __post_init__(self) -> None:
        responses = np.asarray(self.responses)
        count = len(responses)
        shapes = {"sources": (count, 3), "listeners": (count, 3), "rotations": (count, 3, 3)}
        if responses.ndim != 3 or not responses.size or responses.dtype.kind != "f":
            raise ParameterError(f"measured responses must be real numbers of shape (R, M, N), got {responses.shape}")
        if responses.shape[1] != self.layout.channels:
            raise ParameterError(
                f"layout {self.layout.name} has {self.layout.channels} channels, the responses {responses.shape[1]}"
            )
        if int(self.sample_rate) != self.sample_rate or self.sample_rate <= 0:
            raise ParameterError(f"sample rate must be a whole number of hertz, got {self.sample_rate!r}")
        object.__setattr__(self, "sample_rate", int(self.sample_rate))
        self._keep("responses", np.ascontiguousarray(responses, dtype=np.float32))
        for name, shape in shapes.items():
            values = np.asarray(getattr(self, name), dtype=float)
            if values.shape != shape:
                raise ParameterError(f"{name} of {count} responses must have shape {shape}, got {values.shape}")
            self._keep(name, values)

    def _keep(self, name: str, values: NDArray[np.floating]) -> None:
        if not np.all(np.isfinite(values)):
            raise ParameterError(f"{name} must be finite numbers")
        view = values.view()
        view.flags.writeable = False
        object.__setattr__(self, name, view)

    @property
    def positions(self) -> Floats:
        """Positions ``(R, 3)`` of the sources in the listener's own frame, metres."""
        return np.asarray(np.einsum("rji,rj->ri", self.rotations, self.sources - self.listeners))

    def __len__(self) -> int:
        return len(self.responses)
