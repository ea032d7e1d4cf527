"""Scenes in the layout of SoundSpaces 1: places, steps between them, and the room responses from each to each.

::

    root/metadata/<dataset>/<scene>/points.txt                    index x y z, tab separated; mesh axes, at ear height
    root/metadata/<dataset>/<scene>/graph.pkl                     pickled networkx.Graph; nodes are indices of points.txt,
                                                                  attribute "point" in Habitat's axes, on the floor
    root/binaural_rirs/<dataset>/<scene>/<azimuth>/<receiver>_<source>.wav    two channels, left first

Azimuths are 0, 90, 180 and 270 degrees clockwise (:func:`auris.geometry.navigation.azimuth_folder`). Mesh axes are x right,
y forward, z up; Habitat's x right, y up, z back. Graphs are read without networkx and without running anything
(:mod:`auris.io.restricted_pickle`). Responses are wanted in floating point: the published program convolves with the numbers
in the file as they are.

Source: Chen et al., SoundSpaces, ECCV 2020, arXiv:1912.11474, and the files of its authors.
"""

from __future__ import annotations

import importlib
import io
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.io import wavfile

from auris.errors import FormatError, MissingDependency, ParameterError
from auris.geometry.frames import FRAMES
from auris.geometry.navigation import HEADINGS, NOWHERE, NavigationGraph, azimuth_folder
from auris.io.atomic import atomic_write
from auris.io.restricted_pickle import Record, read_pickle

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]
Subtype = Literal["FLOAT", "PCM_16"]

SAMPLE_RATE = 16_000  # of the responses for Matterport3D; Replica's have 44 100
_EAR_HEIGHTS = {"replica": 1.5528907}  # metres of points.txt above the floor
_USUAL_EAR_HEIGHT = 1.5
_VIEWS = ("reportviews.NodeView", "reportviews.EdgeView", "reportviews.DegreeView", "reportviews.EdgeDataView")
_CLASSES = ("graph.Graph", *_VIEWS, "coreviews.AdjacencyView", "coreviews.AtlasView")
_RECORDS = tuple(f"networkx.classes.{name}" for name in _CLASSES)
_PICKLE_PROTOCOL = 4
_FULL_SCALE = 32768


@dataclass(frozen=True, eq=False)
class SceneGraph:
    """Where one can stand in a scene, as its metadata tell.

    Attributes:
        name: of the scene.
        graph: places and steps in auris' frame; positions are at ear height.
        nodes: number of each place in ``points.txt`` and in the names of responses, ``(n,)``.
        floor: the same places on the floor in Habitat's axes, as episodes name them, ``(n, 3)``.
        left_out: edges of the file that are no step along one of the four headings.
    """

    name: str
    graph: NavigationGraph
    nodes: Whole
    floor: Floats
    left_out: int = 0

    @classmethod
    def of(cls, name: str, graph: NavigationGraph, *, dataset: str = "mp3d") -> SceneGraph:
        """Return the metadata of a graph whose places are numbered as they come."""
        floor = FRAMES["habitat"].from_internal(graph.positions)
        floor[:, 1] -= ear_height(dataset)
        return cls(name, graph, np.arange(len(graph)), np.round(floor, 6))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {place_key(point): node for node, point in enumerate(self.floor.tolist())}

    def node_at(self, point: ArrayLike) -> int:
        """Return the place at a point in Habitat's axes, the same to two decimals.

        Raises:
            FormatError: there is none.
        """
        key = place_key(np.asarray(point, dtype=float).tolist())
        if key not in self._places:
            raise FormatError(f"{self.name}: no place at {key}; a point must equal one of the graph's to two decimals")
        return self._places[key]


def place_key(point: Iterable[float]) -> str:
    """Return a point as text with two decimals: what episodes and graphs are matched by."""
    return ", ".join(f"{value + 0.0:.2f}" for value in np.round(np.asarray(list(point), dtype=float), 2) + 0.0)


def ear_height(dataset: str) -> float:
    """Return by how much the points of a dataset lie above the floor, in metres."""
    return _EAR_HEIGHTS.get(dataset, _USUAL_EAR_HEIGHT)


