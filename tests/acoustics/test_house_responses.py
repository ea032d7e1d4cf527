"""Responses between the places of a house: physics, symmetries, determinism, speed."""

import time

import numpy as np
import pytest
from house_plans import mirrored, node_at, one_room, three_rooms
from room_measures import octave, t30

from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.floorplan import FloorPlan, PlanRoom
from auris.acoustics.floorplan_sampler import PlanSettings, draw_plan
from auris.acoustics.house_responses import OWN_PLACE, House, HouseEngine
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import DirectionalReceiver
from auris.dsp.hrtf import rigid_sphere, structural_head
from auris.errors import LayoutError, ParameterError
from auris.geometry.navigation import yaw_of

RATE = 16_000
LEFT, RIGHT = 0, 1


@pytest.fixture(scope="module")
def house():
    return HouseEngine(three_rooms(), RATE)


@pytest.fixture(scope="module")
def hall():
    """A room so dead and large that the direct sound can be told from the rest."""
    return HouseEngine(one_room((12, 10), height=6.0, t60=0.3), RATE)


def decibels(power):
    return 10 * np.log10(power)


def level(response):
    """Energy over all headings and ears, dB."""
    return decibels(np.mean(np.sum(np.square(response, dtype=float), axis=-1)))


def direct(engine, response, source, receiver):
    """The first three milliseconds of the direct sound."""
    distance = np.linalg.norm(engine.graph.positions[source] - engine.graph.positions[receiver])
    start = int(distance / 343.2 * RATE) - 8
    return response[..., max(start, 0) : start + 48]


# ── in one room ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_direct_sound_falls_with_the_distance(hall):
    source = node_at(hall.graph, 2.5, 4.5)
    listeners = [node_at(hall.graph, 2.5 + d, 4.5) for d in (1, 2, 4, 8)]
    responses = hall.responses(source, listeners)
    # The floor's reflection comes 1.5 ms later than the direct sound of the farthest.
    energy = [np.sum(direct(hall, r[1], source, n)[:, :28] ** 2) for r, n in zip(responses, listeners, strict=True)]
    assert np.allclose(decibels(np.array(energy) / energy[0]), [0, -6, -12, -18], atol=0.7)


def test_sound_arrives_when_it_must(hall):
    source, listener = node_at(hall.graph, 1.5, 4.5), node_at(hall.graph, 9.5, 4.5)
    response = hall.responses(source, listener)[0, 2, LEFT]  # looking at the source
    first = np.argmax(np.abs(response) > 0.5 * np.abs(response).max())
    assert first / RATE == pytest.approx(8 / 343.2, abs=5e-4)


def test_it_is_what_the_shoebox_engine_renders():
    plan = one_room((6, 5), t60=0.4)
    engine = HouseEngine(plan, RATE)
    source, listener = node_at(engine.graph, 1.5, 3.5), node_at(engine.graph, 4.5, 1.5)
    ours = engine.responses(source, listener)[0]
    shoebox = ShoeboxEngine(DirectionalReceiver(structural_head(RATE)), RATE)
    for heading in range(4):
        yaw = yaw_of(heading)
        turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        places = engine.graph.positions[[source, listener]]
        paths = SoundPaths.in_room(engine.rooms.rooms[0], places[0], places[1], rotations=turn)
        early = shoebox.early(paths)[0]
        count = round(0.018 * RATE)  # before the tail sets in; the two grids of directions differ a little
        error = ours[heading, :, :count] - early[:, :count]
        assert decibels(np.sum(error**2) / np.sum(early[:, :count] ** 2)) < -20


@pytest.mark.parametrize(("t60", "sides"), [(0.3, (6, 5)), (0.6, (5, 4))])
def test_the_t60_measured_in_a_room_is_the_rooms(t60, sides):
    engine = HouseEngine(one_room(sides, t60=t60), RATE)
    source = node_at(engine.graph, 0.5, 0.5)
    responses = engine.responses(source, np.arange(8, 16))
    measured = [t30(octave(r[0, LEFT], RATE, 1000), RATE) for r in responses]
    assert np.mean(measured) == pytest.approx(t60, rel=0.08)


