"""How strongly a source radiates to each side, per octave band.

Every pattern is ``a + (1 - a) cos(angle)``: 1 on the axis, a fixed mixture of omnidirectional and figure of eight per
band. ``speech`` narrows with frequency: between the front and the back of the talker lie 1 dB at 125 Hz and 20 dB at
16 kHz. These are round numbers of the size that measurements report (Chu and Warnock, NRC-CNRC IRC-RR-104, 2002; Monson,
Hunter and Story, J. Acoust. Soc. Am. 132, 2012), not a fit to either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auris.errors import SceneError, unknown_name

Floats = NDArray[np.float64]

_OMNIDIRECTIONAL_PART = {"omni": 1.0, "subcardioid": 0.7, "cardioid": 0.5, "hypercardioid": 0.25, "bidirectional": 0.0}
_TALKER_FRONT_TO_BACK_DB = np.array([1.0, 2.5, 4.5, 6.0, 9.0, 13.0, 18.0, 20.0])  # 125 Hz … 16 kHz


def omnidirectional_part(directivity: str, bands: int) -> Floats:
    """Return the omnidirectional part ``a`` of a pattern in each of ``bands`` octaves from 125 Hz up.

    Raises:
        SceneError: the pattern is unknown.
    """
    if directivity == "speech":
        back = 10.0 ** (-_TALKER_FRONT_TO_BACK_DB[:bands] / 20.0)
        return np.asarray((1.0 + back) / 2.0)
    if directivity not in _OMNIDIRECTIONAL_PART:
        raise SceneError(unknown_name("directivity", directivity, [*_OMNIDIRECTIONAL_PART, "speech"]))
    return np.full(bands, _OMNIDIRECTIONAL_PART[directivity])


def gain(directivity: str, cosine: NDArray[np.float64], bands: int) -> Floats:
    """Return the amplitude gain ``(bands, ...)`` at the cosine of the angle off the axis."""
    part = omnidirectional_part(directivity, bands).reshape(-1, *([1] * np.ndim(cosine)))
    return np.asarray(part + (1.0 - part) * cosine)


def diffuse_power(directivity: str, bands: int) -> Floats:
    """Return the power sent out over all directions, relative to an omnidirectional source, per band."""
    part = omnidirectional_part(directivity, bands)
    return np.asarray(part**2 + (1.0 - part) ** 2 / 3.0)
