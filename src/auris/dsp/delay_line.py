"""A delay line whose delay changes from sample to sample: exact Doppler shift for moving sound.

A sample between samples is a sum of eight neighbours, weighted by a Kaiser-Bessel kernel. The kernel's own frequency
response ``K`` is divided out beforehand by one short filter over the whole signal (the idea of a non-uniform FFT: Fessler
and Sutton 2003, doi:10.1109/TSP.2002.807005). Eight taps are then as accurate as a windowed sinc of eighty: an error below
-70 dB up to 0.8 of the Nyquist frequency. From 0.9 to 1.0 of it the response is faded out with a raised cosine.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import i0

from auris.dsp.convolution import convolve
from auris.errors import ParameterError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

TAPS = 8
SHAPE = 13.5  # Kaiser-Bessel parameter that balances pass-band and image errors for eight taps
DEGREE = 9  # of the polynomial that stands for each tap
EDGE = 0.9  # of the Nyquist frequency, where the fade to zero begins
PREFILTER_REACH = 384  # taps on either side of the prefilter's centre
BLOCK = 64  # samples handled together


def kernel(x: ArrayLike) -> Float64:
    """Return the Kaiser-Bessel kernel at ``x`` samples from its centre; zero beyond ``TAPS / 2``."""
    inside = 1 - (2 * np.asarray(x, dtype=float) / TAPS) ** 2
    return np.asarray(np.where(inside >= 0, i0(SHAPE * np.sqrt(np.maximum(inside, 0))) / i0(SHAPE), 0.0))


def kernel_response(frequency: ArrayLike) -> Float64:
    """Return the kernel's Fourier transform at ``frequency`` in cycles per sample (0 to 0.5)."""
    root = np.sqrt((SHAPE**2 - (np.pi * TAPS * np.asarray(frequency, dtype=float)) ** 2).astype(complex))
    ratio = np.where(np.abs(root) > 1e-9, np.sinh(root) / np.where(np.abs(root) > 1e-9, root, 1), 1)
    return np.asarray(TAPS * ratio.real / i0(SHAPE))


def band_limit(frequency: ArrayLike) -> Float64:
    """Return the fade at the upper end of the band: 1 up to ``EDGE`` of the Nyquist frequency (0.5), 0 at it."""
    beyond = np.clip((np.asarray(frequency, dtype=float) / 0.5 - EDGE) / (1 - EDGE), 0, 1)
    return np.asarray(np.cos(0.5 * np.pi * beyond) ** 2)


