"""Shortest paths of sound through doorways, and what arrives along them."""

import time

import numpy as np
import pytest
from house_plans import mirrored, node_at, one_room, three_rooms

from auris.acoustics.coupled_rooms import CoupledRooms
from auris.acoustics.floorplan_arrivals import bend_loss_db, room_arrivals, wall_loss_db
from auris.acoustics.floorplan_paths import geodesics, walls_between
from auris.acoustics.floorplan_sampler import PlanSettings, draw_plan
from auris.errors import SceneError

SEEDS = range(6)


def test_in_one_room_paths_are_straight():
    plan = one_room()
    points = plan.graph.positions
    paths = geodesics(plan, points)
    assert np.allclose(paths.length, np.linalg.norm(points[:, None] - points[None], axis=-1))
    assert not paths.corners.any()
    assert not paths.walls.any()


def test_a_path_around_one_edge():
    plan = three_rooms()
    points = [(3.5, 3.5), (4.5, 3.5)]  # on both sides of a wall; the doorway's nearer edge is at (4, 2)
    paths = geodesics(plan, points)
    leg = np.hypot(0.5, 1.5)
    assert paths.length[0, 1] == pytest.approx(2 * leg)
    assert paths.corners[0, 1] == 1
    assert paths.detours[0, 1, 0] == pytest.approx(2 * leg - 1)
    assert np.allclose(paths.departure[0, 1], [0.5 / leg, -1.5 / leg])
    assert np.allclose(paths.arrival[0, 1], [-0.5 / leg, -1.5 / leg])
    assert np.allclose(paths.entry[0, 1], [4, 2])
    assert np.allclose(paths.approach[0, 1], [3.5, 3.5])
    assert paths.bends_at_entry[0, 1]
    assert paths.walls[0, 1] == 1


def test_plain_sight_through_a_doorway():
    plan = three_rooms()
    paths = geodesics(plan, [(2.5, 1.5), (6.5, 1.5)])
    assert paths.length[0, 1] == pytest.approx(4)
    assert paths.corners[0, 1] == 0
    assert np.allclose(paths.entry[0, 1], [4, 1.5])
    assert paths.until_entry[0, 1] == pytest.approx(1.5)
    assert not paths.bends_at_entry[0, 1]


def test_two_doorways_bend_a_path_more_than_once():
    plan = three_rooms()
    paths = geodesics(plan, [(0.5, 3.5), (0.5, 4.5)])
    assert paths.corners[0, 1] >= 2
    assert paths.length[0, 1] > 11
    assert paths.walls[0, 1] == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_paths_are_a_metric_and_the_same_both_ways(seed):
    plan = draw_plan(PlanSettings(), seed)
    points = plan.graph.positions[:, :2]
    paths = geodesics(plan, points)
    assert np.array_equal(paths.corners, paths.corners.T)
    assert np.allclose(paths.length, paths.length.T, atol=1e-12)
    straight = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert np.all(paths.length >= straight - 1e-9)
    assert np.all(paths.length <= plan.graph.hops + 0.5)  # walking cannot be shorter
    assert np.array_equal(paths.corners == 0, paths.walls == 0)
    assert np.allclose(paths.departure, np.swapaxes(paths.arrival, 0, 1))
    assert np.allclose(np.sort(paths.detours), np.sort(np.swapaxes(paths.detours, 0, 1)))


@pytest.mark.parametrize("seed", SEEDS)
def test_arrivals_come_from_where_one_can_see(seed):
    plan = draw_plan(PlanSettings(), seed)
    points = plan.graph.positions[:, :2]
    paths = geodesics(plan, points)
    first, second = (nodes[::7] for nodes in np.nonzero(paths.corners > 0))
    seen = points[second] + 0.3 * paths.arrival[first, second]
    assert not any(walls_between(plan, points[[b]], place[None]).any() for b, place in zip(second, seen, strict=True))
    assert np.all(plan.room_of(paths.entry[first, second]) >= 0)


def test_a_house_of_many_places_takes_less_than_a_second():
    plan = draw_plan(PlanSettings(length=(14, 14), width=(12, 12), rooms=(6, 6), least_nodes=130), 0)
    began = time.process_time()
    geodesics(plan, plan.graph.positions)
    assert time.process_time() - began < 1


