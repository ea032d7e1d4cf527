"""Image sources to early responses: scatter into band signals, join the bands in the spectrum, transform back."""

from __future__ import annotations

import math
import threading
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from auris.acoustics.bands import amplitude_partition, octave_centres
from auris.acoustics.delay_kernel import LEAD, compensation, half_polynomials
from auris.acoustics.direction_table import direction_table
from auris.acoustics.image_blocks import PathArrays
from auris.acoustics.late import EarlyPart
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver, Receiver
from auris.acoustics.scatter import Timing, combine_bands, scatter_ambisonics, scatter_directional, scatter_open_array
from auris.acoustics.spherical_harmonics import harmonic_tables
from auris.dsp.convolution import fast_length
from auris.dsp.delay_line import TAPS

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]

_RINGING = 0.0055  # seconds that the octave filters spread an arrival to either side
_SLOWEST = 300.0  # metres per second, colder than any room
_CHUNK_BYTES = 1 << 20  # band signals of one chunk; larger ones leave the processor's cache
_CACHE_PAGE = 256  # floats; rows a multiple of 4 KiB apart fall on each other in the cache
_ROW_PADDING = 24
_MOST_KEPT = 16  # workspaces per thread
_MOST_KEPT_BYTES = 8 << 20
_POWER_OF_TWO_SAVES = 1.25


class _Workspace:
    """Memory of one chunk, kept per thread: fresh pages from the system would cost as much as the arithmetic."""

    def __init__(self, paths: int, channels: int, bands: int, fft_length: int) -> None:
        stride = fft_length + (_ROW_PADDING if fft_length % _CACHE_PAGE == 0 else 0)
        bins = fft_length // 2 + 1
        self.rows = np.empty((paths, channels * bands, stride), dtype=np.float32)
        self.signals = torch.from_numpy(self.rows)[:, :, :fft_length]
        self.spectra = torch.empty(paths, channels * bands, bins, dtype=torch.complex64)
        self.spectra_as_pairs = torch.view_as_real(self.spectra).numpy().reshape(paths, channels * bands, 2 * bins)
        self.joined = torch.empty(paths, channels, bins, dtype=torch.complex64)
        self.joined_as_pairs = torch.view_as_real(self.joined).numpy().reshape(paths, channels, 2 * bins)
        self.responses = torch.empty(paths, channels, fft_length, dtype=torch.float32)
        self.responses_array: Singles = self.responses.numpy()


_KEPT = threading.local()


class EarlyPlan:
    """Early responses of one receiver at one sample rate.

    Args:
        receiver: what stands at the listener's place.
        sample_rate: hertz.
        bands: number of octave bands.
    """

    def __init__(self, receiver: Receiver, sample_rate: int, bands: int) -> None:
        self.receiver = receiver
        self.sample_rate = sample_rate
        self.bands = bands
        self._ringing = int(np.ceil(_RINGING * sample_rate))
        self._lead, self._spread, latency = 0, TAPS, 0.0
        if isinstance(receiver, AmbisonicReceiver):
            self._harmonics = harmonic_tables(receiver.order)
        elif isinstance(receiver, OpenArrayReceiver):
            self._spread += int(np.ceil(np.linalg.norm(receiver.positions, axis=1).max() / _SLOWEST * sample_rate))
        else:
            self._table = direction_table(receiver.responses)
            latency = receiver.responses.latency
            self._lead = int(np.ceil(latency))
            self._spread += self._table.filters.shape[2]
        # Delays are counted from where a wave at the head's centre would arrive, so that none is negative.
        self._delay = self._lead - latency

    def needed(self, seconds: float) -> int:
        """Return how many samples an early part lasts whose last image arrives at ``seconds``."""
        return int(np.ceil(seconds * self.sample_rate)) + self._spread + self._ringing

    def fft_length(self, seconds: float) -> int:
        """Return the FFT length for it; ringing to the left of the first arrival wraps into the room left at the end."""
        return transform_length(self.needed(seconds) + self._lead + LEAD + self._ringing)

    def chunks(self, ends: Floats) -> list[tuple[Whole, int]]:
        """Return groups of path indices with one FFT length each, small enough for the processor's cache."""
        lengths = np.array([self.fft_length(end) for end in ends.tolist()])
        groups = []
        for length in sorted(set(lengths.tolist())):
            members = np.flatnonzero(lengths == length)
            size = max(1, _CHUNK_BYTES // (4 * self.receiver.channels * self.bands * length))
            groups += [(members[i : i + size], length) for i in range(0, len(members), size)]
        return groups

    def render(self, paths: PathArrays, chosen: Whole, fft_length: int, *, with_direct: bool) -> EarlyPart:
        """Return the early parts of some paths; valid until this thread renders again."""
        work = self._workspace(len(chosen), fft_length)
        work.rows.fill(0.0)
        self._scatter(paths, chosen, work.rows, with_direct=with_direct)
        torch.fft.rfft(work.signals, out=work.spectra)
        combine_bands(work.spectra_as_pairs, _filterbank(self.sample_rate, fft_length, self.bands), work.joined_as_pairs)
        torch.fft.irfft(work.joined, n=fft_length, out=work.responses)
        first = self._lead + LEAD
        return EarlyPart(work.responses_array, first, fft_length - first - self._ringing)

    def _workspace(self, paths: int, fft_length: int) -> _Workspace:
        if not hasattr(_KEPT, "workspaces"):
            _KEPT.workspaces = {}
        kept: dict[tuple[int, ...], _Workspace] = _KEPT.workspaces
        key = (paths, self.receiver.channels, self.bands, fft_length)
        if 4 * math.prod(key) > _MOST_KEPT_BYTES:
            return _Workspace(*key)  # a single large path; memory goes back to the system afterwards
        if key not in kept:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            kept[key] = _Workspace(*key)
        return kept[key]

    def _scatter(self, paths: PathArrays, chosen: Whole, rows: Singles, *, with_direct: bool) -> None:
        timing = Timing(float(self.sample_rate), self._delay, int(with_direct), half_polynomials())
        if isinstance(self.receiver, AmbisonicReceiver):
            scatter_ambisonics(paths, chosen, timing, self._harmonics, rows)
        elif isinstance(self.receiver, OpenArrayReceiver):
            scatter_open_array(paths, chosen, timing, self.receiver.positions, rows)
        else:
            scatter_directional(paths, chosen, timing, self._table, rows)


@lru_cache(maxsize=4096)
def transform_length(least: int) -> int:
    """Return an even FFT length of at least ``least``: a power of two, unless a shorter length saves a fifth of the work."""
    least = max(least, 64)
    power, shorter = 1 << (least - 1).bit_length(), fast_length(least)
    return power if power * math.log2(power) <= _POWER_OF_TWO_SAVES * shorter * math.log2(shorter) else shorter


@lru_cache(maxsize=16)
def _filterbank(sample_rate: int, fft_length: int, bands: int) -> Singles:
    """Band weights ``(B, 2 F)``, each twice for the real and the imaginary part; the delay kernel is undone in them."""
    centres = octave_centres(sample_rate)[:bands]
    weights = amplitude_partition(np.fft.rfftfreq(fft_length, 1.0 / sample_rate), centres) * compensation(fft_length)
    return np.repeat(weights, 2, axis=1).astype(np.float32)
