"""Questions of a data set as batches to train on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve
from tiny_bat import record, write_closed_end
from tiny_clips import write_audioset, write_rooms

from auris.channels import ambisonics, binaural, mono
from auris.errors import FormatError, ParameterError
from auris.io.spatial_qa_records import QaRecord, read_questions, write_questions
from auris.training.bat_data import RenderedQuestions, counts_by_type, held_out_questions, training_questions
from auris.training.bat_recipe import QuestionDataRecipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("questions")
    write_audioset(root / "audioset")
    write_rooms(root / "rooms")
    write_closed_end(root / "closed-end")
    return root


def data(folder: Path, **changes: object) -> QuestionDataRecipe:
    known = {"response_rate": 8000, "stage": "stage3-mixup", **changes}
    return QuestionDataRecipe(str(folder / "audioset"), str(folder / "rooms"), str(folder / "closed-end"), **known)  # type: ignore[arg-type]


def rendered(folder: Path, records: tuple[QaRecord, ...], **changes: object) -> RenderedQuestions:
    rate = 8000 if "response_rate" not in changes else 16_000
    changes = {"response_rate": 8000} if "response_rate" in changes else changes
    return RenderedQuestions(records, data(folder, **changes), layout=binaural(), sample_rate=rate, seconds=1.0)


def by_hand(folder: Path, asked: QaRecord) -> np.ndarray:
    heard = np.zeros((2, 8000))
    for audio, reverb in asked.sources:
        dry, _ = soundfile.read(folder / f"audioset/{audio}.wav")
        dry *= 10 ** (-14 / 20) / np.sqrt(np.mean(dry**2))
        wet = fftconvolve(dry[None], np.load(folder / "rooms/binaural" / reverb), axes=1)[:, :8000]
        heard[:, : wet.shape[1]] += wet / len(asked.sources)
    return heard


@pytest.mark.parametrize("kind", ["DOA", "MIXUP_DIRECTION"])
def test_what_is_heard_is_what_the_record_says(folder: Path, kind: str) -> None:
    asked = record("train", 2, kind)  # type: ignore[arg-type]
    found = rendered(folder, (asked,)).waveform(asked)
    np.testing.assert_allclose(found, by_hand(folder, asked), atol=2e-5)


def test_another_sample_rate_hears_the_same_as_loud(folder: Path) -> None:
    asked = record("train", 2, "DOA")
    found = rendered(folder, (asked,), response_rate=16_000).waveform(asked)
    assert found.shape == (2, 16_000)
    wanted = by_hand(folder, asked)
    assert np.sqrt(np.mean(found**2)) == pytest.approx(np.sqrt(np.mean(wanted**2)), rel=0.02)


def test_files_of_a_stage_are_found_whatever_they_are_called(folder: Path, tmp_path: Path) -> None:
    given = data(folder)
    assert dict(counts_by_type(training_questions(given))) == dict.fromkeys(
        ["CLASSIFICATION", "DOA", "MIXUP_SINGLE_DOA", "MIXUP_DIRECTION"], 8
    )
    held_out = held_out_questions(given, seed=1)  # no val.json: evaluations of this stage and those before
    assert dict(counts_by_type(held_out)) == dict.fromkeys(["CLASSIFICATION", "DOA", "MIXUP_SINGLE_DOA", "MIXUP_DIRECTION"], 4)
    assert held_out == held_out_questions(given, seed=1)
    few = held_out_questions(data(folder, validation_count=1), seed=1)
    assert len(few) == 4
    assert dict(counts_by_type(held_out_questions(data(folder, stage="stage1-clsdoa"), seed=1))) == {
        "CLASSIFICATION": 4,
        "DOA": 4,
    }
    named = held_out_questions(data(folder, validation=("eval-stage3-direction",)), seed=1)
    assert {asked.question_type for asked in named} == {"MIXUP_DIRECTION"}
    questions = read_questions(folder / "closed-end/stage1-clsdoa/eval-stage1-doa.json")
    write_questions(tmp_path / "own/train.jsonl", questions)
    write_questions(tmp_path / "own/val.json", questions[:2])
    own = QuestionDataRecipe(questions=str(tmp_path), stage="own")
    assert training_questions(own) == questions
    assert held_out_questions(own, seed=0) == questions[:2]


def test_missing_files_of_questions_say_what_there_is(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no trian\.json or trian\.jsonl but eval-stage3-direction\.json, train\.json"):
        training_questions(data(folder, train="trian"))
    (tmp_path / "closed-end" / "own").mkdir(parents=True)
    with pytest.raises(FormatError, match=r"name files in data\.validation"):
        held_out_questions(data(tmp_path, stage="own"), seed=0)


def test_questions_without_clips_stop_or_are_left_out_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    asked = tuple(record("train", number, "DOA") for number in (0, 1, 9))  # there are eight clips
    with pytest.raises(FormatError, match=r"1 of 3 questions .* clips/train9; set data\.audioset and data\.reverb"):
        rendered(folder, asked)
    assert len(rendered(folder, asked, unreadable="skip")) == 2
    assert "left out: 1 of 3 questions" in caplog.text
    with pytest.raises(FormatError, match="1 of 1 questions"):
        rendered(folder, asked[2:], unreadable="skip")


def test_damaged_clips_stop_or_another_question_is_asked(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_audioset(tmp_path / "audioset")
    (tmp_path / "audioset/clips/train0.wav").write_bytes(b"RIFF")
    write_rooms(tmp_path / "rooms")
    asked = tuple(record("train", number, "CLASSIFICATION") for number in (0, 1))
    with pytest.raises(FormatError, match=r"train0\.wav"):
        _ = rendered(tmp_path, asked)[[(0, 5)]]
    batch = rendered(tmp_path, asked, unreadable="skip")[[(0, 5), (0, 6)]]
    assert batch.answers == ("high", "high")  # of the other clip
    assert caplog.text.count("skipped: ") == 1  # once for each clip


def test_questions_cannot_lead_out_of_the_folders(folder: Path) -> None:
    outside = QaRecord("../secret", "trainroom/0.npy", None, None, 1, "DOA", "Where?", "left, front, below; 1m")
    with pytest.raises(FormatError, match="leads outside"):
        rendered(folder, (outside,))


def test_an_encoder_needs_responses_in_its_layout(folder: Path) -> None:
    asked = (record("train", 0, "DOA"),)
    with pytest.raises(FormatError, match="not there"):
        RenderedQuestions(asked, data(folder), layout=ambisonics(), sample_rate=8000, seconds=1.0)
    with pytest.raises(ParameterError, match="the encoder listens to mono"):
        RenderedQuestions(asked, data(folder), layout=mono(), sample_rate=8000, seconds=1.0)


def test_a_made_set_is_read(tmp_path: Path) -> None:
    from auris.data.made_sets.spatial_qa_settings import SharedRooms
    from auris.data.made_sets.spatial_sound_qa import SpatialSoundQaMaker, SpatialSoundQaSettings
    from auris.data.production.run import make_set
    from auris.data.sound_settings import BankSettings

    rooms = SharedRooms(places_per_room=4, places_per_listener=4, t60=(0.1, 0.2), heads=1)
    settings = SpatialSoundQaSettings(
        eval_share=0.5, classes=("bell", "dog"), clip_seconds=0.5, event_duration=(0.3, 0.5), sample_rate=8000, rooms=rooms,
        responses=("binaural",), rendered=(), scenes_per_room=8,
    )  # fmt: skip
    make_set(SpatialSoundQaMaker(settings, items=16, sounds=BankSettings(), seed=5), tmp_path)
    made = QuestionDataRecipe(
        str(tmp_path / "AudioSet"), str(tmp_path / "mp3d_reverb"), str(tmp_path / "closed-end"), response_rate=8000
    )
    for records in (training_questions(made), held_out_questions(made, seed=0)):
        questions = RenderedQuestions(records, made, layout=binaural(), sample_rate=8000, seconds=0.5)
        batch = questions[[(0, 0), (len(questions) - 1, 0)]]
        assert batch.waveforms is not None
        assert batch.waveforms.shape == (2, 2, 4000)
        assert float(batch.waveforms.abs().amax()) > 0
    assert json.loads((tmp_path / "closed-end/stage1-clsdoa/train.json").read_text())["data"]
