"""The statistical tail: octave-band noise under the closed-form decay of the room, at its absolute level.

The density of image sources gives the reverberant energy per sample without any fitted constant:
``4 pi c / (V fs) * D(t)`` with the decay ``D`` of :mod:`auris.acoustics.decay`. Where the decay depends on the direction,
each ambisonic channel has its own envelope, as the turned head hears it. Arrays and heads hear one mean envelope.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import compiled
from auris.acoustics.decay import octant
from auris.acoustics.noise_pool import OVERLAP, noise_pool
from auris.acoustics.receivers import AmbisonicReceiver, Receiver
from auris.acoustics.spherical_harmonics import HarmonicTables, fill_harmonics, harmonic_tables

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]
Keys = NDArray[np.uint64]


class TailArrays(NamedTuple):
    """What the tails of ``P`` paths in ``R`` rooms need.

    Shapes: ``room``, ``start``, ``end``, ``block``, ``keys`` ``(P,)``; ``rotation`` ``(P, 3, 3)`` of the head; ``level``
    ``(P, B)`` energy per sample at time 0; ``rates`` ``(R, B, Q)`` in 1/sample. ``start`` and ``end`` bound the fade-in in
    samples; ``block`` is the spacing of the envelope's nodes in samples.
    """

    room: Whole
    start: Whole
    end: Whole
    block: Whole
    keys: Keys
    rotation: Floats
    level: Floats
    rates: Floats


class EarlyPart(NamedTuple):
    """Early responses ``(chosen, C, …)`` of which ``length`` samples count, from ``first`` on."""

    samples: Singles
    first: int
    length: int


class DiffuseField(NamedTuple):
    """How a receiver hears sound from everywhere.

    Attributes:
        weights: quadrature weights ``(C, Q)`` of each channel's energy, or ``(1, Q)`` where all share one envelope; for a
            head along the axes of the room.
        pool: noise of :func:`auris.acoustics.noise_pool.noise_pool`.
        directions: ``(3, Q)`` unit vectors of one octant, and
        quadrature: their weights ``(Q,)`` (:func:`auris.acoustics.decay.octant`).
        tables: harmonics of the channels.
    """

    weights: Floats
    pool: Singles
    directions: Floats
    quadrature: Floats
    tables: HarmonicTables


@lru_cache(maxsize=8)
def diffuse_field(receiver: Receiver, sample_rate: int, noise_seed: int) -> DiffuseField:
    """Return the diffuse field of a receiver; kept for reuse."""
    nodes, quadrature = octant()
    directions = np.ascontiguousarray(nodes.T)
    pool = noise_pool(receiver, sample_rate, noise_seed=noise_seed)
    tables = harmonic_tables(receiver.order if isinstance(receiver, AmbisonicReceiver) else 0)
    harmonics = np.empty((tables.diagonal.shape[0] ** 2, len(quadrature)), dtype=np.float32)
    fill_harmonics(len(quadrature), directions, tables, harmonics)
    return DiffuseField(harmonics.astype(float) ** 2 * quadrature, pool, directions, quadrature, tables)


@compiled
def heard_weights(field: DiffuseField, rotation: Floats) -> Floats:
    """Return the weights ``(C or 1, Q)`` of a field for a head that is turned by ``rotation`` (body to world).

    The decay is alike in all octants, so each direction of the octant stands for its eight mirror images. What turned
    channels then have in common is left out: each keeps its own energy.
    """
    off_axis = 0.0
    for i in range(3):
        for j in range(3):
            off_axis += abs(rotation[i, j] - (1.0 if i == j else 0.0))
    channels, count = field.weights.shape
    if channels == 1 or off_axis < 1e-9:
        return field.weights
    weights, vector = np.zeros((channels, count)), np.empty((3, count))
    harmonics = np.empty((channels, count), np.float32)
    for image in range(8):
        for q in range(count):
            x = field.directions[0, q] * (1 - 2 * (image % 2))
            y = field.directions[1, q] * (1 - 2 * (image // 2 % 2))
            z = field.directions[2, q] * (1 - 2 * (image // 4))
            for axis in range(3):
                vector[axis, q] = rotation[0, axis] * x + rotation[1, axis] * y + rotation[2, axis] * z
        fill_harmonics(count, vector, field.tables, harmonics)
        for c in range(channels):
            for q in range(count):
                weights[c, q] += harmonics[c, q] * harmonics[c, q] * field.quadrature[q] / 8.0
    return weights


@compiled
def write_tails(tails: TailArrays, chosen: Whole, field: DiffuseField, early: EarlyPart, out: Singles) -> None:
    """Write early part plus tail of the ``chosen`` paths to ``out[chosen]``; ``out`` is ``(P, C, T)``."""
    channels, length = out.shape[1], out.shape[2]
    bands, period = field.pool.shape[1], field.pool.shape[2] - OVERLAP
    envelopes, voices = field.weights.shape[0], field.pool.shape[0]
    for k in range(chosen.shape[0]):
        p = chosen[k]
        start, block = min(tails.start[p], length), tails.block[p]
        envelope = np.empty((envelopes, bands, (length - start + block - 1) // block + 1), np.float32)
        _write_envelope(tails, p, heard_weights(field, tails.rotation[p]), envelope)
        ramp = np.arange(block).astype(np.float32) / np.float32(block)
        for c in range(channels):
            target = out[p, c]
            for n in range(length):
                target[n] = 0.0
            voice, shift = noise_place(c, channels, voices, period)
            for b in range(bands):
                offset = (np.int64(random_bits(tails.keys[p], b) % np.uint64(period)) + shift) % period
                _add_noise(field.pool[voice, b], offset, envelope[min(c, envelopes - 1), b], ramp, target[start:])
            _fade_in(tails.start[p], tails.end[p], target)
            for n in range(min(early.length, length)):
                target[n] += early.samples[k, c, early.first + n]


@compiled
def noise_place(channel: int, channels: int, voices: int, period: int) -> tuple[int, int]:
    """Return the row of the pool that a channel reads, and how far its place is from that of the row's first reader.

    Ambisonic channels share the ``voices`` rows and read them in places far from each other; microphones and ears each
    have their own row, and all read at the same place.
    """
    share = (channels + voices - 1) // voices
    return channel // share, (channel % share) * (period // share)


@compiled
def random_bits(key: np.uint64, stream: int) -> np.uint64:
    """Return 64 random bits of the pair (key, stream): one step of splitmix64."""
    bits = np.uint64(key) + np.uint64(stream + 1) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def _write_envelope(tails: TailArrays, p: int, weights: Floats, envelope: Singles) -> None:
    """Write the amplitude ``envelope[row, band, node]``; the nodes lie one block apart, the first where the fade begins."""
    rates = tails.rates[tails.room[p]]
    bands, directions = rates.shape
    energy, step = np.empty(directions), np.empty(directions)
    for b in range(bands):
        for q in range(directions):
            energy[q] = tails.level[p, b] * math.exp(-rates[b, q] * tails.start[p])
            step[q] = math.exp(-rates[b, q] * tails.block[p])
        for node in range(envelope.shape[2]):
            for row in range(weights.shape[0]):
                total = 0.0
                for q in range(directions):
                    total += weights[row, q] * energy[q]
                envelope[row, b, node] = math.sqrt(total)
            for q in range(directions):
                energy[q] *= step[q]


@compiled
def _add_noise(noise: Singles, offset: int, envelope: Singles, ramp: Singles, target: Singles) -> None:
    """Add one band's noise, read from ``offset`` on, under an envelope that is linear between its nodes."""
    block, period = ramp.shape[0], noise.shape[0] - OVERLAP
    for node in range(envelope.shape[0] - 1):
        piece = target[node * block : min((node + 1) * block, target.shape[0])]
        source = noise[offset : offset + block]
        level, rise = envelope[node], envelope[node + 1] - envelope[node]
        for n in range(piece.shape[0]):
            piece[n] += source[n] * (level + rise * ramp[n])
        offset += block
        if offset >= period:
            offset -= period


@compiled
def _fade_in(start: int, end: int, samples: Singles) -> None:
    """Multiply by the quarter sine that rises from ``start`` to ``end``; turns a phasor instead of calling sine."""
    step = 0.5 * math.pi / (end - start)
    sine, cosine = 0.0, 1.0
    turn_sine, turn_cosine = math.sin(step), math.cos(step)
    for n in range(start, min(end, samples.shape[0])):
        samples[n] *= sine
        sine, cosine = sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine
