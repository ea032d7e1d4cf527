"""``auris score spatial-ast``: models on a made validation set, and their answers as files."""

import json

import numpy as np
import pytest

from auris.audio import Audio
from auris.cli import main
from auris.io.audio_files import write_audio
from auris.models import create, save_pretrained
from auris.training.clip_answers import ClipAnswers, read_answers, read_truth, write_answers

RATE = 8000
NETWORK = {
    "sample_rate": RATE,
    "clip_seconds": 1.0,
    "n_fft": 256,
    "hop": 160,
    "bands": 32,
    "high": 4000.0,
    "frames": 64,
    "patch": 8,
    "width": 32,
    "depth": 1,
    "heads": 2,
}
RECIPE = """
task: spatial_ast
name: tiny
labels: [Low, High]
data:
  audioset: audioset
  reverb: rooms
  lists: {train: eval.json, validation: eval.json, classes: classes.csv}
  items: {sample_rate: 8000, clip_seconds: 1.0, response_seconds: 0.1}
validation: {per_clip: 2, batch: 3}
"""


def run(*arguments):
    return main(["score", "spatial-ast", *map(str, arguments)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four clips of two classes in rooms of two reverberation times; a network of clips and one of frames."""
    folder = tmp_path_factory.mktemp("made")
    random = np.random.default_rng(0)
    (folder / "audioset" / "clips").mkdir(parents=True)
    records = []
    for number in range(4):
        tone = np.sin(2 * np.pi * (500, 2500)[number % 2] * np.arange(6000) / RATE) + 0.1 * random.standard_normal(6000)
        write_audio(folder / "audioset" / "clips" / f"clip{number}.wav", Audio(0.1 * tone[None], RATE, "mono"))
        records.append({"folder": "clips", "id": f"clip{number}", "label": [("/m/low", "/m/high")[number % 2]]})
    (folder / "audioset" / "eval.json").write_text(json.dumps(records))
    (folder / "audioset" / "classes.csv").write_text("index,mid,display_name\n0,/m/low,Low\n1,/m/high,High\n")
    (folder / "rooms" / "binaural" / "room").mkdir(parents=True)
    places = []
    for number, source in enumerate(("-1.0,0.0,0.0", "1.0,0.0,0.0", "0.0,0.0,-2.0")):
        np.save(folder / "rooms" / "binaural" / "room" / f"{number}.npy", 0.1 * random.standard_normal((2, 400)))
        place = {"fname": f"room/{number}.npy", "sensor_position": "0,0,0", "source_position": source}
        places.append(place | {"t60": 0.3 + 0.2 * number})
    (folder / "rooms" / "eval_reverberation.json").write_text(json.dumps({"data": places}))
    (folder / "tiny.yaml").write_text(RECIPE)
    save_pretrained(create("spatial_ast", labels=("Low", "High"), **NETWORK), folder / "runs" / "clips" / "model", card="# x\n")
    small = {"widths": (4, 4, 4, 4, 4), "hidden": 4, "layout": "binaural"}
    save_pretrained(create("seld_crnn", labels=("High", "Low"), **small), folder / "frames", card="# x\n")
    return folder


def models(made):
    return ["--model", made / "runs" / "clips" / "model", made / "frames", "--recipe", made / "tiny.yaml"]


def test_models_side_by_side(made, capsys):
    assert run(*models(made)) == 0
    table = capsys.readouterr().out
    assert "tiny: 8 clips, 2 classes, with 95 % intervals" in table
    for text in ("clips", "frames", "parameters", "mAP %", "ER20 %", "MAE °", "DER %", "front/back %"):
        assert text in table


def test_written_answers_score_the_same(made, tmp_path, capsys):
    assert run(*models(made), "--write", tmp_path, "--json") == 0
    first = json.loads(capsys.readouterr().out)
    files = ["--prediction", tmp_path / "clips.npz", tmp_path / "frames.npz"]
    assert run("--reference", tmp_path / "truth.npz", *files, "--json") == 0
    second = json.loads(capsys.readouterr().out)
    assert first["clips"] == second["clips"] == 8
    assert first["labels"] == ["Low", "High"]
    for row, again in zip(first["models"], second["models"], strict=True):
        assert row.pop("parameters") > 1000
        assert row == again
        assert row["intervals"]["mae"][0] <= row["mae"] <= row["intervals"]["mae"][1]
        assert sum(each["clips"] for each in row["by_t60"]) == 8
    truth = read_truth(tmp_path / "truth.npz")
    assert len(set(truth.clips)) == 8
    assert "clip0.wav at room/" in truth.clips[0]


def test_details_and_changes_of_the_recipe(made, capsys):
    assert run(*models(made), "validation.clips=5", "--details") == 0
    out = capsys.readouterr().out
    assert "tiny: 5 clips" in out
    for text in ("Average precision by class", "by distance", "by T60", "0.2 to 0.4 s"):
        assert text in out


def test_perfect_answers_of_another_program(made, tmp_path, capsys):
    assert run(*models(made), "--write", tmp_path) == 0
    truth = read_truth(tmp_path / "truth.npz")
    write_answers(tmp_path / "perfect.npz", ClipAnswers(truth.events.astype(np.float32), truth.classes, truth.labels))
    capsys.readouterr()
    assert run("--reference", tmp_path / "truth.npz", "--prediction", tmp_path / "perfect.npz", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["models"]
    assert (row["name"], row["map"], row["er20"], row["der"]) == ("perfect", 1.0, 0.0, 0.0)


def test_pictures(made, tmp_path, capsys):
    assert run(*models(made), "--plots", tmp_path / "plots") == 0
    names = {file.name for file in (tmp_path / "plots").iterdir()}
    assert names == {"errors_by_distance.png", "errors_by_t60.png", "azimuths.png", "classes.png"}
    assert "drawn:" in capsys.readouterr().err


def test_missing_rooms_are_simulated(made, tmp_path, capsys):
    banks = "{validation: {rooms: 2, places_per_room: 2, heads: 1, sample_rate: 8000, t60: [0.1, 0.15]}}"
    changes = [f"data.reverb={tmp_path / 'bank'}", f"data.banks={banks}"]
    assert run("--model", made / "frames", "--recipe", made / "tiny.yaml", *changes, "--json") == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 8
    assert (tmp_path / "bank" / "eval_reverberation.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --model with --recipe"),
        (["--model", "nano-foa"], "--model needs --recipe"),
        (["--prediction", "a.npz"], "--prediction needs --reference"),
        (["--model", "a", "--prediction", "b.npz"], "give --model with --recipe"),
        (["--prediction", "a.npz", "--reference", "t.npz", "--write", "out"], "--write does not go with --prediction"),
        (["--model", "a", "--recipe", "r.yaml", "--batch", "0"], "--batch must be at least 1"),
    ],
)
def test_wrong_use(arguments, message, capsys):
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_what_cannot_be_scored_is_refused_in_one_sentence(made, tmp_path, capsys):
    recipe = ["--recipe", made / "tiny.yaml"]
    assert run("--model", "nano-foa", *recipe) == 1
    assert "nano-foa listens to foa audio, but these clips are binaural" in capsys.readouterr().err
    assert run("--model", "nano-binaural", *recipe) == 1
    assert "nano-binaural does not know 2 of the 2 classes: Low, High" in capsys.readouterr().err
    other = tmp_path / "other.yaml"
    other.write_text("name: x\nlabels: [dog]\n")
    assert run("--model", made / "frames", "--recipe", other) == 1
    assert "this scores recipes of the task spatial_ast" in capsys.readouterr().err
    assert run("--reference", tmp_path / "none.npz", "--prediction", tmp_path / "none.npz") == 1
    assert "no such file" in capsys.readouterr().err


def test_answers_that_do_not_fit_name_their_file(made, tmp_path, capsys):
    assert run(*models(made), "--write", tmp_path) == 0
    answers = read_answers(tmp_path / "frames.npz")
    nan = np.full_like(answers.scores, np.nan)
    write_answers(tmp_path / "broken.npz", ClipAnswers(nan, answers.classes, answers.labels))
    capsys.readouterr()
    assert run("--reference", tmp_path / "truth.npz", "--prediction", tmp_path / "broken.npz") == 1
    message = capsys.readouterr().err
    assert "broken.npz: scores must be finite numbers, got nan" in message
    assert len(message.splitlines()) == 1


def test_help_lists_the_tasks(capsys):
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    out = capsys.readouterr().out
    assert "seld" in out
    assert "spatial-ast" in out
