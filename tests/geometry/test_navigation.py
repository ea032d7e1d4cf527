"""Graphs to walk on: steps, turns, hops, and the headings of SoundSpaces."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.geometry.frames import FRAMES, soundspaces1_heading_deg_from_yaw
from auris.geometry.navigation import (
    HEADINGS,
    NOWHERE,
    NavigationGraph,
    azimuth_folder,
    habitat_rotation_deg,
    heading_of_folder,
    heading_of_rotation,
    yaw_of,
)

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def lattice(width, depth, missing=()):
    """Places one metre apart, row by row along x, without some; and their graph."""
    cells = [(x, y) for x in range(width) for y in range(depth) if (x, y) not in missing]
    number = {cell: n for n, cell in enumerate(cells)}
    edges = [
        (number[x, y], number[x + dx, y + dy]) for x, y in cells for dx, dy in ((1, 0), (0, 1)) if (x + dx, y + dy) in number
    ]
    return NavigationGraph.from_edges([(x, y, 1.5) for x, y in cells], edges), number


@pytest.mark.parametrize("fixture", ["active_nav"])
def test_moves_like_the_published_simulator(fixture):
    # Cell (i, j) of the fixture is at Habitat's (i, 0.1, -j): auris' x runs along j, its y against i.
    cells = [(i, j) for i in range(4) for j in range(4) if (i, j) != (2, 2)]
    positions = FRAMES["habitat"].to_internal([(i, 0.1, -j) for i, j in cells])
    number = {cell: n for n, cell in enumerate(cells)}
    edges = [(number[i, j], number[i + a, j + b]) for i, j in cells for a, b in ((1, 0), (0, 1)) if (i + a, j + b) in number]
    graph = NavigationGraph.from_edges(positions, edges)
    manifest = json.loads((REFERENCE / fixture / "manifest.json").read_text())
    expected = np.load(REFERENCE / fixture / "expected.npz")
    node, heading = 5, heading_of_rotation(90)
    start, forward = positions[node], np.array([np.cos(yaw_of(heading)), np.sin(yaw_of(heading)), 0.0])
    right = np.array([forward[1], -forward[0], 0.0])
    states, places = [(node, habitat_rotation_deg(heading), azimuth_folder(heading))], [(0.0, 0.0)]
    for action in manifest["inputs"]["actions"]["values"]:
        if action == 1:
            node = graph.forward(node, heading)
        else:
            heading = (heading + (1 if action == 2 else -1)) % HEADINGS
        states.append((node, habitat_rotation_deg(heading), azimuth_folder(heading)))
        places.append(((positions[node] - start) @ forward, (positions[node] - start) @ right))
    assert np.array_equal(np.array(states), expected["states"][:, :3])
    assert np.allclose(np.array(places), expected["pose"][:, :2], atol=1e-9)


@pytest.mark.parametrize("heading", range(HEADINGS))
def test_names_of_headings_agree_with_the_frames(heading):
    assert heading_of_rotation(habitat_rotation_deg(heading)) == heading
    assert heading_of_folder(azimuth_folder(heading)) == heading
    assert soundspaces1_heading_deg_from_yaw(yaw_of(heading)) == pytest.approx(azimuth_folder(heading), abs=1e-9)


def test_a_step_goes_where_the_heading_points():
    graph, number = lattice(3, 3)
    here = number[1, 1]
    assert [graph.forward(here, k) for k in range(4)] == [number[2, 1], number[1, 2], number[0, 1], number[1, 0]]
    assert graph.forward(number[0, 0], 2) == number[0, 0]


@given(missing=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=9))
def test_hops_are_a_metric_and_first_steps_lead_there(missing):
    graph, _ = lattice(5, 4, missing)
    hops = graph.hops
    assert np.array_equal(hops, hops.T)
    assert np.all(np.diag(hops) == 0)
    together = graph.components[:, None] == graph.components[None]
    assert np.array_equal(hops >= 0, together)
    city_block = np.abs(graph.positions[:, None, :2] - graph.positions[None, :, :2]).sum(axis=-1)
    assert np.all(hops[together] >= city_block[together])
    target = 0
    steps = graph.first_steps(target)
    for node in range(len(graph)):
        if hops[node, target] > 0:
            assert hops[graph.forward(node, steps[node]), target] == hops[node, target] - 1
        else:
            assert steps[node] == NOWHERE


def test_the_largest_part_keeps_its_steps():
    graph, number = lattice(4, 2, missing={(1, 0), (1, 1)})
    part = graph.restricted(graph.largest_component())
    assert len(part) == 4
    assert part.hops.max() == 2
    assert np.allclose(part.positions[0], graph.positions[number[2, 0]])
    assert [tuple(edge) for edge in part.edges] == [(0, 1), (0, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("edges", "says"),
    [([(0, 3)], "not among"), ([(0, 2)], "does not run along an axis"), ([(0, 0)], "does not run along an axis")],
)
def test_refuses_edges_that_are_no_steps(edges, says):
    with pytest.raises(ParameterError, match=says):
        NavigationGraph.from_edges([(0, 0, 0), (1, 0, 0), (1, 1, 0)], edges)


def test_refuses_what_cannot_be_walked_back():
    with pytest.raises(ParameterError, match="lead back"):
        NavigationGraph(np.array([[0, 0, 0], [1.0, 0, 0]]), np.array([[1, -1, -1, -1], [-1, -1, -1, -1]]))
    with pytest.raises(ParameterError, match="two edges"):
        NavigationGraph.from_edges([(0, 0, 0), (1, 0, 0), (2, 0, 0)], [(0, 1), (0, 2)])
    with pytest.raises(ParameterError, match="heading"):
        yaw_of(4)
    with pytest.raises(ParameterError, match="folder"):
        heading_of_folder(45)
