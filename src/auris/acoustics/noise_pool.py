"""Long stretches of octave-band noise with the coherence of a diffuse field, from which late tails are cut.

Ambisonic channels are uncorrelated in a diffuse field, so up to four of them share a row of independent noise and read it in
places far from each other. Microphones and ears are not: their pool has one row per channel, coloured by the square root of
the diffuse field's covariance.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.bands import octave_centres, power_partition
from auris.acoustics.diffuse_field import diffuse_covariance, hermitian_root
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, Receiver
from auris.seeding import generator

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Complex = NDArray[np.complex128]

OVERLAP = 256  # samples repeated at the end, so that a short block can be read anywhere
_COVARIANCE_LENGTH = 1024  # shortest FFT on which the covariance is known
_SECONDS = 5.0
_MOST_SAMPLES = 1 << 20  # over all rows of a pool
_MOST_AMBISONIC_SAMPLES = 1 << 21  # seventh order at 24 kHz: 16 rows of five seconds, 70 MB
_READERS = 4  # ambisonic channels per row; they stand a quarter of it apart, which is longer than what is heard of a tail


def noise_pool(receiver: Receiver, sample_rate: int, *, noise_seed: int = 0) -> Singles:
    """Return the pool ``(rows, B, N + OVERLAP)``, periodic with ``N`` and kept for reuse.

    There is one row per channel, for ambisonics one per four channels, and the rows of a lower order are the first ones of a
    higher order. A row's bands add to noise whose power is the mean power response of its channel over all directions (1 for
    an omnidirectional microphone, and for ambisonics).
    """
    return _pool(receiver, sample_rate, noise_seed)


@lru_cache(maxsize=8)
def _pool(receiver: Receiver, sample_rate: int, noise_seed: int) -> Singles:
    rows, most = receiver.channels, _MOST_SAMPLES
    if isinstance(receiver, AmbisonicReceiver):
        rows, most = -(-receiver.channels // _READERS), _MOST_AMBISONIC_SAMPLES
    length = 1 << int(np.ceil(np.log2(_SECONDS * sample_rate)))
    while length * rows > most and length > 1 << 14:
        length //= 2
    spectrum = np.fft.rfft(generator(noise_seed, "diffuse noise").standard_normal((rows, length)))
    if not isinstance(receiver, AmbisonicReceiver):
        taps = receiver.responses.taps if isinstance(receiver, DirectionalReceiver) else 0
        size = max(_COVARIANCE_LENGTH, taps + taps % 2)
        spectrum = _coloured(spectrum, hermitian_root(diffuse_covariance(receiver, size, sample_rate)))
    weights = power_partition(np.fft.rfftfreq(length, 1.0 / sample_rate), octave_centres(sample_rate))
    pool = np.empty((rows, len(weights), length + OVERLAP), dtype=np.float32)
    for band, weight in enumerate(weights):
        pool[:, band, :length] = np.fft.irfft(spectrum * weight, n=length)
    pool[:, :, length:] = pool[:, :, :OVERLAP]
    pool.setflags(write=False)
    return pool


def _coloured(spectrum: Complex, root: Complex) -> Complex:
    """Mix independent spectra ``(M, F')`` by matrices ``(F, M, M)`` on a coarser grid of frequencies, interpolated."""
    bins = spectrum.shape[1]
    coloured = np.empty_like(spectrum)
    for start in range(0, bins, 4096):
        place = np.arange(start, min(start + 4096, bins)) * ((len(root) - 1) / (bins - 1))
        lower = np.minimum(place.astype(int), len(root) - 2)
        part = (place - lower)[:, None, None]
        mixing = root[lower] * (1.0 - part) + root[lower + 1] * part
        coloured[:, start : start + len(place)] = np.einsum("fmk,kf->mf", mixing, spectrum[:, start : start + len(place)])
    return coloured
