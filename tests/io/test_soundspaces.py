"""SoundSpaces scenes: the published layout field by field, a round trip, holes, damage, bounded memory."""

import io
import pickle

import networkx
import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from auris.errors import FormatError, ParameterError
from auris.geometry.frames import FRAMES
from auris.geometry.navigation import NavigationGraph
from auris.io.soundspaces import (
    SceneGraph,
    metadata_files,
    read_points,
    read_scene_graph,
    response_bytes,
    response_path,
    scene_names,
    write_scene,
)
from auris.io.soundspaces_scene import SoundSpacesScene


def small_graph():
    """An L of five places, at ear height."""
    places = [(0.5, 0.5), (1.5, 0.5), (2.5, 0.5), (2.5, 1.5), (2.5, 2.5)]
    return NavigationGraph.from_edges([(x, y, 1.5) for x, y in places], [(0, 1), (1, 2), (2, 3), (3, 4)])


def response(source, receiver, heading):
    rng = np.random.default_rng([source, receiver, heading])
    return rng.normal(size=(2, 40 + source + receiver)).astype(np.float32)


def all_responses(count=5):
    return [(s, r, h, response(s, r, h)) for s in range(count) for r in range(count) for h in range(4)]


@pytest.fixture
def root(tmp_path):
    assert write_scene(tmp_path, SceneGraph.of("house", small_graph()), all_responses()) == 100
    return tmp_path


def test_points_are_in_mesh_axes_and_tab_separated(root):
    text = (root / "metadata/mp3d/house/points.txt").read_text()
    rows = [line.split("\t") for line in text.splitlines()]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4"]
    # x right, y forward, z up; auris' x is forward and its y left.
    assert [float(value) for value in rows[3][1:]] == [-1.5, 2.5, 1.5]


def test_the_graph_is_a_networkx_graph_with_points_on_the_floor(root):
    graph = pickle.loads((root / "metadata/mp3d/house/graph.pkl").read_bytes())
    assert isinstance(graph, networkx.Graph)
    assert sorted(graph.edges) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    mesh = read_points(root / "metadata/mp3d/house/points.txt")
    for node, (x, y, z) in enumerate(mesh.tolist()):
        assert graph.nodes[node]["point"] == pytest.approx((x, z - 1.5, -y))
        assert all(type(value) is float for value in graph.nodes[node]["point"])


def test_responses_lie_by_azimuth_receiver_and_source(root):
    rate, samples = wavfile.read(root / "binaural_rirs/mp3d/house/270/3_1.wav")
    assert rate == 16_000
    assert samples.dtype == np.float32
    # 270 degrees clockwise is one quarter turn to the left.
    assert np.array_equal(samples.T, response(1, 3, 1))


def test_what_is_written_is_read_again(root):
    graph, world = small_graph(), SoundSpacesScene(root, "house")
    assert np.allclose(world.positions, graph.positions)
    assert np.array_equal(world.neighbours, graph.neighbours)
    assert np.array_equal(world.hops, graph.hops)
    assert world.name == "house"
    for source, receiver, heading, wanted in all_responses():
        assert np.array_equal(world.rir(source, receiver, heading), wanted)
    assert world.faults.total == 0
    assert str(world.faults) == "all responses were found"
    assert scene_names(root) == ("house",)


def test_the_same_scene_has_the_same_bytes():
    first, second = (dict(metadata_files(SceneGraph.of("house", small_graph()))) for _ in range(2))
    assert first == second
    assert response_bytes(response(1, 2, 3)) == response_bytes(response(1, 2, 3))


def test_sixteen_bits_halve_a_response():
    quiet = response(1, 2, 3) * 0.1
    content = response_bytes(quiet, subtype="PCM_16")
    assert len(content) < 0.6 * len(response_bytes(quiet)) + 60
    assert np.allclose(soundfile.read(io.BytesIO(content), dtype="float32")[0].T, quiet, atol=2**-15)
    with pytest.raises(ParameterError, match="stay below 1"):
        response_bytes(np.ones((2, 9)), subtype="PCM_16")
    with pytest.raises(ParameterError, match="two channels"):
        response_bytes(np.ones(9))


def test_places_are_found_by_two_decimals(root):
    scene = read_scene_graph(root, "house")
    assert scene.node_at([-1.5, 0.0, -2.5]) == 3
    assert scene.node_at([-1.4999, -0.001, -2.5002]) == 3
    with pytest.raises(FormatError, match="two decimals"):
        scene.node_at([-1.4, 0.0, -2.5])


