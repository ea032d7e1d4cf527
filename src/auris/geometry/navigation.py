"""Places one can stand on, the steps between them, and how many steps apart they are.

A body on a :class:`NavigationGraph` stands on a node and looks along one of four headings, a quarter turn apart: heading
``k`` is ``90 k`` degrees counter-clockwise from x, so that a turn to the left adds 1 and a turn to the right takes 1 away
(modulo 4). A step forward goes to the neighbour that lies that way, one metre on, or nowhere when there is none. This is
the body of SoundSpaces 1 (Chen et al., ECCV 2020, arXiv:1912.11474) in auris' frame; :func:`azimuth_folder` and
:func:`habitat_rotation_deg` name a heading as its files do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, shortest_path

from auris.errors import ParameterError

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

HEADINGS = 4
NOWHERE = -1
_STEPS = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])  # of the headings, in the plane


def yaw_of(heading: int) -> float:
    """Return a heading's yaw in radians, counter-clockwise from x: 0, pi/2, pi, 3 pi/2."""
    return _checked_heading(heading) * np.pi / 2


def habitat_rotation_deg(heading: int) -> int:
    """Return a heading as Habitat's rotation about +y in degrees, 0 facing -z: 0, 90, 180, 270."""
    return 90 * _checked_heading(heading)


def azimuth_folder(heading: int) -> int:
    """Return a heading as the folder of SoundSpaces 1 room responses, degrees clockwise: 0, 270, 180, 90."""
    return (360 - 90 * _checked_heading(heading)) % 360


def heading_of_rotation(rotation_deg: float) -> int:
    """Return the heading nearest to a Habitat rotation about +y in degrees."""
    return int(np.rint(rotation_deg / 90.0)) % HEADINGS


def heading_of_folder(azimuth_deg: int) -> int:
    """Return the heading of a folder of SoundSpaces 1 room responses.

    Raises:
        ParameterError: there is no such folder.
    """
    if azimuth_deg not in (0, 90, 180, 270):
        raise ParameterError(f"a folder of responses is one of 0, 90, 180, 270 degrees, got {azimuth_deg!r}")
    return (360 - int(azimuth_deg)) // 90 % HEADINGS


