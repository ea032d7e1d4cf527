import json

import numpy as np
import pytest
import soundfile
import torch

from auris.cli import main
from auris.cli.listen import parse_threshold, threshold_for
from auris.io.dcase import read_dcase, read_dcase_folder
from auris.io.scene_files import read_scene
from auris.models import create, save_pretrained
from auris.pipelines import listen

LABELS = ["dog", "Male speech, man speaking", "rain"]


def run(*arguments):
    try:
        return main(["listen", *(str(a) for a in arguments)])
    except SystemExit as stop:
        return stop.code


def noise_file(path, *, seconds=3.0, rate=24_000, channels=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = 0.05 * np.random.default_rng(len(path.stem)).standard_normal((round(seconds * rate), channels))
    soundfile.write(path, noise, rate)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained PSELDNet: what it hears means nothing, but it hears with a low threshold."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    network = create("pseldnet", labels=LABELS, backbone="cnn8", output="accdoa")
    save_pretrained(network.eval(), folder, card="Untrained.")
    return folder


@pytest.fixture
def listening(model):
    return ["--model", model, "--threshold", "0.001"]


def test_a_network_without_distances_leaves_them_out(tmp_path, listening, capsys):
    file = noise_file(tmp_path / "a.wav", seconds=11.0)
    outputs = ["--csv", tmp_path / "a.csv", "--scene", tmp_path / "a.yaml", "--plot", tmp_path / "a.png"]
    # No --layout: the model that was asked for says what the channels are.
    assert run(file, *listening, *outputs, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["layout"], document["model"], document["duration"]) == ("foa", "tiny", 11.0)
    assert {event["distance"] for event in document["events"]} == {None}
    assert {event["class"] for event in document["events"]} <= set(LABELS)
    rows = read_dcase(tmp_path / "a.csv", year=2023, content="prediction")
    assert rows.frame.max() == 109
    assert np.isnan(rows.distance).all()
    assert all(np.linalg.norm(s.path.at(0.0)) == pytest.approx(1.0, abs=1e-3) for s in read_scene(tmp_path / "a.yaml").sources)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert run(file, *listening) == 0
    assert "distance" not in capsys.readouterr().out


@pytest.mark.parametrize("year", [2019, 2024, 2025])
def test_a_year_with_distances_is_refused_before_anything_is_heard(tmp_path, listening, capsys, year):
    file = noise_file(tmp_path / "a.wav")
    assert run(file, *listening, "--csv", tmp_path / "a.csv", "--year", year) == 1
    assert f"DCASE {year} files hold a distance for every row" in capsys.readouterr().err
    assert not (tmp_path / "a.csv").exists()


@pytest.fixture(scope="module")
def clip_model(tmp_path_factory):
    """An untrained Spatial-AST that hears clips of two seconds."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "tiny-clips"
    sizes = {"clip_seconds": 2.0, "hop": 640, "bands": 32, "frames": 112, "width": 24, "depth": 1, "heads": 2}
    network = create("spatial_ast", labels=LABELS, **sizes)
    torch.nn.init.normal_(network.head.bias)
    save_pretrained(network.eval(), folder, card="Untrained.")
    return folder


def test_a_clip_model_hears_a_binaural_file_with_distance(tmp_path, clip_model, capsys):
    file = noise_file(tmp_path / "a.wav", seconds=5.3, rate=44_100, channels=2)
    outputs = ["--scene", tmp_path / "a.yaml", "--plot", tmp_path / "a.png", "--csv", tmp_path / "a.csv"]
    assert run(file, "--model", clip_model, "--threshold", "0.05", *outputs, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["layout"], document["model"], document["duration"]) == ("binaural", "tiny-clips", pytest.approx(5.3))
    assert {event["class"] for event in document["events"]} == set(LABELS)
    assert all(0.1 < event["distance"] <= 10 for event in document["events"])
    # The same in Python.
    assert listen(file, model=clip_model, threshold=0.05) == read_scene(tmp_path / "a.yaml")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    rows = read_dcase(tmp_path / "a.csv", year=2024, content="prediction")
    assert rows.frame.max() == 52
    assert np.isfinite(rows.distance).all()
    assert run(file, "--model", clip_model, "--threshold", "0.05") == 0
    assert "distance m" in capsys.readouterr().out


def test_a_clip_model_writes_the_stereo_form_of_2025_and_frames(tmp_path, clip_model, capsys):
    file = noise_file(tmp_path / "a.wav", seconds=2.0, channels=2)
    rows = {}
    for year in (2024, 2025):
        options = ["--threshold", "0.05", "--reading", "frames", "--hop", 2, "--csv", tmp_path / "a.csv", "--year", year]
        assert run(file, "--model", clip_model, *options) == 0
        rows[year] = read_dcase(tmp_path / "a.csv", year=year, content="prediction")
    assert len(rows[2024]) == len(rows[2025]) == 3 * 20
    folded = np.degrees(np.arcsin(np.sin(rows[2024].azimuth)))
    np.testing.assert_allclose(np.degrees(rows[2025].azimuth), folded, atol=0.51)
    np.testing.assert_allclose(rows[2025].distance, rows[2024].distance, atol=0.006)
    assert set(rows[2025].onscreen.tolist()) == {0}


@pytest.mark.parametrize(
    ("given", "way_out"),
    [
        ((1, []), "one channel says nothing of direction; auris simulate --layout binaural"),
        ((4, []), "if this is first-order ambisonics, leave --model out and say --layout foa"),
        ((2, ["--layout", "stereo"]), "if its channels are binaural after all, say so with --layout binaural"),
        ((4, ["--layout", "foa"]), "leave --model out for the shipped listener to foa"),
    ],
)
def test_a_clip_model_refuses_other_layouts_with_the_way_out(tmp_path, clip_model, capsys, given, way_out):
    channels, options = given
    file = noise_file(tmp_path / "a.wav", seconds=1, channels=channels)
    assert run(file, "--model", clip_model, *options) == 1
    error = capsys.readouterr().err.strip()
    assert way_out in error
    assert "a.wav: " in error
    assert len(error.splitlines()) == 1


def test_many_recordings_are_heard_by_a_clip_model(tmp_path, clip_model, capsys):
    for index, channels in enumerate((2, 1, 2)):
        noise_file(tmp_path / "set" / f"mix{index}.wav", seconds=1.0 + index, channels=channels)
    options = ["--threshold", "0.05", "--out", tmp_path / "out", "--write", "csv", "plot"]
    assert run(tmp_path / "set", "--model", clip_model, *options) == 1
    assert "mix1.wav: 1 channels, but this listener needs binaural audio of 2" in capsys.readouterr().err
    heard = read_dcase_folder(tmp_path / "out", year=2024, content="prediction")
    assert {name: int(rows.frame.max()) for name, rows in heard.items()} == {"mix0": 9, "mix2": 29}
    assert (tmp_path / "out" / "mix2.png").exists()


def test_frames_by_themselves_averaged_blocks_and_rotations(tmp_path, listening, capsys):
    file = noise_file(tmp_path / "a.wav", seconds=10.5)
    tables = {}
    for name, options in {
        "plain": ["--reading", "frames"],
        "hop": ["--reading", "frames", "--hop", 5],
        "tta": ["--reading", "frames", "--tta"],
        "batch": ["--reading", "frames", "--batch", 4, "--device", "cpu"],
    }.items():
        assert run(file, *listening, *options, "--csv", tmp_path / f"{name}.csv", "--year", 2021) == 0
        tables[name] = (tmp_path / f"{name}.csv").read_text()
    capsys.readouterr()
    assert len(read_dcase(tmp_path / "plain.csv", year=2021, content="prediction")) == 3 * 105  # every class in every frame
    assert tables["batch"] == tables["plain"]
    assert tables["tta"] != tables["plain"]
    assert tables["hop"] != tables["plain"]


def test_thresholds_by_class(tmp_path, model, capsys):
    file = noise_file(tmp_path / "a.wav")
    assert run(file, "--model", model, "--threshold", "0.99,Male speech, man speaking=0.001", "--json") == 0
    events = json.loads(capsys.readouterr().out)["events"]
    assert {event["class"] for event in events} == {"Male speech, man speaking"}
    assert run(file, "--model", model, "--threshold", "dgo=0.1") == 1
    assert "did you mean 'dog'" in capsys.readouterr().err
    assert run(file, "--model", model, "--threshold", "starss23") == 1
    assert "13 thresholds for 3 classes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("0.5", (0.5, {})),
        (" dog=0.3, speech = 4e-1 ", (None, {"dog": 0.3, "speech": 0.4})),
        ("dog=0.3,0.5", (0.5, {"dog": 0.3})),
        ("a, b, c=0.3,d=0.4", (None, {"a, b, c": 0.3, "d": 0.4})),
        ("l3das22", "l3das22"),
        (None, None),
    ],
)
def test_what_a_threshold_says(text, parsed):
    assert parse_threshold(text) == parsed


def test_thresholds_for_a_model():
    assert threshold_for("0.5,dog=0.3", ("dog", "rain")) == {"dog": 0.3, "rain": 0.5}
    assert threshold_for("dog=0.3", ("dog", "rain")) == {"dog": 0.3}
    assert len(threshold_for("starss23", ())) == 13


def test_many_recordings_make_a_folder_that_can_be_scored(tmp_path, listening, capsys):
    sound = tmp_path / "set"
    for index in range(3):
        noise_file(sound / ("ab"[index % 2]) / f"mix{index}.wav", seconds=1 + index)
    (sound / "a" / "notes.txt").write_text("no audio")
    assert run(sound, *listening, "--out", tmp_path / "out", "--write", "csv", "scene", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [len(result["events"]) > 0 for result in document["files"]] == [True] * 3
    heard = read_dcase_folder(tmp_path / "out", year=2023, content="prediction")
    assert {name: int(rows.frame.max()) for name, rows in heard.items()} == {"mix0": 9, "mix1": 19, "mix2": 29}
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        *(f"mix{i}{ending}" for i in range(3) for ending in (".csv", ".yaml")),
        "listening.json",
    }


def test_existing_outputs_are_skipped_only_on_demand_and_only_of_the_same_listening(tmp_path, listening, capsys):
    files = [noise_file(tmp_path / f"{name}.wav", seconds=1) for name in "abc"]
    out = tmp_path / "out"
    assert run(*files[:2], *listening, "--out", out) == 0
    (out / "a.csv").write_text("")
    capsys.readouterr()
    assert run(*files, *listening, "--out", out, "--resume") == 0
    captured = capsys.readouterr()
    assert "2 of 3 recordings were heard before" in captured.err
    assert (out / "a.csv").read_text() == ""
    assert (out / "c.csv").read_text() != ""
    assert run(*files, *listening, "--out", out, "--resume", "--tta") == 1
    assert "tta False then, True now" in capsys.readouterr().err
    assert run(*files, *listening, "--out", out) == 0
    assert (out / "a.csv").read_text() != ""


def test_a_bad_recording_does_not_stop_the_others(tmp_path, listening, capsys):
    good, bad = noise_file(tmp_path / "good.wav", seconds=1), tmp_path / "bad.wav"
    bad.write_bytes(b"plain text " * 100)
    two = noise_file(tmp_path / "two.wav", seconds=1, channels=2)
    assert run(bad, two, good, *listening, "--out", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert "cannot be read as audio" in captured.err
    assert "2 channels, but this listener needs foa audio of 4" in captured.err
    assert (tmp_path / "out" / "good.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a.wav", "b.wav"], "need --out DIR"),
        (["a.wav", "--out", "o", "--csv", "x.csv"], "--csv name one file; with --out use --write"),
        (["a.wav", "--resume"], "belong to --out"),
        (["a.wav", "--truth", "s.yaml"], "--plot OUT.png, which is missing"),
        (["a.wav", "--threshold", "loud"], "--threshold takes"),
        (["a.wav", "--threshold", "dog=0.3.1"], "is not a number"),
        (["x/a.wav", "y/a.flac", "--out", "o"], "would both be written to a.csv"),
        (["a.wav", "--reading", "blocks"], "invalid choice"),
    ],
)
def test_wrong_use_exits_2(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--device", "gpu"], "unknown device 'gpu'"),
        (["--device", "cuda:99"], "there is no device 'cuda:99'"),
        (["--hop", "0.25"], "multiple of 0.1 s"),
        (["--hop", "11"], "at most the 10 s of a block"),
        (["--batch", "0"], "at least 1 block"),
        (["--threshold", "1.5"], "between 0 and 1"),
        (["--layout", "tetra"], "needs foa audio, but the audio is"),
        (["--layout", "binaural"], "4 channels, but layout binaural has 2"),
    ],
)
def test_impossible_settings_exit_1_with_one_sentence(tmp_path, model, capsys, options, sentence):
    file = noise_file(tmp_path / "a.wav", seconds=1)
    assert run(file, "--model", model, *options) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1


def test_nothing_to_hear_in_a_folder(tmp_path, capsys):
    assert run(tmp_path) == 1
    assert "needs --out DIR" in capsys.readouterr().err
    assert run(tmp_path, "--out", tmp_path / "out") == 1
    assert "no audio files" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
