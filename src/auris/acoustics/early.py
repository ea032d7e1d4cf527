"""Image sources to early responses: scatter into band signals, join the bands in the spectrum, transform back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from auris.acoustics.bands import amplitude_partition, octave_centres
from auris.acoustics.delay_kernel import LEAD, TAPS, compensation, tap_polynomials
from auris.acoustics.direction_table import direction_table
from auris.acoustics.image_blocks import PathArrays
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver, Receiver
from auris.acoustics.scatter import (
    DirectionTable,
    TapTables,
    combine_bands,
    harmonic_tables,
    scatter_ambisonics,
    scatter_directional,
    scatter_open_array,
)

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]

_RINGING = 0.0055  # seconds that the octave filters spread an arrival to either side
_SLOWEST = 300.0  # metres per second, colder than any room
_CHUNK_BYTES = 1 << 20  # band signals of one chunk; larger ones leave the processor's cache
_CACHE_PAGE = 256  # floats; rows a multiple of 4 KiB apart fall on each other in the cache
_ROW_PADDING = 24


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
        self._taps = TapTables(*tap_polynomials())
        self._ringing = int(np.ceil(_RINGING * sample_rate))
        self._lead, self._spread = 0, TAPS
        if isinstance(receiver, AmbisonicReceiver):
            self._harmonics = harmonic_tables(receiver.order)
        elif isinstance(receiver, OpenArrayReceiver):
            self._spread += int(np.ceil(np.linalg.norm(receiver.positions, axis=1).max() / _SLOWEST * sample_rate))
        else:
            filters, cells = direction_table(receiver.responses)
            self._lead = int(np.ceil(receiver.responses.latency))
            self._table = DirectionTable(filters, cells, self._lead - float(receiver.responses.latency))
            self._spread += filters.shape[2]

    def needed(self, seconds: float) -> int:
        """Return how many samples an early part lasts whose last image arrives at ``seconds``."""
        return int(np.ceil(seconds * self.sample_rate)) + self._spread + self._ringing

    def fft_length(self, seconds: float) -> int:
        """Return the FFT length for it; ringing to the left of the first arrival wraps into the room left at the end."""
        return fast_length(self.needed(seconds) + self._lead + LEAD + self._ringing)

    def valid(self, fft_length: int) -> int:
        """Return how many samples of a rendered part count."""
        return fft_length - self._lead - LEAD - self._ringing

    def chunks(self, ends: Floats) -> list[tuple[Whole, int]]:
        """Return groups of path indices with one FFT length each, small enough for the processor's cache."""
        lengths = np.array([self.fft_length(end) for end in ends.tolist()])
        groups = []
        for length in sorted(set(lengths.tolist())):
            members = np.flatnonzero(lengths == length)
            size = max(1, _CHUNK_BYTES // (4 * self.receiver.channels * self.bands * length))
            groups += [(members[i : i + size], length) for i in range(0, len(members), size)]
        return groups

    def render(self, paths: PathArrays, chosen: Whole, fft_length: int, *, with_direct: bool) -> Singles:
        """Return early responses ``(chosen, C, valid)`` of some paths."""
        channels = self.receiver.channels
        stride = fft_length + (_ROW_PADDING if fft_length % _CACHE_PAGE == 0 else 0)
        rows = np.zeros((len(chosen), channels * self.bands, stride), dtype=np.float32)
        self._scatter(paths, chosen, int(with_direct), rows)
        spectra = torch.view_as_real(torch.fft.rfft(torch.from_numpy(rows)[:, :, :fft_length]))
        combined = np.empty((len(chosen), channels, fft_length + 2), dtype=np.float32)
        weights = _filterbank(self.sample_rate, fft_length, self.bands)
        combine_bands(spectra.numpy().reshape(len(chosen), channels * self.bands, fft_length + 2), weights, combined)
        joined = torch.view_as_complex(torch.from_numpy(combined).view(len(chosen), channels, fft_length // 2 + 1, 2))
        responses: Singles = torch.fft.irfft(joined, n=fft_length).numpy()
        start = self._lead + LEAD
        return responses[:, :, start : start + self.valid(fft_length)]

    def _scatter(self, paths: PathArrays, chosen: Whole, direct: int, rows: Singles) -> None:
        rate = float(self.sample_rate)
        if isinstance(self.receiver, AmbisonicReceiver):
            scatter_ambisonics(paths, chosen, rate, direct, self._taps, self._harmonics, rows)
        elif isinstance(self.receiver, OpenArrayReceiver):
            scatter_open_array(paths, chosen, rate, direct, self._taps, self.receiver.positions, rows)
        else:
            scatter_directional(paths, chosen, rate, direct, self._taps, self._table, rows)


def fast_length(least: int) -> int:
    """Return the even FFT length of at least ``least`` that costs least: a power of two times 1, 3, 5, 9 or 15."""
    candidates = []
    for factor in (1, 3, 5, 9, 15):
        length = 64 * factor
        while length < least:
            length *= 2
        candidates.append((length * np.log2(length) * (1.0 if factor == 1 else 1.25), length))
    return int(min(candidates)[1])


@lru_cache(maxsize=64)
def _filterbank(sample_rate: int, fft_length: int, bands: int) -> Singles:
    """Band weights ``(B, 2 F)``, each twice for the real and the imaginary part; the delay kernel is undone in them."""
    centres = octave_centres(sample_rate)[:bands]
    weights = amplitude_partition(np.fft.rfftfreq(fft_length, 1.0 / sample_rate), centres) * compensation(fft_length)
    return np.repeat(weights, 2, axis=1).astype(np.float32)
