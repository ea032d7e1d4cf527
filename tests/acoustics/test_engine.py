"""Whole responses: what rooms are known to do, the same result in any batch, and clear errors."""

import numpy as np
import pytest
from room_measures import flat_room, octave, points_inside, relative_error, t30
from scipy import signal

from auris.acoustics.engine import EngineSettings, ShoeboxEngine
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.dsp.hrtf import structural_head
from auris.errors import ParameterError, SceneError
from auris.scene import Room

RATE = 24000
SIZE, SOURCE, LISTENER = (6.0, 4.5, 2.8), (1.2, 1.7, 1.5), (3.1, 2.6, 1.4)
OMNI = OpenArrayReceiver(np.zeros((1, 3)))
FOA = AmbisonicReceiver(1)
PAIR = OpenArrayReceiver(np.array([[0.0, 0.085, 0.0], [0.0, -0.085, 0.0]]))


def head():
    return DirectionalReceiver(structural_head(RATE))


def many_paths(count, *, seed=0):
    """Paths through three rooms with different hand-overs, so that a batch holds several FFT lengths."""
    random = np.random.default_rng(seed)
    sizes = ((4.0, 3.0, 2.5), (9.0, 7.0, 3.5), (20.0, 15.0, 8.0))
    rooms = tuple(ShoeboxAcoustics.from_room(Room(size, t60=0.3 + 0.2 * i), RATE) for i, size in enumerate(sizes))
    index = random.integers(0, 3, count)
    return SoundPaths(
        rooms=rooms,
        room_index=index,
        sources=np.concatenate([points_inside(random, sizes[i], 1) for i in index]),
        listeners=np.concatenate([points_inside(random, sizes[i], 1) for i in index]),
        rotations=np.broadcast_to(np.eye(3), (count, 3, 3)),
        keys=random.integers(0, 2**63, count).astype(np.uint64),
        directivity=tuple(random.choice(["omni", "cardioid", "speech"], count)),
        facings=np.broadcast_to([0.0, 1.0, 0.0], (count, 3)),
    )


def one_of(paths, index):
    """The same path alone, with its room alone."""
    pick = slice(index, index + 1)
    return SoundPaths(
        rooms=(paths.rooms[paths.room_index[index]],),
        room_index=np.zeros(1, dtype=np.int64),
        sources=paths.sources[pick],
        listeners=paths.listeners[pick],
        rotations=paths.rotations[pick],
        keys=paths.keys[pick],
        directivity=paths.directivity[pick],
        facings=paths.facings[pick],
    )


@pytest.mark.parametrize("receiver", [FOA, PAIR, head()], ids=["ambisonics", "array", "head"])
def test_a_path_is_bit_equal_alone_in_a_batch_and_in_threads(receiver):
    paths = many_paths(21)
    engine = ShoeboxEngine(receiver, RATE)
    batch = engine.responses(paths, length=9000)
    assert batch.shape == (21, receiver.channels, 9000)
    assert batch.dtype == np.float32
    threaded = ShoeboxEngine(receiver, RATE, settings=EngineSettings(threads=3)).responses(paths, length=9000)
    assert np.array_equal(batch, threaded)
    for index in (0, 7, 20):
        alone = engine.responses(one_of(paths, index), length=9000)
        assert np.array_equal(alone[0], batch[index])
    longer = engine.responses(one_of(paths, 3), length=12000)
    assert np.array_equal(longer[0, :, :9000], batch[3])


def test_layers_add_to_the_response():
    engine, paths = ShoeboxEngine(FOA, RATE), many_paths(6)
    whole = engine.responses(paths, length=16000)
    early, late = engine.early(paths), engine.late(paths, length=16000)
    late[:, :, : early.shape[2]] += early
    assert whole == pytest.approx(late, abs=1e-6)


def test_equal_keys_give_equal_tails_and_other_keys_other_ones():
    room = flat_room(SIZE, 0.2)
    paths = SoundPaths.in_room(room, np.tile(SOURCE, (3, 1)), LISTENER, keys=[5, 5, 6])
    tails = ShoeboxEngine(FOA, RATE).late(paths, length=6000)
    assert np.array_equal(tails[0], tails[1])
    overlap = np.sum(tails[0] * tails[2], axis=1) / np.sum(tails[0] ** 2, axis=1)
    assert np.abs(overlap).max() < 0.1
    other = ShoeboxEngine(FOA, RATE, settings=EngineSettings(noise_seed=1)).late(paths, length=6000)
    assert not np.array_equal(tails[0], other[0])


