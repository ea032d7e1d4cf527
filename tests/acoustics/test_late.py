"""The statistical tail: level, decay, coherence between channels, and the hand-over."""

import numpy as np
import pytest
from room_measures import flat_room, octave, points_inside
from scipy import signal

from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.noise_pool import noise_pool
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver
from auris.dsp.hrtf import structural_head

RATE = 24000
SIZE = (6.0, 4.5, 2.8)
OMNI = OpenArrayReceiver(np.zeros((1, 3)))


def steady_tails(receiver, count, *, length=6000, skip=2000):
    """Return tails of a room that mixes, made stationary by undoing the decay (the same in every band)."""
    room = flat_room(SIZE, 0.2, scattering=1.0)
    paths = SoundPaths.in_room(room, np.tile([1.2, 1.7, 1.5], (count, 1)), (3.1, 2.6, 1.4), keys=np.arange(count) * 977 + 5)
    tails = ShoeboxEngine(receiver, RATE).late(paths, length=length).astype(float)
    tails /= np.sqrt(room.energy_decay(np.arange(length) / RATE)[0])
    return tails[:, :, skip:]


def coherence(tails, first, second, frequencies):
    """Real part of the coherence of two channels, averaged over tails and time."""
    f, cross = signal.csd(tails[:, first], tails[:, second], RATE, nperseg=256)
    powers = [signal.welch(tails[:, c], RATE, nperseg=256)[1].mean(0) for c in (first, second)]
    return np.interp(frequencies, f, cross.mean(0).real / np.sqrt(powers[0] * powers[1]))


def test_ambisonic_channels_have_the_variance_of_a_diffuse_field_and_are_uncorrelated():
    tails = steady_tails(AmbisonicReceiver(3), 64)
    variance = np.mean(tails**2, axis=(0, 2))
    degree = np.floor(np.sqrt(np.arange(16)))
    assert variance / variance[0] == pytest.approx(1 / (2 * degree + 1), rel=0.05)
    flat = tails.transpose(1, 0, 2).reshape(16, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(16)).max() < 0.05


@pytest.mark.parametrize("order", [1, 3, 7])
def test_ambisonic_channels_do_not_repeat_each_other(order):
    """No two channels share noise within a tail, whatever the delay of one against the other."""
    reach = int(0.8 * RATE)
    tail = steady_tails(AmbisonicReceiver(order), 1, length=24000)[0]
    spectra = np.fft.rfft(tail / np.linalg.norm(tail, axis=1, keepdims=True), 2 * 24000)
    for first in range(1, len(tail)):
        cross = np.fft.irfft(spectra[first] * spectra[:first].conj())
        assert max(np.abs(cross[:, :reach]).max(), np.abs(cross[:, -reach:]).max()) < 0.2


def test_microphones_have_the_coherence_of_a_diffuse_field():
    positions = np.array([[0.0, 0.0, 0.0], [0.069, 0.0, 0.0], [0.0, 0.2, 0.0]])
    tails = steady_tails(OpenArrayReceiver(positions), 64)
    frequencies = np.array([300, 500, 800, 1200, 1600, 2000, 3000, 3800])
    for first, second in ((0, 1), (0, 2), (1, 2)):
        spacing = np.linalg.norm(positions[first] - positions[second])
        theory = np.sinc(2 * frequencies * spacing / 343.2)
        assert coherence(tails, first, second, frequencies) == pytest.approx(theory, abs=0.1)


def test_ears_have_the_coherence_of_their_head_in_a_diffuse_field():
    head = structural_head(RATE)
    tails = steady_tails(DirectionalReceiver(head), 64)
    covariance = head.diffuse_covariance(1024)
    target = covariance[:, 0, 1].real / np.sqrt(covariance[:, 0, 0].real * covariance[:, 1, 1].real)
    frequencies = np.array([200, 400, 600, 900, 1300, 2000, 3000, 5000])
    theory = np.interp(frequencies, np.linspace(0, RATE / 2, len(target)), target)
    assert coherence(tails, 0, 1, frequencies) == pytest.approx(theory, abs=0.1)


def test_ears_have_the_diffuse_spectrum_of_their_head():
    head = structural_head(RATE)
    f, power = signal.welch(steady_tails(DirectionalReceiver(head), 64), RATE, nperseg=256)
    _, white = signal.welch(steady_tails(OMNI, 64), RATE, nperseg=256)
    target = np.diagonal(head.diffuse_covariance(1024), axis1=1, axis2=2).real
    for frequency in (500, 1000, 2000, 4000, 8000):
        bin_ = np.argmin(np.abs(f - frequency))
        gain = 10 * np.log10(power.mean(0)[:, bin_] / white.mean(0)[:, bin_])
        theory = 10 * np.log10([np.interp(frequency, np.linspace(0, RATE / 2, len(target)), ear) for ear in target.T])
        assert gain == pytest.approx(theory, abs=0.7)