def metadata_folder(dataset: str, scene: str) -> str:
    """Return where points and graph of a scene lie below the root, with forward slashes."""
    return f"metadata/{dataset}/{scene}"


def response_path(dataset: str, scene: str, *, source: int, receiver: int, heading: int) -> str:
    """Return where a response lies below the root; source and receiver are numbers of ``points.txt``."""
    return f"binaural_rirs/{dataset}/{scene}/{azimuth_folder(heading)}/{receiver}_{source}.wav"


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_scene_graph(root: str | Path, scene: str, *, dataset: str = "mp3d") -> SceneGraph:
    """Read the places and steps of a scene.

    Raises:
        FormatError: a file is missing or damaged, names something that would run, or the two do not fit together.
    """
    folder = Path(root) / metadata_folder(dataset, scene)
    points = read_points(folder / "points.txt")
    nodes, floor, edges = _graph_content(folder / "graph.pkl")
    if nodes.size and nodes.max() >= len(points):
        raise FormatError(f"{folder}: the graph names point {nodes.max()}, and points.txt ends at {len(points) - 1}")
    positions = FRAMES["soundspaces1"].to_internal(points[nodes])
    neighbours, left_out = _steps(positions, edges)
    return SceneGraph(scene, NavigationGraph(positions, neighbours), nodes, floor, left_out)


def read_points(path: str | Path) -> Floats:
    """Read ``points.txt``: positions ``(n, 3)`` in mesh axes.

    Raises:
        FormatError: a line is not an index in turn and three numbers.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read ({error})") from None
    points = []
    for number, line in enumerate(line for line in lines if line.strip()):
        try:
            index, *place = line.split()
            values = [float(value) for value in place]
            fits = float(index) == number and len(values) == 3 and bool(np.all(np.isfinite(values)))
        except ValueError:
            fits = False
        if not fits:
            raise FormatError(f"{path}: line {number + 1} must be '{number}', x, y and z in metres, got {line[:80]!r}")
        points.append(values)
    return np.array(points, dtype=float).reshape(-1, 3)


def _graph_content(path: Path) -> tuple[Whole, Floats, list[tuple[int, int]]]:
    """Nodes ``(n,)`` in rising order, where they are ``(n, 3)`` in Habitat's axes, and edges between places in that order."""
    graph = read_pickle(path, records=_RECORDS)
    if not isinstance(graph, Record) or graph.kind != _RECORDS[0]:
        raise FormatError(f"{path}: holds a {type(graph).__name__}, not a networkx.Graph")
    attributes, links = graph.state.get("_node"), graph.state.get("_adj")
    if not (isinstance(attributes, dict) and isinstance(links, dict)):
        raise FormatError(f"{path}: a graph without nodes or edges")
    try:
        nodes = np.array(sorted(int(node) for node in attributes), dtype=np.int64)
        floor: Floats = np.array([attributes[node]["point"] for node in nodes.tolist()], dtype=np.float64).reshape(-1, 3)
        place = {node: number for number, node in enumerate(nodes.tolist())}
        edges = [(place[int(a)], place[int(b)]) for a, others in links.items() for b in others]
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise FormatError(f"{path}: not a graph of points ({type(error).__name__}: {error})") from None
    if (nodes.size and nodes.min() < 0) or not np.all(np.isfinite(floor)):
        raise FormatError(f"{path}: nodes are numbers from 0 up, at finite points")
    return nodes, floor, edges


def _steps(positions: Floats, edges: list[tuple[int, int]]) -> tuple[Whole, int]:
    """Neighbours ``(n, 4)``, the first found along each heading, and how many edges are no such step."""
    neighbours = np.full((len(positions), HEADINGS), NOWHERE, dtype=np.int64)
    for first, second in edges:
        dx, dy = (positions[second] - positions[first])[:2].tolist()
        along = max(abs(dx), abs(dy))
        if along > 0 and min(abs(dx), abs(dy)) < 0.5 * along:
            heading = (0 if dx > 0 else 2) if abs(dx) > abs(dy) else (1 if dy > 0 else 3)
            if neighbours[first, heading] == NOWHERE:
                neighbours[first, heading] = second
    for heading in range(HEADINGS):
        ahead = neighbours[:, heading]
        back = np.where(ahead == NOWHERE, NOWHERE, neighbours[ahead, (heading + 2) % HEADINGS])
        neighbours[(ahead != NOWHERE) & (back != np.arange(len(positions))), heading] = NOWHERE
    return neighbours, (len(edges) - int(np.sum(neighbours != NOWHERE))) // 2


