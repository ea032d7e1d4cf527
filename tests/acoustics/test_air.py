"""Air against the printed table of ISO 9613-2:1996 (table 2, values of ISO 9613-1)."""

import numpy as np
import pytest

from auris.acoustics.air import air_attenuation_db, energy_attenuation, speed_of_sound

BANDS = 63 * 2.0 ** np.arange(8)  # the table names them 63 … 8000
TABLE = {  # temperature, humidity: dB per kilometre
    (10, 70): (0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0),
    (20, 70): (0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6),
    (30, 70): (0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3),
    (15, 20): (0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202.0),
    (15, 50): (0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129.0),
    (15, 80): (0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8),
}


@pytest.mark.parametrize(("temperature", "humidity"), TABLE)
def test_attenuation_is_the_published_one(temperature, humidity):
    exact = 1000 * 10.0 ** (0.3 * np.arange(-4, 4))  # exact midband frequencies
    given = 1000 * air_attenuation_db(exact, temperature=temperature, humidity=humidity)
    assert given == pytest.approx(TABLE[temperature, humidity], rel=0.01, abs=0.06)


def test_energy_attenuation_is_the_same_in_nepers():
    metres = 100.0
    loss = 10 * np.log10(np.exp(-energy_attenuation(4000.0) * metres))
    assert loss == pytest.approx(-metres * air_attenuation_db(4000.0))


def test_attenuation_grows_with_frequency():
    assert np.all(np.diff(energy_attenuation(np.geomspace(100, 20000, 50))) > 0)


@pytest.mark.parametrize(("temperature", "speed"), [(-10, 325.2), (0, 331.3), (20, 343.2), (30, 349.0)])
def test_speed_of_sound(temperature, speed):
    assert speed_of_sound(temperature) == pytest.approx(speed, abs=0.1)