@lru_cache(maxsize=1)
def tap_polynomials() -> Float32:
    """Return ``(TAPS, DEGREE + 1)`` coefficients, lowest power first, of each tap in ``q = 2 * fraction - 1``."""
    nodes = np.cos(np.pi * (np.arange(64) + 0.5) / 64)
    offsets = np.arange(TAPS) - (TAPS // 2 - 1)
    fits = [np.polynomial.chebyshev.Chebyshev.fit(nodes, kernel(j - (nodes + 1) / 2), DEGREE, domain=[-1, 1]) for j in offsets]
    return np.stack([f.convert(kind=np.polynomial.Polynomial, domain=[-1, 1]).coef for f in fits]).astype(np.float32)


@lru_cache(maxsize=1)
def _prefilter() -> Float32:
    """Zero-phase filter ``band_limit / kernel_response`` with ``2 * PREFILTER_REACH + 1`` taps."""
    size = 16 * PREFILTER_REACH
    frequency = np.fft.rfftfreq(size)
    impulse = np.fft.irfft(band_limit(frequency) / kernel_response(np.minimum(frequency, 0.4999)), n=size)
    centred = np.roll(impulse, PREFILTER_REACH)[: 2 * PREFILTER_REACH + 1]
    return (centred * np.kaiser(centred.size, 1.5)).astype(np.float32)


def read_delayed(signal: ArrayLike, delays: ArrayLike, gains: ArrayLike, *, spacing: int, length: int) -> Float32:
    """Play a signal through delays and gains that change smoothly.

    ``out[c, t] = gain[c](t) * signal(t - delay[c](t))``, with delays and gains linear between control points. The signal is
    zero before its beginning and after its end.

    Args:
        signal: ``(N,)``.
        delays: samples, ``(C, K)``, or ``(1, K)`` for one delay that all channels share; at least 0. Control point ``k``
            stands at output sample ``k * spacing``; the last one holds on.
        gains: ``(C, K)``.
        spacing: samples between control points.
        length: samples to return.

    Returns:
        float32 ``(C, length)``.

    Raises:
        ParameterError: shapes that do not fit together, or a negative or infinite delay.
    """
    x = np.ascontiguousarray(signal, dtype=np.float32)
    delay = np.ascontiguousarray(delays, dtype=np.float64)
    gain = np.ascontiguousarray(gains, dtype=np.float32)
    shapes_fit = x.ndim == 1 and delay.ndim == 2 and gain.ndim == 2 and delay.shape[1] == gain.shape[1] > 0
    if not shapes_fit or delay.shape[0] not in (1, gain.shape[0]):
        raise ParameterError(
            f"a delay line needs a signal (N,), delays (C, K) or (1, K) and gains (C, K); "
            f"got {x.shape}, {delay.shape}, {gain.shape}"
        )
    if not np.all(np.isfinite(delay)) or delay.min() < 0:
        raise ParameterError(f"delays must be finite and at least 0 samples, got {float(np.min(delay)):g} as the smallest")
    if spacing < 1 or length < 0:
        raise ParameterError(f"spacing must be at least 1 and length at least 0, got {spacing} and {length}")
    out = np.zeros((gain.shape[0], length), np.float32)
    if x.size == 0 or length == 0:
        return out
    line = convolve(x[None], _prefilter()[None, None])[0, 0]
    for path in range(delay.shape[0]):
        rows = slice(path, path + 1) if delay.shape[0] > 1 else slice(None)
        _read(line, PREFILTER_REACH, delay[path], gain[rows], spacing, tap_polynomials(), out[rows])
    return out


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _read(  # noqa: PLR0917 - compiled functions take no keywords
    line: Float32, lead: int, delay: Float64, gain: Float32, spacing: int, polynomials: Float32, out: Float32
) -> None:  # pragma: no cover - compiled
    """Add the delayed line to ``out``; ``line[lead]`` is the signal's first sample."""
    length, samples, taps = out.shape[1], line.size, polynomials.shape[0]
    place, point = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    share, q = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    weight, value = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for first in range(0, length, BLOCK):
        count = min(BLOCK, length - first)
        _locate(first, lead - (taps // 2 - 1), delay, spacing, point[:count], share, place, q)
        low, high = place[:count].min(), place[:count].max() + taps
        if high <= 0 or low >= samples:
            continue
        value[:] = 0
        for j in range(taps):
            _evaluate(polynomials[j], q, weight)
            if low >= 0 and high <= samples:
                for i in range(count):
                    value[i] += weight[i] * line[place[i] + j]
            else:
                for i in range(count):
                    if 0 <= place[i] + j < samples:
                        value[i] += weight[i] * line[place[i] + j]
        for channel in range(out.shape[0]):
            for i in range(count):
                k = point[i]
                g = gain[channel, k] + share[i] * (gain[channel, min(k + 1, gain.shape[1] - 1)] - gain[channel, k])
                out[channel, first + i] += g * value[i]


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _locate(  # noqa: PLR0917
    first: int,
    lead: int,
    delay: Float64,
    spacing: int,
    point: NDArray[np.int64],
    share: Float32,
    place: NDArray[np.int64],
    q: Float32,
) -> None:  # pragma: no cover - compiled
    """Find for each sample its control point, the way to the next (0..1), its first tap, and ``q`` of the polynomials."""
    last = delay.size - 1
    for i in range(point.size):
        k = min((first + i) // spacing, last)
        point[i] = k
        ahead = np.float64(first + i - k * spacing) / spacing
        share[i] = ahead
        position = lead + first + i - (delay[k] + ahead * (delay[min(k + 1, last)] - delay[k]))
        whole = math.floor(position)
        place[i] = whole
        q[i] = 2 * (position - whole) - 1


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _evaluate(polynomial: Float32, q: Float32, weight: Float32) -> None:  # pragma: no cover - compiled
    """Horner's rule over a block."""
    weight[:] = polynomial[-1]
    for term in range(polynomial.size - 2, -1, -1):
        coefficient = polynomial[term]
        for i in range(weight.size):
            weight[i] = weight[i] * q[i] + coefficient
