"""From ambisonics to two ears: least squares, and least squares of magnitudes at high frequencies (MagLS).

Low orders cannot follow the phase of a head above about 600 Hz times the order. MagLS (Schörkhuber, Zaunschirm and
Höldrich, DAGA 2018) keeps the complex response below and only its magnitude above, which preserves level differences and
timbre. For renderings where accuracy counts, render binaurally from the scene instead (:mod:`auris.acoustics`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from auris.audio import Audio
from auris.channels import binaural
from auris.dsp.ambisonics import order_of, spherical_harmonics
from auris.dsp.convolution import convolve_sum
from auris.dsp.directional_responses import DirectionalResponses
from auris.errors import LayoutError, ParameterError
from auris.geometry.directions import Floats

MAGNITUDE_FROM = 600.0  # hertz per order: above, the phase gives way to the magnitude
_LARGEST_CONDITION = 1e3  # of the harmonics on the grid of directions; beyond, the grid does not resolve the order
_SLOPE_BINS = 5  # bins that give the group delay continued above the transition
_SLOPE_DISTANCE = 6  # where they begin, in bins below the transition


@dataclass(frozen=True, eq=False)
class BinauralDecoder:
    """Filters that turn ambisonics into two ears.

    Attributes:
        filters: float32 ``(2, C, N)``, left then right ear, channels ACN/SN3D.
        sample_rate: samples per second.
        latency: samples by which the filters delay a wave at the head's centre; :meth:`decode` takes it off again.
        name: method and head.
    """

    filters: NDArray[np.float32]
    sample_rate: int
    latency: float
    name: str

    def __post_init__(self) -> None:
        if self.filters.ndim != 3 or self.filters.shape[0] != 2 or not np.all(np.isfinite(self.filters)):
            raise ParameterError(f"decoder filters must be finite and have shape (2, C, N), got {self.filters.shape}")
        order_of(self.filters.shape[1])

    @property
    def order(self) -> int:
        """Ambisonic order."""
        return order_of(self.filters.shape[1])

    def decode(self, audio: Audio) -> Audio:
        """Return binaural audio of the same length, aligned with the input to the nearest sample.

        Audio of a higher order is cut to the decoder's.

        Raises:
            LayoutError: the audio is not ambisonic or of a lower order than the decoder.
            ParameterError: the sample rates differ.
        """
        audio.require("ambisonics", what="binaural decoding")
        if audio.channels < self.filters.shape[1]:
            raise LayoutError(f"this decoder needs ambisonics of order {self.order} or more, the audio is {audio.layout.name}")
        if audio.sample_rate != self.sample_rate:
            raise ParameterError(
                f"the audio has {audio.sample_rate} Hz, the decoder {self.sample_rate} Hz; resample the responses "
                "(DirectionalResponses.resampled) before making the decoder"
            )
        delay = round(self.latency)
        responses = self.filters.transpose(1, 0, 2)
        ears = convolve_sum(audio.samples[: len(responses)], responses, length=audio.length + delay)
        return Audio(ears[:, delay:], audio.sample_rate, binaural())


def least_squares_decoder(responses: DirectionalResponses, order: int, *, weights: ArrayLike | None = None) -> BinauralDecoder:
    """Return the decoder whose plane waves differ least from the head's responses over all directions.

    Args:
        responses: a head (two ears).
        order: ambisonic order.
        weights: ``(D,)`` weight of each direction; by default the share of the sphere it stands for.

    Raises:
        ParameterError: the set is not a head, or its directions do not resolve the order.
    """
    _, projection = _projection(responses, order, weights)
    filters = np.einsum("cd,den->ecn", projection, responses.filters).astype(np.float32)
    name = f"least squares, order {order}, {responses.name}"
    return BinauralDecoder(filters, responses.sample_rate, responses.latency, name)


def magnitude_least_squares_decoder(
    responses: DirectionalResponses, order: int, *, transition: float | None = None, weights: ArrayLike | None = None
) -> BinauralDecoder:
    """Return the MagLS decoder: complex least squares below ``transition``, magnitudes only above.

    Above, each bin's target has the head's magnitude and the phase of the previous bin's result, advanced by the group
    delay that the pressure channel has just below the transition. Where a low order reproduces almost nothing, that
    phase is undetermined and rounding decides it; magnitudes are not affected.

    Args:
        responses: a head (two ears).
        order: ambisonic order, at least 1.
        transition: hertz; 600 times the order by default.
        weights: as in :func:`least_squares_decoder`.

    Raises:
        ParameterError: as :func:`least_squares_decoder`, or a transition outside the usable band.
    """
    if order < 1:
        raise ParameterError(f"magnitude least squares needs an order of at least 1, got {order!r}")
    transition = MAGNITUDE_FROM * order if transition is None else transition
    nyquist = responses.sample_rate / 2
    if not 50.0 <= transition < nyquist:
        raise ParameterError(f"the transition must be 50 Hz to the Nyquist frequency {nyquist:g} Hz, got {transition!r}")
    harmonics, projection = _projection(responses, order, weights)
    needed = max(1024, responses.taps, 2 * nyquist * (_SLOPE_DISTANCE + 1) / transition)
    n_fft = 1 << int(np.ceil(np.log2(needed)))
    targets = fft.rfft(responses.filters.transpose(1, 2, 0).astype(np.float64), n_fft, axis=1)  # (2, F, D)
    first = int(np.argmin(np.abs(fft.rfftfreq(n_fft, 1.0 / responses.sample_rate) - transition)))
    spectra = targets @ projection.T  # (2, F, C)
    pressure = np.unwrap(np.angle(spectra[..., 0]), axis=1)
    begin = first - _SLOPE_DISTANCE
    slope = np.diff(pressure[:, begin : begin + _SLOPE_BINS], axis=1).mean()
    for k in range(first, spectra.shape[1]):
        phase = np.angle(spectra[:, k - 1] @ harmonics.T) + slope
        spectra[:, k] = (np.abs(targets[:, k]) * np.exp(1j * phase)) @ projection.T
    filters = fft.irfft(spectra, n_fft, axis=1)[:, : responses.taps].transpose(0, 2, 1)
    name = f"magnitude least squares, order {order}, {responses.name}"
    return BinauralDecoder((filters * _fade(responses.taps)).astype(np.float32), responses.sample_rate, responses.latency, name)


def _projection(responses: DirectionalResponses, order: int, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    """Harmonics ``(D, C)`` of the directions, and their weighted pseudo-inverse ``(C, D)``."""
    if responses.channels != 2:
        raise ParameterError(f"a binaural decoder needs two ears, but {responses.name!r} has {responses.channels} capsules")
    harmonics = spherical_harmonics(responses.directions, order)
    share = np.asarray(responses.weights if weights is None else weights, dtype=float)
    if share.shape != (len(harmonics),) or not np.all(np.isfinite(share)) or np.any(share < 0):
        raise ParameterError(f"weights must be {len(harmonics)} finite numbers of at least 0, got shape {share.shape}")
    scale = np.sqrt(share)
    weighted = scale[:, None] * harmonics
    if len(harmonics) < harmonics.shape[1] or np.linalg.cond(weighted) > _LARGEST_CONDITION:
        raise ParameterError(
            f"the {len(harmonics)} directions of {responses.name!r} do not resolve ambisonic order {order}; use a lower "
            "order or a set that covers the sphere"
        )
    return harmonics, np.linalg.pinv(weighted) * scale


def _fade(taps: int) -> Floats:
    """Short fades that hide the wrap-around of the bin-wise design: four samples in, thirty-two out."""
    window = np.ones(taps)
    tail = min(32, taps // 4)
    window[:4] = np.hanning(8)[:4]
    window[taps - tail :] = np.hanning(2 * tail)[tail:]
    return window
