"""The statistical tail: octave-band noise under the closed-form decay of the room, at its absolute level.

The density of image sources gives the reverberant energy per sample without any fitted constant:
``4 pi c / (V fs) * D(t)`` with the decay ``D`` of :mod:`auris.acoustics.decay`. Where the decay depends on the direction,
each ambisonic channel has its own envelope.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import compiled
from auris.acoustics.decay import octant
from auris.acoustics.noise_pool import OVERLAP
from auris.acoustics.receivers import AmbisonicReceiver, Receiver
from auris.acoustics.scatter import fill_harmonics, harmonic_tables

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]
Keys = NDArray[np.uint64]


class TailArrays(NamedTuple):
    """What the tails of ``P`` paths in ``R`` rooms need.

    Shapes: ``room``, ``start``, ``end``, ``block``, ``keys`` ``(P,)``; ``level`` ``(P, B)`` energy per sample at time 0;
    ``rates`` ``(R, B, Q)`` in 1/sample. ``start`` and ``end`` bound the fade-in in samples; ``block`` is the spacing of
    the envelope's nodes in samples.
    """

    room: Whole
    start: Whole
    end: Whole
    block: Whole
    keys: Keys
    level: Floats
    rates: Floats


def channel_weights(receiver: Receiver) -> Floats:
    """Return quadrature weights ``(C or 1, Q)`` of each channel's energy; one row where all channels share an envelope."""
    directions, weights = octant()
    if not isinstance(receiver, AmbisonicReceiver):
        return weights[None]
    harmonics = np.empty((receiver.channels, len(weights)), dtype=np.float32)
    x, y, z = (np.ascontiguousarray(axis) for axis in directions.T)
    fill_harmonics(len(weights), x, y, z, harmonic_tables(receiver.order), harmonics)
    return np.asarray(harmonics.astype(float) ** 2 * weights)


@compiled
def _mixed_bits(key, stream):  # type: ignore[no-untyped-def]
    """Return 64 random bits of the pair (key, stream): one step of splitmix64."""
    bits = np.uint64(key) + np.uint64(stream + 1) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def _envelope(level: Floats, rates: Floats, weights: Floats, start: int, block: int, envelope: Singles) -> None:
    """Write the amplitude ``envelope[row, node, band]`` at ``start + node * block`` samples."""
    bands, directions = rates.shape
    energy, step = np.empty(directions), np.empty(directions)
    for b in range(bands):
        for q in range(directions):
            energy[q] = level[b] * math.exp(-rates[b, q] * start)
            step[q] = math.exp(-rates[b, q] * block)
        for node in range(envelope.shape[1]):
            for row in range(weights.shape[0]):
                total = 0.0
                for q in range(directions):
                    total += weights[row, q] * energy[q]
                envelope[row, node, b] = math.sqrt(total)
            for q in range(directions):
                energy[q] *= step[q]


@compiled
def write_tails(  # noqa: PLR0912
    paths: TailArrays, chosen: Whole, weights: Floats, pool: Singles, early: Singles, early_length: int, out: Singles
) -> None:
    """Write early part plus tail of the ``chosen`` paths to ``out[chosen]`` ``(C, T)``.

    Args:
        paths: the tails.
        chosen: indices of paths.
        weights: :func:`channel_weights`.
        pool: :func:`auris.acoustics.noise_pool.diffuse_noise`.
        early: early parts ``(chosen, C, at least early_length)``.
        early_length: samples of it that count.
        out: ``(P, C, T)``.
    """
    channels, length = out.shape[1], out.shape[2]
    bands, period = pool.shape[1], pool.shape[2] - OVERLAP
    sum_of_bands = np.empty(OVERLAP, np.float32)
    for k in range(chosen.shape[0]):
        p = chosen[k]
        start, block = min(paths.start[p], length), paths.block[p]
        blocks = (length - start + block - 1) // block
        envelope = np.empty((weights.shape[0], blocks + 1, bands), np.float32)
        _envelope(paths.level[p], paths.rates[paths.room[p]], weights, start, block, envelope)
        for c in range(channels):
            target = out[p, c]
            for n in range(start):
                target[n] = early[k, c, n] if n < early_length else 0.0
            row, voice = min(c, weights.shape[0] - 1), min(c, pool.shape[0] - 1)
            shift = c * (period // channels) if pool.shape[0] == 1 else 0
            for node in range(blocks):
                first = start + node * block
                size = min(block, length - first)
                for n in range(size):
                    sum_of_bands[n] = 0.0
                for b in range(bands):
                    offset = np.int64(_mixed_bits(paths.keys[p], b) % np.uint64(period))
                    offset = (offset + shift + node * block) % period
                    noise = pool[voice, b, offset : offset + size]
                    level = envelope[row, node, b]
                    slope = (envelope[row, node + 1, b] - level) / np.float32(block)
                    for n in range(size):
                        sum_of_bands[n] += noise[n] * (level + slope * np.float32(n))
                if first < paths.end[p]:
                    _fade_in(first, paths.start[p], paths.end[p], size, sum_of_bands)
                for n in range(size):
                    target[first + n] = sum_of_bands[n]
                if first < early_length:
                    for n in range(min(size, early_length - first)):
                        target[first + n] += early[k, c, first + n]


@compiled
def _fade_in(first: int, start: int, end: int, size: int, samples: Singles) -> None:
    """Multiply by the quarter sine that rises from ``start`` to ``end``; rotates a phasor instead of calling sine."""
    step = 0.5 * math.pi / (end - start)
    sine, cosine = math.sin((first - start) * step), math.cos((first - start) * step)
    turn_sine, turn_cosine = math.sin(step), math.cos(step)
    for n in range(min(size, end - first)):
        samples[n] *= sine
        sine, cosine = sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine
