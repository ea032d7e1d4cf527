"""``auris ask``: answers, tables, talks and exit statuses."""

import io
import json
import sys
from typing import get_args

import numpy as np
import pytest
import soundfile

from auris.asking import conversation as asking
from auris.audio import Audio
from auris.channels import binaural
from auris.cli import main
from auris.cli.ask import PRECISIONS
from auris.io.audio_files import write_audio
from auris.models.bat_config import Precision
from auris.scene_format import scene_from_dict

DOG = "Where is the sound of the dog coming from, and how far away is it?"
RAIN = "Where is the sound of the rain coming from, and how far away is it?"
NEARER = "Is the sound of the dog closer to you than the sound of the rain?"
SCENE = {
    "duration": 35.0,
    "sources": [
        {"label": "dog", "position": [0.8, 1.8, 0.4], "onset": 1.0, "offset": 2.0},
        {"label": "rain", "position": [-1.0, -3.0, -0.5], "onset": 1.5, "offset": 34.0},
    ],
}


class Parrot:
    """A language model that repeats the question, one word at a time."""

    name, sample_rate, clip_seconds = "parrot", 16_000, 10.0
    layout = binaural()

    def answer(self, clips, questions, *, on_text=None):
        if on_text is not None:
            for piece in ("asked", f" {questions[0]}"):
                on_text(piece)
        return [f"asked {question}" for question in questions]


class Heard:
    labels, says_distance = ("dog", "rain", "music"), True

    def scene(self):
        return scene_from_dict(SCENE)


@pytest.fixture(autouse=True)
def _made_up_models(monkeypatch):
    """What is heard, and the language model, are made up; the shipped ones have tests of their own."""
    monkeypatch.setattr(asking, "hearing", lambda *a, **k: Heard())
    monkeypatch.setattr(asking, "named_answerer", lambda name, **options: Parrot())


@pytest.fixture
def file(tmp_path):
    return noise_file(tmp_path / "kitchen.wav", seconds=4.0)


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def noise_file(path, *, seconds):
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, round(16_000 * seconds)))
    write_audio(path, Audio(noise, 16_000, "binaural"))
    return path


def run(*arguments):
    try:
        return main(["ask", *(str(a) for a in arguments)])
    except SystemExit as stop:
        return stop.code


def test_the_answer_to_one_question_stands_alone(file, capsys):
    assert run(file, DOG, "--model", "symbolic") == 0
    assert tuple(capsys.readouterr()) == ("left, front, above; 2m\n", "")
    assert run(file, "Who is it?", "--model", "parrot") == 0
    assert tuple(capsys.readouterr()) == ("asked Who is it?\n", "")


@pytest.mark.parametrize("order", ["FQO", "FOQ", "OFQ", "FQOQ"])
def test_options_stand_anywhere(file, capsys, order):
    words = {"F": [file], "Q": [NEARER], "O": ["--model", "symbolic", "--json"]}
    assert run(*(word for letter in order for word in words[letter])) == 0
    document = json.loads(capsys.readouterr().out)
    assert [reply["question"] for reply in document["replies"]] == [NEARER] * order.count("Q")


def test_the_answer_by_rules_stands_beside(file, capsys):
    assert run(file, NEARER, "--model", "parrot", "--beside", "symbolic") == 0
    out, err = capsys.readouterr()
    assert out == f"asked {NEARER}\n"
    assert err == "  by rules: Yes\n"


@pytest.mark.parametrize("model", ["symbolic", "parrot"])
def test_an_explanation_prints_the_events_and_the_comparison(file, capsys, model):
    assert run(file, NEARER, "--model", model, "--explain") == 0
    out, err = capsys.readouterr()
    assert out == ("Yes\n" if model == "symbolic" else f"asked {NEARER}\n")
    assert "Heard by nano-binaural" in err
    assert "onset s" in err
    assert "1.50" in err
    assert "understood:" in err
    assert ("by rules: Yes" in err) == (model == "parrot")


