"""Sound pressure on a rigid sphere: microphone arrays flush with it, and the core of the head model.

The scattering series is that of Rayleigh; Duda and Martens, JASA 104, 3048 (1998), give it for a head, the DCASE data
sets for the tetrahedral array (Politis et al., arXiv:2006.01919).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, special

from auris.dsp.directional_responses import DirectionalResponses
from auris.dsp.sphere_sampling import ring_grid
from auris.errors import ParameterError, unknown_name
from auris.geometry.directions import Floats

SPEED_OF_SOUND = 343.2  # metres per second at 20 degrees Celsius
_LEAD = 20  # samples before the earliest arrival, for the ringing of the band limit
_TAPER = 0.85  # fraction of the Nyquist frequency where the band limit begins
Complexes = NDArray[np.complex128]


def pressure_on_sphere(cosines: ArrayLike, wavenumber_radius: ArrayLike) -> Complexes:
    """Return the pressure at the surface of a rigid sphere under a plane wave of amplitude 1.

    The series of (2 n + 1) i^(n-1) P_n(cos) / (h_n'(ka) (ka)^2), time convention exp(+i omega t), phase reference at
    the sphere's centre. Terms are added until they vanish against the first, so any ``ka`` is stable.

    Args:
        cosines: ``(A,)`` cosine of the angle between the source's direction and the point on the sphere.
        wavenumber_radius: ``(F,)`` product ka of wavenumber and radius, at least 0.

    Returns:
        ``(A, F)`` complex pressure; 1 at ka = 0.
    """
    x = np.atleast_1d(np.asarray(wavenumber_radius, dtype=float))
    cosine = np.clip(np.atleast_1d(np.asarray(cosines, dtype=float)), -1.0, 1.0)
    if x.ndim != 1 or cosine.ndim != 1 or not np.all(np.isfinite(x)) or np.any(x < 0):
        raise ParameterError("pressure_on_sphere needs cosines (A,) and finite wavenumber-radius products (F,) of at least 0")
    top = float(x.max(initial=0.0))
    order = int(np.ceil(top + 8.0 * np.cbrt(top) + 12))  # twice the usual margin of Mie series: terms below 1e-10
    n = np.arange(order + 1)
    radial = surface_modes(n[:, None], np.maximum(x, 1e-6)[None]) * (2 * n + 1)[:, None]
    legendre = special.legendre_p_all(order, cosine)[0]
    pressure = np.asarray(legendre.T @ radial, dtype=np.complex128)
    pressure[:, x < 1e-6] = 1.0
    return pressure


def mode_strengths(wavenumber_radius: ArrayLike, order: int, *, sphere: Literal["open", "rigid"]) -> Complexes:
    """Return how strongly a sphere of capsules receives each spherical-harmonic degree, complex ``(order+1, F)``.

    Open: 4 pi i^n j_n(kr). Rigid: 4 pi i^n (j_n - j_n' h_n / h_n') at the surface, Hankel functions of the second kind.

    Args:
        wavenumber_radius: ``(F,)`` product kr of wavenumber and radius, at least 0.
        order: highest degree.
        sphere: capsules in free air, or flush with a rigid sphere.
    """
    x = np.atleast_1d(np.asarray(wavenumber_radius, dtype=float))
    if x.ndim != 1 or not np.all(np.isfinite(x)) or np.any(x < 0) or order < 0:
        raise ParameterError("mode_strengths needs wavenumber-radius products (F,) and an order, all of at least 0")
    n = np.arange(order + 1)[:, None]
    if sphere == "open":
        return np.asarray(4 * np.pi * 1j ** (n % 4) * special.spherical_jn(n, x[None]))
    if sphere != "rigid":
        raise ParameterError(unknown_name("sphere", sphere, ["open", "rigid"]))
    strengths = 4 * np.pi * surface_modes(n, np.maximum(x, 1e-6)[None])
    strengths[:, x < 1e-6] = np.where(n == 0, 4 * np.pi, 0.0)
    return np.asarray(strengths)


def surface_modes(n: ArrayLike, ka: ArrayLike) -> Complexes:
    """Return i^(n-1) / (h_n'(ka) (ka)^2) for spherical Hankel functions of the second kind; 0 where h_n' overflows."""
    n_array, x = np.broadcast_arrays(np.asarray(n), np.asarray(ka, dtype=float))
    real = special.spherical_jn(n_array, x, derivative=True)
    imaginary = -special.spherical_yn(n_array, x, derivative=True)
    usable = np.isfinite(imaginary) & (np.abs(imaginary) < 1e150)
    slope = np.where(usable, real, 1.0) + 1j * np.where(usable, imaginary, 0.0)
    return np.where(usable, 1j ** ((n_array - 1) % 4) / (slope * x**2), 0.0)


def rigid_sphere(
    positions: ArrayLike,
    sample_rate: int,
    *,
    spacing_deg: float = 5.0,
    taps: int | None = None,
    speed_of_sound: float = SPEED_OF_SOUND,
) -> DirectionalResponses:
    """Return the responses of omnidirectional capsules flush with a rigid sphere.

    A wave reaches the sphere's centre at ``latency`` = 20 samples plus the travel time along the radius, rounded up;
    before the earliest arrival comes only the ringing of the band limit (-40 dB by 12, -60 dB by 16 samples before).

    Args:
        positions: ``(M, 3)`` capsules in metres around the centre, all at the same distance.
        sample_rate: samples per second.
        spacing_deg: spacing of the grid of directions in degrees.
        taps: length of the filters; by default as long as the response lasts.
        speed_of_sound: metres per second.

    Raises:
        ParameterError: the capsules are not on one sphere, or lie in its centre.
    """
    points = np.asarray(positions, dtype=float)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not np.all(np.isfinite(points)):
        raise ParameterError(f"capsule positions must be finite and have shape (M, 3), got {points.shape}")
    radii = np.linalg.norm(points, axis=1)
    radius = float(radii.mean())
    if radius < 1e-4 or np.ptp(radii) > 1e-3 * radius:
        raise ParameterError("capsules of a rigid sphere must all lie at one distance from its centre, at least 0.1 mm")
    latency, length = filter_frame(radius, sample_rate, speed_of_sound, extent=12 * radius / speed_of_sound)
    taps = length if taps is None else taps
    directions = ring_grid(spacing_deg)
    frequencies = frequency_grid(sample_rate, taps)
    cosines = directions @ (points / radii[:, None]).T
    unique, place = np.unique(np.round(cosines, 12), return_inverse=True)
    pressure = pressure_on_sphere(unique, 2 * np.pi * frequencies * radius / speed_of_sound)
    filters = band_limited_filters(pressure, latency=latency, taps=taps)[place.reshape(cosines.shape)]
    return DirectionalResponses(
        directions, filters, sample_rate, latency, f"rigid sphere of {100 * radius:.1f} cm, {len(points)} capsules"
    )


def filter_frame(radius: float, sample_rate: int, speed_of_sound: float, *, extent: float) -> tuple[int, int]:
    """Return latency and length in samples of filters around a body of ``radius`` metres that rings for ``extent`` seconds."""
    latency = _LEAD + int(np.ceil(radius / speed_of_sound * sample_rate))
    length = latency + int(np.ceil(extent * sample_rate)) + 2 * _LEAD
    return latency, 8 * int(np.ceil(length / 8))


def frequency_grid(sample_rate: int, taps: int) -> Floats:
    """Return the frequencies in hertz at which :func:`band_limited_filters` expects spectra for ``taps`` samples."""
    return np.asarray(fft.rfftfreq(_transform_length(taps), 1.0 / sample_rate))


def band_limited_filters(spectra: Complexes, *, latency: float, taps: int) -> NDArray[np.float32]:
    """Turn spectra ``(..., F)`` on :func:`frequency_grid` with time origin at the centre into filters ``(..., taps)``.

    The spectra are faded out to the Nyquist frequency, delayed by ``latency`` samples, and cut with short fades.
    """
    n_fft = _transform_length(taps)
    relative = np.arange(n_fft // 2 + 1) / (n_fft // 2)
    taper = np.cos(np.pi / 2 * np.clip((relative - _TAPER) / (1.0 - _TAPER), 0.0, 1.0)) ** 2
    shifted = spectra * (taper * np.exp(-1j * np.pi * relative * latency))
    window = np.ones(taps)
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(8) + 0.5) / 8)
    window[:8], window[taps - 8 :] = fade, fade[::-1]
    return np.asarray(fft.irfft(shifted, n_fft)[..., :taps] * window, dtype=np.float32)


def _transform_length(taps: int) -> int:
    return max(512, 1 << int(np.ceil(np.log2(2 * taps))))
