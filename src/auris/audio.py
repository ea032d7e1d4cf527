"""Audio: samples that know their rate and the meaning of their channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.channels import ChannelLayout, Kind, require_layout
from auris.errors import LayoutError, ParameterError

MIN_RATE, MAX_RATE = 1_000, 384_000


@dataclass(frozen=True, eq=False)
class Audio:
    """A recording or a rendering.

    Attributes:
        samples: float32 array ``(channels, samples)``; read-only.
        sample_rate: samples per second, a whole number.
        layout: what each channel means.

    Raises:
        LayoutError: the number of channels does not fit the layout.
        ParameterError: samples are not finite numbers, or the rate is impossible.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    layout: ChannelLayout

    def __init__(self, samples: ArrayLike, sample_rate: float, layout: ChannelLayout | str) -> None:
        array = np.asarray(samples)
        if array.dtype != np.float32:
            if array.dtype.kind not in "fiu":
                raise ParameterError(f"samples must be real numbers, got dtype {array.dtype}")
            array = array.astype(np.float32)
        array = array[None] if array.ndim == 1 else array
        if array.ndim != 2:
            raise ParameterError(f"samples must have shape (channels, samples), got {array.shape}")
        number = isinstance(sample_rate, int | float | np.integer | np.floating)
        if not number or not MIN_RATE <= sample_rate <= MAX_RATE or int(sample_rate) != sample_rate:
            raise ParameterError(f"sample rate must be a whole number of {MIN_RATE} to {MAX_RATE} Hz, got {sample_rate!r}")
        parsed = ChannelLayout.parse(layout)
        if array.shape[0] != parsed.channels:
            raise LayoutError(f"layout {parsed.name} has {parsed.channels} channels, the samples have {array.shape[0]}")
        if not np.all(np.isfinite(array)):
            raise ParameterError(f"{np.count_nonzero(~np.isfinite(array))} samples are NaN or infinite; repair the audio first")
        view = array.view()
        view.flags.writeable = False
        object.__setattr__(self, "samples", view)
        object.__setattr__(self, "sample_rate", int(sample_rate))
        object.__setattr__(self, "layout", parsed)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def length(self) -> int:
        """Number of samples per channel."""
        return int(self.samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.length / self.sample_rate

    def __repr__(self) -> str:
        return f"Audio({self.layout.name}, {self.duration:.2f} s, {self.sample_rate} Hz)"

    def require(self, *kinds: Kind, what: str) -> None:
        """Raise :class:`LayoutError` unless the layout is of one of the given kinds."""
        require_layout(self.layout, kinds, what=what)

    def between(self, start: float, stop: float) -> Audio:
        """Return the part from ``start`` to ``stop`` seconds (shared memory)."""
        first, last = round(max(start, 0.0) * self.sample_rate), round(max(stop, 0.0) * self.sample_rate)
        return Audio(self.samples[:, first:last], self.sample_rate, self.layout)

    def scaled(self, gain_db: float) -> Audio:
        """Return the same audio with ``gain_db`` decibels more level."""
        return Audio(self.samples * np.float32(10 ** (gain_db / 20)), self.sample_rate, self.layout)