@dataclass(frozen=True, eq=False)
class NavigationGraph:
    """Nodes and the steps between them. Arrays are read-only.

    Attributes:
        positions: where the ears of someone standing on each node are, ``(n, 3)`` metres.
        neighbours: node reached by a step forward at each heading, ``(n, 4)``; :data:`NOWHERE` where there is none.

    Raises:
        ParameterError: shapes do not fit, or a step does not lead back.
    """

    positions: Floats
    neighbours: Whole

    def __post_init__(self) -> None:
        positions, neighbours = np.array(self.positions, dtype=float), np.array(self.neighbours, dtype=np.int64)
        count = len(positions)
        if positions.shape != (count, 3) or neighbours.shape != (count, HEADINGS) or not np.all(np.isfinite(positions)):
            raise ParameterError(
                f"a graph needs finite positions (n, 3) and neighbours (n, 4), got {positions.shape} and {neighbours.shape}"
            )
        if neighbours.size and not NOWHERE <= neighbours.min() <= neighbours.max() < count:
            raise ParameterError(f"neighbours are node numbers below {count}, or {NOWHERE} for none")
        for heading in range(HEADINGS):
            nodes = np.flatnonzero(neighbours[:, heading] != NOWHERE)
            if np.any(neighbours[neighbours[nodes, heading], (heading + 2) % HEADINGS] != nodes):
                raise ParameterError("every step must lead back: the neighbour's neighbour the other way is the node itself")
        for name, array in (("positions", positions), ("neighbours", neighbours)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def from_edges(cls, positions: ArrayLike, edges: Iterable[tuple[int, int]]) -> NavigationGraph:
        """Return a graph from pairs of nodes; each pair is a step along the heading nearest to its direction.

        Raises:
            ParameterError: an edge names no node, leads nowhere, runs diagonally, or two lead from a node the same way.
        """
        points = np.asarray(positions, dtype=float).reshape(-1, 3)
        neighbours = np.full((len(points), HEADINGS), NOWHERE, dtype=np.int64)
        for first, second in edges:
            if not (0 <= first < len(points) and 0 <= second < len(points)):
                raise ParameterError(f"the edge {first}-{second} names a node that is not among the {len(points)} points")
            along = _STEPS @ (points[second] - points[first])[:2]
            heading = int(np.argmax(along))
            if along[heading] <= 0 or np.sum(np.abs(along) > 0.5 * along[heading]) > 2:
                raise ParameterError(f"the edge {first}-{second} does not run along an axis; steps have four headings")
            for node, other, way in ((first, second, heading), (second, first, (heading + 2) % HEADINGS)):
                if neighbours[node, way] not in (NOWHERE, other):
                    raise ParameterError(f"two edges lead from node {node} along the same heading")
                neighbours[node, way] = other
        return cls(points, neighbours)

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs of neighbours, each once, the lower number first, sorted."""
        pairs = {(min(a, b), max(a, b)) for a, row in enumerate(self.neighbours.tolist()) for b in row if b != NOWHERE}
        return tuple(sorted(pairs))

    @cached_property
    def hops(self) -> Whole:
        """Fewest steps between nodes ``(n, n)``, turns not counted; :data:`NOWHERE` where there is no way."""
        steps = shortest_path(self._adjacency, directed=False, unweighted=True)
        hops = np.where(np.isfinite(steps), steps, NOWHERE).astype(np.int64)
        hops.setflags(write=False)
        return hops

    @cached_property
    def components(self) -> Whole:
        """Number ``(n,)`` of the connected part each node lies in, the part with the lowest node first."""
        return np.asarray(connected_components(self._adjacency, directed=False)[1], dtype=np.int64)

    def largest_component(self) -> Whole:
        """Return the nodes of the largest connected part, in order; the first of equally large ones."""
        sizes = np.bincount(self.components, minlength=1)
        return np.flatnonzero(self.components == np.argmax(sizes)) if len(self) else np.zeros(0, dtype=np.int64)

    def restricted(self, nodes: ArrayLike) -> NavigationGraph:
        """Return the graph of some of the nodes alone, numbered in the order given."""
        kept = np.asarray(nodes, dtype=np.int64)
        numbers = np.full(len(self) + 1, NOWHERE, dtype=np.int64)  # the last entry answers for NOWHERE
        numbers[kept] = np.arange(len(kept))
        return NavigationGraph(self.positions[kept], numbers[self.neighbours[kept]])

    def forward(self, node: int, heading: int) -> int:
        """Return where a step forward leads: the neighbour, or the node itself when there is none."""
        there = int(self.neighbours[node, _checked_heading(heading)])
        return node if there == NOWHERE else there

    def first_steps(self, target: int) -> Whole:
        """Return for each node ``(n,)`` the heading of a shortest way to ``target``; :data:`NOWHERE` at it and out of reach."""
        hops = np.where(self.hops[:, target] == NOWHERE, len(self) + 1, self.hops[:, target])
        ahead = np.where(self.neighbours == NOWHERE, len(self) + 1, hops[self.neighbours])
        return np.where(ahead.min(axis=1) < hops, np.argmin(ahead, axis=1), NOWHERE)

    @cached_property
    def _adjacency(self) -> csr_matrix:
        count = len(self)
        pairs = np.array(self.edges, dtype=np.int64).reshape(-1, 2)
        return csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))


def _checked_heading(heading: int) -> int:
    if not 0 <= heading < HEADINGS:
        raise ParameterError(f"a heading is 0 (along x), 1, 2 or 3 quarter turns to the left, got {heading!r}")
    return int(heading)


class OnGraph(ABC):
    """A world that is moved through on a graph: its places and steps by the names that environments use."""

    @property
    @abstractmethod
    def graph(self) -> NavigationGraph:
        """Places and steps."""

    @property
    def positions(self) -> Floats:
        """Where ears are ``(n, 3)``, metres."""
        return self.graph.positions

    @property
    def neighbours(self) -> Whole:
        """Node that a step forward leads to ``(n, 4)``, -1 for none."""
        return self.graph.neighbours

    @property
    def hops(self) -> Whole:
        """Fewest steps between nodes ``(n, n)``."""
        return self.graph.hops
