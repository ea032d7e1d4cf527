import json

import numpy as np
import pytest
import soundfile

from auris.cli import main
from auris.io.audio_files import probe, read_audio
from auris.io.scene_files import read_scene

SCENE = """
duration: 2
room: {dimensions: [5, 4, 3], t60: 0.3}
listener: {position: [2, 2, 1.5]}
sources:
  - {label: dog, direction: {azimuth_deg: 40, distance: 1.2}, onset: 0.2, offset: 1.8, sound: {synthesis: dog, seed: 1}}
"""


@pytest.fixture
def scene_file(tmp_path):
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE)
    return path


def run(*arguments):
    return main([str(a) for a in arguments])


def test_simulate_writes_audio_labels_and_the_scene(scene_file, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("simulate", scene_file, "--layout", "binaural", "foa", "--stems", "--out", out, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    files = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert {"binaural.wav", "foa.wav", "labels.csv", "scene.yaml", "stems/00_dog_foa.wav", "dry/00_dog.wav"} <= files
    assert len(document["scenes"][0]["files"]) == len(files)
    assert probe(out / "foa.wav").duration == 2.0
    assert read_scene(out / "scene.yaml").sources == read_scene(scene_file).sources
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_simulate_refuses_a_folder_in_use_and_replaces_on_demand(scene_file, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    assert run("simulate", scene_file, "--out", out) == 1
    assert "is not empty" in capsys.readouterr().err
    assert run("simulate", scene_file, "--out", out, "--overwrite") == 0
    assert (out / "mine.txt").read_text() == "keep"
    assert (out / "binaural.wav").exists()


def test_overwriting_leaves_no_audio_of_the_earlier_scene(scene_file, tmp_path):
    out = tmp_path / "out"
    assert run("simulate", scene_file, "--layout", "foa", "--stems", "--out", out) == 0
    (out / "mine.wav").write_bytes(b"keep")
    assert run("simulate", scene_file, "--layout", "mono", "--out", out, "--overwrite") == 0
    assert {p.relative_to(out).as_posix() for p in out.rglob("*.wav")} == {"mono.wav", "mine.wav"}


def test_labels_do_not_become_paths(scene_file, tmp_path):
    scene_file.write_text(SCENE.replace("label: dog", "label: ../../dog"))
    assert run("simulate", scene_file, "--stems", "--layout", "mono", "--out", tmp_path / "deep" / "out") == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "scene.yaml"]


def test_an_earlier_run_without_this_layout_is_not_taken_for_done(tmp_path, capsys):
    sample = ["simulate", "--sample", 1, "--preset", "anechoic", "--out", tmp_path / "a"]
    assert run(*sample, "--layout", "mono") == 0
    assert run(*sample, "--layout", "foa") == 1
    assert "without foa" in capsys.readouterr().err


def test_one_head_for_binaural_beside_other_layouts(scene_file, tmp_path, shared_folder):
    from auris.dsp.hrtf import structural_head
    from auris.io.sofa import write_hrtf

    head = tmp_path / "head.sofa"
    write_hrtf(head, structural_head(24_000, spacing_deg=20))
    assert run("simulate", scene_file, "--layout", "binaural", "foa", "--hrtf", head, "--out", tmp_path / "out") == 0
    assert run("simulate", scene_file, "--layout", "foa", "--hrtf", head, "--out", tmp_path / "out2") == 2


def test_a_picture_needs_a_known_suffix(tmp_path, capsys):
    write_wav(tmp_path / "in.wav", np.zeros((2400, 2)))
    assert run("listen", tmp_path / "in.wav", "--layout", "binaural", "--plot", tmp_path / "x.xyz") == 1
    assert ".png" in capsys.readouterr().err


def test_sampling_is_seeded_and_goes_on_where_it_stopped(tmp_path, capsys):
    run("simulate", "--sample", 2, "--preset", "anechoic", "--seed", 5, "--layout", "mono", "--out", tmp_path / "a")
    run("simulate", "--sample", 1, "--preset", "anechoic", "--seed", 5, "--layout", "mono", "--out", tmp_path / "b")
    first = read_audio(tmp_path / "a" / "scene_00000" / "mono.wav")
    np.testing.assert_array_equal(first.samples, read_audio(tmp_path / "b" / "scene_00000" / "mono.wav").samples)
    run("simulate", "--sample", 2, "--preset", "anechoic", "--seed", 5, "--layout", "mono", "--out", tmp_path / "b")
    assert "scene_00000 is there already" in capsys.readouterr().err
    for name in ("scene.yaml", "labels.csv", "mono.wav"):
        path = "scene_00001/" + name
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


def test_an_array_of_ones_own_and_a_measured_room(scene_file, tmp_path, capsys):
    (tmp_path / "array.yaml").write_text("positions: [[0.1, 0, 0], [-0.1, 0, 0], [0, 0.1, 0]]")
    assert run("simulate", scene_file, "--array", tmp_path / "array.yaml", "--out", tmp_path / "a") == 0
    assert read_audio(tmp_path / "a" / "array3.wav").layout.channels == 3
    # A folder of responses: one click at the source of the scene, half as loud on the right.
    source = read_scene(scene_file).sources[0].path.at(0.0)
    room = tmp_path / "room"
    room.mkdir()
    soundfile.write(room / "r.wav", np.array([[0, 0], [1, 0.5], [0, 0]]), 24_000, subtype="FLOAT")
    (room / "positions.csv").write_text("file,x,y,z,listener_x,listener_y,listener_z\nr.wav,{},{},{},2,2,1.5\n".format(*source))
    assert run("simulate", scene_file, "--responses", room, "--out", tmp_path / "b") == 1
    assert "--layout" in capsys.readouterr().err
    assert run("simulate", scene_file, "--responses", room, "--layout", "binaural", "--stems", "--out", tmp_path / "b") == 0
    wet, dry = (read_audio(tmp_path / "b" / name).samples for name in ("stems/00_dog_binaural.wav", "dry/00_dog.wav"))
    np.testing.assert_allclose(wet[:, 1:], [[1], [0.5]] * dry[:, :-1], atol=1e-6)


def test_listen_writes_what_it_says(scene_file, tmp_path, capsys):
    run("simulate", scene_file, "--layout", "foa", "--out", tmp_path / "out")
    capsys.readouterr()
    outputs = ["--csv", tmp_path / "h.csv", "--scene", tmp_path / "h.yaml", "--plot", tmp_path / "h.png"]
    assert run("listen", tmp_path / "out" / "foa.wav", *outputs, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["duration"] == 2.0
    assert len(list(read_scene(tmp_path / "h.yaml").events())) == len(document["events"])
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "h.csv").exists()


def test_listen_prints_a_table_for_people(scene_file, tmp_path, capsys):
    run("simulate", scene_file, "--layout", "binaural", "--out", tmp_path / "out")
    capsys.readouterr()
    assert run("listen", tmp_path / "out" / "binaural.wav") == 0
    assert "azimuth °" in capsys.readouterr().out


def write_wav(path, samples, rate=24_000):
    soundfile.write(path, samples, rate, subtype="FLOAT")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.write_bytes(b""), "the file is empty"),
        (lambda p: p.write_bytes(b"plain text " * 100), "cannot be read as audio"),
        (lambda p: p.mkdir(), "not a file"),
        (lambda p: write_wav(p, np.zeros((0, 2))), "holds no samples"),
        (lambda p: write_wav(p, np.zeros((2400, 2))), "stereo or binaural"),
        (lambda p: write_wav(p, np.zeros((2400, 4))), "foa or tetra"),
        (lambda p: write_wav(p, np.zeros((2400, 3))), "no named layout has that many"),
        (lambda p: write_wav(p, np.zeros((2400, 1))), "no listener ships for mono"),
        (lambda p: write_wav(p, np.full((2400, 1), np.nan)), "no listener ships for mono|NaN"),
    ],
)
def test_listen_refuses_bad_files_in_one_sentence(tmp_path, capsys, make, sentence):
    path = tmp_path / "in.wav"
    make(path)
    assert run("listen", path) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert any(part in captured.err for part in sentence.split("|"))


