"""``auris score qa``: answers in files, and models on a made set with their controls."""

import json

import numpy as np
import pytest

from auris.asking import answerers
from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.cli import main
from auris.io.audio_files import write_audio
from auris.io.qa_predictions import QaPrediction, read_predictions, write_decode_logs, write_predictions
from auris.io.spatial_qa_records import QaRecord, write_questions

ROWS = [
    QaPrediction("CLASSIFICATION", 1, "What?", "dog; speech", "a dog, and people talking"),
    QaPrediction("DOA", 1, "Where?", "left, behind, below; 2.5m", "left, front, below; 4m"),
    QaPrediction("MIXUP_DIRECTION", 2, "Is the dog to the left of the rain?", "Yes", "Yes, it is."),
    QaPrediction("MIXUP_DISTANCE_BOTH", 3, "Is the dog nearer than the rain?", "No", "perhaps"),
]


def run(*arguments):
    return main(["score", "qa", *map(str, arguments)])


def scores(capsys, *arguments):
    assert run(*arguments, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    return document, {row["name"]: row for row in document["answers"]}


@pytest.fixture
def predictions(tmp_path):
    write_predictions(tmp_path / "first.jsonl", ROWS)
    write_decode_logs(tmp_path / "decode", ROWS)
    return tmp_path


def test_the_table_and_json_say_the_same(predictions, capsys):
    document, rows = scores(capsys, "--prediction", predictions / "first.jsonl", "--worst", 2)
    assert document["questions"] == 4
    assert document["classes"] == ["dog", "speech"]
    assert list(rows) == ["first", "majority answer", "random answer"]
    found = rows["first"]["scores"]
    assert found["A_f1"]["value"] == 0.5
    assert found["A_f1_by_meaning"]["value"] == 1
    assert found["B_der"] == {"value": 1.0, "low": 1.0, "high": 1.0, "questions": 1}
    assert found["E_yes_no"]["value"] == 0.5
    assert rows["first"]["unreadable"] == 0.25
    assert "behind → front: 1 of 1" in rows["first"]["worst"]
    assert run("--prediction", predictions / "first.jsonl", "--worst", 2, "--resamplings", 0) == 0
    table = capsys.readouterr().out
    assert "4 questions, 2 classes, matched by names and synonyms" in table
    assert "mean of both %" in table
    assert "50.0" in table
    assert "behind → front: 1 of 1" in table
    assert "'perhaps'" in table


def test_files_of_several_programs_stand_side_by_side(predictions, capsys):
    reference = predictions / "first.jsonl"
    _, rows = scores(capsys, "--prediction", predictions / "first.jsonl", predictions / "decode_pred", "--reference", reference)
    assert list(rows)[:2] == ["first", "decode"]
    assert rows["first"]["scores"] == rows["decode"]["scores"]


def test_published_questions_are_a_reference(predictions, capsys, tmp_path):
    record = QaRecord("a", "r", None, None, 1, "DOA", "Where?", "left, behind, below; 2.5m")
    write_questions(tmp_path / "eval.json", [record])
    (tmp_path / "mine_pred").write_text("DOA-1\tleft, behind, below; 3 metres\n")
    _, rows = scores(capsys, "--prediction", tmp_path / "mine_pred", "--reference", tmp_path / "eval.json")
    assert rows["mine"]["scores"]["B_direction"]["value"] == 1
    assert rows["mine"]["scores"]["B_der"]["value"] == 0


def test_class_lists_and_published_class_embeddings(predictions, capsys, tmp_path):
    (tmp_path / "classes.csv").write_text("index,mid,display_name\n0,/m/a,Dog\n1,/m/b,Speech\n2,/m/c,Rain\n")
    document, _ = scores(capsys, "--prediction", predictions / "first.jsonl", "--classes", tmp_path / "classes.csv")
    assert document["classes"] == ["dog", "speech", "rain"]
    (tmp_path / "few.txt").write_text("dog\n")
    assert run("--prediction", predictions / "first.jsonl", "--classes", tmp_path / "few.txt") == 1
    assert "1 classes of the truth are not in the list of 1: speech" in capsys.readouterr().err
    np.save(tmp_path / "embeds.npy", np.ones((2, 4)))
    assert run("--prediction", predictions / "first.jsonl", "--class-embeddings", tmp_path / "embeds.npy") == 2
    assert "--class-embeddings needs --embeddings" in capsys.readouterr().err
    assert run("--prediction", predictions / "first.jsonl", "--embeddings", tmp_path / "nothing") == 1
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --model with --questions and --audio"),
        (("--model", "x", "--prediction", "y"), "give --model with --questions and --audio"),
        (("--model", "x"), "--model needs --questions"),
        (("--model", "x", "--questions", "q"), "--model needs --audio"),
        (("--prediction", "x", "--audio", "a"), "--audio does not go with --prediction"),
        (("--prediction", "x", "--controls"), "--controls asks models again"),
        (("--model", "x", "--questions", "q", "--audio", "a", "--reference", "r"), "--reference does not go with --model"),
        (("--prediction", "x", "--worst", "0"), "--worst must be at least 1"),
        (("--prediction", "x", "--resamplings", "-1"), "--resamplings must be at least 0"),
    ],
)
def test_wrong_use(arguments, message, capsys):
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_missing_files_and_models(tmp_path, capsys):
    assert run("--prediction", tmp_path / "none.jsonl") == 1
    assert "none.jsonl: cannot be read" in capsys.readouterr().err
    assert run("--model", "x", "--questions", tmp_path / "none", "--audio", tmp_path) == 1
    assert "no such file or folder" in capsys.readouterr().err