def test_several_questions_make_a_table(file, capsys):
    assert run(file, DOG, NEARER, "--model", "symbolic") == 0
    out, err = capsys.readouterr()
    assert "left, front, above; 2m" in out
    assert "by rules" not in out
    assert err == ""
    assert run(file, DOG, NEARER, "--model", "parrot", "--beside", "symbolic", "--explain") == 0
    out, err = capsys.readouterr()
    assert "by rules" in out
    assert err.count("onset s") == 1


def test_json_is_one_document(file, capsys):
    assert run(file, DOG, "--model", "parrot", "--beside", "symbolic", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["file"], document["layout"], document["duration"]) == (str(file), "binaural", 4.0)
    assert (document["model"], document["listener"], document["failures"]) == ("parrot", "nano-binaural", [])
    event = document["events"][0]
    assert (event["class"], event["onset"], event["distance"]) == ("dog", 1.0, 2.01)
    (reply,) = document["replies"]
    assert set(reply) == {"question", "text", "model", "whole", "understood", "why", "windows", "beside"}
    assert (reply["text"], reply["windows"], reply["beside"]["text"]) == (f"asked {DOG}", [], "left, front, above; 2m")
    assert run(file, "Who is it?", "--model", "parrot", "--json") == 0
    assert json.loads(capsys.readouterr().out)["events"] is None  # nobody had to listen


