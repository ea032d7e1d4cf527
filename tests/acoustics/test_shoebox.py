"""Rooms as numbers: reverberation times met, decays that physics knows, and errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from room_measures import flat_room

from auris.acoustics.materials import absorption_of
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.errors import SceneError
from auris.scene import Room

SIZE = (6.0, 4.5, 2.8)


def walls_and_volume(size):
    x, y, z = size
    return np.array([y * z, y * z, x * z, x * z, x * y, x * y]), x * y * z


@given(
    st.tuples(st.floats(2, 15), st.floats(2, 12), st.floats(2, 6)),
    st.lists(st.floats(0.25, 0.9), min_size=1, max_size=7),
    st.sampled_from([0.0, 0.3, 1.0]),
)
@settings(max_examples=30, deadline=None)
def test_a_reachable_t60_is_met_in_every_band(size, targets, scattering):
    room = ShoeboxAcoustics.from_room(Room(size, t60=tuple(targets), scattering=scattering), 24000)
    assert room.t60()[: len(targets)] == pytest.approx(targets, rel=1e-3)
    assert 0 < room.absorption.min() <= room.absorption.max() < 1


def test_mixing_rooms_follow_eyring():
    absorption = np.array([0.1, 0.4, 0.2, 0.2, 0.6, 0.3])
    room = flat_room(SIZE, absorption, scattering=1.0)
    area, volume = walls_and_volume(SIZE)
    eyring = 24 * np.log(10) * volume / (room.speed_of_sound * -np.sum(area * np.log(1 - absorption)))
    assert room.t60() == pytest.approx(np.full(7, eyring), rel=1e-4)


def test_weakly_absorbing_rooms_follow_sabine():
    room = flat_room(SIZE, 0.02, scattering=1.0)
    area, volume = walls_and_volume(SIZE)
    sabine = 24 * np.log(10) * volume / (room.speed_of_sound * 0.02 * area.sum())
    assert room.t60()[0] == pytest.approx(sabine, rel=0.02)


def test_mirror_walls_ring_longer_than_mixing_ones():
    mirror, mixing = flat_room(SIZE, 0.3, scattering=0.0), flat_room(SIZE, 0.3, scattering=1.0)
    assert mirror.t60()[3] > 1.02 * mixing.t60()[3]


def test_air_ends_high_frequencies_first():
    room = ShoeboxAcoustics.from_room(Room((30, 20, 12), absorption=0.05), 48000)
    assert np.all(np.diff(room.t60()) < 0)
    still = ShoeboxAcoustics.from_room(Room((30, 20, 12), absorption=0.05, air_absorption=False), 48000)
    assert np.all(still.t60() > room.t60())


def test_energy_decay_is_one_at_emission_and_falls_by_sixty_decibels():
    room = flat_room(SIZE, 0.25, scattering=1.0)
    decay = room.energy_decay([0.0, room.t60()[0]])
    assert decay[:, 0] == pytest.approx(np.ones(7))
    assert 10 * np.log10(decay[:, 1]) == pytest.approx(np.full(7, -60), abs=0.01)


def test_the_decay_is_the_mean_over_directions():
    """The quadrature over one octant agrees with a mean over many directions."""
    room = flat_room((9.0, 4.0, 2.5), [0.1, 0.3, 0.05, 0.5, 0.6, 0.8], scattering=0.0)
    directions = np.random.default_rng(1).standard_normal((200_000, 3))
    directions = np.abs(directions) / np.linalg.norm(directions, axis=1, keepdims=True)
    loss = -np.log(1 - room.absorption[:, 0])
    rates = room.speed_of_sound / 2 * directions @ ((loss[0::2] + loss[1::2]) / room.dimensions)
    times = np.array([0.02, 0.05, 0.1, 0.2])
    brute = np.exp(-np.outer(times, rates)).mean(axis=1)
    assert 10 * np.log10(room.energy_decay(times)[0] / brute) == pytest.approx(np.zeros(4), abs=0.25)


def test_materials_stand_at_their_walls():
    room = ShoeboxAcoustics.from_room(Room(SIZE, materials={"floor": "carpet", "other": "plaster"}), 16000)
    assert room.absorption[4] == pytest.approx(absorption_of("carpet", 7))
    assert room.absorption[[0, 1, 2, 3, 5]] == pytest.approx(np.tile(absorption_of("plaster", 7), (5, 1)))


def test_one_number_is_met_where_air_allows():
    room = ShoeboxAcoustics.from_room(Room((20, 15, 8), t60=2.5), 48000)
    assert room.t60()[:5] == pytest.approx(np.full(5, 2.5), rel=1e-3)
    assert room.t60()[7] < 1.0  # 16 kHz


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (Room((50, 40, 20), t60=0.1), "0.1 s at 125 Hz cannot be reached .* allow"),
        (Room(SIZE, t60=(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0)), "9 s at 8000 Hz cannot be reached.*air_absorption"),
        (Room(SIZE, materials="plastr"), "did you mean 'plaster'"),
        (Room(SIZE, absorption=0.0, air_absorption=False), "almost nothing absorbs"),
    ],
)
def test_impossible_rooms_say_why(room, words):
    with pytest.raises(SceneError, match=words):
        ShoeboxAcoustics.from_room(room, 24000)


def test_rooms_are_remembered_and_cannot_be_changed():
    room = ShoeboxAcoustics.from_room(Room(SIZE, t60=0.4), 24000)
    assert ShoeboxAcoustics.from_room(Room(SIZE, t60=0.4), 24000) is room
    with pytest.raises(ValueError, match="read-only"):
        room.absorption[0, 0] = 0.5


def test_open_walls_leave_no_reverberation():
    room = flat_room(SIZE, 1.0)
    assert room.longest_t60 < 0.02
