"""Pickles of plain data are read; whatever would run is refused before it does."""

import builtins
import collections
import functools
import os
import pickle
import subprocess

import networkx
import numpy as np
import pytest

from auris.errors import FormatError
from auris.io.restricted_pickle import Record, load_pickle, read_pickle

GRAPH = "networkx.classes.graph.Graph"
VIEWS = [f"networkx.classes.{name}" for name in ("reportviews.NodeView", "reportviews.EdgeView", "reportviews.DegreeView")]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Calls:
    """An object whose pickle calls a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class Hidden:
    """An object whose class is nowhere listed."""

    def __init__(self):
        self.value = 1


def attacks(folder):
    mark = folder / "run"
    command = f"touch {mark}"
    return {
        "os.system": Calls(os.system, command),
        "eval": Calls(eval, f"open({str(mark)!r}, 'w')"),
        "exec": Calls(exec, f"open({str(mark)!r}, 'w')"),
        "open": Calls(open, str(mark), "w"),
        "subprocess": Calls(subprocess.Popen, ["touch", str(mark)]),
        "getattr": Calls(getattr, Hidden(), "value"),
        "import": Calls(builtins.__import__, "os"),
        "partial": functools.partial(os.system, command),
        "nested list": [1, {"a": (2, [Calls(os.system, command)])}],
        "nested key": {("a", Calls(os.system, command)): 1},
        "in an array": np.array([Calls(os.system, command)], dtype=object),
        "in a graph": graph_with(Calls(os.system, command)),
        "other class": Hidden(),
        "ordered": collections.OrderedDict(a=1),
        "object type": np.dtype(object),
        "structured type": np.zeros(2, dtype=[("a", "f4"), ("b", "O")]),
    }


def graph_with(point):
    graph = networkx.Graph()
    graph.add_node(0, point=point)
    graph.add_edge(0, 1)
    return graph


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("attack", sorted(attacks(__import__("pathlib").Path("."))))
def test_nothing_runs(tmp_path, attack, protocol):
    content = pickle.dumps(attacks(tmp_path)[attack], protocol=protocol)
    with pytest.raises(FormatError, match="refused"):
        load_pickle(content, records=[GRAPH])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"c__builtin__\ndict\n(dS'__class__'\nI1\nsb.",  # sets an attribute of a class
        b"cnumpy\ndtype\n(S'f8'\ntR(I3\nS'<'\nNNNI-1\nI-1\nI63\ntb(I3\nS'<'\nS'x'\nNNI-1\nI-1\nI0\ntb.",
        b"c_codecs\nencode\n}S'__code__'\nI1\nsb.",
        b"c_codecs\nencode\n(V+AGEAYg-\nVutf-7\ntR.",
        b"Pother\n.",
        b"ccopyreg\n_reconstructor\n(c__builtin__\nint\nc__builtin__\nobject\nNtR.",
        b"cnumpy.core.multiarray\nscalar\n(I1\nS'x'\ntR.",
        b"cbuiltins\nobject.__subclasses__\n.",
    ],
)
def test_hand_written_tricks_are_refused(content):
    with pytest.raises(FormatError):
        load_pickle(content, records=[GRAPH])


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"no pickle", b"\x80\x04]\x94(K\x01", b"}" * 50 + b"a.", b"\x80\x09."])
def test_damage_is_told(content):
    with pytest.raises(FormatError, match="damaged, or no pickle"):
        load_pickle(content)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        None,
        {"scene": [{"r": 3, "azimuth": 270, "all_s": [1, 2]}]},
        [1, 2.5, "text", b"bytes", True, None, (1, (2,)), {3}, frozenset({4}), 1 + 2j, 2**80],
        {(1, 90): {"rgb": np.arange(24, dtype=np.uint8).reshape(2, 4, 3), "depth": np.ones((2, 4), np.float32)}},
        [np.float64(1.5), np.int64(3), np.float32(2), np.bool_(True), np.array(4.0)],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.zeros((0, 3)),
    ],
)
def test_plain_data_come_through(value, protocol):
    found = load_pickle(pickle.dumps(value, protocol=protocol))
    assert_same(found, value)


def assert_same(found, value):
    assert type(found) is type(value)
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype
        assert np.array_equal(found, value)
    elif isinstance(value, dict):
        assert list(found) == list(value)
        for key in value:
            assert_same(found[key], value[key])
    elif isinstance(value, list | tuple):
        assert len(found) == len(value)
        for a, b in zip(found, value, strict=True):
            assert_same(a, b)
    else:
        assert found == value


def test_things_that_hold_themselves_come_through():
    ring: list[object] = [1]
    ring.append(ring)
    found = load_pickle(pickle.dumps(ring))
    assert found[1] is found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_graphs_become_records(protocol):
    graph = graph_with((1.0, 2.0, np.float64(3)))
    _ = graph.nodes, graph.edges, graph.degree  # networkx keeps these views in the object, and pickles them
    found = load_pickle(
        pickle.dumps(graph, protocol=protocol), records=[GRAPH, *VIEWS, "networkx.classes.coreviews.AdjacencyView"]
    )
    assert isinstance(found, Record)
    assert found.kind == GRAPH
    assert found.state["_node"] == {0: {"point": (1.0, 2.0, 3.0)}, 1: {}}
    assert found.state["_adj"] == {0: {1: {}}, 1: {0: {}}}


def test_old_graphs_name_their_dictionaries():
    # networkx 2.0 to 2.4 kept the classes of its dictionaries in the object; so written by Python 2 they are __builtin__.dict.
    content = (
        b"ccopy_reg\n_reconstructor\n(cnetworkx.classes.graph\nGraph\nc__builtin__\nobject\nNtR"
        b"(dS'node_dict_factory'\nc__builtin__\ndict\nsS'_node'\n(dI0\n(dS'point'\n(F1.0\nF2.0\nF3.0\ntssb."
    )
    found = load_pickle(content.replace(b"tssb.", b"tsssb."), records=[GRAPH])
    assert found.state["_node"] == {0: {"point": (1.0, 2.0, 3.0)}}


def test_files_that_are_too_large_or_missing_are_told(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_pickle(tmp_path / "none.pkl")
    (tmp_path / "large.pkl").write_bytes(pickle.dumps(list(range(1000))))
    with pytest.raises(FormatError, match="at most 100"):
        read_pickle(tmp_path / "large.pkl", most_bytes=100)
    (tmp_path / "large.pkl").write_bytes(b"x")
    with pytest.raises(FormatError, match=r"large\.pkl: damaged"):
        read_pickle(tmp_path / "large.pkl")