def test_a_long_file_is_answered_with_its_windows_in_a_table(tmp_path, capsys):
    long = noise_file(tmp_path / "long.wav", seconds=35.0)
    assert run(long, DOG, "--model", "parrot") == 0
    out, err = capsys.readouterr()
    assert out == f"asked {DOG}\n"
    assert "Window by window, by parrot" in err
    assert "25.00" in err
    assert "answered from 0 to 10 s: dog is heard there for 1.0 s" in err
    assert run(long, DOG, "--model", "parrot", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [window["begin"] for window in document["replies"][0]["windows"]] == [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]


def test_a_question_of_time_is_answered_by_rules_and_says_so(file, capsys):
    assert run(file, "When does the rain begin?", "--model", "parrot") == 0
    out, err = capsys.readouterr()
    assert "1.5" in out
    assert "by rules, not by parrot" in err


def test_a_question_without_an_answer_leaves_the_others_theirs(file, capsys):
    assert run(file, DOG.replace("dog", "music"), NEARER, "--model", "symbolic") == 1
    out, err = capsys.readouterr()
    assert "Yes" in out
    assert err.startswith(f"auris: error: {DOG.replace('dog', 'music')}: ")
    assert run(file, DOG.replace("dog", "music"), NEARER, "--model", "symbolic", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert [failure["question"] for failure in document["failures"]] == [DOG.replace("dog", "music")]
    assert len(document["replies"]) == 1


def chat(monkeypatch, text, *, terminal=False):
    lines = io.StringIO(text)
    monkeypatch.setattr(lines, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdin", lines)


def test_chat_answers_what_is_typed_until_quit(file, capsys, monkeypatch):
    chat(monkeypatch, f"{DOG}\n\n  {NEARER}  \nquit\n{DOG}\n")
    assert run(file, "--chat", "--model", "symbolic") == 0
    out, err = capsys.readouterr()
    assert out == "left, front, above; 2m\nYes\n"
    assert err == ""


def test_chat_keeps_the_dialogue_and_shows_how_a_follow_up_was_taken(file, capsys, monkeypatch):
    chat(monkeypatch, f"{DOG}\nAnd the rain?\n")
    assert run(file, "--chat", "--model", "symbolic") == 0
    out, err = capsys.readouterr()
    assert out == "left, front, above; 2m\nright, behind, below; 3m\n"
    assert "taken as: " in err
    assert "rain" in err


def test_chat_goes_on_after_a_question_that_has_no_answer(file, capsys, monkeypatch):
    chat(monkeypatch, f"Zork?\n{NEARER}")
    assert run(file, "--chat", "--model", "symbolic") == 1
    out, err = capsys.readouterr()
    assert out == "Yes\n"
    assert err.count("auris: error: ") == 1


def test_chat_prompts_people_and_goes_on_from_questions_that_were_given(file, capsys, monkeypatch):
    chat(monkeypatch, f"{RAIN}\n", terminal=True)
    assert run(file, NEARER, "--chat", "--model", "symbolic") == 0
    out, err = capsys.readouterr()
    assert out == "Yes\nright, behind, below; 3m\n"
    assert "symbolic answers questions about" in err
    assert err.count("> ") == 2


def test_chat_as_json(file, capsys, monkeypatch):
    chat(monkeypatch, f"{DOG}\n{NEARER}\n")
    assert run(file, "--chat", "--model", "symbolic", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [reply["text"] for reply in document["replies"]] == ["left, front, above; 2m", "Yes"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["kitchen.wav"], 2, "give a question"),
        ([], 2, "arguments are required: FILE"),
        (["kitchen.wav", DOG, "--modell", "x"], 2, "unrecognized arguments: --modell"),
        (["kitchen.wav", DOG, "--beside", "all"], 2, "invalid choice"),
        (["kitchen.wav", ""], 1, "the question is empty"),
        (["kitchen.wav", "  ?"], 1, "the question is empty"),
        (["nowhere.wav", DOG], 1, "no such file"),
        (["silent.wav", DOG], 1, "nothing is to be heard"),
        (["mono.wav", DOG, "--model", "parrot"], 1, "one channel says nothing of direction"),
        (["mono.wav", DOG], 1, "no listener ships for mono"),
        (["two.wav", DOG], 1, "stereo or binaural"),
        (["kitchen.wav", DOG, "--layout", "foa"], 1, "2 channels, but layout foa has 4"),
        (["kitchen.wav", DOG, "--model", "symbolic", "--listener", "nano"], 1, "no model called 'nano'"),
    ],
)
@pytest.mark.usefixtures("file", "in_folder")
def test_what_goes_wrong_is_one_sentence(capsys, arguments, status, sentence):
    soundfile.write("silent.wav", np.zeros((1000, 2)), 16_000)
    soundfile.write("mono.wav", np.full(1000, 0.1), 16_000)
    soundfile.write("two.wav", np.full((1000, 2), 0.1), 16_000)
    if "silent.wav" in arguments:
        arguments = [*arguments, "--layout", "binaural"]
    assert run(*arguments) == status
    error = capsys.readouterr().err.strip()
    assert sentence in error
    if status == 1:
        assert len(error.splitlines()) == 1


def test_a_terminal_sees_the_answer_as_it_is_written(file, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(file, "Who is it?", "--model", "parrot") == 0
    assert capsys.readouterr().out == "asked Who is it?\n"
    assert run(file, NEARER, "--model", "symbolic") == 0
    assert capsys.readouterr().out == "Yes\n"


def test_interruption_ends_the_line_and_exits_130(file, capsys, monkeypatch):
    class Slow(Parrot):
        def answer(self, clips, questions, *, on_text=None):
            on_text("well, that")
            raise KeyboardInterrupt

    monkeypatch.setattr(asking, "named_answerer", lambda name, **options: Slow())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(file, DOG, "--model", "parrot") == 130
    assert tuple(capsys.readouterr()) == ("well, that\n", "auris: error: interrupted\n")


def test_ctrl_c_at_the_prompt(file, capsys, monkeypatch):
    class Interrupted(io.StringIO):
        def readline(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert run(file, NEARER, "--chat", "--model", "symbolic") == 130
    assert tuple(capsys.readouterr()) == ("Yes\n", "auris: error: interrupted\n")


def test_precisions_are_those_of_the_models():
    assert get_args(Precision) == PRECISIONS
