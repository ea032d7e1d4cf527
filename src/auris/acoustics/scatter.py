"""Compiled loops that write image sources into the band signals of each kind of receiver.

Row ``c B + b`` of ``rows`` holds band ``b`` of channel ``c``. Every arrival becomes eight taps (:mod:`delay_kernel`), for
heads and rigid arrays eight taps times an impulse response. Rows are ``stride`` samples apart and addressed as flat memory.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import add_scaled, compiled
from auris.acoustics.delay_kernel import TAPS, fill_taps
from auris.acoustics.image_blocks import BLOCK, NEAREST, PathArrays, new_block, new_lattice, next_images, weigh_images
from auris.acoustics.octahedral import nearest_node

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]


class TapTables(NamedTuple):
    """Even and odd halves of the kernel's polynomials."""

    even: Singles
    odd: Singles


class HarmonicTables(NamedTuple):
    """Recurrence of the SN3D harmonics: ``Q[m, m] = diagonal[m]``, ``Q[n, m] = up[n, m] z Q[n-1, m] - back[n, m] Q[n-2, m]``."""

    diagonal: Floats
    up: Floats
    back: Floats


class DirectionTable(NamedTuple):
    """Impulse responses ``(nodes, M, N)`` on an octahedral grid of ``cells``; ``lead`` samples are added to every delay."""

    filters: Singles
    cells: int
    lead: float


def harmonic_tables(order: int) -> HarmonicTables:
    """Return the recurrence coefficients of the real SN3D harmonics up to ``order``."""
    size = order + 1
    norm = np.zeros((size, size))
    for n in range(size):
        for m in range(n + 1):
            norm[n, m] = math.sqrt((2.0 - (m == 0)) * math.factorial(n - m) / math.factorial(n + m))
    diagonal = np.array([norm[m, m] * math.prod(range(2 * m - 1, 0, -2)) for m in range(size)])
    up, back = np.zeros((size, size)), np.zeros((size, size))
    for m in range(size):
        for n in range(m + 1, size):
            up[n, m] = (2 * n - 1) / (n - m) * norm[n, m] / norm[n - 1, m]
            if n > m + 1:
                back[n, m] = (n + m - 1) / (n - m) * norm[n, m] / norm[n - 2, m]
    return HarmonicTables(diagonal, up, back)


@compiled
def fill_harmonics(count: int, x: Floats, y: Floats, z: Floats, tables: HarmonicTables, harmonics: Singles) -> None:
    """Write the real spherical harmonics (ACN, SN3D) of ``count`` unit vectors to ``harmonics[channel, i]``."""
    size = tables.diagonal.shape[0]
    cosine, sine = np.ones(count), np.zeros(count)  # real and imaginary part of (x + i y)**m
    two_below, below = np.empty(count), np.empty(count)
    for m in range(size):
        for i in range(count):
            below[i] = tables.diagonal[m]
            two_below[i] = 0.0
        for n in range(m, size):
            if n > m:
                up, back = tables.up[n, m], tables.back[n, m]
                for i in range(count):
                    now = up * z[i] * below[i] - back * two_below[i]
                    two_below[i] = below[i]
                    below[i] = now
            centre = n * n + n
            for i in range(count):
                harmonics[centre + m, i] = below[i] * cosine[i]
            if m > 0:
                for i in range(count):
                    harmonics[centre - m, i] = below[i] * sine[i]
        for i in range(count):
            real = cosine[i] * x[i] - sine[i] * y[i]
            sine[i] = sine[i] * x[i] + cosine[i] * y[i]
            cosine[i] = real


@compiled
def _turn_to_head(count: int, rotation: Floats, block, x: Floats, y: Floats, z: Floats) -> None:  # type: ignore[no-untyped-def]
    """Write image positions in the frame of the listener's head."""
    for i in range(count):
        a, b, c = block.x[i], block.y[i], block.z[i]
        x[i] = rotation[0, 0] * a + rotation[1, 0] * b + rotation[2, 0] * c
        y[i] = rotation[0, 1] * a + rotation[1, 1] * b + rotation[2, 1] * c
        z[i] = rotation[0, 2] * a + rotation[1, 2] * b + rotation[2, 2] * c


@compiled
def _split_delay(count: int, distance: Floats, rate: float, lead: float, whole: Whole, phase: Singles) -> None:
    """Split the delay ``distance * rate + lead`` into whole samples and the phase ``2 fraction - 1``."""
    for i in range(count):
        delay = distance[i] * rate + lead
        whole[i] = int(delay)
        phase[i] = 2.0 * (delay - whole[i]) - 1.0