def test_nan_samples_are_refused(tmp_path, capsys):
    write_wav(tmp_path / "in.wav", np.full((2400, 2), np.inf))
    assert run("listen", tmp_path / "in.wav", "--layout", "binaural") == 1
    assert "NaN or infinite" in capsys.readouterr().err


def test_silence_is_heard_as_nothing(tmp_path, capsys):
    write_wav(tmp_path / "in.wav", np.zeros((48_000, 2)))
    assert run("listen", tmp_path / "in.wav", "--layout", "binaural") == 0
    assert "nothing was heard" in capsys.readouterr().out


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_any_rate_and_format_is_heard(tmp_path, rate):
    noise = 0.05 * np.random.default_rng(0).standard_normal((rate, 2))
    soundfile.write(tmp_path / "in.flac", noise, rate)
    assert run("listen", tmp_path / "in.flac", "--layout", "binaural", "--json") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["lissten", "x.wav"],
        ["listen"],
        ["simulate", "x.yaml"],
        ["simulate", "x.yaml", "--out", "y", "--layout", "foaa"],
        ["simulate", "--sample", "many", "--out", "y"],
        ["score", "seld", "--reference", "x"],
        ["simulate", "--out", "y"],
        ["simulate", "x.yaml", "--sample", "2", "--out", "y"],
        ["simulate", "--sample", "0", "--out", "y"],
        ["models", "show"],
    ],
)
def test_wrong_use_exits_2(arguments):
    try:
        status = run(*arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["simulate", "none.yaml", "--out", "y"], "no such file"),
        (["simulate", "--sample", "1", "--preset", "demmo", "--out", "y"], "did you mean 'demo'"),
        (["simulate", "--sample", "1", "--sounds", "nowhere", "--out", "y"], "nowhere"),
        (["models", "show", "nano-fao"], "did you mean 'nano-foa'"),
        (["train", "none.yaml"], "no such file"),
    ],
)
def test_failures_exit_1_with_one_sentence(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_models_are_listed_and_shown(capsys):
    assert run("models", "list", "--json") == 0
    names = [m["name"] for m in json.loads(capsys.readouterr().out)["models"]]
    assert {"nano-foa", "nano-binaural"} <= set(names)
    assert run("models", "show", names[0]) == 0
    assert "licence" in capsys.readouterr().out.lower()
