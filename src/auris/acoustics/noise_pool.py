"""Long stretches of octave-band noise with the coherence of a diffuse field, from which late tails are cut.

Ambisonic channels are uncorrelated in a diffuse field, so they share one pool and read it in different places. Microphones
and ears are not: their pool has one row per channel, coloured by the square root of the diffuse field's covariance.
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
_MOST_SAMPLES = 1 << 20  # over all channels of a pool


def diffuse_noise(receiver: Receiver, sample_rate: int, *, noise_seed: int = 0) -> Singles:
    """Return the pool ``(M, B, N + OVERLAP)``; ``M`` is 1 for ambisonics. It is periodic with ``N``, and kept for reuse.

    A channel's bands add to noise whose power is the mean power response of that channel over all directions (1 for an
    omnidirectional microphone).
    """
    same_for_every_order = AmbisonicReceiver(1) if isinstance(receiver, AmbisonicReceiver) else receiver
    return _pool(same_for_every_order, sample_rate, noise_seed)


@lru_cache(maxsize=8)
def _pool(receiver: Receiver, sample_rate: int, noise_seed: int) -> Singles:
    channels = 1 if isinstance(receiver, AmbisonicReceiver) else receiver.channels
    length = 1 << int(np.ceil(np.log2(_SECONDS * sample_rate)))
    while length * channels > _MOST_SAMPLES and length > 1 << 14:
        length //= 2
    spectrum = np.fft.rfft(generator(noise_seed, "diffuse noise").standard_normal((channels, length)))
    if not isinstance(receiver, AmbisonicReceiver):
        taps = receiver.responses.taps if isinstance(receiver, DirectionalReceiver) else 0
        size = max(_COVARIANCE_LENGTH, taps + taps % 2)
        spectrum = _coloured(spectrum, hermitian_root(diffuse_covariance(receiver, size, sample_rate)))
    weights = power_partition(np.fft.rfftfreq(length, 1.0 / sample_rate), octave_centres(sample_rate))
    pool = np.empty((channels, len(weights), length + OVERLAP), dtype=np.float32)
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