def test_rendered_reverberation_times_are_the_ones_asked_for():
    random, errors = np.random.default_rng(0), []
    for trial in range(12):
        size = random.uniform([4, 3.5, 2.4], [9, 7, 4])
        targets = random.uniform(0.3, 0.9) * np.array([1.2, 1.15, 1.1, 1, 0.95, 0.85, 0.7])
        room = ShoeboxAcoustics.from_room(Room(tuple(size), t60=tuple(targets)), RATE)
        source, listener = points_inside(random, size, 2, margin=0.8)
        paths = SoundPaths.in_room(room, source, listener, keys=[trial])
        response = ShoeboxEngine(OMNI, RATE).responses(paths, length=int(1.4 * targets.max() * RATE))[0, 0].astype(float)
        errors += [t30(octave(response, RATE, 125 * 2**b), RATE) / targets[b] - 1 for b in (2, 3, 4, 5)]
    assert np.mean(errors) == pytest.approx(0, abs=0.02)
    assert np.std(errors) < 0.05
    assert np.abs(errors).max() < 0.12


def test_the_tail_continues_the_image_sources():
    """Hybrid responses of mirror-like rooms against image sources to the end: T30, C50, direct-to-reverberant ratio."""
    random, differences = np.random.default_rng(1), []
    exact = ShoeboxEngine(FOA, RATE, settings=EngineSettings(mode="images", horizon=0.35))
    hybrid = ShoeboxEngine(FOA, RATE)
    for trial in range(20):
        size = random.uniform([4, 3.5, 2.5], [8, 6, 3.5])
        room = flat_room(size, random.uniform(0.2, 0.6, 6), scattering=0.0)
        source, listener = points_inside(random, size, 2, margin=0.8)
        paths = SoundPaths.in_room(room, source, listener, keys=[trial])
        arrival = np.linalg.norm(source - listener) / room.speed_of_sound
        pair = [engine.responses(paths, length=8400)[0].astype(float) for engine in (exact, hybrid)]
        measured = []
        for response in pair:
            filtered = octave(response, RATE, 2000)
            energy = filtered**2
            edge, fifty, direct = (int((arrival + t) * RATE) for t in (0.08, 0.05, 0.0025))
            measured.append(
                [
                    10 * np.log10(t30(filtered[0], RATE)),
                    10 * np.log10(energy[0, :fifty].sum() / energy[0, fifty:].sum()),
                    10 * np.log10(energy[0, :direct].sum() / energy[0, direct:].sum()),
                    *10 * np.log10(energy[:, edge:].sum(axis=1)),
                ]
            )
        differences.append(np.subtract(*measured[::-1]))
    t30_db, c50, drr, *late = np.mean(differences, axis=0)
    assert 10 ** (t30_db / 10) == pytest.approx(1, abs=0.05)
    assert c50 == pytest.approx(0, abs=1.0)
    assert drr == pytest.approx(0, abs=0.3)
    assert late == pytest.approx(np.zeros(4), abs=2.0)


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0, 4.0])
def test_direct_to_reverberant_ratio_falls_with_distance(distance):
    room = flat_room((8.0, 6.0, 3.2), 0.15, scattering=1.0)
    random, pairs = np.random.default_rng(2), []
    while len(pairs) < 48:
        listener = random.uniform(1, room.dimensions - 1)
        vector = random.standard_normal(3)
        source = listener + distance * vector / np.linalg.norm(vector)
        if np.all(source > 0.3) and np.all(source < room.dimensions - 0.3):
            pairs.append((source, listener))
    paths = SoundPaths.in_room(room, *np.swapaxes(pairs, 0, 1))
    engine = ShoeboxEngine(OMNI, RATE)
    whole, early, reflections = engine.responses(paths), engine.early(paths), engine.reflections(paths)
    direct = np.zeros_like(whole)
    direct[:, :, : early.shape[2]] = early - reflections
    sos = signal.butter(4, [1000, 5000], "band", fs=RATE, output="sos")
    energy = [np.mean(np.sum(signal.sosfilt(sos, x.astype(float)) ** 2, axis=-1)) for x in (direct, whole - direct)]
    # The diffuse field of Barron's revised theory: reflections arrive after the direct sound (J. Acoust. Soc. Am. 84, 1988).
    rate = 6 * np.log(10) / room.t60()[3]
    diffuse = 4 * np.pi * room.speed_of_sound / room.volume / rate * np.exp(-rate * distance / room.speed_of_sound)
    assert 10 * np.log10(energy[0] / energy[1]) == pytest.approx(10 * np.log10(1 / distance**2 / diffuse), abs=0.6)