def test_published_scenes_have_gaps_in_their_numbers_and_edges_of_all_kinds(tmp_path):
    # Ten points, of which the graph keeps five; one edge runs diagonally, another to a place above the first.
    folder = tmp_path / "metadata/mp3d/old"
    folder.mkdir(parents=True)
    mesh = np.array([[9, 9, 9], [0, 0, 1.5], [0, 1, 1.5], [9, 9, 9], [1, 1, 1.5], [0, 1, 4.5], [1, 0, 1.5]], dtype=float)
    lines = [f"{n}\t{x}\t{y}\t{z}\n" for n, (x, y, z) in enumerate(mesh.tolist())]
    (folder / "points.txt").write_text("".join(lines))
    graph = networkx.Graph()
    for node in (1, 2, 4, 5, 6):
        x, y, z = mesh[node]
        graph.add_node(np.int64(node), point=np.array([x, z - 1.5, -y]))
    graph.add_edges_from([(1, 2), (2, 4), (1, 4), (4, 6), (1, 5)])
    (folder / "graph.pkl").write_bytes(pickle.dumps(graph, protocol=2))
    scene = read_scene_graph(tmp_path, "old")
    assert scene.nodes.tolist() == [1, 2, 4, 5, 6]
    assert scene.graph.edges == ((0, 1), (1, 2), (2, 4))
    assert scene.left_out == 2
    assert np.allclose(scene.floor, FRAMES["habitat"].from_internal(scene.graph.positions) - [0, 1.5, 0])
    world = SoundSpacesScene(tmp_path, "old")
    assert "2_6.wav" in _missing(world, source=4, receiver=1)


def _missing(world, source, receiver):
    world.rir(source, receiver, 0)
    return world.faults.examples[-1]


def test_holes_are_silence_and_counted(root):
    folder = root / "binaural_rirs/mp3d/house/0"
    (folder / "0_0.wav").unlink()
    (folder / "0_1.wav").write_bytes(b"")
    (folder / "0_2.wav").write_bytes(b"RIFF damaged")
    wavfile.write(folder / "0_3.wav", 16_000, np.zeros((0, 2), np.float32))
    wavfile.write(folder / "0_4.wav", 16_000, np.ones(30, np.float32))
    world = SoundSpacesScene(root, "house")
    for source in range(5):
        silence = world.rir(source, 0, 0)
        assert silence.shape == (2, 1)
        assert not silence.any()
        world.rir(source, 0, 0)
    assert (world.faults.missing, world.faults.unreadable, world.faults.empty) == (1, 2, 2)
    assert world.faults.total == 5
    assert "0_2.wav" in str(world.faults)


def test_memory_is_bounded(root):
    world = SoundSpacesScene(root, "house", cache_bytes=4000)
    for source, receiver, heading, _ in all_responses():
        world.rir(source, receiver, heading)
    assert sum(kept.nbytes for kept in world._kept.values()) == world._kept_bytes <= 4000
    assert np.array_equal(world.rir(0, 0, 0), response(0, 0, 0))


def test_another_sample_rate_is_refused(root):
    world = SoundSpacesScene(root, "house", sample_rate=44_100)
    with pytest.raises(FormatError, match="16000 Hz"):
        world.rir(0, 1, 0)
    with pytest.raises(ParameterError, match="0 to 4"):
        world.rir(0, 5, 0)
    with pytest.raises(ParameterError, match="heading"):
        world.rir(0, 0, 7)


def test_replica_has_its_own_height_and_rate(tmp_path):
    graph = small_graph()
    write_scene(tmp_path, SceneGraph.of("flat", graph, dataset="replica"), [], dataset="replica", sample_rate=44_100)
    scene = read_scene_graph(tmp_path, "flat", dataset="replica")
    assert np.allclose(scene.floor[:, 1], 1.5 - 1.5528907)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("points.txt", b"0\t1\t2\n", "line 1"),
        ("points.txt", b"0\t1\t2\tx\n", "line 1"),
        ("points.txt", b"1\t1\t2\t3\n", "line 1 must be '0'"),
        ("points.txt", b"0\t1\t2\t3\n", "points.txt ends at 0"),
        ("points.txt", b"0\t1\t2\tnan\n", "line 1"),
        ("graph.pkl", b"garbage", "damaged"),
        ("graph.pkl", pickle.dumps([1, 2]), "not a networkx.Graph"),
        ("graph.pkl", b"cos\nsystem\n(S'true'\ntR.", "names os.system"),
        ("graph.pkl", pickle.dumps(networkx.path_graph(3)), "not a graph of points"),
        ("graph.pkl", pickle.dumps(networkx.relabel_nodes(networkx.path_graph(2), {0: "a"})), "not a graph of points"),
    ],
)
def test_damage_is_told(root, name, content, says):
    (root / "metadata/mp3d/house" / name).write_bytes(content)
    with pytest.raises(FormatError, match=says):
        read_scene_graph(root, "house")


def test_missing_scenes_are_told(tmp_path):
    with pytest.raises(FormatError, match=r"points\.txt"):
        SoundSpacesScene(tmp_path, "none")
    assert scene_names(tmp_path) == ()


def test_paths_are_those_of_the_published_reader():
    path = response_path("mp3d", "17DRP5sb8fy", source=4, receiver=12, heading=3)
    assert path == "binaural_rirs/mp3d/17DRP5sb8fy/90/12_4.wav"