@compiled
def scatter_ambisonics(
    paths: PathArrays,
    chosen: Whole,
    sample_rate: float,
    direct: int,
    taps: TapTables,
    tables: HarmonicTables,
    rows: Singles,
) -> None:
    """Add the images of the ``chosen`` paths to ``rows`` ``(chosen, C B, stride)``."""
    channels, bands, stride = tables.diagonal.shape[0] ** 2, paths.air.shape[1], rows.shape[2]
    block = new_block()
    x, y, z = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    whole, phase = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.float32)
    kernel, harmonics = np.empty((BLOCK, TAPS), np.float32), np.empty((channels, BLOCK), np.float32)
    for k in range(chosen.shape[0]):
        p = chosen[k]
        lattice, cursor = new_lattice(paths, p), np.zeros(3, np.int64)
        while True:
            count = next_images(cursor, lattice, paths.reach[p], direct, block)
            if count == 0:
                break
            weigh_images(count, paths, p, lattice, block)
            _turn_to_head(count, paths.rotation[p], block, x, y, z)
            for i in range(count):
                inverse = 1.0 / block.distance[i]
                x[i] *= inverse
                y[i] *= inverse
                z[i] *= inverse
            fill_harmonics(count, x, y, z, tables, harmonics)
            _split_delay(count, block.distance, sample_rate / paths.speed[paths.room[p]], 0.0, whole, phase)
            fill_taps(count, phase, taps.even, taps.odd, kernel)
            for i in range(count):
                at = k * rows.shape[1] * stride + whole[i]
                inverse = np.float32(1.0 / block.distance[i])
                for c in range(channels):
                    gain = harmonics[c, i] * inverse
                    for b in range(bands):
                        add_scaled(rows, at, kernel, i * TAPS, gain * block.weight[i, b])
                        at += stride


@compiled
def scatter_open_array(
    paths: PathArrays,
    chosen: Whole,
    sample_rate: float,
    direct: int,
    taps: TapTables,
    positions: Floats,
    rows: Singles,
) -> None:
    """Add the images of the ``chosen`` paths to ``rows`` ``(chosen, M B, stride)``; exact distance per microphone."""
    bands, stride = paths.air.shape[1], rows.shape[2]
    block = new_block()
    x, y, z, distance = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    whole, phase = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.float32)
    kernel = np.empty((BLOCK, TAPS), np.float32)
    for k in range(chosen.shape[0]):
        p = chosen[k]
        lattice, cursor = new_lattice(paths, p), np.zeros(3, np.int64)
        while True:
            count = next_images(cursor, lattice, paths.reach[p], direct, block)
            if count == 0:
                break
            weigh_images(count, paths, p, lattice, block)
            _turn_to_head(count, paths.rotation[p], block, x, y, z)
            for c in range(positions.shape[0]):
                mx, my, mz = positions[c, 0], positions[c, 1], positions[c, 2]
                for i in range(count):
                    dx, dy, dz = x[i] - mx, y[i] - my, z[i] - mz
                    distance[i] = max(math.sqrt(dx * dx + dy * dy + dz * dz), NEAREST)
                _split_delay(count, distance, sample_rate / paths.speed[paths.room[p]], 0.0, whole, phase)
                fill_taps(count, phase, taps.even, taps.odd, kernel)
                for i in range(count):
                    at = (k * rows.shape[1] + c * bands) * stride + whole[i]
                    inverse = np.float32(1.0 / distance[i])
                    for b in range(bands):
                        add_scaled(rows, at, kernel, i * TAPS, inverse * block.weight[i, b])
                        at += stride


@compiled
def scatter_directional(
    paths: PathArrays,
    chosen: Whole,
    sample_rate: float,
    direct: int,
    taps: TapTables,
    table: DirectionTable,
    rows: Singles,
) -> None:
    """Add the images of the ``chosen`` paths to ``rows`` ``(chosen, M B, stride)`` by the nearest response of the table."""
    bands, stride = paths.air.shape[1], rows.shape[2]
    capsules, length = table.filters.shape[1], table.filters.shape[2]
    block = new_block()
    x, y, z = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    whole, phase = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.float32)
    kernel = np.empty((BLOCK, TAPS), np.float32)
    delayed = np.empty(length + TAPS, np.float32)
    for k in range(chosen.shape[0]):
        p = chosen[k]
        lattice, cursor = new_lattice(paths, p), np.zeros(3, np.int64)
        while True:
            count = next_images(cursor, lattice, paths.reach[p], direct, block)
            if count == 0:
                break
            weigh_images(count, paths, p, lattice, block)
            _turn_to_head(count, paths.rotation[p], block, x, y, z)
            _split_delay(count, block.distance, sample_rate / paths.speed[paths.room[p]], table.lead, whole, phase)
            fill_taps(count, phase, taps.even, taps.odd, kernel)
            for i in range(count):
                node = nearest_node(x[i], y[i], z[i], table.cells)
                inverse = np.float32(1.0 / block.distance[i])
                for c in range(capsules):
                    _convolve_taps(table.filters[node, c], kernel[i], delayed)
                    for b in range(bands):
                        start = whole[i]
                        row = rows[k, c * bands + b, start : start + length + TAPS]
                        gain = inverse * block.weight[i, b]
                        for n in range(row.shape[0]):
                            row[n] += gain * delayed[n]


@compiled
def _convolve_taps(response: Singles, kernel: Singles, delayed: Singles) -> None:
    """``delayed = kernel * response``, one zero longer than need be."""
    length = response.shape[0]
    for n in range(length + TAPS):
        delayed[n] = 0.0
    for j in range(TAPS):
        gain = kernel[j]
        shifted = delayed[j : j + length]
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