def test_the_direct_sound_comes_from_the_source():
    """Direction from the intensity of the first millisecond, where no reflection is near."""
    random, wrong = np.random.default_rng(3), []
    engine = ShoeboxEngine(FOA, RATE)
    for _ in range(60):
        size = random.uniform([4, 3.5, 2.6], [9, 7, 4])
        source, listener = points_inside(random, size, 2, margin=0.8)
        offset = source - listener
        if not 0.5 < np.linalg.norm(offset) < 1.5:
            continue
        room = flat_room(size, 0.3)
        response = engine.early(SoundPaths.in_room(room, source, listener))[0]
        arrival = int(np.linalg.norm(offset) / room.speed_of_sound * RATE)
        near = response[:, max(arrival - 3, 0) : arrival + 5]
        intensity = near[[3, 1, 2]] @ near[0]
        cosine = intensity @ offset / np.linalg.norm(intensity) / np.linalg.norm(offset)
        wrong.append(np.degrees(np.arccos(min(cosine, 1.0))))
    assert len(wrong) > 5
    assert np.median(wrong) < 0.1
    assert np.max(wrong) < 0.5


def test_ears_hear_the_direct_sound_through_the_head():
    """Rendered against interpolated responses: level difference within 0.3 dB, time difference within 10 microseconds."""
    receiver = head()
    room, engine = flat_room((20, 20, 20), 1.0), ShoeboxEngine(receiver, RATE)
    azimuth = np.radians(np.arange(-170, 181, 10))
    vectors = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros_like(azimuth)], axis=1)
    rendered = engine.early(SoundPaths.in_room(room, 10 + vectors, (10, 10, 10))).astype(float)
    wanted = receiver.responses.interpolated(vectors).astype(float)
    for given, exact in zip(rendered, wanted, strict=True):
        assert level_difference(given) == pytest.approx(level_difference(exact), abs=0.3)
        assert time_difference(given) == pytest.approx(time_difference(exact), abs=10e-6)


def level_difference(ears):
    return 10 * np.log10(np.sum(ears[0] ** 2) / np.sum(ears[1] ** 2))


def time_difference(ears):
    """Seconds by which the left ear leads, from the peak of the correlation below 1.5 kHz."""
    spectra = np.fft.rfft(ears, 4096)
    spectra *= np.fft.rfftfreq(4096, 1 / RATE) < 1500
    correlation = np.fft.irfft(spectra[1] * np.conj(spectra[0]), 1 << 17)
    lag = (np.argmax(correlation) + (1 << 16)) % (1 << 17) - (1 << 16)
    return lag / (RATE * 32)


def test_mirrored_scenes_swap_the_ears():
    room, engine = flat_room((6, 4, 3), 0.2), ShoeboxEngine(head(), RATE)
    left = engine.early(SoundPaths.in_room(room, (3, 3.2, 1.1), (4, 2, 1.5)))[0]
    right = engine.early(SoundPaths.in_room(room, (3, 0.8, 1.1), (4, 2, 1.5)))[0]
    assert relative_error(left, right[::-1]) < -40
    assert np.sum(left[0] ** 2) > 1.5 * np.sum(left[1] ** 2)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 32000, 44100, 48000, 96000])
