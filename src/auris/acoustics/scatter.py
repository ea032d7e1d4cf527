"""Compiled loops that write image sources into the band signals of each kind of receiver.

Row ``c B + b`` of ``rows`` holds band ``b`` of channel ``c``. Every arrival becomes eight taps (:mod:`delay_kernel`), for
heads and rigid arrays eight taps times an impulse response. The taps are added to the flat memory of ``rows``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import add_scaled, compiled
from auris.acoustics.delay_kernel import TapPolynomials, fill_taps
from auris.acoustics.image_blocks import BLOCK, TOUCHING, Block, PathArrays, new_block, new_lattice, next_images, weigh_images
from auris.acoustics.octahedral import nearest_node
from auris.acoustics.paths import NEAREST
from auris.acoustics.spherical_harmonics import HarmonicTables, fill_harmonics
from auris.dsp.delay_line import TAPS

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]


class Timing(NamedTuple):
    """Samples per second, samples added to every delay, whether the direct sound belongs (1) or not (0), delay taps."""

    sample_rate: float
    lead: float
    direct: int
    polynomials: TapPolynomials


class DirectionTable(NamedTuple):
    """Impulse responses ``(nodes, M, N)`` on an octahedral grid of ``cells``."""

    filters: Singles
    cells: int


class Arrivals(NamedTuple):
    """Of each image of a block: whole samples of delay, the phase ``2 fraction - 1``, the eight taps."""

    whole: Whole
    phase: Singles
    taps: Singles


@compiled
def _new_arrivals() -> Arrivals:
    return Arrivals(np.empty(BLOCK, np.int64), np.empty(BLOCK, np.float32), np.empty((BLOCK, TAPS), np.float32))


@compiled
def _time_arrivals(count: int, distance: Floats, speed: float, timing: Timing, arrivals: Arrivals) -> None:
    """Turn distances into delays and their taps."""
    rate = timing.sample_rate / speed
    for i in range(count):
        delay = distance[i] * rate + timing.lead
        arrivals.whole[i] = int(delay)
        arrivals.phase[i] = 2.0 * (delay - arrivals.whole[i]) - 1.0
    fill_taps(count, arrivals.phase, timing.polynomials, arrivals.taps)


@compiled
def _turn_to_head(count: int, rotation: Floats, block: Block, vector: Floats) -> None:
    """Write image positions ``vector[axis, i]`` in the frame of the head; what is at its very place is straight ahead."""
    for axis in range(3):
        along_x, along_y, along_z = rotation[0, axis], rotation[1, axis], rotation[2, axis]
        for i in range(count):
            vector[axis, i] = along_x * block.x[i] + along_y * block.y[i] + along_z * block.z[i]
    for i in range(count):
        if block.distance[i] <= TOUCHING:
            vector[0, i], vector[1, i], vector[2, i] = TOUCHING, 0.0, 0.0


@compiled
def scatter_ambisonics(paths: PathArrays, chosen: Whole, timing: Timing, tables: HarmonicTables, rows: Singles) -> None:
    """Add the images of the ``chosen`` paths to ``rows`` ``(chosen, C B, stride)``."""
    channels, bands, stride = tables.diagonal.shape[0] ** 2, paths.air.shape[1], rows.shape[2]
    block, arrivals = new_block(), _new_arrivals()
    vector, harmonics = np.empty((3, BLOCK)), np.empty((channels, BLOCK), np.float32)
    for k in range(chosen.shape[0]):
        p = chosen[k]
        lattice, cursor = new_lattice(paths, p), np.zeros(3, np.int64)
        while True:
            count = next_images(cursor, lattice, paths.reach[p], timing.direct, block)
            if count == 0:
                break
            weigh_images(count, paths, p, lattice, block)
            _turn_to_head(count, paths.rotation[p], block, vector)
            for axis in range(3):
                for i in range(count):
                    vector[axis, i] /= block.distance[i]
            fill_harmonics(count, vector, tables, harmonics)
            _time_arrivals(count, block.distance, paths.speed[paths.room[p]], timing, arrivals)
            for i in range(count):
                at = k * rows.shape[1] * stride + arrivals.whole[i]
                inverse = np.float32(1.0 / max(block.distance[i], NEAREST))
                for c in range(channels):
                    gain = harmonics[c, i] * inverse
                    for b in range(bands):
                        add_scaled(rows, at, arrivals.taps, i * TAPS, gain * block.weight[i, b])
                        at += stride


@compiled
def scatter_open_array(paths: PathArrays, chosen: Whole, timing: Timing, positions: Floats, rows: Singles) -> None:
    """Add the images of the ``chosen`` paths to ``rows`` ``(chosen, M B, stride)``; exact distance per microphone."""
    bands, stride = paths.air.shape[1], rows.shape[2]
    block, arrivals = new_block(), _new_arrivals()
    vector, distance = np.empty((3, BLOCK)), np.empty(BLOCK)
    for k in range(chosen.shape[0]):
        p = chosen[k]
        lattice, cursor = new_lattice(paths, p), np.zeros(3, np.int64)
        while True:
            count = next_images(cursor, lattice, paths.reach[p], timing.direct, block)
            if count == 0:
                break
            weigh_images(count, paths, p, lattice, block)
            _turn_to_head(count, paths.rotation[p], block, vector)
            for c in range(positions.shape[0]):
                for i in range(count):
                    dx, dy, dz = vector[0, i] - positions[c, 0], vector[1, i] - positions[c, 1], vector[2, i] - positions[c, 2]
                    distance[i] = math.sqrt(dx * dx + dy * dy + dz * dz)
                _time_arrivals(count, distance, paths.speed[paths.room[p]], timing, arrivals)
                for i in range(count):
                    at = (k * rows.shape[1] + c * bands) * stride + arrivals.whole[i]
                    inverse = np.float32(1.0 / max(distance[i], NEAREST))
                    for b in range(bands):
                        add_scaled(rows, at, arrivals.taps, i * TAPS, inverse * block.weight[i, b])
                        at += stride


@compiled
def scatter_directional(paths: PathArrays, chosen: Whole, timing: Timing, table: DirectionTable, rows: Singles) -> None:
    """Add the images of the ``chosen`` paths to ``rows`` ``(chosen, M B, stride)`` by the nearest response of the table."""
    bands, capsules, length = paths.air.shape[1], table.filters.shape[1], table.filters.shape[2] + TAPS
    block, arrivals = new_block(), _new_arrivals()
    vector, delayed = np.empty((3, BLOCK)), np.empty(length, np.float32)
    for k in range(chosen.shape[0]):
        p = chosen[k]
        lattice, cursor = new_lattice(paths, p), np.zeros(3, np.int64)
        while True:
            count = next_images(cursor, lattice, paths.reach[p], timing.direct, block)
            if count == 0:
                break
            weigh_images(count, paths, p, lattice, block)
            _turn_to_head(count, paths.rotation[p], block, vector)
            _time_arrivals(count, block.distance, paths.speed[paths.room[p]], timing, arrivals)
            for i in range(count):
                node = nearest_node(vector[0, i], vector[1, i], vector[2, i], table.cells)
                start, inverse = arrivals.whole[i], np.float32(1.0 / max(block.distance[i], NEAREST))
                for c in range(capsules):
                    _delay_response(table.filters[node, c], arrivals.taps[i], delayed)
                    for b in range(bands):
                        row = rows[k, c * bands + b, start : start + length]
                        gain = inverse * block.weight[i, b]
                        for n in range(row.shape[0]):
                            row[n] += gain * delayed[n]


@compiled
def _delay_response(response: Singles, taps: Singles, delayed: Singles) -> None:
    """Convolve a response with eight taps; ``delayed`` is one zero longer than need be."""
    length = response.shape[0]
    for n in range(delayed.shape[0]):
        delayed[n] = 0.0
    for j in range(TAPS):
        gain, shifted = taps[j], delayed[j : j + length]
        for n in range(length):
            shifted[n] += gain * response[n]


@compiled
def combine_bands(spectra: Singles, weights: Singles, combined: Singles) -> None:
    """``combined[k, c] = sum over b of spectra[k, c B + b] * weights[b]``; spectra are viewed as pairs of reals."""
    bands, channels = weights.shape[0], combined.shape[1]
    for k in range(combined.shape[0]):
        for c in range(channels):
            total = combined[k, c]
            first = spectra[k, c * bands]
            for f in range(total.shape[0]):
                total[f] = first[f] * weights[0, f]
            for b in range(1, bands):
                part, weight = spectra[k, c * bands + b], weights[b]
                for f in range(total.shape[0]):
                    total[f] += part[f] * weight[f]