class Ears:
    """Says which ear is louder, whatever is asked."""

    name, sample_rate, clip_seconds = "ears", 8000, 1.0
    layout = ChannelLayout.parse("binaural")

    def answer(self, clips, questions, *, on_text=None):
        sides = [np.abs(clip.samples).mean(axis=1) for clip in clips]
        words = ["left" if left > right else "right" if right > left else "nowhere" for left, right in sides]
        return [f"{word}, front, above; 1m" for word in words]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A made set of eight scenes of a second, and a model that is loaded by the name of ears."""
    for number in range(8):
        side, name = number % 2, f"eval-{number:07d}"
        samples = np.zeros((2, 8000), np.float32)
        samples[side] = 0.1 * np.sin(np.arange(8000) * (0.1 + 0.02 * number))
        path = tmp_path / "rendered" / "binaural" / "eval" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(path, Audio(samples, 8000, "binaural"))
        words = ("left", "right")[side]
        rows = [QaRecord("a", "r", None, None, number, "DOA", "Where is the sound?", f"{words}, front, above; 1m")]
        write_questions(tmp_path / "rendered" / "questions" / "eval" / f"{name}.json", rows)
    monkeypatch.setattr(answerers, "named_answerer", lambda name, *, device, precision: Ears())
    rendered = tmp_path / "rendered"
    return ["--questions", rendered / "questions" / "eval", "--audio", rendered / "binaural" / "eval"]


def test_a_model_with_its_controls_in_one_table(made, tmp_path, capsys):
    out = tmp_path / "answers"
    _, rows = scores(capsys, "--model", "some/ears", *made, "--controls", "--out", out, "--batch", 3)
    names = ["ears", "audio shuffled", "question only", "symbolic", "majority answer", "random answer"]
    assert list(rows) == names
    assert [rows[name]["kind"] for name in names] == ["model", "control", "control", "model", "chance", "chance"]
    sides = {name: rows[name]["scores"]["B_left_right"]["value"] for name in names}
    assert sides["ears"] == 1
    assert sides["audio shuffled"] == 0
    assert sides["question only"] == 0
    assert sides["majority answer"] == 0.5
    kept = read_predictions(out / "audio-shuffled.jsonl")
    assert [each.question_id for each in kept] == list(range(8))
    # A second run finds its answers there.
    again, _ = scores(capsys, "--prediction", out / "ears.jsonl")
    assert again["answers"][0]["scores"] == rows["ears"]["scores"]
    assert run("--model", "some/ears", *made, "--out", out) == 0
    assert run("--model", "other/ears", *made, "--out", out) == 1
    assert "was begun with other settings" in capsys.readouterr().err


def test_two_models_and_a_limit(made, capsys):
    document, rows = scores(capsys, "--model", "a/ears", "b/ears", *made, "--limit", 3, "--controls")
    assert document["questions"] == 3
    assert list(rows)[:4] == ["a/ears", "a/ears, audio shuffled", "a/ears, question only", "b/ears"]


def test_a_listener_answers_no_questions(made, monkeypatch, capsys):
    monkeypatch.undo()
    assert run("--model", "nano-binaural", *made) == 1
    assert "nano-binaural is a listener and answers no questions" in capsys.readouterr().err


def test_memory_that_does_not_hold_a_model_is_told(made, monkeypatch, capsys):
    def full(*_, **__):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(Ears, "answer", full)
    assert run("--model", "some/ears", *made) == 1
    assert "out of memory: the weights of some/ears alone take" in capsys.readouterr().err
