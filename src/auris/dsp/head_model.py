"""A built-in head: rigid sphere, pinna and torso echoes, no data file needed.

The sphere gives interaural time and level differences exactly (Duda and Martens, JASA 104, 3048, 1998). As in the
structural model of Brown and Duda (IEEE Trans. Speech and Audio Processing 6, 476, 1998) each ear then adds a few
echoes, here from points behind the ear canal, so that their delays change smoothly with direction on the whole sphere:
spectral notches move with elevation, and the flange of the pinna shadows sources from behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auris.dsp.directional_responses import DirectionalResponses
from auris.dsp.rigid_sphere import (
    SPEED_OF_SOUND,
    Complexes,
    band_limited_filters,
    filter_frame,
    frequency_grid,
    pressure_on_sphere,
)
from auris.dsp.sphere_sampling import ring_grid
from auris.errors import ParameterError
from auris.geometry.directions import Floats, unit_vector
from auris.seeding import generator

EAR_AZIMUTH_DEG = 100.0  # ears sit a little behind the sides
EAR_ELEVATION_DEG = -8.0  # and a little below the centre

# Reflecting points of the mean left pinna in metres from the ear canal (x front, y outwards, z up) and their strength:
# rear wall of the concha, rim behind and above, lobe side below, rim above.
_PINNA_POINTS = np.array([[-10.5, 2.5, 5.5], [-18.0, 6.0, 14.0], [-5.0, 4.0, -10.0], [2.0, 5.0, 21.0]]) * 1e-3
_PINNA_STRENGTHS = np.array([0.85, 0.40, -0.30, 0.25])
_PINNA_CORNER = 2_500.0  # hertz; below it the pinna is small against the wavelength and reflects nothing
_FLANGE_AXIS = np.array([0.77, 0.64, 0.0])  # where the left pinna faces
_FLANGE_DEPTH = 0.9  # share of high-frequency amplitude that the flange takes from a source right behind it
_FLANGE_CORNER = 4_000.0
_SHOULDER_POINT = np.array([0.0, 0.05, -0.17])
_SHOULDER_STRENGTH = 0.25
_SHOULDER_CORNER = 700.0


@dataclass(frozen=True, eq=False)
class _Pinna:
    points: Floats  # (K, 3) metres from the ear canal, left ear
    strengths: Floats  # (K,)


def structural_head(
    sample_rate: int,
    *,
    head_radius: float = 0.0875,
    pinna_seed: int = 0,
    spacing_deg: float = 6.0,
    speed_of_sound: float = SPEED_OF_SOUND,
) -> DirectionalResponses:
    """Return the head-related impulse responses of a head model, left ear then right ear.

    The two ears are exact mirror images. ``pinna_seed`` 0 is the mean pinna; every other seed is another person's ears,
    so varying it together with ``head_radius`` gives training data a population of listeners.

    Args:
        sample_rate: samples per second.
        head_radius: radius of the head in metres, 0.05 to 0.15.
        pinna_seed: whose pinnae.
        spacing_deg: spacing of the grid of directions in degrees (6 gives about 1200 directions).
        speed_of_sound: metres per second.

    Raises:
        ParameterError: the radius is not that of a head.
    """
    if not 0.05 <= head_radius <= 0.15:
        raise ParameterError(f"head radius must be 0.05 to 0.15 m, got {head_radius!r}")
    latency, taps = filter_frame(head_radius, sample_rate, speed_of_sound, extent=2.5e-3)
    frequencies = frequency_grid(sample_rate, taps)
    directions = ring_grid(spacing_deg)
    ear = unit_vector(np.radians(EAR_AZIMUTH_DEG), np.radians(EAR_ELEVATION_DEG))
    cosines, place = np.unique(np.round(directions @ ear, 12), return_inverse=True)
    spectra = pressure_on_sphere(cosines, 2 * np.pi * frequencies * head_radius / speed_of_sound)[place.ravel()]
    spectra = spectra * _ear_cues(directions, frequencies, _pinna(pinna_seed), speed_of_sound)
    left = band_limited_filters(spectra, latency=latency, taps=taps)
    filters = np.stack([left, left[_mirror_index(directions)]], axis=1)
    name = f"structural head, radius {100 * head_radius:.2f} cm, pinna {pinna_seed}"
    return DirectionalResponses(directions, filters, sample_rate, latency, name)


def _pinna(seed: int) -> _Pinna:
    if seed == 0:
        return _Pinna(_PINNA_POINTS, _PINNA_STRENGTHS)
    rng = generator(seed, "pinna")
    size = 1.0 + 0.1 * np.clip(rng.standard_normal(), -2.0, 2.0)
    shape = 1.0 + 0.12 * np.clip(rng.standard_normal(_PINNA_POINTS.shape), -2.0, 2.0)
    strengths = _PINNA_STRENGTHS * (1.0 + 0.2 * np.clip(rng.standard_normal(len(_PINNA_STRENGTHS)), -2.0, 2.0))
    return _Pinna(_PINNA_POINTS * size * shape, strengths)


def _ear_cues(directions: Floats, frequencies: Floats, pinna: _Pinna, speed_of_sound: float) -> Complexes:
    """Spectrum ``(D, F)`` that pinna, flange and shoulder add to the left ear of the bare sphere."""
    high = _high_pass(frequencies, _PINNA_CORNER)
    shadow = _FLANGE_DEPTH * ((1.0 - directions @ _FLANGE_AXIS) / 2.0) ** 2
    cues = np.ones((len(directions), len(frequencies)), dtype=np.complex128)
    for point, strength in zip(pinna.points, pinna.strengths, strict=True):
        cues += high * _echo(directions, frequencies, point, strength, speed_of_sound)
    cues *= 1.0 - shadow[:, None] * _high_pass(frequencies, _FLANGE_CORNER)
    shoulder = _high_pass(frequencies, _SHOULDER_CORNER) - high
    return np.asarray(cues + shoulder * _echo(directions, frequencies, _SHOULDER_POINT, _SHOULDER_STRENGTH, speed_of_sound))


def _echo(directions: Floats, frequencies: Floats, point: Floats, strength: float, speed_of_sound: float) -> Complexes:
    """One echo ``(D, F)``: the wave passes ``point`` and comes back to the ear; strongest from the side it faces."""
    distance = float(np.linalg.norm(point))
    along = directions @ (point / distance)
    delay = distance * (1.0 - along) / speed_of_sound
    gain = strength * (1.0 - along) / 2.0
    step = np.exp(-2j * np.pi * delay * (frequencies[1] - frequencies[0]))
    powers = np.cumprod(np.broadcast_to(step[:, None], (len(delay), len(frequencies) - 1)), axis=1)
    return np.asarray(np.concatenate([gain[:, None], gain[:, None] * powers], axis=1))


def _high_pass(frequencies: Floats, corner: float) -> Complexes:
    """First-order high-pass: causal, like everything a wave meets."""
    ratio = 1j * frequencies / corner
    return np.asarray(ratio / (1.0 + ratio))


def _mirror_index(directions: Floats) -> Floats:
    """Index of the left/right mirror image of each direction of a mirror-symmetric grid."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(directions).query(directions * [1.0, -1.0, 1.0])[1])
