"""Head-related transfer functions: the type, its makers, and the cues a listener reads from it.

:class:`DirectionalResponses` holds a set; :func:`structural_head` and :func:`rigid_sphere` compute one,
:func:`auris.io.sofa.read_hrtf` reads a measured one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from auris.dsp.directional_responses import DirectionalResponses, arrival_delays
from auris.dsp.head_model import structural_head
from auris.dsp.rigid_sphere import rigid_sphere
from auris.dsp.sphere_sampling import as_unit_vectors, fibonacci_grid, quadrature_weights, ring_grid
from auris.errors import ParameterError
from auris.geometry.directions import Floats

__all__ = [
    "DirectionalResponses",
    "arrival_delays",
    "estimate_latency",
    "fibonacci_grid",
    "ild",
    "itd",
    "left_right_difference_db",
    "mirrored",
    "quadrature_weights",
    "rigid_sphere",
    "ring_grid",
    "structural_head",
]

_MIRROR = np.array([1.0, -1.0, 1.0])
_OVERSAMPLING = 16


def itd(responses: DirectionalResponses, vectors: ArrayLike, *, band: tuple[float, float] = (0.0, 1500.0)) -> Floats:
    """Return interaural time differences ``(...)`` in seconds for directions ``(..., 3)``; positive when the left ear leads.

    The lag of the greatest cross-correlation of the two ears within ``band`` (hertz).
    """
    spectrum, frequencies, shape = _ear_spectra(responses, vectors)
    cross = spectrum[:, 1] * spectrum[:, 0].conj() * _in_band(frequencies, band)
    length = 2 * (spectrum.shape[-1] - 1) * _OVERSAMPLING
    correlation = fft.irfft(cross, length)
    reach = int(2e-3 * responses.sample_rate * _OVERSAMPLING)  # no head has more than 2 ms
    window = np.concatenate([correlation[:, -reach:], correlation[:, : reach + 1]], axis=1)
    peak = np.clip(np.argmax(window, axis=1), 1, 2 * reach - 1)
    before, top, after = (window[np.arange(len(window)), peak + step] for step in (-1, 0, 1))
    bend = np.minimum(before - 2 * top + after, -1e-30)
    lag = peak - reach + 0.5 * (before - after) / bend
    return np.asarray(lag / (_OVERSAMPLING * responses.sample_rate)).reshape(shape)


def ild(responses: DirectionalResponses, vectors: ArrayLike, *, band: tuple[float, float] = (0.0, np.inf)) -> Floats:
    """Return interaural level differences ``(...)`` in decibels for directions ``(..., 3)``; positive: left ear louder.

    The ratio of the two ears' energies within ``band`` (hertz).
    """
    spectrum, frequencies, shape = _ear_spectra(responses, vectors)
    energy = np.sum(np.abs(spectrum) ** 2 * _in_band(frequencies, band), axis=-1)
    level = 10.0 * np.log10(np.maximum(energy, 1e-30))
    return np.asarray(level[:, 0] - level[:, 1]).reshape(shape)


def mirrored(responses: DirectionalResponses) -> DirectionalResponses:
    """Return the head seen in a mirror: left and right ears and sides exchanged."""
    _require_ears(responses)
    return replace(
        responses,
        directions=responses.directions * _MIRROR,
        filters=responses.filters[:, ::-1],
        name=f"{responses.name} (mirrored)",
    )


def left_right_difference_db(responses: DirectionalResponses) -> float:
    """Return how far a head is from its own mirror image: energy of the difference over that of the set, in decibels.

    Below -60 dB for a set that is symmetric by construction, around -10 dB for a measured head, near 0 dB for a set with
    a broken ear. Exchanged ears do not show here, but in the sign of :func:`itd`.
    """
    _require_ears(responses)
    image = responses.interpolated(responses.directions * _MIRROR)[:, ::-1]
    difference = np.sum(np.square(responses.filters - image, dtype=np.float64))
    return float(10.0 * np.log10(max(difference / np.sum(np.square(responses.filters, dtype=np.float64)), 1e-20)))


def estimate_latency(directions: ArrayLike, delays: ArrayLike) -> float:
    """Estimate the arrival time in samples of a wave at the head's centre, for sets that do not state it.

    Args:
        directions: ``(D, 3)``.
        delays: ``(D, M)`` arrival times in samples, see :func:`arrival_delays`.

    Two ears: the median of the mean arrival time of both ears over directions within 15 degrees of the median plane,
    where the ears lie beside the centre as the wave sees it (all directions when there are none). Other arrays: the
    mean arrival time over all capsules and the whole sphere, which is the centre for capsules spread around it.
    """
    unit = as_unit_vectors(directions)
    arrivals = np.asarray(delays, dtype=float)
    mean_arrival = arrivals.mean(axis=1)
    if arrivals.shape[1] == 2:
        middle = np.abs(unit[:, 1]) <= np.sin(np.radians(15.0))
        estimate = float(np.median(mean_arrival[middle] if middle.any() else mean_arrival))
    else:
        estimate = float(np.sum(quadrature_weights(unit) * mean_arrival))
    return max(estimate, 0.0)


def _ear_spectra(responses: DirectionalResponses, vectors: ArrayLike) -> tuple[NDArray[np.complex128], Floats, tuple[int, ...]]:
    _require_ears(responses)
    filters = responses.interpolated(vectors)
    n_fft = fft.next_fast_len(4 * responses.taps, real=True)
    n_fft += n_fft % 2
    spectrum = fft.rfft(filters.reshape(-1, 2, responses.taps).astype(np.float64), n_fft)
    return spectrum, np.asarray(fft.rfftfreq(n_fft, 1.0 / responses.sample_rate)), filters.shape[:-2]


def _in_band(frequencies: Floats, band: tuple[float, float]) -> NDArray[np.bool_]:
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    if not inside.any():
        raise ParameterError(f"the band {band[0]:g} to {band[1]:g} Hz holds no frequency below {frequencies[-1]:g} Hz")
    return np.asarray(inside)


def _require_ears(responses: DirectionalResponses) -> None:
    if responses.channels != 2:
        raise ParameterError(f"this needs two ears, but {responses.name!r} has {responses.channels} capsules")
