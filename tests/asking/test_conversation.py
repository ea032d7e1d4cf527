"""Questions about a recording, one after the other."""

import sys

import numpy as np
import pytest
import soundfile
from asked_audio import FAR_RAIN, NEAR_DOG, Parrot, heard_scene, noise

import auris
from auris.asking import Conversation, Reply, ask
from auris.asking.conversation import checked_question
from auris.audio import Audio
from auris.channels import ambisonics
from auris.errors import (
    CheckpointError,
    FormatError,
    LayoutError,
    ParameterError,
    SceneError,
)
from auris.io.audio_files import write_audio

WHERE_DOG = "Where is the sound of the dog coming from, and how far away is it?"
TWO = heard_scene(6.0, ("dog", NEAR_DOG, 0.5, 2.0), ("rain", FAR_RAIN, 1.0, 5.5))


def test_the_public_names_are_those_of_the_package():
    assert (auris.ask, auris.Reply, auris.Conversation) == (ask, Reply, Conversation)


def test_a_short_clip_is_answered_by_the_model_and_nobody_listens():
    parrot, pieces = Parrot(), []
    reply = ask(noise(4.0), "  Where is\n the dog? ", model=parrot, on_text=pieces.append)
    assert str(reply) == reply.text == "".join(pieces) == "4.0 s at 0.100"
    assert (reply.question, reply.model, reply.windows, reply.scene) == ("Where is the dog?", "parrot", (), None)
    assert parrot.asked[0][1] == ["Where is the dog?"]


def test_a_file_of_two_channels_is_what_the_model_hears(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.asarray(noise(2.0).samples.T), 16_000)
    assert ask(tmp_path / "a.wav", "Where is it?", model=Parrot()).text.startswith("2.0 s")
    with pytest.raises(LayoutError, match="stereo or binaural"):
        ask(tmp_path / "a.wav", "Where is it?", model="symbolic")


def test_by_rules_the_answer_comes_with_its_reasons():
    said = []
    reply = Conversation(noise(6.0), model="symbolic", heard=TWO).ask(WHERE_DOG, on_text=said.append)
    assert reply.text == said[0] == "left, front, above; 2m"
    assert (reply.model, reply.scene, reply.beside) == ("symbolic", TWO, None)
    assert reply.understood
    assert any("dog" in line for line in reply.why)


def test_the_answer_by_rules_stands_beside_that_of_the_model():
    conversation = Conversation(noise(6.0), model=Parrot(), heard=TWO)
    reply = conversation.ask(WHERE_DOG, beside="symbolic")
    assert (reply.model, reply.beside.model, reply.beside.text) == ("parrot", "symbolic", "left, front, above; 2m")
    unknown = conversation.ask("Hum de dum?", beside="symbolic")
    assert unknown.text
    assert unknown.beside.text == ""
    assert unknown.beside.why
    with pytest.raises(ParameterError, match="unknown answer beside 'both'"):
        conversation.ask(WHERE_DOG, beside="both")


@pytest.mark.parametrize(
    "question", ["When does the dog bark?", "How many sounds are there?", "What comes first, the dog or the rain?"]
)
def test_time_order_and_number_go_to_the_rules_and_the_reply_says_so(question):
    parrot = Parrot()
    reply = Conversation(noise(6.0), model=parrot, heard=TWO).ask(question)
    assert parrot.asked == []
    assert reply.model == "symbolic"
    assert "time, order, number" in reply.why[0]
    assert "by rules, not by parrot" in reply.why[0]


def test_follow_ups_are_answered_as_whole_questions():
    parrot = Parrot()
    conversation = Conversation(noise(6.0), model=parrot, heard=TWO)
    assert conversation.ask("Where is the dog?").whole is None
    followed = conversation.ask("And the rain?")
    assert "rain" in followed.whole
    assert parrot.asked[1][1] == [followed.whole]
    assert followed.question == "And the rain?"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("List the sound sources that come from the left, front, above.", "dog"),
        ("One of the sources is above your head. What is it?", "dog"),
        ("Is it true that the sound of the rain is more distant from you than the sound of the dog?", "Yes"),
        ("What sounds can you hear in this recording?", "dog; rain"),
    ],
)
def test_whole_questions_do_not_change_by_what_was_said_before(question, answer):
    talk = Conversation(noise(6.0), model="symbolic", heard=TWO)
    talk.ask("Is the sound of the dog to the left of the sound of the rain?")
    reply = talk.ask(question)
    assert (reply.text, reply.whole) == (answer, None)


