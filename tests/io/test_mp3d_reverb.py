import json
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import FormatError, ParameterError
from auris.geometry.frames import FRAMES
from auris.io.mp3d_reverb import ReverbPlace, ReverbScene, place_classes, read_reverb_bank, write_reverb_bank

metres = st.floats(-4, 4).map(lambda value: round(value, 4))
points = st.tuples(metres, metres, metres)


def scenes(*names, kind="binaural", note=None):
    """Rooms of two places each, with responses of different lengths."""
    channels = {"binaural": 2, "mono": 1, "ambisonics": 4}[kind]
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        places = tuple(ReverbPlace((0.5, 1.5, number), (1.5 + n, 1.0, number - 2.25), t60=0.4) for n in range(2))
        responses = [rng.standard_normal((channels, 50 + 10 * n)).astype(np.float32) for n in range(2)]
        yield ReverbScene(name, places, lambda responses=responses: responses, note or {})


@pytest.fixture
def bank(tmp_path):
    write_reverb_bank(tmp_path, "train", scenes("aaa", "bbb"))
    return tmp_path


def edit(root, change):
    path = root / "train_reverberation.json"
    document = json.loads(path.read_text())
    change(document["data"])
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("kind", ["binaural", "mono", "ambisonics"])
def test_a_bank_comes_back_as_it_was_written(tmp_path, kind):
    path = write_reverb_bank(tmp_path, "eval", scenes("bbb", "aaa", kind=kind), kind=kind)
    assert path == tmp_path / "eval_reverberation.json"
    bank = read_reverb_bank(tmp_path, "eval", kind=kind)
    wanted = sorted(scenes("bbb", "aaa", kind=kind), key=lambda scene: scene.name)
    assert [entry.name for entry in bank.entries] == ["aaa/0.npy", "aaa/1.npy", "bbb/0.npy", "bbb/1.npy"]
    for number, (scene, n) in enumerate((scene, n) for scene in wanted for n in range(2)):
        place, entry = scene.places[n], bank.entries[number]
        assert (entry.sensor, entry.source, entry.t60, entry.scene) == (place.sensor, place.source, 0.4, scene.name)
        assert tuple(bank.classes[number]) == place_classes(place.sensor, place.source)
        np.testing.assert_array_equal(bank.response(number), scene.render()[n])
        np.testing.assert_array_equal(bank.response(number, longest=7), scene.render()[n][:, :7])
    assert bank.unreadable() == {}


@given(points)
def test_classes_are_those_of_the_bat_frame(source):
    x, y, z = source
    azimuth = math.degrees(math.atan2(-z, x))
    halves = [2 * math.dist((0, 0, 0), source), azimuth, math.degrees(math.atan2(y, math.hypot(x, z)))]
    if min(abs(value % 1 - 0.5) for value in halves) < 1e-6 or (x, z) == (0, 0):
        return  # nothing, or rounded either way
    found = place_classes((0, 0, 0), source, variant="upstream")
    assert list(found) == FRAMES["bat"].from_internal(FRAMES["habitat"].to_internal(source)).tolist()


@given(points, points)
def test_moving_both_changes_no_class(source, shift):
    if source == (0, 0, 0):
        return
    moved = tuple(a + b for a, b in zip(source, shift, strict=True))
    for before, after in zip(place_classes((0, 0, 0), source), place_classes(shift, moved), strict=True):
        assert (after - before) % 360 in {0, 1, 359}  # a rounded half may fall to the other side


def test_edges_of_the_classes():
    here = (0.0, 0.0, 0.0)
    assert place_classes(here, (0, 3, 0)) == (6, 0, 179)
    assert place_classes(here, (0, 3, 0), variant="upstream").elevation == 0
    assert place_classes(here, (0, -3, 0)).elevation == 0
    assert place_classes(here, (12, 0, 0)).distance == 20
    assert place_classes(here, (12, 0, 0), variant="upstream").distance == 24
    assert [place_classes(here, (d, 0, 0)).distance for d in (0.25, 0.75, 1.25)] == [0, 2, 2]
    with pytest.raises(ParameterError, match="no direction"):
        place_classes(here, here)
    with pytest.raises(ParameterError, match="did you mean 'upstream'"):
        place_classes(here, (1, 0, 0), variant="upsteam")


