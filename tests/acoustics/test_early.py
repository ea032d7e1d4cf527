"""Image sources in the response: against exact sums, a published simulator, and symmetries."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from room_measures import below, decibels, flat_room, octave, relative_error
from scipy.spatial.transform import Rotation

from auris.acoustics.bands import amplitude_partition, octave_centres
from auris.acoustics.early import transform_length
from auris.acoustics.engine import EngineSettings, ShoeboxEngine
from auris.acoustics.image_blocks import new_block, new_lattice, next_images
from auris.acoustics.image_sources import image_sources
from auris.acoustics.path_arrays import path_arrays
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.dsp.ambisonics import spherical_harmonics
from auris.scene import Room

FOLDER = Path(__file__).resolve().parents[1] / "reference" / "shoebox_rir"
ROOMS = json.loads((FOLDER / "expected.json").read_text())["rooms"]
STORED = np.load(FOLDER / "expected.npz")
OMNI = OpenArrayReceiver(np.zeros((1, 3)))
SIZE, SOURCE, LISTENER = (6.0, 4.5, 2.8), (1.2, 1.7, 1.5), (3.1, 2.6, 1.4)


def images_engine(receiver, rate, seconds):
    return ShoeboxEngine(receiver, rate, settings=EngineSettings(mode="images", horizon=seconds))


def exact_response(room, images, gains, points, *, rate, length):
    """Band-limited sum over images in double precision: every image an exact delay in the spectrum."""
    frequency = np.fft.rfftfreq(length)
    bands = amplitude_partition(frequency * rate, octave_centres(rate))
    spectra = np.zeros((len(points), len(frequency)), dtype=complex)
    for channel, point in enumerate(points):
        distance = np.linalg.norm(images.positions - point, axis=1)
        for some in np.array_split(np.arange(len(distance)), 1 + len(distance) // 256):
            turns = np.exp(-2j * np.pi * np.outer(distance[some] * rate / room.speed_of_sound, frequency))
            spectra[channel] += np.einsum("if,ib,bf->f", turns, gains[some] / distance[some, None], bands, optimize=True)
    edge = np.clip((2 * frequency - 0.9) / 0.1, 0, 1)
    return np.fft.irfft(spectra * (0.5 + 0.5 * np.cos(np.pi * edge)), length)


def error_in_bands(given, exact, edges):
    """Spectral error between consecutive shares of half the sample rate, relative to the signal there, dB."""
    wrong, right = np.fft.rfft(given - exact), np.fft.rfft(exact)
    share = np.linspace(0, 1, wrong.shape[-1])
    inside = [(share >= low) & (share < high) for low, high in itertools.pairwise(edges)]
    return [decibels(np.linalg.norm(wrong[..., k]) / np.linalg.norm(right[..., k])) for k in inside]


def test_images_are_exact_delays_with_walls_and_air():
    rate, seconds = 24000, 0.1
    surfaces = {"floor": "carpet", "ceiling": "acoustic_ceiling", "walls": "plasterboard"}
    room = ShoeboxAcoustics.from_room(Room(SIZE, materials=surfaces), rate)
    microphones = np.random.default_rng(0).uniform(-0.1, 0.1, (3, 3))
    engine = images_engine(OpenArrayReceiver(microphones), rate, seconds)
    given = engine.responses(SoundPaths.in_room(room, SOURCE, LISTENER))[0]
    images = image_sources(SIZE, SOURCE, LISTENER, radius=seconds * room.speed_of_sound)
    distance = np.linalg.norm(images.positions - LISTENER, axis=1)
    gains = images.amplitude(room.absorption) * np.exp(-room.air * distance[:, None] / 2)
    exact = exact_response(room, images, gains, LISTENER + microphones, rate=rate, length=8192)[:, : given.shape[1]]
    error = error_in_bands(given, exact, [0.0, 0.5, 0.7, 0.8])
    assert error[0] < -80
    assert max(error[1:]) < -72


def test_single_arrivals_for_any_fraction_of_a_sample():
    """One image, 256 random distances: the delay is exact up to 0.8 of the band."""
    rate, speed = 24000, 343.2
    room = flat_room((20, 20, 20), 1.0, sample_rate=rate, speed=speed)
    distances = np.random.default_rng(1).uniform(1.0, 1.5, 256)
    sources = np.array([10.0, 10.0, 10.0]) + np.outer(distances, [1.0, 0.0, 0.0])
    engine = images_engine(OMNI, rate, 0.03)
    given = engine.responses(SoundPaths.in_room(room, sources, (10, 10, 10)))[:, 0].astype(float)
    frequency = np.fft.rfftfreq(given.shape[1])
    exact = np.exp(-2j * np.pi * np.outer(distances * rate / speed, frequency)) / distances[:, None]
    inside = 2 * frequency < 0.8
    wrong = np.fft.rfft(given)[:, inside] - exact[:, inside]
    assert decibels(np.linalg.norm(wrong) / np.linalg.norm(exact[:, inside])) < -70


def test_the_direct_sound_has_amplitude_one_at_one_metre_and_no_latency():
    rate, speed = 48000, 480.0  # one metre is a whole number of samples
    room = flat_room((10, 10, 10), 1.0, sample_rate=rate, speed=speed)
    response = images_engine(OMNI, rate, 0.02).responses(SoundPaths.in_room(room, (4, 5, 5), (5, 5, 5)))[0, 0]
    assert np.argmax(np.abs(response)) == 100
    assert response[100] == pytest.approx(0.95, abs=0.005)  # the band ends at 0.95 of half the sample rate
    assert np.abs(np.fft.rfft(response))[: len(response) // 3] == pytest.approx(1.0, abs=1e-3)


def reference_case(name):
    """Return room, microphones around their centre, and the reference up to where it lists all images."""
    room, rate = ROOMS[name], ROOMS[name]["fs"]
    acoustics = flat_room(room["dim_m"], room["absorption_energy"], sample_rate=rate, speed=room["c"])
    microphones = np.array(room["mics"])
    further = image_sources(room["dim_m"], room["source"], microphones.mean(0), max_order=room["max_order"] + 1)
    missing = further.positions[further.order > room["max_order"]]
    first = np.linalg.norm(missing[:, None] - microphones, axis=2).min()
    return acoustics, microphones, int(first / room["c"] * rate) - 40


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("r0_direct", -50), ("r1_tetra", -55), ("r2_t60", -55), ("r3_walls", -55), ("r4_hall", -55)],
    ids=[f"shoebox_rir/{name}" for name in ("r0_direct", "r1_tetra", "r2_t60", "r3_walls", "r4_hall")],
)
def test_responses_are_those_of_the_reference(name, tolerance):
    acoustics, microphones, end = reference_case(name)
    rate, centre = ROOMS[name]["fs"], microphones.mean(axis=0)
    theirs = STORED[f"{name}/rir"][:, 40:].astype(float)
    end = min(end, theirs.shape[1] - 40)
    engine = images_engine(OpenArrayReceiver(microphones - centre), rate, (end + 100) / rate)
    ours = engine.responses(SoundPaths.in_room(acoustics, ROOMS[name]["source"], centre))[0, :, : theirs.shape[1]]
    assert relative_error(below(ours, 0.9)[:, :end], below(theirs, 0.9)[:, :end]) < tolerance


def test_first_order_ambisonics_are_those_of_the_reference_shoebox_rir():
    acoustics, _, end = reference_case("r1_tetra")
    paths = SoundPaths.in_room(acoustics, ROOMS["r1_tetra"]["source"], (3.4, 2.1, 1.5))
    ours = images_engine(AmbisonicReceiver(1), 24000, (end + 100) / 24000).responses(paths)[0]
    theirs = STORED["r1_tetra/rir_foa_ambix"][:, 40:].astype(float)
    assert relative_error(below(ours, 0.9)[:, :end], below(theirs, 0.9)[:, :end]) < -50


def test_a_cardioid_source_is_that_of_the_reference_shoebox_rir():
    acoustics, microphones, end = reference_case("r1_tetra")
    centre = microphones.mean(axis=0)
    facing = np.array([1.0, -1.0, 0.0]) / np.sqrt(2)
    paths = SoundPaths.in_room(acoustics, ROOMS["r1_tetra"]["source"], centre, directivity="cardioid", facings=facing)
    ours = images_engine(OpenArrayReceiver(microphones - centre), 24000, (end + 100) / 24000).responses(paths)[0]
    theirs = STORED["r1_tetra/rir_cardioid_source"][:, 40:].astype(float)
    assert relative_error(below(ours, 0.9)[:, :end], below(theirs, 0.9)[:, :end]) < -48


def test_octave_energies_are_those_of_the_reference_shoebox_rir():
    room, rate = ROOMS["r5_bands"], ROOMS["r5_bands"]["fs"]
    centre = np.mean(room["mics"], axis=0)
    walls = room["absorption_energy"]
    absorption = np.array([walls["other"]] * 4 + [walls["floor"], walls["other"]])
    centres = octave_centres(rate)
    acoustics = ShoeboxAcoustics(room["dim_m"], absorption, room["air_coeffs_per_band"], 0.0, room["c"], centres)
    end = 1400
    engine = images_engine(OpenArrayReceiver(np.array(room["mics"]) - centre), rate, (end + 200) / rate)
    ours = engine.responses(SoundPaths.in_room(acoustics, room["source"], centre))[0][:, : end + 100]
    theirs = STORED["r5_bands/rir"][:, 40 : 40 + end + 100].astype(float)
    for frequency in (500, 1000, 2000, 4000):
        levels = [10 * np.log10(np.sum(octave(x, rate, frequency)[:, :end] ** 2)) for x in (ours, theirs)]
        assert levels[0] == pytest.approx(levels[1], abs=0.5)


def test_compiled_images_are_those_of_the_list():
    room = flat_room(SIZE, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    paths = SoundPaths.in_room(room, SOURCE, LISTENER)
    engine = images_engine(OMNI, 24000, 0.05)
    arrays = path_arrays(paths, engine._horizons(paths))
    lattice, block, cursor, found = new_lattice(arrays, 0), new_block(), np.zeros(3, dtype=np.int64), []
    while count := next_images(cursor, lattice, arrays.reach[0], 1, block):
        found.append(np.stack([block.x[:count], block.y[:count], block.z[:count]], axis=1))
    images = image_sources(SIZE, SOURCE, LISTENER, radius=arrays.reach[0])
    given = np.sort(np.linalg.norm(np.concatenate(found), axis=1))
    assert given == pytest.approx(np.linalg.norm(images.positions - LISTENER, axis=1))


@pytest.mark.parametrize("order", [1, 2, 3, 5, 7])
def test_the_direct_sound_is_encoded_by_spherical_harmonics(order):
    room = flat_room((20, 20, 20), 1.0)
    vectors = np.random.default_rng(order).standard_normal((40, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    paths = SoundPaths.in_room(room, 10 + vectors, (10, 10, 10))
    responses = images_engine(AmbisonicReceiver(order), 24000, 0.01).responses(paths)
    gains = np.fft.rfft(responses)[:, :, 20] / np.fft.rfft(responses)[:, :1, 20]
    assert gains.real == pytest.approx(spherical_harmonics(vectors, order), abs=2e-5)
    assert np.abs(gains.imag).max() < 1e-5


def test_turning_the_head_turns_the_ambisonic_scene():
    room = flat_room(SIZE, 0.3)
    turn = Rotation.from_euler("ZYX", [0.7, -0.4, 0.3]).as_matrix()
    engine = ShoeboxEngine(AmbisonicReceiver(1), 24000)
    still = engine.early(SoundPaths.in_room(room, SOURCE, LISTENER))[0]
    turned = engine.early(SoundPaths.in_room(room, SOURCE, LISTENER, rotations=turn))[0]
    xyz = [3, 1, 2]
    assert turned[0] == pytest.approx(still[0], abs=1e-6)
    assert turned[xyz] == pytest.approx(turn.T @ still[xyz], abs=1e-5)


def test_turning_the_head_turns_the_microphones():
    room, positions = flat_room(SIZE, 0.3), np.array([[0.1, 0.0, 0.0], [0.0, 0.2, 0.0]])
    turn = Rotation.from_euler("Z", np.pi / 2).as_matrix()
    turned = ShoeboxEngine(OpenArrayReceiver(positions), 24000).early(
        SoundPaths.in_room(room, SOURCE, LISTENER, rotations=turn)
    )
    moved = ShoeboxEngine(OpenArrayReceiver(positions @ turn.T), 24000).early(SoundPaths.in_room(room, SOURCE, LISTENER))
    assert turned == pytest.approx(moved, abs=1e-6)


def test_mirrored_rooms_mirror_the_left_right_channel():
    room, engine = flat_room((6, 4, 3), 0.2), ShoeboxEngine(AmbisonicReceiver(1), 24000)
    left = engine.early(SoundPaths.in_room(room, (2, 3.2, 1.1), (4, 2, 1.5)))[0]
    right = engine.early(SoundPaths.in_room(room, (2, 0.8, 1.1), (4, 2, 1.5)))[0]
    assert right == pytest.approx(left * np.array([1, -1, 1, 1])[:, None], abs=1e-6)


def test_source_and_microphone_can_be_swapped():
    room, engine = flat_room(SIZE, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), images_engine(OMNI, 24000, 0.1)
    there = engine.responses(SoundPaths.in_room(room, SOURCE, LISTENER))
    back = engine.responses(SoundPaths.in_room(room, LISTENER, SOURCE))
    assert there == pytest.approx(back, abs=2e-6)


def test_reflections_lack_the_direct_sound_only():
    room, engine = flat_room(SIZE, 0.3), ShoeboxEngine(AmbisonicReceiver(2), 24000)
    paths = SoundPaths.in_room(room, SOURCE, LISTENER)
    direct = (engine.early(paths) - engine.reflections(paths))[0]
    distance = np.linalg.norm(np.subtract(SOURCE, LISTENER))
    expected = spherical_harmonics(np.subtract(SOURCE, LISTENER) / distance, 2) / distance
    spectrum = np.abs(np.fft.rfft(direct))
    quarter = spectrum.shape[1] // 4
    assert spectrum[:, quarter] == pytest.approx(np.abs(expected), abs=1e-4)


def test_fully_absorbing_walls_leave_the_direct_sound():
    room, engine = flat_room(SIZE, 1.0), ShoeboxEngine(OMNI, 24000)
    assert np.abs(engine.reflections(SoundPaths.in_room(room, SOURCE, LISTENER))).max() == 0


@pytest.mark.parametrize("least", [1, 100, 961, 1300, 2187, 100_000])
def test_fft_lengths_are_fast(least):
    length = transform_length(least)
    assert length >= least
    odd = length // (length & -length)
    assert odd in (1, 3, 5, 9, 15)
    assert length % 2 == 0