@pytest.mark.parametrize(("room", "place"), [(0, (0.5, 3.5)), (1, (7.5, 0.5)), (2, (0.5, 6.5))])
def test_the_t60_measured_in_a_house_is_the_rooms(house, room, place):
    source = node_at(house.graph, *place)
    listeners = [n for n in np.flatnonzero(house.plan.room_of(house.graph.positions) == room) if n != source][:10]
    measured = [t30(octave(r[0, LEFT], RATE, 1000), RATE) for r in house.responses(source, listeners)]
    assert np.mean(measured) == pytest.approx(house.plan.rooms[room].t60, rel=0.12)


def test_early_part_and_tail_join_without_a_step(hall):
    source = node_at(hall.graph, 1.5, 1.5)
    responses = hall.responses(source, np.arange(40, 60))
    power = np.mean(np.square(responses, dtype=float), axis=(0, 1, 2))
    seconds = np.arange(len(power)) / RATE
    smooth = np.convolve(power, np.ones(480) / 480, "same")
    part = (seconds > 0.04) & (seconds < 0.25)
    line = np.polyfit(seconds[part], decibels(smooth[part]), 1)
    assert np.abs(decibels(smooth[part]) - np.polyval(line, seconds[part])).max() < 3.5


# ── ears and headings ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_source_on_the_left_is_louder_on_the_left(hall):
    listener = node_at(hall.graph, 5.5, 4.5)
    source = node_at(hall.graph, 5.5, 7.5)  # along y: to the left of who looks along x
    heard = direct(hall, hall.responses(source, listener)[0], source, listener)
    energy = decibels(np.sum(heard**2, axis=-1))
    assert energy[0, LEFT] > energy[0, RIGHT] + 4
    assert energy[2, RIGHT] > energy[2, LEFT] + 4
    assert energy[1, LEFT] == pytest.approx(energy[1, RIGHT], abs=0.1)  # looking at it
    assert energy[3, LEFT] == pytest.approx(energy[3, RIGHT], abs=0.1)


def test_turning_by_a_quarter_is_the_source_turning_back(hall):
    listener = node_at(hall.graph, 5.5, 4.5)
    ring = [node_at(hall.graph, 5.5 + x, 4.5 + y) for x, y in ((3, 0), (0, 3), (-3, 0), (0, -3))]
    responses = [direct(hall, hall.responses(source, listener)[0], source, listener) for source in ring]
    for place in range(4):
        for heading in range(4):
            wanted = responses[(place - heading) % 4][0]
            assert np.allclose(responses[place][heading], wanted, atol=0.02 * np.abs(wanted).max())


def test_a_mirrored_house_exchanges_the_ears(hall):
    plan = three_rooms()
    engine, other = HouseEngine(plan, RATE), HouseEngine(mirrored(plan), RATE)
    for source, listener in (((1.5, 1.5), (2.5, 3.5)), ((1.5, 1.5), (6.5, 3.5)), ((0.5, 2.5), (3.5, 6.5))):
        a = engine.responses(node_at(engine.graph, *source), node_at(engine.graph, *listener))[0]
        there = [(x, 7 - y) for x, y in (source, listener)]
        b = other.responses(*(node_at(other.graph, *place) for place in there))[0]
        count = round(0.02 * RATE) + int(engine.paths.length.max() / 343.2 * RATE)
        # Headings 1 and 3 look along y and are each other's mirror image. Tails are other noise of the same level.
        for heading, image in enumerate((0, 3, 2, 1)):
            assert np.allclose(level(a[heading, 0, :count]), level(b[image, 1, :count]), atol=1.0)
            assert np.allclose(level(a[heading, 1, :count]), level(b[image, 0, :count]), atol=1.0)