def test_it_is_listened_to_once(monkeypatch):
    from auris.asking import conversation as module

    count = []
    monkeypatch.setattr(module, "hearing", lambda *a, **k: count.append(1) or _Hearing())
    talk = Conversation(noise(6.0), model="symbolic")
    talk.ask(WHERE_DOG)
    talk.ask("Is the sound of the dog closer to you than the sound of the rain?")
    assert count == [1]
    assert talk.heard().listener == "nano-binaural"


class _Hearing:
    labels, says_distance = ("dog", "rain"), True

    def scene(self):
        return TWO


def test_a_listener_without_distances_is_not_asked_for_them(monkeypatch):
    from auris.asking import conversation as module

    monkeypatch.setattr(_Hearing, "says_distance", False)
    monkeypatch.setattr(module, "hearing", lambda *a, **k: _Hearing())
    with pytest.raises(SceneError, match="directions only"):
        ask(noise(6.0), "How far is the sound of the dog from the sound of the rain?", model="symbolic")


def test_what_is_not_heard_is_said():
    with pytest.raises(SceneError, match="dog"):
        Conversation(noise(6.0), model="symbolic", heard=TWO).ask(
            "Where is the sound of the chainsaw coming from, and how far away is it?"
        )


@pytest.mark.parametrize("question", ["", "   ", "?", "..."])
def test_an_empty_question_is_refused_before_anything_is_loaded(question):
    with pytest.raises(ParameterError, match="question is empty"):
        ask("nowhere.wav", question)


def test_an_endless_question_is_refused():
    with pytest.raises(ParameterError, match="at most 1000"):
        checked_question("dog " * 300)


@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_silence_is_refused(level, tmp_path):
    silent = Audio(np.full((2, 16_000), level, np.float32), 16_000, "binaural")
    with pytest.raises(ParameterError, match="nothing is to be heard"):
        ask(silent, "Where is it?", model=Parrot())
    write_audio(tmp_path / "silent.wav", silent)
    with pytest.raises(ParameterError, match=r"silent\.wav \(1\.0 s\) is below -90 dB"):
        ask(tmp_path / "silent.wav", "Where is it?", model="symbolic")


def test_audio_without_samples_is_refused():
    with pytest.raises(ParameterError, match="has no samples"):
        ask(Audio(np.zeros((2, 0)), 16_000, "binaural"), "Where is it?", model="symbolic")


def test_numbers_that_are_none_are_refused(tmp_path):
    samples = np.asarray(noise(1.0).samples.T).copy()
    samples[100] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(FormatError, match="2 samples are NaN"):
        ask(tmp_path / "a.wav", "Where is it?", model=Parrot())


def test_a_model_refuses_another_layout_with_the_way_out(tmp_path):
    with pytest.raises(LayoutError, match="one channel says nothing of direction"):
        ask(noise(1.0, layout="mono"), "Where is it?", model=Parrot())
    write_audio(tmp_path / "mono.wav", noise(1.0, layout="mono"))
    with pytest.raises(LayoutError, match="needs binaural audio"):
        ask(tmp_path / "mono.wav", "Where is it?", model=Parrot())
    with pytest.raises(LayoutError, match="no listener ships for mono"):
        ask(tmp_path / "mono.wav", WHERE_DOG, model="symbolic")
    with pytest.raises(LayoutError, match="needs foa audio"):
        ask(noise(1.0), "Where is it?", model=Parrot(layout=ambisonics()))


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="no model called 'nano-batt'"):
        ask(noise(1.0), "Where is it?", model="nano-batt")
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        ask(noise(1.0), "Where is it?", model=tmp_path)
    with pytest.raises(FormatError, match="no such file"):
        ask(tmp_path / "a.wav", "Where is it?")


def test_no_language_model_for_ambisonics():
    assert Conversation(noise(1.0, layout="foa"), heard=TWO).model == "symbolic"


def test_the_command_line_of_asking_is_light():
    import subprocess

    code = "import sys, auris.cli.ask; print([m for m in sys.modules if m in ('numpy', 'torch', 'auris.asking')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
