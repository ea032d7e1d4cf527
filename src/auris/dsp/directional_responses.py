"""One measured or computed impulse response per direction and capsule: a head, or a rigid array."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.spatial import cKDTree

from auris.dsp.resampling import resample
from auris.dsp.sphere_sampling import Indices, SphereInterpolation, as_unit_vectors, quadrature_weights, ring_grid
from auris.errors import ParameterError
from auris.geometry.directions import Floats

_CHUNK = 512  # directions handled at once: bounds memory for sets of more than ten thousand directions
_DELAY_BAND = 0.75  # fraction of the Nyquist frequency that tells the arrival time
_RINGING = 128  # samples that a resampler's steep filter may ring
_LEAD = 24  # samples kept before the first arrival, room for the ringing of a band-limited onset


@dataclass(frozen=True, eq=False)
class DirectionalResponses:
    """Impulse responses of a head or a rigid array to plane waves from many directions.

    Attributes:
        directions: ``(D, 3)`` unit vectors in the listener's frame (x front, y left, z up), pointing to the source.
        filters: float32 ``(D, M, N)``, one impulse response per direction and capsule; ears are left, then right.
            A wave with amplitude 1 at the head's centre (without the head) gives the filters as they are.
        sample_rate: samples per second.
        latency: samples (may be fractional) at which a wave that passes the head's centre at time 0 would arrive there.
        name: where the responses come from.

    Raises:
        ParameterError: shapes do not fit, values are not finite, or the latency lies outside the filters.
    """

    directions: Floats
    filters: NDArray[np.float32]
    sample_rate: int
    latency: float
    name: str

    def __post_init__(self) -> None:
        directions = as_unit_vectors(self.directions)
        filters = np.asarray(self.filters)
        if directions.ndim != 2 or filters.ndim != 3 or len(directions) != len(filters) or not filters.size:
            raise ParameterError(
                f"responses need directions (D, 3) and filters (D, M, N), got {directions.shape} and {filters.shape}"
            )
        if filters.dtype.kind != "f" or not np.all(np.isfinite(filters)):
            raise ParameterError("response filters must be finite real numbers")
        if int(self.sample_rate) != self.sample_rate or self.sample_rate <= 0:
            raise ParameterError(f"sample rate must be a whole number of hertz, got {self.sample_rate!r}")
        if not 0.0 <= self.latency < filters.shape[2]:
            raise ParameterError(f"latency must lie inside the filters (0 to {filters.shape[2]} samples), got {self.latency!r}")
        for field, value in (("directions", directions), ("filters", np.ascontiguousarray(filters, dtype=np.float32))):
            view = value.view()
            view.flags.writeable = False
            object.__setattr__(self, field, view)
        object.__setattr__(self, "sample_rate", int(self.sample_rate))
        object.__setattr__(self, "latency", float(self.latency))

    @property
    def channels(self) -> int:
        """Number of capsules; 2 for a head."""
        return int(self.filters.shape[1])

    @property
    def taps(self) -> int:
        """Length of each impulse response in samples."""
        return int(self.filters.shape[2])

    @cached_property
    def weights(self) -> Floats:
        """Share ``(D,)`` of the sphere that each direction stands for (Voronoi areas, sum 1)."""
        return quadrature_weights(self.directions)

    @cached_property
    def delays(self) -> Floats:
        """Arrival time ``(D, M)`` of each response in samples: its delay against its own minimum-phase version."""
        return arrival_delays(self.filters)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.directions)

    @cached_property
    def _interpolation(self) -> SphereInterpolation:
        return SphereInterpolation.of(self.directions)

    def nearest(self, vectors: ArrayLike) -> Indices:
        """Return the index of the measured direction closest to each vector ``(..., 3)``."""
        return np.asarray(self._tree.query(as_unit_vectors(vectors))[1], dtype=np.intp)

    def interpolated(self, vectors: ArrayLike) -> NDArray[np.float32]:
        """Return the responses ``(..., M, N)`` at any directions ``(..., 3)``.

        The three responses around a direction are aligned in time, averaged with barycentric weights, and delayed by
        the equally weighted average of their arrival times: no comb filtering between neighbours, exact at measured
        directions, continuous between them.
        """
        unit = as_unit_vectors(vectors)
        flat = unit.reshape(-1, 3)
        out = np.empty((len(flat), self.channels, self.taps), dtype=np.float32)
        for start in range(0, len(flat), _CHUNK):
            out[start : start + _CHUNK] = self._interpolate(flat[start : start + _CHUNK])
        return out.reshape(*unit.shape[:-1], self.channels, self.taps)

    def _interpolate(self, vectors: Floats) -> NDArray[np.float32]:
        corners, weights = self._interpolation.weights(vectors)
        used, place = np.unique(corners, return_inverse=True)
        place = place.reshape(corners.shape)
        n_fft = fft.next_fast_len(2 * self.taps, real=True)
        turn = 2j * np.pi * np.arange(n_fft // 2 + 1) / n_fft
        delays = self.delays[used]
        aligned = fft.rfft(self.filters[used], n_fft) * np.exp(turn * delays[..., None]).astype(np.complex64)
        mean_delay = np.einsum("qk,qkm->qm", weights, delays[place])
        spectrum = np.zeros((len(vectors), self.channels, len(turn)), dtype=np.complex64)
        for k in range(corners.shape[1]):
            spectrum += weights[:, k, None, None].astype(np.float32) * aligned[place[:, k]]
        spectrum *= np.exp(-turn * mean_delay[..., None]).astype(np.complex64)
        return np.asarray(fft.irfft(spectrum, n_fft)[..., : self.taps], dtype=np.float32)

    def densified(self, spacing_deg: float = 2.5) -> DirectionalResponses:
        """Return the responses interpolated to a ring grid with points about ``spacing_deg`` degrees apart."""
        grid = ring_grid(spacing_deg)
        return replace(self, directions=grid, filters=self.interpolated(grid))

    def scaled(self, scale: float) -> DirectionalResponses:
        """Return the responses of a head ``scale`` times as large: delays are longer, spectra narrower.

        Individual heads differ from each other mostly so (Middlebrooks, JASA 106, 1480, 1999).

        Raises:
            ParameterError: the scale is not between 0.5 and 2.
        """
        if not 0.5 <= scale <= 2:
            raise ParameterError(f"a head is scaled by 0.5 to 2, got {scale!r}")
        if scale == 1:
            return self
        stretched = self.resampled(round(self.sample_rate * scale))
        return replace(stretched, sample_rate=self.sample_rate, name=f"{self.name}, {scale:g} times as large")

    def resampled(self, sample_rate: int) -> DirectionalResponses:
        """Return the responses at another sample rate, with the same gain at every frequency.

        Going down, the band ends softly (from 0.85 of the new Nyquist frequency), so that responses stay short.
        """
        if sample_rate == self.sample_rate:
            return self
        if int(sample_rate) != sample_rate or sample_rate <= 0:
            raise ParameterError(f"sample rate must be a whole number of hertz, got {sample_rate!r}")
        ratio = sample_rate / self.sample_rate
        pad = int(np.ceil(_RINGING / min(ratio, 1.0)))
        padded = np.pad(self.filters, ((0, 0), (0, 0), (pad, pad))).reshape(-1, self.taps + 2 * pad)
        blocks = [
            resample(padded[i : i + _CHUNK], self.sample_rate, sample_rate, quality="best")
            for i in range(0, len(padded), _CHUNK)
        ]
        filters = _softly_limited(np.concatenate(blocks), ratio) / np.float32(ratio)
        start = max(0, int(min(pad, self._first_arrival() + pad - _LEAD / ratio) * ratio))
        stop = int(np.ceil((pad + self.taps) * ratio)) + _LEAD
        filters = filters[:, start:stop].reshape(*self.filters.shape[:2], -1)
        latency = (self.latency + pad) * ratio - start
        return replace(self, filters=filters, sample_rate=int(sample_rate), latency=latency)

    def truncated(self, taps: int) -> DirectionalResponses:
        """Return the responses shortened to ``taps`` samples.

        Silence before the first arrival goes first (all directions alike, counted in the latency), then the end, with
        a raised-cosine fade over the last eighth.

        Raises:
            ParameterError: ``taps`` is too short to hold the arrivals.
        """
        start = max(0, min(int(self._first_arrival()) - _LEAD, int(self.latency)))
        last = float(np.max(self.delays)) - start
        if not last + 8 <= taps:
            raise ParameterError(f"{taps} taps cannot hold arrivals up to sample {last:.0f}; give at least {int(last) + 9}")
        if taps >= self.taps - start:
            return self if start == 0 else replace(self, filters=self.filters[..., start:], latency=self.latency - start)
        fade = max(4, taps // 8)
        window = np.ones(taps, dtype=np.float32)
        window[taps - fade :] = np.cos(np.pi / 2 * (np.arange(fade) + 1) / (fade + 1)) ** 2
        return replace(self, filters=self.filters[..., start : start + taps] * window, latency=self.latency - start)

    def diffuse_covariance(self, n_fft: int) -> NDArray[np.complex128]:
        """Return the covariance ``(F, M, M)`` of the capsules in an isotropic field: the mean of h h^H over the sphere.

        Args:
            n_fft: transform length, at least the number of taps; F is ``n_fft // 2 + 1``.
        """
        if n_fft < self.taps:
            raise ParameterError(f"n_fft must be at least the {self.taps} taps of the responses, got {n_fft!r}")
        covariance = np.zeros((n_fft // 2 + 1, self.channels, self.channels), dtype=np.complex128)
        for start in range(0, len(self.directions), _CHUNK):
            spectrum = fft.rfft(self.filters[start : start + _CHUNK], n_fft).transpose(2, 1, 0).astype(np.complex128)
            covariance += (spectrum * self.weights[start : start + _CHUNK]) @ spectrum.conj().transpose(0, 2, 1)
        return covariance

    def _first_arrival(self) -> float:
        return float(max(np.min(self.delays), 0.0))

    def __repr__(self) -> str:
        return (
            f"DirectionalResponses({self.name!r}, {len(self.directions)} directions, {self.channels} capsules, "
            f"{self.taps} taps, {self.sample_rate} Hz)"
        )


def arrival_delays(filters: NDArray[np.float32]) -> Floats:
    """Return the arrival time of impulse responses ``(..., N)`` in samples, to a small fraction of a sample.

    It is the lag of the greatest cross-correlation with the response's minimum-phase version (Nam, Abel and Smith,
    AES 125, 2008), which is robust against spectral notches. An all-zero response has delay 0.
    """
    responses = np.asarray(filters, dtype=np.float32)
    rows = responses.reshape(-1, responses.shape[-1])
    delays = np.empty(len(rows))
    for start in range(0, len(rows), _CHUNK):
        delays[start : start + _CHUNK] = _delays(rows[start : start + _CHUNK].astype(np.float64))
    return delays.reshape(responses.shape[:-1])


def _softly_limited(rows: NDArray[np.float32], ratio: float) -> NDArray[np.float32]:
    """Fade the band out below the Nyquist frequency after going down in rate."""
    if ratio >= 1.0:
        return rows
    relative = np.linspace(0.0, 1.0, rows.shape[-1] // 2 + 1)
    taper = np.cos(np.pi / 2 * np.clip((relative - 0.85) / 0.15, 0.0, 1.0)) ** 2
    return np.asarray(fft.irfft(fft.rfft(rows) * taper.astype(np.float32), rows.shape[-1]), dtype=np.float32)


def _delays(rows: Floats) -> Floats:
    oversampling = 4
    n_fft = fft.next_fast_len(4 * rows.shape[-1], real=True)
    n_fft += n_fft % 2
    spectrum = fft.rfft(rows, n_fft)
    # Above the band edge, the roll-off of a band-limited set would count as delay of the minimum-phase version.
    edge = int(_DELAY_BAND * spectrum.shape[-1])
    magnitude = np.abs(spectrum)
    magnitude[:, edge:] = magnitude[:, edge - 1 : edge]
    floor = np.maximum(1e-4 * magnitude.max(axis=-1, keepdims=True), 1e-30)
    cepstrum = fft.irfft(np.log(np.maximum(magnitude, floor)), n_fft)
    cepstrum[:, 1 : n_fft // 2] *= 2.0
    cepstrum[:, n_fft // 2 + 1 :] = 0.0
    cross = spectrum * np.exp(fft.rfft(cepstrum, n_fft)).conj()
    cross[:, edge:] = 0.0
    correlation = fft.irfft(cross, oversampling * n_fft)
    lag = np.argmax(correlation, axis=-1)
    index = np.arange(len(rows))
    before, peak, after = (correlation[index, (lag + step) % correlation.shape[-1]] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    offset = np.where(np.abs(bend) > 1e-30, 0.5 * (before - after) / np.where(bend == 0, 1.0, bend), 0.0)
    signed = np.where(lag > correlation.shape[-1] // 2, lag - correlation.shape[-1], lag)
    return np.where(peak > 0, (signed + offset) / oversampling, 0.0)
