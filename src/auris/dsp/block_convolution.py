"""Convolution with responses that stay: overlap-save in blocks, with long responses cut into partitions.

A response of ``P`` blocks is as many short ones, each delayed by some blocks (uniformly partitioned convolution; Stockham
1966, Wefers 2015): a block of output is ``sum_p X[b - p] H[p]`` in the spectrum. Short transforms stay in the cache and come
many at a time, which is what the FFT likes; what is left to choose is the length with the least work.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from auris.dsp.fourier import irfft, rfft

Float32 = NDArray[np.float32]

SCRATCH = 2**19  # floats held by one round of transforms: they stay in the cache
LARGEST_BLOCK = 65_536
_FEWEST_BLOCKS = 4  # transforms at a time; fewer take as long
_STRIP = 512  # bins whose sums are kept in the innermost cache
# Work per sample and per log2(length), of a transform; per product of a bin; per transform of a length that leaves the cache.
_PRODUCT, _COPY, _CACHED, _UNCACHED = 1.9, 4.0, 32_768, 6.0


@lru_cache(maxsize=1024)
def fast_length(minimum: int) -> int:
    """Return the smallest even FFT length of at least ``minimum`` of the form 2^k times 1, 3, 5, 9 or 15.

    >>> [fast_length(n) for n in (5, 1000, 2187)]
    [6, 1024, 2304]
    """
    need = max(int(minimum), 2)
    return min(factor << max(1, math.ceil(math.log2(need / factor))) for factor in (1, 3, 5, 9, 15))


class Blocks(NamedTuple):
    """How a convolution is cut: ``size`` of the transforms, samples from block to block, partitions of the response."""

    size: int
    step: int
    parts: int


@lru_cache(maxsize=1024)
def plan(taps: int, samples: int, channels: int, sources: int = 1) -> Blocks:
    """Return the blocks with the least work for ``samples`` outputs of responses with ``taps`` coefficients.

    Several sources are taken to sound one after the other.
    """
    choices, size = [], 64
    whole = fast_length(samples + taps)
    largest = max(min(whole, LARGEST_BLOCK), fast_length(min(taps, 1024) + 1))
    while size <= largest:
        if size > taps:
            choices.append(Blocks(size, size - taps + 1, 1))
        if size < 2 * taps and math.log2(size).is_integer():
            choices.append(Blocks(size, size // 2, -(-taps // (size // 2))))
        size = fast_length(size + 1)
    return min(choices or [Blocks(whole, samples, 1)], key=lambda blocks: _work(blocks, samples, channels, sources))


def _work(blocks: Blocks, samples: int, channels: int, sources: int) -> float:
    size, step, parts = blocks
    count = -(-samples // step)
    transform = size * (math.log2(size) + _COPY + (_UNCACHED if size > _CACHED else 0.0))
    products = _PRODUCT * size * channels * parts * (count + sources - 1)
    transforms = max(count + sources - 1, _FEWEST_BLOCKS) + channels * (count + parts * sources)
    return transform * transforms + products


def overlap_save(x: Float32, h: Float32, out: Float32) -> None:
    """Write ``sum_s x[s] * h[s]`` to ``out``; outputs that no sound reaches are left as they are.

    Args:
        x: signals ``(S, N)``.
        h: responses ``(S, C, T)``.
        out: zeros ``(C, L)``.
    """
    sources, channels, taps = h.shape
    length = min(out.shape[1], x.shape[1] + taps - 1)
    if sources == 0 or x.shape[1] == 0 or length <= 0:
        return
    blocks = plan(taps, length, channels, sources)
    count = -(-length // blocks.step)
    at_once = min(count, max(_FEWEST_BLOCKS, SCRATCH // (channels * blocks.size)))
    inputs = _Inputs(x, blocks, at_once)
    partitions = _partition_spectra(h, blocks)
    sums = np.empty((at_once, channels, blocks.size // 2 + 1), np.complex64)
    for first in range(0, count, at_once):
        starts = np.arange(first, min(first + at_once, count)) * blocks.step
        if not inputs.advance(starts):
            continue
        total = sums[: len(starts)]
        _sum_products(inputs.spectra, inputs.sounding, partitions, total.view(np.float32))
        made = irfft(total, blocks.size)[..., blocks.size - blocks.step :]
        for start, block in zip(starts.tolist(), made, strict=True):
            stop = min(start + blocks.step, length)
            out[:, start:stop] = block[:, : stop - start]


def frames_of(x: Float32, starts: NDArray[np.intp], *, before: int, size: int) -> Float32:
    """Cut frames ``x[start - before : start - before + size]``, zeros beyond the ends."""
    frames = np.zeros((len(starts), size), np.float32)
    for frame, start in zip(frames, starts.tolist(), strict=True):
        copy_frame(x, start - before, frame)
    return frames


def sounding_span(x: Float32) -> slice:
    """Return from the first to the last sample that is not zero; an empty slice for silence."""
    sounding = x != 0
    if not sounding.any():
        return slice(0, 0)
    return slice(int(sounding.argmax()), x.size - int(sounding[::-1].argmax()))


def copy_frame(x: Float32, first: int, frame: Float32) -> None:
    """Copy ``x`` from sample ``first`` on to a frame of zeros, as far as there is any."""
    low, high = max(first, 0), min(first + frame.size, x.size)
    if high > low:
        frame[low - first : high - first] = x[low:high]


class _Inputs:
    """The spectra of the signals' latest blocks ``(S, K, 2, F)``, real and imaginary parts apart."""

    def __init__(self, signals: Float32, blocks: Blocks, at_once: int) -> None:
        self._signals = signals
        self._blocks = blocks
        self._spans = [sounding_span(signal) for signal in signals]
        held = at_once + blocks.parts - 1
        self.spectra = np.zeros((len(signals), held, 2, blocks.size // 2 + 1), np.float32)
        self.sounding = np.zeros((len(signals), held), np.bool_)

    def advance(self, starts: NDArray[np.intp]) -> bool:
        """Take in the blocks at ``starts`` behind those before; tell whether any that still counts has sound in it.

        Every round but the last has as many blocks as the first.
        """
        size, held = self._blocks.size, self.sounding.shape[1]
        kept, reach = self._blocks.parts - 1, self._blocks.size - self._blocks.step
        self.spectra[:, :kept] = self.spectra[:, held - kept :].copy()
        self.sounding[:, :kept] = self.sounding[:, held - kept :].copy()
        self.sounding[:, kept:] = False
        for s, (signal, span) in enumerate(zip(self._signals, self._spans, strict=True)):
            for k, start in enumerate(starts.tolist(), kept):
                low, high = max(start - reach, span.start), min(start - reach + size, span.stop)
                self.sounding[s, k] = low < high and signal[low:high].any()
        new = np.argwhere(self.sounding[:, kept:])
        if new.size:
            frames = np.zeros((len(new), size), np.float32)
            for frame, (s, k) in zip(frames, new.tolist(), strict=True):
                copy_frame(self._signals[s], int(starts[k]) - reach, frame)
            made = rfft(frames)
            self.spectra[new[:, 0], new[:, 1] + kept, 0] = made.real
            self.spectra[new[:, 0], new[:, 1] + kept, 1] = made.imag
        return bool(self.sounding.any())


def _partition_spectra(responses: Float32, blocks: Blocks) -> Float32:
    """Return ``(S, P, C, 2, F)``: spectra of the partitions of ``(S, C, T)``, real and imaginary parts apart."""
    sources, channels, taps = responses.shape
    length = taps if blocks.parts == 1 else blocks.step
    out = np.empty((sources, blocks.parts, channels, 2, blocks.size // 2 + 1), np.float32)
    for part in range(blocks.parts):
        made = rfft(responses[..., part * length : (part + 1) * length], blocks.size)
        out[:, part, :, 0], out[:, part, :, 1] = made.real, made.imag
    return out


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _sum_products(
    spectra: Float32, sounding: NDArray[np.bool_], responses: Float32, total: Float32
) -> None:  # pragma: no cover - compiled
    """``total[b, c] = sum_s,p spectra[s, b + P - 1 - p] * responses[s, p, c]``; ``total`` is viewed as pairs of reals."""
    sources, parts, channels, bins = responses.shape[0], responses.shape[1], responses.shape[2], responses.shape[4]
    real, imaginary = np.empty(_STRIP, np.float32), np.empty(_STRIP, np.float32)
    for low in range(0, bins, _STRIP):
        high = min(low + _STRIP, bins)
        for b in range(total.shape[0]):
            for c in range(channels):
                real[:], imaginary[:] = 0, 0
                for s in range(sources):
                    for p in range(parts):
                        k = b + parts - 1 - p
                        if sounding[s, k]:
                            xr, xi = spectra[s, k, 0, low:high], spectra[s, k, 1, low:high]
                            hr, hi = responses[s, p, c, 0, low:high], responses[s, p, c, 1, low:high]
                            for f in range(high - low):
                                real[f] += xr[f] * hr[f] - xi[f] * hi[f]
                                imaginary[f] += xr[f] * hi[f] + xi[f] * hr[f]
                pairs = total[b, c, 2 * low : 2 * high]
                for f in range(high - low):
                    pairs[2 * f], pairs[2 * f + 1] = real[f], imaginary[f]
