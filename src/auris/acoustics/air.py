"""Sound in air: its speed, and what air takes on the way (ISO 9613-1:1993)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_ZERO_CELSIUS = 273.15
_REFERENCE_TEMPERATURE = 293.15  # kelvin
_TRIPLE_POINT = 273.16  # kelvin
_REFERENCE_PRESSURE = 101.325  # kilopascal


def speed_of_sound(temperature: float = 20.0) -> float:
    """Return metres per second at ``temperature`` in degrees Celsius.

    >>> round(speed_of_sound(20.0), 1)
    343.2
    """
    return float(331.3 * np.sqrt(1.0 + temperature / _ZERO_CELSIUS))


def air_attenuation_db(
    frequencies: ArrayLike, *, temperature: float = 20.0, humidity: float = 50.0, pressure: float = _REFERENCE_PRESSURE
) -> Floats:
    """Return the attenuation of pure tones in decibels per metre (ISO 9613-1:1993, equations 3 to 5, annex B).

    Args:
        frequencies: hertz, any shape.
        temperature: degrees Celsius.
        humidity: relative humidity in per cent.
        pressure: kilopascal.
    """
    f = np.asarray(frequencies, dtype=float)
    kelvin = temperature + _ZERO_CELSIUS
    ratio = kelvin / _REFERENCE_TEMPERATURE
    atmospheres = pressure / _REFERENCE_PRESSURE
    saturation = 10.0 ** (-6.8346 * (_TRIPLE_POINT / kelvin) ** 1.261 + 4.6151)
    vapour = humidity * saturation / atmospheres  # molar concentration, per cent
    oxygen = atmospheres * (24.0 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour))
    nitrogen = atmospheres / np.sqrt(ratio) * (9.0 + 280.0 * vapour * np.exp(-4.170 * (ratio ** (-1 / 3) - 1.0)))
    classical = 1.84e-11 / atmospheres * np.sqrt(ratio)
    by_oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen + f**2 / oxygen)
    by_nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen + f**2 / nitrogen)
    return np.asarray(8.686 * f**2 * (classical + ratio**-2.5 * (by_oxygen + by_nitrogen)))


def energy_attenuation(frequencies: ArrayLike, *, temperature: float = 20.0, humidity: float = 50.0) -> Floats:
    """Return the attenuation of energy in 1/metre: over a distance d the energy falls by ``exp(-m d)``."""
    decibels = air_attenuation_db(frequencies, temperature=temperature, humidity=humidity)
    return np.asarray(decibels * np.log(10.0) / 10.0)