def test_arrivals_of_a_mirrored_house_are_mirrored_sample_by_sample(monkeypatch):
    house = HouseEngine(three_rooms(), RATE)
    other = HouseEngine(mirrored(house.plan), RATE)
    for engine in (house, other):
        monkeypatch.setitem(engine.__dict__, "_amplitudes", np.zeros_like(engine._amplitudes))
    for source, listener in (((1.5, 1.5), (2.5, 3.5)), ((1.5, 1.5), (6.5, 3.5)), ((0.5, 2.5), (3.5, 6.5))):
        a = house.responses(node_at(house.graph, *source), node_at(house.graph, *listener))[0]
        there = [(x, 7 - y) for x, y in (source, listener)]
        b = other.responses(*(node_at(other.graph, *place) for place in there))[0]
        swapped = b[[0, 3, 2, 1]][:, ::-1]
        assert np.allclose(a, swapped, atol=5e-3 * np.abs(a).max())


def test_ears_of_the_tail_are_as_alike_as_in_a_diffuse_field(house):
    source = node_at(house.graph, 0.5, 6.5)
    responses = house.responses(source, np.arange(20))[..., 2000:6000]
    low = octave(responses, RATE, 125)[..., 200:-200]
    high = octave(responses, RATE, 4000)[..., 200:-200]

    def alike(part, first, second):
        a, b = part[:, first[0], first[1]], part[:, second[0], second[1]]
        return np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2))

    assert alike(low, (0, 0), (0, 1)) > 0.8
    assert abs(alike(high, (0, 0), (0, 1))) < 0.2
    assert alike(low, (0, 0), (1, 0)) > 0.85  # the left ear before and after a quarter turn
    assert abs(alike(high, (0, 0), (2, 0))) < 0.2


def test_a_source_on_ones_own_place_is_heard_alike_by_both_ears(hall):
    node = node_at(hall.graph, 5.5, 4.5)
    response = hall.responses(node, node)[0]
    early = response[..., :60]
    energy = np.sum(early**2, axis=-1)
    assert np.allclose(energy, energy[0, 0], rtol=0.05)
    nearby = hall.responses(node_at(hall.graph, 6.5, 4.5), node)[0]
    assert level(early) - level(nearby[..., :90]) == pytest.approx(-20 * np.log10(OWN_PLACE), abs=4)


# ── between rooms ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_levels_fall_from_doorway_to_doorway(house):
    source = node_at(house.graph, 1.5, 2.5)
    levels = np.array([level(r) for r in house.responses(source, np.arange(len(house.graph)))])
    rooms = house.plan.room_of(house.graph.positions)
    means = [levels[rooms == room].mean() for room in range(3)]
    assert means[0] > means[1] + 3 > means[2] + 5
    length = house.paths.length[source]
    assert np.corrcoef(length, levels)[0, 1] < -0.85


@pytest.mark.parametrize("seed", range(3))
def test_levels_fall_along_the_way_in_drawn_houses(seed):
    engine = HouseEngine(draw_plan(PlanSettings(), seed), RATE)
    source = int(np.argmax(engine.graph.hops.max(axis=0)))
    levels = np.array([level(r) for r in engine.responses(source, np.arange(len(engine.graph)))])
    assert np.corrcoef(engine.paths.length[source], levels)[0, 1] < -0.8
    seen = engine.paths.corners[source] == 0
    assert levels[seen].mean() > levels[~seen].mean() + 5


def test_a_closed_doorway_takes_far_more_than_an_open_one():
    # The same two rooms: what passes through the wall alone is heard when there is no way at all.
    rooms = (PlanRoom("a", (0, 0), (4, 4), 0.4), PlanRoom("b", (4, 0), (8, 4), 0.4))
    open_plan = FloorPlan((8, 4), 2.5, rooms, three_rooms().doorways[:1])
    engine = HouseEngine(open_plan, RATE)
    source, listener = node_at(engine.graph, 1.5, 1.5), node_at(engine.graph, 6.5, 3.5)
    response = engine.responses(source, listener)[0]
    assert engine.paths.walls[source, listener] == 1
    assert level(response) > 20 * np.log10(1 / 5) - 30 + 10


