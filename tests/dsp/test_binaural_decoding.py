"""Binaural decoding of ambisonics: what a listener would hear."""

from __future__ import annotations

import numpy as np
import pytest

from auris.audio import Audio
from auris.dsp.ambisonics import encode, spherical_harmonics
from auris.dsp.binaural_decoding import BinauralDecoder, least_squares_decoder, magnitude_least_squares_decoder
from auris.dsp.convolution import convolve_sum
from auris.dsp.hrtf import DirectionalResponses, itd, rigid_sphere, structural_head
from auris.dsp.sphere_sampling import fibonacci_grid
from auris.errors import LayoutError, ParameterError
from auris.geometry.directions import unit_vector

RATE = 24_000
noise = np.random.default_rng(2).standard_normal(4000).astype(np.float32)


@pytest.fixture(scope="module")
def head() -> DirectionalResponses:
    return structural_head(RATE)


def heard(decoder: BinauralDecoder, direction: np.ndarray) -> np.ndarray:
    return decoder.decode(Audio(encode(noise, direction, order=decoder.order), RATE, f"hoa{decoder.order}")).samples


def test_high_orders_reproduce_the_head_below_their_limit(head) -> None:
    decoder = least_squares_decoder(head, 7)
    direction = unit_vector(0.9, 0.2)
    exact = convolve_sum(noise[None], head.interpolated(direction)[None], length=4000 + 27)[:, 27:]
    ours = heard(decoder, direction)
    band = slice(0, 400)  # of 2001 bins: up to 2.4 kHz; order 7 reaches k r = 7 at 4.4 kHz
    spectra = [np.fft.rfft(x * np.hanning(4000))[:, band] for x in (ours, exact)]
    assert np.linalg.norm(spectra[0] - spectra[1]) < 0.05 * np.linalg.norm(spectra[1])


def test_magnitudes_beat_plain_least_squares_at_high_frequencies(head) -> None:
    directions = fibonacci_grid(150)
    exact = np.abs(np.fft.rfft(head.interpolated(directions), 256))[..., 50:100]
    errors = []
    for make in (least_squares_decoder, magnitude_least_squares_decoder):
        filters = make(head, 3).filters
        plane = np.einsum("ecn,dc->den", filters, spherical_harmonics(directions, 3))
        errors.append(np.linalg.norm(np.abs(np.fft.rfft(plane, 256))[..., 50:100] - exact))
    assert errors[1] < 0.6 * errors[0]


@pytest.mark.parametrize("order", [1, 2, 5])
def test_sources_stay_where_they_are(head, order) -> None:
    decoder = magnitude_least_squares_decoder(head, order)
    assert decoder.order == order
    for azimuth in (-60, 0, 60):
        direction = unit_vector(np.radians(azimuth), 0.0)
        ears = np.fft.rfft(heard(decoder, direction), 16_384)
        cross = ears[1] * ears[0].conj()
        cross[int(700 / RATE * 16_384) :] = 0.0
        lag = np.argmax(np.roll(np.fft.irfft(cross, 16 * 16_384), 600)) - 600
        low = itd(head, direction, band=(0.0, 700.0))
        assert lag / (16 * RATE) == pytest.approx(float(low), abs=0.15e-3)


def test_decoding_keeps_length_and_time(head) -> None:
    click = np.zeros(300, np.float32)
    click[100] = 1.0
    audio = Audio(encode(click, (1.0, 0, 0), order=3), RATE, "hoa3")
    ears = least_squares_decoder(head, 3).decode(audio)
    assert ears.layout.name == "binaural"
    assert ears.length == 300
    assert abs(int(np.argmax(np.abs(ears.samples[0]))) - 100) <= 4
    higher = Audio(np.zeros((16, 10)), RATE, "hoa3")
    assert least_squares_decoder(head, 1).decode(higher).channels == 2


def test_what_cannot_be_decoded_is_refused(head) -> None:
    decoder = least_squares_decoder(head, 2)
    with pytest.raises(LayoutError, match="order 2 or more"):
        decoder.decode(Audio(np.zeros((4, 10)), RATE, "foa"))
    with pytest.raises(LayoutError, match="ambisonics"):
        decoder.decode(Audio(np.zeros((2, 10)), RATE, "binaural"))
    with pytest.raises(ParameterError, match="48000 Hz"):
        decoder.decode(Audio(np.zeros((9, 10)), 48_000, "hoa2"))
    ring = DirectionalResponses(unit_vector(np.arange(0, 6, 0.2), 0.0), np.ones((30, 2, 8), np.float32), RATE, 1.0, "ring")
    with pytest.raises(ParameterError, match="do not resolve"):
        least_squares_decoder(ring, 2)
    with pytest.raises(ParameterError, match="two ears"):
        least_squares_decoder(rigid_sphere([[0.042, 0, 0]], RATE), 1)
    with pytest.raises(ParameterError, match="transition"):
        magnitude_least_squares_decoder(head, 2, transition=20_000.0)
    with pytest.raises(ParameterError, match="at least 1"):
        magnitude_least_squares_decoder(head, 0)