def scene_names(root: str | Path, *, dataset: str = "mp3d") -> tuple[str, ...]:
    """Return the scenes that have metadata, sorted."""
    folder = Path(root) / "metadata" / dataset
    return tuple(sorted(path.parent.name for path in folder.glob("*/graph.pkl")))


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def metadata_files(scene: SceneGraph, *, dataset: str = "mp3d") -> Iterator[tuple[str, bytes]]:
    """Yield path below the root and content of ``points.txt`` and ``graph.pkl``; the same bytes for the same scene.

    Raises:
        MissingDependency: networkx is not installed.
        ParameterError: the places are not numbered 0, 1, 2, …; only such scenes are written.
    """
    if not np.array_equal(scene.nodes, np.arange(len(scene.graph))):
        raise ParameterError(f"{scene.name}: places must be numbered as they come to be written; use SceneGraph.of")
    folder = metadata_folder(dataset, scene.name)
    mesh = FRAMES["soundspaces1"].from_internal(scene.graph.positions) + 0.0
    lines = [f"{number}\t{x:.6f}\t{y:.6f}\t{z:.6f}\n" for number, (x, y, z) in enumerate(mesh.tolist())]
    yield f"{folder}/points.txt", "".join(lines).encode()
    yield f"{folder}/graph.pkl", _pickled_graph(scene)


def _pickled_graph(scene: SceneGraph) -> bytes:
    try:
        networkx = importlib.import_module("networkx")
    except ImportError:
        raise MissingDependency("networkx", "agents") from None
    graph = networkx.Graph()
    for node, point in enumerate((scene.floor + 0.0).tolist()):
        graph.add_node(node, point=tuple(point))
    for first, second in scene.graph.edges:
        graph.add_edge(first, second)
    return pickle.dumps(graph, protocol=_PICKLE_PROTOCOL)


def response_bytes(response: ArrayLike, sample_rate: int = SAMPLE_RATE, *, subtype: Subtype = "FLOAT") -> bytes:
    """Return a response ``(2, L)`` as the bytes of a WAV file.

    Raises:
        ParameterError: it has not two channels, or whole numbers cannot hold it.
    """
    samples = np.asarray(response, dtype=np.float32)
    if samples.ndim != 2 or samples.shape[0] != 2:
        raise ParameterError(f"a response has two channels (2, L), got {samples.shape}")
    if subtype == "PCM_16":
        if np.max(np.abs(samples), initial=0.0) >= 1:
            raise ParameterError("a response of 16 bits must stay below 1; give it a gain, or write it as FLOAT")
        samples = np.rint(samples * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    elif subtype != "FLOAT":
        raise ParameterError(f"a response is written as FLOAT or PCM_16, got {subtype!r}")
    stream = io.BytesIO()
    wavfile.write(stream, sample_rate, np.ascontiguousarray(samples.T))
    return stream.getvalue()


def write_scene(
    root: str | Path,
    scene: SceneGraph,
    responses: Iterable[tuple[int, int, int, Singles]],
    *,
    dataset: str = "mp3d",
    sample_rate: int = SAMPLE_RATE,
    subtype: Subtype = "FLOAT",
) -> int:
    """Write a scene, its metadata last, so that one that is not complete has none.

    Args:
        root: folder of the set.
        scene: the places.
        responses: source, receiver, heading and response ``(2, L)``, one after another.
        dataset: name of its folders.
        sample_rate: hertz.
        subtype: of the WAV files.

    Returns:
        Number of responses.

    Raises:
        FormatError: writing fails.
    """
    count = 0
    for source, receiver, heading, response in responses:
        path = response_path(dataset, scene.name, source=source, receiver=receiver, heading=heading)
        _write(Path(root) / path, response_bytes(response, sample_rate, subtype=subtype))
        count += 1
    for path, content in metadata_files(scene, dataset=dataset):
        _write(Path(root) / path, content)
    return count


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