def test_published_files_are_doubles_and_carry_other_fields(bank):
    np.save(bank / "binaural/aaa/0.npy", np.arange(20.0).reshape(2, 10))
    edit(bank, lambda data: data[0].update(agent_position="1,2,3", distance=99, azimuth_degrees=12, elevation_degrees=3))
    edit(bank, lambda data: data[1].pop("t60"))
    found = read_reverb_bank(bank, "train_reverberation.json")
    assert found.response(0).dtype == np.float32
    np.testing.assert_array_equal(found.response(0)[1], np.arange(10.0, 20.0))
    assert found.classes[0, 0] < 20
    assert found.entries[1].t60 is None


def test_mono_files_may_have_one_axis(tmp_path):
    write_reverb_bank(tmp_path, "train", scenes("aaa", kind="mono"), kind="mono")
    np.save(tmp_path / "mono/aaa/0.npy", np.ones(30))
    assert read_reverb_bank(tmp_path, "train", kind="mono").response(0).shape == (1, 30)


def test_scenes_on_disk_are_not_rendered_again(bank):
    def never():
        raise AssertionError

    seen = []
    again = (replace(scene, render=never) for scene in scenes("aaa", "bbb"))
    write_reverb_bank(bank, "train", again, progress=lambda scene: seen.append(scene.name))
    assert seen == ["aaa", "bbb"]
    with pytest.raises(FormatError, match="made with other settings"):
        write_reverb_bank(bank, "train", scenes("aaa", note={"seed": 1}))


def test_a_scene_appears_whole_or_not_at_all(tmp_path):
    def breaks():
        raise RuntimeError("halfway")

    (scene,) = scenes("aaa")
    with pytest.raises(RuntimeError):
        write_reverb_bank(tmp_path, "train", [replace(scene, render=breaks)])
    assert not list(tmp_path.rglob("*.npy"))
    with pytest.raises(ParameterError, match="2 places, but 0 responses"):
        write_reverb_bank(tmp_path, "train", [replace(scene, render=list)])
    with pytest.raises(ParameterError, match="is not binaural"):
        write_reverb_bank(tmp_path, "train", [replace(scene, render=lambda: [np.ones((3, 9))] * 2)])
    assert not list(tmp_path.rglob("*.npy"))


class Trap:
    """An object whose unpickling would be noticed."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda file: file.unlink(), "no such response"),
        (lambda file: file.write_bytes(b""), "not a plain NumPy array"),
        (lambda file: file.write_bytes(file.read_bytes()[:100]), "not a plain NumPy array"),
        (lambda file: file.write_bytes(pickle.dumps(Trap())), "not a plain NumPy array"),
        (lambda file: np.save(file, np.array([Trap()], dtype=object)), "not a plain NumPy array"),
        (lambda file: np.save(file, np.zeros((3, 10))), r"shape \(2, samples\), this one has \(3, 10\)"),
        (lambda file: np.save(file, np.zeros((2, 0))), r"this one has \(2, 0\)"),
        (lambda file: np.save(file, np.zeros((2, 9), np.int16)), "floating-point"),
    ],
)
def test_damaged_responses_are_named(bank, damage, text):
    damage(bank / "binaural/bbb/1.npy")
    found = read_reverb_bank(bank, "train")
    with pytest.raises(FormatError, match=f"bbb/1.npy: .*{text}"):
        found.response(3)
    assert list(found.unreadable()) == ["bbb/1.npy"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda data: data[1].pop("source_position"), "entry 1: lacks source_position"),
        (lambda data: data.insert(0, "text"), "entry 0: lacks fname"),
        (lambda data: data[2].update(sensor_position="1,2"), 'entry 2: sensor_position is a text "x,y,z"'),
        (lambda data: data[2].update(source_position="1,2,nan"), 'entry 2: source_position is a text "x,y,z"'),
        (lambda data: data[2].update(sensor_position="1,2,3", source_position="1,2,3"), "no direction"),
        (lambda data: data[0].update(fname="../../secret.npy"), "leads outside"),
        (list.clear, "at least one entry"),
    ],
)
def test_damaged_lists_name_the_entry(bank, change, text):
    edit(bank, change)
    with pytest.raises(FormatError, match=text):
        read_reverb_bank(bank, "train")


def test_missing_parts_are_named(bank):
    with pytest.raises(FormatError, match=r"eval_reverberation\.json: no such list"):
        read_reverb_bank(bank, "eval")
    with pytest.raises(FormatError, match=r"no folder 'mono' of responses; there is \['binaural'\]"):
        read_reverb_bank(bank, "train", kind="mono")
    with pytest.raises(ParameterError, match="did you mean 'mono'"):
        read_reverb_bank(bank, "train", kind="momo")
    (bank / "train_reverberation.json").write_text("{")
    with pytest.raises(FormatError, match="cannot be read as JSON"):
        read_reverb_bank(bank, "train")
