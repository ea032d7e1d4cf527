"""Compiled loops of :mod:`auris.acoustics.house_responses`: single arrivals and late tails of many pairs at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import compiled
from auris.acoustics.delay_kernel import TapPolynomials, fill_taps
from auris.acoustics.late import random_bits
from auris.acoustics.noise_pool import OVERLAP
from auris.acoustics.octahedral import nearest_node
from auris.acoustics.scatter import DirectionTable
from auris.dsp.delay_line import TAPS

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]


class Tails(NamedTuple):
    """Late tails of ``P`` pairs.

    Attributes:
        keys: random stream ``(P,)`` uint64.
        start: sample at which the fade-in begins ``(P,)``.
        end: sample at which it ends ``(P,)``.
        envelope: which row of ``amplitudes`` each has ``(P,)``.
        amplitudes: per band ``(rows, B, nodes)``, ``spacing`` samples apart from the emission on.
        spacing: samples.
    """

    keys: NDArray[np.uint64]
    start: Whole
    end: Whole
    envelope: Whole
    amplitudes: Singles
    spacing: int


@compiled
def scatter_arrivals(  # noqa: PLR0917 - numba functions take no keywords
    delays: Floats, gains: Singles, directions: Floats, polynomials: TapPolynomials, table: DirectionTable, rows: Singles
) -> None:
    """Add arrivals to the band signals ``rows`` ``(P, C B, T)``.

    Delays ``(P, K)`` are in samples, gains ``(P, K, B)``; directions ``(P, K, 3)`` need not be unit vectors.
    """
    pairs, count, bands = gains.shape
    capsules, length = table.filters.shape[1], table.filters.shape[2]
    phase, taps = np.empty(count, np.float32), np.empty((count, TAPS), np.float32)
    delayed = np.empty(length + TAPS, np.float32)
    for p in range(pairs):
        for k in range(count):
            phase[k] = 2.0 * (delays[p, k] - int(delays[p, k])) - 1.0
        fill_taps(count, phase, polynomials, taps)
        for k in range(count):
            if gains[p, k].max() <= 0.0:
                continue
            start = int(delays[p, k])
            node = nearest_node(directions[p, k, 0], directions[p, k, 1], directions[p, k, 2], table.cells)
            for c in range(capsules):
                response = table.filters[node, c]
                delayed[:] = 0.0
                for j in range(TAPS):
                    tap, shifted = taps[k, j], delayed[j : j + length]
                    for n in range(length):
                        shifted[n] += tap * response[n]
                for b in range(bands):
                    row, gain = rows[p, c * bands + b, start : start + length + TAPS], gains[p, k, b]
                    for n in range(row.shape[0]):
                        row[n] += gain * delayed[n]


@compiled
def add_tails(tails: Tails, pool: Singles, out: Singles) -> None:
    """Add to ``out`` ``(P, C, T)`` noise of ``pool`` ``(C, B, N + OVERLAP)`` under its envelope, faded in as a quarter sine."""
    pairs, channels, length = out.shape
    bands, period, spacing = pool.shape[1], pool.shape[2] - OVERLAP, tails.spacing
    shape = np.empty(length, np.float32)
    for p in range(pairs):
        start, end = tails.start[p], tails.end[p]
        for b in range(bands):
            amplitude = tails.amplitudes[tails.envelope[p], b]
            for n in range(start, length):
                node = n // spacing
                part = np.float32(n - node * spacing) / np.float32(spacing)
                shape[n] = amplitude[node] + part * (amplitude[node + 1] - amplitude[node])
            for n in range(start, min(end, length)):
                shape[n] *= math.sin(0.5 * math.pi * (n - start) / (end - start))
            offset = np.int64(random_bits(tails.keys[p], b) % np.uint64(period))
            for c in range(channels):
                noise, target, place = pool[c, b], out[p, c], offset
                first = start
                while first < length:
                    count = min(length - first, period - place)
                    for n in range(count):
                        target[first + n] += shape[first + n] * noise[place + n]
                    first, place = first + count, np.int64(0)