def test_any_sample_rate(rate):
    room = ShoeboxAcoustics.from_room(Room(SIZE, t60=0.2), rate)
    response = ShoeboxEngine(OMNI, rate).responses(SoundPaths.in_room(room, SOURCE, LISTENER))[0, 0]
    distance = np.linalg.norm(np.subtract(SOURCE, LISTENER))
    assert np.all(np.isfinite(response))
    assert len(response) == pytest.approx(0.2 * rate, rel=0.01)
    assert np.argmax(np.abs(response)) == pytest.approx(distance / room.speed_of_sound * rate, abs=1)
    assert 0.6 < np.max(np.abs(response)) * distance < 1.1  # the peak of an arrival between two samples is lower


def test_low_cut_removes_the_constant_part_and_leaves_the_rest():
    room, paths = flat_room(SIZE, 0.1), SoundPaths.in_room(flat_room(SIZE, 0.1), SOURCE, LISTENER)
    plain = ShoeboxEngine(FOA, RATE).responses(paths, length=24000)
    cut = ShoeboxEngine(FOA, RATE, settings=EngineSettings(low_cut=20.0)).responses(paths, length=24000)
    gain = np.abs(np.fft.rfft(cut)) / np.abs(np.fft.rfft(plain))
    assert gain[0, 0, 0] < 0.01
    assert gain[0, :, 20] == pytest.approx(np.sqrt(0.5), abs=0.02)
    assert gain[0, :, 1000:] == pytest.approx(1.0, abs=0.01)
    assert room.t60()[0] > 0


def test_images_to_the_end_need_no_tail():
    room = flat_room(SIZE, 0.4)
    engine = ShoeboxEngine(OMNI, RATE, settings=EngineSettings(mode="images"))
    response = engine.responses(SoundPaths.in_room(room, SOURCE, LISTENER))
    assert response.shape[2] >= room.longest_t60 * RATE
    assert np.abs(response[0, 0, -400:-200]).max() > 0
    with pytest.raises(ParameterError, match="no statistical tail"):
        engine.late(SoundPaths.in_room(room, SOURCE, LISTENER), length=100)


def test_no_paths_give_no_responses():
    room = flat_room(SIZE, 0.4)
    assert ShoeboxEngine(FOA, RATE).responses(SoundPaths.in_room(room, np.empty((0, 3)), np.empty((0, 3)))).shape[0] == 0


def test_a_source_at_the_listener_stays_finite():
    response = ShoeboxEngine(FOA, RATE).responses(SoundPaths.in_room(flat_room(SIZE, 0.4), LISTENER, LISTENER))
    assert np.all(np.isfinite(response))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mode": "image"}, "did you mean 'images'"),
        ({"horizon": 1.0}, "belongs to mode='images'"),
        ({"images": 2}, "between 8 and"),
        ({"threads": 0}, "at least 1"),
        ({"low_cut": -1.0}, "low_cut"),
    ],
)
def test_impossible_settings_say_why(settings, words):
    with pytest.raises(ParameterError, match=words):
        EngineSettings(**settings)


def test_rooms_for_another_sample_rate_are_refused():
    paths = SoundPaths.in_room(flat_room(SIZE, 0.4, sample_rate=48000), SOURCE, LISTENER)
    with pytest.raises(ParameterError, match="another sample rate"):
        ShoeboxEngine(FOA, RATE).responses(paths)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"sources": (7.0, 1.0, 1.0)}, SceneError, "source of sound path 0 is at .* outside its room"),
        ({"listeners": (1.0, -1.0, 1.0)}, SceneError, "listener of sound path 0"),
        ({"sources": (np.nan, 1.0, 1.0)}, ParameterError, "finite"),
        ({"directivity": "cardoid"}, SceneError, "did you mean 'cardioid'"),
        ({"directivity": ["omni", "omni"]}, ParameterError, "must have shape"),
    ],
)
def test_impossible_paths_say_why(change, error, words):
    arguments = {"sources": SOURCE, "listeners": LISTENER, **change}
    with pytest.raises(error, match=words):
        ShoeboxEngine(FOA, RATE).responses(SoundPaths.in_room(flat_room(SIZE, 0.4), **arguments))


def test_a_response_has_at_least_one_sample():
    with pytest.raises(ParameterError, match="at least one sample"):
        ShoeboxEngine(FOA, RATE).responses(SoundPaths.in_room(flat_room(SIZE, 0.4), SOURCE, LISTENER), length=0)
