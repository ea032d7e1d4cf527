"""Sets made on a Ray cluster of two nodes, one of whose processes is killed in the middle."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_sets
from tiny_sets import leftovers, tiny_maker, tree

from auris.data.production.run import make_set
from auris.errors import ParameterError

# In a process of its own: Ray leaves threads, signal handlers and files open behind.
_TWO_NODES = """
import sys
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from tiny_sets import tiny_maker
from auris.data.production.run import make_set

if __name__ == "__main__":
    out, trouble = Path(sys.argv[1]), Path(sys.argv[2])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    (trouble / "die-once-5").touch()
    (trouble / "die-8").touch()
    (trouble / "fail-1").touch()
    report = make_set(tiny_maker(12, trouble=trouble), out, cluster=cluster.address)
    print(len(ray.nodes()) if ray.is_initialized() else "disconnected")
    print(report.made, report.missing, [(failure.index, failure.text) for failure in report.failures])
    cluster.shutdown()
"""


def test_a_cluster_of_two_nodes_makes_the_same_bytes(tmp_path):
    trouble = tmp_path / "trouble"
    trouble.mkdir()
    script = tmp_path / "two_nodes.py"
    script.write_text(_TWO_NODES)
    paths = [str(Path(tiny_sets.__file__).parent), *(path for path in sys.path if path)]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "set"), str(trouble)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "RAY_DEDUP_LOGS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    connection, report = done.stdout.splitlines()[-2:]
    assert connection == "disconnected"
    assert report.startswith("10 2 [(1, 'item 1 has no room'), (8, 'its process ended 3 times")
    assert not (trouble / "die-once-5").exists()
    assert len(list(trouble.glob("process-*"))) >= 3
    # What the cluster could not make is made here.
    assert make_set(tiny_maker(12), tmp_path / "set", existing="resume").kept == 10
    make_set(tiny_maker(12), tmp_path / "alone")
    assert tree(tmp_path / "set") == tree(tmp_path / "alone")
    assert leftovers(tmp_path / "set") == []


def test_a_cluster_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"no Ray cluster answers at '127\.0\.0\.1:9'.* begin one with 'ray start --head'"):
        make_set(tiny_maker(), tmp_path / "set", cluster="127.0.0.1:9")