def test_the_level_follows_the_density_of_images():
    """Energy of the whole response against the closed form, through the hand-over and beyond; omni, 1 to 4 kHz."""
    room = flat_room(SIZE, 0.2, scattering=0.0)
    random = np.random.default_rng(0)
    paths = SoundPaths.in_room(room, points_inside(random, SIZE, 256), points_inside(random, SIZE, 256))
    responses = ShoeboxEngine(OMNI, RATE).responses(paths)[:, 0].astype(float)
    impulse = np.zeros(4096)
    impulse[2048] = 1
    density = 4 * np.pi * room.speed_of_sound / (room.volume * RATE)
    for band, centre in ((3, 1000), (4, 2000), (5, 4000)):
        energy = np.mean(octave(responses, RATE, centre) ** 2, axis=0)
        times = (np.arange(responses.shape[1]) + 0.5) / RATE
        model = density * room.energy_decay(times)[band] * np.sum(octave(impulse, RATE, centre) ** 2)
        for start in np.arange(0.01, 0.15, 0.01):
            window = slice(int(start * RATE), int((start + 0.01) * RATE))
            assert 10 * np.log10(energy[window].mean() / model[window].mean()) == pytest.approx(0, abs=0.5)


def test_directive_sources_put_less_into_the_room():
    room, engine = flat_room(SIZE, 0.2), ShoeboxEngine(OMNI, RATE)
    omni = engine.late(SoundPaths.in_room(room, (1, 1, 1), (4, 3, 2)), length=6000)
    cardioid = engine.late(SoundPaths.in_room(room, (1, 1, 1), (4, 3, 2), directivity="cardioid"), length=6000)
    assert np.sum(cardioid**2) / np.sum(omni**2) == pytest.approx(1 / 3, rel=1e-3)


def test_anisotropic_rooms_have_anisotropic_tails():
    """A room with absorbing floor and ceiling sounds on from the sides."""
    room = flat_room((8.0, 7.0, 3.0), [0.05, 0.05, 0.05, 0.05, 0.8, 0.8], scattering=0.0)
    paths = SoundPaths.in_room(room, np.tile([1.2, 1.7, 1.5], (16, 1)), (3.1, 2.6, 1.4))
    tails = ShoeboxEngine(AmbisonicReceiver(1), RATE).late(paths, length=9000)[:, :, 5000:]
    _, y, z, x = np.mean(tails.astype(float) ** 2, axis=(0, 2))
    assert z < 0.2 * min(x, y)


def test_a_tail_begins_after_the_direct_sound_also_in_a_long_corridor():
    room = flat_room((60.0, 2.0, 2.5), 0.1)
    paths = SoundPaths.in_room(room, (1, 1, 1.5), (59, 1, 1.5))
    engine = ShoeboxEngine(OMNI, RATE)
    direct = int(58 / room.speed_of_sound * RATE)
    tail = engine.late(paths, length=12000)[0, 0]
    assert np.abs(tail[:direct]).max() == 0
    assert np.abs(tail[direct + 200 :]).max() > 0
    response = engine.early(paths)[0, 0]
    assert np.abs(response[: direct - 100]).max() < 1e-3 * np.abs(response).max()
    assert np.abs(response[direct - 2 : direct + 3]).max() > 0.9 / 58


def test_noise_pools_are_periodic_and_of_unit_power():
    pool = noise_pool(AmbisonicReceiver(1), 16000)
    assert pool[:, :, -256:] == pytest.approx(pool[:, :, :256])
    assert np.var(pool[0, :, :-256], axis=1).sum() == pytest.approx(1, rel=0.02)
    assert noise_pool(AmbisonicReceiver(1), 16000) is pool
    assert not np.array_equal(noise_pool(AmbisonicReceiver(1), 16000, noise_seed=1), pool)


def test_orders_share_their_first_rows_of_noise():
    first, third = noise_pool(AmbisonicReceiver(1), 16000), noise_pool(AmbisonicReceiver(3), 16000)
    assert (len(first), len(third)) == (1, 4)
    assert third[:1] == pytest.approx(first, abs=1e-6)
    assert np.abs(np.corrcoef(third.sum(axis=1)) - np.eye(4)).max() < 0.02


@pytest.mark.parametrize("rate", [24000, 48000])
def test_noise_pools_stay_small(rate):
    assert noise_pool(AmbisonicReceiver(7), rate).nbytes < 100e6


def test_what_a_long_room_favours_turns_with_the_head():
    """In a corridor sound lives longest along its axis; a head turned by a quarter hears that on its other channel."""
    room = flat_room((12.0, 2.5, 2.5), 0.3, scattering=0.0)
    count = 48
    turned = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    energies = []
    for rotation in (np.eye(3), turned):
        paths = SoundPaths.in_room(
            room,
            np.tile([3.0, 1.2, 1.5], (count, 1)),
            (6.1, 1.3, 1.4),
            rotations=np.broadcast_to(rotation, (count, 3, 3)),
            keys=np.arange(count) * 31 + 7,
        )
        tails = ShoeboxEngine(AmbisonicReceiver(1), RATE).late(paths, length=9600).astype(float)
        energies.append(np.sum(tails**2, axis=(0, 2)))
    straight, sideways = energies
    assert straight[3] > 2 * straight[1]  # X against Y
    assert sideways[[0, 1, 2, 3]] == pytest.approx(straight[[0, 3, 2, 1]], rel=0.1)
