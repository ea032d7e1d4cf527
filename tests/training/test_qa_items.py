"""Questions about recordings: of a made set, and with the hearing taken away."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import FormatError, ParameterError
from auris.io.audio_files import write_audio
from auris.io.spatial_qa_records import QaRecord, write_questions
from auris.training.qa_items import QaItem, made_items, shuffled, silenced


def items(*described):
    return tuple(
        QaItem(Path(audio), f"question {number}", answer, kind, number)
        for number, (audio, answer, kind) in enumerate(described)
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["Yes", "No"]), st.sampled_from(["DOA", "MIXUP_DIRECTION"])),
        min_size=2,
        max_size=30,
    ).filter(lambda rows: len({row[0] for row in rows}) > 1),
    st.integers(0, 5),
)
def test_nobody_keeps_a_recording_and_the_questions_stay(rows, seed):
    before = items(*rows)
    after = shuffled(before, seed=seed)
    assert [(each.question, each.answer, each.question_id) for each in after] == [
        (each.question, each.answer, each.question_id) for each in before
    ]
    assert all(new.audio != old.audio for new, old in zip(after, before, strict=True))
    assert after == shuffled(before, seed=seed) or [each.audio for each in after] == [
        each.audio for each in shuffled(before, seed=seed)
    ]


def test_every_recording_is_heard_as_often_as_before_in_every_type():
    before = items(*((f"clip{n // 2}", ("Yes", "No")[n % 2], ("DOA", "MIXUP_DIRECTION")[n % 2]) for n in range(200)))
    after = shuffled(before, seed=1)
    for kind in ("DOA", "MIXUP_DIRECTION"):
        counts = [Counter(each.audio for each in some if each.question_type == kind) for some in (before, after)]
        assert counts[0] == counts[1]


def test_recordings_with_another_answer_are_preferred():
    answers = ["left", "right", "front", "behind"]
    before = items(*((f"clip{n}", answers[n % 4], "MIXUP_NONBINARY_DIRECTION") for n in range(100)))
    truth = {each.audio: each.answer for each in before}
    assert all(truth[each.audio] != each.answer for each in shuffled(before))
    # Where most answers are the same, as few as possible meet their own.
    before = items(*((f"clip{n}", "left" if n < 70 else "right", "MIXUP_NONBINARY_DIRECTION") for n in range(100)))
    truth = {each.audio: each.answer for each in before}
    assert sum(truth[each.audio] == each.answer for each in shuffled(before)) == 40


def test_another_seed_is_another_order():
    before = items(*((f"clip{n}", "Yes", "DOA") for n in range(50)))
    assert [each.audio for each in shuffled(before, seed=0)] != [each.audio for each in shuffled(before, seed=1)]


def test_types_with_one_recording_borrow_from_others():
    before = items(("a", "Yes", "DOA"), ("a", "No", "DOA"), ("b", "Yes", "MIXUP_DIRECTION"))
    assert [each.audio.name for each in shuffled(before)] == ["b", "b", "a"]
    with pytest.raises(ParameterError, match="at least two"):
        shuffled(items(("a", "Yes", "DOA"), ("a", "No", "MIXUP_DIRECTION")))


class Deaf:
    name, sample_rate, clip_seconds, layout = "deaf", 8000, 2.0, ChannelLayout.parse("binaural")

    def answer(self, clips, questions, *, on_text=None):
        return ["" for _ in clips]


def test_silence_is_as_long_as_is_heard():
    some = silenced(items(("a", "Yes", "DOA"), ("b", "No", "DOA")), Deaf())
    audio = some[0].audio()
    assert (audio.layout.name, audio.sample_rate, audio.duration) == ("binaural", 8000, 2.0)
    assert not audio.samples.any()
    assert some[0].audio() is some[1].audio()  # heard once
    assert [each.answer for each in some] == ["Yes", "No"]


@pytest.fixture
def made(tmp_path):
    """Two scenes of a made set as they lie on disk."""
    for number, name in enumerate(("eval-0000001", "eval-0000000")):
        rows = [QaRecord("a", "r", None, None, 10 * number + k, "DOA", "Where?", "left, front, above; 1m") for k in range(2)]
        write_questions(tmp_path / "questions" / "eval" / f"{name}.json", rows)
        (tmp_path / "binaural" / "eval").mkdir(parents=True, exist_ok=True)
        tone = Audio(0.1 * np.ones((2, 800)), 8000, "binaural")
        write_audio(tmp_path / "binaural" / "eval" / f"{name}.{('flac', 'wav')[number]}", tone)
    return tmp_path


def test_a_made_set_is_read_in_the_order_of_its_scenes(made):
    for below in ("", "eval"):
        found = made_items(made / "questions" / below, made / "binaural" / below)
        assert [each.question_id for each in found] == [10, 11, 0, 1]
        assert [each.audio.name for each in found] == ["eval-0000000.wav"] * 2 + ["eval-0000001.flac"] * 2
    one = made_items(made / "questions" / "eval" / "eval-0000001.json", made / "binaural" / "eval")
    assert [each.question_id for each in one] == [0, 1]
    assert one[0].answered("left").prediction == "left"


def test_what_is_missing_is_named(made):
    with pytest.raises(FormatError, match="no such file or folder"):
        made_items(made / "nothing", made)
    with pytest.raises(FormatError, match="no such folder of recordings"):
        made_items(made / "questions", made / "nothing")
    with pytest.raises(FormatError, match=r"eval-0000000: no recording \(\.flac, \.wav, \.ogg\) for the questions of"):
        made_items(made / "questions", made)
    (made / "empty").mkdir()
    with pytest.raises(FormatError, match="holds no questions"):
        made_items(made / "empty", made / "binaural")
