"""Reverberation in rooms with open doorways: conservation, reciprocity, steady state, T60."""

import numpy as np
import pytest
from house_plans import one_room, three_rooms
from scipy.linalg import expm

from auris.acoustics.coupled_rooms import CoupledRooms

TIMES = np.arange(0, 2.0, 1e-3)


@pytest.fixture(scope="module")
def rooms():
    return CoupledRooms.of(three_rooms(), 16_000)


def test_every_room_has_its_t60_with_the_doorways_open(rooms):
    assert np.allclose(rooms.t60, np.array([[0.4], [0.3], [0.5]]), rtol=1e-3)


def test_a_room_alone_decays_as_its_t60_says():
    alone = CoupledRooms.of(one_room(t60=0.6), 16_000)
    energy = alone.energy([0.0, 0.3])[0, 0]
    assert np.allclose(10 * np.log10(energy[:, 1] / energy[:, 0]), -30, atol=0.1)
    assert np.allclose(energy[:, 0], 4 * np.pi * alone.rooms[0].speed_of_sound / 50)


def test_it_solves_the_equation_of_coupled_rooms(rooms):
    speed, volume, band = rooms.rooms[0].speed_of_sound, rooms.volumes, 3
    passing = speed * rooms.openings / (4 * volume[:, None])
    matrix = passing - np.diag(passing.sum(axis=1) + rooms.losses[:, band])
    for time in (0.01, 0.1, 0.4):
        wanted = expm(matrix * time) @ np.diag(4 * np.pi * speed / volume)
        assert np.allclose(rooms.energy([time])[:, :, band, 0].T, wanted, rtol=1e-6, atol=1e-6)


def test_energy_is_the_same_both_ways_and_starts_in_the_room_of_the_source(rooms):
    energy = rooms.energy(TIMES)
    assert np.allclose(energy, np.swapaxes(energy, 0, 1))
    assert np.allclose(energy[0, 1:, :, 0], 0, atol=1e-6)
    assert np.all(energy[0, 1].argmax(axis=-1) > 5)


def test_each_doorway_takes_some_decibels_in_the_steady_state(rooms):
    steady = rooms.energy(TIMES).sum(axis=-1)
    level = 10 * np.log10(steady[0] / steady[0, 0])
    assert np.all((level[1] < -2) & (level[1] > -12))
    assert np.all((level[2] < level[1] - 2) & (level[2] > -25))


def test_closed_rooms_hear_nothing_of_each_other():
    energy = CoupledRooms.of(three_rooms(doorways=False), 16_000).energy(TIMES)
    assert np.allclose(energy[0, 1:], 0)
    assert np.all(energy[0, 0, :, 0] > 0)
