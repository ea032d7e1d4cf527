"""Room impulse responses in batches: exact image sources first, a coherent statistical tail after.

Design and measurements: exact images up to a hand-over of about 300 images, cross-faded into octave-band noise with the
room's closed-form decay (compare Lehmann and Johansson, 2010). Amplitudes are 1/distance (a direct sound at 1 m has the
peak 1), sample 0 is the emission, the direct sound arrives at distance / speed of sound.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.bands import octave_centres
from auris.acoustics.early import EarlyPlan
from auris.acoustics.horizon import Horizons, hybrid_horizons, image_horizons
from auris.acoustics.late import DiffuseField, EarlyPart, diffuse_field, write_tails
from auris.acoustics.low_cut import remove_lows
from auris.acoustics.path_arrays import path_arrays, tail_arrays
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import Receiver
from auris.errors import ParameterError, unknown_name

Singles = NDArray[np.float32]
Whole = NDArray[np.int64]

_NO_EARLY = EarlyPart(np.zeros((1, 1, 1), dtype=np.float32), 0, 0)


@dataclass(frozen=True)
class EngineSettings:
    """How responses are made.

    Attributes:
        mode: ``hybrid`` joins image sources and tail; ``images`` uses image sources alone to the very end, without tail or
            fade, as a reference (thousands of times slower, and its decay is that of mirror-like walls).
        images: about how many image sources come before the tail; 1200 for slower, higher quality.
        horizon: seconds that the ``images`` mode follows; None for the reverberation time of each path's room.
        threads: chunks of paths computed at the same time; the result does not depend on it.
        low_cut: corner in hertz of a first-order high-pass (20 is a good one), or None. Image amplitudes are all positive
            and pile up below some 50 Hz as pressure does in a sealed rigid box, which real rooms are not. The default
            leaves that in, since few sounds reach so low and levels stay exactly 1/distance.
        noise_seed: which noise the tails are cut from.
    """

    mode: Literal["hybrid", "images"] = "hybrid"
    images: int = 300
    horizon: float | None = None
    threads: int = 1
    low_cut: float | None = None
    noise_seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in ("hybrid", "images"):
            raise ParameterError(unknown_name("engine mode", self.mode, ["hybrid", "images"]))
        if not 8 <= self.images <= 1_000_000:
            raise ParameterError(f"images must lie between 8 and 1000000, got {self.images!r}")
        if self.horizon is not None and not (self.mode == "images" and 0 < self.horizon <= 120):
            raise ParameterError(f"a horizon of up to 120 s belongs to mode='images', got {self.horizon!r} in {self.mode!r}")
        if self.threads < 1:
            raise ParameterError(f"threads must be at least 1, got {self.threads!r}")
        if self.low_cut is not None and not 0 < self.low_cut <= 500:
            raise ParameterError(f"low_cut must lie between 0 and 500 Hz, got {self.low_cut!r}")


class ShoeboxEngine:
    """Responses from sources to a listener in rectangular rooms.

    Args:
        receiver: what stands at the listener's place.
        sample_rate: 8000 to 96000 hertz.
        settings: see :class:`EngineSettings`.

    The same path gives the same samples, bit for bit, alone or in any batch, with any number of threads. Engines are cheap
    to make: tables and noise are shared between engines with the same receiver.
    """

    def __init__(self, receiver: Receiver, sample_rate: int, *, settings: EngineSettings = EngineSettings()) -> None:
        self.receiver = receiver
        self.sample_rate = int(sample_rate)
        self.settings = settings
        self.bands = len(octave_centres(sample_rate))
        self._early = EarlyPlan(receiver, self.sample_rate, self.bands)

    @property
    def channels(self) -> int:
        """Number of channels of every response."""
        return self.receiver.channels

    def responses(self, paths: SoundPaths, *, length: int | None = None) -> Singles:
        """Return whole responses, early part and tail.

        Args:
            paths: pairs of source and listener.
            length: samples; None takes the longest T60 in the batch, and at least the early part.

        Returns:
            float32 array ``(P, C, T)``.
        """
        horizons = self._horizons(paths)
        shortest = self._early_length(horizons)
        samples = max(self._t60_length(paths), shortest) if length is None else _checked(length)
        if self.settings.mode == "images":
            return self._filtered(self._early_parts(paths, horizons, samples, with_direct=True))
        arrays, tails = path_arrays(paths, horizons), tail_arrays(paths, horizons, self.sample_rate)
        field = self._diffuse_field()
        out = np.empty((len(paths), self.channels, samples), dtype=np.float32)

        def render(chosen: Whole, fft_length: int) -> None:
            early = self._early.render(arrays, chosen, fft_length, with_direct=True)
            write_tails(tails, chosen, field, early, out)

        self._in_chunks(horizons, render)
        return self._filtered(out)

    def early(self, paths: SoundPaths) -> Singles:
        """Return the image sources alone ``(P, C, Te)``, faded out towards the hand-over."""
        horizons = self._horizons(paths)
        return self._filtered(self._early_parts(paths, horizons, self._early_length(horizons), with_direct=True))

    def reflections(self, paths: SoundPaths) -> Singles:
        """Return :meth:`early` without the direct sound, for moving sources whose direct sound is a delay line."""
        horizons = self._horizons(paths)
        return self._filtered(self._early_parts(paths, horizons, self._early_length(horizons), with_direct=False))

    def late(self, paths: SoundPaths, *, length: int) -> Singles:
        """Return the statistical tail alone ``(P, C, length)``, faded in from the hand-over.

        Raises:
            ParameterError: the engine's mode is ``images``, which has no tail.
        """
        if self.settings.mode == "images":
            raise ParameterError("the engine's mode 'images' has no statistical tail; use mode='hybrid'")
        horizons = self._horizons(paths)
        tails, field = tail_arrays(paths, horizons, self.sample_rate), self._diffuse_field()
        out = np.empty((len(paths), self.channels, _checked(length)), dtype=np.float32)

        def render(chosen: Whole, fft_length: int) -> None:
            write_tails(tails, chosen, field, _NO_EARLY, out)

        self._in_chunks(horizons, render)
        return self._filtered(out)

    def _early_parts(self, paths: SoundPaths, horizons: Horizons, length: int, *, with_direct: bool) -> Singles:
        arrays = path_arrays(paths, horizons)
        out = np.zeros((len(paths), self.channels, length), dtype=np.float32)

        def render(chosen: Whole, fft_length: int) -> None:
            early = self._early.render(arrays, chosen, fft_length, with_direct=with_direct)
            count = min(length, early.length)
            out[chosen, :, :count] = early.samples[:, :, early.first : early.first + count]

        self._in_chunks(horizons, render)
        return out

    def _horizons(self, paths: SoundPaths) -> Horizons:
        if any(len(room.centres) != self.bands for room in paths.rooms):
            raise ParameterError(
                f"the rooms were made for another sample rate than the engine's {self.sample_rate} Hz; "
                "use ShoeboxAcoustics.from_room(room, sample_rate)"
            )
        if self.settings.mode == "images":
            return image_horizons(paths, self.settings.horizon)
        return hybrid_horizons(paths, self.settings.images)

    def _t60_length(self, paths: SoundPaths) -> int:
        if self.settings.horizon is not None or not len(paths):
            return 0
        used = {paths.rooms[index].longest_t60 for index in set(paths.room_index.tolist())}
        return int(np.ceil(max(used) * self.sample_rate))

    def _early_length(self, horizons: Horizons) -> int:
        return self._early.needed(float(horizons.end.max())) if len(horizons.end) else 0

    def _diffuse_field(self) -> DiffuseField:
        return diffuse_field(self.receiver, self.sample_rate, self.settings.noise_seed)

    def _filtered(self, responses: Singles) -> Singles:
        if self.settings.low_cut is not None:
            remove_lows(responses, self.settings.low_cut / self.sample_rate)
        return responses

    def _in_chunks(self, horizons: Horizons, render: Callable[[Whole, int], None]) -> None:
        """Call ``render`` for small groups of paths with one FFT length, in threads where asked for."""
        chunks = self._early.chunks(horizons.end)
        if self.settings.threads == 1 or len(chunks) < 2:
            for chosen, fft_length in chunks:
                render(chosen, fft_length)
            return
        with ThreadPoolExecutor(self.settings.threads) as executor:
            for future in [executor.submit(render, *chunk) for chunk in chunks]:
                future.result()


def _checked(length: int) -> int:
    if length < 1:
        raise ParameterError(f"a response needs at least one sample, got length={length!r}")
    return int(length)
