import pytest

from auris.errors import FormatError, SceneError
from auris.io.scene_files import read_scene, write_scene
from auris.scene import Scene

SCENE = """
version: 1
duration: 4
room: {dimensions: [6, 5, 3], t60: 0.4}
listener: {position: [3, 2.5, 1.5], orientation: {yaw_deg: 90}}
sources:
  - {label: dog, direction: {azimuth_deg: 0, distance: 1}, onset: 0.5, offset: 2, sound: {synthesis: dog, seed: 3}}
  - label: bell
    directions: [{time: 0, azimuth_deg: 30, distance: 2}, {time: 4, azimuth_deg: -30, distance: 2}]
    events: [{onset: 0, offset: 1}, {onset: 2, offset: 4}]
"""


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_round_trip(tmp_path, suffix):
    (tmp_path / "in.yaml").write_text(SCENE)
    scene = read_scene(tmp_path / "in.yaml")
    write_scene(tmp_path / f"out.{suffix}", scene)
    assert read_scene(tmp_path / f"out.{suffix}") == scene


def test_directions_are_those_of_the_listener(tmp_path):
    (tmp_path / "in.yaml").write_text(SCENE)
    scene = read_scene(tmp_path / "in.yaml")
    # The head looks along +y, so what is in front of it lies at larger y.
    assert scene.sources[0].path.at(0.0) == pytest.approx([3, 3.5, 1.5])
    bell = scene.tracks([0.0, 2.0, 4.0])[1]
    assert bell.azimuth == pytest.approx([0.5235988, 0, -0.5235988])
    assert bell.distance == pytest.approx([2, 2, 2])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("duration: 4", "durration: 4", "unknown key 'durration', did you mean 'duration'"),
        ("t60: 0.4", "t60: 0.4, absorption: 0.2", "exactly one of t60, absorption, materials"),
        ("version: 1", "version: 9", "format version 9"),
        ("offset: 2,", "offset: 0.2,", "must end after it begins"),
        ("[3, 2.5, 1.5]", "[30, 2.5, 1.5]", "outside the room"),
        ("synthesis: dog", "synthesise: dog", "unknown key 'synthesise', did you mean 'synthesis'"),
        ("distance: 1}", "distance: -1}", "distance must be above 0"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, old, new, message):
    (tmp_path / "in.yaml").write_text(SCENE.replace(old, new))
    with pytest.raises(SceneError, match=message) as caught:
        read_scene(tmp_path / "in.yaml")
    assert "in.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", "not valid YAML in line"),
        ("a: &x [1, 1]\nb: [*x, *x]", "aliases"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("[" * 5000, r"nested too deeply|not valid"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path, text, message):
    (tmp_path / "in.yaml").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_scene(tmp_path / "in.yaml")


def test_binary_and_missing_files(tmp_path):
    (tmp_path / "in.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(FormatError, match=r"not a text file|not valid YAML"):
        read_scene(tmp_path / "in.yaml")
    with pytest.raises(FormatError, match="no such file"):
        read_scene(tmp_path / "none.yaml")


def test_a_failed_scene_leaves_no_file(tmp_path):
    with pytest.raises(SceneError):
        write_scene(tmp_path / "out.yaml", Scene(duration=-1))
    assert not list(tmp_path.iterdir())