def test_closed_rooms_are_out_of_reach():
    plan = three_rooms(doorways=False)
    paths = geodesics(plan, [(1.5, 1.5), (6.5, 1.5)])
    assert np.isinf(paths.length[0, 1])
    arrivals = room_arrivals(plan, CoupledRooms.of(plan, 16_000).rooms, paths, np.array([0]), np.array([1]))
    heard = np.flatnonzero(arrivals.gain[0].max(axis=1))
    assert heard.tolist() == [arrivals.gain.shape[1] - 1]  # through the wall alone
    assert 20 * np.log10(arrivals.gain[0, heard[0], 2]) == pytest.approx(-wall_loss_db(500) - 20 * np.log10(5), abs=0.1)


def test_refuses_points_outside():
    with pytest.raises(SceneError, match="point 1"):
        geodesics(one_room(), [(1, 1), (9, 1)])


# ── losses and arrivals ──────────────────────────────────────────────────────────────────────────────────────────────


def test_bends_take_five_decibels_at_the_shadow_and_more_with_depth_and_frequency():
    assert bend_loss_db(0.0, 1000.0, speed=343.0) == pytest.approx(5, abs=0.01)
    deep = bend_loss_db(0.5, np.array([125, 500, 2000, 8000]), speed=343.0)
    assert np.all(np.diff(deep) > 0)
    # Far in the shadow, Kurze and Anderson is 5 + 10 log10(2 pi N).
    assert deep[3] == pytest.approx(5 + 10 * np.log10(2 * np.pi * 2 * 0.5 * 8000 / 343), abs=0.01)


def test_walls_hold_back_high_frequencies_more():
    assert wall_loss_db(500) == pytest.approx(30)
    assert np.all(np.diff(wall_loss_db([125, 250, 500, 1000, 2000])) >= 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_levels_are_the_same_both_ways(seed):
    plan = draw_plan(PlanSettings(), seed)
    rooms, paths = CoupledRooms.of(plan, 16_000).rooms, geodesics(plan, plan.graph.positions)
    where = plan.room_of(plan.graph.positions)
    first, second = np.nonzero(where[:, None] < where[None])
    there = room_arrivals(plan, rooms, paths, first, second)
    back = room_arrivals(plan, rooms, paths, second, first)
    assert np.allclose(np.sum(there.gain**2, axis=1), np.sum(back.gain**2, axis=1), rtol=1e-9)
    assert np.allclose(np.sort(there.distance), np.sort(back.distance))


def test_behind_a_wall_it_is_softer_and_duller_than_in_the_doorway():
    plan = three_rooms()
    graph = plan.graph
    rooms, paths = CoupledRooms.of(plan, 16_000).rooms, geodesics(plan, graph.positions)
    source = node_at(graph, 1.5, 1.5)
    seen, hidden = node_at(graph, 5.5, 1.5), node_at(graph, 4.5, 3.5)
    arrivals = room_arrivals(plan, rooms, paths, np.array([source, source]), np.array([seen, hidden]))
    level = 20 * np.log10(arrivals.gain[:, 0])
    assert np.all(level[0] > level[1] + 5)
    assert level[0, 0] - level[0, -2] < 1  # air alone
    assert level[1, 0] - level[1, -2] > 3


def test_reflections_come_later_and_softer_and_none_from_the_wall_of_the_doorway():
    plan = three_rooms()
    graph = plan.graph
    rooms, paths = CoupledRooms.of(plan, 16_000).rooms, geodesics(plan, graph.positions)
    source, listener = node_at(graph, 1.5, 2.5), node_at(graph, 5.5, 2.5)
    arrivals = room_arrivals(plan, rooms, paths, np.array([source]), np.array([listener]))
    direct, reflected = arrivals.distance[0, 0], arrivals.distance[0, 1:7]
    there = arrivals.gain[0, 1:7].max(axis=1) > 0
    assert there.tolist() == [False, True, True, True, True, True]  # x0 is the wall with the doorway
    assert np.all(reflected[there] > direct)
    assert np.all(arrivals.gain[0, 1:7][there] < arrivals.gain[0, 0])
    assert np.allclose(np.linalg.norm(arrivals.direction[0], axis=1), 1)


def test_a_mirrored_house_has_mirrored_paths():
    plan = three_rooms()
    points = plan.graph.positions[:, :2]
    paths = geodesics(plan, points)
    other = geodesics(mirrored(plan), points * [1, -1] + [0, plan.size[1]])
    assert np.allclose(other.length, paths.length)
    assert np.allclose(other.arrival, paths.arrival * [1, -1])
