"""What room acousticians measure on impulse responses, for the tests of this folder."""

import numpy as np
from scipy import signal

from auris.acoustics.bands import octave_centres
from auris.acoustics.shoebox import ShoeboxAcoustics


def flat_room(size, absorption, *, sample_rate=24000, scattering=0.5, speed=343.2, air=0.0):
    """Return a room with the same absorption in every band: one number, or one per wall."""
    centres = octave_centres(sample_rate)
    walls = np.broadcast_to(np.asarray(absorption, dtype=float).reshape(-1, 1), (6, len(centres)))
    return ShoeboxAcoustics(np.asarray(size, float), walls, np.full(len(centres), air), scattering, speed, centres)


def decibels(ratio):
    return 20 * np.log10(np.maximum(ratio, 1e-15))


def relative_error(given, wanted):
    """Level of the difference relative to the wanted signal, dB."""
    return decibels(np.linalg.norm(given - wanted) / np.linalg.norm(wanted))


def below(samples, share):
    """Keep what lies below ``share`` of half the sample rate, with a soft edge."""
    length = 2 * samples.shape[-1]
    frequency = 2 * np.fft.rfftfreq(length)
    gain = 0.5 + 0.5 * np.cos(np.pi * np.clip((frequency - share + 0.1) / 0.1, 0, 1))
    return np.fft.irfft(np.fft.rfft(samples, length) * gain, length)[..., : samples.shape[-1]]


def octave(samples, sample_rate, centre):
    """Filter to one octave, without delay."""
    edges = [centre / 2**0.5, min(centre * 2**0.5, 0.49 * sample_rate)]
    return signal.sosfiltfilt(signal.butter(4, edges, "band", fs=sample_rate, output="sos"), samples, axis=-1)


def t30(response, sample_rate):
    """Reverberation time by a line through the Schroeder curve from -5 to -35 dB."""
    remaining = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(remaining / remaining[0] + 1e-20)
    first, last = np.argmax(level < -5), np.argmax(level < -35)
    return -60 / np.polyfit(np.arange(first, last) / sample_rate, level[first:last], 1)[0]


def points_inside(generator, size, count, *, margin=0.5):
    return generator.uniform(margin, np.asarray(size) - margin, size=(count, 3))
