"""Floor plans: what they hold, what is drawn, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from house_plans import node_at, three_rooms
from scipy.ndimage import label

from auris.acoustics.coupled_rooms import CoupledRooms
from auris.acoustics.floorplan import CELL, OUTSIDE, Doorway, FloorPlan, Furniture, PlanRoom
from auris.acoustics.floorplan_sampler import PlanSettings, draw_plan
from auris.errors import FormatError, ParameterError, SceneError

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_drawn_plans_keep_what_the_settings_say(seed):
    settings = PlanSettings()
    plan = draw_plan(settings, seed)
    assert settings.length[0] <= plan.size[0] <= settings.length[1]
    assert settings.width[0] <= plan.size[1] <= settings.width[1]
    assert settings.rooms[0] <= len(plan.rooms) <= settings.rooms[1]
    assert min(min(room.sides) for room in plan.rooms) >= settings.shortest_side
    assert sum(room.area for room in plan.rooms) == plan.size[0] * plan.size[1]
    assert len(plan.graph) >= settings.least_nodes
    assert np.all(plan.graph.hops >= 0)
    assert {room for door in plan.doorways for room in door.rooms} == set(range(len(plan.rooms)))
    covered = sum((b.high[0] - b.low[0]) * (b.high[1] - b.low[1]) for b in plan.furniture)
    assert covered <= settings.furniture * plan.size[0] * plan.size[1] + 1


def test_the_same_seed_draws_the_same_plan_and_another_another():
    assert draw_plan(PlanSettings(), 5) == draw_plan(PlanSettings(), 5)
    assert len({json.dumps(draw_plan(PlanSettings(), seed).to_dict()) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_plans_are_written_down_and_read_again(seed):
    plan = draw_plan(PlanSettings(), seed)
    assert FloorPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_a_plan_of_octaves_is_read_again():
    plan = FloorPlan((3, 2), 2.5, (PlanRoom("a", (0, 0), (3, 2), (0.5, 0.4, 0.3)),))
    assert FloorPlan.from_dict(json.loads(json.dumps(plan.to_dict()))).rooms[0].t60 == (0.5, 0.4, 0.3)


@pytest.mark.parametrize("seed", SEEDS)
def test_drawn_rooms_have_the_t60_that_they_tell(seed):
    plan = draw_plan(PlanSettings(), seed)
    heard = CoupledRooms.of(plan, 16_000).t60[:, 3]
    assert np.allclose(heard, [room.t60 for room in plan.rooms], rtol=0.02)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_flooded_map_agrees_with_the_rooms(seed):
    plan = draw_plan(PlanSettings(), seed)
    rooms, taken = plan.room_map(), plan.occupancy()
    assert rooms.shape == tuple(round(side / CELL) + 1 for side in plan.size)
    assert np.array_equal(rooms == OUTSIDE, taken)
    places = np.rint(plan.graph.positions[:, :2] / CELL).astype(int)
    assert not taken[places[:, 0], places[:, 1]].any()
    assert np.array_equal(rooms[places[:, 0], places[:, 1]], plan.room_of(plan.graph.positions))


@pytest.mark.parametrize("seed", SEEDS)
def test_one_can_walk_on_the_map_what_one_can_walk_on_the_graph(seed):
    plan = draw_plan(PlanSettings(), seed)
    parts, _ = label(~plan.occupancy())
    places = np.rint(plan.lattice.positions[:, :2] / CELL).astype(int)
    on_map = parts[places[:, 0], places[:, 1]]
    on_graph = plan.lattice.components
    assert np.array_equal(on_map[:, None] == on_map[None], on_graph[:, None] == on_graph[None])


def test_doorways_are_the_only_way_between_rooms():
    graph = three_rooms().graph
    assert len(graph) == 56
    left, right = node_at(graph, 3.5, 1.5), node_at(graph, 4.5, 1.5)
    assert graph.hops[left, right] == 1
    assert graph.hops[node_at(graph, 3.5, 2.5), node_at(graph, 4.5, 2.5)] == 3
    assert len(three_rooms(doorways=False).graph) == 24


def test_walls_are_joined_and_interrupted_by_doorways():
    walls = three_rooms().walls
    lengths = np.abs(walls[:, 1] - walls[:, 0]).sum(axis=1)
    assert lengths.sum() == 2 * (8 + 7) + 4 + 8 - 2
    vertical = walls[(walls[:, 0, 0] == 4) & (walls[:, 1, 0] == 4)]
    assert sorted(map(tuple, vertical[:, :, 1].tolist())) == [(0.0, 1.0), (2.0, 4.0)]


def test_furniture_takes_places_and_steps():
    plan = replace(three_rooms(), furniture=(Furniture((1, 1), (2, 3)),))
    assert len(plan.graph) == 54
    assert plan.graph.hops[node_at(plan.graph, 0.5, 1.5), node_at(plan.graph, 2.5, 1.5)] == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rooms": (PlanRoom("a", (0, 0), (4, 4)),)}, "lies in 0 rooms"),
        ({"size": (50, 7)}, "whole metres"),
        ({"height": 1.0}, "heights"),
        ({"doorways": (Doorway((0, 2), "x", 4, 1),)}, "leads from room 0 to 1"),
        ({"doorways": (Doorway((0, 1), "x", 0, 1),)}, "doorway 0"),
        ({"furniture": (Furniture((3, 1), (5, 2)),)}, "inside one room"),
        ({"furniture": (Furniture((1, 1), (2, 2), 1.8),)}, "lower than ears"),
    ],
)
def test_refuses_what_contradicts_itself(change, says):
    with pytest.raises(SceneError, match=says):
        replace(three_rooms(), **change)


def test_refuses_other_documents():
    with pytest.raises(FormatError, match="version"):
        FloorPlan.from_dict({"size": [3, 3]})
    plain = three_rooms().to_dict()
    with pytest.raises(FormatError, match="no floor plan"):
        FloorPlan.from_dict({**plain, "colour": "red"})
    with pytest.raises(FormatError, match="no floor plan"):
        FloorPlan.from_dict({**plain, "rooms": [3]})


def test_refuses_settings_without_a_house():
    with pytest.raises(ParameterError, match="least_nodes"):
        PlanSettings(length=(3, 4), width=(3, 4))
    with pytest.raises(ParameterError, match="t60"):
        PlanSettings(t60=(0.6, 0.2))
    with pytest.raises(SceneError, match="in one piece"):
        draw_plan(PlanSettings(length=(7, 7), width=(7, 7), furniture=0.5, least_nodes=49), 0)