def test_what_bends_around_an_edge_is_duller(house):
    source, listener = node_at(house.graph, 3.5, 3.5), node_at(house.graph, 4.5, 3.5)
    beside = house.responses(source, node_at(house.graph, 3.5, 0.5))[0]
    hidden = house.responses(source, listener)[0]
    count = round((house.paths.length[source, listener] / 343.2 + 0.004) * RATE)

    def slope(response):
        return level(octave(response, RATE, 4000)) - level(octave(response, RATE, 500))

    assert slope(hidden[..., :count]) < slope(beside[..., :count]) - 3


def test_shadowed_sound_comes_from_the_doorway(house):
    listener, source = node_at(house.graph, 4.5, 3.5), node_at(house.graph, 2.5, 3.5)
    # The doorway is to the right of who looks along x (heading 0), the source is behind the wall, straight behind.
    response = house.responses(source, listener)[0, 0]
    start = round(house.paths.length[source, listener] / 343.2 * RATE)
    early = np.sum(response[:, start - 8 : start + 40] ** 2, axis=-1)
    assert decibels(early[RIGHT] / early[LEFT]) > 3


@pytest.mark.parametrize("pair", [((1.5, 1.5), (6.5, 1.5)), ((0.5, 0.5), (3.5, 6.5)), ((0.5, 0.5), (3.5, 3.5))])
def test_energy_is_the_same_both_ways(house, pair):
    first, second = (node_at(house.graph, *place) for place in pair)
    there = level(np.concatenate(house.responses(first, [second])))
    back = level(np.concatenate(house.responses(second, [first])))
    assert there == pytest.approx(back, abs=1.2)  # ears hear different sides, tails are other noise


# ── use ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pairs_are_the_same_in_any_batch(house):
    whole = house.responses(3, np.arange(len(house.graph)))
    assert np.array_equal(house.responses(3, [50, 7])[0], whole[50])
    assert np.array_equal(HouseEngine(three_rooms(), RATE).responses([9, 3], [1, 7])[1], whole[7])
    assert not np.array_equal(HouseEngine(three_rooms(), RATE, seed=1).responses(3, 7)[0], whole[7])
    assert np.all(np.isfinite(whole))


def test_a_world_gives_what_an_environment_asks_for(house):
    world = House(house, name="home", cache_bytes=3 * 8 * 4 * house.length)
    assert world.positions.shape == (56, 3)
    assert world.neighbours.shape == (56, 4)
    assert world.hops.shape == (56, 56)
    assert world.name == "home"
    response = world.rir(3, 7, 2)
    assert response.dtype == np.float32
    assert response.shape == (2, house.length)
    assert np.array_equal(response, house.responses(3, 7)[0, 2])
    for source in range(6):
        world.rir(source, 0, 0)
    assert len(world._kept) == 3
    with pytest.raises(ParameterError, match="heading"):
        world.rir(0, 0, 4)
    with pytest.raises(ParameterError, match="0 to 55"):
        world.rir(56, 0, 0)


def test_refuses_a_head_with_more_ears_than_two():
    with pytest.raises(LayoutError, match="two ears"):
        HouseEngine(one_room(), RATE, head=rigid_sphere(np.eye(3) * 0.04, RATE))


def test_eighty_places_take_well_under_a_minute(house):
    engine = HouseEngine(draw_plan(PlanSettings(length=(10, 10), width=(8, 8), furniture=0.0), 3), RATE)
    engine.responses(0, [0, 1])
    began = time.process_time()
    engine.responses(5, np.arange(80))
    assert 80 * (time.process_time() - began) < 50
