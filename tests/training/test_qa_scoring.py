"""Models asked one question after another: in batches, with recordings read once, going on where a run stopped."""

import json

import numpy as np
import pytest

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import FormatError, LayoutError, ParameterError, SceneError
from auris.io.audio_files import write_audio
from auris.io.qa_predictions import read_predictions
from auris.metrics.question_answering import evaluate_answers, read_answer
from auris.models.answering import Answerer
from auris.training.qa_items import QaItem, shuffled, silenced
from auris.training.qa_scoring import SceneAnswerer, answered_questions, answered_to_file

SETTINGS = {"answered_by": "ears"}


class Ears:
    """Says which ear is louder; a real listener of very few words."""

    name, sample_rate, clip_seconds = "ears", 8000, 0.5
    layout = ChannelLayout.parse("binaural")

    def __init__(self, fails_after=None):
        self.asked, self.fails_after = [], fails_after

    def answer(self, clips, questions, *, on_text=None):
        self.asked.append([(id(clip), clip.duration, question) for clip, question in zip(clips, questions, strict=True)])
        if self.fails_after is not None and len(self.asked) > self.fails_after:
            raise KeyboardInterrupt
        levels = [np.abs(clip.samples).mean(axis=1) for clip in clips]
        return ["left" if left > right else "right" if right > left else "I hear nothing" for left, right in levels]


@pytest.fixture
def items(tmp_path):
    """Three questions about each of eight recordings of one second."""
    found = []
    for number in range(8):
        side = number % 2
        samples = np.zeros((2, 8000), np.float32)
        samples[side] = 0.1 * np.sin(np.arange(8000) * (0.1 + 0.05 * number))
        path = tmp_path / f"clip{number}.wav"
        write_audio(path, Audio(samples, 8000, "binaural"))
        for k in range(3):
            answer = ("left", "right")[side]
            found.append(QaItem(path, f"Which side? {k}", answer, "MIXUP_NONBINARY_DIRECTION", 10 * number + k))
    return tuple(found)


def accuracy(predictions):
    return evaluate_answers(predictions, resamplings=0).values()["E_nonbinary_direction"]


def test_a_fake_is_an_answerer():
    assert isinstance(Ears(), Answerer)


def test_answers_come_in_order_and_in_batches(items):
    ears, done = Ears(), []
    found = list(answered_questions(ears, items, batch=5, report=done.append))
    assert [each.question_id for each in found] == [item.question_id for item in items]
    assert accuracy(found) == 1
    assert [len(some) for some in ears.asked] == [5, 5, 5, 5, 4]
    assert done == [5, 10, 15, 20, 24]
    # A recording is read once for its questions, and cut to what is heard.
    first = ears.asked[0]
    assert len({clip for clip, _, _ in first[:3]}) == 1
    assert {duration for some in ears.asked for _, duration, _ in some} == {0.5}


def test_the_controls_take_the_hearing_away(items):
    ears = Ears()
    assert accuracy(answered_questions(ears, shuffled(items))) == 0  # every recording of another answer
    silent = list(answered_questions(ears, silenced(items, ears)))
    assert accuracy(silent) == 0
    assert {each.prediction for each in silent} == {"I hear nothing"}


def test_another_layout_is_refused(items, tmp_path):
    foa = tmp_path / "foa.wav"
    write_audio(foa, Audio(np.ones((4, 800)), 8000, "foa"))
    with pytest.raises(LayoutError):
        list(answered_questions(Ears(), [QaItem(foa, "?", "left", "MIXUP_NONBINARY_DIRECTION", 1)]))
    with pytest.raises(ParameterError, match="batch 0"):
        list(answered_questions(Ears(), items, batch=0))


def test_a_model_that_skips_a_question_is_noticed(items):
    class Forgetful(Ears):
        def answer(self, clips, questions, *, on_text=None):
            return ["left"]

    with pytest.raises(ParameterError, match="gave 1 answers to 8 questions"):
        list(answered_questions(Forgetful(), items))


def test_a_run_that_stopped_goes_on(items, tmp_path):
    file = tmp_path / "out" / "ears.jsonl"
    with pytest.raises(KeyboardInterrupt):
        answered_to_file(file, Ears(fails_after=2), items, settings=SETTINGS, batch=4)
    assert len(read_predictions(file)) == 8
    with file.open("a") as stream:
        stream.write('{"question_type": "DOA", "quest')  # the power went
    ears, done = Ears(), []
    whole = answered_to_file(file, ears, items, settings=SETTINGS, batch=4, report=done.append)
    assert len(ears.asked) == 4
    assert done == [8, 12, 16, 20, 24]
    assert whole == read_predictions(file) == tuple(answered_questions(Ears(), items))
    again = Ears()
    assert answered_to_file(file, again, items, settings=SETTINGS) == whole
    assert again.asked == []


def test_other_questions_or_settings_are_not_mixed(items, tmp_path):
    file = tmp_path / "ears.jsonl"
    answered_to_file(file, Ears(), items[:4], settings=SETTINGS)
    with pytest.raises(FormatError, match=r"ears\.jsonl:1: answers another question"):
        answered_to_file(file, Ears(), items[4:], settings=SETTINGS)
    with pytest.raises(FormatError, match=r":3: answers another question"):
        answered_to_file(file, Ears(), items[:2], settings=SETTINGS)
    with pytest.raises(FormatError, match=r"other settings \(ears\.settings\.json\)"):
        answered_to_file(file, Ears(), items, settings={"answered_by": "nose"})
    assert json.loads((tmp_path / "ears.settings.json").read_text()) == SETTINGS
    file.write_text("notes\n")
    with pytest.raises(FormatError, match=":1: cannot be read as JSON"):
        answered_to_file(file, Ears(), items, settings=SETTINGS)
    with pytest.raises(FormatError, match="cannot be read"):
        answered_to_file(tmp_path, Ears(), items, settings=SETTINGS)


def test_scenes_are_heard_once_and_what_is_not_answered_is_unreadable(items):
    heard = []

    def listen(audio):
        heard.append(audio)
        return audio.samples[:, :10].std()

    def rules(scene, question):
        if question.endswith("2"):
            raise SceneError("no dog is heard; heard is: left, right")
        return f"left: {scene >= 0}"

    answerer = SceneAnswerer(listen, rules, name="symbolic", layout=Ears.layout, sample_rate=8000, clip_seconds=3600.0)
    assert isinstance(answerer, Answerer)
    found = list(answered_questions(answerer, items, batch=4))
    assert len(heard) == 8
    assert heard[0].duration == 1.0
    assert [each.prediction for each in found[:3]] == [
        "left: True",
        "left: True",
        "(not answered: no dog is heard; heard is: left, right)",
    ]
    assert not read_answer(found[2].prediction, "MIXUP_NONBINARY_DIRECTION").readable
    said = []
    answerer.answer([heard[0]], ["Which side? 0"], on_text=said.append)
    assert said == ["left: True"]
